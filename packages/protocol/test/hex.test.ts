import {
  bigIntToBytes,
  bytesToBigInt,
  CHAIN_ID_BOUND,
  concatBytes,
  EMPTY_CODE_HASH,
  EMPTY_LIST_HASH,
  EMPTY_TRIE_ROOT,
  equalBytes,
  FormatError,
  fromHex,
  joinBytes,
  keccak,
  keccakHash,
  taggedHash,
  toAddress,
  toChainId,
  toHash,
  toHex,
  toWord,
  toWordHex,
} from "@mvm/protocol";
import { hexlify, keccak256, toBeHex } from "ethers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RUNS } from "./arbitraries.ts";

describe("hexadecimal text", () => {
  it("bytes to text and back, in either case", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (data) => {
        expect(toHex(data)).toBe(hexlify(data));
        expect(fromHex(toHex(data))).toEqual(data);
        expect(fromHex(`0x${toHex(data).slice(2).toUpperCase()}`)).toEqual(data);
      }),
      RUNS,
    );
  });

  it("text that is not hexadecimal bytes gives a FormatError", () => {
    for (const bad of ["", "0", "00", "0X00", "0x0", "0x0g", "0xg0", "0x0ä", "0x\u{1f600}", " 0x00", "0x 1", "0x-1"])
      expect(() => fromHex(bad), bad).toThrow(FormatError);
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        try {
          expect(toHex(fromHex(text))).toBe(text.toLowerCase());
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
        }
      }),
      RUNS,
    );
  });

  it("addresses and hashes have their length and come out in lower case", () => {
    expect(toAddress(`0x${"Ab".repeat(20)}`)).toBe(`0x${"ab".repeat(20)}`);
    expect(() => toAddress(`0x${"ab".repeat(19)}`)).toThrow(FormatError);
    expect(() => toHash(`0x${"ab".repeat(33)}`)).toThrow(FormatError);
    expect(() => toHash(`0x${"zz".repeat(32)}`)).toThrow(FormatError);
  });

  it("integers: shortest form and 32-byte words, as another implementation gives them", () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 2n ** 256n - 1n), (value) => {
        expect(toWordHex(value)).toBe(toBeHex(value, 32));
        expect(toHex(toWord(value))).toBe(toBeHex(value, 32));
        expect(toHex(bigIntToBytes(value))).toBe(value === 0n ? "0x" : toBeHex(value));
        expect(bytesToBigInt(bigIntToBytes(value))).toBe(value);
      }),
      RUNS,
    );
    for (const bad of [-1n, 2n ** 256n]) expect(() => toWord(bad)).toThrow(FormatError);
    expect(() => bigIntToBytes(-1n)).toThrow(FormatError);
  });

  it("chain IDs: from 1 to the bound of wallets", () => {
    for (const good of [1n, CHAIN_ID_BOUND - 1n]) expect(toChainId(good)).toBe(good);
    for (const bad of [-1n, 0n, CHAIN_ID_BOUND]) expect(() => toChainId(bad)).toThrow(FormatError);
  });

  it("concatenation and equality", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 9 }), { maxLength: 6 }), (parts) => {
        const whole = Uint8Array.from(parts.flatMap((part) => [...part]));
        expect(concatBytes(...parts)).toEqual(whole);
        expect(joinBytes(parts)).toEqual(whole);
        expect(equalBytes(joinBytes(parts), whole)).toBe(true);
        expect(equalBytes(Uint8Array.of(...whole, 0), whole)).toBe(false);
        if (whole.length > 0)
          expect(
            equalBytes(
              whole,
              whole.map((byte, i) => (i === 0 ? byte ^ 1 : byte)),
            ),
          ).toBe(false);
      }),
      RUNS,
    );
  });
});

describe("hashes", () => {
  it("keccak-256 as another implementation gives it, over views too", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), fc.nat({ max: 20 }), (data, skip) => {
        const view = data.subarray(Math.min(skip, data.length));
        expect(keccakHash(view)).toBe(keccak256(view));
        expect(toHex(keccak(view))).toBe(keccak256(view));
      }),
      RUNS,
    );
    const large = new Uint8Array(200_000).map((_, i) => i % 251);
    expect(keccakHash(large)).toBe(keccak256(large));
  });

  it("a hash is not changed by the next one", () => {
    const first = keccak(Uint8Array.of(1));
    const text = toHex(first);
    keccak(Uint8Array.of(2));
    expect(toHex(first)).toBe(text);
  });

  it("constants have the values that Ethereum gives them", () => {
    expect(EMPTY_CODE_HASH).toBe("0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
    expect(EMPTY_TRIE_ROOT).toBe("0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421");
    expect(EMPTY_LIST_HASH).toBe("0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347");
  });

  it("a tagged hash of one purpose is none of another", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.uint8Array(), (tag, other, part) => {
        expect(taggedHash(tag, part) === taggedHash(other, part)).toBe(tag === other);
        expect(taggedHash(tag, toHex(part))).toBe(taggedHash(tag, part));
      }),
      RUNS,
    );
  });
});
