// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {INetworkParameters} from "../interfaces/INetworkParameters.sol";
import {IRandomBeacon} from "../interfaces/IRandomBeacon.sol";

/// @title Parameters that MetisDAO may set, each within fixed bounds
/// @notice A change is known two epochs before it takes effect. Until then, another change of the same parameter takes its
/// place. This is all that MetisDAO can change in the network's contracts on L1.
contract NetworkParameters is INetworkParameters {
    /// @notice Values to begin with, each within its bounds.
    /// @param thresholdFactor Basis points.
    /// @param minEligible Number of sequencers.
    /// @param minimumStake Wei of MT.
    /// @param labelFee Wei of MT.
    /// @param proverShare Basis points.
    /// @param recordReward Wei of MT.
    /// @param treasury An account.
    struct Values {
        uint256 thresholdFactor;
        uint256 minEligible;
        uint256 minimumStake;
        uint256 labelFee;
        uint256 proverShare;
        uint256 recordReward;
        address treasury;
    }

    /// @dev The value in force is `next` from epoch `fromEpoch` on, if that is not zero, and `value` before.
    struct Setting {
        uint160 value;
        uint64 fromEpoch;
        uint160 next;
    }

    /// @notice Name of the Dynamic Bond Threshold's factor: 10,000 to 100,000 basis points.
    bytes32 public constant THRESHOLD_FACTOR = "thresholdFactor";
    /// @notice Name of the number of sequencers that have to qualify for a deposit: 1 to 16.
    bytes32 public constant MIN_ELIGIBLE = "minEligible";
    /// @notice Name of the smallest own stake of a sequencer: 1 to 1,000,000 MT.
    bytes32 public constant MINIMUM_STAKE = "minimumStake";
    /// @notice Name of a label's price: 0 to 100,000 MT.
    bytes32 public constant LABEL_FEE = "labelFee";
    /// @notice Name of the prover's share of a slashed stake: 1,000 to 5,000 basis points.
    bytes32 public constant PROVER_SHARE = "proverShare";
    /// @notice Name of what an epoch's record is paid with: 0 to 100 MT.
    bytes32 public constant RECORD_REWARD = "recordReward";
    /// @notice Name of the treasury: any account but zero.
    bytes32 public constant TREASURY = "treasury";
    /// @notice Epochs between a change and its effect.
    uint64 public constant NOTICE_EPOCHS = 2;

    /// @notice MetisDAO's timelock: the only account that sets parameters.
    address public immutable metisDao;
    /// @notice L1 blocks of an epoch.
    uint64 public immutable epochBlocks;

    mapping(bytes32 name => Setting) private _settings;

    /// @notice A parameter has another value from an epoch on.
    /// @param name The parameter.
    /// @param value The value, in the parameter's own unit.
    /// @param fromEpoch The first epoch with it.
    event ParameterSet(bytes32 indexed name, uint256 value, uint64 fromEpoch);

    /// @notice The caller is not MetisDAO's timelock.
    error OnlyMetisDao(address caller);
    /// @notice No parameter has this name.
    error UnknownParameter(bytes32 name);
    /// @notice The value is outside of the parameter's bounds.
    error OutOfBounds(bytes32 name, uint256 value, uint256 low, uint256 high);
    /// @notice MetisDAO is the zero address.
    error ZeroMetisDao();

    /// @param beacon Epochs; deployed already.
    /// @param metisDao_ MetisDAO's timelock, not zero.
    /// @param values Values to begin with, in force at once.
    constructor(IRandomBeacon beacon, address metisDao_, Values memory values) {
        if (metisDao_ == address(0)) revert ZeroMetisDao();
        metisDao = metisDao_;
        epochBlocks = beacon.epochBlocks();
        _begin(THRESHOLD_FACTOR, values.thresholdFactor);
        _begin(MIN_ELIGIBLE, values.minEligible);
        _begin(MINIMUM_STAKE, values.minimumStake);
        _begin(LABEL_FEE, values.labelFee);
        _begin(PROVER_SHARE, values.proverShare);
        _begin(RECORD_REWARD, values.recordReward);
        _begin(TREASURY, uint160(values.treasury));
    }

    /// @notice Sets a parameter from two epochs later on. Only MetisDAO's timelock may call.
    /// @param name One of the names above.
    /// @param value The value, within the parameter's bounds, in the parameter's own unit.
    function set(bytes32 name, uint256 value) external {
        if (msg.sender != metisDao) revert OnlyMetisDao(msg.sender);
        _requireBounds(name, value);
        Setting storage setting = _settings[name];
        setting.value = uint160(_valueOf(name));
        setting.fromEpoch = _epoch() + NOTICE_EPOCHS;
        setting.next = uint160(value);
        emit ParameterSet(name, value, setting.fromEpoch);
    }

    /// @notice The last change of a parameter, whether it is in force or not.
    /// @param name The parameter.
    /// @return value The value before it.
    /// @return next The value from `fromEpoch` on.
    /// @return fromEpoch Epoch of its effect; zero if the parameter was never changed.
    function changeOf(bytes32 name) external view returns (uint256 value, uint256 next, uint64 fromEpoch) {
        Setting memory setting = _settings[name];
        return (setting.value, setting.next, setting.fromEpoch);
    }

    /// @inheritdoc INetworkParameters
    function thresholdFactor() external view returns (uint256) {
        return _valueOf(THRESHOLD_FACTOR);
    }

    /// @inheritdoc INetworkParameters
    function minEligible() external view returns (uint256) {
        return _valueOf(MIN_ELIGIBLE);
    }

    /// @inheritdoc INetworkParameters
    function minimumStake() external view returns (uint256) {
        return _valueOf(MINIMUM_STAKE);
    }

    /// @inheritdoc INetworkParameters
    function labelFee() external view returns (uint256) {
        return _valueOf(LABEL_FEE);
    }

    /// @inheritdoc INetworkParameters
    function proverShare() external view returns (uint256) {
        return _valueOf(PROVER_SHARE);
    }

    /// @inheritdoc INetworkParameters
    function recordReward() external view returns (uint256) {
        return _valueOf(RECORD_REWARD);
    }

    /// @inheritdoc INetworkParameters
    function treasury() external view returns (address) {
        return address(uint160(_valueOf(TREASURY)));
    }

    /// @notice Bounds of a parameter, both included.
    /// @param name The parameter; reverts for an unknown one.
    /// @return low Smallest value.
    /// @return high Largest value.
    function boundsOf(bytes32 name) public pure returns (uint256 low, uint256 high) {
        if (name == THRESHOLD_FACTOR) return (10_000, 100_000);
        if (name == MIN_ELIGIBLE) return (1, 16);
        if (name == MINIMUM_STAKE) return (1 ether, 1_000_000 ether);
        if (name == LABEL_FEE) return (0, 100_000 ether);
        if (name == PROVER_SHARE) return (1_000, 5_000);
        if (name == RECORD_REWARD) return (0, 100 ether);
        if (name == TREASURY) return (1, type(uint160).max);
        revert UnknownParameter(name);
    }

    function _begin(bytes32 name, uint256 value) private {
        _requireBounds(name, value);
        _settings[name].value = uint160(value);
        emit ParameterSet(name, value, _epoch());
    }

    function _requireBounds(bytes32 name, uint256 value) private pure {
        (uint256 low, uint256 high) = boundsOf(name);
        if (value < low || value > high) revert OutOfBounds(name, value, low, high);
    }

    function _valueOf(bytes32 name) private view returns (uint256) {
        Setting storage setting = _settings[name];
        uint64 fromEpoch = setting.fromEpoch;
        return fromEpoch == 0 || _epoch() < fromEpoch ? setting.value : setting.next;
    }

    function _epoch() private view returns (uint64) {
        return uint64(block.number) / epochBlocks;
    }
}
