// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MerkleTree} from "../../proofs/MerkleTree.sol";
import {MerkleTrie} from "../../proofs/MerkleTrie.sol";

/// @notice The state of a block after one of its transactions.
/// @param index Position of the transaction in its block.
/// @param stateRoot Root of the accounts.
/// @param cumulativeGasUsed Gas that the block has used.
/// @param receiptHash keccak256 of the transaction's encoded receipt.
/// @param transactionsRoot Root of the transactions trie over 0 to `index`.
/// @param receiptsRoot Root of the receipts trie over 0 to `index`.
/// @param bloomHash keccak256 of the bloom over 0 to `index`.
struct Checkpoint {
    uint256 index;
    bytes32 stateRoot;
    uint256 cumulativeGasUsed;
    bytes32 receiptHash;
    bytes32 transactionsRoot;
    bytes32 receiptsRoot;
    bytes32 bloomHash;
}

/// @title Checkpoints: what a header's extraData commits to
/// @notice As packages/protocol/src/checkpoints.ts: the leaves of a binary tree, whose count the block's context states.
library Checkpoints {
    /// @dev keccak256 of 256 zero bytes.
    bytes32 private constant EMPTY_BLOOM_HASH = 0xd397b3b043d87fcd6fad1291ff0bfd16401c274896d8c63a923727f077b8e0b5;

    /// @notice The leaf of a checkpoint.
    /// @param checkpoint The checkpoint.
    /// @return leaf keccak256 of its seven fields, 32 bytes each.
    function leafOf(Checkpoint memory checkpoint) internal pure returns (bytes32 leaf) {
        assembly ("memory-safe") {
            leaf := keccak256(checkpoint, 224)
        }
    }

    /// @notice Whether a checkpoint is the one of its index in a block.
    /// @param root The block's checkpoints root.
    /// @param checkpoint The checkpoint.
    /// @param count Transactions of the block.
    /// @param siblings Sibling hashes from the leaf up.
    /// @return Whether it is.
    function verify(bytes32 root, Checkpoint memory checkpoint, uint256 count, bytes32[] calldata siblings)
        internal
        pure
        returns (bool)
    {
        return MerkleTree.verify(root, leafOf(checkpoint), checkpoint.index, count, siblings);
    }

    /// @notice What stands before a block's first transaction. It is no leaf: it follows from the parent.
    /// @param parentStateRoot State root of the parent.
    /// @return checkpoint Without index and receipt.
    function beforeFirst(bytes32 parentStateRoot) internal pure returns (Checkpoint memory checkpoint) {
        checkpoint.stateRoot = parentStateRoot;
        checkpoint.transactionsRoot = MerkleTrie.EMPTY_ROOT;
        checkpoint.receiptsRoot = MerkleTrie.EMPTY_ROOT;
        checkpoint.bloomHash = EMPTY_BLOOM_HASH;
    }
}
