// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Fraud} from "../../src/disputes/Accusations.sol";
import {PartVerifier} from "../../src/disputes/PartVerifier.sol";
import {ProofKinds} from "../../src/disputes/ProofKinds.sol";
import {ProvenBlocks} from "../../src/disputes/ProvenBlocks.sol";
import {Verdicts} from "../../src/disputes/Verdicts.sol";
import {VerifiedProofs} from "../../src/disputes/VerifiedProofs.sol";
import {IPartProofs} from "../../src/interfaces/IPartProofs.sol";
import {MadeBatch} from "./DisputesTest.sol";
import {Manner} from "./Misbehaviour.sol";
import {PartsTest} from "./PartsTest.sol";
import {TestParts} from "./TestParts.sol";

/// @notice F1 part by part: what of the commitments that were shown convicts, and whom.
/// forge-config: default.fuzz.runs = 24
contract PartVerifierTest is PartsTest {
    uint256 private constant INDEX = 1;
    uint256 private constant PARTS = 6;

    event FraudProven(
        address indexed prover, uint256 indexed chainId, bytes32 indexed batchHash, Fraud fraud, uint256 place
    );

    function setUp() public {
        deployParts();
    }

    /// @dev The batch, with the commitments of its transaction shown.
    function shown() private returns (MadeBatch memory made) {
        made = batch();
        ask(PROVER, made, INDEX);
        answer(answerOf(made, INDEX, PARTS, shownOf(made, INDEX, PARTS)));
    }

    function partAt(MadeBatch memory made, uint256 place) private pure returns (IPartProofs.PartProof memory proof) {
        bytes32[] memory commitments = shownOf(made, INDEX, PARTS);
        proof.item = itemAt(INDEX);
        proof.place = place;
        proof.commitments = [commitments[place], commitments[place + 1]];
        proof.siblings = pairPathOf(commitments, place + 1);
        proof.replay = abi.encode(TestParts.Proof(Manner.Answer, commitments[place], commitments[place + 1]));
    }

    function replayTo(IPartProofs.PartProof memory proof, bytes32 afterwards) private pure {
        TestParts.Proof memory own = abi.decode(proof.replay, (TestParts.Proof));
        own.afterwards = afterwards;
        proof.replay = abi.encode(own);
    }

    function callOf(MadeBatch memory made, bytes memory proof) private pure returns (bytes memory) {
        return abi.encodeCall(VerifiedProofs.proveBy, (made.accused, Fraud.Slice, proof));
    }

    function encoded(IPartProofs.PartProof memory proof, bool isStep) private pure returns (bytes memory) {
        return isStep ? abi.encodeCall(IPartProofs.step, (proof)) : abi.encodeCall(IPartProofs.slice, (proof));
    }

    function noVerdict(bytes memory inner) private pure returns (bytes memory) {
        return abi.encodeWithSelector(Verdicts.NoVerdict.selector, inner);
    }

    function test_aPartThatLeadsElsewhereConvicts(uint256 place, bool isStep, bytes32 elsewhere) public {
        place = place % PARTS;
        MadeBatch memory made = shown();
        IPartProofs.PartProof memory proof = partAt(made, place);
        vm.assume(elsewhere != proof.commitments[1]);
        // 0: the transaction may not stand in its block
        replayTo(proof, elsewhere);
        bytes memory input = callOf(made, encoded(proof, isStep));
        commitTo(PROVER, input);
        uint256 block_ = made.accused.header.firstBlock + POSITION;
        vm.expectEmit(true, true, true, true, address(accusing));
        emit FraudProven(PROVER, chain, made.batchHash, Fraud.Slice, block_ << 16 | INDEX);
        make(PROVER, input);
        requireConvicted(made);
    }

    function test_aPartThatLeadsToTheNextCommitmentCostsTheBond(uint256 place, bool isStep) public {
        MadeBatch memory made = shown();
        prove(PROVER, callOf(made, encoded(partAt(made, place % PARTS), isStep)));
        requireStanding(made);
    }

    /// @dev The poster got the price of the ask, too.
    function requireStanding(MadeBatch memory made) private view {
        assertEq(accusing.strikesOf(PROVER), 1, "strikes");
        assertEq(token.balanceOf(made.accused.header.poster), ACCUSER_BOND + BASE_PRICE, "to the poster");
        assertTrue(!rollup.hasFallen(chain, 0, 1), "stands");
    }

    /// @dev Whatever is replayed: it has to start from what was shown.
    function test_aReplayOfSomethingElseIsNoVerdict(bytes32 start) public {
        MadeBatch memory made = shown();
        IPartProofs.PartProof memory proof = partAt(made, 2);
        vm.assume(start != proof.commitments[0]);
        proof.replay = abi.encode(TestParts.Proof(Manner.Answer, start, keccak256("elsewhere")));
        bytes memory inner = abi.encodeWithSelector(PartVerifier.WrongStart.selector, proof.commitments[0], start);
        refuseProof(callOf(made, encoded(proof, false)), noVerdict(inner));
    }

    function test_onlyNeighboursAreCompared(uint8 what) public {
        MadeBatch memory made = shown();
        IPartProofs.PartProof memory proof = partAt(made, 2);
        bytes32[] memory commitments = shownOf(made, INDEX, PARTS);
        replayTo(proof, keccak256("elsewhere"));
        what = what % 4;
        if (what == 0) proof.commitments[1] = commitments[4];
        if (what == 1) proof.place = 3;
        if (what == 2) proof.place = PARTS;
        if (what == 3) proof.commitments[0] = keccak256("elsewhere");
        bytes memory inner = abi.encodeWithSelector(ProvenBlocks.WrongPath.selector, proof.place + 1, PARTS + 1);
        refuseProof(callOf(made, encoded(proof, false)), noVerdict(inner));
    }

    function test_onlyWhatWasShownOfTheBatchConvictsIt(uint8 what) public {
        MadeBatch memory made = shown();
        IPartProofs.PartProof memory proof = partAt(made, 2);
        replayTo(proof, keccak256("elsewhere"));
        what = what % 3;
        if (what == 0) proof.item = itemAt(INDEX + 1);
        if (what == 1) proof.item = stretchAt(INDEX, 0);
        if (what == 2) proof.item |= 1 << 200;
        bytes memory inner = abi.encodeWithSelector(PartVerifier.NotShown.selector, proof.item);
        refuseProof(callOf(made, encoded(proof, false)), noVerdict(inner));
    }

    function test_aReplayWithoutAnAnswerIsNoVerdict(uint8 which, bool isStep) public {
        MadeBatch memory made = shown();
        IPartProofs.PartProof memory proof = partAt(made, 2);
        // a bomb, and what is neither, are answers here: of another start
        Manner manner = [Manner.Refuse, Manner.BurnAllGas, Manner.RevertWithABomb, Manner.AnswerShortly][which % 4];
        proof.replay = abi.encode(TestParts.Proof(manner, proof.commitments[0], keccak256("elsewhere")));
        bytes memory input = callOf(made, encoded(proof, isStep));
        commitTo(PROVER, input);
        vm.prank(PROVER);
        (bool succeeded, bytes memory reason) = address(accusing).call{gas: 16_000_000}(input);
        assertTrue(!succeeded && reason.length < 800, "no verdict, no bomb");
        assertEq(accusing.bondOf(PROVER), 3 * ACCUSER_BOND, "bond stays");
        assertTrue(sequencerPool.isActive(made.accused.header.poster), "poster stays");
    }

    /// @dev Slices are not put to what replays steps, nor another function of either.
    function test_eachKindIsReplayedByItsOwn() public {
        MadeBatch memory made = shown();
        IPartProofs.PartProof memory proof = partAt(made, 2);
        bytes memory input = bytes.concat(bytes4(0x12345678), abi.encode(proof));
        bytes memory inner = abi.encodeWithSelector(ProofKinds.UnknownKind.selector, bytes4(0x12345678));
        refuseProof(callOf(made, input), noVerdict(inner));
        inner = abi.encodeWithSelector(ProofKinds.MalformedProof.selector, 2);
        refuseProof(callOf(made, hex"1234"), noVerdict(inner));
    }

    // What comes behind the end

    function endAt(MadeBatch memory made, uint256 place, bytes32[] memory commitments)
        private
        pure
        returns (bytes memory)
    {
        IPartProofs.LeafProof memory proof;
        proof.item = itemAt(INDEX);
        proof.place = place;
        proof.checkpoint = made.blocks[POSITION].checkpoints[INDEX];
        proof.siblings = pathOf(commitments, place);
        return callOf(made, abi.encodeCall(IPartProofs.end, (proof)));
    }

    function test_partsBehindACheckpointConvict(uint256 place) public {
        place = between(place, 1, PARTS - 1);
        MadeBatch memory made = batch();
        bytes32[] memory commitments = shownOf(made, INDEX, PARTS);
        commitments[place] = commitments[PARTS];
        ask(PROVER, made, INDEX);
        answer(answerOf(made, INDEX, PARTS, commitments));
        prove(PROVER, endAt(made, place, commitments));
        requireConvicted(made);
    }

    function test_theLastCommitmentConvictsNobody() public {
        MadeBatch memory made = shown();
        bytes memory input = endAt(made, PARTS, shownOf(made, INDEX, PARTS));
        refuseProof(input, noVerdict(abi.encodeWithSelector(PartVerifier.LastCommitment.selector, PARTS)));
    }

    function test_whatIsNoCheckpointIsNoEnd(uint256 place) public {
        place = place % PARTS;
        MadeBatch memory made = shown();
        bytes memory inner = abi.encodeWithSelector(ProvenBlocks.WrongPath.selector, place, PARTS + 1);
        refuseProof(endAt(made, place, shownOf(made, INDEX, PARTS)), noVerdict(inner));
    }

    // Stretches

    function test_partsOfAStretchConvict(uint256 stretch, uint256 place) public {
        uint256 parts = MOST + 2;
        stretch = between(stretch, 0, 1_874);
        place = place % 2;
        MadeBatch memory made = batch();
        ask(PROVER, made, INDEX);
        bytes32[] memory outer = shownOf(made, INDEX, parts);
        answer(answerOf(made, INDEX, parts, outer));
        IPartProofs.PartProof memory proof;
        // between those that were shown first there is more than a part
        proof.item = itemAt(INDEX);
        proof.place = stretch;
        proof.commitments = [outer[stretch], outer[stretch + 1]];
        proof.siblings = pairPathOf(outer, stretch + 1);
        proof.replay = abi.encode(TestParts.Proof(Manner.Answer, outer[stretch], keccak256("elsewhere")));
        bytes memory inner = abi.encodeWithSelector(PartVerifier.NotShown.selector, proof.item);
        refuseProof(callOf(made, encoded(proof, false)), noVerdict(inner));

        vm.prank(PROVER);
        asking.askStretch(made.accused.header, made.accused.posting, POSITION, INDEX, stretch, type(uint256).max);
        answer(stretchOf(made, INDEX, parts, stretch));
        // of an odd number of parts the last stretch has one
        uint256 end = 2 * stretch + 2 > parts ? parts : 2 * stretch + 2;
        bytes32[] memory commitments = commitmentsOf(made, INDEX, parts, [2 * stretch, end, 1]);
        place = place % (commitments.length - 1);
        proof.item = stretchAt(INDEX, stretch);
        proof.place = place;
        proof.commitments = [commitments[place], commitments[place + 1]];
        proof.siblings = pairPathOf(commitments, place + 1);
        proof.replay = abi.encode(TestParts.Proof(Manner.Answer, commitments[place], keccak256("elsewhere")));
        prove(PROVER, callOf(made, encoded(proof, true)));
        requireConvicted(made);
    }
}
