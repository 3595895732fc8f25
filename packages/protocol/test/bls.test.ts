import {
  blsKeyFromSecret,
  blsKeyFromSeed,
  blsPublicKeyPoint,
  blsSecretFromSeed,
  blsSignaturePoint,
  FormatError,
  fromHex,
  type Hash,
  type Hex,
  isBlsPublicKey,
  toHex,
  verifyBls,
} from "@mvm/protocol";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { blsPublicKey, blsSignature, publicKeyPoint, signaturePoint } from "../vectors/bls.ts";
import { hashes } from "./arbitraries.ts";
import { readVectors } from "./vectorFiles.ts";

const RUNS = { numRuns: 10 };
const seeds = fc.uint8Array({ minLength: 32, maxLength: 64 });
const key = blsKeyFromSeed(new Uint8Array(32).fill(7));
const digest = `0x${"5a".repeat(32)}` as Hash;
const signature = key.sign(digest);

const flip = (hex: Hex, bit: number): Hex => {
  const bytes = fromHex(hex);
  const at = bit % (8 * bytes.length);
  bytes[at >> 3]! ^= 1 << (at & 7);
  return toHex(bytes);
};

describe("BLS12-381 signatures", () => {
  it("are those that another implementation makes in the proof-of-possession scheme", () => {
    fc.assert(
      fc.property(seeds, hashes, (seed, message) => {
        const secret = toHex(blsSecretFromSeed(seed));
        const pair = blsKeyFromSeed(seed);
        expect(pair.publicKey).toBe(blsPublicKey(secret));
        expect(pair.sign(message)).toBe(blsSignature(secret, message));
        expect(blsKeyFromSecret(fromHex(secret)).publicKey).toBe(pair.publicKey);
        expect(verifyBls(message, pair.publicKey, pair.sign(message))).toBe(true);
      }),
      RUNS,
    );
  });

  it("seeds give the keys of EIP-2333's test case 0", () => {
    const seed =
      "0xc55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e53495531f09a6987599d18264c1e1c92f2cf141630c7a3c4ab7c81b2f001698e7463b04";
    const master = 6083874454709270928345386274498605044986640685124978867557563392430687146096n;
    expect(BigInt(toHex(blsSecretFromSeed(fromHex(seed))))).toBe(master);
  });

  it("are unique: the same key and digest give the same signature", () => {
    expect(key.sign(digest)).toBe(signature);
  });

  it("have the points that another implementation finds for them", () => {
    fc.assert(
      fc.property(seeds, hashes, (seed, message) => {
        const pair = blsKeyFromSeed(seed);
        const signed = pair.sign(message);
        expect(blsPublicKeyPoint(pair.publicKey)).toBe(publicKeyPoint(pair.publicKey));
        expect(blsSignaturePoint(signed)).toBe(signaturePoint(signed));
      }),
      RUNS,
    );
  });

  it("do not verify for another digest, key, or with a bit changed anywhere", () => {
    const other = blsKeyFromSeed(new Uint8Array(32).fill(8));
    expect(verifyBls(digest, other.publicKey, signature)).toBe(false);
    fc.assert(
      fc.property(fc.nat(), (bit) => {
        expect(verifyBls(flip(digest, bit) as Hash, key.publicKey, signature)).toBe(false);
        expect(verifyBls(digest, flip(key.publicKey, bit), signature)).toBe(false);
        expect(verifyBls(digest, key.publicKey, flip(signature, bit))).toBe(false);
      }),
      { numRuns: 60 },
    );
  });

  it("do not verify for malformed points: infinity, other lengths, no hex, points outside the subgroup", () => {
    const infinityKey = `0xc0${"00".repeat(47)}` as Hex;
    const infinitySignature = `0xc0${"00".repeat(95)}` as Hex;
    const uncompressedKey = `0x${bls12_381.G1.Point.fromHex(key.publicKey.slice(2)).toHex(false)}` as Hex;
    const uncompressedSignature = `0x${bls12_381.G2.Point.fromHex(signature.slice(2)).toHex(false)}` as Hex;
    expect(uncompressedKey.length).toBe(2 + 192);
    const keys = [
      "0x",
      "0x00",
      infinityKey,
      uncompressedKey,
      `0x${"ff".repeat(48)}`,
      `0x${"zz".repeat(48)}`,
      key.publicKey.slice(2),
    ];
    for (const bad of keys as Hex[]) {
      expect(isBlsPublicKey(bad), bad).toBe(false);
      expect(() => blsPublicKeyPoint(bad), bad).toThrow(FormatError);
      expect(verifyBls(digest, bad, signature), bad).toBe(false);
    }
    const signatures = ["0x", infinitySignature, uncompressedSignature, `0x${"ff".repeat(96)}`, `0x${"zz".repeat(96)}`];
    for (const bad of signatures as Hex[]) {
      expect(verifyBls(digest, key.publicKey, bad), bad).toBe(false);
      expect(() => blsSignaturePoint(bad), bad).toThrow(FormatError);
    }
    expect(verifyBls(digest, infinityKey, infinitySignature)).toBe(false);
    expect(isBlsPublicKey(key.publicKey)).toBe(true);
  });

  it("a key or signature moved out of the subgroup by a point of small order does not verify", () => {
    type Outside = Record<"publicKey" | "signature" | "outsidePublicKey" | "outsideSignature", Hex> & { digest: Hash };
    const vector = readVectors<Outside>("outside");
    expect(verifyBls(vector.digest, vector.publicKey, vector.signature)).toBe(true);
    // the pairing with what the key was moved by is 1: it would verify if its subgroup were not checked
    expect(verifyBls(vector.digest, vector.outsidePublicKey, vector.signature)).toBe(false);
    expect(verifyBls(vector.digest, vector.publicKey, vector.outsideSignature)).toBe(false);
    expect(isBlsPublicKey(vector.outsidePublicKey)).toBe(false);
    expect(() => blsPublicKeyPoint(vector.outsidePublicKey)).toThrow(FormatError);
    expect(() => blsSignaturePoint(vector.outsideSignature)).toThrow(FormatError);
  });

  it("secrets that are no scalar are refused", () => {
    for (const bad of [new Uint8Array(32), new Uint8Array(32).fill(255), new Uint8Array(31).fill(1)])
      expect(() => blsKeyFromSecret(bad)).toThrow();
    expect(() => blsKeyFromSeed(new Uint8Array(31))).toThrow();
  });
});
