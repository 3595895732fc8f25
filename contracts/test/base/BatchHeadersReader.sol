// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BatchHeaders} from "../../src/BatchHeaders.sol";
import {BatchHeader} from "../../src/interfaces/IRollupChain.sol";

/// @notice The library from outside.
contract BatchHeadersReader {
    function hash(BatchHeader memory header) external pure returns (bytes32) {
        return BatchHeaders.hash(header);
    }

    function hashOf(BatchHeader calldata header) external pure returns (bytes32) {
        return BatchHeaders.hashOf(header);
    }

    function blockCount(BatchHeader calldata header) external pure returns (uint256) {
        return BatchHeaders.blockCount(header);
    }
}
