// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MerkleTrie} from "./MerkleTrie.sol";
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

    /// @dev Shortest node that stands by itself. The longest has three bytes of header and 65,280 of items, so that its
    /// path may grow by 32 when branches above it go.
    uint256 private constant MIN_NODE_BYTES = 32;
    /// @dev A list of 529 bytes: seventeen items, of which sixteen are hashes.
    uint256 private constant FULL_BRANCH_HEADER = 0xf90211;

    // A node's shape, one word: where it stands in calldata and what it is. Bits from the lowest:
    // 0-127    branch: one byte for each child, the last child's lowest, 1 where it is there;
    //          leaf, extension: 0-23 where the byte with its path's first nibble stands, 24-31 their number,
    //          32-55 where its second item begins
    // 128-151  where the node begins, 152-175 where it ends, 176-199 where its first item begins
    // 200-201  kind; 203 used; 208-239 the next entry of the bucket
    uint256 internal constant KIND_BRANCH = 0;
    /// @notice A branch of which some child stands within it.
    uint256 internal constant KIND_MIXED = 1;
    uint256 internal constant KIND_LEAF = 2;
    uint256 internal constant KIND_EXTENSION = 3;
    uint256 private constant KIND_BITS = 3 << 200;
    uint256 private constant USED = 1 << 203;

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
                uint256 shape = describe(place, end);
                uint256 next = endOf(shape);
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
            shape = describe(place, place + first - 0xbf);
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
                uint256 kind = kindOf(shape);
                if (kind <= KIND_MIXED && depth > 63) refuse(table, shape);
                if (kind == KIND_BRANCH) {
                    // Nearly all of a path, and so without a call in between.
                    bytes32 hash;
                    assembly ("memory-safe") {
                        for {} lt(depth, 64) {} {
                            hash := 0
                            let nibble := and(shr(sub(252, shl(2, depth)), key), 15)
                            let upTo := shr(sub(120, shl(3, nibble)), and(shape, 0xffffffffffffffffffffffffffffffff))
                            if iszero(and(upTo, 1)) { break }
                            // Modulo 255 the bytes of a word are summed up: one for each child before this one.
                            let before := mod(shr(8, upTo), 255)
                            hash := calldataload(
                                add(add(and(shr(176, shape), 0xffffff), 1), add(nibble, shl(5, before)))
                            )
                            depth := add(depth, 1)
                            let entry :=
                                mload(
                                    add(
                                        mload(table),
                                        shl(5, shr(mload(add(table, 32)), mul(hash, mload(add(table, 64)))))
                                    )
                                )
                            for {} entry {} {
                                shape := mload(add(entry, 32))
                                if eq(mload(entry), hash) {
                                    mstore(add(entry, 32), or(shape, USED))
                                    break
                                }
                                entry := and(shr(208, shape), 0xffffffff)
                            }
                            if iszero(entry) {
                                shape := 0
                                break
                            }
                            if and(shape, KIND_BITS) { break }
                        }
                    }
                    if (shape == 0) revert MissingNode(hash);
                    if (hash == 0) return (0, 0);
                } else if (kind == KIND_MIXED) {
                    uint256 item = childPlace(shape, (key << (4 * depth)) >> 252);
                    if (item == 0) return (0, 0);
                    shape = child(table, item);
                    depth++;
                } else {
                    (uint256 path, uint256 length, uint256 second) = pathOf(shape);
                    bool isEqual = length == 0 || (path ^ (key << (4 * depth))) >> (256 - 4 * length) == 0;
                    depth += length;
                    if (kind == KIND_LEAF) {
                        if (depth != 64) refuse(table, shape);
                        if (!isEqual) return (0, 0);
                        (, start,) = Rlp.item(second, end = endOf(shape));
                        return (start, end);
                    }
                    if (depth > 63) refuse(table, shape);
                    if (!isEqual) return (0, 0);
                    shape = child(table, second);
                    if (kindOf(shape) > KIND_MIXED) refuse(table, shape);
                }
            }
        }
    }

    /// @notice Reverts: the node can not stand where a walk came to it.
    /// @param table The opened witness.
    /// @param shape The node's.
    function refuse(Table memory table, uint256 shape) internal pure {
        unchecked {
            revert MalformedNode(startOf(shape) - table.origin);
        }
    }

    /// @notice What a node is.
    /// @param shape The node's.
    /// @return kind KIND_BRANCH, KIND_MIXED, KIND_LEAF or KIND_EXTENSION.
    function kindOf(uint256 shape) internal pure returns (uint256 kind) {
        return (shape >> 200) & 3;
    }

    /// @notice Where a node begins.
    /// @param shape The node's.
    /// @return start Offset in calldata.
    function startOf(uint256 shape) internal pure returns (uint256 start) {
        return (shape >> 128) & 0xffffff;
    }

    /// @notice Where a node ends.
    /// @param shape The node's.
    /// @return end Offset in calldata.
    function endOf(uint256 shape) internal pure returns (uint256 end) {
        return (shape >> 152) & 0xffffff;
    }

    /// @notice How many children a branch has.
    /// @param shape The branch's.
    /// @return count Their number.
    function childCount(uint256 shape) internal pure returns (uint256 count) {
        return (shape & type(uint128).max) % 255;
    }

    /// @notice Where the item of a branch's child stands.
    /// @param shape The branch's.
    /// @param nibble Which child.
    /// @return place Where its item begins; 0 where there is no such child.
    function childPlace(uint256 shape, uint256 nibble) internal pure returns (uint256 place) {
        unchecked {
            uint256 upTo = (shape & type(uint128).max) >> (120 - 8 * nibble);
            if (upTo & 1 == 0) return 0;
            place = (shape >> 176) & 0xffffff;
            if (kindOf(shape) == KIND_BRANCH) return place + nibble + 32 * ((upTo >> 8) % 255);
            for (uint256 i = 0; i < nibble; i++) {
                (,, place) = Rlp.item(place, endOf(shape));
            }
        }
    }

    /// @notice The path of a leaf or an extension.
    /// @param shape The node's.
    /// @return path Its nibbles, the first ones highest; zeros after them.
    /// @return length Their number.
    /// @return second Where the node's second item begins.
    function pathOf(uint256 shape) internal pure returns (uint256 path, uint256 length, uint256 second) {
        unchecked {
            length = (shape >> 24) & 0xff;
            path = Rlp.load(shape & 0xffffff);
            if (length & 1 == 1) path <<= 4;
            path &= ~(type(uint256).max >> (4 * length));
            second = (shape >> 32) & 0xffffff;
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

    /// @dev The shape of the node that begins at `place` and ends at or before `limit`; 0 where none in canonical form does.
    function describe(uint256 place, uint256 limit) internal pure returns (uint256 shape) {
        uint256 end;
        uint256 items;
        // Unrolled, for the gas.
        assembly ("memory-safe") {
            // The children of a branch of few hashes, with the byte 0x80 where there is no child: from hash to hash.
            function sparse(first, end_) -> children {
                let count := 0
                for {} 1 {} {
                    let word :=
                        xor(calldataload(first), 0x8080808080808080808080808080808080808080808080808080808080808080)
                    let none := shr(3, clz(word))
                    count := add(count, none)
                    first := add(first, none)
                    if gt(count, 15) { break }
                    if xor(byte(none, word), 0x20) { break }
                    children := or(children, shl(shl(3, sub(15, count)), 1))
                    count := add(count, 1)
                    first := add(first, 33)
                }
                // The last item is the branch's value, none; what is like it behind the node was counted too.
                if or(lt(count, 17), xor(sub(first, sub(count, 17)), end_)) { children := 0 }
            }
            // The children of a branch of many hashes: each item is looked at.
            function hashed(first, end_) -> children {
                let at := first
                let head := byte(0, calldataload(at))
                // A leaf or an extension begins with its path, most often of another size: no need to look further.
                if xor(and(head, 0xdf), 0x80) { leave }
                // The items' first bytes, of which 0x80 takes one place and 0xa0 takes 33.
                children := head
                at := add(sub(at, 0x7f), head)
                head := byte(0, calldataload(at))
                children := or(shl(8, children), head)
                at := add(sub(at, 0x7f), head)
                head := byte(0, calldataload(at))
                children := or(shl(8, children), head)
                at := add(sub(at, 0x7f), head)
                head := byte(0, calldataload(at))
                children := or(shl(8, children), head)
                at := add(sub(at, 0x7f), head)
                head := byte(0, calldataload(at))
                children := or(shl(8, children), head)
                at := add(sub(at, 0x7f), head)
                head := byte(0, calldataload(at))
                children := or(shl(8, children), head)
                at := add(sub(at, 0x7f), head)
                head := byte(0, calldataload(at))
                children := or(shl(8, children), head)
                at := add(sub(at, 0x7f), head)
                head := byte(0, calldataload(at))
                children := or(shl(8, children), head)
                at := add(sub(at, 0x7f), head)
                head := byte(0, calldataload(at))
                children := or(shl(8, children), head)
                at := add(sub(at, 0x7f), head)
                head := byte(0, calldataload(at))
                children := or(shl(8, children), head)
                at := add(sub(at, 0x7f), head)
                head := byte(0, calldataload(at))
                children := or(shl(8, children), head)
                at := add(sub(at, 0x7f), head)
                head := byte(0, calldataload(at))
                children := or(shl(8, children), head)
                at := add(sub(at, 0x7f), head)
                head := byte(0, calldataload(at))
                children := or(shl(8, children), head)
                at := add(sub(at, 0x7f), head)
                head := byte(0, calldataload(at))
                children := or(shl(8, children), head)
                at := add(sub(at, 0x7f), head)
                head := byte(0, calldataload(at))
                children := or(shl(8, children), head)
                at := add(sub(at, 0x7f), head)
                head := byte(0, calldataload(at))
                children := or(shl(8, children), head)
                at := add(sub(at, 0x7f), head)
                if or(xor(add(at, 1), end_), xor(byte(0, calldataload(at)), 0x80)) {
                    children := 0
                    leave
                }
                if xor(and(children, 0xdfdfdfdfdfdfdfdfdfdfdfdfdfdfdfdf), 0x80808080808080808080808080808080) {
                    children := 0
                    leave
                }
                children := and(shr(5, children), 0x01010101010101010101010101010101)
            }

            // What a leaf or an extension has of its own: a path in hex-prefix form (appendix C), a value or a child.
            function pair(first, end_) -> low {
                let head := byte(0, calldataload(first))
                let path := first
                let second := add(first, 1)
                if gt(head, 0x7f) {
                    if or(gt(head, 0xa1), lt(head, 0x82)) { leave }
                    path := second
                    second := add(first, sub(head, 0x7f))
                }
                let flags := byte(0, calldataload(path))
                let isOdd := and(shr(4, flags), 1)
                // The nibble beside the flags is the path's first, or zero. A single byte from 0x80 on is no path's.
                if or(gt(flags, 0x3f), and(iszero(isOdd), gt(and(flags, 15), 0))) { leave }
                let length := sub(shl(1, sub(second, path)), sub(2, isOdd))
                if gt(length, 64) { leave }
                let word_ := calldataload(second)
                head := byte(0, word_)
                let behind := add(second, 1)
                switch lt(head, 0xb8)
                case 1 {
                    if gt(head, 0x80) {
                        behind := add(behind, sub(head, 0x80))
                        if and(eq(head, 0x81), lt(byte(1, word_), 0x80)) { leave }
                    }
                }
                default {
                    switch head
                    case 0xb8 {
                        let size := byte(1, word_)
                        behind := mul(gt(size, 55), add(add(second, 2), size))
                    }
                    case 0xb9 {
                        let size := and(shr(232, word_), 0xffff)
                        behind := mul(gt(size, 255), add(add(second, 3), size))
                    }
                    // A node within it has at most 31 bytes; longer strings and lists are none that could stand there.
                    default { behind := mul(and(gt(head, 0xbf), lt(head, 0xdf)), add(second, sub(head, 0xbf))) }
                }
                if xor(behind, end_) { leave }
                switch gt(flags, 0x1f)
                case 1 {
                    if or(eq(head, 0x80), gt(head, 0xbf)) { leave }
                    low := shl(200, KIND_LEAF)
                }
                default {
                    if or(iszero(length), iszero(or(eq(head, 0xa0), gt(head, 0xbf)))) { leave }
                    low := shl(200, KIND_EXTENSION)
                }
                low := or(low, or(add(path, iszero(isOdd)), or(shl(24, length), shl(32, second))))
            }

            // The list's header of one, two or three bytes.
            let word := calldataload(place)
            let head := byte(0, word)
            switch head
            case 0xf8 {
                head := byte(1, word)
                items := add(place, 2)
                end := mul(gt(head, 55), add(items, head))
            }
            case 0xf9 {
                head := and(shr(232, word), 0xffff)
                items := add(place, 3)
                end := mul(and(gt(head, 255), lt(head, 65281)), add(items, head))
            }
            default {
                items := add(place, 1)
                end := mul(and(gt(head, 0xbf), lt(head, 0xf8)), sub(add(place, head), 0xbf))
            }
            if gt(end, limit) { end := 0 }
            if end {
                // Seventeen bytes, and 32 for each of at least two children.
                let rest := sub(sub(end, items), 17)
                if iszero(or(and(rest, 31), or(gt(rest, 512), lt(rest, 64)))) {
                    switch lt(rest, 97)
                    case 1 { shape := sparse(items, end) }
                    default { shape := hashed(items, end) }
                }
                if iszero(shape) { shape := pair(items, end) }
                if shape { shape := or(shape, or(shl(128, place), or(shl(152, end), shl(176, items)))) }
            }
        }
        if (shape == 0 && end != 0) shape = _describeMixed(place, items, end);
    }

    /// @dev The shape of a branch with children within it; 0 where it is none.
    function _describeMixed(uint256 place, uint256 items, uint256 end) private pure returns (uint256 shape) {
        unchecked {
            uint256 next = items;
            for (uint256 i = 0; i < 16; i++) {
                uint256 item = next;
                (bool isList, uint256 start, uint256 behind) = Rlp.item(item, end);
                uint256 size = behind - start;
                if (behind == 0 || !(isList ? behind - item < 32 : size == 0 || size == 32)) return 0;
                shape = shape << 8 | (isList || size != 0 ? 1 : 0);
                next = behind;
            }
            if (shape % 255 < 2 || next + 1 != end || Rlp.load(next) >> 248 != 0x80) return 0;
            return shape | place << 128 | end << 152 | items << 176 | KIND_MIXED << 200;
        }
    }
}
