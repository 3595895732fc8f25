// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title MerkleTree: binary Merkle trees over 32-byte leaves
/// @notice As packages/protocol/src/merkle.ts: leaves padded with zeros to a power of two, an inner node is
/// keccak256(left || right), a tree of one leaf is that leaf, of none zero. The number of leaves is committed elsewhere.
library MerkleTree {
    /// @notice Root of the tree over `leaves`, which stay as they are.
    /// @param leaves The leaves in order.
    /// @return top The root.
    function root(bytes32[] memory leaves) internal pure returns (bytes32 top) {
        uint256 count = leaves.length;
        if (count == 0) return 0;
        if (count == 1) return leaves[0];
        // Each level is written over the one below, from the second on in memory that nobody owns. Where a level ends
        // in a node without a sibling, that is the root of a subtree of padding: `padding`.
        assembly ("memory-safe") {
            let from := add(leaves, 32)
            let level := mload(0x40)
            let padding := 0
            for {} gt(count, 1) {} {
                let pairs := shr(1, count)
                let to := level
                for { let last := add(from, shl(6, pairs)) } lt(from, last) { from := add(from, 64) } {
                    mstore(to, keccak256(from, 64))
                    to := add(to, 32)
                }
                if and(count, 1) {
                    mstore(0x00, mload(from))
                    mstore(0x20, padding)
                    mstore(to, keccak256(0x00, 64))
                    pairs := add(pairs, 1)
                }
                mstore(0x00, padding)
                mstore(0x20, padding)
                padding := keccak256(0x00, 64)
                count := pairs
                from := level
            }
            top := mload(level)
        }
    }

    /// @notice Whether `leaf` is number `index` of a tree of `count` leaves with this root.
    /// @param top The root.
    /// @param leaf The leaf.
    /// @param index Its position, from 0.
    /// @param count Number of leaves of the tree.
    /// @param siblings Sibling hashes from the leaf up, exactly as many as the tree has levels above the leaves.
    /// @return isLeaf Whether it is.
    function verify(bytes32 top, bytes32 leaf, uint256 index, uint256 count, bytes32[] calldata siblings)
        internal
        pure
        returns (bool isLeaf)
    {
        return fits(index, count, siblings.length) && rootOf(leaf, index, siblings) == top;
    }

    /// @notice Whether a tree of `count` leaves has a leaf `index`, and just so many levels above its leaves.
    /// @param index Position of a leaf, from 0.
    /// @param count Number of leaves of the tree.
    /// @param height Number of levels.
    /// @return Whether it has.
    function fits(uint256 index, uint256 count, uint256 height) internal pure returns (bool) {
        if (index >= count || height > 255) return false;
        return count <= 1 << height && (height == 0 || count > 1 << (height - 1));
    }

    /// @notice Root of the tree that a leaf and its siblings make; {fits} tells whether it can be one of some size.
    /// @param leaf The leaf.
    /// @param index Its position, from 0.
    /// @param siblings Sibling hashes from the leaf up.
    /// @return node The root.
    function rootOf(bytes32 leaf, uint256 index, bytes32[] calldata siblings) internal pure returns (bytes32 node) {
        node = leaf;
        assembly ("memory-safe") {
            let end := add(siblings.offset, shl(5, siblings.length))
            for { let place := siblings.offset } lt(place, end) { place := add(place, 32) } {
                let side := shl(5, and(index, 1))
                mstore(side, node)
                mstore(xor(side, 32), calldataload(place))
                node := keccak256(0x00, 64)
                index := shr(1, index)
            }
        }
    }

    /// @notice Number of levels above the leaves.
    /// @param count Number of leaves, from 1 on.
    /// @return height The number.
    function heightOf(uint256 count) internal pure returns (uint256 height) {
        unchecked {
            uint256 last = count - 1;
            assembly ("memory-safe") {
                height := sub(256, clz(last))
            }
        }
    }

    /// @notice Number of siblings that {pairRootOf} takes.
    /// @param index Position of the right one of the two leaves, from 1 on.
    /// @param height Number of levels of the tree.
    /// @return The number.
    function pairSiblings(uint256 index, uint256 height) internal pure returns (uint256) {
        return height - 1 + _trailingZeros(index);
    }

    /// @notice Root of the tree that two adjacent leaves and their siblings make: below the level on which their paths meet, the
    /// left one's siblings are on its left and the right one's on its right; above, one path serves both.
    /// @param left The leaf before `index`.
    /// @param right The leaf at `index`.
    /// @param index Its position, from 1 on.
    /// @param siblings From the leaves up; as long as the paths are apart, first the left one's, then the right one's.
    /// @return The root.
    function pairRootOf(bytes32 left, bytes32 right, uint256 index, bytes32[] calldata siblings)
        internal
        pure
        returns (bytes32)
    {
        uint256 apart = _trailingZeros(index);
        for (uint256 level = 0; level < apart; level++) {
            left = _parentOf(siblings[2 * level], left);
            right = _parentOf(right, siblings[2 * level + 1]);
        }
        return rootOf(_parentOf(left, right), index >> (apart + 1), siblings[2 * apart:]);
    }

    function _trailingZeros(uint256 value) private pure returns (uint256 zeros) {
        assembly ("memory-safe") {
            zeros := sub(255, clz(and(value, sub(0, value))))
        }
    }

    function _parentOf(bytes32 left, bytes32 right) private pure returns (bytes32 parent) {
        assembly ("memory-safe") {
            mstore(0x00, left)
            mstore(0x20, right)
            parent := keccak256(0x00, 64)
        }
    }
}
