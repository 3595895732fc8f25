// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {PeerKeys} from "../src/PeerKeys.sol";
import {PeerSigner} from "./base/PeerSigner.sol";
import {Test} from "./base/Test.sol";

/// @notice The library behind calls: a registry that only checks.
contract PeerKeysHarness {
    function requirePossession(address operator, PeerKeys.Proof calldata proof) external view returns (bytes memory) {
        return PeerKeys.requirePossession(operator, proof);
    }

    function possessionDigest(address operator, bytes calldata compressed) external view returns (bytes32) {
        return PeerKeys.possessionDigest(operator, compressed);
    }
}

contract PeerKeysTest is Test {
    uint256 private constant ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
    uint256 private constant P = 0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f;
    bytes4 private constant NO_KEY = PeerKeys.InvalidPeerKey.selector;
    bytes4 private constant NOT_PROVEN = PeerKeys.InvalidPeerPossession.selector;

    PeerKeysHarness private registry;

    function setUp() public {
        registry = new PeerKeysHarness();
    }

    function proofOf(uint256 secret, address operator) private view returns (PeerKeys.Proof memory) {
        return PeerSigner.proofOf(secret, address(registry), operator);
    }

    function refuse(address operator, PeerKeys.Proof memory proof, bytes4 reason) private {
        vm.expectRevert(abi.encodeWithSelector(reason));
        registry.requirePossession(operator, proof);
    }

    function test_proofsOfTypeScriptHoldAndGiveThePeerIdsOfLibp2p() public {
        string memory json = vm.readFile("../packages/protocol/vectors/peerPossession.json");
        uint256 count = 0;
        for (; vm.keyExistsJson(json, string.concat("$[", vm.toString(count), "]")); count++) {
            string memory path = string.concat("$[", vm.toString(count), "].");
            bytes memory point = vm.parseJsonBytes(json, string.concat(path, "publicKeyPoint"));
            bytes memory signature = vm.parseJsonBytes(json, string.concat(path, "signature"));
            address operator = vm.parseJsonAddress(json, string.concat(path, "operator"));
            PeerKeysHarness own = PeerKeysHarness(vm.parseJsonAddress(json, string.concat(path, "registry")));
            uint256 l1ChainId = uint256(vm.parseJsonBytes32(json, string.concat(path, "l1ChainId")));
            vm.etch(address(own), address(registry).code);
            vm.chainId(l1ChainId);
            bytes memory compressed = vm.parseJsonBytes(json, string.concat(path, "publicKey"));
            bytes32 digest = vm.parseJsonBytes32(json, string.concat(path, "digest"));
            assertEq(own.possessionDigest(operator, compressed), digest, "digest");
            PeerKeys.Proof memory proof = shortened(point, signature);
            bytes memory peerId = vm.parseJsonBytes(json, string.concat(path, "peerId"));
            assertEq(own.requirePossession(operator, proof), peerId, "peer id");

            uint256 secret = uint256(vm.parseJsonBytes32(json, string.concat(path, "secret")));
            PeerKeys.Proof memory signed = PeerSigner.proofOf(secret, address(own), operator);
            assertEq(abi.encode(signed), abi.encode(proof), "the signer's proof");
            refuse(operator, proof, NOT_PROVEN);
            vm.chainId(l1ChainId ^ 1);
            vm.expectRevert(abi.encodeWithSelector(NOT_PROVEN));
            own.requirePossession(operator, proof);
        }
        assertEq(count, 4, "all of them");
    }

    /// @dev A proof of x || y and r || s || parity.
    function shortened(bytes memory point, bytes memory signature) private pure returns (PeerKeys.Proof memory proof) {
        assertTrue(point.length == 64 && signature.length == 65, "lengths");
        (proof.x, proof.y) = abi.decode(point, (bytes32, bytes32));
        (proof.r, proof.vs) = abi.decode(bytes.concat(signature, new bytes(31)), (bytes32, bytes32));
        if (signature[64] == 0x01) proof.vs |= bytes32(uint256(1) << 255);
    }

    function test_aProofIsItsOperatorsAtItsRegistryOnItsChain(uint256 secret, address operator, address other) public {
        vm.assume(operator != other);
        secret = between(secret, 1, ORDER - 1);
        PeerKeys.Proof memory proof = proofOf(secret, operator);
        assertEq(registry.requirePossession(operator, proof), PeerSigner.peerIdOf(secret), "peer id");
        assertEq(registry.requirePossession(operator, proof).length, 39, "length");
        refuse(other, proof, NOT_PROVEN);
        PeerKeysHarness second = new PeerKeysHarness();
        vm.expectRevert(abi.encodeWithSelector(NOT_PROVEN));
        second.requirePossession(operator, proof);
        vm.chainId(block.chainid + 1);
        refuse(operator, proof, NOT_PROVEN);
    }

    function test_aSignatureProvesItsOwnKeyAlone(uint256 secret, uint256 another, address operator) public {
        (secret, another) = (between(secret, 1, ORDER - 1), between(another, 1, ORDER - 1));
        vm.assume(secret != another);
        PeerKeys.Proof memory proof = proofOf(secret, operator);
        PeerKeys.Proof memory others = proofOf(another, operator);
        (others.r, others.vs) = (proof.r, proof.vs);
        refuse(operator, others, NOT_PROVEN);
        // the same x, so the digest of the other sign alone: p - y is the key of the negated secret
        proof.y = bytes32(P - uint256(proof.y));
        refuse(operator, proof, NOT_PROVEN);
    }

    function test_aChangedProofIsNone(uint256 secret, address operator, uint256 bit) public {
        secret = between(secret, 1, ORDER - 1);
        bytes32 flip = bytes32(1 << bit % 256);
        PeerKeys.Proof memory proof = proofOf(secret, operator);
        proof.r ^= flip;
        refuse(operator, proof, NOT_PROVEN);
        proof = proofOf(secret, operator);
        proof.vs ^= flip;
        refuse(operator, proof, NOT_PROVEN);
        proof = proofOf(secret, operator);
        proof.x ^= flip;
        refuse(operator, proof, NO_KEY);
        proof = proofOf(secret, operator);
        proof.y ^= flip;
        refuse(operator, proof, NO_KEY);
    }

    function test_anyWordsAreNoProof(bytes32[4] calldata words, address operator) public {
        bytes memory call = abi.encodeCall(
            registry.requirePossession, (operator, PeerKeys.Proof(words[0], words[1], words[2], words[3]))
        );
        (bool isDone,) = address(registry).call(call);
        assertTrue(!isDone, "any words");
        PeerKeys.Proof memory proof = proofOf(1, operator);
        (proof.r, proof.vs) = (words[2], words[3]);
        refuse(operator, proof, NOT_PROVEN);
    }

    /// @dev x = 1 lies on the curve: 1 + p and its y satisfy the equation, and name the point in another form.
    function test_coordinatesAreBelowTheFieldsOrder() public {
        uint256 y = 0x4218f20ae6c646b363db68605822fb14264ca8d2587fdd6fbc750d587e76a7ee;
        refuse(address(1), PeerKeys.Proof(bytes32(uint256(1)), bytes32(y), 0, 0), NOT_PROVEN);
        refuse(address(1), PeerKeys.Proof(bytes32(P + 1), bytes32(y), 0, 0), NO_KEY);
        refuse(address(1), PeerKeys.Proof(0, 0, 0, 0), NO_KEY);
        refuse(address(1), PeerKeys.Proof(bytes32(type(uint256).max), bytes32(y), 0, 0), NO_KEY);
        refuse(address(1), PeerKeys.Proof(bytes32(uint256(1)), bytes32(y ^ 2), 0, 0), NO_KEY);
    }
}
