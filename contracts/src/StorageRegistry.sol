// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {StakedRegistry} from "./StakedRegistry.sol";

/// @title Staked storage hosts
/// @notice Sign-up of storage hosts, who hold the DACs' state, blocks and receipts.
contract StorageRegistry is StakedRegistry {
    /// @param token_ The token of the stakes.
    /// @param parameters Limits.
    constructor(IERC20 token_, StakeParameters memory parameters) StakedRegistry(token_, parameters) {}
}
