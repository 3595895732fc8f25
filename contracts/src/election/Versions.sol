// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Numbers that remember what they were at the close of the last epochs
/// @notice One word holds the last four changes of a number below 2^32, each with its epoch, newest first: from the lowest
/// bits, (value, epoch) of 32 bits each, four times. The word zero is a number that was always zero.
/// @dev A word whose newest change is of epoch n answers exactly for every epoch from n - 3 on: its four changes are of
/// four different epochs, so the oldest is of n - 3 or before. Who asks for the present epoch or one of the three before
/// and changes words in the present epoch alone always gets an exact answer.
library Versions {
    uint256 private constant VALUE = type(uint32).max;
    uint256 private constant ENTRY_BITS = 64;

    /// @notice The epoch lies before the oldest change that the word remembers.
    error VersionForgotten(uint256 epoch);
    /// @notice A change of an epoch before the newest one.
    error EpochWentBack(uint256 epoch, uint256 newest);
    /// @notice An epoch that does not fit 32 bits.
    error EpochTooLarge(uint256 epoch);

    /// @notice The number at the close of an epoch (its present value where the epoch is not over).
    /// @param word The word.
    /// @param epoch The epoch; any from newest - 3 on.
    /// @return The value.
    function at(uint256 word, uint256 epoch) internal pure returns (uint32) {
        for (uint256 entry = 0; entry < 4; entry++) {
            if (((word >> 32) & VALUE) <= epoch) return uint32(word);
            word >>= ENTRY_BITS;
        }
        revert VersionForgotten(epoch);
    }

    /// @notice The number as it stands.
    /// @param word The word.
    /// @return The value.
    function latest(uint256 word) internal pure returns (uint32) {
        return uint32(word);
    }

    /// @notice The word after a change. Changes within one epoch overwrite each other: only the last one counts.
    /// @param word The word.
    /// @param epoch Epoch of the change, at least that of the newest change, below 2^32.
    /// @param value The value from now on.
    /// @return The new word.
    function set(uint256 word, uint256 epoch, uint32 value) internal pure returns (uint256) {
        if (epoch > VALUE) revert EpochTooLarge(epoch);
        uint256 newest = (word >> 32) & VALUE;
        if (epoch < newest) revert EpochWentBack(epoch, newest);
        if (epoch == newest) return (word >> 32 << 32) | value;
        return (word << ENTRY_BITS) | (epoch << 32) | value;
    }
}
