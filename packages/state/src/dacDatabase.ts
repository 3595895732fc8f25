/**
 * Everything that a node keeps of one DAC's chain, in one store: blocks, receipts, indexes and, in the mode "state",
 * the state. A block goes in as one batch: after a crash it is there as a whole or not at all. Old states are kept, or
 * pruned down to the last trie node that only they have, as the database was made.
 */
import type { Account, AccountWrite, Address, Hash, Log } from "@mvm/protocol";
import { EMPTY_TRIE_ROOT, toHex } from "@mvm/protocol";
import {
  type Head,
  readBlock,
  readHead,
  readPlace,
  readSetAside,
  type SetAsideBlock,
  type StoredBlock,
  type TransactionPlace,
  writeBlock,
  writeHead,
  writePlace,
  writeSetAside,
} from "./blockRecords.ts";
import { movePlaces } from "./flatMigration.ts";
import type { KeyValueStore, StoreOperation } from "./keyValueStore.ts";
import { LevelStore } from "./levelStore.ts";
import { findLogCandidates, type LogCandidate, type LogQuery, logOperations } from "./logIndex.ts";
import { withoutLeft, withoutMade } from "./nodeLedger.ts";
import type { NodeSource } from "./nodeSource.ts";
import { StateError } from "./stateError.ts";
import { type PreparedState, type StateChange, StateStore, type StateStoreOptions } from "./stateStore.ts";
import { type Place, partOf, StateSync } from "./stateSync.ts";
import type { ChainValues, StateView } from "./stateView.ts";
import {
  blockKey,
  journalKey,
  metaKey,
  numberBytes,
  numberKey,
  readNumber,
  receiptKey,
  receiptRange,
  STATE_RANGES,
  setAsideKey,
  setAsideRange,
  transactionKey,
  undoKey,
} from "./storeKeys.ts";
import { decodeUndo, encodeUndo } from "./undoRecord.ts";

/** Version of the layout. A newer one is refused; older ones are brought to it, and keep all states where they are older than 3. */
export const SCHEMA_VERSION = 4;
const OLDEST_SCHEMA_VERSION = 1;
/** Transactions of a block: an index of a transaction in the log index has 16 bits. */
const MAX_BLOCK_TRANSACTIONS = 65_536;

/** "state": blocks and state; "blocks": blocks, receipts and indexes only. Chosen once, when the database is made. */
export type DatabaseMode = "state" | "blocks";

/** Which states are kept: all of them, or those that prune leaves. Chosen when the database is made: one that was made otherwise stays as it is. */
export type KeptStates = "all" | "recent";

export type DacDatabaseOptions = Omit<StateStoreOptions, "isCounting"> & {
  readonly mode: DatabaseMode;
  /** "all" unless said */
  readonly keeps?: KeptStates;
};

/** A block with what its execution gave, list entries by transaction. */
export type BlockRecord = {
  readonly number: bigint;
  readonly hash: Hash;
  readonly encodedBlock: Uint8Array;
  readonly transactionHashes: readonly Hash[];
  /** by transaction: a second hash by which it is found, or null; left out where no transaction has one */
  readonly executedHashes?: readonly (Hash | null)[];
  readonly receipts: readonly Uint8Array[];
  readonly logs: readonly (readonly Log[])[];
};

/** A block with the root of its state, as others have it. */
export type AdoptedBlock = BlockRecord & { readonly stateRoot: Hash };

/** A block's writes applied in memory: check the roots, then commit, or let it go. */
export type PreparedBlock = {
  /** state root after each transaction; empty without state */
  readonly rootsAfterEach: readonly Hash[];
  /** state root after the block; null without state */
  readonly stateRoot: Hash | null;
  /** Root of an account's storage after the block, EMPTY_TRIE_ROOT where there is none; null without state. */
  storageRootOf(address: Address): Hash | null;
  /** Stores block and state in one batch. Throws StateError "not-next", "bad-block", "stale-prepare", "commit-in-progress". */
  commit(block: BlockRecord): Promise<void>;
};

/** Entries that are deleted at once. */
const PAGE = 1_024;
/** In place of the root of a state that is on its way: what has come of it is being let go of. */
const FORGETTING = new Uint8Array(0);

const text = new TextEncoder();

export class DacDatabase {
  readonly #store: KeyValueStore;
  readonly #mode: DatabaseMode;
  readonly #state: StateStore | null;
  readonly #keeps: KeptStates;
  #head: Head | null;
  #final: bigint;
  #oldest: bigint;
  #busy = false;

  private constructor(store: KeyValueStore, options: DacDatabaseOptions) {
    this.#store = store;
    this.#mode = options.mode;
    const head = store.get(metaKey("head"));
    this.#head = head === undefined ? null : readHead(head);
    const final = store.get(metaKey("final"));
    this.#final = final === undefined ? 0n : readNumber(final);
    const oldest = store.get(metaKey("oldest"));
    this.#oldest = oldest === undefined ? 0n : readNumber(oldest);
    this.#keeps = store.get(metaKey("keeps")) === undefined ? "all" : "recent";
    const root = this.#head?.stateRoot ?? EMPTY_TRIE_ROOT;
    const isCounting = this.#keeps === "recent";
    this.#state = options.mode === "state" ? new StateStore(store, root, { ...options, isCounting }) : null;
  }

  /** Opens or makes the database in a directory. Throws as openOn, and "store-failed" when it is in use. */
  static async open(path: string, options: DacDatabaseOptions): Promise<DacDatabase> {
    const store = await LevelStore.open(path);
    try {
      return await DacDatabase.openOn(store, options);
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  /** Opens or makes the database in a store. Throws StateError "schema-too-new", "not-a-database", "mode-mismatch". */
  static async openOn(store: KeyValueStore, options: DacDatabaseOptions): Promise<DacDatabase> {
    const mode = text.encode(options.mode);
    const schema = store.get(metaKey("schema"));
    if (schema === undefined) {
      const everything = { from: new Uint8Array(0), to: new Uint8Array(1).fill(255) };
      if ((await store.page(everything, 1)).length > 0) throw new StateError("not-a-database");
      await store.write([
        { key: metaKey("schema"), value: Uint8Array.of(SCHEMA_VERSION) },
        { key: metaKey("mode"), value: mode },
        ...(options.keeps === "recent" ? [{ key: metaKey("keeps"), value: text.encode(options.keeps) }] : []),
      ]);
      return new DacDatabase(store, options);
    }
    const found = schema[0]!;
    if (found > SCHEMA_VERSION) throw new StateError("schema-too-new", { found, supported: SCHEMA_VERSION });
    if (found < OLDEST_SCHEMA_VERSION) throw new StateError("not-a-database", { found });
    const madeAs = new TextDecoder().decode(store.get(metaKey("mode")));
    if (madeAs !== options.mode) throw new StateError("mode-mismatch", { found: madeAs, asked: options.mode });
    if (found < SCHEMA_VERSION) {
      await movePlaces(store);
      await store.write([{ key: metaKey("schema"), value: Uint8Array.of(SCHEMA_VERSION) }]);
    }
    return new DacDatabase(store, options);
  }

  get mode(): DatabaseMode {
    return this.#mode;
  }

  /** Which states are kept. */
  get keeps(): KeptStates {
    return this.#keeps;
  }

  /** Number of the oldest block whose state is there as a whole. */
  get oldestState(): bigint {
    return this.#oldest;
  }

  /** The newest block; null before initialise. */
  get head(): Head | null {
    return this.#head;
  }

  /** Number of the newest block that can no longer be rolled back. */
  get final(): bigint {
    return this.#final;
  }

  /**
   * Stores block 0 with the state it starts from; does nothing if that is there already. Gives the state root (null
   * without state). Throws StateError "genesis-mismatch" when the chain starts from another block, "other-sync" when a state has begun to come.
   */
  async initialise(genesis: {
    hash: Hash;
    encodedBlock: Uint8Array;
    alloc: readonly AccountWrite[];
  }): Promise<Hash | null> {
    const { hash, encodedBlock, alloc } = genesis;
    await this.#finishForgetting();
    const sync = this.#store.get(metaKey("sync"));
    if (sync !== undefined) throw new StateError("other-sync", { found: toHex(sync), asked: hash });
    if (this.#head !== null) {
      const stored = this.blockByNumber(0n)!;
      if (stored.hash !== hash) throw new StateError("genesis-mismatch", { found: stored.hash, asked: hash });
      return stored.stateRoot;
    }
    // what was taken is taken again, block by block
    if (this.taken !== null) await this.#store.write([{ key: metaKey("taken"), value: null }]);
    const prepared = this.#state?.prepare([alloc]) ?? null;
    const block = { number: 0n, hash, encodedBlock, transactionHashes: [], receipts: [], logs: [] };
    await this.#exclusively(() => this.#write(block, prepared));
    return prepared?.root ?? null;
  }

  /** Number of the last block that came from others without its state, before the chain begins at one of them; null where none did. */
  get taken(): bigint | null {
    const taken = this.#head === null ? this.#store.get(metaKey("taken")) : undefined;
    return taken === undefined ? null : readNumber(taken);
  }

  /** Whether the state of the last block that was taken has begun to come. */
  get isStateComing(): boolean {
    return (this.#store.get(metaKey("sync"))?.length ?? 0) > 0;
  }

  /**
   * Takes the next blocks as others have them, from the first on, with their roots and without their states: of a database that keeps the recent
   * states and has made no block. In one batch: after a crash it goes on with the next. Throws StateError "other-sync", "not-next", "no-state".
   */
  async take(blocks: readonly AdoptedBlock[]): Promise<void> {
    await this.#unmade();
    const sync = this.#store.get(metaKey("sync"));
    if (sync !== undefined) throw new StateError("other-sync", { found: toHex(sync) });
    const last = blocks.at(-1);
    if (last === undefined) return;
    const first = (this.taken ?? -1n) + 1n;
    for (const [i, { number }] of blocks.entries())
      if (number !== first + BigInt(i))
        throw new StateError("not-next", { expected: `${first + BigInt(i)}`, got: `${number}` });
    await this.#exclusively(() =>
      this.#store.write([
        ...blocks.flatMap((block) => indexOperations(block, block)),
        { key: metaKey("taken"), value: numberBytes(last.number) },
      ]),
    );
  }

  /**
   * Begins to have the state of the last block that was taken come from others, or goes on with it. Throws StateError "other-sync",
   * "no-state", "not-initialised" where no block was taken.
   */
  async syncState(): Promise<StateSync> {
    return StateSync.open(this.#store, (await this.#lastTaken()).stateRoot!);
  }

  /** Lets go of what has come of a state: nobody has the rest of it any more. After a crash in between, whatever is done next goes on with it first. */
  async forgetState(): Promise<void> {
    this.#requireUnmade();
    await this.#exclusively(async () => {
      // no root is so short: what is left is no state, though no place of it may be missing
      await this.#store.write([{ key: metaKey("sync"), value: FORGETTING }]);
      for (const range of STATE_RANGES)
        for (
          let page = await this.#store.page(range, PAGE);
          page.length > 0;
          page = await this.#store.page(range, PAGE)
        )
          await this.#store.write(page.map(([key]) => ({ key, value: null })));
      await this.#store.write([{ key: metaKey("sync"), value: null }]);
    });
  }

  /**
   * Begins the chain at the last block that was taken, whose state has come as a whole: it is final, and the blocks before it have no
   * states. Throws StateError "other-sync", "not-whole", "not-initialised", "no-state".
   */
  async adopt(): Promise<void> {
    const last = await this.#lastTaken();
    if (!(await (await this.syncState()).isWhole())) throw new StateError("not-whole");
    await this.#exclusively(async () => {
      const head: Head = { number: last.number, hash: last.hash, stateRoot: last.stateRoot };
      const number = numberBytes(last.number);
      await this.#store.write([
        { key: metaKey("head"), value: writeHead(head) },
        { key: metaKey("final"), value: number },
        { key: metaKey("oldest"), value: number },
        { key: metaKey("taken"), value: null },
        { key: metaKey("sync"), value: null },
      ]);
      this.#head = head;
      this.#final = last.number;
      this.#oldest = last.number;
      this.#state!.resetTo(last.stateRoot!);
    });
  }

  async #lastTaken(): Promise<StoredBlock> {
    await this.#unmade();
    const { taken } = this;
    if (taken === null) throw new StateError("not-initialised");
    return this.blockByNumber(taken)!;
  }

  async #unmade(): Promise<void> {
    this.#requireUnmade();
    await this.#finishForgetting();
  }

  async #finishForgetting(): Promise<void> {
    if (this.#store.get(metaKey("sync"))?.length === FORGETTING.length) await this.forgetState();
  }

  /** Throws StateError where blocks were made here, or all states are to be kept. */
  #requireUnmade(): void {
    this.#stateStore();
    if (this.#head !== null || this.#keeps === "all")
      throw new StateError("other-sync", { found: this.#head?.hash ?? "all states are to be kept" });
  }

  /** Nodes and codes for others that have a state come; see partOf. Throws StateError "no-state". */
  partOf(asked: readonly Pick<Place, "kind" | "hash">[], maxBytes: number): readonly Uint8Array[] {
    this.#stateStore();
    return partOf(this.#store, asked, maxBytes);
  }

  /**
   * Applies the writes of the next block in memory. In the mode "blocks" there are none: null. Throws StateError
   * "not-initialised", "commit-in-progress", "no-state", "bad-block".
   */
  prepare(writesPerTransaction: readonly (readonly AccountWrite[])[] | null): PreparedBlock {
    if (this.#busy) throw new StateError("commit-in-progress");
    const head = this.#initialised();
    if ((writesPerTransaction === null) !== (this.#state === null)) {
      throw new StateError(writesPerTransaction === null ? "bad-block" : "no-state");
    }
    const prepared = this.#state?.prepare(writesPerTransaction!) ?? null;
    return {
      rootsAfterEach: prepared?.rootsAfterEach ?? [],
      stateRoot: prepared?.root ?? null,
      storageRootOf: (address) => prepared?.storageRootOf(address) ?? null,
      commit: async (block) => {
        if (this.#head !== head) throw new StateError("stale-prepare");
        const count = block.transactionHashes.length;
        const lists = [
          block.receipts.length,
          block.logs.length,
          block.executedHashes?.length ?? count,
          writesPerTransaction?.length ?? count,
        ];
        if (lists.some((length) => length !== count) || count > MAX_BLOCK_TRANSACTIONS)
          throw new StateError("bad-block");
        if (block.number !== head.number + 1n) {
          throw new StateError("not-next", { expected: `${head.number + 1n}`, got: `${block.number}` });
        }
        await this.#exclusively(() => this.#write(block, prepared));
      },
    };
  }

  /** Prepares and commits in one step, for a block whose roots were checked before. Gives the root after each transaction. */
  async appendBlock(
    block: BlockRecord & { writesPerTransaction: readonly (readonly AccountWrite[])[] | null },
  ): Promise<readonly Hash[]> {
    const prepared = this.prepare(block.writesPerTransaction);
    await prepared.commit(block);
    return prepared.rootsAfterEach;
  }

  async #write(block: BlockRecord, prepared: PreparedState | null): Promise<void> {
    const change: StateChange = (await prepared?.change()) ?? {
      operations: [],
      undo: [],
      journal: null,
    };
    const head: Head = { number: block.number, hash: block.hash, stateRoot: prepared?.root ?? null };
    const index = indexOperations(block, head);
    const undo = [...change.undo, ...index.map(({ key }) => ({ key, value: null }))];
    await this.#store.write([
      ...change.operations,
      ...index,
      { key: metaKey("head"), value: writeHead(head) },
      { key: undoKey(block.number), value: encodeUndo(undo) },
      ...(change.journal === null ? [] : [{ key: journalKey(block.number), value: change.journal }]),
    ]);
    prepared?.settled();
    this.#head = head;
  }

  async #exclusively(action: () => Promise<void>): Promise<void> {
    if (this.#busy) throw new StateError("commit-in-progress");
    this.#busy = true;
    try {
      await action();
    } finally {
      this.#busy = false;
    }
  }

  #initialised(): Head {
    if (this.#head === null) throw new StateError("not-initialised");
    return this.#head;
  }

  #stateStore(): StateStore {
    if (this.#state === null) throw new StateError("no-state");
    return this.#state;
  }

  /**
   * Takes back every block above `number`, one batch each, newest first: a crash in between leaves a shorter chain, and
   * calling it again goes on. With a mark the blocks are set aside under it; else they are gone. Throws StateError
   * "cannot-roll-back" below the final block or above the head.
   */
  async rollbackTo(number: bigint, mark?: bigint): Promise<void> {
    const head = this.#initialised();
    if (number > head.number || number < this.#final) throw new StateError("cannot-roll-back", { number: `${number}` });
    await this.#exclusively(async () => {
      for (let top = head.number; top > number; top--) await this.#takeBack(top, mark);
    });
  }

  async #takeBack(number: bigint, mark: bigint | undefined): Promise<void> {
    const record = this.#store.get(undoKey(number));
    const below = this.blockByNumber(number - 1n);
    if (record === undefined || below === null) throw new StateError("cannot-roll-back", { number: `${number}` });
    const head: Head = { number: below.number, hash: below.hash, stateRoot: below.stateRoot };
    const { hash, encodedBlock } = this.blockByNumber(number)!;
    const kept =
      mark === undefined ? [] : [{ key: setAsideKey(number, hash), value: writeSetAside(mark, encodedBlock) }];
    const journal = this.#store.get(journalKey(number));
    await this.#store.write([
      ...decodeUndo(record),
      ...(journal === undefined ? [] : withoutMade(this.#store, journal)),
      { key: journalKey(number), value: null },
      ...kept,
      { key: metaKey("head"), value: writeHead(head) },
      { key: undoKey(number), value: null },
    ]);
    this.#head = head;
    if (head.stateRoot !== null) this.#state?.resetTo(head.stateRoot);
  }

  /** Blocks that were set aside, from a number on in the order of their numbers, at most `limit`. */
  async setAsideFrom(number: bigint, limit: number): Promise<readonly SetAsideBlock[]> {
    const page = await this.#store.page(setAsideRange(number), limit);
    return page.map(([key, value]) => readSetAside(key, value));
  }

  /** Lets go of blocks that were set aside. */
  async discardSetAside(blocks: readonly Pick<SetAsideBlock, "number" | "hash">[]): Promise<void> {
    await this.#store.write(blocks.map(({ number, hash }) => ({ key: setAsideKey(number, hash), value: null })));
  }

  /** Says that blocks up to `number` stay: their undo records go. Throws StateError "out-of-range" above the head. */
  async finalise(number: bigint): Promise<void> {
    if (number > this.#initialised().number) throw new StateError("out-of-range", { number: `${number}` });
    if (number <= this.#final) return;
    await this.#exclusively(async () => {
      const operations: StoreOperation[] = [{ key: metaKey("final"), value: numberBytes(number) }];
      for (let n = this.#final; n <= number; n++) operations.push({ key: undoKey(n), value: null });
      await this.#store.write(operations);
      this.#final = number;
    });
  }

  /**
   * Lets go of all states before that of a final block, one batch each: a crash in between leaves more of them, and calling it again
   * goes on. Nothing where the database keeps all. Throws StateError "out-of-range" above the final block.
   */
  async prune(number: bigint): Promise<void> {
    if (number > this.#final) throw new StateError("out-of-range", { number: `${number}` });
    if (this.#keeps === "all") return;
    for (let next = this.#oldest + 1n; next <= number; next++) {
      await this.#exclusively(async () => {
        const journal = this.#store.get(journalKey(next));
        await this.#store.write([
          ...(journal === undefined ? [] : withoutLeft(this.#store, journal)),
          { key: journalKey(next), value: null },
          { key: metaKey("oldest"), value: numberBytes(next) },
        ]);
        this.#oldest = next;
      });
    }
  }

  /** null: there is no such block. */
  blockByNumber(number: bigint): StoredBlock | null {
    if (number < 0n || number >= 1n << 64n) return null;
    const bytes = this.#store.get(blockKey(number));
    return bytes === undefined ? null : readBlock(number, bytes);
  }

  blockByHash(hash: Hash): StoredBlock | null {
    const number = this.#store.get(numberKey(hash));
    return number === undefined ? null : this.blockByNumber(readNumber(number));
  }

  hashOf(number: bigint): Hash | null {
    return this.blockByNumber(number)?.hash ?? null;
  }

  transactionPlace(hash: Hash): TransactionPlace | null {
    const bytes = this.#store.get(transactionKey(hash));
    return bytes === undefined ? null : readPlace(bytes);
  }

  /** The encoded receipt of a transaction; null if there is none. */
  receipt(place: TransactionPlace): Uint8Array | null {
    return this.#store.get(receiptKey(place.number, place.index)) ?? null;
  }

  /** All encoded receipts of a block, in order. */
  async receipts(number: bigint): Promise<Uint8Array[]> {
    const page = await this.#store.page(receiptRange(number), MAX_BLOCK_TRANSACTIONS);
    return page.map(([, receipt]) => receipt);
  }

  /** Transactions that may hold logs of a query; see findLogCandidates. */
  findLogs(query: LogQuery): Promise<LogCandidate[]> {
    return findLogCandidates(this.#store, query);
  }

  /** The account at the head, from the flat view. Throws StateError "no-state". */
  account(address: Address): Account | null {
    return this.#stateStore().account(address);
  }

  /** The slot's value at the head, from the flat view; zero where there is none. Throws StateError "no-state". */
  slot(address: Address, slot: Hash): bigint {
    return this.#stateStore().slot(address, slot);
  }

  /** Code by its hash. Throws StateError "missing-code", "no-state". */
  code(hash: Hash): Uint8Array {
    return this.#stateStore().code(hash);
  }

  /**
   * Root of an account's storage at any root that the chain had after a block, by one walk of the trie; EMPTY_TRIE_ROOT
   * where there is none. Throws StateError "missing-node", "no-state".
   */
  storageRootAt(stateRoot: Hash, address: Address): Hash {
    return this.#stateStore().storageRootAt(stateRoot, address);
  }

  /** Reads and proofs at any root the chain had after a block. Throws StateError "missing-node", "no-state". */
  stateAt(root: Hash, chain: ChainValues): StateView {
    return this.#stateStore().stateAt(root, chain);
  }

  /** Trie nodes of all states that the chain had after a block. Throws StateError "no-state". */
  get nodes(): NodeSource {
    return this.#stateStore().nodes;
  }

  /** The chain's record (its registration), opaque here; null if none was kept. */
  chainRecord(): Uint8Array | null {
    return this.#store.get(metaKey("chain")) ?? null;
  }

  async keepChainRecord(record: Uint8Array): Promise<void> {
    await this.#store.write([{ key: metaKey("chain"), value: record }]);
  }

  /** Closes the store under it. Throws StateError "commit-in-progress" while a block is being written. */
  async close(): Promise<void> {
    if (this.#busy) throw new StateError("commit-in-progress");
    await this.#store.close();
  }
}

/** Block, numbers, transactions, receipts and logs: keys that only this block has. */
function indexOperations(block: BlockRecord, head: Head): StoreOperation[] {
  const { number, hash, encodedBlock } = block;
  const operations: StoreOperation[] = [
    { key: blockKey(number), value: writeBlock({ number, hash, encodedBlock, stateRoot: head.stateRoot }) },
    { key: numberKey(hash), value: numberBytes(number) },
    ...logOperations(number, block.logs),
  ];
  for (const [index, transaction] of block.transactionHashes.entries()) {
    operations.push({ key: transactionKey(transaction), value: writePlace({ number, index }) });
    operations.push({ key: receiptKey(number, index), value: block.receipts[index]! });
    const executed = block.executedHashes?.[index] ?? null;
    if (executed !== null) operations.push({ key: transactionKey(executed), value: writePlace({ number, index }) });
  }
  return operations;
}
