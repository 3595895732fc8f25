// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SequencerPool} from "../../src/election/SequencerPool.sol";
import {StakeGrid} from "../../src/election/StakeGrid.sol";
import {IBondManager} from "../../src/interfaces/IBondManager.sol";
import {BeaconTest} from "./BeaconTest.sol";

/// @notice What draws and changes cost with a number of sequencers. The pool's storage is written as so many
/// registrations would leave it, but for keys and addresses. `forge test -vvvv --match-contract Election.*Gas` shows the
/// figures; the bounds are the same for all numbers of sequencers.
abstract contract ElectionGas is BeaconTest {
    address private constant BONDS = address(0xB0);
    uint256 private constant FIRST_ACCOUNT = 0x10000;
    /// @dev Stakes of 8,192 to 47,104 MT, in three branches of the tree's second level.
    uint256 private constant FIRST_POSITION = 160;
    uint256 private constant POSITIONS = 40;
    /// @dev Slots of the pool: contracts of the storage layout.
    uint256 private constant OPERATORS = 0;
    uint256 private constant REGISTRATIONS = 1;
    uint256 private constant TREE = 3;
    uint256 private constant MEMBERS = TREE + 73 * 5;
    uint256 private constant OPERATOR_SLOTS = 4;

    SequencerPool private pool;

    event Measured(string what, uint256 sequencers, uint256 gas);

    function sequencers() internal pure virtual returns (uint256);

    function setUp() public {
        deployBeacon();
        pool = new SequencerPool(token, beacon, IBondManager(BONDS), 0);
        fill();
        for (uint256 i = 0; i < 5; i++) {
            vm.roll(block.number + EPOCH_BLOCKS);
            setStake(3, 1_000_000 ether + i * 100_000 ether);
            setStake(2, 40_000 ether - i * 4_000 ether);
        }
        vm.roll(block.number + EPOCH_BLOCKS);
    }

    function fill() private {
        uint256 epoch = beacon.currentEpoch() << 32;
        uint256[73] memory nodes;
        vm.store(address(pool), bytes32(OPERATORS), bytes32(sequencers()));
        for (uint256 i = 0; i < sequencers(); i++) {
            uint256 position = FIRST_POSITION + i % POSITIONS;
            uint256 seat = (position << 32) | (i / POSITIONS);
            uint256 weight = StakeGrid.valueOf(position);
            address account = address(uint160(FIRST_ACCOUNT + i));
            uint256 record = uint256(keccak256(abi.encode(OPERATORS))) + OPERATOR_SLOTS * i;
            vm.store(address(pool), bytes32(record), bytes32(uint256(uint160(account))));
            vm.store(address(pool), keccak256(abi.encode(account, REGISTRATIONS)), bytes32(i + 1));
            vm.store(address(pool), keccak256(abi.encode(seat, MEMBERS)), bytes32(epoch | (i + 1)));
            vm.store(address(pool), keccak256(abi.encode(i, MEMBERS + 1)), bytes32(seat));
            nodes[0] += weight << (32 * (position >> 6));
            nodes[1 + (position >> 6)] += weight << (32 * ((position >> 3) & 7));
            nodes[9 + (position >> 3)] += 1 << (32 * (position & 7));
        }
        for (uint256 i = 0; i < nodes.length; i++) {
            vm.store(address(pool), bytes32(TREE + 5 * i), bytes32(epoch >> 32));
            vm.store(address(pool), bytes32(TREE + 5 * i + 1), bytes32(nodes[i]));
        }
    }

    function setStake(uint256 index, uint256 stakeWei) private {
        vm.prank(BONDS);
        pool.setStake(address(uint160(FIRST_ACCOUNT + index)), stakeWei);
    }

    function measure(string memory what, uint256 gas, uint256 bound) private {
        emit Measured(what, sequencers(), gas);
        assertTrue(gas < bound, what);
    }

    function drawn(uint8 rank, uint256 bound) private {
        uint64 snapshot = beacon.currentEpoch() - 2;
        uint256 before = gasleft();
        address account = pool.draw("seed", snapshot, 10_000 ether, rank);
        measure("draw", before - gasleft(), bound);
        assertTrue(account != address(0), "drawn");
    }

    function test_gasOfDrawingTheLeaderHasOneBoundForAllSizes() public {
        drawn(0, 55_000);
    }

    function test_gasOfDrawingRank1HasOneBoundForAllSizes() public {
        drawn(1, 75_000);
    }

    function test_gasOfDrawingRank3HasOneBoundForAllSizes() public {
        drawn(3, 110_000);
    }

    function test_gasOfDrawingTheLastRankHasOneBoundForAllSizes() public {
        drawn(7, 180_000);
    }

    function test_gasOfAChangeOfStakeHasOneBoundForAllSizes() public {
        uint256 before = gasleft();
        setStake(3, 8_200 ether);
        measure("setStake", before - gasleft(), 160_000);
    }

    function test_gasOfCountingHasOneBoundForAllSizes() public {
        uint256 before = gasleft();
        uint256 counted = pool.countAtLeast(10_000 ether, 16);
        measure("countAtLeast", before - gasleft(), 60_000);
        assertTrue(counted > 0, "counted");
    }
}

contract Election10GasTest is ElectionGas {
    function sequencers() internal pure override returns (uint256) {
        return 10;
    }
}

contract Election1000GasTest is ElectionGas {
    function sequencers() internal pure override returns (uint256) {
        return 1_000;
    }
}

contract Election100000GasTest is ElectionGas {
    function sequencers() internal pure override returns (uint256) {
        return 100_000;
    }
}

contract RecordGasTest is BeaconTest {
    bytes private header;

    function setUp() public {
        deployBeacon();
        header = drawBlock(12_499);
        token.transfer(address(beacon), 100 ether);
    }

    function test_gasOfTakingARecord() public {
        bytes memory given = header;
        uint256 before = gasleft();
        beacon.recordEpoch(12_499, given);
        assertTrue(before - gasleft() < 150_000, "record and reward");
    }
}
