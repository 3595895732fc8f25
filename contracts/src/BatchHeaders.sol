// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BatchHeader} from "./interfaces/IRollupChain.sol";

/// @title Hashes of batch headers
/// @dev keccak256(abi.encode(header)): a header's fields are words, one after the other, in memory as in calldata. Reading a
/// field of a header in calldata reverts where it does not fit its type, so that no two headers share a hash.
library BatchHeaders {
    uint256 private constant LENGTH = 13 * 32;

    /// @notice Hash of a header in memory.
    /// @param header The header.
    /// @return result The batch's hash.
    function hash(BatchHeader memory header) internal pure returns (bytes32 result) {
        assembly ("memory-safe") {
            result := keccak256(header, LENGTH)
        }
    }

    /// @notice Room for a header in memory, with a word before it for {follow}. Its fields are zero.
    /// @return header The header.
    function room() internal pure returns (BatchHeader memory header) {
        assembly ("memory-safe") {
            header := add(mload(0x40), 32)
            mstore(0x40, add(header, LENGTH))
            calldatacopy(header, calldatasize(), LENGTH)
        }
    }

    /// @notice Puts a hash before a header of {room}: in memory they are abi.encode(batchHash, header) then.
    /// @param batchHash The batch's hash.
    /// @param header The header.
    /// @return start Where they begin in memory.
    /// @return length Bytes of both.
    function follow(bytes32 batchHash, BatchHeader memory header)
        internal
        pure
        returns (uint256 start, uint256 length)
    {
        length = 32 + LENGTH;
        assembly ("memory-safe") {
            start := sub(header, 32)
            mstore(start, batchHash)
        }
    }

    /// @notice Hash of a header in calldata.
    /// @param header The header.
    /// @return result The batch's hash.
    function hashOf(BatchHeader calldata header) internal pure returns (bytes32 result) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            calldatacopy(free, header, LENGTH)
            result := keccak256(free, LENGTH)
        }
    }

    /// @notice Number of blocks of a batch.
    /// @param header The batch.
    /// @return The number.
    function blockCount(BatchHeader calldata header) internal pure returns (uint256) {
        return uint256(header.lastBlock) - header.firstBlock + 1;
    }
}
