/** Slices of packages/evm against the engine, and SliceInterpreter.sol against the slices. */
import { createEngine, type Engine, SLICE, type Slice, type SliceLimits } from "@mvm/evm";
import { LIMITS } from "@mvm/protocol";
import { beforeAll, describe, expect, it } from "vitest";
import { Draw } from "../src/fuzz/draw.ts";
import { SeededRandom } from "../src/seededRandom.ts";
import { eachRandom } from "./randomTransactions.ts";
import { expectedOf, type SlicedTransaction, SliceLab, sliced } from "./sliceLab.ts";
import { expectCoherent } from "./sliceWorld.ts";

const SEED = "slices";
const RUNS = 60;
/** Slices of one transaction that are looked at one by one, or whose evidence is spoiled. */
const MOST_SLICES = 40;

let lab: SliceLab;
let engine: Engine;
beforeAll(async () => {
  [lab, engine] = await Promise.all([SliceLab.open(), createEngine()]);
});

/** The protocol's limits, or some that cut nearly anywhere. */
function limitsOf(draw: Draw): SliceLimits {
  if (draw.onceIn(3)) return SLICE;
  return { gas: draw.between(1, draw.onceIn(2) ? 60 : 3_000), bytes: draw.between(5_000, 70_000) };
}

async function eachSliced(
  run: number,
  seed: string,
  check: (sliced: SlicedTransaction) => Promise<void>,
): Promise<void> {
  const draw = new Draw(new SeededRandom(`${seed}/limits/${run}`));
  await eachRandom(engine, { run, seed, denies: true }, async (transaction) =>
    check(await sliced(engine, transaction, limitsOf(draw))),
  );
}

describe("random programs, cut anywhere", () => {
  it(`come to what they come to uncut, each slice in the contract too (seed ${SEED}, ${RUNS} runs)`, async () => {
    const kinds = new Map<string, number>();
    for (let run = 0; run < RUNS; run++) {
      await eachSliced(
        run,
        SEED,
        async ({ slices, first, outcome, surroundings, limits, environment, message, state }) => {
          const [whole] = await engine.execute(environment, [message], state);
          // What a step meets is read even where it cannot pay for it.
          expect({ ...outcome, reads: [] }, `run ${run}`).toEqual({ ...whole, reads: [] });
          expectCoherent(slices, first, outcome, message);
          for (const [i, slice] of slices.entries()) {
            // A loop is the same again and again.
            if (i > MOST_SLICES && i % 7 !== 0) continue;
            const { result, refused } = await lab.run(slice, surroundings, limits);
            expect(refused, `run ${run}, slice ${i}`).toBeNull();
            expect(result, `run ${run}, slice ${i}`).toEqual(expectedOf(slice));
            kinds.set(result!.kind, (kinds.get(result!.kind) ?? 0) + 1);
          }
        },
      );
    }
    for (const kind of ["called", "stopped", "success", "revert", "halt"])
      expect([kind, kinds.get(kind)]).toSatisfy(([, count]: [string, number]) => count > 10);
  });
});

describe("evidence of a slice", () => {
  it(`is all needed, and nothing beside it is taken (seed ${SEED}-evidence)`, async () => {
    const refusals = new Map<string, number>();
    for (let run = 0; run < RUNS / 2; run++) {
      await eachSliced(run, `${SEED}-evidence`, async ({ slices, surroundings, limits }) => {
        for (const slice of slices.slice(0, MOST_SLICES)) {
          for (const less of withoutOne(slice)) {
            const { refused, result } = await lab.run(less, surroundings, limits);
            // A frame that halts does so whatever the values that it met before it could not pay for them.
            if (result?.kind === "halt") continue;
            expect(refused, `run ${run}`).toMatch(/^(MissingValue|MalformedSlice)\(/);
            const kind = refused!.slice(0, 14);
            refusals.set(kind, (refusals.get(kind) ?? 0) + 1);
          }
          const more = withOneMore(slice);
          const { refused, result } = await lab.run(more, surroundings, limits);
          if (result?.kind === "halt") continue;
          expect(refused, `run ${run}`).toMatch(/^UnusedEvidence\(/);
        }
      });
    }
    for (const kind of [0, 1, 2, 3, 4, 5]) expect(refusals.get(`MissingValue(${kind}`) ?? 0).toBeGreaterThan(0);
  });
});

describe("a page of which only the hash is told", () => {
  it(`is nothing that a slice reads (seed ${SEED}-hashes)`, async () => {
    const tally = { refused: 0, same: 0 };
    for (let run = 0; run < RUNS; run++) {
      await eachSliced(run, `${SEED}-hashes`, async ({ slices, surroundings, limits }) => {
        for (const slice of slices.slice(0, MOST_SLICES)) {
          for (const less of withoutContents(slice)) {
            const { refused, result } = await lab.run(less, surroundings, limits);
            if (refused === null) {
              // It was met and then neither read nor written.
              expect(result, `run ${run}`).toEqual(expectedOf(less));
              tally.same++;
              continue;
            }
            expect(refused, `run ${run}`).toMatch(/^MissingValue\(4,/);
            tally.refused++;
          }
        }
      });
    }
    expect(tally.refused).toBeGreaterThan(50);
  });
});

/** The slice with one page's content taken away, each in turn. */
function* withoutContents(slice: Slice): Generator<Slice> {
  const { evidence } = slice;
  for (const name of ["memory", "input", "returned"] as const) {
    for (const [i, { index, page }] of evidence[name].entries()) {
      if (page === null) continue;
      yield { ...slice, evidence: { ...evidence, [name]: evidence[name].with(i, { index, page: null }) } };
    }
  }
}

/** The slice with one piece of its evidence taken away, each way. */
function* withoutOne(slice: Slice): Generator<Slice> {
  const { evidence } = slice;
  const lists = ["accounts", "slots", "transients", "memory", "input", "returned"] as const;
  for (const name of lists) {
    const list = evidence[name] as readonly unknown[];
    // The frame's own account is the first.
    for (let i = name === "accounts" ? 1 : 0; i < list.length; i++)
      yield { ...slice, evidence: { ...evidence, [name]: list.toSpliced(i, 1) } };
  }
  for (const address of evidence.codes.keys()) {
    const codes = new Map(evidence.codes);
    codes.delete(address);
    yield { ...slice, evidence: { ...evidence, codes } };
  }
  for (const block of evidence.blockHashes.keys()) {
    const blockHashes = new Map(evidence.blockHashes);
    blockHashes.delete(block);
    yield { ...slice, evidence: { ...evidence, blockHashes } };
  }
  if (evidence.stackWords > 0) yield { ...slice, evidence: { ...evidence, stackWords: evidence.stackWords - 1 } };
}

/** The slice with an account that it does not meet. */
function withOneMore(slice: Slice): Slice {
  const { evidence } = slice;
  const address = `0x${"e7".repeat(20)}` as (typeof evidence.accounts)[number]["address"];
  const [own] = evidence.accounts;
  return { ...slice, evidence: { ...evidence, accounts: [...evidence.accounts, { ...own!, address }] } };
}

describe("the contract", () => {
  it("fits", () => {
    expect(lab.codeBytes).toBeLessThan(LIMITS.codeBytes);
  });
});
