// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BatchFaults} from "../src/BatchReader.sol";
import {BatchDecoderHarness} from "./base/BatchDecoderHarness.sol";
import {DearestBatch} from "./base/DearestBatch.sol";
import {Test} from "./base/Test.sol";

/// @notice What reading of large batches costs: one transaction of 1,000, and the dearest group that can be posted.
contract BatchDecoderGasTest is Test {
    /// @dev What one step of a fraud proof may take, its input included (design page 10).
    uint256 private constant STEP_GAS = 12_000_000;
    uint256 private constant BLOCKS = 10;
    uint256 private constant BLOCK_ROWS = 100;
    uint256 private constant ROWS = BLOCKS * BLOCK_ROWS;

    BatchDecoderHarness private decoder;

    function setUp() public {
        decoder = new BatchDecoderHarness();
    }

    /// @dev transfer of a token by table index to a table index, 5 * 10^18, known fees, gas limit from the dictionary.
    function transferRow(uint256 nonce) private pure returns (bytes memory) {
        bytes memory fields = abi.encodePacked(bytes1(0xc2), bytes2(0x8001 + uint16(nonce % 100)), hex"000001d70bb201");
        return bytes.concat(fields, keccak256(abi.encode(nonce, "r")), keccak256(abi.encode(nonce, "s")));
    }

    /// @dev 1,000 transfers in 10 blocks, 32 pairs of fees, 32 gas limits.
    function thousand() private pure returns (bytes memory) {
        bytes memory head = bytes.concat(hex"04c00800", bytes1(uint8(BLOCKS)));
        head = bytes.concat(
            head,
            hex"20",
            DearestBatch.repeated(hex"2883898a03", 32),
            hex"20",
            DearestBatch.repeated(hex"e0d403", 32),
            hex"00"
        );
        bytes memory contexts = bytes.concat(DearestBatch.offset(0), DearestBatch.offset(0));
        for (uint256 i = 0; i < BLOCKS; i++) {
            bytes memory time = i == 0 ? bytes(hex"80d8a8da06") : bytes(hex"02");
            bytes memory rest =
                bytes.concat(hex"0000", keccak256(abi.encode(i)), keccak256("evidence"), hex"000311b30964");
            contexts = bytes.concat(contexts, time, rest);
        }
        bytes memory rows = "";
        bytes memory table = "";
        for (uint256 i = 0; i < ROWS; i++) {
            if (i % 16 == 0) table = bytes.concat(table, DearestBatch.offset(rows.length));
            rows = bytes.concat(rows, transferRow(i));
        }
        return bytes.concat(head, contexts, table, rows);
    }

    function measured(bytes memory data, uint256 blockPosition, uint256 position) private view returns (uint256 used) {
        address[] memory resolved = new address[](2);
        uint256 before = gasleft();
        (uint8 fault, bytes memory raw, uint256[] memory indices) =
            decoder.transactionAt(data, blockPosition, position, resolved);
        used = before - gasleft();
        assertEq(fault, BatchFaults.NONE, "fault");
        assertTrue(raw.length > 150 && indices.length == 2, "transaction");
    }

    function test_gasOfTransactionAtIn1000() public view {
        bytes memory data = thousand();
        assertEq(decoder.contextGroupFault(data, 0), BatchFaults.NONE, "contexts");
        assertEq(decoder.rowGroupFault(data, 62), BatchFaults.NONE, "last rows");
        assertTrue(measured(data, 0, 0) < 300_000, "the first of a group");
        assertTrue(measured(data, 9, 91) < 550_000, "the last of a group");
    }

    function test_gasOfTheDearestGroup() public view {
        bytes memory data = DearestBatch.data();
        uint256 before = gasleft();
        uint8 fault = decoder.rowGroupFault(data, 0);
        uint256 used = before - gasleft();
        assertEq(fault, BatchFaults.NONE, "fault");
        // With 21,000 and 16 gas for each byte of the longest calldata.
        assertTrue(21_000 + 16 * 98_304 + used < STEP_GAS, "fits a step of a fraud proof");
    }
}
