// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {CodeWitness} from "../../src/proofs/CodeWitness.sol";
import {Test} from "../base/Test.sol";
import {WitnessReader} from "./WitnessReader.sol";

/// @notice Codes from calldata and from L1.
contract CodeWitnessTest is Test {
    WitnessReader private reader;

    function setUp() public {
        reader = new WitnessReader();
    }

    function test_codesComeFromBytesAndFromL1() public view {
        bytes[] memory found = reader.codes(
            given("first", "second"), holders(address(reader)), hashes("second", address(reader).code, "first", "")
        );
        assertEq(found[0], "second", "from bytes");
        assertEq(found[1], address(reader).code, "from L1");
        assertEq(found[2], "first", "from bytes");
        assertEq(found[3], "", "the empty code needs no entry");
    }

    function test_aMissingCodeIsNamed() public {
        vm.expectRevert(abi.encodeWithSelector(CodeWitness.MissingCode.selector, keccak256("third")));
        reader.codes(given("first", "second"), new address[](0), hashes("first", "second", "third", ""));
    }

    function test_anUnusedCodeIsNamed() public {
        vm.expectRevert(abi.encodeWithSelector(CodeWitness.UnusedCode.selector, keccak256("second")));
        reader.codes(given("first", "second"), new address[](0), hashes("first", "first", "", ""));
        vm.expectRevert(abi.encodeWithSelector(CodeWitness.UnusedCode.selector, address(reader).codehash));
        reader.codes(new bytes[](0), holders(address(reader)), hashes("", "", "", ""));
    }

    function test_aCodeThatIsThereTwiceOrEmptyIsRefused() public {
        bytes32[] memory none = new bytes32[](0);
        refuses(keccak256("first"));
        reader.codes(given("first", "first"), new address[](0), none);
        refuses(keccak256(""));
        reader.codes(given("first", ""), new address[](0), none);
        refuses(0);
        reader.codes(new bytes[](0), holders(address(0xdead)), none);
        refuses(address(reader).codehash);
        reader.codes(given("first", address(reader).code), holders(address(reader)), none);
    }

    function test_moreCodesThanTheBoundAreRefused() public {
        vm.expectRevert(abi.encodeWithSelector(CodeWitness.TooManyCodes.selector, 129));
        reader.codes(new bytes[](128), holders(address(reader)), new bytes32[](0));
    }

    function refuses(bytes32 hash) private {
        vm.expectRevert(abi.encodeWithSelector(CodeWitness.SuperfluousCode.selector, hash));
    }

    function given(bytes memory first, bytes memory second) private pure returns (bytes[] memory codes) {
        codes = new bytes[](2);
        (codes[0], codes[1]) = (first, second);
    }

    function holders(address holder) private pure returns (address[] memory list) {
        list = new address[](1);
        list[0] = holder;
    }

    function hashes(bytes memory a, bytes memory b, bytes memory c, bytes memory d)
        private
        pure
        returns (bytes32[] memory list)
    {
        list = new bytes32[](4);
        (list[0], list[1], list[2], list[3]) = (keccak256(a), keccak256(b), keccak256(c), keccak256(d));
    }
}
