// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {CharterTerms} from "./CharterTerms.sol";
import {L2Transaction} from "./TransactionCodec.sol";

/// @notice Why a decoded transaction may not stand in a block, as InvalidReason of packages/protocol/src/execution.ts and in
/// its order. Two of them never arise from what {TransactionCodec} decodes: it refuses other types, and empty authorisations.
/// @param None It may.
/// @param NonceTooLow Below the sender's.
/// @param NonceTooHigh Above the sender's.
/// @param InsufficientFunds The sender cannot pay for gas, value, tax and L1 fee.
/// @param FeeBelowBaseFee It offers less than the block's base fee.
/// @param TipAboveFee Its tip is above its whole fee.
/// @param IntrinsicGas Its gas limit is below what it costs before it runs.
/// @param GasLimitAboveBlock Its gas limit is above what the block has left.
/// @param GasLimitAboveCap Its gas limit is above a transaction's (EIP-7825).
/// @param SenderHasCode Its sender is a contract (EIP-3607).
/// @param InitcodeTooLarge EIP-3860.
/// @param NonceOverflow EIP-2681.
/// @param TypeNotSupported Never given.
/// @param EmptyAuthorizations Never given.
/// @param Denied The charter does not let its signer send transactions.
enum InvalidReason {
    None,
    NonceTooLow,
    NonceTooHigh,
    InsufficientFunds,
    FeeBelowBaseFee,
    TipAboveFee,
    IntrinsicGas,
    GasLimitAboveBlock,
    GasLimitAboveCap,
    SenderHasCode,
    InitcodeTooLarge,
    NonceOverflow,
    TypeNotSupported,
    EmptyAuthorizations,
    Denied
}

/// @title TransactionValidity: whether a decoded transaction may stand in a block
/// @notice As packages/evm/src/validity.ts: first what shows without state, then against the sender's nonce and code, then
/// against the charter and the balance. The first reason found is the reason.
library TransactionValidity {
    /// @dev EIP-7825.
    uint256 internal constant TRANSACTION_GAS_CAP = 16_777_216;
    /// @dev EIP-3860.
    uint256 private constant MAX_INITCODE_LENGTH = 49_152;
    /// @dev EIP-2681: the last nonce that a transaction may not have.
    uint256 private constant NONCE_BOUND = type(uint64).max;

    /// @notice The faults that show without any state.
    /// @param transaction A decoded transaction.
    /// @param charge Its intrinsic gas ({TransactionGas-intrinsicOf}).
    /// @param floor Its calldata floor.
    /// @param baseFeePerGas Of the block, wei.
    /// @param blockGasLeft Gas that the block has left.
    /// @return The first of them.
    function formFault(
        L2Transaction memory transaction,
        uint256 charge,
        uint256 floor,
        uint256 baseFeePerGas,
        uint256 blockGasLeft
    ) internal pure returns (InvalidReason) {
        uint256 gasLimit = transaction.gasLimit;
        if (gasLimit > TRANSACTION_GAS_CAP) return InvalidReason.GasLimitAboveCap;
        if (gasLimit > blockGasLeft) return InvalidReason.GasLimitAboveBlock;
        if (gasLimit < charge || gasLimit < floor) return InvalidReason.IntrinsicGas;
        unchecked {
            if (transaction.isCreation && transaction.dataEnd - transaction.dataStart > MAX_INITCODE_LENGTH) {
                return InvalidReason.InitcodeTooLarge;
            }
        }
        if (transaction.maxPriorityFeePerGas > transaction.maxFeePerGas) return InvalidReason.TipAboveFee;
        if (transaction.maxFeePerGas < baseFeePerGas) return InvalidReason.FeeBelowBaseFee;
        return InvalidReason.None;
    }

    /// @notice The faults against the sender's account, funds aside.
    /// @param transaction A decoded transaction.
    /// @param nonce The sender's nonce.
    /// @param hasCode Whether the sender has code other than an EIP-7702 delegation.
    /// @return The first of them.
    function senderFault(L2Transaction memory transaction, uint256 nonce, bool hasCode)
        internal
        pure
        returns (InvalidReason)
    {
        if (nonce >= NONCE_BOUND) return InvalidReason.NonceOverflow;
        if (transaction.nonce < nonce) return InvalidReason.NonceTooLow;
        if (transaction.nonce > nonce) return InvalidReason.NonceTooHigh;
        return hasCode ? InvalidReason.SenderHasCode : InvalidReason.None;
    }

    /// @notice The faults against what the charter says, and whether the sender can pay for all.
    /// @param transaction A decoded transaction.
    /// @param denied Opcodes that the sender is denied ({CharterTerms-deniedOf}).
    /// @param balance The sender's balance, wei.
    /// @param tax On the transaction's value, wei ({CharterTerms-taxOf}).
    /// @param l1Fee For its bytes, wei ({TransactionGas-l1FeeOf}); 0 for a forced one.
    /// @return The first of them.
    function termsFault(L2Transaction memory transaction, uint256 denied, uint256 balance, uint256 tax, uint256 l1Fee)
        internal
        pure
        returns (InvalidReason)
    {
        if (CharterTerms.deniesTransactions(denied)) return InvalidReason.Denied;
        unchecked {
            // A sum beyond 2^256 is beyond every balance: so it is taken from the balance, part by part.
            uint256 fee = transaction.maxFeePerGas;
            uint256 gasLimit = transaction.gasLimit;
            if (gasLimit != 0 && fee > balance / gasLimit) return InvalidReason.InsufficientFunds;
            balance -= fee * gasLimit;
            if (balance < transaction.value) return InvalidReason.InsufficientFunds;
            balance -= transaction.value;
            if (balance < tax || balance - tax < l1Fee) return InvalidReason.InsufficientFunds;
        }
        return InvalidReason.None;
    }

    /// @notice What the sender of a valid transaction pays for a unit of gas.
    /// @param transaction The transaction.
    /// @param baseFeePerGas Of the block, wei, at most the transaction's fee.
    /// @return Wei per gas.
    function gasPriceOf(L2Transaction memory transaction, uint256 baseFeePerGas) internal pure returns (uint256) {
        unchecked {
            uint256 most = transaction.maxFeePerGas - baseFeePerGas;
            uint256 tip = transaction.maxPriorityFeePerGas;
            return baseFeePerGas + (tip < most ? tip : most);
        }
    }
}
