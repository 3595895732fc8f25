// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Asks} from "../../src/disputes/Asks.sol";
import {Disclosures} from "../../src/disputes/Disclosures.sol";
import {ProvenBlocks} from "../../src/disputes/ProvenBlocks.sol";
import {HeaderCodec, HeaderField} from "../../src/execution/codec/HeaderCodec.sol";
import {BatchHeader, BatchProof} from "../../src/interfaces/IRollupChain.sol";
import {RollupChain} from "../../src/RollupChain.sol";
import {AccusedBatch, DisputesTest, MadeBatch} from "./DisputesTest.sol";
import {MadeBlock} from "./BlockBuilder.sol";

/// @notice F6: asks, answers, and what the chain's clock does meanwhile.
/// forge-config: default.fuzz.runs = 32
contract DisclosuresTest is DisputesTest {
    uint256 private constant BLOCKS = 5;
    uint256 private constant TRANSACTIONS = 3;
    uint256 private constant ITEMS = 2 + 2 * BLOCKS;
    address private constant ANSWERER = address(0xA2515E2);

    bytes private first_;
    bytes private second_;

    function setUp() public {
        deployDisputes();
        MadeBatch memory made = postFirst(BLOCKS, TRANSACTIONS);
        first_ = abi.encode(made);
        passBlocks(1);
        second_ = abi.encode(postFollowing(made, BLOCKS, TRANSACTIONS));
    }

    function first() private view returns (MadeBatch memory) {
        return abi.decode(first_, (MadeBatch));
    }

    function second() private view returns (MadeBatch memory) {
        return abi.decode(second_, (MadeBatch));
    }

    /// @dev The items of a batch from 0 on: two of its own, two of each block.
    function itemAt(uint256 number) private pure returns (uint256) {
        return number < 2 ? number : 2 + number % 2 | (number - 2) / 2 << 3;
    }

    function ask(address asker, MadeBatch memory made, uint256 number) private {
        AccusedBatch memory batch = made.accused;
        vm.prank(asker);
        asking.ask(batch.header, batch.posting, itemAt(number), type(uint256).max);
    }

    function refuseAsk(MadeBatch memory made, uint256 item, bytes memory reason) private {
        AccusedBatch memory batch = made.accused;
        vm.expectRevert(reason);
        vm.prank(PROVER);
        asking.ask(batch.header, batch.posting, item, type(uint256).max);
    }

    function answerOf(MadeBatch memory made, uint256 number) private pure returns (bytes memory) {
        BatchHeader memory header = made.accused.header;
        if (number == 0) return abi.encodeCall(Disclosures.answerBlocks, (header, blockHashesOf(made.blocks)));
        bytes32[] memory words = wordsOf(made.blocks);
        if (number == 1) return abi.encodeCall(Disclosures.answerWords, (header, words));
        uint256 position = (number - 2) / 2;
        MadeBlock memory own = made.blocks[position];
        bytes32[] memory path = pathOf(words, position);
        bytes32[] memory hashes = hashesOf(own);
        if (number % 2 == 1) return abi.encodeCall(Disclosures.answerTransactions, (header, position, hashes, path));
        path = join(pathOf(blockHashesOf(made.blocks), position), path);
        return abi.encodeCall(
            Disclosures.answerCheckpoints, (header, position, own.header, rootOf(hashes), leavesOf(own), path)
        );
    }

    function send(address sender, bytes memory input) private returns (bool succeeded, bytes memory reason) {
        vm.prank(sender, sender);
        return address(asking).call(input);
    }

    function answer(address answerer, MadeBatch memory made, uint256 number) private {
        (bool succeeded,) = send(answerer, answerOf(made, number));
        assertTrue(succeeded, "answered");
    }

    function refuseAnswer(bytes memory input, bytes memory reason) private {
        (bool succeeded, bytes memory given) = send(ANSWERER, input);
        assertTrue(!succeeded, "refused");
        assertEq(given, reason, "reason");
    }

    function expire(MadeBatch memory made) private {
        BatchHeader memory previous = made.accused.previous.length == 0 ? noBatch() : made.accused.previous[0];
        asking.expire(made.accused.header, made.accused.posting, previous);
    }

    function finalNow(MadeBatch memory made) private view returns (bool) {
        try rollup.requireFinal(made.accused.header, made.accused.posting, false) {
            return true;
        } catch {
            return false;
        }
    }

    function stakeOf(MadeBatch memory made) private view returns (uint256 total) {
        (total,) = bonds.totalOf(made.accused.header.poster);
    }

    // Answers

    function test_everyItemIsAnsweredByAnyoneForItsPrice(uint256 number) public {
        number = number % ITEMS;
        MadeBatch memory made = second();
        ask(PROVER, made, number);
        assertTrue(!rollup.hasFallen(chain, 0, 1), "stands");
        answer(ANSWERER, made, number);
        assertEq(token.balanceOf(ANSWERER), BASE_PRICE, "price");
        assertEq(token.balanceOf(address(asking)), 0, "nothing left");
        assertEq(asking.queueOf(made.batchHash).next, 1, "next");
        (bool again,) = send(ANSWERER, answerOf(made, number));
        assertTrue(!again, "once");
    }

    function test_aWrongAnswerIsNone(uint256 number, uint256 leaf) public {
        number = number % ITEMS;
        MadeBatch memory made = second();
        ask(PROVER, made, number);
        bytes memory input = answerOf(made, number);
        // one of the leaves, which are the last words but for the siblings' in front of them
        uint256 place = 4 + 13 * 32 + leaf % (input.length - 4 - 13 * 32);
        input[place] = bytes1(uint8(input[place]) ^ 1);
        (bool succeeded,) = send(ANSWERER, input);
        if (succeeded) {
            // a bit that nothing reads: padding of the header's bytes
            assertTrue(number >= 2 && number % 2 == 0, "only a header is padded");
        } else {
            assertEq(asking.queueOf(made.batchHash).next, 0, "still asked for");
        }
    }

    function test_anAnswerIsWhole() public {
        MadeBatch memory made = second();
        BatchHeader memory header = made.accused.header;
        ask(PROVER, made, 0);
        bytes32[] memory hashes = join(blockHashesOf(made.blocks), new bytes32[](1));
        // padding would give the same root
        assertEq(rootOf(hashes), header.blocksRoot, "the same root");
        refuseAnswer(
            abi.encodeCall(Disclosures.answerBlocks, (header, hashes)),
            abi.encodeWithSelector(Disclosures.WrongLeaves.selector, BLOCKS + 1)
        );
        answer(ANSWERER, made, 0);
        ask(PROVER, made, 2);
        bytes32[] memory leaves = join(leavesOf(made.blocks[0]), new bytes32[](1));
        bytes32[] memory path = join(pathOf(blockHashesOf(made.blocks), 0), pathOf(wordsOf(made.blocks), 0));
        refuseAnswer(
            abi.encodeCall(
                Disclosures.answerCheckpoints,
                (header, 0, made.blocks[0].header, rootOf(hashesOf(made.blocks[0])), leaves, path)
            ),
            abi.encodeWithSelector(ProvenBlocks.WrongPath.selector, 0, BLOCKS)
        );
    }

    function test_whatIsAnsweredIsInTheInput() public {
        MadeBatch memory made = second();
        ask(PROVER, made, 0);
        bytes memory input = answerOf(made, 0);
        bytes memory reason = abi.encodeWithSelector(Asks.AnswerNotInInput.selector, ANSWERER);
        vm.prank(ANSWERER, CARRIER);
        (bool succeeded, bytes memory given) = address(asking).call(input);
        assertTrue(!succeeded, "another's transaction");
        assertEq(given, reason, "reason");
        vm.etch(ANSWERER, hex"00");
        refuseAnswer(input, reason);
    }

    function test_asksAreServedInTheirOrder(uint256 a, uint256 b) public {
        a = a % ITEMS;
        b = between(b, 0, ITEMS - 1);
        if (a == b) b = (b + 1) % ITEMS;
        MadeBatch memory made = second();
        ask(PROVER, made, a);
        ask(THIEF, made, b);
        refuseAnswer(answerOf(made, b), abi.encodeWithSelector(Asks.NotServed.selector, made.batchHash));
        passTime(REVEAL_DELAY - 1);
        answer(ANSWERER, made, a);
        // the time of the second one begins now
        passTime(REVEAL_DELAY - 1);
        vm.expectRevert(abi.encodeWithSelector(Asks.NotExpired.selector, block.timestamp + 1));
        expire(made);
        answer(ANSWERER, made, b);
        assertEq(token.balanceOf(ANSWERER), 3 * BASE_PRICE, "prices");
        refuseAnswer(answerOf(made, b), abi.encodeWithSelector(Asks.NotServed.selector, made.batchHash));
    }

    // Asks

    function test_everyItemIsAskedForOnce(uint256 number, bool answered) public {
        number = number % ITEMS;
        MadeBatch memory made = second();
        ask(PROVER, made, number);
        if (answered) answer(ANSWERER, made, number);
        uint256 item = itemAt(number);
        refuseAsk(made, item, abi.encodeWithSelector(Asks.AlreadyAsked.selector, made.batchHash, item));
        // of another batch it is another item
        ask(PROVER, first(), number);
    }

    function test_whatABatchDoesNotHaveIsNotAskedFor(uint256 position) public {
        MadeBatch memory made = second();
        position = between(position, BLOCKS, type(uint64).max);
        uint256 item = asking.itemOf(Asks.Kind.Checkpoints, position);
        refuseAsk(made, item, abi.encodeWithSelector(Asks.UnknownItem.selector, item));
        item = asking.itemOf(Asks.Kind.Transactions, position);
        refuseAsk(made, item, abi.encodeWithSelector(Asks.UnknownItem.selector, item));
        item = asking.itemOf(Asks.Kind.Words, 1);
        refuseAsk(made, item, abi.encodeWithSelector(Asks.UnknownItem.selector, item));
    }

    function test_pricesDoubleUpToTheLast() public {
        MadeBatch memory made = second();
        uint256 before = token.balanceOf(PROVER);
        for (uint256 i = 0; i < ITEMS; i++) {
            uint256 price = BASE_PRICE << (i < 8 ? i : 8);
            AccusedBatch memory batch = made.accused;
            vm.expectRevert(abi.encodeWithSelector(Asks.TooDear.selector, price));
            vm.prank(PROVER);
            asking.ask(batch.header, batch.posting, itemAt(i), price - 1);
            ask(PROVER, made, i);
            assertEq(before - token.balanceOf(PROVER), price, "price");
            before -= price;
        }
    }

    /// @dev A poster that asks itself gets back what it pays; the price has an end all the same.
    function test_aPosterThatAsksItselfPutsNothingOutOfReach() public {
        MadeBatch memory made = second();
        for (uint256 i = 0; i + 1 < ITEMS; i++) {
            ask(THIEF, made, i);
            answer(THIEF, made, i);
        }
        uint256 before = token.balanceOf(PROVER);
        ask(PROVER, made, ITEMS - 1);
        assertEq(before - token.balanceOf(PROVER), BASE_PRICE << 8, "price");
        passTime(REVEAL_DELAY);
        expire(made);
        assertTrue(token.balanceOf(PROVER) > before, "back, and more");
    }

    function test_onlyWhatStandsAndIsNotFinalIsAskedFor() public {
        MadeBatch memory made = second();
        MadeBatch memory other = second();
        other.accused.header.poster = PROVER;
        bytes32 unknown = keccak256(abi.encode(other.accused.header));
        refuseAsk(other, 0, abi.encodeWithSelector(RollupChain.UnknownBatch.selector, unknown));
        uint256 snapshot = vm.snapshotState();
        prove(PROVER, fraudCall(made, 1, 1));
        refuseAsk(made, 0, abi.encodeWithSelector(RollupChain.BatchFell.selector, made.batchHash));
        vm.revertToState(snapshot);
        // racing finality: the last second counts
        passTime(made.accused.posting.postedAt + MAX_WINDOW - 1 - block.timestamp);
        snapshot = vm.snapshotState();
        ask(PROVER, made, 0);
        passTime(MAX_WINDOW);
        assertTrue(!finalNow(made), "the clock stands");
        vm.revertToState(snapshot);
        passTime(1);
        refuseAsk(made, 0, abi.encodeWithSelector(RollupChain.AlreadyFinal.selector, made.batchHash));
    }

    function test_nobodyAsksForWhatFellMeanwhile() public {
        MadeBatch memory made = second();
        ask(PROVER, made, 0);
        prove(PROVER, fraudCall(made, 1, 1));
        refuseAsk(made, 1, abi.encodeWithSelector(Asks.BatchIsFallen.selector, made.batchHash));
        refuseAnswer(answerOf(made, 0), abi.encodeWithSelector(Asks.BatchIsFallen.selector, made.batchHash));
    }

    // The clock

    function test_thePauseIsLeftOutOfEveryWindow(uint256 wait, uint256 pause) public {
        MadeBatch memory early = first();
        MadeBatch memory made = second();
        wait = between(wait, 0, MAX_WINDOW - 10);
        pause = between(pause, 0, REVEAL_DELAY - 1);
        passTime(wait);
        ask(PROVER, made, 0);
        passTime(pause);
        assertTrue(!finalNow(early) && !finalNow(made), "stands");
        answer(ANSWERER, made, 0);
        uint256 more = pause + PROOF_TIME;
        MadeBatch[2] memory both = [early, made];
        for (uint256 i = 0; i < 2; i++) {
            passTime(both[i].accused.posting.postedAt + MAX_WINDOW + more - 1 - block.timestamp);
            assertTrue(!finalNow(both[i]), "not yet");
            passTime(1);
            assertTrue(finalNow(both[i]), "final");
        }
    }

    function test_aBatchThatWasPostedInAPauseWaitsForItsRestOnly(uint256 pause) public {
        MadeBatch memory made = second();
        pause = between(pause, 2, REVEAL_DELAY - 1);
        ask(PROVER, made, 0);
        passTime(1);
        MadeBatch memory third = postFollowing(made, 1, 1);
        passTime(pause - 1);
        answer(ANSWERER, made, 0);
        passTime(third.accused.posting.postedAt + MAX_WINDOW + pause - 1 + PROOF_TIME - 1 - block.timestamp);
        assertTrue(!finalNow(third), "not yet");
        passTime(1);
        assertTrue(finalNow(third), "final");
    }

    function test_chainsHaveTheirOwnClocks() public {
        uint256 other = createDac("beta");
        MadeBatch memory foreign = postBlocks(other, firstBlocks(other, 1, 1), new BatchHeader[](0));
        ask(PROVER, second(), 0);
        passTime(MAX_WINDOW);
        assertTrue(finalNow(foreign), "the other chain's runs");
        assertTrue(!finalNow(first()) && !finalNow(second()), "this one's stands");
    }

    function test_whatIsFinalStaysFinal() public {
        MadeBatch memory early = first();
        MadeBatch memory made = second();
        passTime(early.accused.posting.postedAt + MAX_WINDOW - block.timestamp);
        assertTrue(finalNow(early) && !finalNow(made), "one of them");
        ask(PROVER, made, 0);
        passTime(REVEAL_DELAY);
        assertTrue(finalNow(early), "still");
        expire(made);
        assertTrue(finalNow(early), "still");
        assertTrue(!rollup.hasFallen(chain, 0, 0), "stands");
    }

    /// @dev A committee's word in a pause makes neither the batch final nor a later one.
    function test_nothingBecomesFinalByAWordWhileItIsAskedFor(bool answered) public {
        MadeBatch memory early = first();
        MadeBatch memory made = second();
        MadeBatch memory third = postFollowing(made, 1, 1);
        passTime(MIN_WINDOW);
        ask(PROVER, made, 0);
        committee.vouch(early.batchHash);
        committee.vouch(made.batchHash);
        committee.vouch(third.batchHash);
        assertTrue(finalNow(early), "an earlier one");
        assertTrue(!finalNow(made) && !finalNow(third), "not while it is asked for");
        if (!answered) {
            passTime(REVEAL_DELAY);
            expire(made);
            assertTrue(rollup.hasFallen(chain, 0, 1) && rollup.hasFallen(chain, 0, 2), "fell");
            return;
        }
        answer(ANSWERER, made, 0);
        passTime(PROOF_TIME - 1);
        assertTrue(!finalNow(made) && !finalNow(third), "time to prove");
        prove(PROVER, fraudCall(made, 1, 1));
    }

    function test_thereIsTimeToProveWhatWasShown() public {
        MadeBatch memory made = second();
        passTime(made.accused.posting.postedAt + MAX_WINDOW - 1 - block.timestamp);
        ask(PROVER, made, 0);
        passTime(REVEAL_DELAY - 1);
        answer(ANSWERER, made, 0);
        passTime(PROOF_TIME - 2);
        prove(PROVER, fraudCall(made, 1, 1));
        requireConvicted(made);
    }

    /// @dev The poster's lock lasts for maxWindow after each answer, so that a pause does not free its stake.
    function test_aPauseDoesNotFreeThePoster() public {
        MadeBatch memory made = second();
        for (uint256 i = 0; i < ITEMS; i++) {
            ask(PROVER, made, i);
        }
        for (uint256 i = 0; i < ITEMS; i++) {
            passTime(REVEAL_DELAY - 1);
            answer(ANSWERER, made, i);
        }
        uint256 until = made.accused.posting.postedAt + MAX_WINDOW + ITEMS * (REVEAL_DELAY - 1) + PROOF_TIME;
        passTime(until - 2 - block.timestamp);
        assertEq(bonds.lockOf(made.accused.header.poster, chain), DEPOSIT, "locked");
        uint256 before = stakeOf(made);
        prove(PROVER, fraudCall(made, 1, 1));
        assertEq(before - stakeOf(made), DEPOSIT, "slashed");
        requireConvicted(made);
    }

    /// @dev A lock that would end in the pause is renewed when the pause begins.
    function test_thePosterIsHeldFromTheFirstAskOn() public {
        passTime(MAX_WINDOW - 1 - block.timestamp % MAX_WINDOW);
        MadeBatch memory made = postFollowing(second(), 1, 1);
        passTime(MAX_WINDOW - 1);
        ask(PROVER, made, 0);
        passTime(REVEAL_DELAY - 1);
        assertEq(bonds.lockOf(made.accused.header.poster, chain), DEPOSIT, "locked");
    }

    function test_afterItsLockTheThresholdStandsInForIt() public {
        MadeBatch memory early = first();
        MadeBatch memory made = second();
        // the pause is the later batch's: nobody renews the earlier poster's lock
        for (uint256 i = 0; i < ITEMS; i++) {
            ask(PROVER, made, i);
        }
        for (uint256 i = 0; i < ITEMS; i++) {
            passTime(REVEAL_DELAY - 1);
            answer(ANSWERER, made, i);
        }
        if (early.accused.header.poster != made.accused.header.poster) {
            assertEq(bonds.lockOf(early.accused.header.poster, chain), 0, "ran out");
        }
        uint256 before = stakeOf(early);
        prove(PROVER, fraudCall(early, 1, 1));
        assertEq(before - stakeOf(early), DEPOSIT, "slashed");
    }

    // Silence

    function test_silenceCostsTheBatchAndAPartOfTheBond(uint256 number, uint256 late) public {
        MadeBatch memory made = second();
        MadeBatch memory third = postFollowing(made, 1, 1);
        uint256 stake = stakeOf(made);
        uint256 before = token.balanceOf(PROVER);
        ask(PROVER, made, number % ITEMS);
        passTime(REVEAL_DELAY + between(late, 0, 1000));
        expire(made);
        assertTrue(rollup.hasFallen(chain, 0, 1) && rollup.hasFallen(chain, 0, 2), "fell with the later one");
        assertTrue(!rollup.hasFallen(chain, 0, 0), "the earlier one stands");
        assertEq(third.accused.header.index, 2, "index");
        assertEq(stake - stakeOf(made), PENALTY, "penalty");
        assertTrue(sequencerPool.isActive(made.accused.header.poster), "not ejected");
        assertEq(token.balanceOf(PROVER), before + PENALTY * 3 / 10, "price back, and a share");
        assertEq(token.balanceOf(address(asking)), 0, "nothing left");
        vm.expectRevert(abi.encodeWithSelector(Asks.NotServed.selector, made.batchHash));
        expire(made);
    }

    function test_anAnswerCountsUntilTheBatchIsTakenBack(uint256 late) public {
        MadeBatch memory made = second();
        ask(PROVER, made, 0);
        passTime(REVEAL_DELAY + between(late, 0, 1000));
        answer(ANSWERER, made, 0);
        vm.expectRevert(abi.encodeWithSelector(Asks.NotServed.selector, made.batchHash));
        expire(made);
    }

    function test_theClockRunsAfterARollback() public {
        MadeBatch memory made = second();
        ask(PROVER, made, 0);
        passTime(REVEAL_DELAY);
        expire(made);
        passTime(PROOF_TIME);
        uint256 until = first().accused.posting.postedAt + MAX_WINDOW + REVEAL_DELAY + PROOF_TIME;
        passTime(until - 1 - block.timestamp);
        assertTrue(!finalNow(first()), "not yet");
        passTime(1);
        assertTrue(finalNow(first()), "final");
    }

    function test_otherAsksArePaidBackWhenTheBatchFalls(bool convicted) public {
        MadeBatch memory made = second();
        uint256 asker = token.balanceOf(THIEF);
        ask(PROVER, made, 0);
        ask(THIEF, made, 1);
        ask(THIEF, made, 2);
        BatchHeader memory header = made.accused.header;
        vm.expectRevert(abi.encodeWithSelector(Asks.BatchStands.selector, made.batchHash));
        asking.payBack(header, 1);
        if (convicted) {
            prove(PROVER, fraudCall(made, 1, 1));
        } else {
            passTime(REVEAL_DELAY);
            expire(made);
        }
        asking.payBack(header, 2);
        asking.payBack(header, 1);
        assertEq(token.balanceOf(THIEF), asker, "paid back");
        vm.expectRevert(abi.encodeWithSelector(Asks.NothingToPayBack.selector, made.batchHash, 1));
        asking.payBack(header, 1);
        if (convicted) asking.payBack(header, 0);
        assertEq(token.balanceOf(address(asking)), 0, "nothing left");
        // the clock was let go once
        passTime(PROOF_TIME + MAX_WINDOW);
        assertTrue(finalNow(first()), "runs");
    }

    function test_anAnsweredAskIsNotPaidBack() public {
        MadeBatch memory made = second();
        ask(PROVER, made, 0);
        ask(PROVER, made, 1);
        answer(ANSWERER, made, 0);
        prove(PROVER, fraudCall(made, 1, 1));
        BatchHeader memory header = made.accused.header;
        vm.expectRevert(abi.encodeWithSelector(Asks.NothingToPayBack.selector, made.batchHash, 0));
        asking.payBack(header, 0);
        asking.payBack(header, 1);
    }

    function test_whatIsNoHeaderIsNotShown() public {
        MadeBatch memory made = second();
        prove(PROVER, fraudCall(made, 1, 1));
        passEpochs(1);
        while (!sequencerPool.isActive(nextInput(chain).poster)) passEpochs(1);
        MadeBlock[] memory blocks = second().blocks;
        blocks[1].header = "no header";
        MadeBatch memory again = postBlocks(chain, blocks, made.accused.previous);
        ask(PROVER, again, 4);
        refuseAnswer(
            answerOf(again, 4), abi.encodeWithSelector(HeaderCodec.MalformedHeader.selector, HeaderField.Layout)
        );
        passTime(REVEAL_DELAY);
        expire(again);
        assertTrue(rollup.hasFallen(chain, 1, 1), "fell");
    }

    /// @dev Whatever is asked of an honest poster: it answers, and never loses.
    function test_anHonestPosterAnswersAThousandAsks() public {
        MadeBatch memory made = postFollowing(second(), 499, 1);
        address poster = made.accused.header.poster;
        uint256 stake = stakeOf(made);
        uint256 before = token.balanceOf(poster);
        token.transfer(THIEF, 1_000_000 ether);
        uint256 count = 2 + 2 * made.blocks.length;
        assertEq(count, 1000, "asks");
        uint256 paid = 0;
        for (uint256 i = 0; i < count; i++) {
            paid += asking.priceOf(i);
            uint256 free = memoryEnd();
            ask(THIEF, made, i);
            forget(free);
        }
        for (uint256 i = 0; i < count; i++) {
            if (i % 100 == 0) passTime(REVEAL_DELAY - 1);
            uint256 free = memoryEnd();
            answer(poster, made, i);
            forget(free);
        }
        assertEq(token.balanceOf(poster) - before, paid, "paid for it");
        assertEq(stakeOf(made), stake, "stake");
        assertTrue(sequencerPool.isActive(poster), "active");
        passTime(PROOF_TIME + MAX_WINDOW);
        assertTrue(finalNow(made), "final");
    }

    function memoryEnd() private pure returns (uint256 end) {
        assembly ("memory-safe") {
            end := mload(0x40)
        }
    }

    /// @dev Gives memory back that nothing refers to any more: a thousand answers would not fit.
    function forget(uint256 end) private pure {
        assembly {
            mstore(0x40, end)
        }
    }

    // Rights

    function test_onlyTheDisclosuresTouchTheClock(address caller) public {
        vm.assume(caller != address(asking));
        AccusedBatch memory batch = second().accused;
        bytes memory reason = abi.encodeWithSelector(RollupChain.OnlyDisclosures.selector, caller);
        vm.expectRevert(reason);
        vm.prank(caller);
        rollup.holdClock(batch.header, batch.posting);
        vm.expectRevert(reason);
        vm.prank(caller);
        rollup.releaseClock(chain);
        vm.expectRevert(reason);
        vm.prank(caller);
        rollup.renewLock(chain, caller);
        BatchHeader memory previous = batch.previous[0];
        vm.expectRevert(reason);
        vm.prank(caller);
        rollup.dropWithheld(batch.header, batch.posting, previous, 1 ether, caller);
    }
}
