// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title The beacon: randomness and L1 values of epochs
/// @notice An epoch is `epochBlocks` L1 blocks; epoch e begins with L1 block e * epochBlocks. A slot of a DAC is an epoch.
interface IRandomBeacon {
    /// @notice What L1 was at an epoch's draw block: the values that DACs take their L1 context from.
    /// @param number The draw block's number.
    /// @param timestamp Its time, in seconds.
    /// @param baseFee Its base fee, in wei per gas.
    /// @param randomness The epoch's randomness.
    struct EpochRecord {
        uint64 number;
        uint64 timestamp;
        uint64 baseFee;
        bytes32 randomness;
    }

    /// @notice An epoch's record was taken.
    event EpochRecorded(
        uint64 indexed epoch, uint64 number, bytes32 blockHash, uint64 timestamp, uint64 baseFee, bytes32 randomness
    );

    /// @notice L1 blocks of an epoch.
    /// @return The number.
    function epochBlocks() external view returns (uint64);

    /// @notice The present epoch: block.number / epochBlocks.
    /// @return The epoch.
    function currentEpoch() external view returns (uint64);

    /// @notice Takes an epoch's record from the header of its draw block, within 8,191 blocks (EIP-2935). Open to everyone.
    /// Taking a record again does nothing.
    /// @param epoch The epoch.
    /// @param header RLP of the draw block's header.
    function recordEpoch(uint64 epoch, bytes calldata header) external;

    /// @notice Whether the record was taken.
    /// @param epoch The epoch.
    /// @return True if it was.
    function isRecorded(uint64 epoch) external view returns (bool);

    /// @notice An epoch's record; reverts with EpochNotRecorded where nobody took it.
    /// @param epoch The epoch.
    /// @return The record.
    function recordOf(uint64 epoch) external view returns (EpochRecord memory);

    /// @notice An epoch's randomness; reverts with EpochNotRecorded where nobody took it.
    /// @param epoch The epoch.
    /// @return The randomness.
    function randomnessOf(uint64 epoch) external view returns (bytes32);
}
