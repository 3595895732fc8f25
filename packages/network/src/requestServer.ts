import type { Stream } from "@libp2p/interface";
import type { PeerId } from "@mvm/protocol";
import { encodeReason, RequestRefused } from "./errors.ts";
import { type ByteBudget, FAILURE, FRAME, type FrameHeader, FrameReader, ProtocolViolation } from "./frames.ts";
import { MAX_QUEUED_ANSWERS } from "./limits.ts";
import { MessageStream } from "./messageStream.ts";
import type { HandlerLimits, RequestHandler } from "./network.ts";

/** What the server tells its owner. */
export type ServerCallbacks = {
  readonly violation: (peer: PeerId, why: string) => void;
  readonly oversized: (peer: PeerId, why: string) => void;
  readonly failed: (peer: PeerId, protocol: string, error: unknown) => void;
};

/** The failure frame's payload. */
function encodeFailure(code: number, reason = ""): Uint8Array {
  const text = encodeReason(reason);
  const bytes = new Uint8Array(1 + text.length);
  bytes[0] = code;
  bytes.set(text, 1);
  return bytes;
}

/** Answers the requests of one protocol, from all peers. */
export class RequestServer {
  readonly protocol: string;
  readonly limits: HandlerLimits;
  readonly handler: RequestHandler;
  readonly budget: ByteBudget;
  readonly callbacks: ServerCallbacks;
  /** requests that are being worked on or read in, by peer */
  readonly #active = new Map<PeerId, number>();
  readonly #streams = new Set<AnswerStream>();

  constructor(options: {
    protocol: string;
    limits: HandlerLimits;
    handler: RequestHandler;
    /** shared by all protocols of a node */
    budget: ByteBudget;
    callbacks: ServerCallbacks;
  }) {
    this.protocol = options.protocol;
    this.limits = options.limits;
    this.handler = options.handler;
    this.budget = options.budget;
    this.callbacks = options.callbacks;
  }

  /** Serves a stream that a peer has opened. */
  accept(peer: PeerId, stream: Stream): void {
    const answers = new AnswerStream(this, peer, stream, () => this.#streams.delete(answers));
    if (!answers.closed) this.#streams.add(answers);
  }

  /** Takes one of the peer's places, or says false if it has used them all. */
  enter(peer: PeerId): boolean {
    const active = this.#active.get(peer) ?? 0;
    if (active >= this.limits.maxConcurrentPerPeer) return false;
    this.#active.set(peer, active + 1);
    return true;
  }

  leave(peer: PeerId): void {
    const active = (this.#active.get(peer) ?? 0) - 1;
    if (active > 0) this.#active.set(peer, active);
    else this.#active.delete(peer);
  }

  stop(): void {
    for (const stream of [...this.#streams]) stream.abort(new Error("this node is stopping"));
  }
}

/** The answering end of one stream. Every request gets exactly one answer, unless the stream ends. */
class AnswerStream {
  readonly #server: RequestServer;
  readonly #peer: PeerId;
  readonly #messages: MessageStream;
  /** requests handed to the handler; a cancelled one has its answer already */
  readonly #running = new Map<number, AbortController>();
  /** the request whose payload is coming in and that holds a place */
  #entering: number | null = null;
  #skipped: number = FAILURE.busy;

  constructor(server: RequestServer, peer: PeerId, stream: Stream, onClosed: () => void) {
    this.#server = server;
    this.#peer = peer;
    const reader = new FrameReader({ admit: this.#admit, deliver: this.#deliver }, server.budget);
    this.#messages = new MessageStream(stream, reader, {
      onViolation: (cause) => server.callbacks.violation(peer, cause instanceof Error ? cause.message : String(cause)),
      onWritten: () => {
        if (this.#messages.queuedFrames <= MAX_QUEUED_ANSWERS / 2) this.#messages.resume();
      },
      onClosed: () => {
        if (this.#entering !== null) server.leave(peer);
        this.#entering = null;
        for (const controller of this.#running.values()) controller.abort(new Error("the requester is gone"));
        this.#running.clear();
        onClosed();
      },
    });
  }

  get closed(): boolean {
    return this.#messages.closed;
  }

  abort(cause: Error): void {
    this.#messages.abort(cause);
  }

  readonly #admit = ({ type, id, length }: FrameHeader): "take" | "skip" => {
    if (type === FRAME.cancel) {
      if (length !== 0) throw new ProtocolViolation("cancel frame with a payload");
      return "take";
    }
    if (type !== FRAME.request) throw new ProtocolViolation(`frame of type ${type} as a request`);
    if (this.#running.has(id)) throw new ProtocolViolation(`request ${id} twice`);
    if (length > this.#server.limits.maxRequestBytes) {
      this.#skipped = FAILURE.tooLarge;
      this.#server.callbacks.oversized(this.#peer, `request of ${length} bytes to ${this.#server.protocol}`);
      return "skip";
    }
    this.#skipped = FAILURE.busy;
    if (!this.#server.enter(this.#peer)) return "skip";
    this.#entering = id;
    return "take";
  };

  readonly #deliver = ({ type, id }: FrameHeader, payload: Uint8Array | null, heldBytes: number): void => {
    if (type === FRAME.cancel) {
      this.#cancel(id);
      return;
    }
    const entered = this.#entering !== null;
    this.#entering = null;
    if (payload !== null) {
      void this.#work(id, payload, heldBytes);
      return;
    }
    if (entered) this.#server.leave(this.#peer);
    this.#answer(FRAME.failure, id, encodeFailure(this.#skipped));
  };

  #cancel(id: number): void {
    const controller = this.#running.get(id);
    if (controller === undefined) return;
    this.#running.delete(id);
    this.#answer(FRAME.failure, id, encodeFailure(FAILURE.cancelled));
    controller.abort(new Error("the requester gave up"));
  }

  async #work(id: number, bytes: Uint8Array, heldBytes: number): Promise<void> {
    const server = this.#server;
    const controller = new AbortController();
    this.#running.set(id, controller);
    let answer: { type: number; payload: Uint8Array };
    try {
      const response = await server.handler(this.#peer, bytes, controller.signal);
      if (response.length > server.limits.maxResponseBytes) throw new Error(`response of ${response.length} bytes`);
      answer = { type: FRAME.response, payload: response };
    } catch (error) {
      const refused = error instanceof RequestRefused;
      answer = {
        type: FRAME.failure,
        payload: refused ? encodeFailure(FAILURE.refused, error.message) : encodeFailure(FAILURE.failed),
      };
      if (!refused && !controller.signal.aborted) server.callbacks.failed(this.#peer, server.protocol, error);
    } finally {
      server.budget.give(heldBytes);
      server.leave(this.#peer);
    }
    if (this.#running.get(id) !== controller) return;
    this.#running.delete(id);
    this.#answer(answer.type, id, answer.payload);
  }

  /** Queues an answer; a peer that asks faster than it reads is not read from until its answers have gone out. */
  #answer(type: number, id: number, payload: Uint8Array): void {
    this.#messages.write(type, id, payload);
    if (this.#messages.queuedFrames > MAX_QUEUED_ANSWERS) this.#messages.pause();
  }
}
