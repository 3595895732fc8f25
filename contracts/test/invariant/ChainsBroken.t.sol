// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Test} from "../base/Test.sol";
import {
    ClaimsUnbound,
    ConsumesTooEarly,
    ForgetsPayments,
    KeepsHeldDeposits,
    LeavesOverdueItems,
    MessagesOfAnyChain,
    NoWayOut,
    OneDigest,
    PaysTwice
} from "../broken/BrokenChains.sol";
import {ChainsHandler} from "./ChainsHandler.sol";
import {ChainsModel} from "./ChainsModel.sol";

/// @notice Each invariant is found broken where its defence is taken out, by the same actions in a fixed order.
contract ChainsBrokenTest is Test {
    uint256 private constant STEPS = 400;
    uint256 private constant WORLDS = 8;

    error NothingFound();

    /// @dev Runs worlds until an action or a check fails; the first failure has to be the expected one.
    function finds(bytes memory bridgeCode, bytes memory rollupCode, string memory what) private {
        for (uint256 world = 0; world < WORLDS; world++) {
            ChainsHandler handler = new ChainsHandler();
            handler.start(bridgeCode, rollupCode);
            for (uint256 i = 0; i < STEPS; i++) {
                uint256 seed = uint256(keccak256(abi.encode(world, i)));
                (bool holds, bytes memory data) = address(handler).call(abi.encodeCall(ChainsHandler.act, (seed)));
                if (holds) (holds, data) = address(handler).call(abi.encodeCall(ChainsHandler.checkMoney, ()));
                if (holds) (holds, data) = address(handler).call(abi.encodeCall(ChainsHandler.checkSupply, ()));
                if (holds) (holds, data) = address(handler).call(abi.encodeCall(ChainsHandler.checkWayOut, ()));
                if (holds) continue;
                assertEq(bytes(wordOf(data)), bytes(what), wordOf(data));
                return;
            }
        }
        revert NothingFound();
    }

    /// @dev The word of a comparison of {Test} that failed.
    function wordOf(bytes memory data) private pure returns (string memory word) {
        bytes memory rest = new bytes(data.length - 4);
        for (uint256 i = 0; i < rest.length; i++) {
            rest[i] = data[i + 4];
        }
        if (bytes4(data) == NotEqual.selector) (word,,) = abi.decode(rest, (string, bytes32, bytes32));
        else if (bytes4(data) == NotTrue.selector) word = abi.decode(rest, (string));
    }

    function test_theSoundContractsPassAndTakePartInEverything() public {
        uint256[16] memory done;
        for (uint256 world = 0; world < 5; world++) {
            ChainsHandler handler = new ChainsHandler();
            handler.start("", "");
            for (uint256 i = 0; i < 200; i++) {
                handler.act(uint256(keccak256(abi.encode(world, i))));
                handler.checkMoney();
                handler.checkSupply();
                handler.checkWayOut();
            }
            for (uint256 i = 0; i <= uint8(ChainsModel.Action.Advance); i++) {
                done[i] += handler.done(ChainsModel.Action(i));
            }
        }
        for (uint256 i = 0; i <= uint8(ChainsModel.Action.Advance); i++) {
            assertTrue(done[i] > 0, string.concat("every action succeeded: ", vm.toString(i)));
        }
    }

    function test_aQueueThatMayWaitForEverIsFound() public {
        finds("", type(LeavesOverdueItems).creationCode, "a batch leaves no overdue item");
    }

    function test_itemsThatNobodyCountedAreFound() public {
        finds("", type(ConsumesTooEarly).creationCode, "a batch consumes what its slot counts");
    }

    function test_aChainWithoutAWayOutIsFound() public {
        finds("", type(NoWayOut).creationCode, "there is a way out");
    }

    function test_oneSignatureForAllBatchesIsFound() public {
        finds("", type(OneDigest).creationCode, "no batch is taken elsewhere");
    }

    function test_claimsWithoutABoundAreFound() public {
        finds(type(ClaimsUnbound).creationCode, "", "a DAC claims what it consumed");
    }

    function test_withdrawalsThatArePaidTwiceAreFound() public {
        finds(type(PaysTwice).creationCode, "", "a withdrawal is paid once");
    }

    function test_paymentsThatTheBooksMissAreFound() public {
        finds(type(ForgetsPayments).creationCode, "", "locked is what came and did not go");
    }

    function test_heldDepositsThatGoBackTwiceAreFound() public {
        finds(type(KeepsHeldDeposits).creationCode, "", "a held deposit goes back once");
    }

    function test_messagesOfOneDacInAnotherAreFound() public {
        finds(type(MessagesOfAnyChain).creationCode, "", "no claim by another DAC's message");
    }
}
