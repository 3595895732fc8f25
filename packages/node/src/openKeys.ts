/** The key file of earlier versions: an operator's keys in the open. It is only read, and deleted once keystores have its place. */
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { peerIdOf } from "@mvm/network/peerKey";
import { addressOf, blsKeyFromSecret, fromHex, type Hex } from "@mvm/protocol";
import { z } from "zod";
import { ConfigError } from "./config.ts";
import type { Secrets } from "./keystores.ts";
import { syncDirectory } from "./wholeFiles.ts";

export const OPEN_KEYS_FILE = "keys.json";
const VERSION = 1;

const hexKey = z.string().regex(/^0x([0-9a-f]{2})+$/, "is not hexadecimal");
const schema = z.strictObject({
  version: z.literal(VERSION),
  l1: hexKey.length(66),
  bls: hexKey.length(66),
  peer: hexKey,
});

/** Throws where the object is damaged, or a key is none of its kind. */
function secretsIn(value: unknown): Secrets {
  const { l1, bls, peer } = schema.parse(value);
  const secrets = { l1: l1 as Hex, bls: fromHex(bls), peer: fromHex(peer) };
  addressOf(fromHex(l1));
  blsKeyFromSecret(secrets.bls);
  peerIdOf(secrets.peer);
  return secrets;
}

/** The open keys of a data directory; null where there are none. Throws ConfigError unreadable, newer-version. */
export async function readOpenKeys(dataDir: string): Promise<Secrets | null> {
  const path = join(dataDir, OPEN_KEYS_FILE);
  let value: { readonly version?: unknown };
  try {
    value = JSON.parse(await readFile(path, "utf8")) as typeof value;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw new ConfigError("unreadable", `${path} cannot be read: restore the file`, cause);
  }
  if (typeof value?.version === "number" && value.version > VERSION)
    throw new ConfigError(
      "newer-version",
      `${path} has version ${value.version}, this program knows ${VERSION}: update the program`,
    );
  try {
    return secretsIn(value);
  } catch (cause) {
    throw new ConfigError("unreadable", `${path} holds no usable keys: restore the file`, cause);
  }
}

export async function deleteOpenKeys(dataDir: string): Promise<void> {
  await rm(join(dataDir, OPEN_KEYS_FILE), { force: true });
  await syncDirectory(dataDir);
}
