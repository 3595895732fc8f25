import {
  type AccountWrite,
  EMPTY_CODE_HASH,
  EMPTY_TRIE_ROOT,
  fromHex,
  type Hash,
  keccakHash,
  toHex,
} from "@mvm/protocol";
import { describe, expect, test } from "vitest";
import { SCHEMA_VERSION } from "../src/dacDatabase.ts";
import { DacDatabase, type KeyValueStore, MemoryStore, NodeMap, StateError, WorldState } from "../src/index.ts";
import { accountKey, metaKey, OLD_FLAT_RANGES, slotKey, UNDO_RANGE } from "../src/storeKeys.ts";
import { decodeUndo, encodeUndo } from "../src/undoRecord.ts";
import { madeBlock, nameHash, noChain } from "./blocks.ts";
import { storeKinds } from "./openStores.ts";
import { addressOf, slotOf } from "./writes.ts";

const genesis = {
  hash: nameHash("genesis"),
  encodedBlock: Uint8Array.of(1),
  alloc: madeBlock(0).writesPerTransaction.flat(),
};

async function codeOf(action: () => unknown): Promise<string> {
  try {
    await action();
    return "no error";
  } catch (error) {
    expect(error).toBeInstanceOf(StateError);
    return (error as StateError).code;
  }
}

async function opened(store: KeyValueStore): Promise<DacDatabase> {
  const database = await DacDatabase.openOn(store, { mode: "state", maxNodesInMemory: 30 });
  await database.initialise(genesis);
  return database;
}

/** All entries of a store but trie nodes and code, which no rollback takes away. */
async function contents(store: KeyValueStore): Promise<string[]> {
  const page = await store.page({ from: Uint8Array.of(0), to: Uint8Array.of(255) }, 100_000);
  const kept = page.filter(([key]) => key[0] !== "n".charCodeAt(0) && key[0] !== "c".charCodeAt(0));
  return kept.map(([key, value]) => `${Buffer.from(key).toString("hex")}=${Buffer.from(value).toString("hex")}`);
}

/** Has a store look as version 3 of the layout had it: its flat view by addresses and slots, also in what undoes blocks. */
async function toVersion3(store: KeyValueStore): Promise<void> {
  const addresses = Array.from({ length: 20 }, (_, n) => addressOf(n));
  const slots = Array.from({ length: 6 }, (_, n) => slotOf(n));
  const olds = new Map(
    addresses.flatMap((address) => [
      [toHex(accountKey(address)), fromHex(`0x61${address.slice(2)}`)] as const,
      ...slots.map(
        (slot) => [toHex(slotKey(address, slot)), fromHex(`0x73${address.slice(2)}${slot.slice(2)}`)] as const,
      ),
    ]),
  );
  const oldOf = (key: Uint8Array): Uint8Array => olds.get(toHex(key)) ?? key;
  const entries = await store.page({ from: Uint8Array.of(0), to: Uint8Array.of(255) }, 100_000);
  for (const [key, value] of entries) {
    if (olds.has(toHex(key)))
      await store.write([
        { key, value: null },
        { key: oldOf(key), value },
      ]);
    if (key[0] !== UNDO_RANGE.from[0]) continue;
    const undo = decodeUndo(value).map((operation) => ({ ...operation, key: oldOf(operation.key) }));
    await store.write([{ key, value: encodeUndo(undo) }]);
  }
  await store.write([{ key: metaKey("schema"), value: Uint8Array.of(3) }]);
}

/** Flat view, trie at the head and an independent replay agree on every account and slot. */
function expectStateOf(database: DacDatabase, replayed: WorldState): void {
  expect(database.head!.stateRoot).toBe(replayed.root());
  const view = database.stateAt(replayed.root(), noChain);
  for (let n = 0; n < 20; n++) {
    const record = replayed.account(addressOf(n));
    const account =
      record === null ? null : { nonce: record.nonce, balance: record.balance, codeHash: record.codeHash };
    expect(database.account(addressOf(n))).toEqual(account);
    expect(view.account(addressOf(n))).toEqual(account);
    if (record !== null) expect(keccakHash(database.code(record.codeHash))).toBe(record.codeHash);
    for (let s = 0; s < 6; s++) {
      const value = replayed.slot(addressOf(n), slotOf(s));
      expect(database.slot(addressOf(n), slotOf(s))).toBe(value);
      expect(view.slot(addressOf(n), slotOf(s))).toBe(value);
    }
  }
}

function replay(blocks: readonly { writesPerTransaction: AccountWrite[][] }[]): WorldState {
  const state = new WorldState(new NodeMap(), EMPTY_TRIE_ROOT);
  state.applyWrites(genesis.alloc);
  for (const { writesPerTransaction } of blocks) for (const writes of writesPerTransaction) state.applyWrites(writes);
  return state;
}

describe.each(storeKinds)("database of a DAC $name", ({ make }) => {
  test("gives back every block, receipt, place and value that went in, also after a restart", async () => {
    const { store, reopen, dispose } = await make();
    const database = await opened(store);
    const blocks = Array.from({ length: 24 }, (_, i) => madeBlock(i + 1));
    const roots = new Map<number, Hash>();
    for (const block of blocks) {
      const state = new WorldState(new NodeMap(), EMPTY_TRIE_ROOT);
      state.applyWrites(genesis.alloc);
      for (const earlier of blocks.slice(0, Number(block.number) - 1)) {
        for (const writes of earlier.writesPerTransaction) state.applyWrites(writes);
      }
      const expected = block.writesPerTransaction.map((writes) => state.applyWrites(writes));
      expect(await database.appendBlock(block)).toEqual(expected);
      roots.set(Number(block.number), expected.at(-1)!);
    }
    const again = await DacDatabase.openOn(await reopen(), { mode: "state", maxNodesInMemory: 30 });
    expectStateOf(again, replay(blocks));
    for (const block of blocks) {
      const { number, hash, encodedBlock } = block;
      const stored = { number, hash, encodedBlock, stateRoot: roots.get(Number(number))! };
      expect(again.blockByNumber(number)).toEqual(stored);
      expect(again.blockByHash(hash)).toEqual(stored);
      expect(await again.receipts(number)).toEqual(block.receipts);
      for (const [index, transaction] of block.transactionHashes.entries()) {
        expect(again.transactionPlace(transaction)).toEqual({ number, index });
        const executed = block.executedHashes![index]!;
        if (executed !== null) expect(again.transactionPlace(executed)).toEqual({ number, index });
        expect(again.receipt({ number, index })).toEqual(block.receipts[index]);
      }
      const early = again.stateAt(stored.stateRoot, noChain);
      expect(early.account(addressOf(3))).toEqual(accountOf(replay(blocks.slice(0, Number(number))), 3));
    }
    expect(again.blockByNumber(99n)).toBeNull();
    expect(again.blockByHash(nameHash("none"))).toBeNull();
    expect(again.transactionPlace(nameHash("none"))).toBeNull();
    await dispose();
  });

  test("gives the storage root of an account before a block is kept, and at every root the chain had", async () => {
    const { store, dispose } = await make();
    const database = await opened(store);
    const addresses = Array.from({ length: 21 }, (_, n) => addressOf(n));
    const expected = new Map<Hash, Hash[]>();
    const blocks = Array.from({ length: 12 }, (_, i) => madeBlock(i + 1));
    for (const [i, block] of blocks.entries()) {
      const replayed = replay(blocks.slice(0, i + 1));
      const roots = addresses.map((address) => replayed.storageRootOf(address));
      const prepared = database.prepare(block.writesPerTransaction);
      expect(addresses.map((address) => prepared.storageRootOf(address))).toEqual(roots);
      await prepared.commit(block);
      expect(addresses.map((address) => prepared.storageRootOf(address))).toEqual(roots);
      expected.set(prepared.stateRoot!, roots);
    }
    expect(new Set([...expected.values()].flat()).size).toBeGreaterThan(10);
    for (const [stateRoot, roots] of expected)
      expect(addresses.map((address) => database.storageRootAt(stateRoot, address))).toEqual(roots);
    expect(await codeOf(() => database.storageRootAt(nameHash("none"), addressOf(1)))).toBe("missing-node");
    await dispose();
  });

  test("a rollback leaves the store exactly as it was at that block, and other blocks can follow", async () => {
    const { store, dispose } = await make();
    const database = await opened(store);
    const snapshots: string[][] = [await contents(store)];
    const blocks = Array.from({ length: 16 }, (_, i) => madeBlock(i + 1));
    for (const block of blocks) {
      await database.appendBlock(block);
      snapshots.push(await contents(store));
    }
    for (const target of [15, 9, 4]) {
      await database.rollbackTo(BigInt(target));
      expect(await contents(store)).toEqual(snapshots[target]);
      expectStateOf(database, replay(blocks.slice(0, target)));
    }
    const others = [5, 6, 7].map((number) => madeBlock(number, 1));
    for (const block of others) await database.appendBlock(block);
    expectStateOf(database, replay([...blocks.slice(0, 4), ...others]));
    expect(database.blockByHash(blocks[4]!.hash)).toBeNull();
    expect(database.transactionPlace(blocks[4]!.transactionHashes[0]!)).toBeNull();
    expect(database.transactionPlace(blocks[4]!.executedHashes![1]!)).toBeNull();
    await dispose();
  });

  test("a rollback with a mark sets the blocks aside, whole, until they are discarded; else the store is as it was", async () => {
    const { store, reopen, dispose } = await make();
    const database = await opened(store);
    const blocks = [1, 2, 3, 4].map((number) => madeBlock(number));
    await database.appendBlock(blocks[0]!);
    const before = await contents(store);
    for (const block of blocks.slice(1)) await database.appendBlock(block);
    await database.rollbackTo(1n, 77n);
    await database.appendBlock(madeBlock(2, 1));
    await database.rollbackTo(1n, 78n);
    const reopened = await reopen();
    const again = await DacDatabase.openOn(reopened, { mode: "state" });
    const aside = await again.setAsideFrom(0n, 10);
    const expected = [madeBlock(2, 1), ...blocks.slice(1)].map(({ number, hash, encodedBlock }, i) => {
      return { number, hash, encodedBlock, mark: i === 0 ? 78n : 77n };
    });
    const inOrder = (list: typeof expected) =>
      list.toSorted((a, b) => Number(a.number - b.number) || (a.hash < b.hash ? -1 : 1));
    expect(aside).toEqual(inOrder(expected));
    expect((await again.setAsideFrom(3n, 1)).map(({ number }) => number)).toEqual([3n]);
    expect(again.head!.number).toBe(1n);
    await again.discardSetAside(aside);
    expect(await again.setAsideFrom(0n, 10)).toEqual([]);
    expect(await contents(reopened)).toEqual(before);
    await dispose();
  });

  test("what is final cannot be rolled back, before and after a restart", async () => {
    const { store, reopen, dispose } = await make();
    const database = await opened(store);
    for (let i = 1; i <= 6; i++) await database.appendBlock(madeBlock(i));
    await database.finalise(4n);
    expect(await codeOf(() => database.rollbackTo(3n))).toBe("cannot-roll-back");
    expect(database.head!.number).toBe(6n);
    expect(await codeOf(() => database.rollbackTo(7n))).toBe("cannot-roll-back");
    expect(await codeOf(() => database.finalise(7n))).toBe("out-of-range");
    const again = await DacDatabase.openOn(await reopen(), { mode: "state" });
    expect(again.final).toBe(4n);
    expect(await codeOf(() => again.rollbackTo(3n))).toBe("cannot-roll-back");
    await again.rollbackTo(4n);
    expect(again.head!.number).toBe(4n);
    await dispose();
  });

  test("an account that goes takes its slots from the flat view, and a rollback brings them back", async () => {
    const { store, dispose } = await make();
    const database = await opened(store);
    const account = { nonce: 1n, balance: 2n, codeHash: EMPTY_CODE_HASH };
    const slots = Array.from({ length: 2_500 }, (_, s) => ({ slot: slotOf(s), value: BigInt(s + 1) }));
    const full = { address: addressOf(77), account, code: null, slots };
    const block = (number: number, writes: AccountWrite[][]) => ({
      ...madeBlock(number, 2, writes.length),
      writesPerTransaction: writes,
    });
    await database.appendBlock(block(1, [[full]]));
    const before = await contents(store);
    const gone = { ...full, account: null, slots: [] };
    const reborn = { ...full, slots: [{ slot: slotOf(7), value: 5n }] };
    await database.appendBlock(block(2, [[gone], [reborn]]));
    expect(database.slot(addressOf(77), slotOf(7))).toBe(5n);
    expect(database.slot(addressOf(77), slotOf(8))).toBe(0n);
    expect(database.slot(addressOf(77), slotOf(2_400))).toBe(0n);
    expect((await contents(store)).filter((entry) => entry.startsWith("76")).length).toBe(
      before.filter((entry) => entry.startsWith("76")).length - 2_499,
    );
    await database.rollbackTo(1n);
    expect(await contents(store)).toEqual(before);
    expect(database.slot(addressOf(77), slotOf(2_400))).toBe(2_401n);
    await dispose();
  });

  test("logs are found by address and topics within bounds, as a search of all logs finds them", async () => {
    const { store, dispose } = await make();
    const database = await opened(store);
    const blocks = Array.from({ length: 40 }, (_, i) => madeBlock(i + 1));
    for (const block of blocks) await database.appendBlock(block);
    const queries = [
      { addresses: null, topics: [] },
      { addresses: [addressOf(1)], topics: [] },
      { addresses: [addressOf(1), addressOf(3)], topics: [[nameHash("Transfer")]] },
      { addresses: null, topics: [null, [nameHash("from 1"), nameHash("from 2")]] },
      { addresses: [addressOf(2)], topics: [null, null, [nameHash("to 3")]] },
      { addresses: [addressOf(9)], topics: [] },
    ];
    for (const query of queries) {
      for (const [fromBlock, toBlock] of [
        [0n, 40n],
        [7n, 7n],
        [10n, 31n],
        [31n, 10n],
        [90n, 99n],
      ] as const) {
        const found = await database.findLogs({ ...query, fromBlock, toBlock });
        const expected = blocks
          .filter(({ number }) => number >= fromBlock && number <= toBlock)
          .flatMap(({ number, logs }) => logs.map((list, transactionIndex) => ({ number, transactionIndex, list })))
          .filter(({ list }) => list.length > 0)
          .filter(({ list }) => query.addresses === null || list.some((log) => query.addresses.includes(log.address)))
          .filter(({ list }) =>
            query.topics.every((topics, at) => topics === null || list.some((log) => topics.includes(log.topics[at]!))),
          )
          .map(({ number, transactionIndex }) => ({ number, transactionIndex }));
        expect(found).toEqual(expected);
      }
    }
    const many = Array.from({ length: 1_001 }, (_, n) => addressOf(n));
    expect(await codeOf(() => database.findLogs({ fromBlock: 0n, toBlock: 1n, addresses: many, topics: [] }))).toBe(
      "too-many",
    );
    await dispose();
  });

  test("genesis is stored once, and another one is refused", async () => {
    const { store, dispose } = await make();
    const database = await DacDatabase.openOn(store, { mode: "state" });
    expect(await codeOf(() => database.prepare([]))).toBe("not-initialised");
    const root = await database.initialise(genesis);
    expect(root).toBe(replay([]).root());
    await database.appendBlock(madeBlock(1));
    expect(await database.initialise(genesis)).toBe(root);
    expect(database.head!.number).toBe(1n);
    expect(await codeOf(() => database.initialise({ ...genesis, hash: nameHash("other") }))).toBe("genesis-mismatch");
    await dispose();
  });

  test("keeps blocks, receipts and logs without state where it is made so, and takes them back", async () => {
    const { store, dispose } = await make();
    const database = await DacDatabase.openOn(store, { mode: "blocks" });
    expect(await database.initialise({ ...genesis, alloc: [] })).toBeNull();
    const before = await contents(store);
    await database.appendBlock({ ...madeBlock(1), writesPerTransaction: null });
    expect(database.blockByNumber(1n)?.stateRoot).toBeNull();
    expect(await database.receipts(1n)).toEqual(madeBlock(1).receipts);
    expect(await codeOf(() => database.account(addressOf(1)))).toBe("no-state");
    expect(await codeOf(() => database.storageRootAt(EMPTY_TRIE_ROOT, addressOf(1)))).toBe("no-state");
    expect(database.prepare(null).storageRootOf(addressOf(1))).toBeNull();
    expect(await codeOf(() => database.prepare([]))).toBe("no-state");
    await database.rollbackTo(0n);
    expect(await contents(store)).toEqual(before);
    expect(await codeOf(() => DacDatabase.openOn(store, { mode: "state" }))).toBe("mode-mismatch");
    await dispose();
  });

  test("keeps the chain's record", async () => {
    const { store, reopen, dispose } = await make();
    const database = await opened(store);
    expect(database.chainRecord()).toBeNull();
    await database.keepChainRecord(Uint8Array.of(1, 2, 3));
    expect((await DacDatabase.openOn(await reopen(), { mode: "state" })).chainRecord()).toEqual(Uint8Array.of(1, 2, 3));
    await dispose();
  });
});

const accountOf = (state: WorldState, n: number) => {
  const record = state.account(addressOf(n));
  return record === null ? null : { nonce: record.nonce, balance: record.balance, codeHash: record.codeHash };
};

describe("database of a DAC", () => {
  test("a prepared block that is let go, or comes too late, changes nothing", async () => {
    const store = new MemoryStore();
    const database = await opened(store);
    const before = await contents(store);
    const let_go = database.prepare(madeBlock(1, 1).writesPerTransaction);
    expect(database.account(addressOf(8))).toEqual(accountOf(replay([]), 8));
    const block = madeBlock(1);
    const prepared = database.prepare(block.writesPerTransaction);
    expect(await codeOf(() => let_go.commit(madeBlock(1, 1)))).toBe("stale-prepare");
    expect(await codeOf(() => prepared.commit({ ...block, number: 2n }))).toBe("not-next");
    expect(await codeOf(() => prepared.commit({ ...block, receipts: [] }))).toBe("bad-block");
    expect(await contents(store)).toEqual(before);
    await prepared.commit(block);
    expect(await codeOf(() => prepared.commit(block))).toBe("stale-prepare");
    expectStateOf(database, replay([block]));
  });

  test("code that does not have the hash its account names is refused, and the block with it", async () => {
    const store = new MemoryStore();
    const database = await opened(store);
    const before = await contents(store);
    const account = { nonce: 1n, balance: 0n, codeHash: nameHash("other") };
    const writes = [[{ address: addressOf(1), account, code: Uint8Array.of(1), slots: [] }]];
    expect(await codeOf(() => database.appendBlock({ ...madeBlock(1, 0, 1), writesPerTransaction: writes }))).toBe(
      "bad-block",
    );
    expect(await contents(store)).toEqual(before);
    await database.appendBlock(madeBlock(1));
    expectStateOf(database, replay([madeBlock(1)]));
  });

  test("a database of the first version goes on as it is, under the present one", async () => {
    const store = new MemoryStore();
    const before = await opened(store);
    await before.appendBlock(madeBlock(1));
    await store.write([{ key: metaKey("schema"), value: Uint8Array.of(1) }]);
    const database = await opened(store);
    expectStateOf(database, replay([madeBlock(1)]));
    expect(store.get(metaKey("schema"))).toEqual(Uint8Array.of(SCHEMA_VERSION));
  });

  test.each([0, 1, 2, 5])(
    "a flat view by addresses is brought to the present layout, also after a kill at write %i, and blocks of before can be undone",
    async (writes) => {
      const store = new MemoryStore();
      const before = await opened(store);
      const blocks = [1, 2, 3, 4, 5, 6].map((number) => madeBlock(number));
      for (const block of blocks) await before.appendBlock(block);
      await toVersion3(store);
      let left = writes;
      const dying: KeyValueStore = {
        get: (key) => store.get(key),
        page: (range, limit) => store.page(range, limit),
        close: () => store.close(),
        write: (operations) => (left-- > 0 ? store.write(operations) : Promise.reject(new StateError("closed"))),
      };
      expect(await codeOf(() => DacDatabase.openOn(dying, { mode: "state" }))).toBe("closed");
      const database = await opened(store);
      expectStateOf(database, replay(blocks));
      await database.rollbackTo(2n);
      expectStateOf(database, replay(blocks.slice(0, 2)));
      for (const range of OLD_FLAT_RANGES) expect(await store.page(range, 1)).toEqual([]);
    },
  );

  test("a newer layout is refused with its version, and so is a store of something else", async () => {
    const newer = new MemoryStore();
    await newer.write([{ key: metaKey("schema"), value: Uint8Array.of(SCHEMA_VERSION + 1) }]);
    const error = await DacDatabase.openOn(newer, { mode: "state" }).catch((caught: unknown) => caught as StateError);
    expect((error as StateError).code).toBe("schema-too-new");
    expect((error as StateError).data).toEqual({ found: SCHEMA_VERSION + 1, supported: SCHEMA_VERSION });
    const foreign = new MemoryStore();
    await foreign.write([{ key: Uint8Array.of(1), value: Uint8Array.of(2) }]);
    expect(await codeOf(() => DacDatabase.openOn(foreign, { mode: "state" }))).toBe("not-a-database");
  });

  test("a store that lost its trie nodes gives errors that name them, never an absent account", async () => {
    const store = new MemoryStore();
    const database = await opened(store);
    for (let i = 1; i <= 8; i++) await database.appendBlock(madeBlock(i));
    const root = database.head!.stateRoot!;
    const nodes = await store.page({ from: Uint8Array.of(110), to: Uint8Array.of(111) }, 1_000);
    const others = nodes.filter(([key]) => toHex(key.subarray(1)) !== root);
    await store.write(others.map(([key]) => ({ key, value: null })));
    const view = database.stateAt(root, noChain);
    const present = Array.from({ length: 20 }, (_, n) => n).filter((n) => database.account(addressOf(n)) !== null);
    expect(present.length).toBeGreaterThan(3);
    for (const n of present) expect(await codeOf(() => view.account(addressOf(n)))).toBe("missing-node");
    expect(await codeOf(() => database.stateAt(nameHash("no root"), noChain))).toBe("missing-node");
  });
});
