import {
  createLibp2pNetwork,
  generatePeerKey,
  MemoryHub,
  MemoryNetwork,
  type Network,
  peerIdOf,
} from "../src/index.ts";
import type { World } from "./world.ts";

/** Nodes over real TCP on loopback. */
export function libp2pWorld(): World {
  const running: Network[] = [];
  return {
    async create(options = {}) {
      const network = await createLibp2pNetwork({
        privateKey: await generatePeerKey(),
        listen: ["/ip4/127.0.0.1/tcp/0"],
        bootstrap: options.bootstrap ?? [],
        // a node that finds others by itself would spoil tests that depend on who is connected to whom
        discovery: false,
        ...(options.scores === undefined ? {} : { scores: options.scores }),
      });
      await network.start();
      running.push(network);
      return network;
    },
    stranger: async () => peerIdOf(await generatePeerKey()),
    close: async () => void (await Promise.all(running.map((network) => network.stop()))),
  };
}

/** Nodes in this process, on the machine's clock. */
export function memoryWorld(): World {
  const hub = new MemoryHub();
  const running: Network[] = [];
  return {
    async create(options = {}) {
      const peerId = peerIdOf(await generatePeerKey());
      const network = new MemoryNetwork({ hub, peerId, ...options });
      await network.start();
      running.push(network);
      return network;
    },
    stranger: async () => peerIdOf(await generatePeerKey()),
    close: async () => void (await Promise.all(running.map((network) => network.stop()))),
  };
}
