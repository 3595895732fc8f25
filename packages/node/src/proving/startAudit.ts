/** The audit of a DAC's batches, with what L1 says of the DAC's creation. */
import { dacRecord, foundingOf } from "@mvm/l1";
import type { Dac } from "@mvm/roles";
import type { Operator } from "../operator/operator.ts";
import { BatchAudit } from "./batchAudit.ts";
import type { ProverSight } from "./prover.ts";

/** Starts it at the DAC's genesis. Throws L1Error. */
export async function startAudit(
  { l1 }: Pick<Operator, "l1">,
  dac: Dac,
  { view, settings }: Pick<ProverSight, "view" | "settings">,
): Promise<BatchAudit> {
  const { chainId } = dac;
  const { createdAtBlock } = await dacRecord(l1, chainId);
  const { storageUnits } = await foundingOf(l1, { chainId, createdAtBlock });
  return BatchAudit.start({ ...dac, storageUnits }, view, settings);
}
