// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice A batch's data whose first group of rows costs the most to read that can be posted.
library DearestBatch {
    /// @dev 2^128 - 1 without an exponent: the longest decimal.
    bytes private constant LONGEST = hex"e0ffffffffffffffffffffffffffffffffff7f";

    function repeated(bytes memory piece, uint256 count) internal pure returns (bytes memory whole) {
        whole = new bytes(piece.length * count);
        for (uint256 i = 0; i < whole.length; i++) {
            whole[i] = piece[i % piece.length];
        }
    }

    function offset(uint256 value) internal pure returns (bytes3) {
        return bytes3(uint24(value));
    }

    /// @dev Every dictionary full of the longest numbers.
    function dearestPrelude() private pure returns (bytes memory) {
        bytes memory fees = bytes.concat(bytes1(uint8(127)), repeated(bytes.concat(LONGEST, LONGEST), 127));
        bytes memory gasLimits = bytes.concat(bytes1(uint8(127)), repeated(hex"ffffffffffffffffff01", 127));
        bytes memory shape = bytes.concat(hex"1122334440", repeated(hex"55", 32), repeated(LONGEST, 64));
        return bytes.concat(hex"04ffffffffffff3f0020", fees, gasLimits, hex"04", repeated(shape, 4));
    }

    /// @dev Two groups of 16 contexts of full length, `count` transactions in the first block.
    function dearestContexts(bytes1 count) private pure returns (bytes memory) {
        bytes memory first = hex"ffffffffffffffffff01ffffffffffffffffff01";
        bytes memory rest = bytes.concat(hex"ffffffff0f", keccak256("randomness"), keccak256("evidence"), hex"01");
        rest = bytes.concat(rest, repeated(hex"aa", 20), hex"3c", repeated(hex"ffffffff0f", 2));
        bytes memory others = repeated(bytes.concat(hex"0000", rest, hex"00"), 15);
        bytes memory group = bytes.concat(first, rest, count, others);
        bytes memory lastGroup = bytes.concat(first, rest, hex"00", others);
        bytes memory table = bytes.concat(offset(0), offset(0), offset(group.length), offset(uint8(count)));
        return bytes.concat(table, group, lastGroup);
    }

    /// @dev A row with a shape of its own, of 64 words, each the longest decimal.
    function dearestRow() private pure returns (bytes memory row) {
        row = bytes.concat(hex"08ffffffffffffffffff01ffff03", LONGEST, hex"21", hex"00", repeated(hex"aa", 20), LONGEST);
        row = bytes.concat(row, hex"001122334440", repeated(hex"00", 32), repeated(LONGEST, 64), new bytes(64));
    }

    /// @notice 32 blocks, the first with 16 transactions.
    function data() internal pure returns (bytes memory) {
        bytes memory rows = repeated(dearestRow(), 16);
        return bytes.concat(dearestPrelude(), dearestContexts(0x10), offset(0), rows);
    }
}
