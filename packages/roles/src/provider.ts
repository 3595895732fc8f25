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

/** A job that runs; where several couriers brought it, each gets its result, and any of them may fetch values. */
type RunningJob = {
  readonly tickets: string[];
  readonly senders: PeerId[];
  readonly isSealed: boolean;
  readonly asked: Set<string>;
  readonly untilMs: number;
};

const TOO_LONG = "took longer than a job may";

/** Why a job is not taken, and whether its sender could have known. */
type Fault = { readonly reason: string; readonly isOffence: boolean };
const NO_SEAT: Fault = { reason: "no seat of this job is held here", isOffence: false };
/** A job, and the peer that has it brought here. */
type Sent = { readonly from: PeerId; readonly jobId: JobId };

/**
 * What is wrong with a sealed job, or with a parcel for a second courier (`isHop`), that a peer brings: known before it is opened, which costs
 * more than to look. Null where nothing is.
 */
export function deliveryFault(
  view: L1View,
  { operator }: { readonly operator: Address },
  { from, jobId, isHop = false }: Sent & { readonly isHop?: boolean },
): Fault | null {
  if (!isHop && !view.holdsSeat(operator, jobId)) return NO_SEAT;
  const self = view.providerOf(operator);
  if (self !== undefined && view.isCourier(from, jobId, self.index)) return null;
  return { reason: "no courier of this job", isOffence: !view.isPeerOf("provider", from) };
}

const reportOf = (peer: PeerId, reason: string): ReportEffect => ({ kind: "report", peer, reason: `job: ${reason}` });

export class Provider {
  readonly #options: ProviderOptions;
  readonly #running = new Map<JobId, RunningJob>();
  readonly #reads = new Map<string, { readonly jobId: JobId; readonly keys: readonly StateKey[] }>();
  #tickets = 0;

  constructor(options: ProviderOptions) {
    this.#options = options;
  }

  /** The own number in the registry; undefined where it is not there. */
  get #index(): number | undefined {
    const { view, operator } = this.#options;
    return view.providerOf(operator)?.index;
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

  #offered({ ticket, from, isSealed = false }: RequestedEvent, job: Job, nowMs: number): readonly ProviderEffect[] {
    const refusal = (reason: string): ProviderEffect => ({
      kind: "answer",
      ticket,
      answer: { name: "job", body: refused(reason) },
    });
    const sent = { from, jobId: job.jobId };
    const fault = isSealed ? deliveryFault(this.#options.view, this.#options, sent) : this.#senderFault(sent);
    if (fault !== null) return [refusal(fault.reason), ...(fault.isOffence ? [reportOf(from, fault.reason)] : [])];
    const running = this.#running.get(job.jobId);
    if (running !== undefined) {
      if (!isSealed || !running.isSealed || running.senders.includes(from)) return [refusal("already running")];
      running.tickets.push(ticket);
      running.senders.push(from);
      return [];
    }
    if (this.#running.size >= this.#options.parallelJobs) return [refusal("busy")];
    const untilMs = nowMs + this.#options.jobTimeoutMs;
    this.#running.set(job.jobId, { tickets: [ticket], senders: [from], isSealed, asked: new Set(), untilMs });
    // all have the same time, so that one that was accepted before ends before
    const isFirst = this.#running.size === 1;
    return [{ kind: "execute", job }, ...(isFirst ? [timerAt(untilMs)] : [])];
  }

  /** What is wrong with a job that its sequencer sent itself: it may where nobody can carry it. */
  #senderFault({ from, jobId }: Sent): Fault | null {
    const { view, operator } = this.#options;
    if (!view.holdsSeat(operator, jobId)) return NO_SEAT;
    if (view.isPeerOf("sequencer", from))
      return view.hasCouriers(jobId, this.#index!) ? { reason: "comes without a courier", isOffence: false } : null;
    // who left, or was ejected, may not have seen it yet
    return { reason: "not a sequencer", isOffence: !view.wasSequencer(from) };
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
        to: job.senders[0]!,
        request: { name: "values", body: { jobId, keys } },
        timeoutMs: Math.min(this.#options.valuesTimeoutMs, leftMs),
        ...(job.isSealed && { via: { jobId, provider: this.#index!, peers: job.senders.slice() } }),
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
    return job.tickets.map((ticket) => ({ kind: "answer", ticket, answer: { name: "job", body } }));
  }
}

const timerAt = (atMs: number): TimerEffect => ({ kind: "timer", name: "overdue", atMs });
