import { peerIdFromString } from "@libp2p/peer-id";
import { type Multiaddr, multiaddr } from "@multiformats/multiaddr";
import type { PeerId } from "@mvm/protocol";
import { BlockRequests } from "./blockRequests.ts";
import { DagStore } from "./dagStore.ts";
import { ConfidentialError } from "./errors.ts";
import { Lifetime } from "./lifetime.ts";
import { BLOCK_TIMEOUT_MS, DIAL_TIMEOUT_MS, MAX_ADDRESSES_PER_PEER, MAX_SWARM_PEERS } from "./limits.ts";
import { SwarmBlocks } from "./swarmBlocks.ts";
import { SwarmNode } from "./swarmNode.ts";
import { type FetchOptions, type GetOptions, type PutResult, SwarmObjects } from "./swarmObjects.ts";

/** A node of the swarm, and where it may be reached: multiaddresses of TCP, with or without its id at the end. */
export type SwarmPeer = { readonly peer: PeerId; readonly addresses: readonly string[] };

export type SwarmOptions = {
  /** the node's own, made if missing; one process at a time */
  readonly directory: string;
  /** multiaddresses, such as "/ip4/127.0.0.1/tcp/0" */
  readonly listen: readonly string[];
  /** multiaddresses that peers are told instead of those listened on */
  readonly announce?: readonly string[];
  /** 32 bytes that all nodes of the swarm share. Secret */
  readonly psk: Uint8Array;
  /** libp2p PrivateKey protobuf, see generatePeerKey. Secret */
  readonly privateKey: Uint8Array;
  /** the only peers that this node connects to, or lets connect */
  readonly allowed: readonly PeerId[];
  /** time for one block to come from a peer, in milliseconds */
  readonly blockTimeoutMs?: number;
  readonly signal?: AbortSignal;
};

/** Who may connect, now: the gater looks here. */
type AllowList = { peers: ReadonlySet<PeerId> };
type Parts = Omit<SwarmOptions, "allowed"> & { readonly blocks: SwarmBlocks; readonly allowed: AllowList };
type Signalled = { readonly signal?: AbortSignal };

const unreachable = (address: string, cause?: unknown): ConfidentialError =>
  new ConfidentialError("unreachable", "no connection to the peer", { address }, cause);

function parseAddresses(addresses: readonly string[]): Multiaddr[] {
  if (addresses.length === 0) throw unreachable("");
  try {
    return addresses.slice(0, MAX_ADDRESSES_PER_PEER).map((address) => multiaddr(address));
  } catch (cause) {
    throw unreachable(addresses[0]!, cause);
  }
}

/**
 * One node of the private IPFS swarm of confidential data. It keeps and passes on ciphertext, and has no keys to it. Bytes that it gives out are those of the CID that was
 * asked for. All failures are ConfidentialError: "stopped" after stop, "aborted" by the caller's signal, "store-failed" by the disk, and those named below.
 */
export class ConfidentialSwarm {
  readonly #store: DagStore;
  readonly #node: SwarmNode;
  readonly #objects: SwarmObjects;
  readonly #lifetime = new Lifetime();
  readonly #allowed: AllowList;
  #stopping: Promise<void> | null = null;

  private constructor(store: DagStore, node: SwarmNode, options: Parts) {
    this.#allowed = options.allowed;
    this.#store = store;
    this.#node = node;
    const { blocks, blockTimeoutMs: timeoutMs = BLOCK_TIMEOUT_MS } = options;
    const lifetime = this.#lifetime;
    const requests = new BlockRequests({ node, blocks, lifetime, timeoutMs });
    this.#objects = new SwarmObjects({
      store,
      lifetime,
      fromPeers: (cid, signal) => requests.read(cid, signal),
      forget: (digests) => blocks.forget(digests),
    });
  }

  /** @throws ConfidentialError "unreachable" where it cannot listen; RangeError on a pre-shared key of another length */
  static async start(options: SwarmOptions): Promise<ConfidentialSwarm> {
    const store = await DagStore.open(options.directory);
    const { listen, announce = [], psk, privateKey } = options;
    const blocks = new SwarmBlocks(store);
    const allowed = { peers: new Set(options.allowed) };
    let node: SwarmNode;
    try {
      const isAllowed = (peer: PeerId): boolean => allowed.peers.has(peer);
      node = await SwarmNode.start({ blocks, privateKey, psk, listen, announce, isAllowed });
    } catch (cause) {
      await store.close();
      throw cause instanceof RangeError ? cause : unreachable(listen.join(), cause);
    }
    const swarm = new ConfidentialSwarm(store, node, { ...options, blocks, allowed });
    if (options.signal?.aborted !== true) return swarm;
    await swarm.stop();
    throw new ConfidentialError("aborted", "given up by the caller", {}, options.signal.reason);
  }

  get peer(): PeerId {
    return this.#node.libp2p.peerId.toString() as PeerId;
  }

  /** Where peers reach this node, with its peer id at the end. */
  get addresses(): readonly string[] {
    return this.#node.libp2p.getMultiaddrs().map(String);
  }

  /** Peers that it has a connection to. */
  get connected(): readonly PeerId[] {
    return this.#node.libp2p.getPeers().map((peer) => peer.toString() as PeerId);
  }

  /** Fails what is under way, ends connections, then closes the store. */
  stop(): Promise<void> {
    this.#stopping ??= (async () => {
      this.#lifetime.end();
      await this.#node.stop();
      await this.#store.close();
    })();
    return this.#stopping;
  }

  /** Connects to a peer by any of its addresses, which end with /p2p/ and its id. @throws ConfidentialError "unreachable" */
  async connect(addresses: readonly string[], { signal }: Signalled = {}): Promise<void> {
    const running = this.#lifetime.signal(signal, DIAL_TIMEOUT_MS);
    const targets = parseAddresses(addresses);
    try {
      await this.#node.libp2p.dial(targets, { signal: running });
    } catch (cause) {
      throw this.#lifetime.failure(cause, signal, () => unreachable(addresses[0]!, cause));
    }
  }

  /**
   * Makes these the peers of this node: others are disconnected and refused from now on, these are dialled where there is no connection.
   * @returns those that could not be reached
   */
  async reconcile(peers: readonly SwarmPeer[], options: Signalled = {}): Promise<readonly PeerId[]> {
    this.#lifetime.signal(options.signal);
    if (peers.length > MAX_SWARM_PEERS) throw new RangeError(`a swarm has ${MAX_SWARM_PEERS} peers at most`);
    this.#allowed.peers = new Set(peers.map(({ peer }) => peer));
    const strangers = this.connected.filter((peer) => !this.#allowed.peers.has(peer));
    await Promise.all(strangers.map((peer) => this.#node.libp2p.hangUp(peerIdFromString(peer))));
    const connected = new Set([...this.connected, this.peer]);
    const missing = peers.filter(({ peer }) => !connected.has(peer));
    const dialled = missing.map(({ peer, addresses }) =>
      this.connect(
        addresses.map((address) => `${address.split("/p2p/")[0]}/p2p/${peer}`),
        options,
      ),
    );
    const ended = await Promise.allSettled(dialled);
    this.#lifetime.signal(options.signal);
    return missing.filter((_, at) => ended[at]!.status === "rejected").map(({ peer }) => peer);
  }

  /**
   * Keeps a stream of ciphertext, pinned. When it resolves, all of it is on the disk, and survives a crash of the machine.
   * @throws ConfidentialError "too-large" above MAX_OBJECT_BYTES; "source-failed" with what the source threw as its cause
   */
  put(source: AsyncIterable<Uint8Array>, options: Signalled = {}): Promise<PutResult> {
    return this.#objects.put(source, options);
  }

  /**
   * The object's bytes, from `offset` on, `length` of them: from here, else from peers, of which nothing is kept.
   * @throws ConfidentialError "block-missing", "block-damaged", "dag-refused"
   */
  get(cid: string, options: GetOptions = {}): AsyncGenerator<Uint8Array> {
    return this.#objects.get(cid, options);
  }

  /**
   * Has a whole object here, pinned. Every block is verified; what is missing or damaged comes from peers. Where it fails, nothing is left behind.
   * @param options.maxBytes what the object may have, with BLOCK_OVERHEAD_BYTES on top of each block; MAX_OBJECT_BYTES at most
   * @throws ConfidentialError "too-large", "dag-refused", "block-missing"
   */
  fetch(cid: string, options: FetchOptions = {}): Promise<void> {
    return this.#objects.fetch(cid, options);
  }

  /** Pins an object all of whose blocks are here. @throws ConfidentialError "block-missing", "block-damaged", "dag-refused" */
  pin(cid: string, options: Signalled = {}): Promise<void> {
    return this.#objects.pin(cid, options);
  }

  /** Takes the pin away, and removes the blocks that no other pin has. False where there was none. */
  unpin(cid: string): Promise<boolean> {
    return this.#objects.unpin(cid);
  }

  /** True where all of the object's blocks are here; leaves are not read for that. @throws ConfidentialError "block-damaged" */
  has(cid: string): Promise<boolean> {
    return this.#objects.has(cid);
  }

  /** CIDs of all pins. */
  pins(): AsyncGenerator<string> {
    return this.#objects.pins();
  }
}
