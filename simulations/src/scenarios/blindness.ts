/**
 * The game of blindness: a provider gets a job and guesses which DAC it is of before the result is due. Four adversaries: one that has the
 * job's metadata alone, one that has every public feed beside it, one whose courier tells it who sends, one that reads the contents and knows
 * every DAC's state. What each of them guesses better than who knows only how often each DAC has jobs is its advantage. They learn from the first
 * half of the jobs, of which they know the truth, and guess the second half.
 */
import {
  type Account,
  type ChainId,
  decodeRequest,
  type Job,
  type JobId,
  jobIdOf,
  LIMITS,
  type PeerId,
  REQUESTS,
  type SealedBlock,
} from "@mvm/protocol";
import { type Attacker, accuracy, bayes, guess, priorOf, type Sample, trained } from "../attackers.ts";
import type { HonestRun } from "../honestRun.ts";
import { openedJob } from "../openedJob.ts";
import type { SimulatedNode } from "../simulatedNode.ts";
import type { RunResult, Scenario } from "./scenario.ts";
import { runTraffic, type TrafficSettings } from "./traffic.ts";

/** What an adversary may guess better than the prior. */
const MAX_METADATA = 0.02;
const MAX_PUBLIC = 0.05;

const DACS = 20;
const SETTINGS: TrafficSettings = {
  sequencers: 4,
  providers: 8,
  dacs: DACS,
  users: 6,
  busyMs: 900_000,
  link: { minDelayMs: 5, maxDelayMs: 60, lossRate: 0 },
  progressSlots: 4,
  founded: "before",
  weightOf: (dac) => 1 / (dac + 1),
};

/** Milliseconds of a bin, and bins that are told apart. */
const BIN_MS = 100;
const LAG_BINS = 30;
/** Ticks since a DAC's last block that are told apart. */
const MAX_GAP = 6;

type Head = { readonly number: bigint; readonly timestamp: bigint };

/** What one provider saw of one job, and what others knew at that moment. */
type Observed = {
  readonly jobId: JobId;
  readonly bytes: number;
  readonly courier: PeerId;
  readonly arrivedMs: number;
  readonly job: Job;
  /** by the place of the DAC */
  readonly heads: readonly Head[];
  /** peer that the courier had the job from */
  readonly sender: PeerId;
  /** DACs that the sender leads in the slot */
  readonly led: readonly boolean[];
  /** accounts of the job that each DAC's state has as the job has them */
  readonly matches: readonly number[];
};

const accountKey = (account: Account | null): string =>
  account === null ? "" : `${account.nonce} ${account.balance} ${account.codeHash}`;

/** Listens at all providers, at the couriers and at the public feeds. */
class Observer {
  readonly #observed: Observed[] = [];
  /** the DAC of each job that came into a block */
  readonly #truths = new Map<JobId, number>();
  readonly #run: HonestRun;
  readonly #heads: Head[];
  readonly #accounts: Map<string, string>[];
  readonly #senders = new Map<JobId, PeerId>();
  readonly #delivered = new Map<string, { bytes: number; courier: PeerId; arrivedMs: number }>();
  readonly #seen = new Set<string>();

  constructor(run: HonestRun, dacs: number) {
    this.#run = run;
    this.#heads = Array.from({ length: dacs }, () => ({ number: 0n, timestamp: 0n }));
    this.#accounts = Array.from({ length: dacs }, () => new Map<string, string>());
  }

  listen(): void {
    const run = this.#run;
    run.onMessage = (node, { kind, lane, from, bytes }) => {
      if (kind !== "request" || !node.roles.includes("provider")) return;
      if (lane === REQUESTS.carry.protocol) this.#senders.set(decodeRequest("carry", bytes).body.jobId, from);
      if (lane !== REQUESTS.deliver.protocol) return;
      const { jobId, parcel } = decodeRequest("deliver", bytes).body;
      const name = `${node.name} ${jobId}`;
      if (!this.#delivered.has(name))
        this.#delivered.set(name, { bytes: parcel.length, courier: from, arrivedMs: run.world.clock.nowMs() });
    };
    run.onComputed = (node, made) => this.#opened(node, made);
    const onHead = run.onHead.bind(run);
    run.onHead = (node, seen) => {
      onHead(node, seen);
      if (node.roles.includes("gateway") && seen.block !== null) this.#published(seen.chainId, seen.block);
    };
  }

  #published(chainId: ChainId, { header, context, outcomes }: SealedBlock): void {
    const dac = this.#run.chainIds.indexOf(chainId);
    this.#heads[dac] = { number: header.number, timestamp: header.timestamp };
    for (let attempt = 0; attempt < LIMITS.jobAttempts; attempt++)
      this.#truths.set(jobIdOf(context.randomness, attempt), dac);
    for (const { writes } of outcomes)
      for (const { address, account } of writes)
        if (account !== undefined) this.#accounts[dac]!.set(address, accountKey(account));
  }

  #opened(node: SimulatedNode, made: unknown): void {
    const job = openedJob(made);
    if (job === null) return;
    const { jobId } = job;
    const name = `${node.name} ${jobId}`;
    const delivered = this.#delivered.get(name);
    if (delivered === undefined || this.#seen.has(name)) return;
    this.#seen.add(name);
    const sender = this.#senders.get(jobId)!;
    const { l1, nodes } = this.#run.world;
    const operator = nodes.find(({ peerId }) => peerId === sender)!.identity.operator;
    const known = job.values.flatMap((entry) => (entry.kind === "account" ? [entry] : []));
    this.#observed.push({
      ...delivered,
      jobId,
      job,
      sender,
      heads: [...this.#heads],
      led: this.#run.chainIds.map((chainId) => l1.leader(chainId, l1.slot) === operator),
      matches: this.#accounts.map(
        (accounts) => known.filter(({ address, value }) => accounts.get(address) === accountKey(value)).length,
      ),
    });
  }

  /** In the order of their arrival, jobs whose DAC is known in the end. */
  get known(): readonly { readonly seen: Observed; readonly truth: number }[] {
    return this.#observed.flatMap((seen) => {
      const truth = this.#truths.get(seen.jobId);
      return truth === undefined ? [] : [{ seen, truth }];
    });
  }
}

const bin = (ms: number): string => String(Math.min(LAG_BINS, Math.max(-1, Math.floor(ms / BIN_MS))));

/** What comes with a job beside its contents. */
const metadataOf = ({ bytes, courier, arrivedMs, job }: Observed): readonly string[] => [
  String(bytes),
  courier,
  bin(arrivedMs % 1_000),
  bin(arrivedMs - Number(job.environment.timestamp) * 1_000),
  String(job.environment.baseFeePerGas),
];

/** Beside it: how long ago each DAC had its last block; no block follows one of the same tick. */
const publicOf = (seen: Observed): readonly string[] => [
  ...metadataOf(seen),
  ...seen.heads.map(({ timestamp }) => String(Math.min(MAX_GAP, Number(seen.job.environment.timestamp - timestamp)))),
];
const courierOf = (seen: Observed): readonly string[] => [...publicOf(seen), seen.sender, ...seen.led.map(String)];
const contentsOf = (seen: Observed): readonly string[] => [...courierOf(seen), ...seen.matches.map(String)];

type Rule = (seen: Observed, dac: number) => boolean;
const couldFollow: Rule = ({ heads, job }, dac) => heads[dac]!.timestamp < job.environment.timestamp;
const isLed: Rule = (seen, dac) => couldFollow(seen, dac) && seen.led[dac]!;
const fitsBest: Rule = (seen, dac) => seen.matches[dac] === Math.max(...seen.matches);

type Case = {
  readonly name: string;
  readonly featuresOf: (seen: Observed) => readonly string[];
  /** DACs that it may be at all; where none may, all may */
  readonly rule: Rule | null;
};

const CASES: readonly Case[] = [
  { name: "advantageMetadata", featuresOf: metadataOf, rule: null },
  { name: "advantagePublic", featuresOf: publicOf, rule: couldFollow },
  { name: "advantageCourier", featuresOf: courierOf, rule: isLed },
  { name: "advantageContents", featuresOf: contentsOf, rule: fitsBest },
];

const round = (value: number): number => Math.round(value * 10_000) / 10_000;

/** What the best of the attackers guesses right of the second half, for each case, and what the prior alone does. */
function play(observer: Observer, dacs: number): Readonly<Record<string, unknown>> {
  const jobs = observer.known;
  const half = Math.floor(jobs.length / 2);
  const splitOf = (featuresOf: Case["featuresOf"]): readonly [readonly Sample[], readonly Sample[]] => {
    const samples = jobs.map(({ seen, truth }) => ({ features: featuresOf(seen), truth }));
    return [samples.slice(0, half), samples.slice(half)];
  };
  const [known, asked] = splitOf(() => []);
  const prior = accuracy(priorOf(dacs, known), asked);
  const figures: Record<string, number> = { prior: round(prior) };
  const attackers: Record<string, Record<string, number>> = {};
  for (const { name, featuresOf, rule } of CASES) {
    const [learned, guessed] = splitOf(featuresOf);
    const within = (attacker: Attacker): number => {
      const right = guessed.filter((sample, i) => {
        const scores = attacker(sample);
        const may = scores.map((_, dac) => rule === null || rule(jobs[half + i]!.seen, dac));
        const ruled = may.includes(true) ? scores.map((score, dac) => (may[dac] ? score : -Infinity)) : scores;
        return guess(ruled) === sample.truth;
      });
      return right.length / guessed.length;
    };
    const right = {
      prior: within(priorOf(dacs, learned)),
      bayes: within(bayes(dacs, learned)),
      trained: within(trained(dacs, learned)),
    };
    figures[name] = round(Math.max(...Object.values(right)) - prior);
    attackers[name] = Object.fromEntries(Object.entries(right).map(([who, rate]) => [who, round(rate)]));
  }
  return { ...figures, jobs: jobs.length, guessed: jobs.length - half, attackers };
}

/** Runs the game at a size; says what was guessed. */
function runBlindness(seed: number, change: Partial<TrafficSettings> = {}): Promise<RunResult> {
  const settings = { ...SETTINGS, ...change };
  return runTraffic({ scenario: "blindness", seed }, settings, (run) => {
    const observer = new Observer(run, settings.dacs);
    observer.listen();
    return () => play(observer, settings.dacs);
  });
}

export const blindness: Scenario = {
  name: "blindness",
  summary: "providers guess which of 20 DACs a job is of: by metadata, by public feeds, with its courier, by contents",
  async run(seed) {
    const result = await runBlindness(seed);
    const { figures } = result;
    const isBlind =
      (figures["advantageMetadata"] as number) <= MAX_METADATA && (figures["advantagePublic"] as number) <= MAX_PUBLIC;
    return { ...result, held: result.held && isBlind };
  },
  // too few jobs to tell an advantage from chance
  sample: (seed) => runBlindness(seed, { dacs: 4, providers: 6, busyMs: 20_000 }),
};
