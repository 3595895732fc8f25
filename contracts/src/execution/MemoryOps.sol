// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {
    RANGE_BYTES,
    R_CODE,
    R_CODE_SIZE,
    R_INPUT,
    R_INPUT_SIZE,
    R_MEMORY,
    R_MEMORY_LIMIT,
    R_MEMORY_SIZE,
    R_RETURN,
    R_RETURN_SIZE,
    STACK_SHIFT
} from "./FrameLayout.sol";
import {Frame} from "./Frame.sol";

/// @title MemoryOps: opcodes that work on memory, call data, code and return data
abstract contract MemoryOps is Frame {
    uint256 private constant COPY_WORD_GAS = 3;
    uint256 private constant KECCAK_WORD_GAS = 6;

    function _keccak256(uint256 state) internal pure virtual returns (uint256) {
        (uint256 offset, uint256 length) = _operands(state, 0x20, 0);
        state = _growFor(state, offset, length, KECCAK_WORD_GAS);
        assembly ("memory-safe") {
            mstore(shr(STACK_SHIFT, state), keccak256(add(mload(R_MEMORY), offset), length))
        }
        return state;
    }

    function _mload(uint256 state) internal pure virtual returns (uint256) {
        uint256 offset;
        bool isNew;
        assembly ("memory-safe") {
            offset := mload(shr(STACK_SHIFT, state))
            isNew := iszero(lt(offset, mload(R_MEMORY_LIMIT)))
        }
        if (isNew) state = _grow(state, offset, 32);
        assembly ("memory-safe") {
            mstore(shr(STACK_SHIFT, state), mload(add(mload(R_MEMORY), offset)))
        }
        return state;
    }

    function _mstore(uint256 state) internal pure virtual returns (uint256) {
        uint256 offset;
        bool isNew;
        assembly ("memory-safe") {
            offset := mload(add(shr(STACK_SHIFT, state), 0x40))
            isNew := iszero(lt(offset, mload(R_MEMORY_LIMIT)))
        }
        if (isNew) state = _grow(state, offset, 32);
        assembly ("memory-safe") {
            mstore(add(mload(R_MEMORY), offset), mload(add(shr(STACK_SHIFT, state), 0x20)))
        }
        return state;
    }

    function _mstore8(uint256 state) internal pure virtual returns (uint256) {
        (uint256 offset, uint256 word) = _operands(state, 0x40, 0x20);
        state = _grow(state, offset, 1);
        assembly ("memory-safe") {
            mstore8(add(mload(R_MEMORY), offset), word)
        }
        return state;
    }

    function _mcopy(uint256 state) internal pure virtual returns (uint256) {
        (uint256 to, uint256 from) = _operands(state, 0x60, 0x40);
        (, uint256 length) = _operands(state, 0x60, 0x20);
        if (length > RANGE_BYTES / 2) _halt();
        state = _growFor(state, to > from ? to : from, length, COPY_WORD_GAS);
        assembly ("memory-safe") {
            let base := mload(R_MEMORY)
            if length { mcopy(add(base, to), add(base, from), length) }
        }
        return state;
    }

    function _msize(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            mstore(shr(STACK_SHIFT, state), mload(R_MEMORY_SIZE))
        }
        return state;
    }

    function _calldataload(uint256 state) internal pure virtual returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            let offset := mload(top)
            let size := mload(R_INPUT_SIZE)
            let word := 0
            if lt(offset, size) {
                word := calldataload(add(mload(R_INPUT), offset))
                let left := sub(size, offset)
                if lt(left, 32) { word := and(word, not(shr(shl(3, left), not(0)))) }
            }
            mstore(top, word)
        }
        return state;
    }

    function _calldatasize(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            mstore(shr(STACK_SHIFT, state), mload(R_INPUT_SIZE))
        }
        return state;
    }

    function _calldatacopy(uint256 state) internal pure virtual returns (uint256) {
        return _copy(state, R_INPUT, R_INPUT_SIZE);
    }

    function _codesize(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            mstore(shr(STACK_SHIFT, state), mload(R_CODE_SIZE))
        }
        return state;
    }

    function _codecopy(uint256 state) internal pure virtual returns (uint256) {
        return _copy(state, R_CODE, R_CODE_SIZE);
    }

    function _returndatasize(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            mstore(shr(STACK_SHIFT, state), mload(R_RETURN_SIZE))
        }
        return state;
    }

    function _returndatacopy(uint256 state) internal pure virtual returns (uint256) {
        (uint256 to, uint256 from) = _operands(state, 0x60, 0x40);
        (, uint256 length) = _operands(state, 0x60, 0x20);
        bool isWithin;
        assembly ("memory-safe") {
            let size := mload(R_RETURN_SIZE)
            isWithin := iszero(or(gt(from, size), gt(length, sub(size, from))))
        }
        if (!isWithin) _halt();
        state = _growFor(state, to, length, COPY_WORD_GAS);
        assembly ("memory-safe") {
            if length { returndatacopy(add(mload(R_MEMORY), to), add(mload(R_RETURN), from), length) }
        }
        return state;
    }

    /// @dev Two stack words, by their distance above the top that the opcode leaves.
    function _operands(uint256 state, uint256 first, uint256 second) internal pure returns (uint256 a, uint256 b) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            a := mload(add(top, first))
            b := mload(add(top, second))
        }
    }

    /// @dev CALLDATACOPY and CODECOPY: from a range of calldata that two registers name, with zeros behind its end.
    function _copy(uint256 state, uint256 start, uint256 size) private pure returns (uint256) {
        (uint256 to, uint256 from) = _operands(state, 0x60, 0x40);
        (, uint256 length) = _operands(state, 0x60, 0x20);
        state = _growFor(state, to, length, COPY_WORD_GAS);
        assembly ("memory-safe") {
            if length {
                to := add(mload(R_MEMORY), to)
                let left := mload(size)
                if gt(from, left) { from := left }
                left := sub(left, from)
                if gt(left, length) { left := length }
                calldatacopy(to, add(mload(start), from), left)
                calldatacopy(add(to, left), calldatasize(), sub(length, left))
            }
        }
        return state;
    }
}
