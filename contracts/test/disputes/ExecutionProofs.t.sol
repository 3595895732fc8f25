// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Accusations} from "../../src/disputes/Accusations.sol";
import {AccuserBonds} from "../../src/disputes/AccuserBonds.sol";
import {Commitments} from "../../src/disputes/Commitments.sol";
import {ExecutionProofs} from "../../src/disputes/ExecutionProofs.sol";
import {Verdicts} from "../../src/disputes/Verdicts.sol";
import {ProvenBlocks} from "../../src/disputes/ProvenBlocks.sol";
import {ProvenTransactions} from "../../src/disputes/ProvenTransactions.sol";
import {HeaderCodec, HeaderField} from "../../src/execution/codec/HeaderCodec.sol";
import {BatchHeader} from "../../src/interfaces/IRollupChain.sol";
import {RollupChain} from "../../src/RollupChain.sol";
import {DisputesTest, MadeBatch} from "./DisputesTest.sol";
import {MadeBlock} from "./BlockBuilder.sol";
import {Manner, Misbehaviour} from "./Misbehaviour.sol";
import {TestReplay} from "./TestReplay.sol";

/// @notice F1, with a replay that says what the evidence says.
/// forge-config: default.fuzz.runs = 32
contract ExecutionProofsTest is DisputesTest {
    bytes private second_;

    uint256 private constant BLOCKS = 5;
    uint256 private constant TRANSACTIONS = 7;

    function setUp() public {
        deployDisputes();
        MadeBatch memory made = postFirst(BLOCKS, TRANSACTIONS);
        second_ = abi.encode(postFollowing(made, BLOCKS, TRANSACTIONS));
    }

    /// @dev A batch after another one.
    function second() private view returns (MadeBatch memory) {
        return abi.decode(second_, (MadeBatch));
    }

    function path(uint256 index, uint256 count) private pure returns (bytes memory) {
        return abi.encodeWithSelector(ProvenBlocks.WrongPath.selector, index, count);
    }

    function proofAt(uint256 position, uint256 index)
        private
        view
        returns (MadeBatch memory made, ExecutionProofs.ExecutionProof memory proof)
    {
        made = second();
        position = position % BLOCKS;
        index = index % TRANSACTIONS;
        bytes memory parent = position == 0 ? bytes("") : made.blocks[position - 1].header;
        if (position == 0 && index == 0) index = 1;
        bytes32 state = position == 0 ? bytes32(0) : made.blocks[position - 1].values.stateRoot;
        proof = executionOf(made, position, index, parent, state);
    }

    // Verdicts

    function test_anotherCheckpointConvicts(uint256 position, uint256 index) public {
        (MadeBatch memory made, ExecutionProofs.ExecutionProof memory proof) = proofAt(position, index);
        another(proof);
        uint256 before = token.balanceOf(PROVER);
        prove(PROVER, executionCall(made, proof));
        requireConvicted(made);
        assertTrue(token.balanceOf(PROVER) > before, "rewarded");
        assertEq(accusing.bondOf(PROVER), 3 * ACCUSER_BOND, "bond stays");
    }

    function test_anInvalidTransactionConvicts(uint256 position, uint256 index) public {
        (MadeBatch memory made, ExecutionProofs.ExecutionProof memory proof) = proofAt(position, index);
        TestReplay.Evidence memory evidence = abi.decode(proof.evidence, (TestReplay.Evidence));
        evidence.isValid = false;
        proof.evidence = abi.encode(evidence);
        prove(PROVER, executionCall(made, proof));
        requireConvicted(made);
    }

    function test_theCommittedCheckpointCostsTheAccuserItsBond(uint256 position, uint256 index) public {
        (MadeBatch memory made, ExecutionProofs.ExecutionProof memory proof) = proofAt(position, index);
        prove(PROVER, executionCall(made, proof));
        requireRefuted(made, 1);
    }

    function test_aClaimThatIsShownIsJudgedAsItsHash(uint256 position, uint256 index, bool fraud) public {
        (MadeBatch memory made, ExecutionProofs.ExecutionProof memory proof) = proofAt(position, index);
        if (fraud) another(proof);
        showClaim(made, proof);
        prove(PROVER, executionCall(made, proof));
        if (fraud) requireConvicted(made);
        else requireRefuted(made, 1);
    }

    function test_aClaimIsAHashOrACheckpoint(uint256 length) public {
        (MadeBatch memory made, ExecutionProofs.ExecutionProof memory proof) = proofAt(1, 2);
        length = between(length, 0, 300);
        vm.assume(length != 32 && length != 224);
        proof.claimed = new bytes(length);
        refuseProof(executionCall(made, proof), abi.encodeWithSelector(ExecutionProofs.MalformedClaim.selector, length));
        proof.claimed = new bytes(224);
        refuseProof(executionCall(made, proof), path(2, TRANSACTIONS));
    }

    /// @dev A committed checkpoint that says it is another transaction's is wrong, whatever replay there could be.
    function test_aCheckpointOfAnotherIndexConvicts() public {
        MadeBatch memory before = second();
        MadeBlock[] memory blocks = followingBlocks(before, BLOCKS, TRANSACTIONS);
        blocks[1].checkpoints[3].index = 4;
        blocks[1].values.checkpointsRoot = rootOf(leavesOf(blocks[1]));
        seal(blocks, 1);
        MadeBatch memory made = postBlocks(chain, blocks, listOf(before.accused.header));
        ExecutionProofs.ExecutionProof memory proof = executionOf(made, 1, 3, "", 0);
        showClaim(made, proof);
        misbehave(proof, Manner.Refuse);
        prove(PROVER, executionCall(made, proof));
        requireConvicted(made);
    }

    function test_theFirstTransactionOfAChainIsReplayedOnBlock0(bool fraud) public {
        uint256 other = createDac("beta");
        MadeBlock[] memory blocks = firstBlocks(other, 1, 1);
        MadeBatch memory made = postBlocks(other, blocks, new BatchHeader[](0));
        // block 0's header is in no batch, but has the hash that block 1 names
        bytes memory genesis = genesisHeader(other);
        assertEq(keccak256(genesis), blocks[0].values.parentHash, "block 0");
        ExecutionProofs.ExecutionProof memory proof = executionOf(made, 0, 0, genesis, GENESIS_STATE);
        if (fraud) another(proof);
        prove(PROVER, executionCall(made, proof));
        if (fraud) requireConvicted(made);
        else requireRefuted(made, 1);
    }

    function genesisHeader(uint256 chainId) private view returns (bytes memory) {
        return genesisBlockOf(chainId, GENESIS_STATE);
    }

    // No verdicts

    function test_aProofOfAnotherPlaceIsNone(uint256 position, uint256 index, uint256 where) public {
        (MadeBatch memory made, ExecutionProofs.ExecutionProof memory proof) = proofAt(position, index);
        another(proof);
        where = where % 6;
        if (where == 0) proof.place.position = (proof.place.position + 1) % BLOCKS;
        if (where == 1) proof.place.index = proof.place.index == 1 ? 2 : 1;
        if (where == 2) proof.place.count = TRANSACTIONS + 1;
        if (where == 3) proof.claimed = abi.encode(keccak256("leaf"));
        if (where == 4) proof.transaction = "another";
        if (where == 5) proof.place.siblings[proof.place.siblings.length - 1] = keccak256("sibling");
        bytes memory input = executionCall(made, proof);
        commitTo(PROVER, input);
        vm.prank(PROVER);
        (bool succeeded,) = address(accusing).call(input);
        assertTrue(!succeeded, "refused");
        assertEq(accusing.bondOf(PROVER), 3 * ACCUSER_BOND, "bond stays");
        assertTrue(sequencerPool.isActive(made.accused.header.poster), "poster stays");
    }

    function test_everySiblingIsUsed(uint256 position, uint256 index) public {
        (MadeBatch memory made, ExecutionProofs.ExecutionProof memory proof) = proofAt(position, index);
        another(proof);
        uint256 length = proof.place.siblings.length;
        bytes32[] memory more = new bytes32[](1);
        bytes32[] memory siblings = proof.place.siblings;
        proof.place.siblings = join(siblings, more);
        bytes memory reason = abi.encodeWithSelector(ProvenBlocks.UnusedSiblings.selector, length, length + 1);
        refuseProof(executionCall(made, proof), reason);
        assembly ("memory-safe") {
            mstore(siblings, sub(length, 1))
        }
        proof.place.siblings = siblings;
        refuseProof(executionCall(made, proof), path(proof.place.index, TRANSACTIONS));
    }

    function test_theCheckpointBeforeIsTheCommittedOne(uint256 field) public {
        (MadeBatch memory made, ExecutionProofs.ExecutionProof memory proof) = proofAt(1, 3);
        another(proof);
        bytes memory before = proof.place.before;
        field = field % 7;
        assembly ("memory-safe") {
            let place := add(before, add(32, mul(field, 32)))
            mstore(place, xor(mload(place), 1))
        }
        bytes memory reason =
            field == 0 ? abi.encodeWithSelector(ProvenTransactions.WrongCheckpoint.selector, 3) : path(3, TRANSACTIONS);
        refuseProof(executionCall(made, proof), reason);
    }

    function test_theParentIsTheOneThatTheHeaderNames() public {
        (MadeBatch memory made, ExecutionProofs.ExecutionProof memory proof) = proofAt(2, 0);
        another(proof);
        proof.place.before = made.blocks[0].header;
        bytes32 parent = made.blocks[2].values.parentHash;
        refuseProof(executionCall(made, proof), abi.encodeWithSelector(ProvenTransactions.WrongParent.selector, parent));
    }

    function test_whatIsNoHeaderIsNotReplayed() public {
        (MadeBatch memory made, ExecutionProofs.ExecutionProof memory proof) = proofAt(2, 1);
        proof.place.header = "no header";
        bytes memory reason = abi.encodeWithSelector(HeaderCodec.MalformedHeader.selector, HeaderField.Layout);
        refuseProof(executionCall(made, proof), reason);
    }

    function test_evidenceOfAnotherChainIsNone() public {
        uint256 other = createDac("beta");
        MadeBatch memory made = postBlocks(other, firstBlocks(other, BLOCKS, TRANSACTIONS), new BatchHeader[](0));
        MadeBatch memory own = second();
        ExecutionProofs.ExecutionProof memory proof = executionOf(made, 1, 2, "", 0);
        another(proof);
        bytes memory input = abi.encodeCall(ExecutionProofs.proveExecution, (own.accused, proof));
        refuseProof(input, path(1, BLOCKS));
        // a header that was never posted for the other chain either
        made.accused.header.chainId = chain;
        bytes memory reason =
            abi.encodeWithSelector(RollupChain.UnknownBatch.selector, keccak256(abi.encode(made.accused.header)));
        proof.evidence = executionOf(made, 1, 2, "", 0).evidence;
        another(proof);
        refuseProof(executionCall(made, proof), reason);
    }

    // The replay's misbehaviour

    function test_aReplayWithoutAVerdictIsNone(uint8 which, bool shown) public {
        Manner manner = Manner(1 + which % 6);
        (MadeBatch memory made, ExecutionProofs.ExecutionProof memory proof) = proofAt(1, 1);
        misbehave(proof, manner);
        // a short answer is long enough for a word
        if (shown && manner != Manner.AnswerShortly) showClaim(made, proof);
        bytes memory input = executionCall(made, proof);
        commitTo(PROVER, input);
        vm.prank(PROVER);
        (bool succeeded, bytes memory reason) = address(accusing).call{gas: 16_000_000}(input);
        if (manner == Manner.AnswerWithABomb) {
            // an answer is an answer, however much follows it
            assertTrue(succeeded, "answered");
            requireConvicted(made);
            return;
        }
        assertTrue(!succeeded, "refused");
        assertTrue(reason.length < 400, "no bomb");
        if (reason.length != 0) assertEq(bytes32(bytes4(reason)), Verdicts.NoVerdict.selector, "no verdict");
        assertEq(accusing.bondOf(PROVER), 3 * ACCUSER_BOND, "bond stays");
        assertTrue(sequencerPool.isActive(made.accused.header.poster), "poster stays");
    }

    function test_theReasonOfARefusalIsPassedOn() public {
        (MadeBatch memory made, ExecutionProofs.ExecutionProof memory proof) = proofAt(1, 1);
        misbehave(proof, Manner.Refuse);
        bytes memory inner = abi.encodeWithSelector(Misbehaviour.Refused.selector);
        refuseProof(executionCall(made, proof), abi.encodeWithSelector(Verdicts.NoVerdict.selector, inner));
    }

    /// @dev 63/64: whatever gas the caller chooses, the outcome is the replay's or none. A replay may need nearly all of a
    /// transaction's gas, so that a 64th of it is enough for all that follows.
    function test_noAmountOfGasMakesAnotherVerdict(uint256 gas, bool fraud, uint256 steps, bool shown) public {
        (MadeBatch memory made, ExecutionProofs.ExecutionProof memory proof) = proofAt(1, 1);
        TestReplay.Evidence memory evidence = abi.decode(proof.evidence, (TestReplay.Evidence));
        evidence.steps = between(steps, 0, 150_000);
        proof.evidence = abi.encode(evidence);
        if (fraud) another(proof);
        if (shown) showClaim(made, proof);
        bytes memory input = executionCall(made, proof);
        commitTo(PROVER, input);
        gas = between(gas, 30_000, 16_777_216);
        vm.prank(PROVER);
        (bool succeeded,) = address(accusing).call{gas: gas}(input);
        uint256 bond = accusing.bondOf(PROVER);
        bool isActive = sequencerPool.isActive(made.accused.header.poster);
        assertTrue(isActive != (succeeded && fraud), "poster");
        assertEq(bond, succeeded && !fraud ? 2 * ACCUSER_BOND : 3 * ACCUSER_BOND, "bond");
    }

    // Once, and in time

    function test_theSameProofTwiceIsOneConviction() public {
        MadeBatch memory made = second();
        bytes memory input = fraudCall(made, 1, 1);
        prove(PROVER, input);
        uint256 supply = token.totalSupply();
        refuse(PROVER, input, notCommitted(PROVER, input));
        bytes memory fell = abi.encodeWithSelector(RollupChain.BatchFell.selector, made.batchHash);
        refuseProof(input, fell);
        // nor does the batch's fall cost who proves another thing of it, or the same wrongly
        refuseProof(fraudCall(made, 2, 3), fell);
        refuseProof(honestCall(made, 2, 3), fell);
        assertEq(token.totalSupply(), supply, "nothing burnt");
        assertEq(accusing.bondOf(PROVER), 3 * ACCUSER_BOND, "bond stays");
    }

    function notCommitted(address prover, bytes memory input) private view returns (bytes memory) {
        bytes32 commitment = keccak256(abi.encode(prover, keccak256(input)));
        return abi.encodeWithSelector(Commitments.NotCommitted.selector, commitment);
    }

    function test_aBatchThatFellWithAnEarlierOneIsNotProven() public {
        MadeBatch memory made = second();
        MadeBatch memory third = postFollowing(made, 2, 3);
        prove(PROVER, fraudCall(made, 1, 1));
        bytes memory fell = abi.encodeWithSelector(RollupChain.BatchFell.selector, third.batchHash);
        refuseProof(fraudCall(third, 1, 1), fell);
    }

    function test_anOldGenerationsBatchThatStandsIsProvenAfterALaterOneFell() public {
        MadeBatch memory made = second();
        MadeBatch memory third = postFollowing(made, 2, 3);
        prove(PROVER, fraudCall(third, 1, 1));
        assertEq(generationOf(chain), 1, "generation");
        prove(PROVER, fraudCall(made, 1, 1));
        assertEq(generationOf(chain), 2, "again");
        assertTrue(rollup.hasFallen(chain, 0, 1), "fell");
    }

    function test_aHeaderOfAnOldGenerationIsNotTheNewBatchs() public {
        MadeBatch memory made = second();
        prove(PROVER, fraudCall(made, 1, 1));
        passEpochs(1);
        while (!sequencerPool.isActive(nextInput(chain).poster)) passEpochs(1);
        MadeBatch memory again = postBlocks(chain, made.blocks, made.accused.previous);
        assertEq(again.accused.header.generation, 1, "generation");
        // old header, new posting
        again.accused.header = made.accused.header;
        refuseProof(fraudCall(again, 1, 1), abi.encodeWithSelector(RollupChain.UnknownBatch.selector, made.batchHash));
    }

    function test_theLastSecondOfTheWindowCounts(uint256 late) public {
        MadeBatch memory made = second();
        bytes memory input = fraudCall(made, 1, 1);
        uint256 end = made.accused.posting.postedAt + MAX_WINDOW;
        passTime(end - 2 - block.timestamp);
        commitTo(PROVER, input);
        uint256 snapshot = vm.snapshotState();
        make(PROVER, input);
        requireConvicted(made);
        vm.revertToState(snapshot);
        passTime(1 + between(late, 0, 100));
        refuse(PROVER, input, abi.encodeWithSelector(RollupChain.TooLate.selector, end));
        assertEq(accusing.bondOf(PROVER), 3 * ACCUSER_BOND, "bond stays");
    }

    function test_aFinalBatchStandsAndItsPosterPays() public {
        MadeBatch memory made = second();
        committee.vouch(made.batchHash);
        passTime(MIN_WINDOW);
        made.accused.previous = new BatchHeader[](0);
        prove(PROVER, fraudCall(made, 1, 1));
        assertTrue(!sequencerPool.isActive(made.accused.header.poster), "ejected");
        assertTrue(!rollup.hasFallen(chain, 0, 1), "stands");
    }

    function test_theBatchBeforeIsShownWhereItIsNeeded() public {
        MadeBatch memory made = second();
        bytes32 previous = made.accused.header.previousBatchHash;
        made.accused.previous = new BatchHeader[](0);
        refuseProof(fraudCall(made, 1, 1), abi.encodeWithSelector(RollupChain.WrongPreviousBatch.selector, previous));
    }
}
