// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MVM_DACMaster} from "./MVM_DACMaster.sol";
import {Predeploys} from "./Predeploys.sol";

/// @title MVM_TreasuryVault: MT that fall to MetisDAO
/// @notice Predeployed twice on every DAC: for the tax, and for what SELFDESTRUCT and passed-over seats would burn. The engine
/// adds to the balance without a call; by one, only MVM_FeeVault can.
contract MVM_TreasuryVault {
    /// @notice MetisDAO took MT out.
    event Swept(address indexed to, uint256 amount);

    /// @notice The caller may not do this.
    error OnlyCaller(address expected, address caller);
    /// @notice The receiver did not take the MT.
    error TransferFailed(address to);

    /// @notice Takes fees of seats that were passed over. Only MVM_FeeVault may send them.
    receive() external payable {
        if (msg.sender != Predeploys.FEE_VAULT) revert OnlyCaller(Predeploys.FEE_VAULT, msg.sender);
    }

    /// @notice Pays MT out. Only MetisDAO may call, by a message from L1.
    /// @param to Receiver.
    /// @param amount Wei of MT, at most the balance.
    function sweep(address payable to, uint256 amount) external {
        address metisDao = MVM_DACMaster(Predeploys.DAC_MASTER).metisDaoAlias();
        if (msg.sender != metisDao) revert OnlyCaller(metisDao, msg.sender);
        emit Swept(to, amount);
        (bool taken,) = to.call{value: amount}("");
        if (!taken) revert TransferFailed(to);
    }
}
