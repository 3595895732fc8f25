// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SliceInterpreter} from "../../../src/execution/slices/SliceInterpreter.sol";
import {SliceRecords} from "../../../src/execution/slices/SliceRecords.sol";
import {Test} from "../../base/Test.sol";

/// @notice What the contract does beside what simulations/test/slices.test.ts compares with the twin.
contract SliceInterpreterTests is Test {
    uint256 private constant WORDS = 44;
    uint256 private constant G = 5_000;
    uint256 private constant B = 112_000;

    SliceInterpreter private interpreter;
    /// @dev Environment and header.
    uint256[WORDS] private words;

    function setUp() public {
        interpreter = new SliceInterpreter();
        (words[10], words[11]) = (G, B);
        // gas, one account, salt
        words[17] = 1_000_000;
        words[38] = 1;
        words[43] = 0x9e3779b97f4a7c15f39cc0605cedc835;
    }

    function test_EveryHandlerIsInTheCode() public view {
        bytes memory code = address(interpreter).code;
        bytes memory table = interpreter.opcodeTables().code;
        assertTrue(code.length < 24_576, "size of the contract");
        assertEq(table.length, 0x2200, "size of the table");
        for (uint256 opcode = 0; opcode < 256; opcode++) {
            uint256 place = (uint256(uint8(table[32 * opcode + 30])) << 8) | uint8(table[32 * opcode + 31]);
            assertEq(uint8(code[place]), 0x5b, "where a handler begins");
        }
    }

    function test_ASliceEndsWithTheStepThatReachesItsGas() public {
        // JUMPDESTs: 1 gas each.
        bytes memory code = new bytes(9_000);
        for (uint256 i = 0; i < code.length; i++) {
            code[i] = 0x5b;
        }
        (bool isDone, bytes memory answer) = _run(code);
        assertTrue(isDone, "done");
        assertEq(_word(answer, 0), 3, "stopped");
        assertEq(_word(answer, 1), 1_000_000 - G, "gas");
        assertEq(_word(answer, 2), G, "program counter");
    }

    function test_AFullStackIsNoFaultAndOneWordMoreIs() public {
        bytes memory code = new bytes(1_025);
        for (uint256 i = 0; i < 1_024; i++) {
            code[i] = 0x5f;
        }
        (, bytes memory answer) = _run(code);
        assertEq(_word(answer, 0), 1, "STOP with 1,024 words");
        code[1_024] = 0x5f;
        (, answer) = _run(code);
        assertEq(answer.length, 64, "exceptional");
        assertEq(_word(answer, 0) & 0xff, 2, "halted");
    }

    function test_WhatDoesNotFitTogetherIsRefused() public {
        bytes memory malformed = abi.encodeWithSelector(SliceRecords.MalformedSlice.selector);
        (bool isDone, bytes memory answer) = _run(hex"00");
        assertTrue(isDone, "it is sound as it is");
        uint256[7] memory places = [uint256(37), 38, 39, 40, 41, 42, 19];
        for (uint256 i = 0; i < places.length; i++) {
            words[places[i]] += 1_025;
            (isDone, answer) = _run(hex"00");
            assertTrue(!isDone, "refused");
            assertEq(answer, malformed, "as malformed");
            words[places[i]] -= 1_025;
        }
        words[17] = 1 << 40;
        (, answer) = _run(hex"00");
        assertEq(answer, malformed, "more gas than the machine word counts");
    }

    /// @dev A loop, then a precompile: whatever L1 gas there is, the answer is the same or there is none.
    function testFuzz_TooLittleL1GasIsNeverAVerdict(uint256 l1Gas) public {
        bytes memory code = hex"60205b6001900380600257" hex"60205f6110005f60025afa" hex"00";
        bytes memory data = _data(code);
        (, bytes memory truth) = address(interpreter).staticcall(data);
        assertEq(_word(truth, 0), 1, "it succeeds");
        l1Gas = between(l1Gas, 20_000, 600_000);
        (bool isDone, bytes memory answer) = address(interpreter).staticcall{gas: l1Gas}(data);
        if (isDone) assertEq(answer, truth, "verdict");
        else assertTrue(l1Gas < 600_000, "the most is enough");
    }

    function _run(bytes memory code) private returns (bool isDone, bytes memory answer) {
        return address(interpreter).staticcall(_data(code));
    }

    function _data(bytes memory code) private returns (bytes memory) {
        if (words[37] < 1_025) words[37] = code.length;
        uint256[5] memory account = [uint256(0x7a46e7), 0, 1, uint256(keccak256("")), 0];
        return abi.encodePacked(interpreter.run.selector, words, account, bytes32(0), code);
    }

    function _word(bytes memory answer, uint256 index) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(add(add(answer, 0x20), shl(5, index)))
        }
    }
}
