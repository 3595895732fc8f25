/**
 * One job's way through its seats: asks their holders, checks what they sign, compares, goes on to the seats that stand in. A holder that is
 * late has others asked beside it, and still counts when it answers: of those who have, the first seats are taken. Where two results differ,
 * or those agree who were only quicker than a seat before theirs, the own execution says which one counts: a majority would be easier to have
 * than all seats, and so would be two of the four that are asked in a hurry.
 */
import {
  encode,
  equalBytes,
  type Hash,
  type Hex,
  isCanonical,
  type Job,
  type JobId,
  type JobResult,
  LIMITS,
  type NetworkIdentity,
  type Outcome,
  outcomeCodec,
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

/** A result that its signer has signed, and that is not what came of the job here. */
export type SignedLie = {
  readonly job: Pick<Job, "jobId" | "environment" | "messages">;
  /** registry number and key of who signed it */
  readonly provider: number;
  readonly blsPublicKey: Hex;
  readonly outcomes: readonly Outcome[];
  readonly signature: Hex;
};

/** Have L1 judge who signed it, if it can. */
export type AccuseEffect = { readonly kind: "accuse"; readonly lie: SignedLie };

type JobEffect = RequestEffect | ReportEffect | ExecuteJobEffect | AccuseEffect;
export type JobStep = { readonly effects: readonly JobEffect[]; readonly end: JobEnd | null };

export type JobRunOptions = {
  readonly network: NetworkIdentity;
  /** no other run's: a job may be tried again */
  readonly session: Hash;
  readonly job: Job;
  /** holders of the job's seats in their order: one may hold several */
  readonly seats: readonly Member[];
  /** milliseconds that a holder has to itself: then the next seats' are asked as well */
  readonly patienceMs: number;
  /** milliseconds until a holder's answer is not waited for any more */
  readonly timeoutMs: number;
  /** whether all holders are asked at the start */
  readonly isUrgent: boolean;
  /** who carries the job to a holder; where nobody may, it goes straight */
  readonly couriersOf: (jobId: JobId, holder: Member) => readonly PeerId[];
};

/** Whether outcomes are encoded alike: what is read from the wire has its encoding at hand. */
const areEqual = (left: readonly Outcome[], right: readonly Outcome[]): boolean =>
  left.length === right.length &&
  left.every((outcome, i) => equalBytes(encode(outcomeCodec, outcome), encode(outcomeCodec, right[i]!)));

/** How a holder failed that may be asked again at any time, and one that never is. */
const FAILED = { kind: "failed", isLiar: false, backAtMs: 0 } as const;
const LIAR = { kind: "failed", isLiar: true, backAtMs: Number.POSITIVE_INFINITY } as const;

/** What a holder has come to: it is asked, it has failed, or it has signed a result. */
type Holder =
  | { readonly kind: "asked"; readonly sinceMs: number }
  /** backAtMs: when who was busy wants to be asked again */
  | { readonly kind: "failed"; readonly isLiar: boolean; readonly backAtMs: number }
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
  /** the own result, once it was needed; "none" where it is not to be had */
  #own: "unasked" | "asked" | "none" | Hash = "unasked";
  #ownSinceMs = 0;
  #slowestMs = 0;
  #asked = 0;

  constructor(options: JobRunOptions) {
    this.#options = options;
  }

  /** Whether the peer was asked to do this job and has not ended it: only such may read values. */
  serves(peer: PeerId): boolean {
    return [...this.#tickets.values()].some((member) => member.peerId === peer);
  }

  /** Whether an answer with this ticket is waited for. */
  awaits(ticket: string): boolean {
    return this.#tickets.has(ticket);
  }

  /** Milliseconds that the slowest of those took who signed a result. */
  get slowestMs(): number {
    return this.#slowestMs;
  }

  start(nowMs: number): JobStep {
    if (this.#options.seats.length === 0)
      return { effects: [], end: { kind: "failed", reason: "no provider is registered" } };
    return this.#goOn([], nowMs);
  }

  /** To be called when `wakesAtMs` has come. */
  timer(nowMs: number): JobStep {
    return this.#goOn([], nowMs);
  }

  /** When the next of those who are asked is late, null where nobody is who is not late yet. */
  wakesAtMs(nowMs: number): number | null {
    const since = this.#own === "asked" ? [this.#ownSinceMs] : [];
    for (const holder of this.#holders.values()) if (holder.kind === "asked") since.push(holder.sinceMs);
    const ends = since.map((ms) => ms + this.#options.patienceMs).filter((ms) => ms > nowMs);
    return ends.length === 0 ? null : Math.min(...ends);
  }

  /** Whether it ends only by those who are late: it is time for another job. */
  isSpent(nowMs: number): boolean {
    if (this.#own === "asked") return this.#isLate(this.#ownSinceMs, nowMs);
    if (this.#own === "none") return true;
    return this.#reached === this.#options.seats.length && !this.#mayAgree(nowMs);
  }

  /** Whether `again` would ask anybody. */
  get mayAskAgain(): boolean {
    return this.#gone.length > 0;
  }

  /** Asks those again who failed or have not answered: they may be back. Who said that it is busy for longer is not asked. */
  again(nowMs: number): readonly RequestEffect[] {
    const back = this.#gone.filter(({ index }) => {
      const holder = this.#holders.get(index);
      return holder?.kind !== "failed" || holder.backAtMs <= nowMs;
    });
    return back.map((member) => this.#send(member, nowMs));
  }

  /** Holders that were asked and gave nothing, not even what is wrong; none where results differ and nobody can say which one counts. */
  get #gone(): readonly Member[] {
    if (this.#own === "asked" || this.#groups().size > 1) return [];
    const members = new Map(this.#options.seats.map((member) => [member.index, member]));
    return [...members.values()].filter(({ index }) => {
      const holder = this.#holders.get(index);
      return holder?.kind === "failed" ? !holder.isLiar : holder?.kind === "asked";
    });
  }

  handle(event: AnsweredEvent | RequestFailedEvent, nowMs: number): JobStep {
    const member = this.#tickets.get(event.ticket);
    if (member === undefined) return { effects: [], end: null };
    this.#tickets.delete(event.ticket);
    const holder = this.#holders.get(member.index);
    const body = event.kind === "answered" && event.answer.name === "job" ? event.answer.body : null;
    const judged = body?.kind === "result" ? this.#judge(member, body) : null;
    if (typeof judged === "string") {
      this.#holders.set(member.index, LIAR);
      return this.#goOn([{ kind: "report", peer: member.peerId, reason: judged }], nowMs);
    }
    // of several requests that one fails says nothing
    if (holder?.kind !== "asked" || (judged === null && this.serves(member.peerId))) return { effects: [], end: null };
    if (judged !== null) this.#slowestMs = Math.max(this.#slowestMs, nowMs - holder.sinceMs);
    const busy = body?.kind === "busy" ? { ...FAILED, backAtMs: nowMs + body.retryMs } : FAILED;
    this.#holders.set(member.index, judged ?? busy);
    return this.#goOn(this.#isSettled ? this.#exclude() : [], nowMs);
  }

  get #isSettled(): boolean {
    return this.#own !== "unasked" && this.#own !== "asked" && this.#own !== "none";
  }

  /** The own node has executed the job; null: it could not. */
  executed(result: Hash | null, nowMs: number): JobStep {
    if (this.#own !== "asked") return { effects: [], end: null };
    this.#own = result ?? "none";
    return this.#goOn(this.#isSettled ? this.#exclude() : [], nowMs);
  }

  /** Takes those out who signed another result than the own. */
  #exclude(): readonly (ReportEffect | AccuseEffect)[] {
    const { jobId, environment, messages } = this.#options.job;
    const liars = [...this.#holders.values()].filter(
      (holder) => holder.kind === "signed" && holder.result !== this.#own,
    ) as readonly (Holder & { kind: "signed" })[];
    return liars.flatMap(({ member, outcomes, signature }): readonly (ReportEffect | AccuseEffect)[] => {
      const { index: provider, blsPublicKey, peerId: peer } = member;
      this.#holders.set(provider, LIAR);
      const lie = { job: { jobId, environment, messages }, provider, blsPublicKey, outcomes, signature };
      return [
        { kind: "report", peer, reason: "signed a result that does not follow from the job" },
        { kind: "accuse", lie },
      ];
    });
  }

  /** A holder that signed this result, or what is wrong with it. */
  #judge(member: Member, { outcomes, signature }: JobResult): Holder | string {
    const { network, job } = this.#options;
    if (outcomes.length === 0 || outcomes.length > job.messages.length)
      return "result with no outcome, or with more than messages";
    if (!outcomes.every(isCanonical)) return "result with reads or writes in another form than there is";
    // most seats say the same, which is hashed once
    const signed = [...this.#holders.values()].filter((holder) => holder.kind === "signed");
    const equal = signed.find((holder) => areEqual(holder.outcomes, outcomes));
    const result = equal?.result ?? resultHash(job, outcomes);
    return verifyBls(resultDigest(network, job.jobId, result), member.blsPublicKey, signature)
      ? { kind: "signed", member, result, outcomes, signature }
      : "result with a bad signature";
  }

  /** Ends where as many seats agree as a job needs; else has as many asked as may still make up for what is missing. */
  #goOn(reports: readonly (ReportEffect | AccuseEffect)[], nowMs: number): JobStep {
    const effects: JobEffect[] = [...reports];
    for (;;) {
      const groups = this.#groups();
      const agreed = [...groups.values()].find((seats) => seats.length >= LIMITS.seats)?.slice(0, LIMITS.seats);
      const isHurried = agreed !== undefined && this.#isAwaitedBefore(agreed.at(-1)!);
      if ((groups.size > 1 || isHurried) && this.#own === "unasked") {
        this.#own = "asked";
        this.#ownSinceMs = nowMs;
        effects.push({ kind: "executeJob", session: this.#options.session, job: this.#options.job });
      }
      if (this.#own === "asked") return { effects, end: null };
      if (groups.size > 1) return { effects, end: { kind: "failed", reason: "the seats disagree" } };
      if (agreed !== undefined && (!isHurried || this.#isSettled)) return { effects, end: this.#agreed(agreed) };
      const isLast = this.#reached === this.#options.seats.length;
      if (this.#mayAgree(nowMs) && (isLast || !this.#options.isUrgent)) return { effects, end: null };
      if (isLast) {
        if (this.#tickets.size > 0) return { effects, end: null };
        return { effects, end: { kind: "failed", reason: "too few seats answered" } };
      }
      effects.push(...this.#ask(this.#options.seats[this.#reached]!, nowMs));
      this.#reached += 1;
    }
  }

  /** Whether somebody who holds an earlier seat may still answer. */
  #isAwaitedBefore(seat: number): boolean {
    return this.#reachedHolders()
      .slice(0, seat)
      .some(({ kind }) => kind === "asked");
  }

  #isLate(sinceMs: number, nowMs: number): boolean {
    return nowMs >= sinceMs + this.#options.patienceMs;
  }

  /** Whether those who are asked and not late can make up for what is missing. */
  #mayAgree(nowMs: number): boolean {
    const most = Math.max(0, ...[...this.#groups().values()].map((seats) => seats.length));
    const inTime = this.#reachedHolders().filter(
      (holder) => holder.kind === "asked" && !this.#isLate(holder.sinceMs, nowMs),
    );
    return most + inTime.length >= LIMITS.seats;
  }

  /** Seats by the result that their holders signed. */
  #groups(): ReadonlyMap<Hash, readonly number[]> {
    const groups = new Map<Hash, number[]>();
    for (const [seat, holder] of this.#reachedHolders().entries())
      if (holder.kind === "signed") groups.set(holder.result, [...(groups.get(holder.result) ?? []), seat]);
    return groups;
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
  #ask(member: Member, nowMs: number): readonly RequestEffect[] {
    return this.#holders.has(member.index) ? [] : [this.#send(member, nowMs)];
  }

  #send(member: Member, nowMs: number): RequestEffect {
    const { session, job, timeoutMs, couriersOf } = this.#options;
    const peers = couriersOf(job.jobId, member);
    const via = peers.length === 0 ? {} : { via: { jobId: job.jobId, provider: member.index, peers } };
    const ticket = `job:${session}:${job.jobId}:${this.#asked++}`;
    this.#holders.set(member.index, { kind: "asked", sinceMs: nowMs });
    this.#tickets.set(ticket, member);
    return { kind: "request", ticket, to: member.peerId, request: { name: "job", body: job }, timeoutMs, ...via };
  }
}
