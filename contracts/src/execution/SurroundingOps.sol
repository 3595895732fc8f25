// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {
    ADDRESS_MASK,
    R_ACCOUNT,
    R_CALLER,
    R_MEMORY,
    R_SELF,
    R_VALUE,
    STACK_SHIFT,
    W_BASE_FEE,
    W_CHAIN_ID,
    W_COINBASE,
    W_GAS_LIMIT,
    W_GAS_PRICE,
    W_HASHES,
    W_HASH_COUNT,
    W_NUMBER,
    W_ORIGIN,
    W_PREV_RANDAO,
    W_TIMESTAMP,
    WARM
} from "./FrameLayout.sol";
import {MemoryOps} from "./MemoryOps.sol";
import {isPrecompileAt} from "./Precompiles.sol";
import {NOT_GIVEN} from "./ReplayTypes.sol";
import {World} from "./World.sol";

/// @title SurroundingOps: opcodes that look at the message, the transaction, the block and other accounts
abstract contract SurroundingOps is MemoryOps, World {
    /// @dev EIP-2929.
    uint256 internal constant WARM_GAS = 100;
    uint256 internal constant COLD_ACCOUNT_GAS = 2_600;
    uint256 private constant COPY_WORD_GAS = 3;

    function _address(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            mstore(shr(STACK_SHIFT, state), mload(R_SELF))
        }
        return state;
    }

    function _origin(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            mstore(shr(STACK_SHIFT, state), mload(W_ORIGIN))
        }
        return state;
    }

    function _caller(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            mstore(shr(STACK_SHIFT, state), mload(R_CALLER))
        }
        return state;
    }

    function _callvalue(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            mstore(shr(STACK_SHIFT, state), mload(R_VALUE))
        }
        return state;
    }

    function _gasprice(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            mstore(shr(STACK_SHIFT, state), mload(W_GAS_PRICE))
        }
        return state;
    }

    function _coinbase(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            mstore(shr(STACK_SHIFT, state), mload(W_COINBASE))
        }
        return state;
    }

    function _timestamp(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            mstore(shr(STACK_SHIFT, state), mload(W_TIMESTAMP))
        }
        return state;
    }

    function _number(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            mstore(shr(STACK_SHIFT, state), mload(W_NUMBER))
        }
        _requireGiven(state, W_NUMBER, 4);
        return state;
    }

    function _prevrandao(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            mstore(shr(STACK_SHIFT, state), mload(W_PREV_RANDAO))
        }
        return state;
    }

    function _gaslimit(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            mstore(shr(STACK_SHIFT, state), mload(W_GAS_LIMIT))
        }
        return state;
    }

    function _chainid(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            mstore(shr(STACK_SHIFT, state), mload(W_CHAIN_ID))
        }
        _requireGiven(state, W_CHAIN_ID, 5);
        return state;
    }

    function _basefee(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            mstore(shr(STACK_SHIFT, state), mload(W_BASE_FEE))
        }
        return state;
    }

    function _selfbalance(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            mstore(shr(STACK_SHIFT, state), mload(add(mload(R_ACCOUNT), 0x20)))
        }
        return state;
    }

    /// @dev BLOBHASH: there are no blobs on a DAC.
    function _blobhash(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            mstore(shr(STACK_SHIFT, state), 0)
        }
        return state;
    }

    /// @dev BLOBBASEFEE: the least of EIP-4844.
    function _blobbasefee(uint256 state) internal pure returns (uint256) {
        assembly ("memory-safe") {
            mstore(shr(STACK_SHIFT, state), 1)
        }
        return state;
    }

    function _balance(uint256 state) internal pure virtual returns (uint256) {
        uint256 entry;
        (state, entry) = _access(state, 0);
        assembly ("memory-safe") {
            mstore(shr(STACK_SHIFT, state), mload(add(entry, 0x20)))
        }
        return state;
    }

    function _extcodesize(uint256 state) internal pure virtual returns (uint256) {
        uint256 entry;
        (state, entry) = _access(state, 0);
        uint256 size = _codeSize(entry);
        assembly ("memory-safe") {
            mstore(shr(STACK_SHIFT, state), size)
        }
        return state;
    }

    function _extcodehash(uint256 state) internal pure virtual returns (uint256) {
        uint256 entry;
        (state, entry) = _access(state, 0);
        bool empty = _isEmpty(entry);
        assembly ("memory-safe") {
            mstore(shr(STACK_SHIFT, state), mul(iszero(empty), mload(add(entry, 0x60))))
        }
        return state;
    }

    function _extcodecopy(uint256 state) internal view virtual returns (uint256) {
        unchecked {
            _check(state);
            (uint256 to, uint256 length) = _operands(state, 0x60, 0x20);
            state = _growFor(state, to, length, COPY_WORD_GAS);
            uint256 entry;
            (state, entry) = _access(state, 0x80);
            if (length == 0) return state;
            _codeSize(entry);
            (uint256 from,) = _operands(state, 0x40, 0);
            uint256 base;
            assembly ("memory-safe") {
                base := mload(R_MEMORY)
            }
            _loadCode(entry, base + to, from, length);
            return state;
        }
    }

    function _blockhash(uint256 state) internal pure virtual returns (uint256) {
        unchecked {
            _check(state);
            uint256 wanted;
            uint256 current;
            assembly ("memory-safe") {
                wanted := mload(shr(STACK_SHIFT, state))
                current := mload(W_NUMBER)
            }
            _requireGiven(state, W_NUMBER, 4);
            uint256 hash = wanted >= current || current - wanted > 256 ? 0 : _hashOf(wanted);
            assembly ("memory-safe") {
                mstore(shr(STACK_SHIFT, state), hash)
            }
            return state;
        }
    }

    /// @dev Ends the replay where a word of the block was not handed in, unless the frame had ended before it was asked for.
    function _requireGiven(uint256 state, uint256 place, uint256 kind) private pure {
        uint256 word;
        assembly ("memory-safe") {
            word := mload(place)
        }
        if (word != NOT_GIVEN) return;
        _check(state);
        _missing(kind, 0, 0);
    }

    function _hashOf(uint256 wanted) private pure returns (uint256 hash) {
        bool found;
        assembly ("memory-safe") {
            let place := mload(W_HASHES)
            let end := add(place, shl(6, mload(W_HASH_COUNT)))
            for {} lt(place, end) { place := add(place, 0x40) } {
                if eq(mload(place), wanted) {
                    hash := mload(add(place, 0x20))
                    found := 1
                    break
                }
            }
        }
        if (!found) _missing(3, 0, wanted);
    }

    /// @dev Pays for an access to the account that a stack word names, and warms it.
    function _access(uint256 state, uint256 above) private pure returns (uint256, uint256 entry) {
        _check(state);
        (uint256 account,) = _operands(state, above, 0);
        account &= ADDRESS_MASK;
        state = _pay(state, _accessGas(account));
        entry = _knownAccount(account);
        _setFlags(entry, WARM);
        return (state, entry);
    }

    /// @dev What an access to an account costs by whether it is warm; precompiles always are.
    function _accessGas(uint256 account) internal pure returns (uint256) {
        return _isWarm(account) ? WARM_GAS : COLD_ACCOUNT_GAS;
    }

    function _isWarm(uint256 account) internal pure returns (bool) {
        if (isPrecompileAt(account)) return true;
        uint256 entry = _findAccount(account);
        return entry != 0 && _flags(entry) & WARM != 0;
    }
}
