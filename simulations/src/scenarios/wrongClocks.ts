/** Machines whose clocks are off by up to ten minutes: a node goes by L1's time, so that nothing of it reaches a DAC. */
import { runAttacked } from "./attackedTraffic.ts";
import { MAX_BLOCK_TIMES } from "./churn.ts";
import type { RunResult, Scenario } from "./scenario.ts";

const MAX_CLOCK_OFF_MS = 600_000;
/** Blocks of a run, and of a sample. */
const BLOCKS = 120;
const SAMPLE = 20;

/** Runs the scenario for so many blocks. */
export const runWrongClocks = (seed: number, blocks: number): Promise<RunResult> => {
  const settings = { blocks, stake: 0, maxBlockTimes: MAX_BLOCK_TIMES, maxClockOffMs: MAX_CLOCK_OFF_MS };
  return runAttacked({ scenario: "wrong-clocks", seed }, settings, () => () => ({}));
};

export const wrongClocks: Scenario = {
  name: "wrong-clocks",
  summary: "machines' clocks are off by up to ten minutes: no block is lost or late, nobody is blamed",
  run: (seed) => runWrongClocks(seed, BLOCKS),
  sample: (seed) => runWrongClocks(seed, SAMPLE),
};
