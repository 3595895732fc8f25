// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title The grid of effective stakes
/// @notice A stake counts in draws as whole MT, rounded down to five significant bits. Position g of the grid has the
/// value g below 32 and (16 + g % 16) * 2^(g / 16 - 1) from there on; position 0 is no stake. Neighbours differ by a
/// sixteenth at most, so splitting or joining stakes changes their weight by less than that.
library StakeGrid {
    /// @notice Positions that a stake can have: 0 to POSITIONS - 1.
    uint256 internal constant POSITIONS = 464;
    /// @notice Largest stake that the grid tells apart, in whole MT.
    uint256 internal constant MAX_STAKE = type(uint32).max;
    uint256 private constant MT = 1 ether;

    /// @notice Position of a stake: that of the largest value which is not above it.
    /// @param stakeWei Wei of MT; above MAX_STAKE it counts as MAX_STAKE.
    /// @return Position on the grid.
    function positionOf(uint256 stakeWei) internal pure returns (uint256) {
        uint256 stake = stakeWei / MT;
        return _floor(stake > MAX_STAKE ? MAX_STAKE : stake);
    }

    /// @notice First position whose value reaches a threshold.
    /// @param thresholdWei Wei of MT.
    /// @return Position from 1 on; POSITIONS where no value reaches the threshold.
    function positionReaching(uint256 thresholdWei) internal pure returns (uint256) {
        if (thresholdWei <= MT) return 1;
        uint256 threshold = (thresholdWei - 1) / MT + 1;
        if (threshold > MAX_STAKE) return POSITIONS;
        uint256 position = _floor(threshold);
        return valueOf(position) == threshold ? position : position + 1;
    }

    /// @notice Effective stake of a position.
    /// @param position Position below POSITIONS.
    /// @return Whole MT.
    function valueOf(uint256 position) internal pure returns (uint256) {
        return position < 32 ? position : (16 + (position & 15)) << ((position >> 4) - 1);
    }

    function _floor(uint256 stake) private pure returns (uint256) {
        if (stake < 32) return stake;
        uint256 exponent = Math.log2(stake) - 4;
        return 16 * exponent + (stake >> exponent);
    }
}
