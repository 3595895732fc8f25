// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {CharterRules, Operation, TaxBracket} from "../../src/CharterRules.sol";
import {MVM_ExecutionManager} from "../../src/l2/MVM_ExecutionManager.sol";
import {Predeploys} from "../../src/l2/Predeploys.sol";
import {DacTest} from "../base/DacTest.sol";

contract MVM_ExecutionManagerTest is DacTest {
    address private constant SIGNER = address(0xA11CE);
    address private constant OTHER = address(0xB0B);
    /// Bit 16 of slot 0.
    uint256 private constant WITHOUT_DENIALS = 1 << 16;

    function setUp() public {
        deployPredeploys();
    }

    function slotValue(uint256 slot) private view returns (uint256) {
        return uint256(vm.load(Predeploys.EXECUTION_MANAGER, bytes32(slot)));
    }

    function include(Operation operation, bytes1 opcode, address account) private {
        vm.prank(Predeploys.DAC_MASTER);
        executionManager.setRule(operation, opcode, true);
        vm.prank(Predeploys.DAC_MASTER);
        executionManager.include(operation, opcode, accounts(uint160(account), 1));
    }

    function test_theContextIsSlotTwoEpochLowest(uint64 slot, uint64 l1Block, uint64 l1BaseFee, uint64 generation)
        public
    {
        vm.prank(Predeploys.SYSTEM);
        executionManager.context(slot, l1Block, l1BaseFee, generation, 7);
        uint256 expected =
            uint256(slot) | uint256(l1Block) << 64 | uint256(l1BaseFee) << 128 | uint256(generation) << 192;
        assertEq(slotValue(2), expected, "slot 2");
        assertEq(executionManager.slot(), slot, "slot");
        assertEq(executionManager.l1Block(), l1Block, "L1 block");
        assertEq(executionManager.l1BaseFee(), l1BaseFee, "L1 base fee");
        assertEq(executionManager.generation(), generation, "generation");
    }

    function test_rulesAreInSlots1And11And12(uint8 opcode, bool allows) public {
        include(allows ? Operation.Allow : Operation.Deny, bytes1(opcode), SIGNER);
        uint256 mapped = uint256(keccak256(abi.encode(SIGNER, uint256(allows ? 11 : 12))));
        assertEq(slotValue(1), allows ? 1 << uint256(opcode) : 0, "restricted");
        assertEq(slotValue(mapped), 1 << uint256(opcode), "word");
        assertEq(slotValue(0), allows ? WITHOUT_DENIALS : 0, "not free");
    }

    function test_taxBracketsAreInSlots3To10LowerNumberLower(uint112[16] calldata thresholds, uint8 count) public {
        TaxBracket[] memory brackets = new TaxBracket[](count % 17);
        uint256[8] memory words;
        for (uint256 i = 0; i < brackets.length; i++) {
            brackets[i] = TaxBracket(thresholds[i], uint16(i + 1));
            words[i / 2] |= (uint256(thresholds[i]) << 16 | (i + 1)) << (i % 2 == 0 ? 0 : 128);
        }
        vm.prank(Predeploys.DAC_MASTER);
        executionManager.setTaxBrackets(largestCharter().taxRates);
        vm.prank(Predeploys.DAC_MASTER);
        executionManager.setTaxBrackets(brackets);
        for (uint256 i = 0; i < 8; i++) {
            assertEq(slotValue(3 + i), words[i], "brackets, and nothing of those before");
        }
        assertEq(slotValue(0), WITHOUT_DENIALS | brackets.length << 8 | (brackets.length == 0 ? 1 : 0), "flags");
        assertEq(abi.encode(executionManager.taxBrackets()), abi.encode(brackets), "view");
    }

    function test_deniedIsWhatDenyRulesTakeAndAllowRulesDoNotLeave() public {
        include(Operation.Allow, 0xf0, SIGNER);
        include(Operation.Deny, 0xff, SIGNER);
        assertEq(executionManager.deniedOf(SIGNER), 1 << 0xff, "signer");
        assertEq(executionManager.deniedOf(OTHER), 1 << 0xf0, "other");
        assertTrue(executionManager.isDenied(0xff, SIGNER), "deny rule");
        assertTrue(!executionManager.isDenied(0xf0, SIGNER), "allow rule");
        assertTrue(executionManager.isDenied(0xf0, OTHER), "not in the allow rule");
        assertEq(executionManager.allowOf(SIGNER), 1 << 0xf0, "allow word");
        assertEq(executionManager.denyOf(SIGNER), 1 << 0xff, "deny word");
    }

    function test_freeIsBit0AndWithoutDenialsBit16AndBothFollowEachChange() public {
        assertTrue(!executionManager.isFree(), "not before the founding");
        found(plainCharter());
        assertEq(slotValue(0), WITHOUT_DENIALS | 1, "free");
        addRule(Operation.Allow, 0xf0, accounts(1, 1));
        assertEq(slotValue(0), WITHOUT_DENIALS, "an allow rule");
        addRule(Operation.Deny, 0xf0, accounts(2, 1));
        removeRule(Operation.Allow, 0xf0);
        assertEq(slotValue(0), 0, "a deny rule");
        removeRule(Operation.Deny, 0xf0);
        assertTrue(executionManager.isFree(), "free again");
    }

    function removeRule(Operation operation, bytes1 opcode) private {
        vm.prank(MANAGEMENT);
        dacMaster.removeRule(operation, opcode);
    }

    function test_settleHandsAllFeesToTheVault(uint256 fees, uint256 l1Fees) public {
        vm.deal(Predeploys.EXECUTION_MANAGER, fees);
        vm.prank(Predeploys.SYSTEM);
        executionManager.settle(SIGNER, 16, accounts(1, 16), l1Fees, new address[](0));
        assertEq(Predeploys.EXECUTION_MANAGER.balance, 0, "nothing kept");
        assertEq(Predeploys.FEE_VAULT.balance, fees, "all handed over");
    }

    function test_aPaymentToTheBeneficiaryIsSplitWithTheFees(address payer, uint128 amount) public {
        vm.assume(payer != Predeploys.EXECUTION_MANAGER);
        vm.deal(payer, amount);
        vm.prank(payer);
        (bool taken,) = Predeploys.EXECUTION_MANAGER.call{value: amount}("");
        assertTrue(taken, "taken");
        vm.prank(Predeploys.SYSTEM);
        executionManager.settle(SIGNER, 1, accounts(1, 1), 0, new address[](0));
        assertEq(Predeploys.FEE_VAULT.balance, amount, "handed over");
    }

    function test_onlyTheSystemBeginsAndEndsBlocks(address caller) public {
        vm.assume(caller != Predeploys.SYSTEM);
        bytes memory refusal =
            abi.encodeWithSelector(MVM_ExecutionManager.OnlyCaller.selector, Predeploys.SYSTEM, caller);
        vm.prank(caller);
        vm.expectRevert(refusal);
        executionManager.context(1, 1, 1, 1, 1);
        vm.prank(caller);
        vm.expectRevert(refusal);
        executionManager.settle(caller, 0, new address[](0), 0, new address[](0));
    }

    function test_onlyTheDacMasterSetsTheCharter(address caller) public {
        vm.assume(caller != Predeploys.DAC_MASTER);
        bytes memory refusal =
            abi.encodeWithSelector(MVM_ExecutionManager.OnlyCaller.selector, Predeploys.DAC_MASTER, caller);
        vm.prank(caller);
        vm.expectRevert(refusal);
        executionManager.setRule(Operation.Allow, 0x00, true);
        vm.prank(caller);
        vm.expectRevert(refusal);
        executionManager.include(Operation.Allow, 0x00, new address[](0));
        vm.prank(caller);
        vm.expectRevert(refusal);
        executionManager.exclude(Operation.Allow, 0x00, new address[](0));
        vm.prank(caller);
        vm.expectRevert(refusal);
        executionManager.setTaxBrackets(new TaxBracket[](0));
    }

    function test_rulesAreThereOnce() public {
        include(Operation.Deny, 0xf0, SIGNER);
        vm.prank(Predeploys.DAC_MASTER);
        vm.expectRevert(abi.encodeWithSelector(CharterRules.DuplicateRule.selector, Operation.Deny, bytes1(0xf0)));
        executionManager.setRule(Operation.Deny, 0xf0, true);
        vm.prank(Predeploys.DAC_MASTER);
        vm.expectRevert(
            abi.encodeWithSelector(MVM_ExecutionManager.UnknownRule.selector, Operation.Allow, bytes1(0xf0))
        );
        executionManager.setRule(Operation.Allow, 0xf0, false);
    }
}
