// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {StakedRegistry} from "../../src/StakedRegistry.sol";
import {Test} from "../base/Test.sol";
import {MoneyHandler} from "./MoneyHandler.sol";

/// @notice Invariants of the money on L1 (I4 as far as deposits go; stakes).
contract MoneyInvariantTest is Test {
    MoneyHandler private handler;

    function setUp() public {
        handler = new MoneyHandler();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function invariant_theBridgeHoldsWhatIsLockedAndWhatWasQueued() public view {
        uint256[] memory chains = handler.chains();
        uint256 locked = 0;
        for (uint256 i = 0; i < chains.length; i++) {
            assertEq(handler.lockedFor(chains[i]), handler.depositedFor(chains[i]), "locked is what was queued");
            locked += handler.lockedFor(chains[i]);
        }
        assertEq(handler.bridgeBalance(), locked, "held is what is locked");
        assertEq(handler.depositedInAll(), locked, "all deposits");
    }

    function invariant_registriesHoldTheStakes() public view {
        StakedRegistry[3] memory pools = handler.pools();
        for (uint256 i = 0; i < pools.length; i++) {
            assertEq(handler.balanceOfPool(pools[i]), pools[i].totalStake(), "held is the total");
            assertEq(handler.stakedIn(pools[i]), pools[i].totalStake(), "the total is what was staked");
        }
    }
}
