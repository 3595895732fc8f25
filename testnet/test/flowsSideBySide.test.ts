/** Flows of users that need the same network and nothing of it for themselves: they share it and go on side by side. */
import { beforeAll, describe, expect, it } from "vitest";
import type { FlowReport } from "../src/flows/flow.ts";
import { STAKED_NETWORK } from "../src/flows/networks.ts";
import { FLOW_MS, report, sharedNetwork } from "./flowNetwork.ts";

describe("on one network, side by side", () => {
  const names = ["withdraw", "governance", "malicious-dac", "held-deposit", "below-threshold"] as const;
  const shared = sharedNetwork(STAKED_NETWORK);
  const reports = new Map<string, Promise<FlowReport>>();
  beforeAll(() => {
    for (const name of names) reports.set(name, shared.play(name));
  });

  it(
    "below-threshold: who covers a DAC too little is neither elected nor allowed to post",
    async () => {
      const said = await reports.get("below-threshold")!;
      expect(said).toEqual(report("below-threshold", { refusal: "NotElected" }));
      expect(said["batchesOnOpenDac"]).toBeGreaterThan(0);
    },
    FLOW_MS,
  );

  it(
    "governance: a vote of MetisDAO changes the tax that a DAC's transfers pay",
    async () => {
      expect(await reports.get("governance")!).toEqual(report("governance", { taxWei: String(5n * 10n ** 17n) }));
    },
    FLOW_MS,
  );

  it(
    "held-deposit: what stakes do not cover is held, refunded, and released by the sequencers themselves",
    async () => {
      expect(await reports.get("held-deposit")!).toEqual(report("held-deposit", {}));
    },
    FLOW_MS,
  );

  it(
    "withdraw: MT and tokens come back, to the unit, once",
    async () => {
      const said = await reports.get("withdraw")!;
      expect(said).toEqual(report("withdraw", { secondClaim: "already-claimed" }));
    },
    FLOW_MS,
  );

  it(
    "malicious-dac: a DAC takes nothing beyond its own deposits",
    async () => {
      const said = await reports.get("malicious-dac")!;
      expect(said).toEqual(report("malicious-dac", { refusal: "ClaimExceedsDeposits" }));
    },
    FLOW_MS,
  );
});
