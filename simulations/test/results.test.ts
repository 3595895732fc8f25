/** What providers sign, and JobReplay.sol that judges it: an honest provider of any random job cannot be convicted. */
import { createEngine, type Engine } from "@mvm/evm";
import type { Outcome } from "@mvm/protocol";
import { beforeAll, describe, expect, it } from "vitest";
import { Draw } from "../src/fuzz/draw.ts";
import { randomCase } from "../src/fuzz/evmGenerator.ts";
import { randomPlan } from "../src/fuzz/replayCase.ts";
import { compareJob, fuzzResults, type ResultEnds } from "../src/fuzz/results.ts";
import { JobL1 } from "../src/replay/jobL1.ts";
import { SeededRandom } from "../src/seededRandom.ts";

const SEED = 7;
const RUNS = 40;
const FAULTY_RUNS = 5;

let engine: Engine;
let l1: JobL1;
beforeAll(async () => {
  [engine, l1] = await Promise.all([createEngine(), JobL1.open()]);
});

/** What is first found with an engine that changes outcomes. */
async function foundWith(change: (outcome: Outcome & { kind: "included" }) => Outcome): Promise<string | undefined> {
  const faulty = await createEngine();
  const execute = faulty.execute.bind(faulty);
  faulty.execute = async (...args) =>
    (await execute(...args)).map((outcome) => (outcome.kind === "included" ? change(outcome) : outcome));
  for (let run = 0; run < FAULTY_RUNS; run++) {
    const seed = `results/faulty/${run}`;
    const given = randomCase(new Draw(new SeededRandom(seed)));
    const plan = randomPlan(new Draw(new SeededRandom(`${seed}/plan`)), given);
    const counts: ResultEnds = { ends: new Map(), reads: 0 };
    const found = await compareJob(faulty, l1, given, { plan, seed, counts });
    if (found !== null) return found.what;
  }
  return undefined;
}

describe("what providers sign of a job, on L1", () => {
  it(`is what L1 comes to over their reads, and it asks for each of them (seed ${SEED}, ${RUNS} runs)`, async () => {
    const found: object[] = [];
    const range = { seed: SEED, from: 0, runs: RUNS };
    const { differences, counts }: { differences: number; counts: ResultEnds } = await fuzzResults(
      engine,
      l1,
      range,
      (finding) => found.push(finding),
      () => undefined,
    );
    expect(found).toEqual([]);
    expect(differences).toBe(0);
    expect(counts.reads).toBeGreaterThan(500);
    for (const end of ["succeeded", "failed", "denied", "insufficient-funds", "intrinsic-gas", "nonce-too-high"])
      expect(counts.ends.get(end) ?? 0, end).toBeGreaterThan(0);
  });

  it("is told from results of less gas", async () => {
    const found = await foundWith((outcome) => ({ ...outcome, gasUsed: outcome.gasUsed - 1n }));
    expect(found).toMatch(/^another outcome/);
  });

  it("is told from results that leave a read out", async () => {
    const found = await foundWith((outcome) => ({ ...outcome, reads: outcome.reads.slice(1) }));
    expect(found).toMatch(/^another outcome: (AccountNotGiven|MissingValue)/);
  });

  it("is told from results that list a read which nobody makes", async () => {
    const fished = { kind: "account", address: `0x${"77".repeat(20)}`, value: null } as const;
    const found = await foundWith((outcome) => ({ ...outcome, reads: [...outcome.reads, fished as never] }));
    expect(found).toBe("a read that L1 does not make");
  });
});
