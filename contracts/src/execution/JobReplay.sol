// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {CharterRules} from "../CharterRules.sol";
import {IJobReplay, JobEvidence, JobOutcome} from "../interfaces/IJobReplay.sol";
import {Predeploys} from "../l2/Predeploys.sol";
import {CodeWitness} from "../proofs/CodeWitness.sol";
import {CharterTerms} from "./codec/CharterTerms.sol";
import {HeaderCodec} from "./codec/HeaderCodec.sol";
import {MessageCodec} from "./codec/MessageCodec.sol";
import {L2Transaction} from "./codec/TransactionCodec.sol";
import {TransactionGas} from "./codec/TransactionGas.sol";
import {InvalidReason, TransactionValidity} from "./codec/TransactionValidity.sol";
import {Interpreter} from "./Interpreter.sol";
import {JobValues, ReadLayout} from "./JobValues.sol";
import {MessageReplay, Replay} from "./MessageReplay.sol";
import {ReplayStates, ReplayState} from "./ReplayState.sol";
import {PreAccount, ReplayRoom} from "./ReplayTypes.sol";
import {UserReplay} from "./UserReplay.sol";

/// @title JobReplay: a message of a job, executed on L1 over the values that a provider says it read
/// @notice As {ExecutionManager}, but that values are flat, messages have no signature and no chain, and the block's number and the chain's
/// identifier are values like others. Writes nothing.
contract JobReplay is UserReplay, IJobReplay {
    using ReplayStates for ReplayState;

    /// @notice No honest sequencer gives a job such an environment: what follows from it is nobody's fault.
    error AbsurdEnvironment();

    uint256 private constant ENVIRONMENT_BYTES = 160;
    uint256 private constant SET_CODE = 4;

    /// @param interpreter_ Runs messages.
    constructor(Interpreter interpreter_) MessageReplay(interpreter_) {}

    /// @inheritdoc IJobReplay
    function replay(
        bytes calldata environment,
        bytes calldata message,
        uint256 gasBefore,
        bytes calldata reads,
        uint256 without,
        JobEvidence calldata evidence
    ) external view returns (JobOutcome memory outcome) {
        ReadLayout memory parts = JobValues.layoutOf(reads);
        Replay memory work;
        {
            CodeWitness.Codes memory codes = CodeWitness.open(evidence.codes, evidence.holders);
            (work.state, work.facts.number, work.facts.chainId) = JobValues.open(parts, without, codes);
        }
        _openEnvironment(work, environment);
        (L2Transaction memory transaction, uint256 l1Fee) = MessageCodec.decode(message);
        work.room = _roomFor(work.state.now_.accounts.length + transaction.accessAddresses, transaction, evidence);
        Terms memory terms;
        terms.l1Fee = l1Fee;
        InvalidReason reason = _faultOf(work, transaction, terms, gasBefore);
        outcome.logsHash = keccak256("");
        if (reason == InvalidReason.None) {
            terms.gasPrice = TransactionValidity.gasPriceOf(transaction, work.facts.baseFee);
            _runUser(work, transaction, terms);
            outcome.end = work.succeeded ? 1 : 0;
            outcome.gasUsed = work.gasUsed;
            outcome.logsHash = keccak256(work.logs);
            // where something was left out it is known by now that nobody asked for it
            if (without == JobValues.NOTHING) outcome.writesHash = JobValues.hashOfWrites(parts, work.state);
        } else {
            outcome.end = 1 + uint256(reason);
            outcome.writesHash = keccak256(abi.encode(0));
        }
    }

    /// @dev What every honest job has of these, so that the rules for them need not be told twice.
    function _openEnvironment(Replay memory work, bytes calldata environment) private pure {
        if (environment.length != ENVIRONMENT_BYTES) revert AbsurdEnvironment();
        uint256 gasLimit;
        uint256 feeRecipient;
        (work.facts.timestamp, work.facts.baseFee, gasLimit, work.facts.prevRandao, feeRecipient) =
            abi.decode(environment, (uint256, uint256, uint256, bytes32, uint256));
        bool isHonest = work.facts.baseFee != 0 && work.facts.timestamp <= type(uint64).max
            && gasLimit == HeaderCodec.BLOCK_GAS && feeRecipient == uint160(address(Predeploys.EXECUTION_MANAGER));
        if (!isHonest) revert AbsurdEnvironment();
    }

    /// @dev Places are chosen by the block's randomness, so that nobody who makes a job can crowd one.
    function _roomFor(uint256 accounts, L2Transaction memory transaction, JobEvidence calldata evidence)
        private
        view
        returns (ReplayRoom memory)
    {
        uint256 count = 2 * (accounts + transaction.authorizationCount) + 64;
        uint256 bits;
        assembly ("memory-safe") {
            bits := sub(256, clz(count))
        }
        return ReplayRoom(uint8(bits), evidence.slotBits, evidence.heapBytes, block.prevrandao | 1);
    }

    /// @dev Why a message may not stand in the block; fills in its terms but for gas price and L1 fee. As faultOf of
    /// packages/evm/src/transaction.ts.
    function _faultOf(Replay memory work, L2Transaction memory transaction, Terms memory terms, uint256 gasBefore)
        private
        view
        returns (InvalidReason reason)
    {
        if (transaction.kind == SET_CODE) {
            if (transaction.isCreation) return InvalidReason.TypeNotSupported;
            if (transaction.authorizationCount == 0) return InvalidReason.EmptyAuthorizations;
        }
        (terms.charge, terms.floor) = TransactionGas.intrinsicOf(
            transaction, TransactionGas.tokensIn(transaction.dataStart, transaction.dataEnd)
        );
        uint256 gasLeft = gasBefore < HeaderCodec.BLOCK_GAS ? HeaderCodec.BLOCK_GAS - gasBefore : 0;
        reason = TransactionValidity.formFault(transaction, terms.charge, terms.floor, work.facts.baseFee, gasLeft);
        if (reason != InvalidReason.None) return reason;
        PreAccount memory sender = work.state.accountOf(transaction.from);
        if (transaction.nonce == type(uint64).max) return InvalidReason.NonceOverflow;
        reason = TransactionValidity.senderFault(transaction, sender.nonce, false);
        if (reason != InvalidReason.None) return reason;
        // The code is needed, and so asked for, only where the nonce is right.
        if (!_mayHaveKey(sender)) return InvalidReason.SenderHasCode;
        (terms.denied, terms.tax) = _charterTerms(work.state, transaction.from, transaction.value);
        return TransactionValidity.termsFault(transaction, terms.denied, sender.balance, terms.tax, terms.l1Fee);
    }

    /// @dev Brackets that no charter can have are nobody's fault.
    function _taxOf(uint256 flags, uint256 value, uint256[] memory words) internal pure override returns (uint256) {
        CharterRules.requireTaxRates(CharterTerms.bracketsOf(flags, words));
        return CharterTerms.taxOf(flags, value, words);
    }

    function _authorizationAt(uint256 place, uint256)
        internal
        pure
        override
        returns (address authority, address target, uint256 nonce, uint256 next)
    {
        return MessageCodec.authorizationAt(place);
    }
}
