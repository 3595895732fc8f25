// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Test} from "../base/Test.sol";
import {ChainsHandler} from "./ChainsHandler.sol";

/// @notice Invariants of money (I4), of the way out (I10) and of replays (I11) over several DACs, whatever depositors,
/// sequencers, provers, attackers and time do. Replays are tried by the handler, which fails where one is taken.
/// forge-config: default.invariant.runs = 6
/// forge-config: default.invariant.depth = 48
contract ChainsInvariantTest is Test {
    struct FuzzSelector {
        address target;
        bytes4[] selectors;
    }

    ChainsHandler private handler;

    function setUp() public {
        handler = new ChainsHandler();
        handler.start("", "");
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @dev act() draws all actions, with weights.
    function targetSelectors() public view returns (FuzzSelector[] memory targeted) {
        targeted = new FuzzSelector[](1);
        targeted[0].target = address(handler);
        targeted[0].selectors = new bytes4[](1);
        targeted[0].selectors[0] = ChainsHandler.act.selector;
    }

    function invariant_moneyIsInTheBooksOfItsDac() public {
        handler.checkMoney();
        handler.checkSupply();
        handler.checkWayOut();
    }
}
