import type { PeerId } from "@mvm/protocol";
import { decodeReason, encodeReason, NetworkError, type NetworkErrorCode, RequestRefused } from "./errors.ts";
import { MAX_MESSAGE_BYTES, MAX_PENDING_REQUESTS } from "./limits.ts";
import type { MemoryHub } from "./memoryHub.ts";
import type { HandlerLimits, NetworkListener, RequestHandler, RequestOptions } from "./network.ts";
import type { Offence } from "./peerScores.ts";

type Served = { readonly limits: HandlerLimits; readonly handler: RequestHandler };
type Failure = { readonly code: NetworkErrorCode; readonly message: string; readonly reason?: string };
type Answer = Uint8Array | Failure;
type Outgoing = { readonly peer: PeerId; readonly protocol: string; readonly settle: (answer: Answer) => void };
type Running = { readonly peer: PeerId; readonly number: number; readonly controller: AbortController };

export type MemoryRequest = {
  readonly peer: PeerId;
  readonly protocol: string;
  readonly bytes: Uint8Array;
  readonly options: RequestOptions;
  readonly connected: boolean;
};

const failed = (code: NetworkErrorCode, message: string): Failure => ({ code, message });

function countDown(counts: Map<string, number>, key: string): void {
  const left = counts.get(key)! - 1;
  if (left === 0) counts.delete(key);
  else counts.set(key, left);
}

/** Requests and answers of one in-memory node. */
export class MemoryExchanges {
  readonly #self: PeerId;
  readonly #hub: MemoryHub;
  readonly #emit: NetworkListener;
  readonly #report: (peer: PeerId, offence: Offence, reason: string) => void;
  readonly #served = new Map<string, Served>();
  readonly #outgoing = new Map<number, Outgoing>();
  readonly #running = new Set<Running>();
  /** requests under way to others, by peer and protocol */
  readonly #waiting = new Map<string, number>();
  /** requests of others that are worked on, by peer and protocol */
  readonly #active = new Map<string, number>();
  #nextNumber = 0;

  constructor(options: {
    self: PeerId;
    hub: MemoryHub;
    emit: NetworkListener;
    report: (peer: PeerId, offence: Offence, reason: string) => void;
  }) {
    this.#self = options.self;
    this.#hub = options.hub;
    this.#emit = options.emit;
    this.#report = options.report;
  }

  handle(protocol: string, limits: HandlerLimits, handler: RequestHandler): void {
    if (this.#served.has(protocol)) throw new Error(`already handling ${protocol}`);
    this.#served.set(protocol, { limits, handler });
  }

  request({ peer, protocol, bytes, options, connected }: MemoryRequest): Promise<Uint8Array> {
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    const data = { peer, protocol };
    const refuse = (code: NetworkErrorCode, message: string): Promise<Uint8Array> =>
      Promise.reject(new NetworkError(code, message, data));
    if (options.signal?.aborted) return refuse("aborted", "the caller gave up");
    if (bytes.length > MAX_MESSAGE_BYTES) return refuse("too-large", "the request is above the bound of all requests");
    if (!connected) return refuse("unreachable", "no connection to the peer");
    const lane = `${peer} ${protocol}`;
    const waiting = this.#waiting.get(lane) ?? 0;
    if (waiting >= MAX_PENDING_REQUESTS) return refuse("busy", "too many requests of ours wait for the peer");
    this.#waiting.set(lane, waiting + 1);
    const number = this.#nextNumber++;
    const maxResponseBytes = options.maxResponseBytes ?? MAX_MESSAGE_BYTES;
    const settle = (answer: Answer): void => {
      if (!this.#outgoing.delete(number)) return;
      countDown(this.#waiting, lane);
      callOff();
      options.signal?.removeEventListener("abort", onAbort);
      if (!(answer instanceof Uint8Array)) {
        const known = answer.reason === undefined ? data : { ...data, reason: answer.reason };
        reject(new NetworkError(answer.code, answer.message, known, options.signal?.reason));
      } else if (answer.length > maxResponseBytes) {
        reject(new NetworkError("too-large", "the response is larger than asked for", data));
      } else resolve(answer);
    };
    const giveUp = (answer: Answer): void => {
      settle(answer);
      this.#hub.carry(this.#self, peer, "request", (receiver) => receiver.exchanges.#cancel(this.#self, number));
    };
    const onAbort = (): void => giveUp(failed("aborted", "the caller gave up"));
    const onTimeout = (): void => giveUp(failed("timeout", `no answer in ${options.timeoutMs} ms`));
    const callOff = this.#hub.scheduler.schedule(options.timeoutMs, onTimeout);
    options.signal?.addEventListener("abort", onAbort);
    this.#outgoing.set(number, { peer, protocol, settle });
    const copy = bytes.slice();
    this.#hub.carry(this.#self, peer, "request", (receiver) => {
      void receiver.exchanges.#serve(this.#self, number, protocol, copy);
    });
    return promise;
  }

  onDisconnected(peer: PeerId): void {
    for (const outgoing of [...this.#outgoing.values()]) {
      if (outgoing.peer === peer) outgoing.settle(failed("unreachable", "the connection to the peer broke"));
    }
    for (const running of [...this.#running]) {
      if (running.peer === peer) running.controller.abort(new Error("the requester is gone"));
    }
  }

  stop(): void {
    for (const outgoing of [...this.#outgoing.values()]) outgoing.settle(failed("stopped", "this node stopped"));
  }

  #cancel(peer: PeerId, number: number): void {
    for (const running of this.#running) {
      if (running.peer === peer && running.number === number)
        running.controller.abort(new Error("the requester gave up"));
    }
  }

  async #serve(from: PeerId, number: number, protocol: string, bytes: Uint8Array): Promise<void> {
    const answer = await this.#answer(from, number, protocol, bytes);
    this.#hub.carry(this.#self, from, "response", (receiver) => {
      receiver.exchanges.#outgoing.get(number)?.settle(answer);
    });
  }

  async #answer(from: PeerId, number: number, protocol: string, bytes: Uint8Array): Promise<Answer> {
    const served = this.#served.get(protocol);
    if (served === undefined) return failed("protocol", "the peer does not speak the protocol");
    const { limits, handler } = served;
    if (bytes.length > limits.maxRequestBytes) {
      this.#report(from, "oversized-request", `request of ${bytes.length} bytes to ${protocol}`);
      return failed("too-large", "the request is larger than the peer takes");
    }
    const place = `${from} ${protocol}`;
    const active = this.#active.get(place) ?? 0;
    if (active >= limits.maxConcurrentPerPeer)
      return failed("busy", "the peer has as many requests of ours as it takes");
    this.#active.set(place, active + 1);
    const running = { peer: from, number, controller: new AbortController() };
    this.#running.add(running);
    try {
      const response = await handler(from, bytes, running.controller.signal);
      if (response.length > limits.maxResponseBytes) throw new Error(`response of ${response.length} bytes`);
      return response.slice();
    } catch (error) {
      if (error instanceof RequestRefused) {
        const reason = decodeReason(encodeReason(error.message));
        return { code: "remote-error", message: `the peer refused: ${reason}`, reason };
      }
      if (!running.controller.signal.aborted) this.#emit({ kind: "handler-failed", peer: from, protocol, error });
      return failed("remote-error", "the peer failed to answer");
    } finally {
      this.#running.delete(running);
      countDown(this.#active, place);
    }
  }
}
