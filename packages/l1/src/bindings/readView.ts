/** How views of the network's contracts are asked. */
import type { Result } from "ethers";
import { decodeRevert, INTERFACES, type L1Addresses, type L1ContractName, revertDataOf } from "../contracts.ts";
import { L1Error } from "../l1Error.ts";
import { getBytes, type L1Transport } from "../l1Rpc.ts";

/** Contracts of one network, and how to reach them. */
export type L1Reader = { readonly transport: L1Transport; readonly addresses: L1Addresses };

/** A view of a contract, and what it is asked. */
export type View = { readonly contract: L1ContractName; readonly method: string; readonly values: readonly unknown[] };

/** Asks a view at the latest L1 block. Throws L1Error: reverted, bad-response, unreachable, rpc-error. */
export async function read<T>(reader: L1Reader, view: View, convert: (result: Result) => T): Promise<T> {
  const { contract, method, values } = view;
  const action = `${contract}.${method}`;
  const data = INTERFACES[contract].encodeFunctionData(method, values);
  const raw = await getBytes(reader.transport, "eth_call", [{ to: reader.addresses[contract], data }, "latest"]).catch(
    (error: unknown) => {
      const revertData = error instanceof L1Error ? revertDataOf(error.data.rpcData) : undefined;
      if (revertData === undefined) throw error;
      const revert = decodeRevert(revertData);
      throw new L1Error("reverted", `${action} reverts: ${revert.name ?? revertData}`, { action, revert }, error);
    },
  );
  try {
    return convert(INTERFACES[contract].decodeFunctionResult(method, raw));
  } catch (cause) {
    throw new L1Error("bad-response", `L1's answer to ${action} has the wrong form`, { action }, cause);
  }
}
