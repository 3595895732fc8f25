// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BatchHeaders} from "../BatchHeaders.sol";
import {IPostedWork} from "../interfaces/IPostedWork.sol";
import {BatchHeader, BatchProof} from "../interfaces/IRollupChain.sol";
import {Evidence} from "../interfaces/IWorkProofs.sol";
import {Asks} from "./Asks.sol";
import {WorkEvidence} from "./work/WorkEvidence.sol";

/// @title F6: what shows who did a block's job
/// @notice Batches have its hash in their data, for each block. Who asks shows the data, so that an answer is short.
abstract contract EvidenceAnswers is Asks {
    /// @notice Reads what batches say of who did their blocks' jobs.
    IPostedWork public immutable work;

    /// @dev Hashes of the evidence that was asked for.
    mapping(bytes32 batchHash => mapping(uint256 position => bytes32)) private _evidence;

    /// @notice The evidence is not what the block commits to.
    error WrongEvidence(bytes32 expected, bytes32 given);

    /// @param work_ Reads what batches say of who did their blocks' jobs.
    constructor(IPostedWork work_) {
        work = work_;
    }

    /// @notice Asks for a block's evidence, as {ask} does for other items. Of a batch in a blob somebody has opened its range before.
    /// @param batch The batch.
    /// @param posting Where L1 recorded it.
    /// @param position Place of the block in the batch, from 0.
    /// @param data The batch's data.
    /// @param maxPrice Most that the caller would pay, wei of MT.
    function askEvidence(
        BatchHeader calldata batch,
        BatchProof calldata posting,
        uint256 position,
        bytes calldata data,
        uint256 maxPrice
    ) external {
        _evidence[BatchHeaders.hashOf(batch)][position] = work.evidenceOf(batch, position, data);
        _ask(batch, posting, itemOf(Kind.Evidence, position), maxPrice);
    }

    /// @notice Shows a block's evidence.
    /// @param batch The batch.
    /// @param position Place of the block in the batch, from 0.
    /// @param evidence The evidence.
    function answerEvidence(BatchHeader calldata batch, uint256 position, Evidence calldata evidence) external inInput {
        bytes32 expected = _evidence[BatchHeaders.hashOf(batch)][position];
        bytes32 given = WorkEvidence.hashOf(evidence);
        if (given != expected) revert WrongEvidence(expected, given);
        _answered(batch, itemOf(Kind.Evidence, position));
    }
}
