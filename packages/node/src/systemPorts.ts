/** Ports over the real world: system randomness, Level, pino. */
import { randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { type ChainId, type Hash, toHex } from "@mvm/protocol";
import { DacDatabase, type KeptStates } from "@mvm/state";
import { pino } from "pino";
import { MAX_PARALLEL_JOBS } from "./config.ts";
import type { Log, Ports } from "./ports.ts";

export const systemEntropy = (): Hash => toHex(randomBytes(32)) as Hash;

/** Milliseconds that only grow: to measure with. */
export const monotonicMs = (): number => performance.now();

/** Jobs that the machine gives room for beside the node itself. */
export const defaultParallelJobs = (): number => Math.min(MAX_PARALLEL_JOBS, Math.max(1, availableParallelism() - 1));

/** Structured logs on standard error. */
export function systemLog(level: "debug" | "info" | "warn" | "error"): Log {
  const logger = pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ fd: 2, sync: true }),
  );
  return (severity, code, data) => logger[severity](printable(data), code);
}

const printable = (data: Readonly<Record<string, unknown>> | undefined): object =>
  Object.fromEntries(
    Object.entries(data ?? {}).map(([key, value]) => [key, typeof value === "bigint" ? value.toString() : value]),
  );

/** DACs' databases below a directory, one each for state and for blocks; new ones keep these states. */
export function levelDatabases(directory: string, keeps: KeptStates): Ports["openDatabase"] {
  return async (chainId: ChainId, mode) => {
    const path = join(directory, "chains", `${chainId}-${mode}`);
    await mkdir(path, { recursive: true });
    return DacDatabase.open(path, { mode, keeps });
  };
}
