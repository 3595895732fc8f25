/** Whole transactions on L1: CheckpointReplay.sol and ExecutionManager.sol against the engine, and against evidence that is no good. */
import { createEngine, type Engine } from "@mvm/evm";
import type { Evidence } from "@mvm/l1";
import { wholeEvidence } from "@mvm/node";
import {
  aliasOf,
  type Checkpoint,
  checkpointLeaf,
  concatBytes,
  encodeSystemTransaction,
  genesisWrites,
  keccak,
  keccakHash,
  PREDEPLOYS,
  toAddress,
  toWord,
} from "@mvm/protocol";
import { beforeAll, describe, expect, it } from "vitest";
import { Draw } from "../src/fuzz/draw.ts";
import { randomCase } from "../src/fuzz/evmGenerator.ts";
import { compareBlock, fuzzReplay, type ReplayPeer } from "../src/fuzz/replay.ts";
import { randomPlan } from "../src/fuzz/replayCase.ts";
import { CheckpointL1, type L1Replay, type L1Verdict } from "../src/replay/checkpointL1.ts";
import { FREE_CHARTER, storedState } from "../src/replay/storedState.ts";
import { SeededRandom } from "../src/seededRandom.ts";
import { blockUpon } from "./partsLab.ts";

const SEED = 7;
const RUNS = 100;
/** runs whose evidence is spoiled */
const SPOILED_RUNS = 6;
/** bytes of a contract's code at most (EIP-170) */
const MOST_CODE_BYTES = 24_576;

let engine: Engine;
let l1: CheckpointL1;
beforeAll(async () => {
  [engine, l1] = await Promise.all([createEngine(), CheckpointL1.open()]);
});

const nothing = (): void => undefined;
const told = (verdict: L1Verdict): string =>
  "refused" in verdict ? "refused" : verdict.after === "invalid" ? "invalid" : checkpointLeaf(verdict.after);

/** Walks through random blocks with an L1 that is asked other things first; gives how often it was. */
async function spoiling(
  ask: (call: Parameters<ReplayPeer["replay"]>, right: L1Replay) => Promise<void>,
): Promise<void> {
  const peer: ReplayPeer = {
    hold: (codes) => l1.hold(codes),
    differs: (...call) => l1.differs(...call),
    replay: async (...call) => {
      const right = await l1.replay(...call);
      await ask(call, right);
      return right;
    },
  };
  for (let run = 0; run < SPOILED_RUNS; run++) {
    const seed = `spoiled/${run}`;
    const given = randomCase(new Draw(new SeededRandom(seed)));
    const plan = randomPlan(new Draw(new SeededRandom(`${seed}/plan`)), given);
    expect(await compareBlock(engine, peer, given, { plan, seed, ends: new Map(), slices: null })).toBeNull();
  }
}

/** An evidence with one piece of it left out, for each piece. */
function* withoutOne(evidence: Evidence): Generator<Evidence> {
  for (const part of ["nodes", "codes", "hashes", "keys"] as const)
    for (let i = 0; i < evidence[part].length; i++) yield { ...evidence, [part]: evidence[part].toSpliced(i, 1) };
  for (const [i, key] of evidence.keys.entries())
    for (let slot = 0; slot < key.slots.length; slot++)
      yield { ...evidence, keys: evidence.keys.with(i, { ...key, slots: key.slots.toSpliced(slot, 1) }) };
  if (evidence.bloom.length > 0) yield { ...evidence, bloom: evidence.bloom.subarray(1) };
}

describe("transactions replayed on L1", () => {
  it(`lead to the engine's checkpoints, and are invalid where they are for it (seed ${SEED}, ${RUNS} runs)`, async () => {
    const found: object[] = [];
    const range = { seed: SEED, from: 0, runs: RUNS };
    const { differences, ends } = await fuzzReplay(
      engine,
      { l1, slices: null },
      range,
      (finding) => found.push(finding),
      nothing,
    );
    expect(found).toEqual([]);
    expect(differences).toBe(0);
    for (const end of ["succeeded", "failed", "denied", "insufficient-funds", "intrinsic-gas", "nonce-too-high"])
      expect(ends.get(end) ?? 0, end).toBeGreaterThan(0);
  });

  it("count a slot that MT was minted into as written before: a message that withdraws at once", async () => {
    const state = storedState([genesisWrites(), [FREE_CHARTER]]);
    const block = blockUpon(engine, state);
    const from = aliasOf(toAddress("0x00000000000000000000000000000000000051e9"));
    const selector = keccak(new TextEncoder().encode("withdraw(address)")).subarray(0, 4);
    const data = concatBytes(selector, toWord(BigInt(from)));
    const item = { source: "message", index: 3n, from, to: PREDEPLOYS.coinbase, gasLimit: 600_000n, data } as const;
    const raw = encodeSystemTransaction(block.facts.chainId, { ...item, mint: 1_000n, value: 500n });
    const step = await block.execute(raw);
    const evidence = wholeEvidence(block.witness(step));
    const { before, index } = block;
    const after = block.apply(step);
    expect(step.verdict).toMatchObject({ outcome: { status: 1 } });
    expect((await l1.replay(block.facts, index, before, raw, evidence)).verdict).toEqual({ after });
  });

  it("are told from those of an engine that gives back a unit of gas too much", async () => {
    const faulty = await createEngine();
    const execute = faulty.execute.bind(faulty);
    faulty.execute = async (...args) => {
      const outcomes = await execute(...args);
      return outcomes.map((outcome) =>
        outcome.kind === "included" ? { ...outcome, gasUsed: outcome.gasUsed - 1n } : outcome,
      );
    };
    const found: object[] = [];
    await fuzzReplay(
      faulty,
      { l1, slices: null },
      { seed: SEED, from: 0, runs: 5 },
      (finding) => found.push(finding),
      nothing,
    );
    expect(found.slice(0, 1)).toMatchObject([{ difference: { what: expect.stringMatching(/^another verdict on/) } }]);
  });

  it("come to no other verdict for want of any piece of their evidence", async () => {
    let refusals = 0;
    await spoiling(async ([facts, index, before, raw, evidence], { verdict }) => {
      for (const spoiled of withoutOne(evidence)) {
        const answer = (await l1.replay(facts, index, before, raw, spoiled)).verdict;
        if ("refused" in answer) refusals++;
        else expect(told(answer)).toBe(told(verdict));
      }
    });
    expect(refusals).toBeGreaterThan(200);
  });

  it("are refused with more evidence than they need", async () => {
    const node = concatBytes(
      Uint8Array.of(0xf8, 0x46, 0x92, 0x20),
      new Uint8Array(17),
      Uint8Array.of(0xb2),
      new Uint8Array(50),
    );
    const code = Uint8Array.of(0xef, 0x01);
    const refusalOf = async (...call: Parameters<ReplayPeer["replay"]>): Promise<string> => {
      const { verdict } = await l1.replay(...call);
      return "refused" in verdict ? verdict.refused : told(verdict);
    };
    await spoiling(async ([facts, index, before, raw, evidence]) => {
      if (index !== 1) return;
      const more = { ...evidence, nodes: [...evidence.nodes, node] };
      expect(await refusalOf(facts, index, before, raw, more)).toMatch(/^(UnusedNode|MalformedNode)\(/);
      const twice = { ...evidence, nodes: [...evidence.nodes, ...evidence.nodes.slice(0, 1)] };
      if (evidence.nodes.length > 0)
        expect(await refusalOf(facts, index, before, raw, twice)).toBe(
          `DuplicateNode(${keccakHash(evidence.nodes[0]!)})`,
        );
      const stranger = { hash: keccakHash(code), code };
      const coded = { ...evidence, codes: [...evidence.codes, stranger] };
      expect(await refusalOf(facts, index, before, raw, coded)).toBe(`UnusedCode(${stranger.hash})`);
      const far = { ...evidence, hashes: [...evidence.hashes, facts.number] };
      expect(await refusalOf(facts, index, before, raw, far)).toBe(`HashOutOfReach(${facts.number})`);
    });
  });

  it("come to no other verdict for want of gas on L1, wherever it ends", async () => {
    let starved = 0;
    await spoiling(async ([facts, index, before, raw, evidence], { verdict, gas }) => {
      const whole = gas + 1_000_000n;
      for (let part = 1n; part < 20n; part++) {
        const answer = (await l1.replay(facts, index, before, raw, evidence, (whole * part) / 20n)).verdict;
        if ("refused" in answer) starved++;
        else expect(told(answer)).toBe(told(verdict));
      }
    });
    expect(starved).toBeGreaterThan(100);
  });

  it("are refused with the evidence of another state or another block", async () => {
    await spoiling(async ([facts, index, before, raw, evidence], { verdict }) => {
      if (told(verdict) === "invalid" || evidence.keys.length === 0) return;
      const others: readonly Partial<Checkpoint>[] = [
        { stateRoot: keccakHash(raw) },
        { transactionsRoot: keccakHash(raw) },
        { receiptsRoot: keccakHash(raw) },
      ];
      for (const other of others)
        expect(told((await l1.replay(facts, index, { ...before, ...other }, raw, evidence)).verdict)).toBe("refused");
    });
  });

  it("run in contracts that L1 takes", () => {
    for (const bytes of Object.values(l1.codeBytes)) expect(bytes).toBeLessThanOrEqual(MOST_CODE_BYTES);
  });
});
