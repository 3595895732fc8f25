// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Operation, Permission} from "../../src/CharterRules.sol";
import {Test} from "../base/Test.sol";
import {CharterHandler} from "./CharterHandler.sol";

/// @notice Whatever changes a charter has seen: what transactions read of it is what its rules say.
contract CharterInvariantTest is Test {
    CharterHandler private handler;

    function setUp() public {
        handler = new CharterHandler();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function invariant_signersAreDeniedWhatTheRulesSay() public view {
        address[] memory signers = handler.everybody();
        bytes1[4] memory opcodes = handler.opcodes();
        for (uint256 i = 0; i < signers.length; i++) {
            uint256 expected = 0;
            for (uint256 j = 0; j < 4; j++) {
                bool restricted = handler.hasRule(Operation.Allow, opcodes[j]);
                bool allowed = handler.names(Operation.Allow, opcodes[j], signers[i]);
                bool denied = handler.names(Operation.Deny, opcodes[j], signers[i]);
                if (denied || (restricted && !allowed)) expected |= 1 << uint8(opcodes[j]);
            }
            assertEq(handler.deniedOf(signers[i]), expected, "denied");
        }
    }

    function invariant_theCharterListsItsRules() public view {
        Permission[] memory rules = handler.permissions();
        assertEq(rules.length, handler.ruleCount(), "rules");
        address[] memory everybody = handler.everybody();
        for (uint256 i = 0; i < rules.length; i++) {
            (Operation operation, bytes1 opcode) = (rules[i].operation, rules[i].opcode);
            assertTrue(handler.hasRule(operation, opcode), "a rule");
            for (uint256 j = 0; j < rules[i].addresses.length; j++) {
                assertTrue(handler.names(operation, opcode, rules[i].addresses[j]), "named");
            }
            uint256 named = 0;
            for (uint256 j = 0; j < everybody.length; j++) {
                if (handler.names(operation, opcode, everybody[j])) named++;
            }
            assertEq(rules[i].addresses.length, named, "all of them");
        }
    }

    function invariant_aDacIsFreeWithoutRulesAndTax() public view {
        bool expected = handler.ruleCount() == 0 && handler.bracketCount() == 0;
        assertTrue(handler.isFree() == expected, "free");
    }
}
