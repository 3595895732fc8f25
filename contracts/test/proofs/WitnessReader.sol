// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {CodeWitness} from "../../src/proofs/CodeWitness.sol";
import {IndexTries} from "../../src/proofs/IndexTries.sol";
import {StateWitness} from "../../src/proofs/StateWitness.sol";
import {TrieWrites} from "../../src/proofs/TrieWrites.sol";
import {WitnessNodes} from "../../src/proofs/WitnessNodes.sol";

/// @notice The witness libraries as calls, for tests of Solidity and of TypeScript.
contract WitnessReader {
    struct SlotRead {
        address account;
        bytes32 slot;
    }

    /// @notice The value at a key of a plain trie of 32-byte keys; empty where it is not there.
    function get(bytes calldata witness, bytes32 root, bytes32 key) external view returns (bytes memory value) {
        WitnessNodes.Table memory table = WitnessNodes.open(witness);
        (uint256 start, uint256 end) = WitnessNodes.find(table, root, uint256(key));
        WitnessNodes.close(table);
        return msg.data[start:end == 0 ? start : end];
    }

    /// @notice Root of a plain trie of 32-byte keys after changes; an empty value takes a key out.
    function trieRoot(bytes calldata witness, bytes32 root, bytes32[] calldata keys, bytes[] calldata values)
        external
        view
        returns (bytes32 rootAfter)
    {
        WitnessNodes.Table memory table = WitnessNodes.open(witness);
        uint256[] memory keyWords = new uint256[](keys.length);
        uint256[] memory items = new uint256[](keys.length);
        for (uint256 i = 0; i < keys.length; i++) {
            keyWords[i] = uint256(keys[i]);
            if (values[i].length != 0) items[i] = TrieWrites.itemOf(values[i]);
        }
        rootAfter = TrieWrites.rootAfter(table, root, keyWords, items);
        WitnessNodes.close(table);
    }

    /// @notice Reads of a state, all with one witness.
    function read(bytes calldata witness, bytes32 root, address[] calldata accounts, SlotRead[] calldata slots)
        external
        view
        returns (StateWitness.Account[] memory records, uint256[] memory values)
    {
        WitnessNodes.Table memory table = WitnessNodes.open(witness);
        (records, values) = _read(table, root, accounts, slots);
        WitnessNodes.close(table);
    }

    /// @notice Root of a state after changes.
    function stateRoot(bytes calldata witness, bytes32 root, StateWitness.AccountChange[] calldata changes)
        external
        view
        returns (bytes32 rootAfter)
    {
        WitnessNodes.Table memory table = WitnessNodes.open(witness);
        rootAfter = StateWitness.rootAfter(table, root, changes);
        WitnessNodes.close(table);
    }

    /// @notice Root of a trie of transactions or receipts after one more.
    function append(bytes calldata witness, bytes32 root, uint256 index, bytes calldata value)
        external
        view
        returns (bytes32 rootAfter)
    {
        WitnessNodes.Table memory table = WitnessNodes.open(witness);
        rootAfter = IndexTries.append(table, root, index, value);
        WitnessNodes.close(table);
    }

    /// @notice Codes by their hashes.
    function codes(bytes[] calldata given, address[] calldata holders, bytes32[] calldata hashes)
        external
        view
        returns (bytes[] memory found)
    {
        CodeWitness.Codes memory source = CodeWitness.open(given, holders);
        found = new bytes[](hashes.length);
        for (uint256 i = 0; i < hashes.length; i++) {
            found[i] = CodeWitness.load(source, hashes[i]);
        }
        CodeWitness.close(source);
    }

    /// @notice Gas that opening a witness and closing it take, and reads and changes between: the call around them left out.
    function gasOf(
        bytes calldata witness,
        bytes32 root,
        address[] calldata accounts,
        SlotRead[] calldata slots,
        StateWitness.AccountChange[] memory changes
    ) external view returns (uint256 opening, uint256 reading, uint256 writing) {
        opening = gasleft();
        WitnessNodes.Table memory table = WitnessNodes.open(witness);
        reading = gasleft();
        opening -= reading;
        _read(table, root, accounts, slots);
        writing = gasleft();
        reading -= writing;
        StateWitness.rootAfter(table, root, changes);
        writing -= gasleft();
    }

    function _read(
        WitnessNodes.Table memory table,
        bytes32 root,
        address[] calldata accounts,
        SlotRead[] calldata slots
    ) private pure returns (StateWitness.Account[] memory records, uint256[] memory values) {
        records = new StateWitness.Account[](accounts.length);
        for (uint256 i = 0; i < accounts.length; i++) {
            records[i] = StateWitness.accountOf(table, root, accounts[i]);
        }
        values = new uint256[](slots.length);
        for (uint256 i = 0; i < slots.length; i++) {
            bytes32 storageRoot = StateWitness.accountOf(table, root, slots[i].account).storageRoot;
            values[i] = StateWitness.slotOf(table, storageRoot, slots[i].slot);
        }
    }
}
