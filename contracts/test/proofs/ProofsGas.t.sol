// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Test} from "../base/Test.sol";
import {ProofPaths} from "./ProofPaths.sol";
import {ProofReader} from "./ProofReader.sol";

/// @notice What proofs cost: bounds a little above the measured figures, so that a slower walker is noticed.
contract ProofsGasTest is Test {
    uint256 private constant PATH_NODES = 7;
    bytes32 private constant SLOT = bytes32(uint256(11));
    address private constant ACCOUNT = address(0xACC);

    ProofReader private reader;

    function setUp() public {
        reader = new ProofReader();
    }

    function test_aSlotSevenNodesDeepUnderFullBranchesCostsAtMost1650GasANode() public view {
        assertAtMost(slotGas(16), PATH_NODES * 1650, "full branches");
    }

    function test_aSlotSevenNodesDeepUnderHalfFullBranchesCostsAtMost2200GasANode() public view {
        assertAtMost(slotGas(8), PATH_NODES * 2200, "half-full branches");
    }

    function test_anAccountSevenNodesDeepUnderFullBranchesCostsAtMost1950GasANode() public view {
        bytes memory record = ProofPaths.list(
            bytes.concat(
                hex"05",
                ProofPaths.text(hex"0de0b6b3a7640000"),
                bytes.concat(hex"a0", SLOT),
                bytes.concat(hex"a0", SLOT)
            )
        );
        bytes32 keyHash = keccak256(abi.encodePacked(ACCOUNT));
        (bytes32 root, bytes[] memory nodes) = ProofPaths.make(keyHash, record, PATH_NODES, 16);
        (bool exists, uint64 nonce, uint256 balance, bytes32 storageRoot, bytes32 codeHash) =
            reader.accountOf(root, ACCOUNT, nodes);
        assertTrue(exists, "exists");
        assertEq(nonce, 5, "nonce");
        assertEq(balance, 1 ether, "balance");
        assertEq(storageRoot, SLOT, "storageRoot");
        assertEq(codeHash, SLOT, "codeHash");
        assertAtMost(reader.gasOfAccountOf(root, ACCOUNT, nodes), PATH_NODES * 1950, "account");
    }

    function test_aLeafElevenLevelsDeepInABinaryTreeCostsAtMost250GasALevel() public view {
        bytes32[] memory leaves = new bytes32[](2048);
        for (uint256 i = 0; i < leaves.length; i++) {
            leaves[i] = keccak256(abi.encode(i));
        }
        (bytes32 root, bytes32[] memory siblings) = firstLeafOf(leaves);
        assertTrue(reader.verifyLeaf(root, leaves[0], 0, leaves.length, siblings), "leaf");
        uint256 gas = reader.gasOfVerifyLeaf(root, leaves[0], 0, leaves.length, siblings);
        assertAtMost(gas, siblings.length * 250, "leaf");
        assertEq(reader.treeRoot(leaves), root, "root");
    }

    function test_aHeaderCostsAtMost9000Gas() public view {
        bytes memory word = bytes.concat(hex"a0", SLOT);
        bytes memory three = bytes.concat(word, word, word);
        bytes memory items = bytes.concat(word, word, hex"94", bytes20(ACCOUNT), three, hex"b90100", new bytes(256));
        items = bytes.concat(items, hex"80018401c9c380808465000000", word, word, hex"880000000000000000");
        items = bytes.concat(items, hex"83989680", word, hex"8080", word, word);
        bytes memory header = ProofPaths.list(items);
        assertEq(reader.blockHeader(header).timestamp, 0x65000000, "timestamp");
        assertEq(reader.l1Header(header).baseFeePerGas, 10_000_000, "base fee");
        assertAtMost(reader.gasOfBlockHeader(header), 9000, "header of a DAC");
        assertAtMost(reader.gasOfL1Header(header), 9000, "header of L1");
    }

    function slotGas(uint256 children) private view returns (uint256) {
        (bytes32 root, bytes[] memory nodes) =
            ProofPaths.make(keccak256(abi.encode(SLOT)), hex"01", PATH_NODES, children);
        assertEq(reader.slotOf(root, SLOT, nodes), 1, "value");
        return reader.gasOfSlotOf(root, SLOT, nodes);
    }

    /// @dev The plain way: every level in an array of its own.
    function firstLeafOf(bytes32[] memory leaves) private pure returns (bytes32 root, bytes32[] memory siblings) {
        siblings = new bytes32[](11);
        bytes32[] memory level = leaves;
        for (uint256 height = 0; level.length > 1; height++) {
            siblings[height] = level[1];
            bytes32[] memory above = new bytes32[](level.length / 2);
            for (uint256 i = 0; i < above.length; i++) {
                above[i] = keccak256(abi.encode(level[2 * i], level[2 * i + 1]));
            }
            level = above;
        }
        root = level[0];
    }

    function assertAtMost(uint256 gas, uint256 bound, string memory what) private pure {
        if (gas > bound) revert NotEqual(what, bytes32(gas), bytes32(bound));
    }
}
