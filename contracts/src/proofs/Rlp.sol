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
        unchecked {
            if (place >= end) return (false, 0, 0);
            uint256 word = load(place);
            uint256 length = word >> 248;
            if (length < 0x80) return (false, place, place + 1);
            isList = length >= 0xc0;
            length -= isList ? 0xc0 : 0x80;
            start = place + 1;
            if (length > 55) {
                uint256 size = length - 55;
                length = (word << 8) >> (256 - 8 * size);
                start += size;
                if (length < 56 || length >> (8 * size - 8) == 0) return (isList, start, 0);
            } else if (length == 1 && !isList && (word << 8) >> 255 == 0) {
                return (isList, start, 0);
            }
            next = start + length;
            if (next > end) next = 0;
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
    /// @param size Bytes that it has to have.
    /// @return next Where the next field begins.
    function skip(uint256 place, uint256 end, uint256 field, uint256 size) internal pure returns (uint256 next) {
        uint256 start;
        bool isList;
        (isList, start, next) = item(place, end);
        unchecked {
            if (isList || next == 0 || next - start != size) revert MalformedRlp(field);
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
