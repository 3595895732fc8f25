/** Flows of users through whole networks; those that need the same network share one and go on side by side. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LIES } from "../faults/lies.ts";
import { type Flow, type FlowReport, runFlow } from "../src/flows/flow.ts";
import { BLOB_NETWORK, CONVICTABLE_NETWORK, EXPENDABLE_NETWORK, STAKED_NETWORK } from "../src/flows/networks.ts";
import { FLOWS } from "../src/flows/table.ts";
import { createRunDirectory, type RunDirectory } from "../src/runDirectory.ts";
import { Testnet, type TestnetSize } from "../src/testnet.ts";

const START_MS = 180_000;
const FLOW_MS = 600_000;

const flowOf = (name: string): Flow => FLOWS.find((flow) => flow.name === name)!;

/** A network for the tests of a group, started before and stopped after them. */
function sharedNetwork(size: TestnetSize): { readonly testnet: Testnet } {
  let run: RunDirectory;
  const shared: { testnet: Testnet } = { testnet: undefined as never };
  beforeAll(async () => {
    run = await createRunDirectory();
    shared.testnet = await Testnet.start(run, size, () => undefined);
  }, START_MS);
  afterAll(async () => {
    await shared.testnet?.stop();
    await run?.remove();
  }, START_MS);
  return shared;
}

const report = (flow: string, figures: object) => expect.objectContaining({ flow, ok: true, ...figures });

describe("on one network, side by side", () => {
  const names = ["withdraw", "governance", "malicious-dac", "held-deposit", "below-threshold"] as const;
  const shared = sharedNetwork(STAKED_NETWORK);
  const reports = new Map<string, Promise<FlowReport>>();
  beforeAll(() => {
    for (const name of names) reports.set(name, runFlow(shared.testnet, flowOf(name)));
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

describe("on one network, one after the other", () => {
  const shared = sharedNetwork(EXPENDABLE_NETWORK);

  it(
    "leader-killed: the next rank claims the slot, nothing acknowledged is lost",
    async () => {
      const said = await runFlow(shared.testnet, flowOf("leader-killed"));
      expect(said).toEqual(report("leader-killed", { lost: 0 }));
      expect(said["claimedByRank"]).toBeGreaterThan(0);
    },
    FLOW_MS,
  );

  it(
    "all-sequencers-killed: users get through by L1, and out by proof where nobody comes",
    async () => {
      const said = await runFlow(shared.testnet, flowOf("all-sequencers-killed"));
      expect(said).toEqual(report("all-sequencers-killed", {}));
    },
    FLOW_MS,
  );
});

describe("on a network whose sequencer posts in blobs", () => {
  const shared = sharedNetwork(BLOB_NETWORK);

  it(
    "blobs: batches of two DACs share one, and what L1 has dropped is rebuilt from what hosts keep",
    async () => {
      const said = await runFlow(shared.testnet, flowOf("blobs"));
      expect(said).toEqual(report("blobs", {}));
      expect(said["sharedBlobs"]).toBeGreaterThan(0);
    },
    FLOW_MS,
  );
});

describe("on a network where an account may convict batches", () => {
  const shared = sharedNetwork(CONVICTABLE_NETWORK);

  it(
    "asked: what batches commit to is shown on L1; what nobody has falls, and its poster is fined",
    async () => {
      const said = await runFlow(shared.testnet, flowOf("asked"));
      const figures = { answered: ["blocks", "words", "checkpoints", "transactions"], finedMT: 100, lost: 0 };
      expect(said).toEqual(report("asked", figures));
      expect(said["batchesAfter"]).toBeGreaterThan(0);
    },
    FLOW_MS,
  );

  it(
    "convicted: what fell comes into blocks of the next generation, and these on L1",
    async () => {
      const said = await runFlow(shared.testnet, flowOf("convicted"));
      expect(said).toEqual(report("convicted", { lost: 0 }));
    },
    FLOW_MS,
  );
});

describe("npm run testnet -- --list", () => {
  it("names every flow and every fault with a line of text", async () => {
    const main = join(import.meta.dirname, "../src/main.ts");
    const { stdout } = await promisify(execFile)(process.execPath, [main, "--list", "--json"]);
    const listed = stdout.trim().split("\n");
    const flows = FLOWS.map(({ name, text }) => ({ flow: name, text }));
    const faults = LIES.map(({ name, text }) => ({ fault: name, text }));
    expect(listed.map((line) => JSON.parse(line) as unknown)).toEqual([...flows, ...faults]);
    const names = [...FLOWS, ...LIES].map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });
});
