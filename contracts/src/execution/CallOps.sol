// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {
    ADDRESS_MASK,
    GAS_SHIFT,
    P_ACCOUNT,
    P_CALLER,
    P_CREATION,
    P_FROM,
    P_GAS,
    P_INPUT,
    P_INPUT_SIZE,
    P_STATIC,
    P_VALUE,
    RANGE_BYTES,
    R_ACCOUNT,
    R_CALLER,
    R_DEPTH,
    R_MEMORY,
    R_RETURN,
    R_RETURN_SIZE,
    R_RUNS,
    R_SELF,
    R_STATIC,
    R_TARGET,
    R_VALUE,
    SUCCEEDED,
    TO_CALLDATA,
    WARM
} from "./FrameLayout.sol";
import {Frames} from "./Frames.sol";
import {Precompiles, isPrecompileAt} from "./Precompiles.sol";

/// @title CallOps: CALL, CALLCODE, DELEGATECALL and STATICCALL
abstract contract CallOps is Frames, Precompiles {
    uint256 private constant VALUE_GAS = 9_000;
    uint256 private constant STIPEND = 2_300;
    uint256 internal constant IS_CALL = 1;
    uint256 internal constant IS_CALLCODE = 2;
    uint256 private constant IS_DELEGATECALL = 4;
    uint256 private constant IS_STATICCALL = 8;

    function _call(uint256 state) internal view returns (uint256) {
        return _message(state, IS_CALL);
    }

    function _callcode(uint256 state) internal view returns (uint256) {
        return _message(state, IS_CALLCODE);
    }

    function _delegatecall(uint256 state) internal view returns (uint256) {
        return _message(state, IS_DELEGATECALL);
    }

    function _staticcall(uint256 state) internal view returns (uint256) {
        return _message(state, IS_STATICCALL);
    }

    /// @dev The four calls: their ranges are the lowest four operands of each.
    function _message(uint256 state, uint256 kind) internal view virtual returns (uint256) {
        _check(state);
        uint256 value;
        uint256 account;
        if (kind & (IS_CALL | IS_CALLCODE) != 0) {
            (value, account) = _operands(state, 0x80, 0xa0);
            if (kind == IS_CALL && value != 0) _requireNotStatic();
        } else {
            (account,) = _operands(state, 0x80, 0);
        }
        account &= ADDRESS_MASK;
        state = _growTwo(state);
        state = _priceCall(state, kind, account, value);
        return _makeCall(state, kind, account, value);
    }

    /// @dev Pays for both ranges of a call.
    function _growTwo(uint256 state) private pure returns (uint256) {
        unchecked {
            (uint256 offset, uint256 length) = _operands(state, 0x60, 0x40);
            (uint256 outOffset, uint256 outLength) = _operands(state, 0x20, 0);
            if (length > RANGE_BYTES || outLength > RANGE_BYTES || length + outLength > RANGE_BYTES) _halt();
            return _grow(_grow(state, offset, length), outOffset, outLength);
        }
    }

    /// @dev Pays for a call, without the gas that it hands on, and warms what it names. Each value of the state is asked
    /// for after the gas known before was there. Notes the entry and whose code runs.
    function _priceCall(uint256 state, uint256 kind, uint256 account, uint256 value) private view returns (uint256) {
        unchecked {
            state = _pay(state, _accessGas(account) + (value == 0 ? 0 : VALUE_GAS));
            bool isPrecompile = isPrecompileAt(account);
            uint256 entry = isPrecompile && value == 0 ? _findAccount(account) : _knownAccount(account);
            if (kind == IS_CALL && value != 0 && _isEmpty(entry)) state = _pay(state, NEW_ACCOUNT_GAS);
            uint256 runs = entry;
            if (!isPrecompile) {
                uint256 delegate = _delegateOf(entry);
                if (delegate != 0) {
                    delegate &= ADDRESS_MASK;
                    state = _pay(state, delegate == account ? WARM_GAS : _accessGas(delegate));
                    runs = _knownAccount(delegate);
                    _codeSize(runs);
                    _setFlags(runs, WARM);
                }
            }
            if (entry != 0) _setFlags(entry, WARM);
            assembly ("memory-safe") {
                mstore(R_TARGET, entry)
                mstore(R_RUNS, runs)
            }
            return state;
        }
    }

    /// @dev Makes a call that is paid for.
    function _makeCall(uint256 state, uint256 kind, uint256 account, uint256 value) private view returns (uint256) {
        unchecked {
            uint256 given = _gasOf(state);
            given -= given / 64;
            {
                uint256 requested;
                (requested,) = _operands(state, kind & (IS_CALL | IS_CALLCODE) != 0 ? 0xc0 : 0xa0, 0);
                if (requested < given) given = requested;
            }
            bool fails;
            assembly ("memory-safe") {
                mstore(R_RETURN_SIZE, 0)
                fails := or(iszero(lt(mload(R_DEPTH), MAX_DEPTH)), lt(mload(add(mload(R_ACCOUNT), 0x20)), value))
            }
            uint256 stipend = value == 0 ? 0 : STIPEND;
            if (fails) return _resume(state, 0, stipend);
            state -= given << GAS_SHIFT;
            uint256 self = _account();
            uint256 target = kind & (IS_DELEGATECALL | IS_CALLCODE) != 0 ? self : _target();
            assembly ("memory-safe") {
                mstore(P_GAS, add(given, stipend))
                mstore(P_ACCOUNT, target)
                mstore(P_CALLER, mload(R_SELF))
                mstore(P_VALUE, value)
                mstore(P_STATIC, or(mload(R_STATIC), eq(kind, IS_STATICCALL)))
                mstore(P_CREATION, 0)
                mstore(P_FROM, self)
                if eq(kind, IS_DELEGATECALL) {
                    mstore(P_CALLER, mload(R_CALLER))
                    mstore(P_VALUE, mload(R_VALUE))
                    mstore(P_FROM, 0)
                }
            }
            if (isPrecompileAt(account)) return _callPrecompile(state, account, given + stipend);
            uint256 code = _runs();
            uint256 size = _codeSize(code);
            if (size == 0) {
                _arrive();
                return _resume(state, 1, given + stipend);
            }
            return _callFrame(state, code, size);
        }
    }

    /// @dev Runs a frame on an account's code and goes on with what it gave back.
    function _callFrame(uint256 state, uint256 code, uint256 size) internal view virtual returns (uint256) {
        uint256 place = _stage(size);
        _loadCode(code, place, 0, size);
        (uint256 offset, uint256 length) = _operands(state, 0x60, 0x40);
        assembly ("memory-safe") {
            mstore(P_INPUT, add(add(mload(R_MEMORY), offset), TO_CALLDATA))
            mstore(P_INPUT_SIZE, length)
        }
        (uint256 status, uint256 left) = _enter(place, size);
        _copyOut(state);
        return _resume(state, status == SUCCEEDED ? 1 : 0, left);
    }

    function _callPrecompile(uint256 state, uint256 account, uint256 given) internal view virtual returns (uint256) {
        unchecked {
            (uint256 offset, uint256 length) = _operands(state, 0x60, 0x40);
            assembly ("memory-safe") {
                offset := add(mload(R_MEMORY), offset)
            }
            (bool isDone, uint256 price) = _runPrecompile(account, offset, length, given);
            if (!isDone) return _resume(state, 0, 0);
            _arrive();
            assembly ("memory-safe") {
                mstore(R_RETURN, 0)
                mstore(R_RETURN_SIZE, returndatasize())
            }
            _copyOut(state);
            return _resume(state, 1, given - price);
        }
    }

    /// @dev Return data into the range that the call named for it.
    function _copyOut(uint256 state) private pure {
        (uint256 offset, uint256 length) = _operands(state, 0x20, 0);
        assembly ("memory-safe") {
            let size := mload(R_RETURN_SIZE)
            if lt(size, length) { length := size }
            if length { returndatacopy(add(mload(R_MEMORY), offset), mload(R_RETURN), length) }
        }
    }

    function _target() private pure returns (uint256 entry) {
        assembly ("memory-safe") {
            entry := mload(R_TARGET)
        }
    }

    function _runs() private pure returns (uint256 entry) {
        assembly ("memory-safe") {
            entry := mload(R_RUNS)
        }
    }
}
