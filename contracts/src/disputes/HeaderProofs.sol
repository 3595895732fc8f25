// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BatchHeaders} from "../BatchHeaders.sol";
import {DacRegistry} from "../DacRegistry.sol";
import {Checkpoint, Checkpoints} from "../execution/codec/Checkpoints.sol";
import {Header, HeaderCodec, HeaderField} from "../execution/codec/HeaderCodec.sol";
import {HeaderRules} from "../execution/codec/HeaderRules.sol";
import {BatchHeader} from "../interfaces/IRollupChain.sol";
import {Predeploys} from "../l2/Predeploys.sol";
import {MerkleTrie} from "../proofs/MerkleTrie.sol";
import {Accusations, AccusedBatch, Fraud} from "./Accusations.sol";
import {GenesisBlock} from "./GenesisBlock.sol";
import {ProvenBlocks} from "./ProvenBlocks.sol";

/// @title F3: a header is not what it has to be
/// @notice One proof for each kind of evidence: none (form, constants, number), the parent, the last checkpoint, the state.
/// Rules that need the posted data are not here.
abstract contract HeaderProofs is Accusations {
    /// @notice What header proofs need to know of the network.
    /// @param registry Where DACs are recorded.
    /// @param genesisStateRoot State root of every DAC's block 0.
    /// @param tickSeconds What timestamps are multiples of, in seconds.
    struct HeaderFacts {
        DacRegistry registry;
        bytes32 genesisStateRoot;
        uint64 tickSeconds;
    }

    /// @notice A block of the accused batch.
    /// @param position Its place in the batch, from 0.
    /// @param header RLP of its header: the bytes that have its hash.
    /// @param siblings Of its hash in blocksRoot, and of what else the proof takes, in its order.
    struct AccusedBlock {
        uint256 position;
        bytes header;
        bytes32[] siblings;
    }

    /// @notice How a block's transactions ended.
    /// @param count Their number, as the batch says it.
    /// @param transactions Merkle root of their hashes, as the batch says it.
    /// @param checkpoint The last checkpoint; not looked at where the number alone is wrong.
    struct BlockEnd {
        uint256 count;
        bytes32 transactions;
        Checkpoint checkpoint;
    }

    /// @notice Where DACs are recorded.
    DacRegistry public immutable registry;
    /// @notice State root of every DAC's block 0.
    bytes32 public immutable genesisStateRoot;
    /// @notice What timestamps are multiples of, in seconds.
    uint64 public immutable tickSeconds;

    /// @param facts What header proofs need to know of the network.
    constructor(HeaderFacts memory facts) {
        registry = facts.registry;
        genesisStateRoot = facts.genesisStateRoot;
        tickSeconds = facts.tickSeconds;
    }

    /// @notice Proves that what a block's hash in a batch is the hash of is no header, has a constant wrong, or another number
    /// than the block's place gives it. The caller has committed to this call, and has a bond.
    /// @param batch The batch.
    /// @param block_ The block.
    function proveForm(AccusedBatch calldata batch, AccusedBlock calldata block_) external accusing {
        uint256 used = _requireBlock(batch, block_, keccak256(block_.header));
        ProvenBlocks.requireAllUsed(block_.siblings, used);
        (HeaderField fault, Header memory fields) = HeaderCodec.decode(block_.header);
        uint256 number = batch.header.firstBlock + block_.position;
        _end(batch, Fraud.HeaderForm, number << 16, fault != HeaderField.None || fields.number != number);
    }

    /// @notice Proves that a header does not follow from the header before it: number, parent hash, timestamp, base fee. Which
    /// header is the one before follows from the block's place. The caller has committed to this call, and has a bond.
    /// @param batch The batch; with the batch before it where the block is its first, but not the chain's first.
    /// @param block_ The block. Its siblings: for a first block, of its hash in blocksRoot, then of the parent's in the blocksRoot
    /// before, if any; else of both together, see {MerkleTree-pairRootOf}.
    /// @param parent RLP of the header before; empty where that is the DAC's block 0.
    function proveParent(AccusedBatch calldata batch, AccusedBlock calldata block_, bytes calldata parent)
        external
        accusing
    {
        Header memory header = HeaderCodec.headerOf(block_.header);
        Header memory before;
        uint256 used;
        if (block_.position != 0) {
            before = HeaderCodec.headerOf(parent);
            used = _requirePair(batch.header, block_, [before.hash, header.hash]);
        } else {
            used = _requireBlock(batch, block_, header.hash);
            if (batch.header.index == 0) before = _genesisOf(batch.header.chainId);
            else (before, used) = _lastOf(batch, parent, block_.siblings, used);
        }
        ProvenBlocks.requireAllUsed(block_.siblings, used);
        HeaderField fault = HeaderRules.parentFault(header, before, tickSeconds);
        _end(batch, Fraud.HeaderParent, header.number << 16, fault != HeaderField.None);
    }

    /// @notice Proves that a header's state root, transactions root, receipts root, gas or bloom is not that of the block's last
    /// checkpoint; or that the batch gives the block no transactions, or more than a block may have. The caller has committed to
    /// this call, and has a bond.
    /// @param batch The batch.
    /// @param block_ The block. Its siblings: of its hash in blocksRoot, of its word in transactionsRoot, of the checkpoint under
    /// extraData, the last not where the number alone is wrong.
    /// @param last How its transactions ended.
    function proveCheckpoint(AccusedBatch calldata batch, AccusedBlock calldata block_, BlockEnd calldata last)
        external
        accusing
    {
        Header memory header = HeaderCodec.headerOf(block_.header);
        uint256 count = last.count;
        uint256 used = _requireBlock(batch, block_, header.hash);
        used = ProvenBlocks.requireTransactions(
            batch.header, block_.position, count, last.transactions, block_.siblings, used
        );
        bool isFraud = count == 0 || count > ProvenBlocks.MAX_TRANSACTIONS;
        if (!isFraud) {
            Checkpoint memory checkpoint = last.checkpoint;
            bytes32 leaf = Checkpoints.leafOf(checkpoint);
            used = ProvenBlocks.requireLeaf(header.checkpointsRoot, leaf, count - 1, count, block_.siblings, used);
            isFraud = HeaderRules.checkpointFault(header, checkpoint) != HeaderField.None;
        }
        ProvenBlocks.requireAllUsed(block_.siblings, used);
        _end(batch, Fraud.HeaderCheckpoint, header.number << 16, isFraud);
    }

    /// @notice Proves that a header's withdrawals root is not the storage root of MVM_L2ToL1 under its state root. The caller has
    /// committed to this call, and has a bond.
    /// @param batch The batch.
    /// @param block_ The block.
    /// @param nodes Proof of the account, as {MerkleTrie} takes it.
    function proveWithdrawals(AccusedBatch calldata batch, AccusedBlock calldata block_, bytes[] calldata nodes)
        external
        accusing
    {
        Header memory header = HeaderCodec.headerOf(block_.header);
        ProvenBlocks.requireAllUsed(block_.siblings, _requireBlock(batch, block_, header.hash));
        (,,, bytes32 storageRoot,) = MerkleTrie.accountOf(header.stateRoot, Predeploys.L2_TO_L1, nodes);
        HeaderField fault = HeaderRules.withdrawalsFault(header, storageRoot);
        _end(batch, Fraud.HeaderWithdrawals, header.number << 16, fault != HeaderField.None);
    }

    /// @dev Reverts unless the block is at its place of the batch; gives how many siblings that took.
    function _requireBlock(AccusedBatch calldata batch, AccusedBlock calldata block_, bytes32 hash)
        internal
        pure
        returns (uint256)
    {
        return ProvenBlocks.requireBlock(batch.header, hash, block_.position, block_.siblings, 0);
    }

    function _requirePair(BatchHeader calldata batch, AccusedBlock calldata block_, bytes32[2] memory hashes)
        private
        pure
        returns (uint256)
    {
        uint256 count = BatchHeaders.blockCount(batch);
        return ProvenBlocks.requirePair(batch.blocksRoot, hashes, block_.position, count, block_.siblings, 0);
    }

    /// @dev The last block of the batch before.
    function _lastOf(AccusedBatch calldata batch, bytes calldata parent, bytes32[] calldata siblings, uint256 used)
        private
        pure
        returns (Header memory, uint256 end)
    {
        if (batch.previous.length == 0) revert PreviousBatchMissing();
        BatchHeader calldata previous = batch.previous[0];
        if (BatchHeaders.hashOf(previous) != batch.header.previousBatchHash) revert PreviousBatchMissing();
        uint256 last = BatchHeaders.blockCount(previous) - 1;
        end = ProvenBlocks.requireBlock(previous, keccak256(parent), last, siblings, used);
        return (HeaderCodec.headerOf(parent), end);
    }

    function _genesisOf(uint256 chainId) private view returns (Header memory) {
        return GenesisBlock.header(registry.genesisHashOf(chainId), registry.createdAtOf(chainId), genesisStateRoot);
    }
}
