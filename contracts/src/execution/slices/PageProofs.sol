// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {LibSort} from "solady/utils/LibSort.sol";

/// @title PageProofs: memories as binary Merkle trees over pages (decision 036)
/// @notice Fifteen levels over pages of 128 bytes. What stands behind a memory's pages is zeros and needs no hash.
library PageProofs {
    uint256 internal constant LEVELS = 15;
    uint256 internal constant PAGE_BYTES = 128;
    /// @dev A page as SliceInterpreter gives it: a word of number and flags, and its bytes.
    uint256 private constant ROW_BYTES = 160;
    uint256 private constant KNOWN = 0x1000000;

    /// @notice Pages of a proof are not in ascending order, or not in the memory.
    error PagesOutOfOrder();
    /// @notice A proof has too few hashes, or more than it needs.
    error WrongSiblings();
    /// @notice The pages are not those of the memory that was committed to.
    error WrongMemory();

    /// @dev What a root is made of.
    struct Task {
        /// Numbers of the pages, ascending, and their leaves.
        uint256[] pages;
        bytes32[] leaves;
        /// Hashes of the greatest subtrees without one of the pages, from the first on.
        bytes32[] siblings;
        uint256 next;
        /// Pages of the memory.
        uint256 end;
        /// Hashes of subtrees of zeros, by their levels.
        bytes32[] zeros;
    }

    /// @notice Hashes of subtrees of zeros, by their levels.
    function zeroHashes() internal pure returns (bytes32[] memory zeros) {
        zeros = new bytes32[](LEVELS + 1);
        zeros[0] = keccak256(new bytes(PAGE_BYTES));
        for (uint256 level = 0; level < LEVELS; level++) {
            zeros[level + 1] = keccak256(abi.encode(zeros[level], zeros[level]));
        }
    }

    /// @notice The root with the leaves that the task has now. Reverts with WrongSiblings.
    function root(Task memory task) internal pure returns (bytes32 hash) {
        task.next = 0;
        hash = _node(task, LEVELS, 0, 0, task.pages.length);
        if (task.next != task.siblings.length) revert WrongSiblings();
    }

    /// @notice Adds pages that a slice filled behind the memory's end, from rows of number and content in memory, in any
    /// order; those of zeros are none. Their leaves are those of the rows.
    function add(Task memory task, uint256 rows, uint256 count) internal pure {
        if (count == 0) return;
        bytes32 zero = task.zeros[0];
        // Number of each, and below it where the row stands.
        uint256[] memory found = new uint256[](count);
        assembly ("memory-safe") {
            let out := add(found, 0x20)
            for { let end := add(rows, mul(count, ROW_BYTES)) } lt(rows, end) { rows := add(rows, ROW_BYTES) } {
                if xor(keccak256(add(rows, 0x20), PAGE_BYTES), zero) {
                    mstore(out, or(shl(32, and(mload(rows), 0xffff)), rows))
                    out := add(out, 0x20)
                }
            }
            mstore(found, shr(5, sub(out, add(found, 0x20))))
        }
        LibSort.sort(found);
        uint256 given = task.pages.length;
        uint256[] memory pages = new uint256[](given + found.length);
        bytes32[] memory leaves = new bytes32[](given + found.length);
        for (uint256 i = 0; i < pages.length; i++) {
            if (i < given) (pages[i], leaves[i]) = (task.pages[i], task.leaves[i]);
            else (pages[i], leaves[i]) = _row(uint32(found[i - given]));
        }
        (task.pages, task.leaves) = (pages, leaves);
    }

    /// @notice The leaves before the slice: behind the first `given` all are zeros.
    function leavesBefore(Task memory task, uint256 given) internal pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](task.leaves.length);
        for (uint256 i = 0; i < leaves.length; i++) {
            leaves[i] = i < given ? task.leaves[i] : task.zeros[0];
        }
    }

    /// @notice Takes the leaves of the first `given` pages from rows, where the slice knows their contents.
    function update(Task memory task, uint256 rows, uint256 given) internal pure {
        for (uint256 i = 0; i < given; i++) {
            uint256 word;
            assembly ("memory-safe") {
                word := mload(add(rows, mul(i, ROW_BYTES)))
            }
            if (word & KNOWN != 0) (, task.leaves[i]) = _row(rows + ROW_BYTES * i);
        }
    }

    /// @notice The root over bytes in memory, zeros behind them.
    function rootOf(uint256 start, uint256 length, bytes32[] memory zeros) internal pure returns (bytes32) {
        Task memory task;
        uint256 count = (length + PAGE_BYTES - 1) / PAGE_BYTES;
        (task.pages, task.leaves, task.zeros) = (new uint256[](count), new bytes32[](count), zeros);
        bytes memory page = new bytes(PAGE_BYTES);
        for (uint256 i = 0; i < count; i++) {
            uint256 left = length - PAGE_BYTES * i;
            if (left > PAGE_BYTES) left = PAGE_BYTES;
            else if (left < PAGE_BYTES) page = new bytes(PAGE_BYTES);
            assembly ("memory-safe") {
                mcopy(add(page, 0x20), add(start, mul(i, PAGE_BYTES)), left)
            }
            (task.pages[i], task.leaves[i]) = (i, keccak256(page));
        }
        return root(task);
    }

    /// @dev Number and leaf of a row.
    function _row(uint256 row) private pure returns (uint256 page, bytes32 leaf) {
        assembly ("memory-safe") {
            page := and(mload(row), 0xffff)
            leaf := keccak256(add(row, 0x20), PAGE_BYTES)
        }
    }

    /// @dev A subtree whose pages are those from `from` to `to` of the task's.
    function _node(Task memory task, uint256 level, uint256 first, uint256 from, uint256 to)
        private
        pure
        returns (bytes32 hash)
    {
        unchecked {
            if (from == to) {
                if (first >= task.end) return task.zeros[level];
                if (task.next == task.siblings.length) revert WrongSiblings();
                return task.siblings[task.next++];
            }
            if (level == 0) return task.leaves[from];
            level--;
            uint256 middle = first + (1 << level);
            uint256 split = _split(task.pages, from, to, middle);
            bytes32 left = _node(task, level, first, from, split);
            bytes32 right = _node(task, level, middle, split, to);
            assembly ("memory-safe") {
                mstore(0x00, left)
                mstore(0x20, right)
                hash := keccak256(0x00, 0x40)
            }
        }
    }

    /// @dev The first of the pages between two places that is not below a number.
    function _split(uint256[] memory pages, uint256 from, uint256 to, uint256 least)
        private
        pure
        returns (uint256 place)
    {
        assembly ("memory-safe") {
            let start := add(pages, 0x20)
            for {} lt(from, to) {} {
                let middle := shr(1, add(from, to))
                switch lt(mload(add(start, shl(5, middle))), least)
                case 1 { from := add(middle, 1) }
                default { to := middle }
            }
            place := from
        }
    }
}
