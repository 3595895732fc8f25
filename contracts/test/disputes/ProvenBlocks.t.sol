// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ProvenBlocks} from "../../src/disputes/ProvenBlocks.sol";
import {DisputesTest} from "./DisputesTest.sol";

/// @notice The library from outside.
contract ProvenBlocksReader {
    function requirePair(
        bytes32 root,
        bytes32[2] calldata leaves,
        uint256 index,
        uint256 count,
        bytes32[] calldata siblings
    ) external pure returns (uint256) {
        return ProvenBlocks.requirePair(root, leaves, index, count, siblings, 0);
    }

    function requireLeaf(bytes32 root, bytes32 leaf, uint256 index, uint256 count, bytes32[] calldata siblings)
        external
        pure
        returns (uint256)
    {
        return ProvenBlocks.requireLeaf(root, leaf, index, count, siblings, 0);
    }
}

/// @notice Paths in trees of every size.
/// forge-config: default.fuzz.runs = 64
contract ProvenBlocksTest is DisputesTest {
    ProvenBlocksReader private reader;

    function setUp() public {
        reader = new ProvenBlocksReader();
    }

    function leavesOf(uint256 count) private pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](count);
        for (uint256 i = 0; i < count; i++) {
            leaves[i] = keccak256(abi.encode(i));
        }
    }

    function test_everyLeafAndEveryPairOfSmallTrees() public view {
        for (uint256 count = 1; count <= 33; count++) {
            bytes32[] memory leaves = leavesOf(count);
            bytes32 root = rootOf(leaves);
            for (uint256 i = 0; i < count; i++) {
                bytes32[] memory path = pathOf(leaves, i);
                assertEq(reader.requireLeaf(root, leaves[i], i, count, path), path.length, "all of a path");
                if (i == 0) continue;
                bytes32[] memory pair = pairPathOf(leaves, i);
                bytes32[2] memory two = [leaves[i - 1], leaves[i]];
                assertEq(reader.requirePair(root, two, i, count, pair), pair.length, "all of a pair's");
                assertTrue(pair.length < 2 * path.length, "shared");
            }
        }
    }

    function test_anotherPairIsNone(uint256 count, uint256 index, uint256 what) public {
        count = between(count, 3, 70);
        index = between(index, 1, count - 1);
        bytes32[] memory leaves = leavesOf(count);
        bytes32 root = rootOf(leaves);
        bytes32[] memory path = pairPathOf(leaves, index);
        bytes32[2] memory two = [leaves[index - 1], leaves[index]];
        uint256 at = index;
        uint256 of_ = count;
        what = what % 5;
        if (what == 0) two[0] = keccak256("left");
        if (what == 1) two[1] = keccak256("right");
        if (what == 2) (two[0], two[1]) = (two[1], two[0]);
        if (what == 3) at = index == 1 ? 2 : index - 1;
        if (what == 4) of_ = index;
        vm.expectRevert(abi.encodeWithSelector(ProvenBlocks.WrongPath.selector, at, of_));
        reader.requirePair(root, two, at, of_, path);
    }

    function test_thereIsNothingBeforeTheFirst(bytes32 left, bytes32 right) public {
        bytes32 root = keccak256(abi.encodePacked(left, right));
        vm.expectRevert(abi.encodeWithSelector(ProvenBlocks.WrongPath.selector, 0, 2));
        reader.requirePair(root, [left, right], 0, 2, new bytes32[](0));
        assertEq(reader.requirePair(root, [left, right], 1, 2, new bytes32[](0)), 0, "no siblings");
    }
}
