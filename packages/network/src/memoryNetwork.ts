import type { PeerId } from "@mvm/protocol";
import { NetworkError, type NetworkErrorData } from "./errors.ts";
import { gossipMessageId } from "./gossipMessageId.ts";
import { MAX_GOSSIP_BYTES } from "./limits.ts";
import { Listeners } from "./listeners.ts";
import { MemoryExchanges } from "./memoryExchanges.ts";
import type { MemoryHub } from "./memoryHub.ts";
import {
  checkHandlerLimits,
  checkTopic,
  type HandlerLimits,
  type Network,
  type NetworkListener,
  type RequestHandler,
  type RequestOptions,
  type Validator,
} from "./network.ts";
import { DEFAULT_SCORE_PARAMETERS, type Offence, PeerScores, type ScoreParameters } from "./peerScores.ts";
import { Validations } from "./validations.ts";

/** Gossip messages that one in-memory node remembers having seen; the oldest makes room. */
const MAX_SEEN_MESSAGES = 16_384;

export type MemoryNetworkOptions = {
  readonly hub: MemoryHub;
  readonly peerId: PeerId;
  /** addresses of peers to connect to as soon as both run */
  readonly bootstrap?: readonly string[];
  readonly scores?: ScoreParameters;
};

/** The peer id at the end of an address; null if there is none. */
function peerOfAddress(address: string): PeerId | null {
  const at = address.lastIndexOf("/p2p/");
  return at < 0 || at + 5 === address.length ? null : (address.slice(at + 5) as PeerId);
}

/**
 * The network within one process: same port, same rules, no sockets. Gossip floods along connections; all time comes
 * from the hub's scheduler. Not a model of gossipsub's or TCP's timing.
 */
export class MemoryNetwork implements Network {
  readonly peerId: PeerId;
  readonly bootstrap: readonly PeerId[];
  readonly #hub: MemoryHub;
  readonly #scores: PeerScores;
  readonly #banMs: number;
  readonly #listeners = new Listeners();
  readonly #validations: Validations;
  readonly #exchanges: MemoryExchanges;
  readonly #connected = new Set<PeerId>();
  readonly #known = new Set<PeerId>();
  readonly #seen = new Set<string>();
  #state: "new" | "running" | "stopped" = "new";

  constructor(options: MemoryNetworkOptions) {
    const scores = options.scores ?? DEFAULT_SCORE_PARAMETERS;
    this.peerId = options.peerId;
    this.bootstrap = (options.bootstrap ?? []).map((address) => {
      const peer = peerOfAddress(address);
      if (peer === null) throw new Error(`address without a peer id: ${address}`);
      return peer;
    });
    this.#hub = options.hub;
    this.#scores = new PeerScores(scores);
    this.#banMs = scores.banMs;
    const report = (peer: PeerId, offence: Offence, reason: string): void => this.report(peer, offence, reason);
    const { emit } = this.#listeners;
    this.#validations = new Validations({ scheduler: this.#hub.scheduler, emit, blame: report });
    this.#exchanges = new MemoryExchanges({ self: this.peerId, hub: this.#hub, emit, report });
  }

  get addresses(): readonly string[] {
    return this.#state === "running" ? [`/memory/${this.peerId}/p2p/${this.peerId}`] : [];
  }

  async start(): Promise<void> {
    if (this.#state !== "new") throw new NetworkError("stopped", "a network starts once");
    this.#state = "running";
    this.#hub.join(this);
  }

  async stop(): Promise<void> {
    if (this.#state === "running") {
      this.#exchanges.stop();
      this.#hub.leave(this);
    }
    this.#state = "stopped";
  }

  async publish(topic: string, bytes: Uint8Array): Promise<void> {
    this.#requireRunning({ topic });
    checkTopic(topic);
    if (bytes.length > MAX_GOSSIP_BYTES) {
      const data = { topic, sizeBytes: bytes.length, maxBytes: MAX_GOSSIP_BYTES };
      throw new NetworkError("too-large", "the message is above the bound of gossip", data);
    }
    const id = Buffer.from(gossipMessageId(topic, bytes)).toString("latin1");
    if (this.#see(id)) this.#relay({ topic, id, bytes: bytes.slice() }, null);
  }

  subscribe(topic: string, validator: Validator): void {
    this.#validations.add(topic, validator);
  }

  unsubscribe(topic: string): void {
    this.#validations.delete(topic);
  }

  subscribers(topic: string): PeerId[] {
    return this.peers().filter((peer) => this.#hub.node(peer)?.isSubscribed(topic));
  }

  async request(peer: PeerId, protocol: string, bytes: Uint8Array, options: RequestOptions): Promise<Uint8Array> {
    this.#requireRunning({ peer, protocol });
    if (this.#known.has(peer)) this.#hub.connect(this, peer);
    return this.#exchanges.request({ peer, protocol, bytes, options, connected: this.#connected.has(peer) });
  }

  handle(protocol: string, limits: HandlerLimits, handler: RequestHandler): void {
    checkHandlerLimits(protocol, limits);
    this.#exchanges.handle(protocol, limits, handler);
  }

  async addPeerAddress(peer: PeerId, addresses: readonly string[]): Promise<void> {
    this.#requireRunning({ peer });
    if (addresses.some((address) => (peerOfAddress(address) ?? peer) !== peer)) {
      throw new NetworkError("unreachable", "the address is another peer's", { peer });
    }
    this.#known.add(peer);
  }

  async dial(address: string, signal?: AbortSignal): Promise<PeerId> {
    this.#requireRunning({ address });
    if (signal?.aborted) throw new NetworkError("aborted", "the caller gave up", { address }, signal.reason);
    const peer = peerOfAddress(address);
    if (peer === null || !this.#hub.connect(this, peer)) {
      throw new NetworkError("unreachable", "no connection to the peer", { address });
    }
    return peer;
  }

  async disconnect(peer: PeerId): Promise<void> {
    this.#requireRunning({ peer });
    this.#hub.disconnect(this.peerId, peer);
  }

  peers(): PeerId[] {
    return [...this.#connected];
  }

  listen(listener: NetworkListener): () => void {
    return this.#listeners.add(listener);
  }

  report(peer: PeerId, offence: Offence, reason: string): void {
    this.#listeners.emit({ kind: "offence", peer, offence, reason });
    if (this.#scores.blame(peer, offence, this.#hub.scheduler.nowMs()) !== "banned") return;
    this.#listeners.emit({ kind: "banned", peer, banMs: this.#banMs });
    this.#hub.disconnect(this.peerId, peer);
  }

  /** For the hub. */
  isConnected(peer: PeerId): boolean {
    return this.#connected.has(peer);
  }

  /** For the hub. */
  isBanned(peer: PeerId): boolean {
    return this.#scores.isBanned(peer, this.#hub.scheduler.nowMs());
  }

  /** For the hub. */
  isSubscribed(topic: string): boolean {
    return this.#validations.has(topic);
  }

  /** For the hub. */
  onConnected(peer: PeerId): void {
    this.#connected.add(peer);
    this.#known.add(peer);
    this.#listeners.emit({ kind: "connected", peer });
  }

  /** For the hub. */
  onDisconnected(peer: PeerId): void {
    if (!this.#connected.delete(peer)) return;
    this.#exchanges.onDisconnected(peer);
    this.#listeners.emit({ kind: "disconnected", peer });
  }

  /** For other nodes' messages, by way of the hub. */
  get exchanges(): MemoryExchanges {
    return this.#exchanges;
  }

  #relay(message: GossipMessage, source: PeerId | null): void {
    for (const peer of this.subscribers(message.topic)) {
      // peers that have it already would only drop it
      if (peer === source || this.#hub.node(peer)?.hasSeen(message.id)) continue;
      this.#hub.carry(this.peerId, peer, "gossip", (receiver) => void receiver.#receive(message, this.peerId));
    }
  }

  /** For other nodes: whether a gossip message has reached this one. */
  hasSeen(id: string): boolean {
    return this.#seen.has(id);
  }

  async #receive(message: GossipMessage, from: PeerId): Promise<void> {
    if (!this.#validations.has(message.topic) || !this.#see(message.id)) return;
    const { verdict } = await this.#validations.judge(message.topic, from, message.bytes.slice());
    if (verdict === "accept" && this.#state === "running") this.#relay(message, from);
  }

  /** Remembers a message; false if it was known. */
  #see(id: string): boolean {
    if (this.#seen.has(id)) return false;
    if (this.#seen.size >= MAX_SEEN_MESSAGES) this.#seen.delete(this.#seen.values().next().value!);
    this.#seen.add(id);
    return true;
  }

  #requireRunning(data: NetworkErrorData): void {
    if (this.#state !== "running") throw new NetworkError("stopped", "this node is not running", data);
  }
}

type GossipMessage = { readonly topic: string; readonly id: string; readonly bytes: Uint8Array };
