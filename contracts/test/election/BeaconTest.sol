// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {RandomBeacon} from "../../src/election/RandomBeacon.sol";
import {INetworkParameters} from "../../src/interfaces/INetworkParameters.sol";
import {MetisToken} from "../../src/MetisToken.sol";
import {Test} from "../base/Test.sol";
import {L1HeaderBuilder} from "./L1HeaderBuilder.sol";

/// @notice Parameters of which only the reward is asked.
contract RewardParameters is INetworkParameters {
    uint256 public recordReward = 1 ether;
    uint256 public constant thresholdFactor = 10_000;
    uint256 public constant minEligible = 3;
    uint256 public constant minimumStake = 1000 ether;
    uint256 public constant labelFee = 0;
    uint256 public constant proverShare = 5000;
    address public constant treasury = address(0xDA0);
}

/// @notice A token, parameters and a beacon. EIP-2935's contract has its real code; its storage, which L1 writes at the
/// start of each block, is written by the test: the hash of block n stands in slot n % 8191.
abstract contract BeaconTest is Test {
    uint64 internal constant EPOCH_BLOCKS = 8;
    uint256 internal constant SUPPLY = 1e9 ether;
    address internal constant BLOCK_HASHES = L1HeaderBuilder.BLOCK_HASHES;
    bytes internal constant BLOCK_HASHES_CODE = L1HeaderBuilder.BLOCK_HASHES_CODE;

    MetisToken internal token;
    INetworkParameters internal parameters;
    RandomBeacon internal beacon;

    function deployBeacon() internal {
        vm.roll(100_000);
        vm.etch(BLOCK_HASHES, BLOCK_HASHES_CODE);
        token = new MetisToken(address(this), SUPPLY);
        parameters = new RewardParameters();
        beacon = new RandomBeacon(token, parameters, EPOCH_BLOCKS);
    }

    /// @dev The header of a block that L1 then had.
    function pastBlock(L1HeaderBuilder.Values memory values) internal returns (bytes memory header) {
        header = L1HeaderBuilder.build(values);
        vm.store(BLOCK_HASHES, bytes32(values.number % 8191), keccak256(header));
    }

    function drawBlock(uint64 epoch) internal returns (bytes memory header) {
        uint256 number = beacon.drawBlockOf(epoch);
        return pastBlock(L1HeaderBuilder.Values(number, 12 * number, 1 gwei, keccak256(abi.encode("randao", number))));
    }
}
