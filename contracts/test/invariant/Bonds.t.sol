// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BondManager} from "../../src/BondManager.sol";
import {Test} from "../base/Test.sol";
import {BondsHandler} from "./BondsHandler.sol";

/// @notice Invariants of bonds, whatever sequencers, delegators, posters, provers and time do.
contract BondsInvariantTest is Test {
    BondsHandler private handler;

    function setUp() public {
        handler = new BondsHandler();
        handler.deploy(type(BondManager).creationCode);
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function excludeSelectors() public view returns (FuzzSelector[] memory excluded) {
        excluded = new FuzzSelector[](1);
        excluded[0].target = address(handler);
        excluded[0].selectors = new bytes4[](1);
        excluded[0].selectors[0] = BondsHandler.deploy.selector;
    }

    struct FuzzSelector {
        address target;
        bytes4[] selectors;
    }

    function invariant_aBondCoversItsLocks() public view {
        handler.checkCover();
    }

    function invariant_noLockIsShorterThanTheWindow() public view {
        handler.checkLocksLast();
    }

    function invariant_moneyIsConserved() public view {
        handler.checkConservation();
    }

    function invariant_sharesAreWorthTheBond() public view {
        handler.checkShares();
    }

    function invariant_drawsSeeTheActiveStake() public view {
        handler.checkDraws();
    }

    function invariant_thresholdsAreAsOfTheirEpoch() public view {
        handler.checkThresholds();
    }
}
