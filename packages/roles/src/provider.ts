/** A provider: takes jobs up to its capacity, has them executed, asks their sender for values that were not predicted. */
import {
  type Address,
  type Job,
  type JobId,
  type JobResult,
  LIMITS,
  type PeerId,
  refused,
  type StateEntry,
  type StateKey,
  stateKeyId,
} from "@mvm/protocol";
import type { L1View } from "./l1View.ts";
import type {
  AnswerEffect,
  AnsweredEvent,
  Moment,
  ReportEffect,
  RequestEffect,
  RequestedEvent,
  RequestFailedEvent,
  TimerEffect,
  TimerEvent,
} from "./machine.ts";

/** Execute a job over its values; ask for others by ValuesWanted; end in Executed or ExecutionFailed. */
export type ExecuteEffect = { readonly kind: "execute"; readonly job: Job };
/** Values that the execution waits for. */
export type SupplyEffect = { readonly kind: "supply"; readonly jobId: JobId; readonly entries: readonly StateEntry[] };
/** Give the execution up. */
export type AbortEffect = { readonly kind: "abort"; readonly jobId: JobId; readonly reason: string };

export type ProviderEffect =
  | AnswerEffect
  | RequestEffect
  | ReportEffect
  | TimerEffect
  | ExecuteEffect
  | SupplyEffect
  | AbortEffect;

export type ProviderEvent =
  | RequestedEvent
  | AnsweredEvent
  | RequestFailedEvent
  | TimerEvent
  | { readonly kind: "valuesWanted"; readonly jobId: JobId; readonly keys: readonly StateKey[] }
  | { readonly kind: "executed"; readonly jobId: JobId; readonly result: JobResult }
  | { readonly kind: "executionFailed"; readonly jobId: JobId; readonly reason: string };

export type ProviderOptions = {
  readonly view: L1View;
  readonly operator: Address;
  /** jobs that run at once */
  readonly parallelJobs: number;
  /** milliseconds to wait for values */
  readonly valuesTimeoutMs: number;
  /** milliseconds from a job's acceptance until it is given up, however its sender supplies it: nobody waits for its result any more */
  readonly jobTimeoutMs: number;
};

type RunningJob = {
  readonly ticket: string;
  readonly from: PeerId;
  readonly asked: Set<string>;
  readonly untilMs: number;
};

const TOO_LONG = "took longer than a job may";

export class Provider {
  readonly #options: ProviderOptions;
  readonly #running = new Map<JobId, RunningJob>();
  readonly #reads = new Map<string, { readonly jobId: JobId; readonly keys: readonly StateKey[] }>();
  #tickets = 0;

  constructor(options: ProviderOptions) {
    this.#options = options;
  }

  get running(): number {
    return this.#running.size;
  }

  handle(event: ProviderEvent, { nowMs }: Moment): readonly ProviderEffect[] {
    switch (event.kind) {
      case "requested":
        return event.request.name === "job" ? this.#offered(event, event.request.body, nowMs) : [];
      case "timer":
        return this.#overdue(nowMs);
      case "valuesWanted":
        return this.#wanted(event, nowMs);
      case "answered":
        return this.#valuesCame(event);
      case "requestFailed":
        return this.#valuesFailed(event.ticket, event.reason);
      case "executed":
        return this.#end(event.jobId, { kind: "result", ...event.result });
      case "executionFailed":
        return this.#end(event.jobId, refused(event.reason));
    }
  }

  #offered({ ticket, from }: RequestedEvent, job: Job, nowMs: number): readonly ProviderEffect[] {
    const answer = (reason: string): ProviderEffect => ({
      kind: "answer",
      ticket,
      answer: { name: "job", body: refused(reason) },
    });
    const { view } = this.#options;
    if (!view.isPeerOf("sequencer", from)) {
      const refusal = answer("not a sequencer");
      // who left, or was ejected, may not have seen it yet
      if (view.wasSequencer(from)) return [refusal];
      return [refusal, { kind: "report", peer: from, reason: "job from a peer that is no sequencer" }];
    }
    if (!view.holdsSeat(this.#options.operator, job.jobId)) return [answer("no seat of this job is held here")];
    if (this.#running.has(job.jobId)) return [answer("already running")];
    if (this.#running.size >= this.#options.parallelJobs) return [answer("busy")];
    const untilMs = nowMs + this.#options.jobTimeoutMs;
    this.#running.set(job.jobId, { ticket, from, asked: new Set(), untilMs });
    // all have the same time, so that one that was accepted before ends before
    const isFirst = this.#running.size === 1;
    return [{ kind: "execute", job }, ...(isFirst ? [timerAt(untilMs)] : [])];
  }

  /** Gives up what has had its time: its place is free once its execution has ended. */
  #overdue(nowMs: number): readonly ProviderEffect[] {
    const running = [...this.#running];
    const late = running.filter(([, { untilMs }]) => untilMs <= nowMs);
    const next = running.find(([, { untilMs }]) => untilMs > nowMs);
    return [
      ...late.map(([jobId]): AbortEffect => ({ kind: "abort", jobId, reason: TOO_LONG })),
      ...(next === undefined ? [] : [timerAt(next[1].untilMs)]),
    ];
  }

  #wanted(
    { jobId, keys }: { readonly jobId: JobId; readonly keys: readonly StateKey[] },
    nowMs: number,
  ): readonly ProviderEffect[] {
    const job = this.#running.get(jobId);
    if (job === undefined) return [];
    const leftMs = job.untilMs - nowMs;
    if (leftMs <= 0) return [{ kind: "abort", jobId, reason: TOO_LONG }];
    for (const key of keys) job.asked.add(stateKeyId(key));
    if (job.asked.size > LIMITS.jobReadKeys)
      return [{ kind: "abort", jobId, reason: "reads more values than a job may" }];
    const ticket = `values:${this.#tickets++}`;
    this.#reads.set(ticket, { jobId, keys });
    return [
      {
        kind: "request",
        ticket,
        to: job.from,
        request: { name: "values", body: { jobId, keys } },
        timeoutMs: Math.min(this.#options.valuesTimeoutMs, leftMs),
      },
    ];
  }

  #valuesCame(event: AnsweredEvent): readonly ProviderEffect[] {
    const read = this.#reads.get(event.ticket);
    if (read === undefined || event.answer.name !== "values") return [];
    const { body } = event.answer;
    if (body.kind !== "values") return this.#valuesFailed(event.ticket, body.reason);
    this.#reads.delete(event.ticket);
    const wanted = new Set(read.keys.map(stateKeyId));
    if (body.entries.length !== wanted.size || !body.entries.every((entry) => wanted.has(stateKeyId(entry)))) {
      return [{ kind: "abort", jobId: read.jobId, reason: "the sender's values do not answer the request" }];
    }
    return [{ kind: "supply", jobId: read.jobId, entries: body.entries }];
  }

  #valuesFailed(ticket: string, reason: string): readonly ProviderEffect[] {
    const read = this.#reads.get(ticket);
    if (read === undefined) return [];
    this.#reads.delete(ticket);
    return [{ kind: "abort", jobId: read.jobId, reason: `values not to be had: ${reason}` }];
  }

  #end(
    jobId: JobId,
    body: (JobResult & { kind: "result" }) | { kind: "refused"; reason: string },
  ): readonly ProviderEffect[] {
    const job = this.#running.get(jobId);
    if (job === undefined) return [];
    this.#running.delete(jobId);
    return [{ kind: "answer", ticket: job.ticket, answer: { name: "job", body } }];
  }
}

const timerAt = (atMs: number): TimerEffect => ({ kind: "timer", name: "overdue", atMs });
