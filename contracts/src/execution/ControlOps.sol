// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {
    GAS_BIAS,
    GAS_MASK,
    GAS_SHIFT,
    GAS_THERE,
    JUMP_MAP,
    PC_MASK,
    PC_SHIFT,
    R_CODE,
    R_CODE_SIZE,
    R_LANDING,
    R_MEMORY,
    R_SCANNED,
    R_SENTINEL,
    SCRATCH,
    STACK_END,
    STACK_SHIFT,
    W_GAS,
    W_ORIGIN,
    W_STATUS,
    WORLD
} from "./FrameLayout.sol";
import {Frame} from "./Frame.sol";

/// @title ControlOps: jumps, PC, GAS, and the opcodes that end a frame without an effect on it
/// @notice No map of jump destinations is made beforehand: it would cost 85 gas for each byte of code. Whether the byte at
/// a destination is an operand is seen from the 32 bytes before it, nearly always at once.
abstract contract ControlOps is Frame {
    /// @dev Bytes before a destination among which a start is sought from where to read forward.
    uint256 private constant NEAR_BYTES = 128;

    function _jump(uint256 state) internal pure returns (uint256) {
        uint256 doubt;
        assembly ("memory-safe") {
            let to := mload(add(shr(STACK_SHIFT, state), 0x20))
            let code := mload(R_CODE)
            let place := add(code, to)
            if or(
                or(iszero(and(state, GAS_THERE)), xor(mload(STACK_END), mload(R_SENTINEL))),
                or(iszero(lt(to, mload(R_CODE_SIZE))), xor(byte(0, calldataload(place)), 0x5b))
            ) {
                mstore(W_STATUS, 0x4002)
                mstore(W_GAS, 0)
                return(WORLD, 0x40)
            }
            state := or(and(state, not(shl(PC_SHIFT, PC_MASK))), shl(PC_SHIFT, place))
            // As in _reachable.
            let window := calldataload(sub(place, 32))
            doubt := and(
                and(
                    add(
                        and(window, 0x7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f),
                        0x0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20
                    ),
                    not(window)
                ),
                0x8080808080808080808080808080808080808080808080808080808080808080
            )
        }
        if (doubt != 0) _decide(state);
        assembly ("memory-safe") {
            state := add(state, mload(R_LANDING))
        }
        return state;
    }

    function _jumpi(uint256 state) internal pure returns (uint256) {
        bool isTaken;
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            isTaken := iszero(iszero(mload(add(top, 0x20))))
            // Where JUMP has its destination.
            mstore(add(top, 0x20), mload(add(top, 0x40)))
        }
        return isTaken ? _jump(state) : state;
    }

    /// @dev Whether one of the 32 bytes before a place in the code has the form of a PUSH whose operand reaches it. Each
    /// byte of the sum has its high bit set where the byte was 0x5f plus its distance, or more. Before the code stand 32
    /// zeros (`_stage`).
    function _reachable(uint256 place) private pure returns (bool found) {
        assembly ("memory-safe") {
            let window := calldataload(sub(place, 32))
            let sum :=
                add(
                    and(window, 0x7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f),
                    0x0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20
                )
            found := iszero(
                iszero(and(and(sum, not(window)), 0x8080808080808080808080808080808080808080808080808080808080808080))
            )
        }
    }

    /// @dev Ends the frame if the program counter stands in an operand. Reads forward from the nearest start that is
    /// sure, and keeps what it found, so that one destination costs this once; where none is near, all the code up to
    /// the destination is read, each byte once in the frame.
    function _decide(uint256 state) internal pure {
        unchecked {
            uint256 place;
            uint256 known;
            assembly ("memory-safe") {
                place := sub(and(shr(PC_SHIFT, state), PC_MASK), mload(R_CODE))
                known := and(shr(and(place, 255), mload(add(JUMP_MAP, shl(5, shr(8, place))))), 1)
            }
            if (known == 1) return;
            uint256 start = place;
            bool isSure = false;
            for (uint256 i = 0; i < NEAR_BYTES && !isSure && start != 0; i++) {
                start--;
                uint256 candidate = 0;
                assembly ("memory-safe") {
                    candidate := add(mload(R_CODE), start)
                }
                isSure = !_reachable(candidate);
            }
            if (isSure) {
                assembly ("memory-safe") {
                    let code := mload(R_CODE)
                    for {} lt(start, place) {} {
                        let opcode := byte(0, calldataload(add(code, start)))
                        start := add(start, 1)
                        if lt(sub(opcode, 0x60), 0x20) { start := add(start, sub(opcode, 0x5f)) }
                    }
                    if eq(start, place) {
                        let word := add(JUMP_MAP, shl(5, shr(8, place)))
                        mstore(word, or(mload(word), shl(and(place, 255), 1)))
                    }
                }
                if (start != place) _halt();
                return;
            }
            assembly ("memory-safe") {
                let code := mload(R_CODE)
                start := mload(R_SCANNED)
                for {} iszero(gt(start, place)) {} {
                    let opcode := byte(0, calldataload(add(code, start)))
                    if eq(opcode, 0x5b) {
                        let word := add(JUMP_MAP, shl(5, shr(8, start)))
                        mstore(word, or(mload(word), shl(and(start, 255), 1)))
                    }
                    start := add(start, 1)
                    if lt(sub(opcode, 0x60), 0x20) { start := add(start, sub(opcode, 0x5f)) }
                }
                mstore(R_SCANNED, start)
                known := and(shr(and(place, 255), mload(add(JUMP_MAP, shl(5, shr(8, place))))), 1)
            }
            if (known == 0) _halt();
        }
    }

    function _pc(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            mstore(shr(STACK_SHIFT, state), sub(and(shr(PC_SHIFT, state), PC_MASK), add(mload(R_CODE), 1)))
        }
        return state;
    }

    function _gas(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            mstore(shr(STACK_SHIFT, state), sub(and(shr(GAS_SHIFT, state), GAS_MASK), GAS_BIAS))
        }
        return state;
    }

    function _invalid(uint256) internal pure returns (uint256) {
        _halt();
    }

    /// @dev REVERT.
    function _revert(uint256 state) internal pure virtual returns (uint256) {
        uint256 offset;
        uint256 length;
        _check(state);
        assembly ("memory-safe") {
            let top := shr(STACK_SHIFT, state)
            offset := mload(add(top, 0x40))
            length := mload(add(top, 0x20))
        }
        state = _growFor(state, offset, length, 0);
        assembly ("memory-safe") {
            offset := add(mload(R_MEMORY), offset)
        }
        _giveBack(state, offset, length);
    }

    /// @dev In the at of an opcode that the charter denies the signer (decision 016): ends the frame as REVERT does,
    /// with PermissionDenied(bytes1 opcode, address signer).
    function _denied(uint256 state) internal pure virtual returns (uint256) {
        _check(state);
        assembly ("memory-safe") {
            let opcode := byte(0, calldataload(sub(and(shr(PC_SHIFT, state), PC_MASK), 1)))
            mstore(SCRATCH, shl(224, 0x2df25dee))
            mstore(add(SCRATCH, 4), shl(248, opcode))
            mstore(add(SCRATCH, 0x24), mload(W_ORIGIN))
        }
        _giveBack(state, SCRATCH, 0x44);
    }
}
