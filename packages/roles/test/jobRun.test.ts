import {
  GENESIS_BASE_FEE,
  isWork,
  JOB_SEATS,
  type Job,
  LIMITS,
  type NamedAnswer,
  type Outcome,
  resultDigest,
  resultHash,
  toHash,
  toJobId,
  toMessage,
  verifyBls,
  ZERO_ADDRESS,
} from "@mvm/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { JobRun, type JobStep } from "../src/index.ts";
import { freshHash, NETWORK, type Operator, PROVIDERS, transfer } from "./world.ts";

const job: Job = {
  jobId: toJobId(freshHash()),
  environment: {
    timestamp: 1n,
    baseFeePerGas: GENESIS_BASE_FEE,
    gasLimit: LIMITS.blockGas,
    prevRandao: toHash(freshHash()),
    feeRecipient: ZERO_ADDRESS,
  },
  messages: [toMessage(transfer(), 1n)],
  values: [],
};
const result = (gasUsed: bigint): readonly Outcome[] => [
  { kind: "included", status: 1, gasUsed, logs: [], writes: [], reads: [] },
];
const RIGHT = result(21_000n);
const WRONG = result(1n);
const couriersOf = () => [];
const LINE = PROVIDERS.slice(0, JOB_SEATS);

const PATIENCE_MS = 200;

/** A run whose requests are kept, to be answered by their place in the line. */
class Driven {
  readonly run: JobRun;
  nowMs = 0;
  readonly steps: JobStep[] = [];
  /** what the own execution comes to; null where it cannot be had */
  own: readonly Outcome[] | null = RIGHT;
  /** whether the own execution takes until it is settled */
  isBusy = false;

  constructor(seats: readonly Operator[] = LINE, isUrgent = false) {
    const times = { patienceMs: PATIENCE_MS, timeoutMs: 1_000 };
    this.run = new JobRun({
      network: NETWORK,
      session: toHash(freshHash()),
      job,
      seats,
      ...times,
      isUrgent,
      couriersOf,
    });
    this.#take(this.run.start(this.nowMs));
  }

  /** Lets time pass; the run is woken when it wants to be. */
  wait(ms: number): void {
    const endMs = this.nowMs + ms;
    for (let at = this.run.wakesAtMs(this.nowMs); at !== null && at <= endMs; at = this.run.wakesAtMs(at)) {
      this.nowMs = at;
      this.#take(this.run.timer(at));
    }
    this.nowMs = endMs;
  }

  #take(step: JobStep): void {
    this.steps.push(step);
    for (const { kind } of step.effects) if (kind === "executeJob" && !this.isBusy) this.settle();
  }

  again(): void {
    this.#take({ effects: this.run.again(this.nowMs), end: null });
  }

  /** The own execution ends. */
  settle(): void {
    this.#take(this.run.executed(this.own && resultHash(job, this.own), this.nowMs));
  }

  /** Requests by the seats of the line that they went to. */
  get asked(): readonly number[] {
    return this.requests.map(({ to }) => LINE.findIndex(({ peerId }) => peerId === to));
  }

  get executions(): number {
    return this.steps.flatMap(({ effects }) => effects).filter(({ kind }) => kind === "executeJob").length;
  }

  get requests() {
    return this.steps.flatMap(({ effects }) => effects).filter((effect) => effect.kind === "request");
  }

  get reports() {
    return this.steps.flatMap(({ effects }) => effects).filter((effect) => effect.kind === "report");
  }

  /** lies that L1 is to judge */
  get accused() {
    return this.steps
      .flatMap(({ effects }) => effects)
      .flatMap((effect) => (effect.kind === "accuse" ? [effect.lie] : []));
  }

  get end() {
    return this.steps.at(-1)!.end;
  }

  /** The provider at a place of the line answers; it signs what `signed` says. */
  answer(place: number, outcomes: readonly Outcome[], signed = outcomes): void {
    const provider = PROVIDERS.find(({ peerId }) => peerId === this.requests[place]!.to)!;
    const signature = provider.bls.sign(resultDigest(NETWORK, job.jobId, resultHash(job, signed)));
    const answer: NamedAnswer = { name: "job", body: { kind: "result", outcomes, signature } };
    this.#take(this.run.handle({ kind: "answered", ticket: this.requests[place]!.ticket, answer }, this.nowMs));
  }

  /** The provider at a place of the line is busy for so long. */
  busy(place: number, retryMs: number): void {
    const answer: NamedAnswer = { name: "job", body: { kind: "busy", retryMs } };
    this.#take(this.run.handle({ kind: "answered", ticket: this.requests[place]!.ticket, answer }, this.nowMs));
  }

  fail(place: number): void {
    const event = { kind: "requestFailed", ticket: this.requests[place]!.ticket, reason: "timeout" } as const;
    this.#take(this.run.handle(event, this.nowMs));
  }
}

describe("a job's run", () => {
  it("ends with the outcomes and both seats when the seats agree", () => {
    const driven = new Driven();
    expect(driven.requests.map(({ to }) => to)).toEqual(LINE.slice(0, 2).map(({ peerId }) => peerId));
    driven.answer(1, RIGHT);
    expect(driven.end).toBeNull();
    driven.answer(0, RIGHT);
    expect(driven.end).toMatchObject({
      kind: "agreed",
      outcomes: RIGHT,
      seats: [0, 1],
      result: resultHash(job, RIGHT),
    });
  });

  it("gives the signature of each seat that served, in the order of the seats, and says which were passed over", () => {
    const driven = new Driven([2, 4, 1, 3].map((index) => PROVIDERS[index]!));
    driven.answer(1, RIGHT);
    driven.fail(0);
    driven.answer(2, WRONG);
    driven.answer(3, RIGHT);
    const digest = resultDigest(NETWORK, job.jobId, resultHash(job, RIGHT));
    const signatures = [4, 3].map((index) => PROVIDERS[index]!.bls.sign(digest));
    expect(driven.end).toMatchObject({ kind: "agreed", seats: [null, 4, null, 3], signatures });
  });

  it("asks a holder of several seats once, and its word counts for each of them", () => {
    const [one, two, three] = PROVIDERS;
    const both = new Driven([one!, one!, two!, three!]);
    expect(both.requests.length).toBe(1);
    both.answer(0, RIGHT);
    expect(both.end).toMatchObject({ kind: "agreed", seats: [0, 0] });
    const silent = new Driven([one!, one!, two!, two!]);
    silent.fail(0);
    expect(silent.requests.map(({ to }) => to)).toEqual([one!.peerId, two!.peerId]);
    silent.answer(1, RIGHT);
    expect(silent.end).toMatchObject({ kind: "agreed", seats: [null, null, 1, 1] });
    const late = new Driven([one!, two!, one!, one!]);
    late.fail(1);
    expect(late.requests.length).toBe(2);
    late.answer(0, RIGHT);
    expect(late.end).toMatchObject({ kind: "agreed", seats: [0, null, 0] });
  });

  it("settles a disagreement by the own execution, blames who signed something else, and has a stand-in do the seat", () => {
    for (const [first, second] of [
      [RIGHT, WRONG],
      [WRONG, RIGHT],
    ] as const) {
      const driven = new Driven();
      driven.answer(0, first);
      driven.answer(1, second);
      const liar = first === WRONG ? 0 : 1;
      expect([driven.executions, driven.requests.length]).toEqual([1, 3]);
      expect(driven.reports).toMatchObject([{ peer: LINE[liar]!.peerId }]);
      driven.answer(2, WRONG);
      expect(driven.reports.length).toBe(2);
      driven.answer(3, RIGHT);
      expect(driven.end).toMatchObject({
        kind: "agreed",
        outcomes: RIGHT,
        seats: [0, 1, 2, 3].map((seat) => (seat === liar || seat === 2 ? null : seat)),
      });
    }
  });

  it("hands on what a liar signed, with the job that it is of, and nothing of who signed what came of it here", () => {
    const driven = new Driven();
    driven.answer(0, WRONG);
    driven.answer(1, RIGHT);
    const [{ index, blsPublicKey }] = LINE as [Operator];
    expect(driven.accused).toEqual([
      {
        job: { jobId: job.jobId, environment: job.environment, messages: job.messages },
        ...{ provider: index, blsPublicKey, outcomes: WRONG, signature: expect.any(String) },
      },
    ]);
    const { signature } = driven.accused[0]!;
    expect(verifyBls(resultDigest(NETWORK, job.jobId, resultHash(job, WRONG)), blsPublicKey, signature)).toBe(true);
  });

  it("blames nobody's stake where the own execution cannot be had", () => {
    const driven = new Driven();
    driven.own = null;
    driven.answer(0, RIGHT);
    driven.answer(1, WRONG);
    expect(driven.accused).toEqual([]);
  });

  it("does not look at a result of another form than an honest one has", () => {
    const read = { kind: "account", address: ZERO_ADDRESS, value: null } as const;
    const driven = new Driven();
    driven.answer(0, [{ ...RIGHT[0]!, reads: [read, read] }]);
    expect(driven.reports).toMatchObject([{ reason: expect.stringMatching(/another form/) }]);
  });

  it("is not won by a majority of the seats that were asked", () => {
    const driven = new Driven();
    driven.answer(0, WRONG);
    driven.answer(1, RIGHT);
    driven.answer(2, WRONG);
    driven.answer(3, WRONG);
    expect(driven.end).toEqual({ kind: "failed", reason: "too few seats answered" });
    expect(driven.reports.length).toBe(3);
  });

  it("fails where results differ and the own execution cannot be had", () => {
    const driven = new Driven();
    driven.own = null;
    driven.answer(0, RIGHT);
    driven.answer(1, WRONG);
    expect(driven.end).toEqual({ kind: "failed", reason: "the seats disagree" });
    expect(driven.reports).toEqual([]);
  });

  it("is executed by nobody else where the seats agree, and its end does not wait for one who is late", () => {
    const driven = new Driven();
    driven.answer(0, RIGHT);
    driven.answer(1, RIGHT);
    expect([driven.executions, driven.end?.kind]).toEqual([0, "agreed"]);
    expect(driven.run.executed(null, 0)).toEqual({ effects: [], end: null });
  });

  it("reports who signs something else than the result, or sends more outcomes than messages, and asks another", () => {
    const driven = new Driven();
    driven.answer(0, WRONG, RIGHT);
    driven.answer(1, [...RIGHT, ...RIGHT]);
    expect(driven.reports.map(({ peer }) => peer)).toEqual(LINE.slice(0, 2).map(({ peerId }) => peerId));
    driven.answer(2, RIGHT);
    driven.answer(3, RIGHT);
    expect(driven.end).toMatchObject({ kind: "agreed" });
  });

  it("puts a stand-in in the place of a silent or refusing seat without blaming it", () => {
    const driven = new Driven();
    driven.fail(0);
    driven.answer(1, RIGHT);
    driven.answer(2, RIGHT);
    expect(driven.end).toMatchObject({ kind: "agreed" });
    expect(driven.reports).toEqual([]);
  });

  it("asks a stand-in at once where a seat's holder is busy, blames nobody, and does not come back before it said", () => {
    const driven = new Driven();
    driven.busy(0, 300);
    expect(driven.asked).toEqual([0, 1, 2]);
    for (const place of [1, 2, 3]) driven.busy(place, 100);
    expect([driven.end, driven.run.mayAskAgain]).toEqual([{ kind: "failed", reason: "too few seats answered" }, true]);
    driven.again();
    expect(driven.asked.length).toBe(4);
    driven.wait(100);
    driven.again();
    expect(driven.asked.slice(4)).toEqual([1, 2, 3]);
    driven.wait(200);
    for (const place of [4, 5, 6]) driven.busy(place, 1);
    driven.wait(1);
    driven.again();
    expect(driven.asked.slice(7)).toContain(0);
    expect(driven.reports).toEqual([]);
  });

  it("lets only those read values who are asked and have not ended", () => {
    const driven = new Driven();
    expect(driven.run.serves(LINE[0]!.peerId)).toBe(true);
    expect(driven.run.serves(LINE[2]!.peerId)).toBe(false);
    driven.answer(0, RIGHT);
    expect(driven.run.serves(LINE[0]!.peerId)).toBe(false);
  });

  it("makes do with one provider that holds all seats, and fails at once without any", () => {
    const single = new Driven(LINE.map(() => PROVIDERS[0]!));
    single.answer(0, RIGHT);
    expect(single.end).toMatchObject({ kind: "agreed" });
    const silent = new Driven(LINE.map(() => PROVIDERS[0]!));
    silent.fail(0);
    expect([silent.requests.length, silent.end]).toEqual([1, { kind: "failed", reason: "too few seats answered" }]);
    expect(new Driven([]).end).toMatchObject({ kind: "failed" });
  });

  it("asks nobody else before a holder is late, and then as many as may make up for those who are", () => {
    const driven = new Driven();
    driven.wait(PATIENCE_MS - 1);
    expect(driven.asked).toEqual([0, 1]);
    driven.answer(1, RIGHT);
    driven.wait(1);
    expect(driven.asked).toEqual([0, 1, 2]);
    driven.wait(PATIENCE_MS);
    expect([driven.asked, driven.run.isSpent(driven.nowMs)]).toEqual([[0, 1, 2, 3], false]);
    driven.wait(PATIENCE_MS);
    expect([driven.end, driven.run.isSpent(driven.nowMs)]).toEqual([null, true]);
  });

  it("has a silent seat lose its own fee, and no other", () => {
    const driven = new Driven();
    driven.answer(1, RIGHT);
    driven.wait(PATIENCE_MS);
    driven.answer(2, RIGHT);
    expect(driven.end).toMatchObject({ kind: "agreed", seats: [null, 1, 2] });
    expect(driven.reports).toEqual([]);
  });

  it("keeps a late seat its place where it answers before those who stand in for it", () => {
    const driven = new Driven();
    driven.answer(1, RIGHT);
    driven.wait(PATIENCE_MS);
    expect(driven.asked).toEqual([0, 1, 2]);
    driven.answer(0, RIGHT);
    expect(driven.end).toMatchObject({ kind: "agreed", seats: [0, 1] });
  });

  it("takes the first seats of those that are there when it is settled, whoever was asked or answered first", () => {
    const driven = new Driven();
    driven.isBusy = true;
    driven.wait(PATIENCE_MS);
    expect(driven.asked).toEqual([0, 1, 2, 3]);
    driven.answer(3, RIGHT);
    driven.answer(2, WRONG);
    driven.answer(1, RIGHT);
    driven.answer(0, RIGHT);
    expect(driven.end).toBeNull();
    driven.settle();
    expect(driven.end).toMatchObject({ kind: "agreed", seats: [0, 1], outcomes: RIGHT });
  });

  it("takes nothing from those who are only quicker than a seat before theirs, unless it follows from the job", () => {
    for (const isUrgent of [true, false]) {
      const driven = new Driven(LINE, isUrgent);
      driven.wait(PATIENCE_MS);
      driven.answer(2, WRONG);
      driven.answer(3, WRONG);
      expect([driven.executions, driven.end, driven.reports.length]).toEqual([1, null, 2]);
      driven.answer(1, WRONG);
      driven.answer(0, RIGHT);
      expect([driven.reports.length, driven.end]).toEqual([3, { kind: "failed", reason: "too few seats answered" }]);
    }
    const right = new Driven(LINE, true);
    right.answer(3, RIGHT);
    right.answer(1, RIGHT);
    expect([right.executions, right.end]).toMatchObject([1, { kind: "agreed", seats: [null, 1, null, 3] }]);
    const ranked = new Driven(LINE, true);
    ranked.answer(1, RIGHT);
    ranked.answer(0, RIGHT);
    expect([ranked.executions, ranked.end]).toMatchObject([0, { kind: "agreed", seats: [0, 1] }]);
  });

  it("waits for the seats before them where it cannot say itself whether those are right who were quicker", () => {
    const driven = new Driven(LINE, true);
    driven.own = null;
    driven.answer(2, RIGHT);
    driven.answer(3, RIGHT);
    expect([driven.end, driven.run.isSpent(driven.nowMs)]).toEqual([null, true]);
    driven.fail(0);
    expect(driven.end).toBeNull();
    driven.fail(1);
    expect(driven.end).toMatchObject({ kind: "agreed", seats: [null, null, 2, 3] });
  });

  it("does not wait for its own execution longer than for a seat before it is time for another job", () => {
    const driven = new Driven();
    driven.isBusy = true;
    driven.answer(0, RIGHT);
    driven.answer(1, WRONG);
    driven.wait(PATIENCE_MS - 1);
    expect(driven.run.isSpent(driven.nowMs)).toBe(false);
    driven.wait(1);
    expect(driven.run.isSpent(driven.nowMs)).toBe(true);
  });

  it("ends at once where a seat that is reached belongs to one who signed for another", () => {
    const [one, two, three] = PROVIDERS;
    const driven = new Driven([one!, two!, three!, three!]);
    driven.fail(1);
    driven.answer(2, RIGHT);
    expect(driven.end).toBeNull();
    driven.wait(PATIENCE_MS);
    expect(driven.end).toMatchObject({ kind: "agreed", seats: [null, null, 2, 2] });
  });

  it("asks all holders at once where it is urgent", () => {
    expect(new Driven(LINE, true).asked).toEqual([0, 1, 2, 3]);
  });

  it("asks those again who are gone, not who lied, and takes whatever of their answers comes first", () => {
    const driven = new Driven(LINE, true);
    driven.answer(0, WRONG, RIGHT);
    driven.fail(1);
    driven.answer(2, RIGHT);
    driven.again();
    expect(driven.asked).toEqual([0, 1, 2, 3, 1, 3]);
    driven.fail(3);
    expect([driven.end, driven.run.serves(LINE[3]!.peerId)]).toEqual([null, true]);
    driven.answer(5, RIGHT);
    expect(driven.end).toMatchObject({ kind: "agreed", seats: [null, null, 2, 3] });
  });

  it("never asks more than seats and stand-ins, none twice, and always ends once all have", () => {
    const deed = fc.constantFrom("right", "wrong", "forged", "silent");
    fc.assert(
      fc.property(
        fc.array(deed, { minLength: 4, maxLength: 4 }),
        fc.array(fc.nat(3), { maxLength: 8 }),
        fc.array(fc.nat(2 * PATIENCE_MS), { minLength: 20, maxLength: 20 }),
        fc.array(fc.nat(5), { minLength: LINE.length, maxLength: LINE.length }),
        fc.boolean(),
        (deeds, order, waits, holders, isUrgent) => {
          const driven = new Driven(
            holders.map((index) => PROVIDERS[index]!),
            isUrgent,
          );
          const done = new Set<number>();
          for (let turn = 0; driven.end === null && turn < 20; turn++) {
            driven.wait(waits[turn]!);
            if (driven.end !== null) break;
            const open = driven.requests.map((_, place) => place).filter((place) => !done.has(place));
            const place = open[(order[turn] ?? 0) % open.length]!;
            done.add(place);
            if (deeds[place] === "silent") driven.fail(place);
            else
              driven.answer(
                place,
                deeds[place] === "right" ? RIGHT : WRONG,
                deeds[place] === "forged" ? RIGHT : undefined,
              );
          }
          expect(driven.end).not.toBeNull();
          expect(new Set(driven.requests.map(({ to }) => to)).size).toBe(driven.requests.length);
          expect(driven.requests.length).toBeLessThanOrEqual(new Set(holders).size);
          if (driven.end?.kind !== "agreed") return;
          // where somebody with an earlier seat signs what is right, nobody gets away with something else
          const before = holders.slice(0, driven.end.seats.length).map((index) => {
            const { peerId } = PROVIDERS[index]!;
            return deeds[driven.requests.findIndex(({ to }) => to === peerId)];
          });
          if (before.includes("right")) expect(driven.end.outcomes).toEqual(RIGHT);
          const { seats, result, signatures } = driven.end;
          expect(isWork({ attempt: 0, seats })).toBe(true);
          const served = seats.filter((seat) => seat !== null);
          for (const [seat, index] of seats.entries()) expect([null, holders[seat]]).toContain(index);
          const digest = resultDigest(NETWORK, job.jobId, result);
          expect(signatures).toEqual(served.map((index) => PROVIDERS[index]!.bls.sign(digest)));
        },
      ),
      { numRuns: 30 },
    );
  });
});
