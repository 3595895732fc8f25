// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MetisToken} from "../MetisToken.sol";
import {Commitments} from "./Commitments.sol";

/// @title Accusers: bonds, commitments, strikes
/// @notice Whoever wants to prove something pays a bond in beforehand, and commits to the proof in an earlier L1 block. So a
/// proof that turns out wrong costs something, and nobody can take one out of the queue of pending transactions and make it his.
abstract contract AccuserBonds is Commitments {
    /// @notice MT.
    MetisToken public immutable token;
    /// @notice What a wrong proof costs, wei of MT.
    uint256 public immutable accuserBond;

    /// @notice What an account has paid in, wei of MT.
    mapping(address accuser => uint256) public bondOf;
    /// @notice Number of an account's proofs that turned out wrong.
    mapping(address accuser => uint256) public strikesOf;

    /// @notice An account paid in.
    event BondDeposited(address indexed accuser, uint256 amount);
    /// @notice An account was paid out.
    event BondWithdrawn(address indexed accuser, uint256 amount);
    /// @notice An account's proof turned out wrong: its bond went to whom it accused.
    event Struck(address indexed accuser, address indexed accused, uint256 bond, uint256 strikes);

    /// @notice The bond is below the amount.
    error BondTooSmall(address accuser, uint256 bond, uint256 amount);

    /// @param token_ MT.
    /// @param accuserBond_ What a wrong proof costs, wei of MT.
    constructor(MetisToken token_, uint256 accuserBond_) {
        token = token_;
        accuserBond = accuserBond_;
    }

    /// @notice Pays in MT that the caller has approved.
    /// @param amount Wei of MT.
    function deposit(uint256 amount) external {
        bondOf[msg.sender] += amount;
        emit BondDeposited(msg.sender, amount);
        token.transferFrom(msg.sender, address(this), amount);
    }

    /// @notice Pays the caller out.
    /// @param amount Wei of MT.
    function withdraw(uint256 amount) external {
        uint256 bond = bondOf[msg.sender];
        if (bond < amount) revert BondTooSmall(msg.sender, bond, amount);
        bondOf[msg.sender] = bond - amount;
        emit BondWithdrawn(msg.sender, amount);
        token.transfer(msg.sender, amount);
    }

    /// @dev A call that its caller committed to, and has a bond for. Uses the commitment.
    modifier accusing() {
        uint256 bond = bondOf[msg.sender];
        if (bond < accuserBond) revert BondTooSmall(msg.sender, bond, accuserBond);
        _useCommitment();
        _;
    }

    /// @dev The caller's proof was wrong.
    function _strike(address accused) internal {
        uint256 strikes = ++strikesOf[msg.sender];
        bondOf[msg.sender] -= accuserBond;
        emit Struck(msg.sender, accused, accuserBond, strikes);
        token.transfer(accused, accuserBond);
    }
}
