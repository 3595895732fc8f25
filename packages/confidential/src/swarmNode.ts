import { withBitswap } from "@helia/bitswap";
import { privateKeyFromProtobuf } from "@libp2p/crypto/keys";
import { identify } from "@libp2p/identify";
import type { Libp2p, PeerId as Libp2pPeerId } from "@libp2p/interface";
import { noise } from "@libp2p/noise";
import { ping } from "@libp2p/ping";
import { preSharedKey } from "@libp2p/pnet";
import { tcp } from "@libp2p/tcp";
import { yamux } from "@libp2p/yamux";
import type { PeerId } from "@mvm/protocol";
import { createLibp2p } from "libp2p";
import type { CID } from "multiformats/cid";
import { sha256 } from "multiformats/hashes/sha2";
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

type HeliaHost = Parameters<typeof withBitswap>[0];
type Session = { retrieve(cid: CID, options: { readonly signal: AbortSignal }): Promise<Uint8Array> };
/** What of Helia's bitswap is used. */
type Bitswap = {
  createSession(options: {
    readonly providers: readonly CID[];
    readonly minProviders: 1;
    readonly maxProviders: 1;
  }): Session;
  stop(): Promise<void>;
};
type Mixin = { start(host: unknown): Promise<void> };

/** The pre-shared key in the form of go-ipfs's swarm.key files, which pnet takes. */
function swarmKeyFile(psk: Uint8Array): Uint8Array {
  if (psk.length !== PSK_BYTES) throw new RangeError("a swarm's key has 32 bytes");
  return new TextEncoder().encode(`/key/swarm/psk/1.0.0/\n/base16/\n${Buffer.from(psk).toString("hex")}`);
}

/** A libp2p node that is started: TCP under the pre-shared key, noise, yamux, identify. It knows the peers that it is told, and finds no others. */
function startLibp2p(options: SwarmNodeOptions): Promise<Libp2p> {
  const denied = (peer: Libp2pPeerId): boolean => !options.isAllowed(peer.toString() as PeerId);
  return createLibp2p({
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
}

/** Helia's bitswap on a libp2p and a blockstore, without the rest of Helia: the host that it asks for has no routing, and finds nobody. */
async function startBitswap(libp2p: Libp2p, blocks: SwarmBlocks): Promise<Bitswap> {
  const [mixins, brokers]: [Mixin[], Bitswap[]] = [[], []];
  const host = {
    status: "starting",
    libp2p,
    logger: libp2p.logger,
    blockstore: blocks,
    getHasher: async () => sha256,
    routing: { async *findProviders() {} },
    addMixin: (mixin: Mixin) => mixins.push(mixin),
    hasBlockBroker: () => false,
    addBlockBroker: (broker: Bitswap) => brokers.push(broker),
  };
  withBitswap(host as unknown as HeliaHost, {
    maxInboundStreams: MAX_SWARM_STREAMS,
    maxOutboundStreams: MAX_SWARM_STREAMS,
    maxWantlistSize: MAX_WANTS_PER_PEER,
    doNotResendBlockWindow: RESEND_AFTER_MS,
    sendBlocksMaxQueueLength: MAX_SENDS_WAITING,
    maxIncomingMessageSize: MAX_SWARM_MESSAGE_BYTES,
    maxOutgoingMessageSize: MAX_SWARM_MESSAGE_BYTES,
  });
  for (const mixin of mixins) await mixin.start(host);
  if (brokers[0] === undefined) throw new Error("Helia's bitswap did not start");
  return brokers[0];
}

/** A node of a private swarm: Helia's bitswap over a libp2p of its own. No DHT, no bootstrap, no relays, no delegated routing, no HTTP. */
export class SwarmNode {
  readonly libp2p: Libp2p;
  readonly #bitswap: Bitswap;

  private constructor(libp2p: Libp2p, bitswap: Bitswap) {
    this.libp2p = libp2p;
    this.#bitswap = bitswap;
  }

  static async start(options: SwarmNodeOptions): Promise<SwarmNode> {
    growPnetMemory();
    const libp2p = await startLibp2p(options);
    try {
      return new SwarmNode(libp2p, await startBitswap(libp2p, options.blocks));
    } catch (error) {
      await libp2p.stop();
      throw error;
    }
  }

  /** Asks one peer for a block. What comes has not been verified yet. Throws where the peer does not have it, and on the signal. */
  request(cid: CID, peer: Libp2pPeerId, signal: AbortSignal): Promise<Uint8Array> {
    const session = this.#bitswap.createSession({ providers: [peer.toCID()], minProviders: 1, maxProviders: 1 });
    return session.retrieve(cid, { signal });
  }

  async stop(): Promise<void> {
    await this.#bitswap.stop();
    await this.libp2p.stop();
  }
}
