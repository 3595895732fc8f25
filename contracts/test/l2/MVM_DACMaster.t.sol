// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Charter, CharterRules, Operation, Permission, TaxBracket} from "../../src/CharterRules.sol";
import {MVM_DACMaster} from "../../src/l2/MVM_DACMaster.sol";
import {MVM_ExecutionManager} from "../../src/l2/MVM_ExecutionManager.sol";
import {Predeploys} from "../../src/l2/Predeploys.sol";
import {DacTest} from "../base/DacTest.sol";

contract MVM_DACMasterTest is DacTest {
    function setUp() public {
        deployPredeploys();
        vm.roll(1);
    }

    /// @dev Rules in the order in which {MVM_DACMaster-permissions} tells them, two tax brackets.
    function richCharter() private pure returns (Charter memory rich) {
        rich = plainCharter();
        rich.permissions = new Permission[](3);
        rich.permissions[0] = Permission(new address[](0), Operation.Allow, 0x55);
        rich.permissions[1] = Permission(accounts(10, 3), Operation.Allow, 0xf0);
        rich.permissions[2] = Permission(accounts(20, 2), Operation.Deny, 0xc0);
        rich.taxRates = new TaxBracket[](2);
        rich.taxRates[0] = TaxBracket(1000, 100);
        rich.taxRates[1] = TaxBracket(2000, 10_000);
    }

    function refusedBy(address expected, address caller) private {
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(MVM_DACMaster.OnlyCaller.selector, expected, caller));
    }

    function test_theFoundingWritesAllAndSeals() public {
        Charter memory rich = richCharter();
        vm.expectEmit(false, false, false, true, Predeploys.DAC_MASTER);
        emit MVM_DACMaster.CharterFounded(keccak256(abi.encode(rich)), MANAGEMENT, METIS_DAO);
        found(rich);
        assertEq(bytes(dacMaster.vision()), bytes(rich.vision), "vision");
        assertEq(bytes(dacMaster.mission()), bytes(rich.mission), "mission");
        assertEq(dacMaster.managementContract(), MANAGEMENT, "management");
        assertEq(dacMaster.metisDao(), METIS_DAO, "MetisDAO");
        assertEq(dacMaster.l1Bridge(), L1_BRIDGE, "bridge");
        assertEq(dacMaster.l1BridgeAlias(), Predeploys.aliasOf(L1_BRIDGE), "bridge's alias");
        assertEq(dacMaster.metisDaoAlias(), address(uint160(0x1111000000000000000000000000000000001eB1)), "alias");
        assertEq(abi.encode(dacMaster.permissions()), abi.encode(rich.permissions), "permissions");
        assertEq(abi.encode(dacMaster.taxRates()), abi.encode(rich.taxRates), "tax rates");
        assertTrue(dacMaster.isSealed(), "sealed");
        assertEq(dacMaster.sealedAtBlock(), 1, "in block 1");
        assertEq(executionManager.restricted(), 1 << 0x55 | 1 << 0xf0, "restricted");
        assertEq(executionManager.denyOf(address(20)), 1 << 0xc0, "denied");
    }

    function test_theFoundingIsTheSystemsAndHappensOnce(address caller) public {
        vm.assume(caller != Predeploys.SYSTEM);
        bytes memory charter = abi.encode(plainCharter());
        refusedBy(Predeploys.SYSTEM, caller);
        dacMaster.found(charter, caller, caller);
        found(plainCharter());
        vm.prank(Predeploys.SYSTEM);
        vm.expectRevert(abi.encodeWithSelector(MVM_DACMaster.AlreadySealed.selector, 1));
        dacMaster.found(charter, caller, caller);
    }

    function refusedFounding(Charter memory faulty, bytes memory fault) private {
        vm.prank(Predeploys.SYSTEM);
        vm.expectRevert(fault);
        dacMaster.found(abi.encode(faulty), METIS_DAO, L1_BRIDGE);
    }

    function test_theFoundingRefusesWhatComcoRefuses() public {
        Charter memory faulty = richCharter();
        faulty.permissions[1].opcode = 0xfe;
        refusedFounding(faulty, abi.encodeWithSelector(CharterRules.UnknownOpcode.selector, bytes1(0xfe)));
        faulty = richCharter();
        faulty.permissions[1].addresses[1] = address(10);
        refusedFounding(
            faulty,
            abi.encodeWithSelector(CharterRules.DuplicateAddress.selector, Operation.Allow, bytes1(0xf0), address(10))
        );
        faulty = richCharter();
        faulty.permissions[2] = Permission(accounts(12, 1), Operation.Deny, 0xf0);
        refusedFounding(
            faulty, abi.encodeWithSelector(CharterRules.ContradictingRules.selector, bytes1(0xf0), address(12))
        );
    }

    /// @dev A charter without faults: each (operation, opcode) at most once, addresses apart by operation.
    function legalCharter(uint256 seed) private pure returns (Charter memory legal) {
        legal = plainCharter();
        legal.permissions = new Permission[](seed % 12);
        for (uint256 i = 0; i < legal.permissions.length; i++) {
            uint256 chosen = uint256(keccak256(abi.encode(seed, i)));
            Operation operation = Operation(chosen % 2);
            uint256 first = (operation == Operation.Allow ? 0x1000 : 0x2000) + chosen / 2 % 8;
            uint256 count = chosen / 16 % 8 + (operation == Operation.Deny ? 1 : 0);
            legal.permissions[i] = Permission(accounts(first, count), operation, bytes1(uint8(0x60 + i / 2)));
            if (i % 2 == 1 && legal.permissions[i - 1].operation == operation) {
                legal.permissions[i].opcode = bytes1(uint8(0x80 + i));
            }
        }
        legal.taxRates = new TaxBracket[](seed / 12 % 17);
        for (uint256 i = 0; i < legal.taxRates.length; i++) {
            legal.taxRates[i] = TaxBracket(i * (seed % 2 ** 100 + 1), uint16(seed % 10_001));
        }
    }

    /// @dev Addresses that all have the same place in the table by which L1 compares them.
    function collidingAccounts(uint256 count) private pure returns (address[] memory list) {
        list = new address[](count);
        uint256 found_ = 0;
        for (uint256 candidate = 0x1000; found_ < count; candidate++) {
            uint256 hash;
            assembly ("memory-safe") {
                mstore(0, candidate)
                hash := keccak256(0, 32)
            }
            if (hash % (2 * 256 + 1) == 7) list[found_++] = address(uint160(candidate));
        }
    }

    function test_noChoiceOfAddressesDrivesUpTheFounding() public {
        Charter memory charter = largestCharter();
        address[] memory colliding = collidingAccounts(256);
        for (uint256 i = 0; i < 256; i++) {
            charter.permissions[32 + i / 8].addresses[i % 8] = colliding[i];
        }
        bytes memory encoded = abi.encode(charter);
        vm.prank(Predeploys.SYSTEM);
        uint256 before = gasleft();
        dacMaster.found(encoded, METIS_DAO, L1_BRIDGE);
        assertTrue(before - gasleft() < TRANSACTION_GAS, "one transaction");
        CharterRules.validate(charter);
    }

    function test_whatComcoAcceptsIsFounded(uint256 seed) public {
        Charter memory legal = legalCharter(seed);
        CharterRules.validate(legal);
        found(legal);
        assertEq(dacMaster.ruleCount(), legal.permissions.length, "all rules");
        for (uint256 i = 0; i < legal.permissions.length; i++) {
            Permission memory rule = legal.permissions[i];
            address[] memory named = dacMaster.addressesOf(rule.operation, rule.opcode);
            assertEq(abi.encode(named), abi.encode(rule.addresses), "addresses");
        }
        assertEq(abi.encode(dacMaster.taxRates()), abi.encode(legal.taxRates), "tax rates");
        assertTrue(executionManager.isFree() == (legal.permissions.length == 0 && legal.taxRates.length == 0), "free");
    }

    function test_onlyTheManagementContractChangesTheCharter(address caller) public {
        vm.assume(caller != MANAGEMENT);
        found(richCharter());
        refusedBy(MANAGEMENT, caller);
        dacMaster.setVision("");
        refusedBy(MANAGEMENT, caller);
        dacMaster.setMission("");
        refusedBy(MANAGEMENT, caller);
        dacMaster.setManagementContract(caller);
        refusedBy(MANAGEMENT, caller);
        dacMaster.addRule(Permission(new address[](0), Operation.Allow, 0x00));
        refusedBy(MANAGEMENT, caller);
        dacMaster.removeRule(Operation.Allow, 0x55);
        refusedBy(MANAGEMENT, caller);
        dacMaster.addAddresses(Operation.Allow, 0x55, accounts(1, 1));
        refusedBy(MANAGEMENT, caller);
        dacMaster.removeAddresses(Operation.Allow, 0xf0, accounts(10, 1));
    }

    function test_withoutManagementNobodyChangesTheCharter(address caller) public {
        vm.assume(caller != address(0));
        Charter memory fixedForever = plainCharter();
        fixedForever.managementContract = address(0);
        found(fixedForever);
        refusedBy(address(0), caller);
        dacMaster.setVision("");
    }

    function test_statementsAndManagementChange(string calldata statement, address next) public {
        vm.assume(bytes(statement).length <= CharterRules.MAX_STATEMENT_LENGTH && next != MANAGEMENT);
        found(plainCharter());
        vm.prank(MANAGEMENT);
        dacMaster.setVision(statement);
        vm.prank(MANAGEMENT);
        dacMaster.setMission(statement);
        assertEq(bytes(dacMaster.vision()), bytes(statement), "vision");
        assertEq(bytes(dacMaster.mission()), bytes(statement), "mission");
        vm.prank(MANAGEMENT);
        dacMaster.setManagementContract(next);
        refusedBy(next, MANAGEMENT);
        dacMaster.setVision("");
        vm.prank(next);
        dacMaster.setVision("next");
    }

    function test_statementsStayBounded() public {
        found(plainCharter());
        string memory long = text(2049);
        vm.prank(MANAGEMENT);
        vm.expectRevert(abi.encodeWithSelector(CharterRules.StatementTooLong.selector, 2049));
        dacMaster.setVision(long);
        vm.prank(MANAGEMENT);
        vm.expectRevert(abi.encodeWithSelector(CharterRules.StatementTooLong.selector, 2049));
        dacMaster.setMission(long);
    }

    function test_taxRatesAreMetisDaosAlone(address caller) public {
        address metisDao = Predeploys.aliasOf(METIS_DAO);
        vm.assume(caller != metisDao);
        found(richCharter());
        TaxBracket[] memory rates = new TaxBracket[](1);
        rates[0] = TaxBracket(5, 50);
        refusedBy(metisDao, caller);
        dacMaster.setTaxRates(rates);
        refusedBy(metisDao, MANAGEMENT);
        dacMaster.setTaxRates(rates);
        vm.prank(metisDao);
        dacMaster.setTaxRates(rates);
        assertEq(abi.encode(dacMaster.taxRates()), abi.encode(rates), "set");
        rates[0].rate = 10_001;
        vm.prank(metisDao);
        vm.expectRevert(abi.encodeWithSelector(CharterRules.RateTooHigh.selector, 0, 10_001));
        dacMaster.setTaxRates(rates);
    }

    function test_theTaxIsMarginalAndRoundedDownByBracket() public {
        found(richCharter());
        assertEq(dacMaster.taxOn(0), 0, "nothing");
        assertEq(dacMaster.taxOn(1000), 0, "below");
        assertEq(dacMaster.taxOn(1099), 0, "rounded down");
        assertEq(dacMaster.taxOn(1100), 1, "first bracket");
        assertEq(dacMaster.taxOn(2000), 10, "all of the first bracket");
        assertEq(dacMaster.taxOn(2005), 15, "both");
        assertEq(dacMaster.taxOn(type(uint256).max), type(uint256).max - 1990, "overflows for no value");
    }

    function test_aRuleThatIsRemovedLeavesNothing() public {
        found(richCharter());
        vm.prank(MANAGEMENT);
        dacMaster.removeRule(Operation.Allow, 0xf0);
        assertEq(executionManager.restricted(), 1 << 0x55, "restricted");
        for (uint160 i = 10; i < 13; i++) {
            assertEq(executionManager.allowOf(address(i)), 0, "word");
        }
        addRule(Operation.Allow, 0xf0, new address[](0));
        assertEq(dacMaster.addressesOf(Operation.Allow, 0xf0).length, 0, "list");
        assertEq(executionManager.deniedOf(address(10)), 1 << 0x55 | 1 << 0xf0, "nobody may");
    }

    function test_addressesComeAndGo(uint8 added, uint8 removed) public {
        found(plainCharter());
        uint256 count = between(added, 1, 40);
        uint256 leaving = between(removed, 1, count);
        addRule(Operation.Allow, 0xf0, accounts(100, 3));
        vm.prank(MANAGEMENT);
        dacMaster.addAddresses(Operation.Allow, 0xf0, accounts(200, count));
        assertEq(dacMaster.addressesOf(Operation.Allow, 0xf0).length, 3 + count, "added");
        vm.prank(MANAGEMENT);
        dacMaster.removeAddresses(Operation.Allow, 0xf0, accounts(200, leaving));
        address[] memory left = dacMaster.addressesOf(Operation.Allow, 0xf0);
        assertEq(left.length, 3 + count - leaving, "removed");
        for (uint256 i = 0; i < left.length; i++) {
            assertEq(executionManager.allowOf(left[i]), 1 << 0xf0, "still allowed");
        }
        for (uint160 i = 0; i < leaving; i++) {
            assertEq(executionManager.allowOf(address(200 + i)), 0, "not any more");
        }
    }

    function test_rulesThatDoNotExistHaveNoAddresses() public {
        found(plainCharter());
        bytes memory unknown =
            abi.encodeWithSelector(MVM_ExecutionManager.UnknownRule.selector, Operation.Deny, bytes1(0xf0));
        vm.prank(MANAGEMENT);
        vm.expectRevert(unknown);
        dacMaster.removeRule(Operation.Deny, 0xf0);
        vm.prank(MANAGEMENT);
        vm.expectRevert(unknown);
        dacMaster.addAddresses(Operation.Deny, 0xf0, accounts(1, 1));
        vm.prank(MANAGEMENT);
        vm.expectRevert(unknown);
        dacMaster.removeAddresses(Operation.Deny, 0xf0, accounts(1, 1));
    }

    function refusedChange(bytes memory fault) private {
        vm.prank(MANAGEMENT);
        vm.expectRevert(fault);
    }

    function test_everyChangeKeepsTheRulesOfCharters() public {
        found(richCharter());
        (Operation allow, Operation deny) = (Operation.Allow, Operation.Deny);
        refusedChange(abi.encodeWithSelector(CharterRules.UnknownOpcode.selector, bytes1(0xc5)));
        dacMaster.addRule(Permission(accounts(1, 1), deny, 0xc5));
        refusedChange(abi.encodeWithSelector(CharterRules.DuplicateRule.selector, deny, bytes1(0xc0)));
        dacMaster.addRule(Permission(accounts(1, 1), deny, 0xc0));
        refusedChange(abi.encodeWithSelector(CharterRules.DenyWithoutAddresses.selector, bytes1(0xf1)));
        dacMaster.addRule(Permission(new address[](0), deny, 0xf1));
        refusedChange(abi.encodeWithSelector(CharterRules.ContradictingRules.selector, bytes1(0xf0), address(11)));
        dacMaster.addRule(Permission(accounts(11, 1), deny, 0xf0));
        refusedChange(abi.encodeWithSelector(CharterRules.ZeroAddressInRule.selector, deny, bytes1(0xc0)));
        dacMaster.addAddresses(deny, 0xc0, accounts(0, 1));
        refusedChange(abi.encodeWithSelector(CharterRules.DuplicateAddress.selector, deny, bytes1(0xc0), address(21)));
        dacMaster.addAddresses(deny, 0xc0, accounts(21, 1));
        refusedChange(abi.encodeWithSelector(CharterRules.DenyWithoutAddresses.selector, bytes1(0xc0)));
        dacMaster.removeAddresses(deny, 0xc0, accounts(20, 2));
        address[] memory twice = accounts(10, 2);
        twice[1] = twice[0];
        refusedChange(
            abi.encodeWithSelector(MVM_ExecutionManager.AddressNotInRule.selector, allow, bytes1(0xf0), address(10))
        );
        dacMaster.removeAddresses(allow, 0xf0, twice);
        assertEq(abi.encode(dacMaster.permissions()), abi.encode(richCharter().permissions), "nothing changed");
    }

    function test_rulesAndTheirAddressesStayBounded() public {
        found(largestCharter());
        assertEq(dacMaster.ruleCount(), 64, "full");
        refusedChange(abi.encodeWithSelector(CharterRules.TooManyRules.selector, 65));
        dacMaster.addRule(Permission(accounts(1, 1), Operation.Deny, 0x00));
        vm.prank(MANAGEMENT);
        dacMaster.removeRule(Operation.Allow, 0x60);
        addRule(Operation.Deny, 0x00, accounts(1, 1024));
        refusedChange(abi.encodeWithSelector(CharterRules.TooManyAddresses.selector, 1025));
        dacMaster.addAddresses(Operation.Deny, 0x00, accounts(5000, 1));
        vm.prank(MANAGEMENT);
        dacMaster.removeRule(Operation.Allow, 0x61);
        refusedChange(abi.encodeWithSelector(CharterRules.TooManyAddresses.selector, 1025));
        dacMaster.addRule(Permission(accounts(1, 1025), Operation.Deny, 0x01));
    }
}
