// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title MVM_Coinbase: the native currency of a DAC
/// @notice Predeployed on every DAC. Native balances are MT that are locked on L1; their sum is kept here.
/// @dev `totalSupply` is storage slot 0: a deposit transaction (type 0x7E) credits the receiver's balance and this slot.
/// No call to this contract changes it. Withdrawals are not part of it yet.
contract MVM_Coinbase {
    /// @notice Wei of MT on this DAC.
    uint256 public totalSupply;
}
