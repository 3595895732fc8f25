// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Predeploys} from "../../l2/Predeploys.sol";
import {StateWitness} from "../../proofs/StateWitness.sol";
import {WitnessNodes} from "../../proofs/WitnessNodes.sol";
import {
    ADDRESS_MASK,
    CREATED,
    DESTROYED,
    EMPTY_CODE_HASH,
    EXISTED,
    HAS_STORAGE,
    TOUCHED,
    TRANSIENT,
    WARM
} from "../FrameLayout.sol";
import {isPrecompileAt} from "../Precompiles.sol";
import {Roots} from "./SliceStates.sol";

/// @title SliceWorld: accounts and slots of a slice, from the tries and back into them (decision 036)
/// @notice Two tries of the same form: the state with its changes so far, and what the transaction touched. An account of
/// the second has flags as its nonce, and in its storage what is known of the first one's slots.
library SliceWorld {
    uint256 private constant IS_WARM = 1;
    uint256 private constant IS_CREATED = 2;
    uint256 private constant IS_DESTROYED = 4;
    uint256 private constant STOOD_EMPTY = 8;
    /// @dev Bits of a slot. One that MT was minted into is written and not warm.
    uint256 private constant SLOT_WARM = 1;
    uint256 private constant SLOT_WRITTEN = 2;
    /// @dev Words of an account and of a slot as SliceInterpreter takes them.
    uint256 internal constant ACCOUNT_WORDS = 5;
    uint256 internal constant SLOT_WORDS = 4;

    /// @dev A slice's view of the tries.
    struct World {
        WitnessNodes.Table table;
        Roots roots;
        address[] names;
        /// Whether each was in the state before.
        bool[] existed;
        /// The frame's own account, the first of the names.
        bytes32 storageRoot;
        bytes32 touchedRoot;
        bytes32[] slots;
        /// SLOT_WARM and SLOT_WRITTEN, of each before.
        uint256[] slotStates;
        bytes32[] transients;
    }

    /// @notice Words of the accounts before the slice, codes left out.
    function accountWords(World memory world) internal pure returns (uint256[] memory words) {
        uint256 count = world.names.length;
        words = new uint256[](ACCOUNT_WORDS * count);
        world.existed = new bool[](count);
        for (uint256 i = 0; i < count; i++) {
            StateWitness.Account memory known = StateWitness.accountOf(world.table, world.roots.world, world.names[i]);
            StateWitness.Account memory touched =
                StateWitness.accountOf(world.table, world.roots.touched, world.names[i]);
            if (i == 0) (world.storageRoot, world.touchedRoot) = (known.storageRoot, touched.storageRoot);
            world.existed[i] = known.exists;
            uint256 at = ACCOUNT_WORDS * i;
            words[at + 1] = known.balance;
            words[at + 2] = known.nonce;
            words[at + 3] = known.exists ? uint256(known.codeHash) : EMPTY_CODE_HASH;
            bool stands = touched.nonce & STOOD_EMPTY != 0 || (known.exists && _isEmpty(words, at));
            words[at] = uint160(world.names[i]) | _word(touched.nonce) | (stands ? EXISTED : 0)
                | (known.storageRoot == WitnessNodes.EMPTY_ROOT ? 0 : HAS_STORAGE);
        }
    }

    /// @notice Words of the slots before the slice, then of the transient ones.
    function slotWords(World memory world) internal pure returns (uint256[] memory words) {
        uint256 count = world.slots.length;
        words = new uint256[](SLOT_WORDS * (count + world.transients.length));
        world.slotStates = new uint256[](count);
        uint256 self = uint160(world.names[0]);
        for (uint256 i = 0; i < count; i++) {
            bytes32 slot = world.slots[i];
            uint256 current = StateWitness.slotOf(world.table, world.storageRoot, slot);
            uint256 state = StateWitness.slotOf(world.table, world.touchedRoot, _place(slot, 0));
            uint256 original = current;
            if (state & SLOT_WRITTEN != 0) {
                original = StateWitness.slotOf(world.table, world.touchedRoot, _place(slot, 1));
            }
            world.slotStates[i] = state;
            uint256 at = SLOT_WORDS * i;
            (words[at], words[at + 1]) = (self | (state & SLOT_WARM == 0 ? 0 : WARM), uint256(slot));
            (words[at + 2], words[at + 3]) = (original, current);
        }
        for (uint256 i = 0; i < world.transients.length; i++) {
            bytes32 slot = world.transients[i];
            uint256 at = SLOT_WORDS * (count + i);
            (words[at], words[at + 1]) = (self | TRANSIENT, uint256(slot));
            words[at + 3] = StateWitness.slotOf(world.table, world.touchedRoot, _place(slot, 2));
        }
    }

    /// @notice Numbers and hashes of blocks: EIP-2935's contract has them in the state.
    function hashWords(World memory world, uint256[] calldata numbers) internal pure returns (uint256[] memory words) {
        words = new uint256[](2 * numbers.length);
        if (numbers.length == 0) return words;
        bytes32 storageRoot =
            StateWitness.accountOf(world.table, world.roots.world, Predeploys.BLOCK_HASH_HISTORY).storageRoot;
        for (uint256 i = 0; i < numbers.length; i++) {
            words[2 * i] = numbers[i];
            words[2 * i + 1] =
                StateWitness.slotOf(world.table, storageRoot, bytes32(numbers[i] % Predeploys.BLOCK_HASHES));
        }
    }

    /// @notice The roots after the slice, from its words before and after.
    function rootsAfter(
        World memory world,
        uint256[] memory accounts,
        uint256[] memory accountsAfter,
        uint256[] memory slots,
        uint256[] memory slotsAfter
    ) internal pure returns (Roots memory roots) {
        uint256 count = world.names.length;
        StateWitness.AccountChange[] memory changes = new StateWitness.AccountChange[](count);
        StateWitness.AccountChange[] memory touches = new StateWitness.AccountChange[](count);
        uint256 changed = 0;
        uint256 touched = 0;
        for (uint256 i = 0; i < count; i++) {
            StateWitness.AccountChange memory change = _change(world, accountsAfter, i);
            if (i == 0) change.slots = _slotChanges(world, slots, slotsAfter);
            if (change.slots.length != 0 || _differs(world.existed[i], change, accounts, i)) {
                changes[changed++] = change;
            }
            StateWitness.AccountChange memory touch;
            touch.account = world.names[i];
            touch.exists = true;
            touch.nonce = uint64(_flagsAfter(accountsAfter, change, i));
            touch.codeHash = bytes32(EMPTY_CODE_HASH);
            if (i == 0) touch.slots = _slotTouches(world, slots, slotsAfter);
            if (touch.slots.length != 0 || touch.nonce != _flagsBefore(world, accounts, i)) touches[touched++] = touch;
        }
        assembly ("memory-safe") {
            mstore(changes, changed)
            mstore(touches, touched)
        }
        roots.world = StateWitness.rootAfter(world.table, world.roots.world, changes);
        roots.touched = StateWitness.rootAfter(world.table, world.roots.touched, touches);
    }

    function _isEmpty(uint256[] memory words, uint256 at) private pure returns (bool) {
        return words[at + 1] == 0 && words[at + 2] == 0 && words[at + 3] == EMPTY_CODE_HASH;
    }

    /// @dev The account as the state has it afterwards.
    function _change(World memory world, uint256[] memory afterwards, uint256 index)
        private
        pure
        returns (StateWitness.AccountChange memory change)
    {
        uint256 at = ACCOUNT_WORDS * index;
        change.account = world.names[index];
        bool stands = afterwards[at] & EXISTED != 0 && afterwards[at] & TOUCHED == 0;
        change.exists = !_isEmpty(afterwards, at) || stands;
        if (!change.exists) return change;
        (change.balance, change.nonce) = (afterwards[at + 1], uint64(afterwards[at + 2]));
        change.codeHash = bytes32(afterwards[at + 3]);
    }

    function _differs(bool existed, StateWitness.AccountChange memory change, uint256[] memory accounts, uint256 index)
        private
        pure
        returns (bool)
    {
        if (existed != change.exists) return true;
        uint256 at = ACCOUNT_WORDS * index;
        return existed
            && (change.balance != accounts[at + 1]
                || change.nonce != accounts[at + 2]
                || uint256(change.codeHash) != accounts[at + 3]);
    }

    /// @dev Flags that the second trie had. That an account stands empty is told there only while it is not empty.
    function _flagsBefore(World memory world, uint256[] memory accounts, uint256 index)
        private
        pure
        returns (uint256 flags)
    {
        uint256 at = ACCOUNT_WORDS * index;
        flags = _flags(accounts[at]);
        bool isShown = world.existed[index] && _isEmpty(accounts, at);
        if (accounts[at] & EXISTED != 0 && !isShown) flags |= STOOD_EMPTY;
    }

    function _flagsAfter(uint256[] memory afterwards, StateWitness.AccountChange memory change, uint256 index)
        private
        pure
        returns (uint256 flags)
    {
        uint256 at = ACCOUNT_WORDS * index;
        flags = _flags(afterwards[at]);
        bool isShown = change.exists && _isEmpty(afterwards, at);
        if (afterwards[at] & EXISTED != 0 && afterwards[at] & TOUCHED == 0 && !isShown) flags |= STOOD_EMPTY;
    }

    /// @dev The second trie's flags as the interpreter has them.
    function _word(uint256 flags) private pure returns (uint256 word) {
        if (flags & IS_WARM != 0) word = WARM;
        if (flags & IS_CREATED != 0) word |= CREATED;
        if (flags & IS_DESTROYED != 0) word |= DESTROYED;
    }

    function _flags(uint256 word) private pure returns (uint256 flags) {
        uint256 name = word & ADDRESS_MASK;
        // Precompiles are warm without being told.
        if (word & WARM != 0 && !isPrecompileAt(name)) flags = IS_WARM;
        if (word & CREATED != 0) flags |= IS_CREATED;
        if (word & DESTROYED != 0) flags |= IS_DESTROYED;
    }

    function _slotChanges(World memory world, uint256[] memory slots, uint256[] memory slotsAfter)
        private
        pure
        returns (StateWitness.SlotChange[] memory changes)
    {
        uint256 count = world.slots.length;
        changes = new StateWitness.SlotChange[](count);
        uint256 changed = 0;
        for (uint256 i = 0; i < count; i++) {
            uint256 at = SLOT_WORDS * i + 3;
            if (slots[at] == slotsAfter[at]) continue;
            changes[changed++] = StateWitness.SlotChange(world.slots[i], slotsAfter[at]);
        }
        assembly ("memory-safe") {
            mstore(changes, changed)
        }
    }

    function _slotTouches(World memory world, uint256[] memory slots, uint256[] memory slotsAfter)
        private
        pure
        returns (StateWitness.SlotChange[] memory touches)
    {
        uint256 count = world.slots.length;
        touches = new StateWitness.SlotChange[](2 * count + world.transients.length);
        uint256 touched = 0;
        for (uint256 i = 0; i < count; i++) {
            uint256 at = SLOT_WORDS * i;
            uint256 before = world.slotStates[i];
            uint256 state = slotsAfter[at] & WARM != 0 ? SLOT_WARM : 0;
            if (before & SLOT_WRITTEN != 0 || slots[at + 3] != slotsAfter[at + 3]) state |= SLOT_WRITTEN;
            if (state == before) continue;
            touches[touched++] = StateWitness.SlotChange(_place(world.slots[i], 0), state);
            if (state & ~before & SLOT_WRITTEN != 0 && slots[at + 2] != 0) {
                touches[touched++] = StateWitness.SlotChange(_place(world.slots[i], 1), slots[at + 2]);
            }
        }
        for (uint256 i = 0; i < world.transients.length; i++) {
            uint256 at = SLOT_WORDS * (count + i) + 3;
            if (slots[at] == slotsAfter[at]) continue;
            touches[touched++] = StateWitness.SlotChange(_place(world.transients[i], 2), slotsAfter[at]);
        }
        assembly ("memory-safe") {
            mstore(touches, touched)
        }
    }

    /// @dev Where the second trie tells something of a slot: 0 whether it is warm or written, 1 its value before the
    /// transaction, 2 the transient value.
    function _place(bytes32 slot, uint256 what) private pure returns (bytes32) {
        return keccak256(abi.encode(slot, what));
    }
}
