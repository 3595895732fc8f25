// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BatchHeader} from "./IRollupChain.sol";

/// @title What judges one kind of fraud proofs
interface IFraudVerifier {
    /// @notice Judges whether something of a batch is wrong. Reverts where the proof shows neither that it is nor that it is not:
    /// it lacks something, has too much, or is of another batch. Whether the batch was posted and stands is asked elsewhere.
    /// @param batch The batch.
    /// @param proof Whatever the verifier says that it takes.
    /// @return isFraud Whether it is wrong. False costs who asked its bond.
    /// @return place What the proof is about: number of the block << 16 | place of the transaction.
    function judge(BatchHeader calldata batch, bytes calldata proof) external view returns (bool isFraud, uint256 place);
}
