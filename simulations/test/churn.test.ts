import { describe, expect, it } from "vitest";
import { runChurn } from "../src/scenarios/churn.ts";

/** Blocks of a sample: the whole scenario is `npm run simulate -- --scenario churn`. */
const BLOCKS = 40;

describe("providers that vanish in the middle of a job", () => {
  it("lose no block, delay none by more than two block times, and cost nobody honest anything; a seed gives one run", async () => {
    const first = await runChurn(1, { blocks: BLOCKS });
    expect(first.violations).toEqual([]);
    const { figures } = first;
    expect(figures).toMatchObject({ blocksLost: 0, honestSlashed: 0 });
    expect(figures["latestInBlockTimes"]).toBeLessThanOrEqual(2);
    expect(figures["blocksWithJobs"]).toBeGreaterThanOrEqual(BLOCKS);
    // by chance some more or fewer than three of ten are asked
    expect(figures["vanishedShare"]).toBeGreaterThan(0.2);
    expect(figures["vanishedShare"]).toBeLessThan(0.4);
    const again = await runChurn(1, { blocks: BLOCKS });
    expect([again.logHash, again.figures]).toEqual([first.logHash, figures]);
    const other = await runChurn(2, { blocks: BLOCKS });
    expect(other.violations).toEqual([]);
    expect(other.logHash).not.toBe(first.logHash);
  });

  it("are told when blocks come late: where nearly all vanish", async () => {
    const { held, violations, figures } = await runChurn(1, { blocks: 6, vanishing: 0.9 });
    expect(held).toBe(false);
    expect(figures["latestInBlockTimes"]).toBeGreaterThan(2);
    expect(violations.map(({ replay }) => replay.what)).toContain(
      `a block was there only after ${figures["latestInBlockTimes"]} block times`,
    );
  });
});
