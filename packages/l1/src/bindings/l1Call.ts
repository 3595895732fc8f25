/** A call of a contract, as L1Submitter or a wallet sends it. */
import type { Address, Hex } from "@mvm/protocol";
import type { BlobSidecar } from "@mvm/protocol/blobs";
import { INTERFACES, type L1Addresses, type L1ContractName } from "../contracts.ts";

/** A call of a contract: receiver, calldata, the blobs that go with it, and what it is for error texts. */
export type L1Call = {
  readonly to: Address;
  readonly data: Hex;
  readonly action: string;
  /** 1 .. MAX_TRANSACTION_BLOBS blobs, in the order in which the called contract counts them; absent without blobs */
  readonly sidecars?: readonly BlobSidecar[];
};

/** The call of a contract's method. */
export function call(at: L1Addresses, contract: L1ContractName, method: string, values: readonly unknown[]): L1Call {
  const data = INTERFACES[contract].encodeFunctionData(method, values) as Hex;
  return { to: at[contract], data, action: `${contract}.${method}` };
}
