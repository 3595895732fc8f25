/** Every method of the interface, by name. */
import { debugTracingMethods } from "./debugTracing.ts";
import { ethBlockMethods } from "./ethBlocks.ts";
import { ethCallMethods } from "./ethCalls.ts";
import { ethFeeMethods } from "./ethFees.ts";
import { ethLogMethods } from "./ethLogs.ts";
import { ethNetworkMethods } from "./ethNetwork.ts";
import { ethProofMethods } from "./ethProofs.ts";
import { ethStateMethods } from "./ethState.ts";
import { ethTransactionMethods } from "./ethTransactions.ts";
import type { Method } from "./method.ts";
import { mvmMethods } from "./mvm.ts";
import { netMethods } from "./net.ts";
import { web3Methods } from "./web3.ts";

export type MethodTable = ReadonlyMap<string, Method>;

/** Table of the given methods. Throws RangeError where two have one name. */
export function methodTable(...namespaces: readonly (readonly Method[])[]): MethodTable {
  const table = new Map<string, Method>();
  for (const method of namespaces.flat()) {
    if (table.has(method.name)) throw new RangeError(`two methods are called ${method.name}`);
    table.set(method.name, method);
  }
  return table;
}

export const STANDARD_METHODS: MethodTable = methodTable(
  ethNetworkMethods,
  ethBlockMethods,
  ethStateMethods,
  ethProofMethods,
  ethCallMethods,
  ethFeeMethods,
  ethTransactionMethods,
  ethLogMethods,
  debugTracingMethods,
  mvmMethods,
  netMethods,
  web3Methods,
);
