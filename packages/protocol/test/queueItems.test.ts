/** Items of L1's queue: what consumes them, what gas they may use, and by which hashes their execution is known. */
import {
  type Address,
  aliasOf,
  type BlockOutcome,
  depositItem,
  encodeSystemTransaction,
  executedHash,
  forcedTransaction,
  fromHex,
  type Hex,
  includedHashes,
  LIMITS,
  type QueueItem,
  type QueueKind,
  queueItemGas,
  queueTransaction,
  SYSTEM,
  toAddress,
  toChainId,
  ZERO_ADDRESS,
} from "@mvm/protocol";
import { keccak256, Wallet } from "ethers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addresses, RUNS, uint } from "./arbitraries.ts";

const CHAIN = toChainId(77n);
const KINDS: readonly QueueKind[] = ["depositMT", "message", "forced", "exit"];
const wallet = new Wallet(`0x${"a1".repeat(32)}`);

const items: fc.Arbitrary<QueueItem> = fc.record({
  kind: fc.constantFrom(...KINDS),
  queueIndex: uint(64),
  from: addresses,
  to: addresses,
  mint: uint(256),
  value: uint(256),
  gasLimit: uint(64),
  data: fc.uint8Array({ maxLength: 200 }),
});

async function signed(gasLimit: bigint, chainId = 77): Promise<Uint8Array> {
  const fields = { type: 2, nonce: 0, to: wallet.address, maxFeePerGas: 1, maxPriorityFeePerGas: 1 };
  return fromHex((await wallet.signTransaction({ ...fields, chainId, gasLimit })) as Hex);
}

const item = (kind: QueueKind, more: Partial<QueueItem>): QueueItem => ({
  ...depositItem({ queueIndex: 3n, from: toAddress(wallet.address), to: toAddress(wallet.address), mint: 0n }),
  kind,
  ...more,
});

const outcomeUsing = (gasUsed: bigint): BlockOutcome => ({ status: 1, gasUsed, logs: [], writes: [] });

describe("the transaction that consumes an item", () => {
  it("speaks for an account of L1 by its alias in a message, as it is only in an exit, for nobody in a forced one", () => {
    fc.assert(
      fc.property(items, (queued) => {
        const { from, to } = queueTransaction(queued);
        const expected: Record<QueueKind, readonly [Address, Address]> = {
          depositMT: [queued.from, queued.to],
          message: [aliasOf(queued.from), queued.to],
          exit: [queued.from, queued.to],
          forced: [SYSTEM, ZERO_ADDRESS],
        };
        expect([from, to]).toEqual(expected[queued.kind]);
      }),
      RUNS,
    );
  });

  it("mints only what a deposit or a message brought", () => {
    fc.assert(
      fc.property(items, (queued) => {
        const mints = queued.kind === "depositMT" || queued.kind === "message";
        expect(queueTransaction(queued).mint).toBe(mints ? queued.mint : 0n);
      }),
      RUNS,
    );
  });

  it("fits a transaction's bytes with the longest data of an item", () => {
    const most = {
      mint: 2n ** 256n - 1n,
      value: 2n ** 256n - 1n,
      gasLimit: 2n ** 64n - 1n,
      queueIndex: 2n ** 64n - 1n,
    };
    for (const kind of KINDS) {
      const data = new Uint8Array(LIMITS.queueDataBytes).fill(255);
      const raw = encodeSystemTransaction(toChainId(2n ** 52n - 21n), queueTransaction(item(kind, { ...most, data })));
      expect(raw.length).toBeLessThanOrEqual(LIMITS.transactionBytes);
    }
  });
});

describe("a forced transaction", () => {
  it("is none for any bytes that no key has signed for this chain, and never throws", async () => {
    const valid = await signed(21_000n);
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })).map(([at, change]) => {
        const position = at % valid.length;
        return valid.with(position, valid[position]! ^ change);
      }),
      fc.nat().map((cut) => valid.subarray(0, cut % valid.length)),
    );
    fc.assert(
      fc.property(bytes, (data) => {
        const found = forcedTransaction(data, 77n);
        if (found !== null) expect(found.from).not.toBe(wallet.address.toLowerCase());
      }),
      { numRuns: 500 },
    );
    expect(forcedTransaction(valid, 77n)?.from).toBe(wallet.address.toLowerCase());
    expect(forcedTransaction(await signed(21_000n, 78), 77n)).toBeNull();
    expect(forcedTransaction(new Uint8Array(LIMITS.transactionBytes + 1), 77n)).toBeNull();
  });
});

describe("the gas of an item", () => {
  it("is what its call or its signed transaction declares; nothing where that can never run", async () => {
    const cap = LIMITS.transactionGas;
    const cases: readonly (readonly [QueueItem, bigint])[] = [
      [item("depositMT", { gasLimit: 5n }), 0n],
      [item("message", { gasLimit: 5n }), 5n],
      [item("message", { gasLimit: cap }), cap],
      [item("message", { gasLimit: cap + 1n }), 0n],
      [item("exit", { gasLimit: 7n }), 7n],
      [item("forced", { gasLimit: 5n, data: await signed(100_000n) }), 100_000n],
      [item("forced", { gasLimit: 5n, data: await signed(cap + 1n) }), 0n],
      [item("forced", { gasLimit: 5n, data: await signed(100_000n, 78) }), 0n],
      [item("forced", { gasLimit: 5n, data: Uint8Array.of(1) }), 0n],
    ];
    for (const [queued, gas] of cases) expect(queueItemGas(queued, 77n)).toBe(gas);
  });
});

describe("the hashes of what a block executed", () => {
  it("have a forced transaction's own hash where it used gas, and only there", async () => {
    const data = await signed(21_000n);
    const encoded = (queued: QueueItem): Uint8Array => encodeSystemTransaction(CHAIN, queueTransaction(queued));
    const transactions = [
      encoded(item("message", { data })),
      encoded(item("forced", { data })),
      encoded(item("forced", { data, queueIndex: 4n })),
      data,
    ];
    const outcomes = [outcomeUsing(9n), outcomeUsing(21_000n), outcomeUsing(0n), outcomeUsing(21_000n)];
    const own = transactions.map((raw) => keccak256(raw));
    expect(transactions.map((raw, i) => executedHash(raw, CHAIN, outcomes[i]!))).toEqual([
      null,
      keccak256(data),
      null,
      null,
    ]);
    expect(includedHashes({ chainId: CHAIN, transactions, outcomes })).toEqual([...own, keccak256(data)]);
  });
});
