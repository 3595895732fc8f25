// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {StateWitness} from "../../src/proofs/StateWitness.sol";
import {TrieWrites} from "../../src/proofs/TrieWrites.sol";
import {WitnessNodes} from "../../src/proofs/WitnessNodes.sol";
import {Test} from "../base/Test.sol";
import {TrieBuilder} from "../base/TrieBuilder.sol";
import {ProofPaths} from "./ProofPaths.sol";
import {WitnessReader} from "./WitnessReader.sol";

/// @notice Accounts with storage over one witness.
contract StateWitnessTest is Test {
    bytes32 private constant EMPTY = WitnessNodes.EMPTY_ROOT;
    bytes32 private constant CODE = keccak256("code");
    address private constant ALICE = address(0xA11CE);
    address private constant BOB = address(0xB0B);
    address private constant NOBODY = address(0xBEEF);
    bytes32 private constant SLOT = bytes32(uint256(7));
    bytes32 private constant SECOND = bytes32(uint256(8));

    WitnessReader private reader;

    function setUp() public {
        reader = new WitnessReader();
    }

    function test_accountsAndSlotsAreReadOverOneWitness() public view {
        bytes32 storageRoot = TrieBuilder.root(oneSlot(77));
        TrieBuilder.Entry[] memory state = stateOf(storageRoot);
        address[] memory accounts = new address[](2);
        (accounts[0], accounts[1]) = (ALICE, NOBODY);
        WitnessReader.SlotRead[] memory slots = new WitnessReader.SlotRead[](1);
        slots[0] = WitnessReader.SlotRead(ALICE, SLOT);
        bytes memory witness = pathsOf(state, ALICE, NOBODY);
        witness = bytes.concat(witness, TrieBuilder.proof(oneSlot(77), keccak256(abi.encode(SLOT)))[0]);
        (StateWitness.Account[] memory records, uint256[] memory values) =
            reader.read(witness, TrieBuilder.root(state), accounts, slots);
        assertTrue(records[0].exists && !records[1].exists, "exists");
        assertEq(records[0].balance, 1 ether, "balance");
        assertEq(records[0].storageRoot, storageRoot, "storage root");
        assertEq(records[0].codeHash, CODE, "code hash");
        assertEq(records[1].storageRoot, EMPTY, "storage root of nobody");
        assertEq(records[1].codeHash, 0, "code hash of nobody");
        assertEq(values[0], 77, "slot");
    }

    function test_aSlotsChangeReachesTheStateRoot() public view {
        TrieBuilder.Entry[] memory state = stateOf(TrieBuilder.root(oneSlot(77)));
        StateWitness.AccountChange[] memory changes = changeOf(ALICE, 1 ether);
        changes[0].slots = new StateWitness.SlotChange[](2);
        changes[0].slots[0] = StateWitness.SlotChange(SECOND, type(uint256).max);
        changes[0].slots[1] = StateWitness.SlotChange(SLOT, 78);
        TrieBuilder.Entry[] memory slots = new TrieBuilder.Entry[](2);
        (slots[0], slots[1]) = (TrieBuilder.slot(SLOT, 78), TrieBuilder.slot(SECOND, type(uint256).max));
        bytes32 root = TrieBuilder.root(stateOf(TrieBuilder.root(slots)));
        bytes memory leaf = TrieBuilder.proof(oneSlot(77), keccak256(abi.encode(SLOT)))[0];
        bytes memory witness = bytes.concat(pathsOf(state, ALICE, ALICE), leaf);
        assertEq(reader.stateRoot(witness, TrieBuilder.root(state), changes), root, "changed");

        changes[0].slots[1].value = 0;
        slots = new TrieBuilder.Entry[](1);
        slots[0] = TrieBuilder.slot(SECOND, type(uint256).max);
        root = TrieBuilder.root(stateOf(TrieBuilder.root(slots)));
        assertEq(reader.stateRoot(witness, TrieBuilder.root(state), changes), root, "one goes");

        changes[0].slots[0].value = 0;
        root = TrieBuilder.root(stateOf(EMPTY));
        assertEq(reader.stateRoot(witness, TrieBuilder.root(state), changes), root, "emptied");
    }

    function test_anAccountKeepsItsStorageWhereNoSlotChanges() public view {
        bytes32 storageRoot = keccak256("not in the witness");
        TrieBuilder.Entry[] memory state = stateOf(storageRoot);
        StateWitness.AccountChange[] memory changes = changeOf(ALICE, 5);
        TrieBuilder.Entry[] memory changed = stateOf(storageRoot);
        changed[0] = TrieBuilder.account(ALICE, 5, storageRoot, CODE);
        bytes32 root = reader.stateRoot(pathsOf(state, ALICE, ALICE), TrieBuilder.root(state), changes);
        assertEq(root, TrieBuilder.root(changed), "root");
    }

    function test_theLastAccountGoesWithItsStorage() public view {
        TrieBuilder.Entry[] memory state = new TrieBuilder.Entry[](1);
        state[0] = TrieBuilder.account(ALICE, 1, keccak256("not in the witness"), CODE);
        StateWitness.AccountChange[] memory changes = changeOf(ALICE, 0);
        changes[0].exists = false;
        assertEq(reader.stateRoot(pathsOf(state, ALICE, ALICE), TrieBuilder.root(state), changes), EMPTY, "root");
    }

    function test_slotsOfAnAccountThatGoesAreRefused() public {
        StateWitness.AccountChange[] memory changes = changeOf(ALICE, 0);
        changes[0].exists = false;
        changes[0].slots = new StateWitness.SlotChange[](1);
        vm.expectRevert(abi.encodeWithSelector(StateWitness.SlotsOfNothing.selector, ALICE));
        reader.stateRoot("", EMPTY, changes);
    }

    function test_anAccountIsChangedOnceAndASlotToo() public {
        StateWitness.AccountChange[] memory changes = new StateWitness.AccountChange[](2);
        (changes[0], changes[1]) = (changeOf(ALICE, 1)[0], changeOf(ALICE, 2)[0]);
        vm.expectRevert(abi.encodeWithSelector(TrieWrites.DuplicateKey.selector, keccak256(abi.encodePacked(ALICE))));
        reader.stateRoot("", EMPTY, changes);
        changes = changeOf(ALICE, 1);
        changes[0].slots = new StateWitness.SlotChange[](2);
        (changes[0].slots[0].slot, changes[0].slots[1].slot) = (SLOT, SLOT);
        vm.expectRevert(abi.encodeWithSelector(TrieWrites.DuplicateKey.selector, keccak256(abi.encode(SLOT))));
        reader.stateRoot("", EMPTY, changes);
    }

    function test_whatIsNoAccountOrSlotIsRefused() public {
        bytes memory tail = bytes.concat(ProofPaths.text(abi.encode(CODE)), ProofPaths.text(abi.encode(CODE)));
        bytes[6] memory records = [
            ProofPaths.list(bytes.concat(hex"80", tail)),
            ProofPaths.list(bytes.concat(hex"8080", tail, hex"80")),
            ProofPaths.list(bytes.concat(hex"0080", tail)),
            ProofPaths.list(bytes.concat(hex"89010000000000000000", hex"80", tail)),
            ProofPaths.list(bytes.concat(hex"80820001", tail)),
            bytes.concat(hex"8080", tail)
        ];
        for (uint256 i = 0; i < records.length; i++) {
            bytes memory leaf = ProofPaths.leaf(keccak256(abi.encodePacked(ALICE)), records[i], 0);
            address[] memory accounts = new address[](1);
            accounts[0] = ALICE;
            refuses(keccak256(abi.encodePacked(ALICE)));
            reader.read(leaf, keccak256(leaf), accounts, new WitnessReader.SlotRead[](0));
        }
        bytes memory short = ProofPaths.leaf(keccak256(abi.encodePacked(ALICE)), ProofPaths.list(tail), 0);
        refuses(keccak256(abi.encodePacked(ALICE)));
        reader.stateRoot(short, keccak256(short), changeOf(ALICE, 1));
        bytes[5] memory numbers = [bytes(hex"00"), hex"80", hex"8100", hex"820001", hex"c101"];
        for (uint256 i = 0; i < numbers.length; i++) {
            bytes memory leaf = ProofPaths.leaf(keccak256(abi.encode(SLOT)), numbers[i], 0);
            TrieBuilder.Entry[] memory state = new TrieBuilder.Entry[](1);
            state[0] = TrieBuilder.account(ALICE, 1, keccak256(leaf), CODE);
            WitnessReader.SlotRead[] memory slots = new WitnessReader.SlotRead[](1);
            slots[0] = WitnessReader.SlotRead(ALICE, SLOT);
            bytes memory witness = bytes.concat(pathsOf(state, ALICE, ALICE), leaf);
            bytes32 root = TrieBuilder.root(state);
            refuses(keccak256(abi.encode(SLOT)));
            reader.read(witness, root, new address[](0), slots);
        }
    }

    function refuses(bytes32 key) private {
        vm.expectRevert(abi.encodeWithSelector(StateWitness.MalformedValue.selector, key));
    }

    function changeOf(address account, uint256 balance)
        private
        pure
        returns (StateWitness.AccountChange[] memory changes)
    {
        changes = new StateWitness.AccountChange[](1);
        changes[0].account = account;
        changes[0].exists = true;
        changes[0].balance = balance;
        changes[0].codeHash = CODE;
    }

    function oneSlot(uint256 value) private pure returns (TrieBuilder.Entry[] memory slots) {
        slots = new TrieBuilder.Entry[](1);
        slots[0] = TrieBuilder.slot(SLOT, value);
    }

    function stateOf(bytes32 storageRoot) private pure returns (TrieBuilder.Entry[] memory state) {
        state = new TrieBuilder.Entry[](3);
        state[0] = TrieBuilder.account(ALICE, 1 ether, storageRoot, CODE);
        state[1] = TrieBuilder.account(BOB, 2 ether, EMPTY, CODE);
        state[2] = TrieBuilder.account(address(0xCA401), 3 ether, EMPTY, CODE);
    }

    /// @dev The nodes on two accounts' paths, each once.
    function pathsOf(TrieBuilder.Entry[] memory state, address first, address second)
        private
        pure
        returns (bytes memory witness)
    {
        bytes[] memory nodes = TrieBuilder.proof(state, keccak256(abi.encodePacked(first)));
        bytes[] memory others = TrieBuilder.proof(state, keccak256(abi.encodePacked(second)));
        for (uint256 i = 0; i < nodes.length; i++) {
            witness = bytes.concat(witness, nodes[i]);
        }
        for (uint256 i = 0; i < others.length; i++) {
            if (i >= nodes.length || keccak256(others[i]) != keccak256(nodes[i])) {
                witness = bytes.concat(witness, others[i]);
            }
        }
    }
}
