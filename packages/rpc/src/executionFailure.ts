/** How executions that fail are answered. */
import { type CallResult, revertReason } from "@mvm/evm";
import { bytesToBigInt, toHex } from "@mvm/protocol";
import { RPC_CODES, RpcError, serverError } from "./rpcError.ts";

const PANIC_SELECTOR = "0x4e487b71";
const PANIC_BYTES = 36;

/** Solidity's panic codes (documentation, "Panic via assert and Error via require"). */
const PANICS: ReadonlyMap<bigint, string> = new Map([
  [0x00n, "generic panic"],
  [0x01n, "assert(false)"],
  [0x11n, "arithmetic underflow or overflow"],
  [0x12n, "division or modulo by zero"],
  [0x21n, "enum overflow"],
  [0x22n, "invalid encoded storage byte array accessed"],
  [0x31n, "pop on an empty array"],
  [0x32n, "array index out of bounds"],
  [0x41n, "out of memory"],
  [0x51n, "call of an uninitialized function"],
]);

function panicReason(returnData: Uint8Array): string | null {
  if (returnData.length !== PANIC_BYTES || toHex(returnData.subarray(0, 4)) !== PANIC_SELECTOR) return null;
  const code = bytesToBigInt(returnData.subarray(4));
  return PANICS.get(code) ?? `unknown panic code 0x${code.toString(16)}`;
}

/** Code 3 with the return data, and the reason in words where the data tell one. */
function revertError(returnData: Uint8Array): RpcError {
  const reason = revertReason(returnData) ?? panicReason(returnData);
  const message = reason === null ? "execution reverted" : `execution reverted: ${reason}`;
  return new RpcError(RPC_CODES.reverted, message, { data: toHex(returnData) });
}

/** The answer to a call whose `failure` is not null. */
export function executionError({ failure, returnData }: CallResult): RpcError {
  if (failure === "revert") return revertError(returnData);
  if (failure === "insufficient-balance") return serverError("insufficient funds for gas * price + value");
  if (failure === "intrinsic-gas") return serverError("intrinsic gas too low");
  return serverError((failure ?? "execution failed").replaceAll("-", " "));
}
