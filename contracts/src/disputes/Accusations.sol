// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BatchHeaders} from "../BatchHeaders.sol";
import {BatchHeader, BatchProof} from "../interfaces/IRollupChain.sol";
import {IRollupVerdicts} from "../interfaces/IRollupVerdicts.sol";
import {AccuserBonds} from "./AccuserBonds.sol";

/// @notice A batch that is accused.
/// @param header The batch.
/// @param posting Where L1 recorded it.
/// @param previous The batch before it; nothing where it is the chain's first, or final.
struct AccusedBatch {
    BatchHeader header;
    BatchProof posting;
    BatchHeader[] previous;
}

/// @notice What a proof was about.
enum Fraud {
    Execution,
    HeaderForm,
    HeaderParent,
    HeaderCheckpoint,
    HeaderWithdrawals,
    Equivocation,
    Derivation,
    Slice,
    Context,
    Closing,
    Work
}

/// @title Accusations: how a proof ends
/// @notice A proof shows what was committed, and what it had to be. Where they differ the batch is convicted; where they do not
/// the accuser pays. Whatever does not show either reverts: it is no verdict.
abstract contract Accusations is AccuserBonds {
    /// @notice Whose batches are accused.
    IRollupVerdicts public immutable rollup;

    /// @notice A fraud was proven.
    event FraudProven(
        address indexed prover, uint256 indexed chainId, bytes32 indexed batchHash, Fraud fraud, uint256 place
    );
    /// @notice What was called a fraud is none.
    event FraudRefuted(
        address indexed accuser, uint256 indexed chainId, bytes32 indexed batchHash, Fraud fraud, uint256 place
    );

    /// @notice The header of the batch before is needed.
    error PreviousBatchMissing();

    /// @param rollup_ Whose batches are accused.
    constructor(IRollupVerdicts rollup_) {
        rollup = rollup_;
    }

    /// @dev Ends a proof about a batch: where all further kinds of proofs end, too. Reverts unless the batch stands and is in time.
    /// @param place What the proof was about, for the events: number of the block << 16 | place of the transaction.
    function _end(AccusedBatch calldata batch, Fraud fraud, uint256 place, bool isFraud) internal {
        BatchHeader calldata header = batch.header;
        if (isFraud) {
            emit FraudProven(msg.sender, header.chainId, BatchHeaders.hashOf(header), fraud, place);
            // where none is handed in none is needed, or RollupChain says that this is not it
            BatchHeader calldata previous = batch.previous.length == 0 ? header : batch.previous[0];
            rollup.convict(header, batch.posting, previous, msg.sender);
        } else {
            bytes32 batchHash = rollup.requireConvictable(header, batch.posting);
            emit FraudRefuted(msg.sender, header.chainId, batchHash, fraud, place);
            _strike(header.poster);
        }
    }
}
