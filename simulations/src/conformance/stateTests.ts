/** Public state tests: read from the archives, dealt out to threads, run by one of two runners. */
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { createEngine, type Engine, type HardforkName } from "@mvm/evm";
import { ethereumEngine } from "../ethereumEngine.ts";
import { CheckpointL1 } from "../replay/checkpointL1.ts";
import { jsonFiles, whyAbsent } from "./archives.ts";
import { runReplayCase } from "./replayCase.ts";
import { type CaseResult, hardforkOf, type Post, runCase, type StateTest } from "./stateTest.ts";
import type { Failure, Suite, Tally } from "./suite.ts";

/** Threads; each has engines of its own and reads the archives itself. */
const MAX_THREADS = 8;

/** Whether a file is run, by name and position among all files. */
export type FileFilter = (file: string, position: number) => boolean;

/** Runs a case of a test at a fork. */
type CaseRunner = (name: string, test: StateTest, fork: string, post: Post) => Promise<CaseResult>;

/** On the engine, each case at its own fork. */
async function onEngine(): Promise<CaseRunner> {
  const engines = new Map<HardforkName, Promise<Engine>>();
  const engineOf = (hardfork: HardforkName): Promise<Engine> => {
    const engine = engines.get(hardfork) ?? ethereumEngine(hardfork);
    engines.set(hardfork, engine);
    return engine;
  };
  return async (name, test, fork, post) => {
    const hardfork = hardforkOf(fork);
    if (hardfork === null) return { skipped: `fork ${fork}: the engine's forks begin with Paris` };
    return runCase(await engineOf(hardfork), name, test, post);
  };
}

/** On L1, by the rules of a DAC whatever the fork. */
async function onL1(): Promise<CaseRunner> {
  const [engine, l1] = await Promise.all([createEngine(), CheckpointL1.open()]);
  return (_, test, _fork, post) => runReplayCase(engine, l1, test, post);
}

const RUNNERS = { "state-tests": onEngine, replay: onL1 } as const;
export type RunnerName = keyof typeof RUNNERS;

const isStateTest = (test: unknown): test is StateTest =>
  typeof test === "object" && test !== null && "pre" in test && "post" in test && "transaction" in test;

async function runTest(
  name: { readonly file: string; readonly test: string },
  test: StateTest,
  run: CaseRunner,
  tally: Tally,
): Promise<void> {
  for (const [fork, posts] of Object.entries(test.post)) {
    for (const post of posts) {
      const result = await run(name.test, test, fork, post);
      if ("skipped" in result) tally.skippedWhy[result.skipped] = (tally.skippedWhy[result.skipped] ?? 0) + 1;
      else if (result.fault === null) tally.passed++;
      else tally.failures.push({ ...name, fork, indexes: post.indexes, fault: result.fault });
    }
  }
}

/** Runs the files that a filter lets through, in this thread. */
export async function runStateTests(isRun: FileFilter, runner: RunnerName = "state-tests"): Promise<Tally> {
  const run = await RUNNERS[runner]();
  const tally: Tally = { passed: 0, failures: [], skippedWhy: {} };
  let position = 0;
  for (const [file, parse] of jsonFiles()) {
    if (!isRun(file, position++)) continue;
    for (const [test, body] of Object.entries(parse() as Record<string, unknown>))
      if (isStateTest(body)) await runTest({ file, test }, body, run, tally);
  }
  return tally;
}

/** What a thread is given: the position of the next file that no thread has taken. */
export type ThreadData = { readonly runner: RunnerName; readonly counter: SharedArrayBuffer };

function runThread(workerData: ThreadData): Promise<Tally> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./stateTestsThread.ts", import.meta.url), { workerData });
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", (code) => reject(new Error(`a thread ended with code ${code} before its answer`)));
  });
}

function sum(tallies: readonly Tally[]): Tally {
  const total: Tally = { passed: 0, failures: [], skippedWhy: {} };
  for (const { passed, failures, skippedWhy } of tallies) {
    total.passed += passed;
    total.failures.push(...failures);
    for (const [reason, cases] of Object.entries(skippedWhy))
      total.skippedWhy[reason] = (total.skippedWhy[reason] ?? 0) + cases;
  }
  total.failures.sort((a: Failure, b: Failure) => (a.file < b.file ? -1 : 1));
  return total;
}

/** Every file, dealt out to threads one by one as they come for more. */
async function runEveryFile(runner: RunnerName): Promise<Tally> {
  const threads = Math.min(availableParallelism(), MAX_THREADS);
  const counter = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  return sum(await Promise.all(Array.from({ length: threads }, () => runThread({ runner, counter }))));
}

export const stateTests: Suite = {
  name: "state-tests",
  summary: "public state tests (GeneralStateTests) in ../shared/conformance at their own forks, additions idle",
  whyAbsent: () => whyAbsent(),
  run: () => runEveryFile("state-tests"),
};

export const replay: Suite = {
  name: "replay",
  summary:
    "the same tests through the contracts that replay transactions on L1, against the engine: both by the rules of a DAC",
  whyAbsent: () => whyAbsent(),
  run: () => runEveryFile("replay"),
};
