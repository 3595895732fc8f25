import {
  blsKeyFromSecret,
  blsSignaturePoint,
  fromHex,
  type Hash,
  type Hex,
  taggedHash,
  toChainId,
  verifyBls,
} from "@mvm/protocol";
import { combine, evaluatePartly, MAX_MEMBERS, type PrfPart, prfMessage, verifyPartly } from "@mvm/protocol/threshold";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { chainIds, hashes, someBytes } from "../arbitraries.ts";
import { readVectors } from "../vectorFiles.ts";
import { CHAIN, DOMAIN, hashNamed, hostsNamed, keyDealt, type Made, newKey, shuffled, sizes } from "./ceremonies.ts";

const RUNS = { numRuns: 10 };
const message = prfMessage({ domain: DOMAIN, chainId: CHAIN, purpose: "object", input: fromHex("0x0102") });
const partBy = ({ shares }: Made, member: number, of = message): PrfPart => ({
  member,
  partial: evaluatePartly(shares[member]!, of),
});

const sizesAndOrders = sizes.chain((size) => fc.record({ size: fc.constant(size), order: shuffled(size.count) }));

describe("the threshold PRF", () => {
  it("has one value for a message, whichever members' parts combine: the signature under the group key", () => {
    fc.assert(
      fc.property(sizesAndOrders, hashes, ({ size: { count, threshold }, order }, of) => {
        const key = newKey(hostsNamed(count), threshold);
        const parts = order.map((member) => partBy(key, member, of));
        const value = combine(key.key, of, parts.slice(0, threshold));
        expect(value).toMatchObject({ kind: "value", wrong: [] });
        expect(combine(key.key, of, parts.slice(-threshold))).toEqual(value);
        expect(combine(key.key, of, parts)).toEqual(value);
        if (value.kind !== "value") return;
        expect(verifyBls(of, key.key.groupKey, value.signature)).toBe(true);
        expect(value.output).toBe(taggedHash("mvm/threshold-prf-output/1", blsSignaturePoint(value.signature)));
      }),
      RUNS,
    );
  });

  it("has none of fewer parts than the threshold, however often they are given, and says how many are missing", () => {
    fc.assert(
      fc.property(sizesAndOrders, hashes, ({ size: { count, threshold }, order }, of) => {
        const key = keyDealt(count, threshold);
        const parts = order.slice(0, threshold - 1).map((member) => partBy(key, member, of));
        expect(combine(key.key, of, [...parts, ...parts])).toEqual({ kind: "failed", missing: 1, wrong: [] });
      }),
      RUNS,
    );
  });

  it("is not what fewer parts interpolate to: who takes a smaller threshold for the key's gets no signature", () => {
    const key = keyDealt(5, 3);
    const parts = [0, 2].map((member) => partBy(key, member));
    expect(() => combine({ ...key.key, threshold: 2 }, message, parts)).toThrow(RangeError);
  });

  it("is taken of right parts alone, and wrong ones are named", () => {
    fc.assert(
      fc.property(sizesAndOrders, hashes, fc.nat(), ({ size: { count, threshold }, order }, other, kind) => {
        const key = keyDealt(count, threshold);
        const [liar, ...rest] = order as [number, ...number[]];
        const stranger = blsKeyFromSecret(new Uint8Array(32).fill(9));
        const neighbour = rest[0] ?? liar;
        const wrong = [
          stranger.sign(message),
          evaluatePartly(key.shares[liar]!, other),
          "0x",
          `0xc0${"00".repeat(95)}`,
          neighbour === liar || threshold === 1
            ? stranger.sign(other)
            : evaluatePartly(key.shares[neighbour]!, message),
        ][kind % 5] as Hex;
        const parts = [{ member: liar, partial: wrong }, ...rest.map((member) => partBy(key, member))];
        const result = combine(key.key, message, parts);
        expect(result.wrong).toEqual([liar]);
        expect(verifyPartly(key.key.publicShares[liar]!, message, wrong)).toBe(false);
        if (count > threshold) expect(result).toMatchObject({ kind: "value" });
        else expect(result).toEqual({ kind: "failed", missing: 1, wrong: [liar] });
        const mended = combine(key.key, message, [...parts, partBy(key, liar)]);
        expect(mended).toMatchObject({ kind: "value", wrong: [liar] });
      }),
      { numRuns: 25 },
    );
  });

  it("takes no part of a place that is no member's, and no more parts than there can be members", () => {
    const key = keyDealt(3, 2);
    const { partial } = partBy(key, 0);
    const strange = [-1, 3, 0.5, Number.NaN].map((member) => ({ member, partial }));
    expect(combine(key.key, message, [...strange, partBy(key, 0)])).toMatchObject({ kind: "failed", missing: 1 });
    expect(combine(key.key, message, strange).wrong).toHaveLength(4);
    expect(() => combine(key.key, message, Array(MAX_MEMBERS + 1).fill(partBy(key, 0)))).toThrow(RangeError);
  });

  it("takes no part outside the subgroup: one that was moved by a point of small order is wrong", () => {
    type Outside = Record<"publicKey" | "signature" | "outsideSignature", Hex> & { digest: Hash };
    const { digest, publicKey, signature, outsideSignature } = readVectors<Outside>("outside");
    const { key } = keyDealt(1, 1);
    const vectors = { ...key, groupKey: publicKey, publicShares: [publicKey] };
    expect(combine(vectors, digest, [{ member: 0, partial: signature }])).toMatchObject({ kind: "value" });
    const moved = combine(vectors, digest, [{ member: 0, partial: outsideSignature }]);
    expect(moved).toEqual({ kind: "failed", missing: 1, wrong: [0] });
  });

  it("throws where public shares are not those of the group key", () => {
    const key = keyDealt(3, 2);
    const parts = [partBy(key, 0), partBy(key, 1)];
    const another = keyDealt(2, 2).key.groupKey;
    expect(() => combine({ ...key.key, groupKey: another }, message, parts)).toThrow(RangeError);
  });
});

describe("messages of the threshold PRF (I11)", () => {
  it("differ by network, chain, purpose and input", () => {
    fc.assert(
      fc.property(hashes, chainIds, someBytes(70), hashes, (domain, chainId, input, another) => {
        fc.pre(domain !== another);
        const of = { domain, chainId, purpose: "object", input } as const;
        const others = [
          { domain: another },
          { chainId: toChainId(chainId === 1n ? 2n : chainId - 1n) },
          { purpose: "handle" } as const,
          { input: Uint8Array.of(...input, 0) },
          { input: fromHex(hashNamed("another input")) },
        ];
        const all = [of, ...others.map((change) => ({ ...of, ...change }))].map(prfMessage);
        expect(new Set(all).size).toBe(all.length);
      }),
      { numRuns: 50 },
    );
  });
});
