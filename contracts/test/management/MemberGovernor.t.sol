// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Charter} from "../../src/CharterRules.sol";
import {MVM_DACMaster} from "../../src/l2/MVM_DACMaster.sol";
import {Predeploys} from "../../src/l2/Predeploys.sol";
import {MemberGovernor} from "../../src/management/MemberGovernor.sol";
import {MemberVotes} from "../../src/management/MemberVotes.sol";
import {DacTest} from "../base/DacTest.sol";

contract MemberGovernorTest is DacTest {
    uint48 private constant VOTING_DELAY = 60;
    uint32 private constant VOTING_PERIOD = 3600;
    uint256 private constant TIMELOCK_DELAY = 7200;
    uint256 private constant QUORUM_PERCENT = 40;
    uint8 private constant FOR = 1;
    uint256 private constant START = 1_800_000_000;

    /// @dev Members 0xA0 to 0xA4: five of them, so that the quorum is two.
    uint160 private constant FIRST_MEMBER = 0xA0;

    MemberVotes private votes;
    TimelockController private timelock;
    MemberGovernor private governor;

    function setUp() public {
        deployPredeploys();
        vm.warp(START - 1);
        timelock = new TimelockController(TIMELOCK_DELAY, new address[](0), new address[](1), address(this));
        votes = new MemberVotes(accounts(FIRST_MEMBER, 5), address(timelock));
        governor = new MemberGovernor(votes, timelock, VOTING_DELAY, VOTING_PERIOD, QUORUM_PERCENT);
        timelock.grantRole(timelock.PROPOSER_ROLE(), address(governor));
        timelock.grantRole(timelock.CANCELLER_ROLE(), address(governor));
        timelock.renounceRole(timelock.DEFAULT_ADMIN_ROLE(), address(this));
        Charter memory charter = plainCharter();
        charter.managementContract = address(timelock);
        found(charter);
    }

    function member(uint160 index) private pure returns (address) {
        return address(FIRST_MEMBER + index);
    }

    function callOf(address target, bytes memory data)
        private
        pure
        returns (address[] memory targets, uint256[] memory values, bytes[] memory calldatas)
    {
        (targets, values, calldatas) = (new address[](1), new uint256[](1), new bytes[](1));
        (targets[0], calldatas[0]) = (target, data);
    }

    /// @dev Proposes at START and votes; each vote is one member's, from the first member on.
    function decide(address target, bytes memory data, uint8[] memory ballots) private returns (uint256 proposalId) {
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) = callOf(target, data);
        vm.warp(START);
        vm.prank(member(0));
        proposalId = governor.propose(targets, values, calldatas, "amend");
        vm.warp(START + VOTING_DELAY + 1);
        for (uint160 i = 0; i < ballots.length; i++) {
            vm.prank(member(i));
            governor.castVote(proposalId, ballots[i]);
        }
        vm.warp(START + VOTING_DELAY + VOTING_PERIOD + 1);
    }

    function carryOut(address target, bytes memory data) private {
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) = callOf(target, data);
        governor.queue(targets, values, calldatas, keccak256("amend"));
        vm.warp(START + VOTING_DELAY + VOTING_PERIOD + 1 + TIMELOCK_DELAY);
        governor.execute(targets, values, calldatas, keccak256("amend"));
    }

    /// @dev Ballots: those against first.
    function votesOf(uint256 against, uint256 inFavour) private pure returns (uint8[] memory list) {
        list = new uint8[](against + inFavour);
        for (uint256 i = against; i < list.length; i++) {
            list[i] = FOR;
        }
    }

    function setMission() private pure returns (bytes memory) {
        return abi.encodeCall(MVM_DACMaster.setMission, ("decided by members"));
    }

    function test_aMajorityOfAQuorumAmendsTheCharterAfterTheTimelock() public {
        decide(Predeploys.DAC_MASTER, setMission(), votesOf(1, 2));
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) =
            callOf(Predeploys.DAC_MASTER, setMission());
        governor.queue(targets, values, calldatas, keccak256("amend"));
        vm.warp(START + VOTING_DELAY + VOTING_PERIOD + TIMELOCK_DELAY);
        (bool early,) =
            address(governor).call(abi.encodeCall(governor.execute, (targets, values, calldatas, keccak256("amend"))));
        assertTrue(!early, "not before its time");
        vm.warp(START + VOTING_DELAY + VOTING_PERIOD + 1 + TIMELOCK_DELAY);
        governor.execute(targets, values, calldatas, keccak256("amend"));
        assertEq(bytes(dacMaster.mission()), bytes("decided by members"), "mission");
    }

    function test_withoutAQuorumNothingChanges() public {
        uint256 proposal = decide(Predeploys.DAC_MASTER, setMission(), votesOf(0, 1));
        assertEq(uint8(governor.state(proposal)), uint8(IGovernor.ProposalState.Defeated), "no quorum");
    }

    function test_aTieChangesNothing() public {
        uint256 proposal = decide(Predeploys.DAC_MASTER, setMission(), votesOf(2, 2));
        assertEq(uint8(governor.state(proposal)), uint8(IGovernor.ProposalState.Defeated), "no majority");
    }

    function test_onlyMembersPropose(address caller) public {
        vm.assume(!votes.isMember(caller));
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas) =
            callOf(Predeploys.DAC_MASTER, setMission());
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(IGovernor.GovernorInsufficientProposerVotes.selector, caller, 0, 1));
        governor.propose(targets, values, calldatas, "amend");
    }

    function test_membersAdmitMembers() public {
        address admitted = address(0xB0B);
        bytes memory data = abi.encodeCall(MemberVotes.addMember, (admitted));
        decide(address(votes), data, votesOf(0, 3));
        carryOut(address(votes), data);
        assertTrue(votes.isMember(admitted), "member");
        assertEq(votes.getVotes(admitted), 1, "one vote");
        assertEq(votes.memberCount(), 6, "count");
    }

    function test_onlyTheTimelockAdmitsAndRemoves(address caller) public {
        vm.assume(caller != address(timelock));
        bytes memory refusal = abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, caller);
        vm.prank(caller);
        vm.expectRevert(refusal);
        votes.addMember(caller);
        vm.prank(caller);
        vm.expectRevert(refusal);
        votes.removeMember(member(0));
    }

    function test_nobodyHasTheTimelockButTheGovernor() public view {
        assertTrue(!timelock.hasRole(timelock.DEFAULT_ADMIN_ROLE(), address(this)), "no admin");
        assertTrue(!timelock.hasRole(timelock.PROPOSER_ROLE(), address(this)), "no other proposer");
        assertTrue(timelock.hasRole(timelock.EXECUTOR_ROLE(), address(0)), "anybody executes");
    }
}
