// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BlsSignatures} from "../../../src/BlsSignatures.sol";
import {Fraud} from "../../../src/disputes/Accusations.sol";
import {WorkVerifier} from "../../../src/disputes/work/WorkVerifier.sol";
import {VerifiedProofs} from "../../../src/disputes/VerifiedProofs.sol";
import {SeatTree} from "../../../src/election/SeatTree.sol";
import {IPostedWork} from "../../../src/interfaces/IPostedWork.sol";
import {BatchHeader} from "../../../src/interfaces/IRollupChain.sol";
import {Evidence, IWorkProofs} from "../../../src/interfaces/IWorkProofs.sol";
import {BlsSigner} from "../../base/BlsSigner.sol";
import {MadeBlock} from "../BlockBuilder.sol";
import {Draft} from "../derivation/DataBuilder.sol";
import {DataBatch, DerivationTest} from "../derivation/DerivationTest.sol";

/// @notice A network with the judge of who did blocks' jobs, and batches whose blocks were drawn and signed as they have to be.
abstract contract WorkTest is DerivationTest {
    uint256 internal constant BLOCKS = 4;
    uint256 internal constant USERS = 1;
    address internal constant RICH = address(0x9407100);
    bytes32 internal constant RESULT = keccak256("result");

    WorkVerifier internal workVerifier;
    /// @dev Providers by their places in the seat tree; of weight 0: nobody.
    SeatTree.Seated[] internal line;

    function verifierDeployments() internal pure override returns (uint256) {
        return 5;
    }

    function deployVerifiers() internal override returns (VerifiedProofs.Verifier[] memory verifiers) {
        VerifiedProofs.Verifier[] memory others = super.deployVerifiers();
        workVerifier =
            new WorkVerifier(openings, WorkVerifier.Records(beacon, sequencerPool, providerRegistry, address(comco)));
        verifiers = new VerifiedProofs.Verifier[](others.length + 1);
        for (uint256 i = 0; i < others.length; i++) {
            verifiers[i] = others[i];
        }
        verifiers[others.length] = VerifiedProofs.Verifier(Fraud.Work, workVerifier);
    }

    function postedWork() internal view override returns (IPostedWork) {
        return workVerifier;
    }

    /// @dev With providers that hold seats in the present slot.
    function deployWork() internal {
        deployDerivation();
        for (uint256 i = 0; i < PROVIDERS; i++) {
            line.push(seatedAt(i));
        }
        registerOperator(providerRegistry, RICH, 4 * MIN_STAKE);
        line.push(seatedAt(PROVIDERS));
        passEpochs(3);
    }

    function seatedAt(uint256 index) internal view returns (SeatTree.Seated memory) {
        address account = providerRegistry.operatorAt(index).account;
        bytes32 keyHash = keccak256(providerRegistry.operatorAt(index).blsPublicKey);
        return
            SeatTree.Seated(uint32(index), account, keyHash, uint32(providerRegistry.operatorAt(index).stake / 1 ether));
    }

    // What is drawn

    function domain() internal view returns (bytes32) {
        return keccak256(abi.encodePacked(keccak256("mvm/network/1"), block.chainid, address(comco)));
    }

    function drawOf(uint256 secret, uint256 chainId, uint256 generation, uint256 number, uint64 slot)
        internal
        view
        returns (bytes memory)
    {
        bytes32 place = beacon.randomnessOf(slot);
        bytes32 message = keccak256(
            abi.encode(keccak256("mvm/vrf-block/1"), domain(), uint256(slot), place, chainId, generation, number)
        );
        return BlsSigner.sign(secret, keccak256(abi.encode(keccak256("mvm/vrf/1"), message)));
    }

    function outputOf(bytes memory proof) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(keccak256("mvm/vrf-output/1"), proof));
    }

    function jobOf(Draft memory draft) internal pure returns (bytes32) {
        return keccak256(abi.encode(keccak256("mvm/job/1"), draft.randomness, uint256(draft.work >> 4)));
    }

    /// @dev The place of who holds a seat, by a walk along the line.
    function holderOf(bytes32 jobId, uint256 seat) internal view returns (uint256 place) {
        uint256 total = 0;
        for (uint256 i = 0; i < line.length; i++) {
            total += line[i].weight;
        }
        uint256 point = uint256(keccak256(abi.encode(jobId, seat))) % total;
        for (; point >= line[place].weight; place++) {
            point -= line[place].weight;
        }
    }

    /// @dev Words beside a place's path, over the line.
    function siblingsOf(uint256 place) internal view returns (uint256[12] memory siblings) {
        uint256[] memory level = new uint256[](16);
        for (uint256 i = 0; i < line.length; i++) {
            level[i] = SeatTree.leafOf(line[i]);
        }
        for (uint256 depth = 0; depth < 12; depth++) {
            siblings[depth] = place ^ 1 < level.length ? level[place ^ 1] : 0;
            uint256[] memory above = new uint256[]((level.length + 1) / 2);
            for (uint256 i = 0; i < above.length; i++) {
                above[i] = SeatTree.nodeOf(level[2 * i], 2 * i + 1 < level.length ? level[2 * i + 1] : 0);
            }
            (level, place) = (above, place >> 1);
        }
    }

    /// @dev Which seat is the n-th that served.
    function seatAt(uint8 work, uint256 served) internal pure returns (uint256 seat) {
        for (uint256 seen = 0;; seat++) {
            if (work >> seat & 1 == 1 && seen++ == served) return seat;
        }
    }

    function sequencerOf(Draft memory draft) internal view returns (address) {
        return draft.sequencer == address(0) ? rollup.sequencerOf(chain, slotNow(), 0) : draft.sequencer;
    }

    function resultDigestOf(Draft memory draft, bytes32 result) internal view returns (bytes32) {
        return keccak256(abi.encode(keccak256("mvm/result/1"), domain(), jobOf(draft), result));
    }

    function signatureOf(Draft memory draft, uint256 served, bytes32 result) internal view returns (bytes memory) {
        address signer = providerRegistry.operatorAt(draft.providers[served]).account;
        return BlsSigner.sign(secretOf(signer), resultDigestOf(draft, result));
    }

    /// @dev Has the sequencer draw, those whom it names or, if `byDraw`, the seats' holders sign, and the draft commit to all that.
    function workOn(Draft memory draft, uint256 number, bool byDraw) internal view returns (Evidence memory evidence) {
        evidence.proof = drawOf(secretOf(sequencerOf(draft)), chain, generationOf(chain), number, draft.slot);
        draft.randomness = outputOf(evidence.proof);
        evidence.result = draft.providers.length == 0 ? bytes32(0) : RESULT;
        for (uint256 i = 0; i < draft.providers.length; i++) {
            if (byDraw) draft.providers[i] = line[holderOf(jobOf(draft), seatAt(draft.work, i))].index;
            evidence.signatures = bytes.concat(evidence.signatures, signatureOf(draft, i, evidence.result));
        }
        draft.evidence = evidenceHashOf(evidence);
    }

    function evidenceHashOf(Evidence memory evidence) internal pure returns (bytes32) {
        return
            keccak256(
                abi.encodePacked(keccak256("mvm/evidence/1"), evidence.proof, evidence.result, evidence.signatures)
            );
    }

    // Batches

    /// @dev Blocks as they have to be; every second one was made by another sequencer than the poster.
    function firstWorked(uint8 work)
        internal
        returns (MadeBlock[] memory blocks, Draft[] memory drafts, Evidence[] memory evidence)
    {
        uint256 users = work == 0 ? 0 : USERS;
        blocks = firstBlocks(chain, BLOCKS, 1);
        drafts = draftsOf(blocks, users);
        evidence = new Evidence[](BLOCKS);
        for (uint256 i = 0; i < BLOCKS; i++) {
            drafts[i].work = work;
            drafts[i].sequencer = i % 2 == 0 ? address(0) : sequencers[i % sequencers.length];
            evidence[i] = workOn(drafts[i], blocks[i].values.number, true);
        }
    }

    function postDrafts(MadeBlock[] memory blocks, Draft[] memory drafts) internal returns (DataBatch memory) {
        derive(blocks, drafts);
        return postData(blocks, drafts, encodeData(drafts), new BatchHeader[](0));
    }

    // Proofs

    function keyOfSequencer(address sequencer) internal view returns (bytes memory) {
        return BlsSigner.publicKeyOf(secretOf(sequencer));
    }

    function keyOfProvider(uint256 index) internal view returns (bytes memory) {
        if (index >= providerRegistry.count()) return "";
        return BlsSigner.publicKeyOf(secretOf(providerRegistry.operatorAt(index).account));
    }

    function randomnessOf(DataBatch memory batch, uint256 position, Evidence memory evidence)
        internal
        view
        returns (bytes memory)
    {
        return randomnessBy(batch, position, evidence, keyOfSequencer(sequencerOf(batch.drafts[position])));
    }

    function randomnessBy(DataBatch memory batch, uint256 position, Evidence memory evidence, bytes memory key)
        internal
        pure
        returns (bytes memory)
    {
        return abi.encodeCall(
            IWorkProofs.randomness, (IWorkProofs.RandomnessProof(position, batch.data, evidence, key))
        );
    }

    function seatProofOf(DataBatch memory batch, uint256 position, uint256 served)
        internal
        view
        returns (IWorkProofs.SeatProof memory proof)
    {
        Draft memory draft = batch.drafts[position];
        uint256 place = holderOf(jobOf(draft), seatAt(draft.work, served));
        return IWorkProofs.SeatProof(position, served, batch.data, line[place], place, siblingsOf(place));
    }

    function seatOf(DataBatch memory batch, uint256 position, uint256 served) internal view returns (bytes memory) {
        return abi.encodeCall(IWorkProofs.seat, (seatProofOf(batch, position, served)));
    }

    function signatureProofOf(DataBatch memory batch, uint256 position, uint256 served, Evidence memory evidence)
        internal
        view
        returns (bytes memory)
    {
        return signatureBy(batch, position, served, evidence, keyOfProvider(batch.drafts[position].providers[served]));
    }

    function signatureBy(
        DataBatch memory batch,
        uint256 position,
        uint256 served,
        Evidence memory evidence,
        bytes memory key
    ) internal pure returns (bytes memory) {
        return abi.encodeCall(
            IWorkProofs.signature, (IWorkProofs.SignatureProof(position, served, batch.data, evidence, key))
        );
    }

    /// @dev A point that is not on the curve, and is compressed to the same bytes: its y is another one of the same sign.
    function offCurve(bytes memory key) internal pure returns (bytes memory spoilt) {
        spoilt = bytes.concat(key);
        spoilt[95] = bytes1(uint8(spoilt[95]) ^ 1);
        bool isSame = keccak256(BlsSignatures.compress(spoilt)) == keccak256(BlsSignatures.compress(key));
        require(isSame, "compressed alike");
    }
}
