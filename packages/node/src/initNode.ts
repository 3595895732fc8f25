/** Makes a data directory that a node can start from. */
import { access, mkdir, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { peerIdOf } from "@mvm/network/peerKey";
import { PROFILES } from "@mvm/protocol";
import { z } from "zod";
import {
  CONFIG_FILE,
  ConfigError,
  DEFAULT_CONFIG,
  faultsOf,
  type NetworkFile,
  networkSchema,
  parseConfig,
} from "./config.ts";
import { prepareKeys } from "./keys.ts";
import type { PasswordSource } from "./password.ts";
import { createFile } from "./wholeFiles.ts";

export type InitOptions = {
  readonly dataDir: string;
  readonly networkFile: string;
  readonly l1Url: string;
  readonly roles: readonly string[];
  readonly bootstrap: readonly string[];
  /** seals the keys */
  readonly password: PasswordSource;
  /** settings beside the defaults */
  readonly settings?: Readonly<Record<string, unknown>>;
};

/** Reads a network's description. Throws ConfigError. */
export async function loadNetworkFile(path: string): Promise<NetworkFile> {
  try {
    return networkSchema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch (cause) {
    const why = cause instanceof z.ZodError ? faultsOf(cause) : ` ${(cause as Error).message}`;
    throw new ConfigError("unreadable", `${path} does not describe a network:${why}`, cause);
  }
}

/** Makes the directory where it is missing. Throws ConfigError where it cannot, or where a node is there: its configuration comes last. */
async function freshDirectory(dataDir: string): Promise<void> {
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new ConfigError("invalid", `${dataDir} cannot be made: ${(cause as Error).message}`, cause);
  }
  const isThere = await access(join(dataDir, CONFIG_FILE)).then(
    () => true,
    () => false,
  );
  if (isThere)
    throw new ConfigError("invalid", `${dataDir} holds a node's ${CONFIG_FILE} already: choose another directory`);
}

/**
 * Makes keys, then the configuration; refuses to touch a directory that has one. Keys without a configuration are what an attempt left that was
 * ended in between: they are opened, and kept. Throws ConfigError.
 */
export async function initNode(options: InitOptions): Promise<Readonly<Record<string, unknown>>> {
  const dataDir = resolve(options.dataDir);
  const network = await loadNetworkFile(options.networkFile);
  const { roles, l1Url, bootstrap } = options;
  const config = { ...DEFAULT_CONFIG, ...options.settings, roles, l1Url, bootstrap, network };
  parseConfig(config);
  await freshDirectory(dataDir);
  const { keystoreScryptN: scryptN } = PROFILES[network.profile];
  const keys = await prepareKeys({ dataDir, password: options.password, scryptN });
  const path = join(dataDir, CONFIG_FILE);
  try {
    await createFile(path, `${JSON.stringify(config, null, 2)}\n`, 0o644);
  } catch (cause) {
    throw new ConfigError("invalid", `${path} cannot be created: ${(cause as Error).message}`, cause);
  }
  return {
    dataDir,
    operator: keys.identity.operator,
    peerId: peerIdOf(keys.peer),
    blsPublicKey: keys.identity.bls.publicKey,
  };
}
