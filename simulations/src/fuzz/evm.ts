/** The fuzzer `evm`: the engine, additions idle, against anvil (revm) on random worlds and transactions. */
import { ethereumEngine } from "../ethereumEngine.ts";
import { SeededRandom } from "../seededRandom.ts";
import { AnvilPeer } from "./anvilPeer.ts";
import { Draw } from "./draw.ts";
import { describeCase, type EvmCase } from "./evmCase.ts";
import { compareCase, type Difference, type EngineUnderTest } from "./evmCompare.ts";
import { randomCase } from "./evmGenerator.ts";
import { smallerCases } from "./evmShrink.ts";
import type { Finding, Fuzzer, FuzzRange } from "./fuzzer.ts";
import { shrink } from "./shrink.ts";

/** anvils that answer side by side, as many as a small machine has cores */
const LANES = 2;
/** findings of one kind that are made small and reported; the rest is counted */
const REPORTED = 2;
/** smaller cases that are tried for one finding: some ten seconds at most */
const SHRINK_ATTEMPTS = 2_000;
const RUNS_PER_NOTE = 1_000;

type Differing = { readonly run: number; readonly evmCase: EvmCase; readonly difference: Difference };

async function findingOf(engine: EngineUnderTest, peer: AnvilPeer, differing: Differing): Promise<Finding> {
  const { run, evmCase, difference } = differing;
  const differsAlike = async (candidate: EvmCase): Promise<boolean> =>
    (await compareCase(engine, peer, candidate))?.what === difference.what;
  const { smallest, tried } = await shrink(evmCase, smallerCases, differsAlike, SHRINK_ATTEMPTS);
  const shown = (await compareCase(engine, peer, smallest)) ?? difference;
  return { run, difference: shown, smallest: describeCase(smallest), tried };
}

/** Compares an engine with anvil over a range of runs; the engine is a parameter so that a faulty one can be found out. */
export async function fuzzEngine(
  engine: EngineUnderTest,
  { seed, from, runs }: FuzzRange,
  report: (finding: Finding) => void,
  note: (text: string) => void,
): Promise<{ readonly differences: number }> {
  const peers: AnvilPeer[] = [];
  const kinds = new Map<string, number>();
  let next = from;
  let differences = 0;
  const lane = async (peer: AnvilPeer): Promise<void> => {
    while (next < from + runs) {
      const run = next++;
      const evmCase = randomCase(new Draw(new SeededRandom(`fuzz/evm/${seed}/${run}`)));
      const difference = await compareCase(engine, peer, evmCase);
      if (difference !== null) {
        differences++;
        const alike = kinds.get(difference.what) ?? 0;
        kinds.set(difference.what, alike + 1);
        if (alike < REPORTED) report(await findingOf(engine, peer, { run, evmCase, difference }));
      }
      const done = run - from + 1;
      if (done % RUNS_PER_NOTE === 0) note(`${done} of ${runs} runs, ${differences} differ`);
    }
  };
  try {
    for (let i = 0; i < Math.min(LANES, runs); i++) peers.push(await AnvilPeer.start());
    await Promise.all(peers.map(lane));
  } finally {
    await Promise.all(peers.map((peer) => peer.stop()));
  }
  return { differences };
}

export const evm: Fuzzer = {
  name: "evm",
  summary:
    "the engine at Osaka, additions idle, against anvil: status, gas, logs, return data, refusals, the whole state after each transaction",
  run: async (range, report, note) => fuzzEngine(await ethereumEngine("osaka"), range, report, note),
};
