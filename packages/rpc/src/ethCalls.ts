/** eth_call and eth_estimateGas. */
import { setImmediate } from "node:timers/promises";
import { type CallResult, readTerms } from "@mvm/evm";
import { type StateReader, toHex } from "@mvm/protocol";
import { z } from "zod";
import { requireBlock } from "./blockLookup.ts";
import { atEffectivePrice, type CallObject, callParam, type PreparedCall, prepareCall } from "./callObject.ts";
import { requirePermitted, requireReadable } from "./charterChecks.ts";
import { executionError } from "./executionFailure.ts";
import { defineMethod, type Json, type Method, type MethodContext } from "./method.ts";
import { quantity } from "./quantities.ts";
import { type RpcError, serverError } from "./rpcError.ts";
import { type BlockReference, stateBlockParam } from "./schemas.ts";
import { type StateOverrides, stateOverridesParam, withOverrides } from "./stateOverrides.ts";

export type CallRequest = {
  readonly call: CallObject;
  readonly block: BlockReference;
  readonly stateOverrides: StateOverrides | undefined;
};

export type Prepared = PreparedCall & { readonly reader: StateReader };

const PARAMS = {
  call: callParam,
  block: stateBlockParam,
  stateOverrides: stateOverridesParam.optional(),
  blockOverrides: z.undefined({ error: "block overrides are not supported" }),
};

/**
 * What a request's call runs on. Throws RpcError where the block is not there, fields contradict each other, or the
 * charter denies reading.
 */
export async function prepareRequest(
  context: MethodContext,
  { call, block, stateOverrides }: CallRequest,
): Promise<Prepared> {
  const view = await requireBlock(context, block);
  const prepared = prepareCall(call, view.block.header, context.backend.chainId);
  const reader = await context.backend.stateAt(view.block);
  await requireReadable(reader, prepared.message.from);
  // A simulation keeps the thread to itself: let timers and other requests in before each one of a batch.
  await setImmediate();
  context.signal.throwIfAborted();
  return { ...prepared, reader: stateOverrides === undefined ? reader : withOverrides(reader, stateOverrides) };
}

/** With a price the sender must be able to pay; where the caller left the gas open, it is what the sender can pay. */
async function affordable({ message, reader }: Prepared, isGasOpen: boolean): Promise<bigint> {
  const { maxFeePerGas, gasLimit, value, from } = message;
  if (maxFeePerGas === 0n) return gasLimit;
  const balance = (await reader.account(from))?.balance ?? 0n;
  const { tax } = await readTerms(reader, from, value);
  const moved = value + tax;
  const cost = gasLimit * maxFeePerGas + moved;
  if (balance >= cost) return gasLimit;
  if (isGasOpen && balance > moved) return (balance - moved) / maxFeePerGas;
  throw insufficientFunds({ balance, cost, tax });
}

function insufficientFunds({ balance, cost, tax }: Record<"balance" | "cost" | "tax", bigint>): RpcError {
  const taxed = tax === 0n ? "" : ` (tax ${tax})`;
  return serverError(`insufficient funds for gas * price + value: balance ${balance}, tx cost ${cost}${taxed}`);
}

/** The error for a failed execution; a value that cannot be moved is told with its tax. */
async function failureOf(result: CallResult, { message, reader }: Pick<Prepared, "message" | "reader">) {
  const { from, value } = message;
  const balance = (await reader.account(from))?.balance ?? 0n;
  if (result.failure !== "insufficient-balance" || balance < value) return executionError(result);
  const { tax } = await readTerms(reader, from, value);
  return insufficientFunds({ balance, cost: value + tax, tax });
}

async function call(context: MethodContext, request: CallRequest): Promise<Json> {
  const prepared = await prepareRequest(context, request);
  const isGasOpen = request.call.gas == null;
  const message = { ...atEffectivePrice(prepared), gasLimit: await affordable(prepared, isGasOpen) };
  const { environment, reader } = prepared;
  const result = await context.simulator.call(environment, message, reader, { signal: context.signal });
  if (result.failure !== null) throw await failureOf(result, { message, reader });
  return toHex(result.returnData);
}

async function estimateGas(context: MethodContext, request: CallRequest): Promise<Json> {
  const { message, environment, reader } = await prepareRequest(context, request);
  const { signal } = context;
  requirePermitted(await readTerms(reader, message.from, 0n), "TX", message.from);
  const estimated = await context.simulator.estimateGas(environment, message, reader, { signal });
  if (estimated.kind === "estimate") return quantity(estimated.gas);
  const { failure } = estimated.result;
  const isShortOfGas = failure === "out-of-gas" || failure === "intrinsic-gas";
  throw isShortOfGas
    ? serverError(`gas required exceeds allowance (${estimated.gasLimit})`)
    : await failureOf(estimated.result, { message, reader });
}

export const ethCallMethods: readonly Method[] = [
  defineMethod("eth_call", PARAMS, call),
  defineMethod("eth_estimateGas", PARAMS, estimateGas),
];
