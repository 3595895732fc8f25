// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SystemCalls} from "../../../src/disputes/derivation/SystemCalls.sol";
import {QueueItem} from "../../../src/interfaces/IInbox.sol";

/// @notice The library's functions as calls, for tests in TypeScript.
contract SystemCallsReader {
    function context(uint256 chainId, uint256 number, SystemCalls.ContextValues calldata values)
        external
        pure
        returns (bytes memory)
    {
        return SystemCalls.context(chainId, number, values);
    }

    function founding(uint256 chainId, bytes calldata charter, address metisDao, address bridge)
        external
        pure
        returns (bytes memory)
    {
        return SystemCalls.founding(chainId, charter, metisDao, bridge);
    }

    function queued(uint256 chainId, uint256 index, QueueItem calldata item, bytes calldata data)
        external
        pure
        returns (bytes memory)
    {
        return SystemCalls.queued(chainId, index, item, data);
    }
}
