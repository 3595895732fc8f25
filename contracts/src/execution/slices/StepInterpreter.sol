// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ISliceInterpreter} from "../../interfaces/ISliceInterpreter.sol";
import {Predeploys} from "../../l2/Predeploys.sol";
import {SUCCEEDED} from "../FrameLayout.sol";
import {Interpreter} from "../Interpreter.sol";
import {MessageReplay} from "../MessageReplay.sol";
import {ReplayState, ReplayStates} from "../ReplayState.sol";
import {PreAccount} from "../ReplayTypes.sol";
import {CallStep} from "./CallStep.sol";
import {SliceStates} from "./SliceStates.sol";
import {CaseWords, StepStates} from "./StepStates.sol";
import {Step} from "./StepValues.sol";

/// @title StepInterpreter: one step of a transaction around its message, over values that are handed in
/// @notice What {SliceInterpreter} is to a message: {SliceTries} reads the values for it and makes the roots (decision 041).
/// The rules are those of {ExecutionManager}, of which this takes apart what needs the state.
contract StepInterpreter is CallStep, ISliceInterpreter {
    using ReplayStates for ReplayState;
    using ReplayStates for PreAccount;

    /// @notice No step begins in a state of this kind.
    /// @param kind The kind.
    error NoStep(uint256 kind);

    uint256 private constant ADDRESS_BYTES = 20;

    /// @param interpreter_ Runs messages to precompiles.
    constructor(Interpreter interpreter_) MessageReplay(interpreter_) {}

    /// @inheritdoc ISliceInterpreter
    /// @dev The words are told in StepValues.sol. Reverts with AccountNotGiven, SlotNotGiven, CodeNotGiven, MintTooLarge, and
    /// what {Interpreter-replay} reverts with.
    function run() external view {
        (Step memory step, bytes calldata input) = _read();
        uint256 kind = step.kind;
        if (kind == StepStates.CHECKING) _check(step, input);
        else if (kind == StepStates.MINTING) _mintStep(step, input);
        else if (kind == StepStates.LISTING) _list(step, input);
        else if (kind == StepStates.CALLING) _call(step, input);
        else if (kind == SliceStates.ENDED) _settle(step);
        else if (kind == StepStates.CLEARING) _clear(step, input);
        else revert NoStep(kind);
        _give(step);
    }

    /// @dev The end of a message: what it used, and who pays.
    function _settle(Step memory step) private pure {
        CaseWords memory words = step.outcome.words;
        bool isDone = step.status == SUCCEEDED;
        if (words.billing == StepStates.BILLED || !isDone) words.succeeded = isDone ? 1 : 0;
        if (words.calls != 0) {
            words.calls--;
            step.outcome.kind = StepStates.CALLING;
            return;
        }
        step.outcome.kind = StepStates.RECEIVING;
        if (words.billing == StepStates.FREE) return;
        words.gasUsed = _usedAfterRefund(words.gasLimit - step.gasLeft, step.outcome.refund);
        if (words.billing == StepStates.COUNTED) return;
        if (words.gasUsed < words.floor) words.gasUsed = words.floor;
        Terms memory terms;
        (terms.gasPrice, terms.l1Fee) = (step.outcome.environment.gasPrice, words.l1Fee);
        address sender = step.outcome.environment.origin;
        _settleFees(step.replay.state, sender, words.gasLimit, words.gasUsed, terms);
    }

    /// @dev Accounts that go: what MT is left there goes to a vault.
    function _clear(Step memory step, bytes calldata names) private pure {
        ReplayState memory state = step.replay.state;
        for (uint256 at = 0; at < names.length; at += ADDRESS_BYTES) {
            PreAccount memory account = state.accountOf(address(bytes20(names[at:at + ADDRESS_BYTES])));
            if (account.balance != 0) state.accountOf(Predeploys.BURN_VAULT).credit(account.balance);
            (account.exists, account.balance) = (false, 0);
        }
        step.outcome.kind = StepStates.RECEIVING;
    }
}
