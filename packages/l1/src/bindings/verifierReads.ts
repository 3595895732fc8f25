/** What the contracts that judge kinds of fraud answer to a prover before it risks anything. */
import type { BatchHeader, Hex } from "@mvm/protocol";
import type { Result } from "ethers";
import { MAX_TRANSACTION_GAS } from "../deploy.ts";
import { L1Error } from "../l1Error.ts";
import { getQuantity } from "../l1Rpc.ts";
import { call } from "./l1Call.ts";
import { type L1Reader, read, type View } from "./readView.ts";
import { headerValues } from "./rollupCalls.ts";

/** There is no word of L1: it reverts, or one transaction cannot have it (`gas` is more than one may have): why. */
export type NoVerdict = { readonly kind: "no-verdict"; readonly reason: string; readonly gas?: bigint };

/** What L1 says of a proof. */
export type VerifierAnswer =
  /** gas of a transaction that only judges */
  { readonly kind: "verdict"; readonly isFraud: boolean; readonly gas: bigint } | NoVerdict;

/** Asks a view for what one transaction of L1 may ask it; with the gas that this takes. Throws L1Error where L1 cannot be asked. */
export async function verdictOf<T>(
  reader: L1Reader,
  view: View,
  convert: (result: Result) => T,
): Promise<{ readonly kind: "verdict"; readonly value: T; readonly gas: bigint } | NoVerdict> {
  try {
    const value = await read(reader, view, convert);
    const { to, data } = call(reader.addresses, view.contract, view.method, view.values);
    const gas = await getQuantity(reader.transport, "eth_estimateGas", [{ to, data }]);
    if (gas <= MAX_TRANSACTION_GAS) return { kind: "verdict", value, gas };
    return { kind: "no-verdict", reason: `it takes ${gas} gas, more than a transaction of L1 may have`, gas };
  } catch (error) {
    if (!(error instanceof L1Error) || (error.code !== "reverted" && error.code !== "rpc-error")) throw error;
    return { kind: "no-verdict", reason: error.message };
  }
}

/** Has a judge's contract judge a proof about a batch without sending one. Throws L1Error where L1 cannot be asked. */
export async function askVerifier(
  reader: L1Reader,
  contract: "dataVerifier" | "blockVerifier" | "closingVerifier" | "partVerifier" | "workVerifier",
  header: BatchHeader,
  proof: Hex,
): Promise<VerifierAnswer> {
  const view = { contract, method: "judge", values: [headerValues(header), proof] };
  const answer = await verdictOf(reader, view, ([is]) => Boolean(is));
  return answer.kind === "verdict" ? { kind: "verdict", isFraud: answer.value, gas: answer.gas } : answer;
}
