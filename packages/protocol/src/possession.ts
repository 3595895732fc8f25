/**
 * Proof of possession of a BLS key: the key's signature on the registration that it is for. Without it an operator could
 * state a key made of others' keys, and signatures of several keys could not be checked together (page 20, "Keys").
 */
import { BLS_PUBLIC_KEY_BYTES, type BlsKey, verifyBls } from "./bls.ts";
import { keccak, taggedHash } from "./hash.ts";
import { FormatError, fromHex, toWord } from "./hex.ts";
import type { Address, Hash, Hex } from "./primitives.ts";

/** The registration that a proof is for: a proof is valid for no other chain, registry, operator or key (I11). */
export type PossessionClaim = {
  readonly l1ChainId: bigint;
  /** the staked registry's address on L1 */
  readonly registry: Address;
  /** the account that registers */
  readonly operator: Address;
};

/**
 * What the key signs: taggedHash("mvm/bls-possession/1", uint256 l1ChainId, address registry, address operator,
 * keccak256(key)), with the key in its 48 compressed bytes; as StakedRegistry.sol computes it. Throws FormatError where
 * the key has another length.
 */
export function possessionDigest(claim: PossessionClaim & { readonly publicKey: Hex }): Hash {
  const key = fromHex(claim.publicKey);
  if (key.length !== BLS_PUBLIC_KEY_BYTES) throw new FormatError("bad-length", "a public key has 48 bytes");
  const { l1ChainId, registry, operator } = claim;
  return taggedHash("mvm/bls-possession/1", toWord(l1ChainId), registry, operator, keccak(key));
}

/** The proof for a registration: 96 bytes compressed. */
export function provePossession(key: BlsKey, claim: PossessionClaim): Hex {
  return key.sign(possessionDigest({ ...claim, publicKey: key.publicKey }));
}

/** Whether a proof (96 bytes compressed) shows that the claim's operator has the key; false for malformed points. */
export function verifyPossession(claim: PossessionClaim & { readonly publicKey: Hex }, possession: Hex): boolean {
  if (claim.publicKey.length !== 2 + 2 * BLS_PUBLIC_KEY_BYTES || !/^0x[0-9a-f]*$/i.test(claim.publicKey)) return false;
  return verifyBls(possessionDigest(claim), claim.publicKey, possession);
}
