// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MetisToken} from "../MetisToken.sol";

/// @title Accusers: bonds, commitments, strikes
/// @notice Whoever wants to prove something pays a bond in beforehand, and commits to the proof in an earlier L1 block. So a
/// proof that turns out wrong costs something, and nobody can take one out of the queue of pending transactions and make it his.
/// @dev A commitment says who proves and what, word for word: one that was made on speculation is of use only to who had the
/// whole proof then.
abstract contract AccuserBonds {
    /// @notice L1 blocks for which a commitment is good.
    uint256 public constant COMMITMENT_BLOCKS = 1024;

    /// @notice MT.
    MetisToken public immutable token;
    /// @notice What a wrong proof costs, wei of MT.
    uint256 public immutable accuserBond;

    /// @notice What an account has paid in, wei of MT.
    mapping(address accuser => uint256) public bondOf;
    /// @notice Number of an account's proofs that turned out wrong.
    mapping(address accuser => uint256) public strikesOf;
    /// @notice L1 block of a commitment; zero: there is none, or it was used.
    mapping(bytes32 commitment => uint256) public committedAt;

    /// @notice An account paid in.
    event BondDeposited(address indexed accuser, uint256 amount);
    /// @notice An account was paid out.
    event BondWithdrawn(address indexed accuser, uint256 amount);
    /// @notice An account's proof turned out wrong: its bond went to whom it accused.
    event Struck(address indexed accuser, address indexed accused, uint256 bond, uint256 strikes);

    /// @notice The bond is below the amount.
    error BondTooSmall(address accuser, uint256 bond, uint256 amount);
    /// @notice The caller did not commit to this very call, or has used the commitment.
    error NotCommitted(bytes32 commitment);
    /// @notice The commitment is of this L1 block.
    error CommittedTooLate(uint256 committedAt);
    /// @notice The commitment is more than COMMITMENT_BLOCKS old.
    error CommitmentExpired(uint256 committedAt);

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

    /// @notice Commits to a proof. One that was made before and is still good stays as it is, so that nobody makes another's younger.
    /// @param commitment See {commitmentOf}.
    function commit(bytes32 commitment) external {
        uint256 made = committedAt[commitment];
        if (made != 0 && block.number <= made + COMMITMENT_BLOCKS) return;
        committedAt[commitment] = block.number;
    }

    /// @notice What to commit to.
    /// @param prover Who will prove.
    /// @param call Calldata of the call that proves: selector and arguments.
    /// @return keccak256(abi.encode(prover, keccak256(call))).
    function commitmentOf(address prover, bytes calldata call) external pure returns (bytes32) {
        return keccak256(abi.encode(prover, keccak256(call)));
    }

    /// @dev A call that its caller committed to, and has a bond for. Uses the commitment.
    modifier accusing() {
        uint256 bond = bondOf[msg.sender];
        if (bond < accuserBond) revert BondTooSmall(msg.sender, bond, accuserBond);
        bytes32 commitment = keccak256(abi.encode(msg.sender, keccak256(msg.data)));
        uint256 made = committedAt[commitment];
        if (made == 0) revert NotCommitted(commitment);
        if (made >= block.number) revert CommittedTooLate(made);
        if (block.number > made + COMMITMENT_BLOCKS) revert CommitmentExpired(made);
        delete committedAt[commitment];
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
