// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Predeploys} from "../../l2/Predeploys.sol";
import {SystemSource, SystemTransaction, SystemTransactionCodec} from "../codec/SystemTransactionCodec.sol";
import {L2Transaction} from "../codec/TransactionCodec.sol";
import {HALTED, REVERTED, SUCCEEDED} from "../FrameLayout.sol";
import {Interpreter} from "../Interpreter.sol";
import {isPrecompileAt} from "../Precompiles.sol";
import {ReplayState, ReplayStates} from "../ReplayState.sol";
import {PreAccount, ReplayMessage} from "../ReplayTypes.sol";
import {PageProofs} from "./PageProofs.sol";
import {IS_FRESH, MOVES_VALUE} from "./SliceLayout.sol";
import {SliceStates} from "./SliceStates.sol";
import {StartSteps} from "./StartSteps.sol";
import {Step} from "./StepValues.sol";
import {CaseWords, FirstFrame, StepStates} from "./StepStates.sol";

/// @title CallStep: where a transaction's message begins, or is done without running
/// @notice Warms who takes part, takes the tax, and makes the first frame. What runs no code ends here: a transfer, a
/// precompile, what may not begin.
abstract contract CallStep is StartSteps {
    using ReplayStates for ReplayState;
    using ReplayStates for PreAccount;

    uint256 private constant CREATE_OPCODE = 0xf0;
    uint256 private constant IS_CREATION = 2;
    uint256 private constant DELEGATION_PREFIX_BITS = 24;

    function _call(Step memory step, bytes calldata raw) internal view {
        ReplayMessage memory message = _messageIn(step, raw);
        ReplayState memory state = step.replay.state;
        uint256 tax = step.outcome.words.tax;
        _warm(step, message.caller);
        _warm(step, message.to);
        _warm(step, Predeploys.EXECUTION_MANAGER);
        PreAccount memory sender = state.accountOf(message.caller);
        if (sender.balance < message.value + tax) return _endAt(step, HALTED, 0);
        if (tax != 0) {
            sender.balance -= tax;
            state.accountOf(Predeploys.TAX_VAULT).credit(tax);
        }
        if (_begin(step, message)) return;
        // The move is undone, and what it was taxed for with it.
        if (tax != 0) {
            sender.balance += tax;
            state.accountOf(Predeploys.TAX_VAULT).balance -= tax;
        }
    }

    /// @dev The message that is next.
    function _messageIn(Step memory step, bytes calldata raw) private pure returns (ReplayMessage memory message) {
        CaseWords memory words = step.outcome.words;
        uint256 chainId = step.outcome.environment.chainId;
        if (words.billing == StepStates.BILLED) return _userMessage(step, raw, chainId);
        (, SystemTransaction memory system) = SystemTransactionCodec.decode(raw, chainId);
        (message.caller, message.to) = (system.from, system.to);
        (message.value, message.gas) = (system.value, words.gas);
        if (system.source == SystemSource.Context && words.calls == 2) {
            (message.to, message.data) = (Predeploys.BLOCK_HASH_HISTORY, abi.encode(words.parentHash));
        } else if (system.source == SystemSource.Context && words.calls == 1) {
            (message.to, message.data) = (Predeploys.BEACON_ROOTS, abi.encode(0));
        } else {
            message.data = SystemTransactionCodec.dataOf(system);
        }
    }

    function _userMessage(Step memory step, bytes calldata raw, uint256 chainId)
        private
        pure
        returns (ReplayMessage memory message)
    {
        L2Transaction memory transaction = _userIn(raw, chainId);
        uint256 charge = transaction.gasLimit - step.outcome.words.gas;
        return _messageOf(transaction, charge, transaction.nonce);
    }

    function _warm(Step memory step, address who) private pure {
        step.warm[step.replay.state.indexOf(who)] = true;
    }

    function _endAt(Step memory step, uint256 status, uint256 gasLeft) private pure {
        step.outcome.kind = SliceStates.ENDED;
        (step.outcome.status, step.outcome.gasLeft) = (status, gasLeft);
    }

    /// @dev Whether it goes on or ended well.
    function _begin(Step memory step, ReplayMessage memory message) private view returns (bool) {
        PreAccount memory target = step.replay.state.accountOf(message.to);
        if (message.isCreation) {
            if (step.outcome.environment.denied >> CREATE_OPCODE & 1 == 1) {
                _endAt(step, REVERTED, message.gas);
                return false;
            }
            if (target.nonce != 0 || !target.isWithoutCode() || target.hasStorage) {
                _endAt(step, HALTED, 0);
                return false;
            }
            if (message.data.length == 0) {
                _make(step, message, target);
                return true;
            }
            _frame(step, message, keccak256(message.data), IS_CREATION);
            return true;
        }
        if (isPrecompileAt(uint160(message.to))) return _precompile(step, message);
        if (target.isDelegated()) {
            address delegate = address(uint160(uint256(bytes32(target.code) << DELEGATION_PREFIX_BITS) >> 96));
            _warm(step, delegate);
            target = step.replay.state.accountOf(delegate);
        }
        if (target.isWithoutCode()) {
            _transfer(step, message);
            _endAt(step, SUCCEEDED, message.gas);
            return true;
        }
        _frame(step, message, target.codeHash, 0);
        return true;
    }

    /// @dev A contract without initcode is made and does nothing.
    function _make(Step memory step, ReplayMessage memory message, PreAccount memory target) private pure {
        ReplayState memory state = step.replay.state;
        state.made[state.indexOf(message.to)] |= ReplayStates.CREATED;
        (target.exists, target.nonce, target.codeHash) = (true, 1, keccak256(""));
        _transfer(step, message);
        _endAt(step, SUCCEEDED, message.gas);
    }

    function _transfer(Step memory step, ReplayMessage memory message) private pure {
        PreAccount memory to = step.replay.state.accountOf(message.to);
        if (message.value == 0 || message.to == message.caller) {
            // Empty accounts that are touched go (EIP-161).
            if (_isEmpty(to)) to.exists = false;
            return;
        }
        step.replay.state.accountOf(message.caller).balance -= message.value;
        to.credit(message.value);
    }

    /// @dev Of what the interpreter gives back only the end counts: a precompile changes nothing but by the value moved.
    function _precompile(Step memory step, ReplayMessage memory message) private view returns (bool) {
        (bool isDone, bytes memory answer) = address(interpreter)
            .staticcall(
                abi.encodeCall(
                    Interpreter.replay, (step.outcome.environment, message, step.replay.state.now_, step.replay.room)
                )
            );
        if (!isDone) {
            assembly ("memory-safe") {
                revert(add(answer, 0x20), mload(answer))
            }
        }
        uint256 status;
        uint256 left;
        assembly ("memory-safe") {
            let outcome := add(add(answer, 0x20), mload(add(answer, 0x20)))
            status := mload(outcome)
            left := mload(add(outcome, 0x20))
        }
        if (status == SUCCEEDED) _transfer(step, message);
        _endAt(step, status, left);
        return status == SUCCEEDED;
    }

    function _frame(Step memory step, ReplayMessage memory message, bytes32 codeHash, uint256 flags) private pure {
        FirstFrame memory first = step.outcome.first;
        (first.caller, first.account, first.value) = (message.caller, message.to, message.value);
        (first.codeHash, first.flags, first.gas) = (codeHash, flags | MOVES_VALUE | IS_FRESH, message.gas);
        bytes memory data = message.data;
        if (!message.isCreation && data.length != 0) {
            uint256 start;
            assembly ("memory-safe") {
                start := add(data, 0x20)
            }
            first.inputLength = data.length;
            first.inputRoot = PageProofs.rootOf(start, data.length, PageProofs.zeroHashes());
        }
        step.outcome.kind = SliceStates.RUNNING;
    }
}
