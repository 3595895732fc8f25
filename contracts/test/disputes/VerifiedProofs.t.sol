// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Fraud} from "../../src/disputes/Accusations.sol";
import {Verdicts} from "../../src/disputes/Verdicts.sol";
import {VerifiedProofs} from "../../src/disputes/VerifiedProofs.sol";
import {RollupChain} from "../../src/RollupChain.sol";
import {DisputesTest, MadeBatch} from "./DisputesTest.sol";
import {Manner} from "./Misbehaviour.sol";
import {TestVerifier} from "./TestVerifier.sol";

/// @notice Proofs that a contract of its own judges: its word is a verdict, and nothing else that it does.
contract VerifiedProofsTest is DisputesTest {
    event FraudProven(
        address indexed prover, uint256 indexed chainId, bytes32 indexed batchHash, Fraud fraud, uint256 place
    );
    event FraudRefuted(
        address indexed accuser, uint256 indexed chainId, bytes32 indexed batchHash, Fraud fraud, uint256 place
    );

    function setUp() public {
        deployDisputes();
    }

    function callOf(MadeBatch memory made, TestVerifier.Proof memory proof) private pure returns (bytes memory) {
        return abi.encodeCall(VerifiedProofs.proveBy, (made.accused, Fraud.Derivation, abi.encode(proof)));
    }

    function judged(MadeBatch memory made, bool isFraud, uint256 place) private pure returns (bytes memory) {
        return callOf(made, TestVerifier.Proof(Manner.Answer, made.batchHash, isFraud, place));
    }

    function test_whatIsJudgedAFraudConvicts(uint256 place) public {
        MadeBatch memory made = postFirst(2, 2);
        bytes memory input = judged(made, true, place);
        commitTo(PROVER, input);
        vm.expectEmit(true, true, true, true, address(accusing));
        emit FraudProven(PROVER, chain, made.batchHash, Fraud.Derivation, place);
        make(PROVER, input);
        requireConvicted(made);
    }

    function test_whatIsJudgedNoneCostsTheBond(uint256 place) public {
        MadeBatch memory made = postFirst(2, 2);
        bytes memory input = judged(made, false, place);
        commitTo(PROVER, input);
        vm.expectEmit(true, true, true, true, address(accusing));
        emit FraudRefuted(PROVER, chain, made.batchHash, Fraud.Derivation, place);
        make(PROVER, input);
        requireRefuted(made, 1);
    }

    function test_theVerifierIsAskedAboutTheAccusedBatch() public {
        MadeBatch memory made = postFirst(2, 2);
        TestVerifier.Proof memory proof = TestVerifier.Proof(Manner.Answer, keccak256("another"), true, 0);
        bytes memory inner = abi.encodeWithSelector(TestVerifier.AskedForAnotherBatch.selector, made.batchHash);
        refuseProof(callOf(made, proof), abi.encodeWithSelector(Verdicts.NoVerdict.selector, inner));
    }

    function test_aBatchThatWasNeverPostedIsNotConvicted(bool isFraud) public {
        MadeBatch memory made = postFirst(2, 2);
        made.accused.header.blocksRoot = keccak256("another");
        made.batchHash = keccak256(abi.encode(made.accused.header));
        bytes memory reason = abi.encodeWithSelector(RollupChain.UnknownBatch.selector, made.batchHash);
        refuseProof(judged(made, isFraud, 0), reason);
    }

    function test_onlyKindsWithAVerifierArePutToOne(uint8 kind) public {
        Fraud fraud = Fraud(kind % (uint8(type(Fraud).max) + 1));
        vm.assume(fraud != Fraud.Derivation);
        MadeBatch memory made = postFirst(2, 2);
        TestVerifier.Proof memory proof = TestVerifier.Proof(Manner.Answer, made.batchHash, true, 0);
        bytes memory input = abi.encodeCall(VerifiedProofs.proveBy, (made.accused, fraud, abi.encode(proof)));
        refuseProof(input, abi.encodeWithSelector(VerifiedProofs.NoVerifier.selector, fraud));
    }

    function test_aVerifierWithoutAVerdictMakesNone(uint8 which, uint256 gas) public {
        Manner manner = Manner(1 + which % 6);
        MadeBatch memory made = postFirst(2, 2);
        bytes memory input = callOf(made, TestVerifier.Proof(manner, made.batchHash, true, 0));
        commitTo(PROVER, input);
        // what the answer is read with is enough for the answer that is no bomb
        gas = manner == Manner.AnswerWithABomb ? 16_000_000 : between(gas, 30_000, 16_000_000);
        vm.prank(PROVER);
        (bool succeeded, bytes memory reason) = address(accusing).call{gas: gas}(input);
        if (manner == Manner.AnswerWithABomb) {
            assertTrue(succeeded, "answered");
            return requireConvicted(made);
        }
        assertTrue(!succeeded, "refused");
        assertTrue(reason.length < 400, "no bomb");
        assertEq(accusing.bondOf(PROVER), 3 * ACCUSER_BOND, "bond stays");
        assertTrue(sequencerPool.isActive(made.accused.header.poster), "poster stays");
    }
}
