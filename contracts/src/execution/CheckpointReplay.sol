// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BlockFacts, ICheckpointReplay} from "../interfaces/ICheckpointReplay.sol";
import {Predeploys} from "../l2/Predeploys.sol";
import {CodeWitness} from "../proofs/CodeWitness.sol";
import {IndexTries} from "../proofs/IndexTries.sol";
import {Rlp} from "../proofs/Rlp.sol";
import {StateWitness} from "../proofs/StateWitness.sol";
import {WitnessNodes} from "../proofs/WitnessNodes.sol";
import {Checkpoint} from "./codec/Checkpoints.sol";
import {Execution, ExecutionManager} from "./ExecutionManager.sol";
import {ReplayRoom} from "./ReplayTypes.sol";
import {StateValues, ValueWords} from "./StateValues.sol";

/// @notice What a replay needs of the state, as evidence.
/// @param nodes Trie nodes, one after another ({WitnessNodes}): of the state, its storages, the tries of transactions and receipts.
/// @param keys What the transaction reads: for each account its address, two bytes for the number of its slots, then each slot
/// as a byte for its length and its bytes without leading zeros.
/// @param codes Codes that stand on no contract of L1, each once.
/// @param holders Contracts of L1 that have the code of a contract of the DAC, one for each code.
/// @param hashes Numbers of blocks whose hashes the transaction asks for.
/// @param bloom The bloom of the block's logs before; empty where there were none, or where the transaction has no log.
/// @param slotBits See {ReplayRoom}.
/// @param heapBytes See {ReplayRoom}.
struct Evidence {
    bytes nodes;
    bytes keys;
    bytes[] codes;
    address[] holders;
    uint64[] hashes;
    bytes bloom;
    uint8 slotBits;
    uint256 heapBytes;
}

/// @title CheckpointReplay: from a checkpoint to the next one
/// @notice Proves what a transaction reads, has it executed, and makes the roots after it. What lacks in the evidence is an
/// error, and so is what nothing needed: neither is a verdict.
contract CheckpointReplay is ICheckpointReplay {
    /// @notice The keys end within one.
    error MalformedKeys();
    /// @notice A block's hash is asked for that no code of this block can see.
    /// @param number The block.
    error HashOutOfReach(uint256 number);

    /// @dev Blocks whose hashes BLOCKHASH gives.
    uint256 private constant VISIBLE_HASHES = 256;
    uint256 private constant ADDRESS_BYTES = 20;
    uint256 private constant COUNT_BYTES = 2;

    /// @notice Executes on proven values.
    ExecutionManager public immutable manager;

    /// @param manager_ Executes on proven values.
    constructor(ExecutionManager manager_) {
        manager = manager_;
    }

    /// @inheritdoc ICheckpointReplay
    function replay(
        BlockFacts calldata facts,
        uint256 index,
        Checkpoint calldata before,
        bytes calldata transaction,
        bytes calldata evidence
    ) external view returns (bool isValid, Checkpoint memory afterwards) {
        Evidence calldata given = _evidenceIn(evidence);
        WitnessNodes.Table memory table = WitnessNodes.open(given.nodes);
        (Execution memory execution, StateWitness.AccountChange[] memory changes) =
            _execute(table, facts, before, transaction, given);
        if (execution.isValid) {
            isValid = true;
            afterwards.index = index;
            afterwards.stateRoot = StateWitness.rootAfter(table, before.stateRoot, changes);
            afterwards.cumulativeGasUsed = execution.cumulativeGasUsed;
            afterwards.receiptHash = keccak256(execution.receipt);
            afterwards.transactionsRoot = IndexTries.append(table, before.transactionsRoot, index, transaction);
            afterwards.receiptsRoot = IndexTries.append(table, before.receiptsRoot, index, execution.receipt);
            afterwards.bloomHash = execution.bloomHash;
        }
        WitnessNodes.close(table);
    }

    /// @inheritdoc ICheckpointReplay
    /// @dev The tries come last: what a proof needs least often is what its evidence is longest by.
    function differs(
        BlockFacts calldata facts,
        Checkpoint calldata before,
        bytes calldata transaction,
        bytes calldata evidence,
        Checkpoint calldata claimed
    ) external view returns (bool isWrong) {
        Evidence calldata given = _evidenceIn(evidence);
        WitnessNodes.Table memory table = WitnessNodes.open(given.nodes);
        (Execution memory execution, StateWitness.AccountChange[] memory changes) =
            _execute(table, facts, before, transaction, given);
        isWrong = !execution.isValid || execution.cumulativeGasUsed != claimed.cumulativeGasUsed
            || keccak256(execution.receipt) != claimed.receiptHash || execution.bloomHash != claimed.bloomHash
            || StateWitness.rootAfter(table, before.stateRoot, changes) != claimed.stateRoot
            || IndexTries.append(table, before.transactionsRoot, claimed.index, transaction) != claimed.transactionsRoot
            || IndexTries.append(table, before.receiptsRoot, claimed.index, execution.receipt) != claimed.receiptsRoot;
        WitnessNodes.close(table);
    }

    /// @dev A struct with dynamic parts stands behind the offset to it.
    function _evidenceIn(bytes calldata evidence) private pure returns (Evidence calldata given) {
        assembly ("memory-safe") {
            given := add(evidence.offset, 32)
        }
    }

    function _execute(
        WitnessNodes.Table memory table,
        BlockFacts calldata facts,
        Checkpoint calldata before,
        bytes calldata transaction,
        Evidence calldata given
    ) private view returns (Execution memory execution, StateWitness.AccountChange[] memory changes) {
        StateValues memory values;
        bytes32[] memory storageRoots;
        (values, storageRoots) = _read(table, before.stateRoot, given);
        _readHashes(values.words, table, before.stateRoot, facts, given.hashes);
        ReplayRoom memory room = _roomFor(storageRoots.length, given);
        execution = manager.execute(facts, before, transaction, values, room, given.bloom);
        if (execution.isValid) changes = ValueWords.changesIn(execution.changes, values.words, storageRoots);
    }

    /// @dev Places are chosen by the block's randomness, so that nobody who makes a state can crowd one of a later proof.
    function _roomFor(uint256 accounts, Evidence calldata given) private view returns (ReplayRoom memory) {
        // As many again for accounts that are warm from the start.
        uint256 bits = 256 - _clz(2 * accounts + 64);
        return ReplayRoom(uint8(bits), given.slotBits, given.heapBytes, block.prevrandao | 1);
    }

    function _clz(uint256 value) private pure returns (uint256 zeros) {
        assembly ("memory-safe") {
            zeros := clz(value)
        }
    }

    function _read(WitnessNodes.Table memory table, bytes32 stateRoot, Evidence calldata given)
        private
        view
        returns (StateValues memory values, bytes32[] memory storageRoots)
    {
        (uint256 place, uint256 end) = Rlp.range(given.keys);
        {
            (uint256 accounts, uint256 count) = _countsOf(place, end);
            values.words = ValueWords.room(accounts, count, given.hashes.length);
            storageRoots = new bytes32[](accounts);
        }
        CodeWitness.Codes memory codes = CodeWitness.open(given.codes, given.holders);
        uint256 slots = 0;
        for (uint256 i = 0; i < storageRoots.length; i++) {
            (address who, uint256 left, uint256 next) = _accountAt(place);
            storageRoots[i] = _readAccount(table, stateRoot, values.words, i, who, codes);
            for (; left != 0; left--) {
                uint256 slot;
                (slot, next) = _slotAt(next);
                _readSlot(table, storageRoots[i], values.words, slots++, who, slot);
            }
            place = next;
        }
        CodeWitness.close(codes);
        values.codes = ValueWords.closeCodes(values.words);
    }

    function _readSlot(
        WitnessNodes.Table memory table,
        bytes32 storageRoot,
        bytes memory words,
        uint256 index,
        address who,
        uint256 slot
    ) private pure {
        ValueWords.setSlot(words, index, who, slot, StateWitness.slotOf(table, storageRoot, bytes32(slot)));
    }

    /// @dev Gives the root of the account's storage.
    function _readAccount(
        WitnessNodes.Table memory table,
        bytes32 stateRoot,
        bytes memory words,
        uint256 index,
        address who,
        CodeWitness.Codes memory codes
    ) private pure returns (bytes32) {
        StateWitness.Account memory account = StateWitness.accountOf(table, stateRoot, who);
        address holder;
        bytes memory code;
        if (account.exists) (holder, code) = CodeWitness.find(codes, account.codeHash);
        ValueWords.setAccount(words, index, who, account, holder, code);
        return account.storageRoot;
    }

    /// @dev How many accounts and slots keys name that stand from a place of calldata on. Reverts with MalformedKeys where they do
    /// not end where they have to: the others that read them need not look any more.
    function _countsOf(uint256 place, uint256 end) private pure returns (uint256 accounts, uint256 slots) {
        unchecked {
            for (; place < end; accounts++) {
                uint256 count;
                (, count, place) = _accountAt(place);
                if (place > end) revert MalformedKeys();
                slots += count;
                for (; count != 0; count--) {
                    (, uint256 next) = _slotAt(place);
                    if (next > end || next - place > 33) revert MalformedKeys();
                    place = next;
                }
            }
        }
    }

    /// @dev An account's address, the number of its slots, and where these begin.
    function _accountAt(uint256 place) private pure returns (address who, uint256 count, uint256 next) {
        unchecked {
            who = address(uint160(Rlp.load(place) >> 96));
            count = Rlp.load(place + ADDRESS_BYTES) >> 240;
            next = place + ADDRESS_BYTES + COUNT_BYTES;
        }
    }

    function _slotAt(uint256 place) private pure returns (uint256 slot, uint256 next) {
        unchecked {
            uint256 length = Rlp.load(place) >> 248;
            slot = Rlp.load(place + 1) >> (256 - 8 * length);
            next = place + 1 + length;
        }
    }

    /// @dev Hashes of blocks, by the history that each block's context keeps in the state.
    function _readHashes(
        bytes memory words,
        WitnessNodes.Table memory table,
        bytes32 stateRoot,
        BlockFacts calldata facts,
        uint64[] calldata numbers
    ) private pure {
        bytes32 history;
        for (uint256 i = 0; i < numbers.length; i++) {
            uint256 number = numbers[i];
            if (number >= facts.number || number + VISIBLE_HASHES < facts.number) revert HashOutOfReach(number);
            bytes32 hash = facts.parentHash;
            if (number + 1 != facts.number) {
                if (history == 0) {
                    history = StateWitness.accountOf(table, stateRoot, Predeploys.BLOCK_HASH_HISTORY).storageRoot;
                }
                hash = bytes32(StateWitness.slotOf(table, history, bytes32(number % Predeploys.BLOCK_HASHES)));
            }
            ValueWords.setHash(words, i, number, hash);
        }
    }
}
