// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {
    ADDRESS_MASK,
    CREATED,
    DESTROYED,
    EMPTY_CODE_HASH,
    EXISTED,
    HAS_STORAGE,
    SUCCEEDED,
    TOUCHED,
    WARM
} from "../FrameLayout.sol";
import {Replay} from "../MessageReplay.sol";
import {ReplayState, ReplayStates} from "../ReplayState.sol";
import {PreAccount, PreSlot, ReplayEnvironment} from "../ReplayTypes.sol";
import {SystemReplay} from "../SystemReplay.sol";
import {ARRAYS} from "./SliceLayout.sol";
import {CaseWords, StepOutcome, StepStates} from "./StepStates.sol";

/// @notice A step under way.
/// @param replay The values, as they become.
/// @param kind Of the state before, and its cursor.
/// @param status How the message ended, where it did, and the gas that it left.
/// @param warm Accounts and slots that the step warms.
/// @param outcome What it comes to.
struct Step {
    Replay replay;
    uint256 kind;
    uint256 cursor;
    uint256 status;
    uint256 gasLeft;
    bool[] warm;
    bool[] warmSlots;
    StepOutcome outcome;
}

/// @title StepValues: a step's values, from the words that SliceTries hands over and back into them
/// @notice The header's words here: kind, cursor, the case, status and gas left of an end, refund; from word 28 on the numbers
/// of accounts and slots, and at 32 the bytes of codes, as for a slice. Behind the codes stand the step's own bytes.
abstract contract StepValues is SystemReplay {
    uint256 private constant HEADER = 4 + 32 * StepStates.ENVIRONMENT_WORDS;
    uint256 private constant CASE = HEADER + 64;
    uint256 private constant END = CASE + 32 * StepStates.CASE_WORDS;
    uint256 private constant ACCOUNT_BYTES = 160;
    uint256 private constant SLOT_BYTES = 128;
    uint256 private constant ANSWER_WORDS = 28;
    /// @dev Room of the interpreter for a message to a precompile: its two accounts and those that are warm.
    uint8 private constant ACCOUNT_BITS = 8;
    uint8 private constant SLOT_BITS = 1;
    uint256 private constant HEAP_BYTES = 1_024;

    /// @dev Reads what is handed in.
    /// @return step The step, its outcome as the state before it has it.
    /// @return input Its own bytes.
    function _read() internal pure returns (Step memory step, bytes calldata input) {
        (step.kind, step.cursor) = (_wordAt(HEADER), _wordAt(HEADER + 32));
        StepOutcome memory outcome = step.outcome;
        outcome.environment = abi.decode(msg.data[4:], (ReplayEnvironment));
        outcome.words = abi.decode(msg.data[CASE:], (CaseWords));
        (step.status, step.gasLeft, outcome.refund) = (_wordAt(END), _wordAt(END + 32), int256(_wordAt(END + 64)));
        _readFacts(step.replay, outcome);
        uint256 accounts = _wordAt(HEADER + 32 * 28);
        uint256 slots = _wordAt(HEADER + 32 * 29);
        uint256 codes = ARRAYS + ACCOUNT_BYTES * accounts + SLOT_BYTES * slots;
        ReplayState memory state = step.replay.state;
        state.now_.accounts = new PreAccount[](accounts);
        state.made = new uint8[](accounts);
        (step.warm, step.warmSlots) = (new bool[](accounts), new bool[](slots));
        for (uint256 i = 0; i < accounts; i++) {
            _readAccount(state, i, ARRAYS + ACCOUNT_BYTES * i, codes);
        }
        state.now_.slots = new PreSlot[](slots);
        for (uint256 i = 0; i < slots; i++) {
            uint256 at = ARRAYS + ACCOUNT_BYTES * accounts + SLOT_BYTES * i;
            state.now_.slots[i] =
                PreSlot(address(uint160(_wordAt(at))), _wordAt(at + 32), _wordAt(at + 96), _wordAt(at + 64));
        }
        input = msg.data[codes + _wordAt(HEADER + 32 * 32):];
    }

    function _readFacts(Replay memory replay, StepOutcome memory outcome) private pure {
        ReplayEnvironment memory environment = outcome.environment;
        (replay.facts.chainId, replay.facts.number) = (environment.chainId, environment.number);
        (replay.facts.timestamp, replay.facts.baseFee) = (environment.timestamp, environment.baseFee);
        (replay.facts.prevRandao, replay.facts.parentHash) = (environment.prevRandao, outcome.words.parentHash);
        (replay.room.accountBits, replay.room.slotBits) = (ACCOUNT_BITS, SLOT_BITS);
        (replay.room.heapBytes, replay.room.salt) = (HEAP_BYTES, 1);
    }

    function _readAccount(ReplayState memory state, uint256 index, uint256 at, uint256 codes) private pure {
        PreAccount memory account = state.now_.accounts[index];
        uint256 word = _wordAt(at);
        account.account = address(uint160(word & ADDRESS_MASK));
        (account.balance, account.nonce) = (_wordAt(at + 32), uint64(_wordAt(at + 64)));
        account.codeHash = bytes32(_wordAt(at + 96));
        account.hasStorage = word & HAS_STORAGE != 0;
        account.exists = !_isEmpty(account) || (word & EXISTED != 0 && word & TOUCHED == 0);
        uint256 place = _wordAt(at + 128);
        if (place != 0) {
            codes += uint32(place);
            account.code = msg.data[codes:codes + (place >> 160)];
        }
        if (word & CREATED != 0) state.made[index] |= ReplayStates.CREATED;
        if (word & DESTROYED != 0) state.made[index] |= ReplayStates.DESTROYED;
    }

    function _isEmpty(PreAccount memory account) internal pure returns (bool) {
        return account.nonce == 0 && account.balance == 0 && account.codeHash == bytes32(EMPTY_CODE_HASH);
    }

    /// @dev Gives back the values as SliceTries takes them, and the outcome behind them.
    function _give(Step memory step) internal pure {
        PreAccount[] memory accounts = step.replay.state.now_.accounts;
        PreSlot[] memory slots = step.replay.state.now_.slots;
        uint256[] memory words = new uint256[](ANSWER_WORDS + 5 * accounts.length + 4 * slots.length);
        words[0] = SUCCEEDED;
        for (uint256 i = 0; i < accounts.length; i++) {
            uint256 flags = step.warm[i] ? WARM : 0;
            if (step.replay.state.made[i] & ReplayStates.CREATED != 0) flags |= CREATED;
            _writeAccount(words, ANSWER_WORDS + 5 * i, accounts[i], ARRAYS + ACCOUNT_BYTES * i, flags);
        }
        for (uint256 i = 0; i < slots.length; i++) {
            uint256 from = ARRAYS + ACCOUNT_BYTES * accounts.length + SLOT_BYTES * i;
            uint256 at = ANSWER_WORDS + 5 * accounts.length + 4 * i;
            words[at] = _wordAt(from) | (step.warmSlots[i] ? WARM : 0);
            (words[at + 1], words[at + 2], words[at + 3]) = (_wordAt(from + 32), _wordAt(from + 64), slots[i].value);
        }
        bytes memory answer = abi.encodePacked(words, abi.encode(step.outcome));
        assembly ("memory-safe") {
            return(add(answer, 0x20), mload(answer))
        }
    }

    function _writeAccount(uint256[] memory words, uint256 at, PreAccount memory account, uint256 from, uint256 flags)
        private
        pure
    {
        uint256 word = _wordAt(from) | flags;
        if (!account.exists && word & EXISTED != 0) word |= TOUCHED;
        (words[at], words[at + 3]) = (word, EMPTY_CODE_HASH);
        if (!account.exists) return;
        (words[at + 1], words[at + 2], words[at + 3]) = (account.balance, account.nonce, uint256(account.codeHash));
    }

    function _wordAt(uint256 place) internal pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := calldataload(place)
        }
    }
}
