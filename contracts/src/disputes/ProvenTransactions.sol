// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Checkpoint, Checkpoints} from "../execution/codec/Checkpoints.sol";
import {Header, HeaderCodec} from "../execution/codec/HeaderCodec.sol";
import {BlockFacts} from "../interfaces/ICheckpointReplay.sol";
import {BatchHeader} from "../interfaces/IRollupChain.sol";
import {ProvenBlocks} from "./ProvenBlocks.sol";

/// @notice Where a transaction stands, and what stands before it.
/// @param position Place of its block in the batch, from 0.
/// @param index Its place in the block, from 0.
/// @param count Number of transactions of the block, as the batch says it.
/// @param header RLP of the block's header.
/// @param before abi.encode(Checkpoint) of the checkpoint before it; for the first transaction RLP of the parent's header.
/// @param siblings Of the block's hash in blocksRoot, of the transaction's hash in the block's root, of the block's word in
/// transactionsRoot, of the two checkpoints under extraData as {MerkleTree-pairRootOf} takes them (for the first
/// transaction, of the one).
struct TransactionPlace {
    uint256 position;
    uint256 index;
    uint256 count;
    bytes header;
    bytes before;
    bytes32[] siblings;
}

/// @title Transactions of a batch between their checkpoints
/// @notice The parent is any header that has the hash that the block's own names; whether it names the right one is F3's.
library ProvenTransactions {
    /// @notice The checkpoint is another transaction's.
    error WrongCheckpoint(uint256 index);
    /// @notice The header is not that of the block before.
    error WrongParent(bytes32 parentHash);

    /// @dev Reverts unless a batch has a transaction at a place, with a checkpoint after it; both by their hashes.
    /// @return header The block's.
    /// @return before The checkpoint before it.
    function requireAt(BatchHeader calldata batch, TransactionPlace calldata place, bytes32 transaction, bytes32 leaf)
        internal
        pure
        returns (Header memory header, Checkpoint memory before)
    {
        header = HeaderCodec.headerOf(place.header);
        bytes32[] calldata siblings = place.siblings;
        uint256 used = ProvenBlocks.requireBlock(batch, header.hash, place.position, siblings, 0);
        used = _requireTransaction(batch, place, transaction, used);
        if (place.index == 0) {
            used = ProvenBlocks.requireLeaf(header.checkpointsRoot, leaf, 0, place.count, siblings, used);
            before = Checkpoints.beforeFirst(_parentOf(place.before, header.parentHash).stateRoot);
        } else {
            before = abi.decode(place.before, (Checkpoint));
            if (before.index != place.index - 1) revert WrongCheckpoint(before.index);
            bytes32[2] memory leaves = [Checkpoints.leafOf(before), leaf];
            used = ProvenBlocks.requirePair(header.checkpointsRoot, leaves, place.index, place.count, siblings, used);
        }
        ProvenBlocks.requireAllUsed(siblings, used);
    }

    /// @dev What a transaction's replay needs of its block.
    function factsOf(uint256 chainId, Header memory header) internal pure returns (BlockFacts memory) {
        return BlockFacts(
            chainId, header.number, header.timestamp, header.baseFeePerGas, header.prevRandao, header.parentHash
        );
    }

    /// @dev The path of the transaction comes before that of its block, which needs the root that the first one leads to.
    function _requireTransaction(
        BatchHeader calldata batch,
        TransactionPlace calldata place,
        bytes32 transaction,
        uint256 used
    ) private pure returns (uint256 end) {
        bytes32 root;
        (root, end) = ProvenBlocks.rootOf(transaction, place.index, place.count, place.siblings, used);
        return ProvenBlocks.requireTransactions(batch, place.position, place.count, root, place.siblings, end);
    }

    function _parentOf(bytes calldata parent, bytes32 parentHash) private pure returns (Header memory header) {
        if (keccak256(parent) != parentHash) revert WrongParent(parentHash);
        return HeaderCodec.headerOf(parent);
    }
}
