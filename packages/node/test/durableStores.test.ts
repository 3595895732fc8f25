import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SubmissionEntry } from "@mvm/l1";
import {
  bytesToBigInt,
  type ChainId,
  encodeBlock,
  keccakHash,
  type SealedBlock,
  toChainId,
  toWord,
} from "@mvm/protocol";
import { LevelStore, MemoryStore } from "@mvm/state";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { pendingStore, sealStore, submissionJournal } from "../src/index.ts";
import { BlockMaker, signed } from "./blockMaker.ts";
import { deposit, identityOf, SLOT, viewOf } from "./world.ts";

let path: string;
let block: SealedBlock;

beforeAll(async () => {
  const view = viewOf(["host"]);
  deposit(view, 0n, identityOf("user").operator, 5n);
  const maker = await BlockMaker.start(view);
  block = await maker.next({ queueItems: view.queueItems(maker.dac.chainId, 0n, SLOT) });
});
beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), "mvm-stores-"));
});
afterEach(() => rm(path, { recursive: true }));

/** The same block with another signature, as a second one at the same place would have. */
const rival = (): SealedBlock => signed({ ...block, header: { ...block.header, timestamp: 9n } });

describe("the seal store", () => {
  it("finds a signed block by its place after reopening, whatever a second block there holds", async () => {
    const first = await LevelStore.open(path);
    expect(await sealStore(first).find(block)).toBeNull();
    await sealStore(first).put(block);
    await first.close();
    const second = await LevelStore.open(path);
    const found = await sealStore(second).find(rival());
    await second.close();
    expect(encodeBlock(found!)).toEqual(encodeBlock(block));
  });

  it("tells places apart by chain, generation, slot and height", async () => {
    const seals = sealStore(new MemoryStore());
    await seals.put(block);
    const others: SealedBlock[] = [
      { ...block, chainId: toChainId(block.chainId + 1n) },
      { ...block, generation: 1n },
      { ...block, context: { ...block.context, slot: 1n } },
      { ...block, header: { ...block.header, number: 2n } },
    ];
    for (const other of others) expect(await seals.find(other)).toBeNull();
    expect(await seals.find(block)).not.toBeNull();
  });
});

describe("the store of pending transactions", () => {
  const CHAINS = [1n, 2n, 255n, 256n].map(toChainId);
  const rawOf = (n: number): Uint8Array => toWord(BigInt(n));
  const put = (store: ReturnType<typeof pendingStore>, chainId: ChainId, n: number): Promise<void> =>
    store.put(chainId, keccakHash(rawOf(n)), rawOf(n));
  const numbers = (raws: readonly Uint8Array[]): number[] =>
    raws.map((raw) => Number(bytesToBigInt(raw))).sort((a, b) => a - b);

  it("keeps what was put, without what was removed, over a reopening", async () => {
    const first = await LevelStore.open(path);
    for (let n = 0; n < 5; n++) await put(pendingStore(first), CHAINS[0]!, n);
    await pendingStore(first).remove(CHAINS[0]!, keccakHash(rawOf(2)));
    await first.close();
    const second = await LevelStore.open(path);
    const loaded = await pendingStore(second).load(CHAINS[0]!);
    await second.close();
    expect(numbers(loaded)).toEqual([0, 1, 3, 4]);
  });

  it.each([999, 1_000, 1_001, 2_000, 2_345])("loads all of %i transactions, each once", async (count) => {
    const store = pendingStore(new MemoryStore());
    for (let n = 0; n < count; n++) await put(store, CHAINS[1]!, n);
    expect(numbers(await store.load(CHAINS[1]!))).toEqual(Array.from({ length: count }, (_, n) => n));
  });

  it("mixes neither chains with each other nor transactions with seals", async () => {
    const shared = new MemoryStore();
    const store = pendingStore(shared);
    await sealStore(shared).put(block);
    for (const [n, chainId] of CHAINS.entries()) await put(store, chainId, n);
    for (const [n, chainId] of CHAINS.entries()) expect(numbers(await store.load(chainId))).toEqual([n]);
    expect(await store.load(block.chainId)).toEqual([]);
    await store.remove(CHAINS[0]!, keccakHash(Uint8Array.of(1)));
    expect(numbers(await store.load(CHAINS[1]!))).toEqual([1]);
  });

  it("has every transaction that a killed process acknowledged", async () => {
    const writer = spawn(process.execPath, [join(import.meta.dirname, "pendingWriter.ts"), path]);
    let output = "";
    let errors = "";
    writer.stderr.on("data", (chunk) => {
      errors += chunk;
    });
    const ended = once(writer, "close");
    const enough = new Promise<void>((resolve) => {
      writer.stdout.on("data", (chunk) => {
        output += chunk;
        if (output.split("\n").length > 50) resolve();
      });
    });
    await Promise.race([enough, ended]);
    writer.kill("SIGKILL");
    await ended;
    expect(errors).toBe("");
    const acknowledged = output.split("\n").slice(0, -1).map(Number);
    expect(acknowledged.length).toBeGreaterThanOrEqual(50);
    const store = await LevelStore.open(path);
    const loaded = new Set(numbers(await pendingStore(store).load(toChainId(1n))));
    await store.close();
    for (const n of acknowledged) expect(loaded).toContain(n);
    expect(loaded.size).toBeLessThanOrEqual(acknowledged.length + 1);
  });
});

describe("the journal of L1 transactions", () => {
  const entryOf = (key: string, nonce: bigint): SubmissionEntry => ({
    key,
    nonce,
    raw: "0x02c0ffee",
    versions: [{ hash: keccakHash(Uint8Array.of(1)), maxFeePerGas: 7n, maxPriorityFeePerGas: 0n }],
  });

  it("has its entries after reopening, one for each key, the last one saved", async () => {
    const first = await LevelStore.open(path);
    const journal = submissionJournal(first);
    for (const [key, nonce] of [
      ["b", 1n],
      ["a", 2n],
      ["b", 3n],
      ["", 4n],
      ["c", 5n],
    ] as const) {
      await journal.save(entryOf(key, nonce));
    }
    await journal.clear("c");
    await journal.clear("never saved");
    await first.close();
    const second = await LevelStore.open(path);
    const entries = await submissionJournal(second).load();
    await second.close();
    expect(entries).toEqual([entryOf("", 4n), entryOf("a", 2n), entryOf("b", 3n)]);
  });

  it("stands apart from seals and pending transactions", async () => {
    const shared = new MemoryStore();
    const journal = submissionJournal(shared);
    await journal.save(entryOf("batch:1:0:0", 9n));
    await sealStore(shared).put(block);
    await pendingStore(shared).put(block.chainId, keccakHash(Uint8Array.of(1)), Uint8Array.of(1));
    expect(await journal.load()).toEqual([entryOf("batch:1:0:0", 9n)]);
    await journal.clear("batch:1:0:0");
    expect(await sealStore(shared).find(block)).not.toBeNull();
    expect(await pendingStore(shared).load(block.chainId)).toHaveLength(1);
  });
});
