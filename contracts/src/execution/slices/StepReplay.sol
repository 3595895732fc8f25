// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BlockFacts} from "../../interfaces/ICheckpointReplay.sol";
import {ISliceInterpreter} from "../../interfaces/ISliceInterpreter.sol";
import {IndexTries} from "../../proofs/IndexTries.sol";
import {Rlp} from "../../proofs/Rlp.sol";
import {WitnessNodes} from "../../proofs/WitnessNodes.sol";
import {Checkpoint, Checkpoints} from "../codec/Checkpoints.sol";
import {ReceiptCodec} from "../codec/ReceiptCodec.sol";
import {SUCCEEDED} from "../FrameLayout.sol";
import {ReplayEnvironment} from "../ReplayTypes.sol";
import {PageProofs} from "./PageProofs.sol";
import {EndWords, FrameWords, Marks, Roots, SliceStates, StateWords, View} from "./SliceStates.sol";
import {SliceTries, TriesProof} from "./SliceTries.sol";
import {CaseWords, FirstFrame, StepOutcome, StepStates} from "./StepStates.sol";

/// @notice What a step is replayed from.
/// @param kind Of the state before: one of StepStates, or SliceStates.ENDED.
/// @param cursor The number of a list's next item; 0 where there is none.
/// @param end The end of a message; looked at in a state that has ended.
/// @param input The transaction; of accounts that go their names, the last ones of their chain; the logs; the receipt.
/// @param extra Of accounts that go the hash chain below them, in a word; the bloom before where there are logs on both sides;
/// the nodes of the trie that a receipt or a transaction is filed in.
/// @param tries What the step meets of the tries; nothing from the receipt on.
struct StepProof {
    uint256 kind;
    uint256 cursor;
    ReplayEnvironment environment;
    CaseWords words;
    Roots roots;
    Marks marks;
    EndWords end;
    bytes input;
    bytes extra;
    TriesProof tries;
}

/// @title StepReplay: a step around a transaction's messages, from a commitment to the next one
/// @notice What {SliceReplay} is to a message: says what follows from a proof; whether the first commitment is the right one
/// is the caller's to compare. The last step's second commitment is the leaf of the checkpoint after the transaction (decision 041).
contract StepReplay {
    using SliceStates for StateWords;
    using SliceStates for EndWords;
    using SliceStates for FrameWords;

    /// @notice What is handed in is not what the case names: a transaction, a receipt.
    error WrongInput();
    /// @notice The accounts are not those that go, or too few at once.
    error WrongAccounts();
    /// @notice The logs are not those of the transaction.
    error WrongLogs();
    /// @notice The bloom is not the one that the checkpoint before commits to.
    error WrongBloom();

    /// @dev What is told of a transaction that may not stand in its block: no commitment.
    bytes32 public constant INVALID = 0;

    /// @dev Accounts that go in one step: what is left of 112,000 bytes for the vault and each of them.
    uint256 private constant CLEARED_AT_ONCE = 13;
    uint256 private constant ADDRESS_BYTES = 20;
    uint256 private constant BLOOM_LENGTH = 256;
    uint256 private constant HEADER_WORDS = 34;
    uint256 private constant ANSWER_WORDS = 28;

    /// @notice What opens the tries, for StepInterpreter.
    SliceTries public immutable TRIES;

    constructor(SliceTries tries) {
        TRIES = tries;
    }

    /// @notice The commitment from which a transaction starts.
    /// @param facts Of its block.
    /// @param index Its position in the block.
    /// @param before The checkpoint before; for index 0 {Checkpoints-beforeFirst} of the parent's state root.
    /// @param transaction keccak256 of its bytes.
    /// @return The commitment.
    function firstOf(BlockFacts calldata facts, uint256 index, Checkpoint calldata before, bytes32 transaction)
        external
        pure
        returns (bytes32)
    {
        return StepStates.firstOf(facts, index, before, transaction);
    }

    /// @notice Replays a step. Reverts where the proof is not whole, or has too many nodes or codes.
    /// @param proof What it is replayed from.
    /// @return before The commitment to the state from which the proof starts.
    /// @return afterwards The commitment to the state after it; INVALID; of the last step the checkpoint's leaf.
    function replay(StepProof calldata proof) external view returns (bytes32 before, bytes32 afterwards) {
        before = _hashBefore(proof);
        uint256 kind = proof.kind;
        if (kind == StepStates.FILING_TRANSACTION) return (before, _leaf(proof));
        StateWords memory state;
        (state.roots, state.marks) = (proof.roots, proof.marks);
        CaseWords memory words = proof.words;
        ReplayEnvironment memory environment = proof.environment;
        if (kind == StepStates.RECEIVING) {
            _receive(words, proof);
            state.kind = StepStates.FILING_RECEIPT;
        } else if (kind == StepStates.FILING_RECEIPT) {
            if (keccak256(proof.input) != words.receiptHash) revert WrongInput();
            words.receiptsRoot = _filed(words.receiptsRoot, words.index, proof);
            state.kind = StepStates.FILING_TRANSACTION;
        } else {
            StepOutcome memory outcome = _run(state, proof);
            if (outcome.kind == StepStates.INVALID) return (before, INVALID);
            (words, environment) = (outcome.words, outcome.environment);
            _goOn(state, outcome, kind == StepStates.CALLING ? proof.roots : words.undo);
        }
        state.surroundings = StepStates.surroundingsOf(environment, words);
        afterwards = state.hashOf();
    }

    function _hashBefore(StepProof calldata proof) private pure returns (bytes32) {
        StateWords memory state;
        (state.kind, state.surroundings) = (proof.kind, StepStates.surroundingsOf(proof.environment, proof.words));
        (state.roots, state.marks) = (proof.roots, proof.marks);
        if (proof.kind == SliceStates.ENDED) {
            EndWords memory end = proof.end;
            state.tail = end.hashOf();
        } else {
            state.tail = bytes32(proof.cursor);
        }
        return state.hashOf();
    }

    /// @dev Has the step run over the tries; the state gets its roots.
    function _run(StateWords memory state, StepProof calldata proof) private view returns (StepOutcome memory) {
        uint256 kind = proof.kind;
        if (kind == StepStates.CLEARING) _requireLast(state.marks, proof);
        else if (kind != SliceStates.ENDED && keccak256(proof.input) != proof.words.transaction) revert WrongInput();
        // What a message that failed has changed is taken back, its tax with it.
        if (kind == SliceStates.ENDED && proof.end.status != SUCCEEDED) state.roots = proof.words.undo;
        uint256[] memory header = new uint256[](HEADER_WORDS - 25);
        (header[3], header[4]) = (proof.tries.accounts.length, proof.tries.slots.length);
        bytes memory head = abi.encodePacked(
            ISliceInterpreter.run.selector,
            abi.encode(proof.environment, kind, proof.cursor, proof.words),
            abi.encode(proof.end.status, proof.end.gasLeft, proof.marks.refund),
            header
        );
        bytes memory answer;
        (answer, state.roots,) = TRIES.run(proof.tries, state.roots, head, "", proof.input);
        uint256 place = 32 * (ANSWER_WORDS + 5 * proof.tries.accounts.length + 4 * proof.tries.slots.length);
        return _outcomeIn(answer, place);
    }

    /// @dev The outcome, which stands behind an answer's words.
    function _outcomeIn(bytes memory answer, uint256 place) private pure returns (StepOutcome memory) {
        assembly ("memory-safe") {
            let length := sub(mload(answer), place)
            answer := add(answer, place)
            mstore(answer, length)
        }
        return abi.decode(answer, (StepOutcome));
    }

    function _goOn(StateWords memory state, StepOutcome memory outcome, Roots memory undo) private pure {
        state.kind = outcome.kind;
        state.marks.refund = outcome.refund;
        outcome.words.undo = undo;
        if (state.kind == StepStates.LISTING) state.tail = bytes32(outcome.cursor);
        else if (state.kind == StepStates.RECEIVING && state.marks.destroyed != 0) state.kind = StepStates.CLEARING;
        else if (state.kind == SliceStates.RUNNING) state.tail = _frame(state, outcome.first).hashOf();
        if (state.kind != SliceStates.ENDED) return;
        EndWords memory end;
        (end.status, end.gasLeft) = (outcome.status, outcome.gasLeft);
        state.tail = end.hashOf();
    }

    /// @dev The frame that begins.
    function _frame(StateWords memory state, FirstFrame memory first) private pure returns (FrameWords memory frame) {
        (frame.caller, frame.account, frame.value) = (first.caller, first.account, first.value);
        (frame.codeHash, frame.flags, frame.gas) = (first.codeHash, first.flags, first.gas);
        frame.memoryRoot = PageProofs.zeroHashes()[PageProofs.LEVELS];
        frame.input = View(first.inputRoot, first.inputLength, 0, first.inputLength);
        (frame.before, frame.marks) = (state.roots, state.marks);
    }

    /// @dev Takes the accounts that go from the end of their chain: as many as may go at once, or all that are left.
    function _requireLast(Marks memory marks, StepProof calldata proof) private pure {
        bytes32 below = bytes32(proof.extra);
        bytes calldata names = proof.input;
        uint256 count = names.length / ADDRESS_BYTES;
        bytes32 chain = below;
        for (uint256 i = 0; i < count; i++) {
            chain = SliceStates.link(chain, address(bytes20(names[ADDRESS_BYTES * i:ADDRESS_BYTES * (i + 1)])));
        }
        bool isWhole = names.length == ADDRESS_BYTES * count && count != 0;
        bool isMost = count == CLEARED_AT_ONCE || (count < CLEARED_AT_ONCE && below == 0);
        if (!isWhole || !isMost || chain != marks.destroyed) revert WrongAccounts();
        marks.destroyed = below;
    }

    /// @dev The receipt, and the bloom with its logs.
    function _receive(CaseWords memory words, StepProof calldata proof) private pure {
        bytes calldata logs = proof.input;
        bytes32 chain;
        (uint256 place, uint256 end) = Rlp.range(logs);
        while (place != end) {
            (bool isList,, uint256 next) = Rlp.item(place, end);
            if (!isList || next == 0) revert WrongLogs();
            bytes32 log;
            assembly ("memory-safe") {
                let data := mload(0x40)
                calldatacopy(data, place, sub(next, place))
                log := keccak256(data, sub(next, place))
            }
            chain = keccak256(abi.encode(chain, log));
            place = next;
        }
        if (chain != proof.marks.logs) revert WrongLogs();
        bytes32[8] memory own = ReceiptCodec.bloomOf(logs);
        uint256 cumulativeGasUsed = words.gasBefore + words.gasUsed;
        words.receiptHash =
            keccak256(ReceiptCodec.encode(words.kind, words.succeeded == 1, cumulativeGasUsed, own, logs));
        if (logs.length != 0) words.bloomHash = _merged(words.bloomHash, own, proof.extra);
    }

    function _merged(bytes32 hash, bytes32[8] memory own, bytes calldata given) private pure returns (bytes32) {
        bytes32[8] memory all;
        if (hash != ReceiptCodec.hashOf(all)) {
            if (given.length != BLOOM_LENGTH || keccak256(given) != hash) revert WrongBloom();
            assembly ("memory-safe") {
                calldatacopy(all, given.offset, BLOOM_LENGTH)
            }
        }
        ReceiptCodec.merge(all, own);
        return ReceiptCodec.hashOf(all);
    }

    /// @dev Root of a trie with the input.
    function _filed(bytes32 root, uint256 index, StepProof calldata proof) private view returns (bytes32 afterwards) {
        WitnessNodes.Table memory table = WitnessNodes.open(proof.extra);
        afterwards = IndexTries.append(table, root, index, proof.input);
        WitnessNodes.close(table);
    }

    function _leaf(StepProof calldata proof) private view returns (bytes32) {
        CaseWords calldata words = proof.words;
        if (keccak256(proof.input) != words.transaction) revert WrongInput();
        return Checkpoints.leafOf(
            Checkpoint({
                index: words.index,
                stateRoot: proof.roots.world,
                cumulativeGasUsed: words.gasBefore + words.gasUsed,
                receiptHash: words.receiptHash,
                transactionsRoot: _filed(words.transactionsRoot, words.index, proof),
                receiptsRoot: words.receiptsRoot,
                bloomHash: words.bloomHash
            })
        );
    }
}
