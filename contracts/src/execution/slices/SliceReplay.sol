// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {HALTED, REVERTED, SUCCEEDED} from "../FrameLayout.sol";
import {ReplayEnvironment} from "../ReplayTypes.sol";
import {ISliceInterpreter} from "../../interfaces/ISliceInterpreter.sol";
import {PageProofs} from "./PageProofs.sol";
import {SliceAnswers} from "./SliceAnswers.sol";
import {CALLED, IS_FRESH, STOPPED} from "./SliceLayout.sol";
import {EndWords, FrameWords, Marks, Roots, SliceStates, StateWords, View} from "./SliceStates.sol";
import {SliceSelfTest} from "./SliceSelfTest.sol";
import {SliceTries, TriesProof} from "./SliceTries.sol";

/// @notice Pages of a memory, and the hashes that make its root with them.
/// @param numbers Two bytes for each page, ascending; with the highest bit set only the page's hash is told.
/// @param contents Pages and hashes, one behind the other.
/// @param siblings Hashes of the greatest subtrees without one of the pages, from the first on, those of zeros behind the
/// memory's end left out. Of the frame's memory pages count too that the slice fills behind its end.
struct PageProof {
    bytes numbers;
    bytes contents;
    bytes32[] siblings;
}

/// @notice What a slice is replayed from.
/// @param rest What surrounds the message beside the environment, hashed.
/// @param frame The frame that runs.
/// @param isReturning Whether it awaits the end of another one.
/// @param end That end; what awaits it is not looked at.
/// @param stackBelow Hash chain over the words of the stack that are not told.
/// @param stack Words on top of it, the lowest first.
/// @param code The frame's code, or what of it no contract of L1 holds, as its beginning.
/// @param holders Contracts of L1 whose codes are the rest of it, one behind the other.
/// @param tries What the slice meets of the tries.
struct SliceProof {
    ReplayEnvironment environment;
    bytes32 rest;
    Roots roots;
    Marks marks;
    FrameWords frame;
    bool isReturning;
    EndWords end;
    bytes32 stackBelow;
    uint256[] stack;
    PageProof memoryPages;
    PageProof inputPages;
    PageProof returnPages;
    bytes code;
    address[] holders;
    TriesProof tries;
}

/// @title SliceReplay: a slice from the commitment to the state before it to the one after it
/// @notice Opens what the commitments hold, has SliceInterpreter run the slice, and commits to what came of it (decision
/// 036). Says what follows from a proof; whether the first commitment is the right one is the caller's to compare.
contract SliceReplay {
    using SliceStates for StateWords;
    using SliceStates for FrameWords;
    using SliceStates for EndWords;

    /// @notice The words that are told do not make the stack.
    error WrongStack();
    /// @notice The first account is not the frame's own.
    error WrongAccount();
    /// @notice What is handed in is not the frame's code.
    error WrongCode();

    uint256 private constant G = 5_000;
    uint256 private constant B = 112_000;
    uint256 private constant HASH_ONLY = 0x8000;
    uint256 private constant PAGE_KNOWN = 0x1000000;
    uint256 private constant PAGE_ROW_BYTES = 160;
    /// @dev What a charter's denial gives back.
    bytes4 private constant PERMISSION_DENIED = 0x2df25dee;

    /// @notice What opens the tries.
    SliceTries public immutable TRIES;

    /// @dev What is known of a slice while it is replayed.
    struct Replay {
        FrameWords frame;
        PageProofs.Task memoryTask;
        bytes pageRows;
        uint256 pageCount;
        /// Words of accounts and slots.
        uint256 worldWords;
        bytes32[] zeros;
    }

    /// @notice Slices do not run as they have to.
    error SelfTestFailed();

    constructor(SliceTries tries) {
        if (!SliceSelfTest.holds(tries.INTERPRETER())) revert SelfTestFailed();
        TRIES = tries;
    }

    /// @notice Replays a slice. Reverts where the proof is not whole, or has too much.
    /// @param proof What it is replayed from.
    /// @return before The commitment to the state from which the proof starts.
    /// @return afterwards The commitment to the state after the slice.
    function replay(SliceProof calldata proof) external view returns (bytes32 before, bytes32 afterwards) {
        Replay memory task;
        task.frame = proof.frame;
        before = _hashBefore(proof);
        _openPages(task, proof);
        StateWords memory state;
        bytes memory answer;
        bool destroys;
        (answer, state.roots, destroys) = _run(task, proof);
        state.surroundings = keccak256(abi.encode(proof.environment, proof.rest));
        uint256 kind = SliceAnswers.kindOf(answer);
        bytes32 memoryRoot = _memoryRoot(task, answer);
        if (kind == HALTED || kind == REVERTED) (state.roots, state.marks) = (task.frame.before, task.frame.marks);
        else state.marks = _marksAfter(task, answer, proof.marks.destroyed, destroys);
        if (kind == STOPPED || kind == CALLED) _goOnWith(task, state, answer, memoryRoot, proof);
        else _end(task, state, answer, memoryRoot, proof.environment.origin);
        afterwards = state.hashOf();
    }

    function _marksAfter(Replay memory task, bytes memory answer, bytes32 destroyed, bool destroys)
        private
        pure
        returns (Marks memory marks)
    {
        marks = SliceAnswers.marksOf(answer);
        marks.destroyed = destroys ? SliceStates.link(destroyed, task.frame.account) : destroyed;
    }

    function _hashBefore(SliceProof calldata proof) private pure returns (bytes32) {
        FrameWords memory frame = proof.frame;
        uint256[] memory stack = proof.stack;
        uint256 start;
        assembly ("memory-safe") {
            start := add(stack, 0x20)
        }
        if (frame.stack != SliceStates.chain(proof.stackBelow, start, stack.length)) revert WrongStack();
        StateWords memory state;
        state.surroundings = keccak256(abi.encode(proof.environment, proof.rest));
        (state.roots, state.marks) = (proof.roots, proof.marks);
        (state.kind, state.tail) = (SliceStates.RUNNING, frame.hashOf());
        if (proof.isReturning) {
            EndWords memory end = proof.end;
            end.awaiting = state.tail;
            (state.kind, state.tail) = (SliceStates.RETURNING, end.hashOf());
        }
        return state.hashOf();
    }

    /// @dev Checks pages against the roots of input and return data, and makes rows of all. The frame's memory is checked
    /// when it is known which pages are new.
    function _openPages(Replay memory task, SliceProof calldata proof) private pure {
        task.zeros = PageProofs.zeroHashes();
        View memory input = task.frame.input;
        View memory returned = proof.isReturning ? proof.end.output : proof.frame.returned;
        uint256 count = proof.memoryPages.numbers.length + proof.inputPages.numbers.length;
        task.pageRows = new bytes(PAGE_ROW_BYTES * ((count + proof.returnPages.numbers.length) / 2));
        task.memoryTask = _pages(task, proof.memoryPages, 0, task.frame.memoryBytes);
        _requireRoot(_pages(task, proof.inputPages, 1, input.memoryBytes), input.root);
        _requireRoot(_pages(task, proof.returnPages, 2, returned.memoryBytes), returned.root);
    }

    function _requireRoot(PageProofs.Task memory viewed, bytes32 root) private pure {
        if (viewed.pages.length == 0 && viewed.siblings.length == 0) return;
        if (PageProofs.root(viewed) != root) revert PageProofs.WrongMemory();
    }

    /// @dev Rows of an object's pages, behind those that are there, and what their root is made of.
    function _pages(Replay memory task, PageProof calldata proof, uint256 object, uint256 memoryBytes)
        private
        pure
        returns (PageProofs.Task memory made)
    {
        uint256 count = proof.numbers.length / 2;
        made.pages = new uint256[](count);
        made.leaves = new bytes32[](count);
        made.siblings = proof.siblings;
        made.end = (memoryBytes + 127) / 128;
        made.zeros = task.zeros;
        if (_fill(task, made, proof, object << 16) != proof.contents.length || proof.numbers.length % 2 != 0) {
            revert PageProofs.PagesOutOfOrder();
        }
        task.pageCount += count;
    }

    /// @dev Gives how many bytes of contents there have to be. What would be read behind them is refused by their length.
    function _fill(Replay memory task, PageProofs.Task memory made, PageProof calldata proof, uint256 object)
        private
        pure
        returns (uint256 length)
    {
        uint256 row;
        uint256 place;
        {
            bytes memory rows = task.pageRows;
            uint256 first = task.pageCount * PAGE_ROW_BYTES;
            bytes calldata numbers = proof.numbers;
            assembly ("memory-safe") {
                row := add(add(rows, 0x20), first)
                place := numbers.offset
            }
        }
        unchecked {
            uint256 next = 0;
            for (uint256 i = 0; i < made.pages.length; i++) {
                (uint256 page, bytes32 leaf, uint256 size) = _row(row, place + 2 * i, proof.contents, length, object);
                if (page < next || page >= made.end) revert PageProofs.PagesOutOfOrder();
                next = page + 1;
                (made.pages[i], made.leaves[i]) = (page, leaf);
                row += PAGE_ROW_BYTES;
                length += size;
            }
        }
    }

    /// @dev Writes the row of a page whose number stands at a place in calldata.
    function _row(uint256 row, uint256 place, bytes calldata contents, uint256 offset, uint256 object)
        private
        pure
        returns (uint256 page, bytes32 leaf, uint256 size)
    {
        assembly ("memory-safe") {
            page := shr(240, calldataload(place))
            let start := add(contents.offset, offset)
            switch and(page, HASH_ONLY)
            case 0 {
                mstore(row, or(or(page, object), PAGE_KNOWN))
                calldatacopy(add(row, 0x20), start, 128)
                leaf := keccak256(add(row, 0x20), 128)
                size := 128
            }
            default {
                page := sub(page, HASH_ONLY)
                mstore(row, or(page, object))
                leaf := calldataload(start)
                size := 32
            }
        }
    }

    /// @dev Hands everything to the tries, and over them to the interpreter.
    function _run(Replay memory task, SliceProof calldata proof)
        private
        view
        returns (bytes memory, Roots memory, bool)
    {
        address[] calldata accounts = proof.tries.accounts;
        if (accounts.length == 0 || accounts[0] != task.frame.account) revert WrongAccount();
        bytes memory code = _code(proof);
        SliceAnswers.Counts memory counts;
        (counts.gasLimit, counts.byteLimit) = (G, B);
        (counts.opened, counts.codeBytes, counts.pages) = (proof.stack.length, code.length, task.pageCount);
        (counts.accounts, counts.hashes) = (accounts.length, proof.tries.blocks.length);
        counts.slots = proof.tries.slots.length + proof.tries.transients.length;
        task.worldWords = 5 * counts.accounts + 4 * counts.slots;
        bytes memory head = abi.encodePacked(
            ISliceInterpreter.run.selector,
            abi.encode(proof.environment),
            SliceAnswers.header(counts, task.frame, proof.marks, proof.isReturning, proof.end)
        );
        bytes memory tail = abi.encodePacked(proof.stack, bytes32(0), code);
        return TRIES.run(proof.tries, proof.roots, head, task.pageRows, tail);
    }

    /// @dev The frame's code.
    function _code(SliceProof calldata proof) private view returns (bytes memory code) {
        code = proof.code;
        for (uint256 i = 0; i < proof.holders.length; i++) {
            code = bytes.concat(code, proof.holders[i].code);
        }
        if (keccak256(code) != proof.frame.codeHash) revert WrongCode();
    }

    /// @dev Checks the frame's memory before the slice, and gives its root afterwards, or 0 where nothing has it any more.
    function _memoryRoot(Replay memory task, bytes memory answer) private pure returns (bytes32) {
        PageProofs.Task memory pages = task.memoryTask;
        uint256 kind = SliceAnswers.kindOf(answer);
        if (kind == HALTED || (kind <= SUCCEEDED && SliceAnswers.wordOf(answer, 14) == 0)) {
            _requireRoot(pages, task.frame.memoryRoot);
            return 0;
        }
        uint256 given = pages.pages.length;
        (uint256 rows, uint256 added,) = SliceAnswers.pagesOf(answer, task.worldWords, task.pageCount);
        PageProofs.add(pages, rows + PAGE_ROW_BYTES * task.pageCount, added);
        if (pages.pages.length == 0 && pages.siblings.length == 0) return task.frame.memoryRoot;
        bytes32[] memory leaves = pages.leaves;
        pages.leaves = PageProofs.leavesBefore(pages, given);
        _requireRoot(pages, task.frame.memoryRoot);
        pages.leaves = leaves;
        PageProofs.update(pages, rows, given);
        return PageProofs.root(pages);
    }

    /// @dev The state after a slice with which the frame goes on, or another one begins.
    function _goOnWith(
        Replay memory task,
        StateWords memory state,
        bytes memory answer,
        bytes32 memoryRoot,
        SliceProof calldata proof
    ) private pure {
        FrameWords memory frame = task.frame;
        frame.flags &= ~IS_FRESH;
        (frame.gas, frame.pc) = (SliceAnswers.wordOf(answer, 1), SliceAnswers.wordOf(answer, 2));
        frame.stackHeight = SliceAnswers.wordOf(answer, 3);
        (uint256 start, uint256 count) = SliceAnswers.stackOf(answer);
        frame.stack = SliceStates.chain(proof.stackBelow, start, count);
        (frame.memoryRoot, frame.memoryBytes) = (memoryRoot, SliceAnswers.wordOf(answer, 5));
        frame.returned = _returned(task, answer, proof.isReturning ? proof.end.output : frame.returned);
        (frame.outOffset, frame.outLength) = (SliceAnswers.wordOf(answer, 24), SliceAnswers.wordOf(answer, 25));
        frame.made = address(uint160(SliceAnswers.wordOf(answer, 26)));
        (state.kind, state.tail) = (SliceStates.RUNNING, frame.hashOf());
        if (SliceAnswers.kindOf(answer) == CALLED) state.tail = _child(task, state, answer).hashOf();
    }

    function _returned(Replay memory task, bytes memory answer, View memory before)
        private
        pure
        returns (View memory returned)
    {
        uint256 length = SliceAnswers.wordOf(answer, 8);
        if (length == 0) return returned;
        if (SliceAnswers.wordOf(answer, 6) == 0) {
            (returned.root, returned.memoryBytes) = (before.root, before.memoryBytes);
            (returned.offset, returned.length) = (SliceAnswers.wordOf(answer, 7), length);
            return returned;
        }
        (,, uint256 own) = SliceAnswers.pagesOf(answer, task.worldWords, task.pageCount);
        return View(PageProofs.rootOf(own, length, task.zeros), length, 0, length);
    }

    /// @dev The frame that begins.
    function _child(Replay memory task, StateWords memory state, bytes memory answer)
        private
        pure
        returns (FrameWords memory child)
    {
        (child.below, child.depth) = (state.tail, task.frame.depth + 1);
        child.account = address(uint160(SliceAnswers.wordOf(answer, 16)));
        child.caller = address(uint160(SliceAnswers.wordOf(answer, 17)));
        (child.value, child.flags) = (SliceAnswers.wordOf(answer, 18), SliceAnswers.wordOf(answer, 19));
        (child.codeHash, child.gas) = (bytes32(SliceAnswers.wordOf(answer, 20)), SliceAnswers.wordOf(answer, 21));
        child.memoryRoot = task.zeros[PageProofs.LEVELS];
        uint256 length = SliceAnswers.wordOf(answer, 23);
        if (length != 0) {
            child.input = View(task.frame.memoryRoot, task.frame.memoryBytes, SliceAnswers.wordOf(answer, 22), length);
        }
        (child.before, child.marks) = (state.roots, state.marks);
    }

    /// @dev The state after a slice with which the frame ends.
    function _end(Replay memory task, StateWords memory state, bytes memory answer, bytes32 memoryRoot, address origin)
        private
        pure
    {
        EndWords memory end;
        end.status = SliceAnswers.kindOf(answer);
        if (end.status != HALTED) {
            end.gasLeft = SliceAnswers.wordOf(answer, 1);
            uint256 length = SliceAnswers.wordOf(answer, 14);
            uint256 denied = SliceAnswers.wordOf(answer, 15);
            if (denied != 0) {
                bytes memory denial = abi.encodeWithSelector(PERMISSION_DENIED, bytes1(uint8(denied - 1)), origin);
                uint256 start;
                assembly ("memory-safe") {
                    start := add(denial, 0x20)
                }
                length = denial.length;
                end.output = View(PageProofs.rootOf(start, length, task.zeros), length, 0, length);
            } else if (length != 0) {
                end.output = View(memoryRoot, SliceAnswers.wordOf(answer, 5), SliceAnswers.wordOf(answer, 13), length);
            }
        }
        end.awaiting = task.frame.below;
        state.kind = end.awaiting == 0 ? SliceStates.ENDED : SliceStates.RETURNING;
        state.tail = end.hashOf();
    }
}
