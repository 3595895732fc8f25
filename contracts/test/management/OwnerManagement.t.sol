// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Charter, CharterRules, Operation, Permission} from "../../src/CharterRules.sol";
import {MVM_DACMaster} from "../../src/l2/MVM_DACMaster.sol";
import {Predeploys} from "../../src/l2/Predeploys.sol";
import {OwnerManagement} from "../../src/management/OwnerManagement.sol";
import {DacTest} from "../base/DacTest.sol";

contract OwnerManagementTest is DacTest {
    address private constant OWNER = address(0x0123);

    OwnerManagement private management;

    function setUp() public {
        deployPredeploys();
        management = new OwnerManagement(OWNER);
        Charter memory charter = plainCharter();
        charter.managementContract = address(management);
        found(charter);
    }

    function denyCreate() private pure returns (bytes memory) {
        return abi.encodeCall(MVM_DACMaster.addRule, (Permission(accounts(7, 1), Operation.Deny, 0xf0)));
    }

    function test_theOwnerAmendsTheCharter() public {
        vm.prank(OWNER);
        management.execute(Predeploys.DAC_MASTER, denyCreate());
        assertTrue(executionManager.isDenied(0xf0, address(7)), "denied");
    }

    function test_nobodyElseAmendsTheCharter(address caller) public {
        vm.assume(caller != OWNER);
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, caller));
        management.execute(Predeploys.DAC_MASTER, denyCreate());
    }

    function test_theOwnerHandsOverInTwoSteps() public {
        address next = address(0x0456);
        vm.prank(OWNER);
        management.transferOwnership(next);
        assertEq(management.owner(), OWNER, "not before it is accepted");
        vm.prank(next);
        management.acceptOwnership();
        vm.prank(next);
        management.execute(Predeploys.DAC_MASTER, denyCreate());
        assertEq(dacMaster.ruleCount(), 1, "amended");
    }

    function test_aRefusalOfTheCharterIsTold() public {
        bytes memory rule = abi.encodeCall(MVM_DACMaster.addRule, (Permission(accounts(7, 1), Operation.Deny, 0xfe)));
        vm.prank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(CharterRules.UnknownOpcode.selector, bytes1(0xfe)));
        management.execute(Predeploys.DAC_MASTER, rule);
    }
}
