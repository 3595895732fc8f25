// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MultiSignerERC7913} from "@openzeppelin/contracts/utils/cryptography/signers/MultiSignerERC7913.sol";
import {Charter} from "../../src/CharterRules.sol";
import {MVM_DACMaster} from "../../src/l2/MVM_DACMaster.sol";
import {Predeploys} from "../../src/l2/Predeploys.sol";
import {MultisigManagement} from "../../src/management/MultisigManagement.sol";
import {DacTest} from "../base/DacTest.sol";

contract MultisigManagementTest is DacTest {
    uint256 private constant DEADLINE = 2_000_000_000;

    MultisigManagement private management;

    function setUp() public {
        deployPredeploys();
        vm.warp(1_800_000_000);
        management = new MultisigManagement(signersOf(keys(1, 3)), 2);
        Charter memory charter = plainCharter();
        charter.managementContract = address(management);
        found(charter);
    }

    function keys(uint256 first, uint256 count) private pure returns (uint256[] memory list) {
        list = new uint256[](count);
        for (uint256 i = 0; i < count; i++) {
            list[i] = first + i;
        }
    }

    function signersOf(uint256[] memory privateKeys) private pure returns (bytes[] memory signers) {
        signers = new bytes[](privateKeys.length);
        for (uint256 i = 0; i < privateKeys.length; i++) {
            signers[i] = abi.encodePacked(vm.addr(privateKeys[i]));
        }
    }

    function signed(bytes32 digest, uint256[] memory privateKeys) private pure returns (bytes memory) {
        bytes[] memory signatures = new bytes[](privateKeys.length);
        for (uint256 i = 0; i < privateKeys.length; i++) {
            (uint8 v, bytes32 r, bytes32 s) = vm.sign(privateKeys[i], digest);
            signatures[i] = abi.encodePacked(r, s, v);
        }
        return abi.encode(signersOf(privateKeys), signatures);
    }

    function setVision(string memory vision) private pure returns (bytes memory) {
        return abi.encodeCall(MVM_DACMaster.setVision, (vision));
    }

    function execute(address target, bytes memory data, uint256[] memory privateKeys) private {
        bytes32 digest = management.digestOf(target, data, management.nonce(), DEADLINE);
        management.execute(target, data, DEADLINE, signed(digest, privateKeys));
    }

    function refused(address target, bytes memory data, uint256 deadline, bytes memory signature) private {
        vm.expectRevert(abi.encodeWithSelector(MultisigManagement.InvalidSignatures.selector));
        management.execute(target, data, deadline, signature);
    }

    function test_enoughSignersAmendTheCharterWhoeverBringsIt(address caller) public {
        bytes memory data = setVision("agreed");
        bytes32 digest = management.digestOf(Predeploys.DAC_MASTER, data, 0, DEADLINE);
        vm.prank(caller);
        management.execute(Predeploys.DAC_MASTER, data, DEADLINE, signed(digest, keys(2, 2)));
        assertEq(bytes(dacMaster.vision()), bytes("agreed"), "vision");
        assertEq(management.nonce(), 1, "nonce");
    }

    function test_tooFewOrForeignOrRepeatedSignersDoNot() public {
        bytes memory data = setVision("not agreed");
        bytes32 digest = management.digestOf(Predeploys.DAC_MASTER, data, 0, DEADLINE);
        refused(Predeploys.DAC_MASTER, data, DEADLINE, signed(digest, keys(1, 1)));
        refused(Predeploys.DAC_MASTER, data, DEADLINE, signed(digest, keys(3, 2)));
        uint256[] memory twice = keys(1, 2);
        twice[1] = twice[0];
        refused(Predeploys.DAC_MASTER, data, DEADLINE, signed(digest, twice));
        refused(Predeploys.DAC_MASTER, data, DEADLINE, "");
    }

    function test_aSignatureIsForOneCall() public {
        bytes memory data = setVision("once");
        bytes32 digest = management.digestOf(Predeploys.DAC_MASTER, data, 0, DEADLINE);
        bytes memory signature = signed(digest, keys(1, 2));
        refused(Predeploys.DAC_MASTER, setVision("another"), DEADLINE, signature);
        refused(Predeploys.EXECUTION_MANAGER, data, DEADLINE, signature);
        refused(Predeploys.DAC_MASTER, data, DEADLINE + 1, signature);
        management.execute(Predeploys.DAC_MASTER, data, DEADLINE, signature);
        refused(Predeploys.DAC_MASTER, data, DEADLINE, signature);
    }

    function test_aSignatureIsForOneContractOnOneChain() public {
        bytes memory data = setVision("here");
        bytes32 digest = management.digestOf(Predeploys.DAC_MASTER, data, 0, DEADLINE);
        bytes memory signature = signed(digest, keys(1, 2));
        MultisigManagement twin = new MultisigManagement(signersOf(keys(1, 3)), 2);
        vm.expectRevert(abi.encodeWithSelector(MultisigManagement.InvalidSignatures.selector));
        twin.execute(Predeploys.DAC_MASTER, data, DEADLINE, signature);
        vm.chainId(block.chainid + 1);
        refused(Predeploys.DAC_MASTER, data, DEADLINE, signature);
    }

    function test_aSignatureEndsAtItsDeadline() public {
        bytes memory data = setVision("late");
        bytes32 digest = management.digestOf(Predeploys.DAC_MASTER, data, 0, DEADLINE);
        bytes memory signature = signed(digest, keys(1, 2));
        vm.warp(DEADLINE + 1);
        vm.expectRevert(abi.encodeWithSelector(MultisigManagement.DeadlineOver.selector, DEADLINE));
        management.execute(Predeploys.DAC_MASTER, data, DEADLINE, signature);
        vm.warp(DEADLINE);
        management.execute(Predeploys.DAC_MASTER, data, DEADLINE, signature);
    }

    function test_theSignersChangeThemselves() public {
        execute(address(management), abi.encodeCall(management.addSigners, (signersOf(keys(4, 1)))), keys(1, 2));
        execute(address(management), abi.encodeCall(management.setThreshold, (3)), keys(1, 2));
        execute(address(management), abi.encodeCall(management.removeSigners, (signersOf(keys(1, 1)))), keys(1, 3));
        execute(Predeploys.DAC_MASTER, setVision("by the new ones"), keys(2, 3));
        assertEq(bytes(dacMaster.vision()), bytes("by the new ones"), "vision");
        bytes memory unreachable =
            abi.encodeWithSelector(MultiSignerERC7913.MultiSignerERC7913UnreachableThreshold.selector, 2, 3);
        bytes memory data = abi.encodeCall(management.removeSigners, (signersOf(keys(2, 1))));
        bytes memory signature = signed(management.digestOf(address(management), data, 4, DEADLINE), keys(2, 3));
        vm.expectRevert(unreachable);
        management.execute(address(management), data, DEADLINE, signature);
    }

    function test_nobodyElseChangesTheSigners(address caller) public {
        vm.assume(caller != address(management));
        bytes memory refusal = abi.encodeWithSelector(MultisigManagement.OnlyItself.selector, caller);
        bytes[] memory signers = signersOf(keys(9, 1));
        vm.prank(caller);
        vm.expectRevert(refusal);
        management.addSigners(signers);
        vm.prank(caller);
        vm.expectRevert(refusal);
        management.removeSigners(signers);
        vm.prank(caller);
        vm.expectRevert(refusal);
        management.setThreshold(1);
    }
}
