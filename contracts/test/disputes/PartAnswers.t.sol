// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Asks} from "../../src/disputes/Asks.sol";
import {Disclosures} from "../../src/disputes/Disclosures.sol";
import {PartAnswers} from "../../src/disputes/PartAnswers.sol";
import {ProvenBlocks} from "../../src/disputes/ProvenBlocks.sol";
import {ProvenTransactions} from "../../src/disputes/ProvenTransactions.sol";
import {PartList} from "../../src/interfaces/IPartLists.sol";
import {BatchHeader} from "../../src/interfaces/IRollupChain.sol";
import {MadeBatch} from "./DisputesTest.sol";
import {PartsTest} from "./PartsTest.sol";

/// @notice F6 for the parts of a transaction: who asks, and what an answer is.
/// forge-config: default.fuzz.runs = 24
contract PartAnswersTest is PartsTest {
    function setUp() public {
        deployParts();
    }

    // Asks

    function test_theCommitmentsOfATransactionAreAskedForOnce(uint256 index) public {
        index = index % TRANSACTIONS;
        MadeBatch memory made = batch();
        ask(PROVER, made, index);
        assertEq(asking.askOf(made.batchHash, 0).item, itemAt(index), "item");
        vm.expectRevert(abi.encodeWithSelector(Asks.AlreadyAsked.selector, made.batchHash, itemAt(index)));
        ask(THIEF, made, index);
    }

    function test_aTransactionThatABlockDoesNotHaveIsNotAskedFor(uint256 index) public {
        index = between(index, TRANSACTIONS, 2_047);
        MadeBatch memory made = batch();
        vm.expectRevert(abi.encodeWithSelector(Asks.UnknownItem.selector, itemAt(index)));
        ask(PROVER, made, index);
    }

    /// @dev Else a poster would be asked for what nobody can show.
    function test_whoAsksShowsThatTheBatchSaysSo(uint8 what) public {
        MadeBatch memory made = batch();
        PartAnswers.AskedPlace memory place = askedAt(made, 0);
        what = what % 4;
        if (what == 0) place.position = 0;
        if (what == 1) (place.count, place.index) = (place.count + 1, place.count);
        if (what == 2) place.transactions = keccak256("another root");
        if (what == 3) place.siblings = join(place.siblings, new bytes32[](1));
        bytes memory reason = what == 3
            ? abi.encodeWithSelector(
                ProvenBlocks.UnusedSiblings.selector, place.siblings.length - 1, place.siblings.length
            )
            : abi.encodeWithSelector(ProvenBlocks.WrongPath.selector, place.position, BLOCKS);
        vm.expectRevert(reason);
        vm.prank(PROVER);
        askOf(Asks.Kind.Parts, made, place);
    }

    function test_partsAreNotAskedForAsOtherItemsAre(uint256 index) public {
        index = index % TRANSACTIONS;
        MadeBatch memory made = batch();
        uint256[3] memory items = [itemAt(index), stretchAt(index, 0), bytesAt(index)];
        for (uint256 i = 0; i < 3; i++) {
            vm.expectRevert(abi.encodeWithSelector(Asks.UnknownItem.selector, items[i]));
            vm.prank(PROVER);
            asking.ask(made.accused.header, made.accused.posting, items[i], type(uint256).max);
        }
    }

    // Answers

    function test_anAnswerIsKeptByItsRoot(uint256 index, uint256 parts) public {
        index = index % TRANSACTIONS;
        parts = between(parts, 1, 40);
        MadeBatch memory made = batch();
        bytes32[] memory commitments = shownOf(made, index, parts);
        assertEq(commitments.length, parts + 1, "all of them");
        ask(PROVER, made, index);
        answer(answerOf(made, index, parts, commitments));
        assertEq(token.balanceOf(made.accused.header.poster), BASE_PRICE, "price");
        PartList memory list = asking.partsOf(made.batchHash, itemAt(index));
        assertEq(list.root, rootOf(commitments), "root");
        assertEq(list.parts, parts, "parts");
        assertEq(list.every, 1, "every");
    }

    function test_theFirstCommitmentIsWhereTheTransactionStarts(uint256 index, bytes32 other) public {
        index = index % TRANSACTIONS;
        MadeBatch memory made = batch();
        ask(PROVER, made, index);
        bytes32[] memory commitments = shownOf(made, index, 5);
        vm.assume(other != commitments[0] && other != 0);
        commitments[0] = other;
        refuseAnswer(
            answerOf(made, index, 5, commitments), abi.encodeWithSelector(PartAnswers.WrongCommitment.selector, 0)
        );
    }

    function test_theLastCommitmentIsTheCommittedCheckpoint(uint256 index, bytes32 other) public {
        index = index % TRANSACTIONS;
        MadeBatch memory made = batch();
        ask(PROVER, made, index);
        bytes32[] memory commitments = shownOf(made, index, 5);
        vm.assume(other != commitments[5] && other != 0);
        commitments[5] = other;
        refuseAnswer(
            answerOf(made, index, 5, commitments),
            abi.encodeWithSelector(ProvenBlocks.WrongPath.selector, index, TRANSACTIONS)
        );
    }

    /// @dev 0 is what a transaction leads to that may not stand in its block.
    function test_noCommitmentIsNone(uint256 place) public {
        place = between(place, 0, 5);
        MadeBatch memory made = batch();
        ask(PROVER, made, 1);
        bytes32[] memory commitments = shownOf(made, 1, 5);
        commitments[place] = 0;
        refuseAnswer(
            answerOf(made, 1, 5, commitments), abi.encodeWithSelector(PartAnswers.WrongCommitment.selector, place)
        );
    }

    function test_commitmentsAreAsManyAsTheParts(uint256 parts) public {
        parts = between(parts, 0, MOST * MOST + 10);
        MadeBatch memory made = batch();
        ask(PROVER, made, 1);
        bytes32[] memory commitments = shownOf(made, 1, 5);
        vm.assume(parts != 5);
        uint256 expected = 0;
        if (parts > 0 && parts <= MOST * MOST) {
            uint256 every = (parts + MOST - 1) / MOST;
            expected = (parts + every - 1) / every + 1;
        }
        assertTrue(expected != commitments.length, "never six of other parts");
        refuseAnswer(
            answerOf(made, 1, parts, commitments),
            abi.encodeWithSelector(PartAnswers.WrongCount.selector, expected, commitments.length)
        );
    }

    /// @dev Beyond two levels of lists; and what a number of 64 bits would take for another.
    function test_partsAreNoMoreThanTwoLevelsHold(uint256 more) public {
        MadeBatch memory made = batch();
        ask(PROVER, made, 1);
        bytes32[] memory commitments = shownOf(made, 1, 5);
        bytes memory reason = abi.encodeWithSelector(PartAnswers.WrongCount.selector, 0, commitments.length);
        more = between(more, 1, type(uint256).max - MOST * MOST);
        uint256[3] memory wrong = [MOST * MOST + 1, MOST * MOST + more, 2 ** 64 + 5];
        for (uint256 i = 0; i < 3; i++) {
            refuseAnswer(answerOf(made, 1, wrong[i], commitments), reason);
        }
    }

    function test_anAnswerIsOfTheTransactionThatIsAskedFor() public {
        MadeBatch memory made = batch();
        ask(PROVER, made, 1);
        refuseAnswer(
            answerOf(made, 2, 5, shownOf(made, 2, 5)), abi.encodeWithSelector(Asks.NotServed.selector, made.batchHash)
        );
        // what was refused is not kept
        assertEq(asking.partsOf(made.batchHash, itemAt(2)).root, 0, "nothing shown");
    }

    function test_noOtherTransactionIsShownAtItsPlace() public {
        MadeBatch memory made = batch();
        ask(PROVER, made, 1);
        BatchHeader memory header = made.accused.header;
        bytes memory input = abi.encodeCall(
            PartAnswers.answerParts, (header, placeAt(made, 1), keccak256("another"), 5, shownOf(made, 1, 5))
        );
        refuseAnswer(input, abi.encodeWithSelector(ProvenBlocks.WrongPath.selector, POSITION, BLOCKS));
    }

    function test_theCheckpointBeforeIsTheOneBefore() public {
        MadeBatch memory made = batch();
        ask(PROVER, made, 2);
        bytes memory input = answerOf(made, 2, 5, shownOf(made, 2, 5));
        made.blocks[POSITION].checkpoints[1].index = 0;
        input = answerOf(made, 2, 5, shownOf(made, 2, 5));
        refuseAnswer(input, abi.encodeWithSelector(ProvenTransactions.WrongCheckpoint.selector, 0));
    }

    function test_whatIsAnsweredIsInTheInput() public {
        MadeBatch memory made = batch();
        ask(PROVER, made, 1);
        bytes memory input = answerOf(made, 1, 5, shownOf(made, 1, 5));
        address poster = made.accused.header.poster;
        bytes memory reason = abi.encodeWithSelector(Asks.AnswerNotInInput.selector, poster);
        vm.prank(poster, CARRIER);
        (bool succeeded, bytes memory given) = address(asking).call(input);
        assertTrue(!succeeded, "another's transaction");
        assertEq(given, reason, "reason");
    }

    /// @dev Whoever asks could answer wrongly else, and convict an honest poster by it.
    function test_nobodyElsesCommitmentsCount(address other) public {
        MadeBatch memory made = batch();
        vm.assume(other != made.accused.header.poster && other.code.length == 0);
        ask(PROVER, made, 1);
        bytes memory reason = abi.encodeWithSelector(PartAnswers.NotThePoster.selector, other);
        bytes[2] memory inputs = [answerOf(made, 1, 5, shownOf(made, 1, 5)), stretchOf(made, 1, MOST + 1, 0)];
        for (uint256 i = 0; i < 2; i++) {
            vm.prank(other, other);
            (bool succeeded, bytes memory given) = address(asking).call(inputs[i]);
            assertTrue(!succeeded, "refused");
            assertEq(given, reason, "reason");
        }
    }

    function test_whoWithholdsCommitmentsIsFined() public {
        MadeBatch memory made = batch();
        (uint256 stake,) = bonds.totalOf(made.accused.header.poster);
        ask(PROVER, made, 1);
        passTime(REVEAL_DELAY);
        asking.expire(made.accused.header, made.accused.posting, made.accused.previous[0]);
        assertTrue(rollup.hasFallen(chain, 0, 1), "fell");
        (uint256 left,) = bonds.totalOf(made.accused.header.poster);
        assertTrue(left < stake, "fined");
    }

    // Bytes

    function bytesAt(uint256 index) private pure returns (uint256) {
        return 6 | POSITION << 3 | index << 14;
    }

    function bytesOf(MadeBatch memory made, uint256 index, bytes memory transaction)
        private
        pure
        returns (bytes memory)
    {
        bytes32[] memory path = join(
            pathOf(hashesOf(made.blocks[POSITION]), index), pathOf(wordsOf(made.blocks), POSITION)
        );
        return abi.encodeCall(
            Disclosures.answerBytes, (made.accused.header, POSITION, index, TRANSACTIONS, transaction, path)
        );
    }

    function test_aTransactionIsShownByAnyone(uint256 index, address answerer) public {
        index = index % TRANSACTIONS;
        MadeBatch memory made = batch();
        vm.assume(answerer.code.length == 0 && answerer != address(0) && token.balanceOf(answerer) == 0);
        vm.prank(PROVER);
        askOf(Asks.Kind.Bytes, made, askedAt(made, index));
        assertEq(asking.askOf(made.batchHash, 0).item, bytesAt(index), "item");
        vm.prank(answerer, answerer);
        (bool succeeded,) = address(asking).call(bytesOf(made, index, made.blocks[POSITION].transactions[index]));
        assertTrue(succeeded, "answered");
        assertEq(token.balanceOf(answerer), BASE_PRICE, "price");
    }

    function test_noOtherBytesAreTheTransaction(uint256 index, bytes memory other) public {
        index = index % TRANSACTIONS;
        MadeBatch memory made = batch();
        vm.prank(PROVER);
        askOf(Asks.Kind.Bytes, made, askedAt(made, index));
        bytes memory reason = abi.encodeWithSelector(ProvenBlocks.WrongPath.selector, POSITION, BLOCKS);
        refuseAnswer(bytesOf(made, index, other), reason);
        uint256 next = (index + 1) % TRANSACTIONS;
        bytes memory instead = bytesOf(made, next, made.blocks[POSITION].transactions[next]);
        refuseAnswer(instead, abi.encodeWithSelector(Asks.NotServed.selector, made.batchHash));
    }

    function test_nothingElseIsAskedForOfATransaction(uint8 kind) public {
        kind = kind % 7;
        vm.assume(kind != 4 && kind != 6);
        MadeBatch memory made = batch();
        uint256 item = kind | POSITION << 3 | 1 << 14;
        vm.expectRevert(abi.encodeWithSelector(Asks.UnknownItem.selector, item));
        vm.prank(PROVER);
        askOf(Asks.Kind(kind), made, askedAt(made, 1));
    }

    // Stretches

    function test_whereTheyAreTooManyEveryNthIsShown(uint256 parts) public {
        parts = between(parts, MOST + 1, MOST + 200);
        MadeBatch memory made = batch();
        ask(PROVER, made, 1);
        bytes32[] memory commitments = shownOf(made, 1, parts);
        answer(answerOf(made, 1, parts, commitments));
        PartList memory list = asking.partsOf(made.batchHash, itemAt(1));
        assertEq(list.every, 2, "every");
        uint256 stretch = commitments.length - 2;
        vm.prank(PROVER);
        asking.askStretch(made.accused.header, made.accused.posting, POSITION, 1, stretch, type(uint256).max);
        answer(stretchOf(made, 1, parts, stretch));
        list = asking.partsOf(made.batchHash, stretchAt(1, stretch));
        assertEq(list.parts, parts % 2 == 0 ? 2 : 1, "the last one may be shorter");
        assertEq(list.every, 1, "each");
    }

    function test_aStretchIsOfWhatWasShown(uint256 stretch) public {
        MadeBatch memory made = batch();
        AskStretch memory asked = AskStretch(1, between(stretch, 0, type(uint256).max));
        refuseStretch(made, asked);
        ask(PROVER, made, 1);
        refuseStretch(made, asked);
        answer(answerOf(made, 1, 5, shownOf(made, 1, 5)));
        // all of them were shown
        refuseStretch(made, asked);
        ask(PROVER, made, 2);
        answer(answerOf(made, 2, MOST + 1, shownOf(made, 2, MOST + 1)));
        refuseStretch(made, AskStretch(2, between(stretch, 1_875, type(uint256).max)));
    }

    struct AskStretch {
        uint256 index;
        uint256 stretch;
    }

    function refuseStretch(MadeBatch memory made, AskStretch memory asked) private {
        (uint256 index, uint256 stretch) = (asked.index, asked.stretch);
        vm.expectRevert(abi.encodeWithSelector(Asks.UnknownItem.selector, stretchAt(index, stretch)));
        vm.prank(PROVER);
        asking.askStretch(made.accused.header, made.accused.posting, POSITION, index, stretch, type(uint256).max);
    }

    function test_aStretchGoesFromOneCommitmentToTheNext(uint8 what) public {
        uint256 parts = MOST + 2;
        MadeBatch memory made = batch();
        ask(PROVER, made, 1);
        answer(answerOf(made, 1, parts, shownOf(made, 1, parts)));
        vm.prank(PROVER);
        asking.askStretch(made.accused.header, made.accused.posting, POSITION, 1, 7, type(uint256).max);
        bytes32[] memory inner = commitmentsOf(made, 1, parts, [uint256(14), 16, 1]);
        bytes32[] memory path = pairPathOf(shownOf(made, 1, parts), 8);
        what = what % 5;
        bytes memory reason = abi.encodeWithSelector(ProvenBlocks.WrongPath.selector, 8, 1_877);
        if (what == 0) inner[0] = keccak256("another");
        if (what == 1) inner[2] = keccak256("another");
        if (what == 2) {
            inner[1] = 0;
            reason = abi.encodeWithSelector(PartAnswers.WrongCommitment.selector, 1);
        }
        if (what == 3) {
            path = join(path, new bytes32[](1));
            reason = abi.encodeWithSelector(ProvenBlocks.UnusedSiblings.selector, path.length - 1, path.length);
        }
        if (what == 4) {
            inner = join(inner, new bytes32[](1));
            reason = abi.encodeWithSelector(PartAnswers.WrongCount.selector, 3, 4);
        }
        refuseAnswer(
            abi.encodeCall(PartAnswers.answerStretch, (made.accused.header, POSITION, 1, 7, inner, path)), reason
        );
        answer(stretchOf(made, 1, parts, 7));
    }
}
