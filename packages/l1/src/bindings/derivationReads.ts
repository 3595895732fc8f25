/** What the judges of posted data, and BlobOpenings, answer to a prover before it risks anything. */
import { type BatchHeader, blobRange } from "@mvm/protocol";
import { MAX_TRANSACTION_GAS } from "../deploy.ts";
import { L1Error } from "../l1Error.ts";
import { getQuantity } from "../l1Rpc.ts";
import { type DerivationProof, encodeDerivation } from "./derivationCalls.ts";
import { call } from "./l1Call.ts";
import { type L1Reader, read } from "./readView.ts";
import { headerValues } from "./rollupCalls.ts";

/** What L1 says of a proof. */
export type DerivationAnswer =
  /** gas of a transaction that only judges */
  | { readonly kind: "verdict"; readonly isFraud: boolean; readonly gas: bigint }
  /** its judge refuses to judge it now, or one transaction cannot: why */
  | { readonly kind: "no-verdict"; readonly reason: string };

/** Has L1 judge a proof about a batch without sending one. Throws L1Error where L1 cannot be asked. */
export async function askDerivation(
  reader: L1Reader,
  header: BatchHeader,
  proof: DerivationProof,
): Promise<DerivationAnswer> {
  const { fraud, bytes } = encodeDerivation(proof);
  const contract = fraud === "derivation" ? "dataVerifier" : "blockVerifier";
  const values = [headerValues(header), bytes];
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

/** Whether L1 was shown what the range of a batch in a blob holds; of calldata there is nothing to show. Throws L1Error. */
export async function isRangeOpened(
  reader: L1Reader,
  batch: Pick<BatchHeader, "blobHash" | "dataHash">,
): Promise<boolean> {
  const range = blobRange(batch);
  if (range === null) return true;
  const values = [batch.blobHash, range.offset, range.length];
  try {
    return await read(reader, { contract: "blobOpenings", method: "sliceHash", values }, () => true);
  } catch (error) {
    if (error instanceof L1Error && error.code === "reverted") return false;
    throw error;
  }
}
