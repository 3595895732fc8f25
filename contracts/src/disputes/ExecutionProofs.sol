// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BatchHeader} from "../interfaces/IRollupChain.sol";
import {BlockFacts, ICheckpointReplay} from "../interfaces/ICheckpointReplay.sol";
import {Checkpoint, Checkpoints} from "../execution/codec/Checkpoints.sol";
import {Header} from "../execution/codec/HeaderCodec.sol";
import {Accusations, AccusedBatch, Fraud} from "./Accusations.sol";
import {ProvenBlocks} from "./ProvenBlocks.sol";
import {Verdicts} from "./Verdicts.sol";

/// @title F1: a transaction does not lead from the checkpoint before it to the committed one
/// @notice L1 replays it. A transaction that may not stand in the block is the same case.
abstract contract ExecutionProofs is Accusations {
    /// @notice Which transaction, and what it is to be replayed with.
    /// @param position Place of its block in the batch, from 0.
    /// @param index Its place in the block, from 0.
    /// @param count Number of transactions of the block, as the batch says it.
    /// @param claimed What is committed of the checkpoint after it: its hash, or abi.encode(Checkpoint) where that is known, for
    /// then the replay ends with what shows that it is wrong.
    /// @param header RLP of the block's header.
    /// @param transaction The encoded transaction.
    /// @param before abi.encode(Checkpoint) of the checkpoint before it; for the first transaction RLP of the parent's header.
    /// @param siblings Of the block's hash in blocksRoot, of the transaction's hash in the block's root, of the block's word in
    /// transactionsRoot, of the two checkpoints under extraData as {MerkleTree-pairRootOf} takes them (for the first
    /// transaction, of the one).
    /// @param evidence Witness of the replay.
    struct ExecutionProof {
        uint256 position;
        uint256 index;
        uint256 count;
        bytes claimed;
        bytes header;
        bytes transaction;
        bytes before;
        bytes32[] siblings;
        bytes evidence;
    }

    uint256 private constant CHECKPOINT_BYTES = 7 * 32;

    /// @notice Replays transactions.
    ICheckpointReplay public immutable replayer;

    /// @notice The checkpoint is another transaction's.
    error WrongCheckpoint(uint256 index);
    /// @notice What is claimed is neither a hash nor a checkpoint.
    error MalformedClaim(uint256 length);
    /// @notice The header is not that of the block before.
    error WrongParent(bytes32 parentHash);

    /// @param replayer_ Replays transactions.
    constructor(ICheckpointReplay replayer_) {
        replayer = replayer_;
    }

    /// @notice Proves that a transaction leads to another checkpoint than the committed one, or may not stand in its block. The
    /// caller has committed to this call, and has a bond, which goes to the poster if the replay comes to what is committed.
    /// @param batch The batch.
    /// @param proof The transaction.
    function proveExecution(AccusedBatch calldata batch, ExecutionProof calldata proof) external accusing {
        Header memory header = _headerOf(proof.header);
        Checkpoint memory before = _proven(batch.header, proof, header);
        bool isFraud = _isFraud(batch.header.chainId, header, proof, before);
        _end(batch, Fraud.Execution, header.number << 16 | proof.index, isFraud);
    }

    /// @dev Proves all that the proof says; gives the checkpoint before the transaction.
    function _proven(BatchHeader calldata batch, ExecutionProof calldata proof, Header memory header)
        private
        pure
        returns (Checkpoint memory before)
    {
        bytes32[] calldata siblings = proof.siblings;
        bytes32 leaf = _leafOf(proof.claimed);
        uint256 used = ProvenBlocks.requireBlock(batch, header.hash, proof.position, siblings, 0);
        used = _requireTransaction(batch, proof, used);
        if (proof.index == 0) {
            used = ProvenBlocks.requireLeaf(header.checkpointsRoot, leaf, 0, proof.count, siblings, used);
            before = Checkpoints.beforeFirst(_parentOf(proof.before, header.parentHash).stateRoot);
        } else {
            before = abi.decode(proof.before, (Checkpoint));
            if (before.index != proof.index - 1) revert WrongCheckpoint(before.index);
            bytes32[2] memory leaves = [Checkpoints.leafOf(before), leaf];
            used = ProvenBlocks.requirePair(header.checkpointsRoot, leaves, proof.index, proof.count, siblings, used);
        }
        ProvenBlocks.requireAllUsed(siblings, used);
    }

    /// @dev The path of the transaction comes before that of its block, which needs the root that the first one leads to.
    function _requireTransaction(BatchHeader calldata batch, ExecutionProof calldata proof, uint256 used)
        private
        pure
        returns (uint256 end)
    {
        bytes32 root;
        (root, end) = ProvenBlocks.rootOf(keccak256(proof.transaction), proof.index, proof.count, proof.siblings, used);
        return ProvenBlocks.requireTransactions(batch, proof.position, proof.count, root, proof.siblings, end);
    }

    function _parentOf(bytes calldata parent, bytes32 parentHash) private pure returns (Header memory header) {
        if (keccak256(parent) != parentHash) revert WrongParent(parentHash);
        return _headerOf(parent);
    }

    function _leafOf(bytes calldata claimed) private pure returns (bytes32) {
        if (claimed.length == 32) return bytes32(claimed);
        if (claimed.length != CHECKPOINT_BYTES) revert MalformedClaim(claimed.length);
        return keccak256(claimed);
    }

    function _isFraud(uint256 chainId, Header memory header, ExecutionProof calldata proof, Checkpoint memory before)
        private
        view
        returns (bool)
    {
        BlockFacts memory facts = BlockFacts(
            chainId, header.number, header.timestamp, header.baseFeePerGas, header.prevRandao, header.parentHash
        );
        if (proof.claimed.length != 32) {
            Checkpoint memory claimed = abi.decode(proof.claimed, (Checkpoint));
            // whatever the transaction does, its checkpoint has its index
            if (claimed.index != proof.index) return true;
            bytes memory question =
                abi.encodeCall(replayer.differs, (facts, before, proof.transaction, proof.evidence, claimed));
            return Verdicts.ask(address(replayer), question, 32);
        }
        bytes memory input =
            abi.encodeCall(replayer.replay, (facts, proof.index, before, proof.transaction, proof.evidence));
        if (!Verdicts.ask(address(replayer), input, 32 + CHECKPOINT_BYTES)) return true;
        Checkpoint memory afterwards;
        assembly ("memory-safe") {
            returndatacopy(afterwards, 32, CHECKPOINT_BYTES)
        }
        return Checkpoints.leafOf(afterwards) != bytes32(proof.claimed);
    }
}
