// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {RandomBeacon} from "../../src/election/RandomBeacon.sol";
import {IRandomBeacon} from "../../src/interfaces/IRandomBeacon.sol";
import {Rlp} from "../../src/proofs/Rlp.sol";
import {BeaconTest} from "./BeaconTest.sol";
import {L1HeaderBuilder} from "./L1HeaderBuilder.sol";

contract RandomBeaconTest is BeaconTest {
    /// @dev Epoch of the present block; its own draw block and the next one's are past.
    uint64 private constant EPOCH = 12_500;
    address private constant RECORDER = address(0xA11CE);

    function setUp() public {
        deployBeacon();
        vm.roll(EPOCH * EPOCH_BLOCKS + 7);
    }

    function testFuzz_aRecordHoldsTheDrawBlocksValuesAndHashedRandomness(
        uint64 timestamp,
        uint64 baseFee,
        bytes32 prevRandao
    ) public {
        uint64 number = EPOCH * EPOCH_BLOCKS - 2;
        bytes memory header = pastBlock(L1HeaderBuilder.Values(number, timestamp, baseFee, prevRandao));
        bytes32 randomness = keccak256(bytes.concat(keccak256("mvm/beacon/1"), bytes32(uint256(EPOCH)), prevRandao));
        vm.expectEmit(true, true, true, true, address(beacon));
        emit IRandomBeacon.EpochRecorded(EPOCH, number, keccak256(header), timestamp, baseFee, randomness);
        beacon.recordEpoch(EPOCH, header);
        IRandomBeacon.EpochRecord memory record = beacon.recordOf(EPOCH);
        assertEq(record.number, number, "number");
        assertEq(record.timestamp, timestamp, "timestamp");
        assertEq(record.baseFee, baseFee, "base fee");
        assertEq(record.randomness, randomness, "randomness");
        assertEq(beacon.randomnessOf(EPOCH), randomness, "randomness alone");
        assertTrue(beacon.isRecorded(EPOCH), "recorded");
    }

    function test_aBaseFeeBeyond64BitsIsTakenAsTheLargest() public {
        uint256 number = beacon.drawBlockOf(EPOCH);
        beacon.recordEpoch(EPOCH, pastBlock(L1HeaderBuilder.Values(number, 1, 1 << 64, keccak256("randao"))));
        assertEq(beacon.recordOf(EPOCH).baseFee, type(uint64).max, "base fee");
    }

    function test_theRewardIsPaidOncePerRecordAsFarAsThereIsAny() public {
        token.transfer(address(beacon), 1.5 ether);
        for (uint64 epoch = EPOCH - 2; epoch <= EPOCH; epoch++) {
            bytes memory header = drawBlock(epoch);
            vm.prank(RECORDER);
            beacon.recordEpoch(epoch, header);
            vm.prank(RECORDER);
            beacon.recordEpoch(epoch, header);
            assertEq(token.balanceOf(RECORDER), epoch == EPOCH - 2 ? 1 ether : 1.5 ether, "paid");
        }
        assertTrue(beacon.isRecorded(EPOCH), "recorded without reward");
    }

    function test_takingARecordAgainChangesNothingWhateverTheHeader() public {
        beacon.recordEpoch(EPOCH, drawBlock(EPOCH));
        bytes32 randomness = beacon.randomnessOf(EPOCH);
        uint256 number = beacon.drawBlockOf(EPOCH);
        beacon.recordEpoch(EPOCH, pastBlock(L1HeaderBuilder.Values(number, 1, 1, keccak256("another"))));
        beacon.recordEpoch(EPOCH, "");
        assertEq(beacon.randomnessOf(EPOCH), randomness, "as it was");
    }

    function testFuzz_anyOtherHeaderIsRefused(uint256 place, uint8 flip) public {
        bytes memory header = drawBlock(EPOCH);
        place = between(place, 0, header.length - 1);
        header[place] ^= bytes1(uint8(between(flip, 1, 255)));
        vm.expectRevert(abi.encodeWithSelector(RandomBeacon.WrongHeader.selector, EPOCH));
        beacon.recordEpoch(EPOCH, header);
        vm.expectRevert(abi.encodeWithSelector(RandomBeacon.WrongHeader.selector, EPOCH));
        beacon.recordEpoch(EPOCH, "");
    }

    function testFuzz_aHeaderRecordsNoOtherEpoch(uint64 other) public {
        drawBlock(EPOCH);
        other = uint64(between(other, EPOCH - 900, EPOCH - 1));
        bytes memory header = drawBlock(other);
        vm.expectRevert(abi.encodeWithSelector(RandomBeacon.WrongHeader.selector, EPOCH));
        beacon.recordEpoch(EPOCH, header);
    }

    function test_anEpochCanBeRecordedFromTheBlockAfterItsDrawBlockOn() public {
        uint256 number = beacon.drawBlockOf(EPOCH);
        bytes memory header = drawBlock(EPOCH);
        vm.roll(number);
        vm.expectRevert(abi.encodeWithSelector(RandomBeacon.EpochNotDrawn.selector, EPOCH));
        beacon.recordEpoch(EPOCH, header);
        vm.roll(number + 1);
        beacon.recordEpoch(EPOCH, header);
        assertTrue(number < uint256(EPOCH) * EPOCH_BLOCKS, "before the epoch begins");
    }

    function test_anEpochCanBeRecordedFor8191Blocks() public {
        uint256 number = beacon.drawBlockOf(EPOCH);
        bytes memory header = drawBlock(EPOCH);
        vm.roll(number + 8192);
        vm.expectRevert(abi.encodeWithSelector(RandomBeacon.EpochTooOld.selector, EPOCH));
        beacon.recordEpoch(EPOCH, header);
        vm.roll(number + 8191);
        beacon.recordEpoch(EPOCH, header);
    }

    function test_epochsWithoutADrawBlockAreRefused() public {
        vm.expectRevert(abi.encodeWithSelector(RandomBeacon.EpochNotDrawn.selector, 0));
        beacon.recordEpoch(0, "");
        vm.expectRevert(abi.encodeWithSelector(RandomBeacon.EpochNotDrawn.selector, type(uint64).max));
        beacon.recordEpoch(type(uint64).max, "");
    }

    function test_withoutEip2935NothingIsRecorded() public {
        bytes memory header = drawBlock(EPOCH);
        vm.etch(BLOCK_HASHES, "");
        vm.expectRevert(abi.encodeWithSelector(RandomBeacon.EpochTooOld.selector, EPOCH));
        beacon.recordEpoch(EPOCH, header);
        vm.etch(BLOCK_HASHES, BLOCK_HASHES_CODE);
        vm.store(BLOCK_HASHES, bytes32(beacon.drawBlockOf(EPOCH) % 8191), 0);
        vm.expectRevert(abi.encodeWithSelector(RandomBeacon.EpochTooOld.selector, EPOCH));
        beacon.recordEpoch(EPOCH, header);
    }

    function testFuzz_bytesThatAreNoHeaderAreRefusedEvenWithTheRightHash(bytes memory junk) public {
        vm.store(BLOCK_HASHES, bytes32(beacon.drawBlockOf(EPOCH) % 8191), keccak256(junk));
        (bool recorded, bytes memory answer) =
            address(beacon).call(abi.encodeCall(RandomBeacon.recordEpoch, (EPOCH, junk)));
        assertTrue(!recorded && bytes4(answer) == Rlp.MalformedRlp.selector, "refused");
    }

    function test_whatWasNotRecordedIsNotTold() public {
        vm.expectRevert(abi.encodeWithSelector(RandomBeacon.EpochNotRecorded.selector, EPOCH));
        beacon.recordOf(EPOCH);
        vm.expectRevert(abi.encodeWithSelector(RandomBeacon.EpochNotRecorded.selector, EPOCH));
        beacon.randomnessOf(EPOCH);
    }

    function testFuzz_theDrawBlockLiesAQuarterOfAnEpochBeforeIt(uint64 epochBlocks, uint32 epoch) public {
        epochBlocks = uint64(between(epochBlocks, 4, 4096));
        epoch = uint32(between(epoch, 1, type(uint32).max));
        RandomBeacon other = new RandomBeacon(token, parameters, epochBlocks);
        assertEq(other.drawBlockOf(epoch), uint256(epoch) * epochBlocks - epochBlocks / 4, "draw block");
        vm.roll(uint256(epoch) * epochBlocks);
        assertEq(other.currentEpoch(), epoch, "first block");
        vm.roll(uint256(epoch) * epochBlocks - 1);
        assertEq(other.currentEpoch(), epoch - 1, "the block before");
    }

    function test_epochsTooShortOrTooLongAreRefused() public {
        vm.expectRevert(abi.encodeWithSelector(RandomBeacon.InvalidEpochBlocks.selector, 3));
        new RandomBeacon(token, parameters, 3);
        vm.expectRevert(abi.encodeWithSelector(RandomBeacon.InvalidEpochBlocks.selector, 4097));
        new RandomBeacon(token, parameters, 4097);
    }
}
