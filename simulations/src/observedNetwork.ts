/** A network port that tells of every message that it delivers, and lets an adversary do with them what it likes. */
import type {
  HandlerLimits,
  Network,
  NetworkListener,
  Offence,
  RequestHandler,
  RequestOptions,
  Validator,
} from "@mvm/network";
import type { PeerId } from "@mvm/protocol";

export type Delivery = {
  readonly kind: "gossip" | "request" | "response";
  readonly from: PeerId;
  readonly to: PeerId;
  /** protocol or topic */
  readonly lane: string;
  readonly bytes: Uint8Array;
};

type Exchange = {
  readonly peer: PeerId;
  readonly lane: string;
  readonly bytes: Uint8Array;
  readonly signal: AbortSignal;
};
/** What an honest node does with a request, or with other bytes in place of it. */
type Honestly = (bytes?: Uint8Array) => Promise<Uint8Array>;

/** What an adversary does with its node's requests; undefined: what honest ones do. */
export type Hostility = {
  /** with one that came to it */
  answer?(exchange: Exchange, honestly: Honestly): Promise<Uint8Array> | undefined;
};

export class ObservedNetwork implements Network {
  readonly #inner: Network;
  readonly #observe: (delivery: Delivery) => void;
  readonly #hostility: () => Hostility;

  /** @param hostility what the node's adversary does now */
  constructor(inner: Network, observe: (delivery: Delivery) => void, hostility: () => Hostility = () => ({})) {
    this.#inner = inner;
    this.#observe = observe;
    this.#hostility = hostility;
  }

  get peerId(): PeerId {
    return this.#inner.peerId;
  }

  get addresses(): readonly string[] {
    return this.#inner.addresses;
  }

  start(): Promise<void> {
    return this.#inner.start();
  }

  stop(): Promise<void> {
    return this.#inner.stop();
  }

  publish(topic: string, bytes: Uint8Array): Promise<void> {
    return this.#inner.publish(topic, bytes);
  }

  subscribe(topic: string, validator: Validator): void {
    this.#inner.subscribe(topic, (from, bytes) => {
      this.#observe({ kind: "gossip", from, to: this.peerId, lane: topic, bytes });
      return validator(from, bytes);
    });
  }

  unsubscribe(topic: string): void {
    this.#inner.unsubscribe(topic);
  }

  subscribers(topic: string): PeerId[] {
    return this.#inner.subscribers(topic);
  }

  async request(peer: PeerId, protocol: string, bytes: Uint8Array, options: RequestOptions): Promise<Uint8Array> {
    const response = await this.#inner.request(peer, protocol, bytes, options);
    this.#observe({ kind: "response", from: peer, to: this.peerId, lane: protocol, bytes: response });
    return response;
  }

  handle(protocol: string, limits: HandlerLimits, handler: RequestHandler): void {
    this.#inner.handle(protocol, limits, (from, bytes, signal) => {
      this.#observe({ kind: "request", from, to: this.peerId, lane: protocol, bytes });
      const honestly: Honestly = (other = bytes) => handler(from, other, signal);
      return this.#hostility().answer?.({ peer: from, lane: protocol, bytes, signal }, honestly) ?? honestly();
    });
  }

  addPeerAddress(peer: PeerId, addresses: readonly string[]): Promise<void> {
    return this.#inner.addPeerAddress(peer, addresses);
  }

  dial(address: string, signal?: AbortSignal): Promise<PeerId> {
    return this.#inner.dial(address, signal);
  }

  disconnect(peer: PeerId): Promise<void> {
    return this.#inner.disconnect(peer);
  }

  peers(): PeerId[] {
    return this.#inner.peers();
  }

  listen(listener: NetworkListener): () => void {
    return this.#inner.listen(listener);
  }

  report(peer: PeerId, offence: Offence, reason: string): void {
    this.#inner.report(peer, offence, reason);
  }
}
