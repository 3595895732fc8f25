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
} from "./machine.ts";

/** Execute a job over its values; ask for others by ValuesWanted; end in Executed or ExecutionFailed. */
export type ExecuteEffect = { readonly kind: "execute"; readonly job: Job };
/** Values that the execution waits for. */
export type SupplyEffect = { readonly kind: "supply"; readonly jobId: JobId; readonly entries: readonly StateEntry[] };
/** Give the execution up. */
export type AbortEffect = { readonly kind: "abort"; readonly jobId: JobId; readonly reason: string };

export type ProviderEffect = AnswerEffect | RequestEffect | ReportEffect | ExecuteEffect | SupplyEffect | AbortEffect;

export type ProviderEvent =
  | RequestedEvent
  | AnsweredEvent
  | RequestFailedEvent
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
};

type RunningJob = { readonly ticket: string; readonly from: PeerId; readonly asked: Set<string> };

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

  handle(event: ProviderEvent, _moment: Moment): readonly ProviderEffect[] {
    switch (event.kind) {
      case "requested":
        return event.request.name === "job" ? this.#offered(event.ticket, event.from, event.request.body) : [];
      case "valuesWanted":
        return this.#wanted(event.jobId, event.keys);
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

  #offered(ticket: string, from: PeerId, job: Job): readonly ProviderEffect[] {
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
    this.#running.set(job.jobId, { ticket, from, asked: new Set() });
    return [{ kind: "execute", job }];
  }

  #wanted(jobId: JobId, keys: readonly StateKey[]): readonly ProviderEffect[] {
    const job = this.#running.get(jobId);
    if (job === undefined) return [];
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
        timeoutMs: this.#options.valuesTimeoutMs,
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
