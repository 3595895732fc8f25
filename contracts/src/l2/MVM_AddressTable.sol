// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Predeploys} from "./Predeploys.sol";

/// @title MVM_AddressTable: numbers for addresses
/// @notice Predeployed on every DAC. What is posted to L1 names an address of the table by its index instead of by 20
/// bytes. A block is read with the table as the block before left it; addresses are never taken out.
contract MVM_AddressTable {
    /// @notice Most addresses of one call.
    uint256 public constant MAX_APPENDED = 256;

    /// @notice Slot 0: index of an address plus one; zero: it is not in the table.
    mapping(address account => uint256 index) public indexPlusOne;
    /// @notice Slot 1: number of addresses.
    uint256 public count;

    /// @notice The caller may not do this.
    error OnlyCaller(address expected, address caller);
    /// @notice There are more than MAX_APPENDED addresses.
    error TooManyAddresses(uint256 count);

    /// @notice Gives addresses the next indexes, in their order. Only MVM_ExecutionManager may call.
    /// @param seen At most MAX_APPENDED addresses; those that are in the table already keep their index.
    function append(address[] calldata seen) external {
        if (msg.sender != Predeploys.EXECUTION_MANAGER) revert OnlyCaller(Predeploys.EXECUTION_MANAGER, msg.sender);
        if (seen.length > MAX_APPENDED) revert TooManyAddresses(seen.length);
        uint256 entered = count;
        for (uint256 i = 0; i < seen.length; i++) {
            if (indexPlusOne[seen[i]] == 0) indexPlusOne[seen[i]] = ++entered;
        }
        count = entered;
    }
}
