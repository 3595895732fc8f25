/** The call object of eth_call and eth_estimateGas, and the message that it becomes. */
import {
  type BlockEnvironment,
  environmentOf,
  type Header,
  LIMITS,
  type Transaction,
  type TransactionMessage,
  toMessage,
  ZERO_ADDRESS,
  ZERO_HASH,
} from "@mvm/protocol";
import { z } from "zod";
import { effectiveGasPrice } from "./fees.ts";
import { invalidParams } from "./rpcError.ts";
import { addressParam, bytesParam, hashParam, quantityParam, uint64Param } from "./schemas.ts";

/** bounds of the lists of one call, those of a transaction */
const MAX_ACCESS_ADDRESSES = 1_024;
const MAX_ACCESS_SLOTS = 1_024;
const MAX_AUTHORIZATIONS = 256;

const accessListEntry = z.object({
  address: addressParam,
  storageKeys: z.array(hashParam).max(MAX_ACCESS_SLOTS),
});

const authorization = z.object({
  chainId: quantityParam,
  address: addressParam,
  nonce: uint64Param,
  yParity: quantityParam,
  r: quantityParam,
  s: quantityParam,
});

/** Fields that a call may have; others (type, chainId) change nothing and are passed over. */
export const callParam = z.object(
  {
    from: addressParam.nullish(),
    to: addressParam.nullish(),
    gas: uint64Param.nullish(),
    gasPrice: quantityParam.nullish(),
    maxFeePerGas: quantityParam.nullish(),
    maxPriorityFeePerGas: quantityParam.nullish(),
    value: quantityParam.nullish(),
    nonce: uint64Param.nullish(),
    data: bytesParam.nullish(),
    input: bytesParam.nullish(),
    accessList: z.array(accessListEntry).max(MAX_ACCESS_ADDRESSES).nullish(),
    authorizationList: z.array(authorization).max(MAX_AUTHORIZATIONS).nullish(),
  },
  { error: "expected a call object" },
);

export type CallObject = z.output<typeof callParam>;

const EMPTY = new Uint8Array(0);

function inputOf({ data, input }: CallObject): Uint8Array {
  if (data != null && input != null && (data.length !== input.length || data.some((byte, i) => byte !== input[i])))
    throw invalidParams('invalid argument 0 (call): both "data" and "input" are set and not equal');
  return input ?? data ?? EMPTY;
}

function offerOf(call: CallObject): { maxFeePerGas: bigint; maxPriorityFeePerGas: bigint } {
  const { gasPrice, maxFeePerGas, maxPriorityFeePerGas } = call;
  if (gasPrice != null) {
    if (maxFeePerGas != null || maxPriorityFeePerGas != null)
      throw invalidParams("invalid argument 0 (call): both gasPrice and maxFeePerGas or maxPriorityFeePerGas are set");
    return { maxFeePerGas: gasPrice, maxPriorityFeePerGas: gasPrice };
  }
  const tip = maxPriorityFeePerGas ?? 0n;
  if (maxFeePerGas != null && maxFeePerGas < tip)
    throw invalidParams("invalid argument 0 (call): maxPriorityFeePerGas is higher than maxFeePerGas");
  return { maxFeePerGas: maxFeePerGas ?? 0n, maxPriorityFeePerGas: maxFeePerGas == null ? 0n : tip };
}

/** The call as a transaction that nobody signed: the form from which the protocol makes messages. */
function unsignedTransaction(call: CallObject, chainId: bigint): Transaction {
  const authorizations = (call.authorizationList ?? []).map((entry) => ({ ...entry, yParity: Number(entry.yParity) }));
  const gas = call.gas ?? LIMITS.transactionGas;
  return {
    type: authorizations.length > 0 ? 4 : 2,
    hash: ZERO_HASH,
    raw: EMPTY,
    chainId,
    from: call.from ?? ZERO_ADDRESS,
    nonce: call.nonce ?? 0n,
    ...offerOf(call),
    gasLimit: gas < LIMITS.transactionGas ? gas : LIMITS.transactionGas,
    to: call.to ?? null,
    value: call.value ?? 0n,
    data: inputOf(call),
    accessList: (call.accessList ?? []).map(({ address, storageKeys }) => ({ address, slots: storageKeys })),
    authorizations,
    yParity: 0,
    r: 0n,
    s: 0n,
    v: 0n,
  };
}

export type PreparedCall = { readonly message: TransactionMessage; readonly environment: BlockEnvironment };

/**
 * Message and environment of a call on the state after a block. Without a fee the base fee is zero too, as other
 * clients have it; with one it has to cover the base fee. Gas beyond what a transaction may have is cut to that.
 * Throws RpcError where fields contradict each other.
 */
export function prepareCall(call: CallObject, header: Header, chainId: bigint): PreparedCall {
  const message = toMessage(unsignedTransaction(call, chainId), 0n);
  const { maxFeePerGas } = message;
  const isFree = maxFeePerGas === 0n;
  if (!isFree && maxFeePerGas < header.baseFeePerGas) {
    throw invalidParams(
      `max fee per gas less than block base fee: maxFeePerGas ${maxFeePerGas}, base fee ${header.baseFeePerGas}`,
    );
  }
  return { message, environment: environmentOf(isFree ? { ...header, baseFeePerGas: 0n } : header) };
}

/** The message with the price that it would really pay, which GASPRICE shows in a call. */
export function atEffectivePrice({ message, environment }: PreparedCall): TransactionMessage {
  const price = effectiveGasPrice(message, environment.baseFeePerGas);
  return { ...message, maxFeePerGas: price };
}
