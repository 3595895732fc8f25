// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {
    ADDRESS_MASK,
    CREATED,
    DESTROYED,
    GAS_SHIFT,
    HEAP_CODE,
    P_ACCOUNT,
    P_CALLER,
    P_CREATION,
    P_FROM,
    P_GAS,
    P_INPUT,
    P_INPUT_SIZE,
    P_STATIC,
    P_VALUE,
    REVERTED,
    R_CREATION,
    R_DEPTH,
    R_MEMORY,
    R_RETURN_SIZE,
    R_SELF,
    SCRATCH,
    SIZE_SHIFT,
    SUCCEEDED,
    WARM
} from "./FrameLayout.sol";
import {Frames} from "./Frames.sol";

/// @title CreationOps: CREATE, CREATE2, SELFDESTRUCT, and how frames end well
abstract contract CreationOps is Frames {
    uint256 internal constant MAX_NONCE = 0xffffffffffffffff;
    uint256 internal constant MAX_INITCODE_BYTES = 49_152;
    uint256 internal constant MAX_CODE_BYTES = 24_576;
    uint256 private constant INITCODE_WORD_GAS = 2;
    uint256 private constant KECCAK_WORD_GAS = 6;
    uint256 private constant CODE_BYTE_GAS = 200;
    /// @dev MVM_TreasuryVault of what SELFDESTRUCT would burn (decision 019).
    uint256 internal constant BURN_VAULT = 0x004d564d0000000000000000000000000000000006;

    function _create(uint256 state) internal view returns (uint256) {
        return _creation(state, false);
    }

    function _create2(uint256 state) internal view returns (uint256) {
        return _creation(state, true);
    }

    /// @dev CREATE and CREATE2: operands value, offset, length and, lowest, the salt.
    function _creation(uint256 state, bool isSalted) internal view virtual returns (uint256) {
        unchecked {
            _check(state);
            _requireNotStatic();
            uint256 shift = isSalted ? 0x20 : 0;
            (uint256 offset, uint256 length) = _operands(state, 0x20 + shift, shift);
            (uint256 value, uint256 salt) = _operands(state, 0x40 + shift, 0);
            if (length > MAX_INITCODE_BYTES) _halt();
            state = _growFor(state, offset, length, INITCODE_WORD_GAS + (isSalted ? KECCAK_WORD_GAS : 0));
            uint256 creator = _account();
            bool fails;
            uint256 nonce;
            assembly ("memory-safe") {
                mstore(R_RETURN_SIZE, 0)
                nonce := mload(add(creator, 0x40))
                fails := or(
                    or(iszero(lt(mload(R_DEPTH), MAX_DEPTH)), lt(mload(add(creator, 0x20)), value)),
                    iszero(lt(nonce, MAX_NONCE))
                )
            }
            if (fails) return _resume(state, 0, 0);
            offset = _linear(offset, length);
            uint256 made =
                _knownAccount(isSalted ? _saltedAddress(_self(), salt, offset, length) : _nonceAddress(_self(), nonce));
            uint256 given = _gasOf(state);
            given -= given / 64;
            state -= given << GAS_SHIFT;
            _setFlags(made, WARM);
            assembly ("memory-safe") {
                mstore(add(creator, 0x40), add(nonce, 1))
                mstore(P_GAS, given)
                mstore(P_ACCOUNT, made)
                mstore(P_CALLER, mload(R_SELF))
                mstore(P_VALUE, value)
                mstore(P_STATIC, 0)
                mstore(P_CREATION, 1)
                mstore(P_FROM, creator)
            }
            if (_isOccupied(made)) return _resume(state, 0, 0);
            return _createFrame(state, offset, length);
        }
    }

    /// @dev Runs initcode that stands in memory and goes on with the new contract's address, or 0.
    function _createFrame(uint256 state, uint256 offset, uint256 length) internal view virtual returns (uint256) {
        uint256 made = _madeAddress();
        if (length == 0) {
            _begin();
            return _resume(state, made, _parameterGas());
        }
        uint256 place = _stage(length);
        assembly ("memory-safe") {
            mcopy(place, offset, length)
            mstore(P_INPUT, 0)
            mstore(P_INPUT_SIZE, 0)
        }
        (uint256 status, uint256 left) = _enter(place, length);
        assembly ("memory-safe") {
            // Only what a revert says is return data of a creation.
            if iszero(eq(status, REVERTED)) { mstore(R_RETURN_SIZE, 0) }
        }
        return _resume(state, status == SUCCEEDED ? made : 0, left);
    }

    function _nonceAddress(uint256 creator, uint256 nonce) internal pure returns (uint256 made) {
        assembly ("memory-safe") {
            // RLP of (creator, nonce), its header first.
            let size := shr(3, sub(263, clz(nonce)))
            let isPlain := and(lt(nonce, 0x80), gt(nonce, 0))
            let body := add(22, mul(iszero(isPlain), size))
            mstore(SCRATCH, or(or(shl(248, add(0xc0, body)), shl(240, 0x94)), shl(80, creator)))
            switch isPlain
            case 1 { mstore8(add(SCRATCH, 22), nonce) }
            default {
                mstore8(add(SCRATCH, 22), add(0x80, size))
                mstore(add(SCRATCH, 23), shl(sub(256, shl(3, size)), nonce))
            }
            made := and(keccak256(SCRATCH, add(body, 1)), ADDRESS_MASK)
        }
    }

    function _saltedAddress(uint256 creator, uint256 salt, uint256 code, uint256 size)
        internal
        pure
        returns (uint256 made)
    {
        assembly ("memory-safe") {
            mstore(SCRATCH, or(shl(248, 0xff), shl(88, creator)))
            mstore(add(SCRATCH, 21), salt)
            mstore(add(SCRATCH, 53), keccak256(code, size))
            made := and(keccak256(SCRATCH, 85), ADDRESS_MASK)
        }
    }

    function _stop(uint256 state) internal pure returns (uint256) {
        _check(state);
        _succeed(state, 0, 0);
    }

    /// @dev RETURN; in a creation the end of it: what is returned becomes the account's code.
    function _return(uint256 state) internal pure virtual returns (uint256) {
        _check(state);
        (uint256 offset, uint256 length) = _operands(state, 0x40, 0x20);
        state = _growFor(state, offset, length, 0);
        bool isCreation;
        assembly ("memory-safe") {
            offset := add(mload(R_MEMORY), offset)
            isCreation := mload(R_CREATION)
        }
        if (isCreation && length != 0) state = _deposit(state, offset, length);
        _succeed(state, offset, length);
    }

    function _deposit(uint256 state, uint256 offset, uint256 length) internal pure returns (uint256) {
        unchecked {
            uint256 first;
            assembly ("memory-safe") {
                first := byte(0, mload(offset))
            }
            if (first == 0xef || length > MAX_CODE_BYTES) _halt();
            state = _pay(state, CODE_BYTE_GAS * length);
            uint256 place = _allocate(HEAP_CODE, length);
            uint256 entry = _account();
            assembly ("memory-safe") {
                mcopy(place, offset, length)
                mstore(add(entry, 0x60), keccak256(place, length))
                mstore(add(entry, 0x80), or(shl(SIZE_SHIFT, length), place))
            }
            return state;
        }
    }

    function _selfdestruct(uint256 state) internal pure virtual returns (uint256) {
        _check(state);
        _requireNotStatic();
        (uint256 heir,) = _operands(state, 0x20, 0);
        heir &= ADDRESS_MASK;
        if (!_isWarm(heir)) state = _pay(state, COLD_ACCOUNT_GAS);
        uint256 to = _knownAccount(heir);
        uint256 entry = _account();
        uint256 held;
        assembly ("memory-safe") {
            held := mload(add(entry, 0x20))
        }
        if (held != 0 && _isEmpty(to)) state = _pay(state, NEW_ACCOUNT_GAS);
        bool isRemoved = _flags(entry) & CREATED != 0;
        _setFlags(to, WARM);
        if (isRemoved && to == entry && held != 0) to = _knownAccount(BURN_VAULT);
        _transfer(entry, to, held);
        if (isRemoved) _setFlags(entry, DESTROYED);
        _succeed(state, 0, 0);
    }

    /// @dev Address of the account that a frame is being made for.
    function _madeAddress() internal pure returns (uint256 account) {
        assembly ("memory-safe") {
            account := and(mload(mload(P_ACCOUNT)), ADDRESS_MASK)
        }
    }

    function _parameterGas() internal pure returns (uint256 given) {
        assembly ("memory-safe") {
            given := mload(P_GAS)
        }
    }
}
