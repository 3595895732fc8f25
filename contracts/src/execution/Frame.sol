// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {
    ADDRESS_MASK,
    GAS_BIAS,
    GAS_MASK,
    GAS_SHIFT,
    GAS_THERE,
    HALTED,
    RANGE_BYTES,
    REVERTED,
    R_DIRTY,
    R_MEMORY,
    R_MEMORY_GAS,
    R_MEMORY_LIMIT,
    R_MEMORY_SIZE,
    R_SENTINEL,
    SCRATCH,
    STACK_END,
    SUCCEEDED,
    W_GAS,
    W_STATUS,
    W_USED,
    WORLD
} from "./FrameLayout.sol";

/// @title Frame: gas, memory and end of one L2 call frame
/// @notice `state` is the machine word of FrameLayout.sol everywhere. Gas is taken without a look at whether it is there
/// where that costs nothing more; `_check` looks. Overdrawn gas never comes back, and whoever pushes beyond the stack's
/// end destroys the sentinel for good, so the check may come late: before jumps, before a frame's end, once in a round of
/// the loop, and before whatever asks for values of the state, which a replay need not hold when the frame had ended.
abstract contract Frame {
    /// @dev A value of the state that the replay needs was not handed in. No verdict follows, whatever the L2 code does:
    /// an L2 frame that fails ends its L1 frame by `return`, so an L1 frame that reverts is passed on by all above it.
    /// @param kind 0 an account, 1 a slot, 2 an account's code, 3 the hash of the block `key`, 4 the
    /// block's number, 5 the chain's identifier.
    error MissingValue(uint8 kind, address account, uint256 key);
    /// @dev The L1 gas did not suffice: no verdict either.
    error OutOfReplayGas();
    /// @dev The room that the caller gave for tables or heap is used up.
    error OutOfRoom();

    /// @dev Errors are written by hand in frames: the compiler's way would look for its free memory in the handler table.
    function _missing(uint256 kind, uint256 account, uint256 key) internal pure {
        bytes4 selector = MissingValue.selector;
        assembly ("memory-safe") {
            mstore(SCRATCH, selector)
            mstore(add(SCRATCH, 4), kind)
            mstore(add(SCRATCH, 0x24), and(account, ADDRESS_MASK))
            mstore(add(SCRATCH, 0x44), key)
            revert(SCRATCH, 0x64)
        }
    }

    function _outOfReplayGas() internal pure {
        bytes4 selector = OutOfReplayGas.selector;
        assembly ("memory-safe") {
            mstore(SCRATCH, selector)
            revert(SCRATCH, 4)
        }
    }

    function _outOfRoom() internal pure {
        bytes4 selector = OutOfRoom.selector;
        assembly ("memory-safe") {
            mstore(SCRATCH, selector)
            revert(SCRATCH, 4)
        }
    }

    /// @dev Ends the frame exceptionally.
    function _halt() internal pure {
        assembly ("memory-safe") {
            mstore(W_STATUS, or(HALTED, 0x4000))
            mstore(W_GAS, 0)
            return(WORLD, 0x40)
        }
    }

    /// @dev Ends the frame exceptionally if it should have ended already: gas overdrawn, or once more than 1,024 words.
    function _check(uint256 state) internal pure {
        assembly ("memory-safe") {
            if or(iszero(and(state, GAS_THERE)), xor(mload(STACK_END), mload(R_SENTINEL))) {
                mstore(W_STATUS, or(HALTED, 0x4000))
                mstore(W_GAS, 0)
                return(WORLD, 0x40)
            }
        }
    }

    /// @dev Gas left; after a check.
    function _gasOf(uint256 state) internal pure returns (uint256 left) {
        assembly ("memory-safe") {
            left := sub(and(shr(GAS_SHIFT, state), GAS_MASK), GAS_BIAS)
        }
    }

    /// @dev Takes gas and ends the frame where it is not there. `cost` is less than 2^62.
    function _pay(uint256 state, uint256 cost) internal pure returns (uint256) {
        assembly ("memory-safe") {
            if lt(and(shr(GAS_SHIFT, state), GAS_MASK), add(cost, GAS_BIAS)) {
                mstore(W_STATUS, or(HALTED, 0x4000))
                mstore(W_GAS, 0)
                return(WORLD, 0x40)
            }
            state := sub(state, shl(GAS_SHIFT, cost))
        }
        return state;
    }

    /// @dev Pays for a range of memory and makes it usable.
    function _grow(uint256 state, uint256 offset, uint256 length) internal pure returns (uint256) {
        unchecked {
            if (length == 0) return state;
            if (offset > 0xffffffff || length > 0xffffffff) _halt();
            uint256 cost;
            uint256 size;
            assembly ("memory-safe") {
                let words := shr(5, add(add(offset, length), 31))
                size := shl(5, words)
                if gt(size, mload(R_MEMORY_SIZE)) {
                    cost := add(mul(3, words), shr(9, mul(words, words)))
                }
            }
            if (cost == 0) return state;
            uint256 before;
            assembly ("memory-safe") {
                before := mload(R_MEMORY_GAS)
            }
            state = _pay(state, cost - before);
            assembly ("memory-safe") {
                let from := add(mload(R_MEMORY), mload(R_MEMORY_SIZE))
                let to := add(mload(R_MEMORY), size)
                let dirty := mload(R_DIRTY)
                if gt(dirty, from) {
                    if lt(to, dirty) { dirty := to }
                    calldatacopy(from, calldatasize(), sub(dirty, from))
                }
                mstore(R_MEMORY_SIZE, size)
                mstore(R_MEMORY_LIMIT, sub(size, 31))
                mstore(R_MEMORY_GAS, cost)
            }
            return state;
        }
    }

    /// @dev As `_grow`, for a range of at most RANGE_BYTES that costs gas by its words.
    function _growFor(uint256 state, uint256 offset, uint256 length, uint256 wordGas) internal pure returns (uint256) {
        if (length > RANGE_BYTES) _halt();
        uint256 cost;
        assembly ("memory-safe") {
            cost := mul(wordGas, shr(5, add(length, 31)))
        }
        return _grow(_pay(state, cost), offset, length);
    }

    /// @dev Where a usable range of memory stands in one piece, to be read.
    function _linear(uint256 offset, uint256) internal pure virtual returns (uint256 place) {
        assembly ("memory-safe") {
            place := add(mload(R_MEMORY), offset)
        }
    }

    /// @dev Ends the frame well: gives back the world and an output in memory.
    function _succeed(uint256 state, uint256 output, uint256 length) internal pure virtual {
        assembly ("memory-safe") {
            let used := mload(W_USED)
            mstore(W_STATUS, or(SUCCEEDED, shl(8, used)))
            mstore(W_GAS, sub(and(shr(GAS_SHIFT, state), GAS_MASK), GAS_BIAS))
            mcopy(add(WORLD, used), output, length)
            return(WORLD, add(used, length))
        }
    }

    /// @dev Ends the frame as REVERT does: gas stays, changes do not.
    function _giveBack(uint256 state, uint256 output, uint256 length) internal pure {
        assembly ("memory-safe") {
            mstore(W_STATUS, or(REVERTED, 0x4000))
            mstore(W_GAS, sub(and(shr(GAS_SHIFT, state), GAS_MASK), GAS_BIAS))
            mcopy(add(WORLD, 0x40), output, length)
            return(WORLD, add(0x40, length))
        }
    }
}
