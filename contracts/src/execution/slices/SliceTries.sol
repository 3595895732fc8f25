// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {CodeWitness} from "../../proofs/CodeWitness.sol";
import {WitnessNodes} from "../../proofs/WitnessNodes.sol";
import {DESTROYED, HALTED, REVERTED} from "../FrameLayout.sol";
import {ISliceInterpreter} from "../../interfaces/ISliceInterpreter.sol";
import {SliceAnswers} from "./SliceAnswers.sol";
import {Roots} from "./SliceStates.sol";
import {SliceWorld} from "./SliceWorld.sol";

/// @notice What a slice meets of the tries.
/// @param accounts Accounts, the frame's own first.
/// @param coded Bit n: the code of account n is met.
/// @param slots Slots of the frame's account, like transients.
/// @param transients Slots of its transient storage.
/// @param blocks Numbers of blocks.
/// @param witness Nodes of both tries.
/// @param codes Codes by their bytes.
/// @param holders Contracts of L1 with codes.
struct TriesProof {
    address[] accounts;
    uint256 coded;
    bytes32[] slots;
    bytes32[] transients;
    uint256[] blocks;
    bytes witness;
    bytes[] codes;
    address[] holders;
}

/// @title SliceTries: a slice over the values that the tries hold, and the tries' roots after it
contract SliceTries {
    /// @notice L1's gas did not suffice.
    error OutOfReplayGas();

    /// @dev Where the word of how many bytes of codes there are stands in an interpreter's calldata.
    uint256 private constant CODE_BYTES_PLACE = 4 + 32 * (10 + 32);

    /// @notice What runs slices.
    ISliceInterpreter public immutable INTERPRETER;

    /// @dev What is known of a slice.
    struct Task {
        SliceWorld.World world;
        CodeWitness.Codes codes;
        uint256[] accounts;
        uint256[] slots;
    }

    constructor(ISliceInterpreter interpreter) {
        INTERPRETER = interpreter;
    }

    /// @notice Runs a slice. Reverts as SliceInterpreter and the witness's libraries do.
    /// @param proof What it meets.
    /// @param roots Roots before it.
    /// @param head What the interpreter is handed before the accounts; the word of the codes' bytes is filled in here.
    /// @param pages Rows of pages.
    /// @param tail What it is handed behind the codes.
    /// @return answer What the interpreter gives.
    /// @return afterwards Roots after it; those before it where the frame failed.
    /// @return destroys Whether the first account goes with the transaction's end, and did not before.
    function run(
        TriesProof calldata proof,
        Roots calldata roots,
        bytes calldata head,
        bytes calldata pages,
        bytes calldata tail
    ) external view returns (bytes memory answer, Roots memory afterwards, bool destroys) {
        Task memory task;
        SliceWorld.World memory world = task.world;
        world.table = WitnessNodes.open(proof.witness);
        task.codes = CodeWitness.open(proof.codes, proof.holders);
        (world.roots, world.names) = (roots, proof.accounts);
        (world.slots, world.transients) = (proof.slots, proof.transients);
        task.accounts = SliceWorld.accountWords(world);
        task.slots = SliceWorld.slotWords(world);
        answer = _ask(_data(task, proof, head, pages, tail));
        afterwards = roots;
        uint256 kind = SliceAnswers.kindOf(answer);
        if (kind != HALTED && kind != REVERTED) {
            (uint256[] memory accounts, uint256[] memory slots) =
                SliceAnswers.worldOf(answer, task.accounts.length, task.slots.length);
            afterwards = SliceWorld.rootsAfter(world, task.accounts, accounts, task.slots, slots);
            destroys = accounts[0] & ~task.accounts[0] & DESTROYED != 0;
        }
        WitnessNodes.close(world.table);
        CodeWitness.close(task.codes);
    }

    function _data(
        Task memory task,
        TriesProof calldata proof,
        bytes calldata head,
        bytes calldata pages,
        bytes calldata tail
    ) private view returns (bytes memory data) {
        bytes memory codes = _codes(task, proof.coded);
        uint256[] memory hashes = SliceWorld.hashWords(task.world, proof.blocks);
        data = abi.encodePacked(head, task.accounts, task.slots, hashes, pages, codes, tail);
        assembly ("memory-safe") {
            mstore(add(add(data, 0x20), CODE_BYTES_PLACE), mload(codes))
        }
    }

    /// @dev Codes of accounts in whole words, their places told in the accounts' words.
    function _codes(Task memory task, uint256 coded) private view returns (bytes memory codes) {
        for (uint256 i = 0; coded != 0; i++) {
            if (coded & 1 == 1) {
                uint256 at = SliceWorld.ACCOUNT_WORDS * i;
                bytes memory code = CodeWitness.load(task.codes, bytes32(task.accounts[at + 3]));
                task.accounts[at + 4] = (code.length << 160) | codes.length;
                codes = bytes.concat(codes, code, new bytes((32 - code.length % 32) % 32));
            }
            coded >>= 1;
        }
    }

    function _ask(bytes memory data) private view returns (bytes memory answer) {
        bool isDone;
        (isDone, answer) = address(INTERPRETER).staticcall(data);
        if (isDone) return answer;
        if (answer.length == 0) revert OutOfReplayGas();
        assembly ("memory-safe") {
            revert(add(answer, 0x20), mload(answer))
        }
    }
}
