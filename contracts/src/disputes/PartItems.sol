// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Asks} from "./Asks.sol";

/// @title PartItems: numbers of what is asked for of one transaction
/// @notice Kind in three bits, place of the block in the batch in 11, place of the transaction in the block in 11, the stretch above.
library PartItems {
    uint256 private constant POSITION_BIT = 3;
    uint256 private constant INDEX_BIT = 14;
    uint256 private constant STRETCH_BIT = 25;
    uint256 private constant PLACE_MASK = 0x7ff;

    /// @notice The commitments between its parts, or its bytes.
    /// @param kind Which.
    /// @param position Place of the block in the batch, below 2,048.
    /// @param index Place of the transaction in the block, below 2,048.
    /// @return The item.
    function itemOf(Asks.Kind kind, uint256 position, uint256 index) internal pure returns (uint256) {
        return uint256(kind) | position << POSITION_BIT | index << INDEX_BIT;
    }

    /// @notice The commitments between two of them that follow each other.
    /// @param position As {itemOf} takes it.
    /// @param index As {itemOf} takes it.
    /// @param stretch Number of the first one of the two.
    /// @return The item.
    function stretchOf(uint256 position, uint256 index, uint256 stretch) internal pure returns (uint256) {
        return itemOf(Asks.Kind.Stretch, position, index) | stretch << STRETCH_BIT;
    }

    /// @notice Where the transaction stands.
    /// @param item An item of either kind.
    /// @return position Place of the block in the batch.
    /// @return index Place of the transaction in the block.
    function placeOf(uint256 item) internal pure returns (uint256 position, uint256 index) {
        return (item >> POSITION_BIT & PLACE_MASK, item >> INDEX_BIT & PLACE_MASK);
    }
}
