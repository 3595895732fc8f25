// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Rlp} from "./Rlp.sol";
import {WitnessNodes} from "./WitnessNodes.sol";
import {LibSort} from "solady/utils/LibSort.sol";

/// @title TrieWrites: the root of a Merkle-Patricia trie after a set of changes
/// @notice Yellow paper, appendix D. The changes are sorted by key and applied in one walk: every node on a changed key's
/// path is made anew once, nothing else is looked at but the sibling that a branch collapses into. So the nodes that are
/// needed do not depend on the order of the changes. A key that is already absent may be deleted.
/// @dev Recursion goes at most 64 nibbles deep. A made node lives as its parts until its parent knows whether it takes
/// them up (paths that join) or names it by its hash.
library TrieWrites {
    /// @notice Most changes of one trie at a time.
    uint256 internal constant MAX_CHANGES = 4096;
    /// @notice Longest value in bytes: encoded transactions and receipts have at most 57,344.
    uint256 internal constant MAX_VALUE_BYTES = 57_344;

    /// @dev Up to so many changes are sorted by insertion.
    uint256 private constant FEW_CHANGES = 12;

    // An item is an RLP item as it stands in calldata or in memory, one word: 0-31 where it begins, 32-63 its bytes,
    // 255 that it is in calldata. 0 is none.
    uint256 private constant IN_CALLDATA = 1 << 255;
    uint256 private constant HASH_ITEM_BYTES = 33;
    /// @dev In a shape that is kept on the way down: where in the node the child's item begins.
    uint256 private constant OFFSET_BITS = 0xffff << 240;

    /// @dev What a made node is.
    uint256 private constant NOTHING = 0;
    uint256 private constant LEAF = 1;
    uint256 private constant EXTENSION = 2;
    uint256 private constant BRANCH = 3;

    /// @notice A key is changed twice.
    /// @param key The key as the trie has it.
    error DuplicateKey(bytes32 key);
    /// @notice More than MAX_CHANGES changes.
    /// @param count Their number.
    error TooManyChanges(uint256 count);
    /// @notice A value has no bytes or more than MAX_VALUE_BYTES.
    /// @param size Its bytes.
    error ValueOutOfRange(uint256 size);

    /// @dev A node, taken from the witness or made.
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

    /// @dev What is being done: changes in ascending order of their keys. Items of 0 are deletions.
    struct Task {
        WitnessNodes.Table table;
        uint256[] keys;
        uint256[] items;
        /// Nibbles of a key.
        uint256 nibbles;
    }

    /// @dev A branch while its children are changed: those that were, by nibble; 0 those that are as the shape has them.
    struct Fork {
        uint256 shape;
        uint256 changed;
        /// Its children.
        uint256 count;
        /// Whether the children are where they were, so that their hashes can be put into a copy.
        bool isPatch;
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
        Node memory node;
        if (root != WitnessNodes.EMPTY_ROOT) _open(task, node, WitnessNodes.take(task.table, root), 0);
        node = _changed(task, node, 0, 0, task.keys.length);
        if (node.kind == NOTHING) return WitnessNodes.EMPTY_ROOT;
        uint256 item = node.item;
        if (node.kind != BRANCH) {
            (uint256 start, uint256 size) = _encode(node);
            return _hash(start, size);
        }
        // A branch's item holds its hash, or where it is short itself.
        bytes32 hash;
        assembly ("memory-safe") {
            hash := mload(add(and(item, 0xffffffff), 1))
        }
        return item >> 32 == HASH_ITEM_BYTES ? hash : _hash(item & 0xffffffff, item >> 32);
    }

    /// @dev The node after the changes from `from` to before `to`, which all go through it: one at least.
    function _changed(Task memory task, Node memory node, uint256 depth, uint256 from, uint256 to)
        private
        pure
        returns (Node memory)
    {
        unchecked {
            if (node.kind == BRANCH) {
                if (node.shape == 0) _load(task, node);
                if (to - from == 1 && WitnessNodes.kindOf(node.shape) == WitnessNodes.KIND_BRANCH) {
                    return _changedChain(task, node, depth, from);
                }
                return _changedBranch(task, node, 0, depth, from, to);
            }
            uint256 rest = task.nibbles - depth;
            uint256 path = task.keys[from] << (4 * depth);
            uint256 length = rest;
            uint256 shared = to - from == 1 ? rest : _common(path, task.keys[to - 1] << (4 * depth));
            if (node.kind != NOTHING) {
                shared = _least(shared, _common(path, node.path));
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
            return _prefixed(path, shared, node);
        }
    }

    /// @dev An extension all of whose path the changed keys go along.
    function _changedBelow(Task memory task, Node memory node, uint256 depth, uint256 from, uint256 to)
        private
        pure
        returns (Node memory)
    {
        unchecked {
            (uint256 path, uint256 length) = (node.path, node.length);
            (node.kind, node.shape) = (BRANCH, 0);
            return _prefixed(path, length, _changed(task, node, depth + length, from, to));
        }
    }

    /// @dev One change below a branch of hashes: goes down as long as such branches follow, changes what stands below the
    /// last, and comes back up with the new hashes. What this takes is nearly all of the gas of a change.
    function _changedChain(Task memory task, Node memory node, uint256 depth, uint256 from)
        private
        pure
        returns (Node memory)
    {
        unchecked {
            uint256 trail = _free();
            uint256 end;
            uint256 shape;
            (end, shape) = _descended(task, node.shape, depth, task.keys[from]);
            assembly ("memory-safe") {
                mstore(0x40, end)
            }
            bytes32 hash;
            {
                uint256 last = end - 32;
                depth += (last - trail) / 32;
                if (shape != 0) {
                    hash = _changedHash(_changed(task, _opened(task, shape, depth + 1), depth + 1, from, from + 1));
                }
                if (hash == 0) {
                    // The child comes, goes or is short: the last branch gets another form, but never a short one.
                    assembly ("memory-safe") {
                        shape := mload(last)
                    }
                    Node memory branch;
                    (branch.kind, branch.shape) = (BRANCH, shape & ~OFFSET_BITS);
                    branch = _changedBranch(task, branch, 0, depth, from, from + 1);
                    if (last == trail) return branch;
                    hash = _changedHash(branch);
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
            return _hashedBranch(hash, trail);
        }
    }

    /// @dev Goes down through branches of hashes from one of them on. Leaves their shapes in memory that is not taken, each
    /// with the offset in its node of the item that the key goes through, and gives the shape of what stands below the
    /// last one; 0 where there is no such child.
    function _descended(Task memory task, uint256 top, uint256 depth, uint256 key)
        private
        pure
        returns (uint256 end, uint256 shape)
    {
        unchecked {
            end = _free();
            shape = top;
            while (true) {
                if (depth >= task.nibbles) WitnessNodes.refuse(task.table, shape);
                uint256 place = WitnessNodes.childPlace(shape, (key << (4 * depth)) >> 252);
                uint256 offset = place == 0 ? 0 : place - WitnessNodes.startOf(shape);
                assembly ("memory-safe") {
                    mstore(end, or(and(shape, not(shl(240, 0xffff))), shl(240, offset)))
                }
                end += 32;
                if (place == 0) return (end, 0);
                shape = WitnessNodes.take(task.table, bytes32(Rlp.load(place + 1)));
                if (WitnessNodes.kindOf(shape) != WitnessNodes.KIND_BRANCH) return (end, shape);
                depth++;
            }
        }
    }

    /// @dev A branch after changes: `node` itself where `seat` is 0; else one that is to be made, with `node` as its child
    /// number `seat` less 1.
    function _changedBranch(Task memory task, Node memory node, uint256 seat, uint256 depth, uint256 from, uint256 to)
        private
        pure
        returns (Node memory)
    {
        unchecked {
            uint256 base = _free();
            if (depth >= task.nibbles) _refuse(task, node);
            Fork memory fork = _fork(node, seat);
            while (from < to) {
                uint256 nibble = (task.keys[from] << (4 * depth)) >> 252;
                uint256 next = from + 1;
                while (next < to && (task.keys[next] << (4 * depth)) >> 252 == nibble) next++;
                Node memory child = _child(task, fork, nibble, depth);
                if (child.kind != NOTHING) fork.count--;
                bool wasThere = child.kind != NOTHING;
                child = _changed(task, child, depth + 1, from, next);
                if (child.kind != NOTHING) fork.count++;
                if (wasThere != (child.kind != NOTHING)) fork.isPatch = false;
                _setChanged(fork, nibble, child);
                from = next;
            }
            if (fork.count == 0) return _nothing();
            if (fork.count == 1) return _collapsed(task, fork, depth);
            return _madeBranch(fork, base);
        }
    }

    /// @dev The branch before the changes.
    function _fork(Node memory node, uint256 seat) private pure returns (Fork memory fork) {
        uint256 changed;
        assembly ("memory-safe") {
            changed := mload(0x40)
            calldatacopy(changed, calldatasize(), 512)
            mstore(0x40, add(changed, 512))
        }
        fork.changed = changed;
        if (seat == 0) {
            fork.shape = node.shape;
            fork.count = WitnessNodes.childCount(node.shape);
            fork.isPatch = WitnessNodes.kindOf(node.shape) == WitnessNodes.KIND_BRANCH;
        } else if (node.kind != NOTHING) {
            _setChanged(fork, seat - 1, node);
            fork.count = 1;
        }
    }

    /// @dev A branch's child before it is changed.
    function _child(Task memory task, Fork memory fork, uint256 nibble, uint256 depth)
        private
        pure
        returns (Node memory child)
    {
        uint256 place = fork.shape == 0 ? 0 : WitnessNodes.childPlace(fork.shape, nibble);
        if (place != 0) {
            _open(task, child, WitnessNodes.child(task.table, place), depth + 1);
            return child;
        }
        uint256 seated = _changedOf(fork, nibble);
        if (seated == 0) return child;
        assembly ("memory-safe") {
            child := seated
        }
    }

    /// @dev What becomes of a branch with one child: the child, its path a nibble longer.
    function _collapsed(Task memory task, Fork memory fork, uint256 depth) private pure returns (Node memory child) {
        unchecked {
            uint256 nibble = 0;
            while (true) {
                uint256 changed = _changedOf(fork, nibble);
                if (changed != 0) {
                    assembly ("memory-safe") {
                        child := changed
                    }
                } else {
                    uint256 place = fork.shape == 0 ? 0 : WitnessNodes.childPlace(fork.shape, nibble);
                    if (place != 0) {
                        child = _nothing();
                        _open(task, child, WitnessNodes.child(task.table, place), depth + 1);
                        if (child.kind == BRANCH) child.item = _itemAt(place);
                    }
                }
                if (child.kind != NOTHING) return _prefixed(nibble << 252, 1, child);
                nibble++;
            }
        }
    }

    /// @dev A node with a path put before it.
    function _prefixed(uint256 path, uint256 length, Node memory node) private pure returns (Node memory) {
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

    /// @dev Encodes and hashes a branch of at least two children. From `base` on memory holds nothing but the branch's
    /// changed children and what led to them: it is given back.
    function _madeBranch(Fork memory fork, uint256 base) private pure returns (Node memory made) {
        unchecked {
            uint256 start;
            uint256 size;
            if (fork.isPatch) (start, size) = _patched(fork);
            if (size == 0) (start, size) = _encodeBranch(fork);
            if (size >= 32) return _hashedBranch(_hash(start, size), base);
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
            uint256 place = WitnessNodes.startOf(shape);
            size = WitnessNodes.endOf(shape) - place;
            assembly ("memory-safe") {
                start := mload(0x40)
                calldatacopy(start, place, size)
                mstore(0x40, and(add(add(start, size), 31), not(31)))
            }
            for (uint256 nibble = 0; nibble < 16; nibble++) {
                uint256 changed = _changedOf(fork, nibble);
                if (changed == 0) continue;
                uint256 item = _close(changed);
                if (item >> 32 & 0x7fffffff != HASH_ITEM_BYTES) return (0, 0);
                _copy(item, start + WitnessNodes.childPlace(shape, nibble) - place);
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
                uint256 changed = _changedOf(fork, nibble);
                if (changed != 0) {
                    item = _close(changed);
                } else if (fork.shape != 0) {
                    uint256 place = WitnessNodes.childPlace(fork.shape, nibble);
                    if (place != 0) item = _itemAt(place);
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
        (uint256 start, uint256 size) = _encode(node);
        if (size < 32) return start | size << 32;
        bytes32 hash = _hash(start, size);
        assembly ("memory-safe") {
            mstore8(start, 0xa0)
            mstore(add(start, 1), hash)
            item := or(start, shl(32, 33))
        }
    }

    /// @dev Encodes a leaf or an extension: its path in hex-prefix form (appendix C) and its item.
    function _encode(Node memory node) private pure returns (uint256 start, uint256 size) {
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

    /// @dev Takes a node of the witness apart that stands `depth` nibbles below the root.
    function _open(Task memory task, Node memory node, uint256 shape, uint256 depth) private pure {
        uint256 kind = WitnessNodes.kindOf(shape);
        uint256 second;
        node.shape = shape;
        if (kind <= WitnessNodes.KIND_MIXED) {
            node.kind = BRANCH;
        } else {
            node.kind = kind == WitnessNodes.KIND_LEAF ? LEAF : EXTENSION;
            (node.path, node.length, second) = WitnessNodes.pathOf(shape);
        }
        unchecked {
            node.item = second | (WitnessNodes.endOf(shape) - second) << 32 | IN_CALLDATA;
            depth += node.length;
            // Keys of 32 bytes all end there; others are shorter.
            bool isSound = kind == WitnessNodes.KIND_LEAF ? depth == 64 || task.nibbles != 64 && depth < 64 : depth < 64;
            if (!isSound) _refuse(task, node);
        }
    }

    function _opened(Task memory task, uint256 shape, uint256 depth) private pure returns (Node memory node) {
        _open(task, node, shape, depth);
    }

    /// @dev The hash of a node by which its parent names it; 0 where it is short or nothing.
    function _changedHash(Node memory node) private pure returns (bytes32 hash) {
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

    /// @dev A branch of which nothing but the hash is known, written from `base` on, where memory is given back.
    function _hashedBranch(bytes32 hash, uint256 base) private pure returns (Node memory made) {
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

    /// @dev Looks up a branch of which only the item is known; it stood below an extension of the witness.
    function _load(Task memory task, Node memory node) private pure {
        uint256 shape = WitnessNodes.child(task.table, node.item & 0xffffffff);
        if (WitnessNodes.kindOf(shape) > WitnessNodes.KIND_MIXED) WitnessNodes.refuse(task.table, shape);
        node.shape = shape;
    }

    function _refuse(Task memory task, Node memory node) private pure {
        WitnessNodes.refuse(task.table, node.shape);
    }

    /// @dev The item at a place of calldata that a branch's shape has: a hash or a short node.
    function _itemAt(uint256 place) private pure returns (uint256 item) {
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

    function _free() private pure returns (uint256 pointer) {
        assembly ("memory-safe") {
            pointer := mload(0x40)
        }
    }

    function _nothing() private pure returns (Node memory node) {}

    function _changedOf(Fork memory fork, uint256 nibble) private pure returns (uint256 changed) {
        assembly ("memory-safe") {
            changed := mload(add(mload(add(fork, 32)), shl(5, nibble)))
        }
    }

    function _setChanged(Fork memory fork, uint256 nibble, Node memory node) private pure {
        assembly ("memory-safe") {
            mstore(add(mload(add(fork, 32)), shl(5, nibble)), node)
        }
    }

    /// @dev Number of nibbles that two paths begin with alike.
    function _common(uint256 left, uint256 right) private pure returns (uint256 count) {
        assembly ("memory-safe") {
            count := shr(2, clz(xor(left, right)))
        }
    }

    function _least(uint256 left, uint256 right) private pure returns (uint256) {
        return left < right ? left : right;
    }
}
