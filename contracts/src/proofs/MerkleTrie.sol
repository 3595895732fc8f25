// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Rlp} from "./Rlp.sol";

/// @title MerkleTrie: proofs of what a Merkle-Patricia trie holds and does not hold
/// @notice Yellow paper, appendices B to D, for tries whose keys are hashes: all of 32 bytes, so that a branch never has
/// a value. A proof is the nodes on the key's path from the root down, those apart that stand within their parent
/// (encodings under 32 bytes). The answer is the truth of the root, or the call reverts: nodes that are missing,
/// superfluous, not what their parent names, or not in the one canonical form are refused. A node is at most 64 KiB long.
library MerkleTrie {
    /// @notice Root of the trie that holds nothing: keccak256 of the RLP of the empty string.
    bytes32 internal constant EMPTY_ROOT = 0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421;

    /// @dev Longest node in bytes; the bound keeps the copy for hashing, and so memory, small.
    uint256 private constant MAX_NODE_BYTES = 65_536;
    /// @dev Nibbles of a key.
    uint256 private constant KEY_NIBBLES = 64;
    /// @dev First bytes of a branch's items: no child, and the hash of a child.
    uint256 private constant NO_CHILD = 0x80;
    uint256 private constant HASHED_CHILD = 0xa0;

    /// @notice The proof is none.
    /// @param place Position of the node that is wrong: missing, superfluous, malformed or not what its parent names.
    error MalformedProof(uint256 place);

    /// @dev Where a walk is: the node between `start` and `end` in calldata stands at `depth` nibbles below the root, in
    /// proof node number `index`. After the last step the range is the value's.
    struct Walk {
        uint256 start;
        uint256 end;
        uint256 depth;
        uint256 index;
        /// An extension stands above it, so that it has to be a branch.
        bool isBranch;
    }

    /// @dev What a step of a walk ends in.
    enum Found {
        Nothing,
        Value,
        Child
    }

    /// @notice The value of a key, or that there is none.
    /// @param root Root of the trie.
    /// @param keyHash The key as the trie has it: the keccak256 of what names the value.
    /// @param nodes Encoded nodes from the root down; none for the empty trie.
    /// @return exists Whether the key is in the trie.
    /// @return value Its value; empty where it is not.
    function get(bytes32 root, bytes32 keyHash, bytes[] calldata nodes)
        internal
        pure
        returns (bool exists, bytes calldata value)
    {
        value = msg.data[0:0];
        if (root == EMPTY_ROOT) {
            if (nodes.length != 0) revert MalformedProof(0);
            return (false, value);
        }
        Walk memory walk;
        _open(walk, nodes, root);
        Found found = _step(walk, uint256(keyHash));
        while (found == Found.Child) {
            uint256 child = walk.start;
            uint256 first = Rlp.load(child);
            unchecked {
                if (first >> 248 == HASHED_CHILD) {
                    walk.index++;
                    _open(walk, nodes, bytes32(Rlp.load(child + 1)));
                } else {
                    walk.end = child + (first >> 248) - 0xbf;
                }
            }
            found = _step(walk, uint256(keyHash));
        }
        unchecked {
            if (walk.index + 1 != nodes.length) revert MalformedProof(walk.index + 1);
        }
        exists = found == Found.Value;
        if (exists) {
            assembly ("memory-safe") {
                value.offset := mload(walk)
                value.length := sub(mload(add(walk, 32)), value.offset)
            }
        }
    }

    /// @notice An account of a state trie.
    /// @param root State root.
    /// @param account Its address.
    /// @param nodes Proof, as `get` takes it.
    /// @return exists Whether there is such an account.
    /// @return nonce Its nonce.
    /// @return balance Its balance in wei.
    /// @return storageRoot Root of its storage; that of the empty trie where there is no account.
    /// @return codeHash keccak256 of its code; zero where there is no account.
    function accountOf(bytes32 root, address account, bytes[] calldata nodes)
        internal
        pure
        returns (bool exists, uint64 nonce, uint256 balance, bytes32 storageRoot, bytes32 codeHash)
    {
        bytes calldata record;
        (exists, record) = get(root, keccak256(abi.encodePacked(account)), nodes);
        if (!exists) return (false, 0, 0, EMPTY_ROOT, 0);
        (uint256 place, uint256 end) = Rlp.range(record);
        (bool isSound, uint256 start, uint256 next) = Rlp.item(place, end);
        isSound = isSound && next == end;
        uint256 value;
        (value, place) = Rlp.integer(start, end, 8);
        nonce = uint64(value);
        isSound = isSound && place != 0;
        (balance, place) = Rlp.integer(place, end, 32);
        // What is left are two strings of 32 bytes.
        unchecked {
            isSound = isSound && place != 0 && end - place == 66 && Rlp.load(place) >> 248 == HASHED_CHILD
                && Rlp.load(place + 33) >> 248 == HASHED_CHILD;
            if (!isSound) revert MalformedProof(nodes.length - 1);
            storageRoot = bytes32(Rlp.load(place + 1));
            codeHash = bytes32(Rlp.load(place + 34));
        }
    }

    /// @notice The value of a storage slot: zero where the trie does not hold it.
    /// @param storageRoot Root of the account's storage.
    /// @param slot The slot, not hashed.
    /// @param nodes Proof, as `get` takes it.
    /// @return value The slot's value.
    function slotOf(bytes32 storageRoot, bytes32 slot, bytes[] calldata nodes) internal pure returns (uint256 value) {
        (bool exists, bytes calldata encoded) = get(storageRoot, keccak256(abi.encode(slot)), nodes);
        if (!exists) return 0;
        (uint256 place, uint256 end) = Rlp.range(encoded);
        (value, place) = Rlp.integer(place, end, 32);
        // A slot that holds zero is not in the trie.
        if (place != end || value == 0) revert MalformedProof(nodes.length - 1);
    }

    /// @dev Goes to proof node number `walk.index`, which has to have this hash.
    function _open(Walk memory walk, bytes[] calldata nodes, bytes32 hash) private pure {
        uint256 index = walk.index;
        if (index >= nodes.length) revert MalformedProof(index);
        bytes calldata node = nodes[index];
        // Only the root's node is hashed where it is short.
        if (node.length > MAX_NODE_BYTES || (node.length < 32 && index != 0)) revert MalformedProof(index);
        bytes32 actual;
        assembly ("memory-safe") {
            let copy := mload(0x40)
            calldatacopy(copy, node.offset, node.length)
            actual := keccak256(copy, node.length)
            mstore(walk, node.offset)
            mstore(add(walk, 32), add(node.offset, node.length))
        }
        if (actual != hash) revert MalformedProof(index);
    }

    /// @dev Goes from a node to the item that it holds at the next part of the key.
    function _step(Walk memory walk, uint256 key) private pure returns (Found found) {
        unchecked {
            uint256 depth = walk.depth;
            uint256 child;
            if (depth < KEY_NIBBLES) {
                uint256 nibble = (key << (4 * depth)) >> 252;
                child = _childOfHashes(walk.start, walk.end, nibble);
                if (child == 0) child = _childOfItems(walk, nibble);
            }
            if (child == 0) return _stepPair(walk, key);
            if (Rlp.load(child) >> 248 == NO_CHILD) return Found.Nothing;
            walk.start = child;
            walk.depth = depth + 1;
            walk.isBranch = false;
            return Found.Child;
        }
    }

    /// @dev Where child `nibble` of a branch stands whose children are all named by their hashes; 0 where the node is no
    /// such branch.
    function _childOfHashes(uint256 start, uint256 end, uint256 nibble) private pure returns (uint256 child) {
        assembly ("memory-safe") {
            let size := sub(end, start)
            let head := calldataload(start)
            switch and(eq(size, 532), eq(shr(232, head), 0xf90211))
            case 1 {
                // Sixteen hashes stand at fixed places.
                start := add(start, 3)
                let all := calldataload(start)
                let any := all
                for { let place := add(start, 33) } lt(place, sub(end, 1)) { place := add(place, 33) } {
                    let word := calldataload(place)
                    all := and(all, word)
                    any := or(any, word)
                }
                any := shr(248, any)
                if and(and(eq(shr(248, all), any), eq(any, 0xa0)), eq(byte(0, calldataload(sub(end, 1))), 0x80)) {
                    child := add(start, mul(33, nibble))
                }
            }
            default {
                // A list's header of two bytes up to seven children, then of three; two children at least.
                let isLong := gt(size, 257)
                let payload := sub(size, add(2, isLong))
                start := add(add(start, 2), isLong)
                let expected := add(shl(8, 0xf8), payload)
                if isLong { expected := add(shl(16, 0xf9), payload) }
                if and(gt(payload, 80), eq(shr(sub(240, mul(8, isLong)), head), expected)) {
                    // An item is the byte 0x80 or 0xa0 with 32 more: its bit 0x20 tells how far the next one is.
                    let all := not(0)
                    let any := 0
                    let place := start
                    let wanted := 0
                    for { let i := 0 } lt(i, 16) { i := add(i, 1) } {
                        let word := calldataload(place)
                        all := and(all, word)
                        any := or(any, word)
                        if eq(i, nibble) { wanted := place }
                        place := add(add(place, 1), and(shr(248, word), 0x20))
                    }
                    all := and(shr(248, all), 0x80)
                    any := and(shr(248, any), 0x5f)
                    if and(
                        and(eq(all, 0x80), iszero(any)),
                        and(eq(add(place, 1), end), eq(byte(0, calldataload(place)), 0x80))
                    ) {
                        child := wanted
                    }
                }
            }
        }
    }

    /// @dev Where child `nibble` of a branch stands, children within it allowed; 0 where the node has two items.
    function _childOfItems(Walk memory walk, uint256 nibble) private pure returns (uint256 child) {
        uint256 end = walk.end;
        uint256 index = walk.index;
        (bool isList, uint256 place, uint256 next) = Rlp.item(walk.start, end);
        if (!isList || next != end) revert MalformedProof(index);
        uint256 children;
        for (uint256 i = 0; i < 16; i++) {
            uint256 start;
            (isList, start, next) = Rlp.item(place, end);
            if (next == 0) revert MalformedProof(index);
            if (i == 1 && next == end) return 0;
            unchecked {
                uint256 size = next - (isList ? place : start);
                if (isList ? size > 31 : (size != 0 && size != 32)) {
                    // Only a path may be of another size, and a value after it.
                    if (i == 0 && _endsInOneItem(next, end)) return 0;
                    revert MalformedProof(index);
                }
                if (size != 0) children++;
            }
            if (i == nibble) child = place;
            place = next;
        }
        (isList,, next) = Rlp.item(place, end);
        unchecked {
            if (isList || next != end || next - place != 1 || Rlp.load(place) >> 248 != NO_CHILD || children < 2) {
                revert MalformedProof(index);
            }
        }
    }

    /// @dev Whether exactly one item stands between two places.
    function _endsInOneItem(uint256 place, uint256 end) private pure returns (bool isOne) {
        (,, uint256 next) = Rlp.item(place, end);
        return next == end;
    }

    /// @dev Goes on from a leaf or an extension.
    function _stepPair(Walk memory walk, uint256 key) private pure returns (Found found) {
        uint256 index = walk.index;
        uint256 end = walk.end;
        unchecked {
            (bool isList, uint256 start, uint256 next) = Rlp.item(walk.start, end);
            if (!isList || next != end || walk.isBranch) revert MalformedProof(index);
            uint256 second;
            (isList, start, second) = Rlp.item(start, end);
            if (isList || second == 0) revert MalformedProof(index);
            (bool isLeaf, uint256 length, bool isEqual) = _path(start, second, key << (4 * walk.depth));
            uint256 depth = walk.depth + length;
            (isList, start, next) = Rlp.item(second, end);
            if (next != end || length > KEY_NIBBLES) revert MalformedProof(index);
            if (isLeaf) {
                if (depth != KEY_NIBBLES || isList || start == end) revert MalformedProof(index);
                walk.start = start;
                return isEqual ? Found.Value : Found.Nothing;
            }
            // Below an extension stands a branch, which takes a nibble too.
            if (length == 0 || depth >= KEY_NIBBLES) revert MalformedProof(index);
            if (isList ? next - second > 31 : next - start != 32) revert MalformedProof(index);
            walk.start = second;
            walk.depth = depth;
            walk.isBranch = true;
            return isEqual ? Found.Child : Found.Nothing;
        }
    }

    /// @dev Reads a path in hex-prefix form (appendix C): `length` nibbles, above KEY_NIBBLES where it is none, and
    /// whether the key goes on with them.
    function _path(uint256 start, uint256 end, uint256 rest)
        private
        pure
        returns (bool isLeaf, uint256 length, bool isEqual)
    {
        unchecked {
            uint256 size = end - start;
            uint256 word = Rlp.load(start);
            uint256 flags = word >> 252;
            bool isOdd = flags & 1 == 1;
            if (size == 0 || size > 33 || flags > 3 || (!isOdd && (word << 4) >> 252 != 0)) {
                return (false, type(uint256).max, false);
            }
            isLeaf = flags > 1;
            length = 2 * size - (isOdd ? 1 : 2);
            word = isOdd ? word << 4 : Rlp.load(start + 1);
            isEqual = (word ^ rest) >> (256 - 4 * length) == 0;
        }
    }
}
