// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BatchContext} from "../src/BatchLayout.sol";
import {BatchFaults} from "../src/BatchReader.sol";
import {BatchDecoderHarness} from "./base/BatchDecoderHarness.sol";
import {Test} from "./base/Test.sol";

/// @notice The vectors of packages/protocol/vectors/batchFormat.json, and totality on any bytes.
contract BatchDecoderTest is Test {
    BatchDecoderHarness private decoder;
    string private vectors;
    bytes private data;

    function setUp() public {
        decoder = new BatchDecoderHarness();
        vectors = vm.readFile("../packages/protocol/vectors/batchFormat.json");
        data = vm.parseJsonBytes(vectors, ".data");
    }

    function entry(string memory list, uint256 i) private pure returns (string memory) {
        return string.concat(".", list, "[", vm.toString(i), "]");
    }

    function addressesOf(uint256 count) private pure returns (address[] memory list) {
        list = new address[](count);
        for (uint256 i = 0; i < count; i++) {
            list[i] = address(uint160(0xabc0000 + i));
        }
    }

    function checkTransaction(string memory json, uint256 blockPosition, uint256 position) private view {
        string memory key = entry("transactions", position);
        string memory name = vm.parseJsonString(json, string.concat(key, ".name"));
        address[] memory resolved = vm.parseJsonAddressArray(json, string.concat(key, ".resolved"));
        (uint8 fault, bytes memory raw, uint256[] memory indices) =
            decoder.transactionAt(data, blockPosition, position, resolved);
        assertEq(fault, BatchFaults.NONE, name);
        assertEq(raw, vm.parseJsonBytes(json, string.concat(key, ".raw")), name);
        uint256[] memory stated = vm.parseJsonUintArray(json, string.concat(key, ".indices"));
        assertEq(keccak256(abi.encode(indices)), keccak256(abi.encode(stated)), name);

        (fault, raw, indices) = decoder.transactionAt(data, blockPosition, position, addressesOf(resolved.length + 1));
        assertEq(fault, BatchFaults.UNRESOLVED, name);
        assertEq(raw, "", name);
        assertEq(keccak256(abi.encode(indices)), keccak256(abi.encode(stated)), name);
    }

    function test_decodesTheTransactionsOfTheVectorsInBothBlocks() public view {
        string memory json = vectors;
        uint256 count = 0;
        for (; vm.keyExistsJson(json, entry("transactions", count)); count++) {
            checkTransaction(json, 0, count);
            checkTransaction(json, 1, count);
        }
        assertTrue(count > 0, "vectors");
        (uint8 fault,,) = decoder.transactionAt(data, 0, count, addressesOf(0));
        assertEq(fault, BatchFaults.ABSENT, "no such transaction");
        (fault,,) = decoder.transactionAt(data, 2, 0, addressesOf(0));
        assertEq(fault, BatchFaults.ABSENT, "a block without transactions");
        (fault,,) = decoder.transactionAt(data, 3, 0, addressesOf(0));
        assertEq(fault, BatchFaults.ABSENT, "no such block");
    }

    function test_decodesTheContextsOfTheVectors() public view {
        (uint8 fault, BatchContext memory context) = decoder.contextAt(data, 0);
        assertEq(fault, BatchFaults.NONE, "first");
        assertEq(context.timestamp, 1_800_000_000, "timestamp");
        assertEq(context.slot, 9, "slot");
        assertEq(context.queueItems, 1, "queue items");
        assertEq(context.randomness, vm.parseJsonBytes32(vectors, ".contexts[0].randomness"), "randomness");
        assertEq(context.evidence, vm.parseJsonBytes32(vectors, ".contexts[0].evidence"), "evidence");
        assertTrue(context.byPoster && context.sequencer == address(0), "by the poster");
        assertEq(context.providers.length, 2, "providers");
        assertTrue(context.providers[0] == 7 && context.providers[1] == 300, "providers");
        assertEq(context.seated, 2, "seated");
        assertEq(context.transactionCount, 10, "transactions");
        (fault, context) = decoder.contextAt(data, 1);
        assertEq(fault, BatchFaults.NONE, "second");
        assertEq(context.timestamp, 1_800_000_000, "timestamp");
        assertEq(context.slot, 10, "slot");
        assertTrue(!context.byPoster && context.sequencer != address(0), "by another");
        assertEq(context.sequencer, vm.parseJsonAddress(vectors, ".contexts[1].sequencer"), "sequencer");
        assertEq(context.providers.length, 2, "stand-ins");
        assertTrue(context.providers[0] == 128 && context.providers[1] == 0 && context.seated == 0, "stand-ins");
        (fault, context) = decoder.contextAt(data, 2);
        assertEq(fault, BatchFaults.NONE, "third");
        assertEq(context.timestamp, 1_800_000_003, "timestamp");
        assertEq(context.slot, 11, "slot");
        assertEq(context.queueItems, 4, "queue items");
        assertEq(context.randomness, vm.parseJsonBytes32(vectors, ".contexts[2].randomness"), "randomness");
        assertEq(context.evidence, vm.parseJsonBytes32(vectors, ".contexts[2].evidence"), "evidence");
        assertTrue(context.providers.length == 0 && context.seated == 0 && context.transactionCount == 0, "no job");
        (fault,) = decoder.contextAt(data, 3);
        assertEq(fault, BatchFaults.ABSENT, "no such block");
        (, uint256 chainId, uint256 generation, uint256 blockCount) = decoder.origin(data);
        assertTrue(chainId == 1088 && generation == 5 && blockCount == 3, "origin");
        (, uint256 items) = decoder.queueItemsOf(data, 3);
        assertEq(items, 5, "items of all");
    }

    function test_givesWhoServedForEveryByteThatSaysIt() public view {
        string memory json = vectors;
        uint256 i = 0;
        for (; vm.keyExistsJson(json, entry("works", i)); i++) {
            string memory key = entry("works", i);
            bytes memory own = vm.parseJsonBytes(json, string.concat(key, ".data"));
            (uint8 fault, BatchContext memory context) = decoder.contextAt(own, 0);
            assertEq(fault, BatchFaults.NONE, key);
            uint256[] memory served = vm.parseJsonUintArray(json, string.concat(key, ".served"));
            assertEq(context.providers.length, served.length, key);
            for (uint256 j = 0; j < served.length; j++) {
                assertEq(context.providers[j], served[j], key);
            }
            assertEq(context.seated, vm.parseJsonUint(json, string.concat(key, ".seated")), key);
            (uint8 none, uint256 items) = decoder.queueItemsOf(own, 1);
            assertTrue(none == BatchFaults.NONE && items == 1, key);
        }
        assertEq(i, 25, "vectors");
    }

    function test_everyOtherByteOfWorkIsReserved() public view {
        bytes memory own = vm.parseJsonBytes(vectors, ".otherWorkBytes.data");
        uint256 place = vm.parseJsonUint(vectors, ".otherWorkBytes.at");
        uint256[] memory others = vm.parseJsonUintArray(vectors, ".otherWorkBytes.bytes");
        assertEq(others.length, 256 - 25, "vectors");
        for (uint256 i = 0; i < others.length; i++) {
            own[place] = bytes1(uint8(others[i]));
            assertEq(decoder.contextGroupFault(own, 0), BatchFaults.RESERVED, "reserved");
            (uint8 fault,) = decoder.contextAt(own, 0);
            assertEq(fault, BatchFaults.RESERVED, "reserved");
        }
    }

    function test_givesTheAddressesThatAreInline() public view {
        (uint8 fault, uint256[] memory indices, address[] memory inlined) = decoder.referencesAt(data, 0, 4);
        assertEq(fault, BatchFaults.NONE, "fault");
        assertTrue(indices.length == 2 && indices[0] == 0 && indices[1] == 9, "indices");
        assertTrue(inlined.length == 1, "inline");
        assertEq(inlined[0], vm.parseJsonAddressArray(vectors, ".inline")[0], "address");
    }

    function test_findsNothingWrongWithTheVectors() public view {
        assertEq(decoder.contextGroupFault(data, 0), BatchFaults.NONE, "contexts");
        assertEq(decoder.contextGroupFault(data, 1), BatchFaults.ABSENT, "contexts of no group");
        assertEq(decoder.rowGroupFault(data, 0), BatchFaults.NONE, "rows");
        assertEq(decoder.rowGroupFault(data, 1), BatchFaults.NONE, "last rows");
        assertEq(decoder.rowGroupFault(data, 2), BatchFaults.ABSENT, "rows of no group");
    }

    function test_givesTheFaultsOfTheVectors() public view {
        string memory json = vectors;
        uint256 i = 0;
        for (; vm.keyExistsJson(json, entry("faults", i)); i++) {
            string memory key = entry("faults", i);
            string memory name = vm.parseJsonString(json, string.concat(key, ".name"));
            bytes memory bad = vm.parseJsonBytes(json, string.concat(key, ".data"));
            uint256 group = vm.parseJsonUint(json, string.concat(key, ".rowGroup"));
            uint256 contextFault = vm.parseJsonUint(json, string.concat(key, ".contextFault"));
            assertEq(decoder.contextGroupFault(bad, 0), contextFault, name);
            uint256 rowFault = vm.parseJsonUint(json, string.concat(key, ".rowFault"));
            assertEq(decoder.rowGroupFault(bad, group), rowFault, name);
        }
        assertTrue(i > 40, "vectors");
    }

    function askEverything(bytes memory bytes_, uint256 blockPosition, uint256 position) private view {
        decoder.origin(bytes_);
        decoder.contextAt(bytes_, blockPosition);
        decoder.contextGroupFault(bytes_, blockPosition);
        decoder.rowGroupFault(bytes_, position);
        (uint8 fault, uint256[] memory indices, address[] memory inlined) =
            decoder.referencesAt(bytes_, blockPosition, position);
        bytes memory raw;
        (uint8 same,,) = decoder.transactionAt(bytes_, blockPosition, position, addressesOf(indices.length));
        assertEq(same, fault, "the same fault");
        (same, raw,) = decoder.transactionAt(bytes_, blockPosition, position, addressesOf(indices.length + 1));
        assertTrue(same != BatchFaults.NONE && raw.length == 0, "never without addresses");
        assertTrue(indices.length + inlined.length <= 65, "bounded");
    }

    function testFuzz_neverRevertsOnRandomBytes(bytes calldata noise, uint8 blockPosition, uint8 position) public view {
        askEverything(noise, blockPosition, position);
        askEverything(bytes.concat(hex"040100", noise), blockPosition % 4, position % 4);
        askEverything(bytes.concat(hex"0401000100000000000000000000", noise), 0, position % 4);
    }

    function testFuzz_neverRevertsOnChangedBatches(uint256 at, uint8 bits, uint256 more, uint8 position) public view {
        bytes memory changed = data;
        uint256 place = at % changed.length;
        changed[place] = bytes1(uint8(changed[place]) ^ bits);
        // Half of the second changes lie before the rows, where the structure is.
        place = more % (more % 2 == 0 ? changed.length : 320);
        changed[place] = bytes1(uint8(more >> 248));
        askEverything(changed, position % 4, position % 11);
    }

    function testFuzz_neverRevertsForAnyPosition(uint256 blockPosition, uint256 position) public view {
        askEverything(data, blockPosition, position);
        askEverything(data, blockPosition % 3, position);
    }
}
