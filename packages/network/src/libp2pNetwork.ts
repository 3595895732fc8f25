import type { PeerId as Libp2pPeerId, Stream } from "@libp2p/interface";
import { peerIdFromString } from "@libp2p/peer-id";
import { type Multiaddr, multiaddr } from "@multiformats/multiaddr";
import type { PeerId } from "@mvm/protocol";
import { NetworkError, type NetworkErrorData } from "./errors.ts";
import { ByteBudget } from "./frames.ts";
import { type GossipCallbacks, topicValidator } from "./gossip.ts";
import { createNode, type Libp2pNode } from "./libp2pNode.ts";
import {
  BOOTSTRAP_INTERVAL_MS,
  MAX_BOOTSTRAP_ADDRESSES,
  MAX_GOSSIP_BYTES,
  MAX_INBOUND_BYTES,
  MAX_INBOUND_STREAMS,
  OPEN_TIMEOUT_MS,
  STOP_TIMEOUT_MS,
} from "./limits.ts";
import { Listeners } from "./listeners.ts";
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
import { peerIdOf } from "./peerKey.ts";
import { DEFAULT_SCORE_PARAMETERS, type Offence, PeerScores, type ScoreParameters } from "./peerScores.ts";
import { RequestClient } from "./requestClient.ts";
import { RequestServer } from "./requestServer.ts";
import { systemScheduler } from "./scheduler.ts";
import { Validations } from "./validations.ts";

export type Libp2pNetworkOptions = {
  /** libp2p PrivateKey protobuf, see generatePeerKey */
  readonly privateKey: Uint8Array;
  /** multiaddrs to listen on, for example /ip4/127.0.0.1/tcp/0 */
  readonly listen: readonly string[];
  /** multiaddrs to tell others instead of those we listen on, for nodes behind a forwarded port */
  readonly announce?: readonly string[];
  /** multiaddrs ending in /p2p/<peer id> that the node keeps connected to; at most MAX_BOOTSTRAP_ADDRESSES */
  readonly bootstrap: readonly string[];
  /** whether to find peers by the DHT; true if absent */
  readonly discovery?: boolean;
  readonly scores?: ScoreParameters;
};

/** A network over TCP by libp2p. Throws a plain Error on options that cannot work (key, addresses). */
export async function createLibp2pNetwork(options: Libp2pNetworkOptions): Promise<Network> {
  const { bootstrap } = options;
  if (bootstrap.length > MAX_BOOTSTRAP_ADDRESSES)
    throw new Error(`more than ${MAX_BOOTSTRAP_ADDRESSES} bootstrap peers`);
  const network = new Libp2pNetwork(peerIdOf(options.privateKey), bootstrap.map(peerAddress), options.scores);
  const node = await createNode({
    privateKey: options.privateKey,
    listen: options.listen,
    announce: options.announce ?? [],
    discovery: options.discovery ?? true,
    gossip: network.gossipCallbacks,
    isBanned: network.isBanned,
  });
  network.attach(node);
  return network;
}

type PeerAddress = { readonly peer: PeerId; readonly address: Multiaddr };

/** Parses a multiaddr that ends in a peer id; throws a plain Error. */
function peerAddress(text: string): PeerAddress {
  const address = multiaddr(text);
  const last = address.getComponents().at(-1);
  if (last?.name !== "p2p" || last.value === undefined) throw new Error(`address without a peer id: ${text}`);
  return { peer: peerIdFromString(last.value).toString() as PeerId, address };
}

type State = "new" | "running" | "stopped";

class Libp2pNetwork implements Network {
  readonly peerId: PeerId;
  readonly #bootstrap: readonly PeerAddress[];
  readonly #scores: PeerScores;
  readonly #banMs: number;
  readonly #listeners = new Listeners();
  readonly #validations: Validations;
  readonly #client: RequestClient;
  readonly #servers = new Map<string, RequestServer>();
  readonly #inbound = new ByteBudget(MAX_INBOUND_BYTES);
  readonly #stopping = new AbortController();
  #node!: Libp2pNode;
  #state: State = "new";
  #bootstrapTimer: NodeJS.Timeout | undefined;
  #starting: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;

  constructor(peerId: PeerId, bootstrap: readonly PeerAddress[], scores = DEFAULT_SCORE_PARAMETERS) {
    this.peerId = peerId;
    this.#bootstrap = bootstrap.filter(({ peer }) => peer !== peerId);
    this.#scores = new PeerScores(scores);
    this.#banMs = scores.banMs;
    this.#validations = new Validations({
      scheduler: systemScheduler,
      emit: this.#listeners.emit,
      blame: (peer, offence, reason) => this.report(peer, offence, reason),
    });
    this.#client = new RequestClient({
      open: (peer, protocol, signal) => this.#openStream(peer, protocol, signal),
      openTimeoutMs: OPEN_TIMEOUT_MS,
      onViolation: (peer, why) => this.report(peer, "protocol-violation", why),
    });
  }

  readonly isBanned = (peer: PeerId): boolean => this.#scores.isBanned(peer, systemScheduler.nowMs());

  get gossipCallbacks(): GossipCallbacks {
    return {
      judge: (topic, from, bytes) => this.#validations.judge(topic, from, bytes),
      penalty: (peer) => this.#scores.penalty(peer, systemScheduler.nowMs()),
      violation: (peer, why) => {
        this.report(peer, "protocol-violation", why);
        // its gossip stream is gone; only a new connection brings another
        this.#hangUp(peer);
      },
    };
  }

  attach(node: Libp2pNode): void {
    this.#node = node;
    const { emit } = this.#listeners;
    node.addEventListener("peer:connect", ({ detail }) => emit({ kind: "connected", peer: textOf(detail) }));
    node.addEventListener("peer:disconnect", ({ detail }) => emit({ kind: "disconnected", peer: textOf(detail) }));
    node.services.gossip.addEventListener("gossipsub:heartbeat", () => {
      // no ban: the router's own faults may be those of a loaded machine, and are forgotten soon
      for (const peer of node.services.gossip.graylisted().map(textOf)) {
        emit({ kind: "graylisted", peer });
        this.#hangUp(peer);
      }
    });
  }

  get addresses(): readonly string[] {
    return this.#state === "running" ? this.#node.getMultiaddrs().map(String) : [];
  }

  async start(): Promise<void> {
    if (this.#state !== "new") throw new NetworkError("stopped", "a network starts once");
    this.#state = "running";
    try {
      this.#starting = Promise.resolve(this.#node.start());
      await this.#starting;
      for (const server of this.#servers.values()) await this.#serve(server);
      // it may have been stopped meanwhile
      this.#requireRunning({});
      for (const topic of this.#validations.topics) this.#join(topic);
    } catch (cause) {
      await this.stop();
      if (cause instanceof NetworkError) throw cause;
      throw new NetworkError("unreachable", "the network did not start", {}, cause);
    }
    this.#bootstrapTimer = setInterval(() => this.#dialBootstrap(), BOOTSTRAP_INTERVAL_MS);
    this.#dialBootstrap();
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#state = "stopped";
    clearInterval(this.#bootstrapTimer);
    this.#stopping.abort();
    this.#client.stop();
    for (const server of this.#servers.values()) server.stop();
    // a node that is still starting does not stop; start itself reports its failure
    await Promise.allSettled([this.#starting]);
    const signal = AbortSignal.timeout(STOP_TIMEOUT_MS);
    await Promise.allSettled(this.#node.getPeers().map((peer) => this.#node.hangUp(peer, { signal })));
    for (const connection of this.#node.getConnections()) connection.abort(new Error("this node is stopping"));
    await this.#node.stop();
  }

  async publish(topic: string, bytes: Uint8Array): Promise<void> {
    this.#requireRunning({ topic });
    checkTopic(topic);
    if (bytes.length > MAX_GOSSIP_BYTES) {
      const data = { topic, sizeBytes: bytes.length, maxBytes: MAX_GOSSIP_BYTES };
      throw new NetworkError("too-large", "the message is above the bound of gossip", data);
    }
    // a copy: the router keeps it for peers that missed it, and the caller may use its buffer again
    await this.#node.services.gossip.publish(topic, bytes.slice());
  }

  subscribe(topic: string, validator: Validator): void {
    this.#validations.add(topic, validator);
    if (this.#state === "running") this.#join(topic);
  }

  unsubscribe(topic: string): void {
    if (!this.#validations.delete(topic) || this.#state !== "running") return;
    this.#node.services.gossip.unsubscribe(topic);
    this.#node.services.gossip.topicValidators.delete(topic);
  }

  subscribers(topic: string): PeerId[] {
    return this.#state === "running" ? this.#node.services.gossip.getSubscribers(topic).map(textOf) : [];
  }

  #join(topic: string): void {
    this.#node.services.gossip.topicValidators.set(topic, topicValidator(topic, this.gossipCallbacks));
    this.#node.services.gossip.subscribe(topic);
  }

  async request(peer: PeerId, protocol: string, bytes: Uint8Array, options: RequestOptions): Promise<Uint8Array> {
    this.#requireRunning({ peer, protocol });
    return this.#client.request(peer, protocol, bytes, options);
  }

  handle(protocol: string, limits: HandlerLimits, handler: RequestHandler): void {
    checkHandlerLimits(protocol, limits);
    if (this.#servers.has(protocol)) throw new Error(`already handling ${protocol}`);
    const server = new RequestServer({
      protocol,
      limits,
      handler,
      budget: this.#inbound,
      callbacks: {
        violation: (peer, why) => this.report(peer, "protocol-violation", why),
        oversized: (peer, why) => this.report(peer, "oversized-request", why),
        failed: (peer, name, error) => this.#listeners.emit({ kind: "handler-failed", peer, protocol: name, error }),
      },
    });
    this.#servers.set(protocol, server);
    if (this.#state === "running") void this.#serve(server);
  }

  #serve(server: RequestServer): Promise<void> {
    return this.#node.handle(
      server.protocol,
      (stream, connection) => server.accept(textOf(connection.remotePeer), stream),
      { maxInboundStreams: MAX_INBOUND_STREAMS },
    );
  }

  async addPeerAddress(peer: PeerId, addresses: readonly string[]): Promise<void> {
    this.#requireRunning({ peer });
    try {
      await this.#node.peerStore.merge(peerIdFromString(peer), {
        multiaddrs: addresses.map((text) => multiaddr(text)),
      });
    } catch (cause) {
      throw new NetworkError("unreachable", "no usable address", { peer }, cause);
    }
  }

  async dial(address: string, signal?: AbortSignal): Promise<PeerId> {
    this.#requireRunning({ address });
    const timeout = AbortSignal.timeout(OPEN_TIMEOUT_MS);
    const signals = [this.#stopping.signal, timeout, ...(signal === undefined ? [] : [signal])];
    try {
      const { peer, address: target } = peerAddress(address);
      await this.#node.dial(target, { signal: AbortSignal.any(signals) });
      return peer;
    } catch (cause) {
      throw this.#dialError({ address }, cause, signal);
    }
  }

  async disconnect(peer: PeerId): Promise<void> {
    this.#requireRunning({ peer });
    await this.#node.hangUp(peerIdFromString(peer));
  }

  peers(): PeerId[] {
    if (this.#state !== "running") return [];
    return [...new Set(this.#node.getConnections().map(({ remotePeer }) => textOf(remotePeer)))];
  }

  listen(listener: NetworkListener): () => void {
    return this.#listeners.add(listener);
  }

  report(peer: PeerId, offence: Offence, reason: string): void {
    this.#listeners.emit({ kind: "offence", peer, offence, reason });
    if (this.#scores.blame(peer, offence, systemScheduler.nowMs()) !== "banned") return;
    this.#listeners.emit({ kind: "banned", peer, banMs: this.#banMs });
    this.#hangUp(peer);
  }

  /** Drops the connections at once: what a misbehaving peer still has to say does not matter. */
  #hangUp(peer: PeerId): void {
    if (this.#state !== "running") return;
    for (const connection of this.#node.getConnections(peerIdFromString(peer))) {
      connection.abort(new Error("the peer broke the network's rules"));
    }
  }

  #dialBootstrap(): void {
    const connected = new Set(this.peers());
    for (const { peer, address } of this.#bootstrap) {
      if (connected.has(peer)) continue;
      const text = address.toString();
      this.dial(text).catch((error: NetworkError) => {
        if (error.code !== "stopped") this.#listeners.emit({ kind: "dial-failed", address: text, error });
      });
    }
  }

  async #openStream(peer: PeerId, protocol: string, signal: AbortSignal): Promise<Stream> {
    try {
      return await this.#node.dialProtocol(peerIdFromString(peer), protocol, { signal });
    } catch (cause) {
      if (cause instanceof Error && cause.name === "UnsupportedProtocolError") {
        throw new NetworkError("protocol", "the peer does not speak the protocol", { peer, protocol }, cause);
      }
      throw this.#dialError({ peer, protocol }, cause);
    }
  }

  #dialError(data: NetworkErrorData, cause: unknown, signal?: AbortSignal): NetworkError {
    if (this.#state === "stopped") return new NetworkError("stopped", "this node stopped", data, cause);
    if (signal?.aborted) return new NetworkError("aborted", "the caller gave up", data, cause);
    return new NetworkError("unreachable", "no connection to the peer", data, cause);
  }

  #requireRunning(data: NetworkErrorData): void {
    if (this.#state !== "running") throw new NetworkError("stopped", "this node is not running", data);
  }
}

const textOf = (peer: Libp2pPeerId): PeerId => peer.toString() as PeerId;
