// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BatchHeaders} from "../../BatchHeaders.sol";
import {BatchContext, BatchLayout} from "../../BatchLayout.sol";
import {BatchFaults} from "../../BatchReader.sol";
import {BlobOpenings} from "../../BlobOpenings.sol";
import {BlsSignatures} from "../../BlsSignatures.sol";
import {SeatTree} from "../../election/SeatTree.sol";
import {SequencerPool} from "../../election/SequencerPool.sol";
import {IFraudVerifier} from "../../interfaces/IFraudVerifier.sol";
import {IPostedWork} from "../../interfaces/IPostedWork.sol";
import {IRandomBeacon} from "../../interfaces/IRandomBeacon.sol";
import {BatchHeader} from "../../interfaces/IRollupChain.sol";
import {Evidence, IWorkProofs} from "../../interfaces/IWorkProofs.sol";
import {ProviderRegistry} from "../../ProviderRegistry.sol";
import {PostedData} from "../derivation/PostedData.sol";
import {ProofKinds} from "../ProofKinds.sol";
import {WorkEvidence} from "./WorkEvidence.sol";

/// @title F4: judge of who did a block's job
/// @notice A block's randomness is not its sequencer's, a seat is not that of the provider that it names, or one of these did not sign
/// its result: the rules of `workFault` of packages/roles. Proofs are those of {IWorkProofs}.
/// @dev Keys are those of registrations, which both registries keep for ever, with what possession was proven of.
contract WorkVerifier is IFraudVerifier, IPostedWork, PostedData {
    /// @notice What the rules read on L1.
    /// @param beacon Randomness of epochs.
    /// @param sequencers Keys of the sequencers.
    /// @param providers Keys of the providers, and their seats.
    /// @param comco Comco, whose address stands for the network in signatures.
    struct Records {
        IRandomBeacon beacon;
        SequencerPool sequencers;
        ProviderRegistry providers;
        address comco;
    }

    /// @dev Epochs between the close of a snapshot and the slot whose jobs are drawn by it.
    uint256 private constant SNAPSHOT_LAG = 2;
    bytes32 private constant DRAW_TAG = keccak256("mvm/vrf-block/1");
    bytes32 private constant JOB_TAG = keccak256("mvm/job/1");
    bytes32 private constant RESULT_TAG = keccak256("mvm/result/1");

    /// @notice Randomness of epochs.
    IRandomBeacon public immutable beacon;
    /// @notice Keys of the sequencers.
    SequencerPool public immutable sequencers;
    /// @notice Keys of the providers, and their seats.
    ProviderRegistry public immutable providers;
    /// @dev What binds signatures to this network: as networkDomain of the nodes.
    bytes32 private immutable _domain;

    /// @notice The evidence is not what the block commits to.
    error WrongEvidence(bytes32 expected, bytes32 given);
    /// @notice Not so many seats of the block's job served.
    error NoSuchSeat(uint256 served);
    /// @notice The provider does not hold the seat, or the path is not its.
    error NotTheHolder(uint256 index);
    /// @notice The data cannot be decoded; {IDataProofs-form} is for that.
    error UndecodableData();
    /// @notice The registry did not say whether the sequencer ever was one: gas ran out.
    error RegistrySilent();

    /// @param openings_ What blobs hold.
    /// @param records What the rules read on L1.
    constructor(BlobOpenings openings_, Records memory records) PostedData(openings_) {
        (beacon, sequencers, providers) = (records.beacon, records.sequencers, records.providers);
        _domain = keccak256(abi.encodePacked(keccak256("mvm/network/1"), block.chainid, records.comco));
    }

    /// @inheritdoc IFraudVerifier
    function judge(BatchHeader calldata batch, bytes calldata proof)
        external
        view
        returns (bool isFraud, uint256 place)
    {
        (bytes4 kind, uint256 fields) = ProofKinds.open(proof);
        IWorkProofs.RandomnessProof calldata randomness;
        IWorkProofs.SeatProof calldata seat;
        IWorkProofs.SignatureProof calldata signature;
        assembly ("memory-safe") {
            randomness := fields
            seat := fields
            signature := fields
        }
        if (kind == IWorkProofs.randomness.selector) return _judgeRandomness(batch, randomness);
        if (kind == IWorkProofs.seat.selector) return _judgeSeat(batch, seat);
        if (kind == IWorkProofs.signature.selector) return _judgeSignature(batch, signature);
        revert ProofKinds.UnknownKind(kind);
    }

    /// @inheritdoc IPostedWork
    function evidenceOf(BatchHeader calldata batch, uint256 position, bytes calldata data)
        external
        view
        returns (bytes32)
    {
        (bool isUndecodable, BatchContext memory context) = _postedAt(batch, position, data);
        if (isUndecodable) revert UndecodableData();
        return context.evidence;
    }

    function _judgeRandomness(BatchHeader calldata batch, IWorkProofs.RandomnessProof calldata proof)
        private
        view
        returns (bool isFraud, uint256 place)
    {
        uint256 number = _numberAt(batch, proof.position);
        place = number << 16;
        (bool isUndecodable, BatchContext memory context) = _postedAt(batch, proof.position, proof.data);
        if (isUndecodable) return (true, place);
        _requireEvidence(context, proof.evidence);
        if (BlsSignatures.vrfOutput(proof.evidence.proof) != context.randomness) return (true, place);
        (bool isRegistered, uint256 index) = _indexOf(context.byPoster ? batch.poster : context.sequencer);
        if (!isRegistered) return (true, place);
        BlsSignatures.requireKey(proof.key, sequencers.operatorAt(index).blsPublicKey);
        bytes32 digest = BlsSignatures.vrfDigest(_messageOf(batch, number, context.slot));
        isFraud = !BlsSignatures.verify(proof.key, digest, proof.evidence.proof);
    }

    function _judgeSeat(BatchHeader calldata batch, IWorkProofs.SeatProof calldata proof)
        private
        view
        returns (bool isFraud, uint256 place)
    {
        place = _numberAt(batch, proof.position) << 16;
        (bool isUndecodable, BatchContext memory context) = _postedAt(batch, proof.position, proof.data);
        if (isUndecodable) return (true, place);
        (uint256 seat, uint256 index) = _servedAt(context, proof.served);
        uint256 root = context.slot < SNAPSHOT_LAG ? 0 : providers.seatRootAt(uint64(context.slot - SNAPSHOT_LAG));
        uint256 total = SeatTree.weightOf(root);
        if (total == 0) return (true, place);
        uint256 point = SeatTree.pointOf(_jobIdOf(context), seat, total);
        SeatTree.Seated memory holder = proof.holder;
        if (!SeatTree.holds(root, proof.place, holder, proof.siblings, point)) revert NotTheHolder(holder.index);
        isFraud = holder.index != index;
    }

    function _judgeSignature(BatchHeader calldata batch, IWorkProofs.SignatureProof calldata proof)
        private
        view
        returns (bool isFraud, uint256 place)
    {
        place = _numberAt(batch, proof.position) << 16;
        (bool isUndecodable, BatchContext memory context) = _postedAt(batch, proof.position, proof.data);
        if (isUndecodable) return (true, place);
        _requireEvidence(context, proof.evidence);
        uint256 length = BlsSignatures.SIGNATURE_LENGTH;
        bytes calldata signatures = proof.evidence.signatures;
        if (signatures.length != length * context.providers.length) return (true, place);
        (, uint256 index) = _servedAt(context, proof.served);
        // a number that nobody has is no seat's: that is {IWorkProofs-seat}'s
        BlsSignatures.requireKey(proof.key, providers.operatorAt(index).blsPublicKey);
        bytes32 digest = keccak256(abi.encodePacked(RESULT_TAG, _domain, _jobIdOf(context), proof.evidence.result));
        uint256 start = length * proof.served;
        isFraud = !BlsSignatures.verify(proof.key, digest, signatures[start:start + length]);
    }

    /// @dev The context of a block that the batch has. Reverts for other data than the batch's.
    function _postedAt(BatchHeader calldata batch, uint256 position, bytes calldata data)
        private
        view
        returns (bool isUndecodable, BatchContext memory context)
    {
        if (position >= BatchHeaders.blockCount(batch)) revert NoSuchPlace(BatchFaults.ABSENT);
        _requireData(batch, data);
        return _contextAt(data, position);
    }

    function _requireEvidence(BatchContext memory context, Evidence calldata evidence) private pure {
        bytes32 given = WorkEvidence.hashOf(evidence);
        if (given != context.evidence) revert WrongEvidence(context.evidence, given);
    }

    /// @dev What a sequencer draws for a block; reverts where the slot has no record.
    function _messageOf(BatchHeader calldata batch, uint256 number, uint64 slot) private view returns (bytes32) {
        return keccak256(
            abi.encodePacked(
                DRAW_TAG,
                _domain,
                uint256(slot),
                beacon.randomnessOf(slot),
                batch.chainId,
                uint256(batch.generation),
                number
            )
        );
    }

    function _jobIdOf(BatchContext memory context) private pure returns (bytes32) {
        return keccak256(abi.encodePacked(JOB_TAG, context.randomness, BatchLayout.attemptOf(context)));
    }

    /// @dev A seat that served, and the provider that the block names for it.
    function _servedAt(BatchContext memory context, uint256 served) private pure returns (uint256 seat, uint256 index) {
        if (served >= context.providers.length) revert NoSuchSeat(served);
        return (BatchLayout.seatOf(context, served), context.providers[served]);
    }

    /// @dev Registry index of an account that ever was a sequencer.
    function _indexOf(address sequencer) private view returns (bool isRegistered, uint256) {
        try sequencers.indexOf(sequencer) returns (uint256 index) {
            return (true, index);
        } catch (bytes memory reason) {
            // whatever else it is, want of gas for example, says nothing of the sequencer
            if (bytes4(reason) != SequencerPool.NotRegistered.selector) revert RegistrySilent();
            return (false, 0);
        }
    }
}
