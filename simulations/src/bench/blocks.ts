/**
 * Blocks of 1,000 transactions over 100,000 accounts: this engine (whole: recovery, execution, a root after each
 * transaction, flush to disk; provider: messages and values in, outcomes out) beside @ethereumjs/vm as it comes out
 * of the box and beside anvil (mining only). All get the same state and transactions and must agree on the gas, and
 * the first two on the state root too. Rounds are interleaved. Seconds of the first two are processor time of this
 * process, all threads together; the best round counts, as other work on the machine can only slow one down. anvil's
 * are wall time, the median of what the transactions add to an empty block: it hashes its whole state for each block.
 */
import { createEngine } from "@mvm/evm";
import type { Hash } from "@mvm/protocol";
import { type Benchmark, type ResultLine, rounded } from "./benchmark.ts";
import { AnvilContender } from "./blocksAnvil.ts";
import { OwnContender } from "./blocksOwn.ts";
import { UntunedContender } from "./blocksUntuned.ts";
import { prepareBlocks, TRANSACTIONS, WORKLOADS } from "./blocksWorkloads.ts";

const ROUNDS = 3;
/** What anvil's times can be told apart by. */
const MEASURABLE_SECONDS = 0.001;

export type BlockResult = { readonly seconds: number; readonly gasUsed: bigint; readonly root: Hash | null };

function agree(results: readonly BlockResult[]): void {
  const [first, ...others] = results;
  for (const other of others) {
    if (other.gasUsed !== first!.gasUsed) throw new Error(`gas differs: ${other.gasUsed}, ${first!.gasUsed}`);
    if (other.root !== null && other.root !== first!.root)
      throw new Error(`state root differs: ${other.root}, ${first!.root}`);
  }
}

type Seconds = {
  readonly whole: number;
  readonly provider: number;
  readonly untuned: number;
  readonly anvil: readonly number[];
};

class Contenders {
  readonly own: OwnContender;
  readonly untuned: UntunedContender;
  readonly anvil: AnvilContender;

  constructor(own: OwnContender, untuned: UntunedContender, anvil: AnvilContender) {
    this.own = own;
    this.untuned = untuned;
    this.anvil = anvil;
  }

  async warmUp(block: readonly Uint8Array[]): Promise<void> {
    await this.own.whole(block);
    await this.own.provider(block);
    await this.untuned.whole(block.slice(0, TRANSACTIONS / 10));
  }

  async round(block: readonly Uint8Array[]): Promise<Seconds> {
    const whole = await this.own.whole(block);
    const provider = await this.own.provider(block);
    const untuned = await this.untuned.whole(block);
    const anvil = await this.anvil.mine(block);
    agree([whole, provider, untuned, { seconds: 0, gasUsed: anvil.gasUsed, root: null }]);
    return { whole: whole.seconds, provider: provider.seconds, untuned: untuned.seconds, anvil: anvil.addedSeconds };
  }

  async close(): Promise<void> {
    await this.anvil.stop();
    await this.own.close();
  }
}

function median(values: readonly number[]): number {
  return [...values].sort((left, right) => left - right)[Math.floor(values.length / 2)]!;
}

function resultOf(workload: string, part: "whole" | "provider", rounds: readonly Seconds[]): ResultLine {
  const best = (name: "whole" | "provider" | "untuned"): number => Math.min(...rounds.map((round) => round[name]));
  const rate = TRANSACTIONS / best(part);
  const untunedPerSecond = TRANSACTIONS / best("untuned");
  const added = median(rounds.flatMap(({ anvil }) => anvil));
  const anvilPerSecond = TRANSACTIONS / Math.max(added, MEASURABLE_SECONDS);
  return {
    bench: "blocks",
    workload,
    part,
    transactionsPerSecond: rounded(rate),
    ratioToUntuned: rounded(rate / untunedPerSecond),
    ratioToAnvil: rounded(rate / anvilPerSecond),
    untunedPerSecond: rounded(untunedPerSecond),
    anvilPerSecond: rounded(anvilPerSecond),
  };
}

async function run(report: (line: ResultLine) => void, note: (text: string) => void): Promise<void> {
  // Burnt base fees, so that all contenders come to the same state.
  const engine = await createEngine({ chain: "ethereum" });
  note("preparing the state");
  const { state, transactions } = await prepareBlocks(engine);
  const own = await OwnContender.open(engine, state);
  const contenders = new Contenders(own, await UntunedContender.load(state), await AnvilContender.start(state));
  try {
    for (const workload of WORKLOADS) {
      const block = transactions[workload];
      await contenders.warmUp(block);
      const rounds: Seconds[] = [];
      for (let round = 1; round <= ROUNDS; round++) {
        note(`${workload}: round ${round} of ${ROUNDS}`);
        rounds.push(await contenders.round(block));
      }
      for (const part of ["whole", "provider"] as const) report(resultOf(workload, part, rounds));
    }
  } finally {
    await contenders.close();
  }
}

export const blocks: Benchmark = {
  name: "blocks",
  summary: "blocks of 1,000 transactions over 100,000 accounts, beside untuned @ethereumjs/vm and anvil",
  run,
};
