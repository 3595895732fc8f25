/** The fuzzer `replay`: the engine against the contracts that replay transactions on L1, checkpoint by checkpoint. */
import { createEngine, type Engine } from "@mvm/evm";
import {
  BlockReplay,
  evidenceAgainst,
  type ReplayStep,
  type SlicedCase,
  TransactionSlices,
  wholeEvidence,
} from "@mvm/node";
import {
  type Address,
  type Checkpoint,
  checkpointLeaf,
  encodeSystemTransaction,
  environmentOf,
  fromHex,
  keccakHash,
  SYSTEM,
  toChainId,
  toHash,
  ZERO_ADDRESS,
  ZERO_HASH,
} from "@mvm/protocol";
import { WorldState } from "@mvm/state";
import { CheckpointL1, type L1Verdict } from "../replay/checkpointL1.ts";
import { SlicesL1 } from "../replay/slicesL1.ts";
import { replaySource, storedState } from "../replay/storedState.ts";
import { SeededRandom } from "../seededRandom.ts";
import { CHAIN_ID } from "./anvilPeer.ts";
import { Draw } from "./draw.ts";
import { describeCase, type EvmCase, encodeTransaction } from "./evmCase.ts";
import { randomCase } from "./evmGenerator.ts";
import { smallerCases } from "./evmShrink.ts";
import type { Finding, Fuzzer, FuzzRange } from "./fuzzer.ts";
import { BLOCK_NUMBER, type BlockPlan, MOST_GAS, randomPlan, stateWrites } from "./replayCase.ts";
import { shrink } from "./shrink.ts";

const CHAIN = toChainId(CHAIN_ID);
const SHRINK_ATTEMPTS = 100;
/** findings of one kind that are made small and reported; the rest is counted */
const REPORTED = 2;
const RUNS_PER_NOTE = 500;

/** What L1 is asked in a run: its answer to a step, or to one whose evidence was tampered with. */
export type ReplayPeer = Pick<CheckpointL1, "replay" | "differs" | "hold">;

/** The same for its parts. */
export type SlicesPeer = Pick<SlicesL1, "replay" | "firstOf">;

type Difference = { readonly what: string; readonly index: number; readonly ours: string; readonly l1: string };

/** How often a transaction ended how, over all runs. */
export type Ends = Map<string, number>;

function endOf({ verdict }: ReplayStep): string {
  if ("invalid" in verdict) return verdict.invalid;
  return verdict.outcome.status === 1 ? "succeeded" : "failed";
}

type Comparison = {
  readonly plan: BlockPlan;
  readonly seed: string;
  readonly ends: Ends;
  /** L1 for the parts of each transaction; null: they are left out */
  readonly slices: SlicesPeer | null;
};

/** Walks through a block; gives the first transaction of which L1 says something else. */
export async function compareBlock(
  engine: Engine,
  l1: ReplayPeer,
  given: EvmCase,
  { plan, seed, ends, slices }: Comparison,
): Promise<Difference | null> {
  const state = storedState(stateWrites(plan, given));
  const prevRandao = toHash(keccakHash(new TextEncoder().encode(seed)));
  const { baseFeePerGas } = given;
  const environment = environmentOf({ timestamp: 1_800_000_012n, baseFeePerGas, prevRandao });
  const parentHash = keccakHash(fromHex(prevRandao));
  const facts = { chainId: CHAIN, number: BLOCK_NUMBER, parentHash, environment };
  const block = new BlockReplay(engine, facts, replaySource(state), state.root);
  const nonceOf = (account: Address): bigint =>
    new WorldState(block.nodes, block.before.stateRoot).account(account)?.nonce ?? 0n;
  const signed = (place: number): Uint8Array => {
    const { gasLimit, ...rest } = given.transactions[place]!;
    return encodeTransaction({ ...rest, gasLimit: gasLimit > MOST_GAS ? MOST_GAS : gasLimit }, nonceOf);
  };
  const forced = (place: number) =>
    ({
      source: "forced",
      index: 3n,
      from: SYSTEM,
      to: ZERO_ADDRESS,
      mint: 0n,
      value: 0n,
      gasLimit: 0n,
      data: signed(place % given.transactions.length),
    }) as const;
  const makers = [
    () => encodeSystemTransaction(CHAIN, plan.context),
    ...plan.queue.map((item) => () => encodeSystemTransaction(CHAIN, "forced" in item ? forced(item.forced) : item)),
    ...given.transactions.map((_, place) => () => signed(place)),
    () => encodeSystemTransaction(CHAIN, plan.settle),
  ];
  for (const make of makers) {
    const raw = make();
    const step = await block.execute(raw);
    const witness = block.witness(step);
    const { before, index } = block;
    const cut = slices === null ? null : await block.cut(step);
    const after = "invalid" in step.verdict ? null : block.apply(step);
    ends.set(endOf(step), (ends.get(endOf(step)) ?? 0) + 1);
    if (witness.codes.length > 0 && index % 2 === 0) await l1.hold(witness.codes);
    const { verdict } = await l1.replay(facts, index, before, raw, wholeEvidence(witness));
    const [ours, theirs] = [told({ after: after ?? "invalid" }), told(verdict)];
    if (ours !== theirs) {
      const what = "refused" in verdict ? verdict.refused.replace(/\(.*/, "") : `another verdict on ${endOf(step)}`;
      return { what, index, ours, l1: theirs };
    }
    const parts = cut === null ? null : await partsDifference(slices!, cut, after);
    if (parts !== null) return { index, ...parts, what: `${parts.what} after ${endOf(step)}` };
    const claimed = claimOf(after, index);
    const isWrong = after === null || checkpointLeaf(claimed) !== checkpointLeaf(after);
    const seen = await l1.differs(facts, before, raw, evidenceAgainst(witness, after, claimed), claimed);
    if ("refused" in seen || seen.isWrong !== isWrong) {
      const l1Says = "refused" in seen ? seen.refused : String(seen.isWrong);
      return { what: `another verdict on a claim after ${endOf(step)}`, index, ours: String(isWrong), l1: l1Says };
    }
  }
  return null;
}

/** The first part of a transaction that L1 does not lead from its commitment to the next one. */
async function partsDifference(
  l1: SlicesPeer,
  cut: SlicedCase,
  after: Checkpoint | null,
): Promise<Omit<Difference, "index"> | null> {
  const slices = new TransactionSlices(cut, after);
  const first = await l1.firstOf(cut.facts, cut.index, cut.before, cut.raw);
  if (first !== slices.commitment(0))
    return { what: "another first commitment", ours: slices.commitment(0), l1: first };
  for (let part = 0; part < slices.length; part++) {
    const proof = slices.proof(part);
    const { told } = await l1.replay(proof);
    const [ours, theirs] = [[slices.commitment(part), slices.commitment(part + 1)].join(), told.toString()];
    if (ours === theirs) continue;
    const kind = proof.by === "SliceReplay" ? "slice" : `step ${proof.proof["kind"]}`;
    return {
      what: typeof told === "string" ? `${kind} ${told.replace(/\(.*/, "")}` : kind,
      ours: `${part}: ${ours}`,
      l1: theirs,
    };
  }
  return null;
}

const CLAIMED_FIELDS = [
  "stateRoot",
  "receiptHash",
  "transactionsRoot",
  "receiptsRoot",
  "bloomHash",
  "cumulativeGasUsed",
  null,
] as const;

/** A checkpoint that is claimed after a transaction: the right one, or wrong in one field. */
function claimOf(after: Checkpoint | null, index: number): Checkpoint {
  const right = after ?? { ...NO_CHECKPOINT, index };
  const field = CLAIMED_FIELDS[(index + Number(BigInt(right.stateRoot) & 0xffn)) % CLAIMED_FIELDS.length]!;
  if (field === null) return right;
  if (field === "cumulativeGasUsed") return { ...right, cumulativeGasUsed: right.cumulativeGasUsed + 1n };
  return { ...right, [field]: keccakHash(fromHex(right[field])) };
}

const NO_CHECKPOINT: Omit<Checkpoint, "index"> = {
  stateRoot: ZERO_HASH,
  cumulativeGasUsed: 0n,
  receiptHash: ZERO_HASH,
  transactionsRoot: ZERO_HASH,
  receiptsRoot: ZERO_HASH,
  bloomHash: ZERO_HASH,
};

/** A verdict to compare: a checkpoint by its leaf. */
function told(verdict: L1Verdict): string {
  if ("refused" in verdict) return verdict.refused;
  return verdict.after === "invalid" ? "invalid" : checkpointLeaf(verdict.after);
}

/** Compares over a range of runs; engine and L1 are parameters so that faulty ones can be found out. */
export async function fuzzReplay(
  engine: Engine,
  { l1, slices }: { readonly l1: ReplayPeer; readonly slices: SlicesPeer | null },
  { seed, from, runs }: FuzzRange,
  report: (finding: Finding) => void,
  note: (text: string) => void,
): Promise<{ readonly differences: number; readonly ends: Ends }> {
  const ends: Ends = new Map();
  const kinds = new Map<string, number>();
  let differences = 0;
  for (let run = from; run < from + runs; run++) {
    const name = `fuzz/replay/${seed}/${run}`;
    const evmCase = randomCase(new Draw(new SeededRandom(name)));
    const plan = randomPlan(new Draw(new SeededRandom(`${name}/plan`)), evmCase);
    const compared = (given: EvmCase, into: Ends): Promise<Difference | null> =>
      compareBlock(engine, l1, given, { plan, seed: name, ends: into, slices });
    const difference = await compared(evmCase, ends);
    if (difference !== null) {
      differences++;
      const alike = kinds.get(difference.what) ?? 0;
      kinds.set(difference.what, alike + 1);
      if (alike < REPORTED) {
        const differsAlike = async (given: EvmCase): Promise<boolean> =>
          given.transactions.length > 0 && (await compared(given, new Map()))?.what === difference.what;
        const { smallest, tried } = await shrink(evmCase, smallerCases, differsAlike, SHRINK_ATTEMPTS);
        const again = (await compared(smallest, new Map())) ?? difference;
        report({ run, difference: again, smallest: describeCase(smallest), tried });
      }
    }
    if ((run - from + 1) % RUNS_PER_NOTE === 0) note(`${run - from + 1} of ${runs} runs, ${differences} differ`);
  }
  return { differences, ends };
}

export const replay: Fuzzer = {
  name: "replay",
  summary:
    "the engine against the contracts that replay transactions on L1, whole and in parts: checkpoints, commitments, refusals; users' and system transactions, charters, tax",
  run: async (range, report, note) => {
    const peers = { l1: await CheckpointL1.open(), slices: await SlicesL1.open() };
    return fuzzReplay(await createEngine(), peers, range, report, note);
  },
};
