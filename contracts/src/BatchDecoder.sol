// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BatchContext, BatchLayout, Prelude, RowsPlace} from "./BatchLayout.sol";
import {BatchFaults, BatchReader, Cursor} from "./BatchReader.sol";
import {BatchRows, Row} from "./BatchRows.sol";

/// @title Random access to posted batches
/// @notice Decodes one block context or one transaction of a batch by reading at most 16 of its kind (format version 3,
/// docs/decisions/023-batch-format.md). Says by the code of BatchFaults what is wrong with the data on the way there; the
/// same codes as packages/protocol/src/batchFormat gives.
/// @dev Never reverts on any data but for want of gas. Whatever is wrong anywhere in a batch is told by
/// `contextGroupFault` or `rowGroupFault` of the group of 16 that it lies in.
library BatchDecoder {
    using BatchReader for Cursor;

    /// @notice Chain, generation and count of blocks that the data states.
    /// @param data The batch's data.
    /// @return fault What is wrong with what stands before the blocks; the rest counts only if it is 0.
    /// @return chainId Identifier of the DAC's chain.
    /// @return generation Count of the chain's rollbacks.
    /// @return blockCount Blocks of the batch.
    function origin(bytes calldata data)
        internal
        pure
        returns (uint8 fault, uint256 chainId, uint256 generation, uint256 blockCount)
    {
        Cursor memory cursor;
        Prelude memory prelude = BatchLayout.readPrelude(cursor, data);
        return (cursor.fault, prelude.chainId, prelude.generation, prelude.blockCount);
    }

    /// @notice Context of one block.
    /// @param data The batch's data.
    /// @param blockPosition The block's place in the batch, from 0.
    /// @return fault What is wrong on the way; the rest counts only if it is 0.
    /// @return context The context.
    function contextAt(bytes calldata data, uint256 blockPosition)
        internal
        pure
        returns (uint8 fault, BatchContext memory context)
    {
        Cursor memory cursor;
        Prelude memory prelude = BatchLayout.readPrelude(cursor, data);
        (context,) = _contextIn(cursor, data, prelude, blockPosition);
        fault = cursor.fault;
    }

    /// @notice Items of the L1 queue that the first blocks of a batch consume.
    /// @dev For proofs about all blocks before one, of up to 2,048: what `contextGroupFault` finds is not looked for.
    /// @param data The batch's data.
    /// @param blocks How many blocks.
    /// @return fault What is wrong with what stands before the contexts; ABSENT if the batch has fewer blocks.
    /// @return items Their number; any number if a context is at fault.
    function queueItemsOf(bytes calldata data, uint256 blocks) internal pure returns (uint8 fault, uint256 items) {
        Cursor memory cursor;
        Prelude memory prelude = BatchLayout.readPrelude(cursor, data);
        if (blocks > prelude.blockCount) cursor.fail(BatchFaults.ABSENT);
        fault = cursor.fault;
        if (fault == BatchFaults.NONE) items = BatchLayout.sumQueueItems(data, prelude, blocks);
    }

    /// @notice One signed transaction, byte for byte: keccak256 of it is its hash.
    /// @dev With other than as many `resolved` as the row has table indexes the fault is UNRESOLVED, and `indices` says
    /// which they are. An index that the table has no address for is proven against the state, not here.
    /// @param data The batch's data.
    /// @param blockPosition The block's place in the batch, from 0.
    /// @param position The transaction's place among the block's user transactions, from 0.
    /// @param resolved Addresses at the row's table indexes, in their order; the caller proves them.
    /// @return fault What is wrong on the way.
    /// @return rawSignedTransaction The transaction; empty if there is a fault.
    /// @return indices Table indexes of the row as of the end of the block before: of the target, then of the call's words.
    function transactionAt(bytes calldata data, uint256 blockPosition, uint256 position, address[] calldata resolved)
        internal
        pure
        returns (uint8 fault, bytes memory rawSignedTransaction, uint256[] memory indices)
    {
        Cursor memory cursor;
        Prelude memory prelude = BatchLayout.readPrelude(cursor, data);
        Row memory row = _rowIn(cursor, data, prelude, blockPosition, position);
        if (cursor.fault != BatchFaults.NONE) return (cursor.fault, "", new uint256[](0));
        indices = _indicesOf(row);
        if (resolved.length != indices.length) return (BatchFaults.UNRESOLVED, "", indices);
        BatchRows.resolve(row, resolved);
        rawSignedTransaction = BatchRows.build(row, prelude.chainId);
    }

    /// @notice What one transaction's row refers to, without resolving it.
    /// @param data The batch's data.
    /// @param blockPosition The block's place in the batch, from 0.
    /// @param position The transaction's place among the block's user transactions, from 0.
    /// @return fault What is wrong on the way; the rest counts only if it is 0.
    /// @return indices Table indexes as of the end of the block before: of the target, then of the call's words.
    /// @return inlined Addresses posted inline, in order.
    function referencesAt(bytes calldata data, uint256 blockPosition, uint256 position)
        internal
        pure
        returns (uint8 fault, uint256[] memory indices, address[] memory inlined)
    {
        Cursor memory cursor;
        Prelude memory prelude = BatchLayout.readPrelude(cursor, data);
        Row memory row = _rowIn(cursor, data, prelude, blockPosition, position);
        if (cursor.fault != BatchFaults.NONE) return (cursor.fault, new uint256[](0), new address[](0));
        indices = _indicesOf(row);
        inlined = new address[](row.inlineCount);
        for (uint256 i = 0; i < inlined.length; i++) {
            inlined[i] = row.inlined[i];
        }
    }

    /// @notice What is wrong with a group of block contexts, its offsets, or what stands before the contexts.
    /// @param data The batch's data.
    /// @param group The group: blocks 16 * group to 16 * group + 15.
    /// @return The fault; ABSENT if the batch has no such group.
    function contextGroupFault(bytes calldata data, uint256 group) internal pure returns (uint8) {
        Cursor memory cursor;
        Prelude memory prelude = BatchLayout.readPrelude(cursor, data);
        if (cursor.fault != BatchFaults.NONE) return cursor.fault;
        uint256 groups = BatchLayout.groupsOf(prelude.blockCount);
        if (group >= groups) return BatchFaults.ABSENT;
        uint256 count = BatchLayout.contextsInGroup(prelude, group);
        (, uint256 total) = BatchLayout.readContexts(cursor, data, prelude, group, count);
        if (cursor.fault != BatchFaults.NONE) return cursor.fault;
        if (group + 1 == groups) {
            BatchLayout.locateRows(cursor, data, prelude);
            return cursor.fault;
        }
        uint256 end = cursor.next;
        uint256 before = BatchLayout.seekContexts(cursor, data, prelude, group + 1);
        if (cursor.next != end || before != total) return BatchFaults.BAD_OFFSET;
        return cursor.fault;
    }

    /// @notice What is wrong with a group of rows, its offsets, or what leads to it.
    /// @param data The batch's data.
    /// @param group The group: the batch's user transactions 16 * group to 16 * group + 15.
    /// @return The fault; ABSENT if the batch has no such group.
    function rowGroupFault(bytes calldata data, uint256 group) internal pure returns (uint8) {
        Cursor memory cursor;
        Prelude memory prelude = BatchLayout.readPrelude(cursor, data);
        if (cursor.fault != BatchFaults.NONE) return cursor.fault;
        RowsPlace memory rows = BatchLayout.locateRows(cursor, data, prelude);
        if (cursor.fault != BatchFaults.NONE) return cursor.fault;
        uint256 groups = BatchLayout.groupsOf(rows.total);
        if (group >= groups) return BatchFaults.ABSENT;
        BatchLayout.seekRows(cursor, data, rows, group);
        uint256 left = rows.total - BatchLayout.GROUP * group;
        _skipRows(cursor, data, prelude, left < BatchLayout.GROUP ? left : BatchLayout.GROUP);
        if (cursor.fault != BatchFaults.NONE) return cursor.fault;
        if (group + 1 == groups) return cursor.next == data.length ? BatchFaults.NONE : BatchFaults.LEFTOVER;
        uint256 end = cursor.next;
        BatchLayout.seekRows(cursor, data, rows, group + 1);
        return cursor.next == end ? cursor.fault : BatchFaults.BAD_OFFSET;
    }

    /// @dev The context of a block, and the transactions of the batch before it.
    function _contextIn(Cursor memory cursor, bytes calldata data, Prelude memory prelude, uint256 blockPosition)
        private
        pure
        returns (BatchContext memory context, uint256 before)
    {
        if (blockPosition >= prelude.blockCount) cursor.fail(BatchFaults.ABSENT);
        if (cursor.fault != BatchFaults.NONE) return (context, 0);
        uint256 group = blockPosition / BatchLayout.GROUP;
        uint256 total;
        (context, total) = BatchLayout.readContexts(cursor, data, prelude, group, blockPosition % BatchLayout.GROUP + 1);
        if (cursor.fault == BatchFaults.NONE) before = total - context.transactionCount;
    }

    /// @dev The row of a transaction, kept; empty if there is a fault.
    function _rowIn(
        Cursor memory cursor,
        bytes calldata data,
        Prelude memory prelude,
        uint256 blockPosition,
        uint256 position
    ) private pure returns (Row memory row) {
        (BatchContext memory context, uint256 place) = _contextIn(cursor, data, prelude, blockPosition);
        if (position >= context.transactionCount) cursor.fail(BatchFaults.ABSENT);
        if (cursor.fault != BatchFaults.NONE) return row;
        RowsPlace memory rows = BatchLayout.locateRows(cursor, data, prelude);
        place += position;
        if (place >= rows.total) cursor.fail(BatchFaults.BAD_OFFSET);
        if (cursor.fault != BatchFaults.NONE) return row;
        BatchLayout.seekRows(cursor, data, rows, place / BatchLayout.GROUP);
        _skipRows(cursor, data, prelude, place % BatchLayout.GROUP);
        row = BatchRows.keeper(context.timestamp);
        BatchRows.read(cursor, data, prelude, row);
    }

    function _skipRows(Cursor memory cursor, bytes calldata data, Prelude memory prelude, uint256 count) private pure {
        Row memory row;
        for (uint256 i = 0; i < count && cursor.fault == BatchFaults.NONE; i++) {
            BatchRows.read(cursor, data, prelude, row);
        }
    }

    function _indicesOf(Row memory row) private pure returns (uint256[] memory indices) {
        indices = new uint256[](row.indexCount);
        for (uint256 i = 0; i < indices.length; i++) {
            indices[i] = row.indices[i];
        }
    }
}
