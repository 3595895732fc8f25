// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {INetworkParameters} from "../../src/interfaces/INetworkParameters.sol";

/// @notice Parameters that a test sets at once and without bounds.
contract TestParameters is INetworkParameters {
    uint256 public thresholdFactor = 10_000;
    uint256 public minEligible = 2;
    uint256 public minimumStake = 1000 ether;
    uint256 public labelFee;
    uint256 public proverShare = 5_000;
    uint256 public recordReward;
    address public treasury = address(0x7EA5);

    function setThresholdFactor(uint256 value) external {
        thresholdFactor = value;
    }

    function setMinEligible(uint256 value) external {
        minEligible = value;
    }

    function setMinimumStake(uint256 value) external {
        minimumStake = value;
    }

    function setLabelFee(uint256 value) external {
        labelFee = value;
    }

    function setProverShare(uint256 value) external {
        proverShare = value;
    }
}
