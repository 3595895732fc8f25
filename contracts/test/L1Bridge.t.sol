// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {Inbox} from "../src/Inbox.sol";
import {L1Bridge} from "../src/L1Bridge.sol";
import {NetworkTest} from "./base/NetworkTest.sol";

contract L1BridgeTest is NetworkTest {
    uint256 private chainId;
    address private constant USER = address(0xA11CE);

    function setUp() public {
        deployNetwork();
        chainId = comco.createDac("alpha", charter());
    }

    function test_aDepositIsLockedAndQueued(address to, uint256 amount) public {
        vm.assume(to != address(0));
        amount = between(amount, 1, SUPPLY);
        token.transfer(USER, amount);
        vm.prank(USER);
        token.approve(address(bridge), amount);
        vm.expectEmit(true, true, true, true, address(bridge));
        emit L1Bridge.Deposited(chainId, 0, USER, amount);
        vm.prank(USER);
        assertEq(bridge.depositMT(chainId, to, amount), 0, "index");
        assertEq(bridge.lockedMT(chainId), amount, "locked");
        assertEq(token.balanceOf(address(bridge)), amount, "held");
        bytes32 item = keccak256(
            abi.encode(bytes32(0), uint8(0), USER, to, amount, uint64(block.number), uint64(block.timestamp))
        );
        assertEq(inbox.queueHashAt(chainId, 0), item, "queued");
    }

    function test_anUnknownChainIsRefused(uint256 other) public {
        vm.assume(other != chainId);
        vm.expectRevert(abi.encodeWithSelector(L1Bridge.UnknownChain.selector, other));
        bridge.depositMT(other, USER, 1);
    }

    function test_nothingAndNobodyAreRefused(uint256 amount) public {
        amount = between(amount, 1, SUPPLY);
        vm.expectRevert(abi.encodeWithSelector(L1Bridge.ZeroAmount.selector));
        bridge.depositMT(chainId, USER, 0);
        vm.expectRevert(abi.encodeWithSelector(L1Bridge.ZeroReceiver.selector));
        bridge.depositMT(chainId, address(0), amount);
    }

    function test_moneyThatIsNotAllowedIsNotTaken(uint256 amount) public {
        amount = between(amount, 1, SUPPLY);
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, address(bridge), 0, amount)
        );
        bridge.depositMT(chainId, USER, amount);
        assertEq(bridge.lockedMT(chainId), 0, "locked");
        assertEq(inbox.queueLength(chainId), 0, "queue");
    }

    function test_anInboxOfAnotherBridgeIsRefused(address other) public {
        Inbox foreign = new Inbox(other);
        vm.assume(other != vm.computeCreateAddress(address(this), vm.getNonce(address(this))));
        vm.expectRevert(abi.encodeWithSelector(L1Bridge.InboxOfAnother.selector, other));
        new L1Bridge(token, registry, foreign);
    }
}
