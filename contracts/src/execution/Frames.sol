// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {
    ADDRESS_MASK,
    CREATED,
    EMPTY_CODE_HASH,
    GAS_SHIFT,
    HAS_STORAGE,
    KNOWN,
    PARAMETERS,
    P_ACCOUNT,
    P_CODE,
    P_CODE_SIZE,
    P_CREATION,
    P_DEPTH,
    P_FROM,
    P_SELECTOR,
    P_VALUE,
    R_DEPTH,
    R_DIRTY,
    R_MEMORY,
    R_MEMORY_SIZE,
    R_RETURN,
    R_RETURN_SIZE,
    SCRATCH,
    STACK_SHIFT,
    SUCCEEDED,
    TO_CALLDATA,
    WORLD
} from "./FrameLayout.sol";
import {StateOps} from "./StateOps.sol";

/// @title Frames: making L2 frames
/// @notice An L2 frame is a staticcall of this contract to itself. Its calldata are this frame's memory from the
/// parameters on, world and L2 memory included, which costs nothing by its length; the code stands staged at the end.
abstract contract Frames is StateOps {
    uint256 internal constant NEW_ACCOUNT_GAS = 25_000;
    uint256 internal constant MAX_DEPTH = 1_024;
    /// @dev EIP-7702.
    uint256 private constant DELEGATION_BYTES = 23;
    uint256 private constant DELEGATION_PREFIX = 0xef0100;

    /// @dev Where code of a frame to be made is staged: behind L2 memory, which is to be cleared there if it grows, and 32
    /// zeros, which the decision on jumps looks at.
    function _stage(uint256 size) internal pure returns (uint256 place) {
        assembly ("memory-safe") {
            place := add(mload(R_MEMORY), mload(R_MEMORY_SIZE))
            mstore(place, 0)
            place := add(place, 0x20)
            let end := add(place, size)
            if gt(end, mload(R_DIRTY)) { mstore(R_DIRTY, end) }
        }
    }

    /// @dev Makes a frame by the parameters, with the code that is staged; takes over its world if it ended well.
    function _enter(uint256 code, uint256 size) internal view returns (uint256 status, uint256 left) {
        bytes4 selector = _frameSelector();
        bool isDone;
        assembly ("memory-safe") {
            mstore(P_SELECTOR, shr(224, selector))
            mstore(P_CODE, add(code, TO_CALLDATA))
            mstore(P_CODE_SIZE, size)
            mstore(P_DEPTH, add(mload(R_DEPTH), 1))
            let start := sub(PARAMETERS, 4)
            isDone := staticcall(gas(), address(), start, sub(add(code, size), start), 0, 0)
            if isDone {
                returndatacopy(SCRATCH, 0, 0x40)
                let word := mload(SCRATCH)
                left := mload(add(SCRATCH, 0x20))
                status := and(word, 0xff)
                let used := shr(8, word)
                if eq(status, SUCCEEDED) { returndatacopy(WORLD, 0, used) }
                mstore(R_RETURN, used)
                mstore(R_RETURN_SIZE, sub(returndatasize(), used))
            }
            if and(iszero(isDone), gt(returndatasize(), 0)) {
                returndatacopy(SCRATCH, 0, returndatasize())
                revert(SCRATCH, returndatasize())
            }
        }
        if (!isDone) _outOfReplayGas();
    }

    /// @dev First effects of a frame, by the parameters.
    function _begin() internal pure {
        uint256 isCreation;
        assembly ("memory-safe") {
            isCreation := mload(P_CREATION)
            if isCreation { mstore(add(mload(P_ACCOUNT), 0x40), 1) }
        }
        if (isCreation != 0) {
            uint256 entry;
            assembly ("memory-safe") {
                entry := mload(P_ACCOUNT)
            }
            _setFlags(entry, CREATED);
        }
        _arrive();
    }

    /// @dev What a call's value and touch do to the state, by the parameters.
    function _arrive() internal pure {
        uint256 from;
        uint256 to;
        uint256 value;
        assembly ("memory-safe") {
            from := mload(P_FROM)
            to := mload(P_ACCOUNT)
            value := mload(P_VALUE)
        }
        if (to == 0) return;
        if (from == 0) _touch(to);
        else _transfer(from, to, value);
    }

    /// @dev Goes on after a call: its result on the stack, its gas left back.
    function _resume(uint256 state, uint256 result, uint256 left) internal pure returns (uint256) {
        assembly ("memory-safe") {
            mstore(shr(STACK_SHIFT, state), result)
            state := add(state, shl(GAS_SHIFT, left))
        }
        return state;
    }

    /// @dev Whom the account's code delegates to (EIP-7702), with a flag above the address; 0: nobody.
    function _delegateOf(uint256 entry) internal view returns (uint256 delegate) {
        if (_codeSize(entry) != DELEGATION_BYTES) return 0;
        _loadCode(entry, SCRATCH, 0, 32);
        assembly ("memory-safe") {
            let word := mload(SCRATCH)
            if eq(shr(232, word), DELEGATION_PREFIX) { delegate := or(and(shr(72, word), ADDRESS_MASK), KNOWN) }
        }
    }

    /// @dev Whether no contract may be made at an account (EIP-684, EIP-7610).
    function _isOccupied(uint256 entry) internal pure returns (bool occupied) {
        assembly ("memory-safe") {
            occupied := iszero(
                iszero(
                    or(
                        or(mload(add(entry, 0x40)), xor(mload(add(entry, 0x60)), EMPTY_CODE_HASH)),
                        and(mload(entry), HAS_STORAGE)
                    )
                )
            )
        }
    }

    /// @dev Selector of the function that runs a frame.
    function _frameSelector() internal pure virtual returns (bytes4);
}
