// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title What a token calls itself
/// @notice Total for any account: hostile tokens get a bounded amount of gas and a bounded answer.
library TokenMetadata {
    /// @notice Longest name or symbol that is taken over, in bytes; longer ones are cut.
    uint256 internal constant MAX_LENGTH = 64;
    uint256 private constant GAS = 50_000;
    /// @dev offset, length, MAX_LENGTH bytes
    uint256 private constant ANSWER_LENGTH = 128;

    /// @notice Name, symbol and decimals of a token; empty and 18 where it does not say.
    /// @param erc20 The token.
    /// @return name The name.
    /// @return symbol The symbol.
    /// @return decimals The decimals.
    function read(address erc20) internal view returns (string memory name, string memory symbol, uint8 decimals) {
        name = _text(erc20, 0x06fdde03);
        symbol = _text(erc20, 0x95d89b41);
        (bytes memory answer, uint256 size) = _ask(erc20, 0x313ce567);
        uint256 value = size < 32 ? 18 : _word(answer, 0);
        decimals = value > type(uint8).max ? 18 : uint8(value);
    }

    function _text(address erc20, bytes4 selector) private view returns (string memory) {
        (bytes memory answer, uint256 size) = _ask(erc20, selector);
        if (size < 64 || _word(answer, 0) != 32) return "";
        uint256 length = _word(answer, 1);
        uint256 available = (size < ANSWER_LENGTH ? size : ANSWER_LENGTH) - 64;
        if (length > available) length = available;
        bytes memory text = new bytes(length);
        for (uint256 i = 0; i < length; i++) {
            text[i] = answer[64 + i];
        }
        return string(text);
    }

    function _ask(address erc20, bytes4 selector) private view returns (bytes memory answer, uint256 size) {
        answer = new bytes(ANSWER_LENGTH);
        assembly ("memory-safe") {
            mstore(0, selector)
            if staticcall(GAS, erc20, 0, 4, add(answer, 32), ANSWER_LENGTH) { size := returndatasize() }
        }
    }

    function _word(bytes memory answer, uint256 index) private pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := mload(add(add(answer, 32), mul(index, 32)))
        }
    }
}
