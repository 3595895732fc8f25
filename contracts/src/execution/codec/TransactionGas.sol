// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Rlp} from "../../proofs/Rlp.sol";
import {L2Transaction} from "./TransactionCodec.sol";

/// @title TransactionGas: what a transaction costs before it runs
/// @notice As packages/evm/src/intrinsic.ts has it at the rules of a DAC (EIP-2028, 2930, 3860, 7623, 7702), and
/// packages/protocol/src/l1Fee.ts.
library TransactionGas {
    uint256 private constant TRANSFER_GAS = 21_000;
    uint256 private constant CREATE_GAS = 32_000;
    uint256 private constant TOKEN_GAS = 4;
    uint256 private constant FLOOR_TOKEN_GAS = 10;
    uint256 private constant INITCODE_WORD_GAS = 2;
    uint256 private constant ACCESS_ADDRESS_GAS = 2_400;
    uint256 private constant ACCESS_SLOT_GAS = 1_900;
    uint256 private constant AUTHORIZATION_GAS = 25_000;
    /// @dev L1 gas of a token in posted data: EIP-7623's floor, which data and little else pays.
    uint256 private constant L1_TOKEN_GAS = 10;

    /// @notice Tokens of EIP-7623: one for a zero byte, four for any other.
    /// @param transaction A decoded transaction.
    /// @param raw What it was decoded from.
    /// @return dataTokens Those of its calldata or initcode.
    /// @return rawTokens Those of its whole encoding.
    function tokensOf(L2Transaction memory transaction, bytes calldata raw)
        internal
        pure
        returns (uint256 dataTokens, uint256 rawTokens)
    {
        (uint256 start, uint256 end) = Rlp.range(raw);
        dataTokens = tokensIn(transaction.dataStart, transaction.dataEnd);
        rawTokens = tokensIn(start, transaction.dataStart) + dataTokens + tokensIn(transaction.dataEnd, end);
    }

    /// @notice Intrinsic gas.
    /// @param transaction A decoded transaction.
    /// @param dataTokens Tokens of its data.
    /// @return charge Gas charged before execution.
    /// @return floor Least gas that the transaction uses in the end (EIP-7623).
    function intrinsicOf(L2Transaction memory transaction, uint256 dataTokens)
        internal
        pure
        returns (uint256 charge, uint256 floor)
    {
        unchecked {
            charge = TRANSFER_GAS + TOKEN_GAS * dataTokens + AUTHORIZATION_GAS * transaction.authorizationCount
                + ACCESS_ADDRESS_GAS * transaction.accessAddresses + ACCESS_SLOT_GAS * transaction.accessSlots;
            if (transaction.isCreation) {
                uint256 words = (transaction.dataEnd - transaction.dataStart + 31) >> 5;
                charge += CREATE_GAS + INITCODE_WORD_GAS * words;
            }
            floor = TRANSFER_GAS + FLOOR_TOKEN_GAS * dataTokens;
        }
    }

    /// @notice What a sender pays for the transaction's bytes on L1: 10 gas for a zero byte, 40 for any other.
    /// @param rawTokens Tokens of the encoded, signed transaction.
    /// @param l1BaseFee Wei of MT per L1 gas, as the block's context reports it.
    /// @return Wei of MT.
    function l1FeeOf(uint256 rawTokens, uint64 l1BaseFee) internal pure returns (uint256) {
        unchecked {
            return L1_TOKEN_GAS * rawTokens * l1BaseFee;
        }
    }

    /// @notice Tokens in a range of calldata.
    /// @param start Offset of the first byte.
    /// @param end Offset behind the last one, within calldata.
    /// @return tokens Their number.
    function tokensIn(uint256 start, uint256 end) internal pure returns (uint256 tokens) {
        // 4 gas a byte (CodecsGas.t.sol); a loop of Solidity over the bytes takes 140.
        assembly ("memory-safe") {
            // The top bit of each byte that is zero, and of no other, moved to the lowest.
            function zerosIn(word) -> count {
                let low := div(not(0), 0xff)
                let mask := mul(low, 0x7f)
                count := not(or(or(add(and(word, mask), mask), word), mask))
                count := shr(248, mul(shr(7, count), low))
            }
            let zeros := 0
            let place := start
            for { let last := add(start, and(sub(end, start), not(31))) } lt(place, last) { place := add(place, 32) } {
                zeros := add(zeros, zerosIn(calldataload(place)))
            }
            // Bytes behind the end count as others than zero.
            let rest := shr(shl(3, sub(end, place)), not(0))
            zeros := add(zeros, zerosIn(or(calldataload(place), rest)))
            tokens := sub(shl(2, sub(end, start)), mul(3, zeros))
        }
    }
}
