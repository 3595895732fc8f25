import { describe, expect, it } from "vitest";
import { comingLine } from "../src/bench/comingState.ts";
import { confidentialLines } from "../src/bench/confidential.ts";
import { logsLine } from "../src/bench/logs.ts";
import { diskLine, readsLine } from "../src/bench/storage.ts";

describe("the benchmark of storage", () => {
  it("fills a database with pruning and without it, and weighs both", async () => {
    const line = await diskLine({ accounts: 200, slots: 200, blocks: 60 });
    expect(line["databaseToLiveState"]).toBeGreaterThan(0);
    expect(line["databaseMiB"]).toBeGreaterThan(0);
    expect(line["unprunedToLiveState"]).toBeGreaterThan(0);
  });

  it("reads the same values from the flat view and from the trie", async () => {
    const line = await readsLine({ accounts: 300, slots: 300, blocks: 0 }, 50);
    expect(line["flatToTrie"]).toBeGreaterThan(0);
  });

  it("finds the same logs by the index and by looking into all receipts", async () => {
    const line = await logsLine(400);
    expect(line["indexToWalk"]).toBeGreaterThan(0);
  });

  it("has a state come over the network that is the one that blocks made", async () => {
    const line = await comingLine({ blocks: 30, accountsPerBlock: 20 });
    expect(line["accounts"]).toBe(600);
    expect(line["comingToMaking"]).toBeGreaterThan(0);
  });

  it("gets a confidential file back through a second node, and the same file from plain Helia", async () => {
    const lines = await confidentialLines({ sizeMiB: 5, rounds: 1 });
    expect(lines.map((line) => line["operation"])).toEqual(["put", "replicate", "get"]);
    for (const line of lines) expect(line["megabytesPerSecond"]).toBeGreaterThan(0);
    expect(lines[0]!["ratioToHelia"]).toBeGreaterThan(0);
    expect(lines[2]!["ratioToHelia"]).toBeGreaterThan(0);
  });
});
