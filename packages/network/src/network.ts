import type { MaybePromise, PeerId } from "@mvm/protocol";
import type { NetworkError } from "./errors.ts";
import { MAX_MESSAGE_BYTES, MAX_TOPIC_LENGTH } from "./limits.ts";
import type { Offence } from "./peerScores.ts";

/**
 * What a validator says of a gossip message. accept: take it and pass it on. ignore: drop it, nobody is to blame.
 * reject: it is invalid by itself, and the peer that passed it to us pays in score.
 */
export type Verdict =
  | { readonly verdict: "accept" }
  | { readonly verdict: "ignore"; readonly reason: string }
  | { readonly verdict: "reject"; readonly reason: string };

/**
 * Called once for each message (topic and bytes) that reaches this node, its own excepted. `from` is the peer that
 * passed the message on, not its author: authorship is what the application's signatures are for. A validator that
 * throws, or takes longer than VALIDATION_TIMEOUT_MS, counts as one that ignored the message.
 */
export type Validator = (from: PeerId, bytes: Uint8Array) => MaybePromise<Verdict>;

/** Bounds of one request/response protocol, as its server holds them. */
export type HandlerLimits = {
  /** at most MAX_MESSAGE_BYTES; a longer request is answered "too-large" without being read into memory */
  readonly maxRequestBytes: number;
  /** at most MAX_MESSAGE_BYTES; a longer response of the handler is not sent, the requester gets "remote-error" */
  readonly maxResponseBytes: number;
  /** requests of one peer that are worked on at one time; the next ones are answered "busy" */
  readonly maxConcurrentPerPeer: number;
};

/**
 * Answers one request. The signal fires when the requester gave up or went away, or this node stops. Throw
 * RequestRefused to tell the requester why there is no answer.
 */
export type RequestHandler = (from: PeerId, bytes: Uint8Array, signal: AbortSignal) => Promise<Uint8Array>;

export type RequestOptions = {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** longest response that the caller takes, in bytes; MAX_MESSAGE_BYTES if absent */
  readonly maxResponseBytes?: number;
};

/** What happens at this node, for logs and metrics; nothing depends on anybody listening. */
export type NetworkEvent =
  | { readonly kind: "connected"; readonly peer: PeerId }
  | { readonly kind: "disconnected"; readonly peer: PeerId }
  | { readonly kind: "offence"; readonly peer: PeerId; readonly offence: Offence; readonly reason: string }
  | { readonly kind: "banned"; readonly peer: PeerId; readonly banMs: number }
  /** gossip stopped listening to the peer, which is disconnected for it and may come back */
  | { readonly kind: "graylisted"; readonly peer: PeerId }
  | { readonly kind: "ignored"; readonly peer: PeerId; readonly topic: string; readonly reason: string }
  | { readonly kind: "validator-failed"; readonly peer: PeerId; readonly topic: string; readonly error: unknown }
  | { readonly kind: "handler-failed"; readonly peer: PeerId; readonly protocol: string; readonly error: unknown }
  | { readonly kind: "dial-failed"; readonly address: string; readonly error: NetworkError };

/** A listener must not throw. */
export type NetworkListener = (event: NetworkEvent) => void;

/**
 * The network as the application sees it. Every failing method throws or rejects with NetworkError. `handle` and
 * `subscribe` may be called before and after `start`; a node that was stopped stays stopped.
 */
export interface Network {
  readonly peerId: PeerId;
  /** multiaddrs that we listen on, each ending in /p2p/<our peer id>; empty before start */
  readonly addresses: readonly string[];
  /** Starts listening, and dialling the bootstrap peers; does not wait for any of them. */
  start(): Promise<void>;
  /** Ends all requests ("stopped"), leaves the mesh and closes everything. May be called twice. */
  stop(): Promise<void>;
  /**
   * Gives bytes (at most MAX_GOSSIP_BYTES) to the peers subscribed to the topic; nobody being subscribed is no error,
   * and neither is saying again what this node knows already, which sends nothing.
   */
  publish(topic: string, bytes: Uint8Array): Promise<void>;
  /** One validator a topic; throws a plain Error on a second one, and on a name above MAX_TOPIC_LENGTH. */
  subscribe(topic: string, validator: Validator): void;
  unsubscribe(topic: string): void;
  /** Peers that are connected and known to be subscribed to the topic. */
  subscribers(topic: string): PeerId[];
  /**
   * Sends a request and waits for its one answer; connects first where needed. Never sent twice.
   * The bytes must stay as they are until the promise settles.
   */
  request(peer: PeerId, protocol: string, bytes: Uint8Array, options: RequestOptions): Promise<Uint8Array>;
  /** One handler a protocol; throws a plain Error on a second one and on limits out of bounds. */
  handle(protocol: string, limits: HandlerLimits, handler: RequestHandler): void;
  /** Remembers where a peer listens; does not connect. */
  addPeerAddress(peer: PeerId, addresses: readonly string[]): Promise<void>;
  /** Connects to a multiaddr ending in /p2p/<peer id>. */
  dial(address: string, signal?: AbortSignal): Promise<PeerId>;
  /** Closes all connections to the peer; it may come back. */
  disconnect(peer: PeerId): Promise<void>;
  /** Connected peers. */
  peers(): PeerId[];
  /** Returns the function that removes the listener. */
  listen(listener: NetworkListener): () => void;
  /**
   * Counts an offence against the peer's score. At the ban threshold it is disconnected and refused for the ban time
   * (see ScoreParameters).
   */
  report(peer: PeerId, offence: Offence, reason: string): void;
}

/** Throws a plain Error for limits that no implementation grants. */
export function checkHandlerLimits(protocol: string, limits: HandlerLimits): void {
  for (const size of [limits.maxRequestBytes, limits.maxResponseBytes]) {
    if (!Number.isSafeInteger(size) || size < 0 || size > MAX_MESSAGE_BYTES) {
      throw new Error(`${protocol}: message bound ${size} is not within 0 .. ${MAX_MESSAGE_BYTES}`);
    }
  }
  if (!Number.isSafeInteger(limits.maxConcurrentPerPeer) || limits.maxConcurrentPerPeer < 1) {
    throw new Error(`${protocol}: maxConcurrentPerPeer must be a positive integer`);
  }
}

/** Throws a plain Error for a topic name above MAX_TOPIC_LENGTH or empty. */
export function checkTopic(topic: string): void {
  if (topic.length === 0 || topic.length > MAX_TOPIC_LENGTH) throw new Error(`bad topic name: ${topic.slice(0, 80)}`);
}
