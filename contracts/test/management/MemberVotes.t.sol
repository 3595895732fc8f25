// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MemberVotes} from "../../src/management/MemberVotes.sol";
import {Test} from "../base/Test.sol";

contract MemberVotesTest is Test {
    address private constant ANNA = address(0xA);
    address private constant BERT = address(0xB);

    MemberVotes private votes;

    function setUp() public {
        vm.warp(1_800_000_000);
        address[] memory members = new address[](2);
        (members[0], members[1]) = (ANNA, BERT);
        votes = new MemberVotes(members, address(this));
    }

    function test_everyMemberHasOneVote() public view {
        assertEq(votes.getVotes(ANNA), 1, "Anna");
        assertEq(votes.getVotes(BERT), 1, "Bert");
        assertEq(votes.memberCount(), 2, "count");
    }

    function test_theVoteOfARemovedMemberIsGoneWhereverItWas() public {
        vm.prank(ANNA);
        votes.delegate(BERT);
        assertEq(votes.getVotes(BERT), 2, "delegated");
        votes.removeMember(ANNA);
        assertEq(votes.getVotes(BERT), 1, "gone");
        assertEq(votes.getVotes(ANNA), 0, "gone");
        vm.prank(ANNA);
        votes.delegate(ANNA);
        assertEq(votes.getVotes(ANNA), 0, "nothing to delegate");
    }

    function test_aMemberWhoComesBackVotesForItself() public {
        vm.prank(ANNA);
        votes.delegate(BERT);
        votes.removeMember(ANNA);
        votes.addMember(ANNA);
        assertEq(votes.getVotes(ANNA), 1, "own vote");
        assertEq(votes.getVotes(BERT), 1, "not delegated any more");
    }

    function test_votesOfAnyHistoryAreAsManyAsMembers(uint8[32] calldata steps) public {
        for (uint256 i = 0; i < steps.length; i++) {
            address account = address(uint160(0xA + steps[i] % 4));
            uint256 action = steps[i] / 64;
            if (action == 0 && !votes.isMember(account)) votes.addMember(account);
            if (action == 1 && votes.isMember(account)) votes.removeMember(account);
            if (action > 1) {
                vm.prank(account);
                votes.delegate(address(uint160(0xA + (steps[i] / 4) % 4)));
            }
        }
        uint256 all = 0;
        uint256 members = 0;
        for (uint160 i = 0xA; i < 0xA + 4; i++) {
            all += votes.getVotes(address(i));
            if (votes.isMember(address(i))) members++;
        }
        assertEq(all, members, "votes");
        assertEq(votes.memberCount(), members, "count");
        vm.warp(block.timestamp + 1);
        assertEq(votes.getPastTotalSupply(block.timestamp - 1), members, "supply");
    }

    function test_wrongMembersAreRefused() public {
        vm.expectRevert(abi.encodeWithSelector(MemberVotes.AlreadyMember.selector, ANNA));
        votes.addMember(ANNA);
        vm.expectRevert(abi.encodeWithSelector(MemberVotes.NoMember.selector, address(0xC)));
        votes.removeMember(address(0xC));
        vm.expectRevert(abi.encodeWithSelector(MemberVotes.ZeroMember.selector));
        votes.addMember(address(0));
    }

    function test_theClockCountsSeconds(uint32 time) public {
        vm.warp(time);
        assertEq(votes.clock(), time, "clock");
        assertEq(bytes(votes.CLOCK_MODE()), bytes("mode=timestamp"), "mode");
    }
}
