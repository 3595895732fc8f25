// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Sequencers: sign-up, and draws by stake
/// @notice A sequencer's *effective stake* is its stake rounded down to whole MT and then to five significant bits
/// (StakeGrid); draws weigh by it, and a threshold is rounded up to the same grid. A change of stake in epoch x counts in
/// draws whose snapshot is x or later; draws for epoch e take snapshot e - 2.
interface ISequencerPool {
    /// @notice A sequencer's stake changed, as draws see it.
    /// @param index Registry index.
    /// @param grid Position on the grid of effective stakes; 0: not drawn.
    /// @param stakeWei The stake in wei of MT; 0 if it may not be drawn.
    event StakeChanged(uint256 indexed index, uint16 grid, uint256 stakeWei);

    /// @notice Says what stake a sequencer has. Only BondManager may call.
    /// @param sequencer A registered sequencer.
    /// @param stakeWei Its stake in wei of MT; 0 takes it out of the draws.
    function setStake(address sequencer, uint256 stakeWei) external;

    /// @notice The sequencer of a rank, drawn without replacement, each with a chance in proportion to its effective stake,
    /// among those whose effective stake in the snapshot reaches the threshold.
    /// @param seed Randomness; for slots keccak256(keccak256("mvm/slot/1") || randomness || chainId || slot).
    /// @param snapshot Epoch whose close the draw looks at: the present one or one of the three before.
    /// @param thresholdWei Smallest stake, wei of MT.
    /// @param rank 0 for the leader, below MAX_RANKS.
    /// @return The sequencer's account; zero if fewer qualify.
    function draw(bytes32 seed, uint64 snapshot, uint256 thresholdWei, uint8 rank) external view returns (address);

    /// @notice Number of sequencers whose effective stake as it stands now reaches the threshold, counted up to a limit.
    /// @param thresholdWei Smallest stake, wei of MT.
    /// @param limit Where to stop counting, at most 64.
    /// @return The number, at most `limit`.
    function countAtLeast(uint256 thresholdWei, uint256 limit) external view returns (uint256);

    /// @notice Whether an account is a registered sequencer that neither left nor was convicted.
    /// @param sequencer The account.
    /// @return True if it is.
    function isActive(address sequencer) external view returns (bool);

    /// @notice Takes a convicted sequencer out of the draws for good. Open to everyone; to eject again does nothing. Reverts for
    /// who was not convicted.
    /// @param sequencer A registered sequencer.
    function eject(address sequencer) external;
}
