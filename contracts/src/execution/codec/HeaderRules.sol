// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Checkpoint} from "./Checkpoints.sol";
import {Header, HeaderCodec, HeaderField} from "./HeaderCodec.sol";

/// @title HeaderRules: what every field of a header has to be
/// @notice By its parent (`blockFault` of packages/roles/src/blockRules.ts, in its order), its job, its last checkpoint
/// (`rootsFault` of packages/node/src/blockRoots.ts, in its order) and the state after it. {HeaderCodec-decode} compares the
/// constants. What proves parent, job, checkpoint and storage root is the caller's.
library HeaderRules {
    /// @dev keccak256("mvm/prevrandao/1").
    bytes32 private constant RANDOMNESS_TAG = keccak256("mvm/prevrandao/1");
    /// @dev The ladder of base fees (packages/protocol/src/baseFee.ts): wei per gas of the first step, and how many there are.
    uint256 private constant MINIMUM_BASE_FEE = 10_000_000;
    uint256 private constant STEPS = 128;
    uint256 private constant TARGET_GAS = HeaderCodec.BLOCK_GAS / 2;

    /// @notice The first field that does not follow from the parent: number, parent hash, timestamp, base fee.
    /// @param header The header.
    /// @param parent Its parent. After one whose base fee is on no step, none is right: that parent is no valid block.
    /// @param tickSeconds What timestamps are multiples of.
    /// @return The field.
    function parentFault(Header memory header, Header memory parent, uint256 tickSeconds)
        internal
        pure
        returns (HeaderField)
    {
        unchecked {
            if (header.number != parent.number + 1) return HeaderField.Number;
        }
        if (header.parentHash != parent.hash) return HeaderField.ParentHash;
        if (header.timestamp <= parent.timestamp || header.timestamp % tickSeconds != 0) return HeaderField.Timestamp;
        (bool exists, uint256 fee) = nextBaseFee(parent.baseFeePerGas, parent.gasUsed);
        return exists && header.baseFeePerGas == fee ? HeaderField.None : HeaderField.BaseFeePerGas;
    }

    /// @notice Whether the randomness does not follow from the sequencer's.
    /// @param header The header.
    /// @param randomness VRF output of the block's sequencer, as its batch states it.
    /// @return The field, or none.
    function randomnessFault(Header memory header, bytes32 randomness) internal pure returns (HeaderField) {
        bool isRight = header.prevRandao == keccak256(abi.encode(RANDOMNESS_TAG, randomness));
        return isRight ? HeaderField.None : HeaderField.PrevRandao;
    }

    /// @notice The first field that is not the last checkpoint's: state root, transactions root, receipts root, gas, bloom.
    /// @param header The header.
    /// @param last The block's last checkpoint, which the caller has found under the header's checkpoints root.
    /// @return The field.
    function checkpointFault(Header memory header, Checkpoint memory last) internal pure returns (HeaderField) {
        if (header.stateRoot != last.stateRoot) return HeaderField.StateRoot;
        if (header.transactionsRoot != last.transactionsRoot) return HeaderField.TransactionsRoot;
        if (header.receiptsRoot != last.receiptsRoot) return HeaderField.ReceiptsRoot;
        uint256 gasUsed = header.gasUsed;
        if (gasUsed != last.cumulativeGasUsed || gasUsed > HeaderCodec.BLOCK_GAS) return HeaderField.GasUsed;
        return header.bloomHash == last.bloomHash ? HeaderField.None : HeaderField.LogsBloom;
    }

    /// @notice Whether the withdrawals root is not the state's.
    /// @param header The header.
    /// @param storageRoot Storage root of MVM_L2ToL1, proven under the header's state root.
    /// @return The field, or none.
    function withdrawalsFault(Header memory header, bytes32 storageRoot) internal pure returns (HeaderField) {
        return header.withdrawalsRoot == storageRoot ? HeaderField.None : HeaderField.WithdrawalsRoot;
    }

    /// @notice Base fee of the block after one.
    /// @param baseFeePerGas Of that one, wei.
    /// @param gasUsed By that one.
    /// @return exists Whether its fee is a step of the ladder.
    /// @return fee The next one's, wei.
    function nextBaseFee(uint256 baseFeePerGas, uint256 gasUsed) internal pure returns (bool exists, uint256 fee) {
        unchecked {
            uint256 below = MINIMUM_BASE_FEE;
            uint256 step = MINIMUM_BASE_FEE;
            uint256 number = 1;
            for (; step < baseFeePerGas && number < STEPS; number++) {
                below = step;
                step = step * 9 / 8;
            }
            if (step != baseFeePerGas) return (false, 0);
            if (2 * gasUsed > 3 * TARGET_GAS) return (true, number < STEPS ? step * 9 / 8 : step);
            return (true, 2 * gasUsed < TARGET_GAS ? below : step);
        }
    }
}
