/**
 * The execution engine: messages and values in, outcomes out. No trie, no chain, no clock: a function of the block's
 * environment, the messages and what a reader answers (design page 10, "Engine interface").
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import type {
  Address,
  BlockEnvironment,
  Hash,
  IncludedOutcome,
  Log,
  Outcome,
  StateEntry,
  StateReader,
  SystemTransaction,
  TransactionMessage,
} from "@mvm/protocol";
import type { MessageResult } from "./calls.ts";
import { CodeCache } from "./code.ts";
import { type EstimateResult, estimate } from "./estimate.ts";
import type { HaltReason } from "./frame.ts";
import { InstructionTables } from "./instructions/table.ts";
import { Machine } from "./machine.ts";
import { OverlayReader } from "./overlay.ts";
import { type ChainKind, type HardforkName, type Rules, rulesOf } from "./rules.ts";
import { SLICE, type SliceLimits } from "./slices/sliceRules.ts";
import { SlicingMachine } from "./slices/slicingMachine.ts";
import { StepRecorder } from "./slices/stepRecorder.ts";
import type { Cut, Part } from "./slices/transactionCuts.ts";
import { executeSystemTransaction } from "./system.ts";
import type { Tracer } from "./tracing/tracer.ts";
import { type Traced, type TracedTransaction, traceTransaction } from "./tracing/traceTransaction.ts";
import { TracingMachine } from "./tracing/tracingMachine.ts";
import { type ExecutionMode, executeTransaction, type TransactionResult } from "./transaction.ts";
import { TransactionState } from "./transactionState.ts";

/** Bytes of analysed code kept between calls: a few hundred large contracts. */
const CODE_CACHE_BYTES = 8 * 1024 * 1024;
/** Messages that `discover` executes at the same time. */
const DISCOVERY_LANES = 256;
/** Machines kept for reuse. */
const KEPT_MACHINES = 32;

export type EngineOptions = {
  /** default: osaka */
  readonly hardfork?: HardforkName;
  /** default: dac */
  readonly chain?: ChainKind;
};

export type Execution = { readonly signal?: AbortSignal };

type SliceOptions = Execution & {
  readonly bytes?: number;
  readonly gasUsed?: bigint;
  readonly limits?: SliceLimits;
};

/** What a call gave back. */
export type CallResult = {
  readonly status: 0 | 1;
  readonly gasUsed: bigint;
  readonly returnData: Uint8Array;
  /** why it failed: "revert" with the reason in returnData, or the exceptional halt; null when it succeeded */
  readonly failure: "revert" | HaltReason | "intrinsic-gas" | null;
  readonly logs: readonly Log[];
  /** of a creation */
  readonly createdAddress: Address | null;
  readonly reads: readonly StateEntry[];
};

/** What can be cut. */
export type Sliceable =
  | { readonly kind: "message"; readonly message: TransactionMessage }
  | { readonly kind: "system"; readonly transaction: SystemTransaction };

/** A transaction in parts: steps around its messages, slices within. */
export type Sliced = {
  readonly outcome: Outcome;
  readonly parts: readonly Part[];
  /** what stands before each, and after the last; the receipt is still to be filed then. One alone where it is invalid */
  readonly cuts: readonly Cut[];
  /** that its authorisations have set, by their hashes */
  readonly codes: ReadonlyMap<Hash, Uint8Array>;
};

/** Wait for a promise unless the signal aborts first. */
function abortable(signal: AbortSignal | undefined): (pending: Promise<unknown>) => Promise<unknown> {
  if (signal === undefined) return (pending) => pending;
  return (pending) =>
    new Promise((resolve, reject) => {
      const onAbort = (): void => reject(signal.reason);
      if (signal.aborted) onAbort();
      signal.addEventListener("abort", onAbort, { once: true });
      pending.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
    });
}

export class Engine {
  readonly rules: Rules;
  readonly #codes = new CodeCache(CODE_CACHE_BYTES);
  readonly #tables: InstructionTables;
  readonly #machines: Machine[] = [];

  constructor(rules: Rules) {
    this.rules = rules;
    this.#tables = new InstructionTables(rules);
  }

  /**
   * Executes messages in order, each on the state that those before it left; one that is invalid changes nothing.
   * @param execution gasUsed: by the block before the first message; default 0
   * @returns an outcome per message
   * @throws ExecutionError where the reader fails; the signal's reason when it aborts
   */
  async execute(
    environment: BlockEnvironment,
    messages: readonly TransactionMessage[],
    reader: StateReader,
    { signal, gasUsed = 0n }: Execution & { readonly gasUsed?: bigint } = {},
  ): Promise<Outcome[]> {
    const overlay = new OverlayReader(reader);
    const wait = abortable(signal);
    const outcomes: Outcome[] = [];
    let blockGasLeft = environment.gasLimit - gasUsed;
    for (const message of messages) {
      signal?.throwIfAborted();
      const { outcome } = await this.#transact({ environment, message, overlay, mode: "block", blockGasLeft, wait });
      outcomes.push(outcome);
      if (outcome.kind === "invalid") continue;
      overlay.apply(outcome.writes);
      blockGasLeft -= outcome.gasUsed;
    }
    return outcomes;
  }

  /**
   * Executes the messages side by side, each alone on the state before the block, so that a batching reader is asked
   * early for nearly everything that `execute` will read. At most DISCOVERY_LANES at a time.
   * @throws ExecutionError where the reader fails; the signal's reason when it aborts
   */
  async discover(
    environment: BlockEnvironment,
    messages: readonly TransactionMessage[],
    reader: StateReader,
    { signal }: Execution = {},
  ): Promise<void> {
    const overlay = new OverlayReader(reader);
    const wait = abortable(signal);
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < messages.length) {
        const message = messages[next++]!;
        signal?.throwIfAborted();
        await this.#transact({
          environment,
          message,
          overlay,
          mode: "discover",
          blockGasLeft: environment.gasLimit,
          wait,
        });
      }
    };
    await Promise.all(Array.from({ length: Math.min(DISCOVERY_LANES, messages.length) }, lane));
  }

  /**
   * Runs one message as eth_call does: nonce, fees, gas limits and the sender's code are not looked at, nothing is
   * charged; a value has to be there.
   * @throws ExecutionError where the reader fails; the signal's reason when it aborts
   */
  async call(
    environment: BlockEnvironment,
    message: TransactionMessage,
    reader: StateReader,
    { signal }: Execution = {},
  ): Promise<CallResult> {
    const overlay = reader instanceof OverlayReader ? reader : new OverlayReader(reader);
    const transacted = await this.#transact({
      environment,
      message,
      overlay,
      mode: "call",
      blockGasLeft: environment.gasLimit,
      wait: abortable(signal),
    });
    return callResult(transacted, message);
  }

  /**
   * The least gas limit with which a message succeeds, by bisection over `call`; or the failure that no gas mends.
   * @throws ExecutionError where the reader fails; the signal's reason when it aborts
   */
  estimateGas(
    environment: BlockEnvironment,
    message: TransactionMessage,
    reader: StateReader,
    options: Execution = {},
  ): Promise<EstimateResult> {
    const overlay = new OverlayReader(reader);
    return estimate({
      message,
      overlay,
      environment,
      rules: this.rules,
      call: async (attempt) => {
        // Other work gets its turn between attempts, and with it a way to abort.
        await nextTurn();
        options.signal?.throwIfAborted();
        return this.call(environment, attempt, overlay, options);
      },
    });
  }

  /**
   * Executes a system transaction of any source.
   * @throws ExecutionError where the reader fails; the signal's reason when it aborts
   */
  executeSystem(
    environment: BlockEnvironment,
    transaction: SystemTransaction,
    reader: StateReader,
    { signal }: Execution = {},
  ): Promise<IncludedOutcome> {
    const overlay = reader instanceof OverlayReader ? reader : new OverlayReader(reader);
    const wait = abortable(signal);
    return this.#withMachine(overlay, (machine, state) =>
      executeSystemTransaction({ environment, transaction, machine, state, wait }),
    );
  }

  /**
   * Runs one transaction as a block or as `call` does, and tells a tracer of every step: on a machine of its own.
   * @throws ExecutionError where the reader fails; the signal's reason when it aborts; what the tracer throws
   */
  trace(
    environment: BlockEnvironment,
    transaction: TracedTransaction,
    reader: StateReader,
    tracer: Tracer,
    { signal }: Execution = {},
  ): Promise<Traced> {
    const overlay = reader instanceof OverlayReader ? reader : new OverlayReader(reader);
    const machine = new TracingMachine(this.rules, this.#tables, tracer);
    const state = new TransactionState(overlay, this.#codes, this.rules.precompiles);
    return traceTransaction({ environment, transaction, tracer, machine, state, wait: abortable(signal) });
  }

  /**
   * Executes a transaction as a block does, and cuts it into parts (decisions 036 and 041): on a machine of its own.
   * @param bytes of the encoded transaction; limits: where slices end, others than the protocol's are for tests; gasUsed:
   * by the block before it
   * @throws ExecutionError where the reader fails; the signal's reason when it aborts
   */
  async slice(
    environment: BlockEnvironment,
    transaction: Sliceable,
    reader: StateReader,
    { signal, bytes = 0, gasUsed = 0n, limits = SLICE }: SliceOptions = {},
  ): Promise<Sliced> {
    const overlay = reader instanceof OverlayReader ? reader : new OverlayReader(reader);
    const { precompiles } = this.rules;
    const recorder = new StepRecorder((address) => precompiles.has(address), bytes, transaction.kind === "system");
    const machine = new SlicingMachine(this.rules, this.#tables, limits, recorder);
    const state = new TransactionState(overlay, this.#codes, precompiles);
    const work = { environment, machine, state, wait: abortable(signal) } as const;
    const blockGasLeft = environment.gasLimit - gasUsed;
    const outcome =
      transaction.kind === "system"
        ? await executeSystemTransaction({ ...work, transaction: transaction.transaction })
        : (await executeTransaction({ ...work, message: transaction.message, mode: "block", blockGasLeft })).outcome;
    return { outcome, parts: recorder.parts, cuts: recorder.cuts, codes: recorder.codes };
  }

  async #withMachine<T>(
    overlay: OverlayReader,
    run: (machine: Machine, state: TransactionState) => Promise<T>,
  ): Promise<T> {
    const machine = this.#machines.pop() ?? new Machine(this.rules, this.#tables);
    try {
      return await run(machine, new TransactionState(overlay, this.#codes, this.rules.precompiles));
    } finally {
      if (this.#machines.length < KEPT_MACHINES) this.#machines.push(machine);
    }
  }

  #transact(work: {
    readonly environment: BlockEnvironment;
    readonly message: TransactionMessage;
    readonly overlay: OverlayReader;
    readonly mode: ExecutionMode;
    readonly blockGasLeft: bigint;
    readonly wait: (pending: Promise<unknown>) => Promise<unknown>;
  }): Promise<TransactionResult> {
    return this.#withMachine(work.overlay, (machine, state) => executeTransaction({ ...work, machine, state }));
  }
}

function failureOf(result: MessageResult): CallResult["failure"] {
  if (result.status === "success") return null;
  return result.status === "revert" ? "revert" : (result.halt ?? "out-of-gas");
}

function callResult({ outcome, result, createdAddress }: TransactionResult, message: TransactionMessage): CallResult {
  if (outcome.kind === "invalid" || result === null) {
    const returnData = new Uint8Array(0);
    return {
      status: 0,
      gasUsed: message.gasLimit,
      returnData,
      failure: outcome.kind === "invalid" && outcome.reason === "initcode-too-large" ? outcome.reason : "intrinsic-gas",
      logs: [],
      createdAddress: null,
      reads: [],
    };
  }
  const { status, gasUsed, logs, reads } = outcome as IncludedOutcome;
  return { status, gasUsed, returnData: result.output, failure: failureOf(result), logs, createdAddress, reads };
}

/** Makes an engine for a fork's rules. */
export async function createEngine({ hardfork = "osaka", chain = "dac" }: EngineOptions = {}): Promise<Engine> {
  return new Engine(await rulesOf(hardfork, chain));
}
