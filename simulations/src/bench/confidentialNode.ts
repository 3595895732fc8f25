/**
 * A process of the benchmark of confidential data: `node confidentialNode.ts swarm|helia DIRECTORY`. It does what its parent says, one after the other, and
 * answers each with seconds and its peak memory. A swarm node seals what it puts and opens what it reads; the plain one is Helia as it comes, on files.
 */
import { createReadStream } from "node:fs";
import { join } from "node:path";
import { unixfs } from "@helia/unixfs";
import { ConfidentialSwarm, openStream, sealStream } from "@mvm/confidential";
import { generatePeerKey } from "@mvm/network/peerKey";
import type { PeerId } from "@mvm/protocol";
import { toWordHex } from "@mvm/protocol";
import { FsBlockstore } from "blockstore-fs";
import { createHeliaLight } from "helia";
import { CID } from "multiformats/cid";

export type Order =
  | { readonly do: "put"; readonly file: string }
  | { readonly do: "get"; readonly cid: string }
  | { readonly do: "fetch"; readonly cid: string }
  | { readonly do: "meet"; readonly peer: PeerId; readonly addresses: readonly string[] };

export type Done = {
  readonly seconds: number;
  readonly peakMemoryMiB: number;
  readonly cid: string;
  /** bytes that were read */
  readonly sizeBytes: number;
  readonly peer: PeerId | null;
  readonly addresses: readonly string[];
};
type Result = { readonly cid?: string; readonly sizeBytes?: number };
type Worker = {
  readonly work: (order: Order) => Promise<Result>;
  readonly peer: PeerId | null;
  readonly addresses: readonly string[];
};

const KEY = new Uint8Array(32).fill(3);
const OBJECT = toWordHex(3n);

async function drained(source: AsyncIterable<Uint8Array>): Promise<number> {
  let sizeBytes = 0;
  for await (const chunk of source) sizeBytes += chunk.length;
  return sizeBytes;
}

const fileStream = (file: string): AsyncIterable<Uint8Array> => createReadStream(file, { highWaterMark: 2 ** 18 });

async function swarmWorker(directory: string): Promise<Worker> {
  const [psk, privateKey] = [new Uint8Array(32).fill(5), await generatePeerKey()];
  const swarm = await ConfidentialSwarm.start({
    directory,
    psk,
    privateKey,
    listen: ["/ip4/127.0.0.1/tcp/0"],
    allowed: [],
  });
  const sealing = { key: KEY, objectId: OBJECT };
  const work = async (order: Order): Promise<Result> => {
    if (order.do === "put") return swarm.put(sealStream(fileStream(order.file), sealing));
    if (order.do === "get") return { sizeBytes: await drained(openStream(swarm.get(order.cid), sealing)) };
    if (order.do === "fetch") await swarm.fetch(order.cid);
    else await swarm.reconcile([order]);
    return {};
  };
  return { work, peer: swarm.peer, addresses: swarm.addresses };
}

async function heliaWorker(directory: string): Promise<Worker> {
  const helia = await createHeliaLight({ blockstore: new FsBlockstore(join(directory, "blocks")) }).start();
  const files = unixfs(helia);
  const work = async (order: Order): Promise<Result> => {
    if (order.do === "put") return { cid: (await files.addByteStream(fileStream(order.file))).toString() };
    if (order.do === "get") return { sizeBytes: await drained(files.cat(CID.parse(order.cid))) };
    throw new Error("plain Helia has no part in that");
  };
  return { work, peer: null, addresses: [] };
}

const [kind, directory] = process.argv.slice(2);
const worker = kind === "swarm" ? await swarmWorker(directory!) : await heliaWorker(directory!);
const answer = (seconds: number, { cid = "", sizeBytes = 0 }: Result): void => {
  const peakMemoryMiB = process.resourceUsage().maxRSS / 1024;
  const { peer, addresses } = worker;
  process.send!({ seconds, peakMemoryMiB, cid, sizeBytes, peer, addresses } satisfies Done);
};
process.on("message", async (order: Order) => {
  const startedAt = performance.now();
  const result = await worker.work(order);
  answer((performance.now() - startedAt) / 1000, result);
});
answer(0, {});
