// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Checkpoint} from "../execution/codec/Checkpoints.sol";

/// @notice What a replay needs of the block; proven by the caller.
/// @param chainId Identifier of the DAC's chain.
/// @param number Of the block.
/// @param timestamp Seconds since 1970.
/// @param baseFee Wei of MT per gas.
/// @param prevRandao Randomness that the block's transactions see.
/// @param parentHash Hash of the parent.
struct BlockFacts {
    uint256 chainId;
    uint256 number;
    uint256 timestamp;
    uint256 baseFee;
    bytes32 prevRandao;
    bytes32 parentHash;
}

/// @title Replays of single transactions, from checkpoint to checkpoint
interface ICheckpointReplay {
    /// @notice Executes transaction `index` of a block on the state after the checkpoint before it. Reverts where there is no
    /// verdict: evidence that lacks something or has too much of it, too little gas, a transaction that needs slices.
    /// @param facts Of the block.
    /// @param index Position of the transaction in the block.
    /// @param before The checkpoint before; for index 0 {Checkpoints-beforeFirst} of the parent's state root.
    /// @param transaction The encoded transaction.
    /// @param evidence abi.encode(Evidence), see CheckpointReplay.
    /// @return isValid Whether the transaction may stand in a block at that place.
    /// @return afterwards The checkpoint after it; of no meaning where it may not.
    function replay(
        BlockFacts calldata facts,
        uint256 index,
        Checkpoint calldata before,
        bytes calldata transaction,
        bytes calldata evidence
    ) external view returns (bool isValid, Checkpoint memory afterwards);

    /// @notice Whether a transaction does not lead to a checkpoint that is claimed to stand after it, or may not stand in the
    /// block at all. It is said as soon as it shows, in the order gas, receipt, bloom, state root, transactions root, receipts
    /// root: evidence for what comes later is too much then. Reverts as {replay}.
    /// @param facts Of the block.
    /// @param before The checkpoint before, as {replay} takes it.
    /// @param transaction The encoded transaction.
    /// @param evidence As {replay} takes it.
    /// @param claimed The checkpoint; its index is the transaction's position.
    /// @return isWrong Whether it is another one.
    function differs(
        BlockFacts calldata facts,
        Checkpoint calldata before,
        bytes calldata transaction,
        bytes calldata evidence,
        Checkpoint calldata claimed
    ) external view returns (bool isWrong);
}
