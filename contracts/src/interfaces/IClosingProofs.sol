// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Tally} from "../disputes/derivation/BlockTallies.sol";

/// @title Proofs about what a block's settle takes from all its transactions, which ClosingVerifier judges
/// @notice A proof is the calldata of one of these functions: {IFraudVerifier-judge} takes it. No contract has them by themselves.
interface IClosingProofs {
    /// @notice All transactions of a block, which end in settle.
    /// @param position The block's place in the batch, from 0.
    /// @param before What {ClosingVerifier-tally} has counted of them; of no transactions where all are handed in here.
    /// @param transactions The rest of them, at least settle: of each its length in two bytes, then its encoding.
    /// @param siblings Of the block's word in transactionsRoot.
    struct ClosingProof {
        uint256 position;
        Tally before;
        bytes transactions;
        bytes32[] siblings;
    }

    /// @notice Settle has other L1 fees, or hands other addresses to the address table, than follow from the block's transactions.
    /// @param proof Which.
    /// @return isFraud Whether it is wrong.
    /// @return place What the proof is about.
    function closing(ClosingProof calldata proof) external view returns (bool isFraud, uint256 place);
}
