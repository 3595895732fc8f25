// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Locks: how long a sequencer's stake is bound to a DAC, in one word
/// @notice Time is cut into periods of `maxWindow` seconds. A word holds the largest amounts that were locked in its
/// period and in the one before: period << 192 | current << 96 | previous. A lock of period p is in force until the end of
/// period p + 1: for at least maxWindow and less than twice that.
library Locks {
    uint256 private constant AMOUNT = type(uint96).max;

    /// @notice The amount that a word binds as long as its period is the present one: the larger of its two.
    /// @param word A word.
    /// @return Wei of MT.
    function valueOf(uint256 word) internal pure returns (uint256) {
        uint256 previous = word & AMOUNT;
        uint256 present = current(word);
        return present > previous ? present : previous;
    }

    /// @notice The largest amount that was locked in the word's own period.
    /// @param word A word.
    /// @return Wei of MT.
    function current(uint256 word) internal pure returns (uint256) {
        return (word >> 96) & AMOUNT;
    }

    /// @notice A word as it stands in a later period: amounts that are older than the period before are dropped.
    /// @param word A word.
    /// @param period The present period, not before the word's.
    /// @return The word of that period; zero where nothing is in force.
    function carry(uint256 word, uint256 period) internal pure returns (uint256) {
        uint256 own = word >> 192;
        if (own == period) return word;
        uint256 left = own + 1 == period ? current(word) : 0;
        return left == 0 ? 0 : period << 192 | left;
    }

    /// @notice Locks an amount in a period: its largest amount becomes at least this.
    /// @param word A word that was carried into the period.
    /// @param period The present period.
    /// @param amount Wei of MT, below 2^96.
    /// @return The word with the amount.
    function raise(uint256 word, uint256 period, uint256 amount) internal pure returns (uint256) {
        uint256 present = current(word);
        return period << 192 | (amount > present ? amount : present) << 96 | (word & AMOUNT);
    }

    /// @notice Cuts the amounts of a word.
    /// @param word A word.
    /// @param most What each of its two amounts may be at most, wei of MT.
    /// @return The word.
    function cut(uint256 word, uint256 most) internal pure returns (uint256) {
        uint256 previous = word & AMOUNT;
        uint256 present = current(word);
        if (previous > most) previous = most;
        if (present > most) present = most;
        return word >> 192 << 192 | present << 96 | previous;
    }
}
