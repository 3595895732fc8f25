// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BondManager} from "../src/BondManager.sol";
import {BondPools} from "../src/BondPools.sol";
import {BondsTest} from "./base/BondsTest.sol";

/// @notice Locks and convictions.
contract BondLocksTest is BondsTest {
    function setUp() public {
        deployBonds();
        enrol(ALICE, 10 * MIN_STAKE);
    }

    function expectInsufficient(uint256 free, uint256 amount) private {
        vm.expectRevert(abi.encodeWithSelector(BondManager.InsufficientBond.selector, ALICE, free, amount));
    }

    function test_aLockLastsForTheWindowAndLessThanTwo(uint256 start, uint256 later, uint256 amount) public {
        start = START + between(start, 0, 10 * MAX_WINDOW);
        amount = between(amount, 1, 10 * MIN_STAKE);
        later = between(later, 0, 3 * MAX_WINDOW);
        vm.warp(start);
        lock(CHAIN, ALICE, amount);
        vm.warp(start + later);
        uint256 inForce = manager.lockOf(ALICE, CHAIN);
        if (later <= MAX_WINDOW) assertEq(inForce, amount, "in force for the window");
        if (later >= 2 * MAX_WINDOW) assertEq(inForce, 0, "gone after two");
    }

    function test_theLargestLockOfTheWindowHolds(uint256[5] memory amounts, uint8[5] memory pauses) public {
        uint256[5] memory times;
        for (uint256 i = 0; i < amounts.length; i++) {
            pass(pauses[i] % 100);
            amounts[i] = between(amounts[i], 0, 10 * MIN_STAKE);
            times[i] = block.timestamp;
            lock(CHAIN, ALICE, amounts[i]);
            for (uint256 j = 0; j <= i; j++) {
                if (times[j] + MAX_WINDOW < block.timestamp) continue;
                assertTrue(manager.lockOf(ALICE, CHAIN) >= amounts[j], "every lock of the window");
            }
        }
    }

    function test_periodsAreNumberedForThoseWhoMayTakeLocks(uint256 time) public {
        vm.warp(START + between(time, 0, 10 * MAX_WINDOW));
        assertEq(manager.lockPeriodOf(ALICE), block.timestamp / MAX_WINDOW + 1, "active");
        assertEq(manager.lockPeriodOf(BOB), 0, "nobody");
        vm.prank(ROLLUP);
        manager.slash(CHAIN, ALICE, 1, PROVER);
        assertEq(manager.lockPeriodOf(ALICE), 0, "ejected");
    }

    function test_aStakeCountsOnceOverAllChains(uint256 first, uint256 second) public {
        first = between(first, 1, 10 * MIN_STAKE);
        second = between(second, 1, 10 * MIN_STAKE);
        lock(CHAIN, ALICE, first);
        uint256 free = 10 * MIN_STAKE - first;
        assertEq(manager.freeStake(ALICE, OTHER_CHAIN), free, "free for another");
        assertEq(manager.freeStake(ALICE, CHAIN), 10 * MIN_STAKE, "free for the same");
        if (second > free) expectInsufficient(free, second);
        lock(OTHER_CHAIN, ALICE, second);
        assertEq(manager.totalLocked(ALICE), second > free ? first : first + second, "sum");
    }

    function test_moreThanTheStakeIsNeverLocked(uint256 amount) public {
        amount = between(amount, 10 * MIN_STAKE + 1, type(uint256).max);
        expectInsufficient(10 * MIN_STAKE, amount);
        lock(CHAIN, ALICE, amount);
    }

    function test_whoIsNoSequencerLocksNothing() public {
        vm.expectRevert(abi.encodeWithSelector(BondPools.WrongStatus.selector, BOB, BondPools.SequencerStatus.None));
        lock(CHAIN, BOB, 0);
    }

    function test_whoRetiredStillPostsWhatItWasDrawnFor() public {
        vm.prank(ALICE);
        pool.leave();
        lock(CHAIN, ALICE, MIN_STAKE);
        assertEq(manager.lockOf(ALICE, CHAIN), MIN_STAKE, "locked");
    }

    function test_anybodyReleasesWhatHasRunOutAndNothingElse(address anybody, uint256 later) public {
        lock(CHAIN, ALICE, 3 * MIN_STAKE);
        later = between(later, 0, 3 * MAX_WINDOW);
        pass(later);
        uint256 inForce = manager.lockOf(ALICE, CHAIN);
        uint256[] memory chainIds = new uint256[](2);
        (chainIds[0], chainIds[1]) = (CHAIN, CHAIN);
        vm.prank(anybody);
        manager.release(ALICE, chainIds);
        assertEq(manager.totalLocked(ALICE), inForce, "what is in force");
        assertEq(manager.lockOf(ALICE, CHAIN), inForce, "as before");
    }

    function test_aReleaseIsBounded() public {
        uint256[] memory chainIds = new uint256[](65);
        vm.expectRevert(abi.encodeWithSelector(BondManager.TooManyChains.selector, 65));
        manager.release(ALICE, chainIds);
    }

    function test_aPaymentLeavesTheLocksCovered(uint256 shares) public {
        shares = between(shares, 1, 10 * MIN_STAKE);
        uint256 id = unstake(ALICE, ALICE, shares);
        // A slot that began before: the lock is within the active stake, and in force when the delay is over.
        uint256 active = 10 * MIN_STAKE - shares;
        vm.warp(START + UNBONDING - 1);
        lock(CHAIN, ALICE, active);
        stake(BOB, ALICE, MIN_STAKE);
        vm.warp(START + UNBONDING);
        assertEq(withdraw(ALICE, ALICE, id), shares, "what was not locked is paid");
        assertTrue(totalOf(ALICE) >= manager.lockOf(ALICE, CHAIN), "covered");
    }

    function test_aPaymentWaitsForALockThatItCovers() public {
        lock(CHAIN, ALICE, 10 * MIN_STAKE);
        uint256 id = unstake(ALICE, ALICE, 4 * MIN_STAKE);
        pass(MAX_WINDOW - 1);
        pass(UNBONDING);
        vm.expectRevert(abi.encodeWithSelector(BondPools.BondLocked.selector, 6 * MIN_STAKE, 10 * MIN_STAKE));
        withdraw(ALICE, ALICE, id);
        releaseOne(ALICE, CHAIN);
        assertEq(withdraw(ALICE, ALICE, id), 4 * MIN_STAKE, "after the release");
    }

    function test_aConvictionTakesTheLockOrTheThresholdAtMostWhatOthersLeave(
        uint256 locked,
        uint256 elsewhere,
        uint256 amount
    ) public {
        locked = between(locked, 0, 5 * MIN_STAKE);
        elsewhere = between(elsewhere, 0, 5 * MIN_STAKE);
        amount = between(amount, 0, 20 * MIN_STAKE);
        lock(CHAIN, ALICE, locked);
        lock(OTHER_CHAIN, ALICE, elsewhere);
        uint256 expected = amount > locked ? amount : locked;
        if (expected > 10 * MIN_STAKE - elsewhere) expected = 10 * MIN_STAKE - elsewhere;
        uint256 supply = token.totalSupply();
        vm.expectEmit(true, true, true, true, address(manager));
        emit BondManager.Slashed(ALICE, CHAIN, PROVER, expected, expected / 2, uint64(START + MAX_WINDOW));
        assertEq(slash(CHAIN, ALICE, amount), expected, "slashed");
        assertEq(token.balanceOf(PROVER), expected / 2, "prover");
        assertEq(token.totalSupply(), supply, "not yet burnt");
        assertEq(manager.burnSlashed(ALICE), expected - expected / 2, "burnt");
        assertEq(supply - token.totalSupply(), expected - expected / 2, "out of the supply");
        assertEq(manager.burnSlashed(ALICE), 0, "once");
        assertEq(totalOf(ALICE), 10 * MIN_STAKE - expected, "left");
        assertEq(manager.totalLocked(ALICE), elsewhere, "the other chain's lock stays");
        assertEq(manager.lockOf(ALICE, CHAIN), 0, "the chain's lock is spent");
        assertTrue(manager.isConvicted(ALICE), "barred");
        pool.eject(ALICE);
        assertEq(pool.stakeWei(ALICE), 0, "not drawn");
    }

    function test_aSecondConvictionFreezesAnew() public {
        lock(CHAIN, ALICE, MIN_STAKE);
        slash(CHAIN, ALICE, MIN_STAKE);
        pass(MAX_WINDOW / 2);
        assertEq(slash(OTHER_CHAIN, ALICE, 2 * MIN_STAKE), 2 * MIN_STAKE, "again");
        assertTrue(manager.isConvicted(ALICE), "barred as before");
        assertEq(manager.bondOf(ALICE).frozenUntil, START + MAX_WINDOW / 2 + MAX_WINDOW, "frozen");
    }

    function test_whoIsNoSequencerIsNotSlashed() public {
        vm.expectRevert(abi.encodeWithSelector(BondPools.WrongStatus.selector, BOB, BondPools.SequencerStatus.None));
        slash(CHAIN, BOB, 1);
    }

    function test_sharesLoseAlikeWhetherOnTheirWayOutOrNot(uint256 mine, uint256 leaving, uint256 amount) public {
        mine = between(mine, 2, 10 * MIN_STAKE);
        leaving = between(leaving, 1, mine - 1);
        amount = between(amount, 1, 10 * MIN_STAKE);
        stake(BOB, ALICE, mine);
        uint256 id = unstake(BOB, ALICE, leaving);
        uint256 total = totalOf(ALICE);
        slash(CHAIN, ALICE, amount);
        (, uint256 staying) = manager.stakeOf(ALICE, BOB);
        (, uint256 going,) = manager.unbondingOf(ALICE, BOB, id);
        assertEq(staying, (mine - leaving) * (total - amount) / total, "staying");
        assertEq(going, leaving * (total - amount) / total, "leaving");
    }

    function test_whatIsLeftAfterAConvictionIsPaidToTheLastWei(uint256 mine, uint256 amount, bool first) public {
        mine = between(mine, 1, 10 * MIN_STAKE);
        amount = between(amount, 0, 10 * MIN_STAKE + mine);
        stake(BOB, ALICE, mine);
        slash(CHAIN, ALICE, amount);
        uint256 own = unstake(ALICE, ALICE, 10 * MIN_STAKE);
        uint256 other = unstake(BOB, ALICE, mine);
        pass(UNBONDING);
        if (first) withdraw(ALICE, ALICE, own);
        uint256 paid = withdraw(BOB, ALICE, other);
        if (!first) withdraw(ALICE, ALICE, own);
        uint256 fair = mine * (10 * MIN_STAKE + mine - amount) / (10 * MIN_STAKE + mine);
        assertTrue(paid == fair || paid == fair + 1, "fair to the wei");
        manager.burnSlashed(ALICE);
        assertEq(token.balanceOf(address(manager)), 0, "nothing is left");
        assertEq(totalOf(ALICE), 0, "no tokens");
        assertEq(manager.bondOf(ALICE).shares, 0, "no shares");
    }
}
