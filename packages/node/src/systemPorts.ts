/** Ports over the real world: wall clock in step with L1, system randomness, Level, pino. */
import { randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { type ChainId, type Hash, toHex } from "@mvm/protocol";
import { DacDatabase, type KeptStates } from "@mvm/state";
import { pino } from "pino";
import { MAX_PARALLEL_JOBS } from "./config.ts";
import type { Clock, Log, Ports } from "./ports.ts";

export const systemEntropy = (): Hash => toHex(randomBytes(32)) as Hash;

/** The machine's clock, moved by what it is off L1's: protocol time is L1 time. */
export class L1Clock implements Clock {
  #offsetMs = 0;

  nowMs(): number {
    return Date.now() + this.#offsetMs;
  }

  at(atMs: number, callback: () => void): () => void {
    const timer = setTimeout(callback, Math.max(0, atMs - this.nowMs()));
    return () => clearTimeout(timer);
  }

  /** Takes note of a block that L1 has just made; its timestamp is in seconds. A small difference is the block's own delay. */
  observe(timestamp: bigint): void {
    const differenceMs = Number(timestamp) * 1000 - Date.now();
    this.#offsetMs = Math.abs(differenceMs) > TOLERANCE_MS ? differenceMs : 0;
  }
}

/** A home machine's clock may be this much off before it is corrected: timestamps of L1 blocks are no finer. */
const TOLERANCE_MS = 15_000;

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
