// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Clocks of chains: time that counts for windows, without the time in which the clock stood
/// @notice A clock stands as long as at least one batch holds it, and a while after. One word tells of a chain whose clock never
/// stood, or stood once; earlier pauses are found by binary search.
library ChainClocks {
    /// @notice A pause that is over.
    /// @param start When the clock stopped, in seconds.
    /// @param end When it ran on.
    /// @param before Seconds of all pauses before it.
    struct Pause {
        uint64 start;
        uint64 end;
        uint64 before;
    }

    /// @notice A chain's clock.
    /// @param stoppedAt When its last pause began, in seconds; zero: it never stood.
    /// @param runsFrom When that pause ends; NEVER while a batch holds it.
    /// @param heldFrom Smallest index of a batch that held it in that pause.
    /// @param holds How often it is held.
    /// @param earlier The pauses before.
    struct Clock {
        uint64 stoppedAt;
        uint64 runsFrom;
        uint64 heldFrom;
        uint64 holds;
        Pause[] earlier;
    }

    uint64 private constant NEVER = type(uint64).max;

    /// @notice Stops a clock, or holds it once more.
    /// @param clock The clock.
    /// @param index Index of the batch for which it stands.
    function hold(Clock storage clock, uint64 index) internal {
        if (!stands(clock)) {
            if (clock.stoppedAt != 0) {
                clock.earlier.push(Pause(clock.stoppedAt, clock.runsFrom, uint64(_beforeLast(clock))));
            }
            clock.stoppedAt = uint64(block.timestamp);
            clock.heldFrom = index;
        } else if (index < clock.heldFrom) {
            clock.heldFrom = index;
        }
        clock.runsFrom = NEVER;
        clock.holds++;
    }

    /// @notice Releases a clock once; with the last release its pause ends some seconds later.
    /// @param clock A clock that is held.
    /// @param delay The seconds.
    function release(Clock storage clock, uint64 delay) internal {
        uint64 holds = clock.holds - 1;
        clock.holds = holds;
        if (holds == 0) clock.runsFrom = uint64(block.timestamp) + delay;
    }

    /// @notice Whether a clock stands now.
    /// @param clock The clock.
    /// @return True if it does.
    function stands(Clock storage clock) internal view returns (bool) {
        return block.timestamp < clock.runsFrom;
    }

    /// @notice Whether a clock stands for this batch or an earlier one.
    /// @param clock The clock.
    /// @param index Index of the batch.
    /// @return True if it does.
    function isHeldBefore(Clock storage clock, uint64 index) internal view returns (bool) {
        return stands(clock) && index >= clock.heldFrom;
    }

    /// @notice Seconds for which a clock stood since a time.
    /// @param clock The clock.
    /// @param since The time in seconds, not after the present.
    /// @return The seconds.
    function stoodSince(Clock storage clock, uint64 since) internal view returns (uint256) {
        uint256 start = clock.stoppedAt;
        if (start == 0) return 0;
        uint256 end = clock.runsFrom;
        if (end > block.timestamp) end = block.timestamp;
        if (since >= start) return end > since ? end - since : 0;
        return end - start + _beforeLast(clock) - _stoodUntil(clock.earlier, since);
    }

    /// @dev Seconds of all pauses before the last one.
    function _beforeLast(Clock storage clock) private view returns (uint256) {
        uint256 count = clock.earlier.length;
        if (count == 0) return 0;
        Pause memory pause = clock.earlier[count - 1];
        return uint256(pause.before) + pause.end - pause.start;
    }

    /// @dev Seconds of the pauses that are over, up to a time.
    function _stoodUntil(Pause[] storage pauses, uint256 time) private view returns (uint256) {
        // pauses below `low` began at or before the time, those from `high` on began after it
        uint256 low = 0;
        uint256 high = pauses.length;
        while (low < high) {
            uint256 middle = (low + high) / 2;
            if (pauses[middle].start <= time) low = middle + 1;
            else high = middle;
        }
        if (low == 0) return 0;
        Pause memory pause = pauses[low - 1];
        return uint256(pause.before) + (time < pause.end ? time : pause.end) - pause.start;
    }
}
