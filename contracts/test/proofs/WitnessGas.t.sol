// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {StateWitness} from "../../src/proofs/StateWitness.sol";
import {Test} from "../base/Test.sol";
import {TrieBuilder} from "../base/TrieBuilder.sol";
import {WitnessPaths} from "./WitnessPaths.sol";
import {WitnessReader} from "./WitnessReader.sol";

/// @notice What a replay pays for its witness: bounds a little above the measured figures, so that a slower one is noticed.
/// Paths have seven nodes: four full branches, one of three children, one of two, a leaf, as in a state of 100,000 accounts.
contract WitnessGasTest is Test {
    bytes32 private constant WORD = bytes32(uint256(0xC0DE));

    WitnessReader private reader;

    function setUp() public {
        reader = new WitnessReader();
    }

    /// @dev Full branches are the cheap nodes; accounts' records, and what calls around them take, are counted too.
    function test_gasOfOneAccount() public view {
        assertGas(1, 7, 2450, 2350);
    }

    function test_gasOfTwoAccounts() public view {
        assertGas(2, 13, 2450, 2950);
    }

    function test_gasOfFiveAccounts() public view {
        assertGas(5, 29, 2600, 3250);
    }

    function test_gasOfFullBranches() public view {
        WitnessPaths.Entry[] memory entries = new WitnessPaths.Entry[](1);
        TrieBuilder.Entry memory entry = TrieBuilder.slot(WORD, type(uint256).max);
        entries[0] = WitnessPaths.Entry(entry.keyHash, entry.value);
        uint256[] memory deep = new uint256[](40);
        uint256[] memory flat = new uint256[](20);
        for (uint256 i = 0; i < 40; i++) {
            deep[i] = 16;
            if (i < 20) flat[i] = 16;
        }
        (uint256 read, uint256 write) = gasOfSlotPath(entries, deep);
        (uint256 readOfHalf, uint256 writeOfHalf) = gasOfSlotPath(entries, flat);
        assertAtMost(read - readOfHalf, 20 * 1450, "opening and reading");
        assertAtMost(write - writeOfHalf, 20 * 850, "writing");
    }

    /// @dev A slot of the one account of a state.
    function gasOfSlotPath(WitnessPaths.Entry[] memory entries, uint256[] memory children)
        private
        view
        returns (uint256 read, uint256 write)
    {
        (bytes32 storageRoot, bytes memory nodes) = WitnessPaths.make(entries, children);
        TrieBuilder.Entry[] memory state = new TrieBuilder.Entry[](1);
        state[0] = TrieBuilder.account(address(0xACC0), 1 ether, storageRoot, WORD);
        bytes memory leaf = TrieBuilder.proof(state, state[0].keyHash)[0];
        WitnessReader.SlotRead[] memory slots = new WitnessReader.SlotRead[](1);
        slots[0] = WitnessReader.SlotRead(address(0xACC0), WORD);
        StateWitness.AccountChange[] memory changes = changesOf(1);
        changes[0].slots = new StateWitness.SlotChange[](1);
        changes[0].slots[0] = StateWitness.SlotChange(WORD, type(uint256).max - 1);
        (uint256 opening, uint256 reading, uint256 writing) =
            reader.gasOf(bytes.concat(leaf, nodes), keccak256(leaf), new address[](0), slots, changes);
        return (opening + reading, writing);
    }

    function test_gasOfOneSlot() public view {
        (bytes32 storageRoot, bytes memory nodes) = storageOf(WORD, 5);
        WitnessPaths.Entry[] memory entries = new WitnessPaths.Entry[](1);
        TrieBuilder.Entry memory entry = TrieBuilder.account(address(0xACC0), 1 ether, storageRoot, WORD);
        entries[0] = WitnessPaths.Entry(entry.keyHash, entry.value);
        (bytes32 root, bytes memory witness) = WitnessPaths.make(entries, path());
        WitnessReader.SlotRead[] memory slots = new WitnessReader.SlotRead[](1);
        slots[0] = WitnessReader.SlotRead(address(0xACC0), WORD);
        StateWitness.AccountChange[] memory changes = changesOf(1);
        changes[0].slots = new StateWitness.SlotChange[](1);
        changes[0].slots[0] = StateWitness.SlotChange(WORD, 6);
        witness = bytes.concat(witness, nodes);
        (uint256 opening, uint256 reading, uint256 writing) =
            reader.gasOf(witness, root, new address[](0), slots, changes);
        assertAtMost(opening + reading, 14 * 2150, "opening and reading");
        assertAtMost(writing, 14 * 1900, "writing");
    }

    /// @dev Accounts read and written, with bounds for each of their nodes.
    function assertGas(uint256 count, uint256 nodes, uint256 readBound, uint256 writeBound) private view {
        StateWitness.AccountChange[] memory changes = changesOf(count);
        WitnessPaths.Entry[] memory entries = new WitnessPaths.Entry[](count);
        address[] memory accounts = new address[](count);
        for (uint256 i = 0; i < count; i++) {
            accounts[i] = changes[i].account;
            TrieBuilder.Entry memory entry = TrieBuilder.account(accounts[i], 1 ether, WORD, WORD);
            entries[i] = WitnessPaths.Entry(entry.keyHash, entry.value);
        }
        (bytes32 root, bytes memory witness) = WitnessPaths.make(entries, path());
        (uint256 opening, uint256 reading, uint256 writing) =
            reader.gasOf(witness, root, accounts, new WitnessReader.SlotRead[](0), changes);
        assertAtMost(opening + reading, nodes * readBound, "opening and reading");
        assertAtMost(writing, nodes * writeBound, "writing");
    }

    function changesOf(uint256 count) private pure returns (StateWitness.AccountChange[] memory changes) {
        changes = new StateWitness.AccountChange[](count);
        for (uint256 i = 0; i < count; i++) {
            changes[i].account = address(uint160(0xACC0 + i));
            changes[i].exists = true;
            changes[i].balance = 2 ether;
            changes[i].codeHash = WORD;
        }
    }

    function storageOf(bytes32 slot, uint256 value) private pure returns (bytes32 root, bytes memory nodes) {
        WitnessPaths.Entry[] memory entries = new WitnessPaths.Entry[](1);
        TrieBuilder.Entry memory entry = TrieBuilder.slot(slot, value);
        entries[0] = WitnessPaths.Entry(entry.keyHash, entry.value);
        return WitnessPaths.make(entries, path());
    }

    function path() private pure returns (uint256[] memory children) {
        children = new uint256[](6);
        (children[0], children[1], children[2]) = (16, 16, 16);
        (children[3], children[4], children[5]) = (16, 3, 2);
    }

    function assertAtMost(uint256 gas, uint256 bound, string memory what) private pure {
        if (gas > bound) revert NotEqual(what, bytes32(gas), bytes32(bound));
    }
}
