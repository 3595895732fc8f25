import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { L1Clock } from "../src/l1Clock.ts";

describe("the clock in step with L1", () => {
  const START_MS = 1_800_000_000_000;
  beforeEach(() => {
    vi.useFakeTimers({ now: START_MS });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const seconds = (fromNow: number): bigint => BigInt(START_MS / 1000 + fromNow);

  it.each([-15, -1, 0, 1, 15])("stays the machine's when a block's timestamp is off by %i seconds", (off) => {
    const clock = new L1Clock();
    clock.observe(seconds(off));
    expect(clock.nowMs()).toBe(START_MS);
  });

  it.each([-86_400, -16, 16, 86_400])("moves with L1 when a block's timestamp is off by %i seconds", (off) => {
    const clock = new L1Clock();
    clock.observe(seconds(off));
    expect(clock.nowMs()).toBe(START_MS + off * 1000);
  });

  it("moves back when L1 has told of an earlier time for half a minute, and not for blocks that are read late", () => {
    const clock = new L1Clock();
    clock.observe(seconds(0));
    // L1 was out of reach for five minutes
    vi.advanceTimersByTime(300_000);
    for (let second = 0; second <= 300; second += 10) {
      clock.observe(seconds(second));
      expect(clock.nowMs()).toBe(Date.now());
    }
    for (let second = 0; second < 30; second++) {
      clock.observe(seconds(second));
      expect(clock.nowMs()).toBe(Date.now());
      vi.advanceTimersByTime(1_000);
    }
    clock.observe(seconds(30));
    expect(clock.nowMs()).toBe(START_MS + 30_000);
  });

  it("stays where it was moved to while blocks agree so far, however late each is", () => {
    const clock = new L1Clock();
    clock.observe(seconds(600));
    for (const late of [14, 3, 0, -2]) {
      clock.observe(seconds(600 - late));
      expect(clock.nowMs()).toBe(START_MS + 600_000);
    }
  });

  it.each([-600, 600])("has what was set before it moved by %i seconds happen at its time", (off) => {
    const clock = new L1Clock();
    const called: string[] = [];
    clock.at(START_MS + 1_000 * (off + 5), () => called.push("at its time"));
    const cancel = clock.at(START_MS + 1_000 * (off + 5), () => called.push("cancelled"));
    clock.observe(seconds(off));
    cancel();
    vi.advanceTimersByTime(4_999);
    expect(called).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(called).toEqual(["at its time"]);
  });

  it("calls back by L1's time, at once for the past, and not when cancelled", () => {
    const clock = new L1Clock();
    clock.observe(seconds(1_000));
    const called: string[] = [];
    clock.at(START_MS + 1_000_500, () => called.push("soon"));
    clock.at(START_MS, () => called.push("past"));
    clock.at(START_MS + 1_000_400, () => called.push("cancelled"))();
    expect(called).toEqual([]);
    vi.advanceTimersByTime(0);
    expect(called).toEqual(["past"]);
    vi.advanceTimersByTime(499);
    expect(called).toEqual(["past"]);
    vi.advanceTimersByTime(1);
    expect(called).toEqual(["past", "soon"]);
  });
});
