// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MetisToken} from "../src/MetisToken.sol";
import {ProviderRegistry} from "../src/ProviderRegistry.sol";
import {StakedRegistry} from "../src/StakedRegistry.sol";
import {SeatTree} from "../src/election/SeatTree.sol";
import {NetworkTest} from "./base/NetworkTest.sol";
import {PlainToken} from "./base/TestTokens.sol";

/// @notice Properties of providers' seats. Sign-up itself: StakedRegistryTest.
contract ProviderRegistryTest is NetworkTest {
    function setUp() public {
        deployNetwork();
    }

    function accountOf(uint256 i) private pure returns (address) {
        return address(uint160(0x10000 + i));
    }

    function epoch() private view returns (uint64) {
        return uint64(block.number / EPOCH_BLOCKS);
    }

    function leafOf(uint256 index) private view returns (uint256) {
        StakedRegistry.Operator memory own = providerRegistry.operatorAt(index);
        return SeatTree.leafOf(
            SeatTree.Seated(uint32(index), own.account, keccak256(own.blsPublicKey), uint32(own.stake / 1 ether))
        );
    }

    /// @dev The root over a line of leaves, level by level.
    function rootOver(uint256[] memory leaves) private pure returns (uint256) {
        uint256[] memory level = new uint256[](SeatTree.PLACES);
        for (uint256 i = 0; i < leaves.length; i++) {
            level[i] = leaves[i];
        }
        for (uint256 width = SeatTree.PLACES / 2; width > 0; width /= 2) {
            for (uint256 i = 0; i < width; i++) {
                level[i] = SeatTree.nodeOf(level[2 * i], level[2 * i + 1]);
            }
        }
        return level[0];
    }

    function test_registeringTakesASeatByStakeInWholeMT() public {
        uint256 stake = MIN_STAKE + 7.9 ether;
        token.transfer(accountOf(0), stake);
        vm.prank(accountOf(0));
        token.approve(address(providerRegistry), stake);
        StakedRegistry.Registration memory own = registrationOf(providerRegistry, accountOf(0));
        vm.expectEmit(true, false, false, true, address(providerRegistry));
        emit ProviderRegistry.SeatTaken(0, 0, uint32(MIN_STAKE / 1 ether + 7));
        vm.prank(accountOf(0));
        providerRegistry.register(own, stake);
        registerOperator(providerRegistry, accountOf(1), MIN_STAKE);
        uint256[] memory leaves = new uint256[](2);
        (leaves[0], leaves[1]) = (leafOf(0), leafOf(1));
        uint256 root = providerRegistry.seatRootAt(epoch());
        assertEq(root, rootOver(leaves), "root");
        assertEq(SeatTree.weightOf(root), 2 * MIN_STAKE / 1 ether + 7, "total");
    }

    function test_whoLeavesGivesItsPlaceToTheNextAndPastEpochsKeepIt() public {
        registerOperator(providerRegistry, accountOf(0), MIN_STAKE);
        registerOperator(providerRegistry, accountOf(1), MIN_STAKE);
        (uint64 first, uint256 before) = (epoch(), providerRegistry.seatRootAt(epoch()));
        vm.roll(block.number + EPOCH_BLOCKS);
        vm.expectEmit(true, false, false, true, address(providerRegistry));
        emit ProviderRegistry.SeatTaken(0, 0, 0);
        vm.prank(accountOf(0));
        providerRegistry.requestExit();
        uint256[] memory leaves = new uint256[](2);
        leaves[1] = leafOf(1);
        assertEq(providerRegistry.seatRootAt(epoch()), rootOver(leaves), "left at once");
        vm.roll(block.number + EPOCH_BLOCKS);
        registerOperator(providerRegistry, accountOf(2), MIN_STAKE);
        leaves[0] = leafOf(2);
        assertEq(providerRegistry.seatRootAt(epoch()), rootOver(leaves), "the free place");
        assertEq(providerRegistry.seatRootAt(first), before, "past");
        assertEq(providerRegistry.seatRootAt(first - 1), 0, "before everybody");
    }

    function test_stakesThatCannotBeDrawnAreRefused() public {
        StakedRegistry.StakeParameters memory stake = StakedRegistry.StakeParameters(1 ether - 1, UNBONDING, 10);
        vm.expectRevert(abi.encodeWithSelector(ProviderRegistry.MinimumBelowOne.selector, 1 ether - 1));
        new ProviderRegistry(token, stake, beacon, parameters, court);
        stake.minimumStake = 1 ether;
        uint256 supply = 2 ** 32 * 1 ether;
        PlainToken large = new PlainToken("Large", "LARGE");
        large.mint(address(this), supply);
        vm.expectRevert(abi.encodeWithSelector(ProviderRegistry.SupplyTooLarge.selector, supply));
        new ProviderRegistry(MetisToken(address(large)), stake, beacon, parameters, court);
    }
}
