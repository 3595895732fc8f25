/** One job's way through its seats: asks providers, checks what they sign, compares, falls back to stand-ins. */
import {
  type Hash,
  type Job,
  type JobResult,
  LIMITS,
  type NetworkIdentity,
  type Outcome,
  outcomesHash,
  type PeerId,
  resultDigest,
  type Seat,
  verifyBls,
} from "@mvm/protocol";
import type { Member } from "./l1Event.ts";
import type { AnsweredEvent, ReportEffect, RequestEffect, RequestFailedEvent } from "./machine.ts";

export type JobEnd =
  /** outcomes of the first messages, all of them unless the result would be too long */
  | { readonly kind: "agreed"; readonly outcomes: readonly Outcome[]; readonly seats: readonly Seat[] }
  | { readonly kind: "failed"; readonly reason: string };

export type JobStep = { readonly effects: readonly (RequestEffect | ReportEffect)[]; readonly end: JobEnd | null };

export type JobRunOptions = {
  readonly network: NetworkIdentity;
  readonly job: Job;
  /** seats first, then stand-ins */
  readonly providers: readonly Member[];
  readonly timeoutMs: number;
};

type Group = { readonly outcomes: readonly Outcome[]; readonly seats: Seat[] };

export class JobRun {
  readonly #options: JobRunOptions;
  /** equal results that a block needs: all seats, or all providers where there are fewer */
  readonly #needed: number;
  readonly #asked = new Map<string, Member>();
  readonly #groups = new Map<Hash, Group>();
  #next = 0;

  constructor(options: JobRunOptions) {
    this.#options = options;
    this.#needed = Math.min(LIMITS.seats, options.providers.length);
  }

  /** Whether the peer was asked to do this job and has not ended it: only such may read values. */
  serves(peer: PeerId): boolean {
    return [...this.#asked.values()].some((member) => member.peerId === peer);
  }

  start(): JobStep {
    if (this.#needed === 0) return { effects: [], end: { kind: "failed", reason: "no provider is registered" } };
    return { effects: Array.from({ length: this.#needed }, () => this.#ask()).flat(), end: null };
  }

  handle(event: AnsweredEvent | RequestFailedEvent): JobStep {
    const member = this.#asked.get(event.ticket);
    if (member === undefined) return { effects: [], end: null };
    this.#asked.delete(event.ticket);
    const body = event.kind === "answered" && event.answer.name === "job" ? event.answer.body : null;
    if (body?.kind !== "result") return this.#standIn([]);
    const fault = this.#faultOf(member, body);
    if (fault !== null) return this.#standIn([{ kind: "report", peer: member.peerId, reason: fault }]);
    const key = outcomesHash(body.outcomes);
    const group = this.#groups.get(key) ?? { outcomes: body.outcomes, seats: [] };
    group.seats.push({ provider: member.index, signature: body.signature });
    this.#groups.set(key, group);
    if (group.seats.length >= this.#needed)
      return { effects: [], end: { kind: "agreed", outcomes: group.outcomes, seats: group.seats } };
    return this.#asked.size === 0 ? this.#standIn([]) : { effects: [], end: null };
  }

  #faultOf(member: Member, result: JobResult): string | null {
    const { network, job } = this.#options;
    const { length } = result.outcomes;
    if (length === 0 || length > job.messages.length) return "result with no outcome, or with more than messages";
    return verifyBls(resultDigest(network, job, result.outcomes), member.blsPublicKey, result.signature)
      ? null
      : "result with a bad signature";
  }

  #ask(): readonly RequestEffect[] {
    const member = this.#options.providers[this.#next];
    if (member === undefined) return [];
    const { job, timeoutMs } = this.#options;
    const ticket = `job:${job.jobId}:${this.#next++}`;
    this.#asked.set(ticket, member);
    return [{ kind: "request", ticket, to: member.peerId, request: { name: "job", body: job }, timeoutMs }];
  }

  #standIn(reports: readonly ReportEffect[]): JobStep {
    const effects = [...reports, ...this.#ask()];
    if (this.#asked.size > 0) return { effects, end: null };
    const reason = this.#groups.size > 1 ? "the seats disagree" : "too few seats answered";
    return { effects, end: { kind: "failed", reason } };
  }
}
