import { privateKeyFromProtobuf } from "@libp2p/crypto/keys";
import { type Identify, identify } from "@libp2p/identify";
import type { Libp2p, PeerId as Libp2pPeerId } from "@libp2p/interface";
import { type KadDHT, kadDHT, passthroughMapper } from "@libp2p/kad-dht";
import { noise } from "@libp2p/noise";
import { type Ping, ping } from "@libp2p/ping";
import { tcp } from "@libp2p/tcp";
import { yamux } from "@libp2p/yamux";
import type { PeerId } from "@mvm/protocol";
import { createLibp2p } from "libp2p";
import { type GossipCallbacks, type GossipService, gossipService } from "./gossip.ts";
import {
  MAX_CONNECTIONS,
  MAX_CONNECTIONS_PER_SECOND,
  MAX_PENDING_CONNECTIONS,
  MAX_STREAM_WINDOW_BYTES,
  OPEN_TIMEOUT_MS,
  PING_INTERVAL_MS,
  PING_TIMEOUT_MS,
} from "./limits.ts";

/** The DHT of this network is no part of any other. */
const DHT_PROTOCOL = "/mvm/kad/1.0.0";

type Services = { gossip: GossipService; identify: Identify; ping: Ping };
export type Libp2pNode = Libp2p<Services & { dht?: KadDHT }>;

export type NodeOptions = {
  readonly privateKey: Uint8Array;
  readonly listen: readonly string[];
  readonly announce: readonly string[];
  readonly discovery: boolean;
  readonly gossip: GossipCallbacks;
  readonly isBanned: (peer: PeerId) => boolean;
};

/** A libp2p node as this network wants it, not started: TCP, noise, yamux, identify, ping, gossipsub and the DHT. */
export async function createNode(options: NodeOptions): Promise<Libp2pNode> {
  const banned = (peer: Libp2pPeerId): boolean => options.isBanned(peer.toString() as PeerId);
  const services = { gossip: gossipService(options.gossip), identify: identify(), ping: ping() };
  const dht = kadDHT({ protocol: DHT_PROTOCOL, clientMode: false, peerInfoMapper: passthroughMapper });
  const base = {
    start: false,
    privateKey: privateKeyFromProtobuf(options.privateKey),
    addresses: { listen: [...options.listen], announce: [...options.announce] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux({ streamOptions: { maxStreamWindowSize: MAX_STREAM_WINDOW_BYTES } })],
    connectionGater: {
      denyDialPeer: banned,
      denyInboundEncryptedConnection: banned,
      denyOutboundEncryptedConnection: banned,
    },
    connectionManager: {
      maxConnections: MAX_CONNECTIONS,
      inboundConnectionThreshold: MAX_CONNECTIONS_PER_SECOND,
      maxIncomingPendingConnections: MAX_PENDING_CONNECTIONS,
      dialTimeout: OPEN_TIMEOUT_MS,
    },
    connectionMonitor: { pingInterval: PING_INTERVAL_MS, pingTimeout: { minTimeout: PING_TIMEOUT_MS } },
  };
  return options.discovery
    ? createLibp2p({ ...base, services: { ...services, dht } })
    : createLibp2p({ ...base, services });
}
