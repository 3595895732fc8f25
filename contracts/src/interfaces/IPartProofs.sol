// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Checkpoint} from "../execution/codec/Checkpoints.sol";

/// @title Proofs about the parts of a transaction, which PartVerifier judges
/// @notice A proof is the calldata of one of these functions: {IFraudVerifier-judge} takes it. No contract has them by themselves.
interface IPartProofs {
    /// @notice A part that leads from a commitment to another one than the next.
    /// @param item What the commitments were the answer to, see PartItems.
    /// @param place Number of the commitment before the part, from 0.
    /// @param commitments The one before it, and the one after.
    /// @param siblings Of the two, as {MerkleTree-pairRootOf} takes them.
    /// @param replay ABI encoding of what SliceReplay, or StepReplay, takes.
    struct PartProof {
        uint256 item;
        uint256 place;
        bytes32[2] commitments;
        bytes32[] siblings;
        bytes replay;
    }

    /// @notice A commitment that is a checkpoint's leaf, so that nothing can follow it.
    /// @param item What the commitments were the answer to, see PartItems.
    /// @param place Its number, from 0.
    /// @param checkpoint The checkpoint.
    /// @param siblings Of the commitment.
    struct LeafProof {
        uint256 item;
        uint256 place;
        Checkpoint checkpoint;
        bytes32[] siblings;
    }

    /// @notice A slice of a message, which SliceReplay replays.
    /// @param proof The part.
    /// @return isFraud Whether it is wrong.
    /// @return place What the proof is about.
    function slice(PartProof calldata proof) external view returns (bool isFraud, uint256 place);

    /// @notice A step around the messages, which StepReplay replays.
    /// @param proof The part.
    /// @return isFraud Whether it is wrong.
    /// @return place What the proof is about.
    function step(PartProof calldata proof) external view returns (bool isFraud, uint256 place);

    /// @notice There are parts behind the transaction's end.
    /// @param proof The commitment.
    /// @return isFraud Whether it is wrong.
    /// @return place What the proof is about.
    function end(LeafProof calldata proof) external view returns (bool isFraud, uint256 place);
}
