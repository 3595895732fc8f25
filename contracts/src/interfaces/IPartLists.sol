// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice Commitments that were shown of a transaction's parts: the one before the first of them, then one after every
/// `every`th, and the one after the last.
/// @param root Merkle root of the commitments; 0: nothing was shown.
/// @param parts How many parts they are about.
/// @param every Parts between one commitment and the next; between the last two it may be fewer.
struct PartList {
    bytes32 root;
    uint64 parts;
    uint64 every;
}

/// @title What was shown of transactions' parts
interface IPartLists {
    /// @notice The commitments that were shown as an answer.
    /// @param batchHash Hash of the batch.
    /// @param item Number of what was asked for.
    /// @return The list.
    function partsOf(bytes32 batchHash, uint256 item) external view returns (PartList memory);
}
