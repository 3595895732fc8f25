// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {
    ACCOUNT_BYTES,
    CREATED,
    DESTROYED,
    EMPTY_CODE_HASH,
    EXISTED,
    HAS_STORAGE,
    HEAP_CODE,
    HEAP_LOG,
    HEAP_SLOT,
    KIND_SHIFT,
    KNOWN,
    SIZE_SHIFT,
    TOUCHED,
    TRANSIENT,
    WARM,
    WORLD,
    WORLD_TABLES,
    W_ACCOUNTS,
    W_ACCOUNT_BUCKETS,
    W_ACCOUNT_COUNT,
    W_ACCOUNT_SHIFT,
    W_HASHES,
    W_HASH_COUNT,
    W_HEAP,
    W_HEAP_END,
    W_SALT,
    W_SLOT_BUCKETS,
    W_SLOT_ROOM,
    W_SLOT_SHIFT,
    W_TIMESTAMP,
    W_USED
} from "./FrameLayout.sol";
import {
    NumberedHash,
    PostAccount,
    PreAccount,
    PreSlot,
    PreState,
    ReplayEnvironment,
    ReplayOutcome,
    ReplayRoom,
    SlotName
} from "./ReplayTypes.sol";
import {World} from "./World.sol";

/// @title WorldRecords: the world from what is handed in, and what became of it
/// @notice For the one L1 frame in which no L2 code runs.
abstract contract WorldRecords is World {
    /// @dev The code is not the one that the account's hash names.
    error WrongCode(address account);
    /// @dev An account or slot is handed in twice.
    error HandedInTwice(address account, uint256 slot);

    uint256 private constant MAX_BITS = 16;
    /// @dev Addresses below are places in the world where code is told (FrameLayout.sol).
    uint256 private constant LEAST_SOURCE = 0x100000000;

    /// @dev Writes the world. Memory from WORLD on is fresh.
    function _buildWorld(
        ReplayEnvironment calldata environment,
        PreState calldata state,
        ReplayRoom calldata room,
        address target
    ) internal view {
        unchecked {
            _writeEnvironment(environment);
            uint256 slots = _layOut(state, room);
            for (uint256 i = 0; i < state.accounts.length; i++) {
                _addAccount(state.accounts[i]);
            }
            for (uint256 i = 0; i < state.slots.length; i++) {
                PreSlot calldata slot = state.slots[i];
                uint256 next = _addSlot(slots, slot.account, slot.slot, slot.value, KNOWN);
                uint256 original = slot.original;
                assembly ("memory-safe") {
                    mstore(add(slots, 0x40), original)
                }
                slots = next;
            }
            _warmAccount(environment.origin);
            _warmAccount(environment.coinbase);
            _warmAccount(target);
            for (uint256 i = 0; i < state.warmAccounts.length; i++) {
                _warmAccount(state.warmAccounts[i]);
            }
            for (uint256 i = 0; i < state.warmSlots.length; i++) {
                SlotName calldata name = state.warmSlots[i];
                (uint256 entry,) = _findSlot(uint160(name.account), name.slot);
                if (entry == 0) slots = _addSlot(slots, name.account, name.slot, 0, WARM);
                else _setFlags(entry, WARM);
            }
            assembly ("memory-safe") {
                mstore(W_HEAP, add(WORLD, mload(W_USED)))
            }
        }
    }

    function _writeEnvironment(ReplayEnvironment calldata environment) private pure {
        assembly ("memory-safe") {
            // Ten words in the same order: timestamp to denied.
            calldatacopy(W_TIMESTAMP, environment, 0x140)
        }
    }

    /// @dev Places tables, entries, hashes and heap one behind the other. Gives the place of the first slot.
    function _layOut(PreState calldata state, ReplayRoom calldata room) private pure returns (uint256 slots) {
        unchecked {
            uint256 accountCount = state.accounts.length + state.warmAccounts.length + 3;
            uint256 slotCount = state.slots.length + state.warmSlots.length;
            uint256 accountPlaces = 1 << room.accountBits;
            uint256 slotPlaces = 1 << room.slotBits;
            // A table is never full: a search ends at a free place.
            if (
                room.accountBits > MAX_BITS || room.slotBits > MAX_BITS || accountCount >= accountPlaces
                    || slotCount >= slotPlaces || room.heapBytes > type(uint24).max
            ) revert OutOfRoom();
            uint256 heapBytes = room.heapBytes;
            for (uint256 i = 0; i < state.accounts.length; i++) {
                heapBytes += state.accounts[i].code.length + 0x40;
            }
            uint256 accounts = WORLD_TABLES + 32 * (accountPlaces + slotPlaces);
            slots = accounts + ACCOUNT_BYTES * accountCount;
            uint256 hashes = slots + 0x80 * slotCount;
            uint256 heap = hashes + 0x40 * state.blockHashes.length;
            uint256 salt = room.salt;
            uint256 shift = 256 - room.accountBits;
            uint256 slotShift = 256 - room.slotBits;
            assembly ("memory-safe") {
                mstore(W_ACCOUNT_BUCKETS, WORLD_TABLES)
                mstore(W_ACCOUNT_SHIFT, shift)
                mstore(W_SLOT_BUCKETS, add(WORLD_TABLES, shl(5, accountPlaces)))
                mstore(W_SLOT_SHIFT, slotShift)
                mstore(W_SALT, salt)
                mstore(W_HASHES, hashes)
                mstore(W_SLOT_ROOM, sub(slotPlaces, 1))
                mstore(W_ACCOUNTS, accounts)
                mstore(W_USED, sub(heap, WORLD))
                mstore(W_HEAP_END, and(add(add(heap, heapBytes), 31), not(31)))
            }
            _writeHashes(state.blockHashes, hashes);
        }
    }

    function _writeHashes(NumberedHash[] calldata list, uint256 place) private pure {
        assembly ("memory-safe") {
            mstore(W_HASH_COUNT, list.length)
            calldatacopy(place, list.offset, shl(6, list.length))
        }
    }

    function _addAccount(PreAccount calldata given) private view {
        if (_findAccount(uint160(given.account)) != 0) revert HandedInTwice(given.account, 0);
        if (!given.exists) {
            _newAccount(given.account, KNOWN);
            return;
        }
        uint256 entry = _newAccount(given.account, KNOWN | EXISTED | (given.hasStorage ? HAS_STORAGE : 0));
        uint256 nonce = given.nonce;
        uint256 held = given.balance;
        bytes32 hash = given.codeHash;
        uint256 code = _codeOf(given);
        assembly ("memory-safe") {
            mstore(add(entry, 0x20), held)
            mstore(add(entry, 0x40), nonce)
            mstore(add(entry, 0x60), hash)
            mstore(add(entry, 0x80), code)
        }
    }

    /// @dev Size and place of code that is handed in or named; 0: neither.
    function _codeOf(PreAccount calldata given) private view returns (uint256 code) {
        bytes calldata bytes_ = given.code;
        if (bytes_.length != 0) {
            uint256 place = _allocate(HEAP_CODE, bytes_.length);
            bytes32 hash;
            assembly ("memory-safe") {
                calldatacopy(place, bytes_.offset, bytes_.length)
                hash := keccak256(place, bytes_.length)
            }
            if (hash != given.codeHash) revert WrongCode(given.account);
            return bytes_.length << SIZE_SHIFT | place;
        }
        address source = given.codeSource;
        if (source == address(0)) return 0;
        if (source.codehash != given.codeHash || uint160(source) < LEAST_SOURCE) revert WrongCode(given.account);
        return source.code.length << SIZE_SHIFT | uint160(source);
    }

    function _newAccount(address account, uint256 flags) internal pure returns (uint256 entry) {
        assembly ("memory-safe") {
            let count := mload(W_ACCOUNT_COUNT)
            mstore(W_ACCOUNT_COUNT, add(count, 1))
            entry := add(mload(W_ACCOUNTS), mul(count, ACCOUNT_BYTES))
            mstore(entry, or(account, flags))
            mstore(add(entry, 0x60), EMPTY_CODE_HASH)
            let shift := mload(W_ACCOUNT_SHIFT)
            let buckets := mload(W_ACCOUNT_BUCKETS)
            let mask := sub(shl(sub(256, shift), 1), 1)
            let i := shr(shift, mul(account, mload(W_SALT)))
            for {} mload(add(buckets, shl(5, i))) {} { i := and(add(i, 1), mask) }
            mstore(add(buckets, shl(5, i)), entry)
        }
    }

    function _warmAccount(address account) private pure {
        uint256 entry = _findAccount(uint160(account));
        if (entry == 0) _newAccount(account, WARM);
        else _setFlags(entry, WARM);
    }

    /// @dev Gives the place of the next slot.
    function _addSlot(uint256 entry, address account, uint256 key, uint256 value, uint256 flags)
        private
        pure
        returns (uint256)
    {
        unchecked {
            (uint256 known, uint256 bucket) = _findSlot(uint160(account), key);
            if (known != 0) revert HandedInTwice(account, key);
            assembly ("memory-safe") {
                mstore(entry, or(account, flags))
                mstore(add(entry, 0x20), key)
                mstore(add(entry, 0x40), value)
                mstore(add(entry, 0x60), value)
                mstore(bucket, entry)
                mstore(W_SLOT_ROOM, sub(mload(W_SLOT_ROOM), 1))
            }
            return entry + 0x80;
        }
    }

    /// @dev What the world says in the end. Free memory begins behind it.
    function _collect(ReplayOutcome memory outcome, PreState calldata state) internal view {
        unchecked {
            uint256 entry;
            assembly ("memory-safe") {
                entry := mload(W_ACCOUNTS)
            }
            outcome.accounts = new PostAccount[](state.accounts.length);
            for (uint256 i = 0; i < state.accounts.length; i++) {
                _collectAccount(outcome.accounts[i], state.accounts[i], entry);
                entry += ACCOUNT_BYTES;
            }
            outcome.slots = new uint256[](state.slots.length);
            for (uint256 i = 0; i < state.slots.length; i++) {
                (uint256 slot,) = _findSlot(uint160(state.slots[i].account), state.slots[i].slot);
                outcome.slots[i] = _wordOf(slot, 0x60);
            }
            (uint256 logBytes, uint256 newSlots) = _walkHeap(0, new PreSlot[](0));
            outcome.logs = new bytes(logBytes);
            outcome.newSlots = new PreSlot[](newSlots);
            bytes memory logs = outcome.logs;
            uint256 place;
            assembly ("memory-safe") {
                place := add(logs, 0x20)
            }
            _walkHeap(place, outcome.newSlots);
        }
    }

    function _collectAccount(PostAccount memory account, PreAccount calldata given, uint256 entry) private view {
        uint256 flags = _flags(entry);
        bool wasEmpty =
            given.exists && given.nonce == 0 && given.balance == 0 && given.codeHash == bytes32(EMPTY_CODE_HASH);
        account.isCreated = flags & CREATED != 0;
        account.isDestroyed = flags & DESTROYED != 0;
        account.exists = !account.isDestroyed && (!_isEmpty(entry) || (wasEmpty && flags & TOUCHED == 0));
        account.nonce = uint64(_wordOf(entry, 0x40));
        account.balance = _wordOf(entry, 0x20);
        account.codeHash = bytes32(_wordOf(entry, 0x60));
        bytes32 before = given.exists ? given.codeHash : bytes32(EMPTY_CODE_HASH);
        if (account.codeHash == before) return;
        bytes memory code = new bytes(_codeSize(entry));
        uint256 place;
        assembly ("memory-safe") {
            place := add(code, 0x20)
        }
        _loadCode(entry, place, 0, code.length);
        account.code = code;
    }

    /// @dev Goes through what the message put on the heap: counts, or with a place for the logs writes.
    function _walkHeap(uint256 logs, PreSlot[] memory slots) private pure returns (uint256 logBytes, uint256 newSlots) {
        unchecked {
            uint256 place;
            uint256 end;
            assembly ("memory-safe") {
                place := mload(W_HEAP)
                end := add(WORLD, mload(W_USED))
            }
            while (place < end) {
                uint256 header = _wordOf(place, 0);
                uint256 kind = header >> KIND_SHIFT;
                uint256 size = uint248(header);
                place += 0x20;
                if (kind == HEAP_LOG) {
                    if (logs != 0) {
                        assembly ("memory-safe") {
                            mcopy(add(logs, logBytes), place, size)
                        }
                    }
                    logBytes += size;
                } else if (kind == HEAP_SLOT && _flags(place) & TRANSIENT == 0) {
                    if (logs != 0) {
                        slots[newSlots] =
                            PreSlot(address(uint160(_flags(place))), _wordOf(place, 0x20), _wordOf(place, 0x60), 0);
                    }
                    newSlots++;
                }
                place += (size + 31) & ~uint256(31);
            }
        }
    }

    function _wordOf(uint256 entry, uint256 offset) internal pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(add(entry, offset))
        }
    }
}
