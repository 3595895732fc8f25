// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Fraud} from "../../../src/disputes/Accusations.sol";
import {BlockProofs} from "../../../src/disputes/derivation/BlockProofs.sol";
import {HeaderCodec} from "../../../src/execution/codec/HeaderCodec.sol";
import {PostedData} from "../../../src/disputes/derivation/PostedData.sol";
import {SettleProofs} from "../../../src/disputes/derivation/SettleProofs.sol";
import {ProvenBlocks} from "../../../src/disputes/ProvenBlocks.sol";
import {IBlockProofs} from "../../../src/interfaces/IBlockProofs.sol";
import {BatchHeader} from "../../../src/interfaces/IRollupChain.sol";
import {MVM_ExecutionManager} from "../../../src/l2/MVM_ExecutionManager.sol";
import {RollupChain} from "../../../src/RollupChain.sol";
import {MadeBlock} from "../BlockBuilder.sol";
import {Draft} from "./DataBuilder.sol";
import {DataBatch, DerivationTest} from "./DerivationTest.sol";

/// @notice F2, F3: what follows of a block from its posted context alone: number of transactions, time, randomness, the end of the
/// queue, settle, the order of slots.
/// forge-config: default.fuzz.runs = 24
contract BlockVerifierTest is DerivationTest {
    uint256 private constant BLOCKS = 5;
    uint256 private constant USERS = 3;
    /// @dev Ways in which spoiltSettle is wrong.
    uint256 private constant SETTLE_LIES = 16;

    function setUp() public {
        deployDerivation();
    }

    function countOf(DataBatch memory batch, uint256 position) private pure returns (bytes memory) {
        MadeBlock memory own = batch.made.blocks[position];
        IBlockProofs.CountProof memory proof = IBlockProofs.CountProof(
            position, own.transactions.length, rootOf(hashesOf(own)), batch.data, wordPath(batch, position)
        );
        return abi.encodeCall(IBlockProofs.count, (proof));
    }

    function timeOf(DataBatch memory batch, uint256 position) private pure returns (bytes memory) {
        IBlockProofs.TimeProof memory proof = IBlockProofs.TimeProof(
            position, batch.made.blocks[position].header, batch.data, blockPath(batch, position)
        );
        return abi.encodeCall(IBlockProofs.time, (proof));
    }

    function queueEndOf(DataBatch memory batch) private pure returns (bytes memory) {
        IBlockProofs.QueueEndProof memory proof = IBlockProofs.QueueEndProof(batch.data, batch.previous);
        return abi.encodeCall(IBlockProofs.queueEnd, (proof));
    }

    function settleProofOf(DataBatch memory batch, uint256 position) private pure returns (bytes memory) {
        bytes[] memory own = batch.made.blocks[position].transactions;
        uint256 last = own.length - 1;
        IBlockProofs.SettleProof memory proof =
            IBlockProofs.SettleProof(committedAt(batch, position, last), own[last], batch.data);
        return abi.encodeCall(IBlockProofs.settle, (proof));
    }

    /// @dev Slots of the first contexts of two blocks; the earlier one may be of the batch before.
    function slotsProof(DataBatch memory batch, uint256 position, DataBatch memory earlier, uint256 before)
        private
        pure
        returns (IBlockProofs.SlotsProof memory proof)
    {
        proof.leaf = committedAt(batch, position, 0);
        proof.context = batch.made.blocks[position].transactions[0];
        proof.leafBefore = committedAt(earlier, before, 0);
        proof.contextBefore = earlier.made.blocks[before].transactions[0];
        proof.previous = position == 0 ? batch.previous : new BatchHeader[](0);
    }

    function encoded(IBlockProofs.SlotsProof memory proof) private pure returns (bytes memory) {
        return abi.encodeCall(IBlockProofs.slots, (proof));
    }

    function followingOf(DataBatch memory before) private returns (MadeBlock[] memory blocks, Draft[] memory drafts) {
        blocks = followingBlocks(before.made, BLOCKS, 1);
        drafts = draftsOf(blocks, USERS);
        derive(blocks, drafts);
    }

    function postDrafts(Draft[] memory drafts, MadeBlock[] memory blocks) private returns (DataBatch memory) {
        return postData(blocks, drafts, encodeData(drafts), new BatchHeader[](0));
    }

    function test_soundBlocksAreNoFraud() public {
        DataBatch memory first = postHonest(BLOCKS, USERS);
        (MadeBlock[] memory blocks, Draft[] memory drafts) = followingOf(first);
        DataBatch memory batch = postData(blocks, drafts, encodeData(drafts), listOf(first.made.accused.header));
        for (uint256 i = 0; i < BLOCKS; i++) {
            requireVerdict(blockVerifier, batch, countOf(batch, i), false);
            requireVerdict(blockVerifier, batch, timeOf(batch, i), false);
            requireVerdict(blockVerifier, batch, settleProofOf(batch, i), false);
            requireVerdict(blockVerifier, first, countOf(first, i), false);
            IBlockProofs.SlotsProof memory slots =
                i == 0 ? slotsProof(batch, 0, first, BLOCKS - 1) : slotsProof(batch, i, batch, i - 1);
            requireVerdict(blockVerifier, batch, encoded(slots), false);
        }
        requireVerdict(blockVerifier, batch, queueEndOf(batch), false);
        prove(PROVER, proveCall(first, Fraud.Context, queueEndOf(first)));
        requireRefuted(first.made, 1);
    }

    // Numbers

    function test_aBlockWithMoreOrFewerTransactionsThanPostedConvicts(bool isMore) public {
        (MadeBlock[] memory blocks, Draft[] memory drafts) = firstMade(BLOCKS, USERS);
        bytes[] memory all = blocks[3].transactions;
        bytes[] memory other = new bytes[](isMore ? all.length + 1 : all.length - 1);
        for (uint256 i = 0; i < other.length; i++) {
            other[i] = i < all.length ? all[i] : bytes("more");
        }
        blocks[3].transactions = other;
        DataBatch memory batch = postDrafts(drafts, blocks);
        requireVerdict(blockVerifier, batch, countOf(batch, 2), false);
        prove(PROVER, proveCall(batch, Fraud.Context, countOf(batch, 3)));
        requireConvicted(batch.made);
    }

    function test_aBlockOfNothingButTheSystemsConvicts() public {
        (MadeBlock[] memory blocks, Draft[] memory drafts) = firstMade(BLOCKS, 0);
        // block 1 has a founding
        DataBatch memory batch = postDrafts(drafts, blocks);
        requireVerdict(blockVerifier, batch, countOf(batch, 0), false);
        requireVerdict(blockVerifier, batch, countOf(batch, 1), true);
    }

    function test_tooManyItemsOfTheQueueConvict(uint32 items) public {
        (MadeBlock[] memory blocks, Draft[] memory drafts) = firstMade(BLOCKS, USERS);
        drafts[2].items = items;
        DataBatch memory batch = postDrafts(drafts, blocks);
        requireVerdict(blockVerifier, batch, countOf(batch, 2), items != 0);
        uint256 count = blocks[2].transactions.length + uint256(items);
        IBlockProofs.CountProof memory proof =
            IBlockProofs.CountProof(2, count, rootOf(hashesOf(blocks[2])), batch.data, wordPath(batch, 2));
        if (items == 0) return;
        bytes memory lie = abi.encodeCall(IBlockProofs.count, (proof));
        requireNone(blockVerifier, batch, lie, ProvenBlocks.WrongPath.selector);
    }

    function test_moreItemsThanABlockMayConsumeConvict() public {
        for (uint256 i = 0; i < 65; i++) {
            depositFrom(USER, chain, 1 ether);
        }
        passEpochs(2);
        (MadeBlock[] memory blocks, Draft[] memory drafts) = firstMade(BLOCKS, USERS);
        assertEq(drafts[0].items, 66, "items");
        DataBatch memory batch = postDrafts(drafts, blocks);
        requireVerdict(blockVerifier, batch, countOf(batch, 0), true);
        requireVerdict(blockVerifier, batch, queueEndOf(batch), false);
    }

    // Time and randomness

    function test_anotherTimeOrRandomnessThanPostedConvicts(uint256 position, bool isTime) public {
        position %= BLOCKS;
        (MadeBlock[] memory blocks, Draft[] memory drafts) = firstMade(BLOCKS, USERS);
        if (isTime) drafts[position].timestamp++;
        else drafts[position].randomness = keccak256("another");
        DataBatch memory batch = postDrafts(drafts, blocks);
        for (uint256 i = 0; i < BLOCKS; i++) {
            if (i != position) requireVerdict(blockVerifier, batch, timeOf(batch, i), false);
        }
        prove(PROVER, proveCall(batch, Fraud.Context, timeOf(batch, position)));
        requireConvicted(batch.made);
    }

    function test_aHeaderOfAnotherBlockIsNoProof() public {
        DataBatch memory batch = postHonest(BLOCKS, USERS);
        IBlockProofs.TimeProof memory proof =
            IBlockProofs.TimeProof(1, batch.made.blocks[2].header, batch.data, blockPath(batch, 2));
        bytes memory lie = abi.encodeCall(IBlockProofs.time, (proof));
        requireNone(blockVerifier, batch, lie, ProvenBlocks.WrongPath.selector);
        proof.header = bytes.concat(proof.header, hex"00");
        lie = abi.encodeCall(IBlockProofs.time, (proof));
        requireNone(blockVerifier, batch, lie, HeaderCodec.MalformedHeader.selector);
    }

    // L1's clock

    function aheadOf(DataBatch memory batch, uint256 position) private pure returns (bytes memory) {
        IBlockProofs.AheadProof memory proof = IBlockProofs.AheadProof(position, batch.data, batch.made.accused.posting);
        return abi.encodeCall(IBlockProofs.ahead, (proof));
    }

    /// @dev A batch whose blocks from one on are of a time.
    function postOfTime(uint256 position, uint256 timestamp) private returns (DataBatch memory) {
        (MadeBlock[] memory blocks, Draft[] memory drafts) = firstMade(BLOCKS, USERS);
        for (uint256 i = position; i < BLOCKS; i++) {
            drafts[i].timestamp = uint64(timestamp);
        }
        return postDrafts(drafts, blocks);
    }

    /// @dev A batch whose blocks from one on are so many seconds ahead of the L1 block that it is posted in.
    function postAhead(uint256 position, uint256 lead) private returns (DataBatch memory) {
        return postOfTime(position, block.timestamp + lead);
    }

    function test_aBlockAsFarAheadOfL1AsItMayBeCostsTheBond(uint256 position) public {
        position %= BLOCKS;
        DataBatch memory batch = postAhead(position, TIMESTAMP_LEAD);
        prove(PROVER, proveCall(batch, Fraud.Context, aheadOf(batch, position)));
        requireRefuted(batch.made, 1);
    }

    function test_aBlockFurtherAheadOfL1Convicts(uint256 position, uint64 more) public {
        position %= BLOCKS;
        DataBatch memory batch = postAhead(position, TIMESTAMP_LEAD + between(more, 1, type(uint32).max));
        // it was ahead when it was posted: that L1 has come after it since does not make it right
        passTime(MAX_WINDOW - 100);
        for (uint256 i = 0; i < BLOCKS; i++) {
            requireVerdict(blockVerifier, batch, aheadOf(batch, i), i >= position);
        }
        prove(PROVER, proveCall(batch, Fraud.Context, aheadOf(batch, position)));
        requireConvicted(batch.made);
    }

    function test_aBatchIsMeasuredByItsOwnPostingAlone(uint64 other) public {
        DataBatch memory batch = postAhead(1, TIMESTAMP_LEAD);
        uint64 postedAt = batch.made.accused.posting.postedAt;
        if (other == postedAt) return;
        batch.made.accused.posting.postedAt = other;
        requireNone(blockVerifier, batch, aheadOf(batch, 1), RollupChain.UnknownBatch.selector);
    }

    function test_blocksThatArePostedAgainAreMeasuredByTheirNewPosting() public {
        DataBatch memory batch = postAhead(1, TIMESTAMP_LEAD + 1);
        uint64 timestamp = batch.drafts[1].timestamp;
        prove(PROVER, proveCall(batch, Fraud.Context, aheadOf(batch, 1)));
        requireConvicted(batch.made);
        requireNone(blockVerifier, batch, aheadOf(batch, 1), RollupChain.BatchFell.selector);
        passEpochs(1);
        assertTrue(timestamp <= block.timestamp + TIMESTAMP_LEAD, "L1 has come nearer");
        DataBatch memory again = postOfTime(1, timestamp);
        requireVerdict(blockVerifier, again, aheadOf(again, 1), false);
        again.made.accused.posting = batch.made.accused.posting;
        requireNone(blockVerifier, again, aheadOf(again, 1), RollupChain.UnknownBatch.selector);
    }

    // The queue's end

    function test_anotherEndOfTheQueueThanPostedConvicts(uint256 position, uint256 items) public {
        DataBatch memory first = postHonest(BLOCKS, USERS);
        (MadeBlock[] memory blocks, Draft[] memory drafts) = followingOf(first);
        drafts[position % BLOCKS].items = uint32(between(items, 1, type(uint32).max));
        DataBatch memory batch = postData(blocks, drafts, encodeData(drafts), listOf(first.made.accused.header));
        requireVerdict(blockVerifier, batch, queueEndOf(batch), true);
        batch.previous = new BatchHeader[](0);
        requireNone(blockVerifier, batch, queueEndOf(batch), BlockProofs.PreviousBatchMissing.selector);
        batch.previous = listOf(batch.made.accused.header);
        requireNone(blockVerifier, batch, queueEndOf(batch), BlockProofs.PreviousBatchMissing.selector);
        first.previous = listOf(first.made.accused.header);
        requireNone(blockVerifier, first, queueEndOf(first), BlockProofs.PreviousBatchMissing.selector);
    }

    // Settle

    function test_anotherEndThanASettleConvicts(uint256 what) public {
        what %= SETTLE_LIES;
        (MadeBlock[] memory blocks, Draft[] memory drafts) = firstMade(BLOCKS, USERS);
        bytes[] memory own = blocks[2].transactions;
        own[own.length - 1] = spoiltSettle(what, drafts[2]);
        DataBatch memory batch = postDrafts(drafts, blocks);
        requireVerdict(blockVerifier, batch, settleProofOf(batch, 2), true);
        requireVerdict(blockVerifier, batch, settleProofOf(batch, 1), false);
    }

    /// @dev A settle of the third block with something wrong; with nothing for SETTLE_LIES.
    function spoiltSettle(uint256 what, Draft memory draft) private returns (bytes memory) {
        address sequencer = rollup.sequencerOf(chain, slotNow(), 0);
        address[] memory paid = paidBy(draft);
        if (what == 1) paid = new address[](1);
        address[] memory seen = new address[](what == 2 ? 257 : 3);
        bytes4 selector = MVM_ExecutionManager.settle.selector;
        if (what == 0) sequencer = address(0xBAD);
        if (what == 10) paid[1] = paid[0];
        if (what == 11) (paid[0], paid[1]) = (paid[1], paid[0]);
        if (what == 3) selector = MVM_ExecutionManager.context.selector;
        uint256 seated = seatedOf(draft);
        if (what == 12) seated--;
        if (what == 13) seated++;
        if (what == 14) seated = 3;
        if (what == 15) seated = 1 << 255 | 1;
        bytes memory data = abi.encodeWithSelector(selector, sequencer, seated, paid, 1 gwei, seen);
        if (what == 4) data = bytes.concat(data, new bytes(32));
        if (what == 5) data = bytes.concat(data, hex"00");
        // a word of an address with more than an address
        if (what == 6) data[data.length - 32] = 0x01;
        if (what == 7) return settleWith(4, data);
        if (what == 8) return userOf(3, 0);
        if (what == 9) return itemTransaction(0);
        assertTrue(draft.providers.length == 2 && seatedOf(draft) == 1, "providers");
        return settleWith(3, data);
    }

    function test_aProviderWhomL1DoesNotKnowConvicts(uint32 index) public {
        (MadeBlock[] memory blocks, Draft[] memory drafts) = firstMade(BLOCKS, USERS);
        drafts[2].providers[1] = uint32(between(index, PROVIDERS, type(uint32).max));
        DataBatch memory batch = postDrafts(drafts, blocks);
        requireVerdict(blockVerifier, batch, settleProofOf(batch, 2), true);
    }

    function test_anotherNumberOfSeatedOnesThanPostedConvicts(uint256 position, uint256 seated) public {
        position %= BLOCKS;
        (MadeBlock[] memory blocks, Draft[] memory drafts) = firstMade(BLOCKS, USERS);
        if (seated == seatedOf(drafts[position])) seated++;
        bytes[] memory own = blocks[position].transactions;
        own[own.length - 1] = settleSeating(position + 1, drafts[position], seated);
        DataBatch memory batch = postDrafts(drafts, blocks);
        for (uint256 i = 0; i < BLOCKS; i++) {
            if (i != position) requireVerdict(blockVerifier, batch, settleProofOf(batch, i), false);
        }
        prove(PROVER, proveCall(batch, Fraud.Context, settleProofOf(batch, position)));
        requireConvicted(batch.made);
    }

    function test_aSettleIsMeasuredByTheWorkThatIsPosted(uint256 bits, uint256 attempt) public {
        (MadeBlock[] memory blocks, Draft[] memory drafts) = firstMade(BLOCKS, USERS);
        bytes memory choices = hex"03050609";
        uint8 seats = uint8(choices[bits % 4]);
        drafts[2].work = seats | uint8(attempt % 4 << 4);
        derive(blocks, drafts);
        DataBatch memory batch = postDrafts(drafts, blocks);
        requireVerdict(blockVerifier, batch, settleProofOf(batch, 2), false);
        // the same settle with the work of stand-ins, whose fees would be burnt
        drafts[2].work = attempt % 4 == 0 ? 0x0c : seats;
        batch = postDrafts(drafts, blocks);
        requireVerdict(blockVerifier, batch, settleProofOf(batch, 2), true);
    }

    function test_whoServedWhereNobodyDidIsPaidNothing() public {
        (MadeBlock[] memory blocks, Draft[] memory drafts) = firstMade(BLOCKS, 0);
        assertEq(drafts[2].work, 0, "no job");
        DataBatch memory batch = postDrafts(drafts, blocks);
        requireVerdict(blockVerifier, batch, settleProofOf(batch, 2), false);
        Draft memory worked = drafts[2];
        (worked.work, worked.providers) = (0x03, new uint32[](2));
        bytes[] memory own = blocks[2].transactions;
        own[own.length - 1] = settleOf(3, worked);
        (worked.work, worked.providers) = (0, new uint32[](0));
        batch = postDrafts(drafts, blocks);
        requireVerdict(blockVerifier, batch, settleProofOf(batch, 2), true);
    }

    function test_aSettleThatPaysThePosterIsSound() public {
        (MadeBlock[] memory blocks, Draft[] memory drafts) = firstMade(BLOCKS, USERS);
        bytes[] memory own = blocks[2].transactions;
        own[own.length - 1] = spoiltSettle(SETTLE_LIES, drafts[2]);
        DataBatch memory batch = postDrafts(drafts, blocks);
        requireVerdict(blockVerifier, batch, settleProofOf(batch, 2), false);
    }

    function test_anotherTransactionThanTheLastIsNoProofOfSettle() public {
        DataBatch memory batch = postHonest(BLOCKS, USERS);
        bytes[] memory own = batch.made.blocks[2].transactions;
        IBlockProofs.SettleProof memory proof =
            IBlockProofs.SettleProof(committedAt(batch, 2, own.length - 2), own[own.length - 2], batch.data);
        bytes memory lie = abi.encodeCall(IBlockProofs.settle, (proof));
        requireNone(blockVerifier, batch, lie, ProvenBlocks.WrongPath.selector);
        proof.leaf = committedAt(batch, 2, own.length - 1);
        lie = abi.encodeCall(IBlockProofs.settle, (proof));
        requireNone(blockVerifier, batch, lie, SettleProofs.WrongTransaction.selector);
    }

    // Slots

    function test_aSlotBeforeThatOfTheBlockBeforeConvicts(uint256 position) public {
        position %= BLOCKS;
        passEpochs(1);
        DataBatch memory first = postHonest(BLOCKS, USERS);
        (MadeBlock[] memory blocks, Draft[] memory drafts) = followingOf(first);
        drafts[position].slot--;
        derive(blocks, drafts);
        DataBatch memory batch = postData(blocks, drafts, "no data are read", listOf(first.made.accused.header));
        IBlockProofs.SlotsProof memory proof =
            position == 0 ? slotsProof(batch, 0, first, BLOCKS - 1) : slotsProof(batch, position, batch, position - 1);
        prove(PROVER, proveCall(batch, Fraud.Context, encoded(proof)));
        requireConvicted(batch.made);
    }

    function test_anyOtherTwoBlocksAreNoProofOfSlots() public {
        DataBatch memory first = postHonest(BLOCKS, USERS);
        (MadeBlock[] memory blocks, Draft[] memory drafts) = followingOf(first);
        DataBatch memory batch = postData(blocks, drafts, encodeData(drafts), listOf(first.made.accused.header));
        bytes memory lie = encoded(slotsProof(batch, 3, batch, 1));
        requireNone(blockVerifier, batch, lie, SettleProofs.WrongBlockBefore.selector);
        lie = encoded(slotsProof(batch, 0, first, BLOCKS - 2));
        requireNone(blockVerifier, batch, lie, SettleProofs.WrongBlockBefore.selector);
        lie = encoded(slotsProof(first, 0, first, BLOCKS - 1));
        requireNone(blockVerifier, first, lie, BlockProofs.PreviousBatchMissing.selector);
        IBlockProofs.SlotsProof memory proof = slotsProof(batch, 2, batch, 1);
        proof.contextBefore = batch.made.blocks[2].transactions[0];
        requireNone(blockVerifier, batch, encoded(proof), SettleProofs.WrongTransaction.selector);
    }

    function test_aTransactionThatIsNoContextHasNoSlot(bool isCut) public {
        (MadeBlock[] memory blocks, Draft[] memory drafts) = firstMade(BLOCKS, USERS);
        bytes memory own = isCut ? settleWith(3, "") : userOf(3, 0);
        blocks[2].transactions[0] = own;
        DataBatch memory batch = postDrafts(drafts, blocks);
        bytes memory proof = encoded(slotsProof(batch, 3, batch, 2));
        requireNone(blockVerifier, batch, proof, SettleProofs.NoContext.selector);
        batch.data = bytes.concat(batch.data, hex"00");
        requireNone(blockVerifier, batch, settleProofOf(batch, 2), PostedData.WrongData.selector);
    }
}
