// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {NetworkParameters} from "../../src/governance/NetworkParameters.sol";
import {IRandomBeacon} from "../../src/interfaces/IRandomBeacon.sol";
import {TestBeacon} from "../base/BondNeighbours.sol";
import {Test} from "../base/Test.sol";

contract NetworkParametersTest is Test {
    address private constant METIS_DAO = address(0xDA0);
    address private constant TREASURY = address(0x7EA5);
    uint64 private constant EPOCH_BLOCKS = 8;
    uint64 private constant EPOCH = 125;

    TestBeacon private beacon;
    NetworkParameters private parameters;

    function setUp() public {
        vm.roll(EPOCH * EPOCH_BLOCKS);
        beacon = new TestBeacon(EPOCH_BLOCKS);
        parameters = new NetworkParameters(IRandomBeacon(address(beacon)), METIS_DAO, values());
    }

    function values() private pure returns (NetworkParameters.Values memory) {
        return NetworkParameters.Values({
            thresholdFactor: 12_000,
            minEligible: 3,
            minimumStake: 1000 ether,
            labelFee: 5 ether,
            proverShare: 2_000,
            recordReward: 1 ether,
            treasury: TREASURY
        });
    }

    function names() private view returns (bytes32[7] memory) {
        return [
            parameters.THRESHOLD_FACTOR(),
            parameters.MIN_ELIGIBLE(),
            parameters.MINIMUM_STAKE(),
            parameters.LABEL_FEE(),
            parameters.PROVER_SHARE(),
            parameters.RECORD_REWARD(),
            parameters.TREASURY()
        ];
    }

    function inForce(uint256 index) private view returns (uint256) {
        return [
            parameters.thresholdFactor(),
            parameters.minEligible(),
            parameters.minimumStake(),
            parameters.labelFee(),
            parameters.proverShare(),
            parameters.recordReward(),
            uint160(parameters.treasury())
        ][index];
    }

    function set(bytes32 name, uint256 value) private {
        vm.prank(METIS_DAO);
        parameters.set(name, value);
    }

    function test_theFirstValuesAreInForceAtOnce() public view {
        uint256[7] memory first = [uint256(12_000), 3, 1000 ether, 5 ether, 2_000, 1 ether, uint256(uint160(TREASURY))];
        for (uint256 i = 0; i < 7; i++) {
            assertEq(inForce(i), first[i], "in force");
        }
    }

    function test_aChangeTakesEffectTwoEpochsLaterAndTouchesNoOther(uint256 which, uint256 value, uint64 blocks)
        public
    {
        which %= 7;
        bytes32 name = names()[which];
        (uint256 low, uint256 high) = parameters.boundsOf(name);
        value = between(value, low, high);
        blocks = uint64(between(blocks, 0, 5 * EPOCH_BLOCKS));
        uint256[7] memory before;
        for (uint256 i = 0; i < 7; i++) {
            before[i] = inForce(i);
        }
        vm.expectEmit(true, false, false, true, address(parameters));
        emit NetworkParameters.ParameterSet(name, value, EPOCH + 2);
        set(name, value);
        vm.roll(EPOCH * EPOCH_BLOCKS + blocks);
        if (blocks >= 2 * EPOCH_BLOCKS) before[which] = value;
        for (uint256 i = 0; i < 7; i++) {
            assertEq(inForce(i), before[i], "in force");
        }
    }

    function test_aChangeThatIsNotInForceYetIsReplaced() public {
        bytes32 name = parameters.PROVER_SHARE();
        set(name, 3_000);
        vm.roll((EPOCH + 1) * EPOCH_BLOCKS);
        set(name, 4_000);
        vm.roll((EPOCH + 2) * EPOCH_BLOCKS);
        assertEq(parameters.proverShare(), 2_000, "the first change is void");
        vm.roll((EPOCH + 3) * EPOCH_BLOCKS);
        assertEq(parameters.proverShare(), 4_000, "the second is in force");
        set(name, 1_000);
        assertEq(parameters.proverShare(), 4_000, "until the third is");
        (uint256 value, uint256 next, uint64 fromEpoch) = parameters.changeOf(name);
        assertEq(value, 4_000, "before");
        assertEq(next, 1_000, "next");
        assertEq(fromEpoch, EPOCH + 5, "from");
    }

    function test_nothingIsSetBeyondItsBounds(uint256 which, uint256 value) public {
        bytes32 name = names()[which % 7];
        (uint256 low, uint256 high) = parameters.boundsOf(name);
        value = low != 0 && value % 2 == 0 ? between(value, 0, low - 1) : between(value, high + 1, type(uint256).max);
        vm.expectRevert(abi.encodeWithSelector(NetworkParameters.OutOfBounds.selector, name, value, low, high));
        set(name, value);
    }

    function test_noNetworkBeginsBeyondTheBounds(uint256 share) public {
        share = between(share, 5_001, type(uint256).max);
        NetworkParameters.Values memory wrong = values();
        wrong.proverShare = share;
        vm.expectRevert(
            abi.encodeWithSelector(
                NetworkParameters.OutOfBounds.selector, parameters.PROVER_SHARE(), share, 1_000, 5_000
            )
        );
        new NetworkParameters(IRandomBeacon(address(beacon)), METIS_DAO, wrong);
        vm.expectRevert(abi.encodeWithSelector(NetworkParameters.ZeroMetisDao.selector));
        new NetworkParameters(IRandomBeacon(address(beacon)), address(0), values());
    }

    function test_onlyMetisDaoSets(address caller) public {
        vm.assume(caller != METIS_DAO);
        bytes32 name = parameters.PROVER_SHARE();
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(NetworkParameters.OnlyMetisDao.selector, caller));
        parameters.set(name, 3_000);
    }

    function test_noOtherParameterExists(bytes32 name) public {
        bytes32[7] memory known = names();
        for (uint256 i = 0; i < 7; i++) {
            vm.assume(name != known[i]);
        }
        vm.expectRevert(abi.encodeWithSelector(NetworkParameters.UnknownParameter.selector, name));
        set(name, 1);
    }
}
