// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Bonds of sequencers, and the Dynamic Bond Threshold of every DAC
/// @notice DBT(chain) = MT locked for the chain * factor, rounded up to whole MT.
interface IBondManager {
    /// @notice A DAC's threshold changed.
    /// @param chainId Identifier of the DAC's chain.
    /// @param thresholdMT The threshold in whole MT.
    event ThresholdChanged(uint256 indexed chainId, uint32 thresholdMT);

    /// @notice Takes a new sequencer's first stake from it. Only SequencerPool may call.
    /// @param sequencer The sequencer, which has approved the amount to this contract.
    /// @param amount Wei of MT, at least the minimum stake.
    function enrol(address sequencer, uint256 amount) external;

    /// @notice Starts a sequencer's way out: it is not drawn any more. Only SequencerPool may call.
    /// @param sequencer The sequencer.
    function retire(address sequencer) external;

    /// @notice Tells how much MT is locked for a DAC now; keeps its threshold. Only L1Bridge may call.
    /// @param chainId Identifier of the DAC's chain.
    /// @param lockedWei Wei of MT, held deposits not counted.
    function setLocked(uint256 chainId, uint256 lockedWei) external;

    /// @notice Whether a DAC would have at least `minEligible` sequencers with so much MT locked for it, as stakes are now.
    /// @param lockedWei Wei of MT.
    /// @return True if it would.
    function admits(uint256 lockedWei) external view returns (bool);

    /// @notice A DAC's threshold as of the close of an epoch.
    /// @param chainId Identifier of the DAC's chain.
    /// @param snapshot The epoch: the present one or one of the three before.
    /// @return Wei of MT.
    function thresholdAt(uint256 chainId, uint64 snapshot) external view returns (uint256);

    /// @notice The present period of locks, for a sequencer that may take locks: one that it took in a period stands until
    /// the period's end at the least, for as long as this is not zero.
    /// @param sequencer The sequencer.
    /// @return Number of the period, from 1 on; zero where {lock} reverts with WrongStatus.
    function lockPeriodOf(address sequencer) external view returns (uint256);

    /// @notice Locks a sequencer's stake for a DAC until `maxWindow` from now at the least; keeps the largest of the
    /// amounts that were locked in that time. Reverts with InsufficientBond where stake minus locks on other chains is
    /// less than the amount. Only RollupChain may call.
    /// @param chainId Identifier of the DAC's chain.
    /// @param sequencer The sequencer.
    /// @param amount Wei of MT: the DAC's threshold in the slot's snapshot.
    function lock(uint256 chainId, address sequencer, uint256 amount) external;

    /// @notice Whether a sequencer was convicted: it takes no lock any more, and may be ejected from the draws.
    /// @param sequencer The sequencer.
    /// @return True if it was.
    function isConvicted(address sequencer) external view returns (bool);

    /// @notice Slashes a convicted sequencer by max(its lock on the DAC, amount), at most what its locks on other chains
    /// leave of its stake; bars it for good (who is drawn all the same is told by ISequencerPool.eject), freezes the rest of its stake for maxWindow, gives the prover its share, at most half
    /// of what the sequencer's own shares lose; what is left is nobody's, and anyone may burn it. Only RollupChain may call.
    /// @param chainId Identifier of the DAC's chain.
    /// @param sequencer The sequencer.
    /// @param amount Wei of MT: the DAC's threshold in the snapshot of the convicted batch's slot.
    /// @param prover Who gets the prover's share.
    /// @return slashed Wei of MT taken.
    function slash(uint256 chainId, address sequencer, uint256 amount, address prover)
        external
        returns (uint256 slashed);

    /// @notice Takes at most an amount of a sequencer's own stake, without ejecting it, and nothing that its locks on other chains
    /// need; where it has to be, the chain's lock is cut. Gives the prover its share and burns the rest. What its own shares that
    /// are not on their way out do not cover is owed by those that are, and burnt when they are paid. Only RollupChain may call.
    /// @param chainId Identifier of the DAC's chain.
    /// @param sequencer The sequencer.
    /// @param amount Wei of MT.
    /// @param prover Who gets the prover's share.
    /// @return fined Wei of MT taken at once.
    function fine(uint256 chainId, address sequencer, uint256 amount, address prover) external returns (uint256 fined);

    /// @notice Locks what is locked of a sequencer's stake for a DAC now until `maxWindow` from now at the least. Only
    /// RollupChain may call.
    /// @param chainId Identifier of the DAC's chain.
    /// @param sequencer The sequencer.
    function renewLock(uint256 chainId, address sequencer) external;
}
