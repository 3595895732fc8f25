// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {
    ADDRESS_MASK,
    CREATED,
    EMPTY_CODE_HASH,
    KIND_SHIFT,
    RANGE_BYTES,
    R_STATIC,
    SCRATCH,
    TRANSIENT,
    WARM,
    WORLD,
    W_NUMBER,
    W_USED
} from "../FrameLayout.sol";
import {BUFFER, CODE_BYTES, CODE_MET, H_LOGS, H_LOG_COUNT, ITEM_BYTES, MET} from "./SliceLayout.sol";
import {PagedMemoryOps} from "./PagedMemoryOps.sol";

/// @title MeteredOps: opcodes that ask for accounts, codes, slots and hashes of blocks
/// @notice Each meets what its operands name, then does what it does in Interpreter.sol, with which it shares the code.
/// Warm is what the evidence says, so an account or a slot has to be handed in even where only its price is asked.
abstract contract MeteredOps is PagedMemoryOps {
    uint256 private constant COPY_WORD_GAS = 3;
    uint256 private constant BLOCK_HASH_WINDOW = 256;

    function _balance(uint256 state) internal pure override returns (uint256) {
        _meetAccount(_nameAt(state, 0));
        return super._balance(state);
    }

    function _extcodehash(uint256 state) internal pure override returns (uint256) {
        _meetAccount(_nameAt(state, 0));
        return super._extcodehash(state);
    }

    function _extcodesize(uint256 state) internal pure override returns (uint256) {
        _meetCode(_meetAccount(_nameAt(state, 0)));
        return super._extcodesize(state);
    }

    function _extcodecopy(uint256 state) internal view override returns (uint256) {
        (uint256 to, uint256 from) = _operands(state, 0x60, 0x40);
        (uint256 account, uint256 length) = _operands(state, 0x80, 0x20);
        account &= ADDRESS_MASK;
        if (length > RANGE_BYTES) _halt();
        _meetMemory(to, length);
        uint256 entry = _meetAccount(account);
        if (length != 0) _meetCode(entry);
        uint256 price = _accessGas(account);
        _setFlags(entry, WARM);
        state = _growFor(_pay(state, price), to, length, COPY_WORD_GAS);
        if (length == 0) return state;
        _loadCode(entry, BUFFER, from, length);
        _scatter(to, length, BUFFER);
        return state;
    }

    function _blockhash(uint256 state) internal pure override returns (uint256) {
        unchecked {
            (uint256 wanted,) = _operands(state, 0, 0);
            uint256 current = _wordAt(W_NUMBER);
            if (wanted < current && current - wanted <= BLOCK_HASH_WINDOW) _afford(ITEM_BYTES);
            return super._blockhash(state);
        }
    }

    function _sload(uint256 state) internal pure override returns (uint256) {
        (uint256 key,) = _operands(state, 0, 0);
        _meetSlot(_self(), key);
        return super._sload(state);
    }

    function _sstore(uint256 state) internal pure override returns (uint256) {
        (uint256 key,) = _operands(state, 0x40, 0);
        _meetSlot(_self(), key);
        return super._sstore(state);
    }

    function _tload(uint256 state) internal pure override returns (uint256) {
        (uint256 key,) = _operands(state, 0, 0);
        _meetSlot(_self() | TRANSIENT, key);
        return super._tload(state);
    }

    function _tstore(uint256 state) internal pure override returns (uint256) {
        (uint256 key,) = _operands(state, 0x40, 0);
        _meetSlot(_self() | TRANSIENT, key);
        return super._tstore(state);
    }

    /// @dev Adds a log to the chain over all of them.
    function _log(uint256 state, uint256 topics) internal pure override returns (uint256) {
        unchecked {
            (uint256 offset, uint256 length) = _operands(state, 0x40 + 0x20 * topics, 0x20 + 0x20 * topics);
            _meetMemory(offset, length);
            uint256 place = WORLD + _wordAt(W_USED);
            state = super._log(state, topics);
            assembly ("memory-safe") {
                let size := and(mload(place), sub(shl(KIND_SHIFT, 1), 1))
                let hash := keccak256(add(place, 0x20), size)
                mstore(SCRATCH, mload(H_LOGS))
                mstore(add(SCRATCH, 0x20), hash)
                mstore(H_LOGS, keccak256(SCRATCH, 0x40))
                mstore(H_LOG_COUNT, add(mload(H_LOG_COUNT), 1))
            }
            return state;
        }
    }

    function _selfdestruct(uint256 state) internal pure override returns (uint256) {
        if (_wordAt(R_STATIC) == 0) {
            uint256 self = _account();
            uint256 heir = _meetAccount(_nameAt(state, 0x20));
            if (heir == self && _flags(self) & CREATED != 0 && _wordAt(self + 0x20) != 0) _meetAccount(BURN_VAULT);
        }
        return super._selfdestruct(state);
    }

    /// @dev The account whose code a call runs, and by a delegation another one.
    function _meetCalled(uint256 account) internal view {
        uint256 entry = _meetAccount(account);
        _meetCode(entry);
        uint256 delegate = _delegateOf(entry);
        if (delegate != 0) _meetCode(_meetAccount(delegate & ADDRESS_MASK));
    }

    /// @dev Meets an account. Gives its entry.
    function _meetAccount(uint256 account) internal pure returns (uint256 entry) {
        entry = _findAccount(account);
        if (entry != 0 && _flags(entry) & MET != 0) return entry;
        _afford(ITEM_BYTES);
        if (entry == 0) _missing(0, account, 0);
        _setFlags(entry, MET);
    }

    /// @dev Meets an account's code, if it has one.
    function _meetCode(uint256 entry) internal pure {
        if (_wordAt(entry + 0x60) == EMPTY_CODE_HASH || _flags(entry) & CODE_MET != 0) return;
        _afford(CODE_BYTES);
        if (_wordAt(entry + 0x80) == 0) _missing(2, _flags(entry), 0);
        _setFlags(entry, CODE_MET);
    }

    function _meetSlot(uint256 identity, uint256 key) private pure {
        (uint256 entry,) = _findSlot(identity, key);
        if (entry != 0 && _flags(entry) & MET != 0) return;
        _afford(ITEM_BYTES);
        if (entry == 0) _missing(1, identity, key);
        _setFlags(entry, MET);
    }

    /// @dev The address in a stack word.
    function _nameAt(uint256 state, uint256 above) private pure returns (uint256 account) {
        (account,) = _operands(state, above, 0);
        account &= ADDRESS_MASK;
    }
}
