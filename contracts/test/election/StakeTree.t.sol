// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {StakeGrid} from "../../src/election/StakeGrid.sol";
import {StakeTree} from "../../src/election/StakeTree.sol";
import {Versions} from "../../src/election/Versions.sol";
import {Test} from "../base/Test.sol";
import {StakeModel} from "./StakeModel.sol";

contract StakeTreeTest is Test {
    using StakeTree for StakeTree.Tree;

    uint256 private constant MEMBERS = 12;
    uint256 private constant CHANGES = 20;
    /// @dev Twelve stakes of this position, 2^28 MT each, are less than 2^32 MT.
    uint256 private constant HIGHEST = 400;

    StakeTree.Tree private tree;
    StakeModel private model;

    function setUp() public {
        model = new StakeModel();
    }

    function draw(bytes32 seed, uint256 snapshot, uint256 position, uint256 rank) external view returns (uint256) {
        return tree.draw(seed, snapshot, position, rank);
    }

    function move(uint256 member, uint256 position, uint256 epoch) external {
        tree.move(member, position, epoch);
    }

    /// @dev Few positions, near each other and far apart, so that lists grow and nodes are shared.
    function somePosition(uint256 random) private pure returns (uint256) {
        uint256 kind = random % 8;
        if (kind == 0) return 0;
        if (kind < 4) return 96 + (random >> 8) % 3;
        return (random >> 8) % (HIGHEST + 1);
    }

    function changeAtRandom(bytes32 seed) private returns (uint256 epoch) {
        epoch = uint256(seed) % 3;
        for (uint256 i = 0; i < CHANGES; i++) {
            uint256 random = uint256(keccak256(abi.encode(seed, "change", i)));
            uint256 gap = (random >> 248) % 8;
            epoch += gap < 4 ? 0 : gap == 7 ? (random >> 240) % 6 : gap - 3;
            uint256 member = (random >> 128) % MEMBERS;
            uint256 position = somePosition(random);
            tree.move(member, position, epoch);
            model.move(member, position, epoch);
            assertEq(tree.positionOf(member), position, "position");
        }
        epoch += uint256(keccak256(abi.encode(seed, "end"))) % 3;
    }

    function compareAt(bytes32 seed, uint256 snapshot) private view {
        StakeModel.Line memory line = model.lineAt(snapshot);
        for (uint256 i = 0; i < 3; i++) {
            uint256 random = uint256(keccak256(abi.encode(seed, snapshot, i)));
            uint256 position = i == 0 ? 1 : i == 1 ? 95 + random % 5 : 1 + random % 470;
            assertEq(tree.weightAtLeast(snapshot, position), model.weight(line, position), "weight");
            uint256[] memory expected = model.drawAll(line, bytes32(random), position, StakeTree.MAX_RANKS);
            for (uint256 rank = 0; rank < StakeTree.MAX_RANKS; rank++) {
                assertEq(tree.draw(bytes32(random), snapshot, position, rank), expected[rank], "drawn");
            }
        }
    }

    /// forge-config: default.fuzz.runs = 64
    function testFuzz_drawsAndSumsAreThoseOfTheSimpleModelInEachOfTheLastFourEpochs(bytes32 seed) public {
        uint256 epoch = changeAtRandom(seed);
        for (uint256 back = 0; back < 4 && back <= epoch; back++) {
            compareAt(seed, epoch - back);
        }
    }

    /// forge-config: default.fuzz.runs = 64
    function testFuzz_countsAreThoseOfTheSimpleModelUpToTheLimit(bytes32 seed, uint256 position, uint256 limit) public {
        changeAtRandom(seed);
        position = between(position, 1, 470);
        limit = between(limit, 0, 16);
        uint256 all = model.number(model.line(), position);
        assertEq(tree.countAtLeast(position, limit), all < limit ? all : limit, "counted");
    }

    function test_nobodyIsDrawnFromAnEmptyTreeOrAboveTheHighestStake() public {
        assertEq(tree.draw("seed", 0, 1, 0), 0, "empty");
        tree.move(0, 100, 7);
        assertEq(tree.draw("seed", 7, 100, 0), 1, "at the threshold");
        assertEq(tree.draw("seed", 7, 101, 0), 0, "above");
        assertEq(tree.draw("seed", 7, StakeGrid.POSITIONS, 0), 0, "beyond the grid");
        assertEq(tree.draw("seed", 7, 100, 1), 0, "no second one");
        assertEq(tree.draw("seed", 6, 100, 0), 0, "before the change");
        assertEq(tree.countAtLeast(StakeGrid.POSITIONS, 1), 0, "counted beyond the grid");
    }

    function testFuzz_allMembersAreDrawnOnceEach(bytes32 seed) public {
        for (uint256 i = 0; i < StakeTree.MAX_RANKS; i++) {
            tree.move(i, 40 + 3 * (i % 4), 1);
        }
        uint256 seen = 0;
        for (uint256 rank = 0; rank < StakeTree.MAX_RANKS; rank++) {
            seen |= 1 << (tree.draw(seed, 1, 1, rank) - 1);
        }
        assertEq(seen, 255, "all");
    }

    function test_aStakeMovedInAndOutWithinAnEpochLeavesEverySnapshotAsItWas() public {
        for (uint256 i = 0; i < 4; i++) {
            tree.move(i, 200, 10);
        }
        uint256[] memory before = new uint256[](8);
        for (uint256 i = 0; i < 8; i++) {
            before[i] = tree.draw(bytes32(i), 10, 1, 0);
        }
        tree.move(9, 400, 11);
        tree.move(9, 0, 11);
        for (uint256 i = 0; i < 8; i++) {
            assertEq(tree.draw(bytes32(i), 10, 1, 0), before[i], "the epoch before");
            assertEq(tree.draw(bytes32(i), 11, 1, 0), before[i], "the epoch itself");
        }
    }

    /// forge-config: default.fuzz.runs = 64
    function testFuzz_aLaterChangeDoesNotTouchAnEarlierSnapshot(bytes32 seed, uint256 position) public {
        uint256 epoch = changeAtRandom(seed);
        position = between(position, 1, HIGHEST);
        StakeModel.Line memory line = model.lineAt(epoch);
        for (uint256 member = 0; member < MEMBERS; member++) {
            tree.move(member, position, epoch + 1 + member / 4);
        }
        uint256[] memory expected = model.drawAll(line, seed, 1, 3);
        for (uint256 rank = 0; rank < 3; rank++) {
            assertEq(tree.draw(seed, epoch, 1, rank), expected[rank], "drawn");
        }
    }

    function test_aSnapshotThatIsForgottenIsRefused() public {
        for (uint256 epoch = 1; epoch < 6; epoch++) {
            tree.move(0, epoch, epoch);
        }
        assertEq(tree.draw("seed", 2, 1, 0), 1, "the oldest that is kept");
        vm.expectRevert(abi.encodeWithSelector(Versions.VersionForgotten.selector, 1));
        this.draw("seed", 1, 1, 0);
    }

    function test_ranksMembersAndEpochsOutOfRangeAreRefused() public {
        vm.expectRevert(abi.encodeWithSelector(StakeTree.RankOutOfRange.selector, 8));
        this.draw("seed", 0, 1, 8);
        vm.expectRevert(abi.encodeWithSelector(StakeTree.MemberOutOfRange.selector, type(uint32).max));
        this.move(type(uint32).max, 1, 1);
        vm.expectRevert(abi.encodeWithSelector(Versions.EpochTooLarge.selector, 1 << 32));
        this.move(0, 1, 1 << 32);
        tree.move(0, 1, 5);
        vm.expectRevert(abi.encodeWithSelector(Versions.EpochWentBack.selector, 4, 5));
        this.move(0, 2, 4);
        this.move(type(uint32).max - 1, 1, 5);
        assertEq(tree.countAtLeast(1, 9), 2, "the largest member number");
    }

    function test_sumsThatDoNotFitAreRefused() public {
        tree.move(0, 463, 1);
        vm.expectRevert(abi.encodeWithSelector(StakeTree.TreeOverflow.selector));
        this.move(1, 463, 1);
    }
}
