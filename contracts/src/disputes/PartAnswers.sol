// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BatchHeaders} from "../BatchHeaders.sol";
import {Checkpoint} from "../execution/codec/Checkpoints.sol";
import {Header} from "../execution/codec/HeaderCodec.sol";
import {StepStates} from "../execution/slices/StepStates.sol";
import {IPartLists, PartList} from "../interfaces/IPartLists.sol";
import {BatchHeader, BatchProof} from "../interfaces/IRollupChain.sol";
import {MerkleTree} from "../proofs/MerkleTree.sol";
import {Asks} from "./Asks.sol";
import {PartItems} from "./PartItems.sol";
import {ProvenBlocks} from "./ProvenBlocks.sol";
import {ProvenTransactions, TransactionPlace} from "./ProvenTransactions.sol";

/// @title F6: what is asked for of one transaction
/// @notice A transaction that one L1 transaction cannot replay is judged part by part (decisions 036, 041), from one commitment
/// to the next. Whoever would have it judged asks for them. The first one follows from the checkpoint before the transaction,
/// the last one is the committed checkpoint's leaf: so of those of a wrong transaction one is wrong behind a right one, and
/// {PartVerifier} convicts by it. The poster answers, and nobody else: by wrong commitments of another's making an honest one
/// would be convicted.
abstract contract PartAnswers is Asks, IPartLists {
    /// @notice Where a transaction stands that is asked about.
    /// @param position Place of its block in the batch, from 0.
    /// @param index Its place in the block, from 0.
    /// @param count Number of transactions of the block, as the batch says it.
    /// @param transactions Merkle root of their hashes.
    /// @param siblings Of the block's word in transactionsRoot.
    struct AskedPlace {
        uint256 position;
        uint256 index;
        uint256 count;
        bytes32 transactions;
        bytes32[] siblings;
    }

    /// @notice Most commitments of an answer: what one L1 transaction may carry.
    uint256 public constant MAX_COMMITMENTS = 3_750;

    mapping(bytes32 batchHash => mapping(uint256 item => PartList)) private _lists;

    /// @notice Commitments are the poster's own to show.
    error NotThePoster(address caller);
    /// @notice There are not as many commitments as the parts have.
    error WrongCount(uint256 expected, uint256 given);
    /// @notice A commitment is not the one that follows from what is known: the first, or, where it is 0, any.
    error WrongCommitment(uint256 place);

    modifier byPoster(BatchHeader calldata batch) {
        if (msg.sender != batch.poster) revert NotThePoster(msg.sender);
        _;
    }

    /// @notice Asks for the commitments between a transaction's parts, or for its bytes, as {ask} does for other items.
    /// @param batch The batch.
    /// @param posting Where L1 recorded it.
    /// @param kind Which.
    /// @param place Which transaction, and that the batch says that there is such a one.
    /// @param maxPrice Most that the caller would pay, wei of MT.
    function askTransaction(
        BatchHeader calldata batch,
        BatchProof calldata posting,
        Kind kind,
        AskedPlace calldata place,
        uint256 maxPrice
    ) external {
        uint256 used = ProvenBlocks.requireTransactions(
            batch, place.position, place.count, place.transactions, place.siblings, 0
        );
        ProvenBlocks.requireAllUsed(place.siblings, used);
        uint256 item = PartItems.itemOf(kind, place.position, place.index);
        if (kind != Kind.Parts && kind != Kind.Bytes) revert UnknownItem(item);
        if (place.index >= place.count || place.count > ProvenBlocks.MAX_TRANSACTIONS) revert UnknownItem(item);
        _ask(batch, posting, item, maxPrice);
    }

    /// @notice Asks for the commitments between two that were shown, where parts are between them.
    /// @param batch The batch.
    /// @param posting Where L1 recorded it.
    /// @param position Place of the block in the batch.
    /// @param index Place of the transaction in the block.
    /// @param stretch Number of the first one of the two, from 0.
    /// @param maxPrice Most that the caller would pay, wei of MT.
    function askStretch(
        BatchHeader calldata batch,
        BatchProof calldata posting,
        uint256 position,
        uint256 index,
        uint256 stretch,
        uint256 maxPrice
    ) external {
        (uint256 item,) = _aroundStretch(BatchHeaders.hashOf(batch), position, index, stretch);
        _ask(batch, posting, item, maxPrice);
    }

    /// @notice Shows the commitments between a transaction's parts: all of them, or, where there are more than fit, every n-th with
    /// the least n with which they do, and the last one.
    /// @param batch The batch.
    /// @param place Where the transaction stands; siblings are of the checkpoints by the last commitment.
    /// @param transaction keccak256 of its bytes.
    /// @param parts How many parts there are.
    /// @param commitments The commitments.
    function answerParts(
        BatchHeader calldata batch,
        TransactionPlace calldata place,
        bytes32 transaction,
        uint256 parts,
        bytes32[] calldata commitments
    ) external inInput byPoster(batch) {
        PartList memory list = _listOf(parts, commitments);
        if (commitments[0] != _firstOf(batch, place, transaction, commitments)) revert WrongCommitment(0);
        uint256 item = PartItems.itemOf(Kind.Parts, place.position, place.index);
        _lists[BatchHeaders.hashOf(batch)][item] = list;
        _answered(batch, item);
    }

    /// @notice Shows the commitments between two that were shown, both of them included.
    /// @param batch The batch.
    /// @param position Place of the block in the batch.
    /// @param index Place of the transaction in the block.
    /// @param stretch Number of the first one of the two.
    /// @param commitments The commitments.
    /// @param siblings Of the two, as {MerkleTree-pairRootOf} takes them.
    function answerStretch(
        BatchHeader calldata batch,
        uint256 position,
        uint256 index,
        uint256 stretch,
        bytes32[] calldata commitments,
        bytes32[] calldata siblings
    ) external inInput byPoster(batch) {
        bytes32 batchHash = BatchHeaders.hashOf(batch);
        (uint256 item, PartList memory around) = _aroundStretch(batchHash, position, index, stretch);
        _lists[batchHash][item] = _stretchOf(around, stretch, commitments, siblings);
        _answered(batch, item);
    }

    /// @inheritdoc IPartLists
    function partsOf(bytes32 batchHash, uint256 item) external view returns (PartList memory) {
        return _lists[batchHash][item];
    }

    /// @dev The item of a stretch, and the list that it is of; reverts where there is none.
    function _aroundStretch(bytes32 batchHash, uint256 position, uint256 index, uint256 stretch)
        private
        view
        returns (uint256 item, PartList memory around)
    {
        around = _lists[batchHash][PartItems.itemOf(Kind.Parts, position, index)];
        item = PartItems.stretchOf(position, index, stretch);
        if (around.every < 2 || stretch >= _commitmentsOf(around) - 1) revert UnknownItem(item);
    }

    /// @dev What a transaction starts from; reverts unless its checkpoint is the last commitment.
    function _firstOf(
        BatchHeader calldata batch,
        TransactionPlace calldata place,
        bytes32 transaction,
        bytes32[] calldata commitments
    ) private pure returns (bytes32) {
        bytes32 leaf = commitments[commitments.length - 1];
        (Header memory header, Checkpoint memory before) = ProvenTransactions.requireAt(batch, place, transaction, leaf);
        return StepStates.firstOf(ProvenTransactions.factsOf(batch.chainId, header), place.index, before, transaction);
    }

    /// @dev A list of all parts.
    function _listOf(uint256 parts, bytes32[] calldata commitments) private pure returns (PartList memory list) {
        uint256 most = MAX_COMMITMENTS - 1;
        if (parts == 0 || parts > most * most) revert WrongCount(0, commitments.length);
        list.parts = uint64(parts);
        list.every = uint64((parts + most - 1) / most);
        list.root = _rootOf(_commitmentsOf(list), commitments);
    }

    /// @dev A list of the parts between two commitments of another list.
    function _stretchOf(
        PartList memory around,
        uint256 stretch,
        bytes32[] calldata commitments,
        bytes32[] calldata siblings
    ) private pure returns (PartList memory list) {
        uint64 left = around.parts - uint64(stretch) * around.every;
        (list.parts, list.every) = (left < around.every ? left : around.every, 1);
        list.root = _rootOf(_commitmentsOf(list), commitments);
        bytes32[2] memory ends = [commitments[0], commitments[list.parts]];
        uint256 used = ProvenBlocks.requirePair(around.root, ends, stretch + 1, _commitmentsOf(around), siblings, 0);
        ProvenBlocks.requireAllUsed(siblings, used);
    }

    function _commitmentsOf(PartList memory list) private pure returns (uint256) {
        return (uint256(list.parts) + list.every - 1) / list.every + 1;
    }

    /// @dev Root of so many commitments; none is 0, which is told of a transaction that may not stand in its block.
    function _rootOf(uint256 count, bytes32[] calldata commitments) private pure returns (bytes32) {
        if (commitments.length != count) revert WrongCount(count, commitments.length);
        for (uint256 i = 0; i < count; i++) {
            if (commitments[i] == 0) revert WrongCommitment(i);
        }
        return MerkleTree.root(commitments);
    }
}
