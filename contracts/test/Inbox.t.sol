// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Inbox} from "../src/Inbox.sol";
import {Test} from "./base/Test.sol";

contract InboxTest is Test {
    Inbox private inbox;

    function setUp() public {
        inbox = new Inbox(address(this));
        vm.roll(50);
        vm.warp(1_800_000_000);
    }

    function test_onlyTheBridgeEnqueues(address caller) public {
        vm.assume(caller != address(this));
        vm.expectRevert(abi.encodeWithSelector(Inbox.OnlyBridge.selector, caller));
        vm.prank(caller);
        inbox.enqueueDeposit(1, caller, caller, 1);
    }

    function test_theHashRunsOverAllItems(uint256 chainId, address from, address to, uint256[4] calldata amounts)
        public
    {
        bytes32 running = bytes32(0);
        for (uint256 i = 0; i < amounts.length; i++) {
            vm.roll(50 + i);
            running =
                keccak256(abi.encode(running, uint8(0), from, to, amounts[i], uint64(50 + i), uint64(block.timestamp)));
            vm.expectEmit(true, true, false, true, address(inbox));
            emit Inbox.QueueItemAdded(
                chainId, i, from, to, amounts[i], uint64(50 + i), uint64(block.timestamp), running
            );
            assertEq(inbox.enqueueDeposit(chainId, from, to, amounts[i]), i, "index");
            assertEq(inbox.queueHashAt(chainId, i), running, "hash");
        }
        assertEq(inbox.queueLength(chainId), amounts.length, "length");
    }

    function test_queuesOfChainsAreApart(uint256 first, uint256 second) public {
        vm.assume(first != second);
        inbox.enqueueDeposit(first, address(1), address(2), 3);
        assertEq(inbox.queueLength(second), 0, "length");
        vm.expectRevert(abi.encodeWithSelector(Inbox.UnknownQueueItem.selector, second, 0));
        inbox.queueHashAt(second, 0);
    }
}
