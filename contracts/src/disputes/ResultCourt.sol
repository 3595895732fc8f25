// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BlsSignatures} from "../BlsSignatures.sol";
import {Frame} from "../execution/Frame.sol";
import {JobValues, ReadLayout} from "../execution/JobValues.sol";
import {ReplayStates} from "../execution/ReplayState.sol";
import {IJobReplay, JobEvidence, JobOutcome} from "../interfaces/IJobReplay.sol";
import {MerkleTree} from "../proofs/MerkleTree.sol";
import {ProviderRegistry} from "../ProviderRegistry.sol";
import {Commitments} from "./Commitments.sol";
import {Verdicts} from "./Verdicts.sol";

/// @notice A job's result, as a provider signed it (ResultRoots of packages/protocol/src/results.ts).
/// @param provider Registry index of the provider.
/// @param jobId The job.
/// @param environmentHash keccak256 of the environment's words.
/// @param messagesRoot Root over the messages.
/// @param messageCount Their number.
/// @param outcomesRoot Root over the outcomes.
/// @param outcomeCount Their number.
/// @param blsPublicKey The provider's key, G1 point, 96 bytes.
/// @param signature Its signature, G2 point, 192 bytes.
struct SignedResult {
    uint256 provider;
    bytes32 jobId;
    bytes32 environmentHash;
    bytes32 messagesRoot;
    uint256 messageCount;
    bytes32 outcomesRoot;
    uint256 outcomeCount;
    bytes blsPublicKey;
    bytes signature;
}

/// @notice One outcome of it.
/// @param index Place of its message in the job.
/// @param gasBefore Gas that the outcomes before have used.
/// @param end See {JobOutcome}; then gasUsed, logsHash, writesHash alike.
/// @param readsHash keccak256 of its reads.
/// @param siblings From the leaf to the outcomes' root.
struct SignedOutcome {
    uint256 index;
    uint256 gasBefore;
    uint256 end;
    uint256 gasUsed;
    bytes32 logsHash;
    bytes32 writesHash;
    bytes32 readsHash;
    bytes32[] siblings;
}

/// @notice What an outcome is replayed with.
/// @param environment Words of the job's environment.
/// @param message The encoded message.
/// @param siblings From its hash to the messages' root.
/// @param reads Words of the outcome's reads.
/// @param without Number of a read that the replay does not make, see {JobValues-open}; JobValues.NOTHING: it is no such proof.
/// @param evidence Codes and room.
struct Replayed {
    bytes environment;
    bytes message;
    bytes32[] siblings;
    bytes reads;
    uint256 without;
    JobEvidence evidence;
}

/// @title F7: a provider's signed result does not follow from its own reads
/// @notice A provider signs what it read of the state, and what came of it. Whether it read right nobody but the sequencer knows, which gave it the
/// values; what came of it follows. So nothing of any DAC, of its state or its blocks is shown here, and whoever has a signed result can
/// prove that it is wrong. Three kinds of proofs; each lie costs once, for each job and key.
/// @dev Whatever does not show a lie reverts: a proof that is wrong costs its sender the gas, and nobody else anything.
contract ResultCourt is Commitments {
    bytes32 private constant RESULT_TAG = keccak256("mvm/job-result/2");
    bytes32 private constant SIGNED_TAG = keccak256("mvm/result/1");
    bytes32 private constant OUTCOME_TAG = keccak256("mvm/outcome/1");
    uint256 private constant OUTCOME_BYTES = 128;
    uint256 private constant WRITE_BYTES = 224;
    uint256 private constant WRITTEN_SLOT_BYTES = 64;

    /// @notice Replays messages.
    IJobReplay public immutable replayer;
    /// @notice Whose providers are judged.
    ProviderRegistry public immutable registry;
    /// @dev What binds signatures to this network: as networkDomain of the nodes.
    bytes32 private immutable _domain;

    /// @notice Whether a key's holder was slashed for a job: by keccak256(jobId, keccak256 of the compressed key).
    mapping(bytes32 lie => bool) public isConvicted;

    /// @notice What a lie was about.
    enum Lie {
        Outcome,
        UnlistedRead,
        NeedlessRead,
        ReadAgainstWrite,
        ReadAgainstRead
    }

    /// @notice A provider was slashed.
    event ResultConvicted(
        uint256 indexed provider, bytes32 indexed jobId, address indexed prover, Lie lie, uint256 index
    );

    /// @notice The key is not the one that the registration has.
    error NotTheKey(uint256 provider);
    /// @notice The signature is not the key's on this result.
    error NotSigned(uint256 provider, bytes32 jobId);
    /// @notice The key's holder was slashed for this job.
    error AlreadyConvicted(bytes32 jobId);
    /// @notice The environment is not the job's.
    error WrongEnvironment();
    /// @notice The message does not stand at this place of the job.
    error WrongMessage(uint256 index);
    /// @notice The outcome does not stand at this place of the result.
    error WrongOutcome(uint256 index);
    /// @notice The words are not those of the outcome.
    error WrongWords(uint256 index);
    /// @notice What is shown is no lie.
    error NoLie();
    /// @notice What is shown has nothing to do with each other.
    error Unrelated();

    /// @param replayer_ Replays messages.
    /// @param registry_ Whose providers are judged.
    /// @param comco Comco, whose address stands for the network in signatures.
    constructor(IJobReplay replayer_, ProviderRegistry registry_, address comco) {
        replayer = replayer_;
        registry = registry_;
        _domain = keccak256(abi.encodePacked(keccak256("mvm/network/1"), block.chainid, comco));
    }

    /// @notice Proves that an outcome does not follow from its reads: L1 replays its message over exactly these. Another outcome, a value that is asked for
    /// and not among them, or a replay that goes through without one of them, is a lie. The caller has committed to this call.
    /// @param result The result.
    /// @param outcome One of its outcomes.
    /// @param replayed What it is replayed with.
    function proveOutcome(SignedResult calldata result, SignedOutcome calldata outcome, Replayed calldata replayed)
        external
    {
        _useCommitment();
        bytes32 lie = _requireSigned(result);
        _requireOutcome(result, outcome);
        if (keccak256(replayed.environment) != result.environmentHash) revert WrongEnvironment();
        bytes32 leaf = keccak256(replayed.message);
        if (!MerkleTree.verify(result.messagesRoot, leaf, outcome.index, result.messageCount, replayed.siblings)) {
            revert WrongMessage(outcome.index);
        }
        if (keccak256(replayed.reads) != outcome.readsHash) revert WrongWords(outcome.index);
        _convict(result, lie, _judge(outcome, replayed), outcome.index);
    }

    /// @notice Proves that an account or a slot was read otherwise than an earlier outcome left it, the last one that wrote it. The caller has
    /// committed to this call.
    /// @param result The result.
    /// @param reading The outcome that read it.
    /// @param reads Words of its reads.
    /// @param number Number of the read.
    /// @param writing The outcome that wrote it.
    /// @param writes Words of its writes.
    function proveReadAgainstWrite(
        SignedResult calldata result,
        SignedOutcome calldata reading,
        bytes calldata reads,
        uint256 number,
        SignedOutcome calldata writing,
        bytes calldata writes
    ) external {
        _useCommitment();
        bytes32 lie = _requireSigned(result);
        _requireReads(result, reading, reads);
        _requireOutcome(result, writing);
        if (keccak256(writes) != writing.writesHash) revert WrongWords(writing.index);
        if (writing.index >= reading.index) revert Unrelated();
        if (!_contradicts(JobValues.layoutOf(reads), number, writing.index + 1, writes)) revert NoLie();
        _convict(result, lie, Lie.ReadAgainstWrite, reading.index);
    }

    /// @notice Proves that one value was read in two ways, with no outcome between them that wrote it. The caller has committed to this call.
    /// @param result The result.
    /// @param first An outcome.
    /// @param firstReads Words of its reads.
    /// @param firstNumber Number of the read.
    /// @param second Another one; then its words and number alike.
    function proveReadAgainstRead(
        SignedResult calldata result,
        SignedOutcome calldata first,
        bytes calldata firstReads,
        uint256 firstNumber,
        SignedOutcome calldata second,
        bytes calldata secondReads,
        uint256 secondNumber
    ) external {
        _useCommitment();
        bytes32 lie = _requireSigned(result);
        _requireReads(result, first, firstReads);
        _requireReads(result, second, secondReads);
        (bytes32 key, bytes32 value) = JobValues.readAt(JobValues.layoutOf(firstReads), firstNumber);
        (bytes32 other, bytes32 otherValue) = JobValues.readAt(JobValues.layoutOf(secondReads), secondNumber);
        if (key != other) revert Unrelated();
        if (value == otherValue) revert NoLie();
        _convict(result, lie, Lie.ReadAgainstRead, second.index);
    }

    /// @notice What a provider signs.
    /// @param result The result; key, signature and provider are not looked at.
    /// @return The digest.
    function digestOf(SignedResult calldata result) public view returns (bytes32) {
        bytes32 hash = keccak256(
            abi.encode(
                RESULT_TAG,
                result.environmentHash,
                result.messagesRoot,
                result.messageCount,
                result.outcomesRoot,
                result.outcomeCount
            )
        );
        return keccak256(abi.encode(SIGNED_TAG, _domain, result.jobId, hash));
    }

    /// @dev Gives what the conviction is noted by: the key, not the registration, for one may come after the other.
    function _requireSigned(SignedResult calldata result) private view returns (bytes32 lie) {
        bytes memory key = result.blsPublicKey;
        bytes32 keyHash = keccak256(BlsSignatures.compress(key));
        lie = keccak256(abi.encode(result.jobId, keyHash));
        if (isConvicted[lie]) revert AlreadyConvicted(result.jobId);
        if (keccak256(registry.operatorAt(result.provider).blsPublicKey) != keyHash) revert NotTheKey(result.provider);
        if (!BlsSignatures.verify(key, digestOf(result), result.signature)) {
            revert NotSigned(result.provider, result.jobId);
        }
    }

    function _requireOutcome(SignedResult calldata result, SignedOutcome calldata outcome) private pure {
        bytes32 leaf = keccak256(
            abi.encode(
                OUTCOME_TAG,
                outcome.gasBefore,
                outcome.end,
                outcome.gasUsed,
                outcome.logsHash,
                outcome.writesHash,
                outcome.readsHash
            )
        );
        if (!MerkleTree.verify(result.outcomesRoot, leaf, outcome.index, result.outcomeCount, outcome.siblings)) {
            revert WrongOutcome(outcome.index);
        }
    }

    function _requireReads(SignedResult calldata result, SignedOutcome calldata outcome, bytes calldata reads)
        private
        pure
    {
        _requireOutcome(result, outcome);
        if (keccak256(reads) != outcome.readsHash) revert WrongWords(outcome.index);
    }

    /// @dev What the replay says. Reverts where it says nothing, and where it says what the provider says.
    function _judge(SignedOutcome calldata outcome, Replayed calldata replayed) private view returns (Lie) {
        bool isWhole = replayed.without == JobValues.NOTHING;
        bytes memory question = abi.encodeCall(
            replayer.replay,
            (
                replayed.environment,
                replayed.message,
                outcome.gasBefore,
                replayed.reads,
                replayed.without,
                replayed.evidence
            )
        );
        if (_asksForMore(address(replayer), question)) {
            if (isWhole) return Lie.UnlistedRead;
            revert NoLie();
        }
        if (!isWhole) return Lie.NeedlessRead;
        JobOutcome memory own;
        assembly ("memory-safe") {
            returndatacopy(own, 0, OUTCOME_BYTES)
        }
        bool isSame = own.end == outcome.end && own.gasUsed == outcome.gasUsed && own.logsHash == outcome.logsHash
            && own.writesHash == outcome.writesHash;
        if (isSame) revert NoLie();
        return Lie.Outcome;
    }

    /// @dev Whether a replay ends by asking for a value that it was not given; else it went through, and returndata are its outcome. An end of
    /// any other kind, for want of gas above all, is no verdict: reverts with Verdicts.NoVerdict.
    function _asksForMore(address callee, bytes memory question) private view returns (bool) {
        bool answered;
        uint256 size;
        bytes4 selector;
        assembly ("memory-safe") {
            answered := staticcall(gas(), callee, add(question, 32), mload(question), 0, 0)
            size := returndatasize()
            if gt(size, 3) {
                returndatacopy(0, 0, 4)
                selector := shl(224, shr(224, mload(0)))
            }
        }
        if (answered && size == OUTCOME_BYTES) return false;
        bool isAsking = !answered
            && (selector == Frame.MissingValue.selector
                || selector == ReplayStates.AccountNotGiven.selector
                || selector == ReplayStates.SlotNotGiven.selector
                || selector == ReplayStates.CodeNotGiven.selector);
        if (!isAsking) Verdicts.refuse();
        return true;
    }

    /// @dev Whether a read says something else than the write that it is from.
    function _contradicts(ReadLayout memory parts, uint256 number, uint256 origin, bytes calldata writes)
        private
        pure
        returns (bool)
    {
        bool isAccount = number < parts.accounts;
        uint256 read;
        if (isAccount) {
            read = parts.accountsAt + JobValues.ACCOUNT_BYTES * number;
            if (_word(read + 160) != origin) revert Unrelated();
        } else {
            number -= parts.accounts;
            if (number >= parts.slots) revert Unrelated();
            read = parts.slotsAt + JobValues.SLOT_BYTES * number;
            if (_word(read + 96) != origin) revert Unrelated();
        }
        uint256 write = _writeOf(writes, _word(read));
        if (isAccount) {
            for (uint256 i = 32; i < 160; i += 32) {
                if (_word(read + i) != _word(write + i)) return true;
            }
            return false;
        }
        uint256 end = write + WRITE_BYTES + WRITTEN_SLOT_BYTES * _word(write + 192);
        for (uint256 place = write + WRITE_BYTES; place < end; place += WRITTEN_SLOT_BYTES) {
            if (_word(place) == _word(read + 32)) return _word(place + 32) != _word(read + 64);
        }
        revert Unrelated();
    }

    /// @dev Where an account's write begins. Words were signed as they are: none lies behind their end.
    function _writeOf(bytes calldata writes, uint256 account) private pure returns (uint256 place) {
        uint256 end;
        assembly ("memory-safe") {
            place := add(writes.offset, 32)
            end := add(writes.offset, writes.length)
        }
        while (place < end) {
            if (_word(place) == account) return place;
            uint256 slots = _word(place + 192);
            if (slots > writes.length) revert Unrelated();
            place += WRITE_BYTES + WRITTEN_SLOT_BYTES * slots;
        }
        revert Unrelated();
    }

    function _convict(SignedResult calldata result, bytes32 lie, Lie kind, uint256 index) private {
        isConvicted[lie] = true;
        emit ResultConvicted(result.provider, result.jobId, msg.sender, kind, index);
        registry.slash(result.provider, msg.sender);
    }

    function _word(uint256 place) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := calldataload(place)
        }
    }
}
