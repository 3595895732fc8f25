import {
  GENESIS_BASE_FEE,
  type Job,
  type JobId,
  LIMITS,
  type PeerId,
  type StateEntry,
  type StateKey,
  toHash,
  toJobId,
  toMessage,
  toWordHex,
  ZERO_ADDRESS,
} from "@mvm/protocol";
import { describe, expect, it } from "vitest";
import { type L1View, type Moment, Provider, type ProviderEffect } from "../src/index.ts";
import { at, freshHash, PROVIDERS, SEQUENCERS, startView, transfer } from "./world.ts";

const SEQUENCER = SEQUENCERS[0]!.peerId;
const NOW = at(10);
const SELF = PROVIDERS[0]!.operator;
const couriersOf = ({ jobId }: Pick<Job, "jobId">, view = startView()): readonly PeerId[] =>
  view.couriersOf(view.slot, jobId, PROVIDERS[0]!.index).map(({ peerId }) => peerId);
/** A job of which a provider holds a seat, or does not. */
function jobIdFor(held: boolean, view = startView()): JobId {
  for (;;) {
    const jobId = toJobId(freshHash());
    if (view.seatsOf(view.slot, jobId).some(({ operator }) => operator === SELF) === held) return jobId;
  }
}
const newJob = (): Job => ({
  jobId: jobIdFor(true),
  environment: {
    timestamp: 1n,
    baseFeePerGas: GENESIS_BASE_FEE,
    gasLimit: LIMITS.blockGas,
    prevRandao: toHash(freshHash()),
    feeRecipient: ZERO_ADDRESS,
  },
  messages: [],
  values: [],
});
const JOB_MS = 5_000;
const WAIT_MS = 200;
/** Gas that the tests' provider gets through in a millisecond. */
const GAS_PER_MS = 1_000;
const provider = (view = startView(), parallelJobs = 2): Provider =>
  new Provider({
    view,
    operator: SELF,
    parallelJobs,
    gasPerSecond: 1_000 * GAS_PER_MS,
    waitMs: WAIT_MS,
    valuesTimeoutMs: 1_000,
    jobTimeoutMs: JOB_MS,
  });
/** A number of milliseconds after the offers. */
const after = (ms: number): Moment => ({ ...NOW, nowMs: NOW.nowMs + ms });
/** A job as the first of its couriers brings it, unless another peer does. */
const offer = (
  to: Provider,
  job: Job,
  { from = couriersOf(job)[0]!, isSealed = true, now = NOW }: { from?: PeerId; isSealed?: boolean; now?: Moment } = {},
): readonly ProviderEffect[] =>
  to.handle({ kind: "requested", ticket: `in:${job.jobId}`, from, request: { name: "job", body: job }, isSealed }, now);
const sendStraight = (to: Provider, job: Job, from: PeerId = SEQUENCER): readonly ProviderEffect[] =>
  offer(to, job, { from, isSealed: false });
const slot = (value: bigint): StateKey => ({ kind: "slot", address: ZERO_ADDRESS, slot: toWordHex(value) });
const refusal = (reason: string) =>
  expect.objectContaining({ kind: "answer", answer: { name: "job", body: { kind: "refused", reason } } });

describe("a provider", () => {
  it("executes a job that one of its couriers brings, and answers with its result, once", () => {
    const machine = provider();
    const job = newJob();
    expect(offer(machine, job)).toContainEqual({ kind: "execute", job });
    const result = { outcomes: [], signature: `0x${"11".repeat(96)}` } as const;
    expect(machine.handle({ kind: "executed", jobId: job.jobId, result }, NOW)).toEqual([
      { kind: "answer", ticket: `in:${job.jobId}`, answer: { name: "job", body: { kind: "result", ...result } } },
    ]);
    expect(machine.handle({ kind: "executed", jobId: job.jobId, result }, NOW)).toEqual([]);
    expect(machine.running).toBe(0);
  });

  it("refuses jobs of which it holds no seat, and blames nobody: the sender may see another slot", () => {
    const machine = provider();
    expect(offer(machine, { ...newJob(), jobId: jobIdFor(false) })).toEqual([
      refusal("no seat of this job is held here"),
    ]);
    expect(machine.running).toBe(0);
  });

  it("refuses who is neither sequencer nor courier of the job, and reports who could have known", () => {
    const machine = provider();
    const stranger = "stranger" as PeerId;
    for (const [effects, reason] of [
      [sendStraight(machine, newJob(), stranger), "not a sequencer"],
      [offer(machine, newJob(), { from: stranger }), "no courier of this job"],
      [offer(machine, newJob(), { from: SEQUENCER }), "no courier of this job"],
    ] as const) {
      expect(effects).toContainEqual(refusal(reason));
      expect(effects).toContainEqual(expect.objectContaining({ kind: "report" }));
    }
    const job = newJob();
    const other = PROVIDERS.find(({ peerId, operator }) => operator !== SELF && !couriersOf(job).includes(peerId))!;
    expect(offer(machine, job, { from: other.peerId })).toEqual([refusal("no courier of this job")]);
    expect(machine.running).toBe(0);
  });

  it("takes no job straight from a sequencer where others could carry it", () => {
    expect(sendStraight(provider(), newJob())).toEqual([refusal("comes without a courier")]);
  });

  it("works once on a job that two couriers bring, fetches through both, and answers both", () => {
    const machine = provider();
    const job = newJob();
    const [first, second] = couriersOf(job) as [PeerId, PeerId];
    const bring = (from: PeerId): readonly ProviderEffect[] =>
      machine.handle(
        { kind: "requested", ticket: from, from, request: { name: "job", body: job }, isSealed: true },
        NOW,
      );
    expect(bring(first)).toContainEqual({ kind: "execute", job });
    expect(bring(second)).toEqual([]);
    expect(bring(second)).toEqual([refusal("already running")]);
    const { jobId } = job;
    expect(machine.handle({ kind: "valuesWanted", jobId, keys: [slot(1n)] }, NOW)).toMatchObject([
      { kind: "request", to: first, via: { jobId, provider: PROVIDERS[0]!.index, peers: [first, second] } },
    ]);
    const result = { outcomes: [], signature: `0x${"11".repeat(96)}` } as const;
    const ends = machine.handle({ kind: "executed", jobId, result }, NOW);
    expect(ends.map((effect) => effect.kind === "answer" && effect.ticket)).toEqual([first, second]);
    expect(machine.running).toBe(0);
  });

  it("refuses who is a sequencer no more, and blames it for nothing: it may not have seen it yet", () => {
    const view = startView();
    const machine = provider(view);
    view.apply({ kind: "exited", registry: "sequencer", operator: SEQUENCERS[0]!.operator });
    expect(sendStraight(machine, newJob())).toEqual([refusal("not a sequencer")]);
  });

  it("refuses a job that runs already; one beyond its capacity waits until another ends", () => {
    const machine = provider();
    const [first, second, third] = [newJob(), newJob(), newJob()];
    offer(machine, first);
    expect(offer(machine, first)).toEqual([refusal("already running")]);
    offer(machine, second);
    expect(offer(machine, third).filter(({ kind }) => kind !== "timer")).toEqual([]);
    expect([machine.running, machine.waiting]).toEqual([2, 1]);
    expect(machine.handle({ kind: "executionFailed", jobId: first.jobId, reason: "no" }, NOW)).toEqual([
      refusal("no"),
      { kind: "execute", job: third },
    ]);
  });

  it("asks the job's sender for values and supplies exactly what was asked for", () => {
    const machine = provider();
    const { jobId, ...rest } = newJob();
    offer(machine, { jobId, ...rest });
    const keys = [slot(1n), slot(2n)];
    const [request] = machine.handle({ kind: "valuesWanted", jobId, keys }, NOW);
    expect(request).toMatchObject({ kind: "request", request: { name: "values", body: { jobId, keys } } });
    const entries = keys.map((key) => ({ ...key, value: 7n }) as StateEntry);
    const ticket = request!.kind === "request" ? request!.ticket : "";
    const answer = { name: "values", body: { kind: "values", entries } } as const;
    expect(machine.handle({ kind: "answered", ticket, answer }, NOW)).toEqual([{ kind: "supply", jobId, entries }]);
    expect(machine.handle({ kind: "answered", ticket, answer }, NOW)).toEqual([]);
  });

  it.each([
    ["too few", [slot(1n)]],
    ["others", [slot(1n), slot(3n)]],
    ["too many", [slot(1n), slot(2n), slot(3n)]],
  ])("gives a job up whose sender answers with %s values", (_name, given) => {
    const machine = provider();
    const job = newJob();
    offer(machine, job);
    const [request] = machine.handle({ kind: "valuesWanted", jobId: job.jobId, keys: [slot(1n), slot(2n)] }, NOW);
    const entries = given.map((key) => ({ ...key, value: 7n }) as StateEntry);
    const event = { kind: "answered", ticket: (request as { ticket: string }).ticket } as const;
    const effects = machine.handle({ ...event, answer: { name: "values", body: { kind: "values", entries } } }, NOW);
    expect(effects).toEqual([expect.objectContaining({ kind: "abort", jobId: job.jobId })]);
  });

  it("gives a job up when its values are not to be had, and when it reads more than a job may", () => {
    const machine = provider();
    const job = newJob();
    offer(machine, job);
    const [request] = machine.handle({ kind: "valuesWanted", jobId: job.jobId, keys: [slot(0n)] }, NOW);
    const ticket = (request as { ticket: string }).ticket;
    expect(machine.handle({ kind: "requestFailed", ticket, reason: "timeout" }, NOW)).toMatchObject([
      { kind: "abort" },
    ]);
    const asked = Array.from({ length: LIMITS.jobReadKeys - 1 }, (_, i) => slot(BigInt(i + 1)));
    expect(machine.handle({ kind: "valuesWanted", jobId: job.jobId, keys: asked }, NOW)).toMatchObject([
      { kind: "request" },
    ]);
    const beyond = [slot(BigInt(LIMITS.jobReadKeys))];
    expect(machine.handle({ kind: "valuesWanted", jobId: job.jobId, keys: beyond }, NOW)).toMatchObject([
      { kind: "abort" },
    ]);
  });

  it("gives a job up after its time, however its sender supplies it, and has the place free once its execution has ended", () => {
    const machine = provider();
    const [first, second, third] = [newJob(), newJob(), newJob()];
    expect(offer(machine, first)).toContainEqual({ kind: "timer", name: "overdue", atMs: NOW.nowMs + JOB_MS });
    offer(machine, second, { now: after(JOB_MS - 1) });
    const { jobId } = first;
    // each answer comes just in time, and each leads to another read
    for (let ms = 0n; ms < JOB_MS; ms += 900n) {
      const [request] = machine.handle({ kind: "valuesWanted", jobId, keys: [slot(ms)] }, after(Number(ms)));
      if (request?.kind !== "request") throw new TypeError("not asked");
      expect(Number(ms) + request.timeoutMs).toBeLessThanOrEqual(JOB_MS);
      const entries = [{ ...slot(ms), value: 7n } as StateEntry];
      const answer = { name: "values", body: { kind: "values", entries } } as const;
      machine.handle({ kind: "answered", ticket: request.ticket, answer }, after(Number(ms) + 899));
    }
    expect(machine.handle({ kind: "timer", name: "overdue" }, after(JOB_MS))).toEqual([
      expect.objectContaining({ kind: "abort", jobId }),
      { kind: "timer", name: "overdue", atMs: NOW.nowMs + 2 * JOB_MS - 1 },
    ]);
    const wanted = machine.handle({ kind: "valuesWanted", jobId, keys: [slot(1n)] }, after(JOB_MS));
    expect(wanted).toEqual([expect.objectContaining({ kind: "abort", jobId })]);
    machine.handle({ kind: "executionFailed", jobId, reason: "took longer" }, after(JOB_MS));
    expect(offer(machine, third)).toContainEqual({ kind: "execute", job: third });
  });

  it("watches the time of whatever it runs, also of what it took while others ran", () => {
    const machine = provider(startView(), 4);
    const jobs = Array.from({ length: 6 }, newJob);
    const deadlines = new Map<JobId, number>();
    let alarm = Number.POSITIVE_INFINITY;
    const given: JobId[] = [];
    const take = (effects: readonly ProviderEffect[]): void => {
      for (const effect of effects) {
        if (effect.kind === "timer") alarm = effect.atMs;
        if (effect.kind === "abort") given.push(effect.jobId);
      }
    };
    for (const [i, job] of jobs.entries()) {
      const nowMs = NOW.nowMs + 700 * i;
      deadlines.set(job.jobId, nowMs + JOB_MS);
      take(offer(machine, job, { now: { ...NOW, nowMs } }));
      // every other one ends soon
      if (i % 2 === 0) machine.handle({ kind: "executionFailed", jobId: job.jobId, reason: "no" }, { ...NOW, nowMs });
    }
    for (let rounds = 0; machine.running > 0 && rounds < 10; rounds++) {
      const nowMs = alarm;
      take(machine.handle({ kind: "timer", name: "overdue" }, { ...NOW, nowMs }));
      for (const jobId of given.splice(0)) {
        expect(nowMs).toBe(deadlines.get(jobId));
        machine.handle({ kind: "executionFailed", jobId, reason: "given up" }, { ...NOW, nowMs });
      }
    }
    expect(machine.running).toBe(0);
  });

  it("refuses at once a job that declares more gas than a block has, which no honest one does", () => {
    const machine = provider();
    const most = withGas(newJob(), LIMITS.blockGas);
    expect(offer(machine, most)).toContainEqual({ kind: "execute", job: most });
    const more = withGas(newJob(), LIMITS.blockGas + 1n);
    expect(offer(machine, more)).toEqual([refusal("declares more gas than a block has")]);
  });
});

/** A job of one message of so much gas. */
function withGas(job: Job, gasLimit: bigint): Job {
  const message = { ...toMessage(transfer(), 1n), gasLimit };
  return { ...job, messages: [message] };
}

/** Brings jobs under the names of senders, and keeps what comes of them. */
class Driven {
  readonly machine: Provider;
  readonly executing = new Set<JobId>();
  readonly aborted: JobId[] = [];
  readonly busy = new Map<JobId, number>();
  readonly refused: JobId[] = [];
  readonly #view: L1View;
  nowMs = 0;
  #alarmMs = Number.POSITIVE_INFINITY;

  constructor(parallelJobs: number) {
    this.#view = startView();
    this.machine = provider(this.#view, parallelJobs);
  }

  /** A job that a courier brings; which of the providers it is counts, not whether it was drawn. */
  bring(sender: number, gas = 1_000n): JobId {
    const others = PROVIDERS.filter(({ operator }) => operator !== SELF);
    const from = others[sender]!.peerId;
    let job = withGas(newJob(), gas);
    while (!couriersOf(job, this.#view).includes(from)) job = withGas(newJob(), gas);
    this.#take(offer(this.machine, job, { from, now: after(this.nowMs) }));
    return job.jobId;
  }

  end(jobId: JobId): void {
    this.executing.delete(jobId);
    this.#take(this.machine.handle({ kind: "executionFailed", jobId, reason: "ended" }, after(this.nowMs)));
  }

  /** Lets time pass; what is given up ends at once. */
  wait(ms: number): void {
    const endMs = this.nowMs + ms;
    while (this.#alarmMs <= endMs) {
      this.nowMs = this.#alarmMs;
      this.#alarmMs = Number.POSITIVE_INFINITY;
      this.#take(this.machine.handle({ kind: "timer", name: "overdue" }, after(this.nowMs)));
      for (const jobId of this.aborted) if (this.executing.has(jobId)) this.end(jobId);
    }
    this.nowMs = endMs;
  }

  #take(effects: readonly ProviderEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === "execute") this.executing.add(effect.job.jobId);
      if (effect.kind === "abort") this.aborted.push(effect.jobId);
      if (effect.kind === "timer") this.#alarmMs = effect.atMs - NOW.nowMs;
      if (effect.kind !== "answer" || effect.answer.name !== "job") continue;
      const jobId = effect.ticket.slice("in:".length) as JobId;
      if (effect.answer.body.kind === "busy") this.busy.set(jobId, effect.answer.body.retryMs);
      else this.refused.push(jobId);
    }
  }
}

describe("a provider's places", () => {
  it("are all a sender's that is alone, and whoever waits in vain is told when to come back", () => {
    const driven = new Driven(2);
    const gas = 150n * BigInt(GAS_PER_MS);
    const [first] = [driven.bring(0, gas), driven.bring(0, gas)];
    const third = driven.bring(0, gas);
    driven.wait(WAIT_MS - 1);
    expect(driven.busy.size).toBe(0);
    driven.wait(1);
    expect(driven.busy.get(third)).toBeGreaterThan(0);
    expect(driven.aborted).toEqual([]);
    expect(driven.executing.has(first)).toBe(true);
    expect(driven.machine.counts).toMatchObject({ busy: 1, gaveWay: 0 });
  });

  it("refuse at once where nothing ends while a job may wait: the hint is when the first is expected to", () => {
    const driven = new Driven(2);
    driven.bring(0, 900n * BigInt(GAS_PER_MS));
    driven.bring(0, 1_500n * BigInt(GAS_PER_MS));
    driven.wait(100);
    expect(driven.busy.get(driven.bring(0))).toBe(800);
    expect(driven.machine.waiting).toBe(0);
  });

  it("never hint at more than the time of a job, nor at less than a millisecond", () => {
    const driven = new Driven(1);
    driven.bring(0, LIMITS.blockGas);
    expect(driven.busy.get(driven.bring(0))).toBe(JOB_MS);
    const late = new Driven(1);
    late.bring(0, 1n);
    const waiting = late.bring(0);
    late.wait(WAIT_MS);
    expect(late.busy.get(waiting)).toBe(1);
  });

  it("are given to who has fewest, when one is free, and of one sender in the order of coming", () => {
    const driven = new Driven(2);
    const [a] = [driven.bring(0), driven.bring(0)];
    const [again, other] = [driven.bring(0), driven.bring(1)];
    driven.end(a);
    expect(driven.executing.has(other)).toBe(true);
    expect(driven.executing.has(again)).toBe(false);
    driven.end(other);
    expect(driven.executing.has(again)).toBe(true);
  });

  it("are not held by one sender whose jobs never end: another gets one, and the filler keeps trying in vain", () => {
    const driven = new Driven(4);
    for (let i = 0; i < 40; i++) driven.bring(0, 60_000n);
    expect(driven.machine.running).toBe(4);
    for (let round = 0; round < 10; round++) {
      const honest = driven.bring(1);
      for (let i = 0; i < 20; i++) driven.bring(0, 60_000n);
      driven.wait(WAIT_MS);
      expect(driven.executing.has(honest)).toBe(true);
      driven.end(honest);
    }
    expect(driven.refused.length).toBe(10);
    expect(driven.machine.counts.gaveWay).toBeGreaterThan(0);
  });

  it("are not held by one sender on a machine of one place either, once its job has had its time", () => {
    const driven = new Driven(1);
    const hung = driven.bring(0, 1_000n);
    driven.wait(WAIT_MS + 10);
    const honest = driven.bring(1);
    driven.wait(WAIT_MS);
    expect(driven.aborted).toEqual([hung]);
    expect(driven.executing.has(honest)).toBe(true);
  });

  it("are kept by a job that has not had the time that its gas takes, where its sender has no more than others", () => {
    const driven = new Driven(1);
    const long = driven.bring(0, 1_000n * BigInt(GAS_PER_MS));
    driven.wait(300);
    driven.bring(1);
    driven.wait(WAIT_MS);
    expect(driven.aborted).toEqual([]);
    expect(driven.executing.has(long)).toBe(true);
  });

  it("are waited for by a bounded number, of which no sender has all while others come", () => {
    const driven = new Driven(2);
    const waiting = Array.from({ length: 12 }, () => driven.bring(0));
    expect(driven.machine.running + driven.machine.waiting).toBe(2 + 4);
    const newest = waiting[5]!;
    expect(driven.busy.has(newest)).toBe(false);
    const other = driven.bring(1);
    expect(driven.busy.has(newest)).toBe(true);
    expect(driven.busy.has(other)).toBe(false);
    expect(driven.machine.running + driven.machine.waiting).toBe(2 + 4);
  });

  it("do not go round in circles: who gives way and comes back does not push out who it gave way to", () => {
    const driven = new Driven(2);
    const gas = 60_000n;
    driven.bring(0, gas);
    driven.bring(0, gas);
    const honest = driven.bring(1, gas);
    driven.wait(WAIT_MS);
    expect(driven.executing.has(honest)).toBe(true);
    const aborts = driven.aborted.length;
    driven.bring(0, gas);
    driven.wait(WAIT_MS - 1);
    expect(driven.aborted.length).toBe(aborts);
    expect(driven.executing.has(honest)).toBe(true);
  });
});
