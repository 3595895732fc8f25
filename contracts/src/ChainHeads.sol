// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice Where a chain stands.
/// @param nextIndex Number of its next batch.
/// @param lastBlock Number of its last block.
/// @param queueEnd Number of queue items that it consumed.
/// @param generation Count of its rollbacks.
/// @param postedAt L1 block of its last batch.
/// @param claimedSlot Slot of the last claim.
/// @param rank Who claimed it.
/// @param previousRank Who had it before.
/// @param exiting Whether the chain turned to exit.
struct Head {
    uint40 nextIndex;
    uint48 lastBlock;
    uint40 queueEnd;
    uint32 generation;
    uint40 postedAt;
    uint32 claimedSlot;
    uint8 rank;
    uint8 previousRank;
    bool exiting;
}

/// @title Heads of chains in one word of storage each
/// @notice The fields from the lowest bits up, in the order of {Head}.
/// @dev Packed by hand: the compiler would read and write the word once for every field.
library ChainHeads {
    /// @notice The head that a word holds.
    /// @param word A word of {pack}; zero is a chain without batches.
    /// @return head The head.
    function unpack(uint256 word) internal pure returns (Head memory head) {
        head.nextIndex = uint40(word);
        head.lastBlock = uint48(word >> 40);
        head.queueEnd = uint40(word >> 88);
        head.generation = uint32(word >> 128);
        head.postedAt = uint40(word >> 160);
        head.claimedSlot = uint32(word >> 200);
        head.rank = uint8(word >> 232);
        head.previousRank = uint8(word >> 240);
        head.exiting = isExiting(word);
    }

    /// @notice Whether the chain turned to exit.
    /// @param word A word of {pack}.
    /// @return True if it did.
    function isExiting(uint256 word) internal pure returns (bool) {
        return word >> 248 != 0;
    }

    /// @notice A head in a word.
    /// @param head The head.
    /// @return The word.
    function pack(Head memory head) internal pure returns (uint256) {
        uint256 posted = uint256(head.nextIndex) | uint256(head.lastBlock) << 40 | uint256(head.queueEnd) << 88
            | uint256(head.generation) << 128 | uint256(head.postedAt) << 160;
        uint256 claimed =
            uint256(head.claimedSlot) << 200 | uint256(head.rank) << 232 | uint256(head.previousRank) << 240;
        return posted | claimed | (head.exiting ? uint256(1) << 248 : 0);
    }
}
