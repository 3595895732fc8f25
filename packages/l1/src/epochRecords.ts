import { drawBlockOf } from "@mvm/protocol";
import { recordEpoch } from "./bindings/calls.ts";
import type { L1Call } from "./bindings/l1Call.ts";
import { isRecorded } from "./bindings/reads.ts";
import type { L1Reader } from "./bindings/readView.ts";
import { L1Error } from "./l1Error.ts";
import { getHeader } from "./l1Header.ts";

/**
 * The call by which an epoch's record is taken; undefined where it was. Taking it again does nothing.
 * Throws L1Error: bad-response where L1 does not show the draw block, and those of reading.
 */
export async function missingRecord(reader: L1Reader, epoch: bigint, epochBlocks: number): Promise<L1Call | undefined> {
  if (await isRecorded(reader, epoch)) return undefined;
  const number = drawBlockOf(epoch, epochBlocks);
  const header = await getHeader(reader.transport, number);
  if (header === undefined) throw new L1Error("bad-response", `L1 does not show its block ${number}`);
  return recordEpoch(reader.addresses, { epoch, header });
}
