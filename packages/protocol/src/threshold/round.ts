/**
 * A round of the key ceremony: who deals to whom, and how many shares make the key. A round makes a new key, or hands the
 * key of an earlier round on to new members, old shares becoming useless (docs/decisions/066-key-ceremony.md).
 */
import { isBlsPublicKey } from "../bls.ts";
import { keccak, taggedHash } from "../hash.ts";
import { FormatError, fromHex, joinBytes, toWord } from "../hex.ts";
import { type ChainId, type Hash, type Hex, ZERO_HASH } from "../primitives.ts";

/** Most members of a round, and so most dealings that count, shares of a dealing and parts of a PRF's value. */
export const MAX_MEMBERS = 32;

/** A key that a round has made or handed on: public, the same for every reader of L1. */
export type ThresholdKey = {
  /** networkDomain */
  readonly domain: Hash;
  readonly chainId: ChainId;
  /** id of the round that gave its members their shares */
  readonly roundId: Hash;
  /** how many shares make a value: 1 to as many as there are members */
  readonly threshold: number;
  /** registered BLS keys of those who hold shares, 48 bytes each, in the round's order */
  readonly members: readonly Hex[];
  /** 48 bytes compressed */
  readonly groupKey: Hex;
  /** for each member its share times the generator, 48 bytes; infinity for who made its own share zero, and thereby void */
  readonly publicShares: readonly Hex[];
  /** numbers of those whose dealings made it, ascending: of members, or of the earlier key's members where it was handed on */
  readonly dealers: readonly number[];
};

/** What a round is of. */
export type RoundTerms = {
  /** networkDomain */
  readonly domain: Hash;
  readonly chainId: ChainId;
  /** below 2^64; no two rounds of a DAC have the same */
  readonly number: bigint;
  /** 1 to as many as there are members */
  readonly threshold: number;
  /** registered BLS keys, 48 bytes compressed, 1 to MAX_MEMBERS, all different; member i holds the polynomial's value at i + 1 */
  readonly members: readonly Hex[];
  /** the key that is handed on, whose members deal; null for a new key, for which the round's own members deal */
  readonly continues: ThresholdKey | null;
};

/** Terms that keyRound has checked, with their id: what everything of the round is bound to. */
export type KeyRound = RoundTerms & { readonly id: Hash };

/**
 * Checks terms and gives them their id: taggedHash("mvm/threshold-round/1", domain, uint256 chainId, uint256 number, uint256
 * threshold, keccak(members), keyId of the key that is handed on, or zero).
 * @throws RangeError for terms out of their bounds, for a key of another network or chain; FormatError for a member whose key
 * is no point of the subgroup
 */
export function keyRound(terms: RoundTerms): KeyRound {
  const { domain, chainId, number, threshold, members, continues } = terms;
  const count = members.length;
  if (count < 1 || count > MAX_MEMBERS) throw new RangeError(`a round has 1 to ${MAX_MEMBERS} members, not ${count}`);
  if (!Number.isInteger(threshold) || threshold < 1 || threshold > count)
    throw new RangeError(`a threshold of ${threshold} for ${count} members`);
  if (number < 0n || number >= 1n << 64n) throw new RangeError(`the round's number is no uint64: ${number}`);
  if (new Set(members).size !== count) throw new RangeError("a member has two places in the round");
  const wrong = members.find((member) => !isBlsPublicKey(member));
  if (wrong !== undefined) throw new FormatError("out-of-range", `no point of the subgroup: ${wrong.slice(0, 200)}`);
  if (continues !== null && (continues.domain !== domain || continues.chainId !== chainId))
    throw new RangeError("a round continues none of another network or chain");
  const words = [chainId, number, BigInt(threshold)].map(toWord);
  const previous = continues === null ? ZERO_HASH : keyId(continues);
  const id = taggedHash("mvm/threshold-round/1", domain, ...words, keccakOf(members), previous);
  return { domain, chainId, number, threshold, members, continues, id };
}

const keccakOf = (points: readonly Hex[]): Uint8Array => keccak(joinBytes(points.map(fromHex)));

/** What stands for a key and its shares: taggedHash("mvm/threshold-key/1", roundId, groupKey, keccak(publicShares)). */
const keyId = ({ roundId, groupKey, publicShares }: ThresholdKey): Hash =>
  taggedHash("mvm/threshold-key/1", roundId, groupKey, keccakOf(publicShares));

/** How many may deal in a round. */
export const dealerCount = ({ members, continues }: KeyRound): number => (continues?.members ?? members).length;

/** How many dealings a round needs: as many as it takes shares, so that one at least is by none of those who collude. */
export const dealingsNeeded = ({ threshold, continues }: KeyRound): number => continues?.threshold ?? threshold;

/** Whether a number is one of `count` places, from 0. */
export const isPlace = (place: number, count: number): boolean =>
  Number.isInteger(place) && place >= 0 && place < count;
