// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Parameters that MetisDAO may set, each within fixed bounds
/// @notice A change takes effect two epochs after it was made.
interface INetworkParameters {
    /// @notice Factor of the Dynamic Bond Threshold, in basis points: 10,000 to 100,000.
    function thresholdFactor() external view returns (uint256);
    /// @notice Sequencers that have to qualify for a DAC before a deposit may raise its threshold: 1 to 16.
    function minEligible() external view returns (uint256);
    /// @notice Smallest stake of a sequencer of its own, wei of MT.
    function minimumStake() external view returns (uint256);
    /// @notice What a DAC's label costs, wei of MT, for the treasury.
    function labelFee() external view returns (uint256);
    /// @notice Share of a slashed stake that the prover gets, in basis points: 1,000 to 5,000; the rest is burnt.
    function proverShare() external view returns (uint256);
    /// @notice MT for who takes an epoch's record, wei, as long as the beacon has any.
    function recordReward() external view returns (uint256);
    /// @notice MetisDAO's treasury.
    function treasury() external view returns (address);
}
