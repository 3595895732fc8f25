// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BatchDecoder} from "../../BatchDecoder.sol";
import {BatchContext} from "../../BatchLayout.sol";
import {BatchFaults} from "../../BatchReader.sol";
import {BlobOpenings} from "../../BlobOpenings.sol";
import {BatchHeader} from "../../interfaces/IRollupChain.sol";

/// @title The data of a batch, as proofs hand them in
/// @notice Data that cannot be decoded are a fraud; a place that they do not have is a proof that shows nothing.
abstract contract PostedData {
    /// @dev Length in the low bits of a blob batch's dataHash.
    uint256 private constant LENGTH_BITS = 32;

    /// @notice What blobs hold.
    BlobOpenings public immutable openings;

    /// @notice The data are not those of the batch.
    error WrongData(bytes32 expected, bytes32 given);
    /// @notice The data have no such block, transaction or group (a code of BatchFaults from 240 on).
    error NoSuchPlace(uint8 fault);

    /// @param openings_ What blobs hold.
    constructor(BlobOpenings openings_) {
        openings = openings_;
    }

    /// @dev Reverts unless these are the data of the batch: by their hash, or by that of their range of the blob, which
    /// somebody has opened before.
    function _requireData(BatchHeader calldata batch, bytes calldata data) internal view {
        bytes32 expected = batch.dataHash;
        if (batch.blobHash != 0) {
            uint256 range = uint256(expected);
            expected = openings.sliceHash(batch.blobHash, range >> LENGTH_BITS, uint32(range));
        }
        bytes32 given = keccak256(data);
        if (given != expected) revert WrongData(expected, given);
    }

    /// @dev The context of a block of the batch.
    function _contextAt(bytes calldata data, uint256 position)
        internal
        pure
        returns (bool isUndecodable, BatchContext memory context)
    {
        uint8 fault;
        (fault, context) = BatchDecoder.contextAt(data, position);
        isUndecodable = _isFaulty(fault);
    }

    /// @dev Whether the data are at fault; reverts where who asks is.
    function _isFaulty(uint8 fault) internal pure returns (bool) {
        if (fault >= BatchFaults.ABSENT) revert NoSuchPlace(fault);
        return fault != BatchFaults.NONE;
    }

    /// @dev The transactions of a block before its users': context, in block 1 the founding, the queue's items.
    function _openingOf(uint256 number, BatchContext memory context) internal pure returns (uint256) {
        return (number == 1 ? 2 : 1) + uint256(context.queueItems);
    }

    /// @dev Number of a batch's block.
    function _numberAt(BatchHeader calldata batch, uint256 position) internal pure returns (uint256) {
        return batch.firstBlock + position;
    }
}
