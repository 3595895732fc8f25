// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Interpreter} from "../../src/execution/Interpreter.sol";
import {
    PreAccount,
    PreSlot,
    PreState,
    ReplayEnvironment,
    ReplayMessage,
    ReplayOutcome,
    ReplayRoom,
    SlotName
} from "../../src/execution/ReplayTypes.sol";
import {Test} from "../base/Test.sol";

/// @notice An interpreter, and a state of a caller and contracts that tests give code to.
abstract contract InterpreterTest is Test {
    address internal constant CALLER = address(0xca11e4);
    address internal constant TARGET = address(0x7a46e7);
    address internal constant OTHER = address(0x07e4);
    uint256 internal constant PLENTY = 5_000_000;
    uint256 internal constant REVERTED = 0;
    uint256 internal constant SUCCEEDED = 1;
    uint256 internal constant HALTED = 2;

    Interpreter internal interpreter;
    ReplayEnvironment internal environment;
    ReplayRoom internal room;

    function setUp() public virtual {
        interpreter = new Interpreter();
        environment.origin = CALLER;
        environment.number = 1_000;
        room = ReplayRoom({accountBits: 5, slotBits: 5, heapBytes: 0x8000, salt: 0x9e3779b97f4a7c15f39cc0605cedc835});
    }

    function accountOf(address account, uint256 held, bytes memory code)
        internal
        pure
        returns (PreAccount memory made)
    {
        made.account = account;
        made.exists = true;
        made.nonce = 1;
        made.balance = held;
        made.codeHash = keccak256(code);
        made.code = code;
    }

    /// @dev Caller and contract with code, and room for `more` accounts behind them.
    function stateWith(bytes memory code, uint256 more) internal pure returns (PreState memory state) {
        state.accounts = new PreAccount[](2 + more);
        state.accounts[0] = accountOf(CALLER, 1 ether, "");
        state.accounts[1] = accountOf(TARGET, 0, code);
    }

    function call(uint256 gasGiven, bytes memory data) internal pure returns (ReplayMessage memory message) {
        message.caller = CALLER;
        message.to = TARGET;
        message.gas = gasGiven;
        message.data = data;
    }

    function run(bytes memory code) internal view returns (ReplayOutcome memory) {
        return interpreter.replay(environment, call(PLENTY, ""), stateWith(code, 0), room);
    }

    function runWith(PreState memory state, uint256 gasGiven) internal view returns (ReplayOutcome memory) {
        return interpreter.replay(environment, call(gasGiven, ""), state, room);
    }

    /// @dev Code that runs an operation on operands, the last on top, and returns the word on the stack.
    function operation(uint256[] memory operands, uint8 opcode) internal pure returns (bytes memory code) {
        for (uint256 i = 0; i < operands.length; i++) {
            code = abi.encodePacked(code, hex"7f", operands[i]);
        }
        return abi.encodePacked(code, opcode, hex"5f5260205ff3");
    }

    /// @dev The same code on the EVM that runs the tests.
    function native(bytes memory code) internal returns (bool isDone, bytes memory output) {
        vm.etch(TARGET, code);
        return TARGET.call{gas: PLENTY}("");
    }

    function slotsOf(uint256 value) internal pure returns (PreSlot[] memory slots) {
        slots = new PreSlot[](1);
        slots[0] = PreSlot(TARGET, 0, value, value);
    }

    function warmSlots() internal pure returns (SlotName[] memory names) {
        names = new SlotName[](1);
        names[0] = SlotName(TARGET, 0);
    }
}
