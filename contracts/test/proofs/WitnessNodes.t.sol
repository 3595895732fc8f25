// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {WitnessNodes} from "../../src/proofs/WitnessNodes.sol";
import {Test} from "../base/Test.sol";
import {ProofPaths} from "./ProofPaths.sol";
import {WitnessReader} from "./WitnessReader.sol";

/// @notice Witnesses that hold too little, too much or no nodes, and what opening them costs at most.
contract WitnessNodesTest is Test {
    bytes32 private constant KEY = keccak256("key");
    bytes private constant VALUE = "a value of more than a word's thirty-two bytes";

    WitnessReader private reader;

    function setUp() public {
        reader = new WitnessReader();
    }

    function test_nodesAreFoundInAnyOrder() public view {
        (bytes32 root, bytes[] memory nodes) = ProofPaths.make(KEY, VALUE, 4, 5);
        assertEq(reader.get(bytes.concat(nodes[3], nodes[1], nodes[0], nodes[2]), root, KEY), VALUE, "value");
        bytes32 absent = KEY ^ bytes32(uint256(1));
        assertEq(reader.get(joined(nodes, 4), root, absent), "", "another leaf at the key's place");
    }

    /// forge-config: default.fuzz.runs = 64
    function testFuzz_nodesAreFoundWhateverTheBlocksRandomness(uint256 randomness, uint256 children) public {
        vm.prevrandao(bytes32(randomness));
        (bytes32 root, bytes[] memory nodes) = ProofPaths.make(KEY, VALUE, 20, between(children, 2, 16));
        assertEq(reader.get(joined(nodes, 20), root, KEY), VALUE, "value");
    }

    function test_aMissingNodeIsNamed() public {
        (bytes32 root, bytes[] memory nodes) = ProofPaths.make(KEY, VALUE, 4, 16);
        for (uint256 count = 0; count < 4; count++) {
            vm.expectRevert(abi.encodeWithSelector(WitnessNodes.MissingNode.selector, keccak256(nodes[count])));
            reader.get(joined(nodes, count), root, KEY);
        }
    }

    function test_anUnusedNodeIsNamed() public {
        (bytes32 root, bytes[] memory nodes) = ProofPaths.make(KEY, VALUE, 4, 2);
        bytes memory other = ProofPaths.leaf(KEY, VALUE, 9);
        vm.expectRevert(abi.encodeWithSelector(WitnessNodes.UnusedNode.selector, keccak256(other)));
        reader.get(bytes.concat(nodes[0], other, nodes[1], nodes[2], nodes[3]), root, KEY);
        vm.expectRevert(abi.encodeWithSelector(WitnessNodes.UnusedNode.selector, keccak256(other)));
        reader.get(other, WitnessNodes.EMPTY_ROOT, KEY);
    }

    function test_aNodeThatComesTwiceIsNamed() public {
        (bytes32 root, bytes[] memory nodes) = ProofPaths.make(KEY, VALUE, 4, 16);
        for (uint256 i = 0; i < 4; i++) {
            vm.expectRevert(abi.encodeWithSelector(WitnessNodes.DuplicateNode.selector, keccak256(nodes[i])));
            reader.get(bytes.concat(joined(nodes, 4), nodes[i]), root, KEY);
        }
    }

    function test_bytesThatAreNoNodeAreRefusedAtTheirPlace() public {
        (bytes32 root, bytes[] memory nodes) = ProofPaths.make(KEY, VALUE, 2, 16);
        bytes[10] memory wrong = [
            bytes(hex"80"),
            hex"c0",
            hex"ff",
            hex"f90211",
            // A leaf of fewer than 32 bytes, a list of three, a header longer than need be.
            bytes.concat(hex"de9a20", new bytes(25), hex"820102"),
            bytes.concat(hex"e0", new bytes(32)),
            bytes.concat(hex"f837b620", new bytes(53)),
            // A path of no bytes, of unknown flags, with a nibble beside the flags of an even one.
            bytes.concat(hex"e080", hex"9e", new bytes(30)),
            bytes.concat(hex"e29f40", new bytes(30), hex"8201"),
            bytes.concat(hex"e19f21", new bytes(30), hex"07")
        ];
        for (uint256 i = 0; i < wrong.length; i++) {
            vm.expectRevert(abi.encodeWithSelector(WitnessNodes.MalformedNode.selector, nodes[0].length));
            reader.get(bytes.concat(nodes[0], wrong[i]), root, KEY);
        }
        bytes memory cut = joined(nodes, 2);
        assembly ("memory-safe") {
            mstore(cut, sub(mload(cut), 1))
        }
        vm.expectRevert(abi.encodeWithSelector(WitnessNodes.MalformedNode.selector, nodes[0].length));
        reader.get(cut, root, KEY);
    }

    function test_branchesBelowTheKeysEndAreRefused() public {
        bytes32 key = bytes32(0);
        bytes32 hash = keccak256("nothing");
        bytes memory witness;
        for (uint256 depth = 0; depth < 66; depth++) {
            bytes memory node = ProofPaths.branch(0, hash, 2);
            (hash, witness) = (keccak256(node), bytes.concat(node, witness));
        }
        bytes32[] memory keys = new bytes32[](1);
        bytes[] memory values = new bytes[](1);
        values[0] = VALUE;
        // The first 64 are gone through; each has 83 bytes.
        vm.expectRevert(abi.encodeWithSelector(WitnessNodes.MalformedNode.selector, 64 * 83));
        reader.get(witness, hash, key);
        vm.expectRevert(abi.encodeWithSelector(WitnessNodes.MalformedNode.selector, 64 * 83));
        reader.trieRoot(witness, hash, keys, values);
    }

    function test_aWitnessLongerThanTheBoundIsRefused() public {
        bytes memory witness = new bytes(WitnessNodes.MAX_WITNESS_BYTES + 1);
        vm.expectRevert(abi.encodeWithSelector(WitnessNodes.WitnessTooLong.selector, witness.length));
        reader.get(witness, KEY, KEY);
    }

    function test_theMostNodesThatFitEndInAnErrorForLessThanTenMillionGas() public {
        // Leaves of 32 bytes, all different: 4,096 of them.
        bytes memory witness = new bytes(WitnessNodes.MAX_WITNESS_BYTES);
        for (uint256 i = 0; i < witness.length / 32; i++) {
            uint256 node = 0xdf9d20 << 232 | i << 8 | 7;
            assembly ("memory-safe") {
                mstore(add(add(witness, 32), shl(5, i)), node)
            }
        }
        uint256 gas = gasleft();
        vm.expectRevert(abi.encodeWithSelector(WitnessNodes.MissingNode.selector, KEY));
        reader.get(witness, KEY, KEY);
        assertTrue(gas - gasleft() < 10_000_000, "gas");
    }

    function joined(bytes[] memory nodes, uint256 count) private pure returns (bytes memory witness) {
        for (uint256 i = 0; i < count; i++) {
            witness = bytes.concat(witness, nodes[i]);
        }
    }
}
