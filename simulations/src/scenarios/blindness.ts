/**
 * The game of blindness: a provider gets a job and guesses which DAC it is of before the result is due. Four adversaries: one that has the
 * job's metadata alone, one that has every public feed beside it, one whose courier tells it who sends, one that reads the contents and knows
 * every DAC's state. What each of them guesses better than who knows only how often each DAC has jobs is its advantage. They learn from the first
 * half of the jobs, of which they know the truth, and guess the second half. The same is played where every job passes two couriers, and all that are
 * first are in the adversary's hand.
 */

import type { Hops } from "@mvm/node";
import {
  type Account,
  type ChainId,
  decodeRequest,
  isHopParcel,
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
/** Milliseconds from a first courier to a holder at the most: three links. */
const PASSING_MS = 3 * 60;
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
  /** peers that the courier may have had the job from: one, or, of two couriers, all from whom a first one had something just then, the latest first */
  readonly senders: readonly PeerId[];
  /** DACs that any of these leads in the slot */
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
  /** what first couriers of two were given, in the order of time */
  readonly #given: { readonly from: PeerId; readonly atMs: number }[] = [];
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
      if (lane === REQUESTS.carry.protocol) this.#carried(from, decodeRequest("carry", bytes).body);
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

  #carried(from: PeerId, { jobId, parcel }: { readonly jobId: JobId; readonly parcel: Uint8Array }): void {
    if (isHopParcel(parcel)) this.#given.push({ from, atMs: this.#run.world.clock.nowMs() });
    else this.#senders.set(jobId, from);
  }

  /** Who may have sent a job that came at a moment. */
  #sendersOf(jobId: JobId, arrivedMs: number): readonly PeerId[] {
    const known = this.#senders.get(jobId);
    if (known !== undefined) return [known];
    const near = this.#given.filter(({ atMs }) => atMs <= arrivedMs && atMs >= arrivedMs - PASSING_MS);
    return [...new Set(near.reverse().map(({ from }) => from))];
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
    const senders = this.#sendersOf(jobId, delivered.arrivedMs);
    const { l1, nodes } = this.#run.world;
    const operators = nodes.flatMap(({ peerId, identity }) => (senders.includes(peerId) ? [identity.operator] : []));
    const known = job.values.flatMap((entry) => (entry.kind === "account" ? [entry] : []));
    this.#observed.push({
      ...delivered,
      jobId,
      job,
      senders,
      heads: [...this.#heads],
      led: this.#run.chainIds.map((chainId) => operators.some((operator) => l1.leader(chainId, l1.slot) === operator)),
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
const courierOf = (seen: Observed): readonly string[] => [
  ...publicOf(seen),
  seen.senders[0] ?? "",
  ...seen.led.map(String),
];
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

/** The game with so many couriers for every job. */
function game(hops: Hops, { name, summary }: Pick<Scenario, "name" | "summary">): Scenario {
  /** Plays it at a size; says what was guessed. */
  const runAt = (seed: number, change: Partial<TrafficSettings> = {}): Promise<RunResult> => {
    const settings = { ...SETTINGS, hops, ...change };
    return runTraffic({ scenario: name, seed }, settings, (run) => {
      const observer = new Observer(run, settings.dacs);
      observer.listen();
      return () => play(observer, settings.dacs);
    });
  };
  return {
    name,
    summary,
    async run(seed) {
      const result = await runAt(seed);
      const { advantageMetadata, advantagePublic } = result.figures as Record<string, number>;
      const isBlind = advantageMetadata! <= MAX_METADATA && advantagePublic! <= MAX_PUBLIC;
      return { ...result, held: result.held && isBlind };
    },
    // too few jobs to tell an advantage from chance
    sample: (seed) => runAt(seed, { dacs: 4, providers: 6, busyMs: 20_000 }),
  };
}

export const blindness = game(1, {
  name: "blindness",
  summary: "providers guess which of 20 DACs a job is of: by metadata, by public feeds, with its courier, by contents",
});

export const twoCouriers = game(2, {
  name: "two-couriers",
  summary: "the same where every job passes two couriers, and all that are first are in the adversary's hand",
});
