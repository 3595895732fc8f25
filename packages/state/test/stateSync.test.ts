/** A state that comes from others in parts, by kills and lies, against one that the blocks made. */
import { EMPTY_CODE_HASH, toHex } from "@mvm/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DacDatabase, MemoryStore, type StateError } from "../src/index.ts";
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

/** The first block and all others, as others have them. */
const blocksOf = ({ database, blocks }: Source) =>
  [genesis, ...blocks].map((block) => ({ ...block, stateRoot: database.blockByNumber(block.number)!.stateRoot! }));

/** A database that has the blocks of a source, and not its state. */
async function withBlocks(source: Source, store: MemoryStore): Promise<DacDatabase> {
  const database = await DacDatabase.openOn(store, RECENT);
  await database.take(blocksOf(source));
  return database;
}

/** What two stores have of a state: nodes, their places, the flat view. */
async function expectSame(store: MemoryStore, source: MemoryStore): Promise<void> {
  for (const letter of ["n", "p", "k", "v"]) {
    const [have, wanted] = await Promise.all([store, source].map((each) => entriesOf(each, letter)));
    expect(have).toEqual(wanted);
  }
}

/** A copy of a store that fails after so many writes, as if the machine had. */
class KilledStore extends MemoryStore {
  readonly left: MemoryStore;
  #writes: number;

  constructor(from: MemoryStore, writes: number) {
    super();
    this.left = from.reopened();
    this.#writes = writes;
  }

  override get(key: Uint8Array) {
    return this.left.get(key);
  }

  override page(...asked: Parameters<MemoryStore["page"]>) {
    return this.left.page(...asked);
  }

  override async write(operations: Parameters<MemoryStore["write"]>[0]) {
    if (this.#writes-- <= 0) throw new Error("killed");
    await this.left.write(operations);
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
          const wanted = blocksOf(source);
          while ((database.taken ?? -1n) < BigInt(count)) {
            const from = Number((database.taken ?? -1n) + 1n);
            await database.take(wanted.slice(from, from + parts));
            store = store.reopened();
            database = await DacDatabase.openOn(store, RECENT);
          }
          for (;;) {
            const into = await database.syncState();
            if (await into.isWhole()) break;
            await sync(source, into, { limit, maxBytes, parts });
            // asked for, and never answered
            await into.next(limit);
            store = store.reopened();
            database = await DacDatabase.openOn(store, RECENT);
          }
          await expectSame(store, source.store);
          await database.adopt();
          expect(database.head).toEqual(source.database.head);
          expect([database.final, database.oldestState]).toEqual([BigInt(count), BigInt(count)]);
          expect([database.taken, database.blockByNumber(1n)?.hash]).toEqual([null, source.blocks[0]!.hash]);
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
    const into = await (await withBlocks(source, store)).syncState();
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
    const into = await (await withBlocks(source, store)).syncState();
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

  const codeOf = (action: Promise<unknown>) =>
    action.then(
      () => "no error",
      (error: unknown) => (error as StateError).code,
    );

  test("is not adopted before it is whole, nor mixed with another, nor with blocks that were made", async () => {
    const source = await sourceOf(6, 1);
    const store = new MemoryStore();
    const database = await DacDatabase.openOn(store, RECENT);
    const [first, second, third, ...others] = blocksOf(source);
    expect(await codeOf(database.syncState())).toBe("not-initialised");
    expect(await codeOf(database.take([second!]))).toBe("not-next");
    expect(await codeOf(database.take([first!, third!]))).toBe("not-next");
    await database.take([first!, second!]);
    expect(await codeOf(database.take([second!]))).toBe("not-next");
    await database.take([third!, ...others]);
    const into = await database.syncState();
    await sync(source, into, { limit: 2, maxBytes: 500, parts: 2 });
    expect(await codeOf(database.adopt())).toBe("not-whole");
    expect(await codeOf(database.take([{ ...second!, number: 7n }]))).toBe("other-sync");
    expect(await codeOf(database.initialise({ ...genesis, alloc: [] }))).toBe("other-sync");
    await sync(source, into, { limit: 20, maxBytes: 50_000 });
    expect(database.head).toBe(null);
    await database.adopt();
    expect(await codeOf(database.syncState())).toBe("other-sync");
    expect(await codeOf(database.take([{ ...second!, number: 7n }]))).toBe("other-sync");
    await database.initialise({ ...genesis, alloc: [] });
    const archive = await DacDatabase.openOn(new MemoryStore(), { ...RECENT, keeps: "all" });
    expect(await codeOf(archive.take([first!]))).toBe("other-sync");
  });

  test("that nobody has any more is let go of to the last entry, and a later one comes in its place, or the blocks are made", async () => {
    const source = await sourceOf(8, 2);
    for (const isMade of [false, true]) {
      const store = new MemoryStore();
      const blocks = blocksOf(source);
      const database = await DacDatabase.openOn(store, RECENT);
      await database.take(blocks.slice(0, 5));
      const early = await database.syncState();
      await early.take(await early.next(1), []);
      const partly = await sourceOf(4, 2);
      await sync(partly, early, { limit: 3, maxBytes: 400, parts: 3 });
      const before = store.reopened();
      await database.forgetState();
      for (let writes = 0; ; writes++) {
        const killed = new KilledStore(before, writes);
        const isWhole = await (await DacDatabase.openOn(killed, RECENT)).forgetState().then(
          () => true,
          () => false,
        );
        const after = await DacDatabase.openOn(killed.left, RECENT);
        expect(await (await after.syncState()).isWhole()).toBe(false);
        if (isWhole) break;
      }
      for (const letter of ["n", "p", "c", "k", "v", "q"]) expect(await entriesOf(store, letter)).toEqual([]);
      if (isMade) {
        await database.initialise({ ...genesis, alloc: [] });
        expect([database.taken, database.head?.number]).toEqual([null, 0n]);
        continue;
      }
      await database.take(blocks.slice(5));
      await sync(source, await database.syncState(), { limit: 9, maxBytes: 3_000 });
      await database.adopt();
      await expectSame(store, source.store);
    }
  });
});
