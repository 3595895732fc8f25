// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BRANCH, EXTENSION, IN_CALLDATA, LEAF, MadeNodes, NOTHING} from "./MadeNodes.sol";
import {NodeShapes} from "./NodeShapes.sol";
import {WitnessNodes} from "./WitnessNodes.sol";
import {LibSort} from "solady/utils/LibSort.sol";

/// @title TrieWrites: the root of a Merkle-Patricia trie after a set of changes
/// @notice Yellow paper, appendix D. The changes are sorted by key and applied in one walk: every node on a changed key's
/// path is made anew once, nothing else is looked at but the sibling that a branch collapses into. So the nodes that are
/// needed do not depend on the order of the changes. A key that is already absent may be deleted.
/// @dev Recursion goes at most 64 nibbles deep.
library TrieWrites {
    /// @notice Most changes of one trie at a time.
    uint256 internal constant MAX_CHANGES = 4096;
    /// @notice Longest value in bytes: encoded transactions and receipts have at most 57,344.
    uint256 internal constant MAX_VALUE_BYTES = 57_344;

    /// @dev Up to so many changes are sorted by insertion.
    uint256 private constant FEW_CHANGES = 12;

    /// @dev In a shape that {WitnessNodes.descend} leaves: where in the node the child's item begins.
    uint256 private constant OFFSET_BITS = 0xffff << 240;

    /// @notice A key is changed twice.
    /// @param key The key as the trie has it.
    error DuplicateKey(bytes32 key);
    /// @notice More than MAX_CHANGES changes.
    /// @param count Their number.
    error TooManyChanges(uint256 count);
    /// @notice A value has no bytes or more than MAX_VALUE_BYTES.
    /// @param size Its bytes.
    error ValueOutOfRange(uint256 size);

    /// @dev What is being done: changes in ascending order of their keys. Items of 0 are deletions.
    struct Task {
        WitnessNodes.Table table;
        uint256[] keys;
        uint256[] items;
        /// Nibbles of a key.
        uint256 nibbles;
    }

    /// @notice Root after changes of a trie whose keys are all of 32 bytes. Without changes the root is not looked at.
    /// Reverts with MissingNode, MalformedNode, DuplicateKey, TooManyChanges.
    /// @param table The opened witness.
    /// @param root Root before.
    /// @param keys Keys of the changes, in any order. The array is sorted.
    /// @param items For each key the item of its value, from {itemOf}, or 0 to take it out. Sorted with the keys.
    /// @return The root after.
    function rootAfter(WitnessNodes.Table memory table, bytes32 root, uint256[] memory keys, uint256[] memory items)
        internal
        pure
        returns (bytes32)
    {
        if (keys.length == 0) return root;
        if (keys.length > 1) _sort(keys, items);
        return _apply(Task(table, keys, items, 64), root);
    }

    /// @notice Root after one value is put into a trie no key of which begins with another.
    /// Reverts with MissingNode, MalformedNode.
    /// @param table The opened witness.
    /// @param root Root before.
    /// @param key The key, its first byte highest.
    /// @param keyBytes Bytes of the key, 1 to 32.
    /// @param item The item of its value, from {itemOf}.
    /// @return The root after.
    function rootAfterPut(WitnessNodes.Table memory table, bytes32 root, uint256 key, uint256 keyBytes, uint256 item)
        internal
        pure
        returns (bytes32)
    {
        uint256[] memory keys = new uint256[](1);
        uint256[] memory items = new uint256[](1);
        (keys[0], items[0]) = (key, item);
        return _apply(Task(table, keys, items, 2 * keyBytes), root);
    }

    /// @notice A value as a leaf has it. Reverts with ValueOutOfRange.
    /// @param value The value, not empty.
    /// @return item The item, in memory.
    function itemOf(bytes memory value) internal pure returns (uint256 item) {
        uint256 size = value.length;
        if (size == 0 || size > MAX_VALUE_BYTES) revert ValueOutOfRange(size);
        assembly ("memory-safe") {
            let data := add(value, 32)
            switch and(eq(size, 1), lt(byte(0, mload(data)), 0x80))
            case 1 { item := or(data, shl(32, 1)) }
            default {
                let out := mload(0x40)
                let head := 1
                switch lt(size, 56)
                case 1 { mstore8(out, add(0x80, size)) }
                default {
                    head := 2
                    switch lt(size, 256)
                    case 1 { mstore(out, shl(240, or(0xb800, size))) }
                    default {
                        head := 3
                        mstore(out, shl(232, or(0xb90000, size)))
                    }
                }
                mcopy(add(out, head), data, size)
                item := or(out, shl(32, add(head, size)))
                mstore(0x40, and(add(add(out, add(head, size)), 31), not(31)))
            }
        }
    }

    /// @dev Sorts changes by their keys. Many are first brought into nearly that order: all but the keys' lowest two bytes,
    /// which give way to places in the array.
    function _sort(uint256[] memory keys, uint256[] memory items) private pure {
        uint256 count = keys.length;
        if (count > MAX_CHANGES) revert TooManyChanges(count);
        if (count > FEW_CHANGES) _sortNearly(keys, items);
        unchecked {
            for (uint256 i = 1; i < count; i++) {
                (uint256 key, uint256 item) = (keys[i], items[i]);
                uint256 to = i;
                while (to != 0 && keys[to - 1] > key) {
                    (keys[to], items[to]) = (keys[to - 1], items[to - 1]);
                    to--;
                }
                if (to != 0 && keys[to - 1] == key) revert DuplicateKey(bytes32(key));
                (keys[to], items[to]) = (key, item);
            }
        }
    }

    function _sortNearly(uint256[] memory keys, uint256[] memory items) private pure {
        uint256 count = keys.length;
        uint256[] memory order = new uint256[](count);
        uint256[] memory found = new uint256[](count);
        unchecked {
            for (uint256 i = 0; i < count; i++) {
                order[i] = keys[i] >> 16 << 16 | i;
            }
            LibSort.sort(order);
            for (uint256 i = 0; i < count; i++) {
                uint256 place = order[i] & 0xffff;
                (order[i], found[i]) = (keys[place], items[place]);
            }
            for (uint256 i = 0; i < count; i++) {
                (keys[i], items[i]) = (order[i], found[i]);
            }
        }
    }

    function _apply(Task memory task, bytes32 root) private pure returns (bytes32) {
        MadeNodes.Node memory node;
        if (root != WitnessNodes.EMPTY_ROOT) _open(task, node, WitnessNodes.take(task.table, root), 0);
        node = _changed(task, node, 0, 0, task.keys.length);
        root = MadeNodes.rootOf(node);
        return root == 0 ? WitnessNodes.EMPTY_ROOT : root;
    }

    /// @dev The node after the changes from `from` to before `to`, which all go through it: one at least.
    function _changed(Task memory task, MadeNodes.Node memory node, uint256 depth, uint256 from, uint256 to)
        private
        pure
        returns (MadeNodes.Node memory)
    {
        unchecked {
            if (node.kind == BRANCH) {
                if (node.shape == 0) _load(task, node);
                if (to - from == 1 && NodeShapes.kindOf(node.shape) == NodeShapes.KIND_BRANCH) {
                    return _changedChain(task, node, depth, from);
                }
                return _changedBranch(task, node, 0, depth, from, to);
            }
            uint256 rest = task.nibbles - depth;
            uint256 path = task.keys[from] << (4 * depth);
            uint256 length = rest;
            uint256 shared = to - from == 1 ? rest : MadeNodes.common(path, task.keys[to - 1] << (4 * depth));
            if (node.kind != NOTHING) {
                shared = _least(shared, MadeNodes.common(path, node.path));
                path = node.path;
                length = node.length;
            }
            if (shared >= length) {
                if (node.kind == EXTENSION) return _changedBelow(task, node, depth, from, to);
                if (length != rest) _refuse(task, node);
                node.item = task.items[from];
                node.kind = node.item == 0 ? NOTHING : LEAF;
                node.path = path;
                node.length = length;
                return node;
            }
            // Where a key leaves the path a branch comes to stand, with the rest of the path below it.
            if (shared >= rest) _refuse(task, node);
            uint256 nibble = (path << (4 * shared)) >> 252;
            if (node.kind != NOTHING) {
                (node.path, node.length) = (path << (4 * shared + 4), length - shared - 1);
                if (node.kind == EXTENSION && node.length == 0) (node.kind, node.shape) = (BRANCH, 0);
            }
            node = _changedBranch(task, node, nibble + 1, depth + shared, from, to);
            return MadeNodes.prefixed(path, shared, node);
        }
    }

    /// @dev An extension all of whose path the changed keys go along.
    function _changedBelow(Task memory task, MadeNodes.Node memory node, uint256 depth, uint256 from, uint256 to)
        private
        pure
        returns (MadeNodes.Node memory)
    {
        unchecked {
            (uint256 path, uint256 length) = (node.path, node.length);
            (node.kind, node.shape) = (BRANCH, 0);
            return MadeNodes.prefixed(path, length, _changed(task, node, depth + length, from, to));
        }
    }

    /// @dev One change below a branch of hashes: goes down as long as such branches follow, changes what stands below the
    /// last, and comes back up with the new hashes. What this takes is nearly all of the gas of a change.
    function _changedChain(Task memory task, MadeNodes.Node memory node, uint256 depth, uint256 from)
        private
        pure
        returns (MadeNodes.Node memory)
    {
        unchecked {
            (uint256 shape, uint256 trail, uint256 end) =
                WitnessNodes.descend(task.table, node.shape, task.keys[from] << (4 * depth), task.nibbles - depth);
            assembly ("memory-safe") {
                mstore(0x40, end)
            }
            bytes32 hash;
            {
                uint256 last = end - 32;
                depth += (last - trail) / 32;
                if (shape != 0) {
                    hash = MadeNodes.hashOf(_changed(task, _opened(task, shape, depth + 1), depth + 1, from, from + 1));
                }
                if (hash == 0) {
                    // The child comes, goes or is short: the last branch gets another form, but never a short one.
                    assembly ("memory-safe") {
                        shape := mload(last)
                    }
                    MadeNodes.Node memory branch;
                    (branch.kind, branch.shape) = (BRANCH, shape & ~OFFSET_BITS);
                    branch = _changedBranch(task, branch, 0, depth, from, from + 1);
                    if (last == trail) return branch;
                    hash = MadeNodes.hashOf(branch);
                    end = last;
                }
            }
            assembly ("memory-safe") {
                // Copies stand where nothing is kept any more.
                for {} gt(end, trail) {} {
                    end := sub(end, 32)
                    shape := mload(end)
                    let start := and(shr(128, shape), 0xffffff)
                    let size := sub(and(shr(152, shape), 0xffffff), start)
                    calldatacopy(add(end, 32), start, size)
                    mstore(add(add(end, 33), shr(240, shape)), hash)
                    hash := keccak256(add(end, 32), size)
                }
            }
            return MadeNodes.hashedBranch(hash, trail);
        }
    }

    /// @dev A branch after changes: `node` itself where `seat` is 0; else one that is to be made, with `node` as its child
    /// number `seat` less 1.
    function _changedBranch(
        Task memory task,
        MadeNodes.Node memory node,
        uint256 seat,
        uint256 depth,
        uint256 from,
        uint256 to
    ) private pure returns (MadeNodes.Node memory) {
        unchecked {
            uint256 base = MadeNodes.free();
            if (depth >= task.nibbles) _refuse(task, node);
            MadeNodes.Fork memory fork = _fork(node, seat);
            while (from < to) {
                uint256 nibble = (task.keys[from] << (4 * depth)) >> 252;
                uint256 next = from + 1;
                while (next < to && (task.keys[next] << (4 * depth)) >> 252 == nibble) next++;
                MadeNodes.Node memory child = _child(task, fork, nibble, depth);
                if (child.kind != NOTHING) fork.count--;
                bool wasThere = child.kind != NOTHING;
                child = _changed(task, child, depth + 1, from, next);
                if (child.kind != NOTHING) fork.count++;
                if (wasThere != (child.kind != NOTHING)) fork.isPatch = false;
                MadeNodes.setChanged(fork, nibble, child);
                from = next;
            }
            if (fork.count == 0) return MadeNodes.nothing();
            if (fork.count == 1) return _collapsed(task, fork, depth);
            return MadeNodes.branchOf(fork, base);
        }
    }

    /// @dev The branch before the changes.
    function _fork(MadeNodes.Node memory node, uint256 seat) private pure returns (MadeNodes.Fork memory fork) {
        uint256 changed;
        assembly ("memory-safe") {
            changed := mload(0x40)
            calldatacopy(changed, calldatasize(), 512)
            mstore(0x40, add(changed, 512))
        }
        fork.changed = changed;
        if (seat == 0) {
            fork.shape = node.shape;
            fork.count = NodeShapes.childCount(node.shape);
            fork.isPatch = NodeShapes.kindOf(node.shape) == NodeShapes.KIND_BRANCH;
        } else if (node.kind != NOTHING) {
            MadeNodes.setChanged(fork, seat - 1, node);
            fork.count = 1;
        }
    }

    /// @dev A branch's child before it is changed.
    function _child(Task memory task, MadeNodes.Fork memory fork, uint256 nibble, uint256 depth)
        private
        pure
        returns (MadeNodes.Node memory child)
    {
        uint256 place = fork.shape == 0 ? 0 : NodeShapes.childPlace(fork.shape, nibble);
        if (place != 0) {
            _open(task, child, WitnessNodes.child(task.table, place), depth + 1);
            return child;
        }
        uint256 seated = MadeNodes.changedOf(fork, nibble);
        if (seated == 0) return child;
        assembly ("memory-safe") {
            child := seated
        }
    }

    /// @dev What becomes of a branch with one child: the child, its path a nibble longer.
    function _collapsed(Task memory task, MadeNodes.Fork memory fork, uint256 depth)
        private
        pure
        returns (MadeNodes.Node memory child)
    {
        unchecked {
            uint256 nibble = 0;
            while (true) {
                uint256 changed = MadeNodes.changedOf(fork, nibble);
                if (changed != 0) {
                    assembly ("memory-safe") {
                        child := changed
                    }
                } else {
                    uint256 place = fork.shape == 0 ? 0 : NodeShapes.childPlace(fork.shape, nibble);
                    if (place != 0) {
                        child = MadeNodes.nothing();
                        _open(task, child, WitnessNodes.child(task.table, place), depth + 1);
                        if (child.kind == BRANCH) child.item = MadeNodes.itemAt(place);
                    }
                }
                if (child.kind != NOTHING) return MadeNodes.prefixed(nibble << 252, 1, child);
                nibble++;
            }
        }
    }

    /// @dev Takes a node of the witness apart that stands `depth` nibbles below the root.
    function _open(Task memory task, MadeNodes.Node memory node, uint256 shape, uint256 depth) private pure {
        uint256 kind = NodeShapes.kindOf(shape);
        uint256 second;
        node.shape = shape;
        if (kind <= NodeShapes.KIND_MIXED) {
            node.kind = BRANCH;
        } else {
            node.kind = kind == NodeShapes.KIND_LEAF ? LEAF : EXTENSION;
            (node.path, node.length, second) = NodeShapes.pathOf(shape);
        }
        unchecked {
            node.item = second | (NodeShapes.endOf(shape) - second) << 32 | IN_CALLDATA;
            depth += node.length;
            // Keys of 32 bytes all end there; others are shorter.
            bool isSound = kind == NodeShapes.KIND_LEAF ? depth == 64 || task.nibbles != 64 && depth < 64 : depth < 64;
            if (!isSound) _refuse(task, node);
        }
    }

    function _opened(Task memory task, uint256 shape, uint256 depth) private pure returns (MadeNodes.Node memory node) {
        _open(task, node, shape, depth);
    }

    /// @dev Looks up a branch of which only the item is known; it stood below an extension of the witness.
    function _load(Task memory task, MadeNodes.Node memory node) private pure {
        uint256 shape = WitnessNodes.child(task.table, node.item & 0xffffffff);
        if (NodeShapes.kindOf(shape) > NodeShapes.KIND_MIXED) WitnessNodes.refuse(task.table, shape);
        node.shape = shape;
    }

    function _refuse(Task memory task, MadeNodes.Node memory node) private pure {
        WitnessNodes.refuse(task.table, node.shape);
    }

    function _least(uint256 left, uint256 right) private pure returns (uint256) {
        return left < right ? left : right;
    }
}
