// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BlsSignatures} from "../src/BlsSignatures.sol";
import {StakedRegistry} from "../src/StakedRegistry.sol";
import {BlsSigner} from "./base/BlsSigner.sol";
import {NetworkTest} from "./base/NetworkTest.sol";

/// @notice What checks of BLS signatures cost; each has to fit its share of a transaction.
contract BlsGasTest is NetworkTest {
    uint256 private constant TRANSACTION_GAS = 16_777_216;
    bytes32 private constant DIGEST = keccak256("digest");

    bytes[] private keys;
    bytes[] private signatures;

    function setUp() public {
        deployNetwork();
        for (uint256 i = 0; i < BlsSignatures.MAX_BATCH; i++) {
            keys.push(BlsSigner.publicKeyOf(1 + i));
            signatures.push(BlsSigner.sign(1 + i, DIGEST));
        }
    }

    function gasOfBatch(uint256 count) private view returns (uint256) {
        bytes[] memory someKeys = new bytes[](count);
        bytes[] memory someSignatures = new bytes[](count);
        for (uint256 i = 0; i < count; i++) {
            (someKeys[i], someSignatures[i]) = (keys[i], signatures[i]);
        }
        uint256 before = gasleft();
        assertTrue(BlsSignatures.verifySameMessage(someKeys, DIGEST, someSignatures), "valid");
        return before - gasleft();
    }

    function test_gasOfHashToG2() public view {
        uint256 before = gasleft();
        BlsSignatures.hashToG2(abi.encodePacked(DIGEST), BlsSignatures.DOMAIN);
        assertTrue(before - gasleft() < 80_000, "hash");
    }

    function test_gasOfVerify() public view {
        (bytes memory key, bytes memory signature) = (keys[0], signatures[0]);
        uint256 before = gasleft();
        assertTrue(BlsSignatures.verify(key, DIGEST, signature), "valid");
        assertTrue(before - gasleft() < 200_000, "verify");
    }

    function test_gasOfCheckingAVrfProof() public view {
        bytes memory key = keys[0];
        bytes memory proof = BlsSigner.sign(1, BlsSignatures.vrfDigest(DIGEST));
        uint256 before = gasleft();
        assertTrue(BlsSignatures.verify(key, BlsSignatures.vrfDigest(DIGEST), proof), "valid");
        assertTrue(BlsSignatures.vrfOutput(proof) != 0, "output");
        assertTrue(before - gasleft() < 200_000, "VRF");
    }

    function test_gasOfRefusingAPointOffTheCurve() public view {
        bytes memory key = keys[0];
        key[95] = bytes1(uint8(key[95]) ^ 1);
        bytes memory signature = signatures[0];
        uint256 before = gasleft();
        assertTrue(!BlsSignatures.verify(key, DIGEST, signature), "refused");
        assertTrue(before - gasleft() < 300_000, "bounded");
    }

    function test_gasOfVerifying1Together() public view {
        assertTrue(gasOfBatch(1) < 230_000, "1 proof");
    }

    function test_gasOfVerifying4Together() public view {
        assertTrue(gasOfBatch(4) < 350_000, "4 proofs");
    }

    function test_gasOfVerifying8Together() public view {
        assertTrue(gasOfBatch(8) < 500_000, "8 proofs");
    }

    function test_gasOfVerifying16Together() public view {
        assertTrue(gasOfBatch(16) < 800_000, "16 proofs");
    }

    function test_gasOfVerifying64Together() public view {
        assertTrue(gasOfBatch(64) < TRANSACTION_GAS / 8, "64 proofs");
    }

    function test_gasOfRegisteringWithAProof() public {
        StakedRegistry.Registration memory own = registrationOf(providerRegistry, address(this));
        token.approve(address(providerRegistry), MIN_STAKE);
        // the first one makes all nodes above its place
        registerOperator(providerRegistry, address(0xF125), MIN_STAKE);
        uint256 before = gasleft();
        providerRegistry.register(own, MIN_STAKE);
        assertTrue(before - gasleft() < 650_000, "register");
    }
}
