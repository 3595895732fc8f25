import { fromHex, type Hash, type Hex, toHex } from "@mvm/protocol";
import {
  type CheckedDealing,
  type Complaint,
  combine,
  decodeComplaint,
  encodeComplaint,
  evaluatePartly,
  type KeyRound,
  keyRound,
  makeDealing,
  openDealing,
  outcomeOf,
  ownShareOf,
  type PrfPurpose,
  prfMessage,
  type RoundTerms,
  type ThresholdKey,
  verifyPartly,
} from "@mvm/protocol/threshold";
import { describe, expect, it } from "vitest";
import { readVectors } from "../vectorFiles.ts";
import { checked } from "./ceremonies.ts";

type RoundVector = {
  readonly terms: Omit<RoundTerms, "continues">;
  readonly roundId: Hash;
  readonly secrets: readonly Hex[];
  readonly dealings: readonly { dealer: number; seed: Hash; isRight: boolean; encoded: Hex; digest: Hash }[];
  readonly key: Pick<ThresholdKey, "groupKey" | "publicShares" | "dealers"> & { readonly shares: readonly Hex[] };
};
type ValueVector = {
  readonly purpose: PrfPurpose;
  readonly input: Hex;
  readonly message: Hash;
  readonly partials: readonly Hex[];
  readonly signature: Hex;
  readonly output: Hash;
};
type Vectors = {
  readonly first: RoundVector & { readonly complaint: Hex };
  readonly second: RoundVector;
  readonly valuesOfFirst: readonly ValueVector[];
  readonly valuesOfSecond: readonly ValueVector[];
};

const { first, second, valuesOfFirst, valuesOfSecond } = readVectors<Vectors>("threshold");

/** Everything of a round, compared with its vector; `shares` of the key that is handed on. */
function played(vector: RoundVector, continues: ThresholdKey | null, oldShares: readonly Hex[]) {
  const round: KeyRound = keyRound({ ...vector.terms, continues });
  expect(round.id).toBe(vector.roundId);
  const dealings = vector.dealings.map(({ dealer, seed, isRight, encoded, digest }): CheckedDealing => {
    const share = continues === null ? null : fromHex(oldShares[dealer]!);
    expect(toHex(makeDealing(round, { dealer, seed, share })) === encoded).toBe(isRight);
    const dealing = checked(round, dealer, fromHex(encoded));
    expect(dealing.digest).toBe(digest);
    return dealing;
  });
  const complaints: Complaint[] = [];
  const openedBy = vector.secrets.map((secret, member) => {
    const shares = new Map<number, Uint8Array>();
    for (const dealing of dealings) {
      const found = openDealing(round, dealing, { member, secret: fromHex(secret) });
      if (found.kind === "share") shares.set(dealing.dealer, found.share);
      else complaints.push(found.complaint);
    }
    return shares;
  });
  const outcome = outcomeOf(round, dealings, complaints);
  if (outcome.kind === "failed") throw new Error(outcome.code);
  const { groupKey, publicShares, dealers, shares } = vector.key;
  expect(outcome.key).toMatchObject({ groupKey, publicShares, dealers });
  const own = openedBy.map((opened, member) => toHex(ownShareOf(round, outcome.key, { member, opened })));
  expect(own).toEqual(shares);
  return { key: outcome.key, complaints };
}

function comparedValues(key: ThresholdKey, shares: readonly Hex[], values: readonly ValueVector[]): void {
  for (const { purpose, input, message, partials, signature, output } of values) {
    const { domain, chainId } = first.terms;
    expect(prfMessage({ domain, chainId, purpose, input: fromHex(input) })).toBe(message);
    expect(shares.map((share) => evaluatePartly(fromHex(share), message))).toEqual(partials);
    expect(partials.every((partial, i) => verifyPartly(key.publicShares[i]!, message, partial))).toBe(true);
    const parts = partials.map((partial, member) => ({ member, partial })).reverse();
    expect(combine(key, message, parts)).toEqual({ kind: "value", signature, output, wrong: [] });
  }
}

describe("vectors of the key ceremony and the threshold PRF, stated a second time by noble", () => {
  it("a new key, of which one dealer is thrown out; then the same key in other hands, with the same values", () => {
    const made = played(first, null, []);
    expect(made.complaints.map((complaint) => toHex(encodeComplaint(complaint)))).toEqual([first.complaint]);
    expect(decodeComplaint(fromHex(first.complaint))).toEqual(made.complaints[0]);
    comparedValues(made.key, first.key.shares, valuesOfFirst);
    const next = played(second, made.key, first.key.shares);
    expect(next.complaints).toEqual([]);
    comparedValues(next.key, second.key.shares, valuesOfSecond);
    expect(valuesOfSecond.map(({ output }) => output)).toEqual(valuesOfFirst.map(({ output }) => output));
  });
});
