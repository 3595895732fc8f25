// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Governor} from "@openzeppelin/contracts/governance/Governor.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {GovernorCountingSimple} from "@openzeppelin/contracts/governance/extensions/GovernorCountingSimple.sol";
import {GovernorSettings} from "@openzeppelin/contracts/governance/extensions/GovernorSettings.sol";
import {GovernorTimelockControl} from "@openzeppelin/contracts/governance/extensions/GovernorTimelockControl.sol";
import {GovernorVotes} from "@openzeppelin/contracts/governance/extensions/GovernorVotes.sol";
import {
    GovernorVotesQuorumFraction
} from "@openzeppelin/contracts/governance/extensions/GovernorVotesQuorumFraction.sol";
import {MetisToken} from "../MetisToken.sol";

/// @title MetisDAO: the holders of MT decide by vote
/// @notice Whoever has enough votes proposes calls, the majority of a quorum decides, a timelock makes them: the timelock is
/// what other contracts know as MetisDAO. This contract alone proposes to it and cancels, anybody executes, nobody
/// administrates it. All that it can do in the network is to set {NetworkParameters} within their bounds, to set tax rates
/// and treasuries of DACs by messages through L1Bridge, and to spend the treasury that it holds.
/// @dev The timelock is deployed before, with the address that this contract will have as its only proposer, address zero
/// as executor and no admin, so that no step and no right is left over. Votes are those of MT as of the vote's begin: what
/// was borrowed for a moment does not count.
contract MetisDAO is
    Governor,
    GovernorSettings,
    GovernorCountingSimple,
    GovernorVotes,
    GovernorVotesQuorumFraction,
    GovernorTimelockControl
{
    /// @notice Settings to begin with; a decision may change the first four within the same bounds.
    /// @param votingDelay Seconds from a proposal to the vote, 1 to MAX_VOTING_DELAY.
    /// @param votingPeriod Seconds of a vote, MIN_VOTING_PERIOD to MAX_VOTING_PERIOD.
    /// @param proposalThreshold Votes that a proposer must have, wei of MT, at most MAX_PROPOSAL_THRESHOLD.
    /// @param quorumPercent Percent of the supply that must vote for a proposal or abstain, 1 to MAX_QUORUM_PERCENT.
    struct Settings {
        uint48 votingDelay;
        uint32 votingPeriod;
        uint256 proposalThreshold;
        uint256 quorumPercent;
    }

    /// @notice Longest time from a proposal to the vote, in seconds.
    uint256 public constant MAX_VOTING_DELAY = 30 days;
    /// @notice Shortest vote, in seconds.
    uint256 public constant MIN_VOTING_PERIOD = 10 seconds;
    /// @notice Longest vote, in seconds.
    uint256 public constant MAX_VOTING_PERIOD = 60 days;
    /// @notice Most votes that a proposer may have to have, wei of MT.
    uint256 public constant MAX_PROPOSAL_THRESHOLD = 1_000_000 ether;
    /// @notice Largest quorum, percent.
    uint256 public constant MAX_QUORUM_PERCENT = 50;
    /// @notice Longest delay of the timelock at construction, in seconds; the shortest is one second.
    uint256 public constant MAX_TIMELOCK_DELAY = 60 days;

    /// @notice A setting is outside of its bounds.
    error SettingOutOfBounds(uint256 value, uint256 low, uint256 high);
    /// @notice The timelock would not obey this contract, would obey the deployer, does not let everybody execute, or has no
    /// or too long a delay.
    error UnfitTimelock(TimelockController timelock);
    /// @notice Other contracts know MetisDAO by its timelock: it does not change.
    error TimelockIsFixed();

    /// @param token_ MT.
    /// @param timelock_ Who makes the calls that were decided.
    /// @param settings Settings to begin with.
    constructor(MetisToken token_, TimelockController timelock_, Settings memory settings)
        Governor("MetisDAO")
        GovernorSettings(settings.votingDelay, settings.votingPeriod, settings.proposalThreshold)
        GovernorVotes(token_)
        GovernorVotesQuorumFraction(settings.quorumPercent)
        GovernorTimelockControl(timelock_)
    {
        uint256 delay = timelock_.getMinDelay();
        if (
            !timelock_.hasRole(timelock_.PROPOSER_ROLE(), address(this))
                || !timelock_.hasRole(timelock_.CANCELLER_ROLE(), address(this))
                || !timelock_.hasRole(timelock_.EXECUTOR_ROLE(), address(0))
                || timelock_.hasRole(timelock_.DEFAULT_ADMIN_ROLE(), msg.sender) || delay == 0
                || delay > MAX_TIMELOCK_DELAY
        ) revert UnfitTimelock(timelock_);
    }

    /// @notice Refuses: the timelock does not change.
    function updateTimelock(TimelockController) public pure override {
        revert TimelockIsFixed();
    }

    /// @notice Where a proposal stands.
    /// @param proposalId The proposal.
    /// @return Its state, with what the timelock knows of it.
    function state(uint256 proposalId) public view override(Governor, GovernorTimelockControl) returns (ProposalState) {
        return super.state(proposalId);
    }

    /// @notice Whether a proposal that was accepted waits in the timelock.
    /// @param proposalId The proposal.
    /// @return True.
    function proposalNeedsQueuing(uint256 proposalId)
        public
        view
        override(Governor, GovernorTimelockControl)
        returns (bool)
    {
        return super.proposalNeedsQueuing(proposalId);
    }

    /// @notice Votes that a proposer must have.
    /// @return Wei of MT.
    function proposalThreshold() public view override(Governor, GovernorSettings) returns (uint256) {
        return super.proposalThreshold();
    }

    function _setVotingDelay(uint48 value) internal override {
        _requireBounds(value, 1, MAX_VOTING_DELAY);
        super._setVotingDelay(value);
    }

    function _setVotingPeriod(uint32 value) internal override {
        _requireBounds(value, MIN_VOTING_PERIOD, MAX_VOTING_PERIOD);
        super._setVotingPeriod(value);
    }

    function _setProposalThreshold(uint256 value) internal override {
        _requireBounds(value, 0, MAX_PROPOSAL_THRESHOLD);
        super._setProposalThreshold(value);
    }

    function _updateQuorumNumerator(uint256 value) internal override {
        _requireBounds(value, 1, MAX_QUORUM_PERCENT);
        super._updateQuorumNumerator(value);
    }

    function _queueOperations(
        uint256 proposalId,
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockControl) returns (uint48) {
        return super._queueOperations(proposalId, targets, values, calldatas, descriptionHash);
    }

    function _executeOperations(
        uint256 proposalId,
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockControl) {
        super._executeOperations(proposalId, targets, values, calldatas, descriptionHash);
    }

    function _cancel(
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockControl) returns (uint256) {
        return super._cancel(targets, values, calldatas, descriptionHash);
    }

    function _executor() internal view override(Governor, GovernorTimelockControl) returns (address) {
        return super._executor();
    }

    function _requireBounds(uint256 value, uint256 low, uint256 high) private pure {
        if (value < low || value > high) revert SettingOutOfBounds(value, low, high);
    }
}
