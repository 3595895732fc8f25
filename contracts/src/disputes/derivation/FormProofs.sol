// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BatchDecoder} from "../../BatchDecoder.sol";
import {BatchHeaders} from "../../BatchHeaders.sol";
import {BatchLayout} from "../../BatchLayout.sol";
import {BatchHeader} from "../../interfaces/IRollupChain.sol";
import {IDataProofs} from "../../interfaces/IDataProofs.sol";
import {PostedData} from "./PostedData.sol";

/// @title F2: the data of a batch are no data of the format, or are another batch's
abstract contract FormProofs is PostedData {
    /// @dev An element of the blob is no 31 bytes of data: whoever chose the blob answers for all of it.
    function _judgeBlob(BatchHeader calldata batch) internal view returns (bool isFraud, uint256 place) {
        return (openings.isMalformed(batch.blobHash), uint256(batch.firstBlock) << 16);
    }

    /// @dev What stands before the groups is of another batch, or cannot be decoded; or the group cannot be.
    function _judgeForm(BatchHeader calldata batch, IDataProofs.FormProof calldata proof)
        internal
        view
        returns (bool isFraud, uint256 place)
    {
        bytes calldata data = proof.data;
        _requireData(batch, data);
        uint256 first = BatchLayout.GROUP * proof.group;
        place = proof.ofRows ? uint256(batch.firstBlock) << 16 | first : (batch.firstBlock + first) << 16;
        if (_isOfAnother(batch, data)) return (true, place);
        uint8 fault = proof.ofRows
            ? BatchDecoder.rowGroupFault(data, proof.group)
            : BatchDecoder.contextGroupFault(data, proof.group);
        isFraud = _isFaulty(fault);
    }

    function _isOfAnother(BatchHeader calldata batch, bytes calldata data) private pure returns (bool) {
        (uint8 fault, uint256 chainId, uint256 generation, uint256 blocks) = BatchDecoder.origin(data);
        if (_isFaulty(fault)) return true;
        return chainId != batch.chainId || generation != batch.generation || blocks != BatchHeaders.blockCount(batch);
    }
}
