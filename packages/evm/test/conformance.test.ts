import { describe, expect, it } from "vitest";
import { createEngine } from "../src/index.ts";
import { isArchiveThere, runCase, stateTests } from "./stateTests.ts";

/** Every n-th file; MVM_STATE_TESTS=1 takes all. */
const EVERY = Number(process.env["MVM_STATE_TESTS"] ?? 4);
/** A minute of nothing but a precompile's four thousand million rounds. */
const SLOW = /Blake2f_MaxRounds/i;

describe("public state tests at Cancun, base fee burnt", () => {
  it("all that are run give the expected root, logs and refusals", async ({ annotate }) => {
    if (!isArchiveThere()) {
      await annotate("left out: ../shared/conformance is not there");
      return;
    }
    const engine = await createEngine({ hardfork: "cancun", feePolicy: "burn" });
    const faults: string[] = [];
    const skipped = new Map<string, number>();
    let passed = 0;
    let position = 0;
    for (const [file, test] of stateTests()) {
      if (position++ % EVERY !== 0) continue;
      for (const post of test.post.Cancun) {
        const result = SLOW.test(file) ? { skipped: "slow" } : await runCase(engine, test, post);
        if ("skipped" in result) skipped.set(result.skipped, (skipped.get(result.skipped) ?? 0) + 1);
        else if (result.fault === null) passed++;
        else faults.push(`${file} ${JSON.stringify(post.indexes)}: ${result.fault}`);
      }
    }
    await annotate(`${passed} cases passed; left out: ${JSON.stringify(Object.fromEntries(skipped))}`);
    expect(faults).toEqual([]);
    expect(passed).toBeGreaterThan(100);
  }, 900_000);
});
