/** A node of a private swarm in a process of its own: `node confidentialNode.ts DIRECTORY`. It seals what it puts, and opens what it reads. */
import { ConfidentialSwarm, openStream, sealStream } from "@mvm/confidential";
import { generatePeerKey } from "@mvm/network/peerKey";
import { toWordHex } from "@mvm/protocol";
import { drained, fileStream, type Order, type Result, serve, type Worker } from "./workingNode.ts";

const KEY = new Uint8Array(32).fill(3);
const OBJECT = toWordHex(3n);

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

serve(await swarmWorker(process.argv[2]!));
