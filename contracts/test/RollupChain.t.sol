// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {DacRegistry} from "../src/DacRegistry.sol";
import {RollupChain} from "../src/RollupChain.sol";
import {NetworkTest} from "./base/NetworkTest.sol";

contract RollupChainTest is NetworkTest {
    uint256 private chainId;
    address[] private sequencers;

    function setUp() public {
        deployNetwork();
        chainId = comco.createDac("alpha", charter());
        for (uint256 i = 0; i < 3; i++) {
            sequencers.push(address(uint160(0x5E0 + i)));
            registerOperator(sequencerPool, sequencers[i], MIN_STAKE);
        }
    }

    function nextHeader(bytes memory data) private view returns (RollupChain.BatchHeader memory) {
        RollupChain.ChainHead memory head = rollup.headOf(chainId);
        uint64 slot = rollup.currentSlot();
        return RollupChain.BatchHeader({
            chainId: chainId,
            generation: 0,
            index: head.nextIndex,
            previousBatchHash: head.lastBatchHash,
            firstBlock: head.lastBlock + 1,
            lastBlock: head.lastBlock + 5,
            dataHash: keccak256(data),
            blocksRoot: keccak256("blocks"),
            transactionsRoot: keccak256("transactions"),
            queueEnd: head.queueEnd,
            slot: slot,
            poster: rollup.sequencerOf(chainId, slot),
            epochBlock: uint64(block.number)
        });
    }

    function append(RollupChain.BatchHeader memory header, bytes memory data) private {
        vm.prank(header.poster);
        rollup.appendBatch(header, data);
    }

    function refuse(RollupChain.BatchHeader memory header, bytes memory data, bytes memory reason) private {
        vm.expectRevert(reason);
        vm.prank(header.poster);
        rollup.appendBatch(header, data);
    }

    function test_batchesContinueTheChain(bytes calldata data, uint64 blocks, uint8 rounds) public {
        bytes32 previous = registry.recordOf(chainId).genesisHash;
        for (uint64 i = 0; i < rounds % 4 + 1; i++) {
            RollupChain.BatchHeader memory header = nextHeader(data);
            assertEq(header.previousBatchHash, previous, "previous");
            header.lastBlock = header.firstBlock + uint64(between(blocks, 0, 2047));
            bytes32 batchHash = keccak256(abi.encode(header));
            vm.expectEmit(true, true, false, true, address(rollup));
            emit RollupChain.BatchAppended(chainId, i, batchHash, header);
            append(header, data);
            RollupChain.PostedBatch memory posted = rollup.batchAt(chainId, i);
            assertEq(posted.batchHash, batchHash, "hash");
            assertEq(posted.postedAt, block.timestamp, "time");
            assertEq(posted.lastBlock, header.lastBlock, "block");
            RollupChain.ChainHead memory head = rollup.headOf(chainId);
            assertEq(head.nextIndex, i + 1, "index");
            assertEq(head.lastBlock, header.lastBlock, "last block");
            previous = batchHash;
            vm.roll(block.number + 7);
        }
    }

    function test_anUnknownChainIsRefused(uint256 other) public {
        vm.assume(other != chainId);
        RollupChain.BatchHeader memory header = nextHeader("");
        header.chainId = other;
        refuse(header, "", abi.encodeWithSelector(DacRegistry.UnknownChain.selector, other));
    }

    function test_anotherGenerationIsRefused(uint64 generation) public {
        vm.assume(generation != 0);
        RollupChain.BatchHeader memory header = nextHeader("");
        header.generation = generation;
        refuse(header, "", abi.encodeWithSelector(RollupChain.WrongGeneration.selector, 0, generation));
    }

    function test_anotherIndexIsRefused(uint64 index) public {
        append(nextHeader(""), "");
        vm.assume(index != 1);
        RollupChain.BatchHeader memory header = nextHeader("");
        header.index = index;
        refuse(header, "", abi.encodeWithSelector(RollupChain.WrongIndex.selector, 1, index));
    }

    function test_anotherPreviousBatchIsRefused(bytes32 previous) public {
        append(nextHeader(""), "");
        RollupChain.BatchHeader memory header = nextHeader("");
        bytes32 expected = header.previousBatchHash;
        vm.assume(previous != expected);
        header.previousBatchHash = previous;
        refuse(header, "", abi.encodeWithSelector(RollupChain.WrongPreviousBatch.selector, expected, previous));
    }

    function test_aGapOrOverlapOfBlocksIsRefused(uint64 firstBlock) public {
        append(nextHeader(""), "");
        vm.assume(firstBlock != 6);
        RollupChain.BatchHeader memory header = nextHeader("");
        header.firstBlock = firstBlock;
        refuse(header, "", abi.encodeWithSelector(RollupChain.WrongFirstBlock.selector, 6, firstBlock));
    }

    function test_noBlocksOrTooManyAreRefused(uint64 lastBlock) public {
        vm.assume(lastBlock == 0 || lastBlock > 2048);
        RollupChain.BatchHeader memory header = nextHeader("");
        header.lastBlock = lastBlock;
        refuse(header, "", abi.encodeWithSelector(RollupChain.WrongBlockRange.selector, 1, lastBlock));
        header.lastBlock = 2049;
        refuse(header, "", abi.encodeWithSelector(RollupChain.WrongBlockRange.selector, 1, 2049));
        header.lastBlock = 2048;
        append(header, "");
    }

    function test_otherDataIsRefused(bytes calldata data, bytes32 dataHash) public {
        vm.assume(dataHash != keccak256(data));
        RollupChain.BatchHeader memory header = nextHeader(data);
        header.dataHash = dataHash;
        refuse(header, data, abi.encodeWithSelector(RollupChain.WrongDataHash.selector, keccak256(data), dataHash));
    }

    function test_dataBeyondTheBoundIsRefused(uint256 excess) public {
        bytes memory data = new bytes(98_304 + between(excess, 1, 5000));
        refuse(nextHeader(data), data, abi.encodeWithSelector(RollupChain.DataTooLarge.selector, data.length));
    }

    function test_theQueueIsConsumedForwardAndWithinItsLength(uint64 consumed, uint64 back, uint64 beyond) public {
        for (uint256 i = 0; i < 4; i++) {
            depositFor(chainId, address(0xA), address(0xB), 1 ether);
        }
        RollupChain.BatchHeader memory header = nextHeader("");
        header.queueEnd = uint64(between(beyond, 5, type(uint64).max));
        refuse(header, "", abi.encodeWithSelector(RollupChain.QueueEndBeyondQueue.selector, 4, header.queueEnd));
        header.queueEnd = uint64(between(consumed, 1, 4));
        append(header, "");
        assertEq(rollup.headOf(chainId).queueEnd, header.queueEnd, "consumed");
        uint64 reached = header.queueEnd;
        header = nextHeader("");
        header.queueEnd = uint64(between(back, 0, reached - 1));
        refuse(header, "", abi.encodeWithSelector(RollupChain.QueueEndBackward.selector, reached, header.queueEnd));
    }

    function test_theEpochBlockIsRecentAndNotInTheFuture(uint64 future, uint64 age) public {
        RollupChain.BatchHeader memory header = nextHeader("");
        header.epochBlock = uint64(between(future, block.number + 1, type(uint64).max));
        bytes4 selector = RollupChain.WrongEpochBlock.selector;
        refuse(header, "", abi.encodeWithSelector(selector, block.number, header.epochBlock));
        header.epochBlock = uint64(block.number - between(age, MAX_EPOCH_AGE + 1, block.number));
        refuse(header, "", abi.encodeWithSelector(selector, block.number, header.epochBlock));
        header.epochBlock = uint64(block.number) - MAX_EPOCH_AGE;
        append(header, "");
    }

    function test_theHeaderNamesItsPoster(address caller) public {
        RollupChain.BatchHeader memory header = nextHeader("");
        vm.assume(caller != header.poster);
        vm.expectRevert(abi.encodeWithSelector(RollupChain.WrongPoster.selector, caller, header.poster));
        vm.prank(caller);
        rollup.appendBatch(header, "");
    }

    function test_onlyTheElectedSequencerAppends(uint256 pick, address outsider) public {
        RollupChain.BatchHeader memory header = nextHeader("");
        address elected = header.poster;
        header.poster = pick % 4 == 3 ? outsider : sequencers[pick % 4];
        vm.assume(header.poster != elected);
        refuse(header, "", abi.encodeWithSelector(RollupChain.NotElected.selector, elected, header.poster));
    }

    function test_theSlotBeforeIsOpenForPostGrace(uint64 offset) public {
        uint64 slot = rollup.currentSlot();
        RollupChain.BatchHeader memory header = nextHeader("");
        offset = uint64(between(offset, 0, SLOT_BLOCKS - 1));
        vm.roll((slot + 1) * SLOT_BLOCKS + offset);
        if (offset < POST_GRACE) {
            append(header, "");
        } else {
            refuse(header, "", abi.encodeWithSelector(RollupChain.SlotNotOpen.selector, slot + 1, slot));
        }
    }

    function test_otherSlotsAreNotOpen(uint64 slot) public {
        uint64 current = rollup.currentSlot();
        vm.roll(current * SLOT_BLOCKS);
        vm.assume(slot != current && slot != current - 1);
        RollupChain.BatchHeader memory header = nextHeader("");
        header.slot = slot;
        refuse(header, "", abi.encodeWithSelector(RollupChain.SlotNotOpen.selector, current, slot));
    }

    function test_withoutSequencersNobodyAppends() public {
        RollupChain.BatchHeader memory header = nextHeader("");
        for (uint256 i = 0; i < sequencers.length; i++) {
            vm.prank(sequencers[i]);
            sequencerPool.requestExit();
        }
        refuse(header, "", abi.encodeWithSelector(RollupChain.NoActiveSequencer.selector));
    }

    function test_turnsRotateOverTheActiveInOrder(uint64 slot) public view {
        uint256 start = uint256(keccak256(abi.encode(chainId))) % 3;
        assertEq(rollup.sequencerOf(chainId, slot), sequencers[(start + slot) % 3], "turn");
    }

    function test_aBatchIsFinalAfterMaxWindow(uint256 wait) public {
        append(nextHeader(""), "");
        wait = between(wait, 0, 10 * MAX_WINDOW);
        vm.warp(block.timestamp + wait);
        assertTrue(rollup.isFinal(chainId, 0) == (wait >= MAX_WINDOW), "final");
    }

    function test_anUnknownBatchIsNeitherFinalNorStored(uint64 index) public {
        bytes memory reason = abi.encodeWithSelector(RollupChain.UnknownBatch.selector, chainId, index);
        vm.expectRevert(reason);
        rollup.isFinal(chainId, index);
        vm.expectRevert(reason);
        rollup.batchAt(chainId, index);
    }

    function test_parametersHaveTheirBounds(uint64 slotBlocks, uint64 postGrace) public {
        vm.assume(slotBlocks == 0 || postGrace > slotBlocks);
        vm.expectRevert(abi.encodeWithSelector(RollupChain.InvalidParameters.selector));
        new RollupChain(registry, inbox, sequencerPool, RollupChain.RollupParameters(slotBlocks, postGrace, 1, 1));
    }

    /// @dev EIP-7623: calldata costs at least 40 gas a non-zero byte; the call's own gas is far below that.
    function test_theLargestBatchFitsOneTransaction() public {
        bytes memory data = new bytes(98_304);
        for (uint256 i = 0; i < data.length; i++) {
            data[i] = 0xff;
        }
        RollupChain.BatchHeader memory header = nextHeader(data);
        uint256 callDataLength = abi.encodeCall(RollupChain.appendBatch, (header, data)).length;
        vm.prank(header.poster);
        uint256 before = gasleft();
        rollup.appendBatch(header, data);
        uint256 execution = before - gasleft();
        uint256 floor = 21_000 + 40 * callDataLength;
        uint256 plain = 21_000 + 16 * callDataLength + execution;
        assertTrue((plain > floor ? plain : floor) < 16_777_216, "EIP-7825");
    }
}
