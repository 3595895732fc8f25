/**
 * A verifiable random function from unique signatures (page 20, "VRF"): for a key and a message there is one proof, so
 * its hash is a number that nobody can choose and only the key's holder can foresee.
 */
import { type BlsKey, blsSignaturePoint, verifyBls } from "./bls.ts";
import { type BlsSigned, verifyBlsBatch, wrongInBlsBatch } from "./blsBatch.ts";
import { taggedHash } from "./hash.ts";
import { toWord } from "./hex.ts";
import type { ChainId, Hash, Hex } from "./primitives.ts";

/** What is drawn in which place, beside the network: the epoch and its randomness R[e] in every draw. */
export type VrfPlaces = {
  readonly block: {
    readonly epoch: bigint;
    readonly randomness: Hash;
    readonly chainId: ChainId;
    readonly generation: bigint;
    readonly blockNumber: bigint;
  };
  readonly "ranger-seat": { readonly epoch: bigint; readonly randomness: Hash; readonly period: bigint };
};
export type VrfPurpose = keyof VrfPlaces;

/** The parts of a place after epoch and randomness, in their order; integers are words of 32 bytes. */
const PARTS: { readonly [P in VrfPurpose]: (place: VrfPlaces[P]) => readonly (bigint | Hex)[] } = {
  block: ({ chainId, generation, blockNumber }) => [chainId, generation, blockNumber],
  "ranger-seat": ({ period }) => [period],
};

/**
 * The message of one draw: taggedHash("mvm/vrf-<purpose>/1", network domain, uint256 epoch, randomness, parts), each
 * part 32 bytes. Messages of different networks, epochs, chains or purposes differ (I11). Throws FormatError for an
 * integer that is no uint256.
 */
export function vrfMessage<P extends VrfPurpose>(purpose: P, domain: Hash, place: VrfPlaces[P]): Hash {
  const { epoch, randomness } = place;
  const parts = [epoch, randomness, ...PARTS[purpose](place)];
  const words = parts.map((part) => (typeof part === "bigint" ? toWord(part) : part));
  return taggedHash(`mvm/vrf-${purpose}/1`, domain, ...words);
}

/** What a proof of the VRF signs: no signature for another purpose is a proof. */
const vrfDigest = (message: Hash): Hash => taggedHash("mvm/vrf/1", message);

/** The key's one proof for a message: a signature, 96 bytes compressed. */
export const vrfProve = (key: BlsKey, message: Hash): Hex => key.sign(vrfDigest(message));

/** Whether the proof (96 bytes compressed) is the key's (48 bytes compressed) for the message; malformed points are false. */
export const vrfVerify = (publicKey: Hex, message: Hash, proof: Hex): boolean =>
  verifyBls(vrfDigest(message), publicKey, proof);

/** A proof and the key whose it should be, both compressed. */
export type VrfProven = { readonly publicKey: Hex; readonly proof: Hex };

const signedOf = (proven: readonly VrfProven[]): readonly BlsSigned[] =>
  proven.map(({ publicKey, proof }) => ({ publicKey, signature: proof }));

/** Whether each proof is its key's for the one message, checked together: bounds, chance and entropy of verifyBlsBatch. */
export const vrfVerifyBatch = (message: Hash, proven: readonly VrfProven[], entropy: Hash): boolean =>
  verifyBlsBatch(vrfDigest(message), signedOf(proven), entropy);

/** Positions of the proofs that are not their keys', ascending: bounds, chance and entropy of wrongInBlsBatch. */
export const vrfWrongProofs = (message: Hash, proven: readonly VrfProven[], entropy: Hash): readonly number[] =>
  wrongInBlsBatch(vrfDigest(message), signedOf(proven), entropy);

/**
 * The random 32 bytes of a proof: taggedHash("mvm/vrf-output/1", the proof's point in the 192 bytes of
 * blsSignaturePoint), as BlsSignatures.sol computes it. Says nothing of whether the proof is valid. Throws FormatError
 * for what is no point of the subgroup.
 */
export const vrfOutput = (proof: Hex): Hash => taggedHash("mvm/vrf-output/1", blsSignaturePoint(proof));
