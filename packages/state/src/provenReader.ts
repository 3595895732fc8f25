import {
  type Account,
  type Address,
  EMPTY_CODE_HASH,
  type Hash,
  LIMITS,
  type MaybePromise,
  type StateEntry,
  type StateKey,
  type StateReader,
} from "@mvm/protocol";
import { BoundedCache } from "./boundedCache.ts";
import { hashedKey } from "./hashedKeys.ts";
import { byteKey, NodeMap } from "./nodeSource.ts";
import { MAX_PROOF_NODES, type Proof, verifyReads, verifyWitness } from "./sparseState.ts";
import { StateError } from "./stateError.ts";
import type { ChainValues } from "./stateView.ts";

/** Keys of one fetch of values, and codes among them: the answer fits a message. */
export const MAX_BATCH_KEYS = 256;
export const MAX_BATCH_CODES = 64;
/** Reads under way or waiting for the batch of this turn; more are refused. */
export const MAX_PENDING_READS = 4_096;
/** Verified values remembered (twice as many at most). */
const CACHED_VALUES = 32_768;

/**
 * Gets values with their proof under a root from whoever keeps the state; `forWrites`: also the siblings that deletions
 * of these keys may need. What it answers is not trusted.
 */
export type FetchProof = (
  request: { readonly root: Hash; readonly keys: readonly StateKey[]; readonly forWrites: boolean },
  signal: AbortSignal,
) => Promise<Proof>;

export type ProvenReaderOptions = {
  readonly root: Hash;
  readonly fetch: FetchProof;
  readonly chain: ChainValues;
  /** ends every fetch under way and refuses further ones */
  readonly signal: AbortSignal;
};

type ProvenKey = Extract<StateKey, { kind: "account" | "slot" | "code" }>;
type Waiting = { readonly key: ProvenKey; resolve(entry: StateEntry): void; reject(error: unknown): void };

function nameOf(key: ProvenKey): string {
  if (key.kind === "account") return key.address;
  return key.kind === "slot" ? key.address + key.slot : `code${key.hash}`;
}

/**
 * Reads at one root from someone who is not trusted: reads of one turn are fetched together, each value is checked
 * against the root before it is given out, and the nodes are kept for computing the next root with. Rejects with
 * StateError "fetch-failed" (the port's error is its cause), the errors of verifyReads, or "too-many".
 */
export class ProvenReader implements StateReader {
  readonly #options: ProvenReaderOptions;
  readonly #values = new BoundedCache<StateEntry>(CACHED_VALUES);
  readonly #underWay = new Map<string, Promise<StateEntry>>();
  readonly #nodes = new NodeMap();
  #batch: Waiting[] = [];
  #batchCodes = 0;

  constructor(options: ProvenReaderOptions) {
    this.#options = options;
  }

  get root(): Hash {
    return this.#options.root;
  }

  account(address: Address): MaybePromise<Account | null> {
    return this.#value({ kind: "account", address }, (entry) => (entry as { value: Account | null }).value);
  }

  slot(address: Address, slot: Hash): MaybePromise<bigint> {
    return this.#value({ kind: "slot", address, slot }, (entry) => (entry as { value: bigint }).value);
  }

  code(hash: Hash): MaybePromise<Uint8Array> {
    if (hash === EMPTY_CODE_HASH) return new Uint8Array(0);
    return this.#value({ kind: "code", hash }, (entry) => (entry as { value: Uint8Array }).value);
  }

  number(): MaybePromise<bigint> {
    return this.#options.chain.number();
  }

  chainId(): MaybePromise<bigint> {
    return this.#options.chain.chainId();
  }

  blockHash(number: bigint): MaybePromise<Hash> {
    return this.#options.chain.blockHash(number);
  }

  /** Every node proven so far, once each: what SparseState.fromProof takes. */
  collectedNodes(): Uint8Array[] {
    return [...this.#nodes.values()];
  }

  /**
   * Fetches and checks what writing or deleting these keys needs besides, and collects it. Keys of other kinds than
   * account and slot are refused with StateError "not-state". More keys than LIMITS.proofKeys go in several fetches, in
   * the order of the trie: then a branch that loses all but one child through keys of different fetches lacks that
   * child, which applyWrites reports as "missing-node".
   */
  async fetchWitness(keys: readonly StateKey[]): Promise<void> {
    const placed = keys.map((key) => {
      if (key.kind !== "account" && key.kind !== "slot") throw new StateError("not-state", { kind: key.kind });
      const path = [hashedKey(key.address), key.kind === "slot" ? hashedKey(key.slot) : new Uint8Array(0)];
      return { key, path: path.map(byteKey).join("") };
    });
    placed.sort((left, right) => (left.path < right.path ? -1 : 1));
    for (let from = 0; from < placed.length; from += LIMITS.proofKeys) {
      const part = placed.slice(from, from + LIMITS.proofKeys).map(({ key }) => key);
      const { nodes } = await this.#fetch(part, true);
      verifyWitness(this.root, part, nodes);
      this.#collect(nodes);
    }
  }

  #value<T>(key: ProvenKey, take: (entry: StateEntry) => T): MaybePromise<T> {
    const name = nameOf(key);
    const known = this.#values.get(name);
    if (known !== undefined) return take(known);
    let coming = this.#underWay.get(name);
    if (coming === undefined) {
      coming = this.#ask(key).finally(() => this.#underWay.delete(name));
      this.#underWay.set(name, coming);
    }
    return coming.then(take);
  }

  #ask(key: ProvenKey): Promise<StateEntry> {
    if (this.#underWay.size >= MAX_PENDING_READS) {
      return Promise.reject(new StateError("too-many", { bound: MAX_PENDING_READS }));
    }
    const { promise, resolve, reject } = Promise.withResolvers<StateEntry>();
    if (this.#batch.length === 0) queueMicrotask(() => this.#sendBatch());
    this.#batch.push({ key, resolve, reject });
    if (key.kind === "code") this.#batchCodes++;
    if (this.#batch.length === MAX_BATCH_KEYS || this.#batchCodes === MAX_BATCH_CODES) this.#sendBatch();
    return promise;
  }

  #sendBatch(): void {
    const batch = this.#batch;
    if (batch.length === 0) return;
    this.#batch = [];
    this.#batchCodes = 0;
    this.#settle(batch).catch((error: unknown) => {
      for (const { reject } of batch) reject(error);
    });
  }

  async #settle(batch: readonly Waiting[]): Promise<void> {
    const keys = batch.map(({ key }) => key);
    const proof = await this.#fetch(keys, false);
    const entries = verifyReads(this.root, keys, proof);
    this.#collect(proof.nodes);
    for (const [i, { key, resolve }] of batch.entries()) {
      this.#values.set(nameOf(key), entries[i]!);
      resolve(entries[i]!);
    }
  }

  async #fetch(keys: readonly StateKey[], forWrites: boolean): Promise<Proof> {
    const { fetch, root, signal } = this.#options;
    try {
      signal.throwIfAborted();
      return await fetch({ root, keys, forWrites }, signal);
    } catch (cause) {
      throw new StateError("fetch-failed", { keys: keys.length }, cause);
    }
  }

  #collect(nodes: readonly Uint8Array[]): void {
    for (const node of nodes) this.#nodes.add(node);
    if (this.#nodes.size > MAX_PROOF_NODES) throw new StateError("too-many", { bound: MAX_PROOF_NODES });
  }
}
