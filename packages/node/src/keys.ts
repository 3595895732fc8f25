/** An operator's keys in its data directory: L1 account, BLS key, libp2p key. The file is readable by its owner alone. */
import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { generatePeerKey, peerIdOf } from "@mvm/network";
import {
  addressOf,
  blsKeyFromSecret,
  blsSecretFromSeed,
  fromHex,
  type Hash,
  type Hex,
  signDigest,
  toHex,
} from "@mvm/protocol";
import { z } from "zod";
import { ConfigError } from "./config.ts";
import type { Identity } from "./ports.ts";

export const KEYS_FILE = "keys.json";

const hexKey = z.string().regex(/^0x([0-9a-f]{2})+$/, "is not hexadecimal");
const keysSchema = z.strictObject({
  version: z.literal(1),
  l1: hexKey.length(66),
  bls: hexKey.length(66),
  peer: hexKey,
});

export type Keys = { readonly l1: Hex; readonly peer: Uint8Array; readonly identity: Identity };

/** Makes fresh keys; never overwrites a file. */
export async function createKeys(dataDir: string): Promise<Keys> {
  const keys = {
    version: 1,
    l1: toHex(randomBytes(32)),
    bls: toHex(blsSecretFromSeed(randomBytes(32))),
    peer: toHex(await generatePeerKey()),
  };
  const path = join(dataDir, KEYS_FILE);
  try {
    await writeFile(path, `${JSON.stringify(keys, null, 2)}\n`, { mode: 0o600, flag: "wx" });
  } catch (cause) {
    throw new ConfigError("invalid", `${path} cannot be created: ${(cause as Error).message}`, cause);
  }
  return loadKeys(dataDir);
}

/** Keys of a data directory. Throws ConfigError. */
export async function loadKeys(dataDir: string): Promise<Keys> {
  const path = join(dataDir, KEYS_FILE);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    throw new ConfigError("missing", `${path} cannot be read: run \`mvm init --data ${dataDir}\` first`, cause);
  }
  try {
    return parseKeys(text);
  } catch (cause) {
    throw new ConfigError("unreadable", `${path} holds no usable keys: restore the file`, cause);
  }
}

/** Throws where the text is damaged, or a key is none of its kind. */
function parseKeys(text: string): Keys {
  const parsed = keysSchema.parse(JSON.parse(text));
  const l1 = fromHex(parsed.l1);
  const peer = fromHex(parsed.peer);
  peerIdOf(peer);
  const identity: Identity = {
    operator: addressOf(l1),
    signDigest: (digest: Hash) => signDigest(l1, digest),
    bls: blsKeyFromSecret(fromHex(parsed.bls)),
  };
  return { l1: parsed.l1 as Hex, peer, identity };
}
