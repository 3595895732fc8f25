// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BatchHeaders} from "../BatchHeaders.sol";
import {BatchHeader} from "../interfaces/IRollupChain.sol";
import {MerkleTree} from "../proofs/MerkleTree.sol";

/// @title Blocks and transactions of a batch, by paths that stand one after the other
/// @notice The siblings of all paths of a proof are one list. How many belong to a path follows from the number of leaves of its
/// tree, so that nothing says where one ends. Every function takes how many siblings were used before it, and gives how many are
/// used after it.
library ProvenBlocks {
    /// @notice Most transactions of a block (LIMITS.blockTransactions of packages/protocol).
    uint256 internal constant MAX_TRANSACTIONS = 2048;

    /// @notice The tree has no such place, siblings are missing, or they lead to another root.
    error WrongPath(uint256 index, uint256 count);
    /// @notice More siblings than the paths take.
    error UnusedSiblings(uint256 used, uint256 given);

    /// @dev Root of a tree of so many leaves that has a leaf at a place.
    function rootOf(bytes32 leaf, uint256 index, uint256 count, bytes32[] calldata siblings, uint256 used)
        internal
        pure
        returns (bytes32 root, uint256 end)
    {
        if (index >= count) revert WrongPath(index, count);
        end = used + MerkleTree.heightOf(count);
        if (end > siblings.length) revert WrongPath(index, count);
        root = MerkleTree.rootOf(leaf, index, siblings[used:end]);
    }

    /// @dev Reverts unless a leaf is at a place of a tree.
    function requireLeaf(
        bytes32 root,
        bytes32 leaf,
        uint256 index,
        uint256 count,
        bytes32[] calldata siblings,
        uint256 used
    ) internal pure returns (uint256 end) {
        bytes32 found;
        (found, end) = rootOf(leaf, index, count, siblings, used);
        if (found != root) revert WrongPath(index, count);
    }

    /// @dev Reverts unless two leaves stand next to each other in a tree, the right one at a place.
    function requirePair(
        bytes32 root,
        bytes32[2] memory leaves,
        uint256 index,
        uint256 count,
        bytes32[] calldata siblings,
        uint256 used
    ) internal pure returns (uint256 end) {
        if (index == 0 || index >= count) revert WrongPath(index, count);
        end = used + MerkleTree.pairSiblings(index, MerkleTree.heightOf(count));
        if (end > siblings.length) revert WrongPath(index, count);
        bytes32 found = MerkleTree.pairRootOf(leaves[0], leaves[1], index, siblings[used:end]);
        if (found != root) revert WrongPath(index, count);
    }

    /// @dev Reverts unless a block is at a place of a batch.
    function requireBlock(
        BatchHeader calldata batch,
        bytes32 blockHash,
        uint256 position,
        bytes32[] calldata siblings,
        uint256 used
    ) internal pure returns (uint256 end) {
        return requireLeaf(batch.blocksRoot, blockHash, position, BatchHeaders.blockCount(batch), siblings, used);
    }

    /// @dev Reverts unless a batch says of a block that it has so many transactions, with this root.
    function requireTransactions(
        BatchHeader calldata batch,
        uint256 position,
        uint256 count,
        bytes32 root,
        bytes32[] calldata siblings,
        uint256 used
    ) internal pure returns (uint256 end) {
        bytes32 word = keccak256(abi.encode(count, root));
        return requireLeaf(batch.transactionsRoot, word, position, BatchHeaders.blockCount(batch), siblings, used);
    }

    /// @dev Reverts unless all siblings are used.
    function requireAllUsed(bytes32[] calldata siblings, uint256 used) internal pure {
        if (used != siblings.length) revert UnusedSiblings(used, siblings.length);
    }
}
