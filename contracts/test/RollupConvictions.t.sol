// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BatchHeader, BatchProof} from "../src/interfaces/IRollupChain.sol";
import {RollupChain} from "../src/RollupChain.sol";
import {RollupTest} from "./base/RollupTest.sol";

/// @notice Windows, rollbacks, and what a signature of one batch is not good for.
/// forge-config: default.fuzz.runs = 64
contract RollupConvictionsTest is RollupTest {
    uint256 private constant DEPOSIT = 100 ether;
    uint256 private constant BATCHES = 4;
    address private constant PROVER = address(0x9203E2);

    uint256 private chain;
    Posted[] private posted;

    function setUp() public {
        deployRollup(6, 10 * MIN_STAKE);
        chain = createDac("alpha");
        depositFrom(USER, chain, DEPOSIT);
        passEpochs(2);
        for (uint256 i = 0; i < BATCHES; i++) {
            posted.push(postAll(chain, keccak256(abi.encode(i)), 5));
            passEpochs(1);
        }
    }

    function previousOf(uint256 index) private view returns (BatchHeader memory) {
        return index == 0 ? noBatch() : posted[index - 1].header;
    }

    function convict(uint256 index) private {
        rollup.convict(posted[index].header, posted[index].proof, previousOf(index), PROVER);
    }

    function refuseConviction(uint256 index, bytes memory reason) private {
        Posted memory batch = posted[index];
        BatchHeader memory previous = previousOf(index);
        vm.expectRevert(reason);
        rollup.convict(batch.header, batch.proof, previous, PROVER);
    }

    /// @dev To a slot whose leader was not ejected.
    function passToSoundLeader() private {
        passEpochs(1);
        while (!sequencerPool.isActive(rollup.sequencerOf(chain, slotNow(), 0))) passEpochs(1);
    }

    function fell(uint256 index) private view returns (bytes memory) {
        return abi.encodeWithSelector(RollupChain.BatchFell.selector, posted[index].batchHash);
    }

    function test_aConvictedBatchFallsWithAllLaterOnes(uint256 from) public {
        from = from % BATCHES;
        Posted memory batch = posted[from];
        uint256 burnt = token.totalSupply();
        vm.expectEmit(true, true, false, true, address(rollup));
        emit RollupChain.RolledBack(chain, 0, uint64(from), uint64(5 * from));
        vm.expectEmit(true, true, false, true, address(rollup));
        emit RollupChain.Convicted(chain, batch.batchHash, batch.header.poster, DEPOSIT);
        convict(from);
        assertTrue(!sequencerPool.isActive(batch.header.poster), "ejected");
        bonds.burnSlashed(batch.header.poster);
        assertEq(token.balanceOf(PROVER) + burnt - token.totalSupply(), DEPOSIT, "slashed");

        (bytes32 last, uint64 nextIndex, uint64 lastBlock, uint64 queueEnd, uint64 generation) = rollup.headOf(chain);
        assertEq(last, batch.header.previousBatchHash, "hash");
        assertEq(nextIndex, from, "index");
        assertEq(lastBlock, 5 * from, "block");
        assertEq(queueEnd, from == 0 ? 0 : 1, "queue");
        assertEq(generation, 1, "generation");
        passTime(MAX_WINDOW);
        for (uint256 i = 0; i < BATCHES; i++) {
            if (i >= from) vm.expectRevert(fell(i));
            rollup.requireFinal(posted[i].header, posted[i].proof, true);
        }
    }

    function test_aFallenBatchIsConvictedOnce(uint256 from, uint256 again) public {
        from = from % BATCHES;
        again = between(again, from, BATCHES - 1);
        convict(from);
        refuseConviction(again, fell(again));
    }

    function test_laterRollbacksReachIntoEarlierGenerations(uint256 first, uint256 second) public {
        first = between(first, 1, BATCHES - 1);
        second = between(second, 0, first - 1);
        convict(first);
        passToSoundLeader();
        Posted memory later = postAll(chain, 0, 3);
        assertEq(later.header.generation, 1, "generation");
        assertEq(later.header.index, first, "in its place");
        convict(second);
        (, uint64 nextIndex,,, uint64 generation) = rollup.headOf(chain);
        assertEq(nextIndex, second, "index");
        assertEq(generation, 2, "generation");
        passToSoundLeader();
        Posted memory last = postAll(chain, 0, 3);
        passTime(MAX_WINDOW);
        for (uint256 i = 0; i < BATCHES; i++) {
            if (i >= second) vm.expectRevert(fell(i));
            rollup.requireFinal(posted[i].header, posted[i].proof, true);
        }
        vm.expectRevert(abi.encodeWithSelector(RollupChain.BatchFell.selector, later.batchHash));
        rollup.requireFinal(later.header, later.proof, true);
        rollup.requireFinal(last.header, last.proof, true);
    }

    function test_aBatchOfALaterGenerationLeavesEarlierOnesStanding(uint256 from) public {
        from = between(from, 1, BATCHES - 1);
        convict(from);
        passToSoundLeader();
        Posted memory later = postAll(chain, 0, 3);
        rollup.convict(later.header, later.proof, posted[from - 1].header, PROVER);
        passTime(MAX_WINDOW);
        for (uint256 i = 0; i < from; i++) {
            rollup.requireFinal(posted[i].header, posted[i].proof, true);
        }
    }

    function test_thePreviousBatchIsShownWhereThereIsOne(uint256 wrong) public {
        uint256 index = BATCHES - 1;
        Posted memory batch = posted[index];
        BatchHeader memory other = posted[wrong % (index - 1)].header;
        vm.expectRevert(abi.encodeWithSelector(RollupChain.WrongPreviousBatch.selector, batch.header.previousBatchHash));
        rollup.convict(batch.header, batch.proof, other, PROVER);
    }

    function test_onlyTheFraudProofsConvict(address caller) public {
        vm.assume(caller != address(this));
        Posted memory batch = posted[0];
        BatchHeader memory previous = noBatch();
        vm.expectRevert(abi.encodeWithSelector(RollupChain.OnlyDisputes.selector, caller));
        vm.prank(caller);
        rollup.convict(batch.header, batch.proof, previous, PROVER);
    }

    function test_aFinalBatchStandsAndItsPosterIsSlashed(uint256 wait) public {
        Posted memory last = posted[BATCHES - 1];
        committee.vouch(last.batchHash);
        uint256 end = last.proof.postedAt + MAX_WINDOW;
        passTime(between(wait, last.proof.postedAt + MIN_WINDOW, end - 1) - block.timestamp);
        vm.expectEmit(true, true, false, true, address(rollup));
        emit RollupChain.Convicted(chain, last.batchHash, last.header.poster, DEPOSIT);
        convict(BATCHES - 1);
        (bytes32 hash,,,, uint64 generation) = rollup.headOf(chain);
        assertEq(hash, last.batchHash, "stands");
        assertEq(generation, 0, "no rollback");
        rollup.requireFinal(last.header, last.proof, false);
    }

    function test_afterMaxWindowNobodyIsConvicted(uint256 late) public {
        uint256 end = posted[0].proof.postedAt + MAX_WINDOW;
        passTime(end - 1 - block.timestamp);
        uint256 snapshot = vm.snapshotState();
        convict(0);
        vm.revertToState(snapshot);
        passTime(1 + between(late, 0, 100));
        refuseConviction(0, abi.encodeWithSelector(RollupChain.TooLate.selector, end));
    }

    function test_aVouchedBatchIsFinalForMTAfterMinWindowAndForMessagesAfterMaxWindow(uint256 time) public {
        passEpochs(1);
        Posted memory batch = postAll(chain, 0, 5);
        uint256 wait = between(time, 0, 2 * MAX_WINDOW);
        committee.vouch(batch.batchHash);
        passTime(wait);
        uint256 postedAt = batch.proof.postedAt;
        if (wait < MIN_WINDOW) {
            vm.expectRevert(abi.encodeWithSelector(RollupChain.NotFinal.selector, postedAt + MIN_WINDOW));
        }
        rollup.requireFinal(batch.header, batch.proof, false);
        if (wait < MAX_WINDOW) {
            vm.expectRevert(abi.encodeWithSelector(RollupChain.NotFinal.selector, postedAt + MAX_WINDOW));
        }
        rollup.requireFinal(batch.header, batch.proof, true);
    }

    function test_withoutACommitteeEveryBatchWaitsForMaxWindow(uint256 wait) public {
        Posted memory batch = postAll(chain, 0, 5);
        wait = between(wait, 0, MAX_WINDOW - 1);
        passTime(wait);
        vm.expectRevert(abi.encodeWithSelector(RollupChain.NotFinal.selector, batch.proof.postedAt + MAX_WINDOW));
        rollup.requireFinal(batch.header, batch.proof, false);
    }

    // Replays (I11)

    function test_aBatchOfAnEarlierGenerationIsNotTakenAgain() public {
        uint256 slot = slotNow();
        RollupChain.BatchInput memory input = nextInput(chain);
        input.queueEnd = 1;
        sign(input, DATA);
        uint256 snapshot = vm.snapshotState();
        carry(one(input), noItems(), DATA);
        vm.revertToState(snapshot);
        convict(BATCHES - 1);
        carry(one(postAgain(input)), noItems(), DATA);
        assertEq(slot, slotNow(), "the same slot");
        vm.expectRevert(abi.encodeWithSelector(RollupChain.WrongSignature.selector, input.poster));
        carry(one(input), noItems(), DATA);
    }

    /// @dev A batch in the place of the fallen one, in the present generation, by the present leader.
    function postAgain(RollupChain.BatchInput memory old) private view returns (RollupChain.BatchInput memory input) {
        input = nextInput(chain);
        input.queueEnd = old.queueEnd;
        input.transactionsRoot = keccak256("again");
        sign(input, DATA);
    }

    function test_aBatchOfOneChainIsNoneOfAnother(uint8 which) public {
        uint256 other = createDac("beta");
        uint256 third = createDac("gamma");
        RollupChain.BatchInput memory input = nextInput(other);
        sign(input, DATA);
        input.chainId = uint64(which % 2 == 0 ? third : comco.chainIdBase() + 99);
        vm.expectRevert();
        carry(one(input), noItems(), DATA);
        input.chainId = uint64(other);
        carry(one(input), noItems(), DATA);
    }

    function test_aSignatureIsForOneNetwork(address comco2, uint64 chainId) public {
        vm.assume(comco2 != address(comco));
        RollupChain.BatchInput memory input = nextInput(chain);
        input.queueEnd = 1;
        BatchHeader memory header = headerOf(input, DATA);
        bytes32 hash = keccak256(abi.encode(header));
        refuseDomain(input, hash, block.chainid, comco2);
        if (chainId != block.chainid) refuseDomain(input, hash, chainId, address(comco));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(keyOf[input.poster], hash);
        (input.r, input.vs) = (r, bytes32(uint256(s) | uint256(v - 27) << 255));
        vm.expectRevert(abi.encodeWithSelector(RollupChain.WrongSignature.selector, input.poster));
        carry(one(input), noItems(), DATA);
        assertEq(rollup.batchDigest(hash, input.slot), digest(hash, block.chainid, address(comco)), "digest");
    }

    function digest(bytes32 hash, uint256 chainId, address network) private view returns (bytes32) {
        bytes32 domain = keccak256(abi.encodePacked(keccak256("mvm/network/1"), chainId, network));
        bytes32 randomness = beacon.randomnessOf(beacon.currentEpoch());
        return keccak256(abi.encodePacked(keccak256("mvm/batch/1"), domain, randomness, hash));
    }

    function refuseDomain(RollupChain.BatchInput memory input, bytes32 hash, uint256 chainId, address network) private {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(keyOf[input.poster], digest(hash, chainId, network));
        (input.r, input.vs) = (r, bytes32(uint256(s) | uint256(v - 27) << 255));
        vm.expectRevert(abi.encodeWithSelector(RollupChain.WrongSignature.selector, input.poster));
        carry(one(input), noItems(), DATA);
    }
}
