// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title ISliceInterpreter: what runs slices, for those who hand them in
interface ISliceInterpreter {
    /// @notice Runs a slice. Calldata are not as the ABI has them: behind the selector, in words, the environment
    /// (ReplayEnvironment, ten words), the header (SliceLayout.sol, from H_GAS_LIMIT to H_SALT), then accounts (address with
    /// flags, balance, nonce, code hash, size and place of the code: a contract of L1, or an offset among the codes; 0: not
    /// needed), the frame's own first; slots (address with flags, key, original, current), hashes of blocks (number, hash),
    /// pages (number with object and flags, 128 bytes), codes in whole words, the stack's topmost words, 32 zeros, and the
    /// frame's code to the end. What comes back is told in SliceEnd.sol. Reverts with MissingValue, UnusedEvidence,
    /// OutOfReplayGas, MalformedSlice where nothing follows.
    function run() external view;
}
