// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BlockFacts, ICheckpointReplay} from "../interfaces/ICheckpointReplay.sol";
import {Checkpoint, Checkpoints} from "../execution/codec/Checkpoints.sol";
import {Header} from "../execution/codec/HeaderCodec.sol";
import {Accusations, AccusedBatch, Fraud} from "./Accusations.sol";
import {ProvenTransactions, TransactionPlace} from "./ProvenTransactions.sol";
import {Verdicts} from "./Verdicts.sol";

/// @title F1: a transaction does not lead from the checkpoint before it to the committed one
/// @notice L1 replays it. A transaction that may not stand in the block is the same case.
abstract contract ExecutionProofs is Accusations {
    /// @notice Which transaction, and what it is to be replayed with.
    /// @param place Where it stands.
    /// @param claimed What is committed of the checkpoint after it: its hash, or abi.encode(Checkpoint) where that is known, for
    /// then the replay ends with what shows that it is wrong.
    /// @param transaction The encoded transaction.
    /// @param evidence Witness of the replay.
    struct ExecutionProof {
        TransactionPlace place;
        bytes claimed;
        bytes transaction;
        bytes evidence;
    }

    uint256 private constant CHECKPOINT_BYTES = 7 * 32;

    /// @notice Replays transactions.
    ICheckpointReplay public immutable replayer;

    /// @notice What is claimed is neither a hash nor a checkpoint.
    error MalformedClaim(uint256 length);

    /// @param replayer_ Replays transactions.
    constructor(ICheckpointReplay replayer_) {
        replayer = replayer_;
    }

    /// @notice Proves that a transaction leads to another checkpoint than the committed one, or may not stand in its block. The
    /// caller has committed to this call, and has a bond, which goes to the poster if the replay comes to what is committed.
    /// @param batch The batch.
    /// @param proof The transaction.
    function proveExecution(AccusedBatch calldata batch, ExecutionProof calldata proof) external accusing {
        bytes32 leaf = _leafOf(proof.claimed);
        (Header memory header, Checkpoint memory before) =
            ProvenTransactions.requireAt(batch.header, proof.place, keccak256(proof.transaction), leaf);
        BlockFacts memory facts = ProvenTransactions.factsOf(batch.header.chainId, header);
        _end(batch, Fraud.Execution, header.number << 16 | proof.place.index, _isFraud(facts, proof, before));
    }

    function _leafOf(bytes calldata claimed) private pure returns (bytes32) {
        if (claimed.length == 32) return bytes32(claimed);
        if (claimed.length != CHECKPOINT_BYTES) revert MalformedClaim(claimed.length);
        return keccak256(claimed);
    }

    function _isFraud(BlockFacts memory facts, ExecutionProof calldata proof, Checkpoint memory before)
        private
        view
        returns (bool)
    {
        uint256 index = proof.place.index;
        if (proof.claimed.length != 32) {
            Checkpoint memory claimed = abi.decode(proof.claimed, (Checkpoint));
            // whatever the transaction does, its checkpoint has its index
            if (claimed.index != index) return true;
            bytes memory question =
                abi.encodeCall(replayer.differs, (facts, before, proof.transaction, proof.evidence, claimed));
            return Verdicts.ask(address(replayer), question, 32);
        }
        bytes memory input = abi.encodeCall(replayer.replay, (facts, index, before, proof.transaction, proof.evidence));
        if (!Verdicts.ask(address(replayer), input, 32 + CHECKPOINT_BYTES)) return true;
        Checkpoint memory afterwards;
        assembly ("memory-safe") {
            returndatacopy(afterwards, 32, CHECKPOINT_BYTES)
        }
        return Checkpoints.leafOf(afterwards) != bytes32(proof.claimed);
    }
}
