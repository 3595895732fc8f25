// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Log} from "../../../src/execution/codec/ReceiptCodec.sol";
import {TransactionFault} from "../../../src/execution/codec/TransactionFields.sol";
import {Test} from "../../base/Test.sol";
import {ProofPaths} from "../../proofs/ProofPaths.sol";
import {CodecReader} from "./CodecReader.sol";
import {TransactionBuilder} from "./TransactionBuilder.sol";

/// @notice What a replay pays beside the interpreter and the tries: bounds a little above the measured figures.
contract CodecsGasTest is Test {
    uint256 private constant CHAIN = 4_503_599_627_370_475;
    uint256 private constant KEY = 0xA11CE;
    address private constant TARGET = 0xacc0000000000000000000000000000000000aCC;

    CodecReader private reader;

    function setUp() public {
        reader = new CodecReader();
    }

    function test_aTransferOfEip1559() public view {
        bytes memory raw = feeMarket("", hex"c0");
        assertEq(raw.length, 124, "length");
        assertAtMost(decodingGas(raw), 12_000, "decode");
        assertAtMost(reader.gasOfFees(raw, CHAIN), 1600, "fees");
    }

    function test_aLegacyTransfer() public view {
        bytes memory call_ = TransactionBuilder.call(21_000, TARGET, 1 ether, "");
        bytes memory fields = bytes.concat(TransactionBuilder.number(7), TransactionBuilder.number(11_000_000), call_);
        assertAtMost(decodingGas(TransactionBuilder.legacy(fields, CHAIN, KEY)), 10_800, "decode");
    }

    function test_aCallOf1024BytesWithTwoAccessEntriesOfThreeSlots() public view {
        bytes memory slots = "";
        for (uint256 i = 0; i < 3; i++) {
            slots = bytes.concat(slots, hex"a0", keccak256(abi.encode(i)));
        }
        bytes memory entry = ProofPaths.list(bytes.concat(TransactionBuilder.account(TARGET), ProofPaths.list(slots)));
        bytes memory raw = feeMarket(filled(1024), ProofPaths.list(bytes.concat(entry, entry)));
        assertAtMost(decodingGas(raw), 16_800, "decode");
        assertAtMost(reader.gasOfFees(raw, CHAIN), 6200, "fees");
    }

    function test_anAuthorisation() public view {
        bytes memory list = ProofPaths.list(TransactionBuilder.authorization(CHAIN, TARGET, 3, KEY));
        bytes memory raw = TransactionBuilder.typed(4, bytes.concat(fieldsOf("", hex"c0"), list), KEY);
        assertAtMost(decodingGas(raw), 16_400, "decode");
        assertAtMost(reader.gasOfAuthorizations(raw, CHAIN), 7400, "authority");
    }

    function test_theLongestTransaction() public view {
        bytes memory raw = feeMarket(filled(57_217), hex"c0");
        assertEq(raw.length, 57_344, "length");
        assertAtMost(decodingGas(raw), 58_000, "decode");
        assertAtMost(reader.gasOfFees(raw, CHAIN), 215_000, "fees");
    }

    function test_aSystemTransaction() public view {
        bytes memory head = bytes.concat(TransactionBuilder.number(CHAIN), hex"0207");
        bytes memory accounts = bytes.concat(TransactionBuilder.account(TARGET), TransactionBuilder.account(TARGET));
        bytes memory rest = bytes.concat(hex"8080", TransactionBuilder.number(16_777_216), ProofPaths.text(filled(164)));
        bytes memory raw = bytes.concat(hex"7e", ProofPaths.list(bytes.concat(head, accounts, rest)));
        (TransactionFault fault,,) = reader.systemTransaction(raw, CHAIN);
        assertEq(uint256(fault), 0, "fault");
        assertAtMost(reader.gasOfSystemTransaction(raw, CHAIN), 5400, "decode");
    }

    function test_aReceiptWithoutLogs() public view {
        assertAtMost(reader.gasOfReceipt(new Log[](0)), 1800, "receipt");
    }

    function test_aReceiptWithFourTransfers() public view {
        Log[] memory logs = new Log[](4);
        for (uint256 i = 0; i < 4; i++) {
            logs[i] = Log(TARGET, new bytes32[](3), filled(32));
        }
        assertAtMost(reader.gasOfReceipt(logs), 18_000, "receipt");
    }

    function test_aHeaderAndItsParent() public view {
        bytes memory parent = headerOf(1, 1_790_000_000, 16_018_066, 0);
        bytes memory header = headerOf(2, 1_790_000_002, 14_238_281, keccak256(parent));
        assertEq(uint256(reader.parentFault(header, parent, 2)), 0, "fault");
        assertAtMost(reader.gasOfHeader(header), 10_500, "decode");
        assertAtMost(reader.gasOfParentFault(header, parent, 2), 1150, "rules");
    }

    function test_theHighestBaseFee() public view {
        uint256 fee = 10_000_000;
        for (uint256 i = 1; i < 128; i++) {
            fee = fee * 9 / 8;
        }
        bytes memory parent = headerOf(1, 1_790_000_000, fee, 0);
        bytes memory header = headerOf(2, 1_790_000_002, fee * 8 / 9, keccak256(parent));
        assertAtMost(reader.gasOfParentFault(header, parent, 2), 16_800, "rules");
    }

    function feeMarket(bytes memory data, bytes memory accessList) private pure returns (bytes memory) {
        return TransactionBuilder.typed(2, fieldsOf(data, accessList), KEY);
    }

    function fieldsOf(bytes memory data, bytes memory accessList) private pure returns (bytes memory) {
        bytes memory fees = bytes.concat(TransactionBuilder.number(1_000_000), TransactionBuilder.number(30_000_000));
        bytes memory head = bytes.concat(TransactionBuilder.number(CHAIN), TransactionBuilder.number(7), fees);
        return bytes.concat(head, TransactionBuilder.call(100_000, TARGET, 1 ether, data), accessList);
    }

    function headerOf(uint256 number, uint256 timestamp, uint256 baseFee, bytes32 parentHash)
        private
        pure
        returns (bytes memory)
    {
        bytes memory word = bytes.concat(hex"a0", keccak256("word"));
        bytes memory start = bytes.concat(
            bytes.concat(hex"a0", parentHash),
            hex"a01dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347",
            hex"944d564d0000000000000000000000000000000002",
            bytes.concat(word, word, word, hex"b90100", new bytes(256), hex"80"),
            bytes.concat(TransactionBuilder.number(number), hex"840393870080", TransactionBuilder.number(timestamp))
        );
        bytes memory rest = bytes.concat(
            bytes.concat(word, word, hex"880000000000000000", TransactionBuilder.number(baseFee), word, hex"8080"),
            bytes.concat(hex"a0", bytes32(0)),
            hex"a0e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        return ProofPaths.list(bytes.concat(start, rest));
    }

    /// @dev Bytes of which every fourth is zero.
    function filled(uint256 length) private pure returns (bytes memory data) {
        data = new bytes(length);
        for (uint256 i = 0; i < length; i++) {
            if (i % 4 != 3) data[i] = bytes1(uint8(1 + i % 255));
        }
    }

    function decodingGas(bytes memory raw) private view returns (uint256) {
        assertEq(uint256(reader.transactionFault(raw, CHAIN)), 0, "fault");
        return reader.gasOfTransaction(raw, CHAIN);
    }

    function assertAtMost(uint256 gas, uint256 bound, string memory what) private pure {
        if (gas > bound) revert NotEqual(what, bytes32(gas), bytes32(bound));
    }
}
