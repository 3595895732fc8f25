/** Helia as it comes, with blocks on files, in a process of its own: `node heliaNode.ts DIRECTORY`. */
import { join } from "node:path";
import { unixfs } from "@helia/unixfs";
import { FsBlockstore } from "blockstore-fs";
import { createHeliaLight } from "helia";
import { CID } from "multiformats/cid";
import { drained, fileStream, type Order, type Result, serve, type Worker } from "./workingNode.ts";

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

serve(await heliaWorker(process.argv[2]!));
