// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {NodeShapes} from "./NodeShapes.sol";
import {Rlp} from "./Rlp.sol";

// An item is an RLP item as it stands in calldata or in memory, one word: 0-31 where it begins, 32-63 its bytes,
// 255 that it is in calldata. 0 is none.
/// @dev The bit of an item that tells that it is in calldata.
uint256 constant IN_CALLDATA = 1 << 255;
/// @dev Bytes of an item that is a hash.
uint256 constant HASH_ITEM_BYTES = 33;

/// @dev What a node is.
uint256 constant NOTHING = 0;
uint256 constant LEAF = 1;
uint256 constant EXTENSION = 2;
uint256 constant BRANCH = 3;

/// @title MadeNodes: nodes of a Merkle-Patricia trie that changes make anew
/// @notice Yellow paper, appendix D. A node lives as its parts until its parent knows whether it takes them up (paths
/// that join) or names it by its hash.
library MadeNodes {
    /// @notice A node, taken from the witness or made.
    struct Node {
        uint256 kind;
        /// Leaf, extension: nibbles below the place where the node stands, the first ones highest, zeros after them.
        uint256 path;
        uint256 length;
        /// Leaf: its value's item; extension: its child's; branch: its own, as its parent has it.
        uint256 item;
        /// Branch of the witness: its shape; 0 where it is made or not looked up.
        uint256 shape;
    }

    /// @notice A branch while its children are changed: those that were, by nibble; 0 those that are as the shape has them.
    struct Fork {
        uint256 shape;
        uint256 changed;
        /// Its children.
        uint256 count;
        /// Whether the children are where they were, so that their hashes can be put into a copy.
        bool isPatch;
    }

    /// @notice Root of a trie.
    /// @param node Its topmost node, made, or nothing.
    /// @return root The root; 0 where the trie is empty.
    function rootOf(Node memory node) internal pure returns (bytes32 root) {
        if (node.kind == NOTHING) return 0;
        if (node.kind != BRANCH) {
            (uint256 start, uint256 size) = encode(node);
            return _hash(start, size);
        }
        // A branch's item holds its hash, or where it is short itself.
        uint256 item = node.item;
        if (item >> 32 != HASH_ITEM_BYTES) return _hash(item & 0xffffffff, item >> 32);
        assembly ("memory-safe") {
            root := mload(add(and(item, 0xffffffff), 1))
        }
    }

    /// @notice A node with a path put before it: a leaf or an extension takes it up, a branch gets an extension.
    /// @param path Nibbles, the first one highest; others may follow.
    /// @param length How many are meant.
    /// @param node The node, which is changed.
    /// @return The node.
    function prefixed(uint256 path, uint256 length, Node memory node) internal pure returns (Node memory) {
        unchecked {
            if (length == 0 || node.kind == NOTHING) return node;
            path &= ~(type(uint256).max >> (4 * length));
            if (node.kind == BRANCH) {
                (node.kind, node.path, node.length) = (EXTENSION, path, length);
            } else {
                (node.path, node.length) = (path | node.path >> (4 * length), node.length + length);
            }
            return node;
        }
    }

    /// @notice Encodes and hashes a branch of at least two children. From `base` on memory holds nothing but the branch's
    /// changed children and what led to them: it is given back.
    /// @param fork The branch.
    /// @param base Where memory that is not kept begins.
    /// @return made The branch.
    function branchOf(Fork memory fork, uint256 base) internal pure returns (Node memory made) {
        unchecked {
            uint256 start;
            uint256 size;
            if (fork.isPatch) (start, size) = _patched(fork);
            if (size == 0) (start, size) = _encodeBranch(fork);
            if (size >= 32) return hashedBranch(_hash(start, size), base);
            // Its item is the node itself, at most 31 bytes.
            assembly ("memory-safe") {
                made := base
                mstore(0x40, add(base, 224))
                mstore(add(base, 160), mload(start))
            }
            (made.kind, made.path, made.length, made.shape) = (BRANCH, 0, 0, 0);
            made.item = (base + 160) | size << 32;
        }
    }

    /// @dev A copy of a branch of hashes with the changed children's hashes; no bytes where one of these is short.
    function _patched(Fork memory fork) private pure returns (uint256 start, uint256 size) {
        unchecked {
            uint256 shape = fork.shape;
            uint256 place = NodeShapes.startOf(shape);
            size = NodeShapes.endOf(shape) - place;
            assembly ("memory-safe") {
                start := mload(0x40)
                calldatacopy(start, place, size)
                mstore(0x40, and(add(add(start, size), 31), not(31)))
            }
            for (uint256 nibble = 0; nibble < 16; nibble++) {
                uint256 changed = changedOf(fork, nibble);
                if (changed == 0) continue;
                uint256 item = _close(changed);
                if (item >> 32 & 0x7fffffff != HASH_ITEM_BYTES) return (0, 0);
                _copy(item, start + NodeShapes.childPlace(shape, nibble) - place);
            }
        }
    }

    /// @dev A branch item by item.
    function _encodeBranch(Fork memory fork) private pure returns (uint256 start, uint256 size) {
        unchecked {
            uint256[16] memory items;
            size = 1;
            for (uint256 nibble = 0; nibble < 16; nibble++) {
                uint256 item;
                uint256 changed = changedOf(fork, nibble);
                if (changed != 0) {
                    item = _close(changed);
                } else if (fork.shape != 0) {
                    uint256 place = NodeShapes.childPlace(fork.shape, nibble);
                    if (place != 0) item = itemAt(place);
                }
                items[nibble] = item;
                size += item == 0 ? 1 : item >> 32 & 0x7fffffff;
            }
            uint256 out;
            (start, out) = _list(size);
            for (uint256 nibble = 0; nibble < 16; nibble++) {
                uint256 item = items[nibble];
                if (item == 0) {
                    assembly ("memory-safe") {
                        mstore8(out, 0x80)
                    }
                    out++;
                } else {
                    _copy(item, out);
                    out += item >> 32 & 0x7fffffff;
                }
            }
            assembly ("memory-safe") {
                mstore8(out, 0x80)
            }
            size = out + 1 - start;
        }
    }

    /// @dev A made node's item as its parent has it: a hash or, where it is short, the node; 0 where it is nothing.
    function _close(uint256 changed) private pure returns (uint256 item) {
        Node memory node;
        assembly ("memory-safe") {
            node := changed
        }
        if (node.kind == NOTHING) return 0;
        if (node.kind == BRANCH) return node.item;
        (uint256 start, uint256 size) = encode(node);
        if (size < 32) return start | size << 32;
        bytes32 hash = _hash(start, size);
        assembly ("memory-safe") {
            mstore8(start, 0xa0)
            mstore(add(start, 1), hash)
            item := or(start, shl(32, 33))
        }
    }

    /// @notice Encodes a leaf or an extension: its path in hex-prefix form (appendix C) and its item.
    /// @param node The node.
    /// @return start Where the encoding begins in memory.
    /// @return size Its bytes.
    function encode(Node memory node) internal pure returns (uint256 start, uint256 size) {
        unchecked {
            uint256 length = node.length;
            uint256 pathBytes = length / 2 + 1;
            uint256 flags = (node.kind == LEAF ? 2 : 0) | (length & 1);
            uint256 itemSize = node.item >> 32 & 0x7fffffff;
            uint256 path = node.path;
            uint256 out;
            (start, out) = _list((pathBytes == 1 ? 1 : pathBytes + 1) + itemSize);
            assembly ("memory-safe") {
                // The path may have 33 bytes: the flags' first, the others behind it.
                if gt(pathBytes, 1) {
                    mstore8(out, add(0x80, pathBytes))
                    out := add(out, 1)
                }
                switch and(flags, 1)
                case 1 {
                    mstore8(out, or(shl(4, flags), shr(252, path)))
                    path := shl(4, path)
                }
                default { mstore8(out, shl(4, flags)) }
                mstore(add(out, 1), path)
            }
            out += pathBytes;
            _copy(node.item, out);
            size = out + itemSize - start;
        }
    }

    /// @dev Takes memory for a list and writes its header.
    function _list(uint256 size) private pure returns (uint256 start, uint256 items) {
        assembly ("memory-safe") {
            start := mload(0x40)
            switch lt(size, 56)
            case 1 {
                mstore8(start, add(0xc0, size))
                items := add(start, 1)
            }
            default {
                switch lt(size, 256)
                case 1 {
                    mstore(start, shl(240, or(0xf800, size)))
                    items := add(start, 2)
                }
                default {
                    mstore(start, shl(232, or(0xf90000, size)))
                    items := add(start, 3)
                }
            }
            // A path is written with a whole word, and a hash may be put in the place of what was hashed.
            mstore(0x40, and(add(add(items, size), 127), not(31)))
        }
    }

    /// @notice A branch of which nothing but the hash is known, written from `base` on, where memory is given back.
    /// @param hash Its hash.
    /// @param base Where memory that is not kept begins.
    /// @return made The branch.
    function hashedBranch(bytes32 hash, uint256 base) internal pure returns (Node memory made) {
        assembly ("memory-safe") {
            made := base
            mstore(0x40, add(base, 224))
            let item := add(base, 160)
            mstore8(item, 0xa0)
            mstore(add(item, 1), hash)
            mstore(made, BRANCH)
            mstore(add(made, 32), 0)
            mstore(add(made, 64), 0)
            mstore(add(made, 96), or(item, shl(32, HASH_ITEM_BYTES)))
            mstore(add(made, 128), 0)
        }
    }

    /// @notice The hash of a node by which its parent names it.
    /// @param node The node.
    /// @return hash The hash; 0 where the node is short or nothing.
    function hashOf(Node memory node) internal pure returns (bytes32 hash) {
        uint256 made;
        assembly ("memory-safe") {
            made := node
        }
        uint256 item = _close(made);
        if (item >> 32 != HASH_ITEM_BYTES) return 0;
        assembly ("memory-safe") {
            hash := mload(add(and(item, 0xffffffff), 1))
        }
    }

    /// @notice The item at a place of calldata that a branch's shape has: a hash or a short node.
    /// @param place Where it begins.
    /// @return item The item.
    function itemAt(uint256 place) internal pure returns (uint256 item) {
        unchecked {
            uint256 first = Rlp.load(place) >> 248;
            return place | (first == 0xa0 ? HASH_ITEM_BYTES : first - 0xbf) << 32 | IN_CALLDATA;
        }
    }

    function _copy(uint256 item, uint256 out) private pure {
        assembly ("memory-safe") {
            let size := and(shr(32, item), 0x7fffffff)
            switch shr(255, item)
            case 1 { calldatacopy(out, and(item, 0xffffffff), size) }
            default { mcopy(out, and(item, 0xffffffff), size) }
        }
    }

    function _hash(uint256 start, uint256 size) private pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            hash := keccak256(start, size)
        }
    }

    /// @notice Where memory that is not taken begins.
    /// @return pointer The place.
    function free() internal pure returns (uint256 pointer) {
        assembly ("memory-safe") {
            pointer := mload(0x40)
        }
    }

    /// @notice What stands where there is no node.
    /// @return node Nothing.
    function nothing() internal pure returns (Node memory node) {}

    /// @notice A branch's child that was changed.
    /// @param fork The branch.
    /// @param nibble Which child.
    /// @return changed Where the node stands in memory; 0 where it is as it was.
    function changedOf(Fork memory fork, uint256 nibble) internal pure returns (uint256 changed) {
        assembly ("memory-safe") {
            changed := mload(add(mload(add(fork, 32)), shl(5, nibble)))
        }
    }

    /// @notice Puts a changed child into a branch.
    /// @param fork The branch.
    /// @param nibble Which child.
    /// @param node The child, or nothing.
    function setChanged(Fork memory fork, uint256 nibble, Node memory node) internal pure {
        assembly ("memory-safe") {
            mstore(add(mload(add(fork, 32)), shl(5, nibble)), node)
        }
    }

    /// @notice Number of nibbles that two paths begin with alike.
    /// @param left A path.
    /// @param right Another one.
    /// @return count The number, 64 where they are equal.
    function common(uint256 left, uint256 right) internal pure returns (uint256 count) {
        assembly ("memory-safe") {
            count := shr(2, clz(xor(left, right)))
        }
    }
}
