import { withBitswap } from "@helia/bitswap";
import { type HeliaWithLibp2p, withLibp2pLight } from "@helia/libp2p";
import { privateKeyFromProtobuf } from "@libp2p/crypto/keys";
import { type Identify, identify } from "@libp2p/identify";
import type { PeerId as Libp2pPeerId } from "@libp2p/interface";
import { noise } from "@libp2p/noise";
import { type Ping, ping } from "@libp2p/ping";
import { preSharedKey } from "@libp2p/pnet";
import { tcp } from "@libp2p/tcp";
import { yamux } from "@libp2p/yamux";
import type { PeerId } from "@mvm/protocol";
import { createHeliaLight } from "helia";
import {
  DIAL_TIMEOUT_MS,
  MAX_SENDS_WAITING,
  MAX_SWARM_CONNECTIONS,
  MAX_SWARM_CONNECTIONS_PER_SECOND,
  MAX_SWARM_MESSAGE_BYTES,
  MAX_SWARM_PENDING_CONNECTIONS,
  MAX_SWARM_STREAMS,
  MAX_SWARM_WINDOW_BYTES,
  MAX_WANTS_PER_PEER,
  RESEND_AFTER_MS,
  SWARM_PING_INTERVAL_MS,
  SWARM_PING_TIMEOUT_MS,
} from "./limits.ts";
import { growPnetMemory } from "./pnetMemory.ts";
import type { SwarmBlocks } from "./swarmBlocks.ts";

const PSK_BYTES = 32;

export type SwarmNodeOptions = {
  readonly blocks: SwarmBlocks;
  /** libp2p PrivateKey protobuf. Secret */
  readonly privateKey: Uint8Array;
  /** 32 bytes that all nodes of the swarm share. Secret */
  readonly psk: Uint8Array;
  readonly listen: readonly string[];
  readonly announce: readonly string[];
  readonly isAllowed: (peer: PeerId) => boolean;
};

export type SwarmNode = HeliaWithLibp2p<{ identify: Identify; ping: Ping }>;

/** The pre-shared key in the form of go-ipfs's swarm.key files, which pnet takes. */
function swarmKeyFile(psk: Uint8Array): Uint8Array {
  if (psk.length !== PSK_BYTES) throw new RangeError("a swarm's key has 32 bytes");
  return new TextEncoder().encode(`/key/swarm/psk/1.0.0/\n/base16/\n${Buffer.from(psk).toString("hex")}`);
}

/**
 * A Helia node on a libp2p of its own, not started: TCP under the pre-shared key, noise, yamux, identify, and bitswap. No DHT, no bootstrap, no relays, no
 * delegated routing, no HTTP: it knows the peers that it is told, and finds no others.
 */
export function createSwarmNode(options: SwarmNodeOptions): SwarmNode {
  growPnetMemory();
  const denied = (peer: Libp2pPeerId): boolean => !options.isAllowed(peer.toString() as PeerId);
  const node = withLibp2pLight(createHeliaLight({ blockstore: options.blocks }), {
    start: false,
    privateKey: privateKeyFromProtobuf(options.privateKey),
    addresses: { listen: [...options.listen], announce: [...options.announce] },
    transports: [tcp()],
    connectionProtector: preSharedKey({ psk: swarmKeyFile(options.psk) }),
    connectionEncrypters: [noise()],
    streamMuxers: [yamux({ streamOptions: { maxStreamWindowSize: MAX_SWARM_WINDOW_BYTES } })],
    connectionGater: {
      denyDialPeer: denied,
      denyInboundEncryptedConnection: denied,
      denyOutboundEncryptedConnection: denied,
    },
    connectionManager: {
      maxConnections: MAX_SWARM_CONNECTIONS,
      inboundConnectionThreshold: MAX_SWARM_CONNECTIONS_PER_SECOND,
      maxIncomingPendingConnections: MAX_SWARM_PENDING_CONNECTIONS,
      dialTimeout: DIAL_TIMEOUT_MS,
    },
    connectionMonitor: { pingInterval: SWARM_PING_INTERVAL_MS, pingTimeout: { minTimeout: SWARM_PING_TIMEOUT_MS } },
    services: { identify: identify(), ping: ping() },
  });
  return withBitswap(node, {
    maxInboundStreams: MAX_SWARM_STREAMS,
    maxOutboundStreams: MAX_SWARM_STREAMS,
    maxWantlistSize: MAX_WANTS_PER_PEER,
    doNotResendBlockWindow: RESEND_AFTER_MS,
    sendBlocksMaxQueueLength: MAX_SENDS_WAITING,
    maxIncomingMessageSize: MAX_SWARM_MESSAGE_BYTES,
    maxOutgoingMessageSize: MAX_SWARM_MESSAGE_BYTES,
  });
}
