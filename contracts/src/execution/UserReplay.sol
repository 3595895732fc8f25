// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {LibRLP} from "solady/utils/LibRLP.sol";
import {CharterTerms} from "./codec/CharterTerms.sol";
import {L2Transaction, TransactionCodec} from "./codec/TransactionCodec.sol";
import {TransactionFault} from "./codec/TransactionFields.sol";
import {TransactionGas} from "./codec/TransactionGas.sol";
import {InvalidReason, TransactionValidity} from "./codec/TransactionValidity.sol";
import {Predeploys} from "../l2/Predeploys.sol";
import {HALTED, SUCCEEDED} from "./FrameLayout.sol";
import {MessageReplay, Replay} from "./MessageReplay.sol";
import {ReplayState, ReplayStates} from "./ReplayState.sol";
import {PreAccount, ReplayMessage, SlotName} from "./ReplayTypes.sol";

/// @title UserReplay: a signed transaction from its checks to its end
/// @notice As `executeTransaction` of packages/evm/src/transaction.ts, step by step.
abstract contract UserReplay is MessageReplay {
    using ReplayStates for ReplayState;
    using ReplayStates for PreAccount;

    /// @dev Given back for an authority that exists already (EIP-7702).
    uint256 private constant AUTHORIZATION_REFUND = 12_500;
    uint256 private constant L1_VALUES_SLOT = 2;
    uint256 private constant L1_BASE_FEE_SHIFT = 128;
    uint256 private constant BRACKETS_PER_SLOT = 2;

    /// @dev What a transaction's checks found out.
    struct Terms {
        uint256 charge;
        uint256 floor;
        uint256 denied;
        uint256 tax;
        uint256 l1Fee;
        uint256 gasPrice;
    }

    /// @dev Executes a signed transaction.
    /// @param isForced L1 handed it in: it pays no L1 fee.
    /// @param gasLeft Gas that the block has left.
    /// @return isValid Whether it may stand in a block; where it may not, nothing has changed.
    function _executeUser(Replay memory replay, bytes calldata raw, bool isForced, uint256 gasLeft)
        internal
        view
        returns (bool isValid)
    {
        (TransactionFault fault, L2Transaction memory transaction) = TransactionCodec.decode(raw, replay.facts.chainId);
        if (fault != TransactionFault.None) return false;
        Terms memory terms;
        if (!_isAllowed(replay, transaction, terms, raw, isForced, gasLeft)) return false;
        terms.gasPrice = TransactionValidity.gasPriceOf(transaction, replay.facts.baseFee);
        _runUser(replay, transaction, terms);
        return true;
    }

    /// @dev Whether a transaction may stand in the block; fills in its terms but for the gas price.
    function _isAllowed(
        Replay memory replay,
        L2Transaction memory transaction,
        Terms memory terms,
        bytes calldata raw,
        bool isForced,
        uint256 gasLeft
    ) internal view returns (bool) {
        uint256 rawTokens;
        {
            uint256 dataTokens;
            (dataTokens, rawTokens) = TransactionGas.tokensOf(transaction, raw);
            (terms.charge, terms.floor) = TransactionGas.intrinsicOf(transaction, dataTokens);
        }
        InvalidReason reason =
            TransactionValidity.formFault(transaction, terms.charge, terms.floor, replay.facts.baseFee, gasLeft);
        if (reason != InvalidReason.None) return false;
        PreAccount memory sender = replay.state.accountOf(transaction.from);
        // The code is needed, and so asked for, only where the nonce is right.
        reason = TransactionValidity.senderFault(transaction, sender.nonce, false);
        if (reason != InvalidReason.None || !_mayHaveKey(sender)) return false;
        (terms.denied, terms.tax) = _charterTerms(replay.state, transaction.from, transaction.value);
        if (!isForced) {
            uint256 values = _hotWord(replay.state, L1_VALUES_SLOT);
            terms.l1Fee = TransactionGas.l1FeeOf(rawTokens, uint64(values >> L1_BASE_FEE_SHIFT));
        }
        reason = TransactionValidity.termsFault(transaction, terms.denied, sender.balance, terms.tax, terms.l1Fee);
        return reason == InvalidReason.None;
    }

    /// @dev Whether an account is none of a contract: it has no code, or delegates (EIP-3607, EIP-7702).
    function _mayHaveKey(PreAccount memory account) internal view returns (bool) {
        return account.isWithoutCode() || account.isDelegated();
    }

    /// @dev What the charter says of a signer and a value, from words of the hot account.
    function _charterTerms(ReplayState memory state, address signer, uint256 value)
        internal
        pure
        returns (uint256 denied, uint256 tax)
    {
        uint256 flags = _hotWord(state, CharterTerms.FLAGS_SLOT);
        if (CharterTerms.isFree(flags)) return (0, 0);
        uint256 restricted = _hotWord(state, CharterTerms.RESTRICTED_SLOT);
        uint256 allow = restricted == 0 ? 0 : _hotWord(state, uint256(CharterTerms.allowSlotOf(signer)));
        uint256 deny = CharterTerms.hasDenials(flags) ? _hotWord(state, uint256(CharterTerms.denySlotOf(signer))) : 0;
        denied = CharterTerms.deniedOf(flags, restricted, allow, deny);
        uint256 brackets = value == 0 ? 0 : CharterTerms.bracketCountOf(flags);
        if (brackets == 0) return (denied, 0);
        uint256[] memory words = new uint256[]((brackets + 1) / BRACKETS_PER_SLOT);
        for (uint256 i = 0; i < words.length; i++) {
            words[i] = _hotWord(state, CharterTerms.BRACKETS_SLOT + i);
        }
        tax = _taxOf(flags, value, words);
    }

    /// @dev See {CharterTerms-taxOf}.
    function _taxOf(uint256 flags, uint256 value, uint256[] memory words) internal pure virtual returns (uint256) {
        return CharterTerms.taxOf(flags, value, words);
    }

    function _hotWord(ReplayState memory state, uint256 slot) private pure returns (uint256) {
        return state.slotOf(Predeploys.EXECUTION_MANAGER, slot).value;
    }

    /// @dev Carries out a transaction that may stand in its block.
    function _runUser(Replay memory replay, L2Transaction memory transaction, Terms memory terms) internal view {
        ReplayState memory state = replay.state;
        PreAccount memory sender = state.accountOf(transaction.from);
        ReplayMessage memory message = _messageOf(transaction, terms.charge, sender.nonce);
        _charge(sender, transaction.gasLimit, terms);
        int256 refund = _warmUp(state, transaction, replay.facts.chainId);
        {
            (uint256 status, uint256 left, int256 more) = _runTaxed(replay, message, terms);
            replay.succeeded = status == SUCCEEDED;
            replay.gasUsed = _usedAfterRefund(transaction.gasLimit - left, refund + more);
        }
        if (replay.gasUsed < terms.floor) replay.gasUsed = terms.floor;
        _settleFees(state, transaction.from, transaction.gasLimit, replay.gasUsed, terms);
        _saveDestroyed(state);
    }

    /// @dev Takes the fee in advance and counts the sender's nonce.
    function _charge(PreAccount memory sender, uint256 gasLimit, Terms memory terms) internal pure {
        sender.nonce++;
        sender.balance -= gasLimit * terms.gasPrice + terms.l1Fee;
    }

    /// @dev Gives back what the gas left was bought for, and pays the fee recipient.
    function _settleFees(
        ReplayState memory state,
        address sender,
        uint256 gasLimit,
        uint256 gasUsed,
        Terms memory terms
    ) internal pure {
        state.accountOf(sender).credit((gasLimit - gasUsed) * terms.gasPrice);
        state.accountOf(Predeploys.EXECUTION_MANAGER).credit(gasUsed * terms.gasPrice + terms.l1Fee);
    }

    /// @dev Whoever moves a value pays the tax on it, unless the move itself is undone.
    function _runTaxed(Replay memory replay, ReplayMessage memory message, Terms memory terms)
        private
        view
        returns (uint256 status, uint256 left, int256 refund)
    {
        address origin = message.caller;
        if (terms.tax == 0) return _run(replay, message, origin, terms.gasPrice, terms.denied);
        PreAccount memory sender = replay.state.accountOf(origin);
        if (sender.balance < message.value + terms.tax) return (HALTED, 0, 0);
        PreAccount memory vault = replay.state.accountOf(Predeploys.TAX_VAULT);
        sender.balance -= terms.tax;
        vault.credit(terms.tax);
        (status, left, refund) = _run(replay, message, origin, terms.gasPrice, terms.denied);
        if (status == SUCCEEDED) return (status, left, refund);
        sender.balance += terms.tax;
        vault.balance -= terms.tax;
    }

    /// @dev The message of a transaction whose sender had a nonce before it.
    function _messageOf(L2Transaction memory transaction, uint256 charge, uint256 nonce)
        internal
        pure
        returns (ReplayMessage memory message)
    {
        message.caller = transaction.from;
        message.isCreation = transaction.isCreation;
        message.to = transaction.isCreation ? LibRLP.computeAddress(transaction.from, nonce) : transaction.to;
        message.value = transaction.value;
        message.gas = transaction.gasLimit - charge;
        message.data = TransactionCodec.dataOf(transaction);
    }

    /// @dev Warms what the access list names (EIP-2930), and applies the authorisations (EIP-7702) in their order.
    /// @return refund What they give back.
    function _warmUp(ReplayState memory state, L2Transaction memory transaction, uint256 chainId)
        private
        view
        returns (int256 refund)
    {
        uint256 count = transaction.accessAddresses + transaction.authorizationCount;
        state.now_.warmAccounts = new address[](count);
        state.now_.warmSlots = new SlotName[](transaction.accessSlots);
        count = _warmAccessList(state, transaction);
        for (uint256 place = transaction.authorizationsStart; place != transaction.authorizationsEnd;) {
            address authority;
            int256 more;
            (authority, more, place) = _authorize(state, place, chainId);
            if (authority == address(0)) continue;
            state.now_.warmAccounts[count++] = authority;
            refund += more;
        }
        address[] memory warm = state.now_.warmAccounts;
        assembly ("memory-safe") {
            mstore(warm, count)
        }
    }

    /// @dev Applies the authorisation at a place, if it fits.
    /// @return authority Who is warm by it; zero where nobody is.
    /// @return refund What it gives back.
    /// @return next Where the next one begins.
    function _authorize(ReplayState memory state, uint256 place, uint256 chainId)
        internal
        view
        returns (address authority, int256 refund, uint256 next)
    {
        address target;
        uint256 nonce;
        (authority, target, nonce, next) = _authorizationAt(place, chainId);
        if (authority == address(0)) return (authority, refund, next);
        PreAccount memory account = state.accountOf(authority);
        if (!_mayHaveKey(account) || (account.exists ? account.nonce : 0) != nonce) return (authority, refund, next);
        if (account.exists) refund = int256(AUTHORIZATION_REFUND);
        account.delegate(target);
        account.nonce = uint64(nonce + 1);
    }

    /// @dev See {TransactionCodec-authorizationAt}.
    function _authorizationAt(uint256 place, uint256 chainId)
        internal
        pure
        virtual
        returns (address authority, address target, uint256 nonce, uint256 next)
    {
        return TransactionCodec.authorizationAt(place, chainId);
    }

    function _warmAccessList(ReplayState memory state, L2Transaction memory transaction)
        private
        pure
        returns (uint256 count)
    {
        uint256 slotCount = 0;
        for (uint256 place = transaction.accessStart; place != transaction.accessEnd;) {
            (address account, uint256 slot, uint256 next) = TransactionCodec.accessAt(place);
            state.now_.warmAccounts[count++] = account;
            while (slot != next) {
                bytes32 key;
                (key, slot) = TransactionCodec.slotAt(slot);
                state.now_.warmSlots[slotCount++] = SlotName(account, uint256(key));
            }
            place = next;
        }
    }
}
