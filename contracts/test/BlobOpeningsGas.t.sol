// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BlobOpenings} from "../src/BlobOpenings.sol";
import {BlobPolynomial} from "../src/BlobPolynomial.sol";
import {BlobTest} from "./base/BlobTest.sol";
import {BlobVectors} from "./base/BlobVectors.sol";

/// @notice What openings cost as transactions: 21,000 gas, calldata and its floor (EIP-7623), execution.
contract BlobOpeningsGasTest is BlobTest {
    /// @dev Gas that one transaction may have (EIP-7825).
    uint256 private constant TRANSACTION_GAS = 16_777_216;
    uint256 private constant BASE_GAS = 21_000;
    bytes32 private constant ZERO_BLOB_HASH = 0x010657f37554c781402a22917dee2f75def7ab966d7b770905398eba3c444014;

    BlobOpenings private openings;

    function setUp() public {
        openings = new BlobOpenings();
    }

    /// @dev A zero byte is one token, any other four.
    function tokensOf(bytes memory input) private pure returns (uint256 tokens) {
        for (uint256 i = 0; i < input.length; i++) {
            tokens += input[i] == 0 ? 1 : 4;
        }
    }

    /// @dev Gas of a transaction with this input, and what of it is executed.
    function gasOf(bytes memory input) private returns (uint256 total, uint256 executed) {
        address target = address(openings);
        bool succeeded;
        // Solidity's own call would copy the input, at the price of the caller's memory.
        assembly ("memory-safe") {
            executed := gas()
            succeeded := call(gas(), target, 0, add(input, 32), mload(input), 0, 0)
            executed := sub(executed, gas())
        }
        assertTrue(succeeded, "opened");
        uint256 tokens = tokensOf(input);
        uint256 floor = BASE_GAS + 10 * tokens;
        assertTrue(executed <= TRANSACTION_GAS - floor, "fits beside the floor");
        total = BASE_GAS + 4 * tokens + executed;
        if (total < floor) total = floor;
        assertTrue(total <= TRANSACTION_GAS, "one transaction");
    }

    function openingOf(bytes memory data, bytes32 versionedHash, bytes memory commitment, bytes memory proof)
        private
        pure
        returns (bytes memory)
    {
        return abi.encodeCall(BlobOpenings.openBlob, (versionedHash, data, commitment, proof, 0, data.length));
    }

    function test_aFullBlobOpensAtTheFloorOfItsCalldata() public {
        bytes memory input =
            openingOf(streamData(), BlobVectors.VERSIONED_HASH, BlobVectors.COMMITMENT, BlobVectors.PROOF);
        (uint256 total, uint256 executed) = gasOf(input);
        assertTrue(total <= 5_150_000, "total");
        assertEq(total, BASE_GAS + 10 * tokensOf(input), "the floor");
        assertTrue(executed <= 800_000, "executed");
    }

    function test_aBlobOfZerosOpensForAThirdOfThat() public {
        bytes memory infinity = new bytes(48);
        infinity[0] = 0xc0;
        bytes memory zeros = new bytes(BlobPolynomial.DATA_BYTES);
        (uint256 total,) = gasOf(openingOf(zeros, ZERO_BLOB_HASH, infinity, infinity));
        assertTrue(total <= 1_500_000, "total");
    }

    function test_anElementOpensForAboutAHundredThousand() public {
        bytes memory input = abi.encodeCall(
            BlobOpenings.openElement,
            (
                BlobVectors.VERSIONED_HASH,
                0,
                elementOf(streamData(), 0),
                BlobVectors.COMMITMENT,
                BlobVectors.FIRST_ELEMENT_PROOF
            )
        );
        (uint256 total,) = gasOf(input);
        assertTrue(total <= 120_000, "total");
    }

    function test_eightElementsOpenForHalfAMillion() public {
        bytes memory data = streamData();
        uint256[] memory values = new uint256[](8);
        for (uint256 i = 0; i < 8; i++) {
            values[i] = elementOf(data, BlobVectors.SLICE_FIRST_ELEMENT + i);
        }
        bytes memory input = abi.encodeCall(
            BlobOpenings.sliceFromElements,
            (
                BlobVectors.VERSIONED_HASH,
                31 * BlobVectors.SLICE_FIRST_ELEMENT,
                8 * 31,
                values,
                BlobVectors.COMMITMENT,
                BlobVectors.SLICE_PROOFS
            )
        );
        (uint256 total,) = gasOf(input);
        assertTrue(total <= 520_000, "total");
    }
}
