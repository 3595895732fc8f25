/**
 * Many BLS signatures on one digest, checked together (page 20, "VRF"): the sums of keys and of signatures, each term times
 * a random coefficient, are key and signature. One pairing check instead of many; what is left for each signature is to
 * decode it and its key, and to see that they lie in their subgroups.
 *
 * What a wrong one passes with: let H be the digest's point, and e = signature - secret * H, which is zero for right ones
 * alone. The check is that the sum of coefficient * e is zero. In a group of prime order, for any coefficients of the
 * others, at most one coefficient of a wrong one does that: a chance of at most 2 * 2^-128. (Points of small order would
 * spoil this, hence the look at subgroups.) Coefficients come from a hash over entropy and all of the input, so whoever
 * makes signatures cannot make them for coefficients: not knowing the entropy it has that one chance, knowing it one for
 * each hash that it computes. Plain sums would take two wrong signatures whose errors cancel.
 */
import { aggregatePublicKeys, aggregateSignatures, PublicKey, Signature, verify } from "@chainsafe/blst";
import { BLS_PUBLIC_KEY_BYTES, BLS_SIGNATURE_BYTES, verifyBls } from "./bls.ts";
import { keccak, taggedHash } from "./hash.ts";
import { bytesToBigInt, concatBytes, fromHex, joinBytes, toWord } from "./hex.ts";
import type { Hash, Hex } from "./primitives.ts";

/** A signature and the key whose it should be, both compressed. */
export type BlsSigned = { readonly publicKey: Hex; readonly signature: Hex };

/** Most signatures of one batch, as on L1 (BlsSignatures.sol). */
export const MAX_BLS_BATCH = 64;
const COEFFICIENT_BYTES = 16;

const hasLengths = ({ publicKey, signature }: BlsSigned): boolean =>
  publicKey.length === 2 + 2 * BLS_PUBLIC_KEY_BYTES && signature.length === 2 + 2 * BLS_SIGNATURE_BYTES;

/** The points of the subgroups, none infinity; null where one is none. */
function decode(signed: readonly BlsSigned[]): { readonly keys: PublicKey[]; readonly points: Signature[] } | null {
  if (!signed.every(hasLengths)) return null;
  try {
    const keys = signed.map(({ publicKey }) => PublicKey.fromHex(publicKey, true));
    return { keys, points: signed.map(({ signature }) => Signature.fromHex(signature, true, true)) };
  } catch {
    return null; // the library's only way of saying that a point is none
  }
}

/**
 * The batch's coefficients: 16 bytes each, not zero, the first half of keccak(seed || uint256 position) with
 * seed = taggedHash("mvm/bls-batch-check/1", entropy, digest, keccak(all keys and signatures in their order)).
 */
export function blsCoefficients(digest: Hash, signed: readonly BlsSigned[], entropy: Hash): readonly bigint[] {
  const input = joinBytes(signed.flatMap(({ publicKey, signature }) => [fromHex(publicKey), fromHex(signature)]));
  const seed = fromHex(taggedHash("mvm/bls-batch-check/1", entropy, digest, keccak(input)));
  return signed.map((_, position) => {
    const word = keccak(concatBytes(seed, toWord(BigInt(position))));
    return bytesToBigInt(word.subarray(0, COEFFICIENT_BYTES)) || 1n;
  });
}

/** The sum of all points times their coefficients, of which none is zero: doubled and added bit by bit for all at once. */
function weightedSum<P>(points: readonly P[], coefficients: readonly bigint[], add: (points: P[]) => P): P {
  let sum: P | undefined;
  for (let bit = BigInt(8 * COEFFICIENT_BYTES) - 1n; bit >= 0n; bit--) {
    const terms = points.filter((_, position) => ((coefficients[position]! >> bit) & 1n) === 1n);
    if (sum !== undefined) terms.push(sum, sum);
    if (terms.length > 0) sum = add(terms);
  }
  return sum!;
}

/**
 * Whether each signature is its key's on the digest; malformed points are false. A batch with a wrong one is taken with a
 * chance of 2^-127.
 * @param signed 1 to MAX_BLS_BATCH; throws RangeError for another number. A key may occur more than once.
 * @param entropy random bytes of the caller, better not known to whoever made the signatures
 */
export function verifyBlsBatch(digest: Hash, signed: readonly BlsSigned[], entropy: Hash): boolean {
  if (signed.length === 0 || signed.length > MAX_BLS_BATCH)
    throw new RangeError(`a batch has 1 to ${MAX_BLS_BATCH} signatures, not ${signed.length}`);
  if (signed.length === 1) return verifyBls(digest, signed[0]!.publicKey, signed[0]!.signature);
  const decoded = decode(signed);
  if (decoded === null) return false;
  const coefficients = blsCoefficients(digest, signed, entropy);
  const key = weightedSum(decoded.keys, coefficients, (terms) => aggregatePublicKeys(terms, false));
  const point = weightedSum(decoded.points, coefficients, (terms) => aggregateSignatures(terms, false));
  return verify(fromHex(digest), key, point, false, false);
}

/**
 * Positions of the signatures that are not their keys', ascending: none where verifyBlsBatch is true, else found one by one,
 * which for so few is as fast as to halve the batch again and again. Parameters as of verifyBlsBatch.
 */
export function wrongInBlsBatch(digest: Hash, signed: readonly BlsSigned[], entropy: Hash): readonly number[] {
  if (verifyBlsBatch(digest, signed, entropy)) return [];
  return signed.flatMap(({ publicKey, signature }, position) =>
    verifyBls(digest, publicKey, signature) ? [] : [position],
  );
}
