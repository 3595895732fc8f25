import { BATCH_FAULTS } from "@mvm/protocol";
import { Result } from "ethers";
import { beforeAll, describe, expect, it } from "vitest";
import { type BatchDifference, compareBatchCase, fuzzBatch } from "../src/fuzz/batch.ts";
import { type BatchCase, batchData, randomBatchCase } from "../src/fuzz/batchCase.ts";
import { type BatchContract, batchContract } from "../src/fuzz/batchContract.ts";
import { Draw } from "../src/fuzz/draw.ts";
import type { Finding } from "../src/fuzz/fuzzer.ts";
import { SeededRandom } from "../src/seededRandom.ts";

const SEED = 20_261_123;
const RUNS = 120;
const FAULTY_RUNS = 12;

let contract: BatchContract;
beforeAll(async () => {
  contract = await batchContract();
});

/** The contract with its answers to one question changed. */
function faulty(question: string, change: (answer: Result) => Result | null): BatchContract {
  return {
    ask: async (name, args) => {
      const answer = await contract.ask(name, args);
      return name === question && answer !== null ? change(answer) : answer;
    },
  };
}

type Found = Finding & { readonly difference: BatchDifference };

async function findingsOf(suspect: BatchContract, runs: number): Promise<{ differences: number; found: Found[] }> {
  const found: Found[] = [];
  const range = { seed: SEED, from: 0, runs };
  const { differences } = await fuzzBatch(
    suspect,
    range,
    (finding) => found.push(finding as Found),
    () => {},
  );
  return { differences, found };
}

const caseOf = (run: number): BatchCase => randomBatchCase(new Draw(new SeededRandom(`fuzz/batch/${SEED}/${run}`)));

describe("the fuzzer of the batch format", () => {
  it(`finds nothing between TypeScript and Solidity in ${RUNS} runs, which give most faults and transactions`, async ({
    annotate,
  }) => {
    await annotate(`npm run fuzz -- batch --seed ${SEED} --runs ${RUNS}`);
    const seen = new Set<string>();
    const watched: BatchContract = {
      ask: async (name, args) => {
        const answer = await contract.ask(name, args);
        seen.add(`${name} ${answer?.[0]}`);
        return answer;
      },
    };
    const { differences, found } = await findingsOf(watched, RUNS);
    expect(found).toEqual([]);
    expect(differences).toBe(0);
    expect(seen).toContain("transactionAt 0");
    const faults = new Set([...seen].map((each) => each.split(" ")[1]));
    const { overrun, reserved, leftover } = BATCH_FAULTS;
    for (const code of [overrun, reserved, leftover, BATCH_FAULTS["not-canonical"], BATCH_FAULTS["bad-offset"]])
      expect(faults).toContain(String(code));
  }, 300_000);

  it("finds a fault that is not told, a transaction that is another, an index that is lost, a revert", async () => {
    const whats = async (suspect: BatchContract): Promise<string[]> =>
      (await findingsOf(suspect, FAULTY_RUNS)).found.map(({ difference }) => difference.what);
    expect(await whats(faulty("rowGroupFault", () => Result.fromItems([0n])))).toContain("rowGroupFault");
    const altered = ([fault, raw, indices]: Result): Result => Result.fromItems([fault, `${raw}00`, indices]);
    expect(await whats(faulty("transactionAt", altered))).toContain("transactionAt");
    const lost = ([fault, indices, inlined]: Result): Result => Result.fromItems([fault, indices.slice(1), inlined]);
    expect(await whats(faulty("referencesAt", lost))).toContain("referencesAt");
    expect(await whats(faulty("contextAt", () => null))).toContain("contextAt");
  }, 300_000);

  it("makes the same cases from the same seed, and comes down to few transactions", async () => {
    expect(batchData(caseOf(1))).toEqual(batchData(caseOf(1)));
    expect(batchData(caseOf(1))).not.toEqual(batchData(caseOf(2)));
    expect(await compareBatchCase(contract, caseOf(1))).toBe(null);
    const suspect = faulty("origin", () => Result.fromItems([99n]));
    const { found } = await findingsOf(suspect, 1);
    expect(found[0]!.smallest).toMatchObject({ changes: [], asked: [] });
  });
});
