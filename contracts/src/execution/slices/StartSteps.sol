// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Predeploys} from "../../l2/Predeploys.sol";
import {HeaderCodec} from "../codec/HeaderCodec.sol";
import {SystemSource, SystemTransaction, SystemTransactionCodec} from "../codec/SystemTransactionCodec.sol";
import {L2Transaction, TransactionCodec} from "../codec/TransactionCodec.sol";
import {TransactionFault} from "../codec/TransactionFields.sol";
import {TransactionValidity} from "../codec/TransactionValidity.sol";
import {ReplayState, ReplayStates} from "../ReplayState.sol";
import {PreAccount} from "../ReplayTypes.sol";
import {Step, StepValues} from "./StepValues.sol";
import {StepOutcome, StepStates} from "./StepStates.sol";

/// @title StartSteps: a transaction from its checks to its message
/// @notice As packages/evm/src/transaction.ts and system.ts up to there, cut where a step ends (decision 041).
abstract contract StartSteps is StepValues {
    using ReplayStates for ReplayState;

    /// @dev Bytes of evidence of a step (decision 036), and what of them an item of a list takes.
    uint256 private constant B = 112_000;
    uint256 private constant ITEM_BYTES = 8_000;
    uint256 private constant AUTHORIZATION_BYTES = ITEM_BYTES + 24_576;

    /// @dev Whether the transaction may stand in the block, and what it takes from its sender beforehand.
    function _check(Step memory step, bytes calldata raw) internal view {
        StepOutcome memory outcome = step.outcome;
        if (_kindOf(raw) == SYSTEM_KIND) return _checkSystem(step, raw);
        uint256 gasBefore = outcome.words.gasBefore;
        uint256 gasLeft = gasBefore < HeaderCodec.BLOCK_GAS ? HeaderCodec.BLOCK_GAS - gasBefore : 0;
        _checkUser(step, raw, false, gasLeft);
        outcome.words.kind = _kindOf(raw);
    }

    function _checkUser(Step memory step, bytes calldata raw, bool isForced, uint256 gasLeft) private view {
        StepOutcome memory outcome = step.outcome;
        (TransactionFault fault, L2Transaction memory transaction) =
            TransactionCodec.decode(raw, outcome.environment.chainId);
        Terms memory terms;
        if (fault != TransactionFault.None || !_isAllowed(step.replay, transaction, terms, raw, isForced, gasLeft)) {
            outcome.kind = StepStates.INVALID;
            return;
        }
        terms.gasPrice = TransactionValidity.gasPriceOf(transaction, outcome.environment.baseFee);
        _charge(step.replay.state.accountOf(transaction.from), transaction.gasLimit, terms);
        (outcome.environment.gasPrice, outcome.environment.origin) = (terms.gasPrice, transaction.from);
        outcome.environment.denied = terms.denied;
        (outcome.words.billing, outcome.words.gasLimit) = (StepStates.BILLED, transaction.gasLimit);
        (outcome.words.gas, outcome.words.floor) = (transaction.gasLimit - terms.charge, terms.floor);
        (outcome.words.l1Fee, outcome.words.tax) = (terms.l1Fee, terms.tax);
        uint256 items = transaction.accessAddresses + transaction.accessSlots + transaction.authorizationCount;
        outcome.kind = items == 0 ? StepStates.CALLING : StepStates.LISTING;
    }

    function _checkSystem(Step memory step, bytes calldata raw) private view {
        StepOutcome memory outcome = step.outcome;
        (TransactionFault fault, SystemTransaction memory system) =
            SystemTransactionCodec.decode(raw, outcome.environment.chainId);
        if (fault != TransactionFault.None) {
            outcome.kind = StepStates.INVALID;
            return;
        }
        SystemSource source = system.source;
        if (source == SystemSource.Forced) {
            _checkUser(step, SystemTransactionCodec.dataOf(system), true, HeaderCodec.BLOCK_GAS);
            // What L1's queue holds is consumed, whatever it is.
            if (outcome.kind == StepStates.INVALID) {
                (outcome.kind, outcome.words.billing) = (StepStates.RECEIVING, StepStates.FREE);
            }
            outcome.words.kind = SYSTEM_KIND;
            return;
        }
        (outcome.words.kind, outcome.kind) = (SYSTEM_KIND, StepStates.RECEIVING);
        outcome.words.billing = StepStates.FREE;
        if (source == SystemSource.Exit && !_isExitAllowed(step.replay.state, system)) return;
        bool mints = source == SystemSource.Deposit || source == SystemSource.Message;
        if (mints) outcome.kind = StepStates.MINTING;
        if (system.gasLimit > TransactionValidity.TRANSACTION_GAS_CAP) return;
        outcome.words.succeeded = 1;
        if (source == SystemSource.Deposit) return;
        if (!mints) outcome.kind = StepStates.CALLING;
        if (source == SystemSource.Context) outcome.words.calls = 2;
        if (source == SystemSource.Message || source == SystemSource.Exit) outcome.words.billing = StepStates.COUNTED;
        (outcome.words.gasLimit, outcome.words.gas) = (system.gasLimit, system.gasLimit);
        (outcome.environment.origin, outcome.environment.denied) = _originOf(step.replay.state, system, system.to);
    }

    /// @dev New MT of a deposit or a message.
    function _mintStep(Step memory step, bytes calldata raw) internal pure {
        (, SystemTransaction memory system) = SystemTransactionCodec.decode(raw, step.outcome.environment.chainId);
        bool isDeposit = system.source == SystemSource.Deposit;
        _mint(step.replay.state, isDeposit ? system.to : system.from, system.mint);
        step.outcome.kind = isDeposit || step.outcome.words.succeeded == 0 ? StepStates.RECEIVING : StepStates.CALLING;
    }

    /// @dev The signed transaction in the bytes: they, or what L1's queue holds.
    function _userIn(bytes calldata raw, uint256 chainId) internal pure returns (L2Transaction memory transaction) {
        if (_kindOf(raw) == SYSTEM_KIND) {
            (, SystemTransaction memory system) = SystemTransactionCodec.decode(raw, chainId);
            raw = SystemTransactionCodec.dataOf(system);
        }
        (, transaction) = TransactionCodec.decode(raw, chainId);
    }

    /// @dev What one step does of a list.
    struct Walk {
        /// The next item's number, and where it stands.
        uint256 item;
        uint256 place;
        /// Bytes that the step has left.
        uint256 left;
        /// The account whose slots it warms, if it warms any.
        address owner;
        bool isOwned;
        bool isFull;
    }

    /// @dev Items of the access list, then authorisations, as many as the step has bytes for; the first one in any case.
    function _list(Step memory step, bytes calldata raw) internal view {
        uint256 chainId = step.outcome.environment.chainId;
        L2Transaction memory transaction = _userIn(raw, chainId);
        Walk memory walk;
        walk.left = raw.length < B ? B - raw.length : 0;
        _warmListed(step, transaction, walk);
        walk.place = transaction.authorizationsStart;
        while (!walk.isFull && walk.place != transaction.authorizationsEnd) {
            if (walk.item < step.cursor) {
                walk.item++;
                (,,, walk.place) = TransactionCodec.authorizationAt(walk.place, chainId);
                continue;
            }
            if (!_takes(step, walk, AUTHORIZATION_BYTES)) break;
            address authority;
            int256 refund;
            (authority, refund, walk.place) = _authorize(step.replay.state, walk.place, chainId);
            if (authority == address(0)) continue;
            step.warm[step.replay.state.indexOf(authority)] = true;
            step.outcome.refund += refund;
        }
        step.outcome.cursor = walk.item;
        step.outcome.kind = walk.isFull ? StepStates.LISTING : StepStates.CALLING;
        if (!walk.isFull) step.outcome.cursor = 0;
    }

    function _warmListed(Step memory step, L2Transaction memory transaction, Walk memory walk) private pure {
        for (uint256 place = transaction.accessStart; place != transaction.accessEnd;) {
            (address account, uint256 slot, uint256 next) = TransactionCodec.accessAt(place);
            if (walk.item + 1 + (next - slot) / 33 <= step.cursor) {
                walk.item += 1 + (next - slot) / 33;
                place = next;
                continue;
            }
            if (walk.item < step.cursor) walk.item++;
            else if (!_takes(step, walk, ITEM_BYTES)) return;
            else step.warm[step.replay.state.indexOf(account)] = true;
            while (slot != next) {
                if (walk.item < step.cursor) walk.item++;
                else if (!_takesSlot(step, walk, account)) return;
                else _warmSlot(step, account, slot);
                slot += 33;
            }
            place = next;
        }
    }

    function _warmSlot(Step memory step, address account, uint256 place) private pure {
        (bytes32 key,) = TransactionCodec.slotAt(place);
        ReplayState memory state = step.replay.state;
        for (uint256 i = 0; i < state.now_.slots.length; i++) {
            if (state.now_.slots[i].slot == uint256(key) && state.now_.slots[i].account == account) {
                step.warmSlots[i] = true;
                return;
            }
        }
        revert ReplayStates.SlotNotGiven(account, uint256(key));
    }

    /// @dev Slots of one account in one step.
    function _takesSlot(Step memory step, Walk memory walk, address account) private pure returns (bool) {
        if (!walk.isOwned || walk.owner == account) {
            (walk.owner, walk.isOwned) = (account, true);
            return _takes(step, walk, ITEM_BYTES);
        }
        walk.isFull = true;
        return false;
    }

    /// @dev Whether the next item belongs to the step, which counts it then.
    function _takes(Step memory step, Walk memory walk, uint256 charge) private pure returns (bool) {
        if (walk.left < charge && walk.item != step.cursor) {
            walk.isFull = true;
            return false;
        }
        walk.left = walk.left < charge ? 0 : walk.left - charge;
        walk.item++;
        return true;
    }
}
