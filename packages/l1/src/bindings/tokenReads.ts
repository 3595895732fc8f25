/** Balances and allowances on L1. */
import type { Address } from "@mvm/protocol";
import type { L1ContractName } from "../contracts.ts";
import { getQuantity } from "../l1Rpc.ts";
import { type L1Reader, read } from "./readView.ts";

/** A reader whose `token` is another ERC-20 token than MT. */
export const readerOfToken = (reader: L1Reader, token: Address): L1Reader => ({
  ...reader,
  addresses: { ...reader.addresses, token },
});

/** Units of the token that a contract of the network may still pull from an account. */
export function allowanceOf(reader: L1Reader, owner: Address, spender: L1ContractName): Promise<bigint> {
  const values = [owner, reader.addresses[spender]];
  return read(reader, { contract: "token", method: "allowance", values }, ([units]) => BigInt(units));
}

/** Decimal places of the token. */
export function decimalsOf(reader: L1Reader): Promise<number> {
  return read(reader, { contract: "token", method: "decimals", values: [] }, ([decimals]) => Number(decimals));
}

/** Wei of ether of an account on L1. */
export function etherOf(reader: L1Reader, account: Address): Promise<bigint> {
  return getQuantity(reader.transport, "eth_getBalance", [account, "latest"]);
}
