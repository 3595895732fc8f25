// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {TrieWrites} from "./TrieWrites.sol";
import {WitnessNodes} from "./WitnessNodes.sol";

/// @title IndexTries: a block's tries of transactions and of receipts, grown one by one
/// @notice Yellow paper, section 4.3: value i stands at the key rlp(i), not hashed. No such key begins with another.
/// Checkpoints name the roots over 0..i. Needed are the nodes on the new key's path: branches, and where it parts from one
/// value alone that value's leaf.
library IndexTries {
    /// @notice Most values of one trie (packages/state/src/indexTrie.ts).
    uint256 internal constant MAX_VALUES = 65_536;
    /// @dev Shorter than any transaction or receipt; a leaf of so many bytes is always named by its hash.
    uint256 private constant MIN_VALUE_BYTES = 32;

    /// @notice The trie has no place for such a value.
    /// @param index Number of the value.
    error IndexOutOfRange(uint256 index);

    /// @notice Root over 0..index from the root over 0..index-1.
    /// Reverts with MissingNode, MalformedNode, IndexOutOfRange, ValueOutOfRange.
    /// @param table The opened witness.
    /// @param root Root before.
    /// @param index Number of the value, from 0.
    /// @param value The encoded transaction or receipt, 32 to 57,344 bytes.
    /// @return The root after.
    function append(WitnessNodes.Table memory table, bytes32 root, uint256 index, bytes memory value)
        internal
        pure
        returns (bytes32)
    {
        if (index >= MAX_VALUES) revert IndexOutOfRange(index);
        if (value.length < MIN_VALUE_BYTES) revert TrieWrites.ValueOutOfRange(value.length);
        (uint256 key, uint256 keyBytes) = (index == 0 ? 0x80 : index, 1);
        if (index > 255) (key, keyBytes) = (0x820000 | index, 3);
        else if (index > 127) (key, keyBytes) = (0x8100 | index, 2);
        uint256 item = TrieWrites.itemOf(value);
        return TrieWrites.rootAfterPut(table, root, key << (256 - 8 * keyBytes), keyBytes, item);
    }
}
