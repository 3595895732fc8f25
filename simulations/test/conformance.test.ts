import { describe, expect, it } from "vitest";
import { jsonFiles, whyAbsent } from "../src/conformance/archives.ts";
import { type Post, runCase, type StateTest } from "../src/conformance/stateTest.ts";
import { runStateTests } from "../src/conformance/stateTests.ts";
import { ethereumEngine } from "../src/ethereumEngine.ts";

/** Every n-th file; `npm run conformance -- state-tests` takes all. */
const EVERY = 4;
/** The same of `npm run conformance -- replay`. */
const EVERY_ON_L1 = 16;
/** A minute of nothing but a precompile's four thousand million rounds. */
const SLOW = /Blake2f_MaxRounds/i;

/** The first test of the suite that our engine passes, with its first case at Cancun. */
function firstTest(): { readonly name: string; readonly test: StateTest; readonly post: Post } {
  const [, parse] = jsonFiles().next().value!;
  const [[name, test]] = Object.entries(parse() as Record<string, StateTest>) as [[string, StateTest]];
  return { name, test, post: test.post["Cancun"]![0]! };
}

describe("public state tests, additions idle", () => {
  it("all that are run give the expected root, logs and refusals", async ({ annotate }) => {
    const why = whyAbsent();
    if (why !== null) {
      await annotate(`left out: ${why}`);
      return;
    }
    const tally = await runStateTests((file, position) => position % EVERY === 0 && !SLOW.test(file));
    await annotate(`${tally.passed} cases passed; left out: ${JSON.stringify(tally.skippedWhy)}`);
    expect(tally.failures).toEqual([]);
    expect(tally.passed).toBeGreaterThan(100);
  }, 900_000);

  it("come out on L1 as on the engine, by a DAC's rules", async ({ annotate }) => {
    const why = whyAbsent();
    if (why !== null) {
      await annotate(`left out: ${why}`);
      return;
    }
    const tally = await runStateTests((_, position) => position % EVERY_ON_L1 === 0, "replay");
    await annotate(`${tally.passed} cases passed; left out: ${JSON.stringify(tally.skippedWhy)}`);
    expect(tally.failures).toEqual([]);
    expect(tally.passed).toBeGreaterThanOrEqual(300);
  }, 900_000);

  it("a case fails that should give another root, other logs, or be refused", async ({ annotate }) => {
    const why = whyAbsent();
    if (why !== null) {
      await annotate(`left out: ${why}`);
      return;
    }
    const engine = await ethereumEngine("cancun");
    const { name, test, post } = firstTest();
    const other = `0x${"12".repeat(32)}`;
    const faultOf = async (changed: Post): Promise<unknown> => runCase(engine, name, test, changed);
    expect(await faultOf(post)).toEqual({ fault: null });
    expect(await faultOf({ ...post, hash: other })).toEqual({ fault: expect.stringContaining("state root differs") });
    expect(await faultOf({ ...post, logs: other })).toEqual({ fault: "logs differ" });
    expect(await faultOf({ ...post, expectException: "x" })).toEqual({ fault: "included, should be x" });
  });

  it("says why they are left out where there are no data", () => {
    expect(whyAbsent("/nowhere/at/all/")).toMatch(/is not there/);
  });
});
