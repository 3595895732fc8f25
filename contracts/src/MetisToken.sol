// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {ERC20Votes} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Votes.sol";
import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";
import {Time} from "@openzeppelin/contracts/utils/types/Time.sol";

/// @title Metis Token (MT)
/// @notice The money of the network: stakes and bonds on L1, the native currency of every DAC once it is deposited, the
/// votes of MetisDAO once an account has delegated them, be it to itself.
/// @dev ERC-20 with EIP-2612 permit and ERC-5805 votes, counted in seconds. The supply is given at construction: nobody can
/// mint or pause, everybody can burn what is theirs. MT that are staked or locked for a DAC do not vote.
contract MetisToken is ERC20, ERC20Permit, ERC20Votes {
    /// @notice Largest supply in wei of MT: whole MT fit 32 bits, which stakes and thresholds count in.
    uint256 public constant MAX_SUPPLY = (2 ** 32 - 1) * 1 ether;

    /// @notice The supply is above MAX_SUPPLY.
    error SupplyTooLarge(uint256 supply);

    /// @notice Mints the whole supply, once.
    /// @param holder Receives the supply.
    /// @param supply The supply in wei of MT (18 decimals), at most MAX_SUPPLY.
    constructor(address holder, uint256 supply) ERC20("Metis Token", "MT") ERC20Permit("Metis Token") {
        if (supply > MAX_SUPPLY) revert SupplyTooLarge(supply);
        _mint(holder, supply);
    }

    /// @notice Takes MT of the caller out of the supply for good.
    /// @param amount Wei of MT.
    function burn(uint256 amount) external {
        _burn(msg.sender, amount);
    }

    /// @notice Number of permits and delegations that an account has signed.
    /// @param owner The account.
    /// @return The next one's nonce.
    function nonces(address owner) public view override(ERC20Permit, Nonces) returns (uint256) {
        return super.nonces(owner);
    }

    /// @notice Time of votes (ERC-6372): seconds, as everything that people wait for on L1 is counted.
    /// @return Seconds.
    function clock() public view override returns (uint48) {
        return Time.timestamp();
    }

    /// @notice What {clock} counts (ERC-6372).
    /// @return Its name.
    function CLOCK_MODE() public pure override returns (string memory) {
        return "mode=timestamp";
    }

    function _update(address from, address to, uint256 value) internal override(ERC20, ERC20Votes) {
        super._update(from, to, value);
    }
}
