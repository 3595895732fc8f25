// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {EndWords, FrameWords, Marks} from "./SliceStates.sol";

/// @title SliceAnswers: the words that SliceInterpreter takes and gives
library SliceAnswers {
    /// @dev Words before the stack's, in an answer.
    uint256 private constant HEAD_WORDS = 28;
    uint256 private constant HEADER_WORDS = 34;
    uint256 private constant PAGE_ROW_BYTES = 160;
    /// @dev Any odd number: whoever proves a slice could choose it, and only makes his own proof dearer.
    uint256 private constant SALT = 0x9e3779b97f4a7c15f39cc0605cedc8341082276bf3a27251f86c6a11d0c18e95;

    /// @dev Limits of a slice, and how much evidence there is.
    struct Counts {
        uint256 gasLimit;
        uint256 byteLimit;
        uint256 opened;
        uint256 codeBytes;
        uint256 accounts;
        uint256 slots;
        uint256 hashes;
        uint256 pages;
    }

    /// @notice The header of SliceLayout.sol, without the bytes of codes.
    function header(
        Counts memory counts,
        FrameWords memory frame,
        Marks memory marks,
        bool isReturning,
        EndWords memory end
    ) internal pure returns (uint256[] memory words) {
        words = new uint256[](HEADER_WORDS);
        (words[0], words[1], words[2], words[3]) = (counts.gasLimit, counts.byteLimit, isReturning ? 1 : 0, frame.depth);
        (words[4], words[5], words[6]) = (uint160(frame.caller), frame.value, frame.flags);
        (words[7], words[8], words[9], words[10]) = (frame.gas, frame.pc, frame.stackHeight, counts.opened);
        words[11] = frame.memoryBytes;
        (words[12], words[13], words[14]) = (frame.input.memoryBytes, frame.input.offset, frame.input.length);
        (words[15], words[16], words[17]) = isReturning
            ? (end.output.memoryBytes, end.output.offset, end.output.length)
            : (frame.returned.memoryBytes, frame.returned.offset, frame.returned.length);
        (words[18], words[19], words[20]) = (frame.outOffset, frame.outLength, uint160(frame.made));
        if (isReturning) (words[21], words[22]) = (end.status, end.gasLeft);
        (words[23], words[24]) = (uint256(marks.refund), uint256(marks.logs));
        (words[25], words[26], words[27]) = (marks.logBytes, marks.logCount, counts.codeBytes);
        (words[28], words[29], words[30]) = (counts.accounts, counts.slots, counts.hashes);
        (words[31], words[33]) = (counts.pages, SALT);
    }

    /// @notice How the slice ended.
    function kindOf(bytes memory answer) internal pure returns (uint256) {
        return wordOf(answer, 0) & 0xff;
    }

    function wordOf(bytes memory answer, uint256 index) internal pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(add(add(answer, 0x20), shl(5, index)))
        }
    }

    function marksOf(bytes memory answer) internal pure returns (Marks memory marks) {
        (marks.refund, marks.logs) = (int256(wordOf(answer, 9)), bytes32(wordOf(answer, 10)));
        (marks.logBytes, marks.logCount) = (wordOf(answer, 11), wordOf(answer, 12));
    }

    /// @notice Where the stack's words stand in memory that the interpreter was handed or wrote, and their number.
    function stackOf(bytes memory answer) internal pure returns (uint256 start, uint256 count) {
        count = wordOf(answer, 3) - wordOf(answer, 4);
        assembly ("memory-safe") {
            start := add(answer, add(0x20, mul(HEAD_WORDS, 0x20)))
        }
    }

    /// @notice Words of accounts and slots.
    function worldOf(bytes memory answer, uint256 accountWords, uint256 slotWords)
        internal
        pure
        returns (uint256[] memory accounts, uint256[] memory slots)
    {
        (uint256 start, uint256 count) = stackOf(answer);
        accounts = _words(start + 32 * count, accountWords);
        slots = _words(start + 32 * (count + accountWords), slotWords);
    }

    /// @notice Where the rows of pages stand in memory, how many are new, and where return data stand behind them.
    function pagesOf(bytes memory answer, uint256 worldWords, uint256 pages)
        internal
        pure
        returns (uint256 rows, uint256 added, uint256 own)
    {
        (uint256 start, uint256 count) = stackOf(answer);
        rows = start + 32 * (count + worldWords);
        added = wordOf(answer, 27);
        own = rows + PAGE_ROW_BYTES * (pages + added);
    }

    function _words(uint256 start, uint256 count) private pure returns (uint256[] memory words) {
        words = new uint256[](count);
        assembly ("memory-safe") {
            mcopy(add(words, 0x20), start, shl(5, count))
        }
    }
}
