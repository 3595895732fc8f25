/** A provider's execution of one job: the engine over the job's values, with misses asked for in batches. */
import type { Engine } from "@mvm/evm";
import {
  type Account,
  type Address,
  fittingOutcomes,
  type Hash,
  isCodeOf,
  type Job,
  LIMITS,
  type MaybePromise,
  type Outcome,
  resultHash,
  type StateEntry,
  type StateKey,
  type StateReader,
  stateKeyId,
} from "@mvm/protocol";
import type { Capacity, JobThreads } from "./ports.ts";
import { reasonOf } from "./reason.ts";

/** A job that has no result. */
export class JobFailed extends Error {
  readonly code: /** given up by who had begun it */
    | "given-up"
    /** code that is not of its hash */
    | "malformed"
    /** the engine failed: a value is missing, or there is a bug */
    | "not-executed"
    /** its thread needed more memory than it has */
    | "out-of-memory"
    /** its thread ended */
    | "thread-ended";
  constructor(code: JobFailed["code"], message: string) {
    super(message);
    this.name = "JobFailed";
    this.code = code;
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
      if (entry.kind === "code" && !isCodeOf(entry)) throw new JobFailed("malformed", "code that is not of its hash");
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

/** What comes of a job: outcomes that fit a result, and resultHash over them. */
export type Executed = { readonly outcomes: readonly Outcome[]; readonly result: Hash };

/** A job that is being executed elsewhere; `executed` rejects with JobFailed. */
export type RunningJob = {
  readonly executed: Promise<Executed>;
  supply(entries: readonly StateEntry[]): void;
  abort(reason: string): void;
};

const failureOf = (error: unknown): JobFailed =>
  error instanceof JobFailed ? error : new JobFailed("not-executed", reasonOf(error));

export class JobExecution {
  readonly #engine: Engine;
  readonly #job: Job;
  readonly #values: JobValues;
  readonly #abort = new AbortController();

  /** @param want asks the job's sender for values; they come back by `supply`. Throws JobFailed malformed */
  constructor(engine: Engine, job: Job, want: (keys: readonly StateKey[]) => void) {
    this.#engine = engine;
    this.#job = job;
    this.#values = new JobValues(job.values, want);
  }

  supply(entries: readonly StateEntry[]): void {
    try {
      this.#values.supply(entries);
    } catch (error) {
      this.#fail(failureOf(error));
    }
  }

  abort(reason: string): void {
    this.#fail(new JobFailed("given-up", reason));
  }

  #fail(error: JobFailed): void {
    this.#values.fail(error);
    this.#abort.abort(error);
  }

  /** Discovers the reads side by side, then executes in order. Rejects with JobFailed. */
  async run(): Promise<Executed> {
    const { environment, messages } = this.#job;
    const { signal } = this.#abort;
    try {
      await this.#engine.discover(environment, messages, this.#values, { signal });
      const all = await this.#engine.execute(environment, messages, this.#values, { signal });
      const outcomes = fittingOutcomes(all);
      return { outcomes, result: resultHash(this.#job, outcomes) };
    } catch (error) {
      throw signal.aborted ? signal.reason : failureOf(error);
    }
  }
}

/** Executes jobs where they are begun, without threads: in an order that follows from what they read alone. */
export const jobsHere = (engine: Engine, capacity: Capacity): JobThreads => ({
  capacity,
  begin: (job, want) => {
    const execution = new JobExecution(engine, job, want);
    return {
      executed: execution.run(),
      supply: (entries) => execution.supply(entries),
      abort: (reason) => execution.abort(reason),
    };
  },
});
