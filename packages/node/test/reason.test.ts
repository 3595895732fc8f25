import { expect, it } from "vitest";
import { reasonOf } from "../src/reason.ts";

it("a reason tells the causes too, each once, and ends", () => {
  const low = new Error("no host answered");
  const high = new Error("the reader could not give it", { cause: new Error("fetch-failed", { cause: low }) });
  expect(reasonOf(high)).toBe("the reader could not give it: fetch-failed: no host answered");
  expect(reasonOf(new Error("refused: busy", { cause: "busy" }))).toBe("refused: busy");
  const round = new Error("again");
  round.cause = round;
  expect(reasonOf(round)).toBe("again");
  expect(reasonOf("text")).toBe("text");
});

it("a reason has no control characters, no values that a library appended, and an end", () => {
  const byEthers = Object.assign(new Error('refused (data="0x00", version=6)'), { shortMessage: "refused" });
  expect(reasonOf(new Error("custom error: \u0000\u0000\n1", { cause: byEthers }))).toBe("custom error:  1: refused");
  expect(reasonOf(new Error("x".repeat(10_000))).length).toBe(512);
});
