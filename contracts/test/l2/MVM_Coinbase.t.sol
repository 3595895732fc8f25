// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Operation, PermissionDenied} from "../../src/CharterRules.sol";
import {MVM_Coinbase} from "../../src/l2/MVM_Coinbase.sol";
import {MVM_L2ToL1} from "../../src/l2/MVM_L2ToL1.sol";
import {Predeploys} from "../../src/l2/Predeploys.sol";
import {DacTest} from "../base/DacTest.sol";

contract MVM_CoinbaseTest is DacTest {
    address private constant USER = address(0xA11CE);

    function setUp() public {
        deployPredeploys();
        found(plainCharter());
    }

    /// @dev As a deposit does.
    function deposit(address to, uint256 amount) private {
        vm.store(Predeploys.COINBASE, bytes32(0), bytes32(coinbase.totalSupply() + amount));
        vm.deal(to, to.balance + amount);
    }

    function test_theSupplyIsSlotZeroAndWhatWasWithdrawnSlotOne(uint256 supply, uint256 withdrawn) public {
        vm.store(Predeploys.COINBASE, bytes32(0), bytes32(supply));
        vm.store(Predeploys.COINBASE, bytes32(uint256(1)), bytes32(withdrawn));
        assertEq(coinbase.totalSupply(), supply, "supply");
        assertEq(coinbase.withdrawn(), withdrawn, "withdrawn");
    }

    function test_aWithdrawalIsAMessageAndLeavesTheSupply(address to, uint256 deposited, uint256 amount) public {
        vm.assume(to != address(0));
        deposited = between(deposited, 1, type(uint128).max);
        amount = between(amount, 1, deposited);
        deposit(USER, deposited);
        bytes32 messageHash = l2ToL1.hashOf(MVM_L2ToL1.Kind.Withdrawal, 0, USER, to, amount, "");
        vm.expectEmit(true, true, false, true, Predeploys.COINBASE);
        emit MVM_Coinbase.Withdrawn(USER, to, amount, messageHash);
        vm.prank(USER, USER);
        assertEq(coinbase.withdraw{value: amount}(to), messageHash, "hash");
        assertTrue(l2ToL1.sent(messageHash), "sent");
        assertEq(coinbase.totalSupply(), deposited - amount, "supply");
        assertEq(coinbase.withdrawn(), amount, "withdrawn");
        assertEq(USER.balance + Predeploys.COINBASE.balance, deposited, "conserved");
    }

    function test_aSignerToWhomItIsDeniedCannotWithdrawNotEvenThroughAContract(address caller) public {
        vm.assume(caller != address(0));
        addRule(Operation.Deny, 0xc4, accounts(uint160(USER), 1));
        deposit(caller, 1 ether);
        vm.prank(caller, USER);
        vm.expectRevert(abi.encodeWithSelector(PermissionDenied.selector, bytes1(0xc4), USER));
        coinbase.withdraw{value: 1}(caller);
    }

    function test_anAllowRuleLeavesWithdrawalsToItsSigners() public {
        addRule(Operation.Allow, 0xc4, accounts(uint160(USER), 1));
        deposit(USER, 1 ether);
        deposit(METIS_DAO, 1 ether);
        vm.prank(USER, USER);
        coinbase.withdraw{value: 1}(USER);
        vm.prank(METIS_DAO, METIS_DAO);
        vm.expectRevert(abi.encodeWithSelector(PermissionDenied.selector, bytes1(0xc4), METIS_DAO));
        coinbase.withdraw{value: 1}(USER);
    }

    function test_theSystemsOriginIsAskedNothing() public {
        addRule(Operation.Allow, 0xc4, accounts(uint160(METIS_DAO), 1));
        deposit(USER, 1 ether);
        vm.prank(USER, Predeploys.SYSTEM);
        coinbase.withdraw{value: 1 ether}(USER);
        assertEq(coinbase.withdrawn(), 1 ether, "withdrawn");
    }

    function test_anExitOwnerIsWhatTheAccountDeclaredLastInSlotTwo(address account, address first, address last)
        public
    {
        vm.prank(account);
        coinbase.declareExitOwner(first);
        vm.expectEmit(true, true, false, true, Predeploys.COINBASE);
        emit MVM_Coinbase.ExitOwnerDeclared(account, last);
        vm.prank(account);
        coinbase.declareExitOwner(last);
        assertEq(coinbase.exitOwner(account), last, "owner");
        bytes32 slot = keccak256(abi.encode(account, 2));
        assertEq(vm.load(Predeploys.COINBASE, slot), bytes32(uint256(uint160(last))), "slot");
    }

    function test_nothingAndNobodyAreRefused() public {
        deposit(USER, 1 ether);
        vm.prank(USER, USER);
        vm.expectRevert(abi.encodeWithSelector(MVM_Coinbase.ZeroAmount.selector));
        coinbase.withdraw(USER);
        vm.prank(USER, USER);
        vm.expectRevert(abi.encodeWithSelector(MVM_Coinbase.ZeroReceiver.selector));
        coinbase.withdraw{value: 1}(address(0));
    }

    function test_plainTransfersAreRefused() public {
        vm.deal(USER, 1 ether);
        vm.prank(USER);
        (bool taken,) = Predeploys.COINBASE.call{value: 1}("");
        assertTrue(!taken, "refused");
    }
}
