/** How executions that fail are answered. */
import { type CallResult, denialReason, panicReason, revertReason } from "@mvm/evm";
import { toHex } from "@mvm/protocol";
import { RPC_CODES, RpcError, serverError } from "./rpcError.ts";

/** Code 3 with the return data, and the reason in words where the data tell one. */
function revertError(returnData: Uint8Array): RpcError {
  const reason = revertReason(returnData) ?? panicReason(returnData) ?? denialReason(returnData);
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
