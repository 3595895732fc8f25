// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BondPools} from "../src/BondPools.sol";
import {RollupChain} from "../src/RollupChain.sol";
import {RollupTest} from "./base/RollupTest.sol";

/// @notice A turn is looked up and locked for once: what has to be asked again all the same.
/// forge-config: default.fuzz.runs = 64
contract RollupLocksTest is RollupTest {
    uint256 private constant DEPOSIT = 100 ether;
    address private constant PROVER = address(0x9203E2);

    uint256 private chain;
    uint256 private other;

    function setUp() public {
        deployRollup(6, 10 * MIN_STAKE);
        chain = createDac("alpha");
        other = createDac("beta");
        depositFrom(USER, chain, DEPOSIT);
        passEpochs(2);
    }

    function refuseEjected(address poster) private {
        RollupChain.BatchInput memory input = nextInput(chain);
        input.queueEnd = 1;
        assertEq(input.poster, poster, "still drawn");
        refuse(input, abi.encodeWithSelector(BondPools.WrongStatus.selector, poster, BondPools.SequencerStatus.Ejected));
    }

    function test_everyBatchOfATurnIsLockedForMaxWindow(uint256 wait) public {
        postAll(chain, 0, 1);
        vm.warp(block.timestamp + between(wait, 0, MAX_WINDOW));
        address poster = postNext(chain).header.poster;
        vm.warp(block.timestamp + MAX_WINDOW);
        assertEq(bonds.lockOf(poster, chain), DEPOSIT, "locked");
        vm.warp(block.timestamp + MAX_WINDOW);
        assertEq(bonds.lockOf(poster, chain), 0, "not for ever");
    }

    function test_aTurnEndsWithAConvictionOnItsChain(bool first) public {
        Posted memory one = postAll(chain, 0, 1);
        Posted memory two = postNext(chain);
        if (first) rollup.convict(one.header, one.proof, noBatch(), PROVER);
        else rollup.convict(two.header, two.proof, one.header, PROVER);
        refuseEjected(one.header.poster);
    }

    function test_aTurnEndsWithAConvictionOnAnotherChain() public {
        while (nextInput(chain).poster != nextInput(other).poster) passEpochs(1);
        Posted memory own = postAll(chain, 0, 1);
        Posted memory foreign = postNext(other);
        rollup.convict(foreign.header, foreign.proof, noBatch(), PROVER);
        refuseEjected(own.header.poster);
    }

    function test_aTurnEndsWithAClaim() public {
        postAll(chain, 0, 1);
        passBlocks(RANK_DELAY);
        address second = rollup.sequencerOf(chain, slotNow(), 1);
        vm.prank(second);
        rollup.claimSlot(chain, 1);
        postNext(chain);
        passBlocks(RANK_DELAY);
        RollupChain.BatchInput memory input = nextInput(chain);
        refuse(input, abi.encodeWithSelector(RollupChain.NotElected.selector, input.poster));
        input.poster = second;
        post(input);
        assertEq(bonds.lockOf(second, chain), DEPOSIT, "locked");
    }

    function test_everySlotLocksItsOwnThreshold(uint256 more) public {
        more = between(more, 1, 10) * DEPOSIT;
        postAll(chain, 0, 1);
        depositFrom(USER, chain, more);
        postNext(chain);
        passEpochs(2);
        address poster = postAll(chain, 0, 1).header.poster;
        assertEq(bonds.lockOf(poster, chain), DEPOSIT + more, "locked");
    }

    function test_aSequencerThatLeftStillPostsInItsTurn() public {
        address poster = postAll(chain, 0, 1).header.poster;
        vm.prank(poster);
        sequencerPool.requestExit();
        assertEq(postNext(chain).header.poster, poster, "posted");
    }
}
