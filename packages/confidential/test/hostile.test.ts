import * as dagPb from "@ipld/dag-pb";
import { UnixFS } from "ipfs-unixfs";
import { CID } from "multiformats/cid";
import * as raw from "multiformats/codecs/raw";
import { create } from "multiformats/hashes/digest";
import { identity } from "multiformats/hashes/identity";
import { sha256 } from "multiformats/hashes/sha2";
import { describe, expect, test } from "vitest";
import type { ConfidentialSwarm } from "../src/swarm.ts";
import { chunked, collected, madeBytes } from "./streams.ts";
import { blockNames, HostileBlocks, newDirectory, newIdentity, startHostile, startSwarm } from "./swarmLab.ts";

const MIB = 2 ** 20;

const leafCid = async (bytes: Uint8Array): Promise<CID> => CID.createV1(raw.code, await sha256.digest(bytes));
type Link = { readonly cid: CID; readonly sizeBytes: number };

/** A tree of blocks that a hostile peer serves. */
class Tree {
  readonly blocks = new HostileBlocks();

  async leaf(bytes: Uint8Array): Promise<Link> {
    return { cid: this.blocks.plant(await leafCid(bytes), bytes), sizeBytes: bytes.length };
  }

  async node(links: readonly Link[], stated = links.map(({ sizeBytes }) => sizeBytes)): Promise<Link> {
    const file = new UnixFS({ type: "file", blockSizes: stated.map(BigInt) });
    const Links = links.map(({ cid }) => ({ Name: "", Hash: cid, Tsize: 0 }));
    const bytes = dagPb.encode({ Data: file.marshal(), Links });
    const cid = this.blocks.plant(CID.createV1(dagPb.code, await sha256.digest(bytes)), bytes);
    return { cid, sizeBytes: stated.reduce((sum, size) => sum + size, 0) };
  }
}

type Victim = { readonly swarm: ConfidentialSwarm; readonly directory: string };

/** A node that is connected to nobody but the hostile peer. */
async function victimOf(blocks: HostileBlocks, blockTimeoutMs = 2_000): Promise<Victim> {
  const [one, other, directory] = [await newIdentity(), await newIdentity(), await newDirectory()];
  const node = await startHostile(other, blocks);
  const swarm = await startSwarm(one, { directory, allowed: [other.peer], blockTimeoutMs });
  await swarm.connect(node.libp2p.getMultiaddrs().map(String));
  return { swarm, directory };
}

async function expectRefused(
  { swarm, directory }: Victim,
  { cid }: Link,
  code: string,
  maxBytes = 64 * MIB,
): Promise<void> {
  await expect(swarm.fetch(cid.toString(), { maxBytes })).rejects.toMatchObject({ code });
  expect(await blockNames(directory)).toEqual([]);
  expect(await swarm.has(cid.toString())).toBe(false);
}

describe("a peer of the swarm", () => {
  test("that sends other bytes for a CID has none of them taken: the block is missing, after the time limit", async () => {
    const tree = new Tree();
    const right = madeBytes(MIB, 1);
    const root = await tree.leaf(right);
    const wrong = right.slice();
    wrong[5]! ^= 1;
    tree.blocks.plant(root.cid, wrong);
    const victim = await victimOf(tree.blocks);
    await expectRefused(victim, root, "block-missing");
    await expect(collected(victim.swarm.get(root.cid.toString()))).rejects.toMatchObject({ code: "block-missing" });
  });

  test("that says it has a block and sends nothing is given up", async () => {
    const tree = new Tree();
    const root = await tree.leaf(madeBytes(100, 1));
    tree.blocks.get = async function* () {
      await new Promise(() => {});
      yield new Uint8Array();
    };
    await expectRefused(await victimOf(tree.blocks), root, "block-missing");
  });

  test("does not fill the disk: a tree above the limit is refused, whatever sizes it states", async () => {
    const tree = new Tree();
    const leaves = await Promise.all(Array.from({ length: 12 }, (_, at) => tree.leaf(madeBytes(MIB, at))));
    const honest = await tree.node(leaves);
    const lying = await tree.node(
      leaves,
      leaves.map(() => 1),
    );
    const tiny = await tree.node(
      await Promise.all(Array.from({ length: 300 }, (_, at) => tree.leaf(madeBytes(8, at)))),
    );
    const victim = await victimOf(tree.blocks);
    await expectRefused(victim, honest, "too-large", 10 * MIB);
    await expectRefused(victim, lying, "too-large", 10 * MIB);
    await expectRefused(victim, tiny, "too-large", MIB);
    await victim.swarm.fetch(honest.cid.toString(), { maxBytes: 13 * MIB });
    expect(await victim.swarm.has(honest.cid.toString())).toBe(true);
  });

  test("gets no tree taken of another form: too deep, too wide, of other blocks, of no file", async () => {
    const tree = new Tree();
    const leaf = await tree.leaf(madeBytes(8, 1));
    let deep = leaf;
    for (let level = 0; level < 6; level++) deep = await tree.node([deep]);
    const wide = await tree.node(Array.from({ length: 1_025 }, () => leaf));
    const inline = CID.createV1(raw.code, identity.digest(madeBytes(50, 1)));
    const withInline = await tree.node([leaf, { cid: inline, sizeBytes: 50 }]);
    const blake = CID.createV1(raw.code, create(0xb220, new Uint8Array(32)));
    const withOther = await tree.node([{ cid: blake, sizeBytes: 1 }]);
    const garbage = madeBytes(500, 2);
    const noNode = {
      cid: tree.blocks.plant(CID.createV1(dagPb.code, await sha256.digest(garbage)), garbage),
      sizeBytes: 500,
    };
    const victim = await victimOf(tree.blocks);
    for (const root of [deep, wide, withInline, withOther, noNode]) await expectRefused(victim, root, "dag-refused");
    for (const text of [inline.toString(), blake.toString(), "no CID"]) {
      await expect(victim.swarm.fetch(text)).rejects.toMatchObject({ code: "dag-refused" });
    }
  });

  test("that states wrong sizes gives a reader an error, never bytes at wrong places", async () => {
    const tree = new Tree();
    const leaves = [await tree.leaf(madeBytes(1_000, 1)), await tree.leaf(madeBytes(1_000, 2))];
    const wrong = await tree.node(leaves, [900, 1_100]);
    const above = await tree.node([{ ...(await tree.node(leaves)), sizeBytes: 5 }]);
    const { swarm } = await victimOf(tree.blocks);
    for (const [{ cid }, offset] of [
      [wrong, 950],
      [wrong, 0],
      [above, 3],
    ] as const) {
      await expect(collected(swarm.get(cid.toString(), { offset }))).rejects.toMatchObject({ code: "dag-refused" });
    }
  });

  test("that sends a block above 1 MiB has it refused", async () => {
    const tree = new Tree();
    const victim = await victimOf(tree.blocks);
    await expectRefused(victim, await tree.leaf(madeBytes(MIB + 1, 1)), "block-missing");
    const good = await tree.leaf(madeBytes(MIB, 1));
    await victim.swarm.fetch(good.cid.toString());
  });
});

test("a tree that repeats its parts is counted and kept once, and read as often as it says", async () => {
  const tree = new Tree();
  const leaf = await tree.leaf(madeBytes(1_000, 1));
  let root = await tree.node([leaf, leaf, leaf]);
  root = await tree.node([root, root, leaf]);
  const { swarm, directory } = await victimOf(tree.blocks);
  await swarm.fetch(root.cid.toString(), { maxBytes: 3 * (4_096 + 1_000) });
  expect(await blockNames(directory)).toHaveLength(3);
  const bytes = await collected(swarm.get(root.cid.toString()));
  expect(bytes).toEqual(
    await collected(chunked(new Uint8Array(Buffer.concat(Array(7).fill(madeBytes(1_000, 1)))), [])),
  );
  await swarm.unpin(root.cid.toString());
  expect(await blockNames(directory)).toEqual([]);
});
