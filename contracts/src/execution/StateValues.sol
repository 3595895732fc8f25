// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {StateWitness} from "../proofs/StateWitness.sol";
import {WitnessNodes} from "../proofs/WitnessNodes.sol";
import {NumberedHash, PreAccount, PreSlot, PreState} from "./ReplayTypes.sol";

/// @notice Values of the state as they go from {CheckpointReplay} to {ExecutionManager}.
/// @param words Numbers of accounts, slots and hashes of blocks; of each account its address, whether it exists, whether it has
/// storage, nonce, balance, code hash, the contract of L1 that has its code, bytes of its code in `codes`; of each slot its account,
/// place, value; of each hash the block's number and the hash. 32 bytes each.
/// @param codes Codes that stand on no contract of L1, in the order of the accounts, one behind the other.
struct StateValues {
    bytes words;
    bytes codes;
}

/// @title Values of the state, and what became of them, as words one behind the other
/// @notice The ABI's coding of lists of structs, once to write them and once to check and copy them, took a twentieth of a proof
/// that a transfer was done wrongly. Whoever hands words in that do not fit gets MalformedValues, or what follows from zeros.
library ValueWords {
    uint256 private constant ACCOUNT_BYTES = 256;
    uint256 private constant HEAD_BYTES = 96;
    uint256 private constant SLOT_BYTES = 96;
    uint256 private constant HASH_BYTES = 64;
    /// @dev Of an account's words, those that are the same in PreAccount.
    uint256 private constant SAME_BYTES = 224;

    /// @notice The numbers do not fit the bytes.
    error MalformedValues();

    // Who hands values in.

    /// @notice Room for values, which have all to be written before anything else is done with them.
    /// @param accounts Number of accounts.
    /// @param slots Number of slots.
    /// @param hashes Number of hashes of blocks.
    /// @return words The room, with the numbers.
    function room(uint256 accounts, uint256 slots, uint256 hashes) internal pure returns (bytes memory words) {
        uint256 size = HEAD_BYTES + ACCOUNT_BYTES * accounts + SLOT_BYTES * slots + HASH_BYTES * hashes;
        assembly ("memory-safe") {
            words := mload(0x40)
            mstore(0x40, add(add(words, 32), size))
            mstore(words, size)
            mstore(add(words, 32), accounts)
            mstore(add(words, 64), slots)
            mstore(add(words, 96), hashes)
        }
    }

    /// @notice Writes an account; of its code that stands on no contract of L1 the place in memory, until {closeCodes}.
    /// @param words The values.
    /// @param index Place of the account.
    /// @param who Its address.
    /// @param account What the state has of it.
    /// @param holder The contract of L1 that has its code.
    /// @param code Its code.
    function setAccount(
        bytes memory words,
        uint256 index,
        address who,
        StateWitness.Account memory account,
        address holder,
        bytes memory code
    ) internal pure {
        bool hasStorage = account.storageRoot != WitnessNodes.EMPTY_ROOT;
        assembly ("memory-safe") {
            let place := add(add(words, 128), shl(8, index))
            mstore(place, who)
            mstore(add(place, 32), mload(account))
            mstore(add(place, 64), hasStorage)
            mstore(add(place, 96), mload(add(account, 32)))
            mstore(add(place, 128), mload(add(account, 64)))
            mstore(add(place, 160), mload(add(account, 128)))
            mstore(add(place, 192), holder)
            mstore(add(place, 224), code)
        }
    }

    /// @notice Writes a slot.
    /// @param words The values.
    /// @param index Place of the slot.
    /// @param who Its account.
    /// @param slot Its place.
    /// @param value Its value.
    function setSlot(bytes memory words, uint256 index, address who, uint256 slot, uint256 value) internal pure {
        assembly ("memory-safe") {
            let place := add(add(add(words, 128), shl(8, mload(add(words, 32)))), mul(index, 96))
            mstore(place, who)
            mstore(add(place, 32), slot)
            mstore(add(place, 64), value)
        }
    }

    /// @notice Writes a block's hash.
    /// @param words The values.
    /// @param index Place of the hash.
    /// @param blockNumber The block's number.
    /// @param hash Its hash.
    function setHash(bytes memory words, uint256 index, uint256 blockNumber, bytes32 hash) internal pure {
        assembly ("memory-safe") {
            let slots := add(add(words, 128), shl(8, mload(add(words, 32))))
            let place := add(add(slots, mul(mload(add(words, 64)), 96)), shl(6, index))
            mstore(place, blockNumber)
            mstore(add(place, 32), hash)
        }
    }

    /// @notice Puts the codes one behind the other.
    /// @param words The values, in which the codes' places become their lengths.
    /// @return codes The codes.
    function closeCodes(bytes memory words) internal pure returns (bytes memory codes) {
        assembly ("memory-safe") {
            codes := mload(0x40)
            let out := add(codes, 32)
            let end := add(add(words, 352), shl(8, mload(add(words, 32))))
            for { let place := add(words, 352) } lt(place, end) { place := add(place, 256) } {
                let code := mload(place)
                let size := mload(code)
                mstore(place, size)
                mcopy(out, add(code, 32), size)
                out := add(out, size)
            }
            mstore(codes, sub(sub(out, codes), 32))
            mstore(0x40, and(add(out, 31), not(31)))
        }
    }

    /// @notice What became of the accounts, as the trie of accounts takes it.
    /// @param changes Number of changes; of each the account's place among the values, whether it exists, nonce, balance, code hash,
    /// number of changed slots, then place and value of each of these.
    /// @param words The values that were handed in.
    /// @param storageRoots Root of each account's storage before.
    /// @return list The changes, in memory that is `changes` in part.
    function changesIn(bytes memory changes, bytes memory words, bytes32[] memory storageRoots)
        internal
        pure
        returns (StateWitness.AccountChange[] memory list)
    {
        assembly ("memory-safe") {
            let count := mload(add(changes, 32))
            let place := add(changes, 64)
            list := mload(0x40)
            mstore(list, count)
            let pointers := add(list, 32)
            let out := add(pointers, shl(5, count))
            for {} count { count := sub(count, 1) } {
                mstore(pointers, out)
                pointers := add(pointers, 32)
                let index := mload(place)
                mstore(out, mload(add(add(words, 128), shl(8, index))))
                mcopy(add(out, 32), add(place, 32), 128)
                mstore(add(out, 160), mload(add(add(storageRoots, 32), shl(5, index))))
                mstore(add(out, 192), add(out, 224))
                let slots := mload(add(place, 160))
                place := add(place, 192)
                out := add(out, 224)
                mstore(out, slots)
                out := add(out, 32)
                for {} slots { slots := sub(slots, 1) } {
                    // two words in the same order
                    mstore(out, place)
                    out := add(out, 32)
                    place := add(place, 64)
                }
            }
            mstore(0x40, out)
        }
    }

    // Who takes them.

    /// @notice Values as a replay changes them. Reverts with MalformedValues.
    /// @param values What was handed in.
    /// @return state The state; nothing is warm yet.
    function open(StateValues calldata values) internal pure returns (PreState memory state) {
        bytes calldata words = values.words;
        if (words.length < HEAD_BYTES) revert MalformedValues();
        (uint256 accounts, uint256 slots, uint256 hashes) = abi.decode(words[:HEAD_BYTES], (uint256, uint256, uint256));
        uint256 most = words.length / HASH_BYTES;
        bool fits = accounts <= most && slots <= most && hashes <= most
            && words.length == HEAD_BYTES + ACCOUNT_BYTES * accounts + SLOT_BYTES * slots + HASH_BYTES * hashes;
        if (!fits) revert MalformedValues();
        uint256 place;
        assembly ("memory-safe") {
            place := add(words.offset, 96)
        }
        state.accounts = _accountsAt(place, accounts, values.codes);
        place += ACCOUNT_BYTES * accounts;
        state.slots = _slotsAt(place, slots);
        state.blockHashes = _hashesAt(place + SLOT_BYTES * slots, hashes);
    }

    /// @notice Whether an account is as it was handed in, but for its storage.
    /// @param words The values.
    /// @param index Place of the account.
    /// @param account The account.
    /// @return isSame Whether it is.
    function isAccount(bytes calldata words, uint256 index, PreAccount memory account)
        internal
        pure
        returns (bool isSame)
    {
        assembly ("memory-safe") {
            let place := add(add(words.offset, 96), shl(8, index))
            // all that differs ends in bits that are set; in PreAccount the words stand as they do here
            let differs := xor(calldataload(add(place, 32)), mload(add(account, 32)))
            for { let word := 96 } lt(word, 192) { word := add(word, 32) } {
                differs := or(differs, xor(calldataload(add(place, word)), mload(add(account, word))))
            }
            isSame := iszero(differs)
        }
    }

    /// @notice Whether an account was in the state.
    /// @param words The values.
    /// @param index Place of the account.
    /// @return existed Whether it was.
    function existedAt(bytes calldata words, uint256 index) internal pure returns (bool existed) {
        assembly ("memory-safe") {
            existed := calldataload(add(add(words.offset, 128), shl(8, index)))
        }
    }

    /// @notice The value of a slot as it was handed in.
    /// @param words The values.
    /// @param index Place of the slot.
    /// @return value Its value.
    function valueAt(bytes calldata words, uint256 index) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            let slots := add(add(words.offset, 96), shl(8, calldataload(words.offset)))
            value := calldataload(add(add(slots, mul(index, 96)), 64))
        }
    }

    function _accountsAt(uint256 place, uint256 count, bytes calldata codes)
        private
        pure
        returns (PreAccount[] memory accounts)
    {
        uint256 used = 0;
        uint256 out;
        assembly ("memory-safe") {
            accounts := mload(0x40)
            out := add(add(accounts, 32), shl(5, count))
            mstore(0x40, add(out, shl(8, count)))
            mstore(accounts, count)
            calldatacopy(out, place, shl(8, count))
        }
        for (uint256 i = 0; i < count; i++) {
            uint256 size;
            assembly ("memory-safe") {
                mstore(add(add(accounts, 32), shl(5, i)), out)
                size := mload(add(out, SAME_BYTES))
                mstore(add(out, SAME_BYTES), 0x60)
                out := add(out, 256)
            }
            if (size == 0) continue;
            if (size > codes.length - used) revert MalformedValues();
            accounts[i].code = codes[used:used + size];
            used += size;
        }
    }

    function _slotsAt(uint256 place, uint256 count) private pure returns (PreSlot[] memory slots) {
        assembly ("memory-safe") {
            slots := mload(0x40)
            let out := add(add(slots, 32), shl(5, count))
            mstore(0x40, add(out, shl(7, count)))
            mstore(slots, count)
            for { let pointer := add(slots, 32) } lt(pointer, add(add(slots, 32), shl(5, count))) {
                pointer := add(pointer, 32)
            } {
                mstore(pointer, out)
                calldatacopy(out, place, 96)
                // what a slot was before the transaction is what it is before its message, unless somebody says otherwise
                mstore(add(out, 96), mload(add(out, 64)))
                out := add(out, 128)
                place := add(place, 96)
            }
        }
    }

    function _hashesAt(uint256 place, uint256 count) private pure returns (NumberedHash[] memory hashes) {
        assembly ("memory-safe") {
            hashes := mload(0x40)
            let out := add(add(hashes, 32), shl(5, count))
            mstore(0x40, add(out, shl(6, count)))
            mstore(hashes, count)
            calldatacopy(out, place, shl(6, count))
            for { let pointer := add(hashes, 32) } lt(pointer, add(add(hashes, 32), shl(5, count))) {
                pointer := add(pointer, 32)
            } {
                mstore(pointer, out)
                out := add(out, 64)
            }
        }
    }
}
