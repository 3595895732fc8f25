/** A network that the flows of a test file share, and what they have to report. */
import { afterAll, beforeAll, expect } from "vitest";
import { type Flow, type FlowReport, runFlow } from "../src/flows/flow.ts";
import { FLOWS } from "../src/flows/table.ts";
import { type GrowthReport, grow } from "../src/growth.ts";
import { createRunDirectory, type RunDirectory } from "../src/runDirectory.ts";
import { Testnet, type TestnetSize } from "../src/testnet.ts";

const START_MS = 400_000;
/** Bound of a flow. */
export const FLOW_MS = 600_000;

const flowOf = (name: string): Flow => FLOWS.find((flow) => flow.name === name)!;

/** A network for the tests of a group, started before and stopped after them. */
export function sharedNetwork(size: TestnetSize): {
  readonly play: (flow: string) => Promise<FlowReport>;
  readonly grow: (dacs: number) => Promise<GrowthReport>;
} {
  let run: RunDirectory;
  let testnet: Testnet;
  beforeAll(async () => {
    run = await createRunDirectory();
    testnet = await Testnet.start(run, size, () => undefined);
  }, START_MS);
  afterAll(async () => {
    await testnet?.stop();
    await run?.remove();
  }, START_MS);
  return { play: (flow) => runFlow(testnet, flowOf(flow)), grow: (dacs) => grow(testnet, dacs) };
}

/** The report of a flow that went as it has to. */
export const report = (flow: string, figures: object) => expect.objectContaining({ flow, ok: true, ...figures });
