// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Rlp: strict reading of RLP in calldata
/// @notice Yellow paper, appendix B. Positions are offsets in calldata, so that nothing is copied. Every deviation from
/// the canonical form is refused; all functions are total on any bytes. `end` is an offset within calldata.
library Rlp {
    /// @notice The bytes are not the list that the format asks for.
    /// @param field Number of the first field that is wrong, from 0; 0 also where the list itself is.
    error MalformedRlp(uint256 field);

    /// @notice Reads the item that stands at `place` and has to end at or before `end`.
    /// @param place Where it begins.
    /// @param end Where the bytes around it end.
    /// @return isList Whether it is a list, or a byte string.
    /// @return start Where its payload begins.
    /// @return next Where it ends; 0 where there is no item in canonical form.
    function item(uint256 place, uint256 end) internal pure returns (bool isList, uint256 start, uint256 next) {
        assembly ("memory-safe") {
            let word := calldataload(place)
            let first := byte(0, word)
            switch lt(first, 0x80)
            case 1 {
                start := place
                next := add(place, 1)
            }
            default {
                isList := gt(first, 0xbf)
                let length := sub(first, add(0x80, shl(6, isList)))
                start := add(place, 1)
                next := add(start, length)
                if gt(length, 55) {
                    // The length stands in the bytes that follow; it is none of the short form's and has no leading zero.
                    let bits := shl(3, sub(length, 55))
                    length := shr(sub(256, bits), shl(8, word))
                    start := add(start, shr(3, bits))
                    next := add(start, length)
                    if or(lt(length, 56), iszero(shr(sub(bits, 8), length))) { next := 0 }
                }
                // A byte below 0x80 stands for itself.
                if eq(first, 0x81) { if lt(byte(1, word), 0x80) { next := 0 } }
            }
            if gt(next, end) { next := 0 }
        }
    }

    /// @notice The range of the items of a list that is the whole of `data`.
    /// @param data Encoded list.
    /// @return place Where the first item begins.
    /// @return end Where the last one has to end.
    function list(bytes calldata data) internal pure returns (uint256 place, uint256 end) {
        uint256 first;
        (first, end) = range(data);
        bool isList;
        uint256 next;
        (isList, place, next) = item(first, end);
        if (!isList || next != end) revert MalformedRlp(0);
    }

    /// @notice Goes past a byte string of exactly `size` bytes.
    /// @param place Where it begins.
    /// @param end Where the list ends.
    /// @param field Its number, for the error.
    /// @param size Bytes that it has to have: 2 to 55, for which there is one form.
    /// @return next Where the next field begins.
    function skip(uint256 place, uint256 end, uint256 field, uint256 size) internal pure returns (uint256 next) {
        unchecked {
            next = place + 1 + size;
            if (load(place) >> 248 != 0x80 + size || next > end) revert MalformedRlp(field);
        }
    }

    /// @notice Goes past a byte string of 256 bytes: a bloom filter.
    /// @param place Where it begins.
    /// @param end Where the list ends.
    /// @param field Its number, for the error.
    /// @return next Where the next field begins.
    function skipBloom(uint256 place, uint256 end, uint256 field) internal pure returns (uint256 next) {
        unchecked {
            next = place + 259;
            if (load(place) >> 232 != 0xb90100 || next > end) revert MalformedRlp(field);
        }
    }

    /// @notice Reads a byte string of 32 bytes.
    /// @param place Where it begins.
    /// @param end Where the list ends.
    /// @param field Its number, for the error.
    /// @return value The bytes.
    /// @return next Where the next field begins.
    function word32(uint256 place, uint256 end, uint256 field) internal pure returns (bytes32 value, uint256 next) {
        next = skip(place, end, field, 32);
        unchecked {
            value = bytes32(load(next - 32));
        }
    }

    /// @notice Reads an unsigned integer without leading zeros as a field.
    /// @param place Where it begins.
    /// @param end Where the list ends.
    /// @param field Its number, for the error.
    /// @param maxBytes Most bytes that it may have, at most 32.
    /// @return value The integer.
    /// @return next Where the next field begins.
    function number(uint256 place, uint256 end, uint256 field, uint256 maxBytes)
        internal
        pure
        returns (uint256 value, uint256 next)
    {
        (value, next) = integer(place, end, maxBytes);
        if (next == 0) revert MalformedRlp(field);
    }

    /// @notice Reads an unsigned integer without leading zeros.
    /// @param place Where it begins.
    /// @param end Where the bytes around it end.
    /// @param maxBytes Most bytes that it may have, at most 32.
    /// @return value The integer.
    /// @return next Where it ends; 0 where there is none.
    function integer(uint256 place, uint256 end, uint256 maxBytes) internal pure returns (uint256 value, uint256 next) {
        (bool isList, uint256 start, uint256 after_) = item(place, end);
        unchecked {
            uint256 size = after_ - start;
            if (isList || after_ == 0 || size > maxBytes) return (0, 0);
            if (size == 0) return (0, after_);
            value = load(start);
            if (value >> 248 == 0) return (0, 0);
            return (value >> (256 - 8 * size), after_);
        }
    }

    /// @notice Where bytes stand in calldata.
    /// @param data The bytes.
    /// @return start Offset of the first one.
    /// @return end Offset behind the last one.
    function range(bytes calldata data) internal pure returns (uint256 start, uint256 end) {
        assembly ("memory-safe") {
            start := data.offset
            end := add(data.offset, data.length)
        }
    }

    /// @notice The 32 bytes of calldata at an offset, zeros beyond its end.
    /// @param place The offset.
    /// @return word The bytes.
    function load(uint256 place) internal pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := calldataload(place)
        }
    }
}
