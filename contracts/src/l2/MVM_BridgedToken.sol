// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "solady/tokens/ERC20.sol";
import {Predeploys} from "./Predeploys.sol";

/// @title MVM_BridgedToken: an L1 token's twin on a DAC
/// @notice ERC-20 with permit (EIP-2612), one for each L1 token, made by MVM_TokenBridge, which alone mints and burns.
/// What the L1 token does in its transfers, fees or rebasing among it, its twin does not do.
/// @dev The constructor takes nothing, so that the address follows from the L1 token alone.
contract MVM_BridgedToken is ERC20 {
    /// @notice The token on L1.
    address public l1Token;
    uint8 private _decimals;
    string private _name;
    string private _symbol;

    /// @notice The caller may not do this.
    error OnlyCaller(address expected, address caller);

    modifier onlyBridge() {
        if (msg.sender != Predeploys.TOKEN_BRIDGE) revert OnlyCaller(Predeploys.TOKEN_BRIDGE, msg.sender);
        _;
    }

    /// @notice Says what the twin stands for. Only MVM_TokenBridge may call, which does so as it makes the twin.
    /// @param l1Token_ The token on L1.
    /// @param name_ Its name; what a token calls itself says nothing about what it is.
    /// @param symbol_ Its symbol.
    /// @param decimals_ Its decimals.
    function initialize(address l1Token_, string calldata name_, string calldata symbol_, uint8 decimals_)
        external
        onlyBridge
    {
        l1Token = l1Token_;
        _name = name_;
        _symbol = symbol_;
        _decimals = decimals_;
    }

    /// @notice Mints. Only MVM_TokenBridge may call.
    /// @param to Receiver.
    /// @param amount Smallest units.
    function mint(address to, uint256 amount) external onlyBridge {
        _mint(to, amount);
    }

    /// @notice Burns, without an allowance: MVM_TokenBridge, which alone may call, burns its own caller's.
    /// @param from Holder.
    /// @param amount Smallest units, at most the holder's balance.
    function burn(address from, uint256 amount) external onlyBridge {
        _burn(from, amount);
    }

    /// @inheritdoc ERC20
    function name() public view override returns (string memory) {
        return _name;
    }

    /// @inheritdoc ERC20
    function symbol() public view override returns (string memory) {
        return _symbol;
    }

    /// @inheritdoc ERC20
    function decimals() public view override returns (uint8) {
        return _decimals;
    }

    /// @dev Nobody has an allowance that the holder did not give.
    function _givePermit2InfiniteAllowance() internal pure override returns (bool) {
        return false;
    }
}
