/** The fuzzer `results`: what the engine says of a job's messages against JobReplay.sol, which judges providers by it. */
import { createEngine, type Engine } from "@mvm/evm";
import {
  type Address,
  CodecError,
  decodeTransaction,
  environmentOf,
  isCanonical,
  keccakHash,
  openOutcomes,
  TransactionError,
  type TransactionMessage,
  toChainId,
  toHash,
  toMessage,
} from "@mvm/protocol";
import { MemoryState } from "../memoryState.ts";
import { codesIn, JobL1, type JobReplayOf, type JobVerdict, verdictOf } from "../replay/jobL1.ts";
import { SeededRandom } from "../seededRandom.ts";
import { CHAIN_ID } from "./anvilPeer.ts";
import { Draw } from "./draw.ts";
import { describeCase, type EvmCase, encodeTransaction } from "./evmCase.ts";
import { randomCase } from "./evmGenerator.ts";
import { smallerCases } from "./evmShrink.ts";
import type { Finding, Fuzzer, FuzzRange } from "./fuzzer.ts";
import { BLOCK_NUMBER, type BlockPlan, MOST_GAS, randomPlan, stateWrites } from "./replayCase.ts";
import { shrink } from "./shrink.ts";

const SHRINK_ATTEMPTS = 100;
const REPORTED = 2;
const RUNS_PER_NOTE = 100;
/** How a replay ends that asks for what it was not given. */
const ASKED_FOR = /^(MissingValue|AccountNotGiven|SlotNotGiven|CodeNotGiven)\(/;

/** What L1 is asked in a run. */
export type ResultsPeer = Pick<JobL1, "replay">;

type Difference = { readonly what: string; readonly index: number; readonly ours: string; readonly l1: string };

/** How often messages ended how, and how many reads were left out one by one. */
export type ResultEnds = { readonly ends: Map<string, number>; reads: number };

const told = (verdict: JobVerdict): string =>
  "refused" in verdict
    ? verdict.refused
    : [verdict.end, verdict.gasUsed, verdict.logsHash, verdict.writesHash].map(String).join();

/** Number of reads in their words, the block's number and the chain's id with them wherever they were read. */
function readNumbers(reads: Uint8Array): bigint[] {
  const word = (i: number): bigint => BigInt(`0x${Buffer.from(reads.subarray(32 * i, 32 * i + 32)).toString("hex")}`);
  const count = word(0) + word(1) + word(2) + word(3);
  const numbers = Array.from({ length: Number(count) }, (_, i) => BigInt(i));
  if (word(4) !== 0n) numbers.push(count);
  if (word(5) !== 0n) numbers.push(count + 1n);
  return numbers;
}

/** Executes a case as one job; gives the first message of which L1 says something else, or by which an honest provider would fall. */
export async function compareJob(
  engine: Engine,
  l1: ResultsPeer,
  given: EvmCase,
  { plan, seed, counts }: { readonly plan: BlockPlan; readonly seed: string; readonly counts: ResultEnds },
): Promise<Difference | null> {
  const state = new MemoryState({
    number: BLOCK_NUMBER,
    chainId: CHAIN_ID,
    blockHash: (n) => keccakHash(Uint8Array.of(Number(n) & 0xff)),
  });
  for (const writes of stateWrites(plan, given)) state.apply(writes);
  const prevRandao = toHash(keccakHash(new TextEncoder().encode(seed)));
  const environment = environmentOf({
    timestamp: 1_800_000_012n,
    baseFeePerGas: given.baseFeePerGas || 1n,
    prevRandao,
  });
  const nonces = new Map<Address, bigint>();
  const messages: TransactionMessage[] = [];
  for (const transaction of given.transactions) {
    const gasLimit = transaction.gasLimit > MOST_GAS ? MOST_GAS : transaction.gasLimit;
    const nonceOf = (account: Address): bigint => nonces.get(account) ?? state.account(account)?.nonce ?? 0n;
    try {
      const decoded = decodeTransaction(encodeTransaction({ ...transaction, gasLimit }, nonceOf), toChainId(CHAIN_ID));
      messages.push(toMessage(decoded, 3n));
      nonces.set(decoded.from, decoded.nonce + 1n);
    } catch (error) {
      if (!(error instanceof CodecError || error instanceof TransactionError)) throw error;
    }
  }
  const outcomes = await engine.execute(environment, messages, state);
  const opened = openOutcomes(outcomes);
  for (const [index, outcome] of outcomes.entries()) {
    const work: JobReplayOf = {
      environment,
      message: messages[index]!,
      opened: opened[index]!,
      codes: codesIn(outcome.reads),
    };
    const kind = outcome.kind === "invalid" ? outcome.reason : outcome.status === 1 ? "succeeded" : "failed";
    counts.ends.set(kind, (counts.ends.get(kind) ?? 0) + 1);
    const [ours, theirs] = [told(verdictOf(opened[index]!)), told(await l1.replay(work))];
    if (ours !== theirs) return { what: `another outcome: ${theirs.split("(")[0]}`, index, ours, l1: theirs };
    if (!isCanonical(outcome)) return { what: "no canonical form", index, ours, l1: "" };
    for (const without of readNumbers(opened[index]!.reads)) {
      counts.reads += 1;
      const answer = told(await l1.replay(work, without));
      if (!ASKED_FOR.test(answer))
        return { what: "a read that L1 does not make", index, ours: String(without), l1: answer };
    }
  }
  return null;
}

/** Compares over a range of runs; engine and L1 are parameters so that faulty ones can be found out. */
export async function fuzzResults(
  engine: Engine,
  l1: ResultsPeer,
  { seed, from, runs }: FuzzRange,
  report: (finding: Finding) => void,
  note: (text: string) => void,
): Promise<{ readonly differences: number; readonly counts: ResultEnds }> {
  const counts: ResultEnds = { ends: new Map(), reads: 0 };
  const kinds = new Map<string, number>();
  let differences = 0;
  for (let run = from; run < from + runs; run++) {
    const name = `fuzz/results/${seed}/${run}`;
    const evmCase = randomCase(new Draw(new SeededRandom(name)));
    const plan = randomPlan(new Draw(new SeededRandom(`${name}/plan`)), evmCase);
    const compared = (given: EvmCase, into: ResultEnds): Promise<Difference | null> =>
      compareJob(engine, l1, given, { plan, seed: name, counts: into });
    const difference = await compared(evmCase, counts);
    if (difference !== null) {
      differences++;
      const alike = kinds.get(difference.what) ?? 0;
      kinds.set(difference.what, alike + 1);
      if (alike < REPORTED) {
        const again = (): ResultEnds => ({ ends: new Map(), reads: 0 });
        const differsAlike = async (smaller: EvmCase): Promise<boolean> =>
          smaller.transactions.length > 0 && (await compared(smaller, again()))?.what === difference.what;
        const { smallest, tried } = await shrink(evmCase, smallerCases, differsAlike, SHRINK_ATTEMPTS);
        report({
          run,
          difference: (await compared(smallest, again())) ?? difference,
          smallest: describeCase(smallest),
          tried,
        });
      }
    }
    if ((run - from + 1) % RUNS_PER_NOTE === 0) note(`${run - from + 1} of ${runs} runs, ${differences} differ`);
  }
  return { differences, counts };
}

export const results: Fuzzer = {
  name: "results",
  summary:
    "what providers sign of a job's messages against the contract that judges it: outcomes, and each of their reads",
  run: async (range, report, note) => fuzzResults(await createEngine(), await JobL1.open(), range, report, note),
};
