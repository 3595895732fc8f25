import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { WordMap } from "../src/wordMap.ts";

class Entry {
  readonly key: bigint;
  next: Entry | null = null;
  constructor(key: bigint) {
    this.key = key;
  }
}

/** Words that differ only above their low 64 bits, and some that do not. */
const word = fc.oneof(
  fc.bigInt(0n, 40n).map((high) => high << 64n),
  fc.bigInt(0n, 40n),
  fc.bigInt(0n, 2n ** 256n - 1n),
);

describe("WordMap", () => {
  it("holds what a Map would hold", () => {
    fc.assert(
      fc.property(fc.uniqueArray(word, { maxLength: 200 }), fc.array(word, { maxLength: 50 }), (keys, others) => {
        const map = new WordMap<Entry>();
        const expected = new Map(keys.map((key) => [key, new Entry(key)]));
        for (const entry of expected.values()) map.add(entry);
        for (const key of [...keys, ...others]) expect(map.get(key)).toBe(expected.get(key));
        expect(new Set(map.values())).toEqual(new Set(expected.values()));
      }),
    );
  });

  it("finds each of many entries, among whom some share a place", () => {
    const map = new WordMap<Entry>();
    const entries = Array.from({ length: 60_000 }, (_, index) => new Entry(BigInt(index) * 0x1_0000_0000_0000_0001n));
    for (const entry of entries) map.add(entry);
    expect(entries.every((entry) => map.get(entry.key) === entry)).toBe(true);
  });
});
