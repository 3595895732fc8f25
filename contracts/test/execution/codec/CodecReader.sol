// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {CharterTerms} from "../../../src/execution/codec/CharterTerms.sol";
import {Checkpoint, Checkpoints} from "../../../src/execution/codec/Checkpoints.sol";
import {Header, HeaderCodec, HeaderField} from "../../../src/execution/codec/HeaderCodec.sol";
import {HeaderRules} from "../../../src/execution/codec/HeaderRules.sol";
import {Log, ReceiptCodec} from "../../../src/execution/codec/ReceiptCodec.sol";
import {SystemTransaction, SystemTransactionCodec} from "../../../src/execution/codec/SystemTransactionCodec.sol";
import {L2Transaction, TransactionCodec} from "../../../src/execution/codec/TransactionCodec.sol";
import {TransactionFault} from "../../../src/execution/codec/TransactionFields.sol";
import {TransactionGas} from "../../../src/execution/codec/TransactionGas.sol";
import {InvalidReason, TransactionValidity} from "../../../src/execution/codec/TransactionValidity.sol";

/// @notice The libraries of src/execution/codec as calls, for tests of Solidity and of TypeScript.
contract CodecReader {
    struct AccessEntry {
        address account;
        bytes32[] slots;
    }

    struct Authorization {
        address authority;
        address target;
        uint256 nonce;
    }

    struct Lists {
        bytes data;
        AccessEntry[] accessList;
        Authorization[] authorizations;
    }

    /// @notice What a transaction meets.
    struct Circumstances {
        uint256 baseFeePerGas;
        uint256 blockGasLeft;
        uint256 nonce;
        bool hasCode;
        uint256 balance;
        uint256 flags;
        uint256 restricted;
        uint256 allow;
        uint256 deny;
        uint256[] brackets;
        uint64 l1BaseFee;
    }

    function transaction(bytes calldata raw, uint256 chainId)
        external
        pure
        returns (TransactionFault fault, L2Transaction memory fields, Lists memory lists)
    {
        (fault, fields) = TransactionCodec.decode(raw, chainId);
        if (fault != TransactionFault.None) return (fault, fields, lists);
        lists.data = TransactionCodec.dataOf(fields);
        lists.accessList = new AccessEntry[](fields.accessAddresses);
        uint256 place = fields.accessStart;
        for (uint256 i = 0; place != fields.accessEnd; i++) {
            uint256 slots;
            (lists.accessList[i].account, slots, place) = TransactionCodec.accessAt(place);
            lists.accessList[i].slots = new bytes32[]((place - slots) / 33);
            for (uint256 j = 0; slots != place; j++) {
                (lists.accessList[i].slots[j], slots) = TransactionCodec.slotAt(slots);
            }
        }
        lists.authorizations = new Authorization[](fields.authorizationCount);
        place = fields.authorizationsStart;
        for (uint256 i = 0; place != fields.authorizationsEnd; i++) {
            Authorization memory one = lists.authorizations[i];
            (one.authority, one.target, one.nonce, place) = TransactionCodec.authorizationAt(place, chainId);
        }
    }

    function transactionFault(bytes calldata raw, uint256 chainId) external pure returns (TransactionFault fault) {
        (fault,) = TransactionCodec.decode(raw, chainId);
    }

    /// @notice The faults of the first `length` bytes as a user's and as a system transaction, whatever stands behind them.
    function faultsWithin(bytes calldata whole, uint256 length, uint256 chainId)
        external
        pure
        returns (TransactionFault fault, TransactionFault systemFault)
    {
        (fault,) = TransactionCodec.decode(whole[:length], chainId);
        (systemFault,) = SystemTransactionCodec.decode(whole[:length], chainId);
    }

    function systemTransaction(bytes calldata raw, uint256 chainId)
        external
        pure
        returns (TransactionFault fault, SystemTransaction memory fields, bytes memory data)
    {
        (fault, fields) = SystemTransactionCodec.decode(raw, chainId);
        if (fault == TransactionFault.None) data = SystemTransactionCodec.dataOf(fields);
    }

    /// @notice The signed transaction that a forced one carries, read where it stands.
    function forcedTransaction(bytes calldata raw, uint256 chainId)
        external
        pure
        returns (TransactionFault fault, L2Transaction memory fields)
    {
        (, SystemTransaction memory forced) = SystemTransactionCodec.decode(raw, chainId);
        return TransactionCodec.decode(SystemTransactionCodec.dataOf(forced), chainId);
    }

    function systemTransactionFault(bytes calldata raw, uint256 chainId)
        external
        pure
        returns (TransactionFault fault)
    {
        (fault,) = SystemTransactionCodec.decode(raw, chainId);
    }

    function costs(bytes calldata raw, uint256 chainId, uint64 l1BaseFee)
        public
        pure
        returns (uint256 charge, uint256 floor, uint256 l1Fee)
    {
        (, L2Transaction memory fields) = TransactionCodec.decode(raw, chainId);
        (uint256 dataTokens, uint256 rawTokens) = TransactionGas.tokensOf(fields, raw);
        (charge, floor) = TransactionGas.intrinsicOf(fields, dataTokens);
        l1Fee = TransactionGas.l1FeeOf(rawTokens, l1BaseFee);
    }

    /// @notice Whether a transaction may stand in a block, in the order in which a replay asks.
    function validity(bytes calldata raw, uint256 chainId, Circumstances calldata given)
        external
        pure
        returns (TransactionFault fault, InvalidReason reason, uint256 gasPrice)
    {
        L2Transaction memory fields;
        (fault, fields) = TransactionCodec.decode(raw, chainId);
        if (fault != TransactionFault.None) return (fault, reason, 0);
        (uint256 charge, uint256 floor, uint256 l1Fee) = costs(raw, chainId, given.l1BaseFee);
        reason = TransactionValidity.formFault(fields, charge, floor, given.baseFeePerGas, given.blockGasLeft);
        if (reason != InvalidReason.None) return (fault, reason, 0);
        reason = TransactionValidity.senderFault(fields, given.nonce, given.hasCode);
        if (reason != InvalidReason.None) return (fault, reason, 0);
        (uint256 denied, uint256 tax) = terms(given, fields.value);
        reason = TransactionValidity.termsFault(fields, denied, given.balance, tax, l1Fee);
        if (reason != InvalidReason.None) return (fault, reason, 0);
        gasPrice = TransactionValidity.gasPriceOf(fields, given.baseFeePerGas);
    }

    function terms(Circumstances calldata given, uint256 value) public pure returns (uint256 denied, uint256 tax) {
        denied = CharterTerms.deniedOf(given.flags, given.restricted, given.allow, given.deny);
        tax = CharterTerms.taxOf(given.flags, value, given.brackets);
    }

    function charterSlots(address signer)
        external
        pure
        returns (bytes32 allow, bytes32 deny, uint256[3] memory fixed_)
    {
        allow = CharterTerms.allowSlotOf(signer);
        deny = CharterTerms.denySlotOf(signer);
        fixed_ = [CharterTerms.FLAGS_SLOT, CharterTerms.RESTRICTED_SLOT, CharterTerms.BRACKETS_SLOT];
    }

    function receipt(uint256 kind, bool succeeded, uint256 cumulativeGasUsed, Log[] calldata logs)
        external
        pure
        returns (bytes memory encoded, bytes32[8] memory bloom)
    {
        bytes memory items;
        (items, bloom) = ReceiptCodec.encodeLogs(logs);
        encoded = ReceiptCodec.encode(kind, succeeded, cumulativeGasUsed, bloom, items);
    }

    /// @notice Hashes of the empty bloom, and of the blooms of the first and of all of some lists of logs.
    function bloomHashes(Log[][] calldata lists) external pure returns (bytes32[] memory hashes) {
        bytes32[8] memory bloom = ReceiptCodec.emptyBloom();
        hashes = new bytes32[](lists.length + 1);
        hashes[0] = ReceiptCodec.hashOf(bloom);
        for (uint256 i = 0; i < lists.length; i++) {
            (, bytes32[8] memory own) = ReceiptCodec.encodeLogs(lists[i]);
            ReceiptCodec.merge(bloom, own);
            hashes[i + 1] = ReceiptCodec.hashOf(bloom);
        }
    }

    function leaf(Checkpoint calldata checkpoint) external pure returns (bytes32) {
        return Checkpoints.leafOf(checkpoint);
    }

    function verifyCheckpoint(bytes32 root, Checkpoint calldata checkpoint, uint256 count, bytes32[] calldata siblings)
        external
        pure
        returns (bool)
    {
        return Checkpoints.verify(root, checkpoint, count, siblings);
    }

    function beforeFirst(bytes32 parentStateRoot) external pure returns (Checkpoint memory) {
        return Checkpoints.beforeFirst(parentStateRoot);
    }

    function header(bytes calldata encoded) external pure returns (HeaderField fault, Header memory fields) {
        return HeaderCodec.decode(encoded);
    }

    /// @notice The fault of the first `length` bytes, whatever stands behind them.
    function headerFaultWithin(bytes calldata whole, uint256 length) external pure returns (HeaderField fault) {
        (fault,) = HeaderCodec.decode(whole[:length]);
    }

    function parentFault(bytes calldata encoded, bytes calldata parent, uint256 tickSeconds)
        external
        pure
        returns (HeaderField)
    {
        return HeaderRules.parentFault(headerOf(encoded), headerOf(parent), tickSeconds);
    }

    function randomnessFault(bytes calldata encoded, bytes32 randomness) external pure returns (HeaderField) {
        return HeaderRules.randomnessFault(headerOf(encoded), randomness);
    }

    function checkpointFault(bytes calldata encoded, Checkpoint calldata last) external pure returns (HeaderField) {
        return HeaderRules.checkpointFault(headerOf(encoded), last);
    }

    function withdrawalsFault(bytes calldata encoded, bytes32 storageRoot) external pure returns (HeaderField) {
        return HeaderRules.withdrawalsFault(headerOf(encoded), storageRoot);
    }

    function nextBaseFee(uint256 baseFeePerGas, uint256 gasUsed) external pure returns (bool exists, uint256 fee) {
        return HeaderRules.nextBaseFee(baseFeePerGas, gasUsed);
    }

    /// @notice Gas that decoding and recovering takes, the call around it left out.
    function gasOfTransaction(bytes calldata raw, uint256 chainId) external view returns (uint256 gas) {
        gas = gasleft();
        TransactionCodec.decode(raw, chainId);
        return gas - gasleft();
    }

    /// @notice Gas that going through the authorisations of a transaction takes.
    function gasOfAuthorizations(bytes calldata raw, uint256 chainId) external view returns (uint256 gas) {
        (, L2Transaction memory fields) = TransactionCodec.decode(raw, chainId);
        gas = gasleft();
        uint256 place = fields.authorizationsStart;
        while (place != fields.authorizationsEnd) {
            (,,, place) = TransactionCodec.authorizationAt(place, chainId);
        }
        return gas - gasleft();
    }

    /// @notice Gas that decoding a system transaction takes.
    function gasOfSystemTransaction(bytes calldata raw, uint256 chainId) external view returns (uint256 gas) {
        gas = gasleft();
        SystemTransactionCodec.decode(raw, chainId);
        return gas - gasleft();
    }

    /// @notice Gas that intrinsic gas and L1 fee of a transaction take.
    function gasOfFees(bytes calldata raw, uint256 chainId) external view returns (uint256 gas) {
        (, L2Transaction memory fields) = TransactionCodec.decode(raw, chainId);
        gas = gasleft();
        (uint256 dataTokens, uint256 rawTokens) = TransactionGas.tokensOf(fields, raw);
        TransactionGas.intrinsicOf(fields, dataTokens);
        TransactionGas.l1FeeOf(rawTokens, 7);
        return gas - gasleft();
    }

    /// @notice Gas that encoding and hashing a receipt with its bloom takes.
    function gasOfReceipt(Log[] calldata logs) external view returns (uint256 gas) {
        Log[] memory own = logs;
        gas = gasleft();
        (bytes memory items, bytes32[8] memory bloom) = ReceiptCodec.encodeLogs(own);
        keccak256(ReceiptCodec.encode(2, true, 1_000_000, bloom, items));
        return gas - gasleft();
    }

    /// @notice Gas that the decoding of a header takes.
    function gasOfHeader(bytes calldata encoded) external view returns (uint256 gas) {
        gas = gasleft();
        HeaderCodec.decode(encoded);
        return gas - gasleft();
    }

    /// @notice Gas that the rules of a parent take.
    function gasOfParentFault(bytes calldata encoded, bytes calldata parent, uint256 tickSeconds)
        external
        view
        returns (uint256 gas)
    {
        (Header memory own, Header memory before) = (headerOf(encoded), headerOf(parent));
        gas = gasleft();
        HeaderRules.parentFault(own, before, tickSeconds);
        return gas - gasleft();
    }

    function headerOf(bytes calldata encoded) private pure returns (Header memory fields) {
        (, fields) = HeaderCodec.decode(encoded);
    }
}
