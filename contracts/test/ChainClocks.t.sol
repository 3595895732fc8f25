// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ChainClocks} from "../src/ChainClocks.sol";
import {Test} from "./base/Test.sol";

/// @notice Clocks against seconds counted one by one.
/// forge-config: default.fuzz.runs = 64
contract ChainClocksTest is Test {
    using ChainClocks for ChainClocks.Clock;

    uint256 private constant START = 1_800_000_000;
    uint256 private constant SECONDS = 200;

    ChainClocks.Clock private clock;

    function stood(bool[] memory seconds_, uint256 since, uint256 until) private pure returns (uint256 count) {
        for (uint256 i = since; i < until; i++) {
            if (seconds_[i]) count++;
        }
    }

    /// @dev Holds and releases at random; notes of each second whether the clock stood in it.
    function live(uint256 seed, uint64 delay) private returns (bool[] memory seconds_) {
        seconds_ = new bool[](SECONDS);
        uint256 held = 0;
        uint256 runsFrom = 0;
        for (uint256 i = 0; i < SECONDS; i++) {
            vm.warp(START + i);
            uint256 dice = uint256(keccak256(abi.encode(seed, i))) % 16;
            if (dice == 0) {
                clock.hold(uint64(i));
                held++;
            } else if (dice <= 2 && held != 0) {
                clock.release(delay);
                held--;
                if (held == 0) runsFrom = i + delay;
            }
            seconds_[i] = held != 0 || i < runsFrom;
            assertEq(clock.stands() ? 1 : 0, seconds_[i] ? 1 : 0, "stands");
        }
        vm.warp(START + SECONDS);
    }

    function test_timeWithoutPausesIsCountedExactly(uint256 seed, uint256 delay) public {
        bool[] memory seconds_ = live(seed, uint64(between(delay, 0, 12)));
        for (uint256 since = 0; since < SECONDS; since++) {
            assertEq(clock.stoodSince(uint64(START + since)), stood(seconds_, since, SECONDS), "stood");
        }
        assertEq(clock.stoodSince(uint64(START - 1)), stood(seconds_, 0, SECONDS), "before all");
        assertEq(clock.stoodSince(uint64(block.timestamp)), 0, "now");
    }

    function test_whatWasOverOnceStaysOver(uint256 seed, uint256 window) public {
        window = between(window, 1, SECONDS);
        bool over = false;
        uint256 held = 0;
        for (uint256 i = 0; i < SECONDS; i++) {
            vm.warp(START + i);
            uint256 dice = uint256(keccak256(abi.encode(seed, i))) % 8;
            if (dice == 0) {
                clock.hold(0);
                held++;
            } else if (dice == 1 && held != 0) {
                clock.release(3);
                held--;
            }
            bool isOver = block.timestamp >= START + window + clock.stoodSince(uint64(START));
            assertTrue(isOver || !over, "over");
            over = isOver;
        }
    }

    function test_aClockThatNeverStoodNeverStood(uint64 since) public view {
        assertEq(clock.stoodSince(since), 0, "stood");
        assertTrue(!clock.stands(), "runs");
    }

    function test_aPauseIsForTheEarliestThatHoldsItAndAllAfter() public {
        vm.warp(START);
        clock.hold(7);
        clock.hold(4);
        clock.hold(9);
        assertTrue(!clock.isHeldBefore(3), "before");
        assertTrue(clock.isHeldBefore(4) && clock.isHeldBefore(100), "from it on");
        for (uint256 i = 0; i < 3; i++) {
            clock.release(5);
        }
        assertTrue(clock.isHeldBefore(4), "stands on");
        vm.warp(START + 5);
        assertTrue(!clock.isHeldBefore(4), "runs");
        clock.hold(8);
        assertTrue(!clock.isHeldBefore(7), "forgotten");
    }
}
