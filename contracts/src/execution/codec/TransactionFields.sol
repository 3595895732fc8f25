// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Rlp} from "../../proofs/Rlp.sol";

/// @notice Why bytes are no transaction of a chain: the codes of TransactionError in packages/protocol/src/transactions.ts.
/// @param None They are one.
/// @param Malformed Not the fields of the type in canonical RLP.
/// @param TooLarge More than 56 KiB, or longer lists than a transaction may have.
/// @param TypeNotSupported Neither legacy nor of a type that the decoder takes.
/// @param NoReplayProtection A legacy transaction that is bound to no chain (EIP-155).
/// @param BadSignature No signature that recovers to an account.
/// @param WrongChain Of another chain.
/// @param OutOfRange An integer beyond its field's bound.
enum TransactionFault {
    None,
    Malformed,
    TooLarge,
    TypeNotSupported,
    NoReplayProtection,
    BadSignature,
    WrongChain,
    OutOfRange
}

/// @notice A place among fields in calldata, and the first fault on the way there. Nothing is read after a fault.
/// @param next Offset of the next field.
/// @param end Offset behind the last one.
/// @param fault What was wrong first.
struct FieldCursor {
    uint256 next;
    uint256 end;
    TransactionFault fault;
}

/// @title TransactionFields: the fields of encoded transactions
/// @notice Total on any bytes: a field that is wrong leaves its fault in the cursor, and all later ones read as zero.
library TransactionFields {
    /// @dev Bytes of an encoded transaction: 56 KiB.
    uint256 internal constant MAX_LENGTH = 57_344;

    /// @notice Notes a fault unless there is one already.
    /// @param cursor The place.
    /// @param fault What is wrong.
    function fail(FieldCursor memory cursor, TransactionFault fault) internal pure {
        if (cursor.fault == TransactionFault.None) cursor.fault = fault;
    }

    /// @notice An unsigned integer without leading zeros.
    /// @param cursor The place.
    /// @param maxBytes Most bytes that it may have, at least 1.
    /// @param beyond The fault of one with more than that, and not more than `formBytes`.
    /// @param formBytes More bytes than that are malformed; at most 32.
    /// @return value The integer; 0 after a fault.
    function integer(FieldCursor memory cursor, uint256 maxBytes, TransactionFault beyond, uint256 formBytes)
        internal
        pure
        returns (uint256 value)
    {
        if (cursor.fault != TransactionFault.None) return 0;
        uint256 place = cursor.next;
        uint256 size = Rlp.load(place) >> 248;
        unchecked {
            if (size < 0x80) {
                // It stands for itself, and no integer is a zero byte.
                if (size == 0 || place >= cursor.end) return _failed(cursor, TransactionFault.Malformed);
                cursor.next = place + 1;
                return size;
            }
            size -= 0x80;
            uint256 next = place + 1 + size;
            if (size > formBytes || next > cursor.end) return _failed(cursor, TransactionFault.Malformed);
            if (size > maxBytes) return _failed(cursor, beyond);
            cursor.next = next;
            if (size == 0) return 0;
            value = Rlp.load(place + 1) >> (256 - 8 * size);
            // No leading zero, and no header before what stands for itself.
            bool isCanonical = size == 1 ? value > 0x7f : value >> (8 * size - 8) != 0;
            if (!isCanonical) return _failed(cursor, TransactionFault.Malformed);
        }
    }

    /// @notice A list.
    /// @param cursor The place.
    /// @return start Where its items begin; after a fault both are the same.
    /// @return end Where they end.
    function list(FieldCursor memory cursor) internal pure returns (uint256 start, uint256 end) {
        if (cursor.fault != TransactionFault.None) return (0, 0);
        bool isList;
        (isList, start, end) = Rlp.item(cursor.next, cursor.end);
        if (!isList || end == 0) {
            cursor.fault = TransactionFault.Malformed;
            return (0, 0);
        }
        cursor.next = end;
    }

    /// @notice A byte string.
    /// @param cursor The place.
    /// @return start Where it begins; after a fault both are zero.
    /// @return end Where it ends.
    function text(FieldCursor memory cursor) internal pure returns (uint256 start, uint256 end) {
        if (cursor.fault != TransactionFault.None) return (0, 0);
        bool isList;
        (isList, start, end) = Rlp.item(cursor.next, cursor.end);
        if (isList || end == 0) {
            cursor.fault = TransactionFault.Malformed;
            return (0, 0);
        }
        cursor.next = end;
    }

    /// @notice An address.
    /// @param cursor The place.
    /// @return account The address; zero after a fault.
    function account20(FieldCursor memory cursor) internal pure returns (address account) {
        if (cursor.fault != TransactionFault.None) return address(0);
        unchecked {
            uint256 place = cursor.next;
            uint256 word = Rlp.load(place);
            if (word >> 248 != 0x94 || place + 21 > cursor.end) {
                cursor.fault = TransactionFault.Malformed;
                return address(0);
            }
            cursor.next = place + 21;
            account = address(uint160(word >> 88));
        }
    }

    /// @notice An address, or nothing.
    /// @param cursor The place.
    /// @return isThere Whether there is an address; false after a fault.
    /// @return account The address.
    function optionalAccount(FieldCursor memory cursor) internal pure returns (bool isThere, address account) {
        if (cursor.fault != TransactionFault.None) return (false, address(0));
        uint256 place = cursor.next;
        if (place < cursor.end && Rlp.load(place) >> 248 == 0x80) {
            unchecked {
                cursor.next = place + 1;
            }
            return (false, address(0));
        }
        account = account20(cursor);
        isThere = cursor.fault == TransactionFault.None;
    }

    /// @notice Ends the reading: whatever is left is a fault.
    /// @param cursor The place.
    function finish(FieldCursor memory cursor) internal pure {
        if (cursor.next != cursor.end) fail(cursor, TransactionFault.Malformed);
    }

    /// @notice Bytes of calldata between two offsets.
    /// @param start Offset of the first one.
    /// @param end Offset behind the last one.
    /// @return data The bytes.
    function slice(uint256 start, uint256 end) internal pure returns (bytes calldata data) {
        assembly ("memory-safe") {
            data.offset := start
            data.length := sub(end, start)
        }
    }

    function _failed(FieldCursor memory cursor, TransactionFault fault) private pure returns (uint256) {
        cursor.fault = fault;
        return 0;
    }
}
