// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {StakeGrid} from "../../src/election/StakeGrid.sol";
import {StakeTree} from "../../src/election/StakeTree.sol";
import {Test} from "../base/Test.sol";

/// @notice The cheatcodes that read vectors.
interface VectorVm {
    function keyExistsJson(string calldata json, string calldata key) external view returns (bool);
    function parseJsonBytes32(string calldata json, string calldata key) external pure returns (bytes32);
    function parseJsonString(string calldata json, string calldata key) external pure returns (string memory);
    function parseJsonUint(string calldata json, string calldata key) external pure returns (uint256);
    function parseJsonUintArray(string calldata json, string calldata key) external pure returns (uint256[] memory);
    function readFile(string calldata path) external view returns (string memory);
    function toString(uint256 value) external pure returns (string memory);
}

/// @notice packages/protocol/vectors/election.json, which TypeScript is held to as well.
contract ElectionVectorsTest is Test {
    using StakeTree for StakeTree.Tree;

    VectorVm private constant reader = VectorVm(address(vm));
    string private json;
    StakeTree.Tree[16] private trees;

    function setUp() public {
        json = reader.readFile("../packages/protocol/vectors/election.json");
    }

    function entry(string memory list, uint256 place) private pure returns (string memory) {
        return string.concat(list, "[", reader.toString(place), "]");
    }

    function has(string memory path) private view returns (bool) {
        return reader.keyExistsJson(json, path);
    }

    function number(string memory path) private view returns (uint256) {
        return reader.parseJsonUint(json, path);
    }

    /// @dev Large integers are text that ends in "n".
    function large(string memory path) private view returns (uint256 value) {
        bytes memory digits = bytes(reader.parseJsonString(json, path));
        for (uint256 i = 0; i < digits.length - 1; i++) {
            value = 10 * value + uint8(digits[i]) - 48;
        }
    }

    function hash(string memory path) private view returns (bytes32) {
        return reader.parseJsonBytes32(json, path);
    }

    function test_stakesAndThresholdsStandWhereTheVectorsSay() public view {
        uint256 read = 0;
        for (; has(entry(".grid", read)); read++) {
            string memory path = entry(".grid", read);
            uint256 position = StakeGrid.positionOf(large(string.concat(path, ".stakeWei")));
            assertEq(position, number(string.concat(path, ".position")), "position");
            assertEq(StakeGrid.valueOf(position), number(string.concat(path, ".effectiveMT")), "value");
        }
        for (uint256 i = 0; has(entry(".thresholds", i)); i++) {
            string memory path = entry(".thresholds", i);
            uint256 position = StakeGrid.positionReaching(large(string.concat(path, ".thresholdWei")));
            assertEq(position, number(string.concat(path, ".position")), "threshold");
            read++;
        }
        assertTrue(read > 50, "vectors were read");
    }

    function test_randomnessAndSeedsAreThoseOfTheVectors() public view {
        uint256 read = 0;
        for (; has(entry(".seeds", read)); read++) {
            string memory path = entry(".seeds", read);
            bytes32 randomness = keccak256(
                bytes.concat(
                    keccak256("mvm/beacon/1"),
                    bytes32(large(string.concat(path, ".epoch"))),
                    hash(string.concat(path, ".prevRandao"))
                )
            );
            assertEq(randomness, hash(string.concat(path, ".randomness")), "randomness");
            uint256 chainId = large(string.concat(path, ".chainId"));
            uint256 slot = large(string.concat(path, ".slot"));
            bytes32 seed = keccak256(abi.encodePacked(keccak256("mvm/slot/1"), randomness, chainId, slot));
            assertEq(seed, hash(string.concat(path, ".seed")), "seed");
        }
        assertTrue(read > 1, "vectors were read");
    }

    function test_drawsAreThoseOfTheVectors() public {
        uint256 read = 0;
        for (; has(entry(".draws", read)); read++) {
            StakeTree.Tree storage tree = trees[read];
            string memory path = entry(".draws", read);
            string memory moves = string.concat(path, ".moves");
            for (uint256 i = 0; has(entry(moves, i)); i++) {
                uint256 index = number(string.concat(entry(moves, i), ".index"));
                tree.move(index, number(string.concat(entry(moves, i), ".position")), 1);
            }
            string memory draws = string.concat(path, ".draws");
            for (uint256 i = 0; has(entry(draws, i)); i++) {
                compareDraw(tree, entry(draws, i));
            }
        }
        assertTrue(read > 3, "vectors were read");
    }

    function compareDraw(StakeTree.Tree storage tree, string memory path) private view {
        bytes32 seed = hash(string.concat(path, ".seed"));
        uint256 position = StakeGrid.positionReaching(large(string.concat(path, ".thresholdWei")));
        uint256[] memory ranks = reader.parseJsonUintArray(json, string.concat(path, ".ranks"));
        for (uint256 rank = 0; rank < StakeTree.MAX_RANKS; rank++) {
            uint256 expected = rank < ranks.length ? ranks[rank] + 1 : 0;
            assertEq(tree.draw(seed, 1, position, rank), expected, "drawn");
        }
    }
}
