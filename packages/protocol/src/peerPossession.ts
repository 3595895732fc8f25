/**
 * Proof of possession of a peer key: the key's signature on the registration that it is for. Without it an operator could
 * name another's peer, and get the requests, trust and strikes that are meant for it (page 20, "Keys").
 */
import secp256k1 from "secp256k1";
import { signDigest } from "./ecdsa.ts";
import { keccak, taggedHash } from "./hash.ts";
import { FormatError, fromHex, toHex, toWord } from "./hex.ts";
import type { PossessionClaim } from "./possession.ts";
import type { Hash, Hex } from "./primitives.ts";

export const PEER_PUBLIC_KEY_BYTES = 33;

/** What an operator shows of its peer key, as PeerKeys.sol takes it. */
export type PeerProof = {
  /** the secp256k1 point x || y, 64 bytes */
  readonly publicKey: Hex;
  /** on peerPossessionDigest: r || s || parity, 65 bytes, low s */
  readonly signature: Hex;
};

/**
 * What the key signs: taggedHash("mvm/peer-possession/1", uint256 l1ChainId, address registry, address operator,
 * keccak256(key)), with the key in its 33 compressed bytes; as PeerKeys.sol computes it. Throws FormatError where the key
 * has another length.
 */
export function peerPossessionDigest(claim: PossessionClaim & { readonly publicKey: Hex }): Hash {
  const key = fromHex(claim.publicKey);
  if (key.length !== PEER_PUBLIC_KEY_BYTES) throw new FormatError("bad-length", "a peer's public key has 33 bytes");
  const { l1ChainId, registry, operator } = claim;
  return taggedHash("mvm/peer-possession/1", toWord(l1ChainId), registry, operator, keccak(key));
}

/**
 * The proof for a registration.
 * @param secret the peer key's 32 secret bytes; throws where they are no secp256k1 key
 */
export function provePeerPossession(secret: Uint8Array, claim: PossessionClaim): PeerProof {
  const digest = peerPossessionDigest({ ...claim, publicKey: toHex(secp256k1.publicKeyCreate(secret, true)) });
  const point = secp256k1.publicKeyCreate(secret, false).subarray(1);
  return { publicKey: toHex(point), signature: signDigest(secret, digest) };
}
