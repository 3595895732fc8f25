// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {
    ADDRESS_MASK,
    GAS_BIAS,
    GAS_MASK,
    GAS_SHIFT,
    EMPTY_STACK,
    PC_MASK,
    PC_SHIFT,
    P_ACCOUNT,
    P_CALLER,
    P_CODE,
    P_CODE_SIZE,
    P_CREATION,
    P_DEPTH,
    P_FROM,
    P_GAS,
    P_INPUT,
    P_INPUT_SIZE,
    P_STATIC,
    P_VALUE,
    REVERTED,
    R_CODE,
    R_CREATION,
    R_MEMORY_SIZE,
    R_RETURN,
    R_RETURN_SIZE,
    STACK_SHIFT,
    SUCCEEDED,
    WORLD,
    W_LOG_BYTES,
    W_REFUND,
    W_USED
} from "../FrameLayout.sol";
import {HandlerTable} from "../HandlerTable.sol";
import {
    CALLED,
    CODE_MET,
    H_ACCOUNTS,
    H_BYTE_LIMIT,
    H_LOGS,
    H_LOG_COUNT,
    H_PAGES,
    H_SLOTS,
    IS_FRESH,
    MET,
    PAGE_MET,
    STOPPED,
    S_ACCOUNTS,
    S_BEFORE,
    S_BYTES,
    S_FLOOR,
    S_LAST_PAGE,
    S_NEW_PAGES,
    S_OWNS_RETURN,
    S_PAGES,
    S_SLOTS,
    S_START,
    S_THRESHOLD
} from "./SliceLayout.sol";

/// @title SliceEnd: where a slice ends, and what it gives back
/// @notice Bytes of evidence are counted before the step that meets it has had any effect, so that the slice can end before
/// it. Whatever ends a frame exceptionally gives back 64 bytes as in Interpreter.sol: HALTED in the lowest of the first
/// word. Everything else gives back (words): how it ended, gas, program counter, stack's height, words of it that were not
/// handed in, memory's size, whether return data stand below, their offset, their length, refund, logs, log bytes, log
/// count, offset and length of the output, opcode that was denied plus one; of the frame that begins: account, caller,
/// value, flags, code hash, gas, offset and length of its input, offset and length that await its output, address that it
/// makes; the number of new pages; then stack words, accounts, slots, pages as they were handed in, new pages, the last one
/// first, return data.
abstract contract SliceEnd is HandlerTable {
    /// @notice Evidence that the slice did not meet.
    /// @param kind 0 an account, 1 a slot, 2 an account's code, 4 a page.
    /// @param index Its number among those of its kind.
    error UnusedEvidence(uint256 kind, uint256 index);

    /// @dev Counts bytes of evidence that a step is about to meet; ends the slice before the step if they are too many.
    function _afford(uint256 charge) internal pure {
        bool isOver;
        bool isFirst;
        uint256 before;
        assembly ("memory-safe") {
            let total := add(mload(S_BYTES), charge)
            mstore(S_BYTES, total)
            isOver := gt(total, mload(H_BYTE_LIMIT))
            before := mload(S_BEFORE)
            isFirst := eq(before, mload(S_START))
        }
        if (!isOver) return;
        if (!isFirst) _stopHere(before);
        assembly ("memory-safe") {
            // The slice ends after its first step.
            mstore(S_THRESHOLD, not(0))
        }
    }

    /// @dev Ends the slice between two steps.
    function _stopHere(uint256 state) internal pure {
        _check(state);
        _emit(STOPPED, state, 0, 0, 0);
    }

    /// @dev Ends the frame well, with an output that stays where it is.
    function _succeed(uint256 state, uint256 output, uint256 length) internal pure override {
        bool isCreation;
        assembly ("memory-safe") {
            isCreation := mload(R_CREATION)
        }
        _emit(SUCCEEDED, state, output, isCreation ? 0 : length, 0);
    }

    function _giveBackRange(uint256 state, uint256 output, uint256 length, uint256 denied) internal pure {
        _emit(REVERTED, state, output, length, denied);
    }

    /// @dev Ends the slice with a frame that begins, by the parameters. Of these five say otherwise than for Interpreter.sol:
    /// P_CODE its code's hash, P_INPUT and P_INPUT_SIZE a range of this frame's memory, P_DEPTH and P_CODE_SIZE the one that
    /// takes the output.
    function _emitCall(uint256 state) internal pure {
        uint256 out = _head(CALLED, state);
        assembly ("memory-safe") {
            // Its result is not on the stack yet.
            mstore(add(out, 0x60), sub(mload(add(out, 0x60)), 1))
            let account := and(mload(mload(P_ACCOUNT)), ADDRESS_MASK)
            let flags := or(IS_FRESH, mload(P_STATIC))
            flags := or(flags, or(shl(1, mload(P_CREATION)), shl(2, gt(mload(P_FROM), 0))))
            let inLength := mload(P_INPUT_SIZE)
            let outLength := mload(P_CODE_SIZE)
            mstore(add(out, 0x200), account)
            mstore(add(out, 0x220), mload(P_CALLER))
            mstore(add(out, 0x240), mload(P_VALUE))
            mstore(add(out, 0x260), flags)
            mstore(add(out, 0x280), mload(P_CODE))
            mstore(add(out, 0x2a0), mload(P_GAS))
            mstore(add(out, 0x2c0), mul(mload(P_INPUT), gt(inLength, 0)))
            mstore(add(out, 0x2e0), inLength)
            mstore(add(out, 0x300), mul(mload(P_DEPTH), gt(outLength, 0)))
            mstore(add(out, 0x320), outLength)
            mstore(add(out, 0x340), mul(account, mload(P_CREATION)))
        }
        _giveAll(out, out + 0x380);
    }

    function _emit(uint256 kind, uint256 state, uint256 output, uint256 length, uint256 denied) private pure {
        uint256 out = _head(kind, state);
        if (length == 0) output = 0;
        assembly ("memory-safe") {
            mstore(add(out, 0x1a0), output)
            mstore(add(out, 0x1c0), length)
            mstore(add(out, 0x1e0), denied)
        }
        _giveAll(out, out + 0x380);
    }

    /// @dev The first words, in memory that nothing has used.
    function _head(uint256 kind, uint256 state) private pure returns (uint256 out) {
        assembly ("memory-safe") {
            out := add(WORLD, mload(W_USED))
            mstore(out, kind)
            mstore(add(out, 0x20), sub(and(shr(GAS_SHIFT, state), GAS_MASK), GAS_BIAS))
            mstore(add(out, 0x40), sub(and(shr(PC_SHIFT, state), PC_MASK), mload(R_CODE)))
            mstore(add(out, 0x60), shr(5, sub(shr(STACK_SHIFT, state), EMPTY_STACK)))
            mstore(add(out, 0x80), shr(5, shr(STACK_SHIFT, mload(S_FLOOR))))
            mstore(add(out, 0xa0), mload(R_MEMORY_SIZE))
            let owns := mload(S_OWNS_RETURN)
            let size := mload(R_RETURN_SIZE)
            mstore(add(out, 0xc0), owns)
            mstore(add(out, 0xe0), mul(mload(R_RETURN), and(iszero(owns), gt(size, 0))))
            mstore(add(out, 0x100), size)
            mstore(add(out, 0x120), mload(W_REFUND))
            mstore(add(out, 0x140), mload(H_LOGS))
            mstore(add(out, 0x160), mload(W_LOG_BYTES))
            mstore(add(out, 0x180), mload(H_LOG_COUNT))
            mstore(add(out, 0x360), mload(S_NEW_PAGES))
        }
    }

    /// @dev What stands behind the first words, and the end.
    function _giveAll(uint256 out, uint256 place) private pure {
        _requireAllMet();
        assembly ("memory-safe") {
            let floor := mload(add(out, 0x80))
            let size := shl(5, sub(mload(add(out, 0x60)), floor))
            mcopy(place, add(add(EMPTY_STACK, 0x20), shl(5, floor)), size)
            place := add(place, size)
            size := add(mul(mload(H_ACCOUNTS), 0xa0), shl(7, mload(H_SLOTS)))
            mcopy(place, mload(S_ACCOUNTS), size)
            place := add(place, size)
            size := mul(mload(H_PAGES), 0xa0)
            mcopy(place, mload(S_PAGES), size)
            place := add(place, size)
            for { let page := mload(S_LAST_PAGE) } page { page := shr(32, mload(page)) } {
                mstore(place, and(mload(page), 0xffffffff))
                mcopy(add(place, 0x20), add(page, 0x20), 0x80)
                place := add(place, 0xa0)
            }
            if mload(S_OWNS_RETURN) {
                size := mload(R_RETURN_SIZE)
                mcopy(place, mload(R_RETURN), size)
                place := add(place, size)
            }
            return(out, sub(place, out))
        }
    }

    function _requireAllMet() private pure {
        unchecked {
            uint256 kind = 5;
            uint256 index = 0;
            assembly ("memory-safe") {
                let entry := mload(S_ACCOUNTS)
                for { let end := add(entry, mul(mload(H_ACCOUNTS), 0xa0)) } lt(entry, end) { entry := add(entry, 0xa0) }
                {
                    if iszero(and(mload(entry), MET)) {
                        kind := 0
                        break
                    }
                    if and(gt(mload(add(entry, 0x80)), 0), iszero(and(mload(entry), CODE_MET))) {
                        kind := 2
                        break
                    }
                    index := add(index, 1)
                }
                if eq(kind, 5) {
                    index := 0
                    entry := mload(S_SLOTS)
                    for { let end := add(entry, shl(7, mload(H_SLOTS))) } lt(entry, end) { entry := add(entry, 0x80) } {
                        if iszero(and(mload(entry), MET)) {
                            kind := 1
                            break
                        }
                        index := add(index, 1)
                    }
                }
                if eq(kind, 5) {
                    index := 0
                    entry := mload(S_PAGES)
                    for { let end := add(entry, mul(mload(H_PAGES), 0xa0)) } lt(entry, end) {
                        entry := add(entry, 0xa0)
                    } {
                        if iszero(and(mload(entry), PAGE_MET)) {
                            kind := 4
                            break
                        }
                        index := add(index, 1)
                    }
                }
            }
            if (kind == 5) return;
            bytes4 selector = UnusedEvidence.selector;
            assembly ("memory-safe") {
                mstore(0x00, selector)
                mstore(0x04, kind)
                mstore(0x24, index)
                revert(0x00, 0x44)
            }
        }
    }
}
