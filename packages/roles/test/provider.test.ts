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
  toWordHex,
  ZERO_ADDRESS,
} from "@mvm/protocol";
import { describe, expect, it } from "vitest";
import { Provider, type ProviderEffect } from "../src/index.ts";
import { at, freshHash, PROVIDERS, SEQUENCERS, startView } from "./world.ts";

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
const provider = (): Provider =>
  new Provider({ view: startView(), operator: SELF, parallelJobs: 2, valuesTimeoutMs: 1_000 });
/** A job as the first of its couriers brings it. */
const offer = (
  to: Provider,
  job: Job,
  from: PeerId = couriersOf(job)[0]!,
  isSealed = true,
): readonly ProviderEffect[] =>
  to.handle({ kind: "requested", ticket: `in:${job.jobId}`, from, request: { name: "job", body: job }, isSealed }, NOW);
const sendStraight = (to: Provider, job: Job, from: PeerId = SEQUENCER): readonly ProviderEffect[] =>
  offer(to, job, from, false);
const slot = (value: bigint): StateKey => ({ kind: "slot", address: ZERO_ADDRESS, slot: toWordHex(value) });
const refusal = (reason: string) =>
  expect.objectContaining({ kind: "answer", answer: { name: "job", body: { kind: "refused", reason } } });

describe("a provider", () => {
  it("executes a job that one of its couriers brings, and answers with its result, once", () => {
    const machine = provider();
    const job = newJob();
    expect(offer(machine, job)).toEqual([{ kind: "execute", job }]);
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
      [offer(machine, newJob(), stranger), "no courier of this job"],
      [offer(machine, newJob(), SEQUENCER), "no courier of this job"],
    ] as const) {
      expect(effects).toContainEqual(refusal(reason));
      expect(effects).toContainEqual(expect.objectContaining({ kind: "report" }));
    }
    const job = newJob();
    const other = PROVIDERS.find(({ peerId, operator }) => operator !== SELF && !couriersOf(job).includes(peerId))!;
    expect(offer(machine, job, other.peerId)).toEqual([refusal("no courier of this job")]);
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
    expect(bring(first)).toEqual([{ kind: "execute", job }]);
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
    const machine = new Provider({ view, operator: SELF, parallelJobs: 2, valuesTimeoutMs: 1_000 });
    view.apply({ kind: "exited", registry: "sequencer", operator: SEQUENCERS[0]!.operator });
    expect(sendStraight(machine, newJob())).toEqual([refusal("not a sequencer")]);
  });

  it("refuses a job that runs already, and jobs beyond its capacity, until one ends", () => {
    const machine = provider();
    const [first, second, third] = [newJob(), newJob(), newJob()];
    offer(machine, first);
    expect(offer(machine, first)).toEqual([refusal("already running")]);
    offer(machine, second);
    expect(offer(machine, third)).toEqual([refusal("busy")]);
    expect(machine.handle({ kind: "executionFailed", jobId: first.jobId, reason: "no" }, NOW)).toEqual([refusal("no")]);
    expect(offer(machine, third)).toEqual([{ kind: "execute", job: third }]);
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
});
