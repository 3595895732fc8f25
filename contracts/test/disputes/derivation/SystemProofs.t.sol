// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Fraud} from "../../../src/disputes/Accusations.sol";
import {BlockProofs} from "../../../src/disputes/derivation/BlockProofs.sol";
import {ItemBytesProofs} from "../../../src/disputes/derivation/ItemBytesProofs.sol";
import {SystemCalls} from "../../../src/disputes/derivation/SystemCalls.sol";
import {SystemProofs} from "../../../src/disputes/derivation/SystemProofs.sol";
import {ProvenBlocks} from "../../../src/disputes/ProvenBlocks.sol";
import {Inbox} from "../../../src/Inbox.sol";
import {IBlockProofs} from "../../../src/interfaces/IBlockProofs.sol";
import {IRandomBeacon} from "../../../src/interfaces/IRandomBeacon.sol";
import {BatchHeader} from "../../../src/interfaces/IRollupChain.sol";
import {MadeBlock} from "../BlockBuilder.sol";
import {Draft} from "./DataBuilder.sol";
import {DataBatch, DerivationTest} from "./DerivationTest.sol";

/// @notice F2: system transactions at a block's beginning: context, founding, items of the queue.
/// forge-config: default.fuzz.runs = 24
contract SystemProofsTest is DerivationTest {
    uint256 private constant BLOCKS = 4;
    uint256 private constant USERS = 2;

    function setUp() public {
        deployDerivation();
    }

    function contextProof(DataBatch memory batch, uint256 position) private pure returns (bytes memory) {
        IBlockProofs.ContextProof memory proof = IBlockProofs.ContextProof(committedAt(batch, position, 0), batch.data);
        return abi.encodeCall(IBlockProofs.context, (proof));
    }

    /// @dev Item number `index` of a block, said to be that of the queue's place `queued`.
    function itemProof(DataBatch memory batch, uint256 position, uint256 index, uint256 queued)
        private
        returns (IBlockProofs.ItemProof memory proof)
    {
        uint256 before = batch.made.blocks[position].values.number == 1 ? 2 : 1;
        proof.leaf = committedAt(batch, position, before + index);
        proof.index = index;
        proof.data = batch.data;
        proof.previous = batch.previous;
        proof.item = itemOf(chain, queued);
        proof.itemData = itemDataOf(chain, queued);
    }

    function encoded(IBlockProofs.ItemProof memory proof) private pure returns (bytes memory) {
        return abi.encodeCall(IBlockProofs.item, (proof));
    }

    function foundingProof(DataBatch memory batch) private pure returns (IBlockProofs.FoundingProof memory proof) {
        proof.leaf = committedAt(batch, 0, 1);
        proof.charter = abi.encode(charter());
        proof.storageUnits = STORAGE_UNITS;
    }

    function encoded(IBlockProofs.FoundingProof memory proof) private pure returns (bytes memory) {
        return abi.encodeCall(IBlockProofs.founding, (proof));
    }

    function postDrafts(Draft[] memory drafts, MadeBlock[] memory blocks) private returns (DataBatch memory) {
        return postData(blocks, drafts, encodeData(drafts), new BatchHeader[](0));
    }

    // Context

    function test_aContextThatFollowsCostsTheBond(uint256 position) public {
        DataBatch memory batch = postHonest(BLOCKS, USERS);
        prove(PROVER, proveCall(batch, Fraud.Context, contextProof(batch, position % BLOCKS)));
        requireRefuted(batch.made, 1);
    }

    function test_aContextThatDiffersInAnyValueConvicts(uint256 what) public {
        (MadeBlock[] memory blocks, Draft[] memory drafts) = firstMade(BLOCKS, USERS);
        IRandomBeacon.EpochRecord memory record = beacon.recordOf(slotNow());
        uint256 number = blocks[2].values.number;
        SystemCalls.ContextValues memory values =
            SystemCalls.ContextValues(slotNow(), record.number, record.baseFee, 0, blocks[2].transactions.length);
        what %= 7;
        uint256 chainId = chain;
        if (what == 0) values.slot--;
        if (what == 1) values.l1Block++;
        if (what == 2) values.l1BaseFee++;
        if (what == 3) values.generation++;
        if (what == 4) values.count++;
        if (what == 5) number++;
        if (what == 6) chainId++;
        blocks[2].transactions[0] = SystemCalls.context(chainId, number, values);
        DataBatch memory batch = postDrafts(drafts, blocks);
        requireVerdict(blockVerifier, batch, contextProof(batch, 1), false);
        prove(PROVER, proveCall(batch, Fraud.Context, contextProof(batch, 2)));
        requireConvicted(batch.made);
    }

    function test_aSlotAfterTheBatchsOwnConvicts(uint64 later) public {
        (MadeBlock[] memory blocks, Draft[] memory drafts) = firstMade(BLOCKS, USERS);
        drafts[2].slot += uint64(between(later, 1, 1e6));
        drafts[3].slot = drafts[2].slot;
        DataBatch memory batch = postDrafts(drafts, blocks);
        requireVerdict(blockVerifier, batch, contextProof(batch, 2), true);
    }

    function test_aSlotWhoseRecordCanStillBeTakenIsNoProofYet() public {
        (MadeBlock[] memory blocks, Draft[] memory drafts) = firstMade(BLOCKS, USERS);
        uint64 slot = slotNow() - 30;
        for (uint256 i = 0; i < BLOCKS; i++) {
            drafts[i].slot = slot + uint64(i);
        }
        assertTrue(!beacon.isRecorded(slot), "not recorded");
        DataBatch memory batch = postDrafts(drafts, blocks);
        requireNone(blockVerifier, batch, contextProof(batch, 0), SystemProofs.RecordMissing.selector);
        // nobody can take it any more: no block can be of this slot
        vm.roll(beacon.drawBlockOf(slot) + 8_191);
        requireNone(blockVerifier, batch, contextProof(batch, 0), SystemProofs.RecordMissing.selector);
        vm.roll(beacon.drawBlockOf(slot) + 8_192);
        requireVerdict(blockVerifier, batch, contextProof(batch, 0), true);
    }

    function test_aBlockOfNoSlotConvicts() public {
        (MadeBlock[] memory blocks, Draft[] memory drafts) = firstMade(BLOCKS, USERS);
        drafts[0].slot = 0;
        DataBatch memory batch = postDrafts(drafts, blocks);
        requireVerdict(blockVerifier, batch, contextProof(batch, 0), true);
    }

    // Items of the queue

    function test_itemsInTheirOrderAreNoFraud() public {
        inbox.forceTransaction(chain, "a signed transaction");
        depositFrom(USER, chain, 5 ether);
        passEpochs(2);
        (MadeBlock[] memory blocks, Draft[] memory drafts) = firstMade(BLOCKS, USERS);
        (drafts[0].items, drafts[1].items) = (1, 2);
        derive(blocks, drafts);
        DataBatch memory batch = postDrafts(drafts, blocks);
        requireVerdict(blockVerifier, batch, encoded(itemProof(batch, 0, 0, 0)), false);
        requireVerdict(blockVerifier, batch, encoded(itemProof(batch, 1, 0, 1)), false);
        requireVerdict(blockVerifier, batch, encoded(itemProof(batch, 1, 1, 2)), false);
        // items of other places
        requireNone(blockVerifier, batch, encoded(itemProof(batch, 1, 1, 1)), Inbox.WrongQueueItem.selector);
        requireNone(blockVerifier, batch, encoded(itemProof(batch, 2, 0, 2)), SystemProofs.NoSuchItem.selector);
        IBlockProofs.ItemProof memory proof = itemProof(batch, 1, 0, 1);
        proof.itemData = "another";
        requireNone(blockVerifier, batch, encoded(proof), SystemProofs.WrongItemData.selector);
        proof = itemProof(batch, 1, 0, 1);
        proof.leaf = committedAt(batch, 1, 2);
        requireNone(blockVerifier, batch, encoded(proof), ProvenBlocks.WrongPath.selector);
        proof = itemProof(batch, 1, 0, 1);
        proof.previous = listOf(batch.made.accused.header);
        requireNone(blockVerifier, batch, encoded(proof), BlockProofs.PreviousBatchMissing.selector);
    }

    function test_anItemThatIsConsumedOtherwiseConvicts(uint256 what) public {
        depositFrom(USER, chain, 5 ether);
        passEpochs(2);
        (MadeBlock[] memory blocks, Draft[] memory drafts) = firstMade(BLOCKS, USERS);
        (drafts[0].items, drafts[1].items) = (1, 1);
        derive(blocks, drafts);
        what %= 3;
        if (what == 0) blocks[1].transactions[1] = blocks[0].transactions[2];
        if (what == 1) blocks[1].transactions[1] = userOf(2, 0);
        if (what == 2) blocks[1].transactions[1][40] ^= 0x01;
        DataBatch memory batch = postDrafts(drafts, blocks);
        requireVerdict(blockVerifier, batch, encoded(itemProof(batch, 0, 0, 0)), false);
        prove(PROVER, proveCall(batch, Fraud.Context, encoded(itemProof(batch, 1, 0, 1))));
        requireConvicted(batch.made);
    }

    function test_anItemBeforeItsTimeConvicts() public {
        depositFrom(USER, chain, 5 ether);
        passEpochs(2);
        (MadeBlock[] memory blocks, Draft[] memory drafts) = firstMade(BLOCKS, USERS);
        (drafts[0].items, drafts[1].items) = (2, 0);
        // due from the present slot on, and the first block is of the one before
        drafts[0].slot--;
        derive(blocks, drafts);
        DataBatch memory batch = postDrafts(drafts, blocks);
        requireVerdict(blockVerifier, batch, encoded(itemProof(batch, 0, 0, 0)), false);
        prove(PROVER, proveCall(batch, Fraud.Context, encoded(itemProof(batch, 0, 1, 1))));
        requireConvicted(batch.made);
    }

    function test_theQueueGoesOnWhereTheBatchBeforeEnded() public {
        DataBatch memory first = postHonest(BLOCKS, USERS);
        depositFrom(USER, chain, 5 ether);
        passEpochs(2);
        MadeBlock[] memory blocks = followingBlocks(first.made, BLOCKS, 1);
        Draft[] memory drafts = draftsOf(blocks, USERS);
        derive(blocks, drafts);
        DataBatch memory batch = postData(blocks, drafts, encodeData(drafts), listOf(first.made.accused.header));
        requireVerdict(blockVerifier, batch, encoded(itemProof(batch, 0, 0, 1)), false);
        requireNone(blockVerifier, batch, encoded(itemProof(batch, 0, 0, 0)), Inbox.WrongQueueItem.selector);
    }

    // Founding

    function test_theFoundingIsThatOfTheRegistration() public {
        DataBatch memory batch = postHonest(BLOCKS, USERS);
        IBlockProofs.FoundingProof memory proof = foundingProof(batch);
        requireVerdict(blockVerifier, batch, encoded(proof), false);
        proof.storageUnits++;
        requireNone(blockVerifier, batch, encoded(proof), SystemProofs.WrongRegistration.selector);
        proof = foundingProof(batch);
        proof.charter[100] ^= 0x01;
        requireNone(blockVerifier, batch, encoded(proof), SystemProofs.WrongRegistration.selector);
        proof = foundingProof(batch);
        proof.leaf = committedAt(batch, 1, 1);
        requireNone(blockVerifier, batch, encoded(proof), SystemProofs.NotTheFirstBlock.selector);
    }

    function test_anotherFoundingConvicts(uint256 place) public {
        (MadeBlock[] memory blocks, Draft[] memory drafts) = firstMade(BLOCKS, USERS);
        bytes memory own = blocks[0].transactions[1];
        own[place % own.length] ^= 0x01;
        DataBatch memory batch = postDrafts(drafts, blocks);
        prove(PROVER, proveCall(batch, Fraud.Context, encoded(foundingProof(batch))));
        requireConvicted(batch.made);
    }

    // Bytes of the items of a block

    /// @dev A batch whose first block consumes the deposit and forced transactions of these lengths.
    function postForced(uint256[3] memory lengths) private returns (DataBatch memory) {
        for (uint256 i = 0; i < lengths.length; i++) {
            inbox.forceTransaction(chain, new bytes(lengths[i]));
        }
        passEpochs(2);
        (MadeBlock[] memory blocks, Draft[] memory drafts) = firstMade(BLOCKS, USERS);
        assertEq(drafts[0].items, 4, "items");
        return postDrafts(drafts, blocks);
    }

    /// @dev Transactions of block 1 from a place on: context, founding, a deposit, what was forced, users', settle.
    function itemBytesProof(DataBatch memory batch, uint256 from, uint256 count)
        private
        pure
        returns (IBlockProofs.ItemBytesProof memory proof)
    {
        MadeBlock memory own = batch.made.blocks[0];
        proof.count = own.transactions.length;
        proof.transactions = rootOf(hashesOf(own));
        proof.siblings = wordPath(batch, 0);
        proof.items = new IBlockProofs.CommittedItem[](count);
        for (uint256 i = 0; i < count; i++) {
            proof.items[i] =
                IBlockProofs.CommittedItem(from + i, own.transactions[from + i], pathOf(hashesOf(own), from + i));
        }
    }

    function encoded(IBlockProofs.ItemBytesProof memory proof) private pure returns (bytes memory) {
        return abi.encodeCall(IBlockProofs.itemBytes, (proof));
    }

    function test_itemsOfAsManyBytesAsABlockMayConsumeCostTheBond() public {
        DataBatch memory batch = postForced([uint256(40 * 1024), 24 * 1024 - 7, 7]);
        requireVerdict(blockVerifier, batch, encoded(itemBytesProof(batch, 2, 0)), false);
        prove(PROVER, proveCall(batch, Fraud.Context, encoded(itemBytesProof(batch, 2, 4))));
        requireRefuted(batch.made, 1);
    }

    function test_itemsOfAByteMoreConvict() public {
        DataBatch memory batch = postForced([uint256(40 * 1024), 24 * 1024 - 7, 8]);
        requireVerdict(blockVerifier, batch, encoded(itemBytesProof(batch, 3, 2)), false);
        prove(PROVER, proveCall(batch, Fraud.Context, encoded(itemBytesProof(batch, 3, 3))));
        requireConvicted(batch.made);
    }

    function test_anItemCountsOnceAndNothingButItemsDoes() public {
        DataBatch memory batch = postForced([uint256(50 * 1024), 1, 1]);
        IBlockProofs.ItemBytesProof memory proof = itemBytesProof(batch, 3, 2);
        proof.items[1] = proof.items[0];
        requireNone(blockVerifier, batch, encoded(proof), ItemBytesProofs.ItemsOutOfOrder.selector);
        proof = itemBytesProof(batch, 3, 2);
        (proof.items[0], proof.items[1]) = (proof.items[1], proof.items[0]);
        requireNone(blockVerifier, batch, encoded(proof), ItemBytesProofs.ItemsOutOfOrder.selector);
        // founding, a user's transaction, settle
        uint256 last = batch.made.blocks[0].transactions.length - 1;
        uint256[3] memory others = [uint256(1), 6, last];
        for (uint256 i = 0; i < others.length; i++) {
            proof = itemBytesProof(batch, others[i], 1);
            requireNone(blockVerifier, batch, encoded(proof), ItemBytesProofs.NotAnItem.selector);
        }
        proof = itemBytesProof(batch, 3, 1);
        proof.items[0].transaction = batch.made.blocks[0].transactions[4];
        requireNone(blockVerifier, batch, encoded(proof), ProvenBlocks.WrongPath.selector);
        proof = itemBytesProof(batch, 3, 1);
        proof.position = 1;
        requireNone(blockVerifier, batch, encoded(proof), ProvenBlocks.WrongPath.selector);
    }
}
