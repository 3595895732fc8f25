/** An accusation comes to its proof from wherever it was left, pays once, and commits in an earlier L1 block. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { type AccusationState, nextAccusationStep } from "../src/index.ts";

const COMMITMENT_BLOCKS = 1_024n;

/** L1 as far as an accusation changes it. */
class ModelL1 {
  l1Block: bigint;
  paidWei: bigint;
  committedAt: bigint | undefined;
  proofs = 0;

  constructor(start: Pick<AccusationState, "l1Block" | "paidWei" | "committedAt">) {
    this.l1Block = start.l1Block;
    this.paidWei = start.paidWei;
    this.committedAt = start.committedAt;
  }

  /** Carries a step out in the next block. Throws where Disputes would revert. */
  perform(step: ReturnType<typeof nextAccusationStep>, neededWei: bigint): void {
    this.l1Block += 1n;
    if (step.kind === "pay") this.paidWei += step.amountWei;
    const { committedAt } = this;
    const isGood = committedAt !== undefined && this.l1Block <= committedAt + COMMITMENT_BLOCKS;
    if (step.kind === "commit" && !isGood) this.committedAt = this.l1Block;
    if (step.kind !== "prove") return;
    if (this.paidWei < neededWei) throw new Error("BondTooSmall");
    if (committedAt === undefined) throw new Error("NotCommitted");
    if (committedAt >= this.l1Block) throw new Error("CommittedTooLate");
    this.committedAt = undefined;
    this.proofs += 1;
  }
}

const start = fc.record({
  l1Block: fc.bigInt({ min: 2_000n, max: 5_000n }),
  paidWei: fc.bigInt({ min: 0n, max: 300n }),
  committedAt: fc.option(fc.bigInt({ min: 0n, max: 1_999n }), { nil: undefined }),
});
const needed = fc.bigInt({ min: 1n, max: 200n });

it("comes to its proof from any state that a crash may leave, with no more steps than there are", () => {
  fc.assert(
    fc.property(start, needed, (state, neededWei) => {
      const l1 = new ModelL1(state);
      for (let steps = 0; l1.proofs === 0; steps++) {
        expect(steps).toBeLessThan(5);
        const { l1Block, paidWei, committedAt } = l1;
        // nothing is remembered between two steps: this is what a crash leaves
        const step = nextAccusationStep({
          l1Block,
          paidWei,
          committedAt,
          neededWei,
          commitmentBlocks: COMMITMENT_BLOCKS,
        });
        l1.perform(step, neededWei);
      }
      expect(l1.paidWei).toBe(state.paidWei < neededWei ? neededWei : state.paidWei);
    }),
  );
});

it("waits for the block after its commitment's", () => {
  const state = { neededWei: 1n, paidWei: 1n, committedAt: 7n, commitmentBlocks: COMMITMENT_BLOCKS };
  expect(nextAccusationStep({ ...state, l1Block: 7n })).toEqual({ kind: "wait" });
  expect(nextAccusationStep({ ...state, l1Block: 8n })).toEqual({ kind: "prove" });
  expect(nextAccusationStep({ ...state, l1Block: 7n + COMMITMENT_BLOCKS + 1n })).toEqual({ kind: "commit" });
});
