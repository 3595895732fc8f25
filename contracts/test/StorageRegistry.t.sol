// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {StakedRegistry} from "../src/StakedRegistry.sol";
import {StorageRegistry} from "../src/StorageRegistry.sol";
import {NetworkTest} from "./base/NetworkTest.sol";

/// @notice Properties of what hosts say in key ceremonies. Sign-up itself: StakedRegistryTest.
contract StorageRegistryTest is NetworkTest {
    address private constant HOST = address(0x10001);
    uint256 private constant CHAIN = 1_088_000;

    function setUp() public {
        deployNetwork();
        registerOperator(storageRegistry, HOST, MIN_STAKE);
    }

    function testFuzz_whatAHostSaysIsPublishedUnderItsName(uint64 round, bool isComplaint, bytes calldata data) public {
        vm.assume(data.length > 0 && data.length <= storageRegistry.MAX_CEREMONY_BYTES());
        vm.expectEmit(true, true, true, true, address(storageRegistry));
        emit StorageRegistry.CeremonyMessage(CHAIN, round, HOST, isComplaint, data);
        vm.prank(HOST);
        storageRegistry.postCeremonyMessage(CHAIN, round, isComplaint, data);
    }

    function say(bytes memory data) private {
        vm.prank(HOST);
        storageRegistry.postCeremonyMessage(CHAIN, 1, true, data);
    }

    function test_aHostThatLeavesHasItsSayUntilItsStakeIsPaidBack() public {
        vm.prank(HOST);
        storageRegistry.requestExit();
        say("dealing");
        vm.warp(block.timestamp + UNBONDING);
        vm.prank(HOST);
        storageRegistry.withdrawStake();
        vm.expectRevert(abi.encodeWithSelector(StakedRegistry.NotRegistered.selector, HOST));
        say("dealing");
    }

    function testFuzz_whoIsNoHostHasNoSay(address other) public {
        vm.assume(other != HOST);
        vm.expectRevert(abi.encodeWithSelector(StakedRegistry.NotRegistered.selector, other));
        vm.prank(other);
        storageRegistry.postCeremonyMessage(CHAIN, 1, false, "dealing");
    }

    function test_messagesAreNeitherEmptyNorTooLong() public {
        bytes memory longest = new bytes(storageRegistry.MAX_CEREMONY_BYTES());
        say(longest);
        vm.expectRevert(abi.encodeWithSelector(StorageRegistry.InvalidCeremonyMessage.selector, 0));
        say("");
        vm.expectRevert(abi.encodeWithSelector(StorageRegistry.InvalidCeremonyMessage.selector, longest.length + 1));
        say(bytes.concat(longest, hex"00"));
    }
}
