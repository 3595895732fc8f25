// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BondManager} from "../src/BondManager.sol";
import {BondPools} from "../src/BondPools.sol";
import {BondsTest} from "./base/BondsTest.sol";
import {GenerousReward} from "./broken/BrokenBonds.sol";

contract BondsAttacksTest is BondsTest {
    function setUp() public {
        deployBonds();
        enrol(ALICE, 10 * MIN_STAKE);
        enrol(BOB, 10 * MIN_STAKE);
    }

    function test_whoUnstakesRightBeforeADepositIsNotCountedForIt() public {
        assertTrue(manager.admits(10 * MIN_STAKE), "two cover it");
        unstake(BOB, BOB, 1 ether);
        assertTrue(!manager.admits(10 * MIN_STAKE), "one does not");
        assertTrue(manager.admits(10 * MIN_STAKE - 1 ether), "what is left still counts");
    }

    function test_theSecondOfTwoDepositsCountsTheFirst(uint256 first, uint256 second) public {
        first = between(first, 1, 10 * MIN_STAKE);
        second = between(second, 1, 10 * MIN_STAKE);
        vm.prank(BRIDGE);
        manager.setLocked(CHAIN, first);
        assertTrue(manager.admits(first) && manager.admits(second), "each alone is admitted");
        assertTrue(manager.admits(first + second) == (first + second <= 10 * MIN_STAKE), "both together may not be");
    }

    function test_aStakeForAMomentIsBoundForTheWholeDelay(uint256 amount, uint256 wait) public {
        amount = between(amount, 1, 1e6 ether);
        wait = between(wait, 0, UNBONDING - 1);
        stake(CAROL, ALICE, amount);
        uint256 id = unstake(CAROL, ALICE, amount);
        assertEq(pool.stakeWei(ALICE), 10 * MIN_STAKE, "it left the draws again");
        vm.warp(START + wait);
        vm.expectRevert(abi.encodeWithSelector(BondPools.StillUnbonding.selector, START + UNBONDING));
        withdraw(CAROL, ALICE, id);
    }

    function test_whoPostsAndLeavesIsBoundUntilItsBatchesAreBeyondAppeal(uint256 posted, uint256 unstaked) public {
        // The lock of the first batch is there already when the stake leaves; a batch of the same period needs no new one.
        posted = between(posted, 0, MAX_WINDOW - 1);
        unstaked = between(unstaked, 0, posted);
        uint256 period = START / MAX_WINDOW * MAX_WINDOW + MAX_WINDOW;
        vm.warp(period);
        lock(CHAIN, ALICE, 10 * MIN_STAKE);
        vm.warp(period + unstaked);
        uint256 id = unstake(ALICE, ALICE, 10 * MIN_STAKE);
        vm.warp(period + posted);
        lock(CHAIN, ALICE, 10 * MIN_STAKE);
        vm.warp(period + posted + MAX_WINDOW);
        assertEq(manager.lockOf(ALICE, CHAIN), 10 * MIN_STAKE, "the last batch is covered to the end of its window");
        vm.expectRevert(abi.encodeWithSelector(BondManager.InsufficientBond.selector, ALICE, 0, 10 * MIN_STAKE));
        lock(CHAIN, ALICE, 10 * MIN_STAKE);
        releaseOne(ALICE, CHAIN);
        vm.prank(ALICE);
        (bool paid,) = address(manager).call(abi.encodeCall(manager.withdrawStake, (ALICE, id)));
        assertTrue(!paid, "nothing leaves while the lock is in force");
    }

    function test_aFirstDepositorCannotMoveThePriceOfAShare(uint256 donation, uint256 amount) public {
        donation = between(donation, 1, 1e8 ether);
        amount = between(amount, 1, 1e8 ether);
        token.transfer(address(manager), donation);
        assertEq(stake(CAROL, ALICE, amount), amount, "one wei a share");
        (, uint256 worth) = manager.stakeOf(ALICE, CAROL);
        assertEq(worth, amount, "worth what was paid");
    }

    /// @dev What sequencer and prover together lose, where they are of one mind.
    function selfConviction(uint256 own, uint256 delegated, uint256 slashed) private returns (int256 loss) {
        enrol(CAROL, own);
        if (delegated != 0) stake(address(0xD), CAROL, delegated);
        lock(CHAIN, CAROL, slashed);
        slash(CHAIN, CAROL, slashed);
        (, uint256 left) = manager.stakeOf(CAROL, CAROL);
        return int256(own) - int256(left) - int256(token.balanceOf(PROVER));
    }

    function test_aSequencerThatConvictsItselfLosesAtLeastTheBurntShare(
        uint256 own,
        uint256 delegated,
        uint256 slashed,
        uint256 share
    ) public {
        own = between(own, MIN_STAKE, 1e6 ether);
        delegated = between(delegated, 0, 1e8 ether);
        slashed = between(slashed, 1 ether, own + delegated);
        parameters.setProverShare(between(share, 1_000, 5_000));
        int256 loss = selfConviction(own, delegated, slashed);
        uint256 ownLoss = slashed * own / (own + delegated);
        assertTrue(loss >= int256(ownLoss / 2), "at least half of what is its own");
        if (delegated != 0) return;
        assertTrue(loss >= int256(slashed - slashed * parameters.proverShare() / 10_000), "the burnt share");
    }

    function test_withoutTheBoundOnRewardsASequencerTakesWhatOthersDelegated() public {
        deployNeighbours();
        useManager(new GenerousReward(neighbours(), MAX_WINDOW, UNBONDING));
        assertTrue(selfConviction(MIN_STAKE, 99 * MIN_STAKE, 100 * MIN_STAKE) < 0, "it would pay");
    }

    function test_aProverGetsItsWholeShareFromASequencerWithEnoughOfItsOwn(uint256 own, uint256 share) public {
        share = between(share, 1_000, 5_000);
        parameters.setProverShare(share);
        own = between(own, 2 * share * MIN_STAKE / 1_000, 10 * MIN_STAKE);
        enrol(CAROL, own);
        if (own != 10 * MIN_STAKE) stake(address(0xD), CAROL, 10 * MIN_STAKE - own);
        slash(CHAIN, CAROL, 10 * MIN_STAKE);
        assertEq(token.balanceOf(PROVER), MIN_STAKE * share / 1_000, "its share");
    }

    function test_whoHidesItsOwnSharesOnTheirWayOutPaysTheProverAllTheSame(uint256 hidden) public {
        stake(CAROL, ALICE, 10 * MIN_STAKE);
        unstake(ALICE, ALICE, between(hidden, 1, 10 * MIN_STAKE));
        slash(CHAIN, ALICE, 10 * MIN_STAKE);
        assertEq(token.balanceOf(PROVER), 10 * MIN_STAKE / 4, "half of its own loss of half");
    }

    function test_aDelegatorThatRunsBeforeAConvictionLosesAsIfItHadStayed(uint256 mine, uint256 amount) public {
        mine = between(mine, 1 ether, 10 * MIN_STAKE);
        amount = between(amount, 1, 10 * MIN_STAKE + mine);
        stake(CAROL, ALICE, mine);
        uint256 id = unstake(CAROL, ALICE, mine);
        slash(CHAIN, ALICE, amount);
        pass(UNBONDING);
        uint256 total = 10 * MIN_STAKE + mine;
        assertEq(withdraw(CAROL, ALICE, id), mine * (total - amount) / total, "the common loss");
    }

    function test_aFrozenBondPaysNobody(uint256 wait) public {
        uint256 id = unstake(ALICE, ALICE, MIN_STAKE);
        pass(UNBONDING);
        slash(CHAIN, ALICE, MIN_STAKE);
        uint256 frozenUntil = block.timestamp + MAX_WINDOW;
        pass(between(wait, 0, MAX_WINDOW - 1));
        vm.expectRevert(abi.encodeWithSelector(BondPools.StakeFrozen.selector, frozenUntil));
        withdraw(ALICE, ALICE, id);
        vm.warp(frozenUntil);
        assertEq(withdraw(ALICE, ALICE, id), MIN_STAKE * 9 / 10, "afterwards it does");
    }

    function test_whoWasConvictedNeverComesBack(uint256 wait) public {
        slash(CHAIN, ALICE, 1 ether);
        uint256 id = unstake(ALICE, ALICE, 10 * MIN_STAKE);
        pass(between(wait, UNBONDING, 3650 days));
        withdraw(ALICE, ALICE, id);
        bytes memory refusal =
            abi.encodeWithSelector(BondPools.WrongStatus.selector, ALICE, BondPools.SequencerStatus.Ejected);
        fund(ALICE, 10 * MIN_STAKE);
        vm.prank(ALICE);
        vm.expectRevert(refusal);
        pool.register(10 * MIN_STAKE);
        vm.prank(ALICE);
        vm.expectRevert(refusal);
        pool.leave();
        vm.prank(ALICE);
        vm.expectRevert(refusal);
        manager.stake(ALICE, MIN_STAKE);
        vm.expectRevert(refusal);
        lock(CHAIN, ALICE, 0);
        vm.expectRevert(refusal);
        manager.refreshStake(ALICE);
        assertEq(manager.freeStake(ALICE, CHAIN), 0, "nothing is free");
    }

    function test_anEmptiedBondPaysNothingAndTakesNothing() public {
        stake(CAROL, ALICE, MIN_STAKE);
        assertEq(slash(CHAIN, ALICE, 100 * MIN_STAKE), 11 * MIN_STAKE, "all of it");
        assertEq(slash(OTHER_CHAIN, ALICE, 1 ether), 0, "nothing is left to take");
        vm.prank(CAROL);
        vm.expectRevert(
            abi.encodeWithSelector(BondPools.WrongStatus.selector, ALICE, BondPools.SequencerStatus.Ejected)
        );
        manager.stake(ALICE, 1 ether);
        uint256 own = unstake(ALICE, ALICE, 10 * MIN_STAKE);
        uint256 other = unstake(CAROL, ALICE, MIN_STAKE);
        pass(UNBONDING);
        assertEq(withdraw(CAROL, ALICE, other), 0, "nothing");
        assertEq(withdraw(ALICE, ALICE, own), 0, "nothing");
        assertEq(manager.bondOf(ALICE).shares, 0, "no shares");
    }

    function test_convictionsOnAnOwnChainDoNotEatTheCoverOfOthers(uint256 amount) public {
        // Fraud on OTHER_CHAIN is to be paid with the lock there; its poster convicts itself on CHAIN before, twice.
        amount = between(amount, 1, 100 * MIN_STAKE);
        lock(CHAIN, ALICE, 4 * MIN_STAKE);
        lock(OTHER_CHAIN, ALICE, 6 * MIN_STAKE);
        assertEq(slash(CHAIN, ALICE, 4 * MIN_STAKE), 4 * MIN_STAKE, "the lock");
        assertEq(slash(CHAIN, ALICE, amount), 0, "no more than that");
        assertEq(slash(OTHER_CHAIN, ALICE, 6 * MIN_STAKE), 6 * MIN_STAKE, "the other lock is whole");
    }

    function test_locksThatRanOutShieldNobody() public {
        lock(OTHER_CHAIN, ALICE, 9 * MIN_STAKE);
        pass(2 * MAX_WINDOW);
        releaseOne(ALICE, OTHER_CHAIN);
        assertEq(slash(CHAIN, ALICE, 8 * MIN_STAKE), 8 * MIN_STAKE, "after the release");
    }
}
