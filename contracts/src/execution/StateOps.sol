// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {
    HEAP_LOG,
    RANGE_BYTES,
    RECEIPT_LOG_BYTES,
    R_ACCOUNT,
    R_SELF,
    R_STATIC,
    STACK_SHIFT,
    TRANSIENT,
    WARM,
    W_LOG_BYTES,
    W_REFUND
} from "./FrameLayout.sol";
import {SurroundingOps} from "./SurroundingOps.sol";

/// @title StateOps: storage (EIP-2200, 2929, 3529), transient storage (EIP-1153), logs
abstract contract StateOps is SurroundingOps {
    uint256 private constant COLD_SLOT_GAS = 2_100;
    /// @dev SSTORE needs more than this, so that a call's stipend cannot pay for it.
    uint256 private constant SENTRY_GAS = 2_300;
    uint256 private constant SET_GAS = 20_000;
    uint256 private constant RESET_GAS = 2_900;
    uint256 private constant CLEAR_REFUND = 4_800;
    uint256 private constant LOG_TOPIC_GAS = 375;
    uint256 private constant LOG_BYTE_GAS = 8;
    /// @dev What a log counts beside its data (decision 020).
    uint256 private constant LOG_BASE_BYTES = 32;
    uint256 private constant LOG_TOPIC_BYTES = 33;

    function _sload(uint256 state) internal pure virtual returns (uint256) {
        _check(state);
        (uint256 key,) = _operands(state, 0, 0);
        uint256 self = _self();
        (uint256 entry, uint256 bucket) = _findSlot(self, key);
        bool isWarm = entry != 0 && _flags(entry) & WARM != 0;
        state = _pay(state, isWarm ? WARM_GAS : COLD_SLOT_GAS);
        entry = _knownSlot(entry, bucket, self, key);
        if (!isWarm) _setFlags(entry, WARM);
        assembly ("memory-safe") {
            mstore(shr(STACK_SHIFT, state), mload(add(entry, 0x60)))
        }
        return state;
    }

    function _sstore(uint256 state) internal pure virtual returns (uint256) {
        unchecked {
            _check(state);
            _requireNotStatic();
            if (_gasOf(state) <= SENTRY_GAS) _halt();
            (uint256 key, uint256 value) = _operands(state, 0x40, 0x20);
            uint256 self = _self();
            (uint256 entry, uint256 bucket) = _findSlot(self, key);
            uint256 cost = entry != 0 && _flags(entry) & WARM != 0 ? 0 : COLD_SLOT_GAS;
            entry = _knownSlot(entry, bucket, self, key);
            uint256 original;
            uint256 current;
            assembly ("memory-safe") {
                original := mload(add(entry, 0x40))
                current := mload(add(entry, 0x60))
            }
            if (current == value || original != current) cost += WARM_GAS;
            else cost += original == 0 ? SET_GAS : RESET_GAS;
            state = _pay(state, cost);
            _setFlags(entry, WARM);
            if (current == value) return state;
            int256 refund = _refund(original, current, value);
            assembly ("memory-safe") {
                mstore(W_REFUND, add(mload(W_REFUND), refund))
                mstore(add(entry, 0x60), value)
            }
            return state;
        }
    }

    /// @dev Change of the refund counter when a slot's value goes from `current` to `value`.
    function _refund(uint256 original, uint256 current, uint256 value) private pure returns (int256 refund) {
        unchecked {
            if (original != 0) {
                if (current == 0) refund -= int256(CLEAR_REFUND);
                else if (value == 0) refund += int256(CLEAR_REFUND);
            }
            if (original == value) refund += int256((original == 0 ? SET_GAS : RESET_GAS) - WARM_GAS);
        }
    }

    function _tload(uint256 state) internal pure virtual returns (uint256) {
        _check(state);
        (uint256 key,) = _operands(state, 0, 0);
        (uint256 entry,) = _findSlot(_self() | TRANSIENT, key);
        assembly ("memory-safe") {
            let value := 0
            if entry { value := mload(add(entry, 0x60)) }
            mstore(shr(STACK_SHIFT, state), value)
        }
        return state;
    }

    function _tstore(uint256 state) internal pure virtual returns (uint256) {
        _check(state);
        _requireNotStatic();
        (uint256 key, uint256 value) = _operands(state, 0x40, 0x20);
        uint256 identity = _self() | TRANSIENT;
        (uint256 entry, uint256 bucket) = _findSlot(identity, key);
        entry = _knownSlot(entry, bucket, identity, key);
        assembly ("memory-safe") {
            mstore(add(entry, 0x60), value)
        }
        return state;
    }

    function _log0(uint256 state) internal pure returns (uint256) {
        return _log(state, 0);
    }

    function _log1(uint256 state) internal pure returns (uint256) {
        return _log(state, 1);
    }

    function _log2(uint256 state) internal pure returns (uint256) {
        return _log(state, 2);
    }

    function _log3(uint256 state) internal pure returns (uint256) {
        return _log(state, 3);
    }

    function _log4(uint256 state) internal pure returns (uint256) {
        return _log(state, 4);
    }

    /// @dev Adds a log, encoded as it stands in a receipt, unless the logs would take too much (decision 020).
    function _log(uint256 state, uint256 topics) internal pure virtual returns (uint256) {
        unchecked {
            _check(state);
            _requireNotStatic();
            (uint256 offset, uint256 length) = _operands(state, 0x40 + 0x20 * topics, 0x20 + 0x20 * topics);
            if (length > RANGE_BYTES) _halt();
            state = _pay(state, LOG_TOPIC_GAS * topics + LOG_BYTE_GAS * length);
            state = _grow(state, offset, length);
            uint256 bytes_;
            assembly ("memory-safe") {
                bytes_ := mload(W_LOG_BYTES)
            }
            bytes_ += LOG_BASE_BYTES + LOG_TOPIC_BYTES * topics + length;
            if (bytes_ > RECEIPT_LOG_BYTES) _halt();
            assembly ("memory-safe") {
                mstore(W_LOG_BYTES, bytes_)
            }
            _encodeLog(state >> STACK_SHIFT, topics, _linear(offset, length), length);
            return state;
        }
    }

    /// @dev RLP of (address, topics, data), on the heap. The first topic stands highest, `topics` words above `top`.
    function _encodeLog(uint256 top, uint256 topics, uint256 data, uint256 length) private pure {
        unchecked {
            uint256 first;
            assembly ("memory-safe") {
                if eq(length, 1) { first := byte(0, mload(data)) }
            }
            bool isPlain = length == 1 && first < 0x80;
            uint256 dataBytes = isPlain ? 1 : _headerBytes(length) + length;
            uint256 body = 21 + _headerBytes(33 * topics) + 33 * topics + dataBytes;
            uint256 place = _allocate(HEAP_LOG, _headerBytes(body) + body);
            place = _writeHeader(place, 0xc0, body);
            assembly ("memory-safe") {
                mstore(place, or(shl(248, 0x94), shl(88, mload(R_SELF))))
                place := add(place, 21)
            }
            place = _writeHeader(place, 0xc0, 33 * topics);
            assembly ("memory-safe") {
                for { let topic := add(top, shl(5, topics)) } gt(topic, top) { topic := sub(topic, 0x20) } {
                    mstore8(place, 0xa0)
                    mstore(add(place, 1), mload(topic))
                    place := add(place, 33)
                }
            }
            if (!isPlain) place = _writeHeader(place, 0x80, length);
            assembly ("memory-safe") {
                mcopy(place, data, length)
            }
        }
    }

    /// @dev Bytes of the RLP header of `length` bytes, which are fewer than 2^24.
    function _headerBytes(uint256 length) private pure returns (uint256) {
        unchecked {
            return length < 56 ? 1 : length < 0x100 ? 2 : length < 0x10000 ? 3 : 4;
        }
    }

    function _writeHeader(uint256 place, uint256 base, uint256 length) private pure returns (uint256) {
        unchecked {
            uint256 size = _headerBytes(length);
            uint256 first = size == 1 ? base + length : base + 54 + size;
            assembly ("memory-safe") {
                mstore(place, or(shl(248, first), mul(gt(size, 1), shl(sub(256, shl(3, size)), length))))
            }
            return place + size;
        }
    }

    function _requireNotStatic() internal pure {
        bool isStatic;
        assembly ("memory-safe") {
            isStatic := mload(R_STATIC)
        }
        if (isStatic) _halt();
    }

    /// @dev The address whose storage and balance the frame works on.
    function _self() internal pure returns (uint256 self) {
        assembly ("memory-safe") {
            self := mload(R_SELF)
        }
    }

    /// @dev Its entry.
    function _account() internal pure returns (uint256 entry) {
        assembly ("memory-safe") {
            entry := mload(R_ACCOUNT)
        }
    }
}
