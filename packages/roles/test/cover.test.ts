/** Cover: an empty job at every tick at which a sequencer leads and sends none, as a block's job is sent. */
import { LIMITS, PROFILES } from "@mvm/protocol";
import { describe, expect, it } from "vitest";
import { Cover, type CoverEffect, type CoverEvent, type RequestEffect } from "../src/index.ts";
import { CHAIN, freshHash, GENESIS_SECONDS, startView } from "./world.ts";

const TICK_MS = PROFILES.devnet.tickSeconds * 1_000;
/** A tick. */
const START_MS = GENESIS_SECONDS * 1_000 + 40 * TICK_MS;

class Driven {
  readonly view = startView();
  readonly machine: Cover;
  readonly sent: { readonly atMs: number; readonly effect: RequestEffect }[] = [];
  readonly #timers = new Map<string, number>();
  #nowMs = START_MS;

  constructor(operator = this.view.turn(CHAIN)!.member.operator) {
    this.machine = new Cover({ view: this.view, operator, parameters: PROFILES.devnet });
    this.tell({ kind: "started" });
  }

  tell(event: CoverEvent): readonly CoverEffect[] {
    const effects = this.machine.handle(event, { nowMs: this.#nowMs, entropy: freshHash() });
    for (const effect of effects) {
      if (effect.kind === "timer") this.#timers.set(effect.name, effect.atMs);
      else {
        this.sent.push({ atMs: this.#nowMs, effect });
        // what leaves is told, cover too
        this.tell({ kind: "jobSent", ticket: effect.ticket });
      }
    }
    return effects;
  }

  /** Lets time pass, with jobs of blocks that leave at moments after the start. */
  run(untilMs: number, jobsAtMs: readonly number[] = []): void {
    const jobs = [...jobsAtMs];
    for (;;) {
      const [name, atMs] = [...this.#timers].reduce((first, next) => (next[1] < first[1] ? next : first));
      const jobMs = jobs[0] === undefined ? Number.POSITIVE_INFINITY : START_MS + jobs[0];
      const nextMs = Math.min(atMs, jobMs);
      if (nextMs > START_MS + untilMs) return;
      this.#nowMs = nextMs;
      if (nextMs === jobMs) this.tell({ kind: "jobSent", ticket: `job:${jobs.shift()}` });
      else {
        this.#timers.delete(name);
        this.tell({ kind: "timer", name: name as "tick" | "cover" });
      }
    }
  }

  /** Ticks after the start at which cover was sent. */
  get ticks(): ReadonlySet<number> {
    return new Set(this.sent.map(({ atMs }) => Math.floor((atMs - START_MS) / TICK_MS)));
  }
}

describe("cover", () => {
  it("is sent at every tick without a job, to two seats of a job of its own, by the couriers drawn for it", () => {
    const driven = new Driven();
    driven.run(5 * TICK_MS - 1);
    expect(driven.ticks).toEqual(new Set([1, 2, 3, 4]));
    const ids = new Set<string>();
    for (const { effect } of driven.sent) {
      const { request, via, to } = effect;
      if (request.name !== "job") throw new Error("not a job");
      expect(request.body).toMatchObject({ messages: [], values: [] });
      const { jobId } = request.body;
      ids.add(jobId);
      const { view } = driven;
      const holder = view.seatsOf(view.slot, jobId).find(({ peerId }) => peerId === to)!;
      const peers = view.couriersOf(view.slot, jobId, holder.index).map(({ peerId }) => peerId);
      expect(via).toEqual({ jobId, provider: holder.index, peers });
    }
    expect(ids.size).toBe(4);
    expect(driven.sent.length).toBeGreaterThan(4);
    expect(driven.sent.length).toBeLessThanOrEqual(4 * LIMITS.seats);
  });

  it("is not sent at a tick at which a job has left, and then at the distance from the tick that jobs have", () => {
    const driven = new Driven();
    const jobs = [1, 2, 4].map((tick) => tick * TICK_MS + 41);
    driven.run(8 * TICK_MS - 1, jobs);
    expect(driven.ticks).toEqual(new Set([3, 5, 6, 7]));
    for (const { atMs } of driven.sent) expect((atMs - START_MS) % TICK_MS).toBe(41);
  });

  it("is not sent by who leads no chain", () => {
    const leader = startView().turn(CHAIN)!.member.operator;
    const other = startView()
      .members("sequencer")
      .find(({ operator }) => operator !== leader)!;
    const driven = new Driven(other.operator);
    driven.run(5 * TICK_MS);
    expect(driven.sent).toEqual([]);
  });

  it("comes to nothing, whatever its holders answer", () => {
    const driven = new Driven();
    driven.run(2 * TICK_MS - 1);
    const [{ effect }] = driven.sent as [(typeof driven.sent)[number]];
    expect(driven.tell({ kind: "requestFailed", ticket: effect.ticket, reason: "timeout" })).toEqual([]);
    const result = { kind: "result", outcomes: [], signature: `0x${"11".repeat(96)}` } as const;
    expect(driven.tell({ kind: "answered", ticket: effect.ticket, answer: { name: "job", body: result } })).toEqual([]);
  });
});
