/**
 * The jobs of a block, begun one after the other: the next one, of half as many messages, as soon as nobody who has a seat of the last one is
 * in time. Answers to all of them count until one is done, so that who hurries gains nothing but to pay stand-ins from its own share.
 */
import {
  type Hash,
  type Job,
  type JobId,
  jobIdOf,
  LIMITS,
  type NetworkIdentity,
  type PeerId,
  type TransactionMessage,
} from "@mvm/protocol";
import { type AgreedWork, JobRun, type JobStep } from "./jobRun.ts";
import type { Member } from "./l1Event.ts";
import type { AnsweredEvent, RequestFailedEvent, TimerEffect } from "./machine.ts";

/**
 * Share of the block time that the holders of seats have to themselves, in percent: for a job without gas, and for one of a block's. Four
 * jobs are begun within five of the shorter times, which leaves half of two block times for all else that makes a block.
 */
const PATIENCE_PERCENT = { least: 25n, most: 50n };
/** Times that those who did not answer are asked again once the seats of all jobs have been: who lost its connection is soon back. */
const MAX_AGAIN = 4;

export type BlockJobsOptions = {
  readonly network: NetworkIdentity;
  readonly session: Hash;
  /** what is to be done, all of it in the first job */
  readonly work: Omit<Job, "jobId">;
  readonly randomness: Hash;
  /** jobs of the block that have failed already */
  readonly attempt: number;
  /** holders of a job's seats, in their order */
  readonly seatsOf: (jobId: JobId) => readonly Member[];
  /** who carries a job to a holder of its seats; where nobody may, it goes straight */
  readonly couriersOf: (jobId: JobId, holder: Member) => readonly PeerId[];
  /** the block time */
  readonly tickMs: number;
  /** whether the last block's providers needed more than the least patience */
  readonly isSlow: boolean;
  /** milliseconds until a holder's answer is not waited for any more */
  readonly timeoutMs: number;
};

/** How the block's jobs ended: one was done, with the holders of its seats; or all failed, the last of them with so many messages. */
export type JobsEnd =
  | ({ readonly kind: "agreed"; readonly attempt: number; readonly holders: readonly Member[] } & AgreedWork)
  | { readonly kind: "failed"; readonly attempt: number; readonly count: number; readonly reason: string };

export type JobsStep = {
  readonly effects: readonly (JobStep["effects"][number] | TimerEffect)[];
  readonly end: JobsEnd | null;
};

type BegunJob = {
  readonly jobId: JobId;
  readonly attempt: number;
  /** of its messages */
  readonly count: number;
  readonly holders: readonly Member[];
  readonly patienceMs: number;
  readonly run: JobRun;
  /** why it failed, null while it may be done */
  failure: string | null;
};

const NOTHING: JobsStep = { effects: [], end: null };

/** Milliseconds that holders of seats have to themselves: for messages that take all of a block's gas, half a block time. */
function patienceMsOf(messages: readonly TransactionMessage[], tickMs: number): number {
  const gas = messages.reduce((sum, { gasLimit }) => sum + gasLimit, 0n);
  const { least, most } = PATIENCE_PERCENT;
  const percent = least + ((most - least) * gas) / LIMITS.blockGas;
  return (tickMs * Number(percent)) / 100;
}

const placeOf = ({ attempt, holders }: BegunJob) => ({ attempt, holders });

export class BlockJobs {
  readonly #options: BlockJobsOptions;
  readonly #begun: BegunJob[] = [];
  /** when seats were asked last, with the time that they have to themselves */
  #askedUntilMs = 0;
  #agains = 0;

  constructor(options: BlockJobsOptions) {
    this.#options = options;
  }

  /** Whether a job is one of these. */
  runs(jobId: JobId): boolean {
    return this.#begun.some((job) => job.jobId === jobId);
  }

  /** Whether the peer was asked to do this job and has not ended it: only such may read values. */
  serves(jobId: JobId, peer: PeerId): boolean {
    return this.#begun.some((job) => job.jobId === jobId && job.run.serves(peer));
  }

  /** Whether somebody who answered needed more than the least patience: such are not passed over by who waits a little longer. */
  get isSlow(): boolean {
    return this.#begun.some(({ run, patienceMs }) => run.slowestMs > patienceMs);
  }

  start(nowMs: number): JobsStep {
    return this.#goOn([], nowMs);
  }

  handle(event: AnsweredEvent | RequestFailedEvent, nowMs: number): JobsStep {
    const job = this.#begun.find(({ run }) => run.awaits(event.ticket));
    return job === undefined ? NOTHING : this.#take(job, job.run.handle(event, nowMs), nowMs);
  }

  /** The own node has executed a job; null: it could not. */
  executed(jobId: JobId, result: Hash | null, nowMs: number): JobsStep {
    const job = this.#begun.find((candidate) => candidate.jobId === jobId);
    return job === undefined ? NOTHING : this.#take(job, job.run.executed(result, nowMs), nowMs);
  }

  /** To be called at the time of the last timer. */
  timer(nowMs: number): JobsStep {
    const effects: JobsStep["effects"][number][] = [];
    for (const job of this.#begun) {
      if (job.failure !== null) continue;
      const step = job.run.timer(nowMs);
      effects.push(...step.effects);
      // who holds a seat that is reached now may have signed for another one
      if (step.end?.kind === "agreed") return { effects, end: { ...step.end, ...placeOf(job) } };
    }
    return this.#goOn(effects, nowMs);
  }

  #take(job: BegunJob, { effects, end }: JobStep, nowMs: number): JobsStep {
    if (end?.kind === "agreed") return { effects, end: { ...end, ...placeOf(job) } };
    job.failure ??= end?.reason ?? null;
    return this.#goOn(effects, nowMs);
  }

  /** Begins jobs until there is one whose seats are in time, or none is left. */
  #goOn(before: JobsStep["effects"], nowMs: number): JobsStep {
    const effects = [...before];
    for (;;) {
      const last = this.#begun.at(-1);
      if (last?.failure === null && !last.run.isSpent(nowMs)) break;
      const attempt = last === undefined ? this.#options.attempt : last.attempt + 1;
      if (attempt >= LIMITS.jobAttempts) break;
      effects.push(...this.#begin(attempt, nowMs));
    }
    const mayAskAgain = this.#agains < MAX_AGAIN && this.#begun.some(({ run }) => run.mayAskAgain);
    const isSpent = this.#begun.every(({ run, failure }) => failure !== null || run.isSpent(nowMs));
    if (mayAskAgain && isSpent && nowMs >= this.#askedUntilMs) effects.push(...this.#again(nowMs));
    const running = this.#begun.filter(({ failure }) => failure === null);
    if (running.length === 0 && !mayAskAgain) {
      const { attempt, count, failure } = this.#begun.at(-1)!;
      return { effects, end: { kind: "failed", attempt, count, reason: failure! } };
    }
    const wakes = running.map(({ run }) => run.wakesAtMs(nowMs)).filter((ms) => ms !== null);
    if (nowMs < this.#askedUntilMs) wakes.push(this.#askedUntilMs);
    if (wakes.length > 0) effects.push({ kind: "timer", name: "jobs", atMs: Math.min(...wakes) });
    return { effects, end: null };
  }

  #again(nowMs: number): JobsStep["effects"] {
    this.#agains += 1;
    this.#askedUntilMs = nowMs + this.#begun.at(-1)!.patienceMs;
    return this.#begun.flatMap((job) => {
      const requests = job.run.again(nowMs);
      if (requests.length > 0) job.failure = null;
      return requests;
    });
  }

  #begin(attempt: number, nowMs: number): JobsStep["effects"] {
    const { network, session, work, randomness, seatsOf, couriersOf, tickMs, isSlow, timeoutMs } = this.#options;
    const jobId = jobIdOf(randomness, attempt);
    const count = Math.max(1, work.messages.length >> this.#begun.length);
    const job: Job = { ...work, jobId, messages: work.messages.slice(0, count) };
    const holders = seatsOf(jobId);
    const patienceMs = patienceMsOf(job.messages, tickMs);
    const run = new JobRun({
      network,
      session,
      job,
      seats: holders,
      patienceMs: isSlow ? (tickMs * Number(PATIENCE_PERCENT.most)) / 100 : patienceMs,
      timeoutMs,
      couriersOf,
      // the seats of the first job that served have a fee of their own; who serves in others stands in, whichever seat is its
      isUrgent: attempt > 0,
    });
    const { effects, end } = run.start(nowMs);
    this.#askedUntilMs = nowMs + patienceMs;
    const failure = end?.kind === "failed" ? end.reason : null;
    this.#begun.push({ jobId, attempt, count, holders, patienceMs, run, failure });
    return effects;
  }
}
