// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {RandomBeacon} from "../src/election/RandomBeacon.sol";
import {Inbox} from "../src/Inbox.sol";
import {QueueItem} from "../src/interfaces/IInbox.sol";
import {RollupChain} from "../src/RollupChain.sol";
import {RollupTest} from "./base/RollupTest.sol";

/// @notice Whose turn it is: slots, ranks, claims.
/// forge-config: default.fuzz.runs = 64
contract RollupTurnsTest is RollupTest {
    uint256 private chain;

    function setUp() public {
        deployRollup(10, 2 * MIN_STAKE);
        chain = createDac("alpha");
        passEpochs(1);
    }

    function ranked(uint8 rank) private view returns (address) {
        return rollup.sequencerOf(chain, slotNow(), rank);
    }

    function claim(uint8 rank) private {
        address sequencer = ranked(rank);
        vm.prank(sequencer);
        rollup.claimSlot(chain, rank);
    }

    function refuseClaim(uint8 rank, bytes memory reason) private {
        address sequencer = ranked(rank);
        vm.expectRevert(reason);
        vm.prank(sequencer);
        rollup.claimSlot(chain, rank);
    }

    function inputBy(uint8 rank) private view returns (RollupChain.BatchInput memory input) {
        input = nextInput(chain);
        input.poster = ranked(rank);
    }

    function refuseBy(uint8 rank) private {
        RollupChain.BatchInput memory input = inputBy(rank);
        refuse(input, abi.encodeWithSelector(RollupChain.NotElected.selector, input.poster));
    }

    function test_onlyTheLeaderPostsAtFirst(uint8 rank) public {
        refuseBy(uint8(between(rank, 1, 7)));
        post(inputBy(0));
    }

    function test_anAccountThatIsNoSequencerNeverPosts(uint256 key) public {
        key = between(key, 1, 2 ** 250);
        RollupChain.BatchInput memory input = nextInput(chain);
        input.poster = vm.addr(key);
        vm.assume(keyOf[input.poster] == 0);
        keyOf[input.poster] = key;
        refuse(input, abi.encodeWithSelector(RollupChain.NotElected.selector, input.poster));
    }

    function test_turnsAreDrawnForEveryChainAndSlot() public {
        uint256 second = createDac("beta");
        uint256 differ = 0;
        for (uint256 i = 0; i < 16; i++) {
            passEpochs(1);
            if (rollup.sequencerOf(chain, slotNow(), 0) != rollup.sequencerOf(second, slotNow(), 0)) differ++;
        }
        assertTrue(differ > 4, "chains differ");
    }

    function test_theSlotBeforeIsOpenForPostGrace(uint256 late) public {
        RollupChain.BatchInput memory input = nextInput(chain);
        sign(input, DATA);
        uint64 slot = input.slot;
        passEpochs(1);
        late = between(late, 0, EPOCH_BLOCKS - 1);
        passBlocks(late);
        if (late >= POST_GRACE) {
            vm.expectRevert(abi.encodeWithSelector(RollupChain.SlotNotOpen.selector, slot + 1, slot));
        }
        carry(one(input), noItems(), DATA);
    }

    function test_otherSlotsAreNotOpen(uint64 slot) public {
        uint64 current = slotNow();
        vm.assume(slot != current && slot != current - 1);
        RollupChain.BatchInput memory input = nextInput(chain);
        input.slot = slot;
        vm.expectRevert(abi.encodeWithSelector(RollupChain.SlotNotOpen.selector, current, slot));
        carry(one(input), noItems(), DATA);
    }

    function test_aSlotWithoutARecordHasNoTurn() public {
        RollupChain.BatchInput memory input = nextInput(chain);
        uint64 slot = slotNow() + 1;
        vm.roll(uint256(slot) * EPOCH_BLOCKS);
        input.slot = slot;
        vm.expectRevert(abi.encodeWithSelector(RandomBeacon.EpochNotRecorded.selector, slot));
        carry(one(input), noItems(), DATA);
    }

    function test_aRankClaimsAfterRankDelayForEachRankBelowIt(uint8 rank, uint256 early) public {
        rank = uint8(between(rank, 1, 3));
        uint256 from = uint256(slotNow()) * EPOCH_BLOCKS + rank * RANK_DELAY;
        early = between(early, block.number, from - 1);
        passBlocks(early - block.number);
        refuseClaim(rank, abi.encodeWithSelector(RollupChain.NotSilentYet.selector, from));
        passBlocks(from - early);
        address sequencer = ranked(rank);
        vm.expectEmit(true, true, false, true, address(rollup));
        emit RollupChain.SlotClaimed(chain, slotNow(), rank, 0, sequencer);
        vm.prank(sequencer);
        rollup.claimSlot(chain, rank);
    }

    function test_aClaimHandsOverAfterRankDelay() public {
        passBlocks(RANK_DELAY);
        claim(1);
        refuseBy(1);
        post(inputBy(0));
        passBlocks(RANK_DELAY - 1);
        refuseBy(1);
        passBlocks(1);
        refuseBy(0);
        post(inputBy(1));
    }

    function test_anIdleLeaderThatIsClaimedOverStillPostsWhatItHas(uint256 wait) public {
        passBlocks(RANK_DELAY);
        claim(1);
        passBlocks(between(wait, 0, RANK_DELAY - 1));
        post(inputBy(0));
        passEpochs(1);
        post(inputBy(0));
    }

    function test_aLeaderThatPostsIsNotClaimedOver() public {
        passBlocks(RANK_DELAY - 1);
        post(inputBy(0));
        passBlocks(1);
        refuseClaim(1, abi.encodeWithSelector(RollupChain.NotSilentYet.selector, block.number - 1 + RANK_DELAY));
        passBlocks(RANK_DELAY - 1);
        claim(1);
    }

    function test_everyRankMayFollowTheSilentOneBefore() public {
        for (uint8 rank = 1; rank <= 2; rank++) {
            passBlocks(rank == 1 ? RANK_DELAY : 2 * RANK_DELAY);
            claim(rank);
            uint256 from = block.number + 2 * RANK_DELAY;
            refuseClaim(rank + 1, abi.encodeWithSelector(RollupChain.NotSilentYet.selector, from));
            post(inputBy(rank - 1));
        }
    }

    function test_skippedRanksAreNotGivenThePostingBack() public {
        passBlocks(3 * RANK_DELAY);
        claim(3);
        refuseBy(1);
        refuseBy(2);
        refuseBy(3);
        post(inputBy(0));
        refuseClaim(2, abi.encodeWithSelector(RollupChain.WrongRank.selector, 3, 2));
        refuseClaim(3, abi.encodeWithSelector(RollupChain.WrongRank.selector, 3, 3));
    }

    function test_thereAreEightRanks(uint8 rank) public {
        rank = uint8(between(rank, 8, 255));
        passBlocks(EPOCH_BLOCKS - 1);
        vm.expectRevert(abi.encodeWithSelector(RollupChain.WrongRank.selector, 0, rank));
        rollup.claimSlot(chain, rank);
        vm.expectRevert(abi.encodeWithSelector(RollupChain.WrongRank.selector, 0, 0));
        rollup.claimSlot(chain, 0);
    }

    function test_aRankIsClaimedByItsSequencerAlone(address caller) public {
        passBlocks(RANK_DELAY);
        vm.assume(caller != ranked(1));
        vm.expectRevert(abi.encodeWithSelector(RollupChain.NotElected.selector, caller));
        vm.prank(caller);
        rollup.claimSlot(chain, 1);
    }

    function test_aClaimEndsWithItsSlot() public {
        passBlocks(RANK_DELAY);
        claim(1);
        passEpochs(1);
        refuseBy(1);
        post(inputBy(0));
    }
}

/// @notice What batches must and may consume, and what follows where they do not.
/// forge-config: default.fuzz.runs = 64
contract RollupQueueTest is RollupTest {
    uint256 private chain;

    function setUp() public {
        deployRollup(3, 10 * MIN_STAKE);
        chain = createDac("alpha");
        passEpochs(1);
    }

    function force(uint256 count) private {
        for (uint256 i = 0; i < count; i++) {
            inbox.forceTransaction(chain, abi.encodePacked(hex"02", i));
        }
    }

    /// @dev An input that consumes up to an item and shows that item, and the first unconsumed one.
    function consuming(uint64 queueEnd) private view returns (RollupChain.BatchInput memory input) {
        input = nextInput(chain);
        input.queueEnd = queueEnd;
        input.item = 1;
    }

    function test_theSnapshotOfASlotBoundsWhatItConsumes(uint256 count, uint64 end) public {
        count = between(count, 1, 5);
        force(count);
        passEpochs(1);
        RollupChain.BatchInput memory input = nextInput(chain);
        input.queueEnd = uint64(between(end, 1, type(uint64).max));
        refuse(input, abi.encodeWithSelector(RollupChain.QueueEndBeyondQueue.selector, 0, input.queueEnd));
        passEpochs(1);
        input = nextInput(chain);
        input.queueEnd = uint64(between(end, count + 1, type(uint64).max));
        refuse(input, abi.encodeWithSelector(RollupChain.QueueEndBeyondQueue.selector, count, input.queueEnd));
        input.queueEnd = uint64(count);
        post(input);
        passBlocks(1);
        input.index = 1;
        input.lastBlock = 10;
        input.queueEnd = uint64(between(end, 0, count - 1));
        refuse(input, abi.encodeWithSelector(RollupChain.QueueEndBackward.selector, count, input.queueEnd));
    }

    function test_noOverdueItemIsLeft(uint64 end) public {
        force(3);
        passEpochs(2);
        end = uint64(between(end, 0, 2));
        assertTrue(block.timestamp >= itemOf(chain, 0).timestamp + FORCE_DELAY, "overdue");
        refuse(consuming(end), itemsFrom(chain, end), abi.encodeWithSelector(RollupChain.OverdueItemLeft.selector, end));
        postAll(chain, 0, 5);
    }

    function test_anItemThatIsNotOverdueMayWait() public {
        passEpochs(1);
        passBlocks(7);
        force(1);
        uint256 time = block.timestamp;
        passEpochs(2);
        assertTrue(block.timestamp < time + FORCE_DELAY, "not overdue yet");
        postWith(consuming(0), itemsFrom(chain, 0));
    }

    function test_theItemThatIsLeftIsShown(uint8 place) public {
        passBlocks(7);
        force(2);
        passEpochs(2);
        RollupChain.BatchInput memory input = consuming(0);
        input.item = uint8(between(place, 2, 255));
        refuse(input, itemsFrom(chain, 0), abi.encodeWithSelector(RollupChain.ItemMissing.selector, 0));
        input.item = 0;
        refuse(input, itemsFrom(chain, 0), abi.encodeWithSelector(RollupChain.ItemMissing.selector, 0));
        input.item = 1;
        refuse(input, itemsFrom(chain, 1), abi.encodeWithSelector(Inbox.WrongQueueItem.selector, chain, 0));
        postWith(input, itemsFrom(chain, 0));
    }

    function test_aBatchNeedsToConsumeSixteenItemsAtMost() public {
        force(40);
        passEpochs(2);
        refuse(consuming(15), itemsFrom(chain, 15), abi.encodeWithSelector(RollupChain.OverdueItemLeft.selector, 15));
        RollupChain.BatchInput memory input = nextInput(chain);
        input.queueEnd = 16;
        post(input);
        refuse(consuming(31), itemsFrom(chain, 31), abi.encodeWithSelector(RollupChain.OverdueItemLeft.selector, 31));
        input = nextInput(chain);
        input.queueEnd = 36;
        post(input);
    }

    /// @dev A registered sequencer that is not the leader.
    function outsider(uint256 pick) private view returns (address) {
        address leader = rollup.sequencerOf(chain, slotNow(), 0);
        return sequencers[pick % 3] == leader ? sequencers[(pick + 1) % 3] : sequencers[pick % 3];
    }

    function openInput(address poster) private view returns (RollupChain.BatchInput memory input) {
        input = nextInput(chain);
        input.poster = poster;
        input.firstItem = 1;
        input.queueEnd = uint64(inbox.queueLengthAt(chain, input.slot - 2));
    }

    function test_anySequencerPostsOnceAnItemIsOverdueByOpenAfter(uint256 pick, uint256 early) public {
        force(1);
        uint256 from = block.timestamp + FORCE_DELAY + OPEN_AFTER;
        passEpochs(2);
        early = between(early, block.timestamp, from - 1);
        passTime(early - block.timestamp);
        refuse(
            openInput(outsider(pick)),
            itemsFrom(chain, 0),
            abi.encodeWithSelector(RollupChain.NotOverdue.selector, from)
        );
        passTime(from - early);
        address poster = outsider(pick);
        RollupChain.BatchInput memory input = openInput(poster);
        input.firstItem = 0;
        refuse(input, itemsFrom(chain, 0), abi.encodeWithSelector(RollupChain.NotElected.selector, poster));
        postWith(openInput(poster), itemsFrom(chain, 0));
    }

    function test_aPostThatConsumesEndsTheOpenTime(uint256 pick) public {
        force(1);
        passTime(FORCE_DELAY + OPEN_AFTER + 2 * EPOCH_BLOCKS);
        force(1);
        uint256 second = block.timestamp;
        postWith(openInput(outsider(pick)), itemsFrom(chain, 0));
        refuse(
            openInput(outsider(pick)),
            itemsFrom(chain, 1),
            abi.encodeWithSelector(RollupChain.NotOverdue.selector, second + FORCE_DELAY + OPEN_AFTER)
        );
    }

    function test_whoHasNoBondOrLeftNeverPosts(uint256 key, uint256 pick) public {
        force(1);
        passTime(FORCE_DELAY + OPEN_AFTER + 2 * EPOCH_BLOCKS);
        address stranger = vm.addr(between(key, 1, 2 ** 250));
        vm.assume(keyOf[stranger] == 0);
        keyOf[stranger] = between(key, 1, 2 ** 250);
        refuse(
            openInput(stranger), itemsFrom(chain, 0), abi.encodeWithSelector(RollupChain.NotElected.selector, stranger)
        );
        address left = outsider(pick);
        vm.prank(left);
        sequencerPool.requestExit();
        refuse(openInput(left), itemsFrom(chain, 0), abi.encodeWithSelector(RollupChain.NotElected.selector, left));
    }

    function test_turningToExitTakesExitAfterAndTheFirstUnconsumedItem(uint256 early) public {
        force(2);
        uint256 from = block.timestamp + FORCE_DELAY + EXIT_AFTER;
        early = between(early, block.timestamp, from - 1);
        passTime(early - block.timestamp);
        vm.expectRevert(abi.encodeWithSelector(RollupChain.NotOverdue.selector, from));
        rollup.turnToExit(chain, itemOf(chain, 0));
        passTime(from - early);
        vm.expectRevert(abi.encodeWithSelector(Inbox.WrongQueueItem.selector, chain, 0));
        rollup.turnToExit(chain, itemOf(chain, 1));
        vm.expectEmit(true, false, false, true, address(rollup));
        emit RollupChain.TurnedToExit(chain);
        rollup.turnToExit(chain, itemOf(chain, 0));
        assertTrue(rollup.isExiting(chain), "exiting");
        bytes memory exiting = abi.encodeWithSelector(RollupChain.ChainExiting.selector, chain);
        vm.expectRevert(exiting);
        rollup.turnToExit(chain, itemOf(chain, 0));
        vm.expectRevert(exiting);
        rollup.claimSlot(chain, 1);
        refuse(nextInput(chain), exiting);
    }

    function test_aChainWhoseQueueIsConsumedNeverTurnsToExit() public {
        vm.expectRevert(abi.encodeWithSelector(Inbox.UnknownQueueItem.selector, chain, 0));
        rollup.turnToExit(chain, itemOfNothing());
        force(1);
        passTime(FORCE_DELAY + EXIT_AFTER);
        postAll(chain, 0, 5);
        vm.expectRevert(abi.encodeWithSelector(Inbox.UnknownQueueItem.selector, chain, 1));
        rollup.turnToExit(chain, itemOf(chain, 0));
    }

    function test_aRollbackStartsTheTimersAnew() public {
        force(1);
        passTime(FORCE_DELAY + EXIT_AFTER);
        Posted memory posted = postAll(chain, 0, 5);
        passTime(10);
        rollup.convict(posted.header, posted.proof, noBatch(), USER);
        uint256 again = block.timestamp + FORCE_DELAY;
        vm.expectRevert(abi.encodeWithSelector(RollupChain.NotOverdue.selector, again + EXIT_AFTER));
        rollup.turnToExit(chain, itemOf(chain, 0));
        address poster = outsider(0);
        if (poster == posted.header.poster) poster = outsider(1);
        RollupChain.BatchInput memory input = openInput(poster);
        if (poster != posted.header.poster) {
            refuse(
                input, itemsFrom(chain, 0), abi.encodeWithSelector(RollupChain.NotOverdue.selector, again + OPEN_AFTER)
            );
        }
        passTime(FORCE_DELAY + EXIT_AFTER);
        rollup.turnToExit(chain, itemOf(chain, 0));
    }

    function itemOfNothing() private pure returns (QueueItem memory item) {}
}
