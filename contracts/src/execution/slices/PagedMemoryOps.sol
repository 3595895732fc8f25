// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {
    RANGE_BYTES,
    R_CODE,
    R_CODE_SIZE,
    R_INPUT,
    R_INPUT_SIZE,
    R_MEMORY_LIMIT,
    R_RETURN,
    R_RETURN_SIZE,
    SCRATCH,
    STACK_SHIFT
} from "../FrameLayout.sol";
import {BUFFER, IMAGE, INPUT_OBJECT, MEMORY_OBJECT, RETURN_OBJECT, S_OWNS_RETURN} from "./SliceLayout.sol";
import {PagedMemory} from "./PagedMemory.sol";

/// @title PagedMemoryOps: opcodes that work on memory, where that is pages
abstract contract PagedMemoryOps is PagedMemory {
    uint256 private constant COPY_WORD_GAS = 3;
    uint256 private constant KECCAK_WORD_GAS = 6;

    function _keccak256(uint256 state) internal pure override returns (uint256) {
        (uint256 offset, uint256 length) = _operands(state, 0x20, 0);
        _meetMemory(offset, length);
        state = _growFor(state, offset, length, KECCAK_WORD_GAS);
        uint256 place = _linear(offset, length);
        assembly ("memory-safe") {
            mstore(shr(STACK_SHIFT, state), keccak256(place, length))
        }
        return state;
    }

    function _mload(uint256 state) internal pure override returns (uint256) {
        (uint256 offset,) = _operands(state, 0, 0);
        uint256 place = _quick(offset, 97);
        if (place == 0) {
            _meetRange(MEMORY_OBJECT, offset, 32);
            state = _grow(state, offset, 32);
            place = SCRATCH;
            // A page is made even if it is only read: the next read of it is quick then.
            if (offset & 127 < 97) place = _pageToWrite(offset >> 7, false) + 0x20 + (offset & 127);
            else _gather(MEMORY_OBJECT, offset, 32, SCRATCH);
        }
        assembly ("memory-safe") {
            mstore(shr(STACK_SHIFT, state), mload(place))
        }
        return state;
    }

    function _mstore(uint256 state) internal pure override returns (uint256) {
        (uint256 offset, uint256 word) = _operands(state, 0x40, 0x20);
        uint256 place = _quick(offset, 97);
        if (place == 0) {
            _meetRange(MEMORY_OBJECT, offset, 32);
            state = _grow(state, offset, 32);
            _scatter(offset, 32, (state >> STACK_SHIFT) + 0x20);
            return state;
        }
        assembly ("memory-safe") {
            mstore(place, word)
        }
        return state;
    }

    function _mstore8(uint256 state) internal pure override returns (uint256) {
        (uint256 offset, uint256 word) = _operands(state, 0x40, 0x20);
        uint256 place = _quick(offset, 128);
        if (place == 0) {
            _meetRange(MEMORY_OBJECT, offset, 1);
            state = _grow(state, offset, 1);
            place = _pageToWrite(offset >> 7, false) + 0x20 + (offset & 127);
        }
        assembly ("memory-safe") {
            mstore8(place, word)
        }
        return state;
    }

    function _mcopy(uint256 state) internal pure override returns (uint256) {
        (uint256 to, uint256 from) = _operands(state, 0x60, 0x40);
        (, uint256 length) = _operands(state, 0x60, 0x20);
        if (length <= RANGE_BYTES / 2) {
            _meetRange(MEMORY_OBJECT, from, length);
            _meetRange(MEMORY_OBJECT, to, length);
        } else {
            _halt();
        }
        state = _growFor(state, to > from ? to : from, length, COPY_WORD_GAS);
        _scatter(to, length, _linear(from, length));
        return state;
    }

    function _calldataload(uint256 state) internal pure override returns (uint256) {
        unchecked {
            (uint256 offset,) = _operands(state, 0, 0);
            (uint256 size,) = _sizes();
            uint256 length = offset < size ? size - offset : 0;
            if (length > 32) length = 32;
            offset += _wordAt(R_INPUT);
            _meetRange(INPUT_OBJECT, offset, length);
            assembly ("memory-safe") {
                mstore(SCRATCH, 0)
            }
            _gather(INPUT_OBJECT, offset, length, SCRATCH);
            assembly ("memory-safe") {
                mstore(shr(STACK_SHIFT, state), mload(SCRATCH))
            }
            return state;
        }
    }

    function _calldatacopy(uint256 state) internal pure override returns (uint256) {
        unchecked {
            (uint256 from, uint256 length) = _operands(state, 0x40, 0x20);
            (uint256 size,) = _sizes();
            uint256 left = from < size ? size - from : 0;
            if (length < left) left = length;
            from += _wordAt(R_INPUT);
            if (length <= RANGE_BYTES) _meetRange(INPUT_OBJECT, from, left);
            state = _growTarget(state, length);
            _gather(INPUT_OBJECT, from, left, BUFFER);
            return _put(state, left, length);
        }
    }

    function _codecopy(uint256 state) internal pure override returns (uint256) {
        (uint256 from, uint256 length) = _operands(state, 0x40, 0x20);
        state = _growTarget(state, length);
        assembly ("memory-safe") {
            // Behind the code calldata end.
            let size := mload(R_CODE_SIZE)
            if gt(from, size) { from := size }
            calldatacopy(BUFFER, add(mload(R_CODE), from), length)
        }
        return _put(state, length, length);
    }

    function _returndatacopy(uint256 state) internal pure override returns (uint256) {
        unchecked {
            (uint256 from, uint256 length) = _operands(state, 0x40, 0x20);
            (, uint256 size) = _sizes();
            if (from > size || length > size - from) {
                if (length <= RANGE_BYTES) _meetTarget(state, length);
                _halt();
            }
            from += _wordAt(R_RETURN);
            bool isOwn = _wordAt(S_OWNS_RETURN) != 0;
            if (!isOwn && length <= RANGE_BYTES) _meetRange(RETURN_OBJECT, from, length);
            state = _growTarget(state, length);
            if (isOwn) {
                assembly ("memory-safe") {
                    mcopy(BUFFER, from, length)
                }
            } else {
                _gather(RETURN_OBJECT, from, length, BUFFER);
            }
            return _put(state, length, length);
        }
    }

    /// @dev Where an offset of memory stands if there is nothing to do before it is used: usable, its page met, its content
    /// there, and it is less than `most` bytes behind the page's beginning. Else 0.
    function _quick(uint256 offset, uint256 most) private pure returns (uint256 place) {
        assembly ("memory-safe") {
            if and(lt(offset, mload(R_MEMORY_LIMIT)), lt(and(offset, 127), most)) {
                let entry := shr(240, mload(add(mload(MEMORY_OBJECT), shl(1, shr(7, offset)))))
                if entry {
                    entry := add(IMAGE, shl(5, entry))
                    if eq(and(mload(entry), 0x3000000), 0x3000000) {
                        place := add(add(entry, 0x20), and(offset, 127))
                    }
                }
            }
        }
    }

    /// @dev Meets a range of memory that the operation may have at all.
    function _meetMemory(uint256 offset, uint256 length) internal pure {
        if (length <= RANGE_BYTES) _meetRange(MEMORY_OBJECT, offset, length);
    }

    /// @dev Meets the range that a copying opcode writes.
    function _meetTarget(uint256 state, uint256 length) private pure {
        (uint256 to,) = _operands(state, 0x60, 0);
        _meetRange(MEMORY_OBJECT, to, length);
    }

    /// @dev Meets and pays for it.
    function _growTarget(uint256 state, uint256 length) private pure returns (uint256) {
        (uint256 to,) = _operands(state, 0x60, 0);
        _meetMemory(to, length);
        return _growFor(state, to, length, COPY_WORD_GAS);
    }

    /// @dev Writes it from the buffer, zeros behind the first `left` bytes.
    function _put(uint256 state, uint256 left, uint256 length) private pure returns (uint256) {
        (uint256 to,) = _operands(state, 0x60, 0);
        assembly ("memory-safe") {
            calldatacopy(add(BUFFER, left), calldatasize(), sub(length, left))
        }
        _scatter(to, length, BUFFER);
        return state;
    }

    /// @dev Bytes of the input and of the return data.
    function _sizes() private pure returns (uint256 input, uint256 returned) {
        return (_wordAt(R_INPUT_SIZE), _wordAt(R_RETURN_SIZE));
    }
}
