// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BatchHeader} from "./IRollupChain.sol";

/// @title What batches say of who did their blocks' jobs
interface IPostedWork {
    /// @notice The hash of a block's evidence ({WorkEvidence}), as its batch's data have it. Reverts where these are not the batch's data,
    /// or cannot be decoded.
    /// @param batch The batch.
    /// @param position The block's place in the batch, from 0.
    /// @param data The batch's data.
    /// @return The hash.
    function evidenceOf(BatchHeader calldata batch, uint256 position, bytes calldata data)
        external
        view
        returns (bytes32);
}
