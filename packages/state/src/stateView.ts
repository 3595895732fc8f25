import type { Account, Address, Hash, MaybePromise, StateKey, StateReader } from "@mvm/protocol";
import { withoutStorage } from "./accountRecord.ts";
import type { NodeSource } from "./nodeSource.ts";
import type { Proof } from "./sparseState.ts";
import { WorldState } from "./worldState.ts";

/** What execution reads besides the state trie. */
export type ChainValues = {
  number(): MaybePromise<bigint>;
  chainId(): MaybePromise<bigint>;
  blockHash(number: bigint): MaybePromise<Hash>;
};

/** Trie nodes that a view keeps before it forgets them all and starts anew from its root. */
const MAX_VIEW_NODES = 50_000;

export type StateViewOptions = {
  readonly source: NodeSource;
  readonly root: Hash;
  readonly chain: ChainValues;
  /** throws for a code that is not there */
  code(hash: Hash): Uint8Array;
};

/** Reads and proofs at one root, by walks of the trie. */
export class StateView implements StateReader {
  readonly #options: StateViewOptions;
  #world: WorldState;

  /** Throws StateError "missing-node" for a root that the source does not have. */
  constructor(options: StateViewOptions) {
    this.#options = options;
    this.#world = new WorldState(options.source, options.root);
  }

  get root(): Hash {
    return this.#options.root;
  }

  #bounded(): WorldState {
    if (this.#world.nodesInMemory > MAX_VIEW_NODES) this.#world = new WorldState(this.#options.source, this.root);
    return this.#world;
  }

  account(address: Address): Account | null {
    return withoutStorage(this.#bounded().account(address));
  }

  /** Root of an account's storage (EIP-1186); null if there is no such account. */
  storageRoot(address: Address): Hash | null {
    return this.#bounded().account(address)?.storageRoot ?? null;
  }

  slot(address: Address, slot: Hash): bigint {
    return this.#bounded().slot(address, slot);
  }

  code(hash: Hash): Uint8Array {
    return this.#options.code(hash);
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

  /** Proof of accounts, slots (absent ones too) and codes. Throws StateError, as WorldState.proveReads. */
  proveReads(keys: readonly StateKey[]): Proof {
    const hashes = new Set<Hash>();
    for (const key of keys) if (key.kind === "code") hashes.add(key.hash);
    return { nodes: this.#bounded().proveReads(keys), codes: [...hashes].map((hash) => this.code(hash)) };
  }

  /** Nodes that writes to these keys may need, deletions included. Throws StateError, as WorldState.witnessFor. */
  witnessFor(keys: readonly StateKey[]): Uint8Array[] {
    return this.#bounded().witnessFor(keys);
  }
}
