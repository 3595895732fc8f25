import {
  GENESIS_BASE_FEE,
  type JobId,
  jobIdOf,
  LIMITS,
  type NamedAnswer,
  type Outcome,
  resultDigest,
  resultHash,
  toHash,
  toMessage,
  ZERO_ADDRESS,
} from "@mvm/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BlockJobs, type BlockJobsOptions, type JobsEnd, type JobsStep } from "../src/index.ts";
import { freshHash, NETWORK, type Operator, PROVIDERS, transfer, USERS } from "./world.ts";

const TICK_MS = 1_000;
/** What the holders of a light job's seats have to themselves. */
const PATIENCE_MS = 250;
const TIMEOUT_MS = 5_000;

const environment = {
  timestamp: 1n,
  baseFeePerGas: GENESIS_BASE_FEE,
  gasLimit: LIMITS.blockGas,
  prevRandao: toHash(freshHash()),
  feeRecipient: ZERO_ADDRESS,
};
const messagesOf = (count: number, gas?: bigint) =>
  Array.from({ length: count }, (_, nonce) => {
    const from = USERS[0]!;
    return toMessage(transfer({ from, nonce: BigInt(nonce), ...(gas !== undefined && { gas }) }), 1n);
  });
const result = (count: number): readonly Outcome[] =>
  Array.from({ length: count }, () => ({
    kind: "included",
    status: 1,
    gasUsed: 21_000n,
    logs: [],
    writes: [],
    reads: [],
  }));
const LINE = PROVIDERS.slice(0, 4);

type Spec = Partial<Pick<BlockJobsOptions, "attempt" | "isSlow">> & {
  readonly messages?: ReturnType<typeof messagesOf>;
  /** holders of the seats of each job */
  readonly seats?: (attempt: number) => readonly Operator[];
};

type Asked = {
  readonly ticket: string;
  readonly attempt: number;
  readonly provider: Operator;
  readonly count: number;
  readonly atMs: number;
  open: boolean;
};

/** The jobs of a block, with the time and the providers in the hands of a test. */
class Driven {
  readonly jobs: BlockJobs;
  readonly asked: Asked[] = [];
  readonly ids: readonly JobId[];
  nowMs = 0;
  end: JobsEnd | null = null;
  #alarmMs = Number.POSITIVE_INFINITY;
  readonly #messages;

  constructor({ attempt = 0, isSlow = false, messages = messagesOf(8), seats = () => LINE }: Spec = {}) {
    const randomness = toHash(freshHash());
    this.#messages = messages;
    this.ids = Array.from({ length: LIMITS.jobAttempts }, (_, i) => jobIdOf(randomness, i));
    this.jobs = new BlockJobs({
      network: NETWORK,
      session: toHash(freshHash()),
      work: { environment, messages, values: [] },
      randomness,
      attempt,
      seatsOf: (jobId) => seats(this.ids.indexOf(jobId)),
      couriersOf: () => [],
      tickMs: TICK_MS,
      isSlow,
      timeoutMs: TIMEOUT_MS,
    });
    this.#take(this.jobs.start(0));
  }

  #take({ effects, end }: JobsStep): void {
    expect(this.end).toBeNull();
    for (const effect of effects) {
      if (effect.kind === "timer") this.#alarmMs = effect.atMs;
      if (effect.kind !== "request" || effect.request.name !== "job") continue;
      const { jobId, messages } = effect.request.body;
      const provider = PROVIDERS.find(({ peerId }) => peerId === effect.to)!;
      const attempt = this.ids.indexOf(jobId);
      const { ticket } = effect;
      this.asked.push({ ticket, attempt, provider, count: messages.length, atMs: this.nowMs, open: true });
    }
    this.end = end;
    for (const effect of effects) {
      if (effect.kind !== "executeJob") continue;
      const { job } = effect;
      const own = resultHash(job, result(job.messages.length));
      this.#take(this.jobs.executed(job.jobId, own, this.nowMs));
    }
  }

  /** Lets time pass until a moment, or the end; requests that are open for too long fail. */
  until(endMs: number): this {
    for (;;) {
      const timeouts = this.asked.filter(({ open }) => open).map(({ atMs }) => atMs + TIMEOUT_MS);
      const next = Math.min(this.#alarmMs, ...timeouts);
      if (this.end !== null || next > endMs) break;
      this.nowMs = next;
      if (next === this.#alarmMs) {
        this.#alarmMs = Number.POSITIVE_INFINITY;
        this.#take(this.jobs.timer(next));
      } else this.fail(this.asked.find(({ open, atMs }) => open && atMs + TIMEOUT_MS === next)!);
    }
    if (this.end === null) this.nowMs = Math.max(this.nowMs, endMs);
    return this;
  }

  fail(asked: Asked): void {
    asked.open = false;
    this.#take(this.jobs.handle({ kind: "requestFailed", ticket: asked.ticket, reason: "gone" }, this.nowMs));
  }

  answer(asked: Asked): void {
    asked.open = false;
    const jobId = this.ids[asked.attempt]!;
    const outcomes = result(asked.count);
    const job = { jobId, environment, messages: this.#messages.slice(0, asked.count), values: [] };
    const signature = asked.provider.bls.sign(resultDigest(NETWORK, jobId, resultHash(job, outcomes)));
    const answer: NamedAnswer = { name: "job", body: { kind: "result", outcomes, signature } };
    this.#take(this.jobs.handle({ kind: "answered", ticket: asked.ticket, answer }, this.nowMs));
  }

  of(attempt: number): readonly Asked[] {
    return this.asked.filter((asked) => asked.attempt === attempt);
  }

  /** When each job was begun. */
  get begins(): readonly number[] {
    const attempts = new Map<number, number>();
    for (const { attempt, atMs } of this.asked) if (!attempts.has(attempt)) attempts.set(attempt, atMs);
    return [...attempts.values()];
  }
}

describe("a block's jobs", () => {
  it("are begun one after the other when nobody's seat is in time, each of half as many messages, all within a block time", () => {
    const driven = new Driven().until(5 * PATIENCE_MS);
    expect(driven.begins).toEqual([0, 2, 3, 4].map((times) => times * PATIENCE_MS));
    expect([0, 1, 2, 3].map((attempt) => driven.of(attempt)[0]!.count)).toEqual([8, 4, 2, 1]);
    expect(driven.of(0).map(({ atMs }) => atMs / PATIENCE_MS)).toEqual([0, 0, 1, 1, 5, 5, 5, 5]);
  });

  it("leave nothing to wait for where seats fail at once", () => {
    const driven = new Driven();
    for (let i = 0; i < 4 * LIMITS.jobAttempts; i++) driven.fail(driven.asked[i]!);
    expect(driven.begins).toEqual([0, 0, 0, 0]);
  });

  it("count answers to the first while others run, which costs its seats nothing", () => {
    const driven = new Driven().until(3 * PATIENCE_MS);
    driven.answer(driven.of(2)[0]!);
    const [first, second] = driven.of(0);
    driven.answer(second!);
    driven.answer(first!);
    expect(driven.end).toMatchObject({ kind: "agreed", attempt: 0, seats: [0, 1], holders: LINE });
  });

  it("end with the first of them that is done, with its own seats", () => {
    const others = PROVIDERS.slice(2, 6);
    const driven = new Driven({ seats: (attempt) => (attempt === 0 ? LINE : others) }).until(2 * PATIENCE_MS);
    driven.answer(driven.of(0)[0]!);
    driven.answer(driven.of(1)[3]!);
    driven.answer(driven.of(1)[1]!);
    expect(driven.end).toMatchObject({ kind: "agreed", attempt: 1, seats: [null, 3, null, 5], holders: others });
  });

  it("end when a seat is reached whose holder has signed for another one, without an answer", () => {
    const [one, two, three] = PROVIDERS;
    const driven = new Driven({ seats: () => [one!, two!, three!, three!] });
    driven.fail(driven.of(0)[1]!);
    driven.answer(driven.of(0)[2]!);
    expect(driven.end).toBeNull();
    driven.until(PATIENCE_MS);
    expect(driven.end).toMatchObject({ kind: "agreed", attempt: 0, seats: [null, null, 2, 2] });
  });

  it("serve values to those who were asked for a job and have not ended it, of every job", () => {
    const driven = new Driven().until(2 * PATIENCE_MS);
    const [first, later] = [driven.ids[0]!, driven.ids[2]!];
    expect([driven.jobs.runs(first), driven.jobs.runs(later)]).toEqual([true, false]);
    expect(driven.jobs.serves(first, LINE[0]!.peerId)).toBe(true);
    expect(driven.jobs.serves(later, LINE[0]!.peerId)).toBe(false);
    driven.answer(driven.of(0)[0]!);
    expect(driven.jobs.serves(first, LINE[0]!.peerId)).toBe(false);
  });

  it("give seats more time the more gas they may need, up to half a block time", () => {
    const whole = messagesOf(4, LIMITS.blockGas / 4n);
    const half = messagesOf(2, LIMITS.blockGas / 4n);
    const patience = (messages: typeof whole) =>
      new Driven({ messages })
        .until(TICK_MS)
        .of(0)
        .find(({ atMs }) => atMs > 0)!.atMs;
    expect([patience(whole), patience(half), patience(messagesOf(1))]).toEqual([500, 370, 250]);
  });

  it("give seats half a block time after a block whose seats were slow, however they answer in it", () => {
    const quick = new Driven().until(PATIENCE_MS - 1);
    for (const asked of quick.of(0)) if (quick.end === null) quick.answer(asked);
    expect(quick.jobs.isSlow).toBe(false);
    const slow = new Driven().until(PATIENCE_MS + 1);
    for (const asked of slow.of(0)) if (slow.end === null) slow.answer(asked);
    expect(slow.jobs.isSlow).toBe(true);
    const patient = new Driven({ isSlow: true }).until(TICK_MS / 2 - 1);
    expect(patient.asked.length).toBe(LIMITS.seats);
    for (const asked of patient.of(0)) if (patient.end === null) patient.answer(asked);
    // they still need more than the least
    expect(patient.jobs.isSlow).toBe(true);
    expect(new Driven({ isSlow: true }).until(TICK_MS / 2).asked.length).toBeGreaterThan(LIMITS.seats);
  });

  it("ask those again who are gone once all seats have been asked, a bounded number of times", () => {
    const driven = new Driven();
    for (let i = 0; i < 4 * LIMITS.jobAttempts; i++) driven.fail(driven.asked[i]!);
    driven.until(PATIENCE_MS);
    expect(driven.asked.length).toBe(2 * 4 * LIMITS.jobAttempts);
    const [back, alsoBack] = driven.of(1).slice(4);
    driven.answer(back!);
    driven.answer(alsoBack!);
    expect(driven.end).toMatchObject({ kind: "agreed", attempt: 1, seats: [0, 1] });
    const silent = new Driven().until(100 * TICK_MS);
    expect(silent.end).toMatchObject({ kind: "failed", attempt: LIMITS.jobAttempts - 1, count: 1 });
    expect(silent.asked.length).toBe(5 * 4 * LIMITS.jobAttempts);
    expect(silent.nowMs).toBeLessThanOrEqual(2 * TICK_MS + TIMEOUT_MS);
  });

  it("go on with the last job alone in a later session, all of whose holders are asked at once", () => {
    const driven = new Driven({ attempt: LIMITS.jobAttempts - 1 });
    expect(driven.asked.map(({ attempt, count }) => [attempt, count])).toEqual(
      Array.from({ length: 4 }, () => [LIMITS.jobAttempts - 1, 8]),
    );
  });

  it("fail at once where there is no provider", () => {
    expect(new Driven({ seats: () => [] }).end).toMatchObject({ kind: "failed" });
  });

  it("are done within two block times wherever two seats of one job answer in time, and always end", () => {
    const ways = fc.constantFrom("answers", "silent", "fails");
    const seat = fc.record({ way: ways, holder: fc.nat(PROVIDERS.length - 1), ms: fc.nat(PATIENCE_MS / 2) });
    const line = fc.array(seat, { minLength: 4, maxLength: 4 });
    const jobs = fc.array(line, { minLength: LIMITS.jobAttempts, maxLength: LIMITS.jobAttempts });
    fc.assert(
      fc.property(jobs, (lines) => {
        // a provider does the same whichever seat of a job is its
        const wayOf = ({ attempt, provider }: Asked) =>
          lines[attempt]!.find(({ holder }) => PROVIDERS[holder] === provider)!;
        const driven = new Driven({ seats: (attempt) => lines[attempt]!.map(({ holder }) => PROVIDERS[holder]!) });
        for (let ms = 1; driven.end === null && ms <= 10 * TICK_MS; ms++) {
          driven.until(ms);
          for (const asked of driven.asked) {
            if (driven.end !== null) break;
            const { way, ms: afterMs } = wayOf(asked);
            if (!asked.open || way === "silent" || driven.nowMs < asked.atMs + afterMs) continue;
            if (way === "answers") driven.answer(asked);
            else driven.fail(asked);
          }
        }
        const isDoable = lines.some((seats, attempt) => {
          const answering = seats.filter(({ holder }) => {
            const asked = { attempt, provider: PROVIDERS[holder]! } as Asked;
            return wayOf(asked).way === "answers";
          });
          return answering.length >= LIMITS.seats;
        });
        expect(driven.end?.kind).toBe(isDoable ? "agreed" : "failed");
        if (isDoable) expect(driven.nowMs).toBeLessThanOrEqual(2 * TICK_MS);
        expect(driven.asked.length).toBeLessThanOrEqual(5 * 4 * LIMITS.jobAttempts);
      }),
      { numRuns: 40 },
    );
  });
});
