/** The suite `state-tests`: every public state test in the folder, at every fork that the engine knows. */
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { Engine, HardforkName } from "@mvm/evm";
import { ethereumEngine } from "../ethereumEngine.ts";
import { jsonFiles, whyAbsent } from "./archives.ts";
import { hardforkOf, runCase, type StateTest } from "./stateTest.ts";
import type { Failure, Suite, Tally } from "./suite.ts";

/** Threads; each has an engine of its own and reads the archives itself. */
const MAX_THREADS = 8;

/** Whether a file is run, by name and position among all files. */
export type FileFilter = (file: string, position: number) => boolean;

const isStateTest = (test: unknown): test is StateTest =>
  typeof test === "object" && test !== null && "pre" in test && "post" in test && "transaction" in test;

async function runTest(
  name: { readonly file: string; readonly test: string },
  test: StateTest,
  engineOf: (hardfork: HardforkName) => Promise<Engine>,
  tally: Tally,
): Promise<void> {
  const skip = (reason: string, cases: number): void => {
    tally.skippedWhy[reason] = (tally.skippedWhy[reason] ?? 0) + cases;
  };
  for (const [fork, posts] of Object.entries(test.post)) {
    const hardfork = hardforkOf(fork);
    if (hardfork === null) {
      skip(`fork ${fork}: the engine's forks begin with Paris`, posts.length);
      continue;
    }
    const engine = await engineOf(hardfork);
    for (const post of posts) {
      const result = await runCase(engine, name.test, test, post);
      if ("skipped" in result) skip(result.skipped, 1);
      else if (result.fault === null) tally.passed++;
      else tally.failures.push({ ...name, fork, indexes: post.indexes, fault: result.fault });
    }
  }
}

/** Runs the files that a filter lets through, in this thread. */
export async function runStateTests(isRun: FileFilter): Promise<Tally> {
  const engines = new Map<HardforkName, Promise<Engine>>();
  const engineOf = (hardfork: HardforkName): Promise<Engine> => {
    const engine = engines.get(hardfork) ?? ethereumEngine(hardfork);
    engines.set(hardfork, engine);
    return engine;
  };
  const tally: Tally = { passed: 0, failures: [], skippedWhy: {} };
  let position = 0;
  for (const [file, parse] of jsonFiles()) {
    if (!isRun(file, position++)) continue;
    for (const [test, body] of Object.entries(parse() as Record<string, unknown>))
      if (isStateTest(body)) await runTest({ file, test }, body, engineOf, tally);
  }
  return tally;
}

function runThread(counter: SharedArrayBuffer): Promise<Tally> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./stateTestsThread.ts", import.meta.url), { workerData: counter });
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
async function runEveryFile(): Promise<Tally> {
  const threads = Math.min(availableParallelism(), MAX_THREADS);
  const counter = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  return sum(await Promise.all(Array.from({ length: threads }, () => runThread(counter))));
}

export const stateTests: Suite = {
  name: "state-tests",
  summary: "public state tests (GeneralStateTests) in ../shared/conformance at their own forks, additions idle",
  whyAbsent: () => whyAbsent(),
  run: runEveryFile,
};
