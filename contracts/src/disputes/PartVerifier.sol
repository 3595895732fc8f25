// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BatchHeaders} from "../BatchHeaders.sol";
import {Checkpoints} from "../execution/codec/Checkpoints.sol";
import {SliceReplay} from "../execution/slices/SliceReplay.sol";
import {StepReplay} from "../execution/slices/StepReplay.sol";
import {IFraudVerifier} from "../interfaces/IFraudVerifier.sol";
import {IPartLists, PartList} from "../interfaces/IPartLists.sol";
import {IPartProofs} from "../interfaces/IPartProofs.sol";
import {BatchHeader} from "../interfaces/IRollupChain.sol";
import {PartItems} from "./PartItems.sol";
import {ProofKinds} from "./ProofKinds.sol";
import {ProvenBlocks} from "./ProvenBlocks.sol";
import {Verdicts} from "./Verdicts.sol";

/// @title Judge of a transaction's parts
/// @notice F1 for a transaction that one L1 transaction cannot replay: a part of it does not lead from one commitment that was
/// shown to the next. Proofs are those of {IPartProofs}.
contract PartVerifier is IFraudVerifier {
    /// @notice Where commitments are shown; may be deployed later, at this address.
    IPartLists public immutable lists;
    /// @notice Replays slices.
    SliceReplay public immutable slices;
    /// @notice Replays steps.
    StepReplay public immutable steps;

    /// @notice No commitments were shown between which there is one part.
    error NotShown(uint256 item);
    /// @notice The replay starts from another commitment.
    error WrongStart(bytes32 shown, bytes32 replayed);
    /// @notice The checkpoint is the one that the commitments have to end with.
    error LastCommitment(uint256 place);

    /// @param lists_ Where commitments are shown.
    /// @param slices_ Replays slices.
    /// @param steps_ Replays steps.
    constructor(IPartLists lists_, SliceReplay slices_, StepReplay steps_) {
        (lists, slices, steps) = (lists_, slices_, steps_);
    }

    /// @inheritdoc IFraudVerifier
    function judge(BatchHeader calldata batch, bytes calldata proof)
        external
        view
        returns (bool isFraud, uint256 place)
    {
        (bytes4 kind, uint256 fields) = ProofKinds.open(proof);
        IPartProofs.PartProof calldata part;
        IPartProofs.LeafProof calldata leaf;
        assembly ("memory-safe") {
            part := fields
            leaf := fields
        }
        if (kind == IPartProofs.slice.selector) {
            return _judgePart(batch, part, address(slices), SliceReplay.replay.selector);
        }
        if (kind == IPartProofs.step.selector) {
            return _judgePart(batch, part, address(steps), StepReplay.replay.selector);
        }
        if (kind == IPartProofs.end.selector) return _judgeEnd(batch, leaf);
        revert ProofKinds.UnknownKind(kind);
    }

    function _judgePart(BatchHeader calldata batch, IPartProofs.PartProof calldata proof, address replayer, bytes4 call)
        private
        view
        returns (bool isFraud, uint256 place)
    {
        PartList memory list = _listOf(batch, proof.item);
        (bytes32 before, bytes32 afterwards) = (proof.commitments[0], proof.commitments[1]);
        uint256 used =
            ProvenBlocks.requirePair(list.root, proof.commitments, proof.place + 1, list.parts + 1, proof.siblings, 0);
        ProvenBlocks.requireAllUsed(proof.siblings, used);
        Verdicts.requireAnswer(replayer, bytes.concat(call, proof.replay), 64);
        bytes32[2] memory replayed;
        assembly ("memory-safe") {
            returndatacopy(replayed, 0, 64)
        }
        if (replayed[0] != before) revert WrongStart(before, replayed[0]);
        return (replayed[1] != afterwards, _placeOf(batch, proof.item));
    }

    function _judgeEnd(BatchHeader calldata batch, IPartProofs.LeafProof calldata proof)
        private
        view
        returns (bool isFraud, uint256 place)
    {
        PartList memory list = _listOf(batch, proof.item);
        if (proof.place == list.parts) revert LastCommitment(proof.place);
        bytes32 leaf = Checkpoints.leafOf(proof.checkpoint);
        uint256 used = ProvenBlocks.requireLeaf(list.root, leaf, proof.place, list.parts + 1, proof.siblings, 0);
        ProvenBlocks.requireAllUsed(proof.siblings, used);
        return (true, _placeOf(batch, proof.item));
    }

    /// @dev The commitments that were shown of a batch, one after each part.
    function _listOf(BatchHeader calldata batch, uint256 item) private view returns (PartList memory list) {
        list = lists.partsOf(BatchHeaders.hashOf(batch), item);
        if (list.every != 1) revert NotShown(item);
    }

    function _placeOf(BatchHeader calldata batch, uint256 item) private pure returns (uint256) {
        (uint256 position, uint256 index) = PartItems.placeOf(item);
        return (batch.firstBlock + position) << 16 | index;
    }
}
