import type { Hash, Transaction } from "@mvm/protocol";
import { LIMITS } from "@mvm/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BlockSize, FIRST_BLOCK_TRANSACTIONS, LATE_BLOCK_TRANSACTIONS } from "../src/blockSize.ts";

const TICK_MS = 1_000;
const waiting = (count: number): Transaction[] =>
  Array.from({ length: count }, (_, i) => ({ hash: `0x${i.toString(16).padStart(64, "0")}` as Hash }) as Transaction);

describe("how many transactions a block takes", () => {
  it("doubles while full blocks are signed within two block times, up to what a block holds", () => {
    const size = new BlockSize(TICK_MS);
    for (let i = 0; i < 10; i++) size.done(size.limit, 2 * TICK_MS);
    expect(size.limit).toBe(LIMITS.blockTransactions);
  });

  it("does not grow by blocks that had room left, nor by those that took longer", () => {
    const size = new BlockSize(TICK_MS);
    size.done(FIRST_BLOCK_TRANSACTIONS - 1, 10);
    size.done(FIRST_BLOCK_TRANSACTIONS, 2 * TICK_MS + 1);
    expect(size.limit).toBe(FIRST_BLOCK_TRANSACTIONS);
  });

  it("halves by blocks that took more than four block times, and not where they were small", () => {
    const size = new BlockSize(TICK_MS);
    size.done(LATE_BLOCK_TRANSACTIONS, 4 * TICK_MS + 1);
    expect(size.limit).toBe(FIRST_BLOCK_TRANSACTIONS);
    size.done(FIRST_BLOCK_TRANSACTIONS, 4 * TICK_MS);
    expect(size.limit).toBe(FIRST_BLOCK_TRANSACTIONS);
    size.done(FIRST_BLOCK_TRANSACTIONS, 4 * TICK_MS + 1);
    expect(size.limit).toBe(FIRST_BLOCK_TRANSACTIONS / 2);
  });

  it("halves with each block that its slot did not leave time for, and one that is in time undoes nothing of it", () => {
    const size = new BlockSize(TICK_MS);
    size.late(FIRST_BLOCK_TRANSACTIONS);
    size.done(3, 10);
    expect(size.limit).toBe(FIRST_BLOCK_TRANSACTIONS / 2);
    for (let i = 0; i < 10; i++) size.late(size.limit);
    expect(size.limit).toBe(LATE_BLOCK_TRANSACTIONS);
  });

  it("goes down to one transaction where none can be done, and back at once when one is", () => {
    const size = new BlockSize(TICK_MS);
    for (let i = 0; i < 10; i++) size.failed(waiting(size.limit));
    expect(size.limit).toBe(1);
    size.done(1, 10);
    expect(size.limit).toBe(FIRST_BLOCK_TRANSACTIONS);
  });

  it("tells of the third failure in a row of a transaction alone, and of none before another one failed", () => {
    const [one, other] = waiting(2) as [Transaction, Transaction];
    const size = new BlockSize(TICK_MS);
    expect([one, one, one, other, one].map((each) => size.failed([each]))).toEqual([false, false, true, false, false]);
  });

  it("stays within 1 and what a block holds, whatever happens", () => {
    const step = fc.record({
      kind: fc.constantFrom("done", "late", "failed"),
      part: fc.nat(100),
      tookMs: fc.nat(5_000),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const size = new BlockSize(TICK_MS);
        for (const { kind, part, tookMs } of steps) {
          const count = Math.ceil((size.limit * part) / 100);
          if (kind === "done") size.done(count, tookMs);
          else if (kind === "late") size.late(count);
          else size.failed(waiting(count));
          expect(size.limit).toBeGreaterThanOrEqual(1);
          expect(size.limit).toBeLessThanOrEqual(LIMITS.blockTransactions);
        }
      }),
    );
  });
});
