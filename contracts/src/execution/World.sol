// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {
    ADDRESS_MASK,
    CREATED,
    EMPTY_CODE_HASH,
    EXISTED,
    HEAP_SLOT,
    KIND_SHIFT,
    KNOWN,
    R_ACCOUNT,
    SIZE_SHIFT,
    SLOT_IDENTITY,
    TOUCHED,
    TRANSIENT,
    W_ACCOUNT_BUCKETS,
    W_ACCOUNT_SHIFT,
    W_HEAP_END,
    W_SALT,
    W_SLOT_BUCKETS,
    W_SLOT_ROOM,
    W_SLOT_SHIFT,
    W_USED,
    WORLD
} from "./FrameLayout.sol";
import {Frame} from "./Frame.sol";

/// @title World: the accounts, slots and heap that L2 frames hand to each other
/// @notice One piece of memory at the same address in every frame, so that addresses within it stay true. A frame works on
/// its own copy; that of a frame that fails is never seen again. Entries are found through buckets with open addressing;
/// who asks for the replay chooses the salt, so that no L2 code can make the ways long.
abstract contract World is Frame {
    /// @dev The account's entry; 0: there is none.
    function _findAccount(uint256 account) internal pure returns (uint256 entry) {
        assembly ("memory-safe") {
            let shift := mload(W_ACCOUNT_SHIFT)
            let buckets := mload(W_ACCOUNT_BUCKETS)
            let mask := sub(shl(sub(256, shift), 1), 1)
            for { let i := shr(shift, mul(account, mload(W_SALT))) } 1 { i := and(add(i, 1), mask) } {
                entry := mload(add(buckets, shl(5, i)))
                if iszero(entry) { break }
                if iszero(and(xor(mload(entry), account), ADDRESS_MASK)) { break }
            }
        }
    }

    /// @dev The account's entry with its values; the replay ends without a verdict where they were not handed in.
    function _knownAccount(uint256 account) internal pure returns (uint256 entry) {
        entry = _findAccount(account);
        if (entry == 0 || _flags(entry) & KNOWN == 0) _missing(0, account, 0);
    }

    function _flags(uint256 entry) internal pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(entry)
        }
    }

    function _setFlags(uint256 entry, uint256 flags) internal pure {
        assembly ("memory-safe") {
            mstore(entry, or(mload(entry), flags))
        }
    }

    /// @dev Empty by EIP-161.
    function _isEmpty(uint256 entry) internal pure returns (bool empty) {
        assembly ("memory-safe") {
            empty := iszero(
                or(or(mload(add(entry, 0x20)), mload(add(entry, 0x40))), xor(mload(add(entry, 0x60)), EMPTY_CODE_HASH))
            )
        }
    }

    /// @dev EIP-161: an account that stands empty in the state goes when it is touched.
    function _touch(uint256 entry) internal pure {
        if (_flags(entry) & EXISTED != 0 && _isEmpty(entry)) _setFlags(entry, TOUCHED);
    }

    /// @dev Moves wei between accounts; the balance is there. A transfer of nothing still touches.
    function _transfer(uint256 from, uint256 to, uint256 value) internal pure {
        if (value == 0 || from == to) return _touch(to);
        assembly ("memory-safe") {
            mstore(add(from, 0x20), sub(mload(add(from, 0x20)), value))
            mstore(add(to, 0x20), add(mload(add(to, 0x20)), value))
        }
    }

    /// @dev The slot's entry, or 0 and the bucket where it would be. `identity` is an address, for transient storage with
    /// its flag.
    function _findSlot(uint256 identity, uint256 key) internal pure returns (uint256 entry, uint256 bucket) {
        assembly ("memory-safe") {
            let salt := mload(W_SALT)
            let shift := mload(W_SLOT_SHIFT)
            let buckets := mload(W_SLOT_BUCKETS)
            let mask := sub(shl(sub(256, shift), 1), 1)
            for { let i := shr(shift, mul(add(key, mul(identity, salt)), salt)) } 1 { i := and(add(i, 1), mask) } {
                bucket := add(buckets, shl(5, i))
                entry := mload(bucket)
                if iszero(entry) { break }
                if iszero(or(xor(mload(add(entry, 0x20)), key), and(xor(mload(entry), identity), SLOT_IDENTITY))) {
                    break
                }
            }
        }
    }

    /// @dev The slot's entry with its value. Storage of a contract that this transaction made, and transient storage, is
    /// empty until it is written; any other slot has to have been handed in.
    /// @param entry What `_findSlot` found, with `bucket`.
    function _knownSlot(uint256 entry, uint256 bucket, uint256 identity, uint256 key) internal pure returns (uint256) {
        if (entry != 0 && _flags(entry) & KNOWN != 0) return entry;
        uint256 account;
        uint256 room;
        assembly ("memory-safe") {
            account := mload(R_ACCOUNT)
            room := mload(W_SLOT_ROOM)
        }
        if (identity & TRANSIENT == 0 && _flags(account) & CREATED == 0) _missing(1, identity, key);
        if (entry == 0) {
            entry = _allocate(HEAP_SLOT, 0x80);
            if (room == 0) _outOfRoom();
            assembly ("memory-safe") {
                mstore(W_SLOT_ROOM, sub(room, 1))
                mstore(bucket, entry)
                mstore(entry, identity)
                mstore(add(entry, 0x20), key)
                mstore(add(entry, 0x40), 0)
                mstore(add(entry, 0x60), 0)
            }
        }
        _setFlags(entry, KNOWN);
        return entry;
    }

    /// @dev Room on the heap. What is there may be of a frame that failed: it is not zero.
    function _allocate(uint256 kind, uint256 size) internal pure returns (uint256 start) {
        uint256 end;
        uint256 limit;
        assembly ("memory-safe") {
            start := add(WORLD, mload(W_USED))
            mstore(start, or(shl(KIND_SHIFT, kind), size))
            start := add(start, 0x20)
            end := and(add(add(start, size), 31), not(31))
            limit := mload(W_HEAP_END)
            mstore(W_USED, sub(end, WORLD))
        }
        if (end > limit) _outOfRoom();
    }

    /// @dev Bytes of the account's code; the replay ends without a verdict where it was not handed in.
    function _codeSize(uint256 entry) internal pure returns (uint256 size) {
        uint256 hash;
        uint256 code;
        assembly ("memory-safe") {
            hash := mload(add(entry, 0x60))
            code := mload(add(entry, 0x80))
        }
        if (hash == EMPTY_CODE_HASH) return 0;
        if (code == 0) _missing(2, _flags(entry), 0);
        return code >> SIZE_SHIFT;
    }

    /// @dev Copies a range of the account's code to memory, zeros behind its end. The code is there.
    function _loadCode(uint256 entry, uint256 to, uint256 offset, uint256 length) internal view {
        assembly ("memory-safe") {
            let code := mload(add(entry, 0x80))
            let size := shr(SIZE_SHIFT, code)
            code := and(code, ADDRESS_MASK)
            if gt(offset, size) { offset := size }
            switch lt(code, 0x100000000)
            case 0 { extcodecopy(code, to, offset, length) }
            default {
                let left := sub(size, offset)
                if gt(left, length) { left := length }
                mcopy(to, add(code, offset), left)
                calldatacopy(add(to, left), calldatasize(), sub(length, left))
            }
        }
    }
}
