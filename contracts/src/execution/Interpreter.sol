// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {
    ACCOUNT_BYTES,
    CREATED,
    EMPTY_STACK,
    EXISTED,
    KNOWN,
    WORLD_TABLES,
    W_ACCOUNTS,
    W_ACCOUNT_BUCKETS,
    W_ACCOUNT_SHIFT,
    W_SALT,
    W_SLOT_BUCKETS,
    W_SLOT_ROOM,
    W_SLOT_SHIFT,
    GAS_BIAS,
    GAS_SHIFT,
    HALTED,
    HEAP_CODE,
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
    SIZE_SHIFT,
    STACK_END,
    STACK_SHIFT,
    SUCCEEDED,
    TO_CALLDATA,
    ADDRESS_MASK,
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
import {PreState, ReplayEnvironment, ReplayMessage, ReplayOutcome, ReplayRoom} from "./ReplayTypes.sol";
import {WorldRecords} from "./WorldRecords.sol";

/// @title Interpreter: one L2 message, replayed on L1
/// @notice The EVM of a DAC (Osaka with the charter's permissions and the limits of decision 020) over values that are
/// handed in. The reference is packages/evm. Writes nothing; decides nothing: it says what the message does. Must be
/// compiled without via-IR: function pointers are places in the code.
contract Interpreter is HandlerTable, WorldRecords {
    /// @dev What a charter's denial gives back (packages/evm/src/permissionDenied.ts).
    error PermissionDenied(bytes1 opcode, address signer);
    /// @dev More L2 gas than the machine word counts (2^40).
    error TooMuchGas(uint256 given);
    /// @dev The contract for the tables could not be made.
    error NoTables();

    uint256 private constant CREATE_OPCODE = 0xf0;
    /// @dev Code for the self-test: arithmetic, memory, jumps, storage, calls to itself and to a precompile.
    bytes private constant TEST_CODE = hex"36156011575f356001015f5260205ff3005b60136101f50160205260405f205f5260136101f50260205260405f205f52"
        hex"60136101f50360205260405f205f5260136101f50460205260405f205f526013196101f50560205260405f205f526013"
        hex"6101f50660205260405f205f526013196101f50760205260405f205f52600560030a60205260405f205f526101f26000"
        hex"0b60205260405f205f5260136101f51060205260405f205f5260136101f51160205260405f205f526013196101f51260"
        hex"205260405f205f526013196101f51360205260405f205f5260136101f51460205260405f205f5260136101f516602052"
        hex"60405f205f5260136101f51760205260405f205f5260136101f51860205260405f205f52611234601e1a60205260405f"
        hex"205f52609960041b60205260405f205f52609960041c60205260405f205f5260991960041d60205260405f205f52600b"
        hex"6112346143210860205260405f205f52600b6112346143210960205260405f205f5260771560205260405f205f526077"
        hex"1960205260405f205f5260771e60205260405f205f523060205260405f205f523360205260405f205f52346020526040"
        hex"5f205f523660205260405f205f523860205260405f205f523d60205260405f205f524760205260405f205f5260014960"
        hex"205260405f205f524a60205260405f205f525860205260405f205f525960205260405f205f525a60205260405f205f52"
        hex"6007610e116215181b631c1f2225642326292c2f652a2d30333639663134373a3d404367383b3e4144474a4d683f4245"
        hex"484b4e5154576946494c4f5255585b5e616a4d505356595c5f6265686b6b54575a5d606366696c6f72756c5b5e616467"
        hex"6a6d707376797c7f6d6265686b6e7174777a7d808386896e696c6f7275787b7e8184878a8d90936f707376797c7f8285"
        hex"888b8e9194979a9d70777a7d808386898c8f9295989b9ea1a4a7717e8184878a8d909396999c9fa2a5a8abaeb1728588"
        hex"8b8e9194979a9da0a3a6a9acafb2b5b8bb738c8f9295989b9ea1a4a7aaadb0b3b6b9bcbfc2c5749396999c9fa2a5a8ab"
        hex"aeb1b4b7babdc0c3c6c9cccf759a9da0a3a6a9acafb2b5b8bbbec1c4c7cacdd0d3d6d976a1a4a7aaadb0b3b6b9bcbfc2"
        hex"c5c8cbced1d4d7dadde0e377a8abaeb1b4b7babdc0c3c6c9cccfd2d5d8dbdee1e4e7eaed78afb2b5b8bbbec1c4c7cacd"
        hex"d0d3d6d9dcdfe2e5e8ebeef1f4f779b6b9bcbfc2c5c8cbced1d4d7dadde0e3e6e9eceff2f5f8fbfe017abdc0c3c6c9cc"
        hex"cfd2d5d8dbdee1e4e7eaedf0f3f6f9fcff0205080b7bc4c7cacdd0d3d6d9dcdfe2e5e8ebeef1f4f7fafd000306090c0f"
        hex"12157ccbced1d4d7dadde0e3e6e9eceff2f5f8fbfe0104070a0d101316191c1f7dd2d5d8dbdee1e4e7eaedf0f3f6f9fc"
        hex"ff0205080b0e1114171a1d202326297ed9dcdfe2e5e8ebeef1f4f7fafd000306090c0f1215181b1e2124272a2d30337f"
        hex"e0e3e6e9eceff2f5f8fbfe0104070a0d101316191c1f2225282b2e3134373a3d808182838485868788898a8b8c8d8e8f"
        hex"909192939495969798999a9b9c9d9e9f60205260405f205f5260205260405f205f5260205260405f205f526020526040"
        hex"5f205f5260205260405f205f5260205260405f205f5260205260405f205f5260205260405f205f5260205260405f205f"
        hex"5260205260405f205f5260205260405f205f5260205260405f205f5260205260405f205f5260205260405f205f526020"
        hex"5260405f205f5260205260405f205f5260205260405f205f5260205260405f205f5260205260405f205f526020526040"
        hex"5f205f5260205260405f205f5260205260405f205f5260205260405f205f5260205260405f205f5260205260405f205f"
        hex"5260205260405f205f5260205260405f205f5260205260405f205f5260205260405f205f5260205260405f205f526020"
        hex"5260405f205f5260205260405f205f5260205260405f205f5260205260405f205f5260205260405f205f526020526040"
        hex"5f205f5260205260405f205f5260205260405f205f5260205260405f205f5260205260405f205f5260205260405f205f"
        hex"5260205260405f205f5260205260405f205f5260205260405f205f5260205260405f205f5260205260405f205f526020"
        hex"5260405f205f5260205260405f205f525f5f5050605560015560015460205260405f205f52606660025d60025c602052"
        hex"60405f205f5260ab60455360405160205260405f205f526008600360615e60605160205260405f205f52602060056080"
        hex"3960805160205260405f205f526020600060a03760203560205260405f205f5260216001a0600160216001a160016002"
        hex"60216001a260016002600360216001a3600160026003600460216001a4602060c060205f60045afa60205260405f205f"
        hex"5260c05160205260405f205f523d60205260405f205f52602060c060205f5f60025af160205260405f205f5260c05160"
        hex"205260405f205f523d60205260405f205f52602060c060205f5f6110015af160205260405f205f5260c0516020526040"
        hex"5f205f523d60205260405f205f52602060c060205f5f6110015af260205260405f205f5260c05160205260405f205f52"
        hex"3d60205260405f205f52602060c060205f6110015af460205260405f205f5260c05160205260405f205f523d60205260"
        hex"405f205f52602060c060205f6110015afa60205260405f205f5260c05160205260405f205f523d60205260405f205f52"
        hex"60205f60e03e60e05160205260405f205f5260035b60019003806107c4575060205ff3";
    bytes32 private constant TEST_RESULT = 0xc4e531aa11e8d47e126066f12a2f743fd4e95b410ced5b5b4c1a610b0f370255;

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

    /// @notice Replays a message. Reverts with MissingValue, OutOfReplayGas, OutOfRoom, WrongCode, HandedInTwice or TooMuchGas where
    /// there is no verdict; whatever the L2 code does, these are no part of an outcome.
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
        outcome.output = output;
        if (status == REVERTED && left == message.gas && output.length == 0) {
            outcome.output = _denial(message, environment);
        }
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

    /// @notice Whether the dispatch by function pointers works as compiled and deployed: runs a program whose result is
    /// known.
    function selfTest() external view returns (bool) {
        bytes memory code = TEST_CODE;
        uint256 size = code.length;
        uint256 entry = _bareWorld();
        uint256 held = _allocate(HEAP_CODE, size);
        assembly ("memory-safe") {
            mcopy(held, add(code, 0x20), size)
            mstore(add(entry, 0x60), keccak256(held, size))
            mstore(add(entry, 0x80), or(shl(SIZE_SHIFT, size), held))
        }
        uint256 place = _stage(size);
        _loadCode(entry, place, 0, size);
        (uint256 status, uint256 left) = _enter(place, size);
        bytes32 result;
        assembly ("memory-safe") {
            let output := add(mload(R_DIRTY), 0x20)
            returndatacopy(output, mload(R_RETURN), mload(R_RETURN_SIZE))
            mstore(add(output, mload(R_RETURN_SIZE)), left)
            result := keccak256(output, add(mload(R_RETURN_SIZE), 0x20))
        }
        return status == SUCCEEDED && result == TEST_RESULT;
    }

    /// @notice The contract that holds the handler table and the discounts of EIP-2537.
    function tables() external view returns (address) {
        return TABLES;
    }

    /// @dev The world and the registers of the self-test: one account, just created, so that its storage is empty.
    function _bareWorld() private pure returns (uint256 entry) {
        assembly ("memory-safe") {
            mstore(W_ACCOUNT_BUCKETS, WORLD_TABLES)
            mstore(W_ACCOUNT_SHIFT, 255)
            mstore(W_SLOT_BUCKETS, add(WORLD_TABLES, 0x40))
            mstore(W_SLOT_SHIFT, 252)
            mstore(W_SLOT_ROOM, 15)
            mstore(W_SALT, 1)
            let accounts := add(WORLD_TABLES, 0x240)
            mstore(W_ACCOUNTS, accounts)
            let heap := add(accounts, ACCOUNT_BYTES)
            mstore(W_USED, sub(heap, WORLD))
            mstore(W_HEAP_END, add(heap, 0x2000))
            mstore(R_MEMORY, add(heap, 0x2020))
            mstore(R_DIRTY, add(heap, 0x2020))
            mstore(R_DEPTH, not(0))
            mstore(P_GAS, 1000000)
        }
        entry = _newAccount(address(0x1001), KNOWN | EXISTED | CREATED | WARM);
        assembly ("memory-safe") {
            mstore(P_ACCOUNT, entry)
            mstore(P_CALLER, and(mload(entry), ADDRESS_MASK))
            mstore(P_FROM, entry)
        }
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
            if (_isPrecompile(uint160(message.to))) return _topPrecompile(message, input);
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
    function _denial(ReplayMessage calldata message, ReplayEnvironment calldata environment)
        private
        pure
        returns (bytes memory)
    {
        if (!message.isCreation || (environment.denied >> CREATE_OPCODE) & 1 == 0) return "";
        return abi.encodeWithSelector(PermissionDenied.selector, bytes1(uint8(CREATE_OPCODE)), environment.origin);
    }

    /// @dev Puts the handler of denial in the place of each opcode that the charter denies the signer.
    function _denyOpcodes() private pure {
        function(uint256) internal pure returns (uint256) handler = _denied;
        assembly ("memory-safe") {
            for { let rest := mload(W_DENIED) } rest { rest := and(rest, sub(rest, 1)) } {
                // The lowest opcode that is left.
                let opcode := sub(255, clz(and(rest, sub(0, rest))))
                mstore(
                    shl(5, opcode),
                    or(or(shl(STACK_SHIFT, sub(EMPTY_STACK, 16)), shl(sub(PC_SHIFT, 24), 1)), and(handler, 0xffff))
                )
                if eq(opcode, 0x5b) { mstore(R_LANDING, 0) }
            }
        }
    }

    /// @dev The loop, four steps to a round. It ends by the handlers.
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
        }
    }

    function _frameSelector() internal pure override returns (bytes4) {
        return this.frame.selector;
    }

    function _tables() internal view override returns (address) {
        return TABLES;
    }
}
