/** One transaction executed under the hooks of a tracer. */
import type { Address, BlockEnvironment, Outcome, SystemTransaction, TransactionMessage } from "@mvm/protocol";
import type { MessageResult } from "../calls.ts";
import { executeSystemTransaction, forcedMessage } from "../system.ts";
import { executeTransaction } from "../transaction.ts";
import type { TransactionState } from "../transactionState.ts";
import type { Tracer } from "./tracer.ts";
import { errorOf, type TracingMachine } from "./tracingMachine.ts";

const EMPTY = new Uint8Array(0);

/** What is traced. A message runs by every rule of a block ("block"), or as eth_call does ("call"). */
export type TracedTransaction =
  | { readonly kind: "message"; readonly message: TransactionMessage; readonly mode: "block" | "call" }
  | { readonly kind: "system"; readonly transaction: SystemTransaction };

/** What became of it, beside what its tracer was told. */
export type Traced = {
  readonly outcome: Outcome;
  readonly gasLimit: bigint;
  /** what it gave back, or reverted with; empty where it failed otherwise */
  readonly returnData: Uint8Array;
};

type TraceWork = {
  readonly environment: BlockEnvironment;
  readonly transaction: TracedTransaction;
  readonly tracer: Tracer;
  readonly machine: TracingMachine;
  readonly state: TransactionState;
  readonly wait: (pending: Promise<unknown>) => Promise<unknown>;
};

type Bare = {
  readonly from: Address;
  readonly to: Address;
  readonly value: bigint;
  readonly input: Uint8Array;
  readonly gas: bigint;
};

/** Tells of an outermost message that nothing ran for: a transfer, a deposit, one that failed before it began. */
function tellBare(tracer: Tracer, bare: Bare, isCreate: boolean, result: MessageResult | null): void {
  if (!tracer.followsMessages) return;
  const gas = Number(bare.gas);
  tracer.onEnter(0, { ...bare, gas, type: isCreate ? "CREATE" : "CALL" });
  const gasUsed = result?.status === "halt" ? gas : 0;
  tracer.onExit(0, { gasUsed, output: result?.output ?? EMPTY, error: result === null ? null : errorOf(result) });
}

async function traceMessage(work: TraceWork, message: TransactionMessage, mode: "block" | "call"): Promise<Traced> {
  const { environment, machine, state, tracer, wait } = work;
  const context = { machine, state, environment, message, mode, blockGasLeft: environment.gasLimit, wait };
  const { outcome, result, createdAddress } = await executeTransaction(context);
  const { from, value, data: input, gasLimit } = message;
  const to = message.to ?? createdAddress;
  if (machine.lastTarget === null && to !== null && result !== null)
    tellBare(tracer, { from, to, value, input, gas: gasLimit }, message.to === null, result);
  return { outcome, gasLimit, returnData: result?.output ?? EMPTY };
}

async function traceSystem(work: TraceWork, transaction: SystemTransaction): Promise<Traced> {
  const { machine, tracer } = work;
  const outcome = await executeSystemTransaction({ ...work, transaction });
  const { source, from, to, mint, data: input, gasLimit } = transaction;
  const value = source === "deposit" ? mint : transaction.value;
  const hasRun = machine.lastTarget === to;
  if (!hasRun) tellBare(tracer, { from, to, value, input, gas: gasLimit }, false, null);
  return { outcome, gasLimit, returnData: hasRun ? (machine.result?.output ?? EMPTY) : EMPTY };
}

/**
 * Executes a transaction and tells the tracer. The outcome is the one that it has without hooks.
 * @throws ExecutionError where the reader fails or a mint does not fit; what the tracer throws
 */
export async function traceTransaction(work: TraceWork): Promise<Traced> {
  const { transaction } = work;
  if (transaction.kind === "message") return traceMessage(work, transaction.message, transaction.mode);
  if (transaction.transaction.source !== "forced") return traceSystem(work, transaction.transaction);
  const message = await forcedMessage({ ...work, transaction: transaction.transaction });
  const traced = message === null ? null : await traceMessage(work, message, "block");
  return traced?.outcome.kind === "included" ? traced : traceSystem(work, transaction.transaction);
}
