// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Test} from "../base/Test.sol";
import {ProofPaths} from "./ProofPaths.sol";
import {ProofReader} from "./ProofReader.sol";

/// @notice What proofs cost: bounds a little above the measured figures, so that a slower walker is noticed.
contract ProofsGasTest is Test {
    uint256 private constant PATH_NODES = 7;
    bytes32 private constant SLOT = bytes32(uint256(11));

    ProofReader private reader;

    function setUp() public {
        reader = new ProofReader();
    }

    function slotPath(uint256 children) private pure returns (bytes32 root, bytes[] memory nodes) {
        return ProofPaths.make(keccak256(abi.encode(SLOT)), hex"01", PATH_NODES, children);
    }

    function test_aPathOfSevenNodesWithFullBranchesIsWithinItsBound() public view {
        (bytes32 root, bytes[] memory nodes) = slotPath(16);
        assertEq(reader.slotOf(root, SLOT, nodes), 1, "value");
        assertBelow(reader.gasOfSlotOf(root, SLOT, nodes), 1, "full");
    }

    function test_aPathOfSevenNodesWithHalfFullBranchesIsWithinItsBound() public view {
        (bytes32 root, bytes[] memory nodes) = slotPath(8);
        assertBelow(reader.gasOfSlotOf(root, SLOT, nodes), 1, "half");
    }

    function assertBelow(uint256 gas, uint256 bound, string memory what) private pure {
        if (gas > bound) revert NotEqual(what, bytes32(gas), bytes32(bound));
    }
}
