// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Predeploys} from "../l2/Predeploys.sol";
import {HeaderCodec} from "./codec/HeaderCodec.sol";
import {SystemSource, SystemTransaction, SystemTransactionCodec} from "./codec/SystemTransactionCodec.sol";
import {TransactionCodec} from "./codec/TransactionCodec.sol";
import {TransactionValidity} from "./codec/TransactionValidity.sol";
import {SUCCEEDED} from "./FrameLayout.sol";
import {Replay} from "./MessageReplay.sol";
import {ReplayState, ReplayStates} from "./ReplayState.sol";
import {PreAccount, PreSlot, ReplayMessage} from "./ReplayTypes.sol";
import {UserReplay} from "./UserReplay.sol";

/// @title SystemReplay: what a block executes that no user sent to the DAC
/// @notice As packages/evm/src/system.ts.
abstract contract SystemReplay is UserReplay {
    using ReplayStates for ReplayState;
    using ReplayStates for PreAccount;

    /// @dev Type of a system transaction.
    uint256 internal constant SYSTEM_KIND = 0x7e;
    /// @dev Slot of MVM_Coinbase that holds the supply.
    uint256 private constant SUPPLY_SLOT = 0;

    /// @notice A mint does not fit a word: no chain gets so far.
    error MintTooLarge(uint256 amount);

    /// @dev Executes a system transaction. It may always stand in a block, if it is the one that has to stand there.
    function _executeSystem(Replay memory replay, SystemTransaction memory transaction) internal view {
        SystemSource source = transaction.source;
        if (source == SystemSource.Forced) {
            _executeUser(replay, SystemTransactionCodec.dataOf(transaction), true, HeaderCodec.BLOCK_GAS);
            return;
        }
        if (source == SystemSource.Exit && !_isExitAllowed(replay.state, transaction)) return;
        if (source == SystemSource.Deposit) _mint(replay.state, transaction.to, transaction.mint);
        if (source == SystemSource.Message) _mint(replay.state, transaction.from, transaction.mint);
        // Who calls with more gas than a transaction may have runs nothing.
        if (transaction.gasLimit > TransactionValidity.TRANSACTION_GAS_CAP) return;
        replay.succeeded = true;
        if (source == SystemSource.Deposit) return;
        if (source == SystemSource.Context) {
            _call(replay, transaction, Predeploys.BLOCK_HASH_HISTORY, abi.encode(replay.facts.parentHash));
            _call(replay, transaction, Predeploys.BEACON_ROOTS, abi.encode(0));
        }
        uint256 used = _call(replay, transaction, transaction.to, SystemTransactionCodec.dataOf(transaction));
        if (source == SystemSource.Message || source == SystemSource.Exit) replay.gasUsed = used;
        _saveDestroyed(replay.state);
    }

    /// @dev A call with all the gas of its transaction, of which it says how much it used.
    function _call(Replay memory replay, SystemTransaction memory transaction, address to, bytes memory data)
        private
        view
        returns (uint256 used)
    {
        (address origin, uint256 denied) = _originOf(replay.state, transaction, to);
        ReplayMessage memory message = ReplayMessage({
            caller: transaction.from,
            to: to,
            isCreation: false,
            value: transaction.value,
            gas: transaction.gasLimit,
            data: data
        });
        (uint256 status, uint256 left, int256 refund) = _run(replay, message, origin, 0, denied);
        if (status != SUCCEEDED) replay.succeeded = false;
        return _usedAfterRefund(transaction.gasLimit - left, refund);
    }

    /// @dev Whom a call says it comes from, and what the charter denies it.
    function _originOf(ReplayState memory state, SystemTransaction memory transaction, address to)
        internal
        pure
        returns (address origin, uint256 denied)
    {
        if (transaction.source == SystemSource.Exit) return (Predeploys.SYSTEM, 0);
        origin = transaction.from;
        if (origin != Predeploys.SYSTEM && !_isFreed(to)) (denied,) = _charterTerms(state, origin, 0);
    }

    /// @dev Type of an encoded transaction; 0 where there are no bytes.
    function _kindOf(bytes calldata transaction) internal pure returns (uint256) {
        return transaction.length == 0 ? 0 : TransactionCodec.kindOf(transaction);
    }

    /// @dev New MT for an account, counted in MVM_Coinbase's supply.
    function _mint(ReplayState memory state, address receiver, uint256 amount) internal pure {
        PreAccount memory account = state.accountOf(receiver);
        PreSlot memory supply = state.slotOf(Predeploys.COINBASE, SUPPLY_SLOT);
        unchecked {
            if (supply.value + amount < amount || account.balance + amount < amount) revert MintTooLarge(amount);
        }
        if (amount == 0) return;
        account.credit(amount);
        supply.value += amount;
    }

    /// @dev To a bridge contract, by an account that a key speaks for.
    function _isExitAllowed(ReplayState memory state, SystemTransaction memory transaction)
        internal
        view
        returns (bool)
    {
        address to = transaction.to;
        if (to != Predeploys.COINBASE && to != Predeploys.TOKEN_BRIDGE) return false;
        return _mayHaveKey(state.accountOf(transaction.from));
    }

    /// @dev Predeploys whose calls no charter binds.
    function _isFreed(address to) private pure returns (bool) {
        return to == Predeploys.DAC_MASTER || to == Predeploys.TAX_VAULT || to == Predeploys.BURN_VAULT
            || to == Predeploys.TOKEN_BRIDGE;
    }
}
