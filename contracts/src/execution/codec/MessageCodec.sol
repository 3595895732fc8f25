// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Rlp} from "../../proofs/Rlp.sol";
import {L2Transaction, TransactionCodec} from "./TransactionCodec.sol";
import {FieldCursor, TransactionFault, TransactionFields} from "./TransactionFields.sol";

/// @title MessageCodec: a job's messages, as providers are given them
/// @notice transactionMessageCodec of packages/protocol/src/executionCodecs.ts: a transaction without signature and chain, with its L1
/// fee. What an encoding has to keep to beside its form is no matter here: it was signed as it is.
library MessageCodec {
    using TransactionFields for FieldCursor;

    /// @notice The bytes are no message.
    error MalformedMessage();

    /// @notice Decodes a message. Reverts with MalformedMessage.
    /// @param encoded Encoded message.
    /// @return transaction Its fields; no hash.
    /// @return l1Fee Wei that its sender pays for bytes on L1.
    function decode(bytes calldata encoded) internal pure returns (L2Transaction memory transaction, uint256 l1Fee) {
        FieldCursor memory cursor;
        (cursor.next, cursor.end) = Rlp.list(encoded);
        transaction.kind = _integer(cursor, 1);
        transaction.from = cursor.account20();
        bool isThere;
        (isThere, transaction.to) = _optionalAccount(cursor);
        transaction.isCreation = !isThere;
        transaction.nonce = _integer(cursor, 8);
        transaction.gasLimit = _integer(cursor, 8);
        transaction.maxFeePerGas = _integer(cursor, 32);
        transaction.maxPriorityFeePerGas = _integer(cursor, 32);
        transaction.value = _integer(cursor, 32);
        (transaction.dataStart, transaction.dataEnd) = cursor.text();
        (transaction.accessStart, transaction.accessEnd) = cursor.list();
        (transaction.authorizationsStart, transaction.authorizationsEnd) = cursor.list();
        l1Fee = _integer(cursor, 32);
        cursor.finish();
        _require(cursor);
        _count(transaction);
    }

    /// @notice An authorisation of a decoded message.
    /// @param place Where it begins: `authorizationsStart`, then `next` until it is `authorizationsEnd`.
    /// @return authority Who gave it; zero where signature, chain or nonce do not fit: then it only costs its gas.
    /// @return target Account whose code it asks for.
    /// @return nonce The authority's nonce.
    /// @return next Where the next one begins.
    function authorizationAt(uint256 place)
        internal
        pure
        returns (address authority, address target, uint256 nonce, uint256 next)
    {
        FieldCursor memory cursor;
        (cursor.next, cursor.end) = (place, type(uint256).max);
        (cursor.next, next) = cursor.list();
        cursor.end = next;
        (, authority) = _optionalAccount(cursor);
        target = cursor.account20();
        nonce = _integer(cursor, 8);
        cursor.finish();
        _require(cursor);
        if (nonce == type(uint64).max) authority = address(0);
    }

    /// @dev How many entries the lists have.
    function _count(L2Transaction memory transaction) private pure {
        for (uint256 place = transaction.accessStart; place != transaction.accessEnd;) {
            (, uint256 slot, uint256 next) = TransactionCodec.accessAt(place);
            if (next == 0 || next > transaction.accessEnd) revert MalformedMessage();
            transaction.accessAddresses++;
            transaction.accessSlots += (next - slot) / 33;
            place = next;
        }
        for (uint256 place = transaction.authorizationsStart; place != transaction.authorizationsEnd;) {
            (,,, uint256 next) = authorizationAt(place);
            if (next > transaction.authorizationsEnd) revert MalformedMessage();
            transaction.authorizationCount++;
            place = next;
        }
    }

    /// @dev A list of one address, or of none.
    function _optionalAccount(FieldCursor memory cursor) private pure returns (bool isThere, address account) {
        FieldCursor memory items;
        (items.next, items.end) = cursor.list();
        isThere = items.next != items.end;
        if (!isThere) return (false, address(0));
        account = items.account20();
        items.finish();
        if (items.fault != TransactionFault.None) cursor.fail(TransactionFault.Malformed);
    }

    function _integer(FieldCursor memory cursor, uint256 maxBytes) private pure returns (uint256) {
        return cursor.integer(maxBytes, TransactionFault.Malformed, 32);
    }

    function _require(FieldCursor memory cursor) private pure {
        if (cursor.fault != TransactionFault.None) revert MalformedMessage();
    }
}
