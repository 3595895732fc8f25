// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MVM_TreasuryVault} from "../../src/l2/MVM_TreasuryVault.sol";
import {Predeploys} from "../../src/l2/Predeploys.sol";
import {DacTest} from "../base/DacTest.sol";

contract MVM_TreasuryVaultTest is DacTest {
    function setUp() public {
        deployPredeploys();
        found(plainCharter());
        vm.deal(Predeploys.TAX_VAULT, 5 ether);
        vm.deal(Predeploys.BURN_VAULT, 3 ether);
    }

    function test_metisDaoSweepsByItsAlias(uint256 amount) public {
        amount = between(amount, 0, 5 ether);
        address payable to = payable(address(0xFEED));
        vm.expectEmit(true, false, false, true, Predeploys.TAX_VAULT);
        emit MVM_TreasuryVault.Swept(to, amount);
        vm.prank(Predeploys.aliasOf(METIS_DAO));
        taxVault.sweep(to, amount);
        assertEq(to.balance, amount, "paid");
        vm.prank(Predeploys.aliasOf(METIS_DAO));
        burnVault.sweep(to, 3 ether);
        assertEq(to.balance, amount + 3 ether, "paid by the other");
    }

    function test_nobodyElseSweepsNotEvenTheAccountWithMetisDaosAddress(address caller) public {
        address metisDao = Predeploys.aliasOf(METIS_DAO);
        vm.assume(caller != metisDao);
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(MVM_TreasuryVault.OnlyCaller.selector, metisDao, caller));
        taxVault.sweep(payable(caller), 1);
        vm.prank(METIS_DAO);
        vm.expectRevert(abi.encodeWithSelector(MVM_TreasuryVault.OnlyCaller.selector, metisDao, METIS_DAO));
        burnVault.sweep(payable(METIS_DAO), 1);
    }

    function test_moreThanThereIsCannotBeSwept() public {
        vm.prank(Predeploys.aliasOf(METIS_DAO));
        vm.expectRevert(abi.encodeWithSelector(MVM_TreasuryVault.TransferFailed.selector, METIS_DAO));
        taxVault.sweep(payable(METIS_DAO), 5 ether + 1);
    }

    function test_plainTransfersAreRefused() public {
        vm.deal(address(this), 1 ether);
        (bool taken,) = Predeploys.TAX_VAULT.call{value: 1}("");
        assertTrue(!taken, "refused");
    }
}
