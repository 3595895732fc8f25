/** Which batch a message may be proven with. */
import { type BatchProof, finalFrom, type L1Reader, postingOf, type StandingBatch, standingBatches } from "@mvm/l1";
import type { ChainId } from "@mvm/protocol";

/** Later batches that are looked at: one that a committee vouched for may be final before an older one. */
const LATER_BATCHES = 16;

/** A DAC's place on L1. */
export type BridgePlace = {
  readonly l1: L1Reader;
  readonly chainId: ChainId;
  /** L1 block of the network's deployment */
  readonly deployedAtBlock: bigint;
};

/** A batch that is final, the time from which one is (seconds), or that no batch has the block. */
export type BatchSearch =
  | { readonly kind: "final"; readonly batch: StandingBatch; readonly posting: BatchProof }
  | { readonly kind: "posted"; readonly finalFrom: bigint }
  | { readonly kind: "unposted" };

/**
 * The earliest final batch that ends at or after a block.
 * @param whole its whole window has to be over, whoever vouched for it
 * @throws L1Error
 */
export async function finalBatchFor(
  { l1, chainId, deployedAtBlock }: BridgePlace,
  blockNumber: bigint,
  whole: boolean,
): Promise<BatchSearch> {
  const standing = await standingBatches(l1, { chainId, downTo: blockNumber, fromBlock: deployedAtBlock });
  if (standing.length === 0) return { kind: "unposted" };
  const candidates = standing.toReversed().slice(0, 1 + LATER_BATCHES);
  let earliest: bigint | undefined;
  for (const batch of candidates) {
    const posting = await postingOf(l1, batch);
    const from = await finalFrom(l1, { header: batch.header, posting }, whole);
    if (from === undefined) return { kind: "final", batch, posting };
    if (earliest === undefined || from < earliest) earliest = from;
  }
  return { kind: "posted", finalFrom: earliest! };
}
