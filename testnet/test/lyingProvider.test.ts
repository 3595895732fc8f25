/** A provider that signs what does not follow from its job: L1 takes its stake, and the DAC goes on. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { runWrongResult, WRONG_RESULT_NETWORK } from "../faults/wrongResult.ts";
import { createRunDirectory, type RunDirectory } from "../src/runDirectory.ts";
import { Testnet } from "../src/testnet.ts";

const START_MS = 400_000;
const FAULT_MS = 600_000;

let run: RunDirectory;
let testnet: Testnet;
beforeAll(async () => {
  run = await createRunDirectory();
  testnet = await Testnet.start(run, WRONG_RESULT_NETWORK, () => undefined);
}, START_MS);
afterAll(async () => {
  await testnet?.stop();
  await run?.remove();
}, START_MS);

it(
  "a provider that lies about a balance is slashed by the sequencer that it lied to, nobody else is, and what was acknowledged comes into blocks",
  async () => {
    const report = await runWrongResult(testnet);
    expect(report).toMatchObject({ fault: "wrong-result", ok: true, honestSlashed: false });
    expect(report["acknowledged"]).toBeGreaterThan(0);
  },
  FAULT_MS,
);
