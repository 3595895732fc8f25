// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {DacRegistry} from "../src/DacRegistry.sol";
import {Test} from "./base/Test.sol";

contract DacRegistryTest is Test {
    DacRegistry private registry;

    function setUp() public {
        registry = new DacRegistry(address(this));
    }

    function test_onlyComcoRegisters(address caller) public {
        vm.assume(caller != address(this));
        vm.expectRevert(abi.encodeWithSelector(DacRegistry.OnlyComco.selector, caller));
        vm.prank(caller);
        registry.register(1, "alpha", caller, caller, bytes32(0));
    }

    function test_aRecordHoldsWhatWasRegistered(uint256 chainId, address creator, address management, bytes32 genesis)
        public
    {
        vm.assume(chainId != 0);
        vm.roll(77);
        registry.register(chainId, "alpha-1", creator, management, genesis);
        DacRegistry.DacRecord memory record = registry.recordOf(chainId);
        assertEq(bytes(record.label), "alpha-1", "label");
        assertEq(record.creator, creator, "creator");
        assertEq(record.management, management, "management");
        assertEq(record.genesisHash, genesis, "genesis");
        assertEq(record.createdAtBlock, 77, "block");
        assertEq(record.createdAt, block.timestamp, "time");
        assertEq(registry.createdAtOf(chainId), block.timestamp, "time alone");
        assertEq(registry.genesisHashOf(chainId), genesis, "genesis alone");
        assertEq(registry.chainIdOf("alpha-1"), chainId, "by label");
        assertTrue(registry.isActive(chainId), "active");
    }

    function test_anUnknownChainHasNoRecord(uint256 chainId) public {
        assertTrue(!registry.isActive(chainId), "inactive");
        vm.expectRevert(abi.encodeWithSelector(DacRegistry.UnknownChain.selector, chainId));
        registry.recordOf(chainId);
        vm.expectRevert(abi.encodeWithSelector(DacRegistry.UnknownChain.selector, chainId));
        registry.genesisHashOf(chainId);
    }

    function test_aLabelIsGivenOnce(uint256 first, uint256 second) public {
        vm.assume(first != 0 && second != 0 && first != second);
        registry.register(first, "alpha", address(1), address(2), bytes32(0));
        vm.expectRevert(abi.encodeWithSelector(DacRegistry.LabelTaken.selector, "alpha", first));
        registry.register(second, "alpha", address(1), address(2), bytes32(0));
    }

    function test_aChainIdIsGivenOnceAndNeverZero(uint256 chainId) public {
        vm.assume(chainId != 0);
        registry.register(chainId, "alpha", address(1), address(2), bytes32(0));
        vm.expectRevert(abi.encodeWithSelector(DacRegistry.ChainIdTaken.selector, chainId));
        registry.register(chainId, "beta", address(1), address(2), bytes32(0));
        vm.expectRevert(abi.encodeWithSelector(DacRegistry.ChainIdTaken.selector, 0));
        registry.register(0, "gamma", address(1), address(2), bytes32(0));
    }

    function test_anInvalidLabelIsRefused() public {
        vm.expectRevert(abi.encodeWithSelector(DacRegistry.InvalidLabel.selector, "Alpha"));
        registry.register(1, "Alpha", address(1), address(2), bytes32(0));
    }

    function test_labelsOfTheRules() public view {
        string[6] memory valid = ["abc", "a-b", "0x0", "a--b", "ab-c", "a1b2c3-d4"];
        for (uint256 i = 0; i < valid.length; i++) {
            assertTrue(registry.isValidLabel(valid[i]), valid[i]);
        }
        string[13] memory invalid =
            ["", "ab", "-ab", "ab-", "ab--c", "xn--abc", "Abc", "a b", "a.b", "a_b", unicode"äbc", "abc\x00", "ab/"];
        for (uint256 i = 0; i < invalid.length; i++) {
            assertTrue(!registry.isValidLabel(invalid[i]), invalid[i]);
        }
    }

    function test_aLabelHas3To63Bytes(uint256 length) public view {
        length = between(length, 0, 100);
        bytes memory label = new bytes(length);
        for (uint256 i = 0; i < length; i++) {
            label[i] = "q";
        }
        assertTrue(registry.isValidLabel(string(label)) == (length >= 3 && length <= 63), "length");
    }

    function test_oneByteOutsideTheAlphabetSpoilsALabel(uint8 letter, uint256 place) public view {
        bytes memory label = bytes("qwertzuiop");
        place = between(place, 0, label.length - 1);
        label[place] = bytes1(letter);
        bool inner = place > 0 && place < label.length - 1;
        bool allowed =
            (letter >= 0x61 && letter <= 0x7a) || (letter >= 0x30 && letter <= 0x39) || (letter == 0x2d && inner);
        assertTrue(registry.isValidLabel(string(label)) == allowed, "alphabet");
    }
}
