// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MVM_FeeVault} from "../../src/l2/MVM_FeeVault.sol";
import {Predeploys} from "../../src/l2/Predeploys.sol";
import {DacTest} from "../base/DacTest.sol";

/// @notice Claims once more while it is paid.
contract ReenteringProvider {
    bool private _entered;

    receive() external payable {
        if (_entered) return;
        _entered = true;
        // Whether the second claim is refused or pays nothing more: the balances afterwards tell.
        try MVM_FeeVault(Predeploys.FEE_VAULT).claim(payable(address(this))) {} catch {}
    }

    function claim() external {
        MVM_FeeVault(Predeploys.FEE_VAULT).claim(payable(address(this)));
    }
}

contract MVM_FeeVaultTest is DacTest {
    address private constant SEQUENCER = address(0x5E9);

    function setUp() public {
        deployPredeploys();
    }

    function settle(uint256 amount, address[] memory providers, uint256 l1Fees) private {
        settle(amount, providers.length, providers, l1Fees);
    }

    function settle(uint256 amount, uint256 seated, address[] memory providers, uint256 l1Fees) private {
        vm.deal(Predeploys.EXECUTION_MANAGER, amount);
        vm.prank(Predeploys.EXECUTION_MANAGER);
        feeVault.settle{value: amount}(SEQUENCER, seated, providers, l1Fees);
    }

    function test_whoStandsInIsPaidByTheSequencerAndTheSeatsFeeIsBurnt() public {
        settle(1_010_000, 1, accounts(1, 2), 10_000);
        assertEq(feeVault.credit(address(1)), 250_000, "the seat that served");
        assertEq(feeVault.credit(address(2)), 250_000, "the one that stood in");
        assertEq(feeVault.credit(SEQUENCER), 10_000, "nothing is left to the sequencer but L1 fees");
        assertEq(Predeploys.BURN_VAULT.balance, 250_000, "burnt");
    }

    function test_aSequencerGainsNothingByPassingSeatsOverForItsFriends(uint128 amount, uint8 count, uint8 seated)
        public
    {
        address[] memory providers = accounts(0x100, 1 + count % 16);
        settle(amount, providers, 0);
        uint256 honest = feeVault.credit(SEQUENCER);
        uint256 fee = feeVault.credit(providers[0]);
        seated = uint8(seated % providers.length);
        settle(amount, seated, providers, 0);
        uint256 together = feeVault.credit(SEQUENCER) - honest;
        for (uint256 i = seated; i < providers.length; i++) {
            together += feeVault.credit(providers[i]) - fee;
        }
        assertEq(together, honest, "the sequencer and those who stand in");
        assertEq(Predeploys.BURN_VAULT.balance, fee * (providers.length - seated), "fees of all seats passed over");
        for (uint256 i = 0; i < seated; i++) {
            assertEq(feeVault.credit(providers[i]), 2 * fee, "who has the seat");
        }
    }

    function test_moreSeatedThanThereAreIsRefused() public {
        vm.prank(Predeploys.EXECUTION_MANAGER);
        vm.expectRevert(abi.encodeWithSelector(MVM_FeeVault.TooManyProviders.selector, 3));
        feeVault.settle(SEQUENCER, 3, accounts(1, 2), 0);
    }

    function test_nobodyElseSendsMTToTheVaultOfWhatIsBurnt(address payer) public {
        vm.assume(payer != Predeploys.FEE_VAULT);
        vm.deal(payer, 1);
        vm.prank(payer);
        (bool taken,) = Predeploys.BURN_VAULT.call{value: 1}("");
        assertTrue(!taken, "refused");
    }

    function test_aRoundAmountIsSplitAsThePartsSay() public {
        settle(1_010_000, accounts(1, 4), 10_000);
        assertEq(feeVault.credit(SEQUENCER), 10_000 + 250_000, "sequencer");
        for (uint160 i = 1; i <= 4; i++) {
            assertEq(feeVault.credit(address(i)), 125_000, "provider");
        }
        assertEq(feeVault.storagePool(), 150_000, "storage hosts");
        assertEq(feeVault.rangerPool(), 100_000, "rangers");
    }

    function test_whatRoundingsLeaveIsForTheRangers() public {
        settle(10_005, accounts(1, 3), 0);
        assertEq(feeVault.credit(address(1)), 1667, "a third of 5002");
        assertEq(feeVault.credit(SEQUENCER), 2501, "sequencer");
        assertEq(feeVault.storagePool(), 1500, "storage hosts");
        assertEq(feeVault.rangerPool(), 10_005 - 3 * 1667 - 2501 - 1500, "the rest");
    }

    function test_aBlockWithoutProvidersPaysTheirShareToTheStorageHosts() public {
        settle(10_000, new address[](0), 0);
        assertEq(feeVault.storagePool(), 6500, "both shares");
        assertEq(feeVault.rangerPool(), 1000, "rangers");
    }

    function test_everyWeiIsSomebodysWhateverComes(
        uint256 amount,
        uint8 count,
        uint8 seated,
        uint256 l1Fees,
        bool samePerson
    ) public {
        address[] memory providers = accounts(0x100, count % 17);
        for (uint256 i = 0; samePerson && i < providers.length; i++) {
            providers[i] = SEQUENCER;
        }
        settle(amount, seated % (providers.length + 1), providers, l1Fees);
        uint256 credits = feeVault.credit(SEQUENCER) + Predeploys.BURN_VAULT.balance;
        for (uint256 i = 0; !samePerson && i < providers.length; i++) {
            credits += feeVault.credit(providers[i]);
        }
        assertEq(credits + feeVault.storagePool() + feeVault.rangerPool(), amount, "all of it");
        assertTrue(feeVault.credit(SEQUENCER) >= (l1Fees < amount ? l1Fees : amount), "L1 fees");
    }

    function test_onlyTheExecutionManagerSettles(address caller) public {
        vm.assume(caller != Predeploys.EXECUTION_MANAGER);
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(MVM_FeeVault.OnlyCaller.selector, Predeploys.EXECUTION_MANAGER, caller));
        feeVault.settle(caller, 0, new address[](0), 0);
    }

    function test_providersAreBounded() public {
        vm.prank(Predeploys.EXECUTION_MANAGER);
        vm.expectRevert(abi.encodeWithSelector(MVM_FeeVault.TooManyProviders.selector, 17));
        feeVault.settle(SEQUENCER, 17, accounts(1, 17), 0);
    }

    function test_aClaimPaysOnceToWhomTheEarnerSays(uint128 amount, address payable to) public {
        vm.assume(to.code.length == 0 && to > address(0xffff));
        settle(uint256(amount) + 10_000, new address[](0), 0);
        uint256 earned = feeVault.credit(SEQUENCER);
        uint256 before = to.balance;
        vm.expectEmit(true, true, false, true, Predeploys.FEE_VAULT);
        emit MVM_FeeVault.Claimed(SEQUENCER, to, earned);
        vm.prank(SEQUENCER);
        feeVault.claim(to);
        assertEq(to.balance - before, earned, "paid");
        vm.prank(SEQUENCER);
        vm.expectRevert(abi.encodeWithSelector(MVM_FeeVault.NothingToClaim.selector, SEQUENCER));
        feeVault.claim(to);
    }

    function test_aClaimWithinAClaimGetsNothing() public {
        ReenteringProvider thief = new ReenteringProvider();
        settle(1 ether, accounts(uint160(address(thief)), 1), 0);
        settle(1 ether, accounts(1, 1), 0);
        thief.claim();
        assertEq(address(thief).balance, 0.5 ether, "what it earned, once");
        assertEq(Predeploys.FEE_VAULT.balance, 1.5 ether, "the rest stays");
    }

    function test_aReceiverThatDoesNotTakeItLeavesTheCredit() public {
        settle(1 ether, accounts(1, 1), 0);
        uint256 earned = feeVault.credit(SEQUENCER);
        vm.prank(SEQUENCER);
        vm.expectRevert(abi.encodeWithSelector(MVM_FeeVault.TransferFailed.selector, Predeploys.L2_TO_L1));
        feeVault.claim(payable(Predeploys.L2_TO_L1));
        assertEq(feeVault.credit(SEQUENCER), earned, "kept");
    }
}
