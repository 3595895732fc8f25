// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ProofPaths} from "./ProofPaths.sol";

/// @notice Witnesses of made-up tries, the plain way: the union of some keys' paths, each of a branch for every depth and a
/// leaf; other children are arbitrary hashes.
library WitnessPaths {
    struct Entry {
        bytes32 key;
        bytes value;
    }

    /// @notice Root and witness. The keys part above the depth of the leaves.
    /// @param children For each depth the least number of children of branches there.
    function make(Entry[] memory entries, uint256[] memory children)
        internal
        pure
        returns (bytes32 root, bytes memory witness)
    {
        return _node(entries, children, 0);
    }

    function _node(Entry[] memory entries, uint256[] memory children, uint256 depth)
        private
        pure
        returns (bytes32 hash, bytes memory witness)
    {
        bytes memory node;
        if (depth == children.length) {
            node = ProofPaths.leaf(entries[0].key, entries[0].value, depth);
        } else {
            bytes memory items = "";
            uint256 first = ProofPaths.nibbleOf(entries[0].key, depth);
            for (uint256 nibble = 0; nibble < 16; nibble++) {
                Entry[] memory some = _under(entries, depth, nibble);
                bytes32 child = keccak256(abi.encode(entries[0].key, depth, nibble));
                bytes memory below = "";
                if (some.length != 0) (child, below) = _node(some, children, depth + 1);
                bool isThere = some.length != 0 || (nibble + 16 - first) % 16 < children[depth];
                items = bytes.concat(items, isThere ? abi.encodePacked(bytes1(0xa0), child) : bytes(hex"80"));
                witness = bytes.concat(witness, below);
            }
            node = ProofPaths.list(bytes.concat(items, hex"80"));
        }
        return (keccak256(node), bytes.concat(node, witness));
    }

    function _under(Entry[] memory entries, uint256 depth, uint256 nibble) private pure returns (Entry[] memory some) {
        uint256 count = 0;
        for (uint256 i = 0; i < entries.length; i++) {
            if (ProofPaths.nibbleOf(entries[i].key, depth) == nibble) count++;
        }
        some = new Entry[](count);
        count = 0;
        for (uint256 i = 0; i < entries.length; i++) {
            if (ProofPaths.nibbleOf(entries[i].key, depth) == nibble) some[count++] = entries[i];
        }
    }
}
