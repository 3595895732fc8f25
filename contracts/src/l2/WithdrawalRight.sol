// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {PermissionDenied} from "../CharterRules.sol";
import {MVM_ExecutionManager} from "./MVM_ExecutionManager.sol";
import {Predeploys} from "./Predeploys.sol";

/// @title Who may move something to L1
/// @notice The one check that MVM_Coinbase and MVM_TokenBridge share.
library WithdrawalRight {
    /// @notice Pseudo-operation of a withdrawal.
    bytes1 internal constant WITHDRAW = 0xc4;

    /// @notice Reverts with PermissionDenied if the charter denies WITHDRAW to the transaction's signer.
    /// @dev The system is nobody's signer: it is the origin of what a block executes for L1 alone, exits among it, and exits
    /// are nobody's to deny.
    function requireOrigin() internal view {
        if (tx.origin == Predeploys.SYSTEM) return;
        if (MVM_ExecutionManager(Predeploys.EXECUTION_MANAGER).isDenied(WITHDRAW, tx.origin)) {
            revert PermissionDenied(WITHDRAW, tx.origin);
        }
    }
}
