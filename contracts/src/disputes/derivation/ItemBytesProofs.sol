// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {
    SystemSource,
    SystemTransaction,
    SystemTransactionCodec
} from "../../execution/codec/SystemTransactionCodec.sol";
import {TransactionFault} from "../../execution/codec/TransactionFields.sol";
import {IBlockProofs} from "../../interfaces/IBlockProofs.sol";
import {BatchHeader} from "../../interfaces/IRollupChain.sol";
import {ProvenBlocks} from "../ProvenBlocks.sol";
import {PostedData} from "./PostedData.sol";

/// @title F2: the items of the queue that a block consumes have more data than a block can be handed on with
/// @notice Read from what the batch commits to, not from L1's queue: that they are L1's items is {IBlockProofs-item}'s.
abstract contract ItemBytesProofs is PostedData {
    /// @dev Bytes of the data of all items of a block (LIMITS.blockQueueBytes of packages/protocol).
    uint256 private constant MAX_ITEM_BYTES = 64 * 1024;

    /// @notice The items are not in ascending order.
    error ItemsOutOfOrder(uint256 index);
    /// @notice The transaction is no system's, or consumes no item.
    error NotAnItem(uint256 index);

    function _judgeItemBytes(BatchHeader calldata batch, IBlockProofs.ItemBytesProof calldata proof)
        internal
        pure
        returns (bool isFraud, uint256 place)
    {
        place = _numberAt(batch, proof.position) << 16;
        uint256 used =
            ProvenBlocks.requireTransactions(batch, proof.position, proof.count, proof.transactions, proof.siblings, 0);
        ProvenBlocks.requireAllUsed(proof.siblings, used);
        uint256 next;
        uint256 size;
        for (uint256 i = 0; i < proof.items.length; i++) {
            IBlockProofs.CommittedItem calldata item = proof.items[i];
            if (item.index < next) revert ItemsOutOfOrder(item.index);
            next = item.index + 1;
            bytes32 leaf = keccak256(item.transaction);
            used = ProvenBlocks.requireLeaf(proof.transactions, leaf, item.index, proof.count, item.siblings, 0);
            ProvenBlocks.requireAllUsed(item.siblings, used);
            size += _itemBytes(batch.chainId, item);
        }
        isFraud = size > MAX_ITEM_BYTES;
    }

    function _itemBytes(uint256 chainId, IBlockProofs.CommittedItem calldata item) private pure returns (uint256) {
        (TransactionFault fault, SystemTransaction memory own) =
            SystemTransactionCodec.decode(item.transaction, chainId);
        SystemSource source = own.source;
        bool isItem = source == SystemSource.Deposit || source == SystemSource.Message || source == SystemSource.Forced
            || source == SystemSource.Exit;
        if (fault != TransactionFault.None || !isItem) revert NotAnItem(item.index);
        return own.dataEnd - own.dataStart;
    }
}
