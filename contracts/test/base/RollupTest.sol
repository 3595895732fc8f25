// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SequencerPool} from "../../src/election/SequencerPool.sol";
import {IInbox, QueueItem} from "../../src/interfaces/IInbox.sol";
import {BatchHeader, BatchProof} from "../../src/interfaces/IRollupChain.sol";
import {IVouchers} from "../../src/interfaces/IVouchers.sol";
import {PeerKeys} from "../../src/PeerKeys.sol";
import {RollupChain} from "../../src/RollupChain.sol";
import {L1HeaderBuilder} from "../election/L1HeaderBuilder.sol";
import {NetworkTest} from "./NetworkTest.sol";
import {Vm} from "./Vm.sol";

/// @notice A committee of one test.
contract TestVouchers is IVouchers {
    mapping(bytes32 batchHash => bool) public isVouched;

    function vouch(bytes32 batchHash) external {
        isVouched[batchHash] = true;
    }
}

/// @notice A network with sequencers, whose epochs go by with their records taken, and whose batches are signed. This
/// contract is the one of the fraud proofs. L1's blocks are a second long.
abstract contract RollupTest is NetworkTest {
    /// @dev A batch as it was posted.
    struct Posted {
        BatchHeader header;
        BatchProof proof;
        bytes32 batchHash;
    }

    address internal constant CARRIER = address(0xCA441E4);
    address internal constant USER = address(0xA11CE);
    bytes internal constant DATA = "some transactions";

    TestVouchers internal committee;
    address[] internal sequencers;
    mapping(address sequencer => uint256 key) internal keyOf;
    mapping(uint256 chainId => QueueItem[]) private _items;
    mapping(uint256 chainId => bytes[]) private _itemData;

    /// @dev A network with so many sequencers of one stake, three epochs later, so that all of them count.
    function deployRollup(uint256 count, uint256 stake) internal {
        if (disputes == address(0)) disputes = address(this);
        committee = new TestVouchers();
        vouchers = committee;
        deployNetwork();
        vm.etch(L1HeaderBuilder.BLOCK_HASHES, L1HeaderBuilder.BLOCK_HASHES_CODE);
        vm.recordLogs();
        token.approve(address(bridge), type(uint256).max);
        for (uint256 i = 0; i < count; i++) {
            enrol(i, stake);
        }
        passEpochs(3);
    }

    function enrol(uint256 number, uint256 stake) internal returns (address sequencer) {
        uint256 key = 0x5e900000 + number;
        sequencer = vm.addr(key);
        keyOf[sequencer] = key;
        sequencers.push(sequencer);
        token.transfer(sequencer, stake);
        SequencerPool.Registration memory own = registrationOfSequencer(sequencer);
        vm.prank(sequencer);
        token.approve(address(bonds), stake);
        vm.prank(sequencer);
        sequencerPool.register(own, stake);
    }

    function registrationOfSequencer(address sequencer) internal view returns (SequencerPool.Registration memory) {
        (bytes memory key, bytes memory possession) =
            possessionOf(secretOf(sequencer), address(sequencerPool), sequencer);
        PeerKeys.Proof memory peer = peerProofOf(address(sequencerPool), sequencer);
        return SequencerPool.Registration(key, possession, peer, hex"047f000001");
    }

    function delegate(address sequencer, uint256 amount) internal {
        token.approve(address(bonds), amount);
        bonds.stake(sequencer, amount);
    }

    // Time

    function slotNow() internal view returns (uint64) {
        return uint64(block.number) / EPOCH_BLOCKS;
    }

    /// @dev Lets L1 blocks go by, each a second long, and takes the records of epochs that begin.
    function passBlocks(uint256 count) internal {
        uint64 before = slotNow();
        vm.roll(block.number + count);
        vm.warp(block.timestamp + count);
        uint64 current = slotNow();
        if (current == before && beacon.isRecorded(current)) return;
        for (uint64 epoch = current > before + 3 ? current - 3 : before; epoch <= current; epoch++) {
            recordEpoch(epoch);
        }
    }

    function passEpochs(uint256 count) internal {
        passBlocks((slotNow() + count) * EPOCH_BLOCKS - block.number);
    }

    /// @dev To the first block whose time is at least so many seconds from now.
    function passTime(uint256 time) internal {
        passBlocks(time);
    }

    function recordEpoch(uint64 epoch) internal {
        uint256 number = beacon.drawBlockOf(epoch);
        bytes memory header = L1HeaderBuilder.build(
            L1HeaderBuilder.Values(number, number, 1 gwei, keccak256(abi.encode("randao", number)))
        );
        vm.store(L1HeaderBuilder.BLOCK_HASHES, bytes32(number % 8191), keccak256(header));
        beacon.recordEpoch(epoch, header);
    }

    // Queues

    /// @dev Reads the items that were added since the last call. Calls cheatcodes alone.
    function readQueues() internal {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; i++) {
            if (logs[i].emitter != address(inbox) || logs[i].topics[0] != IInbox.QueueItemAdded.selector) continue;
            (QueueItem memory item, bytes memory data,) = abi.decode(logs[i].data, (QueueItem, bytes, bytes32));
            _items[uint256(logs[i].topics[1])].push(item);
            _itemData[uint256(logs[i].topics[1])].push(data);
        }
    }

    function itemOf(uint256 chainId, uint256 index) internal returns (QueueItem memory) {
        readQueues();
        return _items[chainId][index];
    }

    function itemDataOf(uint256 chainId, uint256 index) internal returns (bytes memory) {
        readQueues();
        return _itemData[chainId][index];
    }

    /// @dev An item as a list of one; the empty list where the queue ends before it.
    function itemsFrom(uint256 chainId, uint256 index) internal returns (QueueItem[] memory list) {
        readQueues();
        bool exists = index < _items[chainId].length;
        list = new QueueItem[](exists ? 1 : 0);
        if (exists) list[0] = _items[chainId][index];
    }

    function depositFrom(address from, uint256 chainId, uint256 amount) internal returns (bool held, uint256 index) {
        token.transfer(from, amount);
        vm.prank(from);
        token.approve(address(bridge), amount);
        vm.prank(from);
        return bridge.depositMT(chainId, from, amount);
    }

    // Batches

    /// @dev A next batch of five blocks by the leader of the present slot, not signed yet.
    function nextInput(uint256 chainId) internal view returns (RollupChain.BatchInput memory input) {
        (, uint64 nextIndex, uint64 lastBlock, uint64 queueEnd,) = rollup.headOf(chainId);
        input.chainId = uint64(chainId);
        input.index = nextIndex;
        input.lastBlock = lastBlock + 5;
        input.queueEnd = queueEnd;
        input.slot = slotNow();
        input.poster = rollup.sequencerOf(chainId, input.slot, 0);
        input.length = uint32(DATA.length);
        input.blocksRoot = keccak256("blocks");
        input.transactionsRoot = keccak256("transactions");
    }

    /// @dev The header that the contract will make of an input with its data in calldata.
    function headerOf(RollupChain.BatchInput memory input, bytes memory data)
        internal
        view
        returns (BatchHeader memory header)
    {
        (bytes32 last,, uint64 lastBlock,, uint64 generation) = rollup.headOf(input.chainId);
        header.chainId = input.chainId;
        header.generation = generation;
        header.index = input.index;
        header.previousBatchHash = last;
        header.firstBlock = lastBlock + 1;
        header.lastBlock = input.lastBlock;
        bytes memory own = new bytes(input.length);
        for (uint256 i = 0; i < own.length && input.offset + i < data.length; i++) {
            own[i] = data[input.offset + i];
        }
        header.dataHash = keccak256(own);
        header.blocksRoot = input.blocksRoot;
        header.transactionsRoot = input.transactionsRoot;
        header.queueEnd = input.queueEnd;
        header.slot = input.slot;
        header.poster = input.poster;
    }

    function signHash(RollupChain.BatchInput memory input, uint256 key, bytes32 batchHash) internal view {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, rollup.batchDigest(batchHash, input.slot));
        input.r = r;
        input.vs = bytes32(uint256(s) | uint256(v - 27) << 255);
    }

    /// @dev Signs an input by its poster's key.
    function sign(RollupChain.BatchInput memory input, bytes memory data)
        internal
        view
        returns (BatchHeader memory header)
    {
        header = headerOf(input, data);
        signHash(input, keyOf[input.poster], keccak256(abi.encode(header)));
    }

    function one(RollupChain.BatchInput memory input) internal pure returns (RollupChain.BatchInput[] memory inputs) {
        inputs = new RollupChain.BatchInput[](1);
        inputs[0] = input;
    }

    function noItems() internal pure returns (QueueItem[] memory) {
        return new QueueItem[](0);
    }

    /// @dev Carries batches to L1 by a transaction of an account that has nothing to do with them.
    function carry(RollupChain.BatchInput[] memory inputs, QueueItem[] memory items, bytes memory data) internal {
        vm.prank(CARRIER, CARRIER);
        rollup.appendBatches(inputs, items, data);
    }

    /// @dev Signs and posts one batch with DATA.
    function post(RollupChain.BatchInput memory input) internal returns (Posted memory) {
        return postWith(input, noItems());
    }

    function postWith(RollupChain.BatchInput memory input, QueueItem[] memory items)
        internal
        returns (Posted memory posted)
    {
        posted.header = sign(input, DATA);
        posted.batchHash = keccak256(abi.encode(posted.header));
        posted.proof = BatchProof(uint64(block.timestamp), 0, 1, new bytes32[](0));
        carry(one(input), items, DATA);
    }

    function postNext(uint256 chainId) internal returns (Posted memory) {
        return post(nextInput(chainId));
    }

    /// @dev Posts a batch that consumes all that its slot may consume.
    function postAll(uint256 chainId, bytes32 blocksRoot, uint64 blocks) internal returns (Posted memory) {
        RollupChain.BatchInput memory input = nextInput(chainId);
        input.lastBlock = input.lastBlock - 5 + blocks;
        input.blocksRoot = blocksRoot;
        input.queueEnd = uint64(inbox.queueLengthAt(chainId, input.slot - 2));
        return post(input);
    }

    /// @dev Expects a batch, signed by its poster, to be refused.
    function refuse(RollupChain.BatchInput memory input, QueueItem[] memory items, bytes memory reason) internal {
        sign(input, DATA);
        vm.expectRevert(reason);
        carry(one(input), items, DATA);
    }

    function refuse(RollupChain.BatchInput memory input, bytes memory reason) internal {
        refuse(input, noItems(), reason);
    }

    /// @dev The batch before the first: ignored by the contract.
    function noBatch() internal pure returns (BatchHeader memory header) {}

    /// @dev Root and siblings of a leaf, every level padded with zeros to the whole width.
    function merkle(bytes32[] memory leaves, uint256 index)
        internal
        pure
        returns (bytes32 root, bytes32[] memory siblings)
    {
        uint256 height = 0;
        while (1 << height < leaves.length) height++;
        bytes32[] memory level = new bytes32[](1 << height);
        for (uint256 i = 0; i < leaves.length; i++) {
            level[i] = leaves[i];
        }
        siblings = new bytes32[](height);
        for (uint256 depth = 0; depth < height; depth++) {
            siblings[depth] = level[(index >> depth) ^ 1];
            bytes32[] memory above = new bytes32[](level.length / 2);
            for (uint256 i = 0; i < above.length; i++) {
                above[i] = keccak256(abi.encodePacked(level[2 * i], level[2 * i + 1]));
            }
            level = above;
        }
        root = level[0];
    }
}
