// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BondManager} from "../src/BondManager.sol";
import {BondPools} from "../src/BondPools.sol";
import {IBondManager} from "../src/interfaces/IBondManager.sol";
import {BondsTest} from "./base/BondsTest.sol";

contract BondManagerTest is BondsTest {
    function setUp() public {
        deployBonds();
    }

    function expectWrongStatus(address sequencer, BondPools.SequencerStatus status) private {
        vm.expectRevert(abi.encodeWithSelector(BondPools.WrongStatus.selector, sequencer, status));
    }

    function test_theUnbondingDelayCoversTheWindow(uint64 window, uint64 delay) public {
        bool fits = window != 0 && delay >= window && delay <= 365 days;
        if (!fits) vm.expectRevert(abi.encodeWithSelector(BondPools.InvalidDelays.selector, window, delay));
        BondManager made = new BondManager(neighbours(), window, delay);
        if (fits) assertEq(made.unbondingDelay(), delay, "delay");
    }

    function test_onlyTheNeighboursCallWhatIsTheirs(address caller) public {
        vm.assume(caller != BRIDGE && caller != ROLLUP && caller != address(pool));
        bytes4 only = BondManager.OnlyNeighbour.selector;
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(only, caller, address(pool)));
        manager.enrol(caller, MIN_STAKE);
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(only, caller, address(pool)));
        manager.retire(caller);
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(only, caller, BRIDGE));
        manager.setLocked(CHAIN, 1);
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(only, caller, ROLLUP));
        manager.lock(CHAIN, caller, 1);
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(only, caller, ROLLUP));
        manager.slash(CHAIN, caller, 1, caller);
    }

    function test_aFirstStakeIsAtLeastTheMinimum(uint256 amount) public {
        amount = between(amount, 0, MIN_STAKE - 1);
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(BondPools.StakeTooSmall.selector, amount, MIN_STAKE));
        pool.register(amount);
    }

    function test_aShareCostsOneWeiAndTheDrawsSeeTheStake(uint256 own, uint256 delegated) public {
        own = between(own, MIN_STAKE, 1e6 ether);
        delegated = between(delegated, 1, 1e8 ether);
        enrol(ALICE, own);
        assertEq(pool.stakeWei(ALICE), own, "own stake");
        fund(BOB, delegated);
        vm.expectEmit(true, true, false, true, address(manager));
        emit BondPools.StakeAdded(ALICE, BOB, delegated, delegated);
        vm.prank(BOB);
        assertEq(manager.stake(ALICE, delegated), delegated, "shares");
        (uint256 shares, uint256 amount) = manager.stakeOf(ALICE, BOB);
        assertEq(shares, delegated, "held");
        assertEq(amount, delegated, "worth");
        assertEq(pool.stakeWei(ALICE), own + delegated, "drawn");
        assertEq(token.balanceOf(address(manager)), own + delegated, "paid");
        assertEq(manager.bondOf(ALICE).ownShares, own, "own shares");
    }

    function test_nothingIsNoStakeAndStrangersTakeNone() public {
        enrol(ALICE, MIN_STAKE);
        vm.expectRevert(abi.encodeWithSelector(BondPools.StakeTooSmall.selector, 0, 1));
        manager.stake(ALICE, 0);
        expectWrongStatus(BOB, BondPools.SequencerStatus.None);
        manager.stake(BOB, 1);
    }

    function test_aPermitStakesEvenIfSomebodyElseHasUsedIt(uint256 key, uint256 amount, bool used) public {
        key = between(key, 1, 2 ** 250);
        amount = between(amount, 1, 1e6 ether);
        enrol(ALICE, MIN_STAKE);
        address holder = vm.addr(key);
        token.transfer(holder, amount);
        (uint8 v, bytes32 r, bytes32 s) = signPermit(key, address(manager), amount);
        if (used) token.permit(holder, address(manager), amount, block.timestamp, v, r, s);
        vm.prank(holder);
        assertEq(manager.stakeWithPermit(ALICE, amount, block.timestamp, v, r, s), amount, "shares");
    }

    function test_belowTheMinimumOfItsOwnASequencerIsNotDrawn(uint256 shares) public {
        enrol(ALICE, 2 * MIN_STAKE);
        stake(BOB, ALICE, 5 * MIN_STAKE);
        shares = between(shares, 1, 2 * MIN_STAKE);
        unstake(ALICE, ALICE, shares);
        assertEq(pool.stakeWei(ALICE), shares > MIN_STAKE ? 0 : 7 * MIN_STAKE - shares, "drawn");
    }

    function test_aChangedMinimumIsToldOnAsking() public {
        enrol(ALICE, 2 * MIN_STAKE);
        parameters.setMinimumStake(3 * MIN_STAKE);
        manager.refreshStake(ALICE);
        assertEq(pool.stakeWei(ALICE), 0, "not enough any more");
        parameters.setMinimumStake(2 * MIN_STAKE);
        manager.refreshStake(ALICE);
        assertEq(pool.stakeWei(ALICE), 2 * MIN_STAKE, "enough again");
        expectWrongStatus(BOB, BondPools.SequencerStatus.None);
        manager.refreshStake(BOB);
    }

    function test_sharesOnTheirWayOutAreNotDrawnAndArePaidAfterTheDelay(uint256 shares, uint64 early) public {
        enrol(ALICE, MIN_STAKE);
        stake(BOB, ALICE, MIN_STAKE);
        shares = between(shares, 1, MIN_STAKE);
        uint256 id = unstake(BOB, ALICE, shares);
        assertEq(pool.stakeWei(ALICE), 2 * MIN_STAKE - shares, "drawn");
        (uint256 waiting, uint256 worth, uint64 unlocksAt) = manager.unbondingOf(ALICE, BOB, id);
        assertEq(waiting, shares, "waiting");
        assertEq(worth, shares, "worth");
        assertEq(unlocksAt, START + UNBONDING, "unlocks");
        vm.warp(START + between(early, 0, UNBONDING - 1));
        vm.expectRevert(abi.encodeWithSelector(BondPools.StillUnbonding.selector, unlocksAt));
        withdraw(BOB, ALICE, id);
        vm.warp(START + UNBONDING);
        assertEq(withdraw(BOB, ALICE, id), shares, "paid");
        assertEq(token.balanceOf(BOB), shares, "received");
        vm.expectRevert(abi.encodeWithSelector(BondPools.UnknownRequest.selector, ALICE, BOB, id));
        withdraw(BOB, ALICE, id);
    }

    function test_aRequestIsItsMakersAlone(address thief) public {
        vm.assume(thief != BOB);
        enrol(ALICE, MIN_STAKE);
        stake(BOB, ALICE, 1 ether);
        uint256 id = unstake(BOB, ALICE, 1 ether);
        pass(UNBONDING);
        vm.expectRevert(abi.encodeWithSelector(BondPools.UnknownRequest.selector, ALICE, thief, id));
        withdraw(thief, ALICE, id);
    }

    function test_nobodyUnstakesMoreThanItHasOrNothing(uint256 shares) public {
        enrol(ALICE, MIN_STAKE);
        stake(BOB, ALICE, 1 ether);
        shares = between(shares, 1 ether + 1, type(uint256).max);
        vm.expectRevert(abi.encodeWithSelector(BondPools.InvalidShares.selector, shares, 1 ether));
        unstake(BOB, ALICE, shares);
        vm.expectRevert(abi.encodeWithSelector(BondPools.InvalidShares.selector, 0, 1 ether));
        unstake(BOB, ALICE, 0);
        unstake(BOB, ALICE, 1 ether);
        vm.expectRevert(abi.encodeWithSelector(BondPools.InvalidShares.selector, 1, 0));
        unstake(BOB, ALICE, 1);
    }

    function test_whoRetiredIsNotDrawnAndMayEnrolAgain() public {
        enrol(ALICE, MIN_STAKE);
        stake(BOB, ALICE, MIN_STAKE);
        vm.prank(ALICE);
        pool.leave();
        assertEq(pool.stakeWei(ALICE), 0, "not drawn");
        expectWrongStatus(ALICE, BondPools.SequencerStatus.Retired);
        manager.stake(ALICE, 1);
        unstake(BOB, ALICE, MIN_STAKE / 2);
        assertEq(pool.stakeWei(ALICE), 0, "still not drawn");
        enrol(ALICE, MIN_STAKE);
        assertEq(pool.stakeWei(ALICE), 2 * MIN_STAKE + MIN_STAKE / 2, "drawn again, with what stayed");
    }

    function test_nobodyEnrolsTwice() public {
        enrol(ALICE, MIN_STAKE);
        vm.prank(address(pool));
        expectWrongStatus(ALICE, BondPools.SequencerStatus.Active);
        manager.enrol(ALICE, MIN_STAKE);
        vm.prank(address(pool));
        expectWrongStatus(BOB, BondPools.SequencerStatus.None);
        manager.retire(BOB);
    }

    function test_theThresholdIsTheLockedTimesTheFactorRoundedUpToWholeMT(uint256 locked, uint256 factor) public {
        locked = between(locked, 0, 2 ** 92);
        factor = between(factor, 10_000, 100_000);
        parameters.setThresholdFactor(factor);
        vm.prank(BRIDGE);
        manager.setLocked(CHAIN, locked);
        uint256 threshold = manager.threshold(CHAIN);
        assertEq(threshold % 1 ether, 0, "whole MT");
        if (threshold == uint256(type(uint32).max) * 1 ether) return;
        assertTrue(threshold * 10_000 >= locked * factor, "covers");
        assertTrue(threshold == 0 || (threshold - 1 ether) * 10_000 < locked * factor, "not a whole MT more");
    }

    function test_anyAmountHasAThreshold(uint256 locked) public {
        locked = between(locked, 2 ** 92, type(uint256).max);
        vm.prank(BRIDGE);
        manager.setLocked(CHAIN, locked);
        assertEq(manager.threshold(CHAIN), uint256(type(uint32).max) * 1 ether, "the largest");
        assertTrue(!manager.admits(locked), "nobody has that");
    }

    function test_aThresholdIsThatOfTheCloseOfEachEpoch(uint256[6] memory locked, uint8[6] memory blocks) public {
        uint256[4] memory closing;
        for (uint256 i = 0; i < locked.length; i++) {
            uint64 before = uint64(block.number) / EPOCH_BLOCKS;
            vm.roll(block.number + blocks[i] % 20);
            uint64 epoch = uint64(block.number) / EPOCH_BLOCKS;
            for (uint256 e = before; e < epoch; e++) {
                closing = [closing[0], closing[0], closing[1], closing[2]];
            }
            uint256 units = locked[i] % 1000;
            vm.prank(BRIDGE);
            manager.setLocked(CHAIN, units * 1 ether);
            closing[0] = units * 1 ether;
            for (uint64 age = 0; age < 4; age++) {
                assertEq(manager.thresholdAt(CHAIN, epoch - age), closing[age], "as of the close");
            }
        }
    }

    function test_anUnchangedThresholdSaysNothing() public {
        vm.expectEmit(true, false, false, true, address(manager));
        emit IBondManager.ThresholdChanged(CHAIN, 2);
        vm.prank(BRIDGE);
        manager.setLocked(CHAIN, 1 ether + 1);
        vm.roll(block.number + EPOCH_BLOCKS);
        vm.prank(BRIDGE);
        manager.setLocked(CHAIN, 2 ether);
        assertEq(manager.thresholdAt(CHAIN, uint64(block.number) / EPOCH_BLOCKS - 1), 2 ether, "of the first call");
    }

    function test_aDepositIsAdmittedWhileEnoughSequencersCoverIt(uint256 locked) public {
        enrol(ALICE, 3 * MIN_STAKE);
        enrol(BOB, 2 * MIN_STAKE);
        locked = between(locked, 0, 4 * MIN_STAKE);
        assertTrue(manager.admits(locked) == (locked <= 2 * MIN_STAKE), "two cover it");
        parameters.setMinEligible(1);
        assertTrue(manager.admits(locked) == (locked <= 3 * MIN_STAKE), "one covers it");
        parameters.setMinEligible(3);
        assertTrue(!manager.admits(locked), "no three");
    }
}
