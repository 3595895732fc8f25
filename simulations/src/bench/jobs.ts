/**
 * Jobs: what they cost beside bare execution, how many of their reads are foreseen, how blocks scale with DACs and providers. All in this
 * process, on one thread, by the nodes' own classes with real keys, over a network in memory.
 *   ratioToDirect: a job of 200 ERC-20 transfers whose values are all there: the time from the offer until JobRun has two seats' equal
 *     results, each signed and verified by BLS, by the time in which the engine executes the same messages on values in memory; medians of rounds
 *     that take turns. Time is processor time of the process, all threads together: links have no delay, so that nothing waits on the way, and other
 *     work on the machine does not count. The two providers share a thread, so that their work comes one after the other, as it would not on machines of their own;
 *     `ratioOfOneHolder` is the same with one provider that holds both seats and executes once. `hops`: couriers between sequencer and provider; without one
 *     there is one provider alone, so that both ratios are of one holder.
 *   predictedReadHitRate: of the values that jobs read beside those that every job has (accounts and code of senders and receivers, what
 *     the charter says), the share that was predicted, each value once a job; after 100 blocks of five transactions, over the next 20, in which a third of the
 *     receivers, and some senders, are new. `predictionsPerRead`: what was predicted, by what was read. `valuesRequestsPerJob`: of both seats together.
 *   blocksPerSecond: a network of one sequencer, three hosts, a gateway and so many providers makes blocks of ten ERC-20 transfers on so many
 *     DACs. Time is virtual, so nobody ever waits: it is real time that counts, and the whole network's work for a block (gateway, sequencer, two seats,
 *     the sequencer's own execution before it posts, hosts, L1's model) is in it. cpuMsPerBlock: processor time of the process, all threads together.
 */
import { type Benchmark, processorSeconds, type ResultLine, rounded } from "./benchmark.ts";
import { type Holders, type Hops, JobsLab } from "./jobsLatency.ts";
import { JobsNetwork } from "./jobsNetwork.ts";

const JOB_MESSAGES = 200;
const JOB_ROUNDS = 21;
const WARM_UP_ROUNDS = 5;
const READ_WORKLOADS = ["erc20", "swap"] as const;
const SCALE_ROUNDS = 12;
const SCALES: readonly (readonly [dacs: number, providers: number])[] = [
  [1, 1],
  [2, 2],
  [4, 4],
  [8, 8],
  [1, 8],
  [8, 2],
];

function median(values: readonly number[]): number {
  return [...values].sort((left, right) => left - right)[Math.floor(values.length / 2)]!;
}

/** A line for a number of hops. */
export async function latencyLine(
  hops: Hops,
  { messages, rounds, warmUp }: { readonly messages: number; readonly rounds: number; readonly warmUp: number },
): Promise<ResultLine> {
  const lab = await JobsLab.start(messages, hops);
  const seconds: { direct: number; two: number; one: number }[] = [];
  // a network of which nobody could be a courier has one provider, and it holds both seats
  const both: Holders = hops === 0 ? 1 : 2;
  for (let round = -warmUp; round < rounds; round++) {
    const timed = { direct: await lab.direct(), two: await lab.job(both), one: await lab.job(1) };
    if (round >= 0) seconds.push(timed);
  }
  const of = (part: "direct" | "two" | "one"): number => median(seconds.map((round) => round[part]));
  return {
    bench: "jobs",
    hops,
    ratioToDirect: rounded(of("two") / of("direct")),
    ratioOfOneHolder: rounded(of("one") / of("direct")),
    jobCpuMs: rounded(1_000 * of("two")),
    directCpuMs: rounded(1_000 * of("direct")),
    valuesRequests: lab.valuesRequests,
  };
}

/** A line for a workload; `learned` and `measured` are blocks. */
export async function hitRateLine(
  workload: (typeof READ_WORKLOADS)[number],
  { learned, measured }: { readonly learned: number; readonly measured: number },
): Promise<ResultLine> {
  const network = await JobsNetwork.start({ dacs: 1, providers: 4, kind: workload, users: 20, latecomers: 10 });
  try {
    await network.run(network.drawn(learned, 5));
    const before = network.readCounts;
    network.letIn();
    await network.run(network.drawn(measured, 5));
    const after = network.readCounts;
    const of = (count: keyof typeof after): number => after[count] - before[count];
    return {
      bench: "jobs",
      workload,
      predictedReadHitRate: rounded(of("predictedReads") / of("reads")),
      predictionsPerRead: rounded(of("predictions") / of("reads")),
      valuesRequestsPerJob: rounded(of("valuesRequests") / of("jobs")),
      jobs: of("jobs"),
      reads: of("reads"),
    };
  } finally {
    await network.stop();
  }
}

/** A line for a size of the network; `rounds` are blocks of each DAC, if none is split. */
export async function scaleLine(
  { dacs, providers }: { readonly dacs: number; readonly providers: number },
  rounds: number,
): Promise<ResultLine> {
  const network = await JobsNetwork.start({ dacs, providers, kind: "erc20", users: 10 });
  try {
    await network.run(network.drawn(2, 10));
    const drawn = network.drawn(rounds, 10);
    const first = network.blocks;
    const [startedAt, startedSeconds] = [performance.now(), processorSeconds()];
    await network.run(drawn);
    const seconds = (performance.now() - startedAt) / 1_000;
    const used = processorSeconds() - startedSeconds;
    const blocks = network.blocks - first;
    return {
      bench: "jobs",
      dacs,
      providers,
      blocksPerSecond: rounded(blocks / seconds),
      cpuMsPerBlock: rounded((1_000 * used) / blocks),
      blocks,
    };
  } finally {
    await network.stop();
  }
}

async function run(report: (line: ResultLine) => void, note: (text: string) => void): Promise<void> {
  note("a job beside direct execution");
  for (const hops of [0, 1, 2] as const)
    report(await latencyLine(hops, { messages: JOB_MESSAGES, rounds: JOB_ROUNDS, warmUp: WARM_UP_ROUNDS }));
  for (const workload of READ_WORKLOADS) {
    note(`reads of ${workload}`);
    report(await hitRateLine(workload, { learned: 100, measured: 20 }));
  }
  for (const [dacs, providers] of SCALES) {
    note(`${dacs} DACs, ${providers} providers`);
    report(await scaleLine({ dacs, providers }, SCALE_ROUNDS));
  }
}

export const jobs: Benchmark = {
  name: "jobs",
  summary: "jobs beside direct execution, reads that were predicted, blocks by DACs and providers",
  run,
};
