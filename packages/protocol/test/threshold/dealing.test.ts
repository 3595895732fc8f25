import { encodeRlp, FormatError, fromHex, type Hash, type Hex, toChainId, toHex } from "@mvm/protocol";
import {
  checkDealing,
  keyRound,
  MAX_DEALING_BYTES,
  MAX_MEMBERS,
  makeDealing,
  outcomeOf,
} from "@mvm/protocol/threshold";
import { decodeRlp, hexlify } from "ethers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type DealingParts, dealingOf, ORDER, partsBySeed } from "../../vectors/threshold.ts";
import { readVectors } from "../vectorFiles.ts";
import { checked, dealt, hashNamed, hostsNamed, newKey, roundOf, shuffled } from "./ceremonies.ts";

const hosts = hostsNamed(4);
const round = roundOf(hosts, 3);
const seed = hashNamed("a seed");
const data = makeDealing(round, { dealer: 1, seed, share: null });
const INFINITY = `0xc0${"00".repeat(47)}`;
const codeOf = (bytes: Uint8Array, dealer = 1, of = round): string => {
  const result = checkDealing(of, dealer, bytes);
  return result.kind === "fault" ? (result.code === "malformed" ? result.reason : result.code) : "none";
};

/** The dealing with one of its items changed: version, commitments, R, shares, challenge, two responses. */
type Item = string | readonly string[];
function withItem(at: number, change: (item: Item) => Item): Uint8Array {
  const items = decodeRlp(hexlify(data)) as Item[];
  const bytesOf = (item: Item): Uint8Array | Uint8Array[] =>
    typeof item === "string" ? fromHex(item) : item.map((part) => fromHex(part));
  return encodeRlp(items.map((item, i) => bytesOf(i === at ? change(item) : item)));
}
const commitment = (at: number, point: string) =>
  withItem(1, (points) => (points as readonly string[]).with(at, point));

/** A dealing that another than the package proves rightly, whatever is in it. */
const forged = (changes: Partial<DealingParts> = {}, threshold = 3): Uint8Array =>
  fromHex(
    dealingOf({
      ...{ roundId: round.id, dealer: 1, members: round.members, seed },
      ...partsBySeed(round.id, 1, threshold, seed),
      ...changes,
    }),
  );

describe("a dealing", () => {
  it("is taken where it was made for, and the same seed gives the same one", () => {
    expect(codeOf(data)).toBe("none");
    expect(makeDealing(round, { dealer: 1, seed, share: null })).toEqual(data);
    expect(toHex(forged())).toBe(toHex(data));
    expect(data.length).toBeLessThanOrEqual(MAX_DEALING_BYTES);
  });

  it("differs by seed, dealer and round in every commitment, R and share", () => {
    const others = [
      checked(round, 1, data),
      ...dealt(round, [0, 1]),
      ...dealt(roundOf(hosts, 3, { number: 2n }), [0, 1]),
      ...dealt(roundOf(hosts, 3, { chainId: toChainId(78) }), [0, 1]),
    ].map(({ dealing }) => [...dealing.commitments, dealing.ephemeral, ...dealing.maskedShares]);
    expect(new Set(others.flat()).size).toBe(others.flat().length);
  });

  it("is of no other dealer: not under another's name, not of who is none", () => {
    for (const dealer of [0, 2, 3]) expect(codeOf(data, dealer)).toBe("wrong-proof");
    for (const dealer of [-1, 4, 1.5, Number.NaN]) expect(codeOf(data, dealer)).toBe("not-a-dealer");
    expect(() => makeDealing(round, { dealer: 4, seed, share: null })).toThrow(RangeError);
  });

  it("is of no other round: network, chain, number, members and their order, key that is handed on (I11)", () => {
    const others = [
      roundOf(hosts, 3, { number: 2n }),
      roundOf(hosts, 3, { chainId: toChainId(78) }),
      roundOf(hosts, 3, { domain: hashNamed("another network") }),
      roundOf([...hosts].reverse(), 3),
      roundOf(hostsNamed(4, "other"), 3),
    ];
    expect(new Set([round, ...others].map(({ id }) => id)).size).toBe(6);
    for (const other of others) {
      expect(codeOf(data, 1, other)).toBe("wrong-proof");
      expect(() => outcomeOf(other, [checked(round, 1, data)], [])).toThrow(RangeError);
    }
    expect(codeOf(data, 1, roundOf(hosts, 2))).toBe("wrong-threshold");
  });

  it("has as many commitments as the threshold and as many shares as there are members", () => {
    expect(codeOf(forged({}, 2))).toBe("wrong-threshold");
    expect(codeOf(forged({}, 4))).toBe("wrong-threshold");
    expect(codeOf(forged({ members: round.members.slice(1) }))).toBe("wrong-members");
    expect(codeOf(forged({ members: [...round.members, hostsNamed(5)[4]!.key] }))).toBe("wrong-members");
    expect(codeOf(withItem(1, () => []))).toBe("wrong-threshold");
    expect(codeOf(withItem(1, (points) => Array(MAX_MEMBERS + 1).fill(points[0])))).toBe("too-many");
    expect(codeOf(withItem(3, (shares) => Array(MAX_MEMBERS + 1).fill(shares[0])))).toBe("too-many");
  });

  it("cannot be changed, and takes no point from another's: every item is bound to the proof", () => {
    const { ephemeral, commitments } = dealt(round, [0])[0]!.dealing;
    expect(codeOf(withItem(2, () => ephemeral))).toBe("wrong-proof");
    for (const at of [0, 1, 2]) expect(codeOf(commitment(at, commitments[at]!))).toBe("wrong-proof");
    for (const at of [0, 3])
      expect(codeOf(withItem(3, (shares) => (shares as string[]).with(at, hashNamed("share"))))).toBe("wrong-proof");
    for (const at of [4, 5, 6]) expect(codeOf(withItem(at, () => `0x${"11".repeat(32)}`))).toBe("wrong-proof");
    expect(codeOf(withItem(0, () => "0x02"))).toBe("unknown-version");
  });

  it("has points of the subgroup alone, in their one form, none of them infinity", () => {
    const { outsidePublicKey, publicKeyPoint } =
      readVectors<Record<"outsidePublicKey" | "publicKeyPoint", Hex>>("outside");
    const { commitments } = checked(round, 1, data).dealing;
    const uncompressedForm = toHex(fromHex(commitments[0]!).with(0, fromHex(commitments[0]!)[0]! & 0x7f));
    const bad = [INFINITY, outsidePublicKey, uncompressedForm, `0x${"ff".repeat(48)}`, `0x${"00".repeat(48)}`];
    for (const point of bad) {
      for (const at of [0, 1, 2]) expect(codeOf(commitment(at, point)), point).toBe("out-of-range");
      expect(codeOf(withItem(2, () => point)), point).toBe("out-of-range");
    }
    for (const point of [publicKeyPoint, "0x", commitments[0]!.slice(0, -2)]) {
      expect(["bad-length", "too-long"], point).toContain(codeOf(commitment(0, point)));
      expect(["bad-length", "too-long"], point).toContain(codeOf(withItem(2, () => point)));
    }
  });

  it("has scalars from 1 to the order less one in its proof", () => {
    const bad = [0n, ORDER, ORDER + 1n, 2n ** 256n - 1n].map((scalar) => `0x${scalar.toString(16).padStart(64, "0")}`);
    for (const scalar of bad)
      for (const at of [4, 5, 6]) expect(codeOf(withItem(at, () => scalar)), scalar).toBe("out-of-range");
    for (const at of [4, 5, 6]) {
      expect(codeOf(withItem(at, () => "0x11"))).toBe("bad-length");
      expect(codeOf(withItem(at, () => `0x${"11".repeat(33)}`))).toBe("too-long");
    }
    // the same scalar, the order added: a second form would be a second dealing that is proven
    const response = BigInt(checked(round, 1, data).dealing.constantResponse);
    const again = response + ORDER < 2n ** 256n ? response + ORDER : ORDER;
    expect(codeOf(withItem(6, () => `0x${again.toString(16).padStart(64, "0")}`))).toBe("out-of-range");
  });

  it("is a fault, and throws nothing, for bytes that were cut, lengthened, oversized or changed", () => {
    fc.assert(
      fc.property(fc.nat({ max: data.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, by) => {
        expect(checkDealing(round, 1, data.subarray(0, at))).toMatchObject({ kind: "fault", code: "malformed" });
        expect(checkDealing(round, 1, data.with(at, data[at]! ^ by))).toMatchObject({ kind: "fault" });
      }),
      { numRuns: 60 },
    );
    expect(codeOf(Uint8Array.of(...data, 0))).toBe("leftover");
    expect(codeOf(new Uint8Array(MAX_DEALING_BYTES + 1))).toBe("too-large");
    expect(codeOf(new Uint8Array(0))).toBe("overrun");
  });

  it("fits its bound for as many members and as high a threshold as can be", () => {
    const many = roundOf(hostsNamed(MAX_MEMBERS), MAX_MEMBERS);
    const largest = makeDealing(many, { dealer: 31, seed, share: null });
    expect(codeOf(largest, 31, many)).toBe("none");
    expect(largest.length).toBeLessThanOrEqual(MAX_DEALING_BYTES);
    expect(MAX_DEALING_BYTES - largest.length).toBeLessThan(16);
  });
});

describe("terms of a round", () => {
  const terms = { ...round, id: undefined } as Omit<typeof round, "id">;
  const members = (count: number): readonly Hex[] => hostsNamed(count).map(({ key }) => key);

  it("are refused out of their bounds", () => {
    const bad = [
      { members: [] },
      { members: members(MAX_MEMBERS + 1), threshold: 3 },
      { members: [...members(3), members(1)[0]!] },
      { threshold: 0 },
      { threshold: 5 },
      { threshold: 2.5 },
      { number: -1n },
      { number: 1n << 64n },
    ];
    for (const change of bad)
      expect(() => keyRound({ ...terms, ...change }), Object.keys(change)[0]).toThrow(RangeError);
  });

  it("have members' keys of the subgroup alone", () => {
    const { outsidePublicKey } = readVectors<{ outsidePublicKey: Hex }>("outside");
    for (const bad of ["0x", INFINITY, outsidePublicKey] as Hex[])
      expect(() => keyRound({ ...terms, members: [...members(3), bad] }), bad).toThrow(FormatError);
  });

  it("continue no key of another network or chain", () => {
    const { key } = newKey(hosts.slice(0, 1), 1);
    expect(keyRound({ ...terms, continues: key }).id).not.toBe(round.id);
    const others = [{ chainId: toChainId(78) }, { domain: hashNamed("another network") as Hash }];
    for (const other of others)
      expect(() => keyRound({ ...terms, continues: { ...key, ...other } })).toThrow(RangeError);
  });
});

describe("the outcome of a round", () => {
  it("is the same whatever order the dealings came in", () => {
    const dealings = dealt(round, [0, 1, 2, 3]);
    const expected = outcomeOf(round, dealings, []);
    expect(expected).toMatchObject({ kind: "key", key: { dealers: [0, 1, 2, 3] } });
    fc.assert(
      fc.property(shuffled(4), (order) => {
        expect(
          outcomeOf(
            round,
            order.map((i) => dealings[i]!),
            [],
          ),
        ).toEqual(expected);
      }),
      { numRuns: 5 },
    );
  });

  it("takes the first dealing of each dealer: what it posts again counts for nothing", () => {
    const dealings = dealt(round, [0, 1, 2]);
    const again = dealt(round, [1], { name: "another seed" });
    expect(outcomeOf(round, [...dealings, ...again], [])).toEqual(outcomeOf(round, dealings, []));
    expect(outcomeOf(round, [...again, ...dealings], [])).not.toEqual(outcomeOf(round, dealings, []));
  });

  it("fails with fewer dealings than the threshold, also where one dealer posts several", () => {
    const dealings = [...dealt(round, [3, 1]), ...dealt(round, [1], { name: "another seed" })];
    expect(outcomeOf(round, dealings, [])).toEqual({
      ...{ kind: "failed", code: "too-few-dealings" },
      ...{ qualified: [1, 3], needed: 3 },
    });
    expect(outcomeOf(round, [], [])).toMatchObject({ kind: "failed", qualified: [] });
  });

  it("fails where all dealers together deal zero, and is a key with a void share where a member makes its own zero", () => {
    const small = roundOf(hosts.slice(0, 2), 2);
    const forgedFor = (dealer: number, coefficients: readonly bigint[]) =>
      checked(
        small,
        dealer,
        fromHex(dealingOf({ roundId: small.id, dealer, members: small.members, coefficients, secret: 5n, seed })),
      );
    const zero = [forgedFor(0, [7n, 3n]), forgedFor(1, [ORDER - 7n, 9n])];
    expect(outcomeOf(small, zero, [])).toMatchObject({ kind: "failed", code: "no-key", qualified: [0, 1] });
    // member 1's place is 2: 7 + 2 * 3 + 5 + 2 * c = 0
    const c = (((ORDER - 18n) % ORDER) * ((ORDER + 1n) / 2n)) % ORDER;
    const outcome = outcomeOf(small, [forgedFor(0, [7n, 3n]), forgedFor(1, [5n, c])], []);
    expect(outcome).toMatchObject({ kind: "key", key: { publicShares: [expect.anything(), INFINITY] } });
  });
});
