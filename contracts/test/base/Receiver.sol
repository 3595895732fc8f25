// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {L1Bridge} from "../../src/L1Bridge.sol";

/// @notice A contract of L1 that DACs call: notes who spoke, fails, burns gas or calls the bridge back as it is told.
contract Receiver {
    L1Bridge public immutable bridge;

    bytes32 public value;
    uint256 public chainId;
    address public sender;
    uint256 public calls;
    bool public reentered;
    bool private _failing;
    bytes private _reentry;
    uint256 private _sink;

    error Failing();

    constructor(L1Bridge bridge_) {
        bridge = bridge_;
    }

    modifier counted() {
        if (_failing) revert Failing();
        calls++;
        _;
    }

    function setFailing(bool failing) external {
        _failing = failing;
    }

    function setReentry(bytes calldata reentry) external {
        _reentry = reentry;
    }

    function store(bytes32 value_) external counted {
        value = value_;
        (chainId, sender) = bridge.executor().source();
    }

    function burn(uint256 gas) external counted {
        uint256 before = gasleft();
        while (before - gasleft() < gas) _sink++;
    }

    function reenter() external counted {
        (reentered,) = address(bridge).call(_reentry);
    }

    fallback() external counted {}
}
