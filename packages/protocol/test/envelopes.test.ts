/** Key cards and padded contents of what couriers carry. */
import {
  CodecError,
  cardDigest,
  type Hex,
  PARCEL_BYTES,
  padded,
  partLabel,
  SIZE_CLASSES,
  toAddress,
  toHex,
  unpadded,
} from "@mvm/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RUNS } from "./arbitraries.ts";

describe("padding", () => {
  it("any content comes back, and its size is that of a class: the smallest that holds it", () => {
    const contents = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc
        .constantFrom(...SIZE_CLASSES.slice(0, 2).flatMap((size) => [size - 5, size - 4, size - 3]))
        .map((length) => new Uint8Array(length).fill(7)),
    );
    fc.assert(
      fc.property(contents, (content) => {
        const data = padded(content);
        expect(SIZE_CLASSES.find((size) => size >= content.length + 4)).toBe(data.length);
        expect(unpadded(data)).toEqual(content);
      }),
      RUNS,
    );
  });

  it("a content that no class holds gives a CodecError", () => {
    expect(() => padded(new Uint8Array(SIZE_CLASSES.at(-1)! - 3))).toThrow(CodecError);
    expect(padded(new Uint8Array(SIZE_CLASSES.at(-1)! - 4)).length).toBeLessThan(PARCEL_BYTES);
  });

  it.each([
    ["bytes of no class", () => padded(new Uint8Array(3)).subarray(1)],
    ["nothing", () => new Uint8Array(0)],
    ["a length beyond what is there", () => change(padded(new Uint8Array(3)), 1, 0xff)],
    ["a content in too large a class", () => concat(padded(new Uint8Array(3)), SIZE_CLASSES[1]!)],
    ["a padding that says something", () => change(padded(new Uint8Array(3)), SIZE_CLASSES[0]! - 1, 1)],
  ])("%s are refused: one content has one form", (_name, make) => {
    expect(() => unpadded(make())).toThrow(CodecError);
  });
});

const change = (data: Uint8Array, at: number, value: number): Uint8Array => data.with(at, value);
const concat = (data: Uint8Array, size: number): Uint8Array => {
  const out = new Uint8Array(size);
  out.set(data);
  return out;
};

describe("what signs and seals are bound to", () => {
  const network = { l1ChainId: 1n, comco: toAddress(`0x${"c0".repeat(20)}`) };
  const card = { provider: 1, key: `0x${"11".repeat(32)}` as Hex, slot: 5n };

  it("a card of another network, provider, key or slot has another digest", () => {
    const digests = [
      cardDigest(network, card),
      cardDigest({ ...network, l1ChainId: 2n }, card),
      cardDigest(network, { ...card, provider: 2 }),
      cardDigest(network, { ...card, key: `0x${"12".repeat(32)}` }),
      cardDigest(network, { ...card, slot: 6n }),
    ];
    expect(new Set(digests).size).toBe(digests.length);
  });

  it("every part of a talk has its own label", () => {
    const kinds = ["result", "fetch", "supply"] as const;
    const labels = kinds.flatMap((kind) => [0, 1, 256].map((number) => toHex(partLabel({ kind, number }))));
    expect(new Set(labels).size).toBe(labels.length);
  });
});
