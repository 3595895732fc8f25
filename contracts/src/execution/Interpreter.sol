// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {
    ADDRESS_MASK,
    EMPTY_STACK,
    GAS_BIAS,
    GAS_SHIFT,
    GAS_THERE,
    HALTED,
    HEAP_MARGIN,
    PARAMETERS,
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
    R_ACCOUNT,
    R_CALLER,
    R_CODE,
    R_CODE_SIZE,
    R_CREATION,
    R_DEPTH,
    R_DIRTY,
    R_INPUT,
    R_INPUT_SIZE,
    R_LANDING,
    R_MEMORY,
    R_MEMORY_SIZE,
    R_RETURN,
    R_RETURN_SIZE,
    R_SELF,
    R_SENTINEL,
    R_STATIC,
    R_VALUE,
    SCRATCH,
    STACK_END,
    STACK_SHIFT,
    SUCCEEDED,
    TO_CALLDATA,
    WARM,
    WORLD,
    W_DENIED,
    W_GAS,
    W_HEAP_END,
    W_REFUND,
    W_STATUS,
    W_USED
} from "./FrameLayout.sol";
import {HandlerTable} from "./HandlerTable.sol";
import {isPrecompileAt} from "./Precompiles.sol";
import {PreState, ReplayEnvironment, ReplayMessage, ReplayOutcome, ReplayRoom} from "./ReplayTypes.sol";
import {SelfTest} from "./SelfTest.sol";

/// @title Interpreter: one L2 message, replayed on L1
/// @notice The EVM of a DAC (Osaka with the charter's permissions and the limits of decision 020) over values that are
/// handed in. The reference is packages/evm. Writes nothing; decides nothing: it says what the message does. Must be
/// compiled without via-IR: function pointers are places in the code.
contract Interpreter is HandlerTable, SelfTest {
    /// @dev What a charter's denial gives back (packages/evm/src/permissionDenied.ts).
    error PermissionDenied(bytes1 opcode, address signer);
    /// @dev More L2 gas than the machine word counts (2^40).
    error TooMuchGas(uint256 given);
    /// @dev The contract for the tables could not be made.
    error NoTables();

    uint256 private constant CREATE_OPCODE = 0xf0;

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

    /// @notice Replays a message. Reverts with MissingValue, OutOfReplayGas, OutOfRoom, WrongCode, HandedInTwice or
    /// TooMuchGas where there is no verdict; whatever the L2 code does, these are no part of an outcome.
    /// @param environment Block and transaction around it.
    /// @param message The message.
    /// @param state What it may ask for.
    /// @param room Room for the replay.
    /// @return outcome What it does.
    function replay(
        ReplayEnvironment calldata environment,
        ReplayMessage calldata message,
        PreState calldata state,
        ReplayRoom calldata room
    ) external view returns (ReplayOutcome memory outcome) {
        if (message.gas >= GAS_BIAS) revert TooMuchGas(message.gas);
        _buildWorld(environment, state, room, message.to);
        _start(message);
        (uint256 status, uint256 left) = _runMessage(message);
        outcome.status = uint8(status);
        outcome.gasLeft = left;
        bytes memory output;
        assembly ("memory-safe") {
            // Free memory behind the world, L2 memory and staged code.
            let free := and(add(add(mload(R_DIRTY), mload(R_MEMORY_SIZE)), 63), not(31))
            output := free
            mstore(output, mload(R_RETURN_SIZE))
            returndatacopy(add(output, 0x20), mload(R_RETURN), mload(R_RETURN_SIZE))
            mstore(0x40, and(add(add(add(output, 0x20), mload(R_RETURN_SIZE)), 31), not(31)))
        }
        outcome.output = message.isCreation && _deniesCreation() ? _denial(environment.origin) : output;
        int256 refund;
        assembly ("memory-safe") {
            refund := mload(W_REFUND)
        }
        outcome.refund = refund;
        _collect(outcome, state);
    }

    /// @notice Runs one L2 frame; the interpreter's calls to itself. Calldata are memory of the calling frame from its
    /// parameters on (FrameLayout.sol). Anyone may call it; it reads nothing but calldata and codes, and writes nothing.
    function frame() external view {
        uint256 state;
        address source = TABLES;
        assembly ("memory-safe") {
            let used := calldataload(add(W_USED, TO_CALLDATA))
            calldatacopy(PARAMETERS, 4, add(sub(WORLD, PARAMETERS), used))
            extcodecopy(source, 0, 0, 0x2000)
            let memory_ := add(mload(W_HEAP_END), HEAP_MARGIN)
            mstore(R_MEMORY, memory_)
            mstore(R_DIRTY, memory_)
            mstore(R_CODE, mload(P_CODE))
            mstore(R_CODE_SIZE, mload(P_CODE_SIZE))
            mstore(R_INPUT, mload(P_INPUT))
            mstore(R_INPUT_SIZE, mload(P_INPUT_SIZE))
            mstore(R_CALLER, mload(P_CALLER))
            mstore(R_VALUE, mload(P_VALUE))
            mstore(R_ACCOUNT, mload(P_ACCOUNT))
            mstore(R_SELF, and(mload(mload(P_ACCOUNT)), ADDRESS_MASK))
            mstore(R_STATIC, mload(P_STATIC))
            mstore(R_CREATION, mload(P_CREATION))
            mstore(R_DEPTH, mload(P_DEPTH))
            // No L2 code can know this word: it was written before.
            mstore(SCRATCH, gas())
            mstore(add(SCRATCH, 0x20), prevrandao())
            mstore(add(SCRATCH, 0x40), timestamp())
            let sentinel := keccak256(SCRATCH, 0x60)
            mstore(R_SENTINEL, sentinel)
            mstore(STACK_END, sentinel)
            // A jump goes past its JUMPDEST and pays for it.
            mstore(R_LANDING, sub(shl(PC_SHIFT, 1), shl(GAS_SHIFT, 1)))
            state := or(
                shl(STACK_SHIFT, EMPTY_STACK),
                or(shl(PC_SHIFT, mload(P_CODE)), shl(GAS_SHIFT, add(mload(P_GAS), GAS_BIAS)))
            )
        }
        _denyOpcodes();
        _begin();
        _loop(state);
    }

    /// @notice The contract that holds the handler table and the discounts of EIP-2537.
    function opcodeTables() external view returns (address) {
        return TABLES;
    }

    /// @dev Registers of the frame above the first, in which no code runs.
    function _start(ReplayMessage calldata message) private pure {
        bytes calldata data = message.data;
        uint256 from = _knownAccount(uint160(message.caller));
        uint256 to = _knownAccount(uint160(message.to));
        uint256 value = message.value;
        uint256 given = message.gas;
        bool isCreation = message.isCreation;
        assembly ("memory-safe") {
            let memory_ := add(mload(W_HEAP_END), HEAP_MARGIN)
            mstore(R_MEMORY, memory_)
            mstore(R_MEMORY_SIZE, and(add(data.length, 31), not(31)))
            mstore(R_DIRTY, memory_)
            mstore(R_DEPTH, not(0))
            calldatacopy(memory_, data.offset, data.length)
            mstore(P_GAS, given)
            mstore(P_CALLER, and(mload(from), ADDRESS_MASK))
            mstore(P_ACCOUNT, to)
            mstore(P_VALUE, value)
            mstore(P_CREATION, isCreation)
            mstore(P_FROM, from)
            if iszero(isCreation) {
                mstore(P_INPUT, add(memory_, TO_CALLDATA))
                mstore(P_INPUT_SIZE, data.length)
            }
        }
    }

    /// @dev As `runMessage` of packages/evm/src/transaction.ts.
    function _runMessage(ReplayMessage calldata message) private view returns (uint256 status, uint256 left) {
        uint256 entry = _knownAccount(uint160(message.to));
        uint256 size = message.data.length;
        if (message.isCreation) {
            if (_deniesCreation()) return (REVERTED, message.gas);
            if (_isOccupied(entry)) return (HALTED, 0);
        }
        if (_wordOf(_knownAccount(uint160(message.caller)), 0x20) < message.value) return (HALTED, 0);
        uint256 input = _wordOf(R_MEMORY, 0);
        if (!message.isCreation) {
            if (isPrecompileAt(uint160(message.to))) return _topPrecompile(message, input);
            uint256 delegate = _delegateOf(entry);
            if (delegate != 0) {
                entry = _knownAccount(delegate & ADDRESS_MASK);
                _setFlags(entry, WARM);
            }
            size = _codeSize(entry);
        }
        if (size == 0) {
            _begin();
            return (SUCCEEDED, message.gas);
        }
        uint256 place = _stage(size);
        if (message.isCreation) {
            assembly ("memory-safe") {
                mcopy(place, input, size)
            }
        } else {
            _loadCode(entry, place, 0, size);
        }
        return _enter(place, size);
    }

    function _topPrecompile(ReplayMessage calldata message, uint256 input)
        private
        view
        returns (uint256 status, uint256 left)
    {
        (bool isDone, uint256 price) = _runPrecompile(uint160(message.to), input, message.data.length, message.gas);
        if (!isDone) return (HALTED, 0);
        _begin();
        assembly ("memory-safe") {
            mstore(R_RETURN_SIZE, returndatasize())
        }
        return (SUCCEEDED, message.gas - price);
    }

    function _deniesCreation() private pure returns (bool) {
        return (_wordOf(W_DENIED, 0) >> CREATE_OPCODE) & 1 == 1;
    }

    /// @dev What a denied creation gives back.
    function _denial(address signer) private pure returns (bytes memory) {
        return abi.encodeWithSelector(PermissionDenied.selector, bytes1(uint8(CREATE_OPCODE)), signer);
    }

    /// @dev The loop, eight steps to a round, with a look at the gas in each: code that calls with next to no gas would
    /// otherwise let L1 pay for all that stands before the first check. It ends by the handlers.
    function _loop(uint256 state) private view {
        function(uint256) internal view returns (uint256) handler;
        while (true) {
            assembly ("memory-safe") {
                let entry := mload(and(shr(243, calldataload(and(shr(PC_SHIFT, state), PC_MASK))), 0x1fe0))
                if iszero(gt(state, entry)) {
                    mstore(W_STATUS, 0x4002)
                    mstore(W_GAS, 0)
                    return(WORLD, 0x40)
                }
                state := add(state, shl(24, entry))
                handler := and(entry, 0xffff)
            }
            state = handler(state);
            assembly ("memory-safe") {
                let entry := mload(and(shr(243, calldataload(and(shr(PC_SHIFT, state), PC_MASK))), 0x1fe0))
                if iszero(gt(state, entry)) {
                    mstore(W_STATUS, 0x4002)
                    mstore(W_GAS, 0)
                    return(WORLD, 0x40)
                }
                state := add(state, shl(24, entry))
                handler := and(entry, 0xffff)
            }
            state = handler(state);
            assembly ("memory-safe") {
                let entry := mload(and(shr(243, calldataload(and(shr(PC_SHIFT, state), PC_MASK))), 0x1fe0))
                if iszero(gt(state, entry)) {
                    mstore(W_STATUS, 0x4002)
                    mstore(W_GAS, 0)
                    return(WORLD, 0x40)
                }
                state := add(state, shl(24, entry))
                handler := and(entry, 0xffff)
            }
            state = handler(state);
            assembly ("memory-safe") {
                let entry := mload(and(shr(243, calldataload(and(shr(PC_SHIFT, state), PC_MASK))), 0x1fe0))
                if iszero(gt(state, entry)) {
                    mstore(W_STATUS, 0x4002)
                    mstore(W_GAS, 0)
                    return(WORLD, 0x40)
                }
                state := add(state, shl(24, entry))
                handler := and(entry, 0xffff)
            }
            state = handler(state);
            assembly ("memory-safe") {
                let entry := mload(and(shr(243, calldataload(and(shr(PC_SHIFT, state), PC_MASK))), 0x1fe0))
                if iszero(gt(state, entry)) {
                    mstore(W_STATUS, 0x4002)
                    mstore(W_GAS, 0)
                    return(WORLD, 0x40)
                }
                state := add(state, shl(24, entry))
                handler := and(entry, 0xffff)
            }
            state = handler(state);
            assembly ("memory-safe") {
                let entry := mload(and(shr(243, calldataload(and(shr(PC_SHIFT, state), PC_MASK))), 0x1fe0))
                if iszero(gt(state, entry)) {
                    mstore(W_STATUS, 0x4002)
                    mstore(W_GAS, 0)
                    return(WORLD, 0x40)
                }
                state := add(state, shl(24, entry))
                handler := and(entry, 0xffff)
            }
            state = handler(state);
            assembly ("memory-safe") {
                let entry := mload(and(shr(243, calldataload(and(shr(PC_SHIFT, state), PC_MASK))), 0x1fe0))
                if iszero(gt(state, entry)) {
                    mstore(W_STATUS, 0x4002)
                    mstore(W_GAS, 0)
                    return(WORLD, 0x40)
                }
                state := add(state, shl(24, entry))
                handler := and(entry, 0xffff)
            }
            state = handler(state);
            assembly ("memory-safe") {
                if iszero(and(state, GAS_THERE)) {
                    mstore(W_STATUS, 0x4002)
                    mstore(W_GAS, 0)
                    return(WORLD, 0x40)
                }
                let entry := mload(and(shr(243, calldataload(and(shr(PC_SHIFT, state), PC_MASK))), 0x1fe0))
                if iszero(gt(state, entry)) {
                    mstore(W_STATUS, 0x4002)
                    mstore(W_GAS, 0)
                    return(WORLD, 0x40)
                }
                state := add(state, shl(24, entry))
                handler := and(entry, 0xffff)
            }
            state = handler(state);
        }
    }

    function _frameSelector() internal pure override returns (bytes4) {
        return this.frame.selector;
    }

    function _tables() internal view override returns (address) {
        return TABLES;
    }
}
