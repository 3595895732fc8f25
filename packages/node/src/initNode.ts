/** Makes a data directory that a node can start from. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { peerIdOf } from "@mvm/network";
import { CONFIG_FILE, ConfigError, DEFAULT_CONFIG, type NetworkFile, networkSchema, parseConfig } from "./config.ts";
import { createKeys } from "./keys.ts";

export type InitOptions = {
  readonly dataDir: string;
  readonly networkFile: string;
  readonly l1Url: string;
  readonly roles: readonly string[];
  readonly bootstrap: readonly string[];
  /** settings beside the defaults */
  readonly settings?: Readonly<Record<string, unknown>>;
};

/** Reads a network's description. Throws ConfigError. */
export async function loadNetworkFile(path: string): Promise<NetworkFile> {
  try {
    return networkSchema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch (cause) {
    throw new ConfigError("unreadable", `${path} does not describe a network: ${(cause as Error).message}`, cause);
  }
}

/** Makes keys and configuration; refuses to touch a directory that has either. Throws ConfigError. */
export async function initNode(options: InitOptions): Promise<Readonly<Record<string, unknown>>> {
  const dataDir = resolve(options.dataDir);
  const network = await loadNetworkFile(options.networkFile);
  const { roles, l1Url, bootstrap } = options;
  const config = { ...DEFAULT_CONFIG, ...options.settings, roles, l1Url, bootstrap, network };
  parseConfig(config);
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  try {
    await writeFile(join(dataDir, CONFIG_FILE), `${JSON.stringify(config, null, 2)}\n`, { flag: "wx" });
  } catch (cause) {
    throw new ConfigError("invalid", `${dataDir} holds a node already: choose another directory`, cause);
  }
  const keys = await createKeys(dataDir);
  return {
    dataDir,
    operator: keys.identity.operator,
    peerId: peerIdOf(keys.peer),
    blsPublicKey: keys.identity.bls.publicKey,
  };
}
