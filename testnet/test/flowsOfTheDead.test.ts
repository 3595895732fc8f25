/** A network that grows, and then flows in which its sequencers and hosts are killed, one after the other. */
import { describe, expect, it } from "vitest";
import { EXPENDABLE_NETWORK } from "../src/flows/networks.ts";
import { FLOW_MS, report, sharedNetwork } from "./flowNetwork.ts";

describe("on one network, one after the other", () => {
  const shared = sharedNetwork(EXPENDABLE_NETWORK);

  it(
    "more DACs cost storage and no process",
    async () => {
      const { ok, dacs, processesBefore, processesAfter, storageMiB, cpuMs } = await shared.grow(3);
      expect({ ok, dacs, processesAfter }).toEqual({ ok: true, dacs: 3, processesAfter: processesBefore });
      expect(storageMiB[1]).toBeGreaterThan(storageMiB[0]);
      expect(cpuMs).toBeGreaterThan(0);
    },
    FLOW_MS,
  );

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
