/**
 * A pseudorandom function that no one can compute alone: its value is the BLS signature under a shared key. Each member gives
 * a part, which anyone can check against the member's public share; any parts of as many members as the threshold combine to
 * the same value, and fewer tell nothing of it.
 */
import { blsKeyFromSecret, blsSignaturePoint, verifyBls } from "../bls.ts";
import { keccak, taggedHash } from "../hash.ts";
import { toWord } from "../hex.ts";
import type { ChainId, Hash, Hex } from "../primitives.ts";
import { weightedSignatureSum, weightsAtZero } from "./group.ts";
import { isPlace, MAX_MEMBERS, type ThresholdKey } from "./round.ts";

/** What values are for: keys of confidential objects, and their handles. */
export type PrfPurpose = "object" | "handle";

const text = new TextEncoder();

/**
 * What is signed for an input: taggedHash("mvm/threshold-prf/1", network domain, uint256 chainId, keccak(purpose),
 * keccak(input)). Messages of different networks, chains, purposes or inputs differ (I11).
 */
export const prfMessage = (of: {
  readonly domain: Hash;
  readonly chainId: ChainId;
  readonly purpose: PrfPurpose;
  readonly input: Uint8Array;
}): Hash =>
  taggedHash("mvm/threshold-prf/1", of.domain, toWord(of.chainId), keccak(text.encode(of.purpose)), keccak(of.input));

/** A member's part of the value: 96 bytes compressed. Throws where the share is no scalar, or zero. */
export const evaluatePartly = (share: Uint8Array, message: Hash): Hex => blsKeyFromSecret(share).sign(message);

/** Whether a part is that of the member with this public share (48 bytes); malformed points are false. */
export const verifyPartly = (publicShare: Hex, message: Hash, partial: Hex): boolean =>
  verifyBls(message, publicShare, partial);

/** A part, and the place of the member whose it should be. */
export type PrfPart = { readonly member: number; readonly partial: Hex };

/** What parts make together. */
export type Combined =
  | {
      readonly kind: "value";
      /** BLS signature on the message under the group key, 96 bytes compressed */
      readonly signature: Hex;
      /** the PRF's value: prfOutput of the signature */
      readonly output: Hash;
      /** members of whom a part was wrong, ascending */
      readonly wrong: readonly number[];
    }
  | {
      readonly kind: "failed";
      /** how many right parts of other members are wanted yet */
      readonly missing: number;
      readonly wrong: readonly number[];
    };

/** The 32 bytes of a value: taggedHash("mvm/threshold-prf-output/1", the signature in the 192 bytes of blsSignaturePoint). */
const prfOutput = (signature: Hex): Hash => taggedHash("mvm/threshold-prf-output/1", blsSignaturePoint(signature));

/**
 * Combines parts of a value. Each is checked, a millisecond each; of those that are right as many as the threshold are taken.
 * @param parts at most MAX_MEMBERS; throws RangeError for more. Of several right ones of a member one counts; what has a place that
 * is no member's is wrong.
 * @throws RangeError where right parts give no signature of the group: the key is none of outcomeOf's
 */
export function combine(key: ThresholdKey, message: Hash, parts: readonly PrfPart[]): Combined {
  if (parts.length > MAX_MEMBERS) throw new RangeError(`at most ${MAX_MEMBERS} parts, not ${parts.length}`);
  const right = new Map<number, Hex>();
  const wrongs = new Set<number>();
  for (const { member, partial } of parts) {
    const isMember = isPlace(member, key.members.length);
    if (isMember && verifyPartly(key.publicShares[member]!, message, partial)) right.set(member, partial);
    else wrongs.add(member);
  }
  const wrong = [...wrongs].sort((left, other) => left - other);
  const taken = [...right].slice(0, key.threshold);
  if (taken.length < key.threshold) return { kind: "failed", missing: key.threshold - taken.length, wrong };
  const weights = weightsAtZero(taken.map(([member]) => member + 1));
  const signature = weightedSignatureSum(
    taken.map(([, partial]) => partial),
    weights,
  );
  if (!verifyBls(message, key.groupKey, signature)) throw new RangeError("public shares that are not of the group key");
  return { kind: "value", signature, output: prfOutput(signature), wrong };
}
