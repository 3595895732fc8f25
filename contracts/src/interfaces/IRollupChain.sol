// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice What a batch commits to. The batch's hash is keccak256(abi.encode(header)).
/// @param chainId Identifier of the DAC's chain.
/// @param generation Count of the chain's rollbacks when it was posted.
/// @param index Number of the batch, from 0.
/// @param previousBatchHash Hash of the batch before; for the first, the DAC's genesis hash.
/// @param firstBlock Number of the batch's first block; 1 in the first batch.
/// @param lastBlock Number of the batch's last block.
/// @param blobHash Versioned hash of the blob that holds the data; zero for calldata.
/// @param dataHash keccak256 of the data in calldata; for a blob, the offset << 32 | length of the data in its bytes.
/// @param blocksRoot Merkle root of the block hashes.
/// @param transactionsRoot Merkle root of a word for each block: keccak256(abi.encode(number of its transactions, Merkle root
/// of their hashes)).
/// @param queueEnd Number of queue items consumed by the chain up to and with this batch.
/// @param slot Slot (epoch) under which the poster claims its turn; its record gives the blocks' L1 values.
/// @param poster The sequencer that signed the batch and answers for it.
struct BatchHeader {
    uint256 chainId;
    uint64 generation;
    uint64 index;
    bytes32 previousBatchHash;
    uint64 firstBlock;
    uint64 lastBlock;
    bytes32 blobHash;
    bytes32 dataHash;
    bytes32 blocksRoot;
    bytes32 transactionsRoot;
    uint64 queueEnd;
    uint64 slot;
    address poster;
}

/// @notice Where L1 recorded a batch: one record for all batches that one transaction brought.
/// @param postedAt Time of the record, in seconds.
/// @param position Place of the batch among those of the record.
/// @param count Number of batches of the record.
/// @param siblings Merkle proof of the batch's hash.
struct BatchProof {
    uint64 postedAt;
    uint256 position;
    uint256 count;
    bytes32[] siblings;
}

/// @title Batches of all DACs, as other contracts read them
interface IRollupChain {
    /// @notice Reverts unless the batch was posted, was not rolled back, and its window is over.
    /// @param header The batch.
    /// @param proof Where it was recorded.
    /// @param whole True: maxWindow has to be over, whoever vouched for the batch.
    /// @return batchHash The batch's hash.
    function requireFinal(BatchHeader calldata header, BatchProof calldata proof, bool whole)
        external
        view
        returns (bytes32 batchHash);

    /// @notice Hash of the chain's last batch (the genesis hash if there is none), its index + 1, last block, consumed
    /// queue items, generation.
    function headOf(uint256 chainId)
        external
        view
        returns (bytes32 lastBatchHash, uint64 nextIndex, uint64 lastBlock, uint64 queueEnd, uint64 generation);

    /// @notice Whether the chain turned to exit: it takes no batches any more, its accounts are paid out on L1.
    function isExiting(uint256 chainId) external view returns (bool);
}
