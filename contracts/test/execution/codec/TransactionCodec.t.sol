// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {L2Transaction} from "../../../src/execution/codec/TransactionCodec.sol";
import {TransactionFault} from "../../../src/execution/codec/TransactionFields.sol";
import {Test} from "../../base/Test.sol";
import {ProofPaths} from "../../proofs/ProofPaths.sol";
import {CodecReader} from "./CodecReader.sol";
import {TransactionBuilder} from "./TransactionBuilder.sol";

contract TransactionCodecTest is Test {
    uint256 private constant ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
    uint256 private constant MAX_NONCE = type(uint64).max - 1;

    CodecReader private reader;

    function setUp() public {
        reader = new CodecReader();
    }

    struct Fields {
        uint256 chainId;
        uint64 nonce;
        uint256 tip;
        uint256 fee;
        uint64 gasLimit;
        address to;
        uint256 value;
        bytes data;
        uint256 key;
    }

    function testFuzz_whatIsSignedIsRead(Fields memory given) public view {
        settle(given);
        (TransactionFault fault, L2Transaction memory fields, CodecReader.Lists memory lists) =
            reader.transaction(feeMarket(given), given.chainId);
        assertEq(uint256(fault), 0, "fault");
        assertEq(fields.kind, 2, "kind");
        check(given, fields, lists);
        assertEq(fields.maxPriorityFeePerGas, given.tip, "tip");
    }

    function testFuzz_whatIsSignedInTheOldFormIsRead(Fields memory given) public view {
        settle(given);
        bytes memory raw = legacy(given);
        (TransactionFault fault, L2Transaction memory fields, CodecReader.Lists memory lists) =
            reader.transaction(raw, given.chainId);
        assertEq(uint256(fault), 0, "fault");
        assertEq(fields.kind, 0, "kind");
        check(given, fields, lists);
        assertEq(fields.maxPriorityFeePerGas, given.fee, "tip");
    }

    function testFuzz_anotherChainIsRefused(Fields memory given, uint256 other) public view {
        settle(given);
        vm.assume(other != given.chainId);
        assertFault(reader.transactionFault(feeMarket(given), other), TransactionFault.WrongChain);
        assertFault(reader.transactionFault(legacy(given), other), TransactionFault.WrongChain);
    }

    function testFuzz_authoritiesAreThoseWhoSigned(uint256 key, uint64 nonce, address target, uint8 kind) public view {
        key = between(key, 1, ORDER - 1);
        nonce = uint64(between(nonce, 0, MAX_NONCE));
        uint256 signedFor = kind % 3 == 2 ? 0 : 77 + kind % 3;
        bytes memory list = ProofPaths.list(TransactionBuilder.authorization(signedFor, target, nonce, key));
        Fields memory given = Fields(77, 1, 2, 3, 4, target, 5, "", 6);
        bytes memory raw = TransactionBuilder.typed(4, bytes.concat(feeMarketFields(given), list), given.key);
        (TransactionFault fault,, CodecReader.Lists memory lists) = reader.transaction(raw, 77);
        assertEq(uint256(fault), 0, "fault");
        address expected = signedFor == 78 ? address(0) : vm.addr(key);
        assertEq(lists.authorizations[0].authority, expected, "authority");
        assertEq(lists.authorizations[0].target, target, "target");
        assertEq(lists.authorizations[0].nonce, nonce, "nonce");
    }

    function testFuzz_noBytesMakeTheDecoderRevert(uint8 kind, bytes memory rest) public view {
        uint8[6] memory kinds = [1, 2, 4, 0xf8, 0xc0, 0x7e];
        bytes memory raw = bytes.concat(abi.encodePacked(kinds[kind % 6]), rest);
        assertTrue(reader.transactionFault(raw, 77) != TransactionFault.None, "user's");
        assertTrue(reader.systemTransactionFault(raw, 77) != TransactionFault.None, "system's");
        reader.header(raw);
        reader.header(rest);
    }

    function testFuzz_aChangedByteNeverLeavesTheSigner(Fields memory given, uint256 place, uint8 bits) public view {
        settle(given);
        vm.assume(bits != 0);
        bytes memory raw = feeMarket(given);
        raw[place % raw.length] ^= bytes1(bits);
        (TransactionFault fault, L2Transaction memory fields,) = reader.transaction(raw, given.chainId);
        if (fault == TransactionFault.None) assertTrue(fields.from != vm.addr(given.key), "another signer");
    }

    function test_theLastNonceIsNone() public view {
        Fields memory given = Fields(77, uint64(MAX_NONCE), 1, 2, 3, address(4), 5, "", 6);
        assertFault(reader.transactionFault(feeMarket(given), 77), TransactionFault.None);
        given.nonce++;
        assertFault(reader.transactionFault(feeMarket(given), 77), TransactionFault.OutOfRange);
        bytes memory list = ProofPaths.list(TransactionBuilder.authorization(77, address(4), MAX_NONCE + 1, 6));
        given.nonce = 0;
        bytes memory raw = TransactionBuilder.typed(4, bytes.concat(feeMarketFields(given), list), given.key);
        (,, CodecReader.Lists memory lists) = reader.transaction(raw, 77);
        assertEq(lists.authorizations[0].authority, address(0), "authority");
    }

    function settle(Fields memory given) private pure {
        given.chainId = between(given.chainId, 1, type(uint128).max);
        given.nonce = uint64(between(given.nonce, 0, MAX_NONCE));
        given.key = between(given.key, 1, ORDER - 1);
    }

    function check(Fields memory given, L2Transaction memory fields, CodecReader.Lists memory lists) private pure {
        assertEq(fields.from, vm.addr(given.key), "from");
        assertEq(fields.nonce, given.nonce, "nonce");
        assertEq(fields.maxFeePerGas, given.fee, "fee");
        assertEq(fields.gasLimit, given.gasLimit, "gas limit");
        assertEq(fields.to, given.to, "to");
        assertTrue(!fields.isCreation, "call");
        assertEq(fields.value, given.value, "value");
        assertEq(lists.data, given.data, "data");
    }

    function feeMarketFields(Fields memory given) private pure returns (bytes memory) {
        bytes memory head =
            bytes.concat(TransactionBuilder.number(given.chainId), TransactionBuilder.number(given.nonce));
        bytes memory fees = bytes.concat(TransactionBuilder.number(given.tip), TransactionBuilder.number(given.fee));
        return bytes.concat(head, fees, callOf(given), hex"c0");
    }

    function feeMarket(Fields memory given) private pure returns (bytes memory) {
        return TransactionBuilder.typed(2, feeMarketFields(given), given.key);
    }

    function legacy(Fields memory given) private pure returns (bytes memory) {
        bytes memory head = bytes.concat(TransactionBuilder.number(given.nonce), TransactionBuilder.number(given.fee));
        return TransactionBuilder.legacy(bytes.concat(head, callOf(given)), given.chainId, given.key);
    }

    function callOf(Fields memory given) private pure returns (bytes memory) {
        return TransactionBuilder.call(given.gasLimit, given.to, given.value, given.data);
    }

    function assertFault(TransactionFault left, TransactionFault right) private pure {
        assertEq(uint256(left), uint256(right), "fault");
    }
}
