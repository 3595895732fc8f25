// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {QueueItem} from "./IInbox.sol";
import {BatchHeader, BatchProof} from "./IRollupChain.sol";

/// @title Proofs about what follows of a block from its posted context and from L1, which BlockVerifier judges
/// @notice A proof is the calldata of one of these functions: {IFraudVerifier-judge} takes it. No contract has them by themselves.
interface IBlockProofs {
    /// @notice How many transactions a block has.
    /// @param position Its place in the batch, from 0.
    /// @param count Number of its transactions, as the batch says it.
    /// @param transactions Merkle root of their hashes, as the batch says it.
    /// @param data The batch's data.
    /// @param siblings Of the block's word in transactionsRoot.
    struct CountProof {
        uint256 position;
        uint256 count;
        bytes32 transactions;
        bytes data;
        bytes32[] siblings;
    }

    /// @notice What a header takes from the data.
    /// @param position The block's place in the batch, from 0.
    /// @param header RLP of its header.
    /// @param data The batch's data.
    /// @param siblings Of its hash in blocksRoot.
    struct TimeProof {
        uint256 position;
        bytes header;
        bytes data;
        bytes32[] siblings;
    }

    /// @notice How far a block is ahead of L1.
    /// @param position The block's place in the batch, from 0.
    /// @param data The batch's data.
    /// @param posting Where, and when, L1 recorded the batch.
    struct AheadProof {
        uint256 position;
        bytes data;
        BatchProof posting;
    }

    /// @notice Where a batch ends in the queue.
    /// @param data The batch's data.
    /// @param previous The batch before; nothing where it is the chain's first.
    struct QueueEndProof {
        bytes data;
        BatchHeader[] previous;
    }

    /// @notice A transaction of a block, as the batch says it.
    /// @param position Place of its block in the batch, from 0.
    /// @param count Number of transactions of the block.
    /// @param committed Hash of the transaction.
    /// @param siblings Of this hash in the block's root, of the block's word in transactionsRoot.
    struct Committed {
        uint256 position;
        uint256 count;
        bytes32 committed;
        bytes32[] siblings;
    }

    /// @notice The context of a block.
    /// @param leaf The first transaction of the block.
    /// @param data The batch's data.
    struct ContextProof {
        Committed leaf;
        bytes data;
    }

    /// @notice An item of L1's queue.
    /// @param leaf The transaction that consumes it.
    /// @param index Its place among the items of the block, from 0.
    /// @param data The batch's data.
    /// @param previous The batch before; nothing where it is the chain's first.
    /// @param item The item.
    /// @param itemData Its data.
    struct ItemProof {
        Committed leaf;
        uint256 index;
        bytes data;
        BatchHeader[] previous;
        QueueItem item;
        bytes itemData;
    }

    /// @notice An item of L1's queue as a block consumes it.
    /// @param index Place in the block of the transaction that does.
    /// @param transaction It, encoded.
    /// @param siblings Of its hash in the block's root.
    struct CommittedItem {
        uint256 index;
        bytes transaction;
        bytes32[] siblings;
    }

    /// @notice Items of one block, by ascending places; not all need be there.
    /// @param position Its place in the batch, from 0.
    /// @param count Number of its transactions, as the batch says it.
    /// @param transactions Merkle root of their hashes, as the batch says it.
    /// @param siblings Of the block's word in transactionsRoot.
    /// @param items Which.
    struct ItemBytesProof {
        uint256 position;
        uint256 count;
        bytes32 transactions;
        bytes32[] siblings;
        CommittedItem[] items;
    }

    /// @notice The founding.
    /// @param leaf The second transaction of block 1.
    /// @param charter abi.encode(Charter).
    /// @param storageUnits Units of storage requested.
    struct FoundingProof {
        Committed leaf;
        bytes charter;
        uint32 storageUnits;
    }

    /// @notice The end of a block.
    /// @param leaf The block's last transaction.
    /// @param transaction It, encoded.
    /// @param data The batch's data.
    struct SettleProof {
        Committed leaf;
        bytes transaction;
        bytes data;
    }

    /// @notice Slots of two blocks, by their contexts.
    /// @param leaf The context of the later block.
    /// @param context It, encoded.
    /// @param leafBefore The context of the block before, in this batch or at the end of the one before.
    /// @param contextBefore It, encoded.
    /// @param previous The batch before, where it is in that.
    struct SlotsProof {
        Committed leaf;
        bytes context;
        Committed leafBefore;
        bytes contextBefore;
        BatchHeader[] previous;
    }

    /// @notice A block has another number of transactions than the data say, too many items of the queue, or none but the system's.
    /// @param proof Which.
    /// @return isFraud Whether it is wrong.
    /// @return place What the proof is about.
    function count(CountProof calldata proof) external view returns (bool isFraud, uint256 place);

    /// @notice A header has another time or randomness than the data say.
    /// @param proof Which.
    /// @return isFraud Whether it is wrong.
    /// @return place What the proof is about.
    function time(TimeProof calldata proof) external view returns (bool isFraud, uint256 place);

    /// @notice A block's time is further ahead of the L1 block that its batch was posted in than it may be.
    /// @param proof Which.
    /// @return isFraud Whether it is wrong.
    /// @return place What the proof is about.
    function ahead(AheadProof calldata proof) external view returns (bool isFraud, uint256 place);

    /// @notice A batch ends at another place of the queue than the data say.
    /// @param proof Where.
    /// @return isFraud Whether it is wrong.
    /// @return place What the proof is about.
    function queueEnd(QueueEndProof calldata proof) external view returns (bool isFraud, uint256 place);

    /// @notice A block's first transaction is not its context.
    /// @param proof Which.
    /// @return isFraud Whether it is wrong.
    /// @return place What the proof is about.
    function context(ContextProof calldata proof) external view returns (bool isFraud, uint256 place);

    /// @notice A transaction does not consume the item of L1's queue whose turn it is, or consumes it too early.
    /// @param proof Which.
    /// @return isFraud Whether it is wrong.
    /// @return place What the proof is about.
    function item(ItemProof calldata proof) external view returns (bool isFraud, uint256 place);

    /// @notice Items of L1's queue that a block consumes have more than 64 KiB of data.
    /// @param proof Which.
    /// @return isFraud Whether it is wrong.
    /// @return place What the proof is about.
    function itemBytes(ItemBytesProof calldata proof) external view returns (bool isFraud, uint256 place);

    /// @notice The second transaction of block 1 is not the founding.
    /// @param proof It.
    /// @return isFraud Whether it is wrong.
    /// @return place What the proof is about.
    function founding(FoundingProof calldata proof) external view returns (bool isFraud, uint256 place);

    /// @notice A block does not end in a settle that pays who made it.
    /// @param proof Which.
    /// @return isFraud Whether it is wrong.
    /// @return place What the proof is about.
    function settle(SettleProof calldata proof) external view returns (bool isFraud, uint256 place);

    /// @notice A block's slot is before that of the block before.
    /// @param proof Which.
    /// @return isFraud Whether it is wrong.
    /// @return place What the proof is about.
    function slots(SlotsProof calldata proof) external view returns (bool isFraud, uint256 place);
}
