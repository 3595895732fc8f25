// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Who vouches for batches
interface IVouchers {
    /// @notice Whether a committee vouched for a batch, which shortens its window to minWindow.
    /// @param batchHash Hash of the batch's header.
    /// @return True if it did.
    function isVouched(bytes32 batchHash) external view returns (bool);
}
