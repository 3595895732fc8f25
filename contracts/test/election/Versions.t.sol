// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Versions} from "../../src/election/Versions.sol";
import {Test} from "../base/Test.sol";

contract VersionsTest is Test {
    uint256 private constant EPOCHS = 40;

    function valueAt(uint256 word, uint256 epoch) external pure returns (uint32) {
        return Versions.at(word, epoch);
    }

    function changed(uint256 word, uint256 epoch, uint32 value) external pure returns (uint256) {
        return Versions.set(word, epoch, value);
    }

    function testFuzz_theLastFourEpochsAreExactAfterAnyChanges(bytes32 seed) public pure {
        uint32[EPOCHS] memory values;
        uint256 word;
        for (uint256 epoch = 0; epoch < EPOCHS; epoch++) {
            if (epoch > 0) values[epoch] = values[epoch - 1];
            uint256 random = uint256(keccak256(abi.encode(seed, epoch)));
            for (uint256 change = 0; change < random % 3; change++) {
                values[epoch] = uint32(random >> (32 * change + 32));
                word = Versions.set(word, epoch, values[epoch]);
            }
            assertEq(Versions.latest(word), values[epoch], "latest");
            for (uint256 back = 0; back < 4 && back <= epoch; back++) {
                assertEq(Versions.at(word, epoch - back), values[epoch - back], "at");
            }
        }
    }

    function testFuzz_aNumberThatNeverChangedIsZero(uint256 epoch) public pure {
        assertEq(Versions.at(0, epoch), 0, "zero");
    }

    function testFuzz_whatIsForgottenIsRefusedAndNotGuessed(uint32 first) public {
        first = uint32(between(first, 1, type(uint32).max - 4));
        uint256 word;
        for (uint32 i = 0; i < 4; i++) {
            word = Versions.set(word, uint256(first) + i, 7 + i);
        }
        vm.expectRevert(abi.encodeWithSelector(Versions.VersionForgotten.selector, uint256(first) - 1));
        this.valueAt(word, uint256(first) - 1);
        assertEq(Versions.at(word, first), 7, "the oldest that is kept");
        assertEq(Versions.at(word, type(uint256).max), 10, "from the newest on");
    }

    function testFuzz_epochsThatGoBackOrDoNotFitAreRefused(uint32 newest, uint256 epoch) public {
        newest = uint32(between(newest, 1, type(uint32).max));
        uint256 word = Versions.set(0, newest, 1);
        uint256 earlier = between(epoch, 0, newest - 1);
        vm.expectRevert(abi.encodeWithSelector(Versions.EpochWentBack.selector, earlier, newest));
        this.changed(word, earlier, 2);
        uint256 large = between(epoch, 1 << 32, type(uint256).max);
        vm.expectRevert(abi.encodeWithSelector(Versions.EpochTooLarge.selector, large));
        this.changed(word, large, 2);
    }
}
