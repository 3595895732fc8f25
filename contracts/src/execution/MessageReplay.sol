// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BlockFacts} from "../interfaces/ICheckpointReplay.sol";
import {Predeploys} from "../l2/Predeploys.sol";
import {HeaderCodec} from "./codec/HeaderCodec.sol";
import {SUCCEEDED} from "./FrameLayout.sol";
import {Interpreter} from "./Interpreter.sol";
import {isPrecompileAt} from "./Precompiles.sol";
import {ReplayState, ReplayStates} from "./ReplayState.sol";
import {
    PostAccount,
    PreAccount,
    PreSlot,
    ReplayEnvironment,
    ReplayMessage,
    ReplayOutcome,
    ReplayRoom
} from "./ReplayTypes.sol";

/// @notice A transaction under replay.
/// @param facts Of its block.
/// @param room Room for the interpreter.
/// @param state The values, as they become.
/// @param logs Its logs so far, as they stand in a receipt.
/// @param succeeded Status of its receipt.
/// @param gasUsed By it, in the end.
struct Replay {
    BlockFacts facts;
    ReplayRoom room;
    ReplayState state;
    bytes logs;
    bool succeeded;
    uint256 gasUsed;
}

/// @title MessageReplay: messages through the interpreter, and what they leave
abstract contract MessageReplay {
    using ReplayStates for ReplayState;
    using ReplayStates for PreAccount;

    /// @dev EIP-3529.
    uint256 private constant REFUND_QUOTIENT = 5;

    /// @notice Runs messages.
    Interpreter public immutable interpreter;

    constructor(Interpreter interpreter_) {
        interpreter = interpreter_;
    }

    /// @dev Runs a message and takes over what it did. Gives the end, gas left, refund.
    function _run(Replay memory replay, ReplayMessage memory message, address origin, uint256 gasPrice, uint256 denied)
        internal
        view
        returns (uint256 status, uint256 gasLeft, int256 refund)
    {
        if (_isPlainTransfer(replay, message)) return (SUCCEEDED, message.gas, 0);
        ReplayOutcome memory outcome = interpreter.replay(
            _environmentOf(replay.facts, origin, gasPrice, denied), message, replay.state.now_, replay.room
        );
        if (outcome.status == SUCCEEDED) {
            _takeOver(replay.state, outcome);
            replay.logs = replay.logs.length == 0 ? outcome.logs : bytes.concat(replay.logs, outcome.logs);
        }
        return (outcome.status, outcome.gasLeft, outcome.refund);
    }

    /// @dev Moves a message's value where nothing runs; the interpreter would do the same for some 100,000 gas more.
    function _isPlainTransfer(Replay memory replay, ReplayMessage memory message) private pure returns (bool) {
        if (message.isCreation || message.value == 0 || isPrecompileAt(uint160(message.to))) return false;
        PreAccount memory to = replay.state.accountOf(message.to);
        if (!to.isWithoutCode()) return false;
        PreAccount memory from = replay.state.accountOf(message.caller);
        if (from.balance < message.value) return false;
        from.balance -= message.value;
        to.credit(message.value);
        return true;
    }

    function _environmentOf(BlockFacts memory facts, address origin, uint256 gasPrice, uint256 denied)
        private
        pure
        returns (ReplayEnvironment memory)
    {
        return ReplayEnvironment({
            timestamp: facts.timestamp,
            number: facts.number,
            baseFee: facts.baseFee,
            gasLimit: HeaderCodec.BLOCK_GAS,
            prevRandao: facts.prevRandao,
            chainId: facts.chainId,
            coinbase: Predeploys.EXECUTION_MANAGER,
            gasPrice: gasPrice,
            origin: origin,
            denied: denied
        });
    }

    function _takeOver(ReplayState memory state, ReplayOutcome memory outcome) private pure {
        PreAccount[] memory accounts = state.now_.accounts;
        for (uint256 i = 0; i < accounts.length; i++) {
            PostAccount memory post = outcome.accounts[i];
            PreAccount memory account = accounts[i];
            (account.exists, account.nonce, account.balance) = (post.exists, post.nonce, post.balance);
            if (post.isCreated) state.made[i] |= ReplayStates.CREATED;
            if (post.isDestroyed) state.made[i] |= ReplayStates.DESTROYED;
            if (account.codeHash == post.codeHash) continue;
            account.codeHash = post.codeHash;
            if (post.code.length != 0) account.code = post.code;
        }
        PreSlot[] memory slots = state.now_.slots;
        for (uint256 i = 0; i < slots.length; i++) {
            slots[i].value = outcome.slots[i];
        }
        if (outcome.newSlots.length != 0) state.newSlots = outcome.newSlots;
    }

    /// @dev MT that is left on accounts which the transaction destroyed goes to a vault: on a DAC nothing is burnt.
    function _saveDestroyed(ReplayState memory state) internal pure {
        PreAccount[] memory accounts = state.now_.accounts;
        for (uint256 i = 0; i < accounts.length; i++) {
            if (state.made[i] & ReplayStates.DESTROYED == 0 || accounts[i].balance == 0) continue;
            state.accountOf(Predeploys.BURN_VAULT).credit(accounts[i].balance);
            accounts[i].balance = 0;
        }
    }

    /// @dev Gas used after the part of the refund that comes back (EIP-3529).
    function _usedAfterRefund(uint256 used, int256 refund) internal pure returns (uint256) {
        uint256 most = used / REFUND_QUOTIENT;
        if (refund <= 0) return used;
        return used - (uint256(refund) < most ? uint256(refund) : most);
    }
}
