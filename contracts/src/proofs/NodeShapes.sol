// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Rlp} from "./Rlp.sol";

// A node's shape, one word: where it stands in calldata and what it is. Bits from the lowest:
// 0-127    branch: one byte for each child, the last child's lowest, 1 where it is there;
//          leaf, extension: 0-23 where the byte with its path's first nibble stands, 24-31 their number,
//          32-55 where its second item begins
// 128-151  where the node begins, 152-175 where it ends, 176-199 where its first item begins
// 200-201  kind; 203 used; 208-239 the next entry of the bucket

/// @dev The bits of a shape that tell the kind.
uint256 constant KIND_BITS = 3 << 200;
/// @dev The bit of a shape that tells that the node was needed.
uint256 constant USED = 1 << 203;

/// @title NodeShapes: what a node of a Merkle-Patricia trie is, and where its parts stand in calldata
/// @notice Yellow paper, appendices B to D. A node in the one canonical form is described by one word; nothing is copied.
library NodeShapes {
    /// @notice A branch all of whose children are named by their hashes.
    uint256 internal constant KIND_BRANCH = 0;
    /// @notice A branch of which some child stands within it.
    uint256 internal constant KIND_MIXED = 1;
    uint256 internal constant KIND_LEAF = 2;
    uint256 internal constant KIND_EXTENSION = 3;

    /// @notice The shape of the node that begins at a place.
    /// @dev It has at most 65,280 bytes of items, so that its path may grow by 32 when branches above it go.
    /// @param place Where it begins.
    /// @param limit Where it has to end, or before.
    /// @return shape What it is; 0 where none in canonical form is there.
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
}
