import {
  type Account,
  type AccountWrite,
  type Address,
  type Hash,
  type MaybePromise,
  PREDEPLOYS,
  type StateEntry,
  type StateKey,
  type StateReader,
} from "@mvm/protocol";
import { ExecutionError } from "./errors.ts";
import { MAX_WORD } from "./words.ts";

const MAX_NONCE = (1n << 64n) - 1n;

function isWord(value: unknown): value is bigint {
  return typeof value === "bigint" && value >= 0n && value <= MAX_WORD;
}

function isAccount(value: Account | null): boolean {
  if (value === null) return true;
  if (typeof value !== "object") return false;
  return isWord(value.balance) && isWord(value.nonce) && value.nonce <= MAX_NONCE && typeof value.codeHash === "string";
}

function reject(key: StateKey, cause: unknown): never {
  if (cause instanceof ExecutionError) throw cause;
  throw new ExecutionError("missing-value", key, "the reader could not give it", cause);
}

export type SlotEntry = StateEntry & { readonly kind: "slot" };

type Storage = { complete: boolean; readonly slots: Map<Hash, bigint> };

/**
 * A reader that remembers what it read and shows the writes of finished outcomes over it, so that deposits and
 * messages of one block can be chained. Answers at once what it knows; concurrent questions for one key reach the
 * underlying reader once. Lives as long as a block: what it remembers is bounded by what a block's gas can read.
 * Every failure is an ExecutionError that names the key.
 */
export class OverlayReader implements StateReader {
  readonly #base: StateReader;
  readonly #accounts = new Map<Address, Account | null>();
  readonly #storages = new Map<Address, Storage>();
  readonly #codes = new Map<Hash, Uint8Array>();
  readonly #blockHashes = new Map<bigint, Hash>();
  readonly #inFlight = new Map<string, Promise<unknown>>();
  /** reads of the hot account that nearly every transaction makes, until it is written */
  readonly #hot = new Map<Hash, SlotEntry>();
  #number: bigint | undefined;
  #chainId: bigint | undefined;

  constructor(base: StateReader) {
    this.#base = base;
  }

  account(address: Address): MaybePromise<Account | null> {
    const known = this.#accounts.get(address);
    if (known !== undefined) return known;
    return this.#fetch(
      { kind: "account", address },
      () => this.#base.account(address),
      isAccount,
      (value) => this.#accounts.set(address, value),
    );
  }

  slot(address: Address, slot: Hash): MaybePromise<bigint> {
    const storage = this.#storage(address);
    const known = storage.slots.get(slot);
    if (known !== undefined) return known;
    if (storage.complete) return 0n;
    return this.#fetch(
      { kind: "slot", address, slot },
      () => this.#base.slot(address, slot),
      isWord,
      (value) => storage.slots.set(slot, value),
    );
  }

  /** A slot of the hot account as a read: one object for all transactions that find the same. */
  hotSlot(slot: Hash): MaybePromise<SlotEntry> {
    const known = this.#hot.get(slot);
    if (known !== undefined) return known;
    const address = PREDEPLOYS.executionManager;
    const keep = (value: bigint): SlotEntry => {
      const entry: SlotEntry = { kind: "slot", address, slot, value };
      this.#hot.set(slot, entry);
      return entry;
    };
    const value = this.slot(address, slot);
    return value instanceof Promise ? value.then(keep) : keep(value);
  }

  code(hash: Hash): MaybePromise<Uint8Array> {
    const known = this.#codes.get(hash);
    if (known !== undefined) return known;
    return this.#fetch(
      { kind: "code", hash },
      () => this.#base.code(hash),
      (value) => value instanceof Uint8Array,
      (value) => this.#codes.set(hash, value),
    );
  }

  number(): MaybePromise<bigint> {
    if (this.#number !== undefined) return this.#number;
    return this.#fetch(
      { kind: "number" },
      () => this.#base.number(),
      isWord,
      (value) => {
        this.#number = value;
      },
    );
  }

  chainId(): MaybePromise<bigint> {
    if (this.#chainId !== undefined) return this.#chainId;
    return this.#fetch(
      { kind: "chainId" },
      () => this.#base.chainId(),
      isWord,
      (value) => {
        this.#chainId = value;
      },
    );
  }

  blockHash(number: bigint): MaybePromise<Hash> {
    const known = this.#blockHashes.get(number);
    if (known !== undefined) return known;
    return this.#fetch(
      { kind: "blockHash", number },
      () => this.#base.blockHash(number),
      (value) => typeof value === "string" && value.length === 66,
      (value) => this.#blockHashes.set(number, value),
    );
  }

  /** Shows an outcome's writes from now on. An account that was absent, or is gone, has no storage but what is written. */
  apply(writes: readonly AccountWrite[]): void {
    for (const write of writes) {
      const before = this.#accounts.get(write.address);
      this.#accounts.set(write.address, write.account);
      if (write.code !== null && write.account !== null) this.#codes.set(write.account.codeHash, write.code);
      if (write.account === null || before === null) {
        this.#storages.set(write.address, { complete: true, slots: new Map() });
      }
      if (write.slots.length === 0) continue;
      if (write.address === PREDEPLOYS.executionManager) this.#hot.clear();
      const storage = this.#storage(write.address);
      for (const { slot, value } of write.slots) storage.slots.set(slot, value);
    }
  }

  #storage(address: Address): Storage {
    let storage = this.#storages.get(address);
    if (storage === undefined) {
      storage = { complete: false, slots: new Map() };
      this.#storages.set(address, storage);
    }
    return storage;
  }

  #fetch<T>(
    key: StateKey,
    ask: () => MaybePromise<T>,
    isValid: (value: T) => boolean,
    keep: (value: T) => void,
  ): MaybePromise<T> {
    const accept = (value: T): T => {
      if (!isValid(value)) throw new ExecutionError("inconsistent-value", key, "the reader's value is not of its kind");
      keep(value);
      return value;
    };
    const underway =
      this.#inFlight.size === 0 ? undefined : (this.#inFlight.get(inFlightName(key)) as Promise<T> | undefined);
    if (underway !== undefined) return underway;
    let answer: MaybePromise<T>;
    try {
      answer = ask();
    } catch (cause) {
      return reject(key, cause);
    }
    if (!(answer instanceof Promise)) return accept(answer);
    const name = inFlightName(key);
    const settled = answer.then(accept, (cause) => reject(key, cause)).finally(() => this.#inFlight.delete(name));
    this.#inFlight.set(name, settled);
    return settled;
  }
}

function inFlightName(key: StateKey): string {
  switch (key.kind) {
    case "account":
      return key.address;
    case "slot":
      return `${key.address}${key.slot}`;
    case "code":
      return `code${key.hash}`;
    case "blockHash":
      return `block${key.number}`;
    default:
      return key.kind;
  }
}
