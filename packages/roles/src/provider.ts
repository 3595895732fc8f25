/**
 * A provider: takes jobs up to its capacity, shares its places among who sends them, has them executed, asks their sender for values that were not
 * predicted.
 */
import {
  type Address,
  type AnswerOf,
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
import { JobPlaces } from "./jobPlaces.ts";
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
  /** gas that one of them gets through in a second, as it was measured */
  readonly gasPerSecond: number;
  /** milliseconds that a job may wait for others to end before it is refused: no longer than its sequencer waits alone for it */
  readonly waitMs: number;
  /** milliseconds to wait for values */
  readonly valuesTimeoutMs: number;
  /** milliseconds from a job's acceptance until it is given up, however its sender supplies it: nobody waits for its result any more */
  readonly jobTimeoutMs: number;
};

/** A job that runs or waits; where several couriers brought it, each gets its result, and any of them may fetch values. */
type TakenJob = {
  readonly job: Job;
  readonly tickets: string[];
  readonly senders: PeerId[];
  readonly isSealed: boolean;
  readonly asked: Set<string>;
  readonly untilMs: number;
  /** why it is given up */
  leaves: "overdue" | "gives way" | null;
};

const TOO_LONG = "took longer than a job may";
const GIVES_WAY = "gives way to others' jobs";

/** What became of jobs since the start. */
export type JobCounts = {
  done: number;
  /** gas that the jobs' outcomes used */
  gasUsed: bigint;
  failed: number;
  /** refused because all places were taken; given up for others' jobs */
  busy: number;
  gaveWay: number;
};

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
  readonly #places: JobPlaces;
  readonly #jobs = new Map<JobId, TakenJob>();
  readonly #reads = new Map<string, { readonly jobId: JobId; readonly keys: readonly StateKey[] }>();
  readonly #counts: JobCounts = { done: 0, gasUsed: 0n, failed: 0, busy: 0, gaveWay: 0 };
  #tickets = 0;
  /** when the timer rings that was set last; null where it has */
  #wakesAtMs: number | null = null;

  constructor(options: ProviderOptions) {
    this.#options = options;
    this.#places = new JobPlaces(options);
  }

  /** The own number in the registry; undefined where it is not there. */
  get #index(): number | undefined {
    const { view, operator } = this.#options;
    return view.providerOf(operator)?.index;
  }

  get running(): number {
    return this.#places.running;
  }

  get waiting(): number {
    return this.#places.waiting;
  }

  get counts(): Readonly<JobCounts> {
    return this.#counts;
  }

  handle(event: ProviderEvent, { nowMs }: Moment): readonly ProviderEffect[] {
    const effects = this.#handle(event, nowMs);
    const moved = this.#move(nowMs);
    return [...effects, ...moved, ...this.#alarm(nowMs)];
  }

  #handle(event: ProviderEvent, nowMs: number): readonly ProviderEffect[] {
    switch (event.kind) {
      case "requested":
        return event.request.name === "job" ? this.#offered(event, event.request.body, nowMs) : [];
      case "timer":
        this.#wakesAtMs = null;
        return this.#overdue(nowMs);
      case "valuesWanted":
        return this.#wanted(event, nowMs);
      case "answered":
        return this.#valuesCame(event);
      case "requestFailed":
        return this.#valuesFailed(event.ticket, event.reason);
      case "executed":
        return this.#executed(event.jobId, event.result);
      case "executionFailed":
        return this.#failed(event.jobId, event.reason, nowMs);
    }
  }

  #offered({ ticket, from, isSealed = false }: RequestedEvent, job: Job, nowMs: number): readonly ProviderEffect[] {
    const refusal = (reason: string): ProviderEffect => answerTo(ticket, refused(reason));
    const { jobId } = job;
    const sent = { from, jobId };
    const fault = isSealed ? deliveryFault(this.#options.view, this.#options, sent) : this.#senderFault(sent);
    if (fault !== null) return [refusal(fault.reason), ...(fault.isOffence ? [reportOf(from, fault.reason)] : [])];
    const known = this.#jobs.get(jobId);
    if (known !== undefined) {
      if (!isSealed || !known.isSealed || known.senders.includes(from)) return [refusal("already running")];
      known.tickets.push(ticket);
      known.senders.push(from);
      return [];
    }
    // no block has more: it bounds what executing the messages one by one may take
    const gas = job.messages.reduce((sum, { gasLimit }) => sum + gasLimit, 0n);
    if (gas > LIMITS.blockGas) return [refusal("declares more gas than a block has")];
    const expectedMs = (1_000 * Number(gas)) / this.#options.gasPerSecond;
    const admission = this.#places.offer({ jobId, sender: from, expectedMs }, nowMs);
    if (admission.kind === "busy") return this.#busy([ticket], nowMs);
    const untilMs = nowMs + this.#options.jobTimeoutMs;
    const taken = {
      job,
      tickets: [ticket],
      senders: [from],
      isSealed,
      asked: new Set<string>(),
      untilMs,
      leaves: null,
    };
    this.#jobs.set(jobId, taken);
    if (admission.kind === "begins") return [{ kind: "execute", job }];
    return admission.displaced === null ? [] : this.#turnAway(admission.displaced, nowMs);
  }

  /** Lets jobs begin where there are places, and has others give way. */
  #move(nowMs: number): readonly ProviderEffect[] {
    const effects: ProviderEffect[] = [];
    for (let jobId = this.#places.begin(nowMs); jobId !== null; jobId = this.#places.begin(nowMs))
      effects.push({ kind: "execute", job: this.#jobs.get(jobId)!.job });
    for (const jobId of this.#places.expired(nowMs)) effects.push(...this.#turnAway(jobId, nowMs));
    for (const jobId of this.#places.givingWay(nowMs)) {
      this.#jobs.get(jobId)!.leaves = "gives way";
      effects.push({ kind: "abort", jobId, reason: GIVES_WAY });
    }
    return effects;
  }

  #busy(tickets: readonly string[], nowMs: number): readonly ProviderEffect[] {
    this.#counts.busy += 1;
    const retryMs = this.#places.retryMs(nowMs);
    return tickets.map((ticket) => answerTo(ticket, { kind: "busy", retryMs }));
  }

  /** Ends a job that waited in vain. */
  #turnAway(jobId: JobId, nowMs: number): readonly ProviderEffect[] {
    const { tickets } = this.#jobs.get(jobId)!;
    this.#jobs.delete(jobId);
    return this.#busy(tickets, nowMs);
  }

  /** Has the machine woken when something is to be looked at, where no timer rings before. */
  #alarm(nowMs: number): readonly ProviderEffect[] {
    const ends = [...this.#jobs.values()].filter(({ leaves }) => leaves === null).map(({ untilMs }) => untilMs);
    const places = this.#places.wakesAtMs(nowMs);
    const atMs = Math.min(...ends, ...(places === null ? [] : [places]));
    if (atMs === Number.POSITIVE_INFINITY || (this.#wakesAtMs !== null && this.#wakesAtMs <= atMs)) return [];
    this.#wakesAtMs = atMs;
    return [timerAt(atMs)];
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
    const late = [...this.#jobs].filter(([, { untilMs, leaves }]) => leaves === null && untilMs <= nowMs);
    return late.map(([jobId, taken]): AbortEffect => {
      taken.leaves = "overdue";
      this.#places.leave(jobId);
      return { kind: "abort", jobId, reason: TOO_LONG };
    });
  }

  #wanted(
    { jobId, keys }: { readonly jobId: JobId; readonly keys: readonly StateKey[] },
    nowMs: number,
  ): readonly ProviderEffect[] {
    const job = this.#jobs.get(jobId);
    if (job === undefined) return [];
    const leftMs = job.untilMs - nowMs;
    if (leftMs <= 0 || job.leaves !== null)
      return [{ kind: "abort", jobId, reason: job.leaves === "gives way" ? GIVES_WAY : TOO_LONG }];
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

  #executed(jobId: JobId, result: JobResult): readonly ProviderEffect[] {
    const used = result.outcomes.map((outcome) => (outcome.kind === "included" ? outcome.gasUsed : 0n));
    const tickets = this.#end(jobId);
    if (tickets.length > 0) {
      this.#counts.done += 1;
      this.#counts.gasUsed += used.reduce((sum, gas) => sum + gas, 0n);
    }
    return tickets.map((ticket) => answerTo(ticket, { kind: "result", ...result }));
  }

  #failed(jobId: JobId, reason: string, nowMs: number): readonly ProviderEffect[] {
    const gaveWay = this.#jobs.get(jobId)?.leaves === "gives way";
    const tickets = this.#end(jobId);
    if (tickets.length > 0) this.#counts[gaveWay ? "gaveWay" : "failed"] += 1;
    const body = gaveWay ? { kind: "busy" as const, retryMs: this.#places.retryMs(nowMs) } : refused(reason);
    return tickets.map((ticket) => answerTo(ticket, body));
  }

  /** Takes a job off; gives who waits for it. */
  #end(jobId: JobId): readonly string[] {
    const tickets = this.#jobs.get(jobId)?.tickets ?? [];
    this.#jobs.delete(jobId);
    this.#places.end(jobId);
    return tickets;
  }
}

const timerAt = (atMs: number): TimerEffect => ({ kind: "timer", name: "overdue", atMs });
const answerTo = (ticket: string, body: AnswerOf<"job">): AnswerEffect => ({
  kind: "answer",
  ticket,
  answer: { name: "job", body },
});
