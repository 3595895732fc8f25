// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {StateWitness} from "../proofs/StateWitness.sol";
import {EMPTY_CODE_HASH} from "./FrameLayout.sol";
import {PreAccount, PreSlot, PreState} from "./ReplayTypes.sol";

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
        for (; index < accounts.length; index++) {
            if (accounts[index].account == who) return index;
        }
        revert AccountNotGiven(who);
    }

    /// @notice A slot as it is. Reverts with SlotNotGiven.
    /// @param state The state.
    /// @param who Its account.
    /// @param slot The slot.
    /// @return The slot, to be changed in place.
    function slotOf(ReplayState memory state, address who, uint256 slot) internal pure returns (PreSlot memory) {
        PreSlot[] memory slots = state.now_.slots;
        for (uint256 i = 0; i < slots.length; i++) {
            if (slots[i].slot == slot && slots[i].account == who) return slots[i];
        }
        revert SlotNotGiven(who, slot);
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

    /// @notice What became of the accounts, as the trie of accounts takes it: those alone that are not as they were.
    /// @param state The state afterwards.
    /// @param before The state as it was handed in.
    /// @return changes At most one for each account.
    function changesOf(ReplayState memory state, PreState calldata before)
        internal
        pure
        returns (StateWitness.AccountChange[] memory changes)
    {
        PreAccount[] memory accounts = state.now_.accounts;
        changes = new StateWitness.AccountChange[](accounts.length);
        uint256 count = 0;
        uint256 from = 0;
        for (uint256 i = 0; i < accounts.length; i++) {
            uint256 end = _endOfSlots(state.now_.slots, from, accounts[i].account);
            StateWitness.AccountChange memory change = changes[count];
            if (_fill(change, state, before, i, from, end)) count++;
            from = end;
        }
        if (from != state.now_.slots.length) {
            revert SlotNotGiven(state.now_.slots[from].account, state.now_.slots[from].slot);
        }
        assembly ("memory-safe") {
            mstore(changes, count)
        }
    }

    /// @dev Whether account `i` is not as it was; `change` says how then.
    function _fill(
        StateWitness.AccountChange memory change,
        ReplayState memory state,
        PreState calldata before,
        uint256 i,
        uint256 from,
        uint256 end
    ) private pure returns (bool) {
        PreAccount memory account = state.now_.accounts[i];
        PreAccount calldata was = before.accounts[i];
        bool exists = account.exists && state.made[i] & DESTROYED == 0;
        change.account = account.account;
        change.exists = exists;
        if (!exists) return was.exists;
        change.nonce = account.nonce;
        change.balance = account.balance;
        change.codeHash = account.codeHash;
        change.slots = _slotChanges(state, before, from, end);
        if (state.made[i] & CREATED != 0) change.slots = _withNewSlots(change.slots, state.newSlots, account.account);
        return change.slots.length != 0 || !was.exists || was.nonce != account.nonce || was.balance != account.balance
            || was.codeHash != account.codeHash;
    }

    function _endOfSlots(PreSlot[] memory slots, uint256 from, address account) private pure returns (uint256 end) {
        for (end = from; end < slots.length && slots[end].account == account; end++) {}
    }

    function _slotChanges(ReplayState memory state, PreState calldata before, uint256 from, uint256 end)
        private
        pure
        returns (StateWitness.SlotChange[] memory changes)
    {
        PreSlot[] memory slots = state.now_.slots;
        uint256 count = 0;
        for (uint256 i = from; i < end; i++) {
            if (slots[i].value != before.slots[i].value) count++;
        }
        changes = new StateWitness.SlotChange[](count);
        count = 0;
        for (uint256 i = from; i < end; i++) {
            if (slots[i].value == before.slots[i].value) continue;
            (changes[count].slot, changes[count].value) = (bytes32(slots[i].slot), slots[i].value);
            count++;
        }
    }

    /// @dev Slots of a contract that was made, beside those that were handed in. What is zero in the end was never there.
    function _withNewSlots(StateWitness.SlotChange[] memory changes, PreSlot[] memory newSlots, address account)
        private
        pure
        returns (StateWitness.SlotChange[] memory all)
    {
        uint256 count = changes.length;
        all = new StateWitness.SlotChange[](count + newSlots.length);
        for (uint256 i = 0; i < count; i++) {
            all[i] = changes[i];
        }
        for (uint256 i = 0; i < newSlots.length; i++) {
            if (newSlots[i].account != account || newSlots[i].value == 0) continue;
            (all[count].slot, all[count].value) = (bytes32(newSlots[i].slot), newSlots[i].value);
            count++;
        }
        assembly ("memory-safe") {
            mstore(all, count)
        }
    }
}
