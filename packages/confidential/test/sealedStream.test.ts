import { createHmac } from "node:crypto";
import type { ChainId, Hash } from "@mvm/protocol";
import { toHex } from "@mvm/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ConfidentialError } from "../src/errors.ts";
import { objectKey } from "../src/objectKey.ts";
import { HEADER_BYTES, sealedSize, segmentOffset } from "../src/sealedHeader.ts";
import { openStream, readHeader, sealStream } from "../src/sealedStream.ts";
import { chunked, collected, madeBytes, same } from "./streams.ts";

const SEGMENT = 64 * 1024;
const SEALED = SEGMENT + 16;
const hash = (byte: number): Hash => toHex(new Uint8Array(32).fill(byte)) as Hash;
const OBJECT = hash(7);
const KEY = madeBytes(32, 1);
const PREFIX = madeBytes(19, 2);
const sealing = { key: KEY, objectId: OBJECT, segmentBytes: SEGMENT, noncePrefix: PREFIX };
const opening = { key: KEY, objectId: OBJECT };

const seal = (plaintext: Uint8Array, options = {}): Promise<Uint8Array> =>
  collected(sealStream(chunked(plaintext, []), { ...sealing, ...options }));

type Outcome = { readonly given: Uint8Array; readonly code: string | null };

/** Opens as far as it goes: what was given out, and the code of the error. */
async function outcome(sealed: Uint8Array, options: object = {}, cuts: readonly number[] = []): Promise<Outcome> {
  const given: Uint8Array[] = [];
  const given_ = (): Uint8Array => new Uint8Array(Buffer.concat(given));
  try {
    for await (const part of openStream(chunked(sealed, cuts), { ...opening, ...options })) given.push(part);
    return { given: given_(), code: null };
  } catch (error) {
    if (!(error instanceof ConfidentialError)) throw error;
    return { given: given_(), code: error.code };
  }
}

const BROKEN = ["object-damaged", "object-truncated", "object-extended", "object-unknown-version"];

/** It ended with a typed error, and what was given out before is a beginning of the plaintext in whole segments. */
function expectRefused({ given, code }: Outcome, plaintext: Uint8Array): void {
  expect(BROKEN).toContain(code);
  expect(given.length % SEGMENT).toBe(0);
  expect(given.length).toBeLessThan(Math.max(1, plaintext.length));
  expect(same(given, plaintext.subarray(0, given.length))).toBe(true);
}

/** Sizes around the edges of segments, up to four of them. */
const size = fc.oneof(
  fc.nat(4 * SEGMENT),
  fc.constantFrom(0, 1, SEGMENT - 1, SEGMENT, SEGMENT + 1, 2 * SEGMENT, 3 * SEGMENT - 1, 3 * SEGMENT),
);
const cuts = fc.array(fc.nat(4 * SEALED + 100), { maxLength: 12 });
const RUNS = { numRuns: 60 };

describe("sealing", () => {
  test("makes the same bytes of any chunking of the source, and any chunking of these opens to the source", async () => {
    await fc.assert(
      fc.asyncProperty(size, cuts, cuts, fc.boolean(), async (sizeBytes, one, other, isKnown) => {
        const plaintext = madeBytes(sizeBytes, 3);
        const options = { ...sealing, ...(isKnown ? { lengthBytes: sizeBytes } : {}) };
        const sealed = await collected(sealStream(chunked(plaintext, one), options));
        expect(sealed.length).toBe(sealedSize(sizeBytes, SEGMENT));
        expect(same(sealed, await collected(sealStream(chunked(plaintext, []), options)))).toBe(true);
        const opened = await outcome(sealed, {}, other);
        expect(opened.code).toBeNull();
        expect(same(opened.given, plaintext)).toBe(true);
      }),
      RUNS,
    );
  });

  test("takes no source that has more or fewer bytes than was said", async () => {
    for (const [sizeBytes, said] of [
      [10, 11],
      [10, 9],
      [SEGMENT, 2 * SEGMENT],
      [SEGMENT + 1, SEGMENT],
      [0, 1],
    ] as const) {
      const sealed = seal(madeBytes(sizeBytes, 1), { lengthBytes: said });
      await expect(sealed).rejects.toMatchObject({ code: "plaintext-length" });
    }
  });

  test("draws a prefix of its own each time, so that sealing the same twice shows nothing equal after the header", async () => {
    const plaintext = madeBytes(1_000, 1);
    const { noncePrefix: _, ...drawn } = sealing;
    const [one, other] = [
      await collected(sealStream(chunked(plaintext, []), drawn)),
      await collected(sealStream(chunked(plaintext, []), drawn)),
    ];
    expect(same(one!, other!)).toBe(false);
    expect(Buffer.from(one!).indexOf(other!.subarray(HEADER_BYTES, HEADER_BYTES + 16))).toBe(-1);
    for (const sealed of [one!, other!]) expect(same((await outcome(sealed)).given, plaintext)).toBe(true);
  });

  test("holds a few segments at most, and closes its source where the reader leaves", async () => {
    let [given, closed] = [0, 0];
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) {
          given++;
          yield new Uint8Array(SEGMENT);
        }
      } finally {
        closed++;
      }
    }
    const opened = openStream(sealStream(endless(), sealing), opening);
    for (let segment = 1; segment <= 50; segment++) {
      expect((await opened.next()).value?.length).toBe(SEGMENT);
      expect(given - segment).toBeLessThanOrEqual(3);
    }
    await opened.return(undefined);
    expect(closed).toBe(1);
  });

  test("ends with a typed error once the caller gives up, on both sides", async () => {
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(seal(madeBytes(10, 1), { signal })).rejects.toMatchObject({ code: "aborted" });
    expect((await outcome(await seal(madeBytes(10, 1)), { signal })).code).toBe("aborted");
  });
});

describe("opening", () => {
  test("finds any single flipped bit, and gives out no byte that was not verified", async () => {
    await fc.assert(
      fc.asyncProperty(size, fc.nat(), fc.nat(7), cuts, async (sizeBytes, place, bit, chunks) => {
        const plaintext = madeBytes(sizeBytes, 4);
        const sealed = await seal(plaintext);
        const at = place % 3 === 0 ? place % HEADER_BYTES : place % sealed.length;
        sealed[at]! ^= 1 << bit;
        expectRefused(await outcome(sealed, {}, chunks), plaintext);
      }),
      { numRuns: 200 },
    );
  });

  test("finds a cut anywhere, with and without the length in the header", async () => {
    const place = fc.oneof(
      fc.nat(),
      fc.constantFrom(0, 1, 2, 3).map((segments) => HEADER_BYTES + segments * SEALED),
    );
    await fc.assert(
      fc.asyncProperty(size, place, fc.boolean(), async (sizeBytes, cut, isKnown) => {
        const plaintext = madeBytes(sizeBytes, 5);
        const sealed = await seal(plaintext, isKnown ? { lengthBytes: sizeBytes } : {});
        const found = await outcome(sealed.subarray(0, cut % sealed.length));
        expectRefused(found, plaintext);
        if (isKnown) expect(found.code).toBe("object-truncated");
      }),
      { numRuns: 150 },
    );
  });

  test("finds segments that are swapped, repeated, left out or put at the end", async () => {
    const plaintext = madeBytes(3 * SEGMENT + 500, 6);
    const sealed = await seal(plaintext);
    const header = sealed.subarray(0, HEADER_BYTES);
    const parts = [0, 1, 2, 3].map((at) =>
      sealed.subarray(HEADER_BYTES + at * SEALED, HEADER_BYTES + (at + 1) * SEALED),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(3), { maxLength: 6 }), async (order) => {
        fc.pre(order.join() !== "0,1,2,3");
        const mixed = new Uint8Array(Buffer.concat([header, ...order.map((at) => parts[at]!)]));
        const found = await outcome(mixed);
        expect(BROKEN).toContain(found.code);
        expect(same(found.given, plaintext.subarray(0, found.given.length))).toBe(true);
      }),
      { numRuns: 150 },
    );
    const cut = new Uint8Array(Buffer.concat([header, parts[0]!, parts[1]!]));
    expect((await outcome(cut)).code).toBe("object-truncated");
    const whole = await seal(plaintext.subarray(0, 2 * SEGMENT));
    const extended = new Uint8Array(Buffer.concat([whole, parts[2]!]));
    expect((await outcome(extended)).code).toBe("object-extended");
  });

  test("opens no segment of another object, of another key, of another sealing or of another segment size", async () => {
    const plaintext = madeBytes(2 * SEGMENT, 8);
    const sealed = await seal(plaintext);
    const others = [
      await seal(plaintext, { objectId: hash(8) }),
      await seal(plaintext, { key: madeBytes(32, 9) }),
      await seal(plaintext, { noncePrefix: madeBytes(19, 9) }),
      await seal(plaintext, { lengthBytes: plaintext.length }),
    ];
    for (const other of others) {
      const mixed = new Uint8Array(
        Buffer.concat([sealed.subarray(0, HEADER_BYTES + SEALED), other.subarray(HEADER_BYTES + SEALED)]),
      );
      const found = await outcome(mixed);
      expect(found.code).toBe("object-damaged");
      expect(same(found.given, plaintext.subarray(0, SEGMENT))).toBe(true);
    }
    expect(await outcome(others[0]!)).toEqual({ given: new Uint8Array(), code: "object-damaged" });
    expect(await outcome(sealed, { key: madeBytes(32, 9) })).toEqual({
      given: new Uint8Array(),
      code: "object-damaged",
    });
  });

  test("says that an object is of a newer version", async () => {
    const sealed = await seal(madeBytes(10, 1));
    sealed[4] = 2;
    expect((await outcome(sealed)).code).toBe("object-unknown-version");
  });

  test("goes on at any segment with the header alone, and finds the same faults there", async () => {
    await fc.assert(
      fc.asyncProperty(size, fc.nat(4), fc.boolean(), async (sizeBytes, drawn, isKnown) => {
        const plaintext = madeBytes(sizeBytes, 10);
        const sealed = await seal(plaintext, isKnown ? { lengthBytes: sizeBytes } : {});
        const header = await readHeader(chunked(sealed, [3]), OBJECT);
        expect(header.lengthBytes).toBe(isKnown ? sizeBytes : null);
        const segment = drawn % Math.max(1, Math.ceil(sizeBytes / SEGMENT));
        const rest = sealed.slice(segmentOffset(header, segment));
        const opened = await outcome(rest, { resume: { header, segment } });
        expect(opened.code).toBeNull();
        expect(same(opened.given, plaintext.subarray(segment * SEGMENT))).toBe(true);
        expect(BROKEN).toContain((await outcome(rest, { resume: { header, segment: segment + 1 } })).code);
        expect(BROKEN).toContain((await outcome(rest.subarray(0, -1), { resume: { header, segment } })).code);
      }),
      RUNS,
    );
  });
});

test("an object's key is HKDF-SHA256 as RFC 5869 writes it, step by step", () => {
  const hmac = (key: Uint8Array, ...parts: Uint8Array[]): Buffer =>
    createHmac("sha256", key).update(Buffer.concat(parts)).digest();
  const prfOutput = madeBytes(32, 1);
  const label = new TextEncoder().encode("mvm/confidential/object/1");
  const chain = new Uint8Array(32);
  chain[31] = 5;
  const info = Buffer.concat([label, new Uint8Array(32).fill(2), chain]);
  const expected = hmac(hmac(new Uint8Array(32).fill(1), prfOutput), info, Uint8Array.of(1));
  const key = objectKey({ prfOutput, objectId: hash(1), domain: hash(2), chainId: 5n as ChainId });
  expect(toHex(key)).toBe(toHex(expected));
});

test("an object's key is another for another PRF output, object, network and DAC", () => {
  const given = { prfOutput: madeBytes(32, 1), objectId: hash(1), domain: hash(2), chainId: 5n as ChainId };
  const keys = [
    given,
    { ...given, prfOutput: madeBytes(32, 2) },
    { ...given, objectId: hash(3) },
    { ...given, domain: hash(3) },
    { ...given, chainId: 6n as ChainId },
  ];
  expect(new Set(keys.map((options) => toHex(objectKey(options)))).size).toBe(keys.length);
  expect(objectKey(given)).toEqual(objectKey(given));
  expect(objectKey(given).length).toBe(32);
  expect(() => objectKey({ ...given, prfOutput: new Uint8Array(31) })).toThrow(RangeError);
});
