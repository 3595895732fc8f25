/** How much goes into a block, and what will never go into one. */
import { type BlockOutcome, blockOutcomeCodec, encode, LIMITS, type Outcome, type Transaction } from "@mvm/protocol";

/**
 * The first transactions that fit a block by number, bytes and declared gas.
 * @param room of the block beside what L1's queue takes of it
 */
export function takeFitting(
  ordered: readonly Transaction[],
  room: { readonly count: number; readonly gas: bigint },
): readonly Transaction[] {
  const taken: Transaction[] = [];
  let bytes = 0;
  let gas = 0n;
  for (const transaction of ordered) {
    bytes += transaction.raw.length;
    gas += transaction.gasLimit;
    if (taken.length === room.count || bytes > LIMITS.blockTransactionBytes || gas > room.gas) break;
    taken.push(transaction);
  }
  return taken;
}

/** Bytes of a block beside its opening and its users' transactions, with all outcomes: settle, the header, the seats. */
export const BLOCK_OVERHEAD_BYTES = 64 * 1024;

/**
 * The longest beginning whose block fits the wire: outcomes follow from those before them alone, so any beginning stands.
 * @param openingBytes of the block's opening and its outcomes
 */
export function fitting(
  included: readonly { raw: Uint8Array; outcome: BlockOutcome }[],
  openingBytes: number,
): readonly { raw: Uint8Array; outcome: BlockOutcome }[] {
  let bytes = BLOCK_OVERHEAD_BYTES + openingBytes;
  const end = included.findIndex(({ raw, outcome }) => {
    bytes += raw.length + encode(blockOutcomeCodec, outcome).length + 16;
    return bytes > LIMITS.blockBytes;
  });
  return end < 0 ? included : included.slice(0, end);
}

/** Whether a transaction can never stand in a later block either. */
export function isHopeless(outcome: Outcome): boolean {
  return (
    outcome.kind === "invalid" &&
    outcome.reason !== "nonce-too-high" &&
    outcome.reason !== "gas-limit-above-block" &&
    outcome.reason !== "fee-below-base-fee"
  );
}
