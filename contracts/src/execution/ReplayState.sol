// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {EMPTY_CODE_HASH} from "./FrameLayout.sol";
import {PreAccount, PreSlot, PreState} from "./ReplayTypes.sol";
import {ValueWords} from "./StateValues.sol";

/// @notice The state in the course of a transaction: values that were handed in, as they have become.
/// @param now_ Accounts and slots as they are; an account's slots stand together, in the order of the accounts.
/// @param made For each account: 1 the transaction made it, 2 it destroyed it, 3 both.
/// @param newSlots Slots of contracts that were made, which were not handed in.
struct ReplayState {
    PreState now_;
    uint8[] made;
    PreSlot[] newSlots;
}

/// @title ReplayStates: reading and changing the values of a transaction under replay
/// @notice Whatever is asked for and was not handed in ends in an error, which is no verdict.
library ReplayStates {
    uint8 internal constant CREATED = 1;
    uint8 internal constant DESTROYED = 2;
    uint256 private constant DELEGATION_LENGTH = 23;
    /// @dev Words of a change, and of a slot of it.
    uint256 private constant CHANGE_BYTES = 192;
    uint256 private constant CHANGED_SLOT_BYTES = 64;
    bytes3 private constant DELEGATION_PREFIX = 0xef0100;

    /// @notice An account is needed and was not handed in.
    /// @param account The account.
    error AccountNotGiven(address account);
    /// @notice A slot is needed and was not handed in.
    /// @param account Its account.
    /// @param slot The slot.
    error SlotNotGiven(address account, uint256 slot);
    /// @notice The code of an account is needed and was not handed in.
    /// @param account The account.
    error CodeNotGiven(address account);

    /// @notice An account as it is. Reverts with AccountNotGiven.
    /// @param state The state.
    /// @param who Its address.
    /// @return The account, to be changed in place.
    function accountOf(ReplayState memory state, address who) internal pure returns (PreAccount memory) {
        return state.now_.accounts[indexOf(state, who)];
    }

    /// @notice Place of an account among those handed in. Reverts with AccountNotGiven.
    /// @param state The state.
    /// @param who Its address.
    /// @return index The place.
    function indexOf(ReplayState memory state, address who) internal pure returns (uint256 index) {
        PreAccount[] memory accounts = state.now_.accounts;
        uint256 count = accounts.length;
        assembly ("memory-safe") {
            let pointer := add(accounts, 32)
            for {} lt(index, count) { index := add(index, 1) } {
                if iszero(shl(96, xor(mload(mload(pointer)), who))) { break }
                pointer := add(pointer, 32)
            }
        }
        if (index == count) revert AccountNotGiven(who);
    }

    /// @notice A slot as it is. Reverts with SlotNotGiven.
    /// @param state The state.
    /// @param who Its account.
    /// @param slot The slot.
    /// @return The slot, to be changed in place.
    function slotOf(ReplayState memory state, address who, uint256 slot) internal pure returns (PreSlot memory) {
        PreSlot[] memory slots = state.now_.slots;
        uint256 count = slots.length;
        uint256 index = 0;
        assembly ("memory-safe") {
            let pointer := add(slots, 32)
            for {} lt(index, count) { index := add(index, 1) } {
                let given := mload(pointer)
                if eq(mload(add(given, 32)), slot) { if iszero(shl(96, xor(mload(given), who))) { break } }
                pointer := add(pointer, 32)
            }
        }
        if (index == count) revert SlotNotGiven(who, slot);
        return slots[index];
    }

    /// @notice Credits an account, which is in the state from then on.
    /// @param account The account.
    /// @param amount Wei, not zero.
    function credit(PreAccount memory account, uint256 amount) internal pure {
        if (!account.exists) {
            account.exists = true;
            account.codeHash = bytes32(EMPTY_CODE_HASH);
        }
        account.balance += amount;
    }

    /// @notice Whether an account has no code.
    /// @param account The account.
    /// @return Whether it has none.
    function isWithoutCode(PreAccount memory account) internal pure returns (bool) {
        return !account.exists || account.codeHash == bytes32(EMPTY_CODE_HASH);
    }

    /// @notice Whether an account's code is a delegation (EIP-7702). Reverts with CodeNotGiven where there is code that was
    /// not handed in.
    /// @param account The account.
    /// @return Whether it is.
    function isDelegated(PreAccount memory account) internal view returns (bool) {
        if (isWithoutCode(account)) return false;
        bytes memory code = account.code;
        if (code.length == 0) {
            if (account.codeSource == address(0)) revert CodeNotGiven(account.account);
            // No contract of L1 begins like a delegation (EIP-3541), but an account that is delegated there does.
            if (account.codeSource.code.length != DELEGATION_LENGTH) return false;
            code = account.codeSource.code;
        }
        return code.length == DELEGATION_LENGTH && bytes3(code) == DELEGATION_PREFIX;
    }

    /// @notice Sets an account's delegation (EIP-7702), or takes it away.
    /// @param account The account.
    /// @param target Whom it delegates to; zero: nobody.
    function delegate(PreAccount memory account, address target) internal pure {
        account.exists = true;
        account.codeSource = address(0);
        account.code = target == address(0) ? bytes("") : abi.encodePacked(DELEGATION_PREFIX, target);
        account.codeHash = keccak256(account.code);
    }

    /// @notice What became of the accounts, as {ValueWords-changesIn} reads it: those alone that are not as they were.
    /// Reverts with SlotNotGiven where slots are not in the order of the accounts.
    /// @param state The state afterwards.
    /// @param words The state as it was handed in.
    /// @return changes At most one for each account.
    function changesOf(ReplayState memory state, bytes calldata words) internal pure returns (bytes memory changes) {
        PreAccount[] memory accounts = state.now_.accounts;
        PreSlot[] memory slots = state.now_.slots;
        uint256 out;
        uint256 count = 0;
        {
            // slots that were made belong to one account each
            uint256 most = CHANGE_BYTES * accounts.length + CHANGED_SLOT_BYTES * (slots.length + state.newSlots.length);
            assembly ("memory-safe") {
                changes := mload(0x40)
                out := add(changes, 64)
                mstore(0x40, add(out, most))
            }
        }
        uint256 from = 0;
        for (uint256 i = 0; i < accounts.length; i++) {
            uint256 end = from;
            while (end < slots.length && slots[end].account == accounts[i].account) end++;
            uint256 next = _putChange(out, state, words, i, from, end);
            if (next != out) count++;
            (out, from) = (next, end);
        }
        if (from != slots.length) revert SlotNotGiven(slots[from].account, slots[from].slot);
        assembly ("memory-safe") {
            mstore(changes, sub(sub(out, changes), 32))
            mstore(add(changes, 32), count)
        }
    }

    /// @dev Writes what became of account `i`, whose slots are from `from` on to before `end`; nothing where it is as it was.
    function _putChange(
        uint256 out,
        ReplayState memory state,
        bytes calldata words,
        uint256 i,
        uint256 from,
        uint256 end
    ) private pure returns (uint256 next) {
        PreAccount memory account = state.now_.accounts[i];
        uint256 made = state.made[i];
        bool exists = account.exists && made & DESTROYED == 0;
        next = out + CHANGE_BYTES;
        if (exists) {
            for (; from < end; from++) {
                PreSlot memory slot = state.now_.slots[from];
                if (slot.value != ValueWords.valueAt(words, from)) next = _putSlot(next, slot);
            }
            if (made & CREATED != 0) next = _putNewSlots(next, state.newSlots, account.account);
        }
        uint256 slots = (next - out - CHANGE_BYTES) / CHANGED_SLOT_BYTES;
        bool isSame = exists ? slots == 0 && ValueWords.isAccount(words, i, account) : !ValueWords.existedAt(words, i);
        if (isSame) return out;
        assembly ("memory-safe") {
            mstore(out, i)
            mstore(add(out, 32), exists)
            // nonce, balance, code hash
            mcopy(add(out, 64), add(account, 96), 96)
            mstore(add(out, 160), slots)
        }
    }

    /// @dev Slots of a contract that was made, beside those that were handed in. What is zero in the end was never there.
    function _putNewSlots(uint256 out, PreSlot[] memory newSlots, address account) private pure returns (uint256 next) {
        next = out;
        for (uint256 i = 0; i < newSlots.length; i++) {
            if (newSlots[i].account == account && newSlots[i].value != 0) next = _putSlot(next, newSlots[i]);
        }
    }

    function _putSlot(uint256 out, PreSlot memory slot) private pure returns (uint256) {
        assembly ("memory-safe") {
            // place and value
            mcopy(out, add(slot, 32), 64)
        }
        return out + CHANGED_SLOT_BYTES;
    }
}
