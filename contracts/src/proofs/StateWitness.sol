// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Rlp} from "./Rlp.sol";
import {TrieWrites} from "./TrieWrites.sol";
import {WitnessNodes} from "./WitnessNodes.sol";

/// @title StateWitness: accounts and slots of a state, and its root after writes
/// @notice Yellow paper, section 4.1: a trie of accounts by keccak256 of their addresses, each with the root of a trie of
/// slots by keccak256 of their places. One witness holds the nodes of all of them.
library StateWitness {
    /// @notice An account as the state holds it.
    struct Account {
        bool exists;
        uint64 nonce;
        /// Wei.
        uint256 balance;
        /// Root of its storage: that of the empty trie where there is no account.
        bytes32 storageRoot;
        /// keccak256 of its code; zero where there is no account.
        bytes32 codeHash;
    }

    /// @notice What becomes of a slot: zero takes it out of the trie.
    struct SlotChange {
        bytes32 slot;
        uint256 value;
    }

    /// @notice What becomes of an account and of slots of it. One that does not exist any more goes with its storage.
    struct AccountChange {
        address account;
        bool exists;
        uint64 nonce;
        uint256 balance;
        bytes32 codeHash;
        /// Root of its storage before, where it is known by {accountOf} of the same root; zero: it is looked up.
        bytes32 storageRoot;
        SlotChange[] slots;
    }

    /// @notice The trie holds something else than an account or a slot's value.
    /// @param key The key as the trie has it.
    error MalformedValue(bytes32 key);
    /// @notice Slots of an account are changed that is to be no more.
    /// @param account The account.
    error SlotsOfNothing(address account);

    /// @notice An account, or that there is none. Reverts with MissingNode, MalformedNode, MalformedValue.
    /// @param table The opened witness.
    /// @param stateRoot Root of the accounts.
    /// @param who Its address.
    /// @return account The account.
    function accountOf(WitnessNodes.Table memory table, bytes32 stateRoot, address who)
        internal
        pure
        returns (Account memory account)
    {
        return _accountAt(table, stateRoot, _hashOf(bytes32(uint256(uint160(who)) << 96), 20));
    }

    /// @notice The value of a slot: zero where the trie does not hold it.
    /// Reverts with MissingNode, MalformedNode, MalformedValue.
    /// @param table The opened witness.
    /// @param storageRoot Root of the account's storage.
    /// @param slot The slot, not hashed.
    /// @return value The slot's value.
    function slotOf(WitnessNodes.Table memory table, bytes32 storageRoot, bytes32 slot)
        internal
        pure
        returns (uint256 value)
    {
        uint256 key = _hashOf(slot, 32);
        (uint256 place, uint256 end) = WitnessNodes.find(table, storageRoot, key);
        if (end == 0) return 0;
        (value, place) = Rlp.integer(place, end, 32);
        // A slot that holds zero is not in the trie.
        if (place != end || value == 0) revert MalformedValue(bytes32(key));
    }

    /// @notice Root of the accounts after changes. An account is needed only as far as the changes go: its storage where
    /// slots change. Reverts with MissingNode, MalformedNode, MalformedValue, SlotsOfNothing, DuplicateKey, TooManyChanges.
    /// @param table The opened witness.
    /// @param stateRoot Root before.
    /// @param changes At most one for each account, in any order; of each at most one for each slot.
    /// @return The root after.
    function rootAfter(WitnessNodes.Table memory table, bytes32 stateRoot, AccountChange[] memory changes)
        internal
        pure
        returns (bytes32)
    {
        uint256 count = changes.length;
        if (count > TrieWrites.MAX_CHANGES) revert TrieWrites.TooManyChanges(count);
        uint256[] memory keys = new uint256[](count);
        uint256[] memory items = new uint256[](count);
        for (uint256 i = 0; i < count; i++) {
            AccountChange memory change = changes[i];
            uint256 key = _hashOf(bytes32(uint256(uint160(change.account)) << 96), 20);
            keys[i] = key;
            if (change.exists) {
                bytes32 storageRoot = change.storageRoot;
                if (storageRoot == 0) storageRoot = _storageRootAt(table, stateRoot, key);
                items[i] = _accountItem(change, _storageAfter(table, storageRoot, change.slots));
            } else if (change.slots.length != 0) {
                revert SlotsOfNothing(change.account);
            }
        }
        return TrieWrites.rootAfter(table, stateRoot, keys, items);
    }

    function _accountAt(WitnessNodes.Table memory table, bytes32 stateRoot, uint256 key)
        private
        pure
        returns (Account memory account)
    {
        (uint256 place, uint256 end) = WitnessNodes.find(table, stateRoot, key);
        account.storageRoot = WitnessNodes.EMPTY_ROOT;
        if (end == 0) return account;
        (bool isSound, uint256 start, uint256 next) = Rlp.item(place, end);
        isSound = isSound && next == end;
        uint256 value;
        (value, place) = Rlp.integer(start, end, 8);
        isSound = isSound && place != 0;
        account.exists = true;
        account.nonce = uint64(value);
        (account.balance, place) = Rlp.integer(place, end, 32);
        // What is left are two strings of 32 bytes.
        unchecked {
            isSound = isSound && place != 0 && end - place == 66 && Rlp.load(place) >> 248 == 0xa0
                && Rlp.load(place + 33) >> 248 == 0xa0;
            if (!isSound) revert MalformedValue(bytes32(key));
            account.storageRoot = bytes32(Rlp.load(place + 1));
            account.codeHash = bytes32(Rlp.load(place + 34));
        }
    }

    /// @dev Root of an account's storage, that of the empty trie where there is no account. Two strings of 32 bytes end its
    /// record, and this is the first; the rest, which is written anew, is not looked at.
    function _storageRootAt(WitnessNodes.Table memory table, bytes32 stateRoot, uint256 key)
        private
        pure
        returns (bytes32)
    {
        (uint256 place, uint256 end) = WitnessNodes.find(table, stateRoot, key);
        if (end == 0) return WitnessNodes.EMPTY_ROOT;
        unchecked {
            bool isSound = end - place >= 70 && Rlp.load(end - 66) >> 248 == 0xa0 && Rlp.load(end - 33) >> 248 == 0xa0;
            if (!isSound) revert MalformedValue(bytes32(key));
            return bytes32(Rlp.load(end - 65));
        }
    }

    function _storageAfter(WitnessNodes.Table memory table, bytes32 storageRoot, SlotChange[] memory slots)
        private
        pure
        returns (bytes32)
    {
        uint256 count = slots.length;
        if (count > TrieWrites.MAX_CHANGES) revert TrieWrites.TooManyChanges(count);
        uint256[] memory keys = new uint256[](count);
        uint256[] memory items = new uint256[](count);
        for (uint256 i = 0; i < count; i++) {
            keys[i] = _hashOf(slots[i].slot, 32);
            if (slots[i].value != 0) items[i] = _slotItem(slots[i].value);
        }
        return TrieWrites.rootAfter(table, storageRoot, keys, items);
    }

    /// @dev An account's record as its leaf has it: [nonce, balance, storage root, code hash].
    function _accountItem(AccountChange memory change, bytes32 storageRoot) private pure returns (uint256 item) {
        uint256 start;
        uint256 out;
        assembly ("memory-safe") {
            start := mload(0x40)
            out := add(start, 4)
            mstore(0x40, add(start, 160))
        }
        out = _putInteger(_putInteger(out, change.nonce), change.balance);
        bytes32 codeHash = change.codeHash;
        assembly ("memory-safe") {
            mstore8(out, 0xa0)
            mstore(add(out, 1), storageRoot)
            mstore8(add(out, 33), 0xa0)
            mstore(add(out, 34), codeHash)
            out := add(out, 66)
            // A string of 70 to 110 bytes, which is a list of two bytes less.
            let size := sub(out, start)
            mstore8(start, 0xb8)
            mstore8(add(start, 1), sub(size, 2))
            mstore8(add(start, 2), 0xf8)
            mstore8(add(start, 3), sub(size, 4))
            item := or(start, shl(32, size))
        }
    }

    /// @dev A slot's value, not zero, as its leaf has it: the RLP of its integer as a string.
    function _slotItem(uint256 value) private pure returns (uint256 item) {
        uint256 start;
        assembly ("memory-safe") {
            start := mload(0x40)
            mstore(0x40, add(start, 64))
        }
        unchecked {
            uint256 end = _putInteger(start + 1, value);
            uint256 size = end - start - 1;
            if (size == 1) return (start + 1) | 1 << 32;
            assembly ("memory-safe") {
                mstore8(start, add(0x80, size))
            }
            return start | (size + 1) << 32;
        }
    }

    /// @dev Writes an integer's RLP.
    function _putInteger(uint256 out, uint256 value) private pure returns (uint256 next) {
        assembly ("memory-safe") {
            switch and(gt(value, 0), lt(value, 0x80))
            case 1 {
                mstore8(out, value)
                next := add(out, 1)
            }
            default {
                let size := sub(32, shr(3, clz(value)))
                mstore8(out, add(0x80, size))
                mstore(add(out, 1), shl(shl(3, sub(32, size)), value))
                next := add(add(out, 1), size)
            }
        }
    }

    function _hashOf(bytes32 word, uint256 size) private pure returns (uint256 hash) {
        assembly ("memory-safe") {
            mstore(0x00, word)
            hash := keccak256(0x00, size)
        }
    }
}
