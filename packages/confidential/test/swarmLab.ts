/** Nodes of private swarms on loopback, in directories that go with the lab. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateKeyPair, privateKeyToProtobuf } from "@libp2p/crypto/keys";
import { peerIdFromPrivateKey } from "@libp2p/peer-id";
import type { PeerId } from "@mvm/protocol";
import { BaseBlockstore } from "blockstore-core";
import type { CID } from "multiformats/cid";
import { afterEach } from "vitest";
import { digestOf } from "../src/dagNode.ts";
import { ConfidentialSwarm, type SwarmOptions } from "../src/swarm.ts";
import type { SwarmBlocks } from "../src/swarmBlocks.ts";
import { SwarmNode } from "../src/swarmNode.ts";

export const PSK = new Uint8Array(32).fill(9);
export const LOOPBACK = ["/ip4/127.0.0.1/tcp/0"];

export type Identity = { readonly privateKey: Uint8Array; readonly peer: PeerId };

export async function newIdentity(): Promise<Identity> {
  const key = await generateKeyPair("Ed25519");
  return { privateKey: privateKeyToProtobuf(key), peer: peerIdFromPrivateKey(key).toString() as PeerId };
}

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

export async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "mvm-swarm-"));
  cleanUps.push(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

export async function startSwarm(identity: Identity, options: Partial<SwarmOptions> = {}): Promise<ConfidentialSwarm> {
  const { directory = await newDirectory() } = options;
  const { privateKey } = identity;
  const swarm = await ConfidentialSwarm.start({
    listen: LOOPBACK,
    psk: PSK,
    privateKey,
    allowed: [],
    ...options,
    directory,
  });
  cleanUps.push(() => swarm.stop());
  return swarm;
}

/** So many nodes that may all connect to each other; the first one is connected to the rest. */
export async function startSwarms(count: number, options: Partial<SwarmOptions> = {}): Promise<ConfidentialSwarm[]> {
  const identities = await Promise.all(Array.from({ length: count }, newIdentity));
  const allowed = identities.map(({ peer }) => peer);
  const swarms = await Promise.all(identities.map((identity) => startSwarm(identity, { allowed, ...options })));
  for (const other of swarms.slice(1)) await swarms[0]!.connect(other.addresses);
  return swarms;
}

/** Serves whatever bytes it was given for a CID. */
export class HostileBlocks extends BaseBlockstore {
  readonly blocks = new Map<string, Uint8Array>();

  plant(cid: CID, bytes: Uint8Array): CID {
    this.blocks.set(digestOf(cid), bytes);
    return cid;
  }

  override async has(cid: CID): Promise<boolean> {
    return this.blocks.has(digestOf(cid));
  }

  override async put(cid: CID): Promise<CID> {
    return cid;
  }

  override async *get(cid: CID): AsyncGenerator<Uint8Array> {
    yield this.blocks.get(digestOf(cid))!;
  }
}

/** A node of the swarm that serves what it likes. */
export async function startHostile(identity: Identity, blocks: HostileBlocks): Promise<SwarmNode> {
  const options = { psk: PSK, listen: LOOPBACK, announce: [], isAllowed: () => true };
  const node = await SwarmNode.start({
    ...options,
    blocks: blocks as unknown as SwarmBlocks,
    privateKey: identity.privateKey,
  });
  cleanUps.push(() => node.stop());
  return node;
}

/** Names of the files of blocks in a node's directory. */
export async function blockNames(directory: string): Promise<string[]> {
  const entries = await readdir(join(directory, "blocks"), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

/** All bytes of all files under a directory. */
export async function bytesUnder(directory: string): Promise<Buffer> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return Buffer.concat(await Promise.all(files.map(({ parentPath, name }) => readFile(join(parentPath, name)))));
}

export async function until(condition: () => boolean, timeoutMs = 10_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error("the condition does not come true");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
