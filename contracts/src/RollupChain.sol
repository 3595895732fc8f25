// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {BatchHeaders} from "./BatchHeaders.sol";
import {ChainClocks} from "./ChainClocks.sol";
import {ChainHeads, Head} from "./ChainHeads.sol";
import {DacRegistry} from "./DacRegistry.sol";
import {IBondManager} from "./interfaces/IBondManager.sol";
import {IInbox, QueueItem} from "./interfaces/IInbox.sol";
import {IRandomBeacon} from "./interfaces/IRandomBeacon.sol";
import {BatchHeader, BatchProof, IRollupChain} from "./interfaces/IRollupChain.sol";
import {IRollupVerdicts} from "./interfaces/IRollupVerdicts.sol";
import {ISequencerPool} from "./interfaces/ISequencerPool.sol";
import {IVouchers} from "./interfaces/IVouchers.sol";
import {MerkleTree} from "./proofs/MerkleTree.sol";

/// @title Batches of all DACs
/// @notice Takes batches that the sequencer of a (chain, slot) signed, from anyone; tells when they are final; takes them
/// back where they are proven wrong.
/// @dev Three words of storage for each chain, and one for each transaction, however many batches it brings: a batch is proven by its
/// place in the Merkle tree of the transaction that brought it, and falls with its (generation, index).
contract RollupChain is IRollupChain, IRollupVerdicts {
    using ChainClocks for ChainClocks.Clock;

    /// @notice Neighbours, fixed at construction.
    /// @param registry Where DACs are recorded.
    /// @param inbox Queues of the DACs.
    /// @param beacon Randomness of epochs.
    /// @param pool Draws sequencers.
    /// @param bonds Bonds of sequencers.
    /// @param disputes May convict batches; zero: nobody may.
    /// @param disclosures May stop clocks, and drop batches of which something is withheld; zero: nobody may.
    /// @param vouchers Tells which batches a committee vouched for; zero: none.
    struct Neighbours {
        DacRegistry registry;
        IInbox inbox;
        IRandomBeacon beacon;
        ISequencerPool pool;
        IBondManager bonds;
        address disputes;
        address disclosures;
        IVouchers vouchers;
    }

    /// @notice Parameters, fixed at construction.
    /// @param postGrace L1 blocks after a slot's end in which its sequencer may still post, at most an epoch.
    /// @param rankDelay L1 blocks of silence after which the next rank may claim a slot, at least 1.
    /// @param minWindow Seconds until a batch is final that was vouched for.
    /// @param maxWindow Seconds until any batch is final, at least minWindow.
    /// @param forceDelay Seconds until an item of a queue is overdue.
    /// @param openAfter Seconds that an item is overdue until anyone with a bond may post.
    /// @param exitAfter Seconds that an item is overdue until the chain may be turned to exit; more than openAfter.
    /// @param proofTime Seconds for which a chain's clock stands on after it was released: time to prove what was disclosed.
    struct RollupParameters {
        uint64 postGrace;
        uint64 rankDelay;
        uint64 minWindow;
        uint64 maxWindow;
        uint64 forceDelay;
        uint64 openAfter;
        uint64 exitAfter;
        uint64 proofTime;
    }

    /// @notice A batch as it is handed in; the rest of its header follows from the chain's state.
    /// @param chainId Identifier of the DAC's chain.
    /// @param index Number of the batch; one that was posted already is passed over.
    /// @param lastBlock Number of its last block.
    /// @param queueEnd Number of queue items consumed by the chain up to and with it.
    /// @param slot Slot under which the poster claims its turn.
    /// @param poster Sequencer that signed it.
    /// @param blob 0: its data are in calldata; else the number of the transaction's blob, from 1.
    /// @param offset Where its data begin, in bytes of the calldata argument or of the blob's 126,976 bytes.
    /// @param length Bytes of its data.
    /// @param item 0, or place from 1 in the list of items of the chain's first item that it does not consume: needed
    /// where it leaves consumable items unconsumed.
    /// @param firstItem 0, or place from 1 in the list of items of the first item that was unconsumed before it: needed
    /// for posting by permission of an overdue queue alone.
    /// @param blocksRoot Merkle root of the block hashes.
    /// @param transactionsRoot Merkle root of the blocks' transactions, see {BatchHeader}.
    /// @param r Signature of the poster over {batchDigest} (EIP-2098).
    /// @param vs See r.
    struct BatchInput {
        uint64 chainId;
        uint64 index;
        uint64 lastBlock;
        uint64 queueEnd;
        uint64 slot;
        address poster;
        uint8 blob;
        uint32 offset;
        uint32 length;
        uint8 item;
        uint8 firstItem;
        bytes32 blocksRoot;
        bytes32 transactionsRoot;
        bytes32 r;
        bytes32 vs;
    }

    /// @dev What fell of a generation's batches: those from an index on, of which this is one more; zero: none. Time of it, in seconds.
    struct Fall {
        uint64 indexPlusOne;
        uint64 time;
    }

    /// @dev What the batches of one transaction share.
    /// @param slot Slot whose randomness was read last.
    /// @param randomness Its randomness; zero: none was read.
    /// @param threshold Bond that the present batch asks for, where its turn was not known.
    /// @param header Room for the header of a batch, with a word before it for the batch's hash.
    struct Carriage {
        uint64 slot;
        bytes32 randomness;
        uint256 threshold;
        BatchHeader header;
    }

    /// @notice Most blocks in a batch.
    uint64 public constant MAX_BLOCKS = 2048;
    /// @notice Largest data of a batch in calldata, in bytes.
    uint256 public constant MAX_CALLDATA_LENGTH = 98_304;
    /// @notice Bytes of data that a blob holds: 31 an element.
    uint256 public constant BLOB_CAPACITY = 126_976;
    /// @notice Most batches of one transaction.
    uint256 public constant MAX_BATCHES = 256;
    /// @notice Most overdue items that a batch has to consume.
    uint64 public constant MAX_FORCED = 16;
    /// @notice Ranks of a slot.
    uint8 public constant MAX_RANKS = 8;
    /// @dev An election looks at what was there two epochs before.
    uint64 private constant SNAPSHOT_LAG = 2;
    bytes32 private constant BATCH_TAG = keccak256("mvm/batch/1");
    bytes32 private constant SLOT_TAG = keccak256("mvm/slot/1");

    /// @notice Where DACs are recorded.
    DacRegistry public immutable registry;
    /// @notice Queues of the DACs.
    IInbox public immutable inbox;
    /// @notice Randomness of epochs.
    IRandomBeacon public immutable beacon;
    /// @notice Draws sequencers.
    ISequencerPool public immutable pool;
    /// @notice Bonds of sequencers.
    IBondManager public immutable bonds;
    /// @notice May convict batches; zero: nobody may.
    address public immutable disputes;
    /// @notice May stop clocks, and drop batches of which something is withheld; zero: nobody may.
    address public immutable disclosures;
    /// @notice Tells which batches a committee vouched for; zero: none.
    IVouchers public immutable vouchers;
    /// @notice L1 blocks of a slot, which is an epoch.
    uint64 public immutable slotBlocks;
    /// @notice See {RollupParameters}.
    uint64 public immutable postGrace;
    /// @notice See {RollupParameters}.
    uint64 public immutable rankDelay;
    /// @notice See {RollupParameters}.
    uint64 public immutable minWindow;
    /// @notice See {RollupParameters}.
    uint64 public immutable maxWindow;
    /// @notice See {RollupParameters}.
    uint64 public immutable forceDelay;
    /// @notice See {RollupParameters}.
    uint64 public immutable openAfter;
    /// @notice See {RollupParameters}.
    uint64 public immutable exitAfter;
    /// @notice See {RollupParameters}.
    uint64 public immutable proofTime;
    /// @dev What binds signatures to this network: as networkDomain of the nodes.
    bytes32 private immutable _domain;

    /// @dev Words of {ChainHeads}.
    mapping(uint256 chainId => uint256) private _heads;
    mapping(uint256 chainId => bytes32 batchHash) private _lastHashes;
    /// @dev The last turn that a batch was taken in for being its poster's: see {_turnOf}.
    mapping(uint256 chainId => uint256 turn) private _turns;
    /// @dev L1 block of the last claim.
    mapping(uint256 chainId => uint256) private _claimedAt;
    mapping(bytes32 posting => bool) private _postings;
    mapping(uint256 chainId => mapping(uint64 generation => Fall)) private _falls;
    mapping(uint256 chainId => ChainClocks.Clock) private _clocks;

    /// @notice A batch was appended. Its data are in the calldata or a blob of the transaction.
    event BatchAppended(uint256 indexed chainId, uint64 indexed index, bytes32 batchHash, BatchHeader header);
    /// @notice The batches of one transaction were recorded, in the order of their events.
    event BatchesPosted(bytes32 indexed root, uint256 count, uint64 postedAt);
    /// @notice A rank took a slot over.
    event SlotClaimed(uint256 indexed chainId, uint64 indexed slot, uint8 rank, uint8 previousRank, address sequencer);
    /// @notice A batch was proven wrong: it and all later ones of its chain fell.
    event RolledBack(uint256 indexed chainId, uint64 indexed generation, uint64 fromIndex, uint64 lastBlock);
    /// @notice A batch was proven wrong; its poster was slashed.
    event Convicted(uint256 indexed chainId, bytes32 indexed batchHash, address poster, uint256 slashed);
    /// @notice A sequencer was slashed for what it signed for a chain.
    event SequencerSlashed(uint256 indexed chainId, address indexed sequencer, uint256 slashed);
    /// @notice Something of a batch was withheld; its poster was fined.
    event Withheld(uint256 indexed chainId, bytes32 indexed batchHash, address poster, uint256 fined);
    /// @notice A chain's clock stands for a batch.
    event ClockHeld(uint256 indexed chainId, uint64 index);
    /// @notice A batch holds its chain's clock no more.
    event ClockReleased(uint256 indexed chainId);
    /// @notice A chain turned to exit for good.
    event TurnedToExit(uint256 indexed chainId);

    /// @notice A parameter is out of its bounds.
    error InvalidParameters();
    /// @notice The transaction brings no batch or more than MAX_BATCHES.
    error WrongBatchCount(uint256 count);
    /// @notice The call is not the transaction itself: nobody would find the data that came with it.
    error DataNotInInput(address caller);
    /// @notice All batches of the transaction were posted before.
    error NothingToAppend();
    /// @notice The index is beyond the next one.
    error WrongIndex(uint64 expected, uint64 given);
    /// @notice The batch has no blocks, or more than MAX_BLOCKS.
    error WrongBlockRange(uint64 firstBlock, uint64 lastBlock);
    /// @notice The data are not within the argument or the blob, or too long.
    error WrongDataRange(uint256 offset, uint256 length);
    /// @notice The transaction has no such blob.
    error UnknownBlob(uint8 blob);
    /// @notice queueEnd is less than what the chain has consumed.
    error QueueEndBackward(uint64 consumed, uint64 given);
    /// @notice queueEnd is beyond what blocks of the slot may consume.
    error QueueEndBeyondQueue(uint256 consumable, uint64 given);
    /// @notice An overdue item is left unconsumed.
    error OverdueItemLeft(uint64 index);
    /// @notice The item that has to be shown is not among the items.
    error ItemMissing(uint64 index);
    /// @notice The slot is neither the current one, nor the one before within its time to post.
    error SlotNotOpen(uint64 current, uint64 given);
    /// @notice The signature is not the poster's.
    error WrongSignature(address poster);
    /// @notice It is not the poster's turn.
    error NotElected(address poster);
    /// @notice The chain turned to exit.
    error ChainExiting(uint256 chainId);
    /// @notice The rank is not above the active one, or not below MAX_RANKS.
    error WrongRank(uint8 active, uint8 given);
    /// @notice The ranks below have not been silent for long enough.
    error NotSilentYet(uint256 fromBlock);
    /// @notice The first unconsumed item is not overdue for long enough.
    error NotOverdue(uint256 fromTime);
    /// @notice The batch was never posted so.
    error UnknownBatch(bytes32 batchHash);
    /// @notice The batch fell with a rollback.
    error BatchFell(bytes32 batchHash);
    /// @notice The batch is not final yet.
    error NotFinal(uint256 finalFrom);
    /// @notice The batch is too old for a conviction.
    error TooLate(uint256 until);
    /// @notice The header is not that of the batch before.
    error WrongPreviousBatch(bytes32 expected);
    /// @notice The batch is final.
    error AlreadyFinal(bytes32 batchHash);
    /// @notice Only the contract of the fraud proofs may.
    error OnlyDisputes(address caller);
    /// @notice Only the contract of the disclosures may.
    error OnlyDisclosures(address caller);

    /// @param neighbours The other contracts.
    /// @param parameters Parameters.
    /// @param comco Comco, whose address stands for the network in signatures.
    constructor(Neighbours memory neighbours, RollupParameters memory parameters, address comco) {
        uint64 epochBlocks = neighbours.beacon.epochBlocks();
        bool valid = parameters.postGrace <= epochBlocks && parameters.rankDelay > 0
            && parameters.minWindow <= parameters.maxWindow && parameters.openAfter < parameters.exitAfter;
        if (!valid) revert InvalidParameters();
        registry = neighbours.registry;
        inbox = neighbours.inbox;
        beacon = neighbours.beacon;
        pool = neighbours.pool;
        bonds = neighbours.bonds;
        disputes = neighbours.disputes;
        disclosures = neighbours.disclosures;
        vouchers = neighbours.vouchers;
        slotBlocks = epochBlocks;
        postGrace = parameters.postGrace;
        rankDelay = parameters.rankDelay;
        minWindow = parameters.minWindow;
        maxWindow = parameters.maxWindow;
        forceDelay = parameters.forceDelay;
        openAfter = parameters.openAfter;
        exitAfter = parameters.exitAfter;
        proofTime = parameters.proofTime;
        _domain = keccak256(abi.encodePacked(keccak256("mvm/network/1"), block.chainid, comco));
    }

    modifier onlyDisclosures() {
        if (msg.sender != disclosures) revert OnlyDisclosures(msg.sender);
        _;
    }

    /// @notice Appends batches of any chains, each signed by the sequencer whose turn it is. Anyone may carry them; with data in
    /// calldata only by a transaction of its own, so that they are in the transaction's input, where everyone finds them.
    /// A batch whose index was posted already is passed over, so that nobody makes the others fail by being faster with one.
    /// @dev The order of the checks is the order of the errors: chain, slot, continuation, data, queue, signature, turn, bond.
    /// @param inputs The batches, at most MAX_BATCHES.
    /// @param items Queue items that the batches refer to.
    /// @param data Data of the batches that are not in blobs.
    function appendBatches(BatchInput[] calldata inputs, QueueItem[] calldata items, bytes calldata data) external {
        if (inputs.length == 0 || inputs.length > MAX_BATCHES) revert WrongBatchCount(inputs.length);
        if (data.length > 0 && (msg.sender != tx.origin || msg.sender.code.length > 0)) {
            revert DataNotInInput(msg.sender);
        }
        bytes32[] memory hashes = new bytes32[](inputs.length);
        Carriage memory carriage;
        carriage.header = BatchHeaders.room();
        uint256 count = 0;
        for (uint256 i = 0; i < inputs.length; i++) {
            bytes32 batchHash = _append(inputs[i], items, data, carriage);
            if (batchHash != 0) hashes[count++] = batchHash;
        }
        if (count == 0) revert NothingToAppend();
        assembly ("memory-safe") {
            mstore(hashes, count)
        }
        bytes32 root = MerkleTree.root(hashes);
        _postings[_postingKey(root, count, uint64(block.timestamp))] = true;
        emit BatchesPosted(root, count, uint64(block.timestamp));
    }

    /// @notice Takes a slot over from a rank that was silent for `rankDelay` L1 blocks of its turn (for each rank in between,
    /// too). The rank before may still post for another rankDelay; the caller from then on.
    /// @param chainId Identifier of the DAC's chain.
    /// @param rank The caller's rank in the current slot.
    function claimSlot(uint256 chainId, uint8 rank) external {
        uint64 slot = _currentSlot();
        Head memory head = ChainHeads.unpack(_heads[chainId]);
        if (head.exiting) revert ChainExiting(chainId);
        bool claimed = head.claimedSlot == slot;
        uint8 active = claimed ? head.rank : 0;
        if (rank <= active || rank >= MAX_RANKS) revert WrongRank(active, rank);
        uint256 since = slot * slotBlocks;
        if (head.postedAt > since) since = head.postedAt;
        uint256 handedOver = claimed ? _claimedAt[chainId] + rankDelay : 0;
        if (handedOver > since) since = handedOver;
        uint256 from = since + uint256(rank - active) * rankDelay;
        if (block.number < from) revert NotSilentYet(from);
        if (sequencerOf(chainId, slot, rank) != msg.sender) revert NotElected(msg.sender);
        head.claimedSlot = uint32(slot);
        head.rank = rank;
        head.previousRank = active;
        _heads[chainId] = ChainHeads.pack(head);
        _claimedAt[chainId] = block.number;
        emit SlotClaimed(chainId, slot, rank, active, msg.sender);
    }

    /// @notice Turns a chain to exit for good, where its first unconsumed item is overdue by `exitAfter`. Open to everyone.
    /// @param chainId Identifier of the DAC's chain.
    /// @param item The first unconsumed item of its queue.
    function turnToExit(uint256 chainId, QueueItem calldata item) external {
        Head memory head = ChainHeads.unpack(_heads[chainId]);
        if (head.exiting) revert ChainExiting(chainId);
        inbox.requireItem(chainId, head.queueEnd, item);
        uint256 from = _overdueSince(chainId, head.generation, item) + exitAfter;
        if (block.timestamp < from) revert NotOverdue(from);
        head.exiting = true;
        _heads[chainId] = ChainHeads.pack(head);
        emit TurnedToExit(chainId);
    }

    /// @inheritdoc IRollupVerdicts
    /// @dev The poster's lock covers the batch for maxWindow, whatever the threshold has become; where the clock stood meanwhile
    /// and nobody renewed the lock, the present threshold stands in for it.
    function convict(
        BatchHeader calldata header,
        BatchProof calldata proof,
        BatchHeader calldata previous,
        address prover
    ) external {
        if (msg.sender != disputes) revert OnlyDisputes(msg.sender);
        bytes32 batchHash = requireConvictable(header, proof);
        if (block.timestamp < _finalFrom(header, proof, batchHash, false)) _rollBack(header, previous);
        uint256 chainId = header.chainId;
        bool stood = _clocks[chainId].stoodSince(proof.postedAt) != 0;
        uint256 slashed = bonds.slash(chainId, header.poster, stood ? _thresholdNow(chainId) : 0, prover);
        emit Convicted(chainId, batchHash, header.poster, slashed);
    }

    /// @inheritdoc IRollupVerdicts
    function slash(uint256 chainId, address sequencer, address prover) external returns (uint256 slashed) {
        if (msg.sender != disputes) revert OnlyDisputes(msg.sender);
        registry.genesisHashOf(chainId); // reverts for a chain that is not registered
        slashed = bonds.slash(chainId, sequencer, _thresholdNow(chainId), prover);
        emit SequencerSlashed(chainId, sequencer, slashed);
    }

    /// @inheritdoc IRollupVerdicts
    function holdClock(BatchHeader calldata header, BatchProof calldata proof)
        external
        onlyDisclosures
        returns (bytes32 batchHash)
    {
        batchHash = _requireUnfinal(header, proof);
        _clocks[header.chainId].hold(header.index);
        emit ClockHeld(header.chainId, header.index);
        bonds.renewLock(header.chainId, header.poster);
    }

    /// @inheritdoc IRollupVerdicts
    function releaseClock(uint256 chainId) external onlyDisclosures {
        _clocks[chainId].release(proofTime);
        emit ClockReleased(chainId);
    }

    /// @inheritdoc IRollupVerdicts
    function renewLock(uint256 chainId, address sequencer) external onlyDisclosures {
        bonds.renewLock(chainId, sequencer);
    }

    /// @inheritdoc IRollupVerdicts
    function dropWithheld(
        BatchHeader calldata header,
        BatchProof calldata proof,
        BatchHeader calldata previous,
        uint256 penalty,
        address asker
    ) external onlyDisclosures {
        bytes32 batchHash = _requireUnfinal(header, proof);
        _rollBack(header, previous);
        uint256 fined = bonds.fine(header.chainId, header.poster, penalty, asker);
        emit Withheld(header.chainId, batchHash, header.poster, fined);
    }

    /// @inheritdoc IRollupChain
    function requireFinal(BatchHeader calldata header, BatchProof calldata proof, bool whole)
        external
        view
        returns (bytes32 batchHash)
    {
        batchHash = _requireStanding(header, proof);
        uint256 from = _finalFrom(header, proof, batchHash, whole);
        if (block.timestamp < from) revert NotFinal(from);
    }

    /// @inheritdoc IRollupVerdicts
    function hasFallen(uint256 chainId, uint64 generation, uint64 index) public view returns (bool) {
        uint256 from = _falls[chainId][generation].indexPlusOne;
        return from != 0 && uint256(index) + 1 >= from;
    }

    /// @inheritdoc IRollupVerdicts
    function requireConvictable(BatchHeader calldata header, BatchProof calldata proof)
        public
        view
        returns (bytes32 batchHash)
    {
        batchHash = _requireStanding(header, proof);
        uint256 until = _finalFrom(header, proof, batchHash, true);
        if (block.timestamp >= until) revert TooLate(until);
    }

    /// @inheritdoc IRollupChain
    function headOf(uint256 chainId)
        external
        view
        returns (bytes32 lastBatchHash, uint64 nextIndex, uint64 lastBlock, uint64 queueEnd, uint64 generation)
    {
        Head memory head = ChainHeads.unpack(_heads[chainId]);
        return (_lastHashOf(chainId, head), head.nextIndex, head.lastBlock, head.queueEnd, head.generation);
    }

    /// @inheritdoc IRollupChain
    function isExiting(uint256 chainId) external view returns (bool) {
        return ChainHeads.isExiting(_heads[chainId]);
    }

    /// @notice The sequencer of a (chain, slot, rank); zero if fewer qualify.
    /// @param chainId Identifier of the DAC's chain.
    /// @param slot The current slot or the one before, from 2 on, whose record was taken.
    /// @param rank The rank, below MAX_RANKS.
    /// @return The sequencer's account.
    function sequencerOf(uint256 chainId, uint64 slot, uint8 rank) public view returns (address) {
        bytes32 randomness = beacon.randomnessOf(slot);
        return _draw(chainId, slot, rank, randomness, bonds.thresholdAt(chainId, slot - SNAPSHOT_LAG));
    }

    /// @notice What a poster signs: keccak256(keccak256("mvm/batch/1"), domain of the network, randomness of the slot's epoch,
    /// batch hash). With the randomness a batch is good for the L1 that it was made on alone: where L1 takes the draw block back,
    /// the batch's blocks have other L1 values.
    /// @param batchHash keccak256(abi.encode(header)).
    /// @param slot The header's slot, whose record was taken.
    /// @return The digest.
    function batchDigest(bytes32 batchHash, uint64 slot) external view returns (bytes32) {
        return _digest(batchHash, beacon.randomnessOf(slot));
    }

    function _append(
        BatchInput calldata input,
        QueueItem[] calldata items,
        bytes calldata data,
        Carriage memory carriage
    ) private returns (bytes32 batchHash) {
        uint256 chainId = input.chainId;
        Head memory head = ChainHeads.unpack(_heads[chainId]);
        if (head.exiting) revert ChainExiting(chainId);
        if (input.index < head.nextIndex) return 0;
        if (input.index > head.nextIndex) revert WrongIndex(head.nextIndex, input.index);
        _checkSlot(input.slot);
        BatchHeader memory header = carriage.header;
        _fillHeader(header, input, head, data);
        _checkQueue(input, head.queueEnd, items);
        batchHash = BatchHeaders.hash(header);
        _checkSignature(input, batchHash, carriage);
        uint256 turn = _turnOf(header, head);
        bool known = turn != 0 && _turns[chainId] == turn;
        if (!known && !_isDrawn(header, head, carriage)) {
            _requireOpen(input, head, items);
            turn = 0;
        }

        _emitAppended(header, batchHash);
        head.nextIndex++;
        head.lastBlock = uint48(header.lastBlock);
        head.queueEnd = uint40(header.queueEnd);
        head.postedAt = uint40(block.number);
        _heads[chainId] = ChainHeads.pack(head);
        _lastHashes[chainId] = batchHash;
        if (known) return batchHash;
        bonds.lock(chainId, header.poster, carriage.threshold);
        if (turn != 0) _turns[chainId] = turn;
    }

    function _checkSignature(BatchInput calldata input, bytes32 batchHash, Carriage memory carriage) private view {
        BatchHeader memory header = carriage.header;
        bytes32 digest = _digest(batchHash, _randomnessOf(header.slot, carriage));
        (address signer,,) = ECDSA.tryRecover(digest, input.r, input.vs);
        if (signer != header.poster || signer == address(0)) revert WrongSignature(header.poster);
    }

    /// @dev The turn under which a batch is posted: poster | slot << 160 | rank << 192 | period of locks << 200. Zero where
    /// the poster may take no lock. Within a slot nothing that a draw or a threshold looks at changes, and within a period
    /// a lock that was taken stands: what was found for a turn once holds for all batches of it.
    function _turnOf(BatchHeader memory header, Head memory head) private view returns (uint256) {
        uint256 period = bonds.lockPeriodOf(header.poster);
        uint256 seat = uint256(header.slot) << 160 | uint256(_rankInTurn(header, head)) << 192;
        return period == 0 ? 0 : uint256(uint160(header.poster)) | seat | period << 200;
    }

    /// @dev Whether the poster is the sequencer of the rank whose turn it is. Keeps the threshold that was asked for.
    function _isDrawn(BatchHeader memory header, Head memory head, Carriage memory carriage)
        private
        view
        returns (bool)
    {
        bytes32 randomness = _randomnessOf(header.slot, carriage);
        uint256 threshold = bonds.thresholdAt(header.chainId, header.slot - SNAPSHOT_LAG);
        carriage.threshold = threshold;
        return _draw(header.chainId, header.slot, _rankInTurn(header, head), randomness, threshold) == header.poster;
    }

    /// @dev emit BatchAppended(chainId, index, batchHash, header), without the copy that the compiler would make of it.
    function _emitAppended(BatchHeader memory header, bytes32 batchHash) private {
        bytes32 topic = BatchAppended.selector;
        (uint256 start, uint256 length) = BatchHeaders.follow(batchHash, header);
        (uint256 chainId, uint256 index) = (header.chainId, header.index);
        assembly ("memory-safe") {
            log3(start, length, topic, chainId, index)
        }
    }

    function _fillHeader(BatchHeader memory header, BatchInput calldata input, Head memory head, bytes calldata data)
        private
        view
    {
        uint64 firstBlock = head.lastBlock + 1;
        uint64 lastBlock = input.lastBlock;
        header.chainId = input.chainId;
        header.generation = head.generation;
        header.index = head.nextIndex;
        header.previousBatchHash = _lastHashOf(header.chainId, head);
        header.firstBlock = firstBlock;
        header.lastBlock = lastBlock;
        if (lastBlock < firstBlock || lastBlock - firstBlock >= MAX_BLOCKS) {
            revert WrongBlockRange(firstBlock, lastBlock);
        }
        (header.blobHash, header.dataHash) = _dataOf(input, data);
        header.blocksRoot = input.blocksRoot;
        header.transactionsRoot = input.transactionsRoot;
        header.queueEnd = input.queueEnd;
        header.slot = input.slot;
        header.poster = input.poster;
    }

    function _dataOf(BatchInput calldata input, bytes calldata data)
        private
        view
        returns (bytes32 blobHash, bytes32 dataHash)
    {
        (uint256 offset, uint256 length, uint8 blob) = (input.offset, input.length, input.blob);
        uint256 end = offset + length;
        if (blob == 0) {
            bool fits = length > 0 && length <= MAX_CALLDATA_LENGTH && end <= data.length;
            if (!fits) revert WrongDataRange(offset, length);
            return (0, keccak256(data[offset:end]));
        }
        if (length == 0 || end > BLOB_CAPACITY) revert WrongDataRange(offset, length);
        blobHash = blobhash(blob - 1);
        if (blobHash == 0) revert UnknownBlob(blob);
        dataHash = bytes32(offset << 32 | length);
    }

    function _checkSlot(uint64 slot) private view {
        uint64 current = _currentSlot();
        bool open = slot == current
            || (current > 0 && slot == current - 1 && block.number < uint256(current) * slotBlocks + postGrace);
        if (!open || slot < SNAPSHOT_LAG) revert SlotNotOpen(current, slot);
    }

    function _checkQueue(BatchInput calldata input, uint64 consumed, QueueItem[] calldata items) internal view virtual {
        uint64 queueEnd = input.queueEnd;
        if (queueEnd < consumed) revert QueueEndBackward(consumed, queueEnd);
        uint256 consumable = inbox.queueLengthAt(input.chainId, input.slot - SNAPSHOT_LAG);
        if (queueEnd > consumable) revert QueueEndBeyondQueue(consumable, queueEnd);
        if (queueEnd == consumable || queueEnd - consumed >= MAX_FORCED) return;
        QueueItem calldata item = _itemAt(items, input.item, queueEnd);
        inbox.requireItem(input.chainId, queueEnd, item);
        if (block.timestamp >= uint256(item.timestamp) + forceDelay) revert OverdueItemLeft(queueEnd);
    }

    /// @dev The active rank; after a claim, for rankDelay, the rank before instead.
    function _rankInTurn(BatchHeader memory header, Head memory head) private view returns (uint8) {
        if (head.claimedSlot != header.slot) return 0;
        bool handingOver = block.number < _claimedAt[header.chainId] + rankDelay;
        return handingOver ? head.previousRank : head.rank;
    }

    /// @dev Where an item is overdue by openAfter, any active sequencer may post.
    function _requireOpen(BatchInput calldata input, Head memory head, QueueItem[] calldata items) private view {
        if (input.firstItem == 0 || !pool.isActive(input.poster)) revert NotElected(input.poster);
        QueueItem calldata item = _itemAt(items, input.firstItem, head.queueEnd);
        inbox.requireItem(input.chainId, head.queueEnd, item);
        uint256 from = _overdueSince(input.chainId, head.generation, item) + openAfter;
        if (block.timestamp < from) revert NotOverdue(from);
    }

    function _randomnessOf(uint64 slot, Carriage memory carriage) private view returns (bytes32 randomness) {
        randomness = carriage.randomness;
        if (randomness != 0 && carriage.slot == slot) return randomness;
        randomness = beacon.randomnessOf(slot);
        (carriage.slot, carriage.randomness) = (slot, randomness);
    }

    function _draw(uint256 chainId, uint64 slot, uint8 rank, bytes32 randomness, uint256 threshold)
        private
        view
        returns (address)
    {
        bytes32 seed = _hashOf(SLOT_TAG, randomness, bytes32(chainId), bytes32(uint256(slot)));
        return pool.draw(seed, slot - SNAPSHOT_LAG, threshold, rank);
    }

    /// @dev See {batchDigest}.
    function _digest(bytes32 batchHash, bytes32 randomness) internal view virtual returns (bytes32) {
        return _hashOf(BATCH_TAG, _domain, randomness, batchHash);
    }

    /// @dev keccak256(abi.encode(a, b, c, d)), in memory that nobody owns.
    function _hashOf(bytes32 a, bytes32 b, bytes32 c, bytes32 d) private pure returns (bytes32 result) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, a)
            mstore(add(free, 0x20), b)
            mstore(add(free, 0x40), c)
            mstore(add(free, 0x60), d)
            result := keccak256(free, 0x80)
        }
    }

    function _itemAt(QueueItem[] calldata items, uint8 place, uint64 index) private pure returns (QueueItem calldata) {
        if (place == 0 || place > items.length) revert ItemMissing(index);
        return items[place - 1];
    }

    /// @dev A rollback gives the sequencers the whole time anew.
    function _overdueSince(uint256 chainId, uint64 generation, QueueItem calldata item)
        internal
        view
        virtual
        returns (uint256)
    {
        uint64 rolledBackAt = generation == 0 ? 0 : _falls[chainId][generation - 1].time;
        return uint256(item.timestamp > rolledBackAt ? item.timestamp : rolledBackAt) + forceDelay;
    }

    function _rollBack(BatchHeader calldata header, BatchHeader calldata previous) private {
        Head memory head = ChainHeads.unpack(_heads[header.chainId]);
        bool isFirst = header.index == 0;
        if (!isFirst && BatchHeaders.hashOf(previous) != header.previousBatchHash) {
            revert WrongPreviousBatch(header.previousBatchHash);
        }
        uint64 generation = head.generation;
        Fall memory fall = Fall(header.index + 1, uint64(block.timestamp));
        // A later rollback may reach back into an earlier generation: its batches after this one fell already.
        for (uint64 g = header.generation; g <= generation; g++) {
            uint64 from = _falls[header.chainId][g].indexPlusOne;
            if (from == 0 || from > fall.indexPlusOne) _falls[header.chainId][g] = fall;
        }
        head.nextIndex = uint40(header.index);
        head.lastBlock = uint48(header.firstBlock - 1);
        head.queueEnd = isFirst ? 0 : uint40(previous.queueEnd);
        head.generation = uint32(generation + 1);
        _heads[header.chainId] = ChainHeads.pack(head);
        _lastHashes[header.chainId] = header.previousBatchHash;
        emit RolledBack(header.chainId, generation, header.index, header.firstBlock - 1);
    }

    function _requireStanding(BatchHeader calldata header, BatchProof calldata proof)
        private
        view
        returns (bytes32 batchHash)
    {
        batchHash = BatchHeaders.hashOf(header);
        bytes32 root = MerkleTree.rootOf(batchHash, proof.position, proof.siblings);
        bool recorded = MerkleTree.fits(proof.position, proof.count, proof.siblings.length)
            && _postings[_postingKey(root, proof.count, proof.postedAt)];
        if (!recorded) revert UnknownBatch(batchHash);
        if (hasFallen(header.chainId, header.generation, header.index)) revert BatchFell(batchHash);
    }

    function _requireUnfinal(BatchHeader calldata header, BatchProof calldata proof)
        private
        view
        returns (bytes32 batchHash)
    {
        batchHash = _requireStanding(header, proof);
        if (block.timestamp >= _finalFrom(header, proof, batchHash, false)) revert AlreadyFinal(batchHash);
    }

    /// @dev Time from which a batch is final, as its chain's clock stands now. As long as the clock stands for it or for an earlier
    /// batch, nobody's word makes it final.
    function _finalFrom(BatchHeader calldata header, BatchProof calldata proof, bytes32 batchHash, bool whole)
        internal
        view
        virtual
        returns (uint256)
    {
        ChainClocks.Clock storage clock = _clocks[header.chainId];
        bool isShort = !whole && address(vouchers) != address(0) && !clock.isHeldBefore(header.index)
            && vouchers.isVouched(batchHash);
        return uint256(proof.postedAt) + clock.stoodSince(proof.postedAt) + (isShort ? minWindow : maxWindow);
    }

    function _thresholdNow(uint256 chainId) private view returns (uint256) {
        return bonds.thresholdAt(chainId, _currentSlot());
    }

    function _currentSlot() private view returns (uint64) {
        return uint64(block.number) / slotBlocks;
    }

    function _postingKey(bytes32 root, uint256 count, uint64 postedAt) private pure returns (bytes32) {
        return keccak256(abi.encode(root, count, postedAt));
    }

    function _lastHashOf(uint256 chainId, Head memory head) private view returns (bytes32) {
        return head.nextIndex == 0 ? registry.genesisHashOf(chainId) : _lastHashes[chainId];
    }
}
