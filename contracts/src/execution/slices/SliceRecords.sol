// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {
    ADDRESS_MASK,
    KNOWN,
    R_CODE,
    R_CODE_SIZE,
    SLOT_IDENTITY,
    WORLD,
    W_ACCOUNT_BUCKETS,
    W_ACCOUNT_SHIFT,
    W_HASHES,
    W_HASH_COUNT,
    W_HEAP_END,
    W_SALT,
    W_SLOT_BUCKETS,
    W_SLOT_SHIFT,
    W_USED
} from "../FrameLayout.sol";
import {
    ARRAYS,
    H_ACCOUNTS,
    H_CODE_BYTES,
    H_CODE_SIZE,
    H_HASHES,
    H_INPUT_MEMORY,
    H_INPUT_OFFSET,
    H_MEMORY_SIZE,
    H_OPENED,
    H_PAGES,
    H_RETURN_MEMORY,
    H_RETURN_OFFSET,
    H_SALT,
    H_SLOTS,
    IMAGE,
    INPUT_OBJECT,
    INPUT_TABLE,
    MEMORY_OBJECT,
    MEMORY_TABLE,
    RETURN_OBJECT,
    RETURN_TABLE,
    S_ACCOUNTS,
    S_PAGES,
    S_SLOTS
} from "./SliceLayout.sol";
import {SliceCalls} from "./SliceCalls.sol";

/// @title SliceRecords: what is handed in for a slice, filed where the handlers look for it
abstract contract SliceRecords is SliceCalls {
    /// @notice What is handed in is not as it should be.
    error MalformedSlice();

    /// @dev Arrays into memory, buckets behind them, then the heap.
    function _layOut() internal pure {
        bool isSound;
        assembly ("memory-safe") {
            let accounts := mload(H_ACCOUNTS)
            let slots := mload(H_SLOTS)
            let hashes := mload(H_HASHES)
            let place := IMAGE
            // A word ahead, so that no page's place is 0.
            place := add(place, 0x20)
            let start := place
            mstore(S_ACCOUNTS, place)
            place := add(place, mul(accounts, 0xa0))
            mstore(S_SLOTS, place)
            place := add(place, shl(7, slots))
            mstore(W_HASHES, place)
            mstore(W_HASH_COUNT, hashes)
            place := add(place, shl(6, hashes))
            mstore(S_PAGES, place)
            place := add(add(place, mul(mload(H_PAGES), 0xa0)), mload(H_CODE_BYTES))
            let bytes_ := sub(place, start)
            calldatacopy(start, ARRAYS, bytes_)
            let code := add(add(ARRAYS, bytes_), add(shl(5, mload(H_OPENED)), 0x20))
            isSound := and(
                eq(add(code, mload(H_CODE_SIZE)), calldatasize()),
                and(iszero(calldataload(sub(code, 0x20))), iszero(and(mload(H_CODE_BYTES), 31)))
            )
            mstore(R_CODE, code)
            mstore(R_CODE_SIZE, mload(H_CODE_SIZE))
            mstore(W_SALT, mload(H_SALT))
            let shift := clz(shl(1, accounts))
            mstore(W_ACCOUNT_SHIFT, shift)
            mstore(W_ACCOUNT_BUCKETS, place)
            place := add(place, shl(5, shl(sub(256, shift), 1)))
            shift := clz(shl(1, slots))
            mstore(W_SLOT_SHIFT, shift)
            mstore(W_SLOT_BUCKETS, place)
            place := add(place, shl(5, shl(sub(256, shift), 1)))
            mstore(W_USED, sub(place, WORLD))
            mstore(W_HEAP_END, 0xffffffff)
        }
        if (!isSound) _malformed();
    }

    function _fileAccounts() internal pure {
        unchecked {
            uint256 codes;
            assembly ("memory-safe") {
                codes := add(mload(S_PAGES), mul(mload(H_PAGES), 0xa0))
            }
            uint256 entry = _wordAt(S_ACCOUNTS);
            for (uint256 i = _wordAt(H_ACCOUNTS); i != 0; i--) {
                uint256 account = _flags(entry) & ADDRESS_MASK;
                if (_findAccount(account) != 0) _malformed();
                assembly ("memory-safe") {
                    mstore(entry, or(mload(entry), KNOWN))
                    let code := mload(add(entry, 0x80))
                    if and(gt(code, 0), iszero(shr(32, and(code, ADDRESS_MASK)))) {
                        mstore(add(entry, 0x80), add(code, codes))
                    }
                    let shift := mload(W_ACCOUNT_SHIFT)
                    let buckets := mload(W_ACCOUNT_BUCKETS)
                    let mask := sub(shl(sub(256, shift), 1), 1)
                    let at := shr(shift, mul(account, mload(W_SALT)))
                    for {} mload(add(buckets, shl(5, at))) {} { at := and(add(at, 1), mask) }
                    mstore(add(buckets, shl(5, at)), entry)
                }
                entry += 0xa0;
            }
        }
    }

    function _fileSlots() internal pure {
        unchecked {
            uint256 entry = _wordAt(S_SLOTS);
            for (uint256 i = _wordAt(H_SLOTS); i != 0; i--) {
                (uint256 known, uint256 bucket) = _findSlot(_flags(entry) & SLOT_IDENTITY, _wordAt(entry + 0x20));
                if (known != 0) _malformed();
                assembly ("memory-safe") {
                    mstore(entry, or(mload(entry), KNOWN))
                    mstore(bucket, entry)
                }
                entry += 0x80;
            }
        }
    }

    /// @dev Objects and their pages.
    function _filePages() internal pure {
        unchecked {
            assembly ("memory-safe") {
                mstore(MEMORY_OBJECT, MEMORY_TABLE)
                mstore(add(MEMORY_OBJECT, 0x20), shr(7, add(mload(H_MEMORY_SIZE), 127)))
                mstore(INPUT_OBJECT, sub(INPUT_TABLE, shl(1, shr(7, mload(H_INPUT_OFFSET)))))
                mstore(add(INPUT_OBJECT, 0x20), shr(7, add(mload(H_INPUT_MEMORY), 127)))
                mstore(RETURN_OBJECT, sub(RETURN_TABLE, shl(1, shr(7, mload(H_RETURN_OFFSET)))))
                mstore(add(RETURN_OBJECT, 0x20), shr(7, add(mload(H_RETURN_MEMORY), 127)))
            }
            uint256 entry = _wordAt(S_PAGES);
            for (uint256 i = _wordAt(H_PAGES); i != 0; i--) {
                uint256 word = _wordAt(entry);
                uint256 object = MEMORY_OBJECT + 0x40 * ((word >> 16) & 3);
                uint256 page = word & 0xffff;
                uint256 first = 0;
                uint256 end = 0x8000;
                if (object != MEMORY_OBJECT) {
                    uint256 header = object == INPUT_OBJECT ? H_INPUT_OFFSET : H_RETURN_OFFSET;
                    first = _wordAt(header) >> 7;
                    end = ((_wordAt(header) + _wordAt(header + 0x20) + 127) >> 7);
                }
                if (object > RETURN_OBJECT || page < first || page >= end || _pageAt(object, page) != 0) _malformed();
                _filePage(object, page, entry);
                entry += 0xa0;
            }
        }
    }

    function _malformed() internal pure {
        bytes4 selector = MalformedSlice.selector;
        assembly ("memory-safe") {
            mstore(0x00, selector)
            revert(0x00, 0x04)
        }
    }
}
