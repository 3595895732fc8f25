// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BlsSignatures} from "../../../src/BlsSignatures.sol";
import {Fraud} from "../../../src/disputes/Accusations.sol";
import {PostedData} from "../../../src/disputes/derivation/PostedData.sol";
import {ProofKinds} from "../../../src/disputes/ProofKinds.sol";
import {WorkEvidence} from "../../../src/disputes/work/WorkEvidence.sol";
import {WorkVerifier} from "../../../src/disputes/work/WorkVerifier.sol";
import {RandomBeacon} from "../../../src/election/RandomBeacon.sol";
import {SeatTree} from "../../../src/election/SeatTree.sol";
import {BatchHeader} from "../../../src/interfaces/IRollupChain.sol";
import {Evidence, IWorkProofs} from "../../../src/interfaces/IWorkProofs.sol";
import {StakedRegistry} from "../../../src/StakedRegistry.sol";
import {BlsSigner} from "../../base/BlsSigner.sol";
import {MadeBlock} from "../BlockBuilder.sol";
import {Draft} from "../derivation/DataBuilder.sol";
import {DataBatch} from "../derivation/DerivationTest.sol";
import {WorkTest} from "./WorkTest.sol";

/// @notice F4: right work never convicts, whatever is said of it; every wrong kind does.
/// forge-config: default.fuzz.runs = 16
contract WorkVerifierTest is WorkTest {
    /// @dev All forms that the work of a block with users' transactions can have.
    bytes private constant ALL_WORKS = hex"030506090a0c131516191a1c232526292a2c333536393a3c";

    function setUp() public {
        deployWork();
    }

    function someWork(uint256 random) private pure returns (uint8) {
        return uint8(ALL_WORKS[random % ALL_WORKS.length]);
    }

    function requireFraud(DataBatch memory batch, bytes memory proof) private view {
        uint256 place = requireVerdict(workVerifier, batch, proof, true);
        assertEq(place >> 16, batch.made.accused.header.firstBlock + positionIn(proof), "block");
    }

    function requireRight(DataBatch memory batch, bytes memory proof) private view {
        requireVerdict(workVerifier, batch, proof, false);
    }

    /// @dev The first word of a proof's struct.
    function positionIn(bytes memory proof) private pure returns (uint256 position) {
        assembly ("memory-safe") {
            position := mload(add(proof, 68))
        }
    }

    /// @dev All that can be said of a block.
    function requireAllRight(DataBatch memory batch, uint256 i, Evidence memory evidence) private view {
        requireRight(batch, randomnessOf(batch, i, evidence));
        for (uint256 served = 0; served < batch.drafts[i].providers.length; served++) {
            requireRight(batch, seatOf(batch, i, served));
            requireRight(batch, signatureProofOf(batch, i, served, evidence));
        }
    }

    function testFuzz_rightWorkNeverConvicts(uint256 random, bool isIdle) public {
        (MadeBlock[] memory blocks, Draft[] memory drafts, Evidence[] memory evidence) =
            firstWorked(isIdle ? 0 : someWork(random));
        DataBatch memory batch = postDrafts(blocks, drafts);
        for (uint256 i = 0; i < BLOCKS; i++) {
            requireAllRight(batch, i, evidence[i]);
        }
        prove(PROVER, proveCall(batch, Fraud.Work, randomnessOf(batch, 1, evidence[1])));
        requireRefuted(batch.made, 1);
    }

    function test_whoLeftSinceIsStillJudgedByItsSeatAndItsKey() public {
        (MadeBlock[] memory blocks, Draft[] memory drafts, Evidence[] memory evidence) = firstWorked(3);
        Evidence memory wrong = evidence[2];
        wrong.signatures = bytes.concat(signatureOf(drafts[2], 0, "other"), signatureOf(drafts[2], 1, RESULT));
        drafts[2].evidence = evidenceHashOf(wrong);
        DataBatch memory batch = postDrafts(blocks, drafts);
        for (uint256 i = 0; i < PROVIDERS; i++) {
            vm.prank(providerOf(i));
            providerRegistry.requestExit();
        }
        vm.prank(sequencers[1]);
        sequencerPool.requestExit();
        passBlocks(UNBONDING);
        for (uint256 i = 0; i < PROVIDERS; i++) {
            vm.prank(providerOf(i));
            providerRegistry.withdrawStake();
        }
        // the place, the account, and the key of the first are taken again, under another number
        registerOperator(providerRegistry, providerOf(0), MIN_STAKE);
        requireAllRight(batch, 1, evidence[1]);
        requireFraud(batch, signatureProofOf(batch, 2, 0, wrong));
        requireRight(batch, signatureProofOf(batch, 2, 1, wrong));
    }

    // Randomness

    function testFuzz_randomnessThatItsSequencerDidNotDrawConvicts(uint256 what, uint256 random) public {
        (MadeBlock[] memory blocks, Draft[] memory drafts, Evidence[] memory evidence) = firstWorked(someWork(random));
        uint256 at = random % BLOCKS;
        uint256 own = secretOf(sequencerOf(drafts[at]));
        uint256 number = blocks[at].values.number;
        uint64 slot = drafts[at].slot;
        what %= 8;
        if (what == 0) evidence[at].proof = drawOf(own + 1, chain, 0, number, slot);
        if (what == 1) evidence[at].proof = drawOf(own, chain + 1, 0, number, slot);
        if (what == 2) evidence[at].proof = drawOf(own, chain, 1, number, slot);
        if (what == 3) evidence[at].proof = drawOf(own, chain, 0, number + 1, slot);
        if (what == 4) evidence[at].proof = drawOf(own, chain, 0, number, slot - 1);
        // none of the curve, the point at infinity, coordinates that are none
        if (what == 5) evidence[at].proof[191] = bytes1(uint8(evidence[at].proof[191]) ^ 1);
        if (what == 6) evidence[at].proof = new bytes(192);
        if (what == 7) evidence[at].proof = abi.encodePacked(bytes32(type(uint256).max), new bytes(160));
        drafts[at].randomness = outputOf(evidence[at].proof);
        drafts[at].evidence = evidenceHashOf(evidence[at]);
        DataBatch memory batch = postDrafts(blocks, drafts);
        requireFraud(batch, randomnessOf(batch, at, evidence[at]));
        requireRight(batch, randomnessOf(batch, (at + 1) % BLOCKS, evidence[(at + 1) % BLOCKS]));
        prove(PROVER, proveCall(batch, Fraud.Work, randomnessOf(batch, at, evidence[at])));
        requireConvicted(batch.made);
    }

    function test_randomnessThatWasChosenConvictsWithoutAnyKey() public {
        (MadeBlock[] memory blocks, Draft[] memory drafts, Evidence[] memory evidence) = firstWorked(3);
        drafts[1].randomness = "chosen";
        DataBatch memory batch = postDrafts(blocks, drafts);
        requireFraud(batch, randomnessBy(batch, 1, evidence[1], ""));
    }

    function test_randomnessOfNobodyWhoEverWasASequencerConvictsWithoutAnyKey() public {
        (MadeBlock[] memory blocks, Draft[] memory drafts, Evidence[] memory evidence) = firstWorked(3);
        drafts[1].sequencer = address(0x57A46E4);
        evidence[1] = workOn(drafts[1], blocks[1].values.number, true);
        DataBatch memory batch = postDrafts(blocks, drafts);
        requireFraud(batch, randomnessBy(batch, 1, evidence[1], ""));
    }

    function test_whatWouldMakeRightRandomnessLookWrongIsNoVerdict() public {
        (MadeBlock[] memory blocks, Draft[] memory drafts, Evidence[] memory evidence) = firstWorked(3);
        DataBatch memory batch = postDrafts(blocks, drafts);
        bytes memory key = keyOfSequencer(sequencerOf(drafts[0]));
        bytes4 invalid = BlsSignatures.InvalidPoint.selector;
        requireNone(workVerifier, batch, randomnessBy(batch, 0, evidence[0], offCurve(key)), invalid);
        bytes memory others = keyOfSequencer(sequencers[0] == sequencerOf(drafts[0]) ? sequencers[1] : sequencers[0]);
        requireNone(workVerifier, batch, randomnessBy(batch, 0, evidence[0], others), invalid);
        requireNone(workVerifier, batch, randomnessBy(batch, 0, evidence[0], ""), invalid);
        requireNone(workVerifier, batch, randomnessBy(batch, 0, evidence[0], new bytes(96)), invalid);
        bytes4 wrong = WorkVerifier.WrongEvidence.selector;
        requireNone(workVerifier, batch, randomnessBy(batch, 0, evidence[1], key), wrong);
        Evidence memory long = Evidence(evidence[0].proof, evidence[0].result, new bytes(3 * 192));
        bytes4 malformed = WorkEvidence.MalformedEvidence.selector;
        requireNone(workVerifier, batch, randomnessBy(batch, 0, long, key), malformed);
        // the same bytes, cut elsewhere
        bytes memory all = evidence[0].signatures;
        Evidence memory cut =
            Evidence(bytes.concat(evidence[0].proof, evidence[0].result), bytes32(all), slice(all, 32));
        assertEq(evidenceHashOf(cut), drafts[0].evidence, "the same hash");
        requireNone(workVerifier, batch, randomnessBy(batch, 0, cut, key), malformed);
        requireNone(workVerifier, batch, randomnessBy(batch, BLOCKS, evidence[0], key), PostedData.NoSuchPlace.selector);
        batch.data = bytes.concat(batch.data, hex"00");
        requireNone(workVerifier, batch, randomnessBy(batch, 0, evidence[0], key), PostedData.WrongData.selector);
        requireNone(workVerifier, batch, hex"00000000", ProofKinds.UnknownKind.selector);
    }

    function test_noGasMakesRightWorkWrong(uint256 gasGiven) public {
        (MadeBlock[] memory blocks, Draft[] memory drafts, Evidence[] memory evidence) = firstWorked(3);
        DataBatch memory batch = postDrafts(blocks, drafts);
        bytes[3] memory proofs =
            [randomnessOf(batch, 0, evidence[0]), seatOf(batch, 0, 1), signatureProofOf(batch, 0, 1, evidence[0])];
        for (uint256 i = 0; i < proofs.length; i++) {
            uint256 given = 20_000 + uint256(keccak256(abi.encode(gasGiven, i))) % 700_000;
            try workVerifier.judge{gas: given}(batch.made.accused.header, proofs[i]) returns (bool isFraud, uint256) {
                assertTrue(!isFraud, "right");
            } catch {
                // whatever reverts is no verdict
            }
        }
    }

    // Seats

    function testFuzz_aSeatOfAnotherThanItsHolderConvicts(uint256 random, uint32 other) public {
        (MadeBlock[] memory blocks, Draft[] memory drafts, Evidence[] memory evidence) = firstWorked(someWork(random));
        (uint256 at, uint256 served) = (random % BLOCKS, (random >> 8) % 2);
        uint32 right = drafts[at].providers[served];
        // one of the others, or a number that nobody has
        if (random >> 16 & 1 == 0) other %= PROVIDERS + 1;
        if (other == right) other = (right + 1) % (PROVIDERS + 1);
        drafts[at].providers[served] = other;
        if (other <= PROVIDERS) evidence[at] = workOn(drafts[at], blocks[at].values.number, false);
        DataBatch memory batch = postNamed(blocks, drafts);
        requireFraud(batch, seatOf(batch, at, served));
        requireRight(batch, seatOf(batch, at, 1 - served));
        if (other <= PROVIDERS) {
            requireRight(batch, randomnessOf(batch, at, evidence[at]));
            requireRight(batch, signatureProofOf(batch, at, served, evidence[at]));
        } else {
            bytes memory proof = signatureBy(batch, at, served, evidence[at], keyOfProvider(0));
            requireNone(workVerifier, batch, proof, StakedRegistry.UnknownIndex.selector);
        }
        prove(PROVER, proveCall(batch, Fraud.Work, seatOf(batch, at, served)));
        requireConvicted(batch.made);
    }

    /// @dev Blocks' transactions are not looked at here: settle may not pay a number that nobody has.
    function postNamed(MadeBlock[] memory blocks, Draft[] memory drafts) private returns (DataBatch memory) {
        return postData(blocks, drafts, encodeData(drafts), new BatchHeader[](0));
    }

    function test_seatsOfAJobThatWasNotTriedConvictUnlessTheSameHoldThem() public {
        (MadeBlock[] memory blocks, Draft[] memory drafts,) = firstWorked(3);
        for (uint256 i = 0; i < BLOCKS; i++) {
            drafts[i].work = 3 | 1 << 4;
        }
        DataBatch memory batch = postNamed(blocks, drafts);
        uint256 wrong = 0;
        for (uint256 i = 0; i < 2 * BLOCKS; i++) {
            Draft memory draft = drafts[i / 2];
            bool isSame = line[holderOf(jobOf(draft), i % 2)].index == draft.providers[i % 2];
            requireVerdict(workVerifier, batch, seatOf(batch, i / 2, i % 2), !isSame);
            if (!isSame) wrong++;
        }
        assertTrue(wrong > 0, "some differ");
    }

    function test_seatsAreThoseOfTheSlotsSnapshotWhateverChangedSince() public {
        // nobody changes anything for a while: the root is that of the last change
        passEpochs(9);
        (MadeBlock[] memory blocks, Draft[] memory drafts, Evidence[] memory evidence) = firstWorked(3);
        registerOperator(providerRegistry, address(0x9407200), 40 * MIN_STAKE);
        vm.prank(providerOf(0));
        providerRegistry.requestExit();
        DataBatch memory batch = postDrafts(blocks, drafts);
        passEpochs(5);
        requireAllRight(batch, 3, evidence[3]);
        // of the line as it is now nothing is a path
        line[0].weight = 0;
        line.push(seatedAt(PROVIDERS + 1));
        bytes memory proof = seatOf(batch, 3, 0);
        requireNone(workVerifier, batch, proof, WorkVerifier.NotTheHolder.selector);
    }

    function test_noPathButTheHoldersIsAVerdict(uint256 random) public {
        (MadeBlock[] memory blocks, Draft[] memory drafts,) = firstWorked(someWork(random));
        DataBatch memory batch = postDrafts(blocks, drafts);
        bytes4 reason = WorkVerifier.NotTheHolder.selector;
        IWorkProofs.SeatProof memory right = seatProofOf(batch, 1, 1);
        for (uint256 place = 0; place < line.length; place++) {
            if (place == right.place) continue;
            IWorkProofs.SeatProof memory proof =
                IWorkProofs.SeatProof(1, 1, batch.data, line[place], place, siblingsOf(place));
            requireNone(workVerifier, batch, abi.encodeCall(IWorkProofs.seat, (proof)), reason);
        }
        right.holder.index ^= 1;
        requireNone(workVerifier, batch, abi.encodeCall(IWorkProofs.seat, (right)), reason);
        right.holder.index ^= 1;
        right.siblings[random % 12] += 1 << 40;
        requireNone(workVerifier, batch, abi.encodeCall(IWorkProofs.seat, (right)), reason);
        right.served = 2;
        requireNone(workVerifier, batch, abi.encodeCall(IWorkProofs.seat, (right)), WorkVerifier.NoSuchSeat.selector);
    }

    function test_aBlockWithoutAJobHasNoSeats() public {
        (MadeBlock[] memory blocks, Draft[] memory drafts, Evidence[] memory evidence) = firstWorked(0);
        DataBatch memory batch = postDrafts(blocks, drafts);
        IWorkProofs.SeatProof memory proof;
        proof.data = batch.data;
        bytes4 reason = WorkVerifier.NoSuchSeat.selector;
        requireNone(workVerifier, batch, abi.encodeCall(IWorkProofs.seat, (proof)), reason);
        requireNone(workVerifier, batch, signatureBy(batch, 0, 0, evidence[0], ""), reason);
    }

    // Signatures

    function testFuzz_aResultThatASeatDidNotSignConvicts(uint256 what, uint256 random) public {
        (MadeBlock[] memory blocks, Draft[] memory drafts, Evidence[] memory evidence) = firstWorked(someWork(random));
        (uint256 at, uint256 served) = (random % BLOCKS, (random >> 8) % 2);
        Draft memory draft = drafts[at];
        bytes[2] memory signatures = [signatureOf(draft, 0, RESULT), signatureOf(draft, 1, RESULT)];
        what %= 7;
        uint256 secret = secretOf(providerRegistry.operatorAt(draft.providers[served]).account);
        if (what == 0) signatures[served] = signatureOf(draft, served, "another result");
        if (what == 1) signatures[served] = BlsSigner.sign(secret + 1, resultDigestOf(draft, RESULT));
        if (what == 2) signatures[served] = evidence[at].proof;
        if (what == 3) signatures[served] = new bytes(192);
        if (what == 4) signatures[served][100] = bytes1(uint8(signatures[served][100]) ^ 1);
        if (what == 5) signatures[served] = BlsSigner.sign(secret, keccak256(abi.encode("another job", RESULT)));
        if (what == 6) evidence[at].result = "another result";
        evidence[at].signatures = bytes.concat(signatures[0], signatures[1]);
        draft.evidence = evidenceHashOf(evidence[at]);
        DataBatch memory batch = postDrafts(blocks, drafts);
        requireFraud(batch, signatureProofOf(batch, at, served, evidence[at]));
        requireVerdict(workVerifier, batch, signatureProofOf(batch, at, 1 - served, evidence[at]), what == 6);
        requireRight(batch, randomnessOf(batch, at, evidence[at]));
        prove(PROVER, proveCall(batch, Fraud.Work, signatureProofOf(batch, at, served, evidence[at])));
        requireConvicted(batch.made);
    }

    function test_moreOrFewerSignaturesThanSeatsThatServedConvictWithoutAnyKey(bool isIdle, bool isOne) public {
        (MadeBlock[] memory blocks, Draft[] memory drafts, Evidence[] memory evidence) = firstWorked(isIdle ? 0 : 3);
        bytes memory signature = BlsSigner.sign(1, "something");
        evidence[2].signatures = isOne ? signature : isIdle ? bytes.concat(signature, signature) : bytes("");
        drafts[2].evidence = evidenceHashOf(evidence[2]);
        DataBatch memory batch = postDrafts(blocks, drafts);
        requireFraud(batch, signatureBy(batch, 2, 7, evidence[2], ""));
        requireRight(batch, randomnessOf(batch, 2, evidence[2]));
    }

    function test_whatWouldMakeARightSignatureLookWrongIsNoVerdict() public {
        (MadeBlock[] memory blocks, Draft[] memory drafts, Evidence[] memory evidence) = firstWorked(3);
        DataBatch memory batch = postDrafts(blocks, drafts);
        uint256 index = drafts[0].providers[0];
        bytes4 invalid = BlsSignatures.InvalidPoint.selector;
        bytes memory key = keyOfProvider(index);
        requireNone(workVerifier, batch, signatureBy(batch, 0, 0, evidence[0], offCurve(key)), invalid);
        requireNone(
            workVerifier, batch, signatureBy(batch, 0, 0, evidence[0], keyOfProvider((index + 1) % PROVIDERS)), invalid
        );
        Evidence memory turned = Evidence(
            evidence[0].proof,
            evidence[0].result,
            bytes.concat(slice(evidence[0].signatures, 192), first(evidence[0].signatures, 192))
        );
        requireNone(workVerifier, batch, signatureBy(batch, 0, 0, turned, key), WorkVerifier.WrongEvidence.selector);
        requireNone(workVerifier, batch, signatureBy(batch, 0, 2, evidence[0], key), WorkVerifier.NoSuchSeat.selector);
    }

    // Data

    function test_dataThatCannotBeDecodedConvictByWhateverIsAsked() public {
        (MadeBlock[] memory blocks, Draft[] memory drafts, Evidence[] memory evidence) = firstWorked(3);
        drafts[0].work = 7;
        DataBatch memory batch = postNamed(blocks, drafts);
        requireFraud(batch, randomnessBy(batch, 1, evidence[1], ""));
        requireFraud(batch, signatureBy(batch, 1, 0, evidence[1], ""));
        requireFraud(batch, seatOf(batch, 1, 0));
    }

    function test_aSlotWithoutARecordIsNoVerdict() public {
        (MadeBlock[] memory blocks, Draft[] memory drafts, Evidence[] memory evidence) = firstWorked(3);
        for (uint256 i = 0; i < BLOCKS; i++) {
            drafts[i].slot = slotNow() + 7;
        }
        DataBatch memory batch = postNamed(blocks, drafts);
        bytes memory key = keyOfSequencer(sequencerOf(drafts[0]));
        bytes4 reason = RandomBeacon.EpochNotRecorded.selector;
        requireNone(workVerifier, batch, randomnessBy(batch, 0, evidence[0], key), reason);
    }

    function slice(bytes memory all, uint256 from) private pure returns (bytes memory rest) {
        rest = new bytes(all.length - from);
        for (uint256 i = 0; i < rest.length; i++) {
            rest[i] = all[from + i];
        }
    }

    function first(bytes memory all, uint256 count) private pure returns (bytes memory some) {
        some = new bytes(count);
        for (uint256 i = 0; i < count; i++) {
            some[i] = all[i];
        }
    }
}

/// @notice Of a network without providers nobody holds a seat.
contract WorkWithoutProvidersTest is WorkTest {
    function setUp() public {
        deployDerivation();
    }

    function test_aSeatConvictsWhereNobodyHeldAny() public {
        // providers are there, but since after the snapshot
        assertEq(providerRegistry.seatRootAt(slotNow() - 2), 0, "nobody");
        MadeBlock[] memory blocks = firstBlocks(chain, 1, 1);
        Draft[] memory drafts = draftsOf(blocks, USERS);
        drafts[0].sequencer = address(0);
        Evidence memory evidence = workOn(drafts[0], 1, false);
        DataBatch memory batch = postDrafts(blocks, drafts);
        IWorkProofs.SeatProof memory proof;
        (proof.data, proof.served) = (batch.data, 1);
        requireVerdict(workVerifier, batch, abi.encodeCall(IWorkProofs.seat, (proof)), true);
        requireVerdict(workVerifier, batch, randomnessOf(batch, 0, evidence), false);
    }
}
