import { GENESIS_BASE_FEE, LIMITS, nextBaseFee } from "@mvm/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RUNS } from "./arbitraries.ts";

const TARGET = LIMITS.blockGas / 2n;
const gas = fc.bigInt(0n, LIMITS.blockGas);

/** Every fee that full blocks lead to from the genesis. */
const ladder: readonly bigint[] = (() => {
  const steps = [GENESIS_BASE_FEE];
  for (;;) {
    const next = nextBaseFee({ baseFeePerGas: steps.at(-1)!, gasUsed: LIMITS.blockGas });
    if (next === steps.at(-1)) return steps;
    steps.push(next);
  }
})();
const steps = fc.constantFrom(...ladder);

/** The base fee that EIP-1559 gives. */
function ethereumBaseFee(parent: bigint, used: bigint): bigint {
  if (used === TARGET) return parent;
  if (used < TARGET) return parent - (parent * (TARGET - used)) / TARGET / 8n;
  const rise = (parent * (used - TARGET)) / TARGET / 8n;
  return parent + (rise > 1n ? rise : 1n);
}

describe("base fee", () => {
  it("the ladder rises by an eighth from 0.01 gwei, and has bounds", () => {
    expect(GENESIS_BASE_FEE).toBe(10_000_000n);
    expect(ladder.length).toBe(128);
    for (let i = 1; i < ladder.length; i++) expect(ladder[i]).toBe((ladder[i - 1]! * 9n) / 8n);
    expect(nextBaseFee({ baseFeePerGas: GENESIS_BASE_FEE, gasUsed: 0n })).toBe(GENESIS_BASE_FEE);
    expect(nextBaseFee({ baseFeePerGas: ladder.at(-1)!, gasUsed: LIMITS.blockGas })).toBe(ladder.at(-1));
  });

  it("from a step it leads to a step, one away at most", () => {
    fc.assert(
      fc.property(steps, gas, (baseFeePerGas, gasUsed) => {
        const at = ladder.indexOf(nextBaseFee({ baseFeePerGas, gasUsed }));
        expect(at).toBeGreaterThanOrEqual(0);
        expect(Math.abs(at - ladder.indexOf(baseFeePerGas))).toBeLessThanOrEqual(1);
      }),
      RUNS,
    );
  });

  it("never moves against EIP-1559, and ends at a step next to its result", () => {
    fc.assert(
      fc.property(steps, gas, (baseFeePerGas, gasUsed) => {
        const ours = nextBaseFee({ baseFeePerGas, gasUsed });
        const theirs = ethereumBaseFee(baseFeePerGas, gasUsed);
        if (theirs > baseFeePerGas) expect(ours).toBeGreaterThanOrEqual(baseFeePerGas);
        if (theirs < baseFeePerGas) expect(ours).toBeLessThanOrEqual(baseFeePerGas);
        const step = ladder.indexOf(ours);
        expect(ladder[Math.max(step - 1, 0)]).toBeLessThanOrEqual(
          theirs > GENESIS_BASE_FEE ? theirs : GENESIS_BASE_FEE,
        );
        if (step < ladder.length - 1) expect(ladder[step + 1]).toBeGreaterThanOrEqual(theirs);
      }),
      RUNS,
    );
  });

  it("rises for full blocks, falls for empty ones, rests around the target", () => {
    const middle = ladder[64]!;
    expect(nextBaseFee({ baseFeePerGas: middle, gasUsed: LIMITS.blockGas })).toBe(ladder[65]);
    expect(nextBaseFee({ baseFeePerGas: middle, gasUsed: 0n })).toBe(ladder[63]);
    for (const gasUsed of [TARGET / 2n, TARGET, (3n * TARGET) / 2n])
      expect(nextBaseFee({ baseFeePerGas: middle, gasUsed })).toBe(middle);
    expect(nextBaseFee({ baseFeePerGas: middle, gasUsed: (3n * TARGET) / 2n + 1n })).toBe(ladder[65]);
    expect(nextBaseFee({ baseFeePerGas: middle, gasUsed: TARGET / 2n - 1n })).toBe(ladder[63]);
  });

  it("more gas used never gives a lower fee", () => {
    fc.assert(
      fc.property(steps, gas, gas, (baseFeePerGas, left, right) => {
        const [low, high] = left < right ? [left, right] : [right, left];
        expect(nextBaseFee({ baseFeePerGas, gasUsed: low })).toBeLessThanOrEqual(
          nextBaseFee({ baseFeePerGas, gasUsed: high }),
        );
      }),
      RUNS,
    );
  });

  it("a parent off the ladder is refused", () => {
    fc.assert(
      fc.property(steps, (step) => {
        expect(() => nextBaseFee({ baseFeePerGas: step + 1n, gasUsed: 0n })).toThrow(RangeError);
        expect(() => nextBaseFee({ baseFeePerGas: step - 1n, gasUsed: 0n })).toThrow(RangeError);
      }),
      RUNS,
    );
  });
});
