// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BatchDecoder} from "../../BatchDecoder.sol";
import {BatchHeaders} from "../../BatchHeaders.sol";
import {BatchContext} from "../../BatchLayout.sol";
import {Header, HeaderCodec, HeaderField} from "../../execution/codec/HeaderCodec.sol";
import {HeaderRules} from "../../execution/codec/HeaderRules.sol";
import {IBlockProofs} from "../../interfaces/IBlockProofs.sol";
import {BatchHeader} from "../../interfaces/IRollupChain.sol";
import {ProvenBlocks} from "../ProvenBlocks.sol";
import {PostedData} from "./PostedData.sol";

/// @title F2, F3: a block has another number of transactions than the data say, or another time or randomness; or a batch ends at
/// another place of the queue
abstract contract BlockProofs is PostedData {
    /// @dev Items of L1's queue that one block may consume (LIMITS.blockQueueItems of packages/protocol).
    uint256 private constant MAX_ITEMS = 64;

    /// @notice The header of the batch before is needed, and it alone.
    error PreviousBatchMissing();

    /// @dev Too many items, or no transaction but the system's, are a fraud by themselves.
    function _judgeCount(BatchHeader calldata batch, IBlockProofs.CountProof calldata proof)
        internal
        view
        returns (bool isFraud, uint256 place)
    {
        _requireData(batch, proof.data);
        uint256 number = _numberAt(batch, proof.position);
        place = number << 16;
        uint256 used =
            ProvenBlocks.requireTransactions(batch, proof.position, proof.count, proof.transactions, proof.siblings, 0);
        ProvenBlocks.requireAllUsed(proof.siblings, used);
        (bool isUndecodable, BatchContext memory context) = _contextAt(proof.data, proof.position);
        if (isUndecodable || context.queueItems > MAX_ITEMS) return (true, place);
        uint256 opening = _openingOf(number, context);
        if (opening == 1 && context.transactionCount == 0) return (true, place);
        isFraud = proof.count != opening + context.transactionCount + 1;
    }

    function _judgeTime(BatchHeader calldata batch, IBlockProofs.TimeProof calldata proof)
        internal
        view
        returns (bool isFraud, uint256 place)
    {
        _requireData(batch, proof.data);
        place = _numberAt(batch, proof.position) << 16;
        Header memory header = HeaderCodec.headerOf(proof.header);
        uint256 used = ProvenBlocks.requireBlock(batch, header.hash, proof.position, proof.siblings, 0);
        ProvenBlocks.requireAllUsed(proof.siblings, used);
        (bool isUndecodable, BatchContext memory context) = _contextAt(proof.data, proof.position);
        isFraud = isUndecodable || header.timestamp != context.timestamp
            || HeaderRules.randomnessFault(header, context.randomness) != HeaderField.None;
    }

    function _judgeQueueEnd(BatchHeader calldata batch, IBlockProofs.QueueEndProof calldata proof)
        internal
        view
        returns (bool isFraud, uint256 place)
    {
        _requireData(batch, proof.data);
        place = uint256(batch.lastBlock) << 16;
        uint256 begin = _queueBegin(batch, proof.previous);
        (uint8 fault, uint256 items) = BatchDecoder.queueItemsOf(proof.data, BatchHeaders.blockCount(batch));
        isFraud = _isFaulty(fault) || begin + items != batch.queueEnd;
    }

    /// @dev Items that the chain had consumed before the batch.
    function _queueBegin(BatchHeader calldata batch, BatchHeader[] calldata previous) internal pure returns (uint256) {
        if (batch.index == 0 && previous.length == 0) return 0;
        return _before(batch, previous).queueEnd;
    }

    /// @dev The batch before, which is not there before the chain's first.
    function _before(BatchHeader calldata batch, BatchHeader[] calldata previous)
        internal
        pure
        returns (BatchHeader calldata)
    {
        if (previous.length != 1 || BatchHeaders.hashOf(previous[0]) != batch.previousBatchHash) {
            revert PreviousBatchMissing();
        }
        return previous[0];
    }
}
