// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BlockFacts} from "../interfaces/ICheckpointReplay.sol";
import {Checkpoint} from "./codec/Checkpoints.sol";
import {HeaderCodec} from "./codec/HeaderCodec.sol";
import {ReceiptCodec} from "./codec/ReceiptCodec.sol";
import {SystemTransaction, SystemTransactionCodec} from "./codec/SystemTransactionCodec.sol";
import {TransactionFault} from "./codec/TransactionFields.sol";
import {Interpreter} from "./Interpreter.sol";
import {MessageReplay, Replay} from "./MessageReplay.sol";
import {ReplayState, ReplayStates} from "./ReplayState.sol";
import {ReplayRoom} from "./ReplayTypes.sol";
import {StateValues, ValueWords} from "./StateValues.sol";
import {SystemReplay} from "./SystemReplay.sol";

/// @notice What a transaction did.
/// @param isValid Whether it may stand in the block; where it may not, the rest is of no meaning.
/// @param cumulativeGasUsed Gas that the block has used after it.
/// @param receipt Its encoded receipt.
/// @param bloomHash keccak256 of the bloom of the block's logs up to it.
/// @param changes What became of the accounts: see {ValueWords-changesIn}.
struct Execution {
    bool isValid;
    uint256 cumulativeGasUsed;
    bytes receipt;
    bytes32 bloomHash;
    bytes changes;
}

/// @title ExecutionManager: a DAC's transaction, executed on L1
/// @notice The rules of packages/evm over values that are handed in: validity, fees, nonce, authorisations, tax, charter, system
/// transactions, receipts; messages run in the {Interpreter}. It knows no trie, and it is only as right as the values that
/// it is given: {CheckpointReplay} proves them. Writes nothing.
contract ExecutionManager is SystemReplay {
    using ReplayStates for ReplayState;

    /// @notice The bloom is not the one that the checkpoint commits to.
    /// @param hash What the checkpoint has.
    error WrongBloom(bytes32 hash);

    /// @notice The interpreter's self-test came out wrong.
    error SelfTestFailed();

    uint256 private constant BLOOM_LENGTH = 256;

    /// @param interpreter_ Runs messages. Refused where its dispatch does not work as it was compiled and deployed.
    constructor(Interpreter interpreter_) MessageReplay(interpreter_) {
        if (!interpreter_.selfTest()) revert SelfTestFailed();
    }

    /// @notice Executes a transaction on values. Reverts where there is no verdict: AccountNotGiven, SlotNotGiven, CodeNotGiven,
    /// WrongBloom, MintTooLarge, and what {Interpreter-replay} reverts with.
    /// @param facts Of the block.
    /// @param before The checkpoint before; its gas and bloom hash count.
    /// @param transaction The encoded transaction.
    /// @param values Values of the state; each account's slots together, in the order of the accounts.
    /// @param room Room for the interpreter.
    /// @param bloom The bloom of the block's logs before it; empty where there were none, or where it has no log.
    /// @return execution What it did.
    function execute(
        BlockFacts calldata facts,
        Checkpoint calldata before,
        bytes calldata transaction,
        StateValues calldata values,
        ReplayRoom calldata room,
        bytes calldata bloom
    ) external view returns (Execution memory execution) {
        Replay memory replay;
        replay.facts = facts;
        replay.room = room;
        replay.state.now_ = ValueWords.open(values);
        replay.state.made = new uint8[](replay.state.now_.accounts.length);
        if (!_execute(replay, transaction, before.cumulativeGasUsed)) return execution;
        execution.isValid = true;
        execution.cumulativeGasUsed = before.cumulativeGasUsed + replay.gasUsed;
        execution.changes = replay.state.changesOf(values.words);
        execution.bloomHash = before.bloomHash;
        _writeReceipt(execution, replay, transaction, bloom);
    }

    function _execute(Replay memory replay, bytes calldata transaction, uint256 gasBefore)
        private
        view
        returns (bool isValid)
    {
        if (_kindOf(transaction) != SYSTEM_KIND) {
            uint256 gasLeft = gasBefore < HeaderCodec.BLOCK_GAS ? HeaderCodec.BLOCK_GAS - gasBefore : 0;
            return _executeUser(replay, transaction, false, gasLeft);
        }
        (TransactionFault fault, SystemTransaction memory system) =
            SystemTransactionCodec.decode(transaction, replay.facts.chainId);
        if (fault != TransactionFault.None) return false;
        _executeSystem(replay, system);
        return true;
    }

    /// @dev The execution has its gas and the bloom hash before.
    function _writeReceipt(
        Execution memory execution,
        Replay memory replay,
        bytes calldata transaction,
        bytes calldata given
    ) private pure {
        bytes memory logs = replay.logs;
        bytes32[8] memory own = ReceiptCodec.bloomOf(logs);
        execution.receipt =
            ReceiptCodec.encode(_kindOf(transaction), replay.succeeded, execution.cumulativeGasUsed, own, logs);
        if (logs.length == 0) return;
        bytes32[8] memory all;
        if (execution.bloomHash != ReceiptCodec.hashOf(all)) {
            if (given.length != BLOOM_LENGTH || keccak256(given) != execution.bloomHash) {
                revert WrongBloom(execution.bloomHash);
            }
            assembly ("memory-safe") {
                calldatacopy(all, given.offset, BLOOM_LENGTH)
            }
        }
        ReceiptCodec.merge(all, own);
        execution.bloomHash = ReceiptCodec.hashOf(all);
    }
}
