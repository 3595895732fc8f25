/**
 * Blocks of 1,000 transactions over 100,000 accounts: this engine (whole: recovery, execution, a root after each
 * transaction, flush to disk; provider: messages and values in, outcomes out) beside @ethereumjs/vm as it comes out
 * of the box and beside anvil (mining only). All get the same state and transactions and must agree on the gas, and
 * the first two on the state root too. Rounds are interleaved; a figure is its median.
 */
import { createEngine } from "@mvm/evm";
import type { Hash } from "@mvm/protocol";
import { type Benchmark, median, rounded } from "./benchmark.ts";
import { AnvilContender } from "./blocksAnvil.ts";
import { OwnContender } from "./blocksOwn.ts";
import { UntunedContender } from "./blocksUntuned.ts";
import { prepareBlocks, TRANSACTIONS, WORKLOADS } from "./blocksWorkloads.ts";

/** odd, so that the median is a measurement */
const ROUNDS = 3;

export type BlockResult = { readonly seconds: number; readonly gasUsed: bigint; readonly root: Hash | null };

function agree(results: readonly BlockResult[]): void {
  const [first, ...others] = results;
  for (const other of others) {
    if (other.gasUsed !== first!.gasUsed) throw new Error(`gas differs: ${other.gasUsed}, ${first!.gasUsed}`);
    if (other.root !== null && other.root !== first!.root)
      throw new Error(`state root differs: ${other.root}, ${first!.root}`);
  }
}

async function run(report: Parameters<Benchmark["run"]>[0], note: (text: string) => void): Promise<void> {
  // Burnt base fees, so that all contenders come to the same state.
  const engine = await createEngine({ feePolicy: "burn" });
  note("preparing the state");
  const { state, transactions } = await prepareBlocks(engine);
  const own = await OwnContender.open(engine, state);
  const untuned = await UntunedContender.load(state);
  const anvil = await AnvilContender.start(state);
  try {
    for (const workload of WORKLOADS) {
      const block = transactions[workload];
      const seconds = {
        whole: [] as number[],
        provider: [] as number[],
        untuned: [] as number[],
        anvil: [] as number[],
      };
      await own.whole(block);
      await own.provider(block);
      await untuned.whole(block.slice(0, TRANSACTIONS / 10));
      for (let round = 1; round <= ROUNDS; round++) {
        note(`${workload}: round ${round} of ${ROUNDS}`);
        const results = {
          whole: await own.whole(block),
          provider: await own.provider(block),
          untuned: await untuned.whole(block),
          anvil: await anvil.mine(block),
        };
        agree(Object.values(results));
        for (const name of ["whole", "provider", "untuned", "anvil"] as const)
          seconds[name].push(results[name].seconds);
      }
      const rate = (name: keyof typeof seconds): number => TRANSACTIONS / median(seconds[name]);
      for (const part of ["whole", "provider"] as const) {
        report({
          bench: "blocks",
          workload,
          part,
          transactionsPerSecond: rounded(rate(part)),
          ratioToUntuned: rounded(rate(part) / rate("untuned")),
          ratioToAnvil: rounded(rate(part) / rate("anvil")),
          untunedPerSecond: rounded(rate("untuned")),
          anvilPerSecond: rounded(rate("anvil")),
        });
      }
    }
  } finally {
    await anvil.stop();
    await own.close();
  }
}

export const blocks: Benchmark = {
  name: "blocks",
  summary: "blocks of 1,000 transactions over 100,000 accounts, beside untuned @ethereumjs/vm and anvil",
  run,
};
