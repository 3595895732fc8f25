/** Settings that are right, for tests to damage. */
import type { NetworkFile, NodeConfig } from "../src/index.ts";

const contract = (byte: string): string => `0x${byte.repeat(20)}`;

export const NETWORK_FILE = {
  version: 1,
  profile: "devnet",
  l1ChainId: "31337",
  deployedAtBlock: 1,
  contracts: {
    token: contract("a1"),
    dacRegistry: contract("a2"),
    comco: contract("a3"),
    inbox: contract("a4"),
    bridge: contract("a5"),
    sequencerPool: contract("a6"),
    providerRegistry: contract("a7"),
    storageRegistry: contract("a8"),
    rollupChain: contract("a9"),
  },
} as NetworkFile;

export const CONFIG: NodeConfig = {
  version: 1,
  roles: ["gateway"],
  network: NETWORK_FILE,
  l1Url: "http://127.0.0.1:1",
  listen: ["/ip4/127.0.0.1/tcp/0"],
  bootstrap: [],
  register: false,
  gateway: { host: "127.0.0.1", port: 0, domain: "localhost" },
  logLevel: "info",
};
