// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Charter, CharterRules, Operation, Permission, TaxBracket} from "../src/CharterRules.sol";
import {DacTest} from "./base/DacTest.sol";

/// @notice The library behind a call, so that its errors can be expected.
contract CharterJudge {
    function validate(Charter calldata charter) external pure {
        CharterRules.validate(charter);
    }

    function taxOn(TaxBracket[] calldata taxRates, uint256 value) external pure returns (uint256) {
        return CharterRules.taxOn(taxRates, value);
    }
}

contract CharterRulesTest is DacTest {
    bytes1 private constant OPCODE = 0xf0;

    CharterJudge private judge;

    function setUp() public {
        judge = new CharterJudge();
    }

    function withRules(uint256 count) private pure returns (Charter memory charter) {
        charter = plainCharter();
        charter.permissions = new Permission[](count);
        for (uint256 i = 0; i < count; i++) {
            charter.permissions[i] = Permission(accounts(1, 1), Operation(i % 2), bytes1(uint8(0x60 + i / 2)));
        }
    }

    function withBrackets(uint256 count) private pure returns (Charter memory charter) {
        charter = plainCharter();
        charter.taxRates = new TaxBracket[](count);
        for (uint256 i = 0; i < count; i++) {
            charter.taxRates[i] = TaxBracket(i, uint16(i));
        }
    }

    function refused(Charter memory charter, bytes memory fault) private {
        vm.expectRevert(fault);
        judge.validate(charter);
    }

    function test_theLargestCharterIsAccepted() public view {
        judge.validate(largestCharter());
        judge.validate(plainCharter());
    }

    function test_statementsAreBounded() public {
        Charter memory charter = plainCharter();
        charter.vision = text(2049);
        refused(charter, abi.encodeWithSelector(CharterRules.StatementTooLong.selector, 2049));
        charter = plainCharter();
        charter.mission = text(2049);
        refused(charter, abi.encodeWithSelector(CharterRules.StatementTooLong.selector, 2049));
    }

    function test_rulesAndAddressesAreBounded() public {
        refused(withRules(65), abi.encodeWithSelector(CharterRules.TooManyRules.selector, 65));
        Charter memory charter = withRules(2);
        charter.permissions[0].addresses = accounts(1, 100);
        charter.permissions[1].addresses = accounts(101, 157);
        refused(charter, abi.encodeWithSelector(CharterRules.TooManyAddresses.selector, 257));
        charter.permissions[1].addresses = accounts(101, 156);
        judge.validate(charter);
    }

    /// @dev Ranges of the opcode table, written apart from the constant that they are compared with.
    function isKnown(uint8 opcode) private pure returns (bool) {
        if (opcode >= 0xc0 && opcode <= 0xc4) return true;
        if (opcode <= 0x0b || (opcode >= 0x10 && opcode <= 0x1e) || opcode == 0x20) return true;
        if ((opcode >= 0x30 && opcode <= 0x4a) || (opcode >= 0x50 && opcode <= 0xa4)) return true;
        return (opcode >= 0xf0 && opcode <= 0xf5) || opcode == 0xfa || opcode == 0xfd || opcode == 0xff;
    }

    function test_rulesAreAboutOpcodesOfOsakaAndPseudoOperations() public {
        for (uint256 i = 0; i < 256; i++) {
            Charter memory charter = withRules(1);
            charter.permissions[0].opcode = bytes1(uint8(i));
            if (!isKnown(uint8(i))) {
                vm.expectRevert(abi.encodeWithSelector(CharterRules.UnknownOpcode.selector, bytes1(uint8(i))));
            }
            judge.validate(charter);
        }
    }

    function test_aRuleIsThereOnce(bool allows) public {
        Operation operation = allows ? Operation.Allow : Operation.Deny;
        Charter memory charter = withRules(2);
        charter.permissions[0] = Permission(accounts(1, 1), operation, OPCODE);
        charter.permissions[1] = Permission(accounts(2, 1), operation, OPCODE);
        refused(charter, abi.encodeWithSelector(CharterRules.DuplicateRule.selector, operation, OPCODE));
    }

    function test_onlyAnAllowRuleMayNameNobody() public {
        Charter memory charter = withRules(1);
        charter.permissions[0] = Permission(new address[](0), Operation.Allow, OPCODE);
        judge.validate(charter);
        charter.permissions[0].operation = Operation.Deny;
        refused(charter, abi.encodeWithSelector(CharterRules.DenyWithoutAddresses.selector, OPCODE));
    }

    function test_addressesOfARuleAreRealAndDifferent(uint8 first, uint8 second, address account) public {
        vm.assume(account > address(0xffff));
        Charter memory charter = withRules(1);
        charter.permissions[0] = Permission(accounts(1, 200), Operation.Deny, OPCODE);
        charter.permissions[0].addresses[first % 200] = address(0);
        refused(charter, abi.encodeWithSelector(CharterRules.ZeroAddressInRule.selector, Operation.Deny, OPCODE));
        vm.assume(first % 200 != second % 200);
        charter.permissions[0].addresses[first % 200] = account;
        charter.permissions[0].addresses[second % 200] = account;
        refused(
            charter, abi.encodeWithSelector(CharterRules.DuplicateAddress.selector, Operation.Deny, OPCODE, account)
        );
    }

    function test_noAddressIsBothAllowedAndDenied(uint8 first, uint8 second, address account, bool allowsFirst) public {
        vm.assume(account > address(0xffff));
        Charter memory charter = withRules(2);
        (Operation one, Operation other) =
            allowsFirst ? (Operation.Allow, Operation.Deny) : (Operation.Deny, Operation.Allow);
        charter.permissions[0] = Permission(accounts(1, 128), one, OPCODE);
        charter.permissions[1] = Permission(accounts(1001, 128), other, OPCODE);
        charter.permissions[0].addresses[first % 128] = account;
        judge.validate(charter);
        charter.permissions[1].addresses[second % 128] = account;
        refused(charter, abi.encodeWithSelector(CharterRules.ContradictingRules.selector, OPCODE, account));
        charter.permissions[1].opcode = 0xf1;
        judge.validate(charter);
    }

    function test_taxBracketsAreBoundedAndAscending() public {
        judge.validate(withBrackets(16));
        refused(withBrackets(17), abi.encodeWithSelector(CharterRules.TooManyTaxBrackets.selector, 17));
        Charter memory charter = withBrackets(3);
        charter.taxRates[1].rate = 10_000;
        charter.taxRates[2].threshold = 2 ** 112 - 1;
        judge.validate(charter);
        charter.taxRates[1].rate = 10_001;
        refused(charter, abi.encodeWithSelector(CharterRules.RateTooHigh.selector, 1, 10_001));
        charter = withBrackets(3);
        charter.taxRates[2].threshold = 2 ** 112;
        refused(charter, abi.encodeWithSelector(CharterRules.ThresholdTooHigh.selector, 2, 2 ** 112));
        charter.taxRates[2].threshold = 1;
        refused(charter, abi.encodeWithSelector(CharterRules.ThresholdsNotAscending.selector, 2));
    }

    function test_theTaxIsTheSumOfTheBracketsParts(uint112[4] calldata steps, uint16[4] calldata rates, uint128 value)
        public
        view
    {
        TaxBracket[] memory taxRates = new TaxBracket[](4);
        uint256 threshold = 0;
        for (uint256 i = 0; i < 4; i++) {
            threshold += steps[i] / 4 + 1;
            taxRates[i] = TaxBracket(threshold, rates[i] % 10_001);
        }
        uint256 expected = 0;
        for (uint256 i = 0; i < 4; i++) {
            uint256 end = i == 3 || value < taxRates[i + 1].threshold ? value : taxRates[i + 1].threshold;
            if (end > taxRates[i].threshold) expected += (end - taxRates[i].threshold) * taxRates[i].rate / 10_000;
        }
        assertEq(judge.taxOn(taxRates, value), expected, "tax");
    }

    function test_theTaxNeverExceedsTheValue(uint256 value, uint16 rate) public view {
        TaxBracket[] memory taxRates = new TaxBracket[](1);
        taxRates[0] = TaxBracket(0, rate % 10_001);
        assertTrue(judge.taxOn(taxRates, value) <= value, "at most all");
        taxRates[0].rate = 10_000;
        assertEq(judge.taxOn(taxRates, value), value, "all of it");
    }
}
