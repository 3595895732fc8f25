// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {PC_MASK, PC_SHIFT, STACK_SHIFT} from "./FrameLayout.sol";

/// @title StackOps: PUSH, DUP, SWAP and POP
/// @notice Written out one by one: they are half of what compiled code executes. The program counter stands behind the
/// opcode and, for those PUSHes that have a handler of their own, behind its operand.
abstract contract StackOps {
    /// @dev POP and JUMPDEST: the table has done it.
    function _nothing(uint256 state) internal pure returns (uint256) {
        return state;
    }

    function _push0(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            mstore(shr(STACK_SHIFT, state), 0)
        }
        return state;
    }

    function _push1(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            mstore(shr(STACK_SHIFT, state), shr(248, calldataload(sub(and(shr(PC_SHIFT, state), PC_MASK), 1))))
        }
        return state;
    }

    function _push2(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            mstore(shr(STACK_SHIFT, state), shr(240, calldataload(sub(and(shr(PC_SHIFT, state), PC_MASK), 2))))
        }
        return state;
    }

    function _push3(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            mstore(shr(STACK_SHIFT, state), shr(232, calldataload(sub(and(shr(PC_SHIFT, state), PC_MASK), 3))))
        }
        return state;
    }

    function _push4(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            mstore(shr(STACK_SHIFT, state), shr(224, calldataload(sub(and(shr(PC_SHIFT, state), PC_MASK), 4))))
        }
        return state;
    }

    function _push20(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            mstore(shr(STACK_SHIFT, state), shr(96, calldataload(sub(and(shr(PC_SHIFT, state), PC_MASK), 20))))
        }
        return state;
    }

    function _push32(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            mstore(shr(STACK_SHIFT, state), calldataload(sub(and(shr(PC_SHIFT, state), PC_MASK), 32)))
        }
        return state;
    }

    /// @dev The other PUSHes: their operand is yet to be stepped over.
    function _push(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let at := and(shr(PC_SHIFT, state), PC_MASK)
            let size := sub(byte(0, calldataload(sub(at, 1))), 0x5f)
            mstore(shr(STACK_SHIFT, state), shr(sub(256, shl(3, size)), calldataload(at)))
            state := add(state, shl(PC_SHIFT, size))
        }
        return state;
    }

    function _dup1(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            mstore(top, mload(sub(top, 0x20)))
        }
        return state;
    }

    function _dup2(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            mstore(top, mload(sub(top, 0x40)))
        }
        return state;
    }

    function _dup3(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            mstore(top, mload(sub(top, 0x60)))
        }
        return state;
    }

    function _dup4(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            mstore(top, mload(sub(top, 0x80)))
        }
        return state;
    }

    function _dup5(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            mstore(top, mload(sub(top, 0xa0)))
        }
        return state;
    }

    function _dup6(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            mstore(top, mload(sub(top, 0xc0)))
        }
        return state;
    }

    function _dup7(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            mstore(top, mload(sub(top, 0xe0)))
        }
        return state;
    }

    function _dup8(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            mstore(top, mload(sub(top, 0x100)))
        }
        return state;
    }

    function _dup9(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            mstore(top, mload(sub(top, 0x120)))
        }
        return state;
    }

    function _dup10(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            mstore(top, mload(sub(top, 0x140)))
        }
        return state;
    }

    function _dup11(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            mstore(top, mload(sub(top, 0x160)))
        }
        return state;
    }

    function _dup12(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            mstore(top, mload(sub(top, 0x180)))
        }
        return state;
    }

    function _dup13(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            mstore(top, mload(sub(top, 0x1a0)))
        }
        return state;
    }

    function _dup14(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            mstore(top, mload(sub(top, 0x1c0)))
        }
        return state;
    }

    function _dup15(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            mstore(top, mload(sub(top, 0x1e0)))
        }
        return state;
    }

    function _dup16(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            mstore(top, mload(sub(top, 0x200)))
        }
        return state;
    }

    function _swap1(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            let other := sub(top, 0x20)
            let word := mload(top)
            mstore(top, mload(other))
            mstore(other, word)
        }
        return state;
    }

    function _swap2(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            let other := sub(top, 0x40)
            let word := mload(top)
            mstore(top, mload(other))
            mstore(other, word)
        }
        return state;
    }

    function _swap3(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            let other := sub(top, 0x60)
            let word := mload(top)
            mstore(top, mload(other))
            mstore(other, word)
        }
        return state;
    }

    function _swap4(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            let other := sub(top, 0x80)
            let word := mload(top)
            mstore(top, mload(other))
            mstore(other, word)
        }
        return state;
    }

    function _swap5(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            let other := sub(top, 0xa0)
            let word := mload(top)
            mstore(top, mload(other))
            mstore(other, word)
        }
        return state;
    }

    function _swap6(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            let other := sub(top, 0xc0)
            let word := mload(top)
            mstore(top, mload(other))
            mstore(other, word)
        }
        return state;
    }

    function _swap7(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            let other := sub(top, 0xe0)
            let word := mload(top)
            mstore(top, mload(other))
            mstore(other, word)
        }
        return state;
    }

    function _swap8(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            let other := sub(top, 0x100)
            let word := mload(top)
            mstore(top, mload(other))
            mstore(other, word)
        }
        return state;
    }

    function _swap9(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            let other := sub(top, 0x120)
            let word := mload(top)
            mstore(top, mload(other))
            mstore(other, word)
        }
        return state;
    }

    function _swap10(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            let other := sub(top, 0x140)
            let word := mload(top)
            mstore(top, mload(other))
            mstore(other, word)
        }
        return state;
    }

    function _swap11(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            let other := sub(top, 0x160)
            let word := mload(top)
            mstore(top, mload(other))
            mstore(other, word)
        }
        return state;
    }

    function _swap12(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            let other := sub(top, 0x180)
            let word := mload(top)
            mstore(top, mload(other))
            mstore(other, word)
        }
        return state;
    }

    function _swap13(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            let other := sub(top, 0x1a0)
            let word := mload(top)
            mstore(top, mload(other))
            mstore(other, word)
        }
        return state;
    }

    function _swap14(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            let other := sub(top, 0x1c0)
            let word := mload(top)
            mstore(top, mload(other))
            mstore(other, word)
        }
        return state;
    }

    function _swap15(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            let other := sub(top, 0x1e0)
            let word := mload(top)
            mstore(top, mload(other))
            mstore(other, word)
        }
        return state;
    }

    function _swap16(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            let other := sub(top, 0x200)
            let word := mload(top)
            mstore(top, mload(other))
            mstore(other, word)
        }
        return state;
    }
}
