// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ReplayState, ReplayStates} from "../../src/execution/ReplayState.sol";
import {PreAccount, PreSlot, PreState} from "../../src/execution/ReplayTypes.sol";
import {StateValues, ValueWords} from "../../src/execution/StateValues.sol";
import {StateWitness} from "../../src/proofs/StateWitness.sol";
import {Test} from "../base/Test.sol";

/// @notice Takes values, and tells what became of them, as ExecutionManager does.
contract ValueTaker {
    function open(StateValues calldata values) external pure returns (PreState memory) {
        return ValueWords.open(values);
    }

    function changesOf(StateValues calldata values, ReplayState memory state) external pure returns (bytes memory) {
        return ReplayStates.changesOf(state, values.words);
    }
}

/// forge-config: default.fuzz.runs = 64
contract StateValuesTest is Test {
    bytes32 private constant EMPTY_STORAGE = 0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421;

    ValueTaker private taker = new ValueTaker();

    /// @dev Accounts that differ in all their fields, every second one with code, the n-th with n slots.
    function made(uint256 accounts, bytes32 salt)
        private
        pure
        returns (StateWitness.Account[] memory list, bytes[] memory codes, uint256 slots)
    {
        list = new StateWitness.Account[](accounts);
        codes = new bytes[](accounts);
        for (uint256 i = 0; i < accounts; i++) {
            uint256 word = uint256(keccak256(abi.encode(salt, i)));
            bytes32 root = i % 3 == 0 ? EMPTY_STORAGE : bytes32(word);
            list[i] = StateWitness.Account(i % 4 != 3, uint64(word), word >> 64, root, keccak256(abi.encode(word)));
            if (i % 2 == 0) codes[i] = abi.encodePacked(word, new bytes(word % 70));
            slots += i;
        }
    }

    function addressOf(uint256 i) private pure returns (address) {
        return address(uint160(0xa000 + i));
    }

    function valuesOf(uint256 accounts, bytes32 salt) private pure returns (StateValues memory values) {
        (StateWitness.Account[] memory list, bytes[] memory codes, uint256 slots) = made(accounts, salt);
        bytes memory words = ValueWords.room(accounts, slots, 2);
        slots = 0;
        for (uint256 i = 0; i < accounts; i++) {
            ValueWords.setAccount(words, i, addressOf(i), list[i], address(uint160(i)), codes[i]);
            for (uint256 slot = 0; slot < i; slot++) {
                ValueWords.setSlot(words, slots, addressOf(i), slot, 1000 * i + slot);
                slots++;
            }
        }
        for (uint256 i = 0; i < 2; i++) {
            ValueWords.setHash(words, i, 7 + i, keccak256(abi.encode(salt, "hash", i)));
        }
        values = StateValues(words, ValueWords.closeCodes(words));
    }

    function testFuzz_valuesArriveAsTheyWereHandedIn(uint256 accounts, bytes32 salt) public view {
        accounts %= 8;
        (StateWitness.Account[] memory list, bytes[] memory codes, uint256 slots) = made(accounts, salt);
        PreState memory state = taker.open(valuesOf(accounts, salt));
        assertEq(state.accounts.length, accounts, "accounts");
        assertEq(state.slots.length, slots, "slots");
        slots = 0;
        for (uint256 i = 0; i < accounts; i++) {
            PreAccount memory account = state.accounts[i];
            assertEq(account.account, addressOf(i), "address");
            assertTrue(account.exists == (list[i].exists), "exists");
            assertTrue(account.hasStorage == (list[i].storageRoot != EMPTY_STORAGE), "storage");
            assertEq(account.nonce, list[i].nonce, "nonce");
            assertEq(account.balance, list[i].balance, "balance");
            assertEq(account.codeHash, list[i].codeHash, "code hash");
            assertEq(account.codeSource, address(uint160(i)), "holder");
            assertEq(account.code, codes[i], "code");
            for (uint256 slot = 0; slot < i; slot++) {
                PreSlot memory given = state.slots[slots++];
                assertEq(given.account, addressOf(i), "account of a slot");
                assertEq(given.slot, slot, "slot");
                assertEq(given.value, 1000 * i + slot, "value");
                assertEq(given.original, given.value, "original value");
            }
        }
        for (uint256 i = 0; i < 2; i++) {
            assertEq(state.blockHashes[i].number, 7 + i, "number");
            assertEq(state.blockHashes[i].hash, keccak256(abi.encode(salt, "hash", i)), "hash");
        }
        assertEq(state.warmAccounts.length + state.warmSlots.length, 0, "nothing is warm");
    }

    function testFuzz_numbersThatDoNotFitAreRefused(uint256 place, uint256 count) public {
        StateValues memory values = valuesOf(3, "fit");
        place = 32 + 32 * (place % 3);
        bytes memory words = values.words;
        assembly ("memory-safe") {
            if eq(mload(add(words, place)), count) { count := add(count, 1) }
            mstore(add(words, place), count)
        }
        vm.expectRevert(ValueWords.MalformedValues.selector);
        taker.open(values);
    }

    function testFuzz_wordsOfAnotherLengthAreRefused(uint256 length) public {
        StateValues memory values = valuesOf(3, "length");
        refuseCut(values, values.words, length);
    }

    function testFuzz_codesThatAreMissingAreRefused(uint256 length) public {
        StateValues memory values = valuesOf(3, "codes");
        refuseCut(values, values.codes, length);
    }

    /// @dev With a part of them cut to some length.
    function refuseCut(StateValues memory values, bytes memory part, uint256 length) private {
        length %= part.length;
        assembly ("memory-safe") {
            mstore(part, length)
        }
        vm.expectRevert(ValueWords.MalformedValues.selector);
        taker.open(values);
    }

    function test_whatIsAsItWasIsNoChange() public view {
        assertEq(changesAfter(valuesOf(5, "same"), taker.open(valuesOf(5, "same"))).length, 0, "no change");
    }

    function testFuzz_eachFieldThatIsAnotherIsAChange(uint256 which, uint256 field, uint256 slot) public view {
        StateValues memory values = valuesOf(7, "field");
        PreState memory state = taker.open(values);
        which %= 7;
        field %= 5;
        PreAccount memory account = state.accounts[which];
        bool existed = account.exists;
        if (field == 0) account.exists = !existed;
        if (field == 1) account.nonce++;
        if (field == 2) account.balance++;
        if (field == 3) account.codeHash = keccak256("other");
        bool hasSlot = field == 4 && which != 0;
        if (hasSlot) {
            slot = which * (which - 1) / 2 + slot % which;
            state.slots[slot].value++;
        }
        StateWitness.AccountChange[] memory changes = changesAfter(values, state);
        bool isChange = field == 0 || (field < 4 && existed) || (hasSlot && existed);
        assertEq(changes.length, isChange ? 1 : 0, "one change");
        if (!isChange) return;
        StateWitness.AccountChange memory change = changes[0];
        assertEq(change.account, addressOf(which), "address");
        assertTrue(change.exists == (account.exists), "exists");
        assertEq(change.storageRoot, bytes32(which), "storage root");
        if (!change.exists) return;
        assertEq(change.nonce, account.nonce, "nonce");
        assertEq(change.balance, account.balance, "balance");
        assertEq(change.codeHash, account.codeHash, "code hash");
        assertEq(change.slots.length, hasSlot ? 1 : 0, "slots");
        if (!hasSlot) return;
        assertEq(uint256(change.slots[0].slot), state.slots[slot].slot, "slot");
        assertEq(change.slots[0].value, state.slots[slot].value, "value");
    }

    function test_allChangesComeInTheirOrderWithAllTheirSlots() public view {
        StateValues memory values = valuesOf(6, "all");
        ReplayState memory state;
        state.now_ = taker.open(values);
        state.made = new uint8[](6);
        for (uint256 i = 0; i < 6; i++) {
            state.now_.accounts[i].exists = true;
            state.now_.accounts[i].balance++;
        }
        for (uint256 i = 0; i < state.now_.slots.length; i++) {
            state.now_.slots[i].value = 0;
        }
        state.made[4] = 1;
        state.made[5] = 2;
        state.newSlots = new PreSlot[](3);
        state.newSlots[0] = PreSlot(addressOf(4), 100, 1, 0);
        state.newSlots[1] = PreSlot(addressOf(5), 101, 2, 0);
        state.newSlots[2] = PreSlot(addressOf(4), 102, 0, 0);
        StateWitness.AccountChange[] memory changes = changesOf(values, state);
        assertEq(changes.length, 6, "all");
        for (uint256 i = 0; i < 6; i++) {
            assertEq(changes[i].account, addressOf(i), "order");
            assertTrue(changes[i].exists == (i != 5), "the last one was destroyed");
            assertEq(changes[i].slots.length, i == 5 ? 0 : i == 4 ? 5 : i, "slots, of the one that was made a new one");
        }
        assertEq(uint256(changes[4].slots[4].slot), 100, "new slot");
        assertEq(changes[4].slots[4].value, 1, "its value");
    }

    function test_slotsThatAreNotInTheOrderOfTheAccountsAreRefused() public {
        StateValues memory values = valuesOf(3, "order");
        ReplayState memory state;
        state.now_ = taker.open(values);
        state.made = new uint8[](3);
        (state.now_.slots[0], state.now_.slots[2]) = (state.now_.slots[2], state.now_.slots[0]);
        vm.expectRevert(abi.encodeWithSelector(ReplayStates.SlotNotGiven.selector, addressOf(1), 0));
        taker.changesOf(values, state);
    }

    function changesAfter(StateValues memory values, PreState memory then)
        private
        view
        returns (StateWitness.AccountChange[] memory)
    {
        ReplayState memory state;
        state.now_ = then;
        state.made = new uint8[](then.accounts.length);
        return changesOf(values, state);
    }

    /// @dev The n-th account's storage root is n.
    function changesOf(StateValues memory values, ReplayState memory state)
        private
        view
        returns (StateWitness.AccountChange[] memory)
    {
        bytes32[] memory roots = new bytes32[](state.now_.accounts.length);
        for (uint256 i = 0; i < roots.length; i++) {
            roots[i] = bytes32(i);
        }
        return ValueWords.changesIn(taker.changesOf(values, state), values.words, roots);
    }
}
