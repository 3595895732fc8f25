// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title DemoToken
/// @notice The ERC-20 that the testnet's users deploy on a DAC: OpenZeppelin's, with its whole supply to its deployer.
contract DemoToken is ERC20 {
    /// @param supply in the token's smallest unit
    constructor(uint256 supply) ERC20("Demo Token", "DEMO") {
        _mint(msg.sender, supply);
    }
}
