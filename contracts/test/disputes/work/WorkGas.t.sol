// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Fraud} from "../../../src/disputes/Accusations.sol";
import {EvidenceAnswers} from "../../../src/disputes/EvidenceAnswers.sol";
import {Evidence} from "../../../src/interfaces/IWorkProofs.sol";
import {MadeBlock} from "../BlockBuilder.sol";
import {Draft} from "../derivation/DataBuilder.sol";
import {DataBatch} from "../derivation/DerivationTest.sol";
import {WorkTest} from "./WorkTest.sol";

/// @notice The cheatcodes that keep what is not measured out of the snapshot.
interface MeterVm {
    function pauseGasMetering() external;
    function resumeGasMetering() external;
}

/// @notice What asks, answers and proofs about who did a block's job cost, execution alone, conviction included.
contract WorkGasTest is WorkTest {
    MeterVm private constant METER = MeterVm(address(vm));

    bytes private batch_;
    bytes private evidence_;

    /// @dev A batch whose second block has two seats' signatures the wrong way round, the third a stranger in a seat, the last a
    /// randomness that nobody drew.
    function setUp() public {
        METER.pauseGasMetering();
        deployWork();
        (MadeBlock[] memory blocks, Draft[] memory drafts, Evidence[] memory evidence) = firstWorked(3);
        evidence[1].signatures = bytes.concat(signatureOf(drafts[1], 0, "other"), signatureOf(drafts[1], 1, "other"));
        drafts[1].evidence = evidenceHashOf(evidence[1]);
        drafts[2].providers[0] = (drafts[2].providers[0] + 1) % PROVIDERS;
        evidence[3].proof = drawOf(1, chain, 0, 4, drafts[3].slot);
        drafts[3].randomness = outputOf(evidence[3].proof);
        drafts[3].evidence = evidenceHashOf(evidence[3]);
        batch_ = abi.encode(postDrafts(blocks, drafts));
        evidence_ = abi.encode(evidence);
        METER.resumeGasMetering();
    }

    function posted() private view returns (DataBatch memory batch, Evidence[] memory evidence) {
        return (abi.decode(batch_, (DataBatch)), abi.decode(evidence_, (Evidence[])));
    }

    function measureProof(bytes memory proof) private {
        (DataBatch memory batch,) = posted();
        bytes memory input = proveCall(batch, Fraud.Work, proof);
        commitTo(PROVER, input);
        vm.prank(PROVER);
        METER.resumeGasMetering();
        (bool succeeded,) = address(accusing).call(input);
        METER.pauseGasMetering();
        assertTrue(succeeded, "proven");
        requireConvicted(batch.made);
        METER.resumeGasMetering();
    }

    function test_provingRandomness() public {
        METER.pauseGasMetering();
        (DataBatch memory batch, Evidence[] memory evidence) = posted();
        measureProof(randomnessOf(batch, 3, evidence[3]));
    }

    function test_provingASeat() public {
        METER.pauseGasMetering();
        (DataBatch memory batch,) = posted();
        measureProof(seatOf(batch, 2, 0));
    }

    function test_provingASignature() public {
        METER.pauseGasMetering();
        (DataBatch memory batch, Evidence[] memory evidence) = posted();
        measureProof(signatureProofOf(batch, 1, 0, evidence[1]));
    }

    function test_asking() public {
        METER.pauseGasMetering();
        (DataBatch memory batch,) = posted();
        vm.prank(PROVER);
        METER.resumeGasMetering();
        asking.askEvidence(batch.made.accused.header, batch.made.accused.posting, 1, batch.data, type(uint256).max);
    }

    function test_answering() public {
        METER.pauseGasMetering();
        (DataBatch memory batch, Evidence[] memory evidence) = posted();
        vm.prank(PROVER);
        asking.askEvidence(batch.made.accused.header, batch.made.accused.posting, 1, batch.data, type(uint256).max);
        bytes memory input = abi.encodeCall(EvidenceAnswers.answerEvidence, (batch.made.accused.header, 1, evidence[1]));
        vm.prank(USER, USER);
        METER.resumeGasMetering();
        (bool succeeded,) = address(asking).call(input);
        METER.pauseGasMetering();
        assertTrue(succeeded, "answered");
        METER.resumeGasMetering();
    }
}
