/** Blobs and their proofs, against constants of EIP-4844 and of the ceremony's public setup. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { BLOB_DATA_BYTES, BLOB_ELEMENTS, fromHex, keccakHash, toHash, toHex, toWord } from "@mvm/protocol";
import {
  BLOB_BYTES,
  BLS_MODULUS,
  BlobError,
  blobCommitment,
  blobProof,
  fromBlob,
  KZG_POINT_BYTES,
  makeSidecar,
  openAtChallenge,
  openElement,
  openingChallenge,
  rootOfElement,
  toBlob,
  versionedHash,
} from "@mvm/protocol/blobs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BLOB_VECTORS_FILE, blobVectorsSource, malformedBlob, streamData } from "../vectors/blobs.ts";
import { RUNS } from "./arbitraries.ts";

/** The point at infinity, compressed. */
const INFINITY = `0xc0${"00".repeat(47)}`;
/** The generator of G1, compressed (draft-irtf-cfrg-pairing-friendly-curves). */
const GENERATOR = "0x97f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb";
/** Of the ceremony's setup: the first two Lagrange polynomials at the secret, in the order of exponents. */
const FIRST_LAGRANGE =
  "0xa0413c0dcafec6dbc9f47d66785cf1e8c981044f7d13cfe3e4fcbb71b5408dfde6312493cb3c1d30516cb3ca88c03654";
const SECOND_LAGRANGE =
  "0x8b997fb25730d661918371bb41f2a6e899cac23f04fc5365800b75433c0a953250e15e7a98fb5ca5cc56a8cd34c20c57";
/** Of the ceremony's setup: the secret times the generator. */
const SECRET = "0xad3eb50121139aa34db1d545093ac9374ab7bca2c0f3bf28e27c8dcd8fc7cb42d25926fc0c97b336e9f0fb35e5a04c81";
const ZERO_BLOB_HASH = "0x010657f37554c781402a22917dee2f75def7ab966d7b770905398eba3c444014";

const FEW_RUNS = { ...RUNS, numRuns: 25 };
const lengths = fc.oneof(
  fc.integer({ min: 0, max: BLOB_DATA_BYTES }),
  fc.constantFrom(0, 1, 30, 31, 32, BLOB_DATA_BYTES),
);

/** The blob whose element i is value(i). */
function blobOf(value: (index: number) => bigint): Uint8Array {
  const blob = new Uint8Array(BLOB_BYTES);
  for (let index = 0; index < BLOB_ELEMENTS; index++) blob.set(toWord(value(index)), 32 * index);
  return blob;
}

/** The blob whose polynomial is the identity. */
const identityBlob = (): Uint8Array => blobOf(rootOfElement);

function errorOf(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe("blobs", () => {
  it("give back the data that they were made of, zeros after it", () => {
    const stream = streamData();
    fc.assert(
      fc.property(lengths, fc.uint8Array({ maxLength: 100 }), (length, start) => {
        const data = stream.slice(0, length);
        data.set(start.subarray(0, length));
        const blob = toBlob(data);
        expect(blob.length).toBe(BLOB_BYTES);
        expect(keccakHash(fromBlob(blob, length))).toBe(keccakHash(data));
        expect(
          fromBlob(blob)
            .subarray(length)
            .every((byte) => byte === 0),
        ).toBe(true);
      }),
      FEW_RUNS,
    );
  });

  it("have byte n of the data in element n / 31, after a zero", () => {
    const blob = toBlob(streamData());
    fc.assert(
      fc.property(fc.integer({ min: 0, max: BLOB_DATA_BYTES - 1 }), (n) => {
        expect(blob[32 * Math.floor(n / 31) + 1 + (n % 31)]).toBe(streamData(Math.floor(n / 31) + 1)[n]);
        expect(blob[32 * Math.floor(n / 31)]).toBe(0);
      }),
      FEW_RUNS,
    );
  });

  it("refuse more data than they hold, and bytes that are no blob", () => {
    expect(errorOf(() => toBlob(new Uint8Array(BLOB_DATA_BYTES + 1)))).toMatchObject({ code: "too-long" });
    for (const size of [0, 1, BLOB_BYTES - 1, BLOB_BYTES + 1])
      expect(errorOf(() => fromBlob(new Uint8Array(size)))).toMatchObject({ code: "bad-length" });
    for (const length of [-1, 0.5, BLOB_DATA_BYTES + 1])
      expect(() => fromBlob(new Uint8Array(BLOB_BYTES), length)).toThrow(RangeError);
  });

  it("with an element of 2^248 or more are no data, at whatever length one asks", () => {
    fc.assert(
      fc.property(fc.nat(BLOB_ELEMENTS - 1), fc.integer({ min: 1, max: 255 }), lengths, (index, byte, length) => {
        const blob = toBlob(new Uint8Array(0));
        blob[32 * index] = byte;
        expect(errorOf(() => fromBlob(blob, length))).toMatchObject({ code: "oversized-element", index });
      }),
      FEW_RUNS,
    );
    expect(errorOf(() => fromBlob(malformedBlob()))).toMatchObject({ code: "oversized-element", index: 77 });
  });
});

describe("commitments", () => {
  it("of constant polynomials are multiples of the generator", async () => {
    const zero = await blobCommitment(blobOf(() => 0n));
    expect(toHex(zero)).toBe(INFINITY);
    expect(versionedHash(zero)).toBe(ZERO_BLOB_HASH);
    expect(toHex(await blobCommitment(blobOf(() => 1n)))).toBe(GENERATOR);
  });

  it("of Lagrange polynomials are the setup's points, elements being in bit-reversed order", async () => {
    const lagrange = (element: number): Uint8Array => blobOf((index) => (index === element ? 1n : 0n));
    expect(toHex(await blobCommitment(lagrange(0)))).toBe(FIRST_LAGRANGE);
    expect(toHex(await blobCommitment(lagrange(2_048)))).toBe(SECOND_LAGRANGE);
  });

  it("of the identity is the secret", async () => {
    expect(toHex(await blobCommitment(identityBlob()))).toBe(SECRET);
  });

  it("exist of no bytes with an element outside the field, and of no other length", async () => {
    const blob = toBlob(new Uint8Array(0));
    blob.set(toWord(BLS_MODULUS), 32 * 5);
    await expect(blobCommitment(blob)).rejects.toMatchObject({ code: "not-in-field", index: 5 });
    await expect(blobCommitment(new Uint8Array(31))).rejects.toBeInstanceOf(BlobError);
    expect(() => versionedHash(new Uint8Array(47))).toThrow(RangeError);
  });
});

describe("openings", () => {
  it("of the identity have the generator as proof at every element, its root as value", async () => {
    const blob = identityBlob();
    for (const index of [0, 1, 2_049, 4_095]) {
      const { point, value, proof } = await openElement(blob, index);
      expect([value, toHex(proof)]).toEqual([point, GENERATOR]);
      expect(point).toBe(rootOfElement(index));
    }
  });

  it("of constants have the point at infinity as proof", async () => {
    const blob = toBlob(new Uint8Array(0));
    const opening = await openAtChallenge(blob);
    expect(opening).toMatchObject({ value: 0n, versionedHash: ZERO_BLOB_HASH });
    expect(toHex(opening.proof)).toBe(INFINITY);
    expect(toHex(await blobProof(blob, opening.commitment))).toBe(INFINITY);
  });

  it("of elements give the element, and there are none of others", async () => {
    const data = streamData();
    const { value } = await openElement(toBlob(data), 4_095);
    expect(toHex(toWord(value).subarray(1))).toBe(toHex(data.subarray(31 * 4_095)));
    for (const index of [-1, 1.5, BLOB_ELEMENTS]) expect(() => rootOfElement(index)).toThrow(RangeError);
  });

  it("of a whole blob are at a point that every bit of data and versioned hash moves", () => {
    const data = streamData(8);
    const hash = toHash(`0x01${"ab".repeat(31)}`);
    const point = openingChallenge(hash, data);
    fc.assert(
      fc.property(fc.nat(data.length - 1), fc.nat(31), fc.integer({ min: 1, max: 255 }), (at, hashAt, bits) => {
        const other = data.slice();
        other[at]! ^= bits;
        expect(openingChallenge(hash, other)).not.toBe(point);
        const otherHash = fromHex(hash);
        otherHash[hashAt]! ^= bits;
        expect(openingChallenge(toHash(toHex(otherHash)), data)).not.toBe(point);
      }),
      RUNS,
    );
    expect(point).toBeLessThan(BLS_MODULUS);
  });

  it("do not exist of a blob that is out of the format, but of its elements they do", async () => {
    await expect(openAtChallenge(malformedBlob())).rejects.toMatchObject({ code: "oversized-element" });
    expect((await openElement(malformedBlob(), 77)).value).toBe(2n ** 248n);
  });

  it("use a commitment that is given as they use the one that they compute", async () => {
    const blob = toBlob(fromHex("0x010203"));
    const opening = await openAtChallenge(blob);
    expect(await openAtChallenge(blob, opening.commitment)).toEqual(opening);
  });
});

describe("sidecars", () => {
  it("have a blob's one proof, or those of all its cells", async () => {
    const blob = toBlob(new Uint8Array(0));
    const [single, cells] = [await makeSidecar(blob, "blob"), await makeSidecar(blob, "cells")];
    expect(single).toMatchObject({ versionedHash: ZERO_BLOB_HASH, blob });
    expect(single.proofs.map(toHex)).toEqual([INFINITY]);
    expect(cells.proofs.map(toHex)).toEqual(Array.from({ length: 128 }, () => INFINITY));
    expect(cells.commitment.length).toBe(KZG_POINT_BYTES);
  });
});

describe("the package", () => {
  it("loads the trusted setup at the first call that needs it, not before", () => {
    const script = `
      import { registerHooks } from "node:module";
      const setups = [];
      registerHooks({ load(url, context, next) {
        if (/trusted-setups|micro-eth-signer/.test(url)) setups.push(url);
        return next(url, context);
      } });
      const { toBlob, blobCommitment } = await import("@mvm/protocol/blobs");
      const blob = toBlob(new Uint8Array(0));
      const before = setups.length;
      await blobCommitment(blob);
      process.stdout.write([before, setups.length > 0].join());
    `;
    const child = spawnSync(process.execPath, ["--input-type=module", "--eval", script], { cwd: import.meta.dirname });
    expect([child.stdout.toString(), child.stderr.toString()]).toEqual(["0,true", ""]);
  });

  it("gives the contracts' tests the vectors that they have", async () => {
    expect(readFileSync(BLOB_VECTORS_FILE, "utf8")).toBe(await blobVectorsSource());
  });
});
