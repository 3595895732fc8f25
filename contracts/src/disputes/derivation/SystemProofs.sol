// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BatchDecoder} from "../../BatchDecoder.sol";
import {BatchContext} from "../../BatchLayout.sol";
import {Comco} from "../../Comco.sol";
import {DacRegistry} from "../../DacRegistry.sol";
import {RandomBeacon} from "../../election/RandomBeacon.sol";
import {IBlockProofs} from "../../interfaces/IBlockProofs.sol";
import {IInbox} from "../../interfaces/IInbox.sol";
import {IRandomBeacon} from "../../interfaces/IRandomBeacon.sol";
import {BatchHeader} from "../../interfaces/IRollupChain.sol";
import {StakedRegistry} from "../../StakedRegistry.sol";
import {ProvenBlocks} from "../ProvenBlocks.sol";
import {BlockProofs} from "./BlockProofs.sol";
import {SystemCalls} from "./SystemCalls.sol";

/// @title F2: a system transaction at a block's beginning is not the one that follows from L1 and from the data
/// @notice Context, founding, items of the queue. A batch's own slot is the latest that its blocks may have.
abstract contract SystemProofs is BlockProofs {
    /// @notice What the rules read on L1.
    /// @param registry Where DACs are recorded.
    /// @param beacon Records of epochs.
    /// @param inbox Queues of the DACs.
    /// @param bridge L1Bridge.
    /// @param providers Registry of the providers.
    struct Records {
        DacRegistry registry;
        RandomBeacon beacon;
        IInbox inbox;
        address bridge;
        StakedRegistry providers;
    }

    /// @dev Epochs between the close of a queue's snapshot and the slot whose blocks may consume it.
    uint256 private constant SNAPSHOT_LAG = 2;
    /// @dev L1 blocks whose hashes L1 tells (EIP-2935).
    uint256 private constant KNOWN_HASHES = 8_191;

    /// @notice Where DACs are recorded.
    DacRegistry public immutable registry;
    /// @notice Records of epochs.
    RandomBeacon public immutable beacon;
    /// @notice Queues of the DACs.
    IInbox public immutable inbox;
    /// @notice L1Bridge.
    address public immutable bridge;
    /// @notice Registry of the providers.
    StakedRegistry public immutable providers;

    /// @notice The epoch's record can still be taken, and has to be before.
    error RecordMissing(uint64 epoch);
    /// @notice The block consumes fewer items.
    error NoSuchItem(uint256 index);
    /// @notice The data are not the item's.
    error WrongItemData(bytes32 dataHash);
    /// @notice Only block 1 has a founding.
    error NotTheFirstBlock(uint256 number);
    /// @notice The charter or the units are not those that were registered.
    error WrongRegistration(bytes32 genesisHash);

    /// @param records What the rules read on L1.
    constructor(Records memory records) {
        registry = records.registry;
        beacon = records.beacon;
        inbox = records.inbox;
        bridge = records.bridge;
        providers = records.providers;
    }

    function _judgeContext(BatchHeader calldata batch, IBlockProofs.ContextProof calldata proof)
        internal
        view
        returns (bool isFraud, uint256 place)
    {
        _requireData(batch, proof.data);
        uint256 number = _numberAt(batch, proof.leaf.position);
        place = number << 16;
        _requireCommitted(batch, proof.leaf, 0);
        (bool isUndecodable, BatchContext memory context) = _contextAt(proof.data, proof.leaf.position);
        if (isUndecodable || context.slot > batch.slot) return (true, place);
        (bool exists, IRandomBeacon.EpochRecord memory record) = _recordOf(context.slot);
        if (!exists) return (true, place);
        SystemCalls.ContextValues memory values =
            SystemCalls.ContextValues(context.slot, record.number, record.baseFee, batch.generation, proof.leaf.count);
        isFraud = proof.leaf.committed != keccak256(SystemCalls.context(batch.chainId, number, values));
    }

    function _judgeItem(BatchHeader calldata batch, IBlockProofs.ItemProof calldata proof)
        internal
        view
        returns (bool isFraud, uint256 place)
    {
        _requireData(batch, proof.data);
        uint256 number = _numberAt(batch, proof.leaf.position);
        (bool isUndecodable, BatchContext memory context) = _contextAt(proof.data, proof.leaf.position);
        if (isUndecodable) return (true, number << 16);
        if (proof.index >= context.queueItems) revert NoSuchItem(proof.index);
        uint256 own = _openingOf(number, context) - context.queueItems + proof.index;
        place = number << 16 | own;
        _requireCommitted(batch, proof.leaf, own);
        (uint8 fault, uint256 before) = BatchDecoder.queueItemsOf(proof.data, proof.leaf.position);
        if (_isFaulty(fault)) return (true, place);
        uint256 index = _queueBegin(batch, proof.previous) + before + proof.index;
        isFraud = _isNotDue(batch.chainId, index, context.slot, proof)
            || proof.leaf.committed != keccak256(SystemCalls.queued(batch.chainId, index, proof.item, proof.itemData));
    }

    function _judgeFounding(BatchHeader calldata batch, IBlockProofs.FoundingProof calldata proof)
        internal
        view
        returns (bool isFraud, uint256 place)
    {
        uint256 number = _numberAt(batch, proof.leaf.position);
        if (number != 1) revert NotTheFirstBlock(number);
        place = number << 16 | 1;
        _requireCommitted(batch, proof.leaf, 1);
        address metisDao = Comco(registry.comco()).metisDao();
        _requireRegistered(batch.chainId, metisDao, proof);
        bytes memory founding = SystemCalls.founding(batch.chainId, proof.charter, metisDao, bridge);
        isFraud = proof.leaf.committed != keccak256(founding);
    }

    function _requireCommitted(BatchHeader calldata batch, IBlockProofs.Committed calldata leaf, uint256 index)
        internal
        pure
    {
        (bytes32 root, uint256 used) = ProvenBlocks.rootOf(leaf.committed, index, leaf.count, leaf.siblings, 0);
        used = ProvenBlocks.requireTransactions(batch, leaf.position, leaf.count, root, leaf.siblings, used);
        ProvenBlocks.requireAllUsed(leaf.siblings, used);
    }

    /// @dev The record of an epoch; none exists where nobody can take it any more.
    function _recordOf(uint64 epoch) private view returns (bool exists, IRandomBeacon.EpochRecord memory record) {
        if (beacon.isRecorded(epoch)) return (true, beacon.recordOf(epoch));
        // epoch 0 has none
        if (epoch != 0 && beacon.drawBlockOf(epoch) + KNOWN_HASHES >= block.number) revert RecordMissing(epoch);
    }

    /// @dev Whether the block may not consume the item yet; reverts where the item is not the queue's. A queue that ends before it
    /// is a batch's beyond its queue, which no batch is that L1 takes.
    function _isNotDue(uint256 chainId, uint256 index, uint64 slot, IBlockProofs.ItemProof calldata proof)
        private
        view
        returns (bool)
    {
        inbox.requireItem(chainId, index, proof.item);
        if (keccak256(proof.itemData) != proof.item.dataHash) revert WrongItemData(proof.item.dataHash);
        return proof.item.l1Block / beacon.epochBlocks() + SNAPSHOT_LAG > slot;
    }

    /// @dev Reverts unless the genesis hash is of this charter.
    function _requireRegistered(uint256 chainId, address metisDao, IBlockProofs.FoundingProof calldata proof)
        private
        view
    {
        DacRegistry.DacRecord memory record = registry.recordOf(chainId);
        bytes32 genesisHash = keccak256(
            abi.encode(
                block.chainid,
                registry.comco(),
                chainId,
                keccak256(bytes(record.label)),
                keccak256(proof.charter),
                metisDao,
                proof.storageUnits
            )
        );
        if (genesisHash != record.genesisHash) revert WrongRegistration(genesisHash);
    }
}
