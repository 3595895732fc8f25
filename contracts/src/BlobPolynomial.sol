// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title The polynomial of a blob
/// @notice A blob (EIP-4844) is a polynomial of degree below 4,096 over the scalar field of BLS12-381, given by its values:
/// element i is its value at w^(i with its 12 bits reversed), where w is the 4,096th root of unity of the consensus
/// specifications. A blob of this network has 31 bytes of data in each element, so that every value is in the field.
library BlobPolynomial {
    /// @notice Order of the field.
    uint256 internal constant MODULUS = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001;
    /// @notice Elements of a blob.
    uint256 internal constant ELEMENTS = 4096;
    /// @notice Bytes of data in an element.
    uint256 internal constant ELEMENT_BYTES = 31;
    /// @notice Bytes of data in a blob.
    uint256 internal constant DATA_BYTES = ELEMENTS * ELEMENT_BYTES;

    /// @dev w: 7^((MODULUS - 1) / 4096).
    uint256 private constant ROOT_OF_UNITY = 0x564c0a11a0f704f4fc3e8acfe0f8245f0ad1347b378fbf96e206da11a5d36306;
    /// @dev w^2.
    uint256 private constant SQUARED_ROOT_OF_UNITY = 0x6d031f1b5c49c83409f1ca610a08f16655ea6811be9c622d4a838b5d59cd79e5;
    /// @dev 1 / 4096 in the field.
    uint256 private constant INVERSE_OF_ELEMENTS = 0x73e66878b46ae3705eb6a46a89213de7d3686828bfce5c19400fffff00100001;

    /// @notice Where the polynomial takes the value that is element `index`.
    /// @dev Reversing the bits of the exponent is squaring from the lowest bit of the index on.
    /// @param index Number of the element, below ELEMENTS.
    /// @return root The root of unity.
    function rootAt(uint256 index) internal pure returns (uint256 root) {
        root = 1;
        for (uint256 bit = 1; bit < ELEMENTS; bit <<= 1) {
            root = mulmod(root, root, MODULUS);
            if (index & bit != 0) root = mulmod(root, ROOT_OF_UNITY, MODULUS);
        }
    }

    /// @notice The polynomial's value at any point, the roots of unity too.
    /// @dev With roots w and elements f the barycentric form is p(z) = (z^4096 - 1) / 4096 * sum of f w / (z - w). The sum is
    /// kept as one fraction; its denominator ends as the product of all z - w, which is z^4096 - 1 and cancels:
    /// p(z) = numerator / 4096, and nothing is ever inverted. A root w and -w are taken together: their elements a and b are
    /// neighbours, and a w / (z - w) - b w / (z + w) = (z w (a - b) + w^2 (a + b)) / (z^2 - w^2).
    /// Roots come in the order of their exponents, by one multiplication each; the pair of exponent 64 high + low starts at
    /// element 64 reversed(low) + reversed(high), of 6 bits each. Sums of two reduced numbers fit a word and stay unreduced.
    /// In assembly: Solidity finds no place on the stack for what the loop holds.
    /// @param data The blob's data; its length must be DATA_BYTES, which the caller checks.
    /// @param z The point, in the field.
    /// @return value The value there.
    function evaluate(bytes calldata data, uint256 z) internal pure returns (uint256 value) {
        uint256[64] memory offsets = _reversedOffsets();
        uint256 numerator = 0;
        uint256 denominator = 1;
        uint256 scaledRoot = z; // z w
        uint256 squaredRoot = 1; // w^2
        uint256 squaredPoint = mulmod(z, z, MODULUS);
        assembly ("memory-safe") {
            let end := add(offsets, 2048)
            for { let high := offsets } lt(high, add(offsets, 1024)) { high := add(high, 32) } {
                let start := add(data.offset, shr(6, mload(high)))
                for { let low := offsets } lt(low, end) { low := add(low, 32) } {
                    let place := add(start, mload(low))
                    let first := shr(8, calldataload(place))
                    let second := shr(8, calldataload(add(place, 31)))
                    let difference := sub(add(squaredPoint, MODULUS), squaredRoot)
                    let term :=
                        add(
                            mulmod(scaledRoot, sub(add(first, MODULUS), second), MODULUS),
                            mulmod(squaredRoot, add(first, second), MODULUS)
                        )
                    numerator := add(mulmod(numerator, difference, MODULUS), mulmod(term, denominator, MODULUS))
                    denominator := mulmod(denominator, difference, MODULUS)
                    scaledRoot := mulmod(scaledRoot, ROOT_OF_UNITY, MODULUS)
                    squaredRoot := mulmod(squaredRoot, SQUARED_ROOT_OF_UNITY, MODULUS)
                }
            }
        }
        value = mulmod(numerator, INVERSE_OF_ELEMENTS, MODULUS);
    }

    /// @dev Where element 64 reversed(i) starts in the data, for each i below 64.
    function _reversedOffsets() private pure returns (uint256[64] memory offsets) {
        uint256 half = ELEMENTS / 2 * ELEMENT_BYTES;
        for (uint256 size = 1; size < 64; size *= 2) {
            for (uint256 i = 0; i < size; i++) {
                offsets[size + i] = offsets[i] + half / size;
            }
        }
    }
}
