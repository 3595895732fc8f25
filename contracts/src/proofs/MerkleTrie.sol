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
    /// the last of the first `count` nodes of the proof. After the last step the range is the value's.
    struct Walk {
        uint256 start;
        uint256 end;
        uint256 depth;
        uint256 count;
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
        uint256 hash = uint256(root);
        bool isHashed = true;
        Found found;
        while (true) {
            if (isHashed && _descend(walk, nodes, hash, uint256(keyHash))) break;
            found = _step(walk, uint256(keyHash));
            if (found != Found.Child) break;
            uint256 child = walk.start;
            uint256 first = Rlp.load(child) >> 248;
            isHashed = first == HASHED_CHILD;
            // A node within its parent is a list of at most 31 bytes.
            if (isHashed) hash = Rlp.load(child + 1);
            else walk.end = child + first - 0xbf;
        }
        if (walk.count != nodes.length) revert MalformedProof(walk.count);
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

    /// @dev Goes to the next node of the proof, which has to have this hash, and on from there as long as the nodes are
    /// branches whose children are all named by their hashes: nearly all of a path. `isOver` where one lacks the child.
    function _descend(Walk memory walk, bytes[] calldata nodes, uint256 hash, uint256 key)
        private
        pure
        returns (bool isOver)
    {
        uint256 index = walk.count;
        uint256 depth = walk.depth;
        uint256 start;
        uint256 size;
        // Unrolled, for the gas: with loops a path takes twice as much.
        assembly ("memory-safe") {
            // Where child `nibble` of a branch of sixteen hashes stands: they have fixed places. 0: it is none.
            function childOfSixteen(start_, nibble) -> child {
                if xor(shr(232, calldataload(start_)), 0xf90211) { leave }
                let mask := 0xa000000000000000000000000000000000000000000000000000000000000000
                let bad := xor(calldataload(add(start_, 3)), mask)
                bad := or(bad, xor(calldataload(add(start_, 36)), mask))
                bad := or(bad, xor(calldataload(add(start_, 69)), mask))
                bad := or(bad, xor(calldataload(add(start_, 102)), mask))
                bad := or(bad, xor(calldataload(add(start_, 135)), mask))
                bad := or(bad, xor(calldataload(add(start_, 168)), mask))
                bad := or(bad, xor(calldataload(add(start_, 201)), mask))
                bad := or(bad, xor(calldataload(add(start_, 234)), mask))
                bad := or(bad, xor(calldataload(add(start_, 267)), mask))
                bad := or(bad, xor(calldataload(add(start_, 300)), mask))
                bad := or(bad, xor(calldataload(add(start_, 333)), mask))
                bad := or(bad, xor(calldataload(add(start_, 366)), mask))
                bad := or(bad, xor(calldataload(add(start_, 399)), mask))
                bad := or(bad, xor(calldataload(add(start_, 432)), mask))
                bad := or(bad, xor(calldataload(add(start_, 465)), mask))
                bad := or(bad, xor(calldataload(add(start_, 498)), mask))
                if or(shr(248, bad), xor(byte(0, calldataload(add(start_, 531))), 0x80)) { leave }
                child := add(add(start_, 3), mul(33, nibble))
            }
            // The same for a branch of two to fifteen hashes, with the byte 0x80 where there is no child.
            function childOfFewer(start_, size_, nibble) -> child {
                if or(lt(size_, 83), gt(size_, 500)) { leave }
                let place := add(start_, 2)
                // A list's header of two bytes up to seven children, of three above.
                switch lt(size_, 258)
                case 1 { if xor(shr(240, calldataload(start_)), add(0xf7fe, size_)) { leave } }
                default {
                    place := add(start_, 3)
                    if xor(shr(232, calldataload(start_)), add(0xf8fffd, size_)) { leave }
                }
                // A leaf or an extension begins with its path, most often of another size: no need to look further.
                if xor(and(byte(0, calldataload(place)), 0xdf), 0x80) { leave }
                child := add(place, nibble)
                // The items' first bytes, of which 0x80 takes one place and 0xa0 takes 33.
                let first := byte(0, calldataload(place))
                let firsts := first
                place := add(sub(place, 0x7f), first)
                first := byte(0, calldataload(place))
                firsts := or(shl(8, firsts), first)
                place := add(sub(place, 0x7f), first)
                first := byte(0, calldataload(place))
                firsts := or(shl(8, firsts), first)
                place := add(sub(place, 0x7f), first)
                first := byte(0, calldataload(place))
                firsts := or(shl(8, firsts), first)
                place := add(sub(place, 0x7f), first)
                first := byte(0, calldataload(place))
                firsts := or(shl(8, firsts), first)
                place := add(sub(place, 0x7f), first)
                first := byte(0, calldataload(place))
                firsts := or(shl(8, firsts), first)
                place := add(sub(place, 0x7f), first)
                first := byte(0, calldataload(place))
                firsts := or(shl(8, firsts), first)
                place := add(sub(place, 0x7f), first)
                first := byte(0, calldataload(place))
                firsts := or(shl(8, firsts), first)
                place := add(sub(place, 0x7f), first)
                first := byte(0, calldataload(place))
                firsts := or(shl(8, firsts), first)
                place := add(sub(place, 0x7f), first)
                first := byte(0, calldataload(place))
                firsts := or(shl(8, firsts), first)
                place := add(sub(place, 0x7f), first)
                first := byte(0, calldataload(place))
                firsts := or(shl(8, firsts), first)
                place := add(sub(place, 0x7f), first)
                first := byte(0, calldataload(place))
                firsts := or(shl(8, firsts), first)
                place := add(sub(place, 0x7f), first)
                first := byte(0, calldataload(place))
                firsts := or(shl(8, firsts), first)
                place := add(sub(place, 0x7f), first)
                first := byte(0, calldataload(place))
                firsts := or(shl(8, firsts), first)
                place := add(sub(place, 0x7f), first)
                first := byte(0, calldataload(place))
                firsts := or(shl(8, firsts), first)
                place := add(sub(place, 0x7f), first)
                first := byte(0, calldataload(place))
                firsts := or(shl(8, firsts), first)
                place := add(sub(place, 0x7f), first)
                if xor(add(place, 1), add(start_, size_)) { child := 0 }
                if xor(byte(0, calldataload(place)), 0x80) { child := 0 }
                if xor(and(firsts, 0xdfdfdfdfdfdfdfdfdfdfdfdfdfdfdfdf), 0x80808080808080808080808080808080) {
                    child := 0
                }
                if child {
                    // Modulo 255 the bytes of a word are summed up: here one for each hash before the child.
                    let before := and(shr(add(5, shl(3, sub(16, nibble))), firsts), 0x01010101010101010101010101010101)
                    child := add(child, shl(5, mod(before, 255)))
                }
            }

            for {} 1 {} {
                start := 0
                if iszero(lt(index, nodes.length)) { break }
                let place := add(nodes.offset, calldataload(add(nodes.offset, shl(5, index))))
                size := calldataload(place)
                place := add(place, 32)
                if or(gt(size, MAX_NODE_BYTES), gt(place, calldatasize())) { break }
                if gt(add(place, size), calldatasize()) { break }
                let copy := mload(0x40)
                calldatacopy(copy, place, size)
                if iszero(eq(keccak256(copy, size), hash)) { break }
                start := place
                if gt(depth, 63) { break }
                let child := and(shr(sub(252, shl(2, depth)), key), 15)
                switch eq(size, 532)
                case 1 { child := childOfSixteen(start, child) }
                default { child := childOfFewer(start, size, child) }
                if iszero(child) { break }
                index := add(index, 1)
                depth := add(depth, 1)
                isOver := eq(byte(0, calldataload(child)), 0x80)
                if isOver { break }
                hash := calldataload(add(child, 1))
            }
        }
        unchecked {
            if (isOver) {
                walk.count = index;
                return true;
            }
            // Only the root's node is hashed where it is short.
            if (start == 0 || (size < 32 && index != 0)) revert MalformedProof(index);
            walk.start = start;
            walk.end = start + size;
            walk.count = index + 1;
            if (depth != walk.depth) walk.isBranch = false;
            walk.depth = depth;
        }
    }

    /// @dev Goes from a node to the item that it holds at the next part of the key.
    function _step(Walk memory walk, uint256 key) private pure returns (Found found) {
        unchecked {
            uint256 start = walk.start;
            uint256 end = walk.end;
            uint256 depth = walk.depth;
            (bool isList, uint256 first, uint256 next) = Rlp.item(start, end);
            if (!isList || next != end) revert MalformedProof(walk.count - 1);
            uint256 second;
            (isList, start, second) = Rlp.item(first, end);
            (,, next) = Rlp.item(second, end);
            if (second == 0 || next == 0 || (next == end && isList)) revert MalformedProof(walk.count - 1);
            if (next == end) return _stepPair(walk, start, second, key << (4 * depth));
            if (depth == KEY_NIBBLES) revert MalformedProof(walk.count - 1);
            uint256 child = _childOfItems(walk, first, (key << (4 * depth)) >> 252);
            if (Rlp.load(child) >> 248 == NO_CHILD) return Found.Nothing;
            walk.start = child;
            walk.depth = depth + 1;
            walk.isBranch = false;
            return Found.Child;
        }
    }

    /// @dev Where child `nibble` of a branch stands that may have children within it; its items begin at `place`.
    function _childOfItems(Walk memory walk, uint256 place, uint256 nibble) private pure returns (uint256 child) {
        uint256 end = walk.end;
        uint256 children;
        bool isSound = true;
        unchecked {
            for (uint256 i = 0; i < 16; i++) {
                (bool isList, uint256 start, uint256 next) = Rlp.item(place, end);
                if (next == 0) revert MalformedProof(walk.count - 1);
                uint256 size = next - start;
                isSound = isSound && (isList ? next - place < 32 : size == 0 || size == 32);
                if (isList || size != 0) children++;
                if (i == nibble) child = place;
                place = next;
            }
            isSound = isSound && children > 1 && place + 1 == end && Rlp.load(place) >> 248 == NO_CHILD;
            if (!isSound) revert MalformedProof(walk.count - 1);
        }
    }

    /// @dev Goes on from a leaf or an extension: its path stands at `start`, its second item from `second` to the end.
    function _stepPair(Walk memory walk, uint256 start, uint256 second, uint256 rest)
        private
        pure
        returns (Found found)
    {
        unchecked {
            uint256 end = walk.end;
            (bool isLeaf, uint256 length, bool isEqual) = _path(start, second, rest);
            uint256 depth = walk.depth + length;
            bool isList;
            (isList, start,) = Rlp.item(second, end);
            bool isSound = length <= KEY_NIBBLES && !walk.isBranch;
            if (isLeaf) {
                isSound = isSound && depth == KEY_NIBBLES && !isList && start != end;
                found = Found.Value;
            } else {
                // Below an extension stands a branch, which takes a nibble too.
                isSound =
                    isSound && length != 0 && depth < KEY_NIBBLES && (isList ? end - second < 32 : end - start == 32);
                found = Found.Child;
                start = second;
            }
            if (!isSound) revert MalformedProof(walk.count - 1);
            walk.start = start;
            walk.depth = depth;
            walk.isBranch = true;
            return isEqual ? found : Found.Nothing;
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
