// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SeatTree} from "../election/SeatTree.sol";

/// @notice What shows that a block's randomness is its sequencer's, and that its seats did its job: see {WorkEvidence}.
/// @param proof VRF proof of the sequencer, a point of 192 bytes.
/// @param result Hash of the job and of its outcomes; zero where there was no job.
/// @param signatures Points of 192 bytes, one for each seat that served, in their order.
struct Evidence {
    bytes proof;
    bytes32 result;
    bytes signatures;
}

/// @title Proofs about who did a block's job, which WorkVerifier judges
/// @notice A proof is the calldata of one of these functions: {IFraudVerifier-judge} takes it. No contract has them by themselves.
interface IWorkProofs {
    /// @notice A block's randomness.
    /// @param position The block's place in the batch, from 0.
    /// @param data The batch's data.
    /// @param evidence What the block commits to.
    /// @param key The sequencer's key, a point of 96 bytes; not looked at where the proof leads to another randomness, or the
    /// sequencer never registered.
    struct RandomnessProof {
        uint256 position;
        bytes data;
        Evidence evidence;
        bytes key;
    }

    /// @notice A seat of a block's job.
    /// @param position The block's place in the batch, from 0.
    /// @param served Number of the seat among those that served, from 0.
    /// @param data The batch's data.
    /// @param holder Who holds it; not looked at where there were no providers, as place and siblings.
    /// @param place Place of the holder.
    /// @param siblings Words beside its path, from the leaf up.
    struct SeatProof {
        uint256 position;
        uint256 served;
        bytes data;
        SeatTree.Seated holder;
        uint256 place;
        uint256[12] siblings;
    }

    /// @notice A result's signature.
    /// @param position The block's place in the batch, from 0.
    /// @param served Number of the seat among those that served, from 0; any where there are not as many signatures.
    /// @param data The batch's data.
    /// @param evidence What the block commits to.
    /// @param key Key of the provider that the block names, a point of 96 bytes; not looked at where there are not as many signatures.
    struct SignatureProof {
        uint256 position;
        uint256 served;
        bytes data;
        Evidence evidence;
        bytes key;
    }

    /// @notice A block's randomness is not what its sequencer drew.
    /// @param proof Which.
    /// @return isFraud Whether it is wrong.
    /// @return place What the proof is about.
    function randomness(RandomnessProof calldata proof) external view returns (bool isFraud, uint256 place);

    /// @notice A block names somebody who does not hold the seat.
    /// @param proof Which.
    /// @return isFraud Whether it is wrong.
    /// @return place What the proof is about.
    function seat(SeatProof calldata proof) external view returns (bool isFraud, uint256 place);

    /// @notice A provider that a block names did not sign its result.
    /// @param proof Which.
    /// @return isFraud Whether it is wrong.
    /// @return place What the proof is about.
    function signature(SignatureProof calldata proof) external view returns (bool isFraud, uint256 place);
}
