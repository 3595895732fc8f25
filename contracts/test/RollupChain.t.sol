// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BondManager} from "../src/BondManager.sol";
import {DacRegistry} from "../src/DacRegistry.sol";
import {IInbox} from "../src/interfaces/IInbox.sol";
import {IRandomBeacon} from "../src/interfaces/IRandomBeacon.sol";
import {BatchHeader, BatchProof} from "../src/interfaces/IRollupChain.sol";
import {RollupChain} from "../src/RollupChain.sol";
import {BatchHeadersReader} from "./base/BatchHeadersReader.sol";
import {RollupTest} from "./base/RollupTest.sol";

/// @notice What a batch has to be, whoever's turn it is.
/// forge-config: default.fuzz.runs = 64
contract RollupChainTest is RollupTest {
    uint256 private chain;

    function setUp() public {
        deployRollup(3, 10 * MIN_STAKE);
        chain = createDac("alpha");
    }

    function test_batchesContinueTheChain(uint64 blocks, uint8 rounds) public {
        bytes32 previous = registry.genesisHashOf(chain);
        for (uint64 i = 0; i < rounds % 4 + 1; i++) {
            RollupChain.BatchInput memory input = nextInput(chain);
            (,, uint64 last,,) = rollup.headOf(chain);
            input.lastBlock = last + uint64(between(blocks, 1, 2048));
            BatchHeader memory header = sign(input, DATA);
            assertEq(header.previousBatchHash, previous, "previous");
            previous = keccak256(abi.encode(header));
            vm.expectEmit(true, true, false, true, address(rollup));
            emit RollupChain.BatchAppended(chain, i, previous, header);
            vm.expectEmit(true, false, false, true, address(rollup));
            emit RollupChain.BatchesPosted(previous, 1, uint64(block.timestamp));
            carry(one(input), noItems(), DATA);
            (bytes32 lastHash, uint64 nextIndex, uint64 lastBlock,, uint64 generation) = rollup.headOf(chain);
            assertEq(lastHash, previous, "hash");
            assertEq(nextIndex, i + 1, "index");
            assertEq(lastBlock, input.lastBlock, "block");
            assertEq(generation, 0, "generation");
            passBlocks(7);
        }
    }

    function test_hashesOfHeadersAreThoseOfTheirEncoding(BatchHeader calldata header) public {
        BatchHeadersReader reader = new BatchHeadersReader();
        assertEq(reader.hash(header), keccak256(abi.encode(header)), "memory");
        assertEq(reader.hashOf(header), keccak256(abi.encode(header)), "calldata");
        if (header.lastBlock >= header.firstBlock) {
            assertEq(reader.blockCount(header), uint256(header.lastBlock - header.firstBlock) + 1, "blocks");
        }
    }

    function test_anUnknownChainTakesNoBatch(uint64 unknown) public {
        vm.assume(unknown != chain);
        RollupChain.BatchInput memory input = nextInput(chain);
        sign(input, DATA);
        input.chainId = unknown;
        vm.expectRevert(abi.encodeWithSelector(DacRegistry.UnknownChain.selector, uint256(unknown)));
        carry(one(input), noItems(), DATA);
    }

    function test_anIndexBeyondTheNextIsRefused(uint64 index) public {
        postNext(chain);
        RollupChain.BatchInput memory input = nextInput(chain);
        input.index = uint64(between(index, 2, type(uint64).max));
        refuse(input, abi.encodeWithSelector(RollupChain.WrongIndex.selector, 1, input.index));
    }

    function test_aBatchHasOneTo2048Blocks(uint64 last) public {
        passBlocks(1);
        postNext(chain);
        RollupChain.BatchInput memory input = nextInput(chain);
        input.lastBlock = last % 6;
        refuse(input, abi.encodeWithSelector(RollupChain.WrongBlockRange.selector, 6, input.lastBlock));
        input.lastBlock = uint64(between(last, 6 + 2048, type(uint64).max));
        refuse(input, abi.encodeWithSelector(RollupChain.WrongBlockRange.selector, 6, input.lastBlock));
        input.lastBlock = 5 + 2048;
        post(input);
    }

    function test_dataLieWithinTheArgument(uint32 offset, uint32 length) public {
        RollupChain.BatchInput memory input = nextInput(chain);
        (input.offset, input.length) = (offset, length);
        if (length > 0 && uint256(offset) + length <= DATA.length) {
            input.length = uint32(DATA.length) + 1;
            input.offset = 0;
        }
        BatchHeader memory unsigned;
        signHash(input, keyOf[input.poster], keccak256(abi.encode(unsigned)));
        vm.expectRevert(abi.encodeWithSelector(RollupChain.WrongDataRange.selector, input.offset, input.length));
        carry(one(input), noItems(), DATA);
    }

    function test_aSliceOfTheArgumentIsABatchsData(uint32 offset, uint32 length) public {
        RollupChain.BatchInput memory input = nextInput(chain);
        input.offset = uint32(between(offset, 0, DATA.length - 1));
        input.length = uint32(between(length, 1, DATA.length - input.offset));
        Posted memory posted = post(input);
        (bytes32 last,,,,) = rollup.headOf(chain);
        assertEq(last, posted.batchHash, "hash of the slice");
    }

    function test_dataInCalldataAreBounded() public {
        RollupChain.BatchInput memory input = nextInput(chain);
        bytes memory data = new bytes(98_305);
        input.length = 98_305;
        sign(input, data);
        vm.expectRevert(abi.encodeWithSelector(RollupChain.WrongDataRange.selector, 0, 98_305));
        carry(one(input), noItems(), data);
        input.length = 98_304;
        sign(input, data);
        carry(one(input), noItems(), data);
    }

    function test_dataInABlobAreNamedByItsHashAndPlace(uint32 offset, uint32 length, bytes32 hash) public {
        vm.assume(hash != 0);
        bytes32[] memory hashes = new bytes32[](2);
        hashes[1] = hash;
        vm.blobhashes(hashes);
        RollupChain.BatchInput memory input = nextInput(chain);
        input.blob = 2;
        input.offset = uint32(between(offset, 0, 126_975));
        input.length = uint32(between(length, 1, 126_976 - input.offset));
        BatchHeader memory header = headerOf(input, DATA);
        header.blobHash = hash;
        header.dataHash = bytes32(uint256(input.offset) << 32 | input.length);
        signHash(input, keyOf[input.poster], keccak256(abi.encode(header)));
        carry(one(input), noItems(), "");
        (bytes32 last,,,,) = rollup.headOf(chain);
        assertEq(last, keccak256(abi.encode(header)), "hash");
    }

    function test_dataOutsideOfABlobAreRefused(uint32 offset, uint32 length, uint8 blob) public {
        bytes32[] memory hashes = new bytes32[](1);
        hashes[0] = keccak256("blob");
        vm.blobhashes(hashes);
        RollupChain.BatchInput memory input = nextInput(chain);
        input.blob = 1;
        (input.offset, input.length) = (offset, length);
        if (length > 0 && uint256(offset) + length <= 126_976) input.length = 126_977;
        vm.expectRevert(abi.encodeWithSelector(RollupChain.WrongDataRange.selector, input.offset, input.length));
        carry(one(input), noItems(), "");
        (input.offset, input.length) = (0, 126_976);
        input.blob = uint8(between(blob, 2, 255));
        vm.expectRevert(abi.encodeWithSelector(RollupChain.UnknownBlob.selector, input.blob));
        carry(one(input), noItems(), "");
    }

    function test_anybodyCarriesABatch(address carrier) public {
        vm.assume(carrier != address(vm) && carrier.code.length == 0);
        RollupChain.BatchInput memory input = nextInput(chain);
        sign(input, DATA);
        vm.prank(carrier, carrier);
        rollup.appendBatches(one(input), noItems(), DATA);
        assertEq(bonds.lockOf(input.poster, chain), 0, "without MT no lock");
    }

    function test_aContractCannotHideDataByCarryingThem() public {
        RollupChain.BatchInput memory input = nextInput(chain);
        sign(input, DATA);
        vm.expectRevert(abi.encodeWithSelector(RollupChain.DataNotInInput.selector, address(this)));
        rollup.appendBatches(one(input), noItems(), DATA);
        vm.etch(CARRIER, hex"ef01000000000000000000000000000000000000000001");
        vm.expectRevert(abi.encodeWithSelector(RollupChain.DataNotInInput.selector, CARRIER));
        carry(one(input), noItems(), DATA);
        vm.etch(CARRIER, "");
        carry(one(input), noItems(), DATA);
    }

    function test_aBatchSignedByAnotherIsRefused(uint256 pick, bytes32 noise) public {
        RollupChain.BatchInput memory input = nextInput(chain);
        bytes32 hash = keccak256(abi.encode(headerOf(input, DATA)));
        address elected = input.poster;
        address signer = sequencers[pick % 3];
        bytes memory reason = abi.encodeWithSelector(RollupChain.WrongSignature.selector, elected);
        if (signer != elected) {
            signHash(input, keyOf[signer], hash);
            vm.expectRevert(reason);
            carry(one(input), noItems(), DATA);
        }
        signHash(input, keyOf[elected], hash);
        input.vs = input.vs ^ noise;
        if (noise == 0) input.r = 0;
        vm.expectRevert(reason);
        carry(one(input), noItems(), DATA);
    }

    function test_nobodyIsThePosterOfAnInvalidSignature(bytes32 r, bytes32 vs) public {
        RollupChain.BatchInput memory input = nextInput(chain);
        input.poster = address(0);
        (input.r, input.vs) = (r, vs);
        vm.expectRevert(abi.encodeWithSelector(RollupChain.WrongSignature.selector, address(0)));
        carry(one(input), noItems(), DATA);
    }

    function test_aSignatureIsForAllFieldsOfItsBatch(uint256 field) public {
        RollupChain.BatchInput memory input = nextInput(chain);
        sign(input, DATA);
        field = field % 5;
        if (field == 0) input.lastBlock++;
        if (field == 1) input.length--;
        if (field == 2) input.blocksRoot = keccak256("other");
        if (field == 3) input.transactionsRoot = keccak256("other");
        if (field == 4) {
            passEpochs(1);
            input.slot++;
        }
        vm.expectRevert(abi.encodeWithSelector(RollupChain.WrongSignature.selector, input.poster));
        carry(one(input), noItems(), DATA);
    }

    function test_aTransactionBringsAtLeastOneAndAtMost256Batches() public {
        vm.expectRevert(abi.encodeWithSelector(RollupChain.WrongBatchCount.selector, 0));
        carry(new RollupChain.BatchInput[](0), noItems(), DATA);
        vm.expectRevert(abi.encodeWithSelector(RollupChain.WrongBatchCount.selector, 257));
        carry(new RollupChain.BatchInput[](257), noItems(), DATA);
    }

    function test_parametersHaveTheirBounds(uint256 which) public {
        RollupChain.RollupParameters memory times = RollupChain.RollupParameters(8, 1, 20, 20, 0, 1, 2, 0);
        RollupChain.Neighbours memory neighbours = RollupChain.Neighbours(
            registry, IInbox(inbox), IRandomBeacon(beacon), sequencerPool, bonds, address(0), address(0), committee
        );
        new RollupChain(neighbours, times, address(comco));
        which = which % 4;
        if (which == 0) times.postGrace = 9;
        if (which == 1) times.rankDelay = 0;
        if (which == 2) times.minWindow = 21;
        if (which == 3) times.openAfter = 2;
        vm.expectRevert(abi.encodeWithSelector(RollupChain.InvalidParameters.selector));
        new RollupChain(neighbours, times, address(comco));
    }

    function test_aBatchLocksTheThresholdOfItsSlotsSnapshot() public {
        depositFrom(USER, chain, 3 ether + 1);
        passEpochs(1);
        RollupChain.BatchInput memory input = nextInput(chain);
        assertEq(inbox.queueLengthAt(chain, input.slot - 2), 0, "not counted yet");
        input.queueEnd = 1;
        refuse(input, abi.encodeWithSelector(RollupChain.QueueEndBeyondQueue.selector, 0, 1));
        Posted memory posted = postNext(chain);
        assertEq(bonds.lockOf(posted.header.poster, chain), 0, "nothing to cover");
        passEpochs(1);
        posted = postAll(chain, 0, 5);
        assertEq(posted.header.queueEnd, 1, "consumed");
        assertEq(bonds.lockOf(posted.header.poster, chain), 4 ether, "rounded up");
    }

    function test_aStakeThatOtherChainsTookDoesNotPost() public {
        uint256 second = createDac("beta");
        depositFrom(USER, chain, 9 * MIN_STAKE);
        depositFrom(USER, second, 9 * MIN_STAKE);
        passEpochs(2);
        uint64 slot = slotNow();
        while (rollup.sequencerOf(chain, slot, 0) != rollup.sequencerOf(second, slot, 0)) {
            passEpochs(1);
            slot = slotNow();
        }
        Posted memory posted = postAll(chain, 0, 5);
        RollupChain.BatchInput memory input = nextInput(second);
        input.queueEnd = 1;
        refuse(
            input,
            abi.encodeWithSelector(
                BondManager.InsufficientBond.selector, posted.header.poster, MIN_STAKE, 9 * MIN_STAKE
            )
        );
    }
}

/// @notice One transaction for batches of many chains.
/// forge-config: default.fuzz.runs = 64
contract SharedPostingTest is RollupTest {
    uint256[] private chains;

    function setUp() public {
        deployRollup(3, 10 * MIN_STAKE);
        string[5] memory labels = ["alpha", "beta", "gamma", "delta", "epsilon"];
        for (uint256 i = 0; i < labels.length; i++) {
            chains.push(createDac(labels[i]));
        }
    }

    function inputs(uint256 count)
        private
        view
        returns (RollupChain.BatchInput[] memory all, BatchHeader[] memory headers)
    {
        all = new RollupChain.BatchInput[](count);
        headers = new BatchHeader[](count);
        for (uint256 i = 0; i < count; i++) {
            all[i] = nextInput(chains[i]);
            headers[i] = sign(all[i], DATA);
        }
    }

    function test_everyBatchOfATransactionIsProvenByItsPlaceAlone(uint256 count, uint256 place, uint256 wrong) public {
        count = between(count, 1, 5);
        place = place % count;
        (RollupChain.BatchInput[] memory all, BatchHeader[] memory headers) = inputs(count);
        carry(all, noItems(), DATA);
        bytes32[] memory hashes = new bytes32[](count);
        for (uint256 i = 0; i < count; i++) {
            hashes[i] = keccak256(abi.encode(headers[i]));
        }
        (, bytes32[] memory siblings) = merkle(hashes, place);
        BatchProof memory proof = BatchProof(uint64(block.timestamp), place, count, siblings);
        passTime(MAX_WINDOW);
        assertEq(rollup.requireFinal(headers[place], proof, true), hashes[place], "proven");

        wrong = wrong % 5;
        bytes32 hash = hashes[place];
        if (wrong == 0) proof.position = place + count;
        if (wrong == 1) proof.count = count + 8;
        if (wrong == 2) proof.postedAt--;
        if (wrong == 3) proof.siblings = new bytes32[](siblings.length + 1);
        if (wrong == 4) {
            headers[place].slot--;
            hash = keccak256(abi.encode(headers[place]));
        }
        vm.expectRevert(abi.encodeWithSelector(RollupChain.UnknownBatch.selector, hash));
        rollup.requireFinal(headers[place], proof, true);
    }

    function test_oneBatchThatWasFasterIsPassedOverAndTheOthersAreTaken(uint256 faster) public {
        faster = faster % 5;
        (RollupChain.BatchInput[] memory all, BatchHeader[] memory headers) = inputs(5);
        carry(one(all[faster]), noItems(), DATA);
        passBlocks(1);
        carry(all, noItems(), DATA);
        bytes32[] memory hashes = new bytes32[](4);
        for (uint256 i = 0; i < 5; i++) {
            (bytes32 last, uint64 nextIndex,,,) = rollup.headOf(chains[i]);
            assertEq(nextIndex, 1, "once");
            assertEq(last, keccak256(abi.encode(headers[i])), "taken");
            if (i != faster) hashes[i < faster ? i : i - 1] = last;
        }
        (, bytes32[] memory siblings) = merkle(hashes, 0);
        uint64 postedAt = uint64(block.timestamp);
        passTime(MAX_WINDOW);
        rollup.requireFinal(headers[faster == 0 ? 1 : 0], BatchProof(postedAt, 0, 4, siblings), true);
        rollup.requireFinal(headers[faster], BatchProof(postedAt - 1, 0, 1, new bytes32[](0)), true);
    }

    function test_aTransactionOfPostedBatchesAloneIsRefused() public {
        (RollupChain.BatchInput[] memory all,) = inputs(3);
        carry(all, noItems(), DATA);
        vm.expectRevert(abi.encodeWithSelector(RollupChain.NothingToAppend.selector));
        carry(all, noItems(), DATA);
    }

    function test_oneChainsNextBatchesGoIntoOneTransaction() public {
        RollupChain.BatchInput[] memory all = new RollupChain.BatchInput[](2);
        all[0] = nextInput(chains[0]);
        BatchHeader memory first = sign(all[0], DATA);
        all[1] = nextInput(chains[0]);
        all[1].index = 1;
        all[1].lastBlock = 9;
        BatchHeader memory second = headerOf(all[1], DATA);
        second.previousBatchHash = keccak256(abi.encode(first));
        second.firstBlock = 6;
        signHash(all[1], keyOf[all[1].poster], keccak256(abi.encode(second)));
        carry(all, noItems(), DATA);
        (bytes32 last, uint64 nextIndex, uint64 lastBlock,,) = rollup.headOf(chains[0]);
        assertEq(last, keccak256(abi.encode(second)), "hash");
        assertEq(nextIndex, 2, "index");
        assertEq(lastBlock, 9, "block");
    }
}
