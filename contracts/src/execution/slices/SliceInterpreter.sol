// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {
    ADDRESS_MASK,
    EMPTY_STACK,
    GAS_BIAS,
    GAS_MASK,
    GAS_SHIFT,
    GAS_THERE,
    PC_MASK,
    PC_SHIFT,
    P_ACCOUNT,
    P_CREATION,
    P_FROM,
    P_VALUE,
    R_ACCOUNT,
    R_CALLER,
    R_CODE,
    R_CREATION,
    R_DEPTH,
    R_INPUT,
    R_INPUT_SIZE,
    R_MEMORY_GAS,
    R_MEMORY_LIMIT,
    R_MEMORY_SIZE,
    R_RETURN,
    R_RETURN_SIZE,
    R_SELF,
    R_STATIC,
    R_VALUE,
    STACK_SHIFT,
    SUCCEEDED,
    W_LOG_BYTES,
    W_REFUND,
    W_TIMESTAMP
} from "../FrameLayout.sol";
import {
    BUFFER,
    HEADER,
    HEADER_BYTES,
    H_ACCOUNTS,
    H_BYTE_LIMIT,
    H_CALLER,
    H_CODE_SIZE,
    H_DEPTH,
    H_END_GAS,
    H_END_STATUS,
    H_FLAGS,
    H_GAS,
    H_GAS_LIMIT,
    H_HEIGHT,
    H_INPUT_LENGTH,
    H_INPUT_OFFSET,
    H_LOG_BYTES,
    H_MADE,
    H_MEMORY_SIZE,
    H_OPENED,
    H_OUT_LENGTH,
    H_OUT_OFFSET,
    H_PC,
    H_REFUND,
    H_RETURNING,
    H_RETURN_LENGTH,
    H_RETURN_OFFSET,
    H_SALT,
    H_VALUE,
    IS_FRESH,
    MEMORY_OBJECT,
    MOVES_VALUE,
    RETURN_OBJECT,
    S_ACCOUNTS,
    S_BEFORE,
    S_BYTES,
    S_FLOOR,
    S_START,
    S_THRESHOLD
} from "./SliceLayout.sol";
import {ISliceInterpreter} from "../../interfaces/ISliceInterpreter.sol";
import {SliceRecords} from "./SliceRecords.sol";

/// @title SliceInterpreter: one slice of an L2 message, replayed on L1
/// @notice A frame from one cut to the next (decision 036), over values that are handed in; the reference is
/// packages/evm/src/slices. Knows no tries and no commitments: whoever calls it has proven what he hands in, and commits to
/// what he gets. Writes nothing. Must be compiled without via-IR: function pointers are places in the code.
contract SliceInterpreter is ISliceInterpreter, SliceRecords {
    /// @notice The contract for the handler table could not be made.
    error NoTables();

    /// @dev The contract whose code is the handler table and what stands behind it.
    address private immutable TABLES;

    constructor() {
        bytes memory data = abi.encodePacked(new bytes(256 * 32), DISCOUNTS);
        uint256 table;
        assembly ("memory-safe") {
            table := add(data, 0x20)
        }
        _writeTable(table);
        // Initcode that returns what stands behind it.
        bytes memory initcode = abi.encodePacked(hex"61", uint16(data.length), hex"80600a5f395ff3", data);
        address made;
        assembly ("memory-safe") {
            made := create(0, add(initcode, 0x20), mload(initcode))
        }
        if (made == address(0)) revert NoTables();
        TABLES = made;
    }

    /// @inheritdoc ISliceInterpreter
    function run() external view override {
        address source = TABLES;
        assembly ("memory-safe") {
            extcodecopy(source, 0, 0, 0x2000)
            calldatacopy(W_TIMESTAMP, 4, 0x140)
            calldatacopy(HEADER, add(4, 0x140), HEADER_BYTES)
        }
        _layOut();
        _fileAccounts();
        _fileSlots();
        _filePages();
        uint256 state = _loadFrame();
        _denyOpcodes();
        _loop(_start(state));
    }

    /// @notice The contract that holds the handler table and the discounts of EIP-2537.
    function opcodeTables() external view returns (address) {
        return TABLES;
    }

    /// @dev Registers and stack of the frame. Gives its machine word.
    function _loadFrame() private pure returns (uint256 state) {
        assembly ("memory-safe") {
            let flags := mload(H_FLAGS)
            let self := mload(S_ACCOUNTS)
            mstore(R_ACCOUNT, self)
            mstore(R_SELF, and(mload(self), ADDRESS_MASK))
            mstore(R_CALLER, mload(H_CALLER))
            mstore(R_VALUE, mload(H_VALUE))
            mstore(R_STATIC, and(flags, 1))
            mstore(R_CREATION, and(shr(1, flags), 1))
            mstore(R_DEPTH, mload(H_DEPTH))
            mstore(R_INPUT, mload(H_INPUT_OFFSET))
            mstore(R_INPUT_SIZE, mload(H_INPUT_LENGTH))
            mstore(R_RETURN, mload(H_RETURN_OFFSET))
            mstore(R_RETURN_SIZE, mload(H_RETURN_LENGTH))
            let size := mload(H_MEMORY_SIZE)
            let words := shr(5, size)
            mstore(R_MEMORY_SIZE, size)
            mstore(R_MEMORY_LIMIT, mul(gt(size, 0), sub(size, 31)))
            mstore(R_MEMORY_GAS, add(mul(3, words), shr(9, mul(words, words))))
            mstore(W_REFUND, mload(H_REFUND))
            mstore(W_LOG_BYTES, mload(H_LOG_BYTES))
            let height := mload(H_HEIGHT)
            let opened := mload(H_OPENED)
            let floor := shl(5, sub(height, opened))
            mstore(S_FLOOR, shl(STACK_SHIFT, floor))
            let from := sub(sub(mload(R_CODE), 0x20), shl(5, opened))
            calldatacopy(add(add(EMPTY_STACK, 0x20), floor), from, shl(5, opened))
            state := or(
                shl(STACK_SHIFT, add(EMPTY_STACK, shl(5, height))),
                or(shl(PC_SHIFT, add(mload(R_CODE), mload(H_PC))), shl(GAS_SHIFT, add(mload(H_GAS), GAS_BIAS)))
            )
            mstore(S_BYTES, add(mload(H_CODE_SIZE), shl(5, height)))
        }
        if (
            _wordAt(H_ACCOUNTS) == 0 || _wordAt(H_OPENED) > _wordAt(H_HEIGHT) || _wordAt(H_HEIGHT) > 1_024
                || _wordAt(H_GAS) >= GAS_BIAS
        ) _malformed();
    }

    /// @dev What comes before the first opcode: a frame's beginning, or the end of the one above it. Gives the machine word.
    function _start(uint256 state) private pure returns (uint256) {
        unchecked {
            uint256 self = _meetAccount(_self());
            uint256 flags = _wordAt(H_FLAGS);
            bool isReturning = _wordAt(H_RETURNING) != 0;
            if (flags & IS_FRESH != 0) _beginFrame(self, flags);
            if (isReturning) state = _deliver(state);
            uint256 given = _gasOf(state);
            uint256 limit = _wordAt(H_GAS_LIMIT);
            bool isOver;
            assembly ("memory-safe") {
                let least := GAS_BIAS
                if iszero(lt(given, limit)) { least := add(least, add(sub(given, limit), 1)) }
                isOver := gt(mload(S_BYTES), mload(H_BYTE_LIMIT))
                mstore(S_THRESHOLD, or(shl(GAS_SHIFT, least), sub(0, isOver)))
                mstore(S_START, xor(state, mul(isReturning, xor(state, 1))))
            }
            if (isOver && isReturning) _stopHere(state);
            return state;
        }
    }

    function _beginFrame(uint256 self, uint256 flags) private pure {
        uint256 caller = _wordAt(H_CALLER);
        uint256 value = _wordAt(H_VALUE);
        uint256 from = 0;
        if (flags & MOVES_VALUE != 0 && value != 0) from = caller == _self() ? self : _meetAccount(caller);
        assembly ("memory-safe") {
            mstore(P_ACCOUNT, self)
            mstore(P_FROM, from)
            mstore(P_VALUE, value)
            mstore(P_CREATION, mload(R_CREATION))
        }
        _begin();
    }

    /// @dev Hands the end of the frame above to this one.
    function _deliver(uint256 state) private pure returns (uint256) {
        unchecked {
            bool isDone = _wordAt(H_END_STATUS) == SUCCEEDED;
            uint256 made = _wordAt(H_MADE);
            uint256 length = _wordAt(H_RETURN_LENGTH);
            if (made != 0) {
                assembly ("memory-safe") {
                    if isDone { mstore(R_RETURN_SIZE, 0) }
                }
            } else {
                if (_wordAt(H_OUT_LENGTH) < length) length = _wordAt(H_OUT_LENGTH);
                uint256 to = _wordAt(H_OUT_OFFSET);
                _meetRange(RETURN_OBJECT, _wordAt(H_RETURN_OFFSET), length);
                _meetRange(MEMORY_OBJECT, to, length);
                _gather(RETURN_OBJECT, _wordAt(H_RETURN_OFFSET), length, BUFFER);
                _scatter(to, length, BUFFER);
            }
            state += 32 << STACK_SHIFT;
            return _resume(state, isDone ? (made == 0 ? 1 : made) : 0, _wordAt(H_END_GAS));
        }
    }

    function _loop(uint256 state) private view {
        function(uint256) internal view returns (uint256) handler;
        while (true) {
            uint256 fault;
            assembly ("memory-safe") {
                mstore(S_BEFORE, state)
                let entry := mload(and(shr(243, calldataload(and(shr(PC_SHIFT, state), PC_MASK))), 0x1fe0))
                handler := and(entry, 0xffff)
                switch gt(sub(state, mload(S_FLOOR)), entry)
                case 0 { fault := add(1, gt(state, entry)) }
                default {
                    state := add(state, shl(24, entry))
                    fault := or(iszero(and(state, GAS_THERE)), gt(shr(STACK_SHIFT, state), 0xbc00))
                }
            }
            if (fault != 0) {
                if (fault == 2) _missing(5, 0, 0);
                _halt();
            }
            state = handler(state);
            assembly ("memory-safe") {
                fault := lt(and(state, shl(GAS_SHIFT, GAS_MASK)), mload(S_THRESHOLD))
            }
            if (fault != 0) _stopHere(state);
        }
    }

    /// @dev No frame of L2 is one of L1 here.
    function _frameSelector() internal pure override returns (bytes4) {
        return 0;
    }

    function _tables() internal view override returns (address) {
        return TABLES;
    }
}
