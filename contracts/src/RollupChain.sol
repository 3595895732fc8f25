// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {DacRegistry} from "./DacRegistry.sol";
import {Inbox} from "./Inbox.sol";
import {SequencerPool} from "./SequencerPool.sol";

/// @title Batches of all DACs
/// @notice The elected sequencer of a (chain, slot) appends batches; each becomes final `maxWindow` after it is posted.
/// @dev What this contract does not do yet: fraud proofs. It checks the form of a batch, who posts it, and that it
/// continues the chain; nothing that a batch claims of its blocks (roots) is checked, and time alone makes it final. Nor
/// does it compare a sequencer's stake with the value of the chain. Nobody may withdraw against it.
contract RollupChain {
    /// @notice Parameters, fixed at construction.
    /// @param slotBlocks Length of a slot in L1 blocks.
    /// @param postGrace L1 blocks after a slot's end in which its sequencer may still post, at most slotBlocks.
    /// @param maxEpochAge Largest age of a header's epochBlock, in L1 blocks.
    /// @param maxWindow Seconds from a batch's posting to its finality.
    struct RollupParameters {
        uint64 slotBlocks;
        uint64 postGrace;
        uint64 maxEpochAge;
        uint64 maxWindow;
    }

    /// @notice What a batch commits to. The batch's hash is keccak256(abi.encode(header)).
    /// @param chainId Identifier of the DAC's chain.
    /// @param generation Count of the chain's rollbacks.
    /// @param index Number of the batch, from 0.
    /// @param previousBatchHash Hash of the batch before; for the first, the DAC's genesis hash.
    /// @param firstBlock Number of the batch's first block; 1 in the first batch.
    /// @param lastBlock Number of the batch's last block.
    /// @param dataHash keccak256 of the batch's data.
    /// @param blocksRoot Merkle root of the block hashes.
    /// @param transactionsRoot Merkle root of the transaction hashes.
    /// @param queueEnd Number of queue items consumed by the chain up to and with this batch.
    /// @param slot Slot under which the poster claims its turn.
    /// @param poster The sequencer that posts.
    /// @param epochBlock L1 block from which the blocks take their L1 values.
    struct BatchHeader {
        uint256 chainId;
        uint64 generation;
        uint64 index;
        bytes32 previousBatchHash;
        uint64 firstBlock;
        uint64 lastBlock;
        bytes32 dataHash;
        bytes32 blocksRoot;
        bytes32 transactionsRoot;
        uint64 queueEnd;
        uint64 slot;
        address poster;
        uint64 epochBlock;
    }

    /// @notice What is stored of a batch.
    /// @param batchHash Hash of its header.
    /// @param postedAt Time of its L1 block, in seconds.
    /// @param lastBlock Number of its last block.
    /// @param queueEnd Number of queue items consumed up to and with it.
    struct PostedBatch {
        bytes32 batchHash;
        uint64 postedAt;
        uint64 lastBlock;
        uint64 queueEnd;
    }

    /// @notice Where a chain's next batch continues.
    /// @param lastBatchHash Hash of the last batch; the genesis hash if there is none.
    /// @param nextIndex Number of the next batch.
    /// @param lastBlock Number of the last block posted; 0 (genesis) if there is none.
    /// @param queueEnd Number of queue items consumed.
    struct ChainHead {
        bytes32 lastBatchHash;
        uint64 nextIndex;
        uint64 lastBlock;
        uint64 queueEnd;
    }

    /// @notice Most blocks in a batch.
    uint64 public constant MAX_BLOCKS = 2048;
    /// @notice Largest data of a batch, in bytes: 96 KiB.
    uint256 public constant MAX_DATA_LENGTH = 98_304;

    /// @notice Where DACs are recorded.
    DacRegistry public immutable registry;
    /// @notice Where deposits are queued.
    Inbox public immutable inbox;
    /// @notice Where sequencers are registered.
    SequencerPool public immutable sequencerPool;
    /// @notice Length of a slot in L1 blocks.
    uint64 public immutable slotBlocks;
    /// @notice L1 blocks after a slot's end in which its sequencer may still post.
    uint64 public immutable postGrace;
    /// @notice Largest age of a header's epochBlock, in L1 blocks.
    uint64 public immutable maxEpochAge;
    /// @notice Seconds from a batch's posting to its finality.
    uint64 public immutable maxWindow;

    mapping(uint256 chainId => ChainHead) private _heads;
    mapping(uint256 chainId => mapping(uint64 index => PostedBatch)) private _batches;

    /// @notice A batch was appended. Its data is in the calldata of the call.
    event BatchAppended(uint256 indexed chainId, uint64 indexed index, bytes32 batchHash, BatchHeader header);

    /// @notice A parameter is out of its bounds.
    error InvalidParameters();
    /// @notice The generation is not the chain's.
    error WrongGeneration(uint64 expected, uint64 given);
    /// @notice The index is not the next one.
    error WrongIndex(uint64 expected, uint64 given);
    /// @notice The previous batch's hash is another.
    error WrongPreviousBatch(bytes32 expected, bytes32 given);
    /// @notice The first block does not follow the last one posted.
    error WrongFirstBlock(uint64 expected, uint64 given);
    /// @notice The batch has no blocks, or more than MAX_BLOCKS.
    error WrongBlockRange(uint64 firstBlock, uint64 lastBlock);
    /// @notice The data's hash is another.
    error WrongDataHash(bytes32 expected, bytes32 given);
    /// @notice The data is longer than MAX_DATA_LENGTH.
    error DataTooLarge(uint256 length);
    /// @notice queueEnd is less than what the chain has consumed.
    error QueueEndBackward(uint64 consumed, uint64 given);
    /// @notice queueEnd is beyond the queue.
    error QueueEndBeyondQueue(uint256 length, uint64 given);
    /// @notice The slot is neither the current one, nor the one before within its time to post.
    error SlotNotOpen(uint64 current, uint64 given);
    /// @notice The header's poster is not the caller.
    error WrongPoster(address caller, address given);
    /// @notice The caller is not the elected sequencer of the slot.
    error NotElected(address elected, address caller);
    /// @notice There is no active sequencer.
    error NoActiveSequencer();
    /// @notice epochBlock is in the future or older than maxEpochAge.
    error WrongEpochBlock(uint256 current, uint64 given);
    /// @notice The chain has no batch with this index.
    error UnknownBatch(uint256 chainId, uint64 index);

    /// @param registry_ Where DACs are recorded.
    /// @param inbox_ Where deposits are queued.
    /// @param sequencerPool_ Where sequencers are registered.
    /// @param parameters Parameters.
    constructor(DacRegistry registry_, Inbox inbox_, SequencerPool sequencerPool_, RollupParameters memory parameters) {
        if (parameters.slotBlocks == 0 || parameters.postGrace > parameters.slotBlocks) revert InvalidParameters();
        registry = registry_;
        inbox = inbox_;
        sequencerPool = sequencerPool_;
        slotBlocks = parameters.slotBlocks;
        postGrace = parameters.postGrace;
        maxEpochAge = parameters.maxEpochAge;
        maxWindow = parameters.maxWindow;
    }

    /// @notice Appends a batch to a chain. Only the elected sequencer of the current slot may, or that of the slot before
    /// in the first `postGrace` blocks of the current one.
    /// @dev The order of the checks is the order of the errors: chain, continuation, data, queue, epoch block, turn.
    /// @param header What the batch commits to.
    /// @param data The batch's data, at most MAX_DATA_LENGTH bytes.
    function appendBatch(BatchHeader calldata header, bytes calldata data) external {
        ChainHead memory head = _checkContinuation(header);
        if (data.length > MAX_DATA_LENGTH) revert DataTooLarge(data.length);
        bytes32 dataHash = keccak256(data);
        if (header.dataHash != dataHash) revert WrongDataHash(dataHash, header.dataHash);
        _checkQueue(header, head.queueEnd);
        if (header.epochBlock > block.number || block.number - header.epochBlock > maxEpochAge) {
            revert WrongEpochBlock(block.number, header.epochBlock);
        }
        _checkTurn(header);

        bytes32 batchHash = keccak256(abi.encode(header));
        _batches[header.chainId][header.index] =
            PostedBatch(batchHash, uint64(block.timestamp), header.lastBlock, header.queueEnd);
        _heads[header.chainId] = ChainHead(batchHash, header.index + 1, header.lastBlock, header.queueEnd);
        emit BatchAppended(header.chainId, header.index, batchHash, header);
    }

    /// @notice Where a chain's next batch continues; reverts for an unknown chainID.
    /// @param chainId Identifier of the DAC's chain.
    /// @return head The continuation.
    function headOf(uint256 chainId) external view returns (ChainHead memory head) {
        (head,) = _headAndGeneration(chainId);
    }

    /// @notice What is stored of a batch; reverts if there is none.
    /// @param chainId Identifier of the DAC's chain.
    /// @param index Number of the batch.
    /// @return The batch.
    function batchAt(uint256 chainId, uint64 index) external view returns (PostedBatch memory) {
        return _batchAt(chainId, index);
    }

    /// @notice Whether `maxWindow` has passed since a batch was posted; reverts if there is no such batch.
    /// @param chainId Identifier of the DAC's chain.
    /// @param index Number of the batch.
    /// @return True if it is final.
    function isFinal(uint256 chainId, uint64 index) external view returns (bool) {
        return block.timestamp >= _batchAt(chainId, index).postedAt + maxWindow;
    }

    /// @notice The present slot: block.number / slotBlocks.
    /// @return The slot.
    function currentSlot() public view returns (uint64) {
        return uint64(block.number) / slotBlocks;
    }

    /// @notice The elected sequencer of a (chain, slot): plain rotation over the list of active sequencers as it is now,
    /// begun at a place that depends on the chain. A draw weighted by stake and fixed per epoch takes its place later.
    /// @param chainId Identifier of the DAC's chain.
    /// @param slot The slot.
    /// @return The sequencer's account.
    function sequencerOf(uint256 chainId, uint64 slot) public view returns (address) {
        uint256 active = sequencerPool.activeCount();
        if (active == 0) revert NoActiveSequencer();
        uint256 start = uint256(keccak256(abi.encode(chainId))) % active;
        return sequencerPool.activeAt((start + slot) % active);
    }

    function _checkContinuation(BatchHeader calldata header) private view returns (ChainHead memory head) {
        uint64 generation;
        (head, generation) = _headAndGeneration(header.chainId);
        if (header.generation != generation) revert WrongGeneration(generation, header.generation);
        if (header.index != head.nextIndex) revert WrongIndex(head.nextIndex, header.index);
        if (header.previousBatchHash != head.lastBatchHash) {
            revert WrongPreviousBatch(head.lastBatchHash, header.previousBatchHash);
        }
        if (header.firstBlock != head.lastBlock + 1) revert WrongFirstBlock(head.lastBlock + 1, header.firstBlock);
        if (header.lastBlock < header.firstBlock || header.lastBlock - header.firstBlock >= MAX_BLOCKS) {
            revert WrongBlockRange(header.firstBlock, header.lastBlock);
        }
    }

    function _checkQueue(BatchHeader calldata header, uint64 consumed) private view {
        if (header.queueEnd < consumed) revert QueueEndBackward(consumed, header.queueEnd);
        uint256 length = inbox.queueLength(header.chainId);
        if (header.queueEnd > length) revert QueueEndBeyondQueue(length, header.queueEnd);
    }

    function _checkTurn(BatchHeader calldata header) private view {
        if (header.poster != msg.sender) revert WrongPoster(msg.sender, header.poster);
        uint64 current = currentSlot();
        bool late = current > 0 && header.slot == current - 1 && block.number < current * slotBlocks + postGrace;
        if (header.slot != current && !late) revert SlotNotOpen(current, header.slot);
        address elected = sequencerOf(header.chainId, header.slot);
        if (elected != msg.sender) revert NotElected(elected, msg.sender);
    }

    function _headAndGeneration(uint256 chainId) private view returns (ChainHead memory head, uint64 generation) {
        bytes32 genesisHash;
        (genesisHash, generation) = registry.originOf(chainId);
        head = _heads[chainId];
        if (head.nextIndex == 0) head.lastBatchHash = genesisHash;
    }

    function _batchAt(uint256 chainId, uint64 index) private view returns (PostedBatch storage batch) {
        batch = _batches[chainId][index];
        if (batch.batchHash == 0) revert UnknownBatch(chainId, index);
    }
}
