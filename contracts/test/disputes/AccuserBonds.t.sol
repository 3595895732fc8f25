// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccuserBonds} from "../../src/disputes/AccuserBonds.sol";
import {Commitments} from "../../src/disputes/Commitments.sol";
import {DisputesTest, MadeBatch} from "./DisputesTest.sol";

/// @notice Bonds, commitments, strikes, thieves.
/// forge-config: default.fuzz.runs = 32
contract AccuserBondsTest is DisputesTest {
    bytes private made_;

    function setUp() public {
        deployDisputes();
        made_ = abi.encode(postFirst(3, 4));
    }

    function posted() private view returns (MadeBatch memory) {
        return abi.decode(made_, (MadeBatch));
    }

    function commitmentOf(address prover, bytes memory input) private pure returns (bytes32) {
        return keccak256(abi.encode(prover, keccak256(input)));
    }

    function test_bondsComeAndGo(uint256 amount) public {
        amount = between(amount, 0, 3 * ACCUSER_BOND);
        uint256 before = token.balanceOf(PROVER);
        vm.prank(PROVER);
        accusing.withdraw(amount);
        assertEq(token.balanceOf(PROVER) - before, amount, "paid out");
        assertEq(accusing.bondOf(PROVER), 3 * ACCUSER_BOND - amount, "left");
        uint256 left = 3 * ACCUSER_BOND - amount;
        vm.expectRevert(abi.encodeWithSelector(AccuserBonds.BondTooSmall.selector, PROVER, left, left + 1));
        vm.prank(PROVER);
        accusing.withdraw(left + 1);
    }

    function test_withoutABondNobodyProves(uint256 left) public {
        left = between(left, 0, ACCUSER_BOND - 1);
        bytes memory input = fraudCall(posted(), 1, 1);
        commitTo(PROVER, input);
        vm.prank(PROVER);
        accusing.withdraw(3 * ACCUSER_BOND - left);
        refuse(PROVER, input, abi.encodeWithSelector(AccuserBonds.BondTooSmall.selector, PROVER, left, ACCUSER_BOND));
    }

    function test_threeWrongProofsAreThreeStrikes() public {
        MadeBatch memory made = posted();
        for (uint256 i = 1; i <= 3; i++) {
            prove(PROVER, honestCall(made, 1, i));
            requireRefuted(made, i);
        }
        bytes memory input = honestCall(made, 2, 1);
        refuseProof(input, abi.encodeWithSelector(AccuserBonds.BondTooSmall.selector, PROVER, 0, ACCUSER_BOND));
    }

    function test_aCommitmentIsTheNodesOwn(address prover, bytes memory input) public view {
        assertEq(accusing.commitmentOf(prover, input), commitmentOf(prover, input), "commitment");
    }

    function test_withoutACommitmentNobodyProves() public {
        bytes memory input = fraudCall(posted(), 1, 1);
        bytes32 commitment = commitmentOf(PROVER, input);
        refuse(PROVER, input, abi.encodeWithSelector(Commitments.NotCommitted.selector, commitment));
    }

    function test_aCommitmentIsOfAnEarlierBlock() public {
        bytes memory input = fraudCall(posted(), 1, 1);
        vm.prank(PROVER);
        accusing.commit(commitmentOf(PROVER, input));
        refuse(PROVER, input, abi.encodeWithSelector(Commitments.CommittedTooLate.selector, block.number));
    }

    function test_aCommitmentRunsOut(uint256 age) public {
        MadeBatch memory made = posted();
        bytes memory input = fraudCall(made, 1, 1);
        vm.prank(PROVER);
        accusing.commit(commitmentOf(PROVER, input));
        uint256 made_at = block.number;
        age = between(age, 1, 1200);
        vm.roll(made_at + age);
        if (age > 1024) {
            refuse(PROVER, input, abi.encodeWithSelector(Commitments.CommitmentExpired.selector, made_at));
            // and may be made anew
            prove(PROVER, input);
        } else {
            make(PROVER, input);
        }
        requireConvicted(made);
    }

    function test_aThiefWhoCopiesAProofGetsNothing() public {
        MadeBatch memory made = posted();
        bytes memory input = fraudCall(made, 1, 1);
        commitTo(PROVER, input);
        // it saw the commitment, and the proof in the queue: neither the prover's commitment nor one of this block helps
        bytes32 own = commitmentOf(THIEF, input);
        refuse(THIEF, input, abi.encodeWithSelector(Commitments.NotCommitted.selector, own));
        vm.prank(THIEF);
        accusing.commit(own);
        refuse(THIEF, input, abi.encodeWithSelector(Commitments.CommittedTooLate.selector, block.number));
        make(PROVER, input);
        requireConvicted(made);
    }

    function test_aSpeculativeCommitmentIsOfNoUse(bytes32 guess) public {
        MadeBatch memory made = posted();
        bytes memory input = fraudCall(made, 1, 1);
        vm.prank(THIEF);
        accusing.commit(guess);
        vm.prank(THIEF);
        accusing.commit(commitmentOf(PROVER, input));
        commitTo(PROVER, input);
        refuse(THIEF, input, abi.encodeWithSelector(Commitments.NotCommitted.selector, commitmentOf(THIEF, input)));
        make(PROVER, input);
        requireConvicted(made);
    }

    function test_nobodyMakesAnothersCommitmentYounger() public {
        MadeBatch memory made = posted();
        bytes memory input = fraudCall(made, 1, 1);
        commitTo(PROVER, input);
        vm.prank(THIEF);
        accusing.commit(commitmentOf(PROVER, input));
        make(PROVER, input);
        requireConvicted(made);
    }

    function test_aCommitmentIsForOneCall(uint256 place) public {
        bytes memory input = fraudCall(posted(), 1, 1);
        commitTo(PROVER, input);
        place = place % input.length;
        input[place] = bytes1(uint8(input[place]) ^ 1);
        vm.prank(PROVER);
        (bool succeeded,) = address(accusing).call(input);
        assertTrue(!succeeded, "another call");
        assertEq(accusing.bondOf(PROVER), 3 * ACCUSER_BOND, "bond stays");
    }

    function test_aCommitmentIsUsedOnce() public {
        MadeBatch memory made = posted();
        bytes memory input = honestCall(made, 1, 1);
        prove(PROVER, input);
        assertEq(accusing.committedAt(commitmentOf(PROVER, input)), 0, "deleted");
        bytes32 commitment = commitmentOf(PROVER, input);
        refuse(PROVER, input, abi.encodeWithSelector(Commitments.NotCommitted.selector, commitment));
        requireRefuted(made, 1);
    }

    function test_aRefusedProofLeavesItsCommitment() public {
        MadeBatch memory made = posted();
        bytes memory input = fraudCall(made, 1, 1);
        commitTo(PROVER, input);
        vm.prank(PROVER);
        (bool succeeded,) = address(accusing).call{gas: 100_000}(input);
        assertTrue(!succeeded, "too little gas");
        make(PROVER, input);
        requireConvicted(made);
    }
}
