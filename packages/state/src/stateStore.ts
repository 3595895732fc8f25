/** State of one chain in a store: trie nodes, code, and the flat view of the head. */
import {
  type Account,
  type AccountWrite,
  type Address,
  EMPTY_CODE_HASH,
  EMPTY_TRIE_ROOT,
  type Hash,
  keccakHash,
  toHex,
} from "@mvm/protocol";
import { decodeAccountRecord, decodeSlotValue, storageRootIn, withoutStorage } from "./accountRecord.ts";
import { BoundedCache } from "./boundedCache.ts";
import { type KeyValueStore, keyAfter, type StoreOperation } from "./keyValueStore.ts";
import { countedNodes } from "./nodeLedger.ts";
import { byteKey, type NodeSource } from "./nodeSource.ts";
import { StateError } from "./stateError.ts";
import { type ChainValues, StateView } from "./stateView.ts";
import { accountKey, codeKey, nodeKey, slotKey, slotRange } from "./storeKeys.ts";
import { type Snapshot, WorldState } from "./worldState.ts";

/** Trie nodes of the head kept in memory between blocks: about 250 MB at most. */
export const DEFAULT_MAX_NODES_IN_MEMORY = 400_000;
const SLOT_PAGE_ENTRIES = 1_000;
/** Values of the head remembered above the store, for accounts and for slots (twice as many at most). */
const CACHED_VALUES = 65_536;

export type StateStoreOptions = {
  /** whether nodes are counted, so that those of old states can go */
  readonly isCounting?: boolean;
  /** bound on the trie nodes kept in memory between blocks */
  readonly maxNodesInMemory?: number;
};

/** Trie nodes of a store. */
export class StoredNodes implements NodeSource {
  readonly #store: KeyValueStore;

  constructor(store: KeyValueStore) {
    this.#store = store;
  }

  get(hash: Uint8Array): Uint8Array | undefined {
    return this.#store.get(nodeKey(hash));
  }
}

/** What a block does to the store: the operations, and those that take it back, the nodes aside; of these the journal, where they are counted. */
export type StateChange = {
  readonly operations: StoreOperation[];
  readonly undo: StoreOperation[];
  readonly journal: Uint8Array | null;
};

/** A block's writes applied in memory; nothing is stored before `change` is written and `settled` called. */
export type PreparedState = {
  readonly rootsAfterEach: readonly Hash[];
  /** state root after the block */
  readonly root: Hash;
  /** Root of an account's storage after the block; EMPTY_TRIE_ROOT where there is none. */
  storageRootOf(address: Address): Hash;
  /** Throws StateError "stale-prepare" when another block was prepared or settled since. */
  change(): Promise<StateChange>;
  settled(): void;
};

type Touched = Map<Address, { slots: Set<Hash>; cleared: boolean }>;

export class StateStore {
  readonly #store: KeyValueStore;
  readonly #nodes: StoredNodes;
  readonly #maxNodes: number;
  readonly #isCounting: boolean;
  #world: WorldState;
  #head: Snapshot;
  #pending: object | null = null;
  readonly #accounts = new BoundedCache<Account | null>(CACHED_VALUES);
  readonly #slots = new BoundedCache<bigint>(CACHED_VALUES);

  /** State over a store at a root that is in it; EMPTY_TRIE_ROOT for a new one. */
  constructor(store: KeyValueStore, root: Hash = EMPTY_TRIE_ROOT, options: StateStoreOptions = {}) {
    this.#store = store;
    this.#nodes = new StoredNodes(store);
    this.#maxNodes = options.maxNodesInMemory ?? DEFAULT_MAX_NODES_IN_MEMORY;
    this.#isCounting = options.isCounting ?? false;
    this.#world = new WorldState(this.#nodes, root);
    this.#head = this.#world.snapshot();
  }

  /** Trie nodes of all states that are in the store. */
  get nodes(): NodeSource {
    return this.#nodes;
  }

  /** Root of the last state that was settled. */
  root(): Hash {
    return this.#world.rootOf(this.#head);
  }

  /** Leaves the present head for another root whose nodes are in the store (after a rollback). */
  resetTo(root: Hash): void {
    this.#world = new WorldState(this.#nodes, root);
    this.#head = this.#world.snapshot();
    this.#pending = null;
    this.#accounts.clear();
    this.#slots.clear();
  }

  /** Applies a block's writes in memory, transaction by transaction. Throws StateError. */
  prepare(writesPerTransaction: readonly (readonly AccountWrite[])[]): PreparedState {
    const world = this.#world;
    const before = this.#head;
    world.restore(before);
    const rootsAfterEach = writesPerTransaction.map((writes) => world.applyWrites(writes));
    const after = world.snapshot();
    const ticket = {};
    this.#pending = ticket;
    const check = (): void => {
      if (this.#pending !== ticket) throw new StateError("stale-prepare");
    };
    return {
      rootsAfterEach,
      root: world.root(),
      storageRootOf: (address) => world.storageRootOf(address, after),
      change: async () => {
        check();
        const change = await this.#change(writesPerTransaction, before);
        check();
        return change;
      },
      settled: () => {
        check();
        this.#pending = null;
        world.markStored(this.#maxNodes);
        this.#head = world.snapshot();
        for (const writes of writesPerTransaction) for (const write of writes) this.#remember(write);
      },
    };
  }

  #remember(write: AccountWrite): void {
    this.#accounts.set(write.address, write.account);
    if (write.account === null) this.#slots.clear();
    for (const { slot, value } of write.slots) this.#slots.set(write.address + slot, value);
  }

  /** Applies and stores a block's writes in one batch; gives the root after each transaction. */
  async commitBlock(writesPerTransaction: readonly (readonly AccountWrite[])[]): Promise<readonly Hash[]> {
    const prepared = this.prepare(writesPerTransaction);
    const { operations } = await prepared.change();
    await this.#store.write(operations);
    prepared.settled();
    return prepared.rootsAfterEach;
  }

  async #change(writesPerTransaction: readonly (readonly AccountWrite[])[], before: Snapshot): Promise<StateChange> {
    const operations: StoreOperation[] = [];
    const undo: StoreOperation[] = [];
    const touched: Touched = new Map();
    for (const writes of writesPerTransaction) for (const write of writes) note(write, touched, operations);
    for (const [address, { slots, cleared }] of touched) {
      const key = accountKey(address);
      const old = this.#world.accountRecord(address, before);
      operations.push({ key, value: this.#world.accountRecord(address) });
      undo.push({ key, value: old });
      if (cleared && old !== null && toHex(storageRootIn(old)) !== EMPTY_TRIE_ROOT) {
        await this.#clearSlots(address, slots, { operations, undo });
      }
      for (const slot of slots) {
        const slotAt = slotKey(address, slot);
        operations.push({ key: slotAt, value: this.#world.slotRecord(address, slot) });
        undo.push({ key: slotAt, value: this.#world.slotRecord(address, slot, before) });
      }
    }
    // both what is to be stored and what the world takes for stored afterwards
    const unstored = this.#world.unstoredNodes();
    if (!this.#isCounting) {
      for (const { hash, encoded } of unstored) operations.push({ key: nodeKey(hash), value: encoded });
      return { operations, undo, journal: null };
    }
    const counted = countedNodes(this.#store, this.#world.changedSince(before));
    return { operations: [...operations, ...counted.operations], undo, journal: counted.journal };
  }

  /** Deletes the flat slots of an account that went in this block, but for those that it wrote itself. */
  async #clearSlots(
    address: Address,
    written: ReadonlySet<Hash>,
    change: Pick<StateChange, "operations" | "undo">,
  ): Promise<void> {
    const kept = new Set([...written].map((slot) => byteKey(slotKey(address, slot))));
    let range = slotRange(address);
    for (;;) {
      const page = await this.#store.page(range, SLOT_PAGE_ENTRIES);
      for (const [key, value] of page) {
        if (kept.has(byteKey(key))) continue;
        change.operations.push({ key, value: null });
        change.undo.push({ key, value });
      }
      if (page.length < SLOT_PAGE_ENTRIES) return;
      range = { from: keyAfter(page.at(-1)![0]), to: range.to };
    }
  }

  /** The account at the head, from the flat view. */
  account(address: Address): Account | null {
    let account = this.#accounts.get(address);
    if (account === undefined) {
      const record = this.#store.get(accountKey(address));
      account = record === undefined ? null : withoutStorage(decodeAccountRecord(record));
      this.#accounts.set(address, account);
    }
    return account;
  }

  /** The slot's value at the head, from the flat view; zero where there is none. */
  slot(address: Address, slot: Hash): bigint {
    let value = this.#slots.get(address + slot);
    if (value === undefined) {
      const record = this.#store.get(slotKey(address, slot));
      value = record === undefined ? 0n : decodeSlotValue(record);
      this.#slots.set(address + slot, value);
    }
    return value;
  }

  /** Code by its hash. Throws StateError "missing-code". */
  code(hash: Hash): Uint8Array {
    if (hash === EMPTY_CODE_HASH) return new Uint8Array(0);
    const code = this.#store.get(codeKey(hash));
    if (code === undefined) throw new StateError("missing-code", { hash });
    return code;
  }

  /** Root of an account's storage at any stored root. Throws StateError "missing-node" for an unknown root. */
  storageRootAt(root: Hash, address: Address): Hash {
    return new WorldState(this.#nodes, root).storageRootOf(address);
  }

  /** State at any stored root, by walks of the trie. Throws StateError "missing-node" for an unknown root. */
  stateAt(root: Hash, chain: ChainValues): StateView {
    return new StateView({ source: this.#nodes, root, chain, code: (hash) => this.code(hash) });
  }
}

function note(write: AccountWrite, touched: Touched, operations: StoreOperation[]): void {
  let entry = touched.get(write.address);
  if (entry === undefined) {
    entry = { slots: new Set(), cleared: false };
    touched.set(write.address, entry);
  }
  for (const { slot } of write.slots) entry.slots.add(slot);
  if (write.account === null) {
    entry.cleared = true;
    return;
  }
  if (write.code === null || write.code.length === 0) return;
  const hash = keccakHash(write.code);
  if (hash !== write.account.codeHash) throw new StateError("bad-block", { address: write.address, codeHash: hash });
  operations.push({ key: codeKey(hash), value: write.code });
}
