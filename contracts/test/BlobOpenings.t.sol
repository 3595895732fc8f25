// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BlobOpenings} from "../src/BlobOpenings.sol";
import {BlobPolynomial} from "../src/BlobPolynomial.sol";
import {BlobTest} from "./base/BlobTest.sol";
import {BlobVectors} from "./base/BlobVectors.sol";

contract BlobOpeningsTest is BlobTest {
    bytes32 private constant HASH = BlobVectors.VERSIONED_HASH;
    /// @dev Versioned hash of the blob of zeros, and the point at infinity, which is its commitment and every proof of it.
    bytes32 private constant ZERO_BLOB_HASH = 0x010657f37554c781402a22917dee2f75def7ab966d7b770905398eba3c444014;
    bytes private constant INFINITY =
        hex"c00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000";

    BlobOpenings private openings;
    bytes private stream;

    function setUp() public {
        openings = new BlobOpenings();
        stream = streamData();
    }

    function open(bytes memory data, uint256 offset, uint256 length) private returns (bytes32) {
        return openings.openBlob(HASH, data, BlobVectors.COMMITMENT, BlobVectors.PROOF, offset, length);
    }

    function challengeOf(bytes32 versionedHash, bytes memory data) private pure returns (uint256) {
        bytes32 tag = keccak256("mvm/blob-opening/1");
        return uint256(keccak256(abi.encodePacked(tag, versionedHash, keccak256(data)))) % BlobPolynomial.MODULUS;
    }

    // --- openBlob ---

    /// forge-config: default.fuzz.runs = 16
    function testFuzz_opensAnySliceOfABlob(uint256 offset, uint256 length) public {
        bytes memory data = stream;
        offset = between(offset, 0, data.length - 1);
        length = between(length, 1, data.length - offset);
        bytes32 expected = keccak256(slice(data, offset, length));
        vm.expectEmit(true, true, true, true, address(openings));
        emit BlobOpenings.SliceOpened(HASH, offset, length, expected);
        assertEq(open(data, offset, length), expected, "returned");
        assertEq(openings.sliceHash(HASH, offset, length), expected, "kept");
    }

    function test_opensTheWholeAndTheEnds() public {
        bytes memory data = stream;
        assertEq(open(data, 0, data.length), keccak256(data), "whole");
        assertEq(open(data, 0, 1), keccak256(slice(data, 0, 1)), "first byte");
        assertEq(open(data, data.length - 1, 1), keccak256(slice(data, data.length - 1, 1)), "last byte");
    }

    function test_opensTheBlobOfZeros() public {
        bytes memory zeros = new bytes(BlobPolynomial.DATA_BYTES);
        bytes32 hash = openings.openBlob(ZERO_BLOB_HASH, zeros, INFINITY, INFINITY, 0, 100);
        assertEq(hash, keccak256(new bytes(100)), "zeros");
    }

    function test_theChallengeIsThatOfTheVectors() public view {
        assertEq(challengeOf(HASH, stream), BlobVectors.CHALLENGE, "challenge");
    }

    function test_openingAgainChangesNothing() public {
        bytes memory data = stream;
        bytes32 hash = open(data, 5, 50);
        assertEq(open(data, 5, 50), hash, "same hash");
        assertEq(openings.sliceHash(HASH, 5, 50), hash, "still kept");
    }

    /// forge-config: default.fuzz.runs = 16
    function testFuzz_refusesDataWithAnotherByte(uint256 place, uint8 difference) public {
        bytes memory data = stream;
        place = between(place, 0, data.length - 1);
        data[place] ^= bytes1(uint8(between(difference, 1, 255)));
        uint256 point = challengeOf(HASH, data);
        uint256 value = new ValueReader().valueOf(data, point);
        vm.expectRevert(abi.encodeWithSelector(BlobOpenings.OpeningRefused.selector, HASH, point, value));
        open(data, place, 1);
        vm.expectRevert(abi.encodeWithSelector(BlobOpenings.SliceNotOpened.selector, HASH, place, 1));
        openings.sliceHash(HASH, place, 1);
    }

    /// forge-config: default.fuzz.runs = 16
    function testFuzz_refusesEveryOtherProof(uint256 place, uint8 difference) public {
        bytes memory proof = BlobVectors.PROOF;
        proof[between(place, 0, 47)] ^= bytes1(uint8(between(difference, 1, 255)));
        expectRefused(HASH, BlobVectors.COMMITMENT, proof);
    }

    function test_refusesProofsOfOtherPointsAndCommitmentsOfOtherBlobs() public {
        expectRefused(HASH, BlobVectors.COMMITMENT, BlobVectors.FIRST_ELEMENT_PROOF);
        expectRefused(HASH, BlobVectors.COMMITMENT, INFINITY);
        expectRefused(HASH, BlobVectors.MALFORMED_COMMITMENT, BlobVectors.PROOF);
        expectRefused(BlobVectors.MALFORMED_VERSIONED_HASH, BlobVectors.COMMITMENT, BlobVectors.PROOF);
        expectRefused(
            BlobVectors.MALFORMED_VERSIONED_HASH, BlobVectors.MALFORMED_COMMITMENT, BlobVectors.OVERSIZED_PROOF
        );
        expectRefused(bytes32(0), BlobVectors.COMMITMENT, BlobVectors.PROOF);
    }

    function expectRefused(bytes32 versionedHash, bytes memory commitment, bytes memory proof) private {
        bytes memory data = stream;
        uint256 point = challengeOf(versionedHash, data);
        uint256 value = new ValueReader().valueOf(data, point);
        vm.expectRevert(abi.encodeWithSelector(BlobOpenings.OpeningRefused.selector, versionedHash, point, value));
        openings.openBlob(versionedHash, data, commitment, proof, 0, 1);
    }

    function testFuzz_refusesDataOfAnotherLength(uint256 length) public {
        length = between(length, 0, 200_000);
        if (length == BlobPolynomial.DATA_BYTES) length++;
        vm.expectRevert(abi.encodeWithSelector(BlobOpenings.WrongDataLength.selector, length));
        open(new bytes(length), 0, 1);
    }

    function testFuzz_refusesSlicesBeyondTheDataAndEmptyOnes(uint256 offset, uint256 length) public {
        bytes memory data = stream;
        if (length <= data.length) offset = between(offset, data.length - length + 1, type(uint256).max);
        expectWrongSlice(data, offset, length);
        expectWrongSlice(data, offset % data.length, 0);
        expectWrongSlice(data, type(uint256).max, 1);
        expectWrongSlice(data, 1, data.length);
        expectWrongSlice(data, 1, type(uint256).max);
    }

    function expectWrongSlice(bytes memory data, uint256 offset, uint256 length) private {
        bytes memory failure = abi.encodeWithSelector(BlobOpenings.WrongSlice.selector, offset, length);
        vm.expectRevert(failure);
        open(data, offset, length);
        vm.expectRevert(failure);
        openings.sliceFromElements(HASH, offset, length, new uint256[](1), BlobVectors.COMMITMENT, new bytes(48));
    }

    function testFuzz_refusesPointsOfAnotherLength(uint256 commitment, uint256 proof) public {
        commitment = between(commitment, 0, 100);
        proof = between(proof, 0, 100);
        if (commitment == 48) proof = between(proof, 0, 47);
        vm.expectRevert(abi.encodeWithSelector(BlobOpenings.WrongPointLength.selector, commitment, proof));
        openings.openElement(HASH, 0, 0, new bytes(commitment), new bytes(proof));
    }

    /// @dev 96 bytes in both, cut elsewhere, are the same input to the precompile.
    function test_refusesCommitmentAndProofCutElsewhere() public {
        bytes memory both = bytes.concat(BlobVectors.COMMITMENT, BlobVectors.FIRST_ELEMENT_PROOF);
        vm.expectRevert(abi.encodeWithSelector(BlobOpenings.WrongPointLength.selector, 96, 0));
        openings.openElement(HASH, 0, elementOf(stream, 0), both, "");
    }

    // --- single elements ---

    function test_opensTheFirstAndTheLastElement() public {
        bytes memory data = stream;
        openElement(data, 0, BlobVectors.FIRST_ELEMENT_PROOF);
        openElement(data, 4095, BlobVectors.LAST_ELEMENT_PROOF);
    }

    function openElement(bytes memory data, uint256 index, bytes memory proof) private {
        bytes memory part = slice(data, 31 * index, 31);
        vm.expectEmit(true, true, true, true, address(openings));
        emit BlobOpenings.SliceOpened(HASH, 31 * index, 31, keccak256(part));
        bytes31 element = openings.openElement(HASH, index, elementOf(data, index), BlobVectors.COMMITMENT, proof);
        assertEq(element, bytes31(part), "element");
        assertEq(openings.sliceHash(HASH, 31 * index, 31), keccak256(part), "kept");
    }

    function testFuzz_refusesAnotherValueOrIndex(uint256 value, uint256 index) public {
        value = between(value, 0, type(uint248).max);
        uint256 honest = elementOf(stream, 0);
        if (value == honest) value--;
        expectElementRefused(0, value);
        expectElementRefused(between(index, 1, 4095), honest);
    }

    function expectElementRefused(uint256 index, uint256 value) private {
        uint256 root = BlobPolynomial.rootAt(index);
        vm.expectRevert(abi.encodeWithSelector(BlobOpenings.OpeningRefused.selector, HASH, root, value));
        openings.openElement(HASH, index, value, BlobVectors.COMMITMENT, BlobVectors.FIRST_ELEMENT_PROOF);
    }

    function testFuzz_refusesElementsThatABlobDoesNotHave(uint256 index) public {
        index = between(index, 4096, type(uint256).max);
        vm.expectRevert(abi.encodeWithSelector(BlobOpenings.WrongIndex.selector, index));
        openings.openElement(HASH, index, 0, BlobVectors.COMMITMENT, BlobVectors.PROOF);
        vm.expectRevert(abi.encodeWithSelector(BlobOpenings.WrongIndex.selector, index));
        openings.proveOversizedElement(HASH, index, 1 << 248, BlobVectors.COMMITMENT, BlobVectors.PROOF);
    }

    // --- slices of elements ---

    struct ElementSlice {
        uint256 offset;
        uint256 length;
        uint256[] values;
        bytes proofs;
    }

    /// @dev A slice within the eight elements that have proofs.
    function elementSlice(bytes memory data, uint256 start, uint256 length)
        private
        pure
        returns (ElementSlice memory part)
    {
        start = between(start, 0, 8 * 31 - 1);
        part.length = between(length, 1, 8 * 31 - start);
        part.offset = 31 * BlobVectors.SLICE_FIRST_ELEMENT + start;
        uint256 first = start / 31;
        uint256 count = (start + part.length - 1) / 31 - first + 1;
        part.values = new uint256[](count);
        for (uint256 i = 0; i < count; i++) {
            part.values[i] = elementOf(data, BlobVectors.SLICE_FIRST_ELEMENT + first + i);
        }
        part.proofs = slice(BlobVectors.SLICE_PROOFS, 48 * first, 48 * count);
    }

    function openElements(ElementSlice memory part) private returns (bytes32) {
        return
            openings.sliceFromElements(HASH, part.offset, part.length, part.values, BlobVectors.COMMITMENT, part.proofs);
    }

    function testFuzz_aSliceOfElementsIsThatOfTheBlob(uint256 start, uint256 length) public {
        bytes memory data = stream;
        ElementSlice memory part = elementSlice(data, start, length);
        bytes32 expected = keccak256(slice(data, part.offset, part.length));
        vm.expectEmit(true, true, true, true, address(openings));
        emit BlobOpenings.SliceOpened(HASH, part.offset, part.length, expected);
        assertEq(openElements(part), expected, "returned");
        assertEq(openings.sliceHash(HASH, part.offset, part.length), expected, "kept");
    }

    function test_bothWaysKeepTheSameUnderTheSameKey() public {
        bytes memory data = stream;
        ElementSlice memory part = elementSlice(data, 17, 200);
        bytes32 hash = openElements(part);
        assertEq(open(data, part.offset, part.length), hash, "by the whole blob");
        assertEq(openings.sliceHash(HASH, part.offset, part.length), hash, "kept");
    }

    function testFuzz_refusesASliceWithOneOtherValue(uint256 start, uint256 length, uint256 which, uint248 bits)
        public
    {
        ElementSlice memory part = elementSlice(stream, start, length);
        which = between(which, 0, part.values.length - 1);
        part.values[which] ^= between(bits, 1, type(uint248).max);
        uint256 root = BlobPolynomial.rootAt(part.offset / 31 + which);
        vm.expectRevert(abi.encodeWithSelector(BlobOpenings.OpeningRefused.selector, HASH, root, part.values[which]));
        openElements(part);
    }

    function test_refusesProofsInAnotherOrder() public {
        ElementSlice memory part = elementSlice(stream, 0, 62);
        bytes memory proofs = part.proofs;
        part.proofs = bytes.concat(slice(proofs, 48, 48), slice(proofs, 0, 48));
        uint256 root = BlobPolynomial.rootAt(BlobVectors.SLICE_FIRST_ELEMENT);
        vm.expectRevert(abi.encodeWithSelector(BlobOpenings.OpeningRefused.selector, HASH, root, part.values[0]));
        openElements(part);
    }

    function test_refusesSlicesOfMoreThanEightElements() public {
        uint256[] memory values = new uint256[](9);
        vm.expectRevert(abi.encodeWithSelector(BlobOpenings.TooManyElements.selector, 9));
        openings.sliceFromElements(HASH, 30, 8 * 31, values, BlobVectors.COMMITMENT, new bytes(9 * 48));
    }

    function testFuzz_refusesMoreOrFewerOpeningsThanElements(uint256 values, uint256 proofs) public {
        values = between(values, 0, 20);
        proofs = between(proofs, 0, 200);
        if (values == 2 && proofs == 96) proofs++;
        vm.expectRevert(abi.encodeWithSelector(BlobOpenings.WrongOpeningCount.selector, 2, values, proofs));
        openings.sliceFromElements(HASH, 30, 2, new uint256[](values), BlobVectors.COMMITMENT, new bytes(proofs));
    }

    // --- blobs out of the format ---

    function proveOversized() private {
        openings.proveOversizedElement(
            BlobVectors.MALFORMED_VERSIONED_HASH,
            BlobVectors.OVERSIZED_INDEX,
            BlobVectors.OVERSIZED_VALUE,
            BlobVectors.MALFORMED_COMMITMENT,
            BlobVectors.OVERSIZED_PROOF
        );
    }

    function test_anOversizedElementMarksItsBlobAloneAndOnce() public {
        vm.expectEmit(true, true, true, true, address(openings));
        emit BlobOpenings.BlobMalformed(
            BlobVectors.MALFORMED_VERSIONED_HASH, BlobVectors.OVERSIZED_INDEX, BlobVectors.OVERSIZED_VALUE
        );
        proveOversized();
        proveOversized();
        assertTrue(openings.isMalformed(BlobVectors.MALFORMED_VERSIONED_HASH), "marked");
        assertTrue(!openings.isMalformed(HASH), "no other");
    }

    function test_anOversizedElementIsNoSlice() public {
        vm.expectRevert(abi.encodeWithSelector(BlobOpenings.ElementOversized.selector, BlobVectors.OVERSIZED_VALUE));
        openings.openElement(
            BlobVectors.MALFORMED_VERSIONED_HASH,
            BlobVectors.OVERSIZED_INDEX,
            BlobVectors.OVERSIZED_VALUE,
            BlobVectors.MALFORMED_COMMITMENT,
            BlobVectors.OVERSIZED_PROOF
        );
    }

    function testFuzz_anElementOfTheFormatIsNotOversized(uint248 value) public {
        vm.expectRevert(abi.encodeWithSelector(BlobOpenings.ElementNotOversized.selector, value));
        openings.proveOversizedElement(HASH, 0, value, BlobVectors.COMMITMENT, BlobVectors.FIRST_ELEMENT_PROOF);
    }

    /// @dev A number that is the honest element in the field, but above its order, is no proof against a blob.
    function testFuzz_refusesOversizedValuesThatTheBlobDoesNotHave(uint256 value) public {
        value = between(value, 1 << 248, type(uint256).max);
        expectNotOversized(value);
        expectNotOversized(elementOf(stream, 0) + BlobPolynomial.MODULUS);
        assertTrue(!openings.isMalformed(HASH), "not marked");
    }

    function expectNotOversized(uint256 value) private {
        vm.expectRevert(abi.encodeWithSelector(BlobOpenings.OpeningRefused.selector, HASH, 1, value));
        openings.proveOversizedElement(HASH, 0, value, BlobVectors.COMMITMENT, BlobVectors.FIRST_ELEMENT_PROOF);
    }

    // --- reading, gas ---

    function testFuzz_whatNobodyOpenedHasNoHash(bytes32 versionedHash, uint256 offset, uint256 length) public {
        vm.expectRevert(abi.encodeWithSelector(BlobOpenings.SliceNotOpened.selector, versionedHash, offset, length));
        openings.sliceHash(versionedHash, offset, length);
    }

    /// @dev An honest opening with too little gas never ends as a refused one.
    function testFuzz_tooLittleGasIsNoVerdict(uint256 gas) public {
        gas = between(gas, 20_000, 200_000);
        bytes memory call = abi.encodeCall(
            BlobOpenings.openElement,
            (HASH, 0, elementOf(stream, 0), BlobVectors.COMMITMENT, BlobVectors.FIRST_ELEMENT_PROOF)
        );
        (bool succeeded, bytes memory answer) = address(openings).call{gas: gas}(call);
        bool refused = !succeeded && answer.length >= 4 && bytes4(answer) == BlobOpenings.OpeningRefused.selector;
        assertTrue(!refused, "refused for want of gas");
    }
}

/// @notice Gives the library calldata.
contract ValueReader {
    function valueOf(bytes calldata data, uint256 point) external pure returns (uint256) {
        return BlobPolynomial.evaluate(data, point);
    }
}
