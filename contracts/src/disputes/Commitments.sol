// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Commitments to proofs
/// @notice Whoever wants to prove something commits to the proof in an earlier L1 block, so that nobody can take it out of the queue of
/// pending transactions and make it his.
/// @dev A commitment says who proves and what, word for word: one that was made on speculation is of use only to who had the
/// whole proof then.
abstract contract Commitments {
    /// @notice L1 blocks for which a commitment is good.
    uint256 public constant COMMITMENT_BLOCKS = 1024;

    /// @notice L1 block of a commitment; zero: there is none, or it was used.
    mapping(bytes32 commitment => uint256) public committedAt;

    /// @notice The caller did not commit to this very call, or has used the commitment.
    error NotCommitted(bytes32 commitment);
    /// @notice The commitment is of this L1 block.
    error CommittedTooLate(uint256 committedAt);
    /// @notice The commitment is more than COMMITMENT_BLOCKS old.
    error CommitmentExpired(uint256 committedAt);

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

    /// @dev Uses the commitment to this very call.
    function _useCommitment() internal {
        bytes32 commitment = keccak256(abi.encode(msg.sender, keccak256(msg.data)));
        uint256 made = committedAt[commitment];
        if (made == 0) revert NotCommitted(commitment);
        if (made >= block.number) revert CommittedTooLate(made);
        if (block.number > made + COMMITMENT_BLOCKS) revert CommitmentExpired(made);
        delete committedAt[commitment];
    }
}
