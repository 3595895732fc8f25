// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Rlp} from "../../proofs/Rlp.sol";
import {FieldCursor, TransactionFault, TransactionFields} from "./TransactionFields.sol";

/// @notice Where a system transaction comes from, as SYSTEM_SOURCES of packages/protocol/src/systemTransactions.ts.
/// @param Deposit Credits MT and runs no code.
/// @param Message A call by an account of L1.
/// @param Context The first of a block.
/// @param Founding The second of block 1.
/// @param Settle The last of a block.
/// @param Forced Executes the signed transaction in its data.
/// @param Exit A call of a bridge contract that no charter denies.
enum SystemSource {
    Deposit,
    Message,
    Context,
    Founding,
    Settle,
    Forced,
    Exit
}

/// @notice A system transaction (type 0x7E).
/// @param hash keccak256 of the encoding.
/// @param source Where it comes from.
/// @param index Position in the chain's queue on L1, or the block's number.
/// @param from Caller.
/// @param to Account that is called or credited.
/// @param mint Wei of new MT.
/// @param value Wei of MT that the call carries.
/// @param gasLimit Gas of the call, below 2^64.
/// @param dataStart Where its data begins: an offset in calldata, valid in the call that decoded it.
/// @param dataEnd Where it ends.
struct SystemTransaction {
    bytes32 hash;
    SystemSource source;
    uint256 index;
    address from;
    address to;
    uint256 mint;
    uint256 value;
    uint256 gasLimit;
    uint256 dataStart;
    uint256 dataEnd;
}

/// @title SystemTransactionCodec: what a block executes that no user sent to the DAC
/// @notice 0x7e || rlp([chainId, source, index, from, to, mint, value, gasLimit, data]), as `decodeSystemTransaction` of
/// packages/protocol/src/systemTransactions.ts decodes it: the same bytes are refused. Of TransactionFault it gives
/// `TypeNotSupported` (its unknown-variant), `TooLarge`, `OutOfRange` for a source that there is none of, `WrongChain` (both its
/// out-of-range), and `Malformed` for all else.
/// @dev Never reverts on any data but for want of gas.
library SystemTransactionCodec {
    using TransactionFields for FieldCursor;

    uint256 private constant SYSTEM_KIND = 0x7e;

    /// @notice Decodes a system transaction.
    /// @param raw Encoded transaction.
    /// @param chainId Chain that it has to be of.
    /// @return fault What is wrong with it; the rest counts only if it is `None`.
    /// @return transaction Its fields.
    function decode(bytes calldata raw, uint256 chainId)
        internal
        pure
        returns (TransactionFault fault, SystemTransaction memory transaction)
    {
        if (raw.length == 0 || uint8(raw[0]) != SYSTEM_KIND) {
            return (TransactionFault.TypeNotSupported, transaction);
        }
        if (raw.length > TransactionFields.MAX_LENGTH) return (TransactionFault.TooLarge, transaction);
        FieldCursor memory cursor;
        (cursor.next, cursor.end) = Rlp.range(raw);
        cursor.next++;
        uint256 end = cursor.end;
        (cursor.next, cursor.end) = cursor.list();
        uint256 boundTo = _integer(cursor, 8);
        uint256 source = _integer(cursor, 7);
        if (source > uint256(type(SystemSource).max)) return (TransactionFault.OutOfRange, transaction);
        transaction.source = SystemSource(source);
        transaction.index = _integer(cursor, 8);
        transaction.from = cursor.account20();
        transaction.to = cursor.account20();
        transaction.mint = _integer(cursor, 32);
        transaction.value = _integer(cursor, 32);
        transaction.gasLimit = _integer(cursor, 8);
        (transaction.dataStart, transaction.dataEnd) = cursor.text();
        cursor.finish();
        if (cursor.end != end) cursor.fail(TransactionFault.Malformed);
        if (boundTo != chainId) cursor.fail(TransactionFault.WrongChain);
        if (cursor.fault != TransactionFault.None) return (cursor.fault, transaction);
        transaction.hash = keccak256(raw);
    }

    /// @notice The data of a decoded system transaction.
    /// @param transaction The transaction.
    /// @return Its data; of a forced one the signed transaction.
    function dataOf(SystemTransaction memory transaction) internal pure returns (bytes calldata) {
        return TransactionFields.slice(transaction.dataStart, transaction.dataEnd);
    }

    /// @dev More bytes than the field has are malformed here.
    function _integer(FieldCursor memory cursor, uint256 maxBytes) private pure returns (uint256) {
        return cursor.integer(maxBytes, TransactionFault.Malformed, maxBytes);
    }
}
