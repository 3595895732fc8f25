// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BatchFaults, BatchReader, Cursor} from "./BatchReader.sol";

/// @notice What stands before the block contexts.
/// @param chainId Identifier of the DAC's chain.
/// @param generation Count of the chain's rollbacks.
/// @param blockCount Blocks of the batch.
/// @param tips Tips of the pairs of fees, wei per gas.
/// @param excesses What the fees of these pairs are above their tips, wei per gas.
/// @param gasLimits Gas limits.
/// @param shapes Offsets at which the forms of calls begin.
/// @param contextTable Offset of the offsets of contexts.
/// @param contextsAt Offset of the contexts.
struct Prelude {
    uint256 chainId;
    uint256 generation;
    uint256 blockCount;
    uint256[] tips;
    uint256[] excesses;
    uint256[] gasLimits;
    uint256[] shapes;
    uint256 contextTable;
    uint256 contextsAt;
}

/// @notice What is posted of a block beside its transactions.
/// @param timestamp Seconds since 1970.
/// @param slot Slot of the block's sequencer.
/// @param queueItems Items of the L1 queue that the block consumes.
/// @param randomness VRF output of the block's sequencer.
/// @param evidence Hash of what shows that, and that the seats did the job.
/// @param sequencer Who made the block; zero stands for the batch's poster if `byPoster`.
/// @param byPoster True if the batch's poster made the block.
/// @param work Which of its job's seats served, a bit each, and above them how many of its jobs failed before.
/// @param seated How many of the providers, the first ones, have a fee of their own; the others stand in.
/// @param providers Registry indexes of the providers that did its job, which its settle pays: SEATS of them or none.
/// @param transactionCount User transactions.
struct BatchContext {
    uint64 timestamp;
    uint64 slot;
    uint32 queueItems;
    bytes32 randomness;
    bytes32 evidence;
    address sequencer;
    bool byPoster;
    uint256 work;
    uint256 seated;
    uint32[] providers;
    uint256 transactionCount;
}

/// @notice Where the rows are.
/// @param table Offset of the offsets of rows.
/// @param begin Offset of the rows.
/// @param total Rows of the batch.
struct RowsPlace {
    uint256 table;
    uint256 begin;
    uint256 total;
}

/// @notice A call's form.
/// @param selectorAt Offset of its selector.
/// @param count Words of the call.
/// @param kindsAt Offset of the kinds of its words, two a byte.
/// @param constantsAt Offset of its constants.
struct CallShape {
    uint256 selectorAt;
    uint256 count;
    uint256 kindsAt;
    uint256 constantsAt;
}

/// @title Layout of a batch's data before its rows
/// @notice Version 4: prelude with dictionaries, offsets of contexts, contexts, offsets of rows, rows (decision 023).
/// @dev Never reverts on any data. All offsets and counts are far below 2^64 once they were read.
library BatchLayout {
    using BatchReader for Cursor;

    /// @notice Contexts, and rows, that one entry of an offset table stands for.
    uint256 internal constant GROUP = 16;
    uint256 private constant VERSION = 4;
    uint256 private constant MAX_DATA_LENGTH = 126_976;
    /// @dev What Comco gives out: the largest that wallets accept.
    uint256 private constant MAX_CHAIN_ID = 4_503_599_627_370_475;
    uint256 private constant MAX_BLOCKS = 2048;
    uint256 private constant MAX_TRANSACTIONS = 2048;
    uint256 private constant MAX_ENTRIES = 127;
    uint256 private constant MAX_SHAPE_WORDS = 256;
    uint256 private constant MAX_CALL_WORDS = 64;
    /// @dev Seats that a job needs, and those that it has with the ones that stand in (LIMITS of packages/protocol).
    uint256 private constant SEATS = 2;
    uint256 private constant JOB_SEATS = 4;
    uint256 private constant CONTEXT_ENTRY = 6;
    uint256 private constant ROW_ENTRY = 3;
    uint256 private constant KNOWN_KINDS = 6;
    /// @notice Kind of a word that stands in the shape.
    uint256 internal constant KIND_CONSTANT = 5;

    /// @notice Reads what stands before the block contexts.
    /// @param cursor A fresh one; carries the fault.
    /// @param data The batch's data.
    /// @return prelude What was read up to the fault.
    function readPrelude(Cursor memory cursor, bytes calldata data) internal pure returns (Prelude memory prelude) {
        if (data.length > MAX_DATA_LENGTH) cursor.fail(BatchFaults.TOO_LARGE);
        uint256 version = cursor.readByte(data);
        if (version != VERSION) cursor.fail(BatchFaults.UNKNOWN_VERSION);
        prelude.chainId = cursor.readVarint(data, MAX_CHAIN_ID, BatchFaults.OUT_OF_RANGE);
        if (prelude.chainId == 0) cursor.fail(BatchFaults.OUT_OF_RANGE);
        prelude.generation = cursor.readVarint(data, type(uint64).max, BatchFaults.OUT_OF_RANGE);
        prelude.blockCount = cursor.readCount(data, MAX_BLOCKS);
        if (prelude.blockCount == 0) cursor.fail(BatchFaults.OUT_OF_RANGE);
        _readDictionaries(cursor, data, prelude);
        unchecked {
            (prelude.contextTable,) = cursor.take(data, CONTEXT_ENTRY * groupsOf(prelude.blockCount));
        }
        prelude.contextsAt = cursor.next;
    }

    function _readDictionaries(Cursor memory cursor, bytes calldata data, Prelude memory prelude) private pure {
        unchecked {
            uint256 count = cursor.readCount(data, MAX_ENTRIES);
            prelude.tips = new uint256[](count);
            prelude.excesses = new uint256[](count);
            for (uint256 i = 0; i < count && cursor.fault == BatchFaults.NONE; i++) {
                prelude.tips[i] = cursor.readDecimal(data);
                prelude.excesses[i] = cursor.readDecimal(data);
            }
            count = cursor.readCount(data, MAX_ENTRIES);
            prelude.gasLimits = new uint256[](count);
            for (uint256 i = 0; i < count && cursor.fault == BatchFaults.NONE; i++) {
                prelude.gasLimits[i] = cursor.readVarint(data, type(uint64).max, BatchFaults.OUT_OF_RANGE);
            }
            count = cursor.readCount(data, MAX_ENTRIES);
            prelude.shapes = new uint256[](count);
            uint256 words = 0;
            for (uint256 i = 0; i < count && cursor.fault == BatchFaults.NONE; i++) {
                prelude.shapes[i] = cursor.next;
                words += readShape(cursor, data).count;
                if (words > MAX_SHAPE_WORDS) cursor.fail(BatchFaults.TOO_MANY);
            }
        }
    }

    /// @notice Reads the form of a call.
    /// @param cursor The place.
    /// @param data The batch's data.
    /// @return shape The form; its offsets count only without a fault.
    function readShape(Cursor memory cursor, bytes calldata data) internal pure returns (CallShape memory shape) {
        unchecked {
            (shape.selectorAt,) = cursor.take(data, 4);
            shape.count = cursor.readCount(data, MAX_CALL_WORDS);
            uint256 packed = (shape.count + 1) / 2;
            bool taken;
            (shape.kindsAt, taken) = cursor.take(data, packed);
            shape.constantsAt = cursor.next;
            if (!taken) return shape;
            uint256 constants = 0;
            for (uint256 i = 0; i < 2 * packed; i++) {
                uint256 kind = kindAt(data, shape, i);
                if (i == shape.count ? kind != 0 : kind >= KNOWN_KINDS) cursor.fail(BatchFaults.RESERVED);
                if (kind == KIND_CONSTANT) constants++;
            }
            for (uint256 i = 0; i < constants && cursor.fault == BatchFaults.NONE; i++) {
                cursor.readDecimal(data);
            }
        }
    }

    /// @notice Kind of a call's word.
    /// @param data The batch's data.
    /// @param shape A form that was read without a fault.
    /// @param word Its number, at most 2 * ceil(count / 2) - 1.
    /// @return Four bits.
    function kindAt(bytes calldata data, CallShape memory shape, uint256 word) internal pure returns (uint256) {
        unchecked {
            uint256 pair = uint8(data[shape.kindsAt + word / 2]);
            return word % 2 == 0 ? pair >> 4 : pair & 0xf;
        }
    }

    /// @notice Entries of an offset table.
    /// @param count What it is a table of.
    /// @return One for 16.
    function groupsOf(uint256 count) internal pure returns (uint256) {
        unchecked {
            return (count + GROUP - 1) / GROUP;
        }
    }

    /// @notice Contexts in a group: 16 but in the last one.
    /// @param prelude The prelude, read without a fault.
    /// @param group A group that there is.
    /// @return Their number.
    function contextsInGroup(Prelude memory prelude, uint256 group) internal pure returns (uint256) {
        unchecked {
            uint256 left = prelude.blockCount - GROUP * group;
            return left < GROUP ? left : GROUP;
        }
    }

    /// @notice Where a group of contexts begins, as the table of offsets has it.
    /// @param cursor Without a fault; moved to the group's begin.
    /// @param data The batch's data.
    /// @param prelude The prelude, read without a fault.
    /// @param group A group that there is.
    /// @return before Transactions before it.
    function seekContexts(Cursor memory cursor, bytes calldata data, Prelude memory prelude, uint256 group)
        internal
        pure
        returns (uint256 before)
    {
        unchecked {
            uint256 entry = prelude.contextTable + CONTEXT_ENTRY * group;
            uint256 offset = uint24(bytes3(data[entry:entry + 3]));
            before = uint24(bytes3(data[entry + 3:entry + 6]));
            cursor.next = prelude.contextsAt + offset;
            if (cursor.next >= data.length || (group == 0 && (offset != 0 || before != 0))) {
                cursor.fail(BatchFaults.BAD_OFFSET);
            }
        }
    }

    /// @notice Reads the first contexts of a group.
    /// @param cursor Without a fault; moved behind them.
    /// @param data The batch's data.
    /// @param prelude The prelude, read without a fault.
    /// @param group A group that there is.
    /// @param count How many, at least 1.
    /// @return context The last of them.
    /// @return total Transactions before and with them.
    function readContexts(
        Cursor memory cursor,
        bytes calldata data,
        Prelude memory prelude,
        uint256 group,
        uint256 count
    ) internal pure returns (BatchContext memory context, uint256 total) {
        total = seekContexts(cursor, data, prelude, group);
        uint256 firstSlot = 0;
        unchecked {
            for (uint256 i = 0; i < count && cursor.fault == BatchFaults.NONE; i++) {
                _readContext(cursor, data, context, firstSlot);
                if (i == 0) firstSlot = context.slot;
                total += context.transactionCount;
            }
        }
    }

    /// @dev `context` is the one before in its group, or zero; it becomes the next one.
    function _readContext(Cursor memory cursor, bytes calldata data, BatchContext memory context, uint256 firstSlot)
        private
        pure
    {
        unchecked {
            uint256 timestamp = context.timestamp + cursor.readVarint(data, type(uint64).max, BatchFaults.OUT_OF_RANGE);
            if (timestamp > type(uint64).max) cursor.fail(BatchFaults.OUT_OF_RANGE);
            context.timestamp = uint64(timestamp);
            uint256 slot = firstSlot + cursor.readVarint(data, type(uint64).max, BatchFaults.OUT_OF_RANGE);
            if (slot > type(uint64).max) cursor.fail(BatchFaults.OUT_OF_RANGE);
            context.slot = uint64(slot);
            context.queueItems = uint32(cursor.readVarint(data, type(uint32).max, BatchFaults.OUT_OF_RANGE));
            context.randomness = cursor.readWord(data);
            context.evidence = cursor.readWord(data);
            uint256 flag = cursor.readByte(data);
            if (flag > 1) cursor.fail(BatchFaults.RESERVED);
            context.byPoster = flag == 0;
            context.sequencer = flag == 1 ? cursor.readAddress(data) : address(0);
            _readWork(cursor, data, context);
            context.transactionCount = cursor.readCount(data, MAX_TRANSACTIONS);
            if (context.transactionCount != 0 && context.providers.length == 0) cursor.fail(BatchFaults.RESERVED);
        }
    }

    /// @dev Who did a block's job: a byte whose low bits say which of the seats served and the two above how many jobs failed
    /// before, then the registry index of each that served.
    function _readWork(Cursor memory cursor, bytes calldata data, BatchContext memory context) private pure {
        unchecked {
            uint256 work = cursor.readByte(data);
            uint256 served = _ones(work & ((1 << JOB_SEATS) - 1));
            if (served != SEATS && work != 0) cursor.fail(BatchFaults.RESERVED);
            if (work >> (JOB_SEATS + 2) != 0) cursor.fail(BatchFaults.RESERVED);
            if (cursor.fault != BatchFaults.NONE) return;
            context.work = work;
            context.seated = work >> JOB_SEATS == 0 ? _ones(work & ((1 << SEATS) - 1)) : 0;
            context.providers = new uint32[](served);
            for (uint256 i = 0; i < served; i++) {
                context.providers[i] = uint32(cursor.readVarint(data, type(uint32).max, BatchFaults.OUT_OF_RANGE));
            }
        }
    }

    /// @notice How many jobs of a block failed before the one that was done.
    /// @param context The block's, read without a fault.
    /// @return Their number.
    function attemptOf(BatchContext memory context) internal pure returns (uint256) {
        return context.work >> JOB_SEATS;
    }

    /// @notice Number of a seat that served.
    /// @param context The block's, read without a fault.
    /// @param served Its place among those that did, below their number.
    /// @return seat From 0, among all seats of the job.
    function seatOf(BatchContext memory context, uint256 served) internal pure returns (uint256 seat) {
        unchecked {
            for (uint256 left = served + 1;; seat++) {
                left -= context.work >> seat & 1;
                if (left == 0) return seat;
            }
        }
    }

    /// @dev Set bits of a number of four bits.
    function _ones(uint256 bits) private pure returns (uint256) {
        unchecked {
            return (bits & 1) + (bits >> 1 & 1) + (bits >> 2 & 1) + (bits >> 3);
        }
    }

    /// @notice Queue items of the first contexts, which stand one after the other from `contextsAt` on.
    /// @dev In assembly: of 2,048 contexts {readContexts} would take more gas than a transaction has. Ends on any data: behind
    /// its end calldata are zeros, and a zero ends a varint.
    /// @param data The batch's data.
    /// @param prelude The prelude, read without a fault.
    /// @param count How many, at most prelude.blockCount.
    /// @return items Their sum; any number if a context is at fault.
    function sumQueueItems(bytes calldata data, Prelude memory prelude, uint256 count)
        internal
        pure
        returns (uint256 items)
    {
        uint256 next = prelude.contextsAt;
        assembly ("memory-safe") {
            function skip(place) -> end {
                for { end := add(place, 1) } gt(byte(0, calldataload(sub(end, 1))), 0x7f) { end := add(end, 1) } {}
            }
            next := add(next, data.offset)
            for {} count { count := sub(count, 1) } {
                next := skip(skip(next)) // timestamp, slot
                let value := 0
                for { let shift := 0 } 1 { shift := add(shift, 7) } {
                    let group := byte(0, calldataload(next))
                    next := add(next, 1)
                    value := or(value, shl(shift, and(group, 0x7f)))
                    if lt(group, 0x80) { break }
                }
                items := add(items, and(value, 0xffffffff))
                next := add(next, 64) // randomness, evidence
                next := add(add(next, 1), mul(20, and(byte(0, calldataload(next)), 1))) // sequencer
                // providers: one for each seat that served
                let served := and(byte(0, calldataload(next)), 0x0f)
                next := add(next, 1)
                for {} served { served := and(served, sub(served, 1)) } { next := skip(next) }
                next := skip(next) // transactions
            }
        }
    }

    /// @notice Finds the rows behind the last group of contexts.
    /// @param cursor Without a fault; moved to the rows' begin.
    /// @param data The batch's data.
    /// @param prelude The prelude, read without a fault.
    /// @return rows Where they are.
    function locateRows(Cursor memory cursor, bytes calldata data, Prelude memory prelude)
        internal
        pure
        returns (RowsPlace memory rows)
    {
        unchecked {
            uint256 last = groupsOf(prelude.blockCount) - 1;
            (, rows.total) = readContexts(cursor, data, prelude, last, contextsInGroup(prelude, last));
            (rows.table,) = cursor.take(data, ROW_ENTRY * groupsOf(rows.total));
            rows.begin = cursor.next;
            if (rows.total == 0 && rows.begin != data.length) cursor.fail(BatchFaults.LEFTOVER);
        }
    }

    /// @notice Where a group of rows begins, as the table of offsets has it.
    /// @param cursor Without a fault; moved to the group's begin.
    /// @param data The batch's data.
    /// @param rows Where the rows are.
    /// @param group A group that there is.
    function seekRows(Cursor memory cursor, bytes calldata data, RowsPlace memory rows, uint256 group) internal pure {
        unchecked {
            uint256 entry = rows.table + ROW_ENTRY * group;
            uint256 offset = uint24(bytes3(data[entry:entry + 3]));
            cursor.next = rows.begin + offset;
            if (cursor.next >= data.length || (group == 0 && offset != 0)) cursor.fail(BatchFaults.BAD_OFFSET);
        }
    }
}
