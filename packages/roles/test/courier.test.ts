/** A courier: between sequencers and holders of seats alone, within bounds, and only as long as a job lasts. */
import {
  HOP_CLASSES,
  type JobId,
  LIMITS,
  type NamedRequest,
  type PeerId,
  SEAL_BYTES,
  toHash,
  toJobId,
} from "@mvm/protocol";
import { describe, expect, it } from "vitest";
import { COURIER_LIMITS, Courier, type CourierEffect, type L1View } from "../src/index.ts";
import { at, freshHash, PROVIDERS, SEQUENCERS, startView } from "./world.ts";

const NOW = at(10);
const SELF = PROVIDERS[0]!;
const SEQUENCER = SEQUENCERS[0]!.peerId;
const PARCEL = new Uint8Array([1, 2, 3]);
const OTHER_PARCEL = new Uint8Array([4, 5]);

/** A job that the own node may carry to a holder of a seat. */
function jobFor(view: L1View): { readonly jobId: JobId; readonly provider: number; readonly holder: PeerId } {
  for (;;) {
    const jobId = toJobId(freshHash());
    const holder = view
      .seatsOf(view.slot, jobId)
      .find(({ index }) => view.couriersOf(view.slot, jobId, index)[0]?.index === SELF.index);
    if (holder !== undefined) return { jobId, provider: holder.index, holder: holder.peerId };
  }
}

class Driven {
  readonly view = startView();
  readonly idle = new Set<PeerId>();
  readonly machine = new Courier({
    view: this.view,
    operator: SELF.operator,
    self: SELF.peerId,
    carriers: { isIdle: (peer) => this.idle.has(peer) },
    jobTimeoutMs: 2_000,
    valuesTimeoutMs: 1_000,
  });
  #tickets = 0;

  request(from: PeerId, request: NamedRequest, hop?: JobId): readonly CourierEffect[] {
    const ticket = `in:${this.#tickets++}`;
    return this.machine.handle({ kind: "requested", ticket, from, request, ...(hop && { hop }) }, NOW);
  }

  carry(job: { jobId: JobId; provider: number }, from: PeerId = SEQUENCER, parcel = PARCEL): readonly CourierEffect[] {
    return this.request(from, { name: "carry", body: { jobId: job.jobId, provider: job.provider, parcel } });
  }

  fetch(jobId: JobId, from: PeerId, number = 0): readonly CourierEffect[] {
    return this.request(from, { name: "fetch", body: { jobId, number, parcel: OTHER_PARCEL } });
  }

  /** Ends the request that these effects began. */
  answer(effects: readonly CourierEffect[], parcel = OTHER_PARCEL): readonly CourierEffect[] {
    const [request] = effects;
    if (request?.kind !== "request") throw new Error("nothing was passed on");
    const answer = { name: "deliver", body: { kind: "parcel", parcel } } as const;
    return this.machine.handle({ kind: "answered", ticket: request.ticket, answer }, NOW);
  }
}

const refusal = (name: "carry" | "fetch", reason: string) =>
  expect.objectContaining({ kind: "answer", answer: { name, body: { kind: "refused", reason } } });

describe("a courier", () => {
  it("passes a job on to its seat's holder as it is, names nobody, and brings the answer back", () => {
    const driven = new Driven();
    const job = jobFor(driven.view);
    const passed = driven.carry(job);
    const body = { jobId: job.jobId, parcel: PARCEL };
    expect(passed).toMatchObject([
      { kind: "request", to: job.holder, request: { name: "deliver", body }, timeoutMs: 2_000 },
    ]);
    expect(driven.machine.carrying).toBe(1);
    expect(driven.answer(passed)).toEqual([
      { kind: "answer", ticket: "in:0", answer: { name: "carry", body: { kind: "parcel", parcel: OTHER_PARCEL } } },
    ]);
    expect(driven.machine.carrying).toBe(0);
  });

  it("passes what the holder asks for on to the job's sequencer, while the job lasts", () => {
    const driven = new Driven();
    const job = jobFor(driven.view);
    const { jobId, provider, holder } = job;
    const carried = driven.carry(job);
    const asked = driven.fetch(jobId, holder, 3);
    const body = { jobId, provider, number: 3, parcel: OTHER_PARCEL };
    expect(asked).toMatchObject([
      { kind: "request", to: SEQUENCER, request: { name: "supply", body }, timeoutMs: 1_000 },
    ]);
    expect(driven.answer(asked, PARCEL)).toEqual([
      { kind: "answer", ticket: "in:1", answer: { name: "fetch", body: { kind: "parcel", parcel: PARCEL } } },
    ]);
    driven.answer(carried);
    expect(driven.fetch(jobId, holder)).toEqual([refusal("fetch", "no such job of yours")]);
  });

  it("carries for sequencers alone, and blames who never was one", () => {
    const driven = new Driven();
    const job = jobFor(driven.view);
    const [answer, report] = driven.carry(job, PROVIDERS[1]!.peerId);
    expect(answer).toEqual(refusal("carry", "not a sequencer"));
    expect(report).toMatchObject({ kind: "report", peer: PROVIDERS[1]!.peerId });
    driven.view.apply({ kind: "exited", registry: "sequencer", operator: SEQUENCERS[0]!.operator });
    expect(driven.carry(job)).toEqual([refusal("carry", "not a sequencer")]);
    expect(driven.machine.carrying).toBe(0);
  });

  it("carries nothing of jobs for which it was not drawn, nor to who holds no seat of them", () => {
    const driven = new Driven();
    const { view } = driven;
    const isDrawn = (jobId: JobId, provider: number): boolean => view.isCourier(SELF.peerId, jobId, provider);
    const holds = (jobId: JobId, provider: number): boolean => view.holdsSeat(PROVIDERS[provider]!.operator, jobId);
    const find = (wanted: (jobId: JobId, provider: number) => boolean): { jobId: JobId; provider: number } => {
      for (;;) {
        const jobId = toJobId(freshHash());
        const provider = PROVIDERS.findIndex((_, index) => wanted(jobId, index));
        if (provider >= 0) return { jobId, provider };
      }
    };
    const undrawn = find((jobId, provider) => holds(jobId, provider) && !isDrawn(jobId, provider));
    const seatless = find((jobId, provider) => !holds(jobId, provider) && isDrawn(jobId, provider));
    expect(driven.carry(undrawn)).toEqual([refusal("carry", "not a courier of this job")]);
    expect(driven.carry(seatless)).toEqual([refusal("carry", "no seat of this job is held there")]);
    expect(driven.carry({ ...undrawn, provider: 4_000_000 })).toEqual([refusal("carry", "not a courier of this job")]);
  });

  it("carries a parcel for a second courier to a provider without a seat, for sequencers alone", () => {
    const driven = new Driven();
    const { view } = driven;
    const parcel = new Uint8Array(HOP_CLASSES[0]! + SEAL_BYTES);
    let hop = toJobId(freshHash());
    while (view.holdsSeat(PROVIDERS[1]!.operator, hop) || !view.isCourier(SELF.peerId, hop, PROVIDERS[1]!.index))
      hop = toJobId(freshHash());
    const to = { jobId: hop, provider: PROVIDERS[1]!.index };
    expect(driven.carry(to, PROVIDERS[2]!.peerId, parcel)[0]).toEqual(refusal("carry", "not a sequencer"));
    expect(driven.carry(to, SEQUENCER, parcel)).toMatchObject([
      { kind: "request", to: PROVIDERS[1]!.peerId, request: { name: "deliver" } },
    ]);
  });

  it("carries what another courier brought it, asks for values by way of that one, and brings no third one in", () => {
    const driven = new Driven();
    const job = jobFor(driven.view);
    const { jobId, provider } = job;
    const hop = toJobId(freshHash());
    const other = PROVIDERS[1]!.peerId;
    const ofHop = (parcel: Uint8Array): readonly CourierEffect[] =>
      driven.request(other, { name: "carry", body: { jobId, provider, parcel } }, hop);
    expect(ofHop(new Uint8Array(HOP_CLASSES[0]! + SEAL_BYTES))).toEqual([refusal("carry", "more couriers than two")]);
    const carried = ofHop(PARCEL);
    expect(carried).toMatchObject([{ kind: "request", to: job.holder, request: { name: "deliver" } }]);
    const via = { jobId: hop, provider: SELF.index, peers: [other] };
    expect(driven.fetch(jobId, job.holder)).toMatchObject([{ kind: "request", request: { name: "supply" }, via }]);
    driven.answer(carried);
    expect(driven.machine.carrying).toBe(0);
  });

  it("carries nothing to who carries nothing itself, but a parcel that this one is to carry", () => {
    const driven = new Driven();
    const job = jobFor(driven.view);
    driven.idle.add(job.holder);
    expect(driven.carry(job)).toEqual([refusal("carry", "its seat's holder carries nothing for others")]);
    const parcel = new Uint8Array(HOP_CLASSES[0]! + SEAL_BYTES);
    expect(driven.carry(job, SEQUENCER, parcel)).toMatchObject([{ kind: "request", to: job.holder }]);
    driven.idle.clear();
    expect(driven.carry(jobFor(driven.view))).toMatchObject([{ kind: "request" }]);
  });

  it("lets nobody but the holder fetch, and no job be carried twice at once", () => {
    const driven = new Driven();
    const job = jobFor(driven.view);
    driven.carry(job);
    const others = [SEQUENCER, ...PROVIDERS.map(({ peerId }) => peerId)].filter((peer) => peer !== job.holder);
    for (const peer of others)
      expect(driven.fetch(job.jobId, peer)).toEqual([refusal("fetch", "no such job of yours")]);
    expect(driven.fetch(toJobId(toHash(freshHash())), job.holder)).toEqual([refusal("fetch", "no such job of yours")]);
    expect(driven.carry(job)).toEqual([refusal("carry", "already carried")]);
    expect(driven.carry(job, SEQUENCERS[1]!.peerId)).toEqual([refusal("carry", "already carried")]);
  });

  it("gives one sequencer only a share of what it carries at once, and a place again when a job has ended", () => {
    const driven = new Driven();
    const carried = Array.from({ length: COURIER_LIMITS.jobsOfOne }, () => driven.carry(jobFor(driven.view)));
    expect(driven.carry(jobFor(driven.view))).toEqual([refusal("carry", "busy")]);
    expect(driven.carry(jobFor(driven.view), SEQUENCERS[1]!.peerId)).toMatchObject([{ kind: "request" }]);
    driven.answer(carried[0]!);
    expect(driven.carry(jobFor(driven.view))).toMatchObject([{ kind: "request" }]);
  });

  it("holds no more bytes than it has room for, whoever sends them, and has room again afterwards", () => {
    const driven = new Driven();
    const large = new Uint8Array(LIMITS.messageBytes);
    const fitting = Math.floor(COURIER_LIMITS.bytes / large.length);
    const carried = Array.from({ length: fitting }, () => driven.carry(jobFor(driven.view), SEQUENCER, large));
    for (const effects of carried) expect(effects).toMatchObject([{ kind: "request" }]);
    expect(driven.carry(jobFor(driven.view), SEQUENCERS[1]!.peerId, large)).toEqual([refusal("carry", "busy")]);
    const [request] = carried[0]!;
    const ticket = request!.kind === "request" ? request!.ticket : "";
    expect(driven.machine.handle({ kind: "requestFailed", ticket, reason: "timeout" }, NOW)).toEqual([
      refusal("carry", "timeout"),
    ]);
    expect(driven.carry(jobFor(driven.view), SEQUENCERS[1]!.peerId, large)).toMatchObject([{ kind: "request" }]);
  });
});
