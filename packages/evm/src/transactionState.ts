/**
 * The state as one transaction sees it: values read from the block's overlay, its own changes, what is warm
 * (EIP-2929), and a journal that takes changes back when a frame fails. Answers are synchronous; where a value has
 * to be waited for, the question returns undefined and `pending` holds what to wait for.
 */
import {
  type Account,
  type Address,
  EMPTY_CODE_HASH,
  type Hash,
  type Log,
  type MaybePromise,
  PREDEPLOYS,
  type StateEntry,
} from "@mvm/protocol";
import { analyseCode, type Code, type CodeCache, EMPTY_CODE } from "./code.ts";
import { ExecutionError } from "./errors.ts";
import type { OverlayReader } from "./overlay.ts";
import { WordMap } from "./wordMap.ts";
import { slotKeyOf } from "./words.ts";

/** Bytes of a log in a receipt beside topics and data: its address, and the headers of four RLP items at their longest. */
const LOG_BASE_BYTES = 32;
const LOG_TOPIC_BYTES = 33;

/** Bytes that a log counts as in a receipt (decision 020). */
export const countedBytes = ({ topics, data }: Log): number =>
  LOG_BASE_BYTES + LOG_TOPIC_BYTES * topics.length + data.length;

export class SlotState {
  readonly key: bigint;
  next: SlotState | null = null;
  loaded = false;
  warm = false;
  /** value before the transaction */
  original = 0n;
  current = 0n;

  constructor(key: bigint) {
    this.key = key;
  }
}

class TransientSlot {
  readonly key: bigint;
  next: TransientSlot | null = null;
  value = 0n;

  constructor(key: bigint) {
    this.key = key;
  }
}

export class AccountState {
  readonly address: Address;
  loaded = false;
  warm = false;
  /** the account before the transaction; null: absent */
  original: Account | null = null;
  nonce = 0n;
  balance = 0n;
  codeHash: Hash = EMPTY_CODE_HASH;
  /** code of codeHash, once it was asked for */
  code: Code | null = null;
  /** made by this transaction, so that its storage is empty and SELFDESTRUCT removes it (EIP-6780) */
  created = false;
  destroyed = false;
  /** an account that stood empty in the state and was touched (EIP-161) */
  touched = false;
  changed = false;
  slots: WordMap<SlotState> | null = null;
  transient: WordMap<TransientSlot> | null = null;

  constructor(address: Address) {
    this.address = address;
  }

  /** Empty by EIP-161: counts as absent. */
  get isEmpty(): boolean {
    return this.nonce === 0n && this.balance === 0n && this.codeHash === EMPTY_CODE_HASH;
  }
}

export class TransactionState {
  readonly overlay: OverlayReader;
  readonly #codes: CodeCache;
  readonly #alwaysWarm: ReadonlyMap<Address, unknown>;
  readonly #accounts = new Map<Address, AccountState>();
  readonly #journal: (() => void)[] = [];
  /** accounts that were changed at some time, whether or not the change stood */
  readonly changed: AccountState[] = [];
  readonly reads: StateEntry[] = [];
  readonly #noted = new Set<string | bigint>();
  /** slots of the hot account that were read for the charter */
  readonly #hotSlots: Hash[] = [];
  readonly logs: Log[] = [];
  /** bytes that the logs up to each one take in the receipt */
  readonly #logBytes: number[] = [];
  /** whether an account was destroyed at some time, whether or not that stood */
  hasDestroyed = false;
  /** gas to give back at the end (EIP-3529), journaled by the frames */
  refund = 0;
  /** what the last unanswered question waits for */
  pending: Promise<unknown> | null = null;

  /** @param alwaysWarm accounts that are warm from the start: the precompiles */
  constructor(overlay: OverlayReader, codes: CodeCache, alwaysWarm: ReadonlyMap<Address, unknown>) {
    this.overlay = overlay;
    this.#codes = codes;
    this.#alwaysWarm = alwaysWarm;
  }

  /** The account's entry, read or not. */
  entry(address: Address): AccountState {
    let account = this.#accounts.get(address);
    if (account === undefined) {
      account = new AccountState(address);
      account.warm = this.#alwaysWarm.has(address);
      this.#accounts.set(address, account);
    }
    return account;
  }

  #wait(promise: Promise<unknown>): void {
    this.pending = promise;
  }

  /** Reads an account; false: wait for `pending`, then ask again. */
  load(account: AccountState): boolean {
    if (account.loaded) return true;
    const value = this.overlay.account(account.address);
    if (value instanceof Promise) {
      this.#wait(value);
      return false;
    }
    account.loaded = true;
    account.original = value;
    if (value !== null) {
      account.nonce = value.nonce;
      account.balance = value.balance;
      account.codeHash = value.codeHash;
    }
    this.reads.push({ kind: "account", address: account.address, value });
    return true;
  }

  /** Code of a loaded account; undefined: wait for `pending`, then ask again. */
  codeOf(account: AccountState): Code | undefined {
    if (account.code !== null) return account.code;
    const hash = account.codeHash;
    if (hash === EMPTY_CODE_HASH) return EMPTY_CODE;
    const bytes = this.overlay.code(hash);
    if (bytes instanceof Promise) {
      this.#wait(bytes);
      return undefined;
    }
    const code = this.#codes.analyse(hash, bytes);
    if (code === null)
      throw new ExecutionError("inconsistent-value", { kind: "code", hash }, "the code has another hash");
    account.code = code;
    if (!this.#noted.has(hash)) {
      this.#noted.add(hash);
      this.reads.push({ kind: "code", hash, value: bytes });
    }
    return code;
  }

  /** The slot's entry, read or not. */
  slotEntry(account: AccountState, key: bigint): SlotState {
    account.slots ??= new WordMap();
    let slot = account.slots.get(key);
    if (slot === undefined) {
      slot = new SlotState(key);
      account.slots.add(slot);
    }
    return slot;
  }

  /** Reads a slot; false: wait for `pending`, then ask again. An account made by this transaction has empty storage. */
  loadSlot(account: AccountState, slot: SlotState): boolean {
    if (slot.loaded) return true;
    if (account.created) {
      slot.loaded = true;
      return true;
    }
    const key = slotKeyOf(slot.key);
    const value = this.overlay.slot(account.address, key);
    if (typeof value !== "bigint") {
      this.#wait(value);
      return false;
    }
    slot.loaded = true;
    slot.original = value;
    slot.current = value;
    if (account.address !== PREDEPLOYS.executionManager || !this.#hotSlots.includes(key))
      this.reads.push({ kind: "slot", address: account.address, slot: key, value });
    return true;
  }

  /** A slot of the hot account before the transaction, cold as it was; undefined: wait for `pending`, then ask again. */
  hotWord(slot: Hash): bigint | undefined {
    const entry = this.overlay.hotSlot(slot);
    if (entry instanceof Promise) {
      this.#wait(entry);
      return undefined;
    }
    if (!this.#hotSlots.includes(slot)) {
      this.#hotSlots.push(slot);
      this.reads.push(entry);
    }
    return entry.value;
  }

  /** Slots of the hot account that were read for the charter, in the order in which they were. */
  get hotSlots(): readonly Hash[] {
    return this.#hotSlots;
  }

  #environmentValue<T extends bigint | Hash>(
    name: string | bigint,
    value: MaybePromise<T>,
    entry: (value: T) => StateEntry,
  ): T | undefined {
    if (value instanceof Promise) {
      this.#wait(value);
      return undefined;
    }
    if (!this.#noted.has(name)) {
      this.#noted.add(name);
      this.reads.push(entry(value));
    }
    return value;
  }

  /** The block's number, read on demand like state; undefined: wait for `pending`. */
  blockNumber(): bigint | undefined {
    return this.#environmentValue("number", this.overlay.number(), (value) => ({ kind: "number", value }));
  }

  /** The chain's identifier, read on demand like state; undefined: wait for `pending`. */
  chainId(): bigint | undefined {
    return this.#environmentValue("chainId", this.overlay.chainId(), (value) => ({ kind: "chainId", value }));
  }

  /** A block's hash, read on demand like state; undefined: wait for `pending`. */
  blockHash(number: bigint): Hash | undefined {
    return this.#environmentValue(number, this.overlay.blockHash(number), (value) => ({
      kind: "blockHash",
      number,
      value,
    }));
  }

  warm(item: AccountState | SlotState): void {
    if (item.warm) return;
    item.warm = true;
    this.#journal.push(() => {
      item.warm = false;
    });
  }

  #change(account: AccountState): void {
    if (account.changed) return;
    account.changed = true;
    this.changed.push(account);
  }

  setBalance(account: AccountState, balance: bigint): void {
    const before = account.balance;
    this.#change(account);
    account.balance = balance;
    this.#journal.push(() => {
      account.balance = before;
    });
  }

  setNonce(account: AccountState, nonce: bigint): void {
    const before = account.nonce;
    this.#change(account);
    account.nonce = nonce;
    this.#journal.push(() => {
      account.nonce = before;
    });
  }

  /** Moves wei between loaded accounts; the caller has checked the balance. A transfer of nothing still touches. */
  transfer(from: AccountState, to: AccountState, value: bigint): void {
    if (value === 0n || from === to) {
      this.touch(to);
      return;
    }
    this.setBalance(from, from.balance - value);
    this.setBalance(to, to.balance + value);
  }

  /** EIP-161: an account that stands empty in the state goes when it is touched. */
  touch(account: AccountState): void {
    if (account.original === null || account.touched || !account.isEmpty) return;
    this.#change(account);
    account.touched = true;
    this.#journal.push(() => {
      account.touched = false;
    });
  }

  setCode(account: AccountState, bytes: Uint8Array, hash: Hash): void {
    const before = { hash: account.codeHash, code: account.code };
    this.#change(account);
    account.codeHash = hash;
    account.code = analyseCode(bytes, hash);
    this.#journal.push(() => {
      account.codeHash = before.hash;
      account.code = before.code;
    });
  }

  setSlot(account: AccountState, slot: SlotState, value: bigint): void {
    const before = slot.current;
    this.#change(account);
    slot.current = value;
    this.#journal.push(() => {
      slot.current = before;
    });
  }

  markCreated(account: AccountState): void {
    this.#change(account);
    account.created = true;
    const slots = account.slots;
    account.slots = null;
    if (slots !== null) for (const slot of slots.values()) this.slotEntry(account, slot.key).warm = slot.warm;
    this.#journal.push(() => {
      account.created = false;
      account.slots = slots;
    });
  }

  markDestroyed(account: AccountState): void {
    if (account.destroyed) return;
    this.#change(account);
    this.hasDestroyed = true;
    account.destroyed = true;
    this.#journal.push(() => {
      account.destroyed = false;
    });
  }

  transientValue(account: AccountState, key: bigint): bigint {
    return account.transient?.get(key)?.value ?? 0n;
  }

  setTransient(account: AccountState, key: bigint, value: bigint): void {
    account.transient ??= new WordMap();
    let slot = account.transient.get(key);
    if (slot === undefined) {
      slot = new TransientSlot(key);
      account.transient.add(slot);
    }
    const changed = slot;
    const before = changed.value;
    changed.value = value;
    this.#journal.push(() => {
      changed.value = before;
    });
  }

  /** Adds a log unless the logs would take more than `mostBytes`, each counted as its encoding at the most; false: it did not fit. */
  addLog(log: Log, mostBytes: number): boolean {
    const before = this.#logBytes[this.logs.length - 1] ?? 0;
    const bytes = before + countedBytes(log);
    if (bytes > mostBytes) return false;
    this.#logBytes[this.logs.length] = bytes;
    this.logs.push(log);
    return true;
  }

  /** Takes back all logs but the first `count`. */
  dropLogs(count: number): void {
    this.logs.length = count;
  }

  /** A mark to which `revertTo` goes back. */
  get mark(): number {
    return this.#journal.length;
  }

  revertTo(mark: number): void {
    while (this.#journal.length > mark) this.#journal.pop()!();
  }
}
