// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice A place in a batch's data, and the first fault on the way there (0: none). Nothing is read after a fault.
/// @param next Offset of the next byte.
/// @param fault A code of BatchFaults.
struct Cursor {
    uint256 next;
    uint8 fault;
}

/// @title What can be wrong with a batch's data
/// @notice The codes that packages/protocol/src/batchFormat/faults.ts gives for the same bytes. 240 and more are the
/// asker's fault, not the batch's.
library BatchFaults {
    /// @notice Nothing is wrong.
    uint8 internal constant NONE = 0;
    /// @notice The data ends within an item.
    uint8 internal constant OVERRUN = 1;
    /// @notice A number in a form that is not its only one.
    uint8 internal constant NOT_CANONICAL = 2;
    /// @notice A number beyond its field's bound.
    uint8 internal constant OUT_OF_RANGE = 3;
    /// @notice Not a format that is known.
    uint8 internal constant UNKNOWN_VERSION = 4;
    /// @notice Data longer than a blob holds, or a transaction of more than 56 KiB.
    uint8 internal constant TOO_LARGE = 5;
    /// @notice A count beyond its bound.
    uint8 internal constant TOO_MANY = 6;
    /// @notice An offset table that does not say where things are.
    uint8 internal constant BAD_OFFSET = 7;
    /// @notice An index beyond its dictionary.
    uint8 internal constant UNKNOWN_ENTRY = 8;
    /// @notice A reserved bit, kind or flag.
    uint8 internal constant RESERVED = 9;
    /// @notice Bytes after the last row.
    uint8 internal constant LEFTOVER = 10;
    /// @notice A legacy transaction whose fee pair has two prices.
    uint8 internal constant TWO_PRICES = 11;
    /// @notice There is no such block, transaction or group.
    uint8 internal constant ABSENT = 240;
    /// @notice Not as many addresses were given as the row has table indexes.
    uint8 internal constant UNRESOLVED = 241;
}

/// @title The numbers of a batch's data
/// @notice Varints (LEB128) and decimals, each with one form only.
/// @dev Never reverts: every read checks the data's end, every sum is far below 2^256.
library BatchReader {
    uint256 private constant LAST_SHIFT = 252;
    uint256 private constant MAX_EXPONENT = 31;
    /// @dev Digits of at most 128 bits keep a decimal at 19 bytes, and any of them below 2^256.
    uint256 private constant MAX_DECIMAL_CODE = (1 << 133) - 1;

    /// @notice Notes a fault unless there is one already.
    /// @param cursor The place.
    /// @param fault A code of BatchFaults.
    function fail(Cursor memory cursor, uint8 fault) internal pure {
        if (cursor.fault == BatchFaults.NONE) cursor.fault = fault;
    }

    /// @notice Moves past `count` bytes.
    /// @param cursor The place.
    /// @param data The batch's data.
    /// @param count At most 2^32.
    /// @return start Offset of the first of them.
    /// @return taken False after a fault: nothing was moved.
    function take(Cursor memory cursor, bytes calldata data, uint256 count)
        internal
        pure
        returns (uint256 start, bool taken)
    {
        start = cursor.next;
        if (cursor.fault != BatchFaults.NONE) return (start, false);
        unchecked {
            if (start + count > data.length) {
                cursor.fault = BatchFaults.OVERRUN;
                return (start, false);
            }
            cursor.next = start + count;
        }
        return (start, true);
    }

    /// @notice The next byte; 0 after a fault.
    /// @param cursor The place.
    /// @param data The batch's data.
    /// @return The byte.
    function readByte(Cursor memory cursor, bytes calldata data) internal pure returns (uint256) {
        (uint256 start, bool taken) = take(cursor, data, 1);
        return taken ? uint8(data[start]) : 0;
    }

    /// @notice The next 32 bytes; 0 after a fault.
    /// @param cursor The place.
    /// @param data The batch's data.
    /// @return The word.
    function readWord(Cursor memory cursor, bytes calldata data) internal pure returns (bytes32) {
        (uint256 start, bool taken) = take(cursor, data, 32);
        unchecked {
            return taken ? bytes32(data[start:start + 32]) : bytes32(0);
        }
    }

    /// @notice The next 20 bytes; 0 after a fault.
    /// @param cursor The place.
    /// @param data The batch's data.
    /// @return The address.
    function readAddress(Cursor memory cursor, bytes calldata data) internal pure returns (address) {
        (uint256 start, bool taken) = take(cursor, data, 20);
        unchecked {
            return taken ? address(bytes20(data[start:start + 20])) : address(0);
        }
    }

    /// @notice A varint; 0 after a fault.
    /// @param cursor The place.
    /// @param data The batch's data.
    /// @param max The largest that the field takes.
    /// @param beyond The fault beyond it.
    /// @return value The number.
    function readVarint(Cursor memory cursor, bytes calldata data, uint256 max, uint8 beyond)
        internal
        pure
        returns (uint256 value)
    {
        if (cursor.fault != BatchFaults.NONE) return 0;
        uint256 next = cursor.next;
        uint8 fault = BatchFaults.NONE;
        // The loop that every byte of a hostile batch may pass: half of what it costs in Solidity (BatchDecoderGas.t.sol).
        assembly ("memory-safe") {
            for { let shift := 0 } 1 { shift := add(shift, 7) } {
                if iszero(lt(next, data.length)) {
                    fault := 1 // OVERRUN
                    break
                }
                let group := byte(0, calldataload(add(data.offset, next)))
                next := add(next, 1)
                if iszero(lt(shift, LAST_SHIFT)) {
                    if gt(group, 0xf) {
                        fault := 3 // OUT_OF_RANGE
                        break
                    }
                }
                value := or(value, shl(shift, and(group, 0x7f)))
                if gt(group, 0x7f) { continue }
                if iszero(group) {
                    if shift { fault := 2 } // NOT_CANONICAL
                }
                break
            }
        }
        if (fault != BatchFaults.NONE) return _failed(cursor, fault);
        cursor.next = next;
        if (value > max) return _failed(cursor, beyond);
    }

    /// @notice A varint that is a count.
    /// @param cursor The place.
    /// @param data The batch's data.
    /// @param max The most there may be.
    /// @return The count; 0 after a fault.
    function readCount(Cursor memory cursor, bytes calldata data, uint256 max) internal pure returns (uint256) {
        return readVarint(cursor, data, max, BatchFaults.TOO_MANY);
    }

    /// @notice A decimal: m * 10^e as the varint m * 32 + e, e as large as it can be up to 31, m below
    /// 2^128; 0 after a fault.
    /// @param cursor The place.
    /// @param data The batch's data.
    /// @return The number.
    function readDecimal(Cursor memory cursor, bytes calldata data) internal pure returns (uint256) {
        uint256 code = readVarint(cursor, data, MAX_DECIMAL_CODE, BatchFaults.OUT_OF_RANGE);
        unchecked {
            uint256 digits = code >> 5;
            uint256 exponent = code & MAX_EXPONENT;
            bool canonical = digits == 0 ? exponent == 0 : exponent == MAX_EXPONENT || digits % 10 != 0;
            if (!canonical) return _failed(cursor, BatchFaults.NOT_CANONICAL);
            return exponent == 0 ? digits : digits * 10 ** exponent;
        }
    }

    function _failed(Cursor memory cursor, uint8 fault) private pure returns (uint256) {
        cursor.fault = fault;
        return 0;
    }
}
