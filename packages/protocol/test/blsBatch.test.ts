import {
  type BlsSigned,
  blsCoefficients,
  blsKeyFromSecret,
  blsKeyFromSeed,
  fromHex,
  type Hash,
  type Hex,
  keccakHash,
  MAX_BLS_BATCH,
  toHex,
  verifyBls,
  verifyBlsBatch,
  wrongInBlsBatch,
} from "@mvm/protocol";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hashes } from "./arbitraries.ts";
import { readVectors } from "./vectorFiles.ts";

const RUNS = { numRuns: 25 };
const { G1, G2, fields } = bls12_381;
const ORDER = fields.Fr.ORDER;
type Point = InstanceType<typeof G2.Point>;
const pointOf = (signature: Hex): Point => G2.Point.fromHex(signature.slice(2));
const signatureOf = (point: Point): Hex => toHex(point.toBytes());
const secretOf = (value: bigint) => blsKeyFromSecret(fromHex(`0x${value.toString(16).padStart(64, "0")}`));

const sign = (seeds: readonly number[], digest: Hash): readonly BlsSigned[] =>
  seeds.map((seed) => {
    const key = blsKeyFromSeed(new Uint8Array(32).fill(seed));
    return { publicKey: key.publicKey, signature: key.sign(digest) };
  });
/** Who signs, possibly one several times. */
const seeds = fc.array(fc.nat({ max: 20 }), { minLength: 1, maxLength: 8 });
const severalSeeds = fc.uniqueArray(fc.nat({ max: 20 }), { minLength: 2, maxLength: 8 });
/** Two different positions of a batch. */
const places = (size: number, place: number): readonly [number, number] => {
  const first = place % size;
  return [first, (first + 1 + (Math.floor(place / size) % (size - 1))) % size];
};
const changed = (signed: readonly BlsSigned[], signatures: ReadonlyMap<number, Hex>): readonly BlsSigned[] =>
  signed.map((one, i) => ({ ...one, signature: signatures.get(i) ?? one.signature }));

describe("BLS signatures on one digest, together", () => {
  it("are taken where each is its key's, whoever signs and how often", () => {
    fc.assert(
      fc.property(seeds, hashes, hashes, (signers, digest, entropy) => {
        const signed = sign(signers, digest);
        expect(verifyBlsBatch(digest, signed, entropy)).toBe(true);
        expect(wrongInBlsBatch(digest, signed, entropy)).toEqual([]);
      }),
      RUNS,
    );
  });

  it("are not taken with a wrong one among them, which is found", () => {
    fc.assert(
      fc.property(seeds, hashes, hashes, fc.nat(), (signers, digest, entropy, place) => {
        const signed = sign(signers, digest);
        const at = place % signed.length;
        const { publicKey, signature } = signed[at]!;
        const another = blsKeyFromSeed(new Uint8Array(32).fill(99));
        const elsewhere = sign([signers[at]!], `0x${"5a".repeat(32)}` as Hash)[0]!.signature;
        const wrong: readonly BlsSigned[] = [
          { publicKey, signature: another.sign(digest) },
          { publicKey, signature: elsewhere },
          { publicKey, signature: signatureOf(pointOf(signature).negate()) },
          { publicKey: another.publicKey, signature },
        ];
        for (const one of wrong) {
          expect(verifyBlsBatch(digest, signed.with(at, one), entropy)).toBe(false);
          expect(wrongInBlsBatch(digest, signed.with(at, one), entropy)).toEqual([at]);
        }
      }),
      RUNS,
    );
  });

  it("are not taken where errors cancel: the plain sums are right, and the coefficients tell", () => {
    fc.assert(
      fc.property(
        severalSeeds,
        hashes,
        hashes,
        fc.nat(),
        fc.bigInt(1n, ORDER - 1n),
        (signers, digest, entropy, n, by) => {
          const signed = sign(signers, digest);
          const [first, second] = places(signed.length, n);
          const error = pointOf(secretOf(by).sign(digest));
          const moved = changed(
            signed,
            new Map([
              [first, signatureOf(pointOf(signed[first]!.signature).add(error))],
              [second, signatureOf(pointOf(signed[second]!.signature).subtract(error))],
            ]),
          );
          const sumOf = (batch: readonly BlsSigned[]): Hex =>
            signatureOf(batch.map(({ signature }) => pointOf(signature)).reduce((sum, point) => sum.add(point)));
          expect(sumOf(moved)).toBe(sumOf(signed));
          expect(verifyBlsBatch(digest, moved, entropy)).toBe(false);
          expect(wrongInBlsBatch(digest, moved, entropy)).toEqual([first, second].sort((a, b) => a - b));
          const swapped = changed(
            signed,
            new Map([
              [first, signed[second]!.signature],
              [second, signed[first]!.signature],
            ]),
          );
          expect(verifyBlsBatch(digest, swapped, entropy)).toBe(false);
        },
      ),
      RUNS,
    );
  });

  it("are not taken where errors cancel by the coefficients of the right ones: who knows the entropy, too, changes them", () => {
    fc.assert(
      fc.property(severalSeeds, hashes, hashes, fc.nat(), (signers, digest, entropy, n) => {
        const signed = sign(signers, digest);
        const [first, second] = places(signed.length, n);
        const coefficients = blsCoefficients(digest, signed, entropy);
        const error = pointOf(secretOf(77n).sign(digest));
        const moved = changed(
          signed,
          new Map([
            [first, signatureOf(pointOf(signed[first]!.signature).add(error.multiply(coefficients[second]!)))],
            [second, signatureOf(pointOf(signed[second]!.signature).subtract(error.multiply(coefficients[first]!)))],
          ]),
        );
        expect(verifyBlsBatch(digest, moved, entropy)).toBe(false);
      }),
      RUNS,
    );
  });

  it("have coefficients of 16 bytes, not zero, that hang on entropy, digest, each key and signature, and their order", () => {
    fc.assert(
      fc.property(severalSeeds, hashes, hashes, hashes, (signers, digest, entropy, other) => {
        fc.pre(digest !== other && entropy !== other);
        const signed = sign(signers, digest);
        const [one] = sign([21], digest) as [BlsSigned];
        const batches = [
          blsCoefficients(digest, signed, entropy),
          blsCoefficients(digest, signed, other),
          blsCoefficients(other, signed, entropy),
          blsCoefficients(digest, signed.toReversed(), entropy),
          blsCoefficients(digest, signed.with(0, { ...signed[0]!, publicKey: one.publicKey }), entropy),
          blsCoefficients(digest, signed.with(-1, { ...signed.at(-1)!, signature: one.signature }), entropy),
        ];
        const all = batches.flat();
        expect(new Set(all).size).toBe(all.length);
        for (const coefficient of all) expect(coefficient > 0n && coefficient < 1n << 128n).toBe(true);
      }),
      RUNS,
    );
  });

  it("of a key and its negative are taken: their sums vanish on the way, and do no harm", () => {
    fc.assert(
      fc.property(fc.bigInt(1n, ORDER - 1n), hashes, hashes, (secret, digest, entropy) => {
        const pair = [secretOf(secret), secretOf(ORDER - secret)];
        const signed = pair.map((key) => ({ publicKey: key.publicKey, signature: key.sign(digest) }));
        const sum = G1.Point.fromHex(pair[0]!.publicKey.slice(2)).add(G1.Point.fromHex(pair[1]!.publicKey.slice(2)));
        expect(sum.is0()).toBe(true);
        expect(verifyBlsBatch(digest, [...signed, ...signed], entropy)).toBe(true);
        expect(verifyBlsBatch(digest, [signed[0]!, { ...signed[1]!, signature: signed[0]!.signature }], entropy)).toBe(
          false,
        );
      }),
      RUNS,
    );
  });

  it("are not taken with a malformed point, infinity, or one outside the subgroup among them", () => {
    type Outside = { digest: Hash; outsidePublicKey: Hex; outsideSignature: Hex; publicKeyPoint: Hex } & BlsSigned & {
        cancelling: readonly BlsSigned[];
      };
    const { digest, publicKey, signature, cancelling, ...outside } = readVectors<Outside>("outside");
    const { outsidePublicKey, outsideSignature, publicKeyPoint } = outside;
    const uncompressed = toHex(pointOf(signature).toBytes(false));
    const signed = [...sign([1, 2], digest), { publicKey, signature }];
    const entropy = `0x${"e1".repeat(32)}` as Hash;
    expect(verifyBls(digest, publicKey, signature)).toBe(true);
    expect(verifyBlsBatch(digest, signed, entropy)).toBe(true);
    const keys = [
      "0x",
      `0xc0${"00".repeat(47)}`,
      `0x${"ff".repeat(48)}`,
      `0x${"zz".repeat(48)}`,
      outsidePublicKey,
      publicKeyPoint,
    ];
    const signatures = [
      "0x",
      `0xc0${"00".repeat(95)}`,
      `0x${"ff".repeat(96)}`,
      outsideSignature,
      uncompressed,
      publicKey,
    ];
    const bad = [
      ...keys.map((key) => ({ publicKey: key as Hex, signature })),
      ...signatures.map((point) => ({ publicKey, signature: point as Hex })),
      { publicKey: keys[1] as Hex, signature: signatures[1] as Hex },
      { publicKey: signature, signature: publicKey },
    ];
    for (const one of bad) {
      expect(verifyBlsBatch(digest, [...signed, one], entropy), JSON.stringify(one)).toBe(false);
      expect(verifyBlsBatch(digest, [one], entropy), JSON.stringify(one)).toBe(false);
      expect(wrongInBlsBatch(digest, [one, ...signed], entropy), JSON.stringify(one)).toEqual([0]);
    }
    for (let i = 0; i < 100; i++)
      expect(verifyBlsBatch(digest, cancelling, keccakHash(Uint8Array.of(i))), `entropy ${i}`).toBe(false);
    expect(wrongInBlsBatch(digest, [...signed, ...cancelling], entropy)).toEqual([3, 4]);
  });

  it("are 1 to MAX_BLS_BATCH", () => {
    const digest = `0x${"5a".repeat(32)}` as Hash;
    const entropy = `0x${"e1".repeat(32)}` as Hash;
    const [one] = sign([1], digest) as [BlsSigned];
    const many = (size: number): readonly BlsSigned[] => Array.from({ length: size }, () => one);
    expect(verifyBlsBatch(digest, many(MAX_BLS_BATCH), entropy)).toBe(true);
    for (const size of [0, MAX_BLS_BATCH + 1]) {
      expect(() => verifyBlsBatch(digest, many(size), entropy)).toThrow(RangeError);
      expect(() => wrongInBlsBatch(digest, many(size), entropy)).toThrow(RangeError);
    }
  });
});
