// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BlobPolynomial} from "./BlobPolynomial.sol";

/// @title Openings of blobs
/// @notice Shows on L1 what a blob says: anybody hands in data with a KZG proof, and the hash of a slice of it is kept for
/// whoever later hands in the slice alone. A slice is a range of the 126,976 bytes that a blob holds at 31 bytes an element.
/// @dev An opening only says what the blob of a versioned hash holds, never that such a blob was posted: whoever reads an
/// opening takes the versioned hash from a batch. Openings are true for ever, so nothing is ever removed, and opening twice
/// changes nothing. Nobody has any power over this contract.
contract BlobOpenings {
    /// @notice Most elements that `sliceFromElements` opens one by one.
    uint256 public constant MAX_SLICE_ELEMENTS = 8;

    address private constant POINT_EVALUATION = address(0x0a);
    /// @dev Twice what EIP-4844 charges: a later price of L1 shall not end all openings.
    uint256 private constant POINT_EVALUATION_GAS = 100_000;
    uint256 private constant POINT_BYTES = 48;
    /// @dev Above the largest value that 31 bytes have.
    uint256 private constant ELEMENT_BOUND = 1 << 248;
    bytes32 private constant CHALLENGE_TAG = keccak256("mvm/blob-opening/1");

    /// @notice Whether an element of the blob was shown that is no 31 bytes of data: such a blob is not of the format.
    mapping(bytes32 versionedHash => bool) public isMalformed;
    mapping(bytes32 key => bytes32 sliceHash) private _sliceHashes;

    /// @notice The hash of a slice became known.
    event SliceOpened(bytes32 indexed versionedHash, uint256 offset, uint256 length, bytes32 sliceHash);
    /// @notice A blob was shown not to be of the format.
    event BlobMalformed(bytes32 indexed versionedHash, uint256 index, uint256 value);

    /// @notice The data is not that of a whole blob.
    error WrongDataLength(uint256 length);
    /// @notice The slice is empty or ends beyond the data.
    error WrongSlice(uint256 offset, uint256 length);
    /// @notice The slice touches more elements than `sliceFromElements` takes.
    error TooManyElements(uint256 count);
    /// @notice There is not one value and one proof for each element of the slice.
    error WrongOpeningCount(uint256 elements, uint256 values, uint256 proofs);
    /// @notice A blob has no such element.
    error WrongIndex(uint256 index);
    /// @notice The value is no 31 bytes of data; `proveOversizedElement` takes it.
    error ElementOversized(uint256 value);
    /// @notice The value is 31 bytes of data, as it has to be.
    error ElementNotOversized(uint256 value);
    /// @notice A commitment and a proof have 48 bytes each.
    error WrongPointLength(uint256 commitment, uint256 proof);
    /// @notice Too little gas is left for the precompile's verdict to mean anything.
    error NotEnoughGas(uint256 left);
    /// @notice The blob of this versioned hash does not have this value at this point, or the proof does not show it.
    error OpeningRefused(bytes32 versionedHash, uint256 point, uint256 value);
    /// @notice Nobody has opened this slice.
    error SliceNotOpened(bytes32 versionedHash, uint256 offset, uint256 length);

    /// @notice Opens a slice of a blob by the blob's whole data.
    /// @dev The data is the blob's if both polynomials agree at a point that follows from the data and the blob: keccak256 of
    /// tag, versioned hash and keccak256 of the data, modulo the field's order. Its calldata floor (EIP-7623) is more than
    /// what it executes.
    /// @param versionedHash The blob's versioned hash.
    /// @param data All 126,976 bytes: elements 0 to 4,095, 31 bytes each.
    /// @param commitment The blob's KZG commitment, 48 bytes.
    /// @param proof KZG proof of the polynomial's value at that point, 48 bytes.
    /// @param offset First byte of the slice in the data.
    /// @param length Bytes of the slice, at least 1.
    /// @return hash keccak256 of the slice.
    function openBlob(
        bytes32 versionedHash,
        bytes calldata data,
        bytes calldata commitment,
        bytes calldata proof,
        uint256 offset,
        uint256 length
    ) external returns (bytes32 hash) {
        if (data.length != BlobPolynomial.DATA_BYTES) revert WrongDataLength(data.length);
        _checkSlice(offset, length);
        bytes memory copied = data;
        uint256 point = uint256(keccak256(abi.encodePacked(CHALLENGE_TAG, versionedHash, keccak256(copied))))
            % BlobPolynomial.MODULUS;
        _checkOpening(versionedHash, point, BlobPolynomial.evaluate(data, point), commitment, proof);
        hash = _hashOf(copied, offset, length);
        _keep(versionedHash, offset, length, hash);
    }

    /// @notice Opens one element, which is the slice of 31 bytes from 31 * index on.
    /// @param versionedHash The blob's versioned hash.
    /// @param index Number of the element, below 4,096.
    /// @param value Its value, below 2^248.
    /// @param commitment The blob's KZG commitment, 48 bytes.
    /// @param proof KZG proof of the element, 48 bytes.
    /// @return element The element's data.
    function openElement(
        bytes32 versionedHash,
        uint256 index,
        uint256 value,
        bytes calldata commitment,
        bytes calldata proof
    ) external returns (bytes31 element) {
        _checkElement(versionedHash, index, value, commitment, proof);
        element = bytes31(uint248(value));
        uint256 offset = index * BlobPolynomial.ELEMENT_BYTES;
        _keep(versionedHash, offset, BlobPolynomial.ELEMENT_BYTES, keccak256(abi.encodePacked(element)));
    }

    /// @notice Opens a short slice by opening each element that it touches.
    /// @param versionedHash The blob's versioned hash.
    /// @param offset First byte of the slice in the blob's data.
    /// @param length Bytes of the slice, at least 1; it touches at most MAX_SLICE_ELEMENTS elements.
    /// @param values Values of these elements, in their order, each below 2^248.
    /// @param commitment The blob's KZG commitment, 48 bytes.
    /// @param proofs KZG proofs of the elements, 48 bytes each, one after the other.
    /// @return hash keccak256 of the slice.
    function sliceFromElements(
        bytes32 versionedHash,
        uint256 offset,
        uint256 length,
        uint256[] calldata values,
        bytes calldata commitment,
        bytes calldata proofs
    ) external returns (bytes32 hash) {
        _checkSlice(offset, length);
        uint256 first = offset / BlobPolynomial.ELEMENT_BYTES;
        uint256 count = (offset + length - 1) / BlobPolynomial.ELEMENT_BYTES - first + 1;
        if (count > MAX_SLICE_ELEMENTS) revert TooManyElements(count);
        if (values.length != count || proofs.length != count * POINT_BYTES) {
            revert WrongOpeningCount(count, values.length, proofs.length);
        }
        bytes memory elements = _openElements(versionedHash, first, values, commitment, proofs);
        hash = _hashOf(elements, offset - first * BlobPolynomial.ELEMENT_BYTES, length);
        _keep(versionedHash, offset, length, hash);
    }

    /// @notice Shows that an element of a blob is no 31 bytes of data, which makes every batch in the blob wrong.
    /// @param versionedHash The blob's versioned hash.
    /// @param index Number of the element, below 4,096.
    /// @param value Its value, 2^248 or more.
    /// @param commitment The blob's KZG commitment, 48 bytes.
    /// @param proof KZG proof of the element, 48 bytes.
    function proveOversizedElement(
        bytes32 versionedHash,
        uint256 index,
        uint256 value,
        bytes calldata commitment,
        bytes calldata proof
    ) external {
        if (value < ELEMENT_BOUND) revert ElementNotOversized(value);
        _checkValueAt(versionedHash, index, value, commitment, proof);
        if (isMalformed[versionedHash]) return;
        isMalformed[versionedHash] = true;
        emit BlobMalformed(versionedHash, index, value);
    }

    /// @notice keccak256 of a slice that was opened; reverts if nobody has opened exactly this one.
    /// @param versionedHash The blob's versioned hash.
    /// @param offset First byte of the slice in the blob's data.
    /// @param length Bytes of the slice.
    /// @return hash keccak256 of the slice.
    function sliceHash(bytes32 versionedHash, uint256 offset, uint256 length) external view returns (bytes32 hash) {
        hash = _sliceHashes[_keyOf(versionedHash, offset, length)];
        if (hash == 0) revert SliceNotOpened(versionedHash, offset, length);
    }

    function _keyOf(bytes32 versionedHash, uint256 offset, uint256 length) private pure returns (bytes32) {
        return keccak256(abi.encode(versionedHash, offset, length));
    }

    /// @dev keccak256 of a part of bytes; that it lies within them is the caller's to know. In assembly because a copy of a long
    /// part costs as much as all that openBlob hashes.
    function _hashOf(bytes memory whole, uint256 offset, uint256 length) private pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            hash := keccak256(add(add(whole, 32), offset), length)
        }
    }

    function _keep(bytes32 versionedHash, uint256 offset, uint256 length, bytes32 hash) private {
        bytes32 key = _keyOf(versionedHash, offset, length);
        if (_sliceHashes[key] == hash) return;
        _sliceHashes[key] = hash;
        emit SliceOpened(versionedHash, offset, length, hash);
    }

    /// @dev Written so that no sum overflows.
    function _checkSlice(uint256 offset, uint256 length) private pure {
        if (length == 0 || length > BlobPolynomial.DATA_BYTES || offset > BlobPolynomial.DATA_BYTES - length) {
            revert WrongSlice(offset, length);
        }
    }

    /// @dev The data of consecutive elements, each checked against its proof.
    function _openElements(
        bytes32 versionedHash,
        uint256 first,
        uint256[] calldata values,
        bytes calldata commitment,
        bytes calldata proofs
    ) private view returns (bytes memory elements) {
        for (uint256 i = 0; i < values.length; i++) {
            bytes calldata proof = proofs[i * POINT_BYTES:(i + 1) * POINT_BYTES];
            _checkElement(versionedHash, first + i, values[i], commitment, proof);
            elements = bytes.concat(elements, bytes31(uint248(values[i])));
        }
    }

    function _checkElement(
        bytes32 versionedHash,
        uint256 index,
        uint256 value,
        bytes calldata commitment,
        bytes calldata proof
    ) private view {
        if (value >= ELEMENT_BOUND) revert ElementOversized(value);
        _checkValueAt(versionedHash, index, value, commitment, proof);
    }

    function _checkValueAt(
        bytes32 versionedHash,
        uint256 index,
        uint256 value,
        bytes calldata commitment,
        bytes calldata proof
    ) private view {
        if (index >= BlobPolynomial.ELEMENTS) revert WrongIndex(index);
        _checkOpening(versionedHash, BlobPolynomial.rootAt(index), value, commitment, proof);
    }

    /// @dev The precompile of EIP-4844 checks that the commitment is the versioned hash's and that the polynomial has the
    /// value at the point, and fails else; it refuses numbers outside the field. A caller that leaves it too little gas gets
    /// another error than a wrong opening does.
    function _checkOpening(
        bytes32 versionedHash,
        uint256 point,
        uint256 value,
        bytes calldata commitment,
        bytes calldata proof
    ) private view {
        if (commitment.length != POINT_BYTES || proof.length != POINT_BYTES) {
            revert WrongPointLength(commitment.length, proof.length);
        }
        bytes memory input = abi.encodePacked(versionedHash, point, value, commitment, proof);
        // A call is given at most 63 of 64 parts of what is left, and costs a little itself.
        if (gasleft() < POINT_EVALUATION_GAS * 64 / 63 + 5_000) revert NotEnoughGas(gasleft());
        (bool accepted, bytes memory answer) = POINT_EVALUATION.staticcall{gas: POINT_EVALUATION_GAS}(input);
        if (!accepted || answer.length != 64) revert OpeningRefused(versionedHash, point, value);
    }
}
