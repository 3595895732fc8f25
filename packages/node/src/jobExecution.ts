/** A provider's execution of one job: the engine over the job's values, with misses asked for in batches. */
import type { Engine } from "@mvm/evm";
import {
  type Account,
  type Address,
  type Hash,
  isCodeOf,
  type Job,
  LIMITS,
  type MaybePromise,
  type Outcome,
  type StateEntry,
  type StateKey,
  type StateReader,
  stateKeyId,
} from "@mvm/protocol";
import { reasonOf } from "./reason.ts";

export class JobAborted extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = "JobAborted";
  }
}

type Waiting = { readonly resolve: (entry: StateEntry) => void; readonly reject: (error: Error) => void };

/**
 * Reads a job's values. A miss waits until the end of the present turn, so that reads of transactions which run side
 * by side go out together.
 */
class JobValues implements StateReader {
  readonly #values = new Map<string, StateEntry>();
  readonly #waiting = new Map<string, Waiting & { readonly promise: Promise<StateEntry> }>();
  readonly #want: (keys: readonly StateKey[]) => void;
  #gathering: StateKey[] = [];

  constructor(entries: readonly StateEntry[], want: (keys: readonly StateKey[]) => void) {
    this.#want = want;
    this.#keep(entries);
  }

  #keep(entries: readonly StateEntry[]): void {
    for (const entry of entries) {
      if (entry.kind === "code" && !isCodeOf(entry)) throw new JobAborted("code that is not of its hash");
      this.#values.set(stateKeyId(entry), entry);
    }
  }

  supply(entries: readonly StateEntry[]): void {
    this.#keep(entries);
    for (const entry of entries) {
      const id = stateKeyId(entry);
      this.#waiting.get(id)?.resolve(entry);
      this.#waiting.delete(id);
    }
  }

  fail(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  #read<T>(key: StateKey): MaybePromise<T> {
    const id = stateKeyId(key);
    const known = this.#values.get(id);
    if (known !== undefined) return known.value as T;
    const waiting = this.#waiting.get(id);
    if (waiting !== undefined) return waiting.promise.then((entry) => entry.value as T);
    const { promise, resolve, reject } = Promise.withResolvers<StateEntry>();
    promise.catch(() => undefined);
    this.#waiting.set(id, { promise, resolve, reject });
    if (this.#gathering.length === 0) queueMicrotask(() => this.#sendOff());
    this.#gathering.push(key);
    return promise.then((entry) => entry.value as T);
  }

  /** Lets a few more turns pass, in which other transactions reach their reads, then asks in bounded batches. */
  async #sendOff(): Promise<void> {
    let seen = 0;
    while (seen !== this.#gathering.length) {
      seen = this.#gathering.length;
      for (let turn = 0; turn < GATHER_TURNS; turn++) await null;
    }
    const keys = this.#gathering;
    this.#gathering = [];
    for (let from = 0; from < keys.length; from += LIMITS.readKeys)
      this.#want(keys.slice(from, from + LIMITS.readKeys));
  }

  account = (address: Address): MaybePromise<Account | null> => this.#read({ kind: "account", address });
  slot = (address: Address, slot: Hash): MaybePromise<bigint> => this.#read({ kind: "slot", address, slot });
  code = (hash: Hash): MaybePromise<Uint8Array> => this.#read({ kind: "code", hash });
  number = (): MaybePromise<bigint> => this.#read({ kind: "number" });
  chainId = (): MaybePromise<bigint> => this.#read({ kind: "chainId" });
  blockHash = (number: bigint): MaybePromise<Hash> => this.#read({ kind: "blockHash", number });
}

/** Microtask turns that a batch of reads waits for others. */
const GATHER_TURNS = 16;

export class JobExecution {
  readonly #engine: Engine;
  readonly #job: Job;
  readonly #values: JobValues;
  readonly #abort = new AbortController();

  /** @param want asks the job's sender for values; they come back by `supply` */
  constructor(engine: Engine, job: Job, want: (keys: readonly StateKey[]) => void) {
    this.#engine = engine;
    this.#job = job;
    this.#values = new JobValues(job.values, want);
  }

  supply(entries: readonly StateEntry[]): void {
    try {
      this.#values.supply(entries);
    } catch (error) {
      this.abort(reasonOf(error));
    }
  }

  abort(reason: string): void {
    const error = new JobAborted(reason);
    this.#values.fail(error);
    this.#abort.abort(error);
  }

  /** Discovers the reads side by side, then executes in order. Rejects when aborted. */
  async run(): Promise<readonly Outcome[]> {
    const { environment, messages } = this.#job;
    const execution = { signal: this.#abort.signal };
    await this.#engine.discover(environment, messages, this.#values, execution);
    return this.#engine.execute(environment, messages, this.#values, execution);
  }
}
