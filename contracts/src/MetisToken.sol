// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

/// @title Metis Token (MT)
/// @notice The money of the network: stakes and bonds on L1, the native currency of every DAC once it is deposited.
/// @dev ERC-20 with EIP-2612 permit. The supply is fixed at construction: nobody can mint, burn or pause.
contract MetisToken is ERC20, ERC20Permit {
    /// @notice Mints the whole supply, once.
    /// @param holder Receives the supply.
    /// @param supply The supply in wei of MT (18 decimals).
    constructor(address holder, uint256 supply) ERC20("Metis Token", "MT") ERC20Permit("Metis Token") {
        _mint(holder, supply);
    }
}
