// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BlockFacts, ICheckpointReplay} from "../interfaces/ICheckpointReplay.sol";
import {Predeploys} from "../l2/Predeploys.sol";
import {CodeWitness} from "../proofs/CodeWitness.sol";
import {IndexTries} from "../proofs/IndexTries.sol";
import {StateWitness} from "../proofs/StateWitness.sol";
import {WitnessNodes} from "../proofs/WitnessNodes.sol";
import {Checkpoint} from "./codec/Checkpoints.sol";
import {Execution, ExecutionManager} from "./ExecutionManager.sol";
import {NumberedHash, PreAccount, PreSlot, PreState, ReplayRoom} from "./ReplayTypes.sol";

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
        Execution memory execution = _execute(table, facts, before, transaction, given);
        if (execution.isValid) {
            isValid = true;
            afterwards.index = index;
            afterwards.stateRoot = StateWitness.rootAfter(table, before.stateRoot, execution.changes);
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
        Execution memory execution = _execute(table, facts, before, transaction, given);
        isWrong = !execution.isValid || execution.cumulativeGasUsed != claimed.cumulativeGasUsed
            || keccak256(execution.receipt) != claimed.receiptHash || execution.bloomHash != claimed.bloomHash
            || StateWitness.rootAfter(table, before.stateRoot, execution.changes) != claimed.stateRoot
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
    ) private view returns (Execution memory execution) {
        (PreState memory state, bytes32[] memory storageRoots) = _read(table, before.stateRoot, given);
        state.blockHashes = _hashesOf(table, before.stateRoot, facts, given.hashes);
        execution = manager.execute(facts, before, transaction, state, _roomFor(state, given), given.bloom);
        _nameStorages(execution.changes, state.accounts, storageRoots);
    }

    /// @dev Changes come in the order of the accounts.
    function _nameStorages(
        StateWitness.AccountChange[] memory changes,
        PreAccount[] memory accounts,
        bytes32[] memory storageRoots
    ) private pure {
        uint256 at = 0;
        for (uint256 i = 0; i < changes.length; i++) {
            while (accounts[at].account != changes[i].account) at++;
            changes[i].storageRoot = storageRoots[at];
        }
    }

    /// @dev Places are chosen by the block's randomness, so that nobody who makes a state can crowd one of a later proof.
    function _roomFor(PreState memory state, Evidence calldata given) private view returns (ReplayRoom memory) {
        // As many again for accounts that are warm from the start.
        uint256 bits = 256 - _clz(2 * state.accounts.length + 64);
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
        returns (PreState memory state, bytes32[] memory storageRoots)
    {
        CodeWitness.Codes memory codes = CodeWitness.open(given.codes, given.holders);
        bytes calldata keys = given.keys;
        (uint256 accounts, uint256 slots) = _countsOf(keys);
        state.accounts = new PreAccount[](accounts);
        state.slots = new PreSlot[](slots);
        storageRoots = new bytes32[](accounts);
        slots = 0;
        uint256 place = 0;
        for (uint256 i = 0; i < accounts; i++) {
            address who = address(bytes20(keys[place:place + ADDRESS_BYTES]));
            storageRoots[i] = _readAccount(table, stateRoot, state.accounts[i], who, codes);
            place += ADDRESS_BYTES + COUNT_BYTES;
            for (uint256 left = _countAt(keys, place); left != 0; left--) {
                state.slots[slots].account = who;
                place = _readSlot(table, storageRoots[i], state.slots[slots++], keys, place);
            }
        }
        CodeWitness.close(codes);
    }

    function _readSlot(
        WitnessNodes.Table memory table,
        bytes32 storageRoot,
        PreSlot memory slot,
        bytes calldata keys,
        uint256 place
    ) private pure returns (uint256 next) {
        (slot.slot, next) = _slotAt(keys, place);
        slot.value = StateWitness.slotOf(table, storageRoot, bytes32(slot.slot));
        slot.original = slot.value;
    }

    /// @dev Gives the root of the account's storage.
    function _readAccount(
        WitnessNodes.Table memory table,
        bytes32 stateRoot,
        PreAccount memory known,
        address who,
        CodeWitness.Codes memory codes
    ) private pure returns (bytes32) {
        StateWitness.Account memory account = StateWitness.accountOf(table, stateRoot, who);
        known.account = who;
        known.exists = account.exists;
        known.nonce = account.nonce;
        known.balance = account.balance;
        known.codeHash = account.codeHash;
        known.hasStorage = account.storageRoot != WitnessNodes.EMPTY_ROOT;
        if (account.exists) (known.codeSource, known.code) = CodeWitness.find(codes, account.codeHash);
        return account.storageRoot;
    }

    /// @dev How many accounts and slots keys name. Reverts with MalformedKeys.
    function _countsOf(bytes calldata keys) private pure returns (uint256 accounts, uint256 slots) {
        for (uint256 place = 0; place < keys.length; accounts++) {
            place += ADDRESS_BYTES + COUNT_BYTES;
            if (place > keys.length) revert MalformedKeys();
            uint256 count = _countAt(keys, place);
            slots += count;
            for (; count != 0; count--) {
                (, place) = _slotAt(keys, place);
            }
        }
    }

    /// @dev Number of slots, which ends at a place.
    function _countAt(bytes calldata keys, uint256 place) private pure returns (uint256) {
        return uint16(bytes2(keys[place - COUNT_BYTES:place]));
    }

    function _slotAt(bytes calldata keys, uint256 place) private pure returns (uint256 slot, uint256 next) {
        if (place >= keys.length) revert MalformedKeys();
        uint256 length = uint8(keys[place]);
        next = place + 1 + length;
        if (length > 32 || next > keys.length) revert MalformedKeys();
        if (length != 0) slot = uint256(bytes32(keys[place + 1:next])) >> (256 - 8 * length);
    }

    /// @dev Hashes of blocks, by the history that each block's context keeps in the state.
    function _hashesOf(
        WitnessNodes.Table memory table,
        bytes32 stateRoot,
        BlockFacts calldata facts,
        uint64[] calldata numbers
    ) private pure returns (NumberedHash[] memory hashes) {
        hashes = new NumberedHash[](numbers.length);
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
            hashes[i] = NumberedHash(number, hash);
        }
    }
}
