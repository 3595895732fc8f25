// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ProofPaths} from "../proofs/ProofPaths.sol";

/// @notice Whole Merkle-Patricia tries of a few entries, the plain way: keys are hashes, all distinct, values so long that
/// every node is named by its hash.
library TrieBuilder {
    struct Entry {
        bytes32 keyHash;
        bytes value;
    }

    /// @notice An entry of a state trie: an account.
    function account(address owner, uint256 balance, bytes32 storageRoot, bytes32 codeHash)
        internal
        pure
        returns (Entry memory)
    {
        bytes memory items = bytes.concat(ProofPaths.text(""), number(balance));
        items = bytes.concat(items, ProofPaths.text(abi.encode(storageRoot)), ProofPaths.text(abi.encode(codeHash)));
        return Entry(keccak256(abi.encodePacked(owner)), ProofPaths.list(items));
    }

    /// @notice An entry of a storage trie: a slot's value, not zero.
    function slot(bytes32 place, uint256 value) internal pure returns (Entry memory) {
        return Entry(keccak256(abi.encode(place)), number(value));
    }

    /// @notice The RLP of a number.
    function number(uint256 value) internal pure returns (bytes memory) {
        uint256 size = 0;
        while (size < 32 && value >> (8 * size) != 0) size++;
        bytes memory digits = new bytes(size);
        for (uint256 i = 0; i < size; i++) {
            digits[i] = bytes1(uint8(value >> (8 * (size - 1 - i))));
        }
        return ProofPaths.text(digits);
    }

    /// @notice Root of a trie of at least one entry.
    function root(Entry[] memory entries) internal pure returns (bytes32) {
        return keccak256(_node(entries, 0));
    }

    /// @notice The nodes on a key's path from the root down, as far as the trie goes.
    function proof(Entry[] memory entries, bytes32 keyHash) internal pure returns (bytes[] memory nodes) {
        bytes[] memory found = new bytes[](65);
        uint256 count = 0;
        uint256 depth = 0;
        while (true) {
            found[count++] = _node(entries, depth);
            if (entries.length == 1) break;
            uint256 shared = _shared(entries, depth);
            if (shared > 0) {
                bool along = true;
                for (uint256 i = depth; i < depth + shared; i++) {
                    along = along && ProofPaths.nibbleOf(keyHash, i) == ProofPaths.nibbleOf(entries[0].keyHash, i);
                }
                if (!along) break;
                depth += shared;
                continue;
            }
            entries = _under(entries, depth, ProofPaths.nibbleOf(keyHash, depth));
            if (entries.length == 0) break;
            depth++;
        }
        nodes = new bytes[](count);
        for (uint256 i = 0; i < count; i++) {
            nodes[i] = found[i];
        }
    }

    function _node(Entry[] memory entries, uint256 depth) private pure returns (bytes memory) {
        if (entries.length == 1) return ProofPaths.leaf(entries[0].keyHash, entries[0].value, depth);
        uint256 shared = _shared(entries, depth);
        if (shared > 0) {
            bytes memory below = abi.encodePacked(bytes1(0xa0), keccak256(_node(entries, depth + shared)));
            return ProofPaths.list(bytes.concat(ProofPaths.text(_path(entries[0].keyHash, depth, shared)), below));
        }
        bytes memory items = "";
        for (uint256 nibble = 0; nibble < 16; nibble++) {
            Entry[] memory some = _under(entries, depth, nibble);
            if (some.length == 0) items = bytes.concat(items, hex"80");
            else items = abi.encodePacked(items, bytes1(0xa0), keccak256(_node(some, depth + 1)));
        }
        return ProofPaths.list(bytes.concat(items, hex"80"));
    }

    /// @dev Number of nibbles from a depth on that all keys share.
    function _shared(Entry[] memory entries, uint256 depth) private pure returns (uint256 count) {
        while (true) {
            uint256 nibble = ProofPaths.nibbleOf(entries[0].keyHash, depth + count);
            for (uint256 i = 1; i < entries.length; i++) {
                if (ProofPaths.nibbleOf(entries[i].keyHash, depth + count) != nibble) return count;
            }
            count++;
        }
    }

    /// @dev Hex-prefix encoding of an extension's path.
    function _path(bytes32 keyHash, uint256 depth, uint256 length) private pure returns (bytes memory path) {
        path = new bytes(length / 2 + 1);
        uint256 place = length % 2;
        if (place == 1) path[0] = bytes1(uint8(0x10 | ProofPaths.nibbleOf(keyHash, depth)));
        for (uint256 i = 1; i < path.length; i++) {
            uint256 high = ProofPaths.nibbleOf(keyHash, depth + place);
            path[i] = bytes1(uint8(high << 4 | ProofPaths.nibbleOf(keyHash, depth + place + 1)));
            place += 2;
        }
    }

    function _under(Entry[] memory entries, uint256 depth, uint256 nibble) private pure returns (Entry[] memory some) {
        uint256 count = 0;
        for (uint256 i = 0; i < entries.length; i++) {
            if (ProofPaths.nibbleOf(entries[i].keyHash, depth) == nibble) count++;
        }
        some = new Entry[](count);
        count = 0;
        for (uint256 i = 0; i < entries.length; i++) {
            if (ProofPaths.nibbleOf(entries[i].keyHash, depth) == nibble) some[count++] = entries[i];
        }
    }
}
