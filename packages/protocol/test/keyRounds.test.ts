import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { keyRoundAt, keyRoundBlocks, keyThreshold } from "../src/index.ts";

describe("the shares that a key takes", () => {
  it("are two thirds of few hosts, and more than two thirds of many", () => {
    expect([1, 2, 3, 4, 5, 6].map(keyThreshold)).toEqual([1, 2, 2, 3, 4, 4]);
    expect([7, 8, 9, 10, 12, 31, 32].map(keyThreshold)).toEqual([5, 6, 7, 7, 9, 21, 22]);
  });
});

describe("rounds of a key ceremony", () => {
  it("follow each other without a gap: an epoch's blocks for dealings, as many for complaints", () => {
    const rounds = fc.property(
      fc.bigInt(0n, 1n << 40n),
      fc.nat(100_000),
      fc.integer({ min: 1, max: 64 }),
      (since, after, epochBlocks) => {
        const l1Block = since + 1n + BigInt(after);
        const { number, isForComplaints } = keyRoundAt(since, l1Block, epochBlocks);
        const blocks = keyRoundBlocks(epochBlocks);
        expect((number - since - 1n) % blocks).toBe(0n);
        expect(number <= l1Block && l1Block < number + blocks).toBe(true);
        expect(isForComplaints).toBe(l1Block - number >= blocks / 2n);
      },
    );
    fc.assert(rounds);
  });
});
