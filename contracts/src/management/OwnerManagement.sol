// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";

/// @title OwnerManagement: one account manages the charter
/// @notice Management contract for a DAC with a single owner, who can hand it over in two steps.
contract OwnerManagement is Ownable2Step {
    /// @param owner_ Who manages.
    constructor(address owner_) Ownable(owner_) {}

    /// @notice Makes a call, of MVM_DACMaster or any other contract. Only the owner may call.
    /// @param target The contract, not an account without code.
    /// @param data Calldata.
    /// @return What the call returns; if it reverts, so does this.
    function execute(address target, bytes calldata data) external onlyOwner returns (bytes memory) {
        return Address.functionCall(target, data);
    }
}
