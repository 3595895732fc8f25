/**
 * One job's way through its seats: asks their holders, checks what they sign, compares, goes on to the seats that stand in. Where two results
 * differ, the own execution says which one counts: a majority would be easier to have than all seats.
 */
import {
  type Hash,
  type Hex,
  type Job,
  type JobResult,
  LIMITS,
  type NetworkIdentity,
  type Outcome,
  type PeerId,
  resultDigest,
  resultHash,
  verifyBls,
} from "@mvm/protocol";
import type { Member } from "./l1Event.ts";
import type { AnsweredEvent, ReportEffect, RequestEffect, RequestFailedEvent } from "./machine.ts";

/** What enough seats have signed. */
export type AgreedWork = {
  /** of the first messages, all of them unless the result would be too long */
  readonly outcomes: readonly Outcome[];
  /** registry number of each seat's holder, null for one that was passed over */
  readonly seats: readonly (number | null)[];
  /** resultHash, and the signature of each seat that served */
  readonly result: Hash;
  readonly signatures: readonly Hex[];
};

export type JobEnd = ({ readonly kind: "agreed" } & AgreedWork) | { readonly kind: "failed"; readonly reason: string };

/** Execute the job of a session on its working state. Ends in JobExecuted. */
export type ExecuteJobEffect = { readonly kind: "executeJob"; readonly session: Hash; readonly job: Job };

type JobEffect = RequestEffect | ReportEffect | ExecuteJobEffect;
export type JobStep = { readonly effects: readonly JobEffect[]; readonly end: JobEnd | null };

export type JobRunOptions = {
  readonly network: NetworkIdentity;
  /** no other run's: a job may be tried again */
  readonly session: Hash;
  readonly job: Job;
  /** holders of the job's seats in their order: one may hold several */
  readonly seats: readonly Member[];
  readonly timeoutMs: number;
  /** who carries the job to a holder; where nobody may, it goes straight */
  readonly couriersOf: (holder: Member) => readonly PeerId[];
};

/** What a holder has come to: it is asked, it has failed, or it has signed a result. */
type Holder =
  | { readonly kind: "asked" }
  | { readonly kind: "failed" }
  | {
      readonly kind: "signed";
      readonly member: Member;
      readonly result: Hash;
      readonly outcomes: readonly Outcome[];
      readonly signature: Hex;
    };

export class JobRun {
  readonly #options: JobRunOptions;
  /** by registry number */
  readonly #holders = new Map<number, Holder>();
  readonly #tickets = new Map<string, Member>();
  /** seats, from the first on, whose holders were asked */
  #reached = 0;
  /** the own result, once results differed */
  #own: "unasked" | "asked" | Hash = "unasked";

  constructor(options: JobRunOptions) {
    this.#options = options;
  }

  /** Whether the peer was asked to do this job and has not ended it: only such may read values. */
  serves(peer: PeerId): boolean {
    return [...this.#tickets.values()].some((member) => member.peerId === peer);
  }

  start(): JobStep {
    if (this.#options.seats.length === 0)
      return { effects: [], end: { kind: "failed", reason: "no provider is registered" } };
    return this.#goOn([]);
  }

  handle(event: AnsweredEvent | RequestFailedEvent): JobStep {
    const member = this.#tickets.get(event.ticket);
    if (member === undefined) return { effects: [], end: null };
    this.#tickets.delete(event.ticket);
    const body = event.kind === "answered" && event.answer.name === "job" ? event.answer.body : null;
    const judged = body?.kind === "result" ? this.#judge(member, body) : null;
    if (typeof judged === "string") {
      this.#holders.set(member.index, { kind: "failed" });
      return this.#goOn([{ kind: "report", peer: member.peerId, reason: judged }]);
    }
    this.#holders.set(member.index, judged ?? { kind: "failed" });
    return this.#goOn(this.#isSettled ? this.#exclude() : []);
  }

  get #isSettled(): boolean {
    return this.#own !== "unasked" && this.#own !== "asked";
  }

  /** The own node has executed the job; null: it could not. */
  executed(result: Hash | null): JobStep {
    if (this.#own !== "asked") return { effects: [], end: null };
    if (result === null) return { effects: [], end: { kind: "failed", reason: "the seats disagree" } };
    this.#own = result;
    return this.#goOn(this.#exclude());
  }

  /** Takes those out who signed another result than the own. */
  #exclude(): readonly ReportEffect[] {
    const liars = [...this.#holders.values()].filter(
      (holder) => holder.kind === "signed" && holder.result !== this.#own,
    ) as readonly (Holder & { kind: "signed" })[];
    return liars.map(({ member }) => {
      this.#holders.set(member.index, { kind: "failed" });
      return { kind: "report", peer: member.peerId, reason: "signed a result that does not follow from the job" };
    });
  }

  /** A holder that signed this result, or what is wrong with it. */
  #judge(member: Member, { outcomes, signature }: JobResult): Holder | string {
    const { network, job } = this.#options;
    if (outcomes.length === 0 || outcomes.length > job.messages.length)
      return "result with no outcome, or with more than messages";
    const result = resultHash(job, outcomes);
    return verifyBls(resultDigest(network, job.jobId, result), member.blsPublicKey, signature)
      ? { kind: "signed", member, result, outcomes, signature }
      : "result with a bad signature";
  }

  /** Ends where as many seats agree as a job needs; else has as many asked as may still make up for what is missing. */
  #goOn(reports: readonly ReportEffect[]): JobStep {
    const effects: JobEffect[] = [...reports];
    for (;;) {
      const groups = this.#groups();
      if (groups.size > 1 && this.#own === "unasked") {
        this.#own = "asked";
        effects.push({ kind: "executeJob", session: this.#options.session, job: this.#options.job });
      }
      if (this.#own === "asked") return { effects, end: null };
      const [agreed] = [...groups.values()].filter((seats) => seats.length >= LIMITS.seats);
      if (agreed !== undefined) return { effects, end: this.#agreed(agreed.slice(0, LIMITS.seats)) };
      const most = Math.max(0, ...[...groups.values()].map((seats) => seats.length));
      if (most + this.#countOf("asked") >= LIMITS.seats) return { effects, end: null };
      if (this.#reached === this.#options.seats.length) {
        if (this.#tickets.size > 0) return { effects, end: null };
        return { effects, end: { kind: "failed", reason: "too few seats answered" } };
      }
      effects.push(...this.#ask(this.#options.seats[this.#reached]!));
      this.#reached += 1;
    }
  }

  /** Seats by the result that their holders signed. */
  #groups(): ReadonlyMap<Hash, readonly number[]> {
    const groups = new Map<Hash, number[]>();
    for (const [seat, holder] of this.#reachedHolders().entries())
      if (holder.kind === "signed") groups.set(holder.result, [...(groups.get(holder.result) ?? []), seat]);
    return groups;
  }

  #countOf(kind: Holder["kind"]): number {
    return this.#reachedHolders().filter((holder) => holder.kind === kind).length;
  }

  #reachedHolders(): readonly Holder[] {
    return this.#options.seats.slice(0, this.#reached).map(({ index }) => this.#holders.get(index)!);
  }

  #agreed(served: readonly number[]): JobEnd {
    const holders = this.#reachedHolders();
    const signed = served.map((seat) => holders[seat]!).filter((holder) => holder.kind === "signed");
    const seats = this.#options.seats
      .slice(0, served.at(-1)! + 1)
      .map(({ index }, seat) => (served.includes(seat) ? index : null));
    const { outcomes, result } = signed[0]!;
    return { kind: "agreed", outcomes, seats, result, signatures: signed.map(({ signature }) => signature) };
  }

  /** Asks a seat's holder, once whatever seats it has. */
  #ask(member: Member): readonly RequestEffect[] {
    if (this.#holders.has(member.index)) return [];
    const { session, job, timeoutMs, couriersOf } = this.#options;
    const peers = couriersOf(member);
    const via = peers.length === 0 ? {} : { via: { jobId: job.jobId, provider: member.index, peers } };
    const ticket = `job:${session}:${member.index}`;
    this.#holders.set(member.index, { kind: "asked" });
    this.#tickets.set(ticket, member);
    return [{ kind: "request", ticket, to: member.peerId, request: { name: "job", body: job }, timeoutMs, ...via }];
  }
}
