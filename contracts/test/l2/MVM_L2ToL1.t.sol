// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MVM_L2ToL1} from "../../src/l2/MVM_L2ToL1.sol";
import {Predeploys} from "../../src/l2/Predeploys.sol";
import {DacTest} from "../base/DacTest.sol";

contract MVM_L2ToL1Test is DacTest {
    function setUp() public {
        deployPredeploys();
    }

    function test_theHashBindsKindChainNonceSenderTargetValueAndData(
        uint64 chainId,
        address sender,
        address target,
        bytes calldata data
    ) public {
        vm.assume(data.length <= l2ToL1.MAX_DATA_LENGTH());
        vm.chainId(chainId);
        for (uint256 nonce = 0; nonce < 3; nonce++) {
            bytes32 expected =
                keccak256(abi.encode(uint8(0), uint256(chainId), nonce, sender, target, uint256(0), keccak256(data)));
            vm.expectEmit(true, true, true, true, Predeploys.L2_TO_L1);
            emit MVM_L2ToL1.MessageSent(expected, sender, target, MVM_L2ToL1.Kind.Call, nonce, 0, data);
            vm.prank(sender);
            assertEq(l2ToL1.sendMessage(target, data), expected, "hash");
            assertTrue(l2ToL1.sent(expected), "sent");
        }
        assertEq(l2ToL1.nonce(), 3, "nonce");
    }

    function test_noTwoMessagesHaveTheSameHash(address sender, address target, uint256 value) public {
        bytes32 asCall = l2ToL1.hashOf(MVM_L2ToL1.Kind.Call, 0, sender, target, value, "");
        bytes32 asWithdrawal = l2ToL1.hashOf(MVM_L2ToL1.Kind.Withdrawal, 0, sender, target, value, "");
        assertTrue(asCall != asWithdrawal, "kind");
        vm.chainId(block.chainid + 1);
        assertTrue(asCall != l2ToL1.hashOf(MVM_L2ToL1.Kind.Call, 0, sender, target, value, ""), "chain");
    }

    function test_theNonceIsSlotZeroAndSentMessagesAreInSlotOne(address target) public {
        bytes32 messageHash = l2ToL1.sendMessage(target, "");
        assertEq(vm.load(Predeploys.L2_TO_L1, bytes32(0)), bytes32(uint256(1)), "nonce");
        bytes32 slot = keccak256(abi.encode(messageHash, uint256(1)));
        assertEq(vm.load(Predeploys.L2_TO_L1, slot), bytes32(uint256(1)), "sent");
    }

    function test_onlyTheCoinbaseRecordsWithdrawals(address caller, uint256 amount) public {
        vm.assume(caller != Predeploys.COINBASE);
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(MVM_L2ToL1.OnlyCaller.selector, Predeploys.COINBASE, caller));
        l2ToL1.sendWithdrawal(caller, caller, amount);
    }

    function test_dataAreBounded() public {
        l2ToL1.sendMessage(METIS_DAO, new bytes(8192));
        vm.expectRevert(abi.encodeWithSelector(MVM_L2ToL1.DataTooLong.selector, 8193));
        l2ToL1.sendMessage(METIS_DAO, new bytes(8193));
    }
}
