// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice Paths through made-up tries: branches of a given number of children, and a leaf at the end.
library ProofPaths {
    /// @dev A path of `length` nodes to the key's value; the other children of its branches are arbitrary hashes.
    function make(bytes32 keyHash, bytes memory value, uint256 length, uint256 children)
        internal
        pure
        returns (bytes32 root, bytes[] memory nodes)
    {
        nodes = new bytes[](length);
        nodes[length - 1] = leaf(keyHash, value, length - 1);
        for (uint256 depth = length - 1; depth > 0; depth--) {
            nodes[depth - 1] = branch(nibbleOf(keyHash, depth - 1), keccak256(nodes[depth]), children);
        }
        root = keccak256(nodes[0]);
    }

    function nibbleOf(bytes32 keyHash, uint256 depth) internal pure returns (uint256) {
        return (uint256(keyHash) >> (252 - 4 * depth)) & 15;
    }

    function leaf(bytes32 keyHash, bytes memory value, uint256 depth) internal pure returns (bytes memory) {
        uint256 length = 64 - depth;
        uint256 rest = depth == 0 ? uint256(keyHash) : uint256(keyHash) & (type(uint256).max >> (4 * depth));
        bytes memory path = new bytes(length / 2 + 1);
        for (uint256 i = path.length; i > 1; i--) {
            path[i - 1] = bytes1(uint8(rest));
            rest >>= 8;
        }
        path[0] = bytes1(uint8(length % 2 == 1 ? 0x30 | rest : 0x20));
        return list(bytes.concat(text(path), text(value)));
    }

    function branch(uint256 nibble, bytes32 child, uint256 children) internal pure returns (bytes memory) {
        bytes memory items = "";
        for (uint256 i = 0; i < 16; i++) {
            bool isThere = i == nibble || (i + 16 - nibble) % 16 < children;
            bytes32 hash = i == nibble ? child : keccak256(abi.encode(child, i));
            items = bytes.concat(items, isThere ? abi.encodePacked(bytes1(0xa0), hash) : bytes(hex"80"));
        }
        return list(bytes.concat(items, hex"80"));
    }

    function text(bytes memory value) internal pure returns (bytes memory) {
        if (value.length == 1 && uint8(value[0]) < 0x80) return value;
        return bytes.concat(head(value.length, 0x80), value);
    }

    function list(bytes memory items) internal pure returns (bytes memory) {
        return bytes.concat(head(items.length, 0xc0), items);
    }

    function head(uint256 length, uint256 offset) private pure returns (bytes memory) {
        if (length < 56) return abi.encodePacked(uint8(offset + length));
        if (length < 256) return abi.encodePacked(uint8(offset + 56), uint8(length));
        return abi.encodePacked(uint8(offset + 57), uint16(length));
    }
}
