// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {GAS_SHIFT, STACK_SHIFT} from "./FrameLayout.sol";

/// @title ArithmeticOps: opcodes 0x01 to 0x1e
/// @notice A handler takes and gives the machine word (FrameLayout.sol), on which the opcode's static gas, its effect on
/// the stack's height and the step past it are done already.
abstract contract ArithmeticOps {
    function _add(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            mstore(top, add(mload(add(top, 0x20)), mload(top)))
        }
        return state;
    }

    function _mul(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            mstore(top, mul(mload(add(top, 0x20)), mload(top)))
        }
        return state;
    }

    function _sub(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            mstore(top, sub(mload(add(top, 0x20)), mload(top)))
        }
        return state;
    }

    function _div(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            mstore(top, div(mload(add(top, 0x20)), mload(top)))
        }
        return state;
    }

    function _sdiv(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            mstore(top, sdiv(mload(add(top, 0x20)), mload(top)))
        }
        return state;
    }

    function _mod(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            mstore(top, mod(mload(add(top, 0x20)), mload(top)))
        }
        return state;
    }

    function _smod(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            mstore(top, smod(mload(add(top, 0x20)), mload(top)))
        }
        return state;
    }

    function _addmod(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            mstore(top, addmod(mload(add(top, 0x40)), mload(add(top, 0x20)), mload(top)))
        }
        return state;
    }

    function _mulmod(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            mstore(top, mulmod(mload(add(top, 0x40)), mload(add(top, 0x20)), mload(top)))
        }
        return state;
    }

    /// @dev EIP-160: 50 gas for each byte of the exponent, on top of the static gas.
    function _exp(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            let exponent := mload(top)
            state := sub(state, shl(GAS_SHIFT, mul(50, shr(3, sub(263, clz(exponent))))))
            mstore(top, exp(mload(add(top, 0x20)), exponent))
        }
        return state;
    }

    function _signextend(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            mstore(top, signextend(mload(add(top, 0x20)), mload(top)))
        }
        return state;
    }

    function _lt(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            mstore(top, lt(mload(add(top, 0x20)), mload(top)))
        }
        return state;
    }

    function _gt(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            mstore(top, gt(mload(add(top, 0x20)), mload(top)))
        }
        return state;
    }

    function _slt(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            mstore(top, slt(mload(add(top, 0x20)), mload(top)))
        }
        return state;
    }

    function _sgt(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            mstore(top, sgt(mload(add(top, 0x20)), mload(top)))
        }
        return state;
    }

    function _eq(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            mstore(top, eq(mload(add(top, 0x20)), mload(top)))
        }
        return state;
    }

    function _and(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            mstore(top, and(mload(add(top, 0x20)), mload(top)))
        }
        return state;
    }

    function _or(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            mstore(top, or(mload(add(top, 0x20)), mload(top)))
        }
        return state;
    }

    function _xor(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            mstore(top, xor(mload(add(top, 0x20)), mload(top)))
        }
        return state;
    }

    function _byte(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            mstore(top, byte(mload(add(top, 0x20)), mload(top)))
        }
        return state;
    }

    function _shl(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            mstore(top, shl(mload(add(top, 0x20)), mload(top)))
        }
        return state;
    }

    function _shr(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            mstore(top, shr(mload(add(top, 0x20)), mload(top)))
        }
        return state;
    }

    function _sar(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            mstore(top, sar(mload(add(top, 0x20)), mload(top)))
        }
        return state;
    }

    function _iszero(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            mstore(top, iszero(mload(top)))
        }
        return state;
    }

    function _not(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            mstore(top, not(mload(top)))
        }
        return state;
    }

    function _clz(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            mstore(top, clz(mload(top)))
        }
        return state;
    }
}
