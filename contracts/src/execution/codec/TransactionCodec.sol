// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Rlp} from "../../proofs/Rlp.sol";
import {FieldCursor, TransactionFault, TransactionFields} from "./TransactionFields.sol";

/// @notice A user's transaction that is well formed and whose signature recovers to `from`. Data and lists stay in calldata:
/// pairs of offsets, valid in the call that decoded them.
/// @param kind 0 legacy with EIP-155, 1 EIP-2930, 2 EIP-1559, 4 EIP-7702.
/// @param hash keccak256 of the encoding.
/// @param from Who signed it.
/// @param nonce Sender's nonce, at most 2^64 - 2.
/// @param maxPriorityFeePerGas Wei per gas; the gas price for kinds 0 and 1.
/// @param maxFeePerGas Wei per gas; the gas price for kinds 0 and 1.
/// @param gasLimit Below 2^64.
/// @param isCreation Whether it creates a contract; `to` is zero then.
/// @param to Account that is called.
/// @param value Wei of MT.
/// @param dataStart Where the calldata or the initcode begins.
/// @param dataEnd Where it ends.
/// @param accessStart Where the entries of the access list begin: {TransactionCodec-accessAt}.
/// @param accessEnd Where they end.
/// @param accessAddresses Number of its addresses.
/// @param accessSlots Number of its slots.
/// @param authorizationsStart Where the authorisations begin: {TransactionCodec-authorizationAt}.
/// @param authorizationsEnd Where they end.
/// @param authorizationCount Number of them.
struct L2Transaction {
    uint256 kind;
    bytes32 hash;
    address from;
    uint256 nonce;
    uint256 maxPriorityFeePerGas;
    uint256 maxFeePerGas;
    uint256 gasLimit;
    bool isCreation;
    address to;
    uint256 value;
    uint256 dataStart;
    uint256 dataEnd;
    uint256 accessStart;
    uint256 accessEnd;
    uint256 accessAddresses;
    uint256 accessSlots;
    uint256 authorizationsStart;
    uint256 authorizationsEnd;
    uint256 authorizationCount;
}

/// @title TransactionCodec: users' transactions of a DAC's chain
/// @notice As `decodeTransaction` and `toMessage` of packages/protocol/src/transactions.ts: the same bytes are refused, for
/// the same first reason. Reasons are values, for an invalid transaction in a block is a fraud to be shown.
/// @dev Never reverts on any data but for want of gas.
library TransactionCodec {
    using TransactionFields for FieldCursor;

    uint256 private constant LEGACY = 0;
    uint256 private constant ACCESS_LIST = 1;
    uint256 private constant FEE_MARKET = 2;
    uint256 private constant SET_CODE = 4;
    /// @dev EIP-2681.
    uint256 private constant MAX_NONCE = type(uint64).max - 1;
    /// @dev EIP-2: the larger of s and n - s signs nothing.
    uint256 private constant HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;
    /// @dev EIP-7702: what is signed begins with it.
    uint256 private constant AUTHORIZATION_MAGIC = 5;
    /// @dev Lists of one transaction (LIMITS of packages/protocol/src/parameters.ts).
    uint256 private constant MAX_ACCESS_ADDRESSES = 1024;
    uint256 private constant MAX_ACCESS_SLOTS = 1024;
    uint256 private constant MAX_AUTHORIZATIONS = 256;

    /// @notice Type of an encoded transaction (EIP-2718).
    /// @param raw Encoded transaction, not empty.
    /// @return The type; 0 for a legacy one.
    function kindOf(bytes calldata raw) internal pure returns (uint256) {
        uint256 first = uint8(raw[0]);
        return first < 0xc0 ? first : LEGACY;
    }

    /// @notice Decodes a signed transaction and recovers who signed it.
    /// @param raw Encoded transaction.
    /// @param chainId Chain that it has to be signed for.
    /// @return fault What is wrong with it; the rest counts only if it is `None`.
    /// @return transaction Its fields.
    function decode(bytes calldata raw, uint256 chainId)
        internal
        pure
        returns (TransactionFault fault, L2Transaction memory transaction)
    {
        if (raw.length > TransactionFields.MAX_LENGTH) return (TransactionFault.TooLarge, transaction);
        if (raw.length == 0) return (TransactionFault.Malformed, transaction);
        FieldCursor memory cursor;
        (cursor.next, cursor.end) = Rlp.range(raw);
        uint256 kind = kindOf(raw);
        if (kind != LEGACY) {
            if (kind != FEE_MARKET && kind != ACCESS_LIST && kind != SET_CODE) {
                return (TransactionFault.TypeNotSupported, transaction);
            }
            cursor.next++;
        } else if (uint8(raw[0]) < 0xc0) {
            return (TransactionFault.TypeNotSupported, transaction);
        }
        transaction.kind = kind;
        uint256 end = cursor.end;
        (cursor.next, cursor.end) = cursor.list();
        if (cursor.end != end) cursor.fail(TransactionFault.Malformed);
        (uint256 signedFor, uint256 parity, bytes32 digest) =
            kind == LEGACY ? _legacy(cursor, transaction) : _typed(cursor, transaction);
        uint256 r = _integer(cursor, 32);
        uint256 s = _integer(cursor, 32);
        cursor.finish();
        if (transaction.nonce > MAX_NONCE) cursor.fail(TransactionFault.OutOfRange);
        if (cursor.fault != TransactionFault.None) return (cursor.fault, transaction);
        transaction.from = _recover(digest, parity, r, s);
        if (transaction.from == address(0)) return (TransactionFault.BadSignature, transaction);
        if (signedFor != chainId) return (TransactionFault.WrongChain, transaction);
        transaction.hash = keccak256(raw);
    }

    /// @notice The calldata or the initcode of a decoded transaction.
    /// @param transaction The transaction.
    /// @return Its data.
    function dataOf(L2Transaction memory transaction) internal pure returns (bytes calldata) {
        return TransactionFields.slice(transaction.dataStart, transaction.dataEnd);
    }

    /// @notice An entry of a decoded transaction's access list.
    /// @param place Where it begins: `accessStart`, then `next` until it is `accessEnd`.
    /// @return account The address.
    /// @return slots Its slots begin here: each is the word a byte further on, the next one 33 bytes further on ({slotAt}).
    /// @return next Where the slots and the entry end.
    function accessAt(uint256 place) internal pure returns (address account, uint256 slots, uint256 next) {
        (, slots, next) = Rlp.item(place, type(uint256).max);
        unchecked {
            account = address(uint160(Rlp.load(slots) >> 88));
            (, slots,) = Rlp.item(slots + 21, next);
        }
    }

    /// @notice A slot of an access list's entry.
    /// @param place Where it begins: `slots` of {accessAt}, then `next` until the entry ends.
    /// @return slot The slot.
    /// @return next Where the next one begins.
    function slotAt(uint256 place) internal pure returns (bytes32 slot, uint256 next) {
        unchecked {
            slot = bytes32(Rlp.load(place + 1));
            next = place + 33;
        }
    }

    /// @notice An authorisation of a decoded transaction (EIP-7702).
    /// @param place Where it begins: `authorizationsStart`, then `next` until it is `authorizationsEnd`.
    /// @param chainId Chain that the transaction stands on.
    /// @return authority Who gave it; zero where chain, nonce or signature do not fit: then it only costs its gas.
    /// @return target Account whose code it asks for.
    /// @return nonce The authority's nonce.
    /// @return next Where the next one begins.
    function authorizationAt(uint256 place, uint256 chainId)
        internal
        pure
        returns (address authority, address target, uint256 nonce, uint256 next)
    {
        FieldCursor memory cursor;
        (cursor.next, cursor.end) = (place, type(uint256).max);
        (cursor.next, next) = cursor.list();
        cursor.end = next;
        uint256 start = cursor.next;
        uint256 signedFor = _integer(cursor, 32);
        target = cursor.account20();
        nonce = _integer(cursor, 8);
        if ((signedFor != 0 && signedFor != chainId) || nonce > MAX_NONCE) return (address(0), target, nonce, next);
        bytes32 digest = _digest(AUTHORIZATION_MAGIC, start, cursor.next);
        uint256 parity = _integer(cursor, 1);
        uint256 r = _integer(cursor, 32);
        authority = _recover(digest, parity, r, _integer(cursor, 32));
    }

    /// @dev Fields of a legacy transaction up to v.
    function _legacy(FieldCursor memory cursor, L2Transaction memory transaction)
        private
        pure
        returns (uint256 chainId, uint256 parity, bytes32 digest)
    {
        uint256 start = cursor.next;
        transaction.nonce = _integer(cursor, 8);
        transaction.maxFeePerGas = _integer(cursor, 32);
        transaction.maxPriorityFeePerGas = transaction.maxFeePerGas;
        _call(cursor, transaction);
        uint256 end = cursor.next;
        uint256 v = _integer(cursor, 32);
        if (cursor.fault != TransactionFault.None) return (0, 0, 0);
        if (v == 27 || v == 28) cursor.fault = TransactionFault.NoReplayProtection;
        else if (v < 37) cursor.fault = TransactionFault.BadSignature;
        unchecked {
            chainId = (v - 35) >> 1;
            parity = (v - 35) & 1;
        }
        digest = _legacyDigest(start, end, chainId);
    }

    /// @dev Fields of a transaction with a type, up to the parity.
    function _typed(FieldCursor memory cursor, L2Transaction memory transaction)
        private
        pure
        returns (uint256 chainId, uint256 parity, bytes32 digest)
    {
        uint256 kind = transaction.kind;
        uint256 start = cursor.next;
        chainId = _integer(cursor, 32);
        transaction.nonce = _integer(cursor, 8);
        uint256 price = _integer(cursor, 32);
        transaction.maxPriorityFeePerGas = price;
        transaction.maxFeePerGas = kind == ACCESS_LIST ? price : _integer(cursor, 32);
        _call(cursor, transaction);
        _accessList(cursor, transaction);
        if (kind == SET_CODE) _authorizations(cursor, transaction);
        uint256 end = cursor.next;
        parity = _integer(cursor, 1);
        if (cursor.fault == TransactionFault.None) digest = _digest(kind, start, end);
    }

    /// @dev The fields that all types have in this order.
    function _call(FieldCursor memory cursor, L2Transaction memory transaction) private pure {
        transaction.gasLimit = _integer(cursor, 8);
        if (transaction.kind == SET_CODE) {
            transaction.to = cursor.account20();
        } else {
            bool isThere;
            (isThere, transaction.to) = cursor.optionalAccount();
            transaction.isCreation = !isThere;
        }
        transaction.value = _integer(cursor, 32);
        (transaction.dataStart, transaction.dataEnd) = cursor.text();
    }

    function _accessList(FieldCursor memory cursor, L2Transaction memory transaction) private pure {
        (uint256 place, uint256 end) = cursor.list();
        (transaction.accessStart, transaction.accessEnd) = (place, end);
        uint256 addresses = 0;
        uint256 slots = 0;
        while (place != end) {
            if (addresses == MAX_ACCESS_ADDRESSES) return cursor.fail(TransactionFault.TooLarge);
            (uint256 next, uint256 count, TransactionFault fault) = _entry(place, end);
            if (fault != TransactionFault.None) return cursor.fail(fault);
            unchecked {
                addresses++;
                slots += count;
            }
            place = next;
        }
        (transaction.accessAddresses, transaction.accessSlots) = (addresses, slots);
    }

    /// @dev An entry of an access list: an address and a list of words, each of which has one encoding.
    function _entry(uint256 place, uint256 end)
        private
        pure
        returns (uint256 next, uint256 count, TransactionFault fault)
    {
        unchecked {
            bool isList;
            (isList, place, next) = Rlp.item(place, end);
            if (!isList || next == 0 || Rlp.load(place) >> 248 != 0x94) return (0, 0, TransactionFault.Malformed);
            // An address that reaches beyond its entry leaves no item there.
            (isList, place, end) = Rlp.item(place + 21, next);
            if (!isList || end == 0 || end != next) return (0, 0, TransactionFault.Malformed);
            for (; place != end; place += 33) {
                if (count == MAX_ACCESS_SLOTS) return (0, 0, TransactionFault.TooLarge);
                if (Rlp.load(place) >> 248 != 0xa0 || place + 33 > end) return (0, 0, TransactionFault.Malformed);
                count++;
            }
        }
    }

    function _authorizations(FieldCursor memory cursor, L2Transaction memory transaction) private pure {
        FieldCursor memory items;
        (items.next, items.end) = cursor.list();
        (transaction.authorizationsStart, transaction.authorizationsEnd) = (items.next, items.end);
        if (items.next == items.end) return cursor.fail(TransactionFault.Malformed);
        FieldCursor memory entry;
        uint256 count = 0;
        while (items.next != items.end) {
            if (count == MAX_AUTHORIZATIONS) return cursor.fail(TransactionFault.TooLarge);
            // Where there is none: an empty range, which has no field.
            (entry.next, entry.end) = items.list();
            _integer(entry, 32); // chain
            entry.account20(); // target
            _integer(entry, 8); // nonce
            _integer(entry, 1); // parity
            _integer(entry, 32); // r
            _integer(entry, 32); // s
            entry.finish();
            if (entry.fault != TransactionFault.None) return cursor.fail(entry.fault);
            unchecked {
                count++;
            }
        }
        transaction.authorizationCount = count;
    }

    /// @dev More than 32 bytes are no integer at all.
    function _integer(FieldCursor memory cursor, uint256 maxBytes) private pure returns (uint256) {
        return cursor.integer(maxBytes, TransactionFault.OutOfRange, 32);
    }

    /// @dev keccak256(prefix || rlp(fields)), the fields encoded already, of less than 64 KiB.
    function _digest(uint256 prefix, uint256 start, uint256 end) private pure returns (bytes32) {
        uint256 fields = _listStart();
        assembly ("memory-safe") {
            calldatacopy(fields, start, sub(end, start))
        }
        unchecked {
            return _hashOfList(fields, end - start, prefix, 1);
        }
    }

    /// @dev keccak256(rlp(fields, chainId, 0, 0)) (EIP-155), the fields encoded already, of less than 64,000 bytes.
    function _legacyDigest(uint256 start, uint256 end, uint256 chainId) private pure returns (bytes32) {
        uint256 fields = _listStart();
        uint256 length;
        assembly ("memory-safe") {
            length := sub(end, start)
            calldatacopy(fields, start, length)
            let tail := add(fields, length)
            switch lt(chainId, 0x80)
            case 1 {
                mstore8(tail, chainId)
                tail := add(tail, 1)
            }
            default {
                let size := sub(32, shr(3, clz(chainId)))
                mstore8(tail, add(0x80, size))
                mstore(add(tail, 1), shl(sub(256, shl(3, size)), chainId))
                tail := add(tail, add(size, 1))
            }
            mstore(tail, shl(240, 0x8080))
            length := sub(add(tail, 2), fields)
        }
        return _hashOfList(fields, length, 0, 0);
    }

    /// @dev Where a list's items may be written: memory that nobody owns, with a word before it for what stands ahead of them.
    function _listStart() private pure returns (uint256 fields) {
        assembly ("memory-safe") {
            fields := add(mload(0x40), 32)
        }
    }

    /// @dev keccak256(prefix || header || items) of a list of less than 64 KiB in memory, right before which a word is free.
    /// @param prefixSize Bytes of the prefix: 1, or 0 without one.
    function _hashOfList(uint256 fields, uint256 length, uint256 prefix, uint256 prefixSize)
        private
        pure
        returns (bytes32 digest)
    {
        assembly ("memory-safe") {
            let head := add(0xc0, length)
            let size := 1
            if gt(length, 55) {
                head := or(0xf800, length)
                size := 2
                if gt(length, 0xff) {
                    head := or(0xf90000, length)
                    size := 3
                }
            }
            mstore(sub(fields, 32), or(head, shl(shl(3, size), prefix)))
            size := add(size, prefixSize)
            digest := keccak256(sub(fields, size), add(length, size))
        }
    }

    /// @dev Who signed a digest; zero where nobody did.
    function _recover(bytes32 digest, uint256 parity, uint256 r, uint256 s) private pure returns (address) {
        if (parity > 1 || s > HALF_ORDER) return address(0);
        unchecked {
            return ecrecover(digest, uint8(27 + parity), bytes32(r), bytes32(s));
        }
    }
}
