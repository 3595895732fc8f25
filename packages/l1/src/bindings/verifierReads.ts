/** What the contracts that judge kinds of fraud answer to a prover before it risks anything. */
import type { BatchHeader, Hex } from "@mvm/protocol";
import { MAX_TRANSACTION_GAS } from "../deploy.ts";
import { L1Error } from "../l1Error.ts";
import { getQuantity } from "../l1Rpc.ts";
import { call } from "./l1Call.ts";
import { type L1Reader, read } from "./readView.ts";
import { headerValues } from "./rollupCalls.ts";

/** What L1 says of a proof. */
export type VerifierAnswer =
  /** gas of a transaction that only judges */
  | { readonly kind: "verdict"; readonly isFraud: boolean; readonly gas: bigint }
  /** its judge refuses to judge it now, or one transaction cannot: why */
  | { readonly kind: "no-verdict"; readonly reason: string };

/** Has a judge's contract judge a proof about a batch without sending one. Throws L1Error where L1 cannot be asked. */
export async function askVerifier(
  reader: L1Reader,
  contract: "dataVerifier" | "blockVerifier" | "partVerifier",
  header: BatchHeader,
  proof: Hex,
): Promise<VerifierAnswer> {
  const values = [headerValues(header), proof];
  try {
    const isFraud = await read(reader, { contract, method: "judge", values }, ([is]) => Boolean(is));
    const { to, data } = call(reader.addresses, contract, "judge", values);
    const gas = await getQuantity(reader.transport, "eth_estimateGas", [{ to, data }]);
    if (gas <= MAX_TRANSACTION_GAS) return { kind: "verdict", isFraud, gas };
    return { kind: "no-verdict", reason: `it takes ${gas} gas, more than a transaction of L1 may have` };
  } catch (error) {
    if (!(error instanceof L1Error) || (error.code !== "reverted" && error.code !== "rpc-error")) throw error;
    return { kind: "no-verdict", reason: error.message };
  }
}
