import { createEngine, type Engine } from "@mvm/evm";
import type { Outcome } from "@mvm/protocol";
import { beforeAll, describe, expect, it } from "vitest";
import { type Executed, jobsHere } from "../src/jobExecution.ts";
import type { JobThreads } from "../src/ports.ts";
import { measureCapacity, SELF_TEST_GAS } from "../src/selfTest.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});

const CAPACITY = { parallelJobs: 3, gasPerSecond: 1 };
const signal = new AbortController().signal;

/** Executes, and has something done to what comes of it. */
const changing = (change: (executed: Executed) => Executed): Pick<JobThreads, "begin"> => ({
  begin: (job, want) => {
    const running = jobsHere(engine, CAPACITY).begin(job, want);
    return { ...running, executed: running.executed.then(change) };
  },
});

/** A clock that goes on by so much whenever it is looked at. */
function clockOf(stepMs: number): () => number {
  let ms = 0;
  return () => {
    ms += stepMs;
    return ms;
  };
}

const measured = (threads: Pick<JobThreads, "begin">, nowMs = clockOf(10)) =>
  measureCapacity({ pool: { ...threads, parallelJobs: 3 }, nowMs, signal });

const changed = (change: (outcome: Outcome & { kind: "included" }) => Outcome): Pick<JobThreads, "begin"> =>
  changing(({ outcomes, result }) => {
    const [first, ...others] = outcomes;
    return { outcomes: [change(first as Outcome & { kind: "included" }), ...others], result };
  });

describe("the self-test", () => {
  it("gives the gas of its job by the time that the clock says", async () => {
    const capacity = await measured(changing((executed) => executed));
    expect(capacity).toEqual({ parallelJobs: 3, gasPerSecond: 100 * Number(SELF_TEST_GAS) });
  });

  it.each([
    ["another word", { value: 1n }],
    ["a word elsewhere", { slot: `0x${"00".repeat(31)}01` }],
  ])("refuses an engine that stores %s", async (_name, change) => {
    const wrong = changed((outcome) => ({
      ...outcome,
      writes: outcome.writes.map((write) => ({
        ...write,
        slots: write.slots.map((slot) => ({ ...slot, ...(change as object) })),
      })),
    }));
    await expect(measured(wrong)).rejects.toMatchObject({ name: "SelfTestFailed", code: "wrong-result" });
  });

  it("refuses an engine that counts one gas too many, or drops an outcome", async () => {
    const more = changed((outcome) => ({ ...outcome, gasUsed: outcome.gasUsed + 1n }));
    await expect(measured(more)).rejects.toMatchObject({ code: "wrong-result" });
    const fewer = changing(({ outcomes, result }) => ({ outcomes: outcomes.slice(1), result }));
    await expect(measured(fewer)).rejects.toMatchObject({ code: "wrong-result" });
  });

  it("refuses a machine that computes rightly at first and wrongly later", async () => {
    let jobs = 0;
    const failing = changing((executed) => (++jobs < 3 ? executed : { ...executed, outcomes: [] }));
    await expect(measured(failing)).rejects.toMatchObject({ code: "wrong-result" });
  });

  it("that does not end in time, or does not execute, says so", async () => {
    const silent: Pick<JobThreads, "begin"> = {
      begin: () => {
        const { promise, reject } = Promise.withResolvers<Executed>();
        return { executed: promise, supply: () => undefined, abort: (reason) => reject(new Error(reason)) };
      },
    };
    const ended = (signal: AbortSignal) =>
      measureCapacity({ pool: { ...silent, parallelJobs: 1 }, nowMs: clockOf(1), signal });
    const late = AbortSignal.abort(new DOMException("late", "TimeoutError"));
    await expect(ended(late)).rejects.toMatchObject({ code: "too-slow" });
    await expect(ended(AbortSignal.abort())).rejects.toMatchObject({ code: "stopped" });
    const broken = changing(() => {
      throw new Error("no engine");
    });
    await expect(measured(broken)).rejects.toMatchObject({ code: "not-executed" });
  });

  it("ends after so many jobs where the clock stands still", async () => {
    let jobs = 0;
    const counted = changing((executed) => {
      jobs += 1;
      return executed;
    });
    const { gasPerSecond } = await measured(counted, () => 0);
    expect(jobs).toBeLessThanOrEqual(65);
    expect(Number.isSafeInteger(gasPerSecond)).toBe(true);
  });
});
