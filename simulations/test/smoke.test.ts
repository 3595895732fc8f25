import { describe, expect, it } from "vitest";
import { SCENARIOS } from "../src/scenarios/registry.ts";
import { runSmoke, SMOKE } from "../src/scenarios/smoke.ts";

/** A shorter run of the scenario, so that all three stay below half a minute. */
const SHORT = { ...SMOKE, dacs: 2, users: 4, busyMs: 24_000 };

describe("the smoke scenario", () => {
  it("gives the same run for the same seed and another for another, and holds in all of them", async () => {
    const first = await runSmoke(1, SHORT);
    const again = await runSmoke(1, SHORT);
    const other = await runSmoke(2, SHORT);
    for (const { violations } of [first, again, other]) expect(violations).toEqual([]);
    expect(again.logHash).toBe(first.logHash);
    expect(again.figures).toEqual(first.figures);
    expect(other.logHash).not.toBe(first.logHash);
    expect(first.figures["transactions"]).toBeGreaterThan(20);
    expect(first.figures["crashed"]).toMatch(/^provider-/);
  });
});

describe("every scenario", () => {
  it.each(SCENARIOS.map(({ name, run, sample }) => [name, sample ?? run] as const))("%s holds", async (_name, run) => {
    const { held, violations } = await run(1);
    expect(violations).toEqual([]);
    expect(held).toBe(true);
  });
});
