// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BondManager} from "../src/BondManager.sol";
import {BondPools} from "../src/BondPools.sol";
import {BondsTest} from "./base/BondsTest.sol";

/// @notice Fines, which a sequencer survives, and locks that are renewed.
/// forge-config: default.fuzz.runs = 64
contract BondFinesTest is BondsTest {
    uint256 private constant OWN = 4 * MIN_STAKE;
    uint256 private constant DELEGATED = 6 * MIN_STAKE;

    function setUp() public {
        deployBonds();
        enrol(ALICE, OWN);
        stake(BOB, ALICE, DELEGATED);
    }

    function fine(uint256 amount) private returns (uint256) {
        vm.prank(ROLLUP);
        return manager.fine(CHAIN, ALICE, amount, PROVER);
    }

    function renew() private {
        vm.prank(ROLLUP);
        manager.renewLock(CHAIN, ALICE);
    }

    function worthOf(address holder) private view returns (uint256 worth) {
        (, worth) = manager.stakeOf(ALICE, holder);
    }

    function test_aFineTakesOfTheSequencersOwnAndNotMore(uint256 amount) public {
        uint256 burnt = token.totalSupply();
        uint256 taken = amount < OWN ? amount : OWN;
        assertEq(fine(amount), taken, "fined");
        assertEq(worthOf(ALICE), OWN - taken, "own");
        assertEq(worthOf(BOB), DELEGATED, "delegated");
        uint256 reward = taken / 2;
        assertEq(token.balanceOf(PROVER), reward, "reward");
        assertEq(burnt - token.totalSupply(), taken - reward, "burnt");
        assertEq(token.balanceOf(address(manager)), OWN + DELEGATED - taken, "held");
        assertTrue(pool.isActive(ALICE), "not ejected");
    }

    function request(address holder, uint256 shares) private returns (uint256) {
        vm.prank(holder);
        return manager.requestUnstake(ALICE, shares);
    }

    function withdraw(address holder, uint256 id) private returns (uint256) {
        vm.prank(holder);
        return manager.withdrawStake(ALICE, id);
    }

    /// @dev Whoever is on the way out with all that it has pays when it goes.
    function test_aFineIsOwedByWhatIsOnItsWayOut(uint256 leaving, uint256 amount) public {
        leaving = between(leaving, 1, OWN);
        amount = between(amount, 0, 2 * OWN);
        uint256 id = request(ALICE, leaving);
        uint256 bobs = request(BOB, DELEGATED);
        uint256 burnt = token.totalSupply();
        uint256 active = OWN - leaving;
        uint256 fined = fine(amount);
        assertEq(fined, amount < active ? amount : active, "at once");
        uint256 owed = amount - fined < leaving ? amount - fined : leaving;
        assertEq(manager.debtOf(ALICE), owed, "owed");
        pass(UNBONDING);
        assertEq(withdraw(BOB, bobs), DELEGATED, "delegators lose nothing");
        assertEq(withdraw(ALICE, id), leaving - owed, "kept back");
        assertEq(token.balanceOf(ALICE), leaving - owed, "paid");
        assertEq(burnt - token.totalSupply(), fined - fined / 2 + owed, "burnt");
        assertEq(manager.debtOf(ALICE), 0, "settled");
        assertEq(token.balanceOf(address(manager)), active - fined, "what is left");
    }

    function test_aDebtIsNoMoreThanTheSequencersOwn(uint256 first, uint256 second) public {
        uint256 id = request(ALICE, OWN);
        fine(first);
        fine(second);
        assertTrue(manager.debtOf(ALICE) <= OWN, "its own");
        pass(UNBONDING);
        withdraw(ALICE, id);
        assertEq(manager.debtOf(ALICE), 0, "settled");
    }

    function test_aShareStillCostsOneWei(uint256 amount, uint256 more) public {
        more = between(more, 1, DELEGATED);
        fine(between(amount, 0, OWN));
        assertEq(stake(CAROL, ALICE, more), more, "shares");
        assertEq(worthOf(CAROL), more, "worth");
    }

    function test_aFinedSequencerIsDrawnByWhatIsLeft(uint256 amount) public {
        amount = between(amount, 0, OWN);
        fine(amount);
        uint256 left = OWN - amount < MIN_STAKE ? 0 : OWN + DELEGATED - amount;
        assertEq(pool.stakeWei(ALICE), left, "drawn by");
    }

    function test_aFineLeavesOtherLocksCovered(uint256 own, uint256 other, uint256 amount) public {
        own = between(own, 0, OWN + DELEGATED);
        other = between(other, 0, OWN + DELEGATED - own);
        lock(CHAIN, ALICE, own);
        pass(MAX_WINDOW);
        lock(CHAIN, ALICE, own / 2);
        lock(OTHER_CHAIN, ALICE, other);
        fine(amount);
        uint256 total = totalOf(ALICE);
        assertEq(manager.lockOf(ALICE, OTHER_CHAIN), other, "others");
        assertTrue(manager.totalLocked(ALICE) <= total, "covered");
        uint256 left = total - other;
        assertEq(manager.lockOf(ALICE, CHAIN), own < left ? own : left, "cut no more than it has to be");
    }

    function test_onlySequencersAreFinedAndOnlyByTheRollup(address caller) public {
        vm.assume(caller != ROLLUP);
        vm.expectRevert(abi.encodeWithSelector(BondManager.OnlyNeighbour.selector, caller, ROLLUP));
        vm.prank(caller);
        manager.fine(CHAIN, ALICE, 1, PROVER);
        vm.expectRevert(abi.encodeWithSelector(BondManager.OnlyNeighbour.selector, caller, ROLLUP));
        vm.prank(caller);
        manager.renewLock(CHAIN, ALICE);
        vm.expectRevert(abi.encodeWithSelector(BondPools.WrongStatus.selector, CAROL, BondPools.SequencerStatus.None));
        vm.prank(ROLLUP);
        manager.fine(CHAIN, CAROL, 1, PROVER);
    }

    function test_whoWasConvictedIsFinedAtTheSharesPrice(uint256 slashed, uint256 amount) public {
        slash(CHAIN, ALICE, between(slashed, 1, OWN + DELEGATED));
        uint256 own = worthOf(ALICE);
        uint256 delegated = worthOf(BOB);
        amount = between(amount, 0, OWN);
        assertEq(fine(amount), amount < own ? amount : own, "fined");
        assertTrue(manager.debtOf(ALICE) <= 1, "no debt beyond rounding");
        assertTrue(worthOf(BOB) >= delegated, "delegators lose nothing");
        assertTrue(manager.isConvicted(ALICE), "barred as before");
    }

    function test_aRenewedLockLastsAnotherWindow(uint256 wait, uint256 amount) public {
        amount = between(amount, 1, OWN + DELEGATED);
        lock(CHAIN, ALICE, amount);
        pass(between(wait, 0, MAX_WINDOW));
        renew();
        pass(MAX_WINDOW);
        assertEq(manager.lockOf(ALICE, CHAIN), amount, "in force");
        pass(MAX_WINDOW);
        assertEq(manager.lockOf(ALICE, CHAIN), 0, "not for ever");
        renew();
        assertEq(manager.lockOf(ALICE, CHAIN), 0, "what has run out is not renewed");
        releaseOne(ALICE, CHAIN);
        assertEq(manager.totalLocked(ALICE), 0, "released");
    }
}
