// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice Headers of L1 as Osaka has them, made by a few lines of RLP of their own.
library L1HeaderBuilder {
    /// @dev EIP-2935's contract, with its real code.
    address internal constant BLOCK_HASHES = 0x0000F90827F1C53a10cb7A02335B175320002935;
    bytes internal constant BLOCK_HASHES_CODE =
        hex"3373fffffffffffffffffffffffffffffffffffffffe14604657602036036042575f35600143038111604257611fff81430311604257611fff9006545f5260205ff35b5f5ffd5b5f35611fff60014303065500";

    struct Values {
        uint256 number;
        uint256 timestamp;
        uint256 baseFee;
        bytes32 prevRandao;
    }

    function build(Values memory values) internal pure returns (bytes memory) {
        bytes memory items = abi.encodePacked(
            text(abi.encode(keccak256("parent"))),
            text(abi.encode(keccak256("ommers"))),
            text(abi.encodePacked(address(0xBEEF))),
            text(abi.encode(keccak256("state")))
        );
        items = abi.encodePacked(
            items,
            text(abi.encode(keccak256("transactions"))),
            text(abi.encode(keccak256("receipts"))),
            text(new bytes(256)),
            number(0)
        );
        items = abi.encodePacked(
            items, number(values.number), number(60_000_000), number(21_000), number(values.timestamp), text("geth")
        );
        items = abi.encodePacked(items, text(abi.encode(values.prevRandao)), text(new bytes(8)), number(values.baseFee));
        items = abi.encodePacked(
            items,
            text(abi.encode(keccak256("withdrawals"))),
            number(0),
            number(0),
            text(abi.encode(keccak256("beacon root"))),
            text(abi.encode(keccak256("requests")))
        );
        return abi.encodePacked(bytes1(0xf9), uint16(items.length), items);
    }

    function number(uint256 value) private pure returns (bytes memory) {
        uint256 size = 0;
        while (size < 32 && value >> (8 * size) != 0) size++;
        bytes memory digits = new bytes(size);
        for (uint256 i = 0; i < size; i++) {
            digits[i] = bytes1(uint8(value >> (8 * (size - 1 - i))));
        }
        return text(digits);
    }

    function text(bytes memory content) private pure returns (bytes memory) {
        if (content.length == 1 && content[0] < 0x80) return content;
        if (content.length < 56) return abi.encodePacked(bytes1(uint8(0x80 + content.length)), content);
        return abi.encodePacked(bytes1(0xb9), uint16(content.length), content);
    }
}
