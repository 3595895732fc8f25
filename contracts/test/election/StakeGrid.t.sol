// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {StakeGrid} from "../../src/election/StakeGrid.sol";
import {Test} from "../base/Test.sol";

contract StakeGridTest is Test {
    uint256 private constant LAST = StakeGrid.POSITIONS - 1;

    function test_valuesAscendByASixteenthAtMostUpToTheLargestStake() public pure {
        for (uint256 position = 1; position <= LAST; position++) {
            uint256 value = StakeGrid.valueOf(position);
            uint256 before = StakeGrid.valueOf(position - 1);
            assertTrue(value > before, "ascending");
            assertTrue(position <= 32 ? value == position : (value - before) * 16 <= before, "step");
        }
        assertEq(StakeGrid.valueOf(LAST), 31 << 27, "largest");
        assertTrue(StakeGrid.valueOf(LAST) < 2 ** 32 && 32 << 27 == 2 ** 32, "the next one would not fit");
    }

    function test_everyValueIsAtItsOwnPosition() public pure {
        for (uint256 position = 1; position <= LAST; position++) {
            uint256 value = StakeGrid.valueOf(position) * 1 ether;
            assertEq(StakeGrid.positionOf(value), position, "stake");
            assertEq(StakeGrid.positionOf(value - 1), position - 1, "a wei less");
            assertEq(StakeGrid.positionReaching(value), position, "threshold");
            assertEq(StakeGrid.positionReaching(value + 1), position + 1, "a wei more");
        }
        assertEq(StakeGrid.positionOf(0), 0, "none");
        assertEq(StakeGrid.positionReaching(0), 1, "no threshold");
        assertEq(StakeGrid.positionOf(type(uint256).max), LAST, "any stake");
        assertEq(StakeGrid.positionReaching(type(uint256).max), StakeGrid.POSITIONS, "nobody");
    }

    function testFuzz_aStakeIsRoundedDownAndAThresholdUp(uint256 stakeWei, uint256 thresholdWei) public pure {
        stakeWei = between(stakeWei, 0, 2 ** 32 * 1 ether - 1);
        thresholdWei = between(thresholdWei, 0, 2 ** 32 * 1 ether - 1);
        uint256 position = StakeGrid.positionOf(stakeWei);
        assertTrue(StakeGrid.valueOf(position) * 1 ether <= stakeWei, "not above the stake");
        if (position >= StakeGrid.positionReaching(thresholdWei)) assertTrue(stakeWei >= thresholdWei, "reaches it");
    }

    function testFuzz_whatSplittingGainsOrLosesIsLessThanASixteenthAndOneMT(uint256 stakeWei, uint256 parts)
        public
        pure
    {
        stakeWei = between(stakeWei, 1 ether, 2 ** 32 * 1 ether - 1);
        parts = between(parts, 2, 64);
        uint256 whole = StakeGrid.valueOf(StakeGrid.positionOf(stakeWei));
        uint256 split = parts * StakeGrid.valueOf(StakeGrid.positionOf(stakeWei / parts));
        assertTrue(split * 1 ether <= stakeWei, "never more than the stake");
        assertTrue((split - (split < whole ? split : whole)) * 16 < whole + 16, "gained");
    }
}
