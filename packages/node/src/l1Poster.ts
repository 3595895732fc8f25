/** What a node sends to L1 while it runs. */
import {
  appendBatches,
  claimSlot,
  type L1Reader,
  type L1Submitter,
  missingRecord,
  releaseHeld,
  type SignedBatch as SignedBatchValues,
} from "@mvm/l1";
import type { Parameters } from "@mvm/protocol";
import { BatchCarrier } from "./batchCarrier.ts";
import { toItemValues } from "./l1Events.ts";
import type { L1Poster, SignedBatch } from "./ports.ts";

/** A batch with the queue items that L1 has to see, as the contracts take them. */
function shown({ nextItem, firstItem, ...batch }: SignedBatch): SignedBatchValues {
  return {
    ...batch,
    ...(nextItem && { nextItem: toItemValues(nextItem) }),
    ...(firstItem && { firstItem: toItemValues(firstItem) }),
  };
}

/** Sends through a submitter; a slot's epoch is recorded before anything is sent that needs its randomness. */
export function l1Poster(reader: L1Reader, submitter: L1Submitter, { epochBlocks }: Parameters): L1Poster {
  const { addresses } = reader;

  async function ensureRecorded(epoch: bigint): Promise<void> {
    const call = await missingRecord(reader, epoch, epochBlocks);
    if (call !== undefined) await submitter.submit(call, { key: `epoch:${epoch}` });
  }

  /** Batches under one key may be begun, forgotten by a crash, and found again: L1 passes over what it has. */
  async function send(batches: readonly SignedBatch[]): Promise<void> {
    for (const slot of new Set(batches.map(({ header }) => header.slot))) await ensureRecorded(slot);
    const [{ header }] = batches as [SignedBatch];
    const key = `batch:${header.chainId}:${header.generation}:${header.index}`;
    const call = appendBatches(addresses, batches.map(shown));
    await submitter.submit(call, batches.length === 1 ? { key } : {});
  }

  const carrier = new BatchCarrier(send);
  return {
    appendBatch: (batch) => carrier.carry(batch),
    async claimSlot({ chainId, slot, rank }): Promise<void> {
      await ensureRecorded(slot);
      await submitter.submit(claimSlot(addresses, { chainId, rank }));
    },
    async releaseHeld(held): Promise<void> {
      await submitter.submit(releaseHeld(addresses, held));
    },
  };
}
