// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BlockFacts} from "../../interfaces/ICheckpointReplay.sol";
import {Predeploys} from "../../l2/Predeploys.sol";
import {WitnessNodes} from "../../proofs/WitnessNodes.sol";
import {Checkpoint} from "../codec/Checkpoints.sol";
import {HeaderCodec} from "../codec/HeaderCodec.sol";
import {ReplayEnvironment} from "../ReplayTypes.sol";
import {Roots, SliceStates, StateWords} from "./SliceStates.sol";

/// @notice What the start and the end of a transaction keep, beside the environment of its message (decision 041).
/// @param transaction keccak256 of its bytes.
/// @param index Its position in the block.
/// @param gasBefore Gas that the block has used before it.
/// @param transactionsRoot Of the checkpoint before.
/// @param receiptsRoot Of the checkpoint before; once the receipt is filed, the root with it.
/// @param bloomHash Of the checkpoint before; once there is a receipt, with its logs.
/// @param parentHash Hash of the block's parent.
/// @param kind Its type, 0 for a legacy one. From here on all is 0 before it is checked.
/// @param billing What its gas is for: BILLED, COUNTED or FREE.
/// @param gasLimit Gas of it in all.
/// @param gas Gas of its message.
/// @param floor Least gas that it uses in the end.
/// @param l1Fee Wei for its bytes on L1.
/// @param tax Wei on its value.
/// @param undo Roots to which a message that fails goes back, its tax included.
/// @param calls Calls that come after the present one.
/// @param succeeded 1 unless something failed so far.
/// @param gasUsed By it, in the end.
/// @param receiptHash Of its encoded receipt.
struct CaseWords {
    bytes32 transaction;
    uint256 index;
    uint256 gasBefore;
    bytes32 transactionsRoot;
    bytes32 receiptsRoot;
    bytes32 bloomHash;
    bytes32 parentHash;
    uint256 kind;
    uint256 billing;
    uint256 gasLimit;
    uint256 gas;
    uint256 floor;
    uint256 l1Fee;
    uint256 tax;
    Roots undo;
    uint256 calls;
    uint256 succeeded;
    uint256 gasUsed;
    bytes32 receiptHash;
}

/// @notice What a message's first frame has of its own.
/// @param flags As a frame's.
/// @param inputRoot Of its call data as a memory; they are all of it.
struct FirstFrame {
    address caller;
    address account;
    uint256 value;
    bytes32 codeHash;
    uint256 flags;
    uint256 gas;
    bytes32 inputRoot;
    uint256 inputLength;
}

/// @notice What a step comes to, but for roots.
/// @param kind Of the state afterwards; StepStates.INVALID: the transaction may not stand in the block.
/// @param cursor Of a list's state: the number of its next item.
/// @param refund The refund counter.
/// @param status How a message ended that did so without running.
/// @param gasLeft Gas that it left.
/// @param first Of a message that runs.
struct StepOutcome {
    uint256 kind;
    uint256 cursor;
    int256 refund;
    uint256 status;
    uint256 gasLeft;
    ReplayEnvironment environment;
    CaseWords words;
    FirstFrame first;
}

/// @title StepStates: states of a transaction around its messages, and their commitments (decision 041)
library StepStates {
    /// @dev Kinds beside those of SliceStates, in the order in which they follow each other.
    uint256 internal constant CHECKING = 4;
    uint256 internal constant MINTING = 5;
    uint256 internal constant LISTING = 6;
    uint256 internal constant CALLING = 7;
    uint256 internal constant CLEARING = 8;
    uint256 internal constant RECEIVING = 9;
    uint256 internal constant FILING_RECEIPT = 10;
    uint256 internal constant FILING_TRANSACTION = 11;
    /// @dev No state: the transaction may not stand in the block.
    uint256 internal constant INVALID = 0;

    /// @dev Gas that the sender pays; that counts in the block alone; that nobody counts.
    uint256 internal constant BILLED = 0;
    uint256 internal constant COUNTED = 1;
    uint256 internal constant FREE = 2;

    /// @dev Words of the structs, as the ABI has them.
    uint256 internal constant ENVIRONMENT_WORDS = 10;
    uint256 internal constant CASE_WORDS = 20;

    /// @notice The commitment from which a transaction starts.
    /// @param facts Of its block.
    /// @param index Its position in the block.
    /// @param before The checkpoint before; for index 0 {Checkpoints-beforeFirst} of the parent's state root.
    /// @param transaction keccak256 of its bytes.
    /// @return The commitment.
    function firstOf(BlockFacts memory facts, uint256 index, Checkpoint memory before, bytes32 transaction)
        internal
        pure
        returns (bytes32)
    {
        CaseWords memory words;
        (words.transaction, words.index, words.gasBefore) = (transaction, index, before.cumulativeGasUsed);
        (words.transactionsRoot, words.receiptsRoot) = (before.transactionsRoot, before.receiptsRoot);
        (words.bloomHash, words.parentHash) = (before.bloomHash, facts.parentHash);
        ReplayEnvironment memory environment;
        (environment.timestamp, environment.number) = (facts.timestamp, facts.number);
        (environment.baseFee, environment.gasLimit) = (facts.baseFee, HeaderCodec.BLOCK_GAS);
        (environment.prevRandao, environment.chainId) = (facts.prevRandao, facts.chainId);
        environment.coinbase = Predeploys.EXECUTION_MANAGER;
        StateWords memory state;
        (state.kind, state.surroundings) = (CHECKING, surroundingsOf(environment, words));
        state.roots = Roots(before.stateRoot, WitnessNodes.EMPTY_ROOT);
        return SliceStates.hashOf(state);
    }

    /// @notice What surrounds a message, hashed.
    function surroundingsOf(ReplayEnvironment memory environment, CaseWords memory words)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(environment, keccak256(abi.encode(words))));
    }
}
