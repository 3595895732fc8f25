// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BlobPolynomial} from "../../src/BlobPolynomial.sol";
import {BlobVectors} from "./BlobVectors.sol";
import {Test} from "./Test.sol";

/// @notice The data that BlobVectors has proofs of, and parts of it.
abstract contract BlobTest is Test {
    /// @dev 31 bytes of each hash of seed and number.
    function streamData() internal pure returns (bytes memory data) {
        data = new bytes(BlobPolynomial.DATA_BYTES);
        for (uint256 i = 0; i < BlobPolynomial.ELEMENTS; i++) {
            bytes31 element = bytes31(keccak256(abi.encode(BlobVectors.SEED, i)));
            for (uint256 j = 0; j < 31; j++) {
                data[31 * i + j] = element[j];
            }
        }
    }

    /// @dev Element `index` of data, as a number.
    function elementOf(bytes memory data, uint256 index) internal pure returns (uint256) {
        return uint248(bytes31(slice(data, 31 * index, 31)));
    }

    function slice(bytes memory data, uint256 offset, uint256 length) internal pure returns (bytes memory part) {
        part = new bytes(length);
        for (uint256 i = 0; i < length; i++) {
            part[i] = data[offset + i];
        }
    }
}
