import { describe, expect, it } from "vitest";
import { hitRateLine, latencyLine, scaleLine } from "../src/bench/jobs.ts";

describe("the benchmark of jobs", () => {
  it("takes a job through two seats without a request for values, and one that executes twice costs more than one that does once", async () => {
    const line = await latencyLine(1, { messages: 20, rounds: 7, warmUp: 2 });
    expect(line).toMatchObject({ bench: "jobs", hops: 1, valuesRequests: 0 });
    expect(line["ratioOfOneHolder"]).toBeGreaterThan(1);
    expect(line["ratioToDirect"]).toBeGreaterThan(line["ratioOfOneHolder"] as number);
  });

  it("finds at least 95 of 100 reads of token transfers foreseen, and no seat asks for values, some blocks after the contract was made", async () => {
    const line = await hitRateLine("erc20", { learned: 4, measured: 4 });
    expect(line).toMatchObject({ bench: "jobs", workload: "erc20", jobs: 4, valuesRequestsPerJob: 0 });
    expect(line["reads"]).toBeGreaterThan(20);
    expect(line["predictedReadHitRate"]).toBeGreaterThanOrEqual(0.95);
  });

  it("makes the blocks of several DACs with several providers", async () => {
    const line = await scaleLine({ dacs: 2, providers: 2 }, 2);
    expect(line).toMatchObject({ bench: "jobs", dacs: 2, providers: 2, blocks: 4 });
    expect(line["blocksPerSecond"]).toBeGreaterThan(0);
    expect(line["cpuMsPerBlock"]).toBeGreaterThan(0);
  });
});
