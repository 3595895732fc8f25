// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BondManager} from "../../src/BondManager.sol";
import {MetisToken} from "../../src/MetisToken.sol";
import {ISequencerPool} from "../../src/interfaces/ISequencerPool.sol";
import {Test} from "../base/Test.sol";
import {
    EarlyThresholds,
    GreedySlash,
    NoCover,
    NoHeadroom,
    PaidAtPar,
    RoundedUp,
    ShortLocks
} from "../broken/BrokenBonds.sol";
import {BondsHandler} from "./BondsHandler.sol";

/// @notice Each invariant of bonds is found broken where its defence is taken out, by the same actions in a fixed order.
contract BondsBrokenTest is Test {
    uint256 private constant STEPS = 3000;
    string private constant UNCOVERED = "a bond covers its locks";

    /// @dev Whether a check, or an action itself, fails with the expected word before any other failure of that check.
    function finds(bytes memory creationCode, bytes4 check, string memory what) private returns (bool) {
        BondsHandler handler = new BondsHandler();
        handler.deploy(creationCode);
        bool acts = check == BondsHandler.act.selector;
        for (uint256 i = 0; i < STEPS; i++) {
            (bool holds, bytes memory data) =
                address(handler).call(abi.encodeCall(BondsHandler.act, (uint256(keccak256(abi.encode(i))))));
            if (!acts) (holds, data) = address(handler).staticcall(abi.encodeWithSelector(check));
            if (!holds) return isFailure(data, what);
        }
        return false;
    }

    /// @dev Whether revert data are a comparison of {Test} with this word.
    function isFailure(bytes memory data, string memory what) private pure returns (bool) {
        bytes4 selector = bytes4(data);
        bool compared = selector == NotEqual.selector;
        if (!compared && selector != NotTrue.selector) return false;
        bytes memory rest = new bytes(data.length - 4);
        for (uint256 i = 0; i < rest.length; i++) {
            rest[i] = data[i + 4];
        }
        string memory found;
        if (compared) (found,,) = abi.decode(rest, (string, bytes32, bytes32));
        else found = abi.decode(rest, (string));
        return keccak256(bytes(found)) == keccak256(bytes(what));
    }

    function test_theSoundContractPassesAndTakesPartInEverything() public {
        BondsHandler handler = new BondsHandler();
        handler.deploy(type(BondManager).creationCode);
        for (uint256 i = 0; i < STEPS / 10; i++) {
            handler.act(uint256(keccak256(abi.encode(i))));
            handler.checkCover();
            handler.checkLocksLast();
            handler.checkConservation();
            handler.checkShares();
            handler.checkDraws();
            handler.checkThresholds();
        }
        for (uint8 action = 0; action <= uint8(BondsHandler.Action.Advance); action++) {
            assertTrue(handler.done(BondsHandler.Action(action)) > 1, "every action succeeded");
        }
    }

    function test_withoutHeadroomABondDoesNotCoverItsLocks() public {
        assertTrue(finds(type(NoHeadroom).creationCode, BondsHandler.checkCover.selector, UNCOVERED), "found");
    }

    function test_withoutACheckOfPaymentsABondDoesNotCoverItsLocks() public {
        assertTrue(finds(type(NoCover).creationCode, BondsHandler.checkCover.selector, UNCOVERED), "found");
    }

    function test_aConvictionThatTakesAllLeavesOtherLocksUncovered() public {
        assertTrue(finds(type(GreedySlash).creationCode, BondsHandler.checkCover.selector, UNCOVERED), "found");
    }

    function test_shorterPeriodsMakeLocksTooShort() public {
        bytes4 check = BondsHandler.checkLocksLast.selector;
        assertTrue(finds(type(ShortLocks).creationCode, check, "a lock lasts for the window"), "found");
    }

    function test_sharesAtParAreWorthMoreThanTheBond() public {
        bytes4 check = BondsHandler.checkShares.selector;
        assertTrue(finds(type(PaidAtPar).creationCode, check, "no more than there is"), "found");
    }

    function test_sharesAtParDoNotLoseAlike() public {
        bytes4 check = BondsHandler.act.selector;
        assertTrue(finds(type(PaidAtPar).creationCode, check, "a share loses as every other"), "found");
    }

    function test_roundingUpMakesSharesWorthMoreThanTheBond() public {
        bytes4 check = BondsHandler.checkShares.selector;
        assertTrue(finds(type(RoundedUp).creationCode, check, "no more than there is"), "found");
    }

    function test_earlyThresholdsAreNotAsOfTheirEpoch() public {
        bytes4 check = BondsHandler.checkThresholds.selector;
        assertTrue(finds(type(EarlyThresholds).creationCode, check, "as of the epoch's close"), "found");
    }

    function test_moneyThatLeavesByAnotherWayIsFound() public {
        BondsHandler handler = new BondsHandler();
        handler.deploy(type(BondManager).creationCode);
        handler.checkConservation();
        BondManager manager = handler.bonds();
        MetisToken token = manager.token();
        vm.prank(address(manager));
        token.transfer(address(this), 1);
        (bool holds, bytes memory data) =
            address(handler).staticcall(abi.encodeCall(BondsHandler.checkConservation, ()));
        assertTrue(!holds && isFailure(data, "held is what the bonds are"), "found");
    }

    function test_aPoolThatWasToldAnotherStakeIsFound() public {
        BondsHandler handler = new BondsHandler();
        handler.deploy(type(BondManager).creationCode);
        handler.checkDraws();
        BondManager manager = handler.bonds();
        ISequencerPool pool = manager.pool();
        address first = handler.account(0);
        vm.prank(address(manager));
        pool.setStake(first, 1);
        (bool holds, bytes memory data) = address(handler).staticcall(abi.encodeCall(BondsHandler.checkDraws, ()));
        assertTrue(!holds && isFailure(data, "drawn by its active stake"), "found");
    }
}
