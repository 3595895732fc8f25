// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BondsTest} from "./base/BondsTest.sol";

/// @notice One action a test, with fixed arguments; the pool is a small one, so that what counts is the bonds' own part.
contract BondsGasTest is BondsTest {
    uint256 private constant LOCKED = 5 * MIN_STAKE;

    function setUp() public {
        deployBonds();
        enrol(ALICE, 10 * MIN_STAKE);
        stake(BOB, ALICE, MIN_STAKE);
        unstake(BOB, ALICE, MIN_STAKE / 2);
        fund(BOB, MIN_STAKE);
        lock(CHAIN, ALICE, LOCKED);
        vm.prank(BRIDGE);
        manager.setLocked(CHAIN, LOCKED);
    }

    function test_gasOfStake() public {
        vm.prank(BOB);
        manager.stake(ALICE, MIN_STAKE);
    }

    function test_gasOfRequestUnstake() public {
        vm.prank(BOB);
        manager.requestUnstake(ALICE, MIN_STAKE / 4);
    }

    function test_gasOfWithdrawStake() public {
        vm.warp(START + UNBONDING);
        vm.prank(BOB);
        manager.withdrawStake(ALICE, 0);
    }

    function test_gasOfTheFirstLockOnAChain() public {
        vm.prank(ROLLUP);
        manager.lock(OTHER_CHAIN, ALICE, LOCKED);
    }

    function test_gasOfALockThatIsThere() public {
        vm.prank(ROLLUP);
        manager.lock(CHAIN, ALICE, LOCKED);
    }

    function test_gasOfALockInTheNextPeriod() public {
        vm.warp(START + MAX_WINDOW);
        vm.prank(ROLLUP);
        manager.lock(CHAIN, ALICE, LOCKED);
    }

    function test_gasOfALargerLock() public {
        vm.prank(ROLLUP);
        manager.lock(CHAIN, ALICE, LOCKED + 1 ether);
    }

    function test_gasOfSetLocked() public {
        vm.prank(BRIDGE);
        manager.setLocked(CHAIN, LOCKED + 1 ether);
    }

    function test_gasOfSetLockedWithinAWholeMT() public {
        vm.prank(BRIDGE);
        manager.setLocked(CHAIN, LOCKED - 1);
    }

    function test_gasOfSlash() public {
        vm.prank(ROLLUP);
        manager.slash(CHAIN, ALICE, LOCKED, PROVER);
    }

    function test_gasOfRelease() public {
        vm.warp(START + 2 * MAX_WINDOW);
        releaseOne(ALICE, CHAIN);
    }
}
