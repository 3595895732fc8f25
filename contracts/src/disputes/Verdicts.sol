// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Verdicts of the contracts that proofs are put to
library Verdicts {
    /// @dev Most bytes of a reason that are passed on.
    uint256 private constant REASON_BYTES = 260;

    /// @notice There was no verdict: the contract reverted for this reason (its first 260 bytes), or gave no answer.
    error NoVerdict(bytes reason);

    /// @dev The first word that a contract answers, as a truth value. A call that ran out of gas, or reverted for whatever
    /// reason, is no verdict; nor is one that gave no answer of at least `size` bytes, or another word. Of what comes back no
    /// more is copied than is read; the rest of the answer may be read with returndatacopy.
    function ask(address callee, bytes memory input, uint256 size) internal view returns (bool) {
        requireAnswer(callee, input, size);
        uint256 verdict;
        assembly ("memory-safe") {
            returndatacopy(0, 0, 32)
            verdict := mload(0)
        }
        if (verdict > 1) revert NoVerdict(_reason());
        return verdict == 1;
    }

    /// @dev Asks a contract, whose answer is read with returndatacopy; reverts unless it has at least `size` bytes.
    function requireAnswer(address callee, bytes memory input, uint256 size) internal view {
        bool answered;
        assembly ("memory-safe") {
            answered := staticcall(gas(), callee, add(input, 32), mload(input), 0, 0)
            answered := and(answered, iszero(lt(returndatasize(), size)))
        }
        if (!answered) revert NoVerdict(_reason());
    }

    /// @dev Reverts with NoVerdict for what the last call said.
    function refuse() internal pure {
        revert NoVerdict(_reason());
    }

    function _reason() private pure returns (bytes memory reason) {
        assembly ("memory-safe") {
            let size := returndatasize()
            if gt(size, REASON_BYTES) { size := REASON_BYTES }
            reason := mload(0x40)
            mstore(reason, size)
            returndatacopy(add(reason, 32), 0, size)
            mstore(0x40, and(add(add(reason, size), 63), not(31)))
        }
    }
}
