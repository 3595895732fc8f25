// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @title Peer keys: proofs of possession, and the peer ids that follow from keys
/// @notice The rules of packages/protocol/src/peerPossession.ts. Nodes have secp256k1 keys in libp2p, so that L1 can check
/// them by ecrecover.
/// @dev A proof may be shown again, by the same operator at the same registry alone: it says that the key's holder lets that
/// operator name the key, whenever. Nothing is counted by signatures, so that it does not matter whether one has a second
/// form; it has none, for ECDSA takes a low s alone.
library PeerKeys {
    /// @notice What an operator shows of its peer key.
    /// @param x The public key's affine coordinate x, big-endian.
    /// @param y Its affine coordinate y.
    /// @param r Signature by the key on {possessionDigest}, in the short form of EIP-2098.
    /// @param vs Second word of that signature.
    struct Proof {
        bytes32 x;
        bytes32 y;
        bytes32 r;
        bytes32 vs;
    }

    /// @dev The order of the base field of secp256k1.
    uint256 private constant P = 0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f;
    bytes32 private constant POSSESSION_TAG = keccak256("mvm/peer-possession/1");
    /// @dev What a peer id begins with: the multihash of the function "identity" (0x00) and 37 bytes, which are libp2p's
    /// protobuf of a public key: field 1 (0x08), the type Secp256k1 (0x02), field 2 (0x12) of 33 bytes.
    bytes6 private constant PEER_ID_PREFIX = 0x002508021221;

    /// @notice The coordinates are not below the field's order, or no point of the curve.
    error InvalidPeerKey();
    /// @notice The signature does not show that the operator may name the peer key.
    error InvalidPeerPossession();

    /// @notice Reverts with InvalidPeerKey or InvalidPeerPossession unless a proof shows that an operator has a peer key.
    /// @dev Without the curve's equation it would not be shown: ecrecover gives the hash of a point, y of the peer id only its
    /// parity. Who may write any y beside another's x finds one that shares 160 bits of hash with a key of its own in 2^80
    /// tries.
    /// @param operator The account that registers at the calling contract.
    /// @param proof The key and its signature.
    /// @return peerId The key's libp2p peer id, 39 bytes.
    function requirePossession(address operator, Proof calldata proof) internal view returns (bytes memory peerId) {
        (uint256 x, uint256 y) = (uint256(proof.x), uint256(proof.y));
        if (x >= P || y >= P || mulmod(y, y, P) != addmod(mulmod(mulmod(x, x, P), x, P), 7, P)) {
            revert InvalidPeerKey();
        }
        bytes memory compressed = abi.encodePacked(uint8(2 | y & 1), x);
        address expected = address(uint160(uint256(keccak256(abi.encode(x, y)))));
        (address signer,,) = ECDSA.tryRecover(possessionDigest(operator, compressed), proof.r, proof.vs);
        if (signer != expected) revert InvalidPeerPossession();
        return bytes.concat(PEER_ID_PREFIX, compressed);
    }

    /// @notice What a peer key signs to show that an operator has it, for a registration at the calling contract.
    /// @param operator The account that registers.
    /// @param compressed The key, 33 bytes.
    /// @return The digest: protocol/src/peerPossession.ts, `peerPossessionDigest`.
    function possessionDigest(address operator, bytes memory compressed) internal view returns (bytes32) {
        return
            keccak256(abi.encodePacked(POSSESSION_TAG, block.chainid, address(this), operator, keccak256(compressed)));
    }
}
