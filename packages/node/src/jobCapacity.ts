/** What a provider's machine gives: measured at every start, kept for who asks for the node's status. */
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { ConfigError, type NodeConfig } from "./config.ts";
import { JobPool } from "./jobPool.ts";
import type { Capacity, JobThreads, Log } from "./ports.ts";
import { measureCapacity, SELF_TEST_LIMIT_MS } from "./selfTest.ts";
import { defaultParallelJobs, monotonicMs } from "./systemPorts.ts";

const CAPACITY_FILE = "capacity.json";

const capacitySchema = z.object({
  parallelJobs: z.number().int().positive(),
  gasPerSecond: z.number().int().positive(),
});

/** Capacity, and what it comes to: jobs at once, gas per second of each, of all together. */
const shown = ({ parallelJobs, gasPerSecond }: Capacity) => ({
  parallelJobs,
  gasPerSecond,
  gasPerSecondOfAll: parallelJobs * gasPerSecond,
});

/** What the last start as a provider measured; null where there was none. Throws ConfigError. */
export async function lastCapacity(dataDir: string): Promise<ReturnType<typeof shown> | null> {
  try {
    return shown(capacitySchema.parse(JSON.parse(await readFile(join(dataDir, CAPACITY_FILE), "utf8"))));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw new ConfigError("unreadable", `${CAPACITY_FILE} is damaged: delete it, the next start writes it anew`, error);
  }
}

/**
 * The threads of a node's jobs; a provider's pass the self-test first. Rejects with SelfTestFailed.
 * @param at.signal ends the self-test
 */
export async function startJobs(
  config: Pick<NodeConfig, "roles" | "parallelJobs">,
  { dataDir, log, signal }: { readonly dataDir: string; readonly log: Log; readonly signal: AbortSignal },
): Promise<{ readonly jobs: JobThreads; readonly stop: () => Promise<void> }> {
  const pool = new JobPool({ threads: config.parallelJobs ?? defaultParallelJobs() });
  const stop = (): Promise<void> => pool.stop();
  const begin: JobThreads["begin"] = (job, want) => pool.begin(job, want);
  if (!config.roles.includes("provider"))
    return { jobs: { capacity: { parallelJobs: pool.parallelJobs, gasPerSecond: 1 }, begin }, stop };
  try {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(SELF_TEST_LIMIT_MS)]);
    const capacity = await measureCapacity({ pool, nowMs: monotonicMs, signal: limited });
    const path = join(dataDir, CAPACITY_FILE);
    await writeFile(`${path}.new`, `${JSON.stringify(capacity)}\n`);
    await rename(`${path}.new`, path);
    log("info", "capacity", shown(capacity));
    return { jobs: { capacity, begin }, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
