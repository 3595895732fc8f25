// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Asks} from "../../../src/disputes/Asks.sol";
import {PostedData} from "../../../src/disputes/derivation/PostedData.sol";
import {EvidenceAnswers} from "../../../src/disputes/EvidenceAnswers.sol";
import {WorkEvidence} from "../../../src/disputes/work/WorkEvidence.sol";
import {WorkVerifier} from "../../../src/disputes/work/WorkVerifier.sol";
import {BatchHeader} from "../../../src/interfaces/IRollupChain.sol";
import {Evidence} from "../../../src/interfaces/IWorkProofs.sol";
import {Test} from "../../base/Test.sol";
import {MadeBlock} from "../BlockBuilder.sol";
import {AccusedBatch} from "../DisputesTest.sol";
import {Draft} from "../derivation/DataBuilder.sol";
import {DataBatch} from "../derivation/DerivationTest.sol";
import {WorkTest} from "./WorkTest.sol";

/// @notice The library behind a call.
contract EvidenceHarness {
    function hashOf(Evidence calldata evidence) external pure returns (bytes32) {
        return WorkEvidence.hashOf(evidence);
    }
}

/// @notice The vectors of packages/protocol/vectors, which other libraries made.
contract WorkEvidenceVectorsTest is Test {
    function test_vectorsEvidenceHasTheHashThatBlocksCommitTo() public {
        EvidenceHarness harness = new EvidenceHarness();
        string memory json = vm.readFile("../packages/protocol/vectors/work.json");
        uint256 count = 0;
        for (; vm.keyExistsJson(json, string.concat(".evidence[", vm.toString(count), "]")); count++) {
            string memory entry = string.concat(".evidence[", vm.toString(count), "]");
            Evidence memory evidence = Evidence(
                vm.parseJsonBytes(json, string.concat(entry, ".shown.proof")),
                vm.parseJsonBytes32(json, string.concat(entry, ".shown.result")),
                vm.parseJsonBytes(json, string.concat(entry, ".shown.signatures"))
            );
            assertEq(harness.hashOf(evidence), vm.parseJsonBytes32(json, string.concat(entry, ".hash")), entry);
        }
        assertEq(count, 2, "vectors");
    }
}

/// @notice F6: evidence of who did a block's job is asked for, and shown.
/// forge-config: default.fuzz.runs = 16
contract EvidenceAnswersTest is WorkTest {
    address private constant ANSWERER = address(0xA2515E2);

    function setUp() public {
        deployWork();
    }

    function itemAt(uint256 position) private pure returns (uint256) {
        return 7 | position << 3;
    }

    function askAs(address asker, DataBatch memory batch, uint256 position, bytes memory data) private {
        AccusedBatch memory own = batch.made.accused;
        vm.prank(asker);
        asking.askEvidence(own.header, own.posting, position, data, type(uint256).max);
    }

    function refuseAsk(DataBatch memory batch, uint256 position, bytes memory data, bytes4 reason) private {
        AccusedBatch memory own = batch.made.accused;
        vm.prank(PROVER);
        try asking.askEvidence(own.header, own.posting, position, data, type(uint256).max) {
            assertTrue(false, "refused");
        } catch (bytes memory given) {
            assertEq(bytes32(bytes4(given)), bytes32(reason), "reason");
        }
    }

    function answer(address sender, DataBatch memory batch, uint256 position, Evidence memory evidence)
        private
        returns (bool succeeded, bytes4 reason)
    {
        bytes memory given;
        vm.prank(sender, sender);
        (succeeded, given) = address(asking)
            .call(abi.encodeCall(EvidenceAnswers.answerEvidence, (batch.made.accused.header, position, evidence)));
        reason = bytes4(given);
    }

    function test_anyoneShowsWhatABlockCommitsToForItsPrice(uint256 position, bool isIdle) public {
        (MadeBlock[] memory blocks, Draft[] memory drafts, Evidence[] memory evidence) = firstWorked(isIdle ? 0 : 3);
        DataBatch memory batch = postDrafts(blocks, drafts);
        position %= BLOCKS;
        askAs(PROVER, batch, position, batch.data);
        (bool succeeded, bytes4 reason) = answer(ANSWERER, batch, position, evidence[(position + 1) % BLOCKS]);
        assertEq(bytes32(reason), bytes32(EvidenceAnswers.WrongEvidence.selector), "another block's");
        (succeeded,) = answer(ANSWERER, batch, position, evidence[position]);
        assertTrue(succeeded, "answered");
        assertEq(token.balanceOf(ANSWERER), BASE_PRICE, "price");
        assertEq(asking.queueOf(batch.made.batchHash).next, 1, "next");
        (succeeded,) = answer(ANSWERER, batch, position, evidence[position]);
        assertTrue(!succeeded, "once");
        refuseAsk(batch, position, batch.data, Asks.AlreadyAsked.selector);
    }

    function test_nothingButTheEvidenceIsAnAnswer() public {
        (MadeBlock[] memory blocks, Draft[] memory drafts, Evidence[] memory evidence) = firstWorked(3);
        DataBatch memory batch = postDrafts(blocks, drafts);
        askAs(PROVER, batch, 1, batch.data);
        Evidence memory own = evidence[1];
        (, bytes4 reason) = answer(ANSWERER, batch, 1, Evidence(own.proof, "another", own.signatures));
        assertEq(bytes32(reason), bytes32(EvidenceAnswers.WrongEvidence.selector), "another result");
        // the same bytes, cut elsewhere
        bytes memory moved = bytes.concat(own.proof, own.result, own.signatures);
        (, reason) = answer(ANSWERER, batch, 1, Evidence(moved, 0, ""));
        assertEq(bytes32(reason), bytes32(WorkEvidence.MalformedEvidence.selector), "no point's length");
        // evidence of a block that nobody asked for
        (, reason) = answer(ANSWERER, batch, 2, evidence[2]);
        assertEq(bytes32(reason), bytes32(EvidenceAnswers.WrongEvidence.selector), "not asked for");
        // nobody would find what a contract sends on
        vm.prank(ANSWERER, PROVER);
        vm.expectRevert(abi.encodeWithSelector(Asks.AnswerNotInInput.selector, ANSWERER));
        asking.answerEvidence(batch.made.accused.header, 1, own);
        assertEq(asking.queueOf(batch.made.batchHash).next, 0, "still asked for");
    }

    function test_whoAsksShowsTheBatchsData() public {
        (MadeBlock[] memory blocks, Draft[] memory drafts,) = firstWorked(3);
        DataBatch memory batch = postDrafts(blocks, drafts);
        refuseAsk(batch, 0, bytes.concat(batch.data, hex"00"), PostedData.WrongData.selector);
        refuseAsk(batch, BLOCKS, batch.data, PostedData.NoSuchPlace.selector);
        // not by its number alone
        AccusedBatch memory own = batch.made.accused;
        vm.expectRevert(abi.encodeWithSelector(Asks.UnknownItem.selector, itemAt(0)));
        vm.prank(PROVER);
        asking.ask(own.header, own.posting, itemAt(0), type(uint256).max);
    }

    function test_dataThatCannotBeDecodedHaveNothingToAskFor() public {
        (MadeBlock[] memory blocks, Draft[] memory drafts,) = firstWorked(3);
        drafts[0].work = 7;
        DataBatch memory batch = postData(blocks, drafts, encodeData(drafts), new BatchHeader[](0));
        refuseAsk(batch, 1, batch.data, WorkVerifier.UndecodableData.selector);
    }

    function test_whatNobodyShowsDropsTheBatch() public {
        (MadeBlock[] memory blocks, Draft[] memory drafts, Evidence[] memory evidence) = firstWorked(3);
        // a hash of nothing that has the form of evidence
        drafts[2].evidence = keccak256("nothing");
        DataBatch memory batch = postDrafts(blocks, drafts);
        askAs(PROVER, batch, 2, batch.data);
        (bool succeeded,) = answer(ANSWERER, batch, 2, evidence[2]);
        assertTrue(!succeeded, "no answer");
        passTime(REVEAL_DELAY);
        asking.expire(batch.made.accused.header, batch.made.accused.posting, noBatch());
        assertTrue(rollup.hasFallen(chain, 0, 0), "fell");
    }

    function test_wrongEvidenceIsShownAndConvicts() public {
        (MadeBlock[] memory blocks, Draft[] memory drafts, Evidence[] memory evidence) = firstWorked(3);
        evidence[2].signatures = new bytes(384);
        drafts[2].evidence = evidenceHashOf(evidence[2]);
        DataBatch memory batch = postDrafts(blocks, drafts);
        askAs(PROVER, batch, 2, batch.data);
        (bool succeeded,) = answer(ANSWERER, batch, 2, evidence[2]);
        assertTrue(succeeded, "shown");
        requireVerdict(workVerifier, batch, signatureProofOf(batch, 2, 0, evidence[2]), true);
    }
}
