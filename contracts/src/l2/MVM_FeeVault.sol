// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {CharterRules} from "../CharterRules.sol";
import {Predeploys} from "./Predeploys.sol";

/// @title MVM_FeeVault: who earned a DAC's fees
/// @notice Predeployed on every DAC. Each block's fees are split here and claimed by those who earned them; the shares of
/// storage hosts and rangers are pooled.
contract MVM_FeeVault {
    /// @notice Providers' share of what is left after the L1 fees, a fee for each seat in equal parts; basis points.
    uint256 public constant PROVIDERS_SHARE = 5000;
    /// @notice Sequencer's share, besides the L1 fees; basis points.
    uint256 public constant SEQUENCER_SHARE = 2500;
    /// @notice Storage hosts' share; basis points.
    uint256 public constant STORAGE_SHARE = 1500;
    /// @notice Rangers' share; basis points. They get what roundings leave, too.
    uint256 public constant RANGERS_SHARE = 1000;
    /// @notice Most providers of a block.
    uint256 public constant MAX_PROVIDERS = 16;

    /// @notice Wei of MT that an account may claim.
    mapping(address account => uint256 amount) public credit;
    /// @notice Wei of MT for storage hosts.
    uint256 public storagePool;
    /// @notice Wei of MT for rangers.
    uint256 public rangerPool;

    /// @notice A block's fees were split.
    /// @param sequencer Who made the block.
    /// @param amount All fees, wei of MT.
    /// @param l1Fees The part that goes to the sequencer for posting.
    /// @param eachProvider The fee of a seat.
    /// @param burnt Fees of seats that others stood in for.
    event Settled(address indexed sequencer, uint256 amount, uint256 l1Fees, uint256 eachProvider, uint256 burnt);
    /// @notice An account took what it had earned.
    event Claimed(address indexed account, address indexed to, uint256 amount);

    /// @notice The caller may not do this.
    error OnlyCaller(address expected, address caller);
    /// @notice There are more than MAX_PROVIDERS providers, or more seated ones than there are.
    error TooManyProviders(uint256 count);
    /// @notice The account has earned nothing since its last claim.
    error NothingToClaim(address account);
    /// @notice The receiver did not take the MT.
    error TransferFailed(address to);

    /// @notice Splits a block's fees, which are sent along. Only MVM_ExecutionManager may call.
    /// @dev Reverts for no amount and no accounts. Who stands in is paid by the sequencer, while the fee of the seat is burnt: a
    /// sequencer that passes seats over for its friends has no more with them than it would have had alone.
    /// @param sequencer Who made the block.
    /// @param seated How many of the providers, the first ones, have a fee of their own; the others stand in.
    /// @param providers Who executed it, at most MAX_PROVIDERS; if nobody, their share is for the storage hosts.
    /// @param l1Fees Wei of MT of the fees for data on L1, all for the sequencer; what exceeds the amount is ignored.
    function settle(address sequencer, uint256 seated, address[] calldata providers, uint256 l1Fees) external payable {
        if (msg.sender != Predeploys.EXECUTION_MANAGER) revert OnlyCaller(Predeploys.EXECUTION_MANAGER, msg.sender);
        if (providers.length > MAX_PROVIDERS) revert TooManyProviders(providers.length);
        if (seated > providers.length) revert TooManyProviders(seated);
        if (msg.value == 0) return;
        if (l1Fees > msg.value) l1Fees = msg.value;
        uint256 rest = msg.value - l1Fees;
        uint256 forProviders = CharterRules.shareOf(rest, PROVIDERS_SHARE);
        uint256 forSequencer = CharterRules.shareOf(rest, SEQUENCER_SHARE);
        uint256 forStorage = CharterRules.shareOf(rest, STORAGE_SHARE);
        uint256 eachProvider = 0;
        if (providers.length == 0) {
            forStorage += forProviders;
            forProviders = 0;
        } else {
            eachProvider = forProviders / providers.length;
            forProviders = eachProvider * providers.length;
        }
        storagePool += forStorage;
        rangerPool += rest - forProviders - forSequencer - forStorage;

        for (uint256 i = 0; i < seated; i++) {
            credit[providers[i]] += eachProvider;
        }
        uint256 burnt = eachProvider * (providers.length - seated);
        if (burnt != 0) forSequencer -= _payStandIns(providers[seated:], eachProvider, forSequencer);
        credit[sequencer] += l1Fees + forSequencer;
        emit Settled(sequencer, msg.value, l1Fees, eachProvider, burnt);
        if (burnt != 0) {
            (bool taken,) = Predeploys.BURN_VAULT.call{value: burnt}("");
            if (!taken) revert TransferFailed(Predeploys.BURN_VAULT);
        }
    }

    /// @dev Who stands in gets the fee of a seat, or an equal part of the sequencer's share where that is less. Gives the sum.
    function _payStandIns(address[] calldata standIns, uint256 fee, uint256 share) private returns (uint256 paid) {
        uint256 each = share / standIns.length;
        if (each > fee) each = fee;
        for (uint256 i = 0; i < standIns.length; i++) {
            credit[standIns[i]] += each;
        }
        return each * standIns.length;
    }

    /// @notice Pays out all that the caller has earned.
    /// @param to Receiver.
    function claim(address payable to) external {
        uint256 amount = credit[msg.sender];
        if (amount == 0) revert NothingToClaim(msg.sender);
        credit[msg.sender] = 0;
        emit Claimed(msg.sender, to, amount);
        (bool taken,) = to.call{value: amount}("");
        if (!taken) revert TransferFailed(to);
    }
}
