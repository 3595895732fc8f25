/** An operator's keys in its data directory: L1 account, BLS key, libp2p key, each sealed by the password. */
import { randomBytes } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { generatePeerKey, peerIdOf } from "@mvm/network/peerKey";
import {
  type Address,
  addressOf,
  blsKeyFromSecret,
  blsSecretFromSeed,
  fromHex,
  type Hash,
  type Hex,
  signDigest,
  toHex,
} from "@mvm/protocol";
import { ConfigError } from "./config.ts";
import { KeystoreError, parseAccount, parseSecret, type Secrets, sealAccount, sealSecret } from "./keystores.ts";
import { deleteOpenKeys, OPEN_KEYS_FILE, readOpenKeys } from "./openKeys.ts";
import type { Password, PasswordSource } from "./password.ts";
import type { Identity } from "./ports.ts";
import { createDirectory } from "./wholeFiles.ts";

export const KEYS_DIRECTORY = "keys";
const FILES = { l1: "l1.json", bls: "bls.json", peer: "peer.json" } as const satisfies Record<keyof Secrets, string>;
const NAMES = Object.keys(FILES) as readonly (keyof Secrets)[];

export type Keys = { readonly l1: Hex; readonly peer: Uint8Array; readonly identity: Identity };

/** Keys that are wanted, and what it takes to have them. */
export type Unlocking = {
  readonly dataDir: string;
  /** asked once, when it is known that there is something to open or to seal */
  readonly password: PasswordSource;
  /** of the profile (Parameters) */
  readonly scryptN: number;
};

/** Carries an action on a keystore out; what it finds wrong names the file. */
async function on<T>(path: string, action: () => T | Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    if (!(cause instanceof KeystoreError)) throw cause;
    if (cause.code === "newer-version") throw new ConfigError("newer-version", `${path} ${cause.message}`, cause);
    throw new ConfigError("unreadable", `${path} ${cause.message}: restore it from a copy`, cause);
  }
}

/** Reads a keystore with what parses its kind. Throws ConfigError. */
async function keystore<T>(directory: string, name: keyof Secrets, parse: (text: string) => T): Promise<T> {
  const path = join(directory, FILES[name]);
  const text = await readFile(path, "utf8").catch((cause: Error) => {
    throw new ConfigError("missing", `${path} cannot be read: restore it from a copy (${cause.message})`, cause);
  });
  return on(path, () => parse(text));
}

/**
 * Opens all keystores, one after the other: scrypt takes its whole memory for each.
 * @throws ConfigError wrong-password where none opens; unreadable where some do: what does not is damaged, or another password's
 */
async function openKeystores(directory: string, password: Password): Promise<Secrets> {
  const stores = {
    l1: await keystore(directory, "l1", parseAccount),
    bls: await keystore(directory, "bls", parseSecret),
    peer: await keystore(directory, "peer", parseSecret),
  };
  const l1 = await on(join(directory, FILES.l1), () => stores.l1.open(password));
  const bls = await on(join(directory, FILES.bls), () => stores.bls.open(password));
  const peer = await on(join(directory, FILES.peer), () => stores.peer.open(password));
  if (l1 === null || bls === null || peer === null) throw closed(directory, { l1, bls, peer });
  await on(join(directory, FILES.bls), () => mustHold(() => blsKeyFromSecret(bls).publicKey === stores.bls.publicKey));
  await on(join(directory, FILES.peer), () => mustHold(() => peerIdOf(peer) !== ""));
  return { l1, bls, peer };
}

/** Why keystores stay closed, of which one at least did not open. */
function closed(directory: string, opened: Record<keyof Secrets, unknown>): ConfigError {
  const names = NAMES.filter((name) => opened[name] === null).map((name) => FILES[name]);
  if (names.length === NAMES.length)
    return new ConfigError("wrong-password", `the password does not open the keys in ${directory}: give the right one`);
  const others = `the password opens other keys in ${directory}, but not ${names.join(" and ")}`;
  return new ConfigError("unreadable", `${others}: damaged, or sealed by another password; restore it from a copy`);
}

/** A checksum does not cover all of a keystore: the key in it has to be the one that it should be. Throws KeystoreError. */
function mustHold(test: () => boolean): void {
  let holds = false;
  let cause: unknown;
  try {
    holds = test();
  } catch (error) {
    cause = error;
  }
  if (!holds) throw new KeystoreError("damaged", "does not hold the key that it should", cause);
}

const areSame = (one: Secrets, other: Secrets): boolean =>
  one.l1 === other.l1 && toHex(one.bls) === toHex(other.bls) && toHex(one.peer) === toHex(other.peer);

/** Seals keys into keystores, opens these, and only then gives them their place. Throws ConfigError. */
async function sealKeys({ dataDir, scryptN }: Unlocking, secrets: Secrets, password: Password): Promise<Secrets> {
  const publicKey = blsKeyFromSecret(secrets.bls).publicKey;
  const peerId = peerIdOf(secrets.peer);
  const bls = { scryptN, publicKey, description: "BLS12-381 key of an operator of the MVM network" };
  const peer = { scryptN, description: `libp2p private key in its protobuf form, of peer ${peerId}` };
  const files = {
    [FILES.l1]: await sealAccount(secrets.l1, password, scryptN),
    [FILES.bls]: await sealSecret(secrets.bls, password, bls),
    [FILES.peer]: await sealSecret(secrets.peer, password, peer),
  };
  const path = join(dataDir, KEYS_DIRECTORY);
  try {
    return await createDirectory(path, files, async (unfinished) => {
      const opened = await openKeystores(unfinished, password);
      if (!areSame(opened, secrets)) throw new Error("what was written is not what is read");
      return opened;
    });
  } catch (cause) {
    throw new ConfigError("invalid", `${path} cannot be made: ${(cause as Error).message}`, cause);
  }
}

async function hasKeystores(dataDir: string): Promise<boolean> {
  const path = join(dataDir, KEYS_DIRECTORY);
  try {
    return (await readdir(path)).length > 0;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw new ConfigError("unreadable", `${path} cannot be read: ${(cause as Error).message}`, cause);
  }
}

/**
 * The secrets of a data directory; null where there are none. Those of an earlier version are sealed, and deleted once their keystores have
 * been opened; whoever is killed in between leaves both, and the next one compares them.
 */
async function secretsOf(unlocking: Unlocking): Promise<Secrets | null> {
  const { dataDir, password } = unlocking;
  const directory = join(dataDir, KEYS_DIRECTORY);
  const inTheOpen = await readOpenKeys(dataDir);
  const isSealed = await hasKeystores(dataDir);
  if (inTheOpen === null) return isSealed ? openKeystores(directory, await password(false)) : null;
  const sealed = isSealed
    ? await openKeystores(directory, await password(false))
    : await sealKeys(unlocking, inTheOpen, await password(true));
  if (!areSame(sealed, inTheOpen))
    throw new ConfigError("invalid", `${directory} and ${OPEN_KEYS_FILE} hold different keys: move one of them away`);
  await deleteOpenKeys(dataDir);
  return sealed;
}

function keysOf({ l1, bls, peer }: Secrets): Keys {
  const key = fromHex(l1);
  const identity: Identity = {
    operator: addressOf(key),
    signDigest: (digest: Hash) => signDigest(key, digest),
    bls: blsKeyFromSecret(bls),
  };
  return { l1, peer, identity };
}

const missing = (dataDir: string): ConfigError =>
  new ConfigError("missing", `${dataDir} holds no keys: run \`mvm init --data ${dataDir}\` first`);

/** Keys of a data directory. Throws ConfigError. */
export async function loadKeys(unlocking: Unlocking): Promise<Keys> {
  const secrets = await secretsOf(unlocking);
  if (secrets === null) throw missing(unlocking.dataDir);
  return keysOf(secrets);
}

/** Keys of a data directory that is being made: those that an interrupted attempt left, or fresh ones. Throws ConfigError. */
export async function prepareKeys(unlocking: Unlocking): Promise<Keys> {
  const there = await secretsOf(unlocking);
  if (there !== null) return keysOf(there);
  const password = await unlocking.password(true);
  const drawn = {
    l1: toHex(randomBytes(32)),
    bls: blsSecretFromSeed(randomBytes(32)),
    peer: await generatePeerKey(),
  };
  return keysOf(await sealKeys(unlocking, drawn, password));
}

/** Secret key of the account alone, for which one keystore is opened instead of three. Throws ConfigError. */
export async function loadAccountKey(unlocking: Unlocking): Promise<Hex> {
  const { dataDir, password } = unlocking;
  if ((await readOpenKeys(dataDir)) !== null) return (await loadKeys(unlocking)).l1;
  if (!(await hasKeystores(dataDir))) throw missing(dataDir);
  const directory = join(dataDir, KEYS_DIRECTORY);
  const account = await keystore(directory, "l1", parseAccount);
  const given = await password(false);
  const key = await on(join(directory, FILES.l1), () => account.open(given));
  // whether it is the password or the file takes the other keystores to tell
  return key ?? (await openKeystores(directory, given)).l1;
}

/** Address of the account, by what stands in the open: no password is needed. Throws ConfigError. */
export async function accountOf(dataDir: string): Promise<Address> {
  if (await hasKeystores(dataDir)) return (await keystore(join(dataDir, KEYS_DIRECTORY), "l1", parseAccount)).address;
  const inTheOpen = await readOpenKeys(dataDir);
  if (inTheOpen === null) throw missing(dataDir);
  return addressOf(fromHex(inTheOpen.l1));
}
