// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {
    ADDRESS_MASK,
    P_CODE,
    P_CODE_SIZE,
    P_DEPTH,
    P_INPUT,
    P_INPUT_SIZE,
    RANGE_BYTES,
    R_CREATION,
    R_DEPTH,
    R_RETURN,
    R_RETURN_SIZE,
    R_STATIC
} from "../FrameLayout.sol";
import {isPrecompileAt} from "../Precompiles.sol";
import {CODE_MET, HEAP_BYTES, MEMORY_OBJECT, S_OWNS_RETURN} from "./SliceLayout.sol";
import {MeteredOps} from "./MeteredOps.sol";

/// @title SliceCalls: calls, creations and ends of frames, where each frame is a slice's own
abstract contract SliceCalls is MeteredOps {
    /// @dev A precompile that is handed more may be as dear as a whole slice.
    uint256 private constant PRECOMPILE_GAS = 100_000;
    /// @dev More than a slice with another step may have.
    uint256 private constant SLICE_BYTES = 112_000;
    /// @dev Bit n: precompile n may cost so much. RIPEMD-160, modexp, pairings, BLAKE2f, sums of products.
    uint256 private constant DEAR = 1 << 3 | 1 << 5 | 1 << 8 | 1 << 9 | 1 << 12 | 1 << 14 | 1 << 15;

    function _message(uint256 state, uint256 kind) internal view override returns (uint256) {
        unchecked {
            uint256 value = 0;
            uint256 account;
            if (kind & (IS_CALL | IS_CALLCODE) != 0) (value, account) = _operands(state, 0x80, 0xa0);
            else (account,) = _operands(state, 0x80, 0);
            account &= ADDRESS_MASK;
            (uint256 offset, uint256 length) = _operands(state, 0x60, 0x40);
            (uint256 outOffset, uint256 outLength) = _operands(state, 0x20, 0);
            bool isRefused = kind == IS_CALL && value != 0 && _wordAt(R_STATIC) != 0;
            if (length > RANGE_BYTES || outLength > RANGE_BYTES || length + outLength > RANGE_BYTES) isRefused = true;
            if (isRefused) _halt();
            if (isPrecompileAt(account)) {
                (uint256 requested,) = _operands(state, kind & (IS_CALL | IS_CALLCODE) != 0 ? 0xc0 : 0xa0, 0);
                bool isDear = account < 0x100 && (DEAR >> account) & 1 == 1 && requested > PRECOMPILE_GAS;
                if (isDear && _gasOf(state) > PRECOMPILE_GAS) _afford(SLICE_BYTES);
                _meetRange(MEMORY_OBJECT, offset, _lookedAt(account, length));
                _meetRange(MEMORY_OBJECT, outOffset, outLength);
                if (value != 0) _meetAccount(account);
            } else {
                _meetCalled(account);
            }
            return super._message(state, kind);
        }
    }

    /// @dev Ends the slice with the call's frame.
    function _callFrame(uint256 state, uint256 code, uint256) internal view override returns (uint256) {
        (uint256 offset, uint256 length) = _operands(state, 0x60, 0x40);
        (uint256 outOffset, uint256 outLength) = _operands(state, 0x20, 0);
        assembly ("memory-safe") {
            mstore(P_CODE, mload(add(code, 0x60)))
            mstore(P_INPUT, offset)
            mstore(P_INPUT_SIZE, length)
            mstore(P_DEPTH, outOffset)
            mstore(P_CODE_SIZE, outLength)
        }
        _emitCall(state);
    }

    function _callPrecompile(uint256 state, uint256 account, uint256 given) internal view override returns (uint256) {
        unchecked {
            (uint256 offset, uint256 length) = _operands(state, 0x60, 0x40);
            length = _lookedAt(account, length);
            (bool isDone, uint256 price) = _runPrecompile(account, _linear(offset, length), length, given);
            if (!isDone) return _resume(state, 0, 0);
            _arrive();
            uint256 size;
            assembly ("memory-safe") {
                size := returndatasize()
            }
            uint256 place = _allocate(HEAP_BYTES, size);
            assembly ("memory-safe") {
                returndatacopy(place, 0, size)
                mstore(R_RETURN, place)
                mstore(R_RETURN_SIZE, size)
                mstore(S_OWNS_RETURN, 1)
            }
            (uint256 outOffset, uint256 outLength) = _operands(state, 0x20, 0);
            _scatter(outOffset, size < outLength ? size : outLength, place);
            return _resume(state, 1, given - price);
        }
    }

    function _creation(uint256 state, bool isSalted) internal view override returns (uint256) {
        unchecked {
            uint256 shift = isSalted ? 0x20 : 0;
            (uint256 offset, uint256 length) = _operands(state, 0x20 + shift, shift);
            (uint256 value, uint256 salt) = _operands(state, 0x40 + shift, 0);
            if (length > MAX_INITCODE_BYTES || _wordAt(R_STATIC) != 0) _halt();
            _meetRange(MEMORY_OBJECT, offset, length);
            uint256 creator = _account();
            uint256 nonce = _wordAt(creator + 0x40);
            bool fails = _wordAt(R_DEPTH) >= MAX_DEPTH || _wordAt(creator + 0x20) < value || nonce >= MAX_NONCE;
            if (!fails && (length == 0 || offset <= 0xffffffff)) {
                uint256 made = isSalted
                    ? _saltedAddress(_self(), salt, _linear(offset, length), length)
                    : _nonceAddress(_self(), nonce);
                _meetAccount(made);
            }
            return super._creation(state, isSalted);
        }
    }

    /// @dev Ends the slice with the creation's frame, unless there is nothing to run.
    function _createFrame(uint256 state, uint256 offset, uint256 length) internal view override returns (uint256) {
        if (length == 0) {
            _begin();
            return _resume(state, _madeAddress(), _parameterGas());
        }
        assembly ("memory-safe") {
            mstore(P_CODE, keccak256(offset, length))
            mstore(P_INPUT_SIZE, 0)
            mstore(P_CODE_SIZE, 0)
        }
        _emitCall(state);
    }

    function _return(uint256 state) internal pure override returns (uint256) {
        (uint256 offset, uint256 length) = _operands(state, 0x40, 0x20);
        bool isCreation = _wordAt(R_CREATION) != 0;
        if (isCreation && length <= MAX_CODE_BYTES) _meetRange(MEMORY_OBJECT, offset, length);
        state = _growFor(state, offset, length, 0);
        if (isCreation && length != 0) {
            if (length > MAX_CODE_BYTES) _halt();
            state = _deposit(state, _linear(offset, length), length);
            // It is no evidence.
            _setFlags(_account(), CODE_MET);
        }
        _succeed(state, offset, length);
    }

    function _revert(uint256 state) internal pure override returns (uint256) {
        (uint256 offset, uint256 length) = _operands(state, 0x40, 0x20);
        state = _growFor(state, offset, length, 0);
        _giveBackRange(state, offset, length, 0);
    }

    /// @dev In the place of an opcode that the charter denies the signer: reverts with an output that follows from the
    /// opcode and the signer.
    function _denied(uint256 state) internal pure override returns (uint256) {
        uint256 opcode;
        assembly ("memory-safe") {
            opcode := byte(0, calldataload(sub(and(shr(200, state), 0xffffffff), 1)))
        }
        _giveBackRange(state, 0, 0, opcode + 1);
    }

    /// @dev Bytes at the front of its input that a precompile looks at.
    function _lookedAt(uint256 account, uint256 length) private pure returns (uint256) {
        uint256 most = length;
        if (account == 0x01 || account == 0x06) most = 128;
        else if (account == 0x05) most = 3_168;
        else if (account == 0x07) most = 96;
        return length < most ? length : most;
    }
}
