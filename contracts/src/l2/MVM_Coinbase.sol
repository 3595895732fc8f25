// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MVM_L2ToL1} from "./MVM_L2ToL1.sol";
import {Predeploys} from "./Predeploys.sol";
import {WithdrawalRight} from "./WithdrawalRight.sol";

/// @title MVM_Coinbase: the native currency of a DAC
/// @notice Predeployed on every DAC. Native balances are MT that are locked on L1. The sum of all native balances is
/// `totalSupply + withdrawn`: what was withdrawn stays on this account.
/// @dev `totalSupply` is storage slot 0: a deposit or a message (type 0x7E) credits the receiver's balance and this slot.
contract MVM_Coinbase {
    /// @notice Pseudo-operation of a withdrawal.
    bytes1 public constant WITHDRAW = WithdrawalRight.WITHDRAW;

    /// @notice Slot 0: wei of MT on this DAC.
    uint256 public totalSupply;
    /// @notice Slot 1: wei of MT that ever left this DAC.
    uint256 public withdrawn;
    /// @notice Slot 2: account on L1 to which a contract's MT are paid if the DAC ends (turns to exit for good).
    mapping(address account => address owner) public exitOwner;

    /// @notice MT left the DAC; L1 pays them out when the block is final.
    event Withdrawn(address indexed from, address indexed to, uint256 amount, bytes32 messageHash);

    /// @notice An account said who gets its MT on L1 if the DAC ends; zero: nobody any more.
    event ExitOwnerDeclared(address indexed account, address indexed owner);

    /// @notice Nothing was sent along.
    error ZeroAmount();
    /// @notice The receiver is the zero address.
    error ZeroReceiver();

    /// @notice Withdraws the MT that are sent along to L1. Reverts with PermissionDenied if the charter denies WITHDRAW to
    /// the transaction's signer; an exit from L1's queue has the system as its origin, and is asked nothing.
    /// @param to Receiver on L1.
    /// @return messageHash Hash by which L1 knows the withdrawal.
    function withdraw(address to) external payable returns (bytes32 messageHash) {
        WithdrawalRight.requireOrigin();
        if (msg.value == 0) revert ZeroAmount();
        if (to == address(0)) revert ZeroReceiver();
        totalSupply -= msg.value;
        withdrawn += msg.value;
        messageHash = MVM_L2ToL1(Predeploys.L2_TO_L1).sendWithdrawal(msg.sender, to, msg.value);
        emit Withdrawn(msg.sender, to, msg.value, messageHash);
    }

    /// @notice Says who on L1 gets the caller's MT if the DAC ends: for contracts, which nobody can be on L1. May be said
    /// again at any time; what stands in the last final block counts.
    /// @param owner Account on L1; zero takes the declaration back.
    function declareExitOwner(address owner) external {
        exitOwner[msg.sender] = owner;
        emit ExitOwnerDeclared(msg.sender, owner);
    }
}
