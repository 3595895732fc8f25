import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CID } from "multiformats/cid";
import { describe, expect, test } from "vitest";
import { digestOf } from "../src/dagNode.ts";
import { chunked, collected, listed, madeBytes, same } from "./streams.ts";
import { blockNames, newDirectory, newIdentity, PSK, startSwarm, startSwarms, until } from "./swarmLab.ts";

const MIB = 2 ** 20;
const stream = (bytes: Uint8Array): AsyncIterable<Uint8Array> => chunked(bytes, [1, 100_000, 1_500_000]);

describe("objects", () => {
  test("put on one node come whole and in any part through another, which keeps nothing until it fetches them", async () => {
    const directory = await newDirectory();
    const [host] = [await startSwarms(1)][0]!;
    const reader = await startSwarm(await newIdentity(), { directory, allowed: [host!.peer] });
    await host!.reconcile([{ peer: reader.peer, addresses: reader.addresses }]);
    const bytes = madeBytes(3 * MIB + 777, 1);
    const { cid, sizeBytes } = await host!.put(stream(bytes));
    expect(sizeBytes).toBe(bytes.length);
    expect(same(await collected(reader.get(cid)), bytes)).toBe(true);
    for (const [offset, length] of [
      [0, 1],
      [MIB - 1, 2],
      [MIB, MIB],
      [2 * MIB + 5, 5 * MIB],
      [bytes.length, 1],
    ] as const) {
      const part = await collected(reader.get(cid, { offset, length }));
      expect(same(part, bytes.subarray(offset, offset + length))).toBe(true);
    }
    expect(await blockNames(directory)).toEqual([]);
    expect(await reader.has(cid)).toBe(false);
    await reader.fetch(cid, { maxBytes: 4 * MIB });
    expect(await reader.has(cid)).toBe(true);
    await host!.stop();
    expect(same(await collected(reader.get(cid)), bytes)).toBe(true);
    expect(await listed(reader.pins())).toEqual([cid]);
  });

  test("have the same CID on every node and in any chunking: that of UnixFS's profile of 2025", async () => {
    const [one, other] = await startSwarms(2);
    const bytes = madeBytes(2 * MIB + 1, 2);
    const { cid } = await one!.put(stream(bytes));
    expect((await other!.put(chunked(bytes, [12, 2 * MIB]))).cid).toBe(cid);
    const { cid: empty } = await one!.put(chunked(new Uint8Array(), []));
    // CIDv1 of the raw block without bytes, a constant of IPFS
    expect(empty).toBe("bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku");
    expect(await collected(other!.get(empty))).toEqual(new Uint8Array());
    expect(CID.parse(cid).code).toBe(0x70);
  });

  test("come from several holders, one of which has them no more, and come again when they are asked for again", async () => {
    const [reader, ...holders] = await startSwarms(4);
    const bytes = madeBytes(6 * MIB, 3);
    const cids = await Promise.all(holders.map((holder) => holder.put(stream(bytes))));
    await holders[0]!.unpin(cids[0]!.cid);
    await reader!.fetch(cids[0]!.cid);
    // and once more at once: peers have forgotten that they sent the blocks
    await reader!.unpin(cids[0]!.cid);
    await reader!.fetch(cids[0]!.cid, { signal: AbortSignal.timeout(9_000) });
    expect(same(await collected(reader!.get(cids[0]!.cid)), bytes)).toBe(true);
  });

  test("that nobody has are missing, and nothing works on a node that is stopped", async () => {
    const [reader, host] = await startSwarms(2);
    const { cid } = await host!.put(stream(madeBytes(100, 4)));
    await host!.unpin(cid);
    await expect(collected(reader!.get(cid))).rejects.toMatchObject({ code: "block-missing", data: { cid } });
    // a peer that remembered the first want would leave this one without an answer, for longer than this
    const soon = AbortSignal.timeout(9_000);
    await expect(reader!.fetch(cid, { signal: soon })).rejects.toMatchObject({ code: "block-missing" });
    await expect(reader!.pin(cid)).rejects.toMatchObject({ code: "block-missing" });
    const signal = AbortSignal.abort();
    await expect(reader!.fetch(cid, { signal })).rejects.toMatchObject({ code: "aborted" });
    await host!.stop();
    await reader!.stop();
    await expect(reader!.fetch(cid)).rejects.toMatchObject({ code: "stopped" });
  });

  test("whose stream fails or is given up leave no block behind", async () => {
    const directory = await newDirectory();
    const swarm = await startSwarm(await newIdentity(), { directory });
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield madeBytes(3 * MIB, 5);
      throw new Error("the client is gone");
    }
    await expect(swarm.put(failing())).rejects.toMatchObject({ code: "source-failed" });
    const abort = new AbortController();
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (let seed = 0; ; seed++) {
        if (seed === 5) abort.abort();
        yield madeBytes(MIB, seed);
      }
    }
    await expect(swarm.put(endless(), { signal: abort.signal })).rejects.toMatchObject({ code: "aborted" });
    expect(await blockNames(directory)).toEqual([]);
  });
});

describe("peers", () => {
  test("with another swarm key can neither connect nor fetch, though each is on the other's list", async () => {
    const [inside, outside] = [await newIdentity(), await newIdentity()];
    const host = await startSwarm(inside, { allowed: [outside.peer] });
    const { cid } = await host.put(stream(madeBytes(100, 1)));
    const psk = PSK.slice().fill(1, 31);
    const stranger = await startSwarm(outside, { allowed: [inside.peer], psk, blockTimeoutMs: 1_000 });
    const dials = await Promise.allSettled([stranger.connect(host.addresses), host.connect(stranger.addresses)]);
    for (const dial of dials) expect(dial).toMatchObject({ status: "rejected", reason: { code: "unreachable" } });
    await expect(stranger.fetch(cid)).rejects.toMatchObject({ code: "block-missing" });
    expect([...host.connected, ...stranger.connected]).toEqual([]);
  });

  test("that are not on the list are refused, whoever dials", async () => {
    const [one, other] = [await newIdentity(), await newIdentity()];
    const strict = await startSwarm(one, { allowed: [] });
    const open = await startSwarm(other, { allowed: [one.peer] });
    await expect(strict.connect(open.addresses)).rejects.toMatchObject({ code: "unreachable" });
    // the dialler may see its side of the connection for a moment
    await open
      .connect(strict.addresses)
      .catch((error: unknown) => expect(error).toMatchObject({ code: "unreachable" }));
    await until(() => open.connected.length === 0);
    expect(strict.connected).toEqual([]);
  });

  test("become others by reconciling: who is off the list is cut off, who is on it is dialled, who does not answer is named", async () => {
    const identities = await Promise.all([0, 1, 2, 3].map(newIdentity));
    const allowed = identities.map(({ peer }) => peer);
    const [node, first, second] = await Promise.all(
      identities.slice(0, 3).map((identity) => startSwarm(identity, { allowed })),
    );
    await node!.connect(first!.addresses);
    const gone = { peer: identities[3]!.peer, addresses: ["/ip4/127.0.0.1/tcp/1"] };
    const unreached = await node!.reconcile([{ peer: second!.peer, addresses: second!.addresses }, gone]);
    expect(unreached).toEqual([gone.peer]);
    expect(node!.connected).toEqual([second!.peer]);
    await until(() => first!.connected.length === 0);
    await first!.connect(node!.addresses).catch(() => undefined);
    await until(() => first!.connected.length === 0);
    expect(node!.connected).toEqual([second!.peer]);
  });
});

describe("the store", () => {
  test("frees an unpinned object's blocks, but not those that another pin has", async () => {
    const directory = await newDirectory();
    const swarm = await startSwarm(await newIdentity(), { directory });
    const shared = madeBytes(2 * MIB, 1);
    const one = new Uint8Array(Buffer.concat([shared, madeBytes(MIB, 2)]));
    const other = new Uint8Array(Buffer.concat([shared, madeBytes(MIB, 3)]));
    const { cid } = await swarm.put(stream(one));
    const { cid: kept } = await swarm.put(stream(other));
    expect(await blockNames(directory)).toHaveLength(6);
    expect(await swarm.unpin(cid)).toBe(true);
    expect(await swarm.unpin(cid)).toBe(false);
    expect(await blockNames(directory)).toHaveLength(4);
    expect(await swarm.has(cid)).toBe(false);
    expect(same(await collected(swarm.get(kept)), other)).toBe(true);
    // pinned, unpinned and pinned again: the counts of shared blocks are still right
    await swarm.put(stream(one));
    await swarm.unpin(kept);
    expect(same(await collected(swarm.get(cid)), one)).toBe(true);
    await swarm.unpin(cid);
    expect(await blockNames(directory)).toEqual([]);
  });

  test("keeps pins when it is opened again, and sweeps what has none", async () => {
    const [directory, identity] = [await newDirectory(), await newIdentity()];
    const first = await startSwarm(identity, { directory });
    const bytes = madeBytes(2 * MIB, 1);
    const { cid } = await first.put(stream(bytes));
    await first.stop();
    const names = await blockNames(directory);
    const [folder] = await readdir(join(directory, "blocks"));
    await writeFile(join(directory, "blocks", folder!, `${folder}${"0".repeat(62)}`), "a block of nobody's");
    await writeFile(join(directory, "blocks", folder!, `${folder}${"0".repeat(62)}.7.new`), "half a block");
    const again = await startSwarm(identity, { directory });
    expect((await blockNames(directory)).toSorted()).toEqual(names.toSorted());
    expect(await listed(again.pins())).toEqual([cid]);
    expect(await again.has(cid)).toBe(true);
    expect(same(await collected(again.get(cid)), bytes)).toBe(true);
    await again.unpin(cid);
    expect(await blockNames(directory)).toEqual([]);
  });

  test("gives no byte of a block that is another on the disk, serves it to nobody, and mends it from a peer", async () => {
    const directory = await newDirectory();
    const [one, other] = [await newIdentity(), await newIdentity()];
    const damaged = await startSwarm(one, { directory, allowed: [other.peer] });
    const healthy = await startSwarm(other, { allowed: [one.peer] });
    const bytes = madeBytes(2 * MIB, 1);
    const { cid } = await damaged.put(stream(bytes));
    const damage = async (root: string): Promise<void> => {
      const names = await blockNames(directory);
      const leaf = names.find((name) => name !== digestOf(CID.parse(root)))!;
      const path = join(directory, "blocks", leaf.slice(0, 2), leaf);
      const block = await readFile(path);
      block[1_000]! ^= 1;
      await writeFile(path, block);
    };
    await healthy.connect(damaged.addresses);
    await healthy.fetch(cid);
    await damage(cid);
    await expect(collected(damaged.get(cid))).rejects.toMatchObject({ code: "block-damaged" });
    expect(await damaged.has(cid)).toBe(false);
    await damaged.fetch(cid);
    expect(same(await collected(damaged.get(cid)), bytes)).toBe(true);
    // another one, which has not been in the memory of what came from peers
    await damaged.unpin(cid);
    const { cid: later } = await damaged.put(stream(madeBytes(2 * MIB, 2)));
    await damage(later);
    await expect(healthy.fetch(later)).rejects.toMatchObject({ code: "block-missing" });
  });
});
