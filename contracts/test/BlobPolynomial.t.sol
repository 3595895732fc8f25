// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BlobPolynomial} from "../src/BlobPolynomial.sol";
import {BlobTest} from "./base/BlobTest.sol";
import {BlobVectors} from "./base/BlobVectors.sol";

/// @notice Gives the library calldata.
contract PolynomialReader {
    function evaluate(bytes calldata data, uint256 z) external pure returns (uint256) {
        return BlobPolynomial.evaluate(data, z);
    }
}

contract BlobPolynomialTest is BlobTest {
    uint256 private constant MODULUS = BlobPolynomial.MODULUS;

    PolynomialReader private reader;
    bytes private stream;

    function setUp() public {
        reader = new PolynomialReader();
        stream = streamData();
    }

    function power(uint256 base, uint256 exponent) private pure returns (uint256 result) {
        result = 1;
        for (; exponent > 0; exponent >>= 1) {
            if (exponent & 1 == 1) result = mulmod(result, base, MODULUS);
            base = mulmod(base, base, MODULUS);
        }
    }

    function test_rootsOfTheFirstElementsAreThoseOfTheSmallestDomains() public pure {
        assertEq(BlobPolynomial.rootAt(0), 1, "element 0");
        assertEq(BlobPolynomial.rootAt(1), MODULUS - 1, "element 1");
        assertEq(power(BlobPolynomial.rootAt(2), 2), MODULUS - 1, "element 2");
        assertEq(power(BlobPolynomial.rootAt(2048), 2048), MODULUS - 1, "element 2048 generates");
        assertEq(power(7, (MODULUS - 1) / 4096), BlobPolynomial.rootAt(2048), "the generator of the specification");
    }

    function testFuzz_everyRootIsARootAndItsNeighbourTheNegative(uint256 index) public pure {
        index = between(index, 0, 2047);
        uint256 root = BlobPolynomial.rootAt(2 * index);
        assertEq(power(root, 4096), 1, "a root of unity");
        assertEq(BlobPolynomial.rootAt(2 * index + 1), MODULUS - root, "the other of the pair");
    }

    function test_allRootsDiffer() public pure {
        uint256[] memory roots = new uint256[](4096);
        uint256 exponent = 1;
        for (uint256 i = 0; i < 4096; i++) {
            roots[reversed(i)] = exponent;
            exponent = mulmod(exponent, BlobPolynomial.rootAt(2048), MODULUS);
            assertTrue(exponent != 1 || i == 4095, "the generator has order 4096");
        }
        for (uint256 i = 0; i < 4096; i++) {
            assertEq(BlobPolynomial.rootAt(i), roots[i], "bits of the exponent reversed");
        }
    }

    function reversed(uint256 index) private pure returns (uint256 result) {
        for (uint256 bit = 0; bit < 12; bit++) {
            result = result << 1 | (index >> bit & 1);
        }
    }

    function testFuzz_thePolynomialTakesEachElementAtItsRoot(uint256 index) public view {
        index = between(index, 0, 4095);
        bytes memory data = stream;
        assertEq(reader.evaluate(data, BlobPolynomial.rootAt(index)), elementOf(data, index), "element");
    }

    function test_theValueIsThatOfAnotherImplementation() public view {
        assertEq(reader.evaluate(stream, BlobVectors.CHALLENGE), BlobVectors.VALUE, "value at the challenge");
    }

    function testFuzz_ofEqualElementsItIsConstant(uint248 element, uint256 z) public view {
        bytes memory data = new bytes(BlobPolynomial.DATA_BYTES);
        for (uint256 i = 0; i < 4096; i++) {
            assembly ("memory-safe") {
                // The last element's word reaches one byte beyond it: it is written first.
                let place := add(add(data, 32), mul(sub(4095, i), 31))
                let after_ := and(mload(place), 0xff)
                mstore(place, or(shl(8, element), after_))
            }
        }
        assertEq(reader.evaluate(data, z % MODULUS), element, "constant");
    }

    /// @dev By the barycentric form as it is written, with an inversion for each element: it has no value at a root.
    function testFuzz_itIsTheBarycentricForm(uint256 z, uint256 places) public view {
        z %= MODULUS;
        if (power(z, 4096) == 1) return;
        bytes memory data = new bytes(BlobPolynomial.DATA_BYTES);
        uint256 sum = 0;
        for (uint256 i = 0; i < 8; i++) {
            uint256 index = (places >> (12 * i) & 511) * 8 + i;
            data[31 * index + 30] = bytes1(uint8(i + 1));
            uint256 root = BlobPolynomial.rootAt(index);
            uint256 inverse = power(addmod(z, MODULUS - root, MODULUS), MODULUS - 2);
            sum = addmod(sum, mulmod(mulmod(i + 1, root, MODULUS), inverse, MODULUS), MODULUS);
        }
        uint256 factor = mulmod(power(z, 4096) + MODULUS - 1, power(4096, MODULUS - 2), MODULUS);
        assertEq(reader.evaluate(data, z), mulmod(factor, sum, MODULUS), "value");
    }
}
