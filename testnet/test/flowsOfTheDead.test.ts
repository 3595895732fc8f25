/** Flows in which sequencers and hosts are killed, one after the other on one network. */
import { describe, expect, it } from "vitest";
import { EXPENDABLE_NETWORK } from "../src/flows/networks.ts";
import { FLOW_MS, report, sharedNetwork } from "./flowNetwork.ts";

describe("on one network, one after the other", () => {
  const shared = sharedNetwork(EXPENDABLE_NETWORK);

  it(
    "leader-killed: the next rank claims the slot, nothing acknowledged is lost",
    async () => {
      const said = await shared.play("leader-killed");
      expect(said).toEqual(report("leader-killed", { lost: 0 }));
      expect(said["claimedByRank"]).toBeGreaterThan(0);
    },
    FLOW_MS,
  );

  it(
    "host-wiped: a host without its disk has the state from the others, and serves it alone",
    async () => {
      const said = await shared.play("host-wiped");
      expect(said).toEqual(report("host-wiped", {}));
      expect(said["pieces"]).toBeGreaterThan(0);
    },
    FLOW_MS,
  );

  it(
    "hosts-replaced: a new host has the state from those who leave, and serves when they are gone",
    async () => {
      const said = await shared.play("hosts-replaced");
      expect(said).toEqual(report("hosts-replaced", { left: 2 }));
      expect(said["pieces"]).toBeGreaterThan(0);
    },
    FLOW_MS,
  );

  it(
    "all-sequencers-killed: users get through by L1, and out by proof where nobody comes",
    async () => {
      const said = await shared.play("all-sequencers-killed");
      expect(said).toEqual(report("all-sequencers-killed", {}));
    },
    FLOW_MS,
  );
});
