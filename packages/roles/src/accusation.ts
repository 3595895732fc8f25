/**
 * An accusation on L1: bond, commitment, proof. Which step is next follows from what L1 shows alone, so that who was killed between
 * two of them goes on where it was, and pays nothing twice.
 */

/** What L1 shows of an accuser and the proof that it is about to make. */
export type AccusationState = {
  /** wei of MT that a wrong proof costs */
  readonly neededWei: bigint;
  /** wei of MT that the accuser has paid in */
  readonly paidWei: bigint;
  /** L1 block of the commitment to this very proof; undefined: there is none, or it was used */
  readonly committedAt: bigint | undefined;
  /** L1 blocks for which a commitment is good */
  readonly commitmentBlocks: bigint;
  /** newest L1 block: the step's transaction is in a later one */
  readonly l1Block: bigint;
};

export type AccusationStep =
  | { readonly kind: "pay"; readonly amountWei: bigint }
  | { readonly kind: "commit" }
  /** for the next L1 block */
  | { readonly kind: "wait" }
  | { readonly kind: "prove" };

/** The next step of an accusation. */
export function nextAccusationStep(state: AccusationState): AccusationStep {
  const { neededWei, paidWei, committedAt, commitmentBlocks, l1Block } = state;
  if (paidWei < neededWei) return { kind: "pay", amountWei: neededWei - paidWei };
  if (committedAt === undefined || l1Block > committedAt + commitmentBlocks) return { kind: "commit" };
  // whoever estimates what the proof takes does so in the newest block
  return { kind: l1Block > committedAt ? "prove" : "wait" };
}
