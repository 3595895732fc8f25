/**
 * What a machine remembers of a sequencer's key, in a place that goes by the key and not by the data directory: a copy of the directory finds it in
 * use, one that was restored from a backup finds what was signed since.
 */
import { mkdir } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Address } from "@mvm/protocol";
import { LevelStore, StateError } from "@mvm/state";
import { ConfigError } from "./config.ts";

/** Where it is unless the settings say: with the user, whatever data directories there are. */
const defaultSignersDir = (): string => join(homedir(), ".mvm", "signers");

/** Whether a store could not be opened because another process has it open. */
const isLocked = (error: unknown): boolean =>
  error instanceof Error &&
  (("code" in error && error.code === "LEVEL_LOCKED") || isLocked((error as { cause?: unknown }).cause));

/**
 * Opens it, and holds it until it is closed or the process ends, in whichever way.
 * @throws ConfigError key-in-use where another process has it open; StateError
 */
export async function openSigner(operator: Address, signersDir = defaultSignersDir()): Promise<LevelStore> {
  const path = join(signersDir, operator);
  await mkdir(path, { recursive: true, mode: 0o700 });
  try {
    return await LevelStore.open(path);
  } catch (error) {
    if (!(error instanceof StateError) || !isLocked(error)) throw error;
    throw new ConfigError(
      "key-in-use",
      `another node on this machine is a sequencer with the key of ${operator}: two would sign two blocks at one place and lose the bond. Stop it first, or give this one keys of its own`,
      error,
    );
  }
}
