// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Checkpoint, Checkpoints} from "../../../src/execution/codec/Checkpoints.sol";
import {Header, HeaderField} from "../../../src/execution/codec/HeaderCodec.sol";
import {Log} from "../../../src/execution/codec/ReceiptCodec.sol";
import {SystemSource, SystemTransaction} from "../../../src/execution/codec/SystemTransactionCodec.sol";
import {L2Transaction} from "../../../src/execution/codec/TransactionCodec.sol";
import {TransactionFault} from "../../../src/execution/codec/TransactionFields.sol";
import {Test} from "../../base/Test.sol";
import {CodecReader} from "./CodecReader.sol";

/// @notice packages/protocol/vectors, which TypeScript is held to as well.
contract CodecVectorsTest is Test {
    CodecReader private reader;
    string private json;

    function setUp() public {
        reader = new CodecReader();
    }

    function test_transactionsHaveTheSendersAuthoritiesAndFeesOfTheVectors() public {
        open("transactions");
        uint256 chainId = large(".chainId");
        uint64 l1BaseFee = uint64(large(".l1BaseFee"));
        uint256 kinds = 0;
        uint256 read = 0;
        for (; has(entry(".transactions", read)); read++) {
            string memory path = entry(".transactions", read);
            bytes memory raw = vm.parseJsonBytes(json, string.concat(path, ".encoded"));
            (TransactionFault fault, L2Transaction memory fields, CodecReader.Lists memory lists) =
                reader.transaction(raw, chainId);
            assertEq(uint256(fault), 0, "fault");
            assertEq(fields.from, vm.parseJsonAddress(json, string.concat(path, ".from")), "from");
            assertEq(fields.kind, number(string.concat(path, ".fields.type")), "type");
            assertEq(fields.nonce, number(string.concat(path, ".fields.nonce")), "nonce");
            assertEq(fields.value, large(string.concat(path, ".fields.value")), "value");
            assertEq(fields.gasLimit, large(string.concat(path, ".fields.gasLimit")), "gas limit");
            assertEq(lists.data, vm.parseJsonBytes(json, string.concat(path, ".fields.data")), "data");
            (,, uint256 l1Fee) = reader.costs(raw, chainId, l1BaseFee);
            assertEq(l1Fee, large(string.concat(path, ".l1Fee")), "L1 fee");
            checkAuthorities(string.concat(path, ".authorities"), lists.authorizations);
            kinds |= 1 << fields.kind;
        }
        assertTrue(read >= 6, "vectors");
        assertEq(kinds, 1 << 0 | 1 << 1 | 1 << 2 | 1 << 4, "kinds");
    }

    function checkAuthorities(string memory path, CodecReader.Authorization[] memory authorizations) private view {
        for (uint256 i = 0; i < authorizations.length; i++) {
            string memory text = vm.parseJsonString(json, entry(path, i));
            bool isNone = keccak256(bytes(text)) == keccak256("null");
            address expected = isNone ? address(0) : vm.parseJsonAddress(json, entry(path, i));
            assertEq(authorizations[i].authority, expected, "authority");
        }
        assertTrue(!has(entry(path, authorizations.length)), "authorities");
    }

    function test_systemTransactionsOfTheQueueHaveTheFieldsOfTheVectors() public {
        open("systemTransactions");
        uint256 read = 0;
        for (; has(entry(".queueItems", read)); read++) {
            string memory path = entry(".queueItems", read);
            bytes memory raw = vm.parseJsonBytes(json, string.concat(path, ".encoded"));
            (TransactionFault fault, SystemTransaction memory fields, bytes memory data) =
                reader.systemTransaction(raw, large(string.concat(path, ".chainId")));
            assertEq(uint256(fault), 0, "fault");
            assertEq(fields.hash, vm.parseJsonBytes32(json, string.concat(path, ".hash")), "hash");
            path = string.concat(path, ".value");
            assertEq(uint256(fields.source), uint256(sourceAt(string.concat(path, ".source"))), "source");
            assertEq(fields.index, large(string.concat(path, ".index")), "index");
            assertEq(fields.from, vm.parseJsonAddress(json, string.concat(path, ".from")), "from");
            assertEq(fields.to, vm.parseJsonAddress(json, string.concat(path, ".to")), "to");
            assertEq(fields.mint, large(string.concat(path, ".mint")), "mint");
            assertEq(fields.value, large(string.concat(path, ".value")), "value");
            assertEq(fields.gasLimit, large(string.concat(path, ".gasLimit")), "gas limit");
            assertEq(data, vm.parseJsonBytes(json, string.concat(path, ".data.bytes")), "data");
        }
        assertTrue(read >= 8, "vectors");
    }

    function sourceAt(string memory path) private view returns (SystemSource) {
        bytes32 name = keccak256(bytes(vm.parseJsonString(json, path)));
        if (name == keccak256("deposit")) return SystemSource.Deposit;
        if (name == keccak256("message")) return SystemSource.Message;
        if (name == keccak256("exit")) return SystemSource.Exit;
        assertEq(name, keccak256("forced"), "source");
        return SystemSource.Forced;
    }

    function test_receiptsHaveTheEncodingAndBloomOfTheVectors() public {
        open("receipts");
        uint256 read = 0;
        for (; has(entry("", read)); read++) {
            string memory path = string.concat(entry("", read), ".value");
            uint256 gas = large(string.concat(path, ".cumulativeGasUsed"));
            bool succeeded = number(string.concat(path, ".status")) == 1;
            (bytes memory encoded, bytes32[8] memory bloom) = reader.receipt(
                number(string.concat(path, ".type")), succeeded, gas, logsAt(string.concat(path, ".logs"))
            );
            path = entry("", read);
            assertEq(encoded, vm.parseJsonBytes(json, string.concat(path, ".encoded")), "encoded");
            assertEq(abi.encode(bloom), vm.parseJsonBytes(json, string.concat(path, ".bloom")), "bloom");
        }
        assertTrue(read >= 3, "vectors");
    }

    function logsAt(string memory path) private view returns (Log[] memory logs) {
        uint256 count = 0;
        while (has(entry(path, count))) {
            count++;
        }
        logs = new Log[](count);
        for (uint256 i = 0; i < count; i++) {
            string memory item = entry(path, i);
            logs[i].emitter = vm.parseJsonAddress(json, string.concat(item, ".address"));
            logs[i].data = vm.parseJsonBytes(json, string.concat(item, ".data.bytes"));
            uint256 topics = 0;
            while (has(entry(string.concat(item, ".topics"), topics))) {
                topics++;
            }
            logs[i].topics = new bytes32[](topics);
            for (uint256 j = 0; j < topics; j++) {
                logs[i].topics[j] = vm.parseJsonBytes32(json, entry(string.concat(item, ".topics"), j));
            }
        }
    }

    function test_checkpointsHaveTheLeavesOfTheVectors() public {
        open("checkpoints");
        uint256 read = 0;
        for (; has(entry("", read)); read++) {
            string memory path = string.concat(entry("", read), ".value");
            Checkpoint memory checkpoint = Checkpoint(
                number(string.concat(path, ".index")),
                vm.parseJsonBytes32(json, string.concat(path, ".stateRoot")),
                large(string.concat(path, ".cumulativeGasUsed")),
                vm.parseJsonBytes32(json, string.concat(path, ".receiptHash")),
                vm.parseJsonBytes32(json, string.concat(path, ".transactionsRoot")),
                vm.parseJsonBytes32(json, string.concat(path, ".receiptsRoot")),
                vm.parseJsonBytes32(json, string.concat(path, ".bloomHash"))
            );
            bytes32 leaf = vm.parseJsonBytes32(json, string.concat(entry("", read), ".leaf"));
            assertEq(Checkpoints.leafOf(checkpoint), leaf, "leaf");
        }
        assertTrue(read >= 3, "vectors");
    }

    function test_headersHaveTheFieldsAndHashesOfTheVectors() public {
        open("headers");
        uint256 read = 0;
        for (; has(entry("", read)); read++) {
            string memory path = entry("", read);
            (HeaderField fault, Header memory header) =
                reader.header(vm.parseJsonBytes(json, string.concat(path, ".encoded")));
            assertEq(uint256(fault), 0, "fault");
            assertEq(header.hash, vm.parseJsonBytes32(json, string.concat(path, ".hash")), "hash");
            path = string.concat(path, ".value");
            assertEq(header.parentHash, vm.parseJsonBytes32(json, string.concat(path, ".parentHash")), "parent");
            assertEq(header.prevRandao, vm.parseJsonBytes32(json, string.concat(path, ".prevRandao")), "randomness");
            assertEq(header.number, large(string.concat(path, ".number")), "number");
            assertEq(header.gasUsed, large(string.concat(path, ".gasUsed")), "gas");
            assertEq(header.baseFeePerGas, large(string.concat(path, ".baseFeePerGas")), "base fee");
            bytes memory bloom = vm.parseJsonBytes(json, string.concat(path, ".logsBloom.bytes"));
            assertEq(header.bloomHash, keccak256(bloom), "bloom");
        }
        assertTrue(read >= 3, "vectors");
    }

    function open(string memory name) private {
        json = vm.readFile(string.concat("../packages/protocol/vectors/", name, ".json"));
    }

    function entry(string memory list, uint256 place) private pure returns (string memory) {
        return string.concat(list, "[", vm.toString(place), "]");
    }

    function has(string memory path) private view returns (bool) {
        return vm.keyExistsJson(json, path);
    }

    function number(string memory path) private view returns (uint256) {
        return vm.parseJsonUint(json, path);
    }

    /// @dev Large integers are text that ends in "n".
    function large(string memory path) private view returns (uint256 value) {
        bytes memory digits = bytes(vm.parseJsonString(json, path));
        for (uint256 i = 0; i < digits.length - 1; i++) {
            value = 10 * value + (uint8(digits[i]) - 48);
        }
    }
}
