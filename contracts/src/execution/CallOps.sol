// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {
    ADDRESS_MASK,
    CREATED,
    DESTROYED,
    EMPTY_CODE_HASH,
    GAS_SHIFT,
    HAS_STORAGE,
    HEAP_CODE,
    KNOWN,
    PARAMETERS,
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
    P_SELECTOR,
    P_STATIC,
    P_VALUE,
    RANGE_BYTES,
    REVERTED,
    R_ACCOUNT,
    R_CALLER,
    R_CREATION,
    R_DEPTH,
    R_DIRTY,
    R_MEMORY,
    R_MEMORY_SIZE,
    R_RETURN,
    R_RETURN_SIZE,
    R_RUNS,
    R_SELF,
    R_STATIC,
    R_TARGET,
    R_VALUE,
    SCRATCH,
    SIZE_SHIFT,
    STACK_SHIFT,
    SUCCEEDED,
    TO_CALLDATA,
    WARM,
    WORLD
} from "./FrameLayout.sol";
import {Precompiles} from "./Precompiles.sol";
import {StateOps} from "./StateOps.sol";

/// @title CallOps: calls, creations, SELFDESTRUCT and the end of a creation
/// @notice An L2 frame is a staticcall of this contract to itself. Its calldata are this frame's memory from the
/// parameters on, world and L2 memory included, which costs nothing by its length; the code stands staged at the end.
abstract contract CallOps is StateOps, Precompiles {
    uint256 private constant VALUE_GAS = 9_000;
    uint256 private constant NEW_ACCOUNT_GAS = 25_000;
    uint256 private constant STIPEND = 2_300;
    uint256 private constant MAX_DEPTH = 1_024;
    uint256 private constant MAX_NONCE = 0xffffffffffffffff;
    uint256 private constant MAX_INITCODE_BYTES = 49_152;
    uint256 private constant MAX_CODE_BYTES = 24_576;
    uint256 private constant INITCODE_WORD_GAS = 2;
    uint256 private constant KECCAK_WORD_GAS = 6;
    uint256 private constant CODE_BYTE_GAS = 200;
    /// @dev EIP-7702.
    uint256 private constant DELEGATION_BYTES = 23;
    uint256 private constant DELEGATION_PREFIX = 0xef0100;
    /// @dev MVM_TreasuryVault of what SELFDESTRUCT would burn (decision 019).
    uint256 private constant BURN_VAULT = 0x004d564d0000000000000000000000000000000006;

    uint256 private constant IS_CALL = 1;
    uint256 private constant IS_CALLCODE = 2;
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
    function _message(uint256 state, uint256 kind) private view returns (uint256) {
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
            bool isPrecompile = _isPrecompile(account);
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

    /// @dev Whom the account's code delegates to (EIP-7702), with a flag above the address; 0: nobody.
    function _delegateOf(uint256 entry) internal view returns (uint256 delegate) {
        if (_codeSize(entry) != DELEGATION_BYTES) return 0;
        _loadCode(entry, SCRATCH, 0, 32);
        assembly ("memory-safe") {
            let word := mload(SCRATCH)
            if eq(shr(232, word), DELEGATION_PREFIX) { delegate := or(and(shr(72, word), ADDRESS_MASK), KNOWN) }
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
            if (_isPrecompile(account)) return _callPrecompile(state, account, given + stipend);
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
    function _callFrame(uint256 state, uint256 code, uint256 size) private view returns (uint256) {
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

    function _callPrecompile(uint256 state, uint256 account, uint256 given) private view returns (uint256) {
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

    /// @dev Return data into the range that the call named for it.
    function _copyOut(uint256 state) private pure {
        (uint256 offset, uint256 length) = _operands(state, 0x20, 0);
        assembly ("memory-safe") {
            let size := mload(R_RETURN_SIZE)
            if lt(size, length) { length := size }
            if length { returndatacopy(add(mload(R_MEMORY), offset), mload(R_RETURN), length) }
        }
    }

    /// @dev Goes on after a call: its result on the stack, its gas left back.
    function _resume(uint256 state, uint256 result, uint256 left) private pure returns (uint256) {
        assembly ("memory-safe") {
            mstore(shr(STACK_SHIFT, state), result)
            state := add(state, shl(GAS_SHIFT, left))
        }
        return state;
    }

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

    function _create(uint256 state) internal view returns (uint256) {
        return _creation(state, false);
    }

    function _create2(uint256 state) internal view returns (uint256) {
        return _creation(state, true);
    }

    /// @dev CREATE and CREATE2: operands value, offset, length and, lowest, the salt.
    function _creation(uint256 state, bool isSalted) private view returns (uint256) {
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
                offset := add(mload(R_MEMORY), offset)
            }
            if (fails) return _resume(state, 0, 0);
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
    function _createFrame(uint256 state, uint256 offset, uint256 length) private view returns (uint256) {
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
    function _return(uint256 state) internal pure returns (uint256) {
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

    function _deposit(uint256 state, uint256 offset, uint256 length) private pure returns (uint256) {
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

    function _selfdestruct(uint256 state) internal pure returns (uint256) {
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

    /// @dev Selector of the function that runs a frame.
    function _frameSelector() internal pure virtual returns (bytes4);

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

    /// @dev Address of the account that a frame is being made for.
    function _madeAddress() private pure returns (uint256 account) {
        assembly ("memory-safe") {
            account := and(mload(mload(P_ACCOUNT)), ADDRESS_MASK)
        }
    }

    function _parameterGas() private pure returns (uint256 given) {
        assembly ("memory-safe") {
            given := mload(P_GAS)
        }
    }
}
