import { LIMITS, type Transaction } from "@mvm/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TransactionPool } from "../src/index.ts";
import { freshHash, transfer, USERS } from "./world.ts";

const model = transfer();
/** A transaction that only the pool looks at: what it does not read is another's. */
const entry = (change: Partial<Transaction>): Transaction => ({ ...model, hash: freshHash(), ...change });

describe("the transaction pool", () => {
  it("takes a transaction once, gives it back by its hash, and lets go of it", () => {
    const pool = new TransactionPool();
    expect(pool.add(model)).toEqual({ refusal: null, replaced: null });
    expect(pool.add(model).refusal).toBe("already-known");
    expect(pool.get(model.hash)).toBe(model);
    pool.remove(model.hash);
    pool.remove(model.hash);
    expect([pool.size, pool.get(model.hash), pool.ordered(0n)]).toEqual([0, undefined, []]);
  });

  it("replaces one of the same sender and nonce only when both fees rise by a tenth", () => {
    const pool = new TransactionPool();
    const old = entry({ maxFeePerGas: 1_000n, maxPriorityFeePerGas: 100n });
    pool.add(old);
    for (const [maxFeePerGas, maxPriorityFeePerGas] of [
      [1_099n, 110n],
      [1_100n, 109n],
      [5_000n, 100n],
    ] as const)
      expect(pool.add(entry({ maxFeePerGas, maxPriorityFeePerGas })).refusal).toBe("replacement-underpriced");
    const better = entry({ maxFeePerGas: 1_100n, maxPriorityFeePerGas: 110n });
    expect(pool.add(better)).toEqual({ refusal: null, replaced: old });
    expect(pool.all()).toEqual([better]);
  });

  it("holds no more than the bounds: of a sender, in all, and in bytes", () => {
    const pool = new TransactionPool();
    for (let nonce = 0n; nonce < LIMITS.poolPerSender; nonce++) expect(pool.add(entry({ nonce })).refusal).toBeNull();
    expect(pool.add(entry({ nonce: 999n })).refusal).toBe("sender-limit");
    const other = (i: number) => entry({ from: `0x${i.toString(16).padStart(40, "0")}` as Transaction["from"] });
    for (let i = pool.size; i < LIMITS.poolTotal; i++) pool.add(other(i));
    expect(pool.size).toBe(LIMITS.poolTotal);
    expect(pool.add(entry({ from: USERS[1]!.operator })).refusal).toBe("pool-full");
    const byBytes = new TransactionPool();
    const raw = new Uint8Array(LIMITS.poolBytes / 4);
    for (let i = 0; i < 4; i++) expect(byBytes.add({ ...other(i), raw }).refusal).toBeNull();
    expect(byBytes.add(other(9)).refusal).toBe("pool-full");
  });

  it("counts the nonces that wait without a gap", () => {
    const pool = new TransactionPool();
    for (const nonce of [3n, 4n, 6n]) pool.add(entry({ nonce }));
    expect([3n, 5n, 6n].map((nonce) => pool.nextNonce(model.from, nonce))).toEqual([5n, 5n, 7n]);
  });

  it("orders: a sender's by nonce; else none dearer stands after one that it could have gone before", () => {
    const draw = fc.record({
      user: fc.integer({ min: 0, max: 2 }),
      nonce: fc.bigInt({ min: 0n, max: 5n }),
      maxFeePerGas: fc.bigInt({ min: 0n, max: 50n }),
      maxPriorityFeePerGas: fc.bigInt({ min: 0n, max: 20n }),
    });
    fc.assert(
      fc.property(fc.array(draw, { maxLength: 40 }), fc.bigInt({ min: 0n, max: 30n }), (draws, baseFee) => {
        const pool = new TransactionPool();
        for (const { user, ...change } of draws) pool.add(entry({ from: USERS[user]!.operator, ...change }));
        const ordered = pool.ordered(baseFee);
        const tip = ({ maxFeePerGas, maxPriorityFeePerGas }: Transaction): bigint =>
          maxFeePerGas - baseFee < maxPriorityFeePerGas ? maxFeePerGas - baseFee : maxPriorityFeePerGas;
        const worth = new Map<string, bigint>();
        const effective = ordered.map((transaction) => {
          const before = worth.get(transaction.from);
          const own = tip(transaction);
          const least = before === undefined || own < before ? own : before;
          worth.set(transaction.from, least);
          return least;
        });
        for (const [i, transaction] of ordered.entries()) {
          expect(tip(transaction)).toBeGreaterThanOrEqual(0n);
          if (i > 0) expect(effective[i]! <= effective[i - 1]!).toBe(true);
          const later = ordered.slice(i + 1).filter(({ from }) => from === transaction.from);
          for (const { nonce } of later) expect(nonce > transaction.nonce).toBe(true);
        }
      }),
    );
  });
});
