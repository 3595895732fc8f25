/** A state that comes from others in parts, by kills and lies, against one that the blocks made. */
import { EMPTY_CODE_HASH, EMPTY_TRIE_ROOT, toHex } from "@mvm/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DacDatabase, MemoryStore, StateError } from "../src/index.ts";
import type { StateSync } from "../src/stateSync.ts";
import { madeBlock, nameHash } from "./blocks.ts";
import { entriesOf, expectExact } from "./nodeAudit.ts";
import { addressOf, slotOf } from "./writes.ts";

const RECENT = { mode: "state", keeps: "recent", maxNodesInMemory: 30 } as const;
const genesis = {
  number: 0n,
  hash: nameHash("genesis"),
  encodedBlock: Uint8Array.of(1),
  transactionHashes: [],
  receipts: [],
  logs: [],
};

type Source = {
  readonly store: MemoryStore;
  readonly database: DacDatabase;
  readonly blocks: ReturnType<typeof madeBlock>[];
};

/** A chain of so many blocks, of which the last one's state alone is kept. Accounts with equal storage are among them. */
async function sourceOf(count: number, seed: number): Promise<Source> {
  const store = new MemoryStore();
  const database = await DacDatabase.openOn(store, RECENT);
  const twins = [50, 51, 52].map((n) => ({
    address: addressOf(n),
    account: { nonce: 1n, balance: 1n, codeHash: EMPTY_CODE_HASH },
    code: null,
    slots: Array.from({ length: 40 }, (_, s) => ({ slot: slotOf(s), value: 7n })),
  }));
  await database.initialise({ ...genesis, alloc: [...madeBlock(0, seed).writesPerTransaction.flat(), ...twins] });
  const blocks = Array.from({ length: count }, (_, i) => madeBlock(i + 1, seed));
  for (const block of blocks) await database.appendBlock(block);
  await database.finalise(BigInt(count));
  await database.prune(BigInt(count));
  return { store, database, blocks };
}

const rootOf = ({ database }: Source) => database.head!.stateRoot!;

/** Takes parts until all is there, or so many have been asked for. */
async function sync(
  from: Source,
  into: StateSync,
  { limit, maxBytes, parts = Number.POSITIVE_INFINITY }: { limit: number; maxBytes: number; parts?: number },
): Promise<void> {
  for (let part = 0; part < parts; part++) {
    const asked = await into.next(limit);
    if (asked.length === 0) return;
    await into.take(asked, from.database.partOf(asked, maxBytes));
  }
}

const adopted = ({ database, blocks }: Source, count: number) =>
  blocks.slice(-count).map((block) => ({ ...block, stateRoot: database.blockByNumber(block.number)!.stateRoot! }));
const adoptedGenesis = ({ database }: Source) => ({ ...genesis, stateRoot: database.blockByNumber(0n)!.stateRoot! });

/** What two stores have of a state: nodes, their places, the flat view. */
async function expectSame(store: MemoryStore, source: MemoryStore): Promise<void> {
  for (const letter of ["n", "p", "k", "v"]) {
    const [have, wanted] = await Promise.all([store, source].map((each) => entriesOf(each, letter)));
    expect(have).toEqual(wanted);
  }
}

describe("a state from others", () => {
  test("is, in parts of any size and with kills in between, that of who made all blocks, down to the places of each node, and goes on as it does", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          count: fc.integer({ min: 1, max: 14 }),
          seed: fc.nat(1_000),
          limit: fc.integer({ min: 1, max: 40 }),
          maxBytes: fc.integer({ min: 1, max: 20_000 }),
          parts: fc.integer({ min: 1, max: 6 }),
        }),
        async ({ count, seed, limit, maxBytes, parts }) => {
          const source = await sourceOf(count, seed);
          let store = new MemoryStore();
          let database = await DacDatabase.openOn(store, RECENT);
          for (;;) {
            const into = await database.syncState(rootOf(source));
            if (await into.isWhole()) break;
            await sync(source, into, { limit, maxBytes, parts });
            // asked for, and never answered
            await into.next(limit);
            store = store.reopened();
            database = await DacDatabase.openOn(store, RECENT);
          }
          await expectSame(store, source.store);
          const kept = 1 + (seed % count);
          await database.adopt(adoptedGenesis(source), adopted(source, kept));
          expect(database.head).toEqual(source.database.head);
          expect([database.final, database.oldestState]).toEqual([BigInt(count), BigInt(count)]);
          expect(database.blockByNumber(BigInt(count - kept))?.number).toBe(kept === count ? 0n : undefined);
          expect(await database.receipts(BigInt(count))).toEqual(source.blocks.at(-1)!.receipts);
          for (const number of [1, 2, 3]) {
            const next = madeBlock(count + number, seed + 1);
            expect(await database.appendBlock(next)).toEqual(await source.database.appendBlock(next));
          }
          await expectExact(store, database);
          await expectSame(store, source.store);
          await database.rollbackTo(BigInt(count));
          await source.database.rollbackTo(BigInt(count));
          await expectSame(store, source.store);
        },
      ),
      { numRuns: 60 },
    );
  });

  test("comes from several at once, each place asked for once", async () => {
    const source = await sourceOf(12, 3);
    const store = new MemoryStore();
    const into = await (await DacDatabase.openOn(store, RECENT)).syncState(rootOf(source));
    await sync(source, into, { limit: 1, maxBytes: 1, parts: 2 });
    for (;;) {
      const asked = [await into.next(3), await into.next(3), await into.next(3)];
      const places = asked
        .flat()
        .map(({ kind, hash, owner, path }) => `${kind} ${toHex(hash)} ${owner && toHex(owner)} ${path}`);
      expect(new Set(places).size).toBe(places.length);
      if (places.length === 0) break;
      await Promise.all(asked.map((each) => into.take(each, source.database.partOf(each, 2_000))));
    }
    expect(await into.isWhole()).toBe(true);
    await expectSame(store, source.store);
  });

  test("takes nothing of an answer with a byte changed, or with what was not asked for, and asks another for the same", async () => {
    const source = await sourceOf(10, 5);
    const store = new MemoryStore();
    const into = await (await DacDatabase.openOn(store, RECENT)).syncState(rootOf(source));
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.nat(), fc.integer({ min: 1, max: 3_000 }), async (at, bit, maxBytes) => {
        const asked = await into.next(4);
        if (asked.length === 0) return;
        const blocks = source.database.partOf(asked, maxBytes);
        const changed = blocks.map((bytes) => bytes.slice());
        const lie = changed[at % changed.length]!;
        lie[bit % lie.length]! ^= 1 << (bit % 8);
        const before = await store.page({ from: Uint8Array.of(0), to: Uint8Array.of(255) }, 100_000);
        await expect(into.take(asked, changed)).rejects.toMatchObject({ code: "not-wanted" });
        expect(await store.page({ from: Uint8Array.of(0), to: Uint8Array.of(255) }, 100_000)).toEqual(before);
        const again = await into.next(4);
        expect(again).toEqual(asked);
        await expect(into.take(again, [...blocks, Uint8Array.of(0xc0)])).rejects.toMatchObject({ code: "not-wanted" });
        const last = await into.next(4);
        await into.take(last, blocks);
      }),
      { numRuns: 40 },
    );
    await sync(source, into, { limit: 10, maxBytes: 5_000 });
    await expectSame(store, source.store);
  });

  test("is not adopted before it is whole, nor mixed with another, nor with blocks that were made", async () => {
    const source = await sourceOf(6, 1);
    const store = new MemoryStore();
    const database = await DacDatabase.openOn(store, RECENT);
    const into = await database.syncState(rootOf(source));
    await sync(source, into, { limit: 2, maxBytes: 500, parts: 2 });
    const codeOf = (action: Promise<unknown>) =>
      action.then(
        () => "no error",
        (error: unknown) => (error as StateError).code,
      );
    expect(await codeOf(database.adopt(adoptedGenesis(source), adopted(source, 2)))).toBe("not-whole");
    expect(await codeOf(database.syncState(EMPTY_TRIE_ROOT))).toBe("other-sync");
    expect(await codeOf(database.initialise({ ...genesis, alloc: [] }))).toBe("other-sync");
    await sync(source, into, { limit: 20, maxBytes: 50_000 });
    const [one, two] = adopted(source, 3);
    expect(await codeOf(database.adopt(adoptedGenesis(source), []))).toBe("bad-block");
    expect(await codeOf(database.adopt(adoptedGenesis(source), [one!, adopted(source, 1)[0]!]))).toBe("not-next");
    expect(await codeOf(database.adopt(adoptedGenesis(source), [one!, two!]))).toBe("other-sync");
    expect(database.head).toBe(null);
    await database.adopt(adoptedGenesis(source), adopted(source, 3));
    expect(() => database.syncState(rootOf(source))).toThrow(StateError);
    await database.initialise({ ...genesis, alloc: [] });
  });
});
