import { describe, expect, it } from "vitest";
import { NotSettled, VirtualClock } from "../src/virtualClock.ts";

describe("the virtual clock", () => {
  it("runs what is due in the order of its time, then of its making, and stands at the end asked for", async () => {
    const clock = new VirtualClock(1_000);
    const ran: string[] = [];
    clock.at(1_020, () => ran.push("b"));
    clock.at(1_010, () => ran.push("a"));
    clock.at(1_020, () => ran.push("c"));
    clock.at(1_500, () => ran.push("too late"));
    clock.at(1, () => ran.push(`past ${clock.nowMs()}`));
    await clock.runUntil(1_100);
    expect(ran).toEqual(["past 1000", "a", "b", "c"]);
    expect(clock.nowMs()).toBe(1_100);
  });

  it("does not run what was cancelled, before or in the same moment", async () => {
    const clock = new VirtualClock(0);
    const ran: string[] = [];
    const cancel = clock.at(10, () => ran.push("cancelled"));
    clock.at(5, cancel);
    const cancelSameMoment = () => cancelLater();
    clock.at(20, cancelSameMoment);
    const cancelLater = clock.at(20, () => ran.push("cancelled later"));
    await clock.runUntil(100);
    expect(ran).toEqual([]);
  });

  it("lets a chain of promises end before time moves", async () => {
    const clock = new VirtualClock(0);
    const seen: number[] = [];
    clock.at(10, async () => {
      for (let i = 0; i < 100; i++) await null;
      seen.push(clock.nowMs());
    });
    clock.at(11, () => seen.push(clock.nowMs()));
    await clock.runUntil(20);
    expect(seen).toEqual([10, 11]);
  });

  it.each([
    ["at once", 0],
    ["after promises", 50],
  ])("refuses to go on when something waits for the real world, begun %s", async (_name, promises) => {
    const clock = new VirtualClock(0);
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    clock.at(10, async () => {
      for (let i = 0; i < promises; i++) await null;
      await turn();
      await turn();
      clock.nowMs();
    });
    await expect(clock.runUntil(20)).rejects.toThrow(NotSettled);
  });
});

describe("work of other threads", () => {
  it("ends at the same time, in the order of its beginning, when all else has come to rest, however long it takes", async () => {
    const clock = new VirtualClock(1_000);
    const order: string[] = [];
    const hash = (bytes: number): Promise<ArrayBuffer> => crypto.subtle.digest("SHA-256", new Uint8Array(bytes));
    const begin = (name: string, bytes: number): void =>
      void clock.aside(() => hash(bytes)).then(() => order.push(`${name} at ${clock.nowMs()}`));
    clock.schedule(10, () => {
      begin("long", 64 * 1024 * 1024);
      begin("short", 1);
      void (async () => {
        for (let turns = 0; turns < 2; turns++) await new Promise((resolve) => setImmediate(resolve));
        order.push("turns");
      })();
    });
    clock.schedule(11, () => order.push("later"));
    await clock.runUntil(1_020);
    expect(order).toEqual(["turns", "long at 1010", "short at 1010", "later"]);
  });

  it("that fails gives its reason to who waits for it, and holds nothing up", async () => {
    const clock = new VirtualClock(0);
    const reasons: unknown[] = [];
    clock.schedule(1, () => {
      clock.aside(() => Promise.reject(new Error("no"))).catch((error: unknown) => reasons.push(error));
    });
    await clock.runUntil(2);
    expect(reasons).toEqual([new Error("no")]);
  });
});
