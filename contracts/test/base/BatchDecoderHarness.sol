// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BatchDecoder} from "../../src/BatchDecoder.sol";
import {BatchContext} from "../../src/BatchLayout.sol";

/// @notice The library's functions as calls, for tests here and for the differential fuzzer.
contract BatchDecoderHarness {
    function origin(bytes calldata data) external pure returns (uint8, uint256, uint256, uint256) {
        return BatchDecoder.origin(data);
    }

    function contextAt(bytes calldata data, uint256 blockPosition) external pure returns (uint8, BatchContext memory) {
        return BatchDecoder.contextAt(data, blockPosition);
    }

    function queueItemsOf(bytes calldata data, uint256 blocks) external pure returns (uint8, uint256) {
        return BatchDecoder.queueItemsOf(data, blocks);
    }

    function transactionAt(bytes calldata data, uint256 blockPosition, uint256 position, address[] calldata resolved)
        external
        pure
        returns (uint8, bytes memory, uint256[] memory)
    {
        return BatchDecoder.transactionAt(data, blockPosition, position, resolved);
    }

    function referencesAt(bytes calldata data, uint256 blockPosition, uint256 position)
        external
        pure
        returns (uint8, uint256[] memory, address[] memory)
    {
        return BatchDecoder.referencesAt(data, blockPosition, position);
    }

    function contextGroupFault(bytes calldata data, uint256 group) external pure returns (uint8) {
        return BatchDecoder.contextGroupFault(data, group);
    }

    function rowGroupFault(bytes calldata data, uint256 group) external pure returns (uint8) {
        return BatchDecoder.rowGroupFault(data, group);
    }
}
