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
