// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {INetworkParameters} from "../interfaces/INetworkParameters.sol";
import {IRandomBeacon} from "../interfaces/IRandomBeacon.sol";
import {L1Header} from "../proofs/L1Header.sol";

/// @title The beacon: randomness and L1 values of epochs
/// @notice Epoch e is drawn by L1 block e * epochBlocks - epochBlocks / 4, a quarter of an epoch before it begins: its
/// randomness is keccak256(keccak256("mvm/beacon/1") || e || prevRandao of that block). No epoch depends on another one's
/// record. Who takes a record first gets the reward of INetworkParameters out of the MT that this contract holds.
contract RandomBeacon is IRandomBeacon {
    using SafeERC20 for IERC20;

    /// @notice Contract that tells the hashes of the last 8,191 blocks and reverts for others (EIP-2935).
    address public constant BLOCK_HASHES = 0x0000F90827F1C53a10cb7A02335B175320002935;
    /// @notice Fewest L1 blocks of an epoch: the draw block has to lie before it.
    uint64 public constant MIN_EPOCH_BLOCKS = 4;
    /// @notice Most L1 blocks of an epoch: its draw block's hash has to be told until the epoch is over.
    uint64 public constant MAX_EPOCH_BLOCKS = 4096;
    bytes32 private constant TAG = keccak256("mvm/beacon/1");

    /// @notice The token of the rewards.
    IERC20 public immutable token;
    /// @notice Where the reward is set.
    INetworkParameters public immutable parameters;
    /// @inheritdoc IRandomBeacon
    uint64 public immutable epochBlocks;

    mapping(uint64 epoch => EpochRecord record) private _records;

    /// @notice Who took a record was paid for it.
    event RecordRewarded(uint64 indexed epoch, address indexed recorder, uint256 reward);

    /// @notice An epoch of fewer than MIN_EPOCH_BLOCKS or more than MAX_EPOCH_BLOCKS blocks.
    error InvalidEpochBlocks(uint64 epochBlocks);
    /// @notice Nobody took the epoch's record.
    error EpochNotRecorded(uint64 epoch);
    /// @notice The epoch's draw block is not known yet (epoch 0 has none).
    error EpochNotDrawn(uint64 epoch);
    /// @notice The draw block's hash is not to be had any more.
    error EpochTooOld(uint64 epoch);
    /// @notice The header is not the draw block's.
    error WrongHeader(uint64 epoch);

    /// @param token_ The token of the rewards.
    /// @param parameters_ Where the reward is set.
    /// @param epochBlocks_ L1 blocks of an epoch, MIN_EPOCH_BLOCKS to MAX_EPOCH_BLOCKS.
    constructor(IERC20 token_, INetworkParameters parameters_, uint64 epochBlocks_) {
        if (epochBlocks_ < MIN_EPOCH_BLOCKS || epochBlocks_ > MAX_EPOCH_BLOCKS) {
            revert InvalidEpochBlocks(epochBlocks_);
        }
        token = token_;
        parameters = parameters_;
        epochBlocks = epochBlocks_;
    }

    /// @inheritdoc IRandomBeacon
    function recordEpoch(uint64 epoch, bytes calldata header) external {
        if (isRecorded(epoch)) return;
        bytes32 blockHash = _drawBlockHash(epoch);
        if (keccak256(header) != blockHash) revert WrongHeader(epoch);
        L1Header.Fields memory fields = L1Header.decode(header);
        uint64 baseFee = fields.baseFeePerGas > type(uint64).max ? type(uint64).max : uint64(fields.baseFeePerGas);
        bytes32 randomness = keccak256(abi.encodePacked(TAG, uint256(epoch), fields.prevRandao));
        _records[epoch] = EpochRecord(fields.number, fields.timestamp, baseFee, randomness);
        emit EpochRecorded(epoch, fields.number, blockHash, fields.timestamp, baseFee, randomness);
        _reward(epoch);
    }

    /// @inheritdoc IRandomBeacon
    function currentEpoch() external view returns (uint64) {
        return uint64(block.number / epochBlocks);
    }

    /// @inheritdoc IRandomBeacon
    function isRecorded(uint64 epoch) public view returns (bool) {
        return _records[epoch].number != 0;
    }

    /// @inheritdoc IRandomBeacon
    function recordOf(uint64 epoch) external view returns (EpochRecord memory) {
        if (!isRecorded(epoch)) revert EpochNotRecorded(epoch);
        return _records[epoch];
    }

    /// @inheritdoc IRandomBeacon
    function randomnessOf(uint64 epoch) external view returns (bytes32) {
        if (!isRecorded(epoch)) revert EpochNotRecorded(epoch);
        return _records[epoch].randomness;
    }

    /// @notice An epoch's draw block.
    /// @param epoch The epoch, from 1 on.
    /// @return Its number.
    function drawBlockOf(uint64 epoch) public view returns (uint256) {
        if (epoch == 0) revert EpochNotDrawn(epoch);
        return uint256(epoch) * epochBlocks - epochBlocks / 4;
    }

    function _drawBlockHash(uint64 epoch) private view returns (bytes32) {
        uint256 number = drawBlockOf(epoch);
        if (number >= block.number) revert EpochNotDrawn(epoch);
        (bool told, bytes memory answer) = BLOCK_HASHES.staticcall(abi.encode(number));
        bytes32 blockHash = told && answer.length == 32 ? bytes32(answer) : bytes32(0);
        if (blockHash == 0) revert EpochTooOld(epoch);
        return blockHash;
    }

    /// @dev As much of the reward as is there.
    function _reward(uint64 epoch) private {
        uint256 reward = Math.min(parameters.recordReward(), token.balanceOf(address(this)));
        if (reward == 0) return;
        emit RecordRewarded(epoch, msg.sender, reward);
        token.safeTransfer(msg.sender, reward);
    }
}
