import { fromHex, type Hash, verifyBls } from "@mvm/protocol";
import {
  checkDealing,
  combine,
  evaluatePartly,
  makeDealing,
  outcomeOf,
  ownShareOf,
  prfMessage,
} from "@mvm/protocol/threshold";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { dealingOf, ORDER, partsBySeed, polynomialAt, weightsOf } from "../../vectors/threshold.ts";
import {
  CHAIN,
  checked,
  DOMAIN,
  dealt,
  handedOn,
  hashNamed,
  hostNamed,
  hostsNamed,
  type Made,
  newKey,
  opened,
  placesOf,
  roundOf,
} from "./ceremonies.ts";

const message = prfMessage({ domain: DOMAIN, chainId: CHAIN, purpose: "handle", input: fromHex("0x03") });
const partsBy = (made: Made, members: readonly number[]) =>
  members.map((member) => ({ member, partial: evaluatePartly(made.shares[member]!, message) }));
const valueBy = (made: Made, members: readonly number[]): Hash => {
  const combined = combine(made.key, message, partsBy(made, members));
  if (combined.kind === "failed") throw new Error(`missing ${combined.missing}`);
  return combined.output;
};
const scalars = (shares: readonly Uint8Array[]): readonly bigint[] =>
  shares.map((share) => BigInt(`0x${Buffer.from(share).toString("hex")}`));
/** The number at 0 that shares of these places interpolate to. */
const numberBy = (shares: readonly bigint[], members: readonly number[]): bigint => {
  const weights = weightsOf(members.map((member) => BigInt(member) + 1n));
  return shares.reduce((sum, share, i) => (sum + share * weights[i]!) % ORDER, 0n);
};

const hosts = hostsNamed(4);
const old = newKey(hosts, 3);
/** Two stay, in other places, two leave, one comes. */
const nextHosts = [hosts[2]!, hostNamed("comer"), hosts[0]!];

describe("a key that is handed on", () => {
  it("stays, with the values of its PRF: whoever leaves, comes or stays, to a lower or higher threshold", () => {
    const sizes = fc.integer({ min: 1, max: 4 }).chain((count) =>
      fc.record({
        oldThreshold: fc.integer({ min: 1, max: 3 }),
        count: fc.constant(count),
        threshold: fc.integer({ min: 1, max: count }),
        from: fc.nat({ max: 3 }),
      }),
    );
    fc.assert(
      fc.property(sizes, ({ oldThreshold, count, threshold, from }) => {
        const before = newKey(hosts.slice(0, 3), oldThreshold);
        const next = hostsNamed(7).slice(from, from + count);
        const after = handedOn(before, [0, 1, 2], { hosts: next, threshold });
        expect(after.key.groupKey).toBe(before.key.groupKey);
        expect(after.key.dealers).toEqual(placesOf(oldThreshold));
        const value = valueBy(before, placesOf(oldThreshold));
        expect(valueBy(after, placesOf(threshold))).toBe(value);
        expect(valueBy(after, placesOf(count).slice(-threshold))).toBe(value);
        const again = handedOn(after, placesOf(count), { hosts: hosts.slice(1), threshold: 2, number: 3n });
        expect(valueBy(again, [0, 2])).toBe(value);
      }),
      { numRuns: 6 },
    );
  });

  it("is handed on by any of the old members, as many as the old threshold; of more the first in their order count", () => {
    const byLast = handedOn(old, [3, 1, 2], { hosts: nextHosts, threshold: 2 });
    expect(byLast.key.dealers).toEqual([1, 2, 3]);
    expect(handedOn(old, [3, 2, 1, 0], { hosts: nextHosts, threshold: 2 }).key.dealers).toEqual([0, 1, 2]);
    expect(valueBy(byLast, [0, 1])).toBe(valueBy(old, [0, 1, 2]));
    const round = roundOf(nextHosts, 2, { number: 2n, continues: old.key });
    const few = dealt(round, [0, 3], { shares: old.shares });
    expect(outcomeOf(round, few, [])).toMatchObject({ kind: "failed", qualified: [0, 3], needed: 3 });
  });

  it("gives shares that do not combine with old ones: fewer than the old threshold of those are of no use", () => {
    const next = handedOn(old, [0, 1, 2], { hosts: nextHosts, threshold: 3 });
    const value = valueBy(old, [0, 1, 2]);
    // hosts 0 and 2 hold both: at their old places two old shares, at the new ones two new
    const mixed = [partsBy(old, [0])[0]!, ...partsBy(next, [1, 2])];
    expect(combine(next.key, message, mixed)).toEqual({ kind: "failed", missing: 1, wrong: [0] });
    const oldNumbers = scalars(old.shares);
    const newNumbers = scalars(next.shares);
    const secret = numberBy(oldNumbers.slice(0, 3), [0, 1, 2]);
    expect(numberBy(newNumbers, [0, 1, 2])).toBe(secret);
    // two old shares with a new one, a new one with two old: at every place no number is the secret
    for (const place of [0, 1, 2]) {
      const others = [0, 1, 2].filter((one) => one !== place);
      expect(numberBy([newNumbers[place]!, ...others.map((one) => oldNumbers[one]!)], [place, ...others])).not.toBe(
        secret,
      );
      expect(numberBy([oldNumbers[place]!, ...others.map((one) => newNumbers[one]!)], [place, ...others])).not.toBe(
        secret,
      );
    }
    expect(valueBy(next, [0, 1, 2])).toBe(value);
  });

  it("takes other shares with each round, also for the same members at the same threshold", () => {
    const next = handedOn(old, [0, 1, 2], { hosts, threshold: 3 });
    const shares = [...old.shares, ...next.shares].map((share) => Buffer.from(share).toString("hex"));
    expect(new Set(shares).size).toBe(8);
    expect(combine(next.key, message, partsBy(old, [0, 1, 2, 3]))).toEqual({
      ...{ kind: "failed", missing: 3 },
      wrong: [0, 1, 2, 3],
    });
  });

  it("is made of no dealing but of the dealer's own share of it, though it is proven rightly", () => {
    const round = roundOf(nextHosts, 2, { number: 2n, continues: old.key });
    const seed = hashNamed("a seed");
    const parts = { roundId: round.id, dealer: 1, members: round.members, seed, ...partsBySeed(round.id, 1, 2, seed) };
    const [own, neighbours] = [scalars(old.shares)[1]!, scalars(old.shares)[0]!];
    const withConstant = (constant: bigint) =>
      checkDealing(round, 1, fromHex(dealingOf({ ...parts, coefficients: [constant, parts.coefficients[1]!] })));
    expect(withConstant(own)).toMatchObject({ kind: "dealing" });
    for (const constant of [parts.coefficients[0]!, neighbours, ORDER - own])
      expect(withConstant(constant)).toEqual({ kind: "fault", code: "wrong-constant" });
    const ofNew = makeDealing(roundOf(hosts, 2), { dealer: 1, seed, share: null });
    expect(checkDealing(round, 1, ofNew)).toMatchObject({ kind: "fault" });
  });

  it("loses who hands on a wrong share, by complaint, and stays the same with the others", () => {
    const round = roundOf(nextHosts, 2, { number: 2n, continues: old.key });
    const seed = hashNamed("a seed");
    const { coefficients, secret } = partsBySeed(round.id, 0, 2, seed);
    const own = [scalars(old.shares)[0]!, coefficients[1]!];
    const shift = (_: string, member: number): string =>
      `0x${((polynomialAt(own, BigInt(member) + 1n) + 1n) % ORDER).toString(16).padStart(64, "0")}`;
    const bytes = dealingOf({
      roundId: round.id,
      dealer: 0,
      members: round.members,
      seed,
      coefficients: own,
      secret,
      change: shift,
    });
    const dealings = [checked(round, 0, fromHex(bytes)), ...dealt(round, [1, 2, 3], { shares: old.shares })];
    const { complaints } = opened(round, dealings, hosts[2]!);
    expect(complaints.map(({ dealer }) => dealer)).toEqual([0]);
    const outcome = outcomeOf(round, dealings, complaints);
    expect(outcome).toMatchObject({ kind: "key", key: { dealers: [1, 2, 3], groupKey: old.key.groupKey } });
  });

  it("is dealt with the dealer's share alone, and a new key with none", () => {
    const round = roundOf(nextHosts, 2, { number: 2n, continues: old.key });
    const seed = hashNamed("a seed");
    const bad = [null, old.shares[1]!, old.shares[0]!.subarray(1), new Uint8Array(32), new Uint8Array(32).fill(255)];
    for (const share of bad) expect(() => makeDealing(round, { dealer: 0, seed, share })).toThrow(RangeError);
    expect(() => makeDealing(old.round, { dealer: 0, seed, share: old.shares[0]! })).toThrow(RangeError);
    expect(() => makeDealing(round, { dealer: 4, seed, share: old.shares[0]! })).toThrow(RangeError);
  });
});

describe("a member's own share", () => {
  const dealings = dealt(old.round, placesOf(4));
  const { member, shares } = opened(old.round, dealings, hosts[1]!);

  it("signs as its public share says", () => {
    for (const [i, share] of old.shares.entries())
      expect(verifyBls(message, old.key.publicShares[i]!, evaluatePartly(share, message))).toBe(true);
  });

  it("is of its round, its member, and of all dealers' shares", () => {
    expect(ownShareOf(old.round, old.key, { member, opened: shares })).toEqual(old.shares[1]);
    const missing = new Map([...shares].slice(1));
    const another = new Map([...shares, [2, shares.get(3)!]]);
    expect(() => ownShareOf(old.round, old.key, { member, opened: missing })).toThrow(RangeError);
    expect(() => ownShareOf(old.round, old.key, { member, opened: another })).toThrow(RangeError);
    for (const other of [0, 2, 4])
      expect(() => ownShareOf(old.round, old.key, { member: other, opened: shares })).toThrow(RangeError);
    const round = roundOf(hosts, 3, { number: 9n });
    expect(() => ownShareOf(round, old.key, { member, opened: shares })).toThrow(RangeError);
  });
});
