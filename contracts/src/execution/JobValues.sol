// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {CodeWitness} from "../proofs/CodeWitness.sol";
import {EMPTY_CODE_HASH} from "./FrameLayout.sol";
import {ReplayState, ReplayStates} from "./ReplayState.sol";
import {NOT_GIVEN, NumberedHash, PreAccount, PreSlot} from "./ReplayTypes.sol";

/// @notice Where the parts of a message's reads stand in calldata: readWords of packages/protocol/src/results.ts.
/// @param accounts Number of accounts; then slots, codes, hashes of blocks alike.
/// @param number 1 + the block's number; 0 where it was not read.
/// @param chainId 1 + the chain's identifier; 0 where it was not read.
/// @param accountsAt Where the accounts begin; then the others alike.
struct ReadLayout {
    uint256 accounts;
    uint256 slots;
    uint256 codes;
    uint256 hashes;
    uint256 number;
    uint256 chainId;
    uint256 accountsAt;
    uint256 slotsAt;
    uint256 codesAt;
    uint256 hashesAt;
}

/// @title JobValues: what a provider says that a message read and wrote, as words
/// @notice Reads become the state of a replay as they are, with nothing proven of them; what became of it becomes words as those that
/// are signed.
library JobValues {
    /// @notice In place of a read's number: nothing is left out.
    uint256 internal constant NOTHING = type(uint256).max;
    uint256 private constant HEAD_BYTES = 192;
    uint256 internal constant ACCOUNT_BYTES = 192;
    uint256 internal constant SLOT_BYTES = 128;
    uint256 private constant CODE_BYTES = 32;
    uint256 private constant HASH_BYTES = 64;
    /// @dev Words of a write, and of a slot of it.
    uint256 private constant WRITE_BYTES = 224;
    uint256 private constant WRITTEN_SLOT_BYTES = 64;

    /// @notice The numbers do not fit the bytes, or a word is out of its bounds.
    error MalformedReads();
    /// @notice Together the accounts hold more than there can be: what follows from that is nobody's fault.
    error AbsurdBalances();
    /// @notice There is no read of this number.
    error NoSuchRead(uint256 number);
    /// @notice The code was read, and is not shown.
    /// @param hash Its hash.
    error CodeNotShown(bytes32 hash);

    /// @notice Finds the parts of reads. Reverts with MalformedReads.
    /// @param reads The words.
    /// @return parts Where they are.
    function layoutOf(bytes calldata reads) internal pure returns (ReadLayout memory parts) {
        if (reads.length < HEAD_BYTES) revert MalformedReads();
        uint256 place;
        assembly ("memory-safe") {
            place := reads.offset
            calldatacopy(parts, place, 192)
        }
        uint256 most = reads.length / CODE_BYTES;
        if (parts.accounts > most || parts.slots > most || parts.codes > most || parts.hashes > most) {
            revert MalformedReads();
        }
        parts.accountsAt = place + HEAD_BYTES;
        parts.slotsAt = parts.accountsAt + ACCOUNT_BYTES * parts.accounts;
        parts.codesAt = parts.slotsAt + SLOT_BYTES * parts.slots;
        parts.hashesAt = parts.codesAt + CODE_BYTES * parts.codes;
        if (parts.hashesAt + HASH_BYTES * parts.hashes != place + reads.length) revert MalformedReads();
    }

    /// @notice The state that reads tell of, but for one of them. Reverts with MalformedReads, NoSuchRead, AbsurdBalances,
    /// CodeNotShown, CodeWitness.UnusedCode.
    /// @param parts Where the reads are.
    /// @param without Number of the read that is left out, in the order of the words, then the block's number and the chain's
    /// identifier, whether or not they were read; NOTHING: none.
    /// @param codes All codes that were read.
    /// @return state The state.
    /// @return number The block's number, or NOT_GIVEN.
    /// @return chainId The chain's identifier, or NOT_GIVEN.
    function open(ReadLayout memory parts, uint256 without, CodeWitness.Codes memory codes)
        internal
        pure
        returns (ReplayState memory state, uint256 number, uint256 chainId)
    {
        if (without != NOTHING) _requireRead(parts, without);
        uint256 count = parts.accounts;
        state.now_.accounts = _accountsOf(parts, without);
        state.made = new uint8[](state.now_.accounts.length);
        state.now_.slots = _slotsOf(parts, without < count ? NOTHING : without - count);
        count += parts.slots;
        _giveCodes(parts, without < count ? NOTHING : without - count, state.now_.accounts, codes);
        count += parts.codes;
        state.now_.blockHashes = _hashesOf(parts, without < count ? NOTHING : without - count);
        count += parts.hashes;
        number = _given(parts.number, without == count);
        chainId = _given(parts.chainId, without == count + 1);
    }

    /// @dev Where nothing is left out although something was to be, a replay that goes through would say of the honest that they fish.
    function _requireRead(ReadLayout memory parts, uint256 number) private pure {
        uint256 count = parts.accounts + parts.slots + parts.codes + parts.hashes;
        bool isThere =
            number < count || (number == count && parts.number != 0) || (number == count + 1 && parts.chainId != 0);
        if (!isThere) revert NoSuchRead(number);
    }

    /// @dev 64 bits, or nothing.
    function _given(uint256 word, bool isLeftOut) private pure returns (uint256) {
        if (word == 0 || isLeftOut) return NOT_GIVEN;
        if (word > 1 << 64) revert MalformedReads();
        unchecked {
            return word - 1;
        }
    }

    function _accountsOf(ReadLayout memory parts, uint256 without) private pure returns (PreAccount[] memory accounts) {
        uint256 count = parts.accounts;
        accounts = new PreAccount[](without < count ? count - 1 : count);
        uint256 held = 0;
        uint256 index = 0;
        for (uint256 i = 0; i < count; i++) {
            if (i == without) continue;
            PreAccount memory account = accounts[index++];
            uint256 place = parts.accountsAt + ACCOUNT_BYTES * i;
            (uint256 who, uint256 exists, uint256 nonce) = (_word(place), _word(place + 32), _word(place + 64));
            if (who >> 160 != 0 || exists > 1 || nonce > type(uint64).max) revert MalformedReads();
            account.account = address(uint160(who));
            if (exists == 0) continue;
            account.exists = true;
            account.nonce = uint64(nonce);
            account.balance = _word(place + 96);
            account.codeHash = bytes32(_word(place + 128));
            unchecked {
                held += account.balance;
                if (held < account.balance) revert AbsurdBalances();
            }
        }
    }

    function _slotsOf(ReadLayout memory parts, uint256 without) private pure returns (PreSlot[] memory slots) {
        uint256 count = parts.slots;
        slots = new PreSlot[](without < count ? count - 1 : count);
        uint256 index = 0;
        for (uint256 i = 0; i < count; i++) {
            if (i == without) continue;
            uint256 place = parts.slotsAt + SLOT_BYTES * i;
            uint256 value = _word(place + 64);
            slots[index++] = PreSlot(address(uint160(_word(place))), _word(place + 32), value, value);
        }
    }

    /// @dev Gives each account its code where that was read.
    function _giveCodes(
        ReadLayout memory parts,
        uint256 without,
        PreAccount[] memory accounts,
        CodeWitness.Codes memory codes
    ) private pure {
        for (uint256 i = 0; i < parts.codes; i++) {
            bytes32 hash = bytes32(_word(parts.codesAt + CODE_BYTES * i));
            (address holder, bytes memory code) = CodeWitness.find(codes, hash);
            if (holder == address(0) && code.length == 0) revert CodeNotShown(hash);
            if (i == without) continue;
            for (uint256 j = 0; j < accounts.length; j++) {
                if (!accounts[j].exists || accounts[j].codeHash != hash) continue;
                // nobody changes a code in place
                (accounts[j].codeSource, accounts[j].code) = (holder, code);
            }
        }
        CodeWitness.close(codes);
    }

    function _hashesOf(ReadLayout memory parts, uint256 without) private pure returns (NumberedHash[] memory hashes) {
        uint256 count = parts.hashes;
        hashes = new NumberedHash[](without < count ? count - 1 : count);
        uint256 index = 0;
        for (uint256 i = 0; i < count; i++) {
            if (i == without) continue;
            uint256 place = parts.hashesAt + HASH_BYTES * i;
            hashes[index++] = NumberedHash(_word(place), bytes32(_word(place + 32)));
        }
    }

    /// @notice A read, by hashes: what was read with where its value is from, and the value. Reverts with NoSuchRead.
    /// @param parts Where the reads are.
    /// @param number Its number, in the order of the words, then the block's number and the chain's identifier.
    /// @return key Of equal reads with one origin equal.
    /// @return value Of equal values equal.
    function readAt(ReadLayout memory parts, uint256 number) internal pure returns (bytes32 key, bytes32 value) {
        _requireRead(parts, number);
        uint256 i = number;
        if (i < parts.accounts) {
            uint256 place = parts.accountsAt + ACCOUNT_BYTES * i;
            value = keccak256(abi.encode(_word(place + 32), _word(place + 64), _word(place + 96), _word(place + 128)));
            return (keccak256(abi.encode(0, _word(place), 0, _word(place + 160))), value);
        }
        i -= parts.accounts;
        if (i < parts.slots) {
            uint256 place = parts.slotsAt + SLOT_BYTES * i;
            key = keccak256(abi.encode(1, _word(place), _word(place + 32), _word(place + 96)));
            return (key, bytes32(_word(place + 64)));
        }
        i -= parts.slots;
        if (i < parts.codes) return (keccak256(abi.encode(2, _word(parts.codesAt + CODE_BYTES * i))), 0);
        i -= parts.codes;
        if (i < parts.hashes) {
            uint256 place = parts.hashesAt + HASH_BYTES * i;
            return (keccak256(abi.encode(3, _word(place))), bytes32(_word(place + 32)));
        }
        i -= parts.hashes;
        return (keccak256(abi.encode(4 + i)), bytes32(i == 0 ? parts.number : parts.chainId));
    }

    /// @notice keccak256 of what became of a state that was opened with nothing left out, as writeWords of
    /// packages/protocol/src/results.ts has it.
    /// @param parts Where the reads are.
    /// @param state The state afterwards.
    /// @return hash The hash.
    function hashOfWrites(ReadLayout memory parts, ReplayState memory state) internal pure returns (bytes32 hash) {
        uint256 words;
        assembly ("memory-safe") {
            words := mload(0x40)
        }
        uint256 next = words + 32;
        uint256 count = 0;
        uint256 slot = 0;
        PreSlot[] memory slots = state.now_.slots;
        for (uint256 i = 0; i < parts.accounts; i++) {
            address who = state.now_.accounts[i].account;
            // both are in ascending order
            while (slot < slots.length && slots[slot].account < who) slot++;
            uint256 first = slot;
            while (slot < slots.length && slots[slot].account == who) slot++;
            uint256 end = _putWrite(next, parts, state, i, first, slot);
            if (end != next) count++;
            next = end;
        }
        assembly ("memory-safe") {
            mstore(words, count)
            hash := keccak256(words, sub(next, words))
        }
    }

    /// @dev Writes what became of account `i`, whose slots are from `from` on to before `end`; nothing where it is as it was. Memory from
    /// `out` on is free.
    function _putWrite(
        uint256 out,
        ReadLayout memory parts,
        ReplayState memory state,
        uint256 i,
        uint256 from,
        uint256 end
    ) private pure returns (uint256 next) {
        PreAccount memory account = state.now_.accounts[i];
        uint256 place = parts.accountsAt + ACCOUNT_BYTES * i;
        bool existed = _word(place + 32) == 1;
        if (!account.exists || state.made[i] & ReplayStates.DESTROYED != 0) {
            if (!existed) return out;
            assembly ("memory-safe") {
                mstore(out, mload(account))
                calldatacopy(add(out, 32), calldatasize(), 192)
            }
            return out + WRITE_BYTES;
        }
        next = _putSlots(out + WRITE_BYTES, parts, state, i, from, end);
        if (next == out + WRITE_BYTES && existed && _isSame(account, place)) return out;
        _putHead(out, account, existed ? bytes32(_word(place + 128)) : bytes32(EMPTY_CODE_HASH), next);
    }

    /// @dev Whether an account that existed is as it was, but for its storage.
    function _isSame(PreAccount memory account, uint256 place) private pure returns (bool) {
        return account.nonce == _word(place + 64) && account.balance == _word(place + 96)
            && account.codeHash == bytes32(_word(place + 128));
    }

    /// @dev `next`: where its slots end, which begin behind the head.
    function _putHead(uint256 out, PreAccount memory account, bytes32 codeBefore, uint256 next) private pure {
        uint256 slots = (next - out - WRITE_BYTES) / WRITTEN_SLOT_BYTES;
        bytes32 deployed = account.codeHash;
        if (deployed == codeBefore || deployed == bytes32(EMPTY_CODE_HASH)) deployed = 0;
        assembly ("memory-safe") {
            mstore(out, mload(account))
            mstore(add(out, 32), 1)
            // nonce, balance, code hash
            mcopy(add(out, 64), add(account, 96), 96)
            mstore(add(out, 160), deployed)
            mstore(add(out, 192), slots)
        }
    }

    /// @dev Writes the slots of account `i` that are not as they were, in ascending order.
    function _putSlots(
        uint256 out,
        ReadLayout memory parts,
        ReplayState memory state,
        uint256 i,
        uint256 from,
        uint256 end
    ) private pure returns (uint256 next) {
        next = out;
        for (; from < end; from++) {
            PreSlot memory slot = state.now_.slots[from];
            if (slot.value != _word(parts.slotsAt + SLOT_BYTES * from + 64)) next = _putSlot(next, slot);
        }
        if (state.made[i] & ReplayStates.CREATED == 0) return next;
        address who = state.now_.accounts[i].account;
        for (uint256 j = 0; j < state.newSlots.length; j++) {
            PreSlot memory slot = state.newSlots[j];
            if (slot.account == who && slot.value != 0) next = _putSlot(next, slot);
        }
        _sort(out, next);
    }

    function _putSlot(uint256 out, PreSlot memory slot) private pure returns (uint256) {
        assembly ("memory-safe") {
            // place and value
            mcopy(out, add(slot, 32), 64)
        }
        return out + WRITTEN_SLOT_BYTES;
    }

    /// @dev Sorts slots with their values by their places.
    function _sort(uint256 start, uint256 end) private pure {
        assembly ("memory-safe") {
            for { let i := add(start, 64) } lt(i, end) { i := add(i, 64) } {
                let slot := mload(i)
                let value := mload(add(i, 32))
                let j := i
                for {} gt(j, start) { j := sub(j, 64) } {
                    if iszero(gt(mload(sub(j, 64)), slot)) { break }
                    mcopy(j, sub(j, 64), 64)
                }
                mstore(j, slot)
                mstore(add(j, 32), value)
            }
        }
    }

    function _word(uint256 place) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := calldataload(place)
        }
    }
}
