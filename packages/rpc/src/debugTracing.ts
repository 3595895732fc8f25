/** debug_trace methods: what a transaction or call did, step by step or message by message, in geth's forms. */
import {
  CallTracer,
  OverlayReader,
  StructLogger,
  TRACE_LIMITS,
  TraceBudget,
  type TracedTransaction,
  TraceLimitError,
} from "@mvm/evm";
import {
  type BlockEnvironment,
  environmentOf,
  type Hash,
  type StateReader,
  toMessage,
  ZERO_ADDRESS,
} from "@mvm/protocol";
import { indexedBlock, requireBlock, stateOf } from "./blockLookup.ts";
import type { BlockView } from "./blockView.ts";
import { atEffectivePrice, callParam } from "./callObject.ts";
import { requireReadable } from "./charterChecks.ts";
import { type CallRequest, prepareRequest } from "./ethCalls.ts";
import { defineMethod, type Json, type Method, type MethodContext } from "./method.ts";
import { limitExceeded, RPC_CODES, RpcError, serverError } from "./rpcError.ts";
import { type BlockReference, blockNumberParam, hashParam, LATEST, stateBlockParam } from "./schemas.ts";
import { type TraceOptions, traceCallOptionsParam, traceOptionsParam } from "./traceOptions.ts";

/** Something to trace, and what it is traced on. */
type Traceable = {
  readonly environment: BlockEnvironment;
  readonly transaction: TracedTransaction;
  readonly reader: StateReader;
};

type Tracing = { readonly options: TraceOptions; readonly budget: TraceBudget; readonly signal: AbortSignal };

function structLoggerOf({ limit, disableStack, disableStorage, enableMemory, enableReturnData }: TraceOptions) {
  return {
    limit: limit ?? 0,
    disableStack: disableStack ?? false,
    disableStorage: disableStorage ?? false,
    enableMemory: enableMemory ?? false,
    enableReturnData: enableReturnData ?? false,
  };
}

async function trace({ simulator }: MethodContext, work: Traceable, tracing: Tracing): Promise<Json> {
  const { environment, transaction, reader } = work;
  const { options, budget, signal } = tracing;
  if (options.tracer == null) {
    const logger = new StructLogger(structLoggerOf(options), budget);
    return logger.result(await simulator.trace(environment, transaction, reader, logger, { signal }));
  }
  const { onlyTopCall, withLog } = options.tracerConfig ?? {};
  const tracer = new CallTracer({ onlyTopCall: onlyTopCall ?? false, withLog: withLog ?? false }, budget);
  const traced = await simulator.trace(environment, transaction, reader, tracer, { signal });
  if (traced.outcome.kind === "invalid")
    throw serverError(`the transaction cannot run on this state: ${traced.outcome.reason}`);
  return tracer.result(traced);
}

/** What to ask for instead of a trace that is too large. */
function narrowing({ tracer }: TraceOptions, { what }: TraceLimitError): string {
  if (tracer != null) return "narrow it by onlyTopCall, and leave out withLog";
  if (what === "steps") return "narrow it by limit, or ask for messages only by the tracer callTracer";
  return "narrow it by limit, disableStack or disableStorage, and leave out enableMemory and enableReturnData";
}

/** Runs traces within their deadline and bounds, and puts what ends them into words. */
async function bounded<T>(
  context: MethodContext,
  options: TraceOptions,
  run: (tracing: Tracing) => Promise<T>,
): Promise<T> {
  const timeout = options.timeout == null ? null : AbortSignal.timeout(options.timeout);
  const signal = timeout === null ? context.signal : AbortSignal.any([context.signal, timeout]);
  try {
    return await run({ options, budget: new TraceBudget(TRACE_LIMITS), signal });
  } catch (error) {
    if (error instanceof TraceLimitError) throw limitExceeded(`${error.message}: ${narrowing(options, error)}`);
    if (timeout?.aborted && error === timeout.reason)
      throw new RpcError(RPC_CODES.resourceUnavailable, `execution timeout: more than ${options.timeout} ms`);
    throw error;
  }
}

/** State with which a block began, read as the block's own transactions read it. */
async function stateBefore({ backend }: MethodContext, { block }: BlockView): Promise<OverlayReader> {
  const { number, parentHash } = block.header;
  if (number === 0n) throw serverError("genesis is not traceable");
  const parent = await backend.blockByHash(parentHash);
  if (parent === null) throw serverError(`block ${number - 1n} not found`);
  const state = await backend.stateAt(parent);
  return new OverlayReader({
    account: (address) => state.account(address),
    slot: (address, slot) => state.slot(address, slot),
    code: (hash) => state.code(hash),
    number: () => number,
    chainId: () => state.chainId(),
    blockHash: (asked) => (asked === number - 1n ? parentHash : state.blockHash(asked)),
  });
}

/** A transaction of a block on the state that the ones before it have left. */
function traceableAt(view: BlockView, index: number, reader: OverlayReader): Traceable {
  const environment = environmentOf(view.block.header);
  const entry = view.transaction(index);
  const transaction: TracedTransaction =
    entry.kind === "system"
      ? { kind: "system", transaction: entry.transaction }
      : { kind: "message", message: toMessage(entry.transaction, view.block.context.l1BaseFee), mode: "block" };
  return { environment, transaction, reader };
}

/** Traces are read by nobody in particular. */
async function requireReading(context: MethodContext): Promise<void> {
  await requireReadable(await stateOf(context, LATEST), ZERO_ADDRESS);
}

async function traceTransaction(context: MethodContext, hash: Hash, options: TraceOptions): Promise<Json> {
  await requireReading(context);
  const place = await context.backend.locate(hash);
  if (place === null) throw serverError("transaction not found");
  const view = await indexedBlock(context, place.blockNumber);
  const reader = await stateBefore(context, view);
  for (const { writes } of view.block.outcomes.slice(0, place.index)) reader.apply(writes);
  return bounded(context, options, (tracing) => trace(context, traceableAt(view, place.index, reader), tracing));
}

async function traceBlock(context: MethodContext, block: BlockReference, options: TraceOptions): Promise<Json> {
  await requireReading(context);
  const view = await requireBlock(context, block);
  const reader = await stateBefore(context, view);
  return bounded(context, options, async (tracing) => {
    const traces: Json[] = [];
    for (const [index, { writes }] of view.block.outcomes.entries()) {
      tracing.signal.throwIfAborted();
      const result = await trace(context, traceableAt(view, index, reader), tracing);
      traces.push({ txHash: view.transactionHash(index), result });
      reader.apply(writes);
    }
    return traces;
  });
}

async function traceCall(context: MethodContext, request: CallRequest, options: TraceOptions): Promise<Json> {
  const prepared = await prepareRequest(context, request);
  const transaction = { kind: "message", message: atEffectivePrice(prepared), mode: "call" } as const;
  return bounded(context, options, (tracing) => trace(context, { ...prepared, transaction }, tracing));
}

export const debugTracingMethods: readonly Method[] = [
  defineMethod("debug_traceTransaction", { hash: hashParam, options: traceOptionsParam }, (context, given) =>
    traceTransaction(context, given.hash, given.options),
  ),
  defineMethod("debug_traceBlockByNumber", { block: blockNumberParam, options: traceOptionsParam }, (context, given) =>
    traceBlock(context, given.block, given.options),
  ),
  defineMethod("debug_traceBlockByHash", { hash: hashParam, options: traceOptionsParam }, (context, given) =>
    traceBlock(context, { kind: "hash", hash: given.hash }, given.options),
  ),
  defineMethod(
    "debug_traceCall",
    { call: callParam, block: stateBlockParam, options: traceCallOptionsParam },
    (context, { call, block, options }) => {
      const { stateOverrides, ...rest } = options;
      return traceCall(context, { call, block, stateOverrides: stateOverrides ?? undefined }, rest);
    },
  ),
];
