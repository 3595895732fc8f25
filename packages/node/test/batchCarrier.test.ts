import { toAddress } from "@mvm/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BatchCarrier, MAX_CARRIED_BATCHES, MAX_CARRIED_BYTES } from "../src/batchCarrier.ts";
import type { DraftBatch } from "../src/ports.ts";
import { draftClaims } from "./draftClaims.ts";

const POSTER = toAddress(`0x${"01".repeat(20)}`);

function batchOf(chainId: number, index = 0, bytes = 10): DraftBatch {
  return { claims: draftClaims(chainId, BigInt(index), POSTER), data: new Uint8Array(bytes), sign: () => "0x" };
}

const atOnce = (): Promise<void> => Promise.resolve();

describe("the carrier of batches", () => {
  it("lets the first batch wait for others that are being made, once for all that come meanwhile", async () => {
    const sent: number[] = [];
    const windows: (() => void)[] = [];
    const gathered = (): Promise<void> => new Promise((resolve) => windows.push(resolve));
    const carrier = new BatchCarrier(async (batches) => void sent.push(batches.length), gathered);
    const carried = [carrier.carry(batchOf(1)), carrier.carry(batchOf(2))];
    await Promise.resolve();
    carried.push(carrier.carry(batchOf(3)));
    expect([sent, windows.length]).toEqual([[], 1]);
    windows[0]!();
    await Promise.all(carried);
    expect([sent, windows.length]).toEqual([[3], 1]);
    const later = carrier.carry(batchOf(4));
    expect(windows.length).toBe(2);
    windows[1]!();
    await later;
    expect(sent).toEqual([3, 1]);
  });

  it("takes batches of several chains that come at the same moment in one transaction", async () => {
    const sent: (readonly DraftBatch[])[] = [];
    const carrier = new BatchCarrier(async (batches) => void sent.push(batches), atOnce);
    await Promise.all([1, 2, 3].map((chain) => carrier.carry(batchOf(chain))));
    expect(sent.map((batches) => batches.length)).toEqual([3]);
  });

  it("takes what comes while a transaction is under way with the next one", async () => {
    const sent: number[] = [];
    const ends: (() => void)[] = [];
    const carrier = new BatchCarrier((batches) => {
      sent.push(batches.length);
      return new Promise((resolve) => ends.push(resolve));
    }, atOnce);
    const first = carrier.carry(batchOf(1));
    await Promise.resolve();
    await Promise.resolve();
    const others = [carrier.carry(batchOf(2)), carrier.carry(batchOf(3))];
    ends[0]!();
    await first;
    await expect.poll(() => ends.length).toBe(2);
    ends[1]!();
    await Promise.all(others);
    expect(sent).toEqual([1, 2]);
  });

  it("lets one that L1 refuses keep none of the others from it", async () => {
    const taken: bigint[] = [];
    const carrier = new BatchCarrier(async (batches) => {
      if (batches.some(({ claims }) => claims.chainId === 2n)) throw new Error("refused");
      taken.push(...batches.map(({ claims }) => claims.chainId));
    }, atOnce);
    const results = await Promise.allSettled([1, 2, 3].map((chain) => carrier.carry(batchOf(chain))));
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(taken).toEqual([1n, 3n]);
  });

  it("property: every batch is sent, those of a chain in their order and never two in one transaction, within the bounds", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 400 }), fc.oneof(fc.nat(400), fc.nat(60_000))), { maxLength: 500 }),
        async (wanted) => {
          const sent: DraftBatch[] = [];
          const carrier = new BatchCarrier(async (batches) => {
            expect(batches.length).toBeLessThanOrEqual(MAX_CARRIED_BATCHES);
            expect(new Set(batches.map(({ claims }) => claims.chainId)).size).toBe(batches.length);
            const bytes = batches.reduce((sum, { data }) => sum + data.length, 0);
            expect(batches.length === 1 || bytes <= MAX_CARRIED_BYTES).toBe(true);
            sent.push(...batches);
          }, atOnce);
          const batches = wanted.map(([chain, bytes], i) => batchOf(chain, i, bytes));
          await Promise.all(batches.map((batch) => carrier.carry(batch)));
          expect(sent).toEqual(batches);
        },
      ),
      { numRuns: 50 },
    );
  });
});
