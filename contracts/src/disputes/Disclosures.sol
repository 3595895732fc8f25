// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Header, HeaderCodec} from "../execution/codec/HeaderCodec.sol";
import {BatchHeaders} from "../BatchHeaders.sol";
import {IPostedWork} from "../interfaces/IPostedWork.sol";
import {BatchHeader} from "../interfaces/IRollupChain.sol";
import {IRollupVerdicts} from "../interfaces/IRollupVerdicts.sol";
import {MetisToken} from "../MetisToken.sol";
import {MerkleTree} from "../proofs/MerkleTree.sol";
import {Asks} from "./Asks.sol";
import {EvidenceAnswers} from "./EvidenceAnswers.sol";
import {PartAnswers} from "./PartAnswers.sol";
import {PartItems} from "./PartItems.sol";
import {ProvenBlocks} from "./ProvenBlocks.sol";

/// @title F6: withheld commitments
/// @notice {Asks} says who asks and what it costs; here is what an answer is, of a transaction's parts in {PartAnswers}, of who did
/// a block's job in {EvidenceAnswers}. Anyone may answer, but for parts.
contract Disclosures is PartAnswers, EvidenceAnswers {
    /// @notice There are not as many leaves as there have to be, or they have another root.
    error WrongLeaves(uint256 count);

    /// @param token_ MT.
    /// @param rollup_ Whose batches are asked for.
    /// @param parameters Prices and times.
    /// @param work_ Reads what batches say of who did their blocks' jobs.
    constructor(MetisToken token_, IRollupVerdicts rollup_, AskParameters memory parameters, IPostedWork work_)
        Asks(token_, rollup_, parameters)
        EvidenceAnswers(work_)
    {}

    /// @notice Shows a batch's block hashes.
    /// @param batch The batch.
    /// @param hashes All leaves of its blocksRoot.
    function answerBlocks(BatchHeader calldata batch, bytes32[] calldata hashes) external inInput {
        _requireLeaves(batch.blocksRoot, hashes, BatchHeaders.blockCount(batch));
        _answered(batch, itemOf(Kind.Blocks, 0));
    }

    /// @notice Shows what a batch commits to of its blocks' transactions.
    /// @param batch The batch.
    /// @param words All leaves of its transactionsRoot.
    function answerWords(BatchHeader calldata batch, bytes32[] calldata words) external inInput {
        _requireLeaves(batch.transactionsRoot, words, BatchHeaders.blockCount(batch));
        _answered(batch, itemOf(Kind.Words, 0));
    }

    /// @notice Shows a block's header and checkpoints.
    /// @param batch The batch.
    /// @param position Place of the block in the batch, from 0.
    /// @param header RLP of its header.
    /// @param transactions Merkle root of the hashes of its transactions.
    /// @param leaves Hashes of all its checkpoints, as many as it has transactions.
    /// @param siblings Of the block's hash in blocksRoot, of its word in transactionsRoot.
    function answerCheckpoints(
        BatchHeader calldata batch,
        uint256 position,
        bytes calldata header,
        bytes32 transactions,
        bytes32[] calldata leaves,
        bytes32[] calldata siblings
    ) external inInput {
        Header memory fields = HeaderCodec.headerOf(header);
        uint256 used = ProvenBlocks.requireBlock(batch, fields.hash, position, siblings, 0);
        used = ProvenBlocks.requireTransactions(batch, position, leaves.length, transactions, siblings, used);
        ProvenBlocks.requireAllUsed(siblings, used);
        _requireLeaves(fields.checkpointsRoot, leaves, leaves.length);
        _answered(batch, itemOf(Kind.Checkpoints, position));
    }

    /// @notice Shows the hashes of a block's transactions.
    /// @param batch The batch.
    /// @param position Place of the block in the batch, from 0.
    /// @param hashes Hashes of all its transactions.
    /// @param siblings Of the block's word in transactionsRoot.
    function answerTransactions(
        BatchHeader calldata batch,
        uint256 position,
        bytes32[] calldata hashes,
        bytes32[] calldata siblings
    ) external inInput {
        bytes32 root = MerkleTree.root(hashes);
        uint256 used = ProvenBlocks.requireTransactions(batch, position, hashes.length, root, siblings, 0);
        ProvenBlocks.requireAllUsed(siblings, used);
        if (hashes.length == 0 || hashes.length > ProvenBlocks.MAX_TRANSACTIONS) revert WrongLeaves(hashes.length);
        _answered(batch, itemOf(Kind.Transactions, position));
    }

    /// @notice Shows a transaction: what is executed beside the posted data may be known by its hash alone.
    /// @param batch The batch.
    /// @param position Place of its block in the batch, from 0.
    /// @param index Its place in the block, from 0.
    /// @param count Number of transactions of the block.
    /// @param transaction The encoded transaction.
    /// @param siblings Of its hash in the block's root, of the block's word in transactionsRoot.
    function answerBytes(
        BatchHeader calldata batch,
        uint256 position,
        uint256 index,
        uint256 count,
        bytes calldata transaction,
        bytes32[] calldata siblings
    ) external inInput {
        (bytes32 root, uint256 used) = ProvenBlocks.rootOf(keccak256(transaction), index, count, siblings, 0);
        used = ProvenBlocks.requireTransactions(batch, position, count, root, siblings, used);
        ProvenBlocks.requireAllUsed(siblings, used);
        _answered(batch, PartItems.itemOf(Kind.Bytes, position, index));
    }

    /// @dev Reverts unless these are all leaves of a tree, from one to MAX_TRANSACTIONS, which is also the most blocks of a batch.
    function _requireLeaves(bytes32 root, bytes32[] calldata leaves, uint256 count) private pure {
        bool fits = leaves.length == count && count != 0 && count <= ProvenBlocks.MAX_TRANSACTIONS;
        if (!fits || MerkleTree.root(leaves) != root) revert WrongLeaves(leaves.length);
    }
}
