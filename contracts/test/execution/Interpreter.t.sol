// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Frame} from "../../src/execution/Frame.sol";
import {PreState, ReplayMessage, ReplayOutcome, ReplayRoom} from "../../src/execution/ReplayTypes.sol";
import {WorldRecords} from "../../src/execution/WorldRecords.sol";
import {InterpreterTest} from "./InterpreterTest.sol";

/// @notice What the interpreter does beside what simulations/test/replay.test.ts compares with the engine.
contract InterpreterTests is InterpreterTest {
    function test_TheDispatchWorksAndEveryHandlerIsInTheCode() public view {
        assertTrue(interpreter.selfTest(), "self-test");
        bytes memory code = address(interpreter).code;
        bytes memory table = interpreter.opcodeTables().code;
        assertTrue(code.length < 24_576, "size of the contract");
        assertEq(table.length, 0x2200, "size of the table");
        for (uint256 opcode = 0; opcode < 256; opcode++) {
            uint256 place = (uint256(uint8(table[32 * opcode + 30])) << 8) | uint8(table[32 * opcode + 31]);
            assertEq(uint8(code[place]), 0x5b, "where a handler begins");
        }
    }

    function testFuzz_OperationsOfTwoWordsAreTheEVMs(uint256 a, uint256 b, uint8 pick) public {
        bytes memory opcodes = hex"01020304050607" hex"0b10111213141617181a1b1c1d" hex"0a";
        if (pick % 3 == 0) b = b % 300;
        uint256[] memory operands = new uint256[](2);
        (operands[0], operands[1]) = (a, b);
        _compare(operation(operands, uint8(opcodes[pick % opcodes.length])));
    }

    function testFuzz_OperationsOfOneOrThreeWordsAreTheEVMs(uint256 a, uint256 b, uint256 c, uint8 pick) public {
        bytes memory opcodes = hex"08091519" hex"1e";
        uint256[] memory operands = new uint256[](3);
        (operands[0], operands[1], operands[2]) = (a, b, c);
        _compare(operation(operands, uint8(opcodes[pick % opcodes.length])));
    }

    /// @dev Random bytes as code: what runs is the same, a jump to the bytes themselves included.
    function testFuzz_CodeOfAnyBytesEndsAsOnTheEVM(bytes32 first, bytes32 second, uint8 to) public {
        bytes memory tail = abi.encodePacked(first, second);
        for (uint256 i = 0; i < tail.length; i++) {
            // Mostly pushes and destinations: what decides on jumps.
            uint8 kind = uint8(tail[i]) % 4;
            if (kind == 0) tail[i] = 0x5b;
            else if (kind == 1) tail[i] = bytes1(0x60 + uint8(tail[i]) % 32);
            else tail[i] = 0x00;
        }
        _compare(abi.encodePacked(hex"60", uint8(3 + to % 64), hex"56", tail));
    }

    /// @dev Code in which every byte looks like a PUSH that reaches the next: nothing near the destination says whether it
    /// is an operand, so all the code before it is read.
    function test_AJumpOverNothingButPushesIsDecidedAsOnTheEVM() public {
        for (uint256 i = 0; i < 6; i++) {
            bytes memory code = new bytes(24_000 + i);
            for (uint256 k = 0; k < code.length; k++) {
                code[k] = i < 3 ? bytes1(0x7f) : bytes1(0x60);
            }
            (code[0], code[1], code[2], code[3]) = (0x61, 0x5d, bytes1(uint8(0xbf + i)), 0x56);
            code[code.length - 1] = 0x5b;
            _compare(code);
            uint256 before = gasleft();
            run(code);
            assertTrue(before - gasleft() < 12_000_000, "L1 gas of one jump");
        }
    }

    function test_AStackOf1024WordsIsFullAndOneMoreEndsTheFrameHoweverItIsTakenBack() public view {
        assertEq(run(_pushed(1_024, 1_024)).status, SUCCEEDED, "1,024 words");
        assertEq(run(_pushed(1_025, 1_025)).status, HALTED, "1,025 words, all taken back before the end");
        assertEq(run(_pushed(1_400, 1_400)).status, HALTED, "far beyond");
    }

    function test_TooFewWordsEndTheFrame() public view {
        assertEq(run(hex"01").status, HALTED, "ADD of none");
        assertEq(run(hex"5f01").status, HALTED, "ADD of one");
        assertEq(run(hex"5f81").status, HALTED, "DUP2 of one");
        assertEq(run(hex"5f90").status, HALTED, "SWAP1 of one");
    }

    function test_GasIsCountedToTheLastUnit() public view {
        // PUSH1, PUSH1, MSTORE with one word of memory, JUMPDEST, STOP: 3 + 3 + 3 + 3 + 1.
        bytes memory code = hex"600160005260025b00";
        PreState memory state = stateWith(code, 0);
        assertEq(runWith(state, 100).gasLeft, 100 - 16, "what is left");
        assertEq(runWith(state, 16).status, SUCCEEDED, "just enough");
        assertEq(runWith(state, 15).status, HALTED, "one too little");
        assertEq(runWith(state, 15).gasLeft, 0, "all gone");
    }

    /// @dev A contract that calls itself with a count until its gas is gone, and gives back how deep it came.
    function test_RecursionOf100FramesFitsOneTransactionOnL1() public view {
        PreState memory state = stateWith(hex"5f356001015f5260205f60205f5f305af15060205ff3", 0);
        ReplayOutcome memory outcome = interpreter.replay{gas: 16_777_216}(environment, call(40_000, ""), state, room);
        assertEq(outcome.output, abi.encode(107), "depth");
    }

    /// @dev EXP of the largest exponents, as much as a contract holds, for a call that hands on 20 gas.
    function test_AFrameWithoutGasCostsL1NoMoreThanAFewSteps() public view {
        bytes memory caller = abi.encodePacked(hex"5f5f5f5f5f73", OTHER, hex"6014f100");
        PreState memory state = stateWith(caller, 1);
        bytes memory code = new bytes(24_576);
        (code[0], code[1], code[2]) = (0x5f, 0x19, 0x80);
        for (uint256 i = 3; i + 3 <= code.length; i += 3) {
            (code[i], code[i + 1], code[i + 2]) = (0x81, 0x81, 0x0a);
        }
        state.accounts[2] = accountOf(OTHER, 0, code);
        uint256 before = gasleft();
        assertEq(runWith(state, PLENTY).status, SUCCEEDED, "the caller's end");
        assertTrue(before - gasleft() < 400_000, "L1 gas");
    }

    /// @dev The cases of EIP-3529, whose slot is warm.
    function test_StorageCostsAndRefundsAsInEIP3529() public view {
        _expectStorage(hex"60006000556000600055", 0, 212, 0);
        _expectStorage(hex"60006000556001600055", 0, 20_112, 0);
        _expectStorage(hex"60016000556000600055", 0, 20_112, 19_900);
        _expectStorage(hex"60016000556002600055", 0, 20_112, 0);
        _expectStorage(hex"60016000556001600055", 0, 20_112, 0);
        _expectStorage(hex"60006000556000600055", 1, 3_012, 4_800);
        _expectStorage(hex"60006000556001600055", 1, 3_012, 2_800);
        _expectStorage(hex"60006000556002600055", 1, 3_012, 0);
        _expectStorage(hex"60026000556000600055", 1, 3_012, 4_800);
        _expectStorage(hex"60026000556003600055", 1, 3_012, 0);
        _expectStorage(hex"60026000556001600055", 1, 3_012, 2_800);
        _expectStorage(hex"60026000556002600055", 1, 3_012, 0);
        _expectStorage(hex"60016000556000600055", 1, 3_012, 4_800);
        _expectStorage(hex"60016000556002600055", 1, 3_012, 0);
        _expectStorage(hex"60016000556001600055", 1, 212, 0);
        _expectStorage(hex"600160005560006000556001600055", 0, 40_118, 19_900);
        _expectStorage(hex"600060005560016000556000600055", 1, 5_918, 7_600);
    }

    function test_AnAccessListsSlotsAreWarmAndOthersCold() public view {
        PreState memory state = stateWith(hex"5f5400", 0);
        state.slots = slotsOf(7);
        assertEq(PLENTY - runWith(state, PLENTY).gasLeft, 2 + 2_100, "cold");
        state.warmSlots = warmSlots();
        assertEq(PLENTY - runWith(state, PLENTY).gasLeft, 2 + 100, "warm");
    }

    function test_ALogIsEncodedAsInAReceipt() public view {
        // LOG1 of one byte 0x05 with topic 9.
        ReplayOutcome memory outcome = run(hex"60055f53600960015fa100");
        bytes memory topic = abi.encodePacked(hex"a0", uint256(9));
        bytes memory body = abi.encodePacked(hex"94", TARGET, hex"e1", topic, hex"05");
        assertEq(outcome.logs, abi.encodePacked(hex"f8", uint8(body.length), body), "log");
    }

    /// @dev The heap is full to its last byte: what stands behind it, L2 memory, keeps its words.
    function testFuzz_ALogAtTheHeapsEndLeavesMemoryAsItIs(uint8 length) public {
        // MSTORE of ones at 0, LOG0 of 128 bytes and of a few from 32 on, RETURN of the first word.
        bytes memory code = abi.encodePacked(hex"5f195f5260806020a060", length % 40, hex"6020a060205ff3");
        uint256 least = 0;
        while (least < 0x400) {
            room.heapBytes = least;
            try interpreter.replay(environment, call(PLENTY, ""), stateWith(code, 0), room) returns (
                ReplayOutcome memory outcome
            ) {
                assertEq(outcome.output, abi.encode(type(uint256).max), "memory");
                return;
            } catch {
                least += 0x20;
            }
        }
        revert NotTrue("it fits somewhere");
    }

    /// @dev The called contract lacks a slot; its caller catches failures, and its caller's caller too.
    function test_AMissingValueIsNothingThatCodeCanCatch() public {
        bytes memory caller = abi.encodePacked(hex"5f5f5f5f5f73", OTHER, hex"5af15000");
        PreState memory state = stateWith(caller, 1);
        state.accounts[2] = accountOf(OTHER, 0, hex"602a5400");
        vm.expectRevert(abi.encodeWithSelector(Frame.MissingValue.selector, 1, OTHER, 0x2a));
        runWith(state, PLENTY);
        // With too little gas to read it the frame ends before: then there is a verdict.
        assertEq(runWith(state, 3_000).status, SUCCEEDED, "not read");
    }

    function test_AMissingAccountCodeAndBlockHashAreNamed() public {
        vm.expectRevert(abi.encodeWithSelector(Frame.MissingValue.selector, 0, OTHER, 0));
        run(abi.encodePacked(hex"73", OTHER, hex"3100"));
        vm.expectRevert(abi.encodeWithSelector(Frame.MissingValue.selector, 3, address(0), 999));
        run(hex"6103e74000");
        PreState memory state = stateWith(abi.encodePacked(hex"73", OTHER, hex"3b00"), 1);
        state.accounts[2] = accountOf(OTHER, 0, hex"00");
        state.accounts[2].code = "";
        vm.expectRevert(abi.encodeWithSelector(Frame.MissingValue.selector, 2, OTHER, 0));
        runWith(state, PLENTY);
    }

    /// @dev Calls two deep, with a precompile at the end, a loop and memory: whatever L1 gas there is, the verdict is the
    /// same or there is none.
    function testFuzz_TooLittleL1GasIsNeverAVerdict(uint256 l1Gas) public view {
        bytes memory caller = abi.encodePacked(hex"60205f5f5f5f73", OTHER, hex"5af15f5260205ff3");
        PreState memory state = stateWith(caller, 1);
        // SHA-256 of 4 KiB by STATICCALL, its success with what it gave as result.
        state.accounts[2] = accountOf(OTHER, 0, hex"60205f6110005f60025afa5f515f5260205260405ff3");
        ReplayOutcome memory truth = runWith(state, PLENTY);
        l1Gas = between(l1Gas, 30_000, 400_000);
        try interpreter.replay{gas: l1Gas}(environment, call(PLENTY, ""), state, room) returns (
            ReplayOutcome memory outcome
        ) {
            assertEq(abi.encode(outcome), abi.encode(truth), "verdict");
        } catch (bytes memory reason) {
            // No verdict: L1's gas ended before the contract looked, or it said so.
            assertTrue(reason.length == 0 || bytes4(reason) == Frame.OutOfReplayGas.selector, "no other error");
            assertTrue(l1Gas < 400_000, "the most is enough");
        }
    }

    function test_ADeniedOpcodeRevertsItsFrameAlone() public {
        environment.denied = 1 << 0x54;
        bytes memory denial = abi.encodeWithSignature("PermissionDenied(bytes1,address)", bytes1(0x54), CALLER);
        ReplayOutcome memory outcome = run(hex"60015f54");
        assertEq(outcome.status, REVERTED, "end");
        assertEq(outcome.output, denial, "what it says");
        assertEq(PLENTY - outcome.gasLeft, 5, "gas that it took");
        PreState memory state = stateWith(abi.encodePacked(hex"5f5f5f5f5f73", OTHER, hex"5af1503d5f5f3e3d5ff3"), 1);
        state.accounts[2] = accountOf(OTHER, 0, hex"54");
        outcome = runWith(state, PLENTY);
        assertEq(outcome.status, SUCCEEDED, "the caller goes on");
        assertEq(outcome.output, denial, "and hears of it");
    }

    function test_OneOperationMayTouch64KiBOfMemory() public view {
        assertEq(run(hex"620100005f205000").status, SUCCEEDED, "KECCAK256");
        assertEq(run(hex"620100015f205000").status, HALTED, "KECCAK256 of one byte more");
        assertEq(run(hex"6180005f5f5e00").status, SUCCEEDED, "MCOPY");
        assertEq(run(hex"6180015f5f5e00").status, HALTED, "MCOPY of one byte more");
        assertEq(run(hex"620100005ff3").status, SUCCEEDED, "RETURN");
        assertEq(run(hex"620100015ff3").status, HALTED, "RETURN of one byte more");
        assertEq(run(hex"6180005f6180005f60045afa00").status, SUCCEEDED, "STATICCALL");
        assertEq(run(hex"6180005f6180015f60045afa00").status, HALTED, "STATICCALL with one byte more");
    }

    function test_LogsOfAMessageTakeAtMostWhatTheReceiptHolds() public {
        room.heapBytes = 0x10000;
        assertEq(run(hex"61dec05fa000").status, SUCCEEDED, "57,024 bytes and what goes with them");
        assertEq(run(hex"61dec15fa000").status, HALTED, "one byte more");
        assertEq(run(hex"61deb05fa05f5fa000").status, HALTED, "a second log beyond the sum");
    }

    function test_APrecompileThatWouldTakeMoreThan8MillionGasFails() public view {
        // BLAKE2F: 213 bytes of zeros but for the rounds. Gives the call's success.
        PreState memory state = stateWith(hex"620010005f5260406000602060d5601c60095afa5f5260205ff3", 0);
        assertEq(runWith(state, 20_000_000).output, abi.encode(1), "4,096 rounds");
        state = stateWith(hex"627a12015f5260406000602060d5601c60095afa5f5260205ff3", 0);
        assertEq(runWith(state, 20_000_000).output, abi.encode(0), "8,000,001 rounds");
    }

    /// @dev EIP-7610.
    function test_NoContractIsMadeWhereStorageIs() public {
        PreState memory state = stateWith("", 0);
        state.accounts[1].nonce = 0;
        ReplayMessage memory message = call(PLENTY, hex"5f5ff3");
        message.isCreation = true;
        ReplayOutcome memory outcome = interpreter.replay(environment, message, state, room);
        assertEq(outcome.status, SUCCEEDED, "where nothing is");
        assertEq(outcome.accounts[1].nonce, 1, "nonce");
        assertTrue(outcome.accounts[1].isCreated, "created");
        state.accounts[1].hasStorage = true;
        outcome = interpreter.replay(environment, message, state, room);
        assertEq(outcome.status, HALTED, "where storage is");
        assertEq(outcome.gasLeft, 0, "gas");
        environment.denied = 1 << 0xf0;
        outcome = interpreter.replay(environment, message, state, room);
        assertEq(outcome.status, REVERTED, "where the charter denies creations");
        assertEq(outcome.gasLeft, PLENTY, "gas kept");
        bytes memory denial = abi.encodeWithSignature("PermissionDenied(bytes1,address)", bytes1(0xf0), CALLER);
        assertEq(outcome.output, denial, "what it says");
    }

    /// @dev MT of a contract that is made and destroyed in its own favour goes to the vault (decision 019).
    function test_WhatSelfdestructWouldBurnGoesToTheVault() public view {
        PreState memory state = stateWith("", 1);
        state.accounts[1].nonce = 0;
        state.accounts[2] = accountOf(address(0x4D564D0000000000000000000000000000000006), 5, hex"00");
        ReplayMessage memory message = call(PLENTY, hex"30ff");
        message.isCreation = true;
        message.value = 37;
        ReplayOutcome memory outcome = interpreter.replay(environment, message, state, room);
        assertTrue(outcome.accounts[1].isDestroyed && !outcome.accounts[1].exists, "destroyed");
        assertEq(outcome.accounts[1].balance, 0, "what is left");
        assertEq(outcome.accounts[2].balance, 42, "the vault's");
        assertEq(outcome.accounts[0].balance, 1 ether - 37, "the sender's");
    }

    function test_CodeMayStandOnL1AndMustBeTheOneOfTheHash() public {
        address source = address(0x5041cE0000000000000000000000000000000001);
        bytes memory code = hex"602a5f5260205ff3";
        vm.etch(source, code);
        PreState memory state = stateWith(code, 0);
        state.accounts[1].code = "";
        state.accounts[1].codeSource = source;
        assertEq(runWith(state, PLENTY).output, abi.encode(0x2a), "output");
        state.accounts[1].codeHash = keccak256("other");
        vm.expectRevert(abi.encodeWithSelector(WorldRecords.WrongCode.selector, TARGET));
        runWith(state, PLENTY);
        state.accounts[1].code = code;
        vm.expectRevert(abi.encodeWithSelector(WorldRecords.WrongCode.selector, TARGET));
        runWith(state, PLENTY);
    }

    function test_WhatIsHandedInTwiceIsRefused() public {
        PreState memory state = stateWith(hex"00", 1);
        state.accounts[2] = state.accounts[1];
        vm.expectRevert(abi.encodeWithSelector(WorldRecords.HandedInTwice.selector, TARGET, 0));
        runWith(state, PLENTY);
    }

    function test_TooLittleRoomIsNoVerdict() public {
        room = ReplayRoom({accountBits: 5, slotBits: 1, heapBytes: 0x1000, salt: 1});
        vm.expectRevert(Frame.OutOfRoom.selector);
        run(hex"60015f5d600160015d00");
        room.slotBits = 5;
        room.heapBytes = 0x20;
        vm.expectRevert(Frame.OutOfRoom.selector);
        run(hex"60e05fa000");
        room.accountBits = 1;
        vm.expectRevert(Frame.OutOfRoom.selector);
        run(hex"00");
    }

    function _compare(bytes memory code) private {
        ReplayOutcome memory outcome = run(code);
        (bool isDone, bytes memory output) = native(code);
        assertEq(outcome.status == SUCCEEDED ? 1 : 0, isDone ? 1 : 0, "end");
        assertEq(outcome.output, output, "output");
    }

    function _pushed(uint256 pushes, uint256 pops) private pure returns (bytes memory code) {
        code = new bytes(pushes + pops);
        for (uint256 i = 0; i < code.length; i++) {
            code[i] = i < pushes ? bytes1(0x5f) : bytes1(0x50);
        }
    }

    function _expectStorage(bytes memory code, uint256 original, uint256 used, int256 refund) private view {
        PreState memory state = stateWith(code, 0);
        state.slots = slotsOf(original);
        state.warmSlots = warmSlots();
        ReplayOutcome memory outcome = runWith(state, PLENTY);
        assertEq(PLENTY - outcome.gasLeft, used, "gas used");
        assertEq(uint256(outcome.refund), uint256(refund), "refund");
    }
}
