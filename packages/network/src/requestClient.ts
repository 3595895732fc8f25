import type { Stream } from "@libp2p/interface";
import type { PeerId } from "@mvm/protocol";
import { decodeReason, NetworkError, type NetworkErrorData } from "./errors.ts";
import {
  ByteBudget,
  FAILURE,
  FRAME,
  type FrameHeader,
  FrameReader,
  ProtocolViolation,
  REQUEST_ID_BOUND,
} from "./frames.ts";
import { MAX_ABANDONED_REQUESTS, MAX_MESSAGE_BYTES, MAX_PENDING_REQUESTS, MAX_REFUSAL_BYTES } from "./limits.ts";
import { MessageStream } from "./messageStream.ts";
import type { RequestOptions } from "./network.ts";

type Pending = {
  readonly maxResponseBytes: number;
  readonly settle: (answer: Uint8Array | NetworkError) => void;
};

type Link = { readonly peer: PeerId; readonly protocol: string };

const NOTHING = new Uint8Array(0);

/** The error that a failure frame stands for. */
function failureOf(payload: Uint8Array, where: NetworkErrorData): NetworkError {
  const reason = decodeReason(payload.subarray(1));
  switch (payload[0]) {
    case FAILURE.busy:
      return new NetworkError("busy", "the peer has as many requests of ours as it takes", where);
    case FAILURE.tooLarge:
      return new NetworkError("too-large", "the request is larger than the peer takes", where);
    case FAILURE.refused:
      return new NetworkError("remote-error", `the peer refused: ${reason}`, { ...where, reason });
    case FAILURE.failed:
      return new NetworkError("remote-error", "the peer failed to answer", where);
    case FAILURE.cancelled:
      return new NetworkError("remote-error", "the peer took the request as cancelled", where);
    default:
      throw new ProtocolViolation(`unknown failure ${payload[0]}`);
  }
}

/** The requester's end of one stream: many requests under way, each waiting for its one answer. */
class RequestStream {
  readonly #link: Link;
  readonly #messages: MessageStream;
  readonly #pending = new Map<number, Pending>();
  readonly #abandoned = new Set<number>();
  #nextId = 0;

  constructor(stream: Stream, link: Link, onClosed: (self: RequestStream) => void, onViolation: (why: string) => void) {
    this.#link = link;
    const sink = { admit: this.#admit, deliver: this.#deliver };
    // an answer is bounded by who asked for it, so there is no budget over all of them
    const reader = new FrameReader(sink, new ByteBudget(Number.POSITIVE_INFINITY));
    this.#messages = new MessageStream(stream, reader, {
      onViolation: (cause) => onViolation(cause instanceof Error ? cause.message : String(cause)),
      onClosed: (cause) => {
        const error = new NetworkError("unreachable", "the stream to the peer broke", this.#link, cause);
        for (const { settle } of this.#pending.values()) settle(error);
        this.#pending.clear();
        onClosed(this);
      },
    });
  }

  get closed(): boolean {
    return this.#messages.closed;
  }

  /** Sends a request; calls `settle` exactly once unless `abandon` comes first. Returns the request's number. */
  send(bytes: Uint8Array, pending: Pending): number {
    const id = this.#nextId++;
    this.#pending.set(id, pending);
    this.#messages.write(FRAME.request, id, bytes);
    return id;
  }

  /** Tells the peer that the answer is not wanted any more. */
  abandon(id: number): void {
    if (!this.#pending.delete(id)) return;
    this.#abandoned.add(id);
    this.#messages.write(FRAME.cancel, id, NOTHING);
    if (this.#abandoned.size > MAX_ABANDONED_REQUESTS) this.abort(new Error("the peer owes too many answers"));
  }

  get exhausted(): boolean {
    return this.#nextId >= REQUEST_ID_BOUND;
  }

  abort(cause: Error): void {
    this.#messages.abort(cause);
  }

  readonly #admit = ({ type, id, length }: FrameHeader): "take" | "skip" => {
    if (type !== FRAME.response && type !== FRAME.failure)
      throw new ProtocolViolation(`frame of type ${type} as an answer`);
    if (type === FRAME.failure && (length < 1 || length > 1 + MAX_REFUSAL_BYTES)) {
      throw new ProtocolViolation(`failure of ${length} bytes`);
    }
    const pending = this.#pending.get(id);
    if (pending !== undefined) return type === FRAME.failure || length <= pending.maxResponseBytes ? "take" : "skip";
    if (this.#abandoned.has(id)) return "skip";
    throw new ProtocolViolation(`answer to request ${id}, which is not open`);
  };

  readonly #deliver = ({ type, id, length }: FrameHeader, payload: Uint8Array | null): void => {
    this.#abandoned.delete(id);
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    let answer: Uint8Array | NetworkError;
    if (payload === null) {
      const data = { ...this.#link, sizeBytes: length, maxBytes: pending.maxResponseBytes };
      answer = new NetworkError("too-large", "the response is larger than asked for", data);
    } else {
      answer = type === FRAME.response ? payload : failureOf(payload, this.#link);
    }
    this.#pending.delete(id);
    pending.settle(answer);
  };
}

/** Opens a stream; rejects with NetworkError "unreachable" or "protocol". */
export type StreamOpener = (peer: PeerId, protocol: string, signal: AbortSignal) => Promise<Stream>;

type Lane = {
  readonly link: Link;
  /** requests under way, those that wait for the stream included */
  count: number;
  /** the open stream, or the attempt to open one */
  stream: RequestStream | null;
  opening: Promise<RequestStream> | null;
};

/** Sends requests over one long-lived stream for each peer and protocol, opened when needed and again after it broke. */
export class RequestClient {
  readonly #open: StreamOpener;
  readonly #onViolation: (peer: PeerId, why: string) => void;
  readonly #openTimeoutMs: number;
  readonly #lanes = new Map<string, Lane>();
  readonly #waiting = new Set<(answer: NetworkError) => void>();
  readonly #stopping = new AbortController();

  constructor(options: {
    open: StreamOpener;
    openTimeoutMs: number;
    onViolation: (peer: PeerId, why: string) => void;
  }) {
    this.#open = options.open;
    this.#openTimeoutMs = options.openTimeoutMs;
    this.#onViolation = options.onViolation;
  }

  /** See Network.request. */
  request(peer: PeerId, protocol: string, bytes: Uint8Array, options: RequestOptions): Promise<Uint8Array> {
    const link = { peer, protocol };
    if (this.#stopping.signal.aborted) return Promise.reject(new NetworkError("stopped", "this node is stopped", link));
    if (options.signal?.aborted) return Promise.reject(abortedBy(options.signal, link));
    if (bytes.length > MAX_MESSAGE_BYTES) {
      const data = { ...link, sizeBytes: bytes.length, maxBytes: MAX_MESSAGE_BYTES };
      return Promise.reject(new NetworkError("too-large", "the request is above the bound of all requests", data));
    }
    const lane = this.#lane(link);
    if (lane.count >= MAX_PENDING_REQUESTS) {
      return Promise.reject(new NetworkError("busy", "too many requests of ours wait for the peer", link));
    }
    return this.#run(lane, bytes, options);
  }

  /** Fails what is under way with "stopped" and closes the streams. */
  stop(): void {
    this.#stopping.abort();
    for (const settle of [...this.#waiting]) settle(new NetworkError("stopped", "this node stopped"));
    for (const { stream } of this.#lanes.values()) stream?.abort(new Error("this node is stopping"));
  }

  #lane(link: Link): Lane {
    const key = `${link.peer} ${link.protocol}`;
    const known = this.#lanes.get(key);
    if (known !== undefined) return known;
    const lane: Lane = { link, count: 0, stream: null, opening: null };
    this.#lanes.set(key, lane);
    return lane;
  }

  /** A lane is kept only while it has a stream or somebody who waits. */
  #forgetIdle(lane: Lane): void {
    const key = `${lane.link.peer} ${lane.link.protocol}`;
    if (lane.count === 0 && lane.stream === null && lane.opening === null) this.#lanes.delete(key);
  }

  #run(lane: Lane, bytes: Uint8Array, options: RequestOptions): Promise<Uint8Array> {
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    let giveUp = (): void => {};
    let done = false;
    const settle = (answer: Uint8Array | NetworkError): void => {
      if (done) return;
      done = true;
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", onAbort);
      this.#waiting.delete(settle);
      lane.count--;
      giveUp();
      this.#forgetIdle(lane);
      if (answer instanceof NetworkError) reject(answer);
      else resolve(answer);
    };
    const onAbort = (): void => settle(abortedBy(options.signal!, lane.link));
    const onTimeout = (): void =>
      settle(new NetworkError("timeout", `no answer in ${options.timeoutMs} ms`, lane.link));
    const timer = setTimeout(onTimeout, options.timeoutMs);
    options.signal?.addEventListener("abort", onAbort);
    this.#waiting.add(settle);
    lane.count++;
    const send = (stream: RequestStream): void => {
      if (done) return;
      if (stream.closed) {
        settle(new NetworkError("unreachable", "the stream to the peer broke", lane.link));
        return;
      }
      const maxResponseBytes = Math.min(options.maxResponseBytes ?? MAX_MESSAGE_BYTES, MAX_MESSAGE_BYTES);
      const id = stream.send(bytes, { maxResponseBytes, settle });
      giveUp = () => stream.abandon(id);
    };
    if (lane.stream !== null && !lane.stream.closed && !lane.stream.exhausted) send(lane.stream);
    else this.#opened(lane).then(send, settle);
    return promise;
  }

  #opened(lane: Lane): Promise<RequestStream> {
    lane.opening ??= this.#openStream(lane).finally(() => {
      lane.opening = null;
      this.#forgetIdle(lane);
    });
    return lane.opening;
  }

  async #openStream(lane: Lane): Promise<RequestStream> {
    const { peer, protocol } = lane.link;
    const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(this.#openTimeoutMs)]);
    const raw = await this.#open(peer, protocol, signal);
    const stream = new RequestStream(
      raw,
      lane.link,
      (closed) => {
        if (lane.stream === closed) lane.stream = null;
        this.#forgetIdle(lane);
      },
      (why) => this.#onViolation(peer, why),
    );
    if (this.#stopping.signal.aborted) stream.abort(new Error("this node is stopping"));
    if (stream.closed) throw new NetworkError("unreachable", "the stream to the peer closed at once", lane.link);
    lane.stream = stream;
    return stream;
  }
}

function abortedBy(signal: AbortSignal, link: Link): NetworkError {
  return new NetworkError("aborted", "the caller gave up", link, signal.reason);
}
