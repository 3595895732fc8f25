/**
 * Base fee: EIP-1559's direction, but only on the steps of one network-wide ladder (x1.125 from a common minimum), so
 * that its value does not name a DAC (design page 10). A full block rises one step, an empty one falls one step: the
 * same as rounding EIP-1559's result to the nearest step.
 */
import { LIMITS } from "./parameters.ts";

/** wei per gas */
const MINIMUM_BASE_FEE = 10_000_000n;
const STEPS = 128;

const LADDER: readonly bigint[] = (() => {
  const steps = [MINIMUM_BASE_FEE];
  while (steps.length < STEPS) steps.push((steps[steps.length - 1]! * 9n) / 8n);
  return steps;
})();

export const GENESIS_BASE_FEE = LADDER[0]!;

/**
 * Base fee of the next block, wei per gas.
 * @throws RangeError when the parent's fee is not on the ladder: such a parent is no valid block.
 */
export function nextBaseFee(parent: { readonly baseFeePerGas: bigint; readonly gasUsed: bigint }): bigint {
  const step = LADDER.indexOf(parent.baseFeePerGas);
  if (step < 0) throw new RangeError(`base fee ${parent.baseFeePerGas} is not a step of the ladder`);
  const target = LIMITS.blockGas / 2n;
  if (2n * parent.gasUsed > 3n * target) return LADDER[Math.min(step + 1, STEPS - 1)]!;
  if (2n * parent.gasUsed < target) return LADDER[Math.max(step - 1, 0)]!;
  return LADDER[step]!;
}
