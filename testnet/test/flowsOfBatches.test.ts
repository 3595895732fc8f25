/** Flows about what batches hold and commit to: in blobs, convicted, asked for. */
import { describe, expect, it } from "vitest";
import { BLOB_NETWORK, CONVICTABLE_NETWORK } from "../src/flows/networks.ts";
import { FLOW_MS, report, sharedNetwork } from "./flowNetwork.ts";

describe("on a network whose sequencer posts in blobs", () => {
  const shared = sharedNetwork(BLOB_NETWORK);

  it(
    "blobs: batches of two DACs share one, and what L1 has dropped is rebuilt from what hosts keep",
    async () => {
      const said = await shared.play("blobs");
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
      const said = await shared.play("asked");
      const figures = { answered: ["blocks", "words", "checkpoints", "transactions"], finedMT: 100, lost: 0 };
      expect(said).toEqual(report("asked", figures));
      expect(said["batchesAfter"]).toBeGreaterThan(0);
    },
    FLOW_MS,
  );

  it(
    "convicted: what fell comes into blocks of the next generation, and these on L1",
    async () => {
      const said = await shared.play("convicted");
      expect(said).toEqual(report("convicted", { lost: 0 }));
    },
    FLOW_MS,
  );
});
