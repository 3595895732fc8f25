import { spawnSync } from "node:child_process";
import type { IncludedOutcome, Outcome } from "@mvm/protocol";
import { beforeAll, describe, expect, it } from "vitest";
import { ethereumEngine } from "../src/ethereumEngine.ts";
import { Draw } from "../src/fuzz/draw.ts";
import { fuzzEngine } from "../src/fuzz/evm.ts";
import { describeCase } from "../src/fuzz/evmCase.ts";
import type { EngineUnderTest } from "../src/fuzz/evmCompare.ts";
import { randomCase } from "../src/fuzz/evmGenerator.ts";
import type { Finding } from "../src/fuzz/fuzzer.ts";
import { listsWithSmaller, shorterLists, shrink } from "../src/fuzz/shrink.ts";
import { SeededRandom } from "../src/seededRandom.ts";

const SEED = 20_261_122;
const RUNS = 200;
/** Enough for every kind of fault below to show. */
const FAULTY_RUNS = 12;

let engine: EngineUnderTest;
beforeAll(async () => {
  engine = await ethereumEngine("osaka");
});

/** The engine with what its included outcomes say changed. */
function faulty(change: (outcome: IncludedOutcome) => Outcome): EngineUnderTest {
  return {
    call: (...given) => engine.call(...given),
    execute: async (...given) =>
      (await engine.execute(...given)).map((outcome) => (outcome.kind === "included" ? change(outcome) : outcome)),
  };
}

type Smallest = { readonly transactions: readonly unknown[]; readonly accounts: readonly { readonly code: string }[] };
type Found = Finding & { readonly difference: { readonly what: string }; readonly smallest: Smallest };

async function findingsOf(suspect: EngineUnderTest, runs: number): Promise<{ differences: number; found: Found[] }> {
  const found: Found[] = [];
  const range = { seed: SEED, from: 0, runs };
  const { differences } = await fuzzEngine(
    suspect,
    range,
    (finding) => found.push(finding as Found),
    () => {},
  );
  return { differences, found };
}

/** Instructions of all code of a case. */
const instructions = ({ accounts }: Smallest): number =>
  accounts.reduce((sum, { code }) => sum + (code === "" ? 0 : code.split(" ").length), 0);

describe("the engine's fuzzer", () => {
  it(`finds nothing between engine and anvil in ${RUNS} runs`, async ({ annotate }) => {
    await annotate(`npm run fuzz -- evm --seed ${SEED} --runs ${RUNS}`);
    const { differences, found } = await findingsOf(engine, RUNS);
    expect(found).toEqual([]);
    expect(differences).toBe(0);
  }, 300_000);

  it("finds gas that is off by one where there are logs, and makes the case small", async () => {
    const suspect = faulty((outcome) =>
      outcome.logs.length === 0 ? outcome : { ...outcome, gasUsed: outcome.gasUsed + 1n },
    );
    const { differences, found } = await findingsOf(suspect, FAULTY_RUNS);
    expect(differences).toBeGreaterThan(0);
    for (const { difference, smallest } of found) {
      expect(difference.what).toBe("gas");
      expect(smallest.transactions.length).toBe(1);
      expect(instructions(smallest)).toBeLessThan(6);
    }
  });

  it("finds a slot's write that is lost, and makes the case small", async () => {
    const suspect = faulty((outcome) => ({
      ...outcome,
      writes: outcome.writes.map((write) => ({ ...write, slots: write.slots.slice(1) })),
    }));
    const { differences, found } = await findingsOf(suspect, FAULTY_RUNS);
    expect(differences).toBeGreaterThan(0);
    for (const { difference, smallest } of found) {
      expect(difference.what).toBe("state");
      expect(smallest.transactions.length).toBe(1);
      expect(instructions(smallest)).toBeLessThan(6);
    }
  });

  it("finds a status, a log, return data and a refusal that are wrong", async () => {
    const whats = async (suspect: EngineUnderTest): Promise<string[]> =>
      (await findingsOf(suspect, FAULTY_RUNS)).found.map(({ difference }) => difference.what);
    expect(await whats(faulty((outcome) => ({ ...outcome, status: outcome.status === 1 ? 0 : 1 })))).toContain(
      "status",
    );
    expect(await whats(faulty((outcome) => ({ ...outcome, logs: outcome.logs.slice(1) })))).toContain("logs");
    expect(await whats(faulty(() => ({ kind: "invalid", reason: "nonce-too-low", reads: [] })))).toContain("inclusion");
    const talkative: EngineUnderTest = {
      execute: (...given) => engine.execute(...given),
      call: async (...given) => ({ ...(await engine.call(...given)), returnData: Uint8Array.of(1) }),
    };
    expect(await whats(talkative)).toContain("return data");
  }, 300_000);

  it("makes the same cases from the same seed and others from another", () => {
    const caseOf = (seed: number): string =>
      JSON.stringify(describeCase(randomCase(new Draw(new SeededRandom(`fuzz/evm/${seed}/0`)))));
    expect(caseOf(1)).toBe(caseOf(1));
    expect(caseOf(1)).not.toBe(caseOf(2));
  });

  it("ends with exit code 2 on wrong usage", () => {
    const run = (...args: string[]) =>
      spawnSync(process.execPath, ["simulations/src/fuzz.ts", ...args], { encoding: "utf8", timeout: 60_000 });
    for (const args of [["no-such"], ["evm", "--runs", "0"], ["evm", "--what"]]) {
      const { status, stderr } = run(...args);
      expect(status, args.join(" ")).toBe(2);
      expect(stderr).toContain("usage: npm run fuzz");
    }
  });
});

describe("shrinking", () => {
  const smaller = (list: readonly number[]): Iterable<readonly number[]> => [
    ...shorterLists(list),
    ...listsWithSmaller(list, (value) => (value > 10 ? [value - 1] : [])),
  ];

  it("ends at what cannot be made smaller", async () => {
    const all = Array.from({ length: 100 }, (_, i) => i);
    const fails = async (list: readonly number[]): Promise<boolean> => list.includes(7) && list.some((n) => n >= 40);
    expect((await shrink(all, smaller, fails, 5_000)).smallest).toEqual([7, 40]);
  });

  it("ends when its attempts are used up, with the smallest that fails so far", async () => {
    const all = Array.from({ length: 100 }, (_, i) => i);
    const { smallest, tried } = await shrink(all, smaller, async (list) => list.includes(99), 2);
    expect(tried).toBe(2);
    expect(smallest).toContain(99);
  });
});
