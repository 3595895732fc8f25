// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Test} from "../base/Test.sol";
import {DacMoneyHandler} from "./DacMoneyHandler.sol";

/// @notice Invariants of a DAC's money (I4).
contract DacMoneyInvariantTest is Test {
    DacMoneyHandler private handler;

    function setUp() public {
        handler = new DacMoneyHandler();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function invariant_balancesAreTheSupplyAndWhatWasWithdrawn() public view {
        assertEq(handler.balances(), handler.issued(), "nothing is made or lost");
        (uint256 told, uint256 held) = handler.withdrawn();
        assertEq(held, told, "what was withdrawn stays with the Coinbase");
    }

    function invariant_theFeeVaultHoldsWhatItOwes() public view {
        (uint256 owed, uint256 held) = handler.feesOwed();
        assertEq(held, owed, "held is owed");
    }
}
