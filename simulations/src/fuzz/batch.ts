/** The fuzzer `batch`: the batch format as TypeScript and as BatchDecoder.sol read it, on batches with changed bytes. */
import {
  type Address,
  BATCH_FAULTS,
  BATCH_FORMAT,
  type BatchContext,
  type BatchFault,
  type BatchResult,
  batchOrigin,
  contextAt,
  contextGroupFault,
  rowGroupFault,
  seatedIn,
  servedBy,
  toHex,
  transactionAt,
  workByte,
  ZERO_ADDRESS,
} from "@mvm/protocol";
import type { Result } from "ethers";
import { SeededRandom } from "../seededRandom.ts";
import { type BatchCase, batchData, randomBatchCase, smallerBatchCases, tableAddress } from "./batchCase.ts";
import { type BatchContract, batchContract } from "./batchContract.ts";
import { Draw } from "./draw.ts";
import type { Finding, Fuzzer, FuzzRange } from "./fuzzer.ts";
import { shrink } from "./shrink.ts";

/** findings of one kind that are made small and reported; the rest is counted */
const REPORTED = 2;
const SHRINK_ATTEMPTS = 300;
const RUNS_PER_NOTE = 500;
/** groups of contexts, and of rows, that are compared; one more than most cases have */
const GROUPS = 4;

export type BatchDifference = { readonly what: string; readonly typescript: string; readonly solidity: string };

const codeOf = (fault: BatchFault | null): string => String(fault === null ? 0 : BATCH_FAULTS[fault]);
const listText = (list: Iterable<unknown>): string => [...list].map((each) => String(each).toLowerCase()).join(",");

/** What a result says, as text: its fault's code, or 0 and the value's parts. */
function said<T>(result: BatchResult<T>, parts: (value: T) => readonly unknown[]): string {
  return result.ok ? listText([0, ...parts(result.value)]) : codeOf(result.fault);
}

/** The same of the contract: what goes with a fault counts for nothing. */
function answered(result: Result | null, parts: (result: Result) => readonly unknown[]): string {
  if (result === null) return "reverted";
  return result[0] === 0n ? listText([0, ...parts(result)]) : String(result[0]);
}

const contextParts = (context: BatchContext): unknown[] => [
  context.timestamp,
  context.slot,
  context.queueItems,
  context.randomness,
  context.evidence,
  context.sequencer === "poster" ? ZERO_ADDRESS : context.sequencer,
  context.sequencer === "poster",
  workByte(context.work),
  seatedIn(context.work),
  `[${listText(servedBy(context.work))}]`,
  context.transactionCount,
];

const contractContext = ([, context]: Result): unknown[] =>
  (context as unknown[]).map((field) => (Array.isArray(field) ? `[${listText(field)}]` : field));

/** Items of the queue that the first blocks consume; null where a context is at fault, so that the contract may say anything. */
function queueItemsOf(data: Uint8Array, blocks: number): BatchResult<number> | null {
  const origin = batchOrigin(data);
  if (!origin.ok) return origin;
  if (blocks > origin.value.blockCount) return { ok: false, fault: "absent" };
  let items = 0;
  for (let group = 0; group * BATCH_FORMAT.group < blocks; group++)
    if (contextGroupFault(data, group) !== null) return null;
  for (let block = 0; block < blocks; block++) {
    const context = contextAt(data, block);
    if (!context.ok) return null;
    items += context.value.queueItems;
  }
  return { ok: true, value: items };
}

type Comparison = { readonly what: string; readonly typescript: string; readonly solidity: () => Promise<string> };

function* comparisons(contract: BatchContract, batchCase: BatchCase): Generator<Comparison> {
  const data = batchData(batchCase);
  const bytes = toHex(data);
  const ask = (name: string, ...args: unknown[]): Promise<Result | null> => contract.ask(name, [bytes, ...args]);
  yield {
    what: "origin",
    typescript: said(batchOrigin(data), ({ chainId, generation, blockCount }) => [chainId, generation, blockCount]),
    solidity: async () => answered(await ask("origin"), (result) => result.slice(1)),
  };
  for (let group = 0; group < GROUPS; group++) {
    const solidity = async (name: string): Promise<string> => answered(await ask(name, group), () => []);
    yield {
      what: "contextGroupFault",
      typescript: codeOf(contextGroupFault(data, group)),
      solidity: () => solidity("contextGroupFault"),
    };
    yield {
      what: "rowGroupFault",
      typescript: codeOf(rowGroupFault(data, group)),
      solidity: () => solidity("rowGroupFault"),
    };
  }
  for (const { block, position } of batchCase.asked) {
    yield {
      what: "contextAt",
      typescript: said(contextAt(data, block), contextParts),
      solidity: async () => answered(await ask("contextAt", block), contractContext),
    };
    const items = queueItemsOf(data, block);
    yield {
      what: "queueItemsOf",
      typescript: items === null ? "anything" : said(items, (sum) => [sum]),
      solidity: async () => {
        const answer = answered(await ask("queueItemsOf", block), ([, sum]) => [sum]);
        return items === null && answer !== "reverted" ? "anything" : answer;
      },
    };
    const found = transactionAt(data, block, position, tableAddress);
    yield {
      what: "referencesAt",
      typescript: said(found, ({ indexes, inline }) => [`[${listText(indexes)}]`, `[${listText(inline)}]`]),
      solidity: async () =>
        answered(await ask("referencesAt", block, position), ([, indexes, inline]) => [
          `[${listText(indexes)}]`,
          `[${listText(inline)}]`,
        ]),
    };
    const resolved: Address[] = found.ok ? found.value.indexes.map(tableAddress) : [];
    yield {
      what: "transactionAt",
      typescript: said(found, ({ raw, indexes }) => [toHex(raw), `[${listText(indexes)}]`]),
      solidity: async () =>
        answered(await ask("transactionAt", block, position, resolved), ([, raw, indexes]) => [
          raw,
          `[${listText(indexes)}]`,
        ]),
    };
  }
}

/** Where the two part on a case, with at most 200 characters of what each says; null: nowhere. */
export async function compareBatchCase(contract: BatchContract, batchCase: BatchCase): Promise<BatchDifference | null> {
  for (const { what, typescript, solidity } of comparisons(contract, batchCase)) {
    const other = await solidity();
    if (other !== typescript) return { what, typescript: typescript.slice(0, 200), solidity: other.slice(0, 200) };
  }
  return null;
}

async function findingOf(
  contract: BatchContract,
  run: number,
  batchCase: BatchCase,
  difference: BatchDifference,
): Promise<Finding> {
  const differsAlike = async (candidate: BatchCase): Promise<boolean> =>
    (await compareBatchCase(contract, candidate))?.what === difference.what;
  const { smallest, tried } = await shrink(batchCase, smallerBatchCases, differsAlike, SHRINK_ATTEMPTS);
  const shown = (await compareBatchCase(contract, smallest)) ?? difference;
  const described = { data: toHex(batchData(smallest)), changes: smallest.changes, asked: smallest.asked };
  return { run, difference: shown, smallest: described, tried };
}

/** Compares a contract with this package's decoder over a range of runs; a parameter so that a faulty one can be found out. */
export async function fuzzBatch(
  contract: BatchContract,
  { seed, from, runs }: FuzzRange,
  report: (finding: Finding) => void,
  note: (text: string) => void,
): Promise<{ readonly differences: number }> {
  const kinds = new Map<string, number>();
  let differences = 0;
  for (let run = from; run < from + runs; run++) {
    const batchCase = randomBatchCase(new Draw(new SeededRandom(`fuzz/batch/${seed}/${run}`)));
    const difference = await compareBatchCase(contract, batchCase);
    if (difference !== null) {
      differences++;
      const alike = kinds.get(difference.what) ?? 0;
      kinds.set(difference.what, alike + 1);
      if (alike < REPORTED) report(await findingOf(contract, run, batchCase, difference));
    }
    const done = run - from + 1;
    if (done % RUNS_PER_NOTE === 0) note(`${done} of ${runs} runs, ${differences} differ`);
  }
  return { differences };
}

export const batch: Fuzzer = {
  name: "batch",
  summary: `the batch format in TypeScript against BatchDecoder.sol, version ${BATCH_FORMAT.version}: faults, contexts, transactions, references`,
  run: async (range, report, note) => fuzzBatch(await batchContract(), range, report, note),
};
