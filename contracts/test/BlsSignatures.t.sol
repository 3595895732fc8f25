// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BlsSignatures} from "../src/BlsSignatures.sol";
import {BlsSigner} from "./base/BlsSigner.sol";
import {Test} from "./base/Test.sol";

/// @notice The library behind calls, so that tests can bound their gas and see them revert.
contract BlsHarness {
    function hasPublicKeyForm(bytes calldata publicKey) external pure returns (bool) {
        return BlsSignatures.hasPublicKeyForm(publicKey);
    }

    function compress(bytes calldata publicKey) external pure returns (bytes memory) {
        return BlsSignatures.compress(publicKey);
    }

    function verify(bytes calldata publicKey, bytes32 digest, bytes calldata signature) external view returns (bool) {
        return BlsSignatures.verify(publicKey, digest, signature);
    }

    function verifySameMessage(bytes[] calldata publicKeys, bytes32 digest, bytes[] calldata signatures)
        external
        view
        returns (bool)
    {
        return BlsSignatures.verifySameMessage(publicKeys, digest, signatures);
    }

    function possessionDigest(address operator, bytes calldata compressed) external view returns (bytes32) {
        return BlsSignatures.possessionDigest(operator, compressed);
    }

    function requirePossession(address operator, bytes calldata publicKey, bytes calldata possession)
        external
        view
        returns (bytes memory)
    {
        return BlsSignatures.requirePossession(operator, publicKey, possession);
    }

    function vrfOutput(bytes calldata proof) external pure returns (bytes32) {
        return BlsSignatures.vrfOutput(proof);
    }

    function hashToG2(bytes calldata message, bytes calldata domain) external view returns (bytes memory) {
        return BlsSignatures.hashToG2(message, domain);
    }
}

/// @notice The vectors of packages/protocol/vectors, which other libraries made.
contract BlsVectorsTest is Test {
    BlsHarness private bls;

    function setUp() public {
        bls = new BlsHarness();
    }

    function read(string memory name) private view returns (string memory) {
        return vm.readFile(string.concat("../packages/protocol/vectors/", name, ".json"));
    }

    function entry(string memory list, uint256 i) private pure returns (string memory) {
        return string.concat(list, "[", vm.toString(i), "]");
    }

    function bytesOf(string memory json, string memory path, string memory key) private pure returns (bytes memory) {
        return vm.parseJsonBytes(json, string.concat(path, ".", key));
    }

    function wordOf(string memory json, string memory path, string memory key) private pure returns (bytes32) {
        return vm.parseJsonBytes32(json, string.concat(path, ".", key));
    }

    /// @dev A padded point without the padding.
    function bare(bytes memory padded) private pure returns (bytes memory point) {
        point = new bytes(padded.length / 64 * 48);
        for (uint256 i = 0; i < padded.length; i++) {
            if (i % 64 >= 16) point[i / 64 * 48 + i % 64 - 16] = padded[i];
            else assertEq(uint8(padded[i]), 0, "padding");
        }
    }

    function test_messagesHashToThePointsOfRfc9380AndOfOurOwnDomain() public view {
        string memory json = read("hashToG2");
        uint256 count = 0;
        for (; vm.keyExistsJson(json, entry("$", count)); count++) {
            string memory path = entry("$", count);
            bytes memory point = bls.hashToG2(bytesOf(json, path, "message"), bytesOf(json, path, "domain"));
            assertEq(bare(point), bytesOf(json, path, "point"), path);
        }
        assertEq(count, 7, "all of them");
    }

    function test_possessionIsProvenByTheProofsOfTypeScript() public {
        string memory json = read("possession");
        uint256 count = 0;
        for (; vm.keyExistsJson(json, entry("$", count)); count++) {
            string memory path = entry("$", count);
            address operator = vm.parseJsonAddress(json, string.concat(path, ".operator"));
            BlsHarness registry = BlsHarness(vm.parseJsonAddress(json, string.concat(path, ".registry")));
            bytes memory key = bytesOf(json, path, "publicKeyPoint");
            bytes memory proof = bytesOf(json, path, "possessionPoint");
            vm.etch(address(registry), address(bls).code);
            uint256 l1ChainId = uint256(wordOf(json, path, "l1ChainId"));
            vm.chainId(l1ChainId);
            bytes memory compressed = registry.requirePossession(operator, key, proof);
            assertEq(compressed, bytesOf(json, path, "publicKey"), "compressed");
            assertEq(registry.possessionDigest(operator, compressed), wordOf(json, path, "digest"), "digest");
            uint256 secret = uint256(wordOf(json, path, "secret"));
            assertEq(BlsSigner.publicKeyOf(secret), key, "the signer's key");
            assertEq(BlsSigner.sign(secret, wordOf(json, path, "digest")), proof, "the signer's signature");

            expectNoPossession(bls, operator, key, proof);
            expectNoPossession(registry, address(uint160(operator) ^ 1), key, proof);
            vm.chainId(l1ChainId ^ 1);
            expectNoPossession(registry, operator, key, proof);
        }
        assertEq(count, 4, "all of them");
    }

    function expectNoPossession(BlsHarness registry, address operator, bytes memory key, bytes memory proof) private {
        vm.expectRevert(abi.encodeWithSelector(BlsSignatures.InvalidPossession.selector));
        registry.requirePossession(operator, key, proof);
    }

    function test_vrfProofsOfTypeScriptHoldAloneAndTogetherAndGiveTheSameOutputs() public view {
        string memory json = read("vrf");
        bytes32 digest = BlsSignatures.vrfDigest(wordOf(json, "$", "message"));
        assertEq(digest, wordOf(json, "$", "digest"), "digest");
        uint256 count = 4;
        bytes[] memory keys = new bytes[](count);
        bytes[] memory proofs = new bytes[](count);
        for (uint256 i = 0; i < count; i++) {
            string memory path = entry("$.proofs", i);
            keys[i] = bytesOf(json, path, "publicKeyPoint");
            proofs[i] = bytesOf(json, path, "proofPoint");
            assertTrue(bls.verify(keys[i], digest, proofs[i]), "valid");
            assertEq(bls.vrfOutput(proofs[i]), wordOf(json, path, "output"), "output");
        }
        assertTrue(!vm.keyExistsJson(json, entry("$.proofs", count)), "all of them");
        assertTrue(bls.verifySameMessage(keys, digest, proofs), "together");
    }

    /// @dev Without coefficients each of the sets would be taken: the sum of its proofs is the right ones'.
    function test_wrongProofsWhoseSumIsRightDoNotHoldTogether() public view {
        string memory json = read("vrf");
        bytes32 digest = wordOf(json, "$", "digest");
        bytes[] memory keys = new bytes[](4);
        for (uint256 i = 0; i < 4; i++) {
            keys[i] = bytesOf(json, entry("$.proofs", i), "publicKeyPoint");
        }
        bytes memory sum = bytesOf(json, "$.plainSum", "proofPoint");
        assertTrue(bls.verify(bytesOf(json, "$.plainSum", "publicKeyPoint"), digest, sum), "the sums alone");
        uint256 count = 0;
        for (; vm.keyExistsJson(json, entry("$.wrongSets", count)); count++) {
            bytes[] memory proofs = new bytes[](4);
            for (uint256 i = 0; i < 4; i++) {
                proofs[i] =
                    vm.parseJsonBytes(json, entry(string.concat(entry("$.wrongSets", count), ".proofPoints"), i));
            }
            assertTrue(!bls.verifySameMessage(keys, digest, proofs), "together");
        }
        assertEq(count, 3, "all of them");
    }

    function test_pointsOutsideTheSubgroupDoNotVerify() public view {
        string memory json = read("outside");
        bytes32 digest = wordOf(json, "$", "digest");
        bytes[] memory keys = new bytes[](1);
        bytes[] memory signatures = new bytes[](1);
        for (uint256 i = 0; i < 3; i++) {
            keys[0] = bytesOf(json, "$", i == 1 ? "outsidePublicKeyPoint" : "publicKeyPoint");
            signatures[0] = bytesOf(json, "$", i == 2 ? "outsideSignaturePoint" : "signaturePoint");
            assertTrue(bls.verify(keys[0], digest, signatures[0]) == (i == 0), "alone");
            assertTrue(bls.verifySameMessage(keys, digest, signatures) == (i == 0), "together");
        }
        keys = new bytes[](2);
        signatures = new bytes[](2);
        for (uint256 i = 0; i < 2; i++) {
            keys[i] = bytesOf(json, entry("$.cancelling", i), "publicKeyPoint");
            signatures[i] = bytesOf(json, entry("$.cancelling", i), "signaturePoint");
        }
        assertTrue(!bls.verifySameMessage(keys, digest, signatures), "moved against each other");
    }
}

/// @notice Properties of single signatures, on real ones and on any bytes.
contract BlsSignaturesTest is Test {
    /// @dev The subgroups' order.
    uint256 private constant ORDER = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001;
    bytes32 private constant DIGEST = keccak256("digest");
    uint256 private constant SECRET = 0x5ec;
    uint256 private constant P_HIGH = 0x1a0111ea397fe69a4b1ba7b6434bacd7;
    uint256 private constant P_LOW = 0x64774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab;

    BlsHarness private bls;
    bytes private key;
    bytes private signature;

    function setUp() public {
        bls = new BlsHarness();
        key = BlsSigner.publicKeyOf(SECRET);
        signature = BlsSigner.sign(SECRET, DIGEST);
    }

    function flipped(bytes memory value, uint256 bit) private pure returns (bytes memory) {
        bit = bit % (8 * value.length);
        value[bit / 8] = value[bit / 8] ^ bytes1(uint8(1 << bit % 8));
        return value;
    }

    /// @dev Adds p to a coordinate: the same element of the field in another form.
    function shifted(bytes memory point, uint256 index) private pure returns (bytes memory) {
        uint256 high;
        uint256 low;
        assembly ("memory-safe") {
            high := shr(128, mload(add(point, add(32, mul(index, 48)))))
            low := mload(add(point, add(48, mul(index, 48))))
        }
        unchecked {
            uint256 sum = low + P_LOW;
            high += P_HIGH + (sum < low ? 1 : 0);
            low = sum;
        }
        bytes memory coordinate = abi.encodePacked(uint128(high), low);
        for (uint256 i = 0; i < 48; i++) {
            point[48 * index + i] = coordinate[i];
        }
        return point;
    }

    function test_aSignatureIsItsKeysOnItsDigestAlone(uint256 secret, bytes32 digest, uint256 bit) public view {
        secret = between(secret, 1, ORDER - 2);
        bytes memory own = BlsSigner.publicKeyOf(secret);
        bytes memory signed = BlsSigner.sign(secret, digest);
        assertTrue(bls.verify(own, digest, signed), "valid");
        assertTrue(!bls.verify(BlsSigner.publicKeyOf(secret + 1), digest, signed), "another key");
        assertTrue(!bls.verify(own, digest ^ bytes32(uint256(1)), signed), "another digest");
        assertTrue(!bls.verify(own, digest, BlsSigner.sign(ORDER - secret, digest)), "the negated signature");
        assertTrue(!bls.verify(own, digest, flipped(signed, bit)), "a changed signature");
        assertTrue(!bls.verify(flipped(own, bit), digest, flipped(signed, bit)), "a changed key");
    }

    function test_anyBytesAreTakenForNoSignature(bytes calldata any, bytes calldata other, bytes32 digest) public view {
        assertTrue(!bls.verify(any, digest, other), "any");
        assertTrue(!bls.verify(any, DIGEST, signature), "key");
        assertTrue(!bls.verify(key, DIGEST, other), "signature");
    }

    function test_anyPointsAreTakenForNoSignature(bytes32[3] calldata a, bytes32[6] calldata b) public view {
        assertTrue(!bls.verify(abi.encodePacked(a), DIGEST, abi.encodePacked(b)), "any");
        assertTrue(!bls.verify(key, DIGEST, abi.encodePacked(b)), "signature");
    }

    function test_infinityIsNeitherKeyNorSignature() public {
        bytes memory noKey = new bytes(96);
        bytes memory noSignature = new bytes(192);
        assertTrue(!bls.verify(noKey, DIGEST, noSignature), "both");
        assertTrue(!bls.verify(noKey, DIGEST, signature), "key");
        assertTrue(!bls.verify(key, DIGEST, noSignature), "signature");
        assertTrue(!bls.hasPublicKeyForm(noKey), "form");
        vm.expectRevert(abi.encodeWithSelector(BlsSignatures.InvalidPoint.selector));
        bls.compress(noKey);
    }

    function test_aPointHasOneForm() public {
        for (uint256 i = 0; i < 4; i++) {
            assertTrue(!bls.verify(key, DIGEST, shifted(signature, i)), "signature");
        }
        for (uint256 i = 0; i < 2; i++) {
            bytes memory other = shifted(key, i);
            assertTrue(!bls.verify(other, DIGEST, signature), "key");
            assertTrue(!bls.hasPublicKeyForm(other), "form");
            vm.expectRevert(abi.encodeWithSelector(BlsSignatures.InvalidPoint.selector));
            bls.compress(other);
        }
        assertTrue(!bls.verify(bytes.concat(key, hex"00"), DIGEST, signature), "longer key");
        assertTrue(!bls.verify(key, DIGEST, bytes.concat(signature, hex"00")), "longer signature");
    }

    function test_aKeyAndItsNegativeDifferInTheSignBit(uint256 secret) public view {
        secret = between(secret, 1, ORDER - 1);
        bytes memory one = bls.compress(BlsSigner.publicKeyOf(secret));
        bytes memory negative = bls.compress(BlsSigner.publicKeyOf(ORDER - secret));
        assertEq(uint8(one[0]) & 0xc0, 0x80, "compressed");
        one[0] = one[0] ^ 0x20;
        assertEq(one, negative, "sign");
    }

    function test_coordinatesStopBelowTheFieldsOrder() public view {
        bytes memory largest = abi.encodePacked(uint128(P_HIGH), P_LOW - 1);
        bytes memory order = abi.encodePacked(uint128(P_HIGH), P_LOW);
        bytes memory above = abi.encodePacked(uint128(P_HIGH + 1), uint256(0));
        assertTrue(bls.hasPublicKeyForm(bytes.concat(largest, largest)), "p - 1");
        assertTrue(!bls.hasPublicKeyForm(bytes.concat(order, largest)), "x = p");
        assertTrue(!bls.hasPublicKeyForm(bytes.concat(largest, order)), "y = p");
        assertTrue(!bls.hasPublicKeyForm(bytes.concat(above, largest)), "x > p");
        bytes memory half =
            hex"0d0088f51cbff34d258dd3db21a5d66bb23ba5c279c2895fb39869507b587b120f55ffff58a9ffffdcff7fffffffd555";
        bytes memory overHalf =
            hex"0d0088f51cbff34d258dd3db21a5d66bb23ba5c279c2895fb39869507b587b120f55ffff58a9ffffdcff7fffffffd556";
        assertEq(uint8(bls.compress(bytes.concat(half, half))[0]), 0x8d, "y = (p - 1) / 2");
        assertEq(uint8(bls.compress(bytes.concat(half, overHalf))[0]), 0xad, "y = (p + 1) / 2");
    }

    function test_whoeverChoosesTheGasDoesNotChooseTheAnswer(uint256 gasGiven) public view {
        gasGiven = between(gasGiven, 0, 500_000);
        try bls.verify{gas: gasGiven}(key, DIGEST, signature) returns (bool isValid) {
            assertTrue(isValid, "a valid signature is never refused");
        } catch {}
    }

    function test_outputsAreOfPointsAlone(bytes calldata any) public {
        vm.assume(any.length != 192);
        vm.expectRevert(abi.encodeWithSelector(BlsSignatures.InvalidPoint.selector));
        bls.vrfOutput(any);
    }

    function test_domainsAreBounded(uint16 length) public {
        length = uint16(between(length, 256, 2000));
        vm.expectRevert(abi.encodeWithSelector(BlsSignatures.DomainTooLong.selector, length));
        bls.hashToG2("", new bytes(length));
    }
}

/// @notice Properties of many signatures on one digest.
contract BlsBatchTest is Test {
    uint256 private constant ORDER = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001;
    bytes32 private constant DIGEST = keccak256("digest");
    uint256 private constant SIZE = 5;

    BlsHarness private bls;
    bytes[] private keys;
    bytes[] private signatures;

    function setUp() public {
        bls = new BlsHarness();
        for (uint256 i = 0; i < SIZE; i++) {
            keys.push(BlsSigner.publicKeyOf(100 + i));
            signatures.push(BlsSigner.sign(100 + i, DIGEST));
        }
    }

    function filled(bytes memory value, uint256 count) private pure returns (bytes[] memory list) {
        list = new bytes[](count);
        for (uint256 i = 0; i < count; i++) {
            list[i] = value;
        }
    }

    function test_allAreChecked(uint256 one, uint256 secret, uint256 bit) public view {
        one = one % SIZE;
        secret = between(secret, 200, ORDER - 1);
        bytes[] memory changed = signatures;
        assertTrue(bls.verifySameMessage(keys, DIGEST, changed), "valid");
        assertTrue(!bls.verifySameMessage(keys, keccak256("another"), changed), "another digest");
        changed[one] = BlsSigner.sign(secret, DIGEST);
        assertTrue(!bls.verifySameMessage(keys, DIGEST, changed), "another key's");
        changed[one] = new bytes(192);
        assertTrue(!bls.verifySameMessage(keys, DIGEST, changed), "infinity");
        changed[one] = signatures[one];
        changed[one][bit % 192] = bytes1(uint8(changed[one][bit % 192]) ^ 1);
        assertTrue(!bls.verifySameMessage(keys, DIGEST, changed), "no point");
        changed[one] = "";
        assertTrue(!bls.verifySameMessage(keys, DIGEST, changed), "no bytes");
        changed = keys;
        changed[one] = new bytes(96);
        assertTrue(!bls.verifySameMessage(changed, DIGEST, signatures), "no key");
    }

    /// @dev What keeps the sums as they are would pass without coefficients.
    function test_errorsDoNotCancel(uint256 one, uint256 other) public view {
        one = one % SIZE;
        other = other % SIZE;
        vm.assume(one != other);
        bytes[] memory changed = signatures;
        (changed[one], changed[other]) = (changed[other], changed[one]);
        assertTrue(!bls.verifySameMessage(keys, DIGEST, changed), "swapped");
        // secrets 100 + one + 7 and 100 + other - 7: the sum of the signatures stays
        changed[one] = BlsSigner.sign(107 + one, DIGEST);
        changed[other] = BlsSigner.sign(93 + other, DIGEST);
        assertTrue(!bls.verifySameMessage(keys, DIGEST, changed), "moved against each other");
    }

    function coefficientOf(uint256 position) private view returns (uint256) {
        bytes32 seed = keccak256(abi.encode(keccak256("mvm/bls-batch/1"), keys, DIGEST, signatures));
        return uint128(uint256(keccak256(abi.encode(seed, position))));
    }

    /// @dev Errors that cancel by the coefficients of the right ones: the secret of `one` moved by the coefficient of `other`,
    /// and the other way round. Whoever changes a key or a signature for coefficients changes them all.
    /// forge-config: default.fuzz.runs = 32
    function test_errorsDoNotCancelByCoefficientsThatAreKnown(uint256 one, uint256 other) public view {
        one = one % SIZE;
        other = other % SIZE;
        vm.assume(one != other);
        uint256 moved = 100 + one + coefficientOf(other);
        uint256 movedBack = addmod(100 + other, ORDER - coefficientOf(one), ORDER);
        bytes[] memory changed = signatures;
        changed[one] = BlsSigner.sign(moved, DIGEST);
        changed[other] = BlsSigner.sign(movedBack, DIGEST);
        assertTrue(!bls.verifySameMessage(keys, DIGEST, changed), "signatures");
        changed = keys;
        changed[one] = BlsSigner.publicKeyOf(moved);
        changed[other] = BlsSigner.publicKeyOf(movedBack);
        assertTrue(!bls.verifySameMessage(changed, DIGEST, signatures), "keys");
    }

    /// @dev From two on: one is cheaper by itself.
    function test_togetherIsCheaperThanOneByOne() public view {
        uint256 alone = 0;
        for (uint256 i = 0; i < SIZE; i++) {
            uint256 before = gasleft();
            assertTrue(bls.verify(keys[i], DIGEST, signatures[i]), "valid");
            alone += before - gasleft();
            bytes[] memory someKeys = new bytes[](i + 1);
            bytes[] memory someSignatures = new bytes[](i + 1);
            for (uint256 j = 0; j <= i; j++) {
                (someKeys[j], someSignatures[j]) = (keys[j], signatures[j]);
            }
            before = gasleft();
            assertTrue(bls.verifySameMessage(someKeys, DIGEST, someSignatures), "valid together");
            assertTrue((before - gasleft() < alone) == (i > 0), "cheaper");
        }
    }

    function test_aKeyMayOccurTwice() public view {
        assertTrue(bls.verifySameMessage(filled(keys[0], 2), DIGEST, filled(signatures[0], 2)), "twice");
    }

    function test_sizesAreBounded(uint256 count) public {
        count = between(count, 65, 80);
        vm.expectRevert(abi.encodeWithSelector(BlsSignatures.InvalidBatch.selector, count, count));
        bls.verifySameMessage(filled("", count), DIGEST, filled("", count));
        vm.expectRevert(abi.encodeWithSelector(BlsSignatures.InvalidBatch.selector, 0, 0));
        bls.verifySameMessage(new bytes[](0), DIGEST, new bytes[](0));
        vm.expectRevert(abi.encodeWithSelector(BlsSignatures.InvalidBatch.selector, SIZE, 1));
        bls.verifySameMessage(keys, DIGEST, filled(signatures[0], 1));
    }

    function test_whoeverChoosesTheGasDoesNotChooseTheAnswer(uint256 gasGiven) public view {
        gasGiven = between(gasGiven, 0, 900_000);
        try bls.verifySameMessage{gas: gasGiven}(keys, DIGEST, signatures) returns (bool isValid) {
            assertTrue(isValid, "valid signatures are never refused");
        } catch {}
    }
}
