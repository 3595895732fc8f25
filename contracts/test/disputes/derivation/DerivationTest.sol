// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BlobOpenings} from "../../../src/BlobOpenings.sol";
import {Fraud} from "../../../src/disputes/Accusations.sol";
import {AheadProofs} from "../../../src/disputes/derivation/AheadProofs.sol";
import {BlockVerifier} from "../../../src/disputes/derivation/BlockVerifier.sol";
import {ClosingVerifier} from "../../../src/disputes/derivation/ClosingVerifier.sol";
import {DataVerifier} from "../../../src/disputes/derivation/DataVerifier.sol";
import {SystemCalls} from "../../../src/disputes/derivation/SystemCalls.sol";
import {SystemProofs} from "../../../src/disputes/derivation/SystemProofs.sol";
import {VerifiedProofs} from "../../../src/disputes/VerifiedProofs.sol";
import {SystemSource} from "../../../src/execution/codec/SystemTransactionCodec.sol";
import {IBlockProofs} from "../../../src/interfaces/IBlockProofs.sol";
import {IFraudVerifier} from "../../../src/interfaces/IFraudVerifier.sol";
import {QueueItem} from "../../../src/interfaces/IInbox.sol";
import {IRandomBeacon} from "../../../src/interfaces/IRandomBeacon.sol";
import {BatchHeader, BatchProof} from "../../../src/interfaces/IRollupChain.sol";
import {MVM_ExecutionManager} from "../../../src/l2/MVM_ExecutionManager.sol";
import {Predeploys} from "../../../src/l2/Predeploys.sol";
import {RollupChain} from "../../../src/RollupChain.sol";
import {StakedRegistry} from "../../../src/StakedRegistry.sol";
import {DisputesTest, MadeBatch} from "../DisputesTest.sol";
import {MadeBlock} from "../BlockBuilder.sol";
import {DataBuilder, Draft} from "./DataBuilder.sol";

/// @notice A batch with its data.
struct DataBatch {
    MadeBatch made;
    Draft[] drafts;
    bytes data;
    BatchHeader[] previous;
}

/// @notice A network with the judges of posted data, and batches whose blocks follow from their data.
abstract contract DerivationTest is DisputesTest {
    uint32 internal constant PROVIDERS = 3;
    /// @dev Work of blocks in turn: both seats; the second job's second and fourth; the second seat and the one after it; both that
    /// stand in.
    bytes internal constant WORKS = hex"031a060c";
    /// @dev Seconds that blocks may be ahead of L1.
    uint64 internal constant TIMESTAMP_LEAD = 300;

    DataVerifier internal dataVerifier;
    BlockVerifier internal blockVerifier;
    ClosingVerifier internal closingVerifier;
    BlobOpenings internal openings;

    function verifierDeployments() internal pure virtual override returns (uint256) {
        return 4;
    }

    function deployVerifiers() internal virtual override returns (VerifiedProofs.Verifier[] memory verifiers) {
        openings = new BlobOpenings();
        dataVerifier = new DataVerifier(openings);
        SystemProofs.Records memory records =
            SystemProofs.Records(registry, beacon, inbox, address(bridge), providerRegistry);
        AheadProofs.L1Clock memory clock = AheadProofs.L1Clock(rollup, TIMESTAMP_LEAD);
        blockVerifier = new BlockVerifier(openings, records, clock);
        closingVerifier = new ClosingVerifier();
        verifiers = new VerifiedProofs.Verifier[](3);
        verifiers[0] = VerifiedProofs.Verifier(Fraud.Derivation, dataVerifier);
        verifiers[1] = VerifiedProofs.Verifier(Fraud.Context, blockVerifier);
        verifiers[2] = VerifiedProofs.Verifier(Fraud.Closing, closingVerifier);
    }

    function deployDerivation() internal {
        deployDisputes();
        for (uint160 i = 0; i < PROVIDERS; i++) {
            address provider = providerOf(i);
            token.transfer(provider, MIN_STAKE);
            StakedRegistry.Registration memory own = registrationOf(providerRegistry, provider);
            vm.prank(provider);
            token.approve(address(providerRegistry), MIN_STAKE);
            vm.prank(provider);
            providerRegistry.register(own, MIN_STAKE);
        }
    }

    function providerOf(uint256 index) internal pure returns (address) {
        return address(uint160(0x9407000 + index));
    }

    // Batches

    /// @dev What is posted of blocks: of the present slot; the first consumes all that is due.
    function draftsOf(MadeBlock[] memory blocks, uint256 users) internal view returns (Draft[] memory drafts) {
        drafts = new Draft[](blocks.length);
        for (uint256 i = 0; i < blocks.length; i++) {
            Draft memory draft = drafts[i];
            draft.timestamp = uint64(blocks[i].values.timestamp);
            draft.slot = slotNow();
            draft.randomness = keccak256(abi.encode("randomness", blocks[i].values.number));
            draft.evidence = keccak256(abi.encode("evidence", blocks[i].values.number));
            draft.sequencer = i % 2 == 0 ? address(0) : address(0x5E9);
            draft.work = users == 0 ? 0 : uint8(WORKS[i % WORKS.length]);
            draft.providers = new uint32[](users == 0 ? 0 : 2);
            for (uint256 j = 0; j < draft.providers.length; j++) {
                draft.providers[j] = uint32((i + j) % PROVIDERS);
            }
            draft.rows = new bytes[](users);
            for (uint256 j = 0; j < users; j++) {
                draft.rows[j] = DataBuilder.raw(userOf(blocks[i].values.number, j));
            }
        }
        (,,, uint64 consumed,) = rollup.headOf(chain);
        drafts[0].items = uint32(inbox.queueLengthAt(chain, slotNow() - 2) - consumed);
    }

    function userOf(uint256 number, uint256 index) internal pure returns (bytes memory) {
        bytes32 one = keccak256(abi.encode("user", number, index));
        return abi.encodePacked("user", one, one);
    }

    /// @dev Puts the transactions that follow from the drafts into blocks, and what headers take from drafts. Transactions of users
    /// are those of {userOf}.
    function derive(MadeBlock[] memory blocks, Draft[] memory drafts) internal {
        (,,, uint64 consumed,) = rollup.headOf(chain);
        uint256 index = consumed;
        for (uint256 i = 0; i < blocks.length; i++) {
            blocks[i].transactions = transactionsOf(blocks[i].values.number, drafts[i], index);
            blocks[i].values.prevRandao = keccak256(abi.encode(keccak256("mvm/prevrandao/1"), drafts[i].randomness));
            index += drafts[i].items;
        }
        seal(blocks, 0);
    }

    function transactionsOf(uint256 number, Draft memory draft, uint256 index) internal returns (bytes[] memory all) {
        uint256 opening = (number == 1 ? 2 : 1) + draft.items;
        all = new bytes[](opening + draft.rows.length + 1);
        all[0] = contextOf(number, draft.slot, all.length);
        if (number == 1) all[1] = foundingOf();
        for (uint256 i = 0; i < draft.items; i++) {
            all[opening - draft.items + i] = itemTransaction(index + i);
        }
        for (uint256 i = 0; i < draft.rows.length; i++) {
            all[opening + i] = userOf(number, i);
        }
        all[all.length - 1] = settleOf(number, draft);
    }

    function contextOf(uint256 number, uint64 slot, uint256 count) internal view returns (bytes memory) {
        IRandomBeacon.EpochRecord memory record = beacon.recordOf(slot);
        (,,,, uint64 generation) = rollup.headOf(chain);
        return SystemCalls.context(
            chain, number, SystemCalls.ContextValues(slot, record.number, record.baseFee, generation, count)
        );
    }

    function foundingOf() internal view returns (bytes memory) {
        return this.encodeFounding(abi.encode(charter()));
    }

    function encodeFounding(bytes calldata own) external view returns (bytes memory) {
        return SystemCalls.founding(chain, own, METIS_DAO, address(bridge));
    }

    function itemTransaction(uint256 index) internal returns (bytes memory) {
        return this.encodeItem(index, itemOf(chain, index), itemDataOf(chain, index));
    }

    function encodeItem(uint256 index, QueueItem calldata item, bytes calldata data)
        external
        view
        returns (bytes memory)
    {
        return SystemCalls.queued(chain, index, item, data);
    }

    function settleOf(uint256 number, Draft memory draft) internal view returns (bytes memory) {
        return settleSeating(number, draft, seatedOf(draft));
    }

    function settleSeating(uint256 number, Draft memory draft, uint256 seated) internal view returns (bytes memory) {
        address sequencer = draft.sequencer == address(0) ? rollup.sequencerOf(chain, slotNow(), 0) : draft.sequencer;
        address[] memory seen = new address[](number % 4);
        bytes memory data =
            abi.encodeCall(MVM_ExecutionManager.settle, (sequencer, seated, paidBy(draft), 77 gwei, seen));
        return settleWith(number, data);
    }

    /// @dev How many of those who served hold one of the first job's first two seats.
    function seatedOf(Draft memory draft) internal pure returns (uint256) {
        if (draft.work > 15) return 0;
        return (draft.work % 2) + (draft.work / 2 % 2);
    }

    function paidBy(Draft memory draft) internal pure returns (address[] memory paid) {
        paid = new address[](draft.providers.length);
        for (uint256 i = 0; i < paid.length; i++) {
            paid[i] = providerOf(draft.providers[i]);
        }
    }

    function settleWith(uint256 number, bytes memory data) internal view returns (bytes memory) {
        address to = Predeploys.EXECUTION_MANAGER;
        return SystemCalls.encode(
            chain, SystemCalls.Fields(SystemSource.Settle, number, Predeploys.SYSTEM, to, 0, 0, 16_777_216, data)
        );
    }

    function encodeData(Draft[] memory drafts) internal view returns (bytes memory) {
        return DataBuilder.encode(chain, generationOf(chain), drafts);
    }

    /// @dev Posts blocks with data in calldata.
    function postData(
        MadeBlock[] memory blocks,
        Draft[] memory drafts,
        bytes memory data,
        BatchHeader[] memory previous
    ) internal returns (DataBatch memory batch) {
        RollupChain.BatchInput memory input = nextInput(chain);
        input.lastBlock = input.lastBlock - 5 + uint64(blocks.length);
        input.blocksRoot = rootOf(blockHashesOf(blocks));
        input.transactionsRoot = rootOf(wordsOf(blocks));
        input.queueEnd = uint64(inbox.queueLengthAt(chain, input.slot - 2));
        input.length = uint32(data.length);
        batch.made.accused.header = sign(input, data);
        batch.made.accused.posting = BatchProof(uint64(block.timestamp), 0, 1, new bytes32[](0));
        batch.made.accused.previous = previous;
        batch.made.batchHash = keccak256(abi.encode(batch.made.accused.header));
        batch.made.blocks = blocks;
        (batch.drafts, batch.data, batch.previous) = (drafts, data, previous);
        carry(one(input), noItems(), data);
    }

    function firstMade(uint256 count, uint256 users)
        internal
        returns (MadeBlock[] memory blocks, Draft[] memory drafts)
    {
        blocks = firstBlocks(chain, count, 1);
        drafts = draftsOf(blocks, users);
        derive(blocks, drafts);
    }

    function postHonest(uint256 count, uint256 users) internal returns (DataBatch memory) {
        (MadeBlock[] memory blocks, Draft[] memory drafts) = firstMade(count, users);
        return postData(blocks, drafts, encodeData(drafts), new BatchHeader[](0));
    }

    // Paths

    function committedAt(DataBatch memory batch, uint256 position, uint256 index)
        internal
        pure
        returns (IBlockProofs.Committed memory leaf)
    {
        MadeBlock memory own = batch.made.blocks[position];
        leaf.position = position;
        leaf.count = own.transactions.length;
        leaf.committed = keccak256(own.transactions[index]);
        leaf.siblings = join(pathOf(hashesOf(own), index), wordPath(batch, position));
    }

    function wordPath(DataBatch memory batch, uint256 position) internal pure returns (bytes32[] memory) {
        return pathOf(wordsOf(batch.made.blocks), position);
    }

    function blockPath(DataBatch memory batch, uint256 position) internal pure returns (bytes32[] memory) {
        return pathOf(blockHashesOf(batch.made.blocks), position);
    }

    // Verdicts

    function requireVerdict(IFraudVerifier judge, DataBatch memory batch, bytes memory proof, bool expected)
        internal
        view
        returns (uint256 place)
    {
        bool isFraud;
        (isFraud, place) = judge.judge(batch.made.accused.header, proof);
        assertTrue(isFraud == expected, expected ? "a fraud" : "no fraud");
    }

    function requireNone(IFraudVerifier judge, DataBatch memory batch, bytes memory proof, bytes4 reason)
        internal
        view
    {
        try judge.judge(batch.made.accused.header, proof) {
            assertTrue(false, "a verdict");
        } catch (bytes memory given) {
            assertEq(bytes32(bytes4(given)), bytes32(reason), "reason");
        }
    }

    function proveCall(DataBatch memory batch, Fraud fraud, bytes memory proof) internal pure returns (bytes memory) {
        return abi.encodeCall(VerifiedProofs.proveBy, (batch.made.accused, fraud, proof));
    }
}
