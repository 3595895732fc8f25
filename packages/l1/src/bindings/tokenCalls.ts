/** Calls of ERC-20 tokens other than MT. */
import type { Address, Hex } from "@mvm/protocol";
import { INTERFACES } from "../contracts.ts";
import type { L1Call } from "./l1Call.ts";

/** Lets an account pull units of a token of the caller. */
export function approveErc20(erc20: Address, spender: Address, units: bigint): L1Call {
  const data = INTERFACES.token.encodeFunctionData("approve", [spender, units]) as Hex;
  return { to: erc20, data, action: "erc20.approve" };
}
