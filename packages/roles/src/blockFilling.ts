/** How much goes into a block, and what will never go into one. */
import { type BlockOutcome, blockOutcomeCodec, encode, LIMITS, type Outcome, type Transaction } from "@mvm/protocol";

/** The first transactions that fit a block by number, bytes and declared gas. */
export function takeFitting(ordered: readonly Transaction[], maxCount: number): readonly Transaction[] {
  const taken: Transaction[] = [];
  let bytes = 0;
  let gas = 0n;
  for (const transaction of ordered) {
    bytes += transaction.raw.length;
    gas += transaction.gasLimit;
    if (taken.length === maxCount || bytes > LIMITS.blockTransactionBytes || gas > LIMITS.blockGas) break;
    taken.push(transaction);
  }
  return taken;
}

/** Bytes of a block beside its users' transactions and outcomes: the largest founding, a block's deposits, the header. */
export const BLOCK_OVERHEAD_BYTES = 128 * 1024;

/** The longest beginning whose block fits the wire: outcomes follow from those before them alone, so any beginning stands. */
export function fitting(
  included: readonly { raw: Uint8Array; outcome: BlockOutcome }[],
): readonly { raw: Uint8Array; outcome: BlockOutcome }[] {
  let bytes = BLOCK_OVERHEAD_BYTES;
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
