// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MerkleTrie} from "./MerkleTrie.sol";
import {KIND_BITS, NodeShapes, USED} from "./NodeShapes.sol";
import {Rlp} from "./Rlp.sol";

/// @title WitnessNodes: the nodes of Merkle-Patricia tries that a proof hands in, each once, found by their hashes
/// @notice Yellow paper, appendices B to D. A witness is the encoded nodes one after another in any order; paths of
/// accounts and of slots share them. Opening it hashes each node once, checks that it is in the one canonical form and
/// files it in a table. What a walk needs and is not there is MissingNode, what no walk met is UnusedNode: a witness with
/// too little or too much says nothing about the trie. A node below 32 bytes stands within its parent; none of them can
/// be a root where keys are hashes or values have 32 bytes.
library WitnessNodes {
    /// @notice Root of the trie that holds nothing.
    bytes32 internal constant EMPTY_ROOT = MerkleTrie.EMPTY_ROOT;
    /// @notice Longest witness in bytes: what nodes of L1 take as one transaction.
    uint256 internal constant MAX_WITNESS_BYTES = 131_072;

    /// @dev Shortest node that stands by itself.
    uint256 private constant MIN_NODE_BYTES = 32;
    /// @dev A list of 529 bytes: seventeen items, of which sixteen are hashes.
    uint256 private constant FULL_BRANCH_HEADER = 0xf90211;

    /// @notice The witness is longer than MAX_WITNESS_BYTES, or ends beyond 16 MiB of calldata.
    /// @param size Its bytes.
    error WitnessTooLong(uint256 size);
    /// @notice No node in canonical form stands there, or none that can stand at its place in the trie.
    /// @param place Offset in the witness.
    error MalformedNode(uint256 place);
    /// @notice A node is in the witness twice.
    /// @param hash Its hash.
    error DuplicateNode(bytes32 hash);
    /// @notice The node is needed and not in the witness.
    /// @param hash Its hash.
    error MissingNode(bytes32 hash);
    /// @notice The node is in the witness and nothing needed it.
    /// @param hash Its hash.
    error UnusedNode(bytes32 hash);

    /// @notice An opened witness, in memory: buckets of linked entries of two words, a node's hash and its shape.
    struct Table {
        /// Where the buckets stand.
        uint256 buckets;
        /// 256 less the binary logarithm of their number.
        uint256 shift;
        /// Odd factor that spreads hashes over the buckets.
        uint256 factor;
        /// Where the entries begin and end.
        uint256 first;
        uint256 end;
        /// Where the witness begins in calldata.
        uint256 origin;
    }

    /// @notice Files the nodes of a witness. Reverts with WitnessTooLong, MalformedNode or DuplicateNode.
    /// @dev The factor is the block's randomness, so that nobody who makes a state can crowd a bucket of a later proof.
    /// @param witness Encoded nodes, one after another.
    /// @return table Where they are found.
    function open(bytes calldata witness) internal view returns (Table memory table) {
        if (witness.length > MAX_WITNESS_BYTES) revert WitnessTooLong(witness.length);
        (uint256 place, uint256 end) = Rlp.range(witness);
        // Shapes have three bytes for an offset.
        if (end > 0xffffff) revert WitnessTooLong(end);
        table.origin = place;
        table.factor = block.prevrandao | 1;
        uint256 shift = 256;
        uint256 entry;
        unchecked {
            // A bucket for each 256 bytes: about two a node.
            for (uint256 room = 256; room < witness.length; room <<= 1) {
                shift--;
            }
            table.shift = shift;
            assembly ("memory-safe") {
                let buckets := mload(0x40)
                mstore(table, buckets)
                entry := shl(sub(261, shift), 1)
                calldatacopy(buckets, calldatasize(), entry)
                entry := add(buckets, entry)
            }
            table.first = entry;
            while (place != end) {
                if (Rlp.load(place) >> 232 == FULL_BRANCH_HEADER) {
                    (place, entry) = _fileFull(table, place, end, entry);
                    if (place == end) break;
                }
                uint256 shape = NodeShapes.describe(place, end);
                uint256 next = NodeShapes.endOf(shape);
                // The end is 0 where it is no node.
                if (next < place + MIN_NODE_BYTES) revert MalformedNode(place - table.origin);
                entry = _file(table, shape, next - place, entry);
                place = next;
            }
        }
        table.end = entry;
        assembly ("memory-safe") {
            mstore(0x40, entry)
        }
    }

    /// @notice Reverts with UnusedNode where a node was not needed since the witness was opened.
    /// @param table The opened witness.
    function close(Table memory table) internal pure {
        uint256 end = table.end;
        bytes32 unused;
        assembly ("memory-safe") {
            for { let entry := mload(add(table, 96)) } lt(entry, end) { entry := add(entry, 64) } {
                if iszero(and(mload(add(entry, 32)), USED)) {
                    unused := mload(entry)
                    break
                }
            }
        }
        if (unused != 0) revert UnusedNode(unused);
    }

    /// @notice The shape of a node, which is used from now on. Reverts with MissingNode.
    /// @param table The opened witness.
    /// @param hash The node's hash.
    /// @return shape Where it stands and what it is.
    function take(Table memory table, bytes32 hash) internal pure returns (uint256 shape) {
        assembly ("memory-safe") {
            let entry := mload(add(mload(table), shl(5, shr(mload(add(table, 32)), mul(hash, mload(add(table, 64)))))))
            for {} entry {} {
                shape := mload(add(entry, 32))
                if eq(mload(entry), hash) {
                    mstore(add(entry, 32), or(shape, USED))
                    break
                }
                entry := and(shr(208, shape), 0xffffffff)
            }
            if iszero(entry) { shape := 0 }
        }
        if (shape == 0) revert MissingNode(hash);
    }

    /// @notice The shape of the node that an item of a branch or an extension names or holds.
    /// Reverts with MissingNode or MalformedNode.
    /// @param table The opened witness.
    /// @param place Where the item begins: a hash, or a node of less than 32 bytes.
    /// @return shape Where the node stands and what it is.
    function child(Table memory table, uint256 place) internal pure returns (uint256 shape) {
        uint256 first = Rlp.load(place) >> 248;
        unchecked {
            if (first == 0xa0) return take(table, bytes32(Rlp.load(place + 1)));
            // What is around it has seen that it is a list of at most 31 bytes.
            shape = NodeShapes.describe(place, place + first - 0xbf);
            if (shape == 0) revert MalformedNode(place - table.origin);
        }
    }

    /// @notice Where the value of a key stands in calldata. Reverts with MissingNode or MalformedNode.
    /// @param table The opened witness.
    /// @param root Root of the trie.
    /// @param key The key, all of 32 bytes.
    /// @return start Where the value begins.
    /// @return end Where it ends; 0 where the trie does not hold the key.
    function find(Table memory table, bytes32 root, uint256 key) internal pure returns (uint256 start, uint256 end) {
        if (root == EMPTY_ROOT) return (0, 0);
        uint256 shape = take(table, root);
        uint256 depth = 0;
        unchecked {
            while (true) {
                uint256 kind = NodeShapes.kindOf(shape);
                if (kind == NodeShapes.KIND_BRANCH) {
                    uint256 trail;
                    uint256 end_;
                    (shape, trail, end_) = descend(table, shape, key << (4 * depth), 64 - depth);
                    if (shape == 0) return (0, 0);
                    depth += (end_ - trail) / 32;
                } else if (kind == NodeShapes.KIND_MIXED) {
                    if (depth > 63) refuse(table, shape);
                    uint256 item = NodeShapes.childPlace(shape, (key << (4 * depth)) >> 252);
                    if (item == 0) return (0, 0);
                    shape = child(table, item);
                    depth++;
                } else {
                    (uint256 path, uint256 length, uint256 second) = NodeShapes.pathOf(shape);
                    bool isEqual = length == 0 || (path ^ (key << (4 * depth))) >> (256 - 4 * length) == 0;
                    depth += length;
                    if (kind == NodeShapes.KIND_LEAF) {
                        if (depth != 64) refuse(table, shape);
                        if (!isEqual) return (0, 0);
                        (, start,) = Rlp.item(second, end = NodeShapes.endOf(shape));
                        return (start, end);
                    }
                    if (depth > 63) refuse(table, shape);
                    if (!isEqual) return (0, 0);
                    shape = child(table, second);
                    if (NodeShapes.kindOf(shape) > NodeShapes.KIND_MIXED) refuse(table, shape);
                }
            }
        }
    }

    /// @notice Goes down through branches of hashes, from one of them on as long as they follow each other: nearly all of a
    /// path, and so without a call in between. Reverts with MissingNode, and with MalformedNode where the key ends.
    /// @dev The way down is left in memory that is not taken, a word for each branch: its shape, and from bit 240 on where in
    /// the node the item stands that the key goes through; 0 where there is no such child.
    /// @param table The opened witness.
    /// @param top Shape of the first branch.
    /// @param rest The key's nibbles from there on, the first one highest.
    /// @param levels Their number.
    /// @return shape What stands below the last branch; 0 where it has no such child.
    /// @return trail Where the way down begins in memory.
    /// @return end Where it ends.
    function descend(Table memory table, uint256 top, uint256 rest, uint256 levels)
        internal
        pure
        returns (uint256 shape, uint256 trail, uint256 end)
    {
        bytes32 missing;
        assembly ("memory-safe") {
            let buckets := mload(table)
            let shift := mload(add(table, 32))
            let factor := mload(add(table, 64))
            trail := mload(0x40)
            end := trail
            shape := top
            for {} levels {} {
                let nibble := shr(252, rest)
                if iszero(byte(add(nibble, 16), shape)) {
                    mstore(end, shape)
                    end := add(end, 32)
                    shape := 0
                    break
                }
                // Modulo 255 the bytes of a word are summed up: one for each child before this one.
                let item := mod(shr(sub(256, shl(3, nibble)), shl(128, shape)), 255)
                item := add(and(shr(176, shape), 0xffffff), add(nibble, shl(5, item)))
                mstore(end, or(shape, shl(240, sub(item, and(shr(128, shape), 0xffffff)))))
                end := add(end, 32)
                let hash := calldataload(add(item, 1))
                let entry := mload(add(buckets, shl(5, shr(shift, mul(hash, factor)))))
                for {} entry {} {
                    shape := mload(add(entry, 32))
                    if eq(mload(entry), hash) { break }
                    entry := and(shr(208, shape), 0xffffffff)
                }
                if iszero(entry) {
                    missing := hash
                    end := 0
                    break
                }
                mstore(add(entry, 32), or(shape, USED))
                rest := shl(4, rest)
                levels := sub(levels, 1)
                if and(shape, KIND_BITS) { break }
            }
        }
        if (end == 0) revert MissingNode(missing);
        if (levels == 0 && shape != 0 && NodeShapes.kindOf(shape) == NodeShapes.KIND_BRANCH) refuse(table, shape);
    }

    /// @notice Reverts: the node can not stand where a walk came to it.
    /// @param table The opened witness.
    /// @param shape The node's.
    function refuse(Table memory table, uint256 shape) internal pure {
        unchecked {
            revert MalformedNode(NodeShapes.startOf(shape) - table.origin);
        }
    }

    /// @dev Files nodes as long as they are branches of sixteen hashes, which are most of a witness: unrolled, for the gas.
    function _fileFull(Table memory table, uint256 place, uint256 end, uint256 entry)
        private
        pure
        returns (uint256 next, uint256 free)
    {
        bytes32 twice;
        assembly ("memory-safe") {
            let buckets := mload(table)
            let shift := mload(add(table, 32))
            let factor := mload(add(table, 64))
            for {} eq(shr(232, calldataload(place)), FULL_BRANCH_HEADER) {} {
                let mask := 0xa000000000000000000000000000000000000000000000000000000000000000
                let bad := xor(calldataload(add(place, 3)), mask)
                bad := or(bad, xor(calldataload(add(place, 36)), mask))
                bad := or(bad, xor(calldataload(add(place, 69)), mask))
                bad := or(bad, xor(calldataload(add(place, 102)), mask))
                bad := or(bad, xor(calldataload(add(place, 135)), mask))
                bad := or(bad, xor(calldataload(add(place, 168)), mask))
                bad := or(bad, xor(calldataload(add(place, 201)), mask))
                bad := or(bad, xor(calldataload(add(place, 234)), mask))
                bad := or(bad, xor(calldataload(add(place, 267)), mask))
                bad := or(bad, xor(calldataload(add(place, 300)), mask))
                bad := or(bad, xor(calldataload(add(place, 333)), mask))
                bad := or(bad, xor(calldataload(add(place, 366)), mask))
                bad := or(bad, xor(calldataload(add(place, 399)), mask))
                bad := or(bad, xor(calldataload(add(place, 432)), mask))
                bad := or(bad, xor(calldataload(add(place, 465)), mask))
                bad := or(bad, xor(calldataload(add(place, 498)), mask))
                bad := or(shr(248, bad), xor(byte(0, calldataload(add(place, 531))), 0x80))
                if or(bad, gt(add(place, 532), end)) { break }
                calldatacopy(entry, place, 532)
                let hash := keccak256(entry, 532)
                let bucket := add(buckets, shl(5, shr(shift, mul(hash, factor))))
                let head := mload(bucket)
                for { let other := head } other { other := and(shr(208, mload(add(other, 32))), 0xffffffff) } {
                    if eq(mload(other), hash) { twice := hash }
                }
                mstore(bucket, entry)
                mstore(entry, hash)
                // Begins at `place`, ends 532 behind it, items from 3 behind it, all children there.
                mstore(
                    add(entry, 32),
                    or(
                        add(
                            mul(place, 0x100000100000100000000000000000000000000000000),
                            0x0300021400000001010101010101010101010101010101
                        ),
                        shl(208, head)
                    )
                )
                entry := add(entry, 64)
                place := add(place, 532)
            }
            next := place
            free := entry
        }
        if (twice != 0) revert DuplicateNode(twice);
    }

    /// @dev Files one node.
    function _file(Table memory table, uint256 shape, uint256 size, uint256 entry) private pure returns (uint256 free) {
        bytes32 twice;
        assembly ("memory-safe") {
            calldatacopy(entry, and(shr(128, shape), 0xffffff), size)
            let hash := keccak256(entry, size)
            let bucket := add(mload(table), shl(5, shr(mload(add(table, 32)), mul(hash, mload(add(table, 64))))))
            let head := mload(bucket)
            for { let other := head } other { other := and(shr(208, mload(add(other, 32))), 0xffffffff) } {
                if eq(mload(other), hash) { twice := hash }
            }
            mstore(bucket, entry)
            mstore(entry, hash)
            mstore(add(entry, 32), or(shape, shl(208, head)))
            free := add(entry, 64)
        }
        if (twice != 0) revert DuplicateNode(twice);
    }
}
