import type { Stream, StreamCloseEvent, StreamMessageEvent } from "@libp2p/interface";
import { concatBytes } from "@mvm/protocol";
import { encodeFrameHeader, FRAME_HEADER_BYTES, type FrameHeader, type FrameReader } from "./frames.ts";
import { WRITE_CHUNK_BYTES } from "./limits.ts";

type QueuedFrame = { readonly header: Omit<FrameHeader, "length">; readonly payload: Uint8Array };

/**
 * One libp2p stream as a sequence of whole frames: reads them through a FrameReader, and writes them one after the
 * other with back-pressure. Owns the stream.
 */
export class MessageStream {
  readonly #stream: Stream;
  readonly #reader: FrameReader;
  readonly #queue: QueuedFrame[] = [];
  readonly #onClosed: (cause: Error | undefined) => void;
  readonly #onViolation: (cause: unknown) => void;
  readonly #onWritten: () => void;
  #writing = false;
  #closed = false;

  constructor(
    stream: Stream,
    reader: FrameReader,
    callbacks: {
      /** once, when the stream has ended for whatever reason */
      onClosed: (cause: Error | undefined) => void;
      /** the reader threw; the stream is aborted after it */
      onViolation: (cause: unknown) => void;
      /** frames have left the queue */
      onWritten?: () => void;
    },
  ) {
    this.#stream = stream;
    this.#reader = reader;
    this.#onClosed = callbacks.onClosed;
    this.#onViolation = callbacks.onViolation;
    this.#onWritten = callbacks.onWritten ?? (() => {});
    stream.addEventListener("close", this.#close);
    stream.addEventListener("remoteCloseWrite", this.#ended);
    stream.addEventListener("message", this.#read);
    // never within the constructor: the owner is not ready for it
    if (stream.status !== "open") queueMicrotask(() => this.#finish(undefined));
  }

  get queuedFrames(): number {
    return this.#queue.length;
  }

  get closed(): boolean {
    return this.#closed || this.#stream.status !== "open";
  }

  /** Queues a frame; the caller bounds how many it has under way. Does nothing on a closed stream. */
  write(type: number, id: number, payload: Uint8Array): void {
    if (this.closed) return;
    this.#queue.push({ header: { type, id }, payload });
    if (!this.#writing) void this.#drainQueue();
  }

  /** Stops reading until `resume`; the peer's sending stalls as its window fills. */
  pause(): void {
    if (!this.#closed && this.#stream.readStatus === "readable") this.#stream.pause();
  }

  resume(): void {
    if (!this.#closed && this.#stream.readStatus === "paused") this.#stream.resume();
  }

  /** Ends the stream at once; what is queued is lost. */
  abort(cause: Error): void {
    this.#stream.abort(cause);
    this.#finish(cause);
  }

  readonly #read = (event: StreamMessageEvent): void => {
    if (this.#closed) return;
    const pieces = event.data instanceof Uint8Array ? [event.data] : event.data;
    try {
      for (const piece of pieces) this.#reader.push(piece);
    } catch (cause) {
      this.#onViolation(cause);
      this.abort(cause instanceof Error ? cause : new Error(String(cause)));
    }
  };

  readonly #close = (event: StreamCloseEvent): void => this.#finish(event.error);

  // neither end of our protocol half-closes: who stops writing is gone
  readonly #ended = (): void => this.abort(new Error("the peer closed the stream"));

  #finish(cause: Error | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stream.removeEventListener("close", this.#close);
    this.#stream.removeEventListener("remoteCloseWrite", this.#ended);
    this.#stream.removeEventListener("message", this.#read);
    this.#queue.length = 0;
    this.#reader.close();
    this.#onClosed(cause);
  }

  async #drainQueue(): Promise<void> {
    this.#writing = true;
    try {
      while (this.#queue.length > 0 && !this.#closed) {
        await this.#writeNext();
        this.#onWritten();
      }
    } catch (cause) {
      this.abort(cause instanceof Error ? cause : new Error(String(cause)));
    } finally {
      this.#writing = false;
    }
  }

  /** Writes as many whole frames as fit one chunk, or one large frame in many. */
  async #writeNext(): Promise<void> {
    const parts: Uint8Array[] = [];
    let sizeBytes = 0;
    let large: Uint8Array = new Uint8Array(0);
    while (this.#queue.length > 0 && sizeBytes < WRITE_CHUNK_BYTES && large.length === 0) {
      const { header, payload } = this.#queue.shift()!;
      const first = payload.subarray(0, WRITE_CHUNK_BYTES);
      large = payload.subarray(first.length);
      parts.push(encodeFrameHeader({ ...header, length: payload.length }), first);
      sizeBytes += FRAME_HEADER_BYTES + first.length;
    }
    this.#stream.send(concatBytes(...parts));
    await this.#writable();
    for (let offset = 0; offset < large.length && !this.#closed; offset += WRITE_CHUNK_BYTES) {
      this.#stream.send(large.subarray(offset, offset + WRITE_CHUNK_BYTES));
      await this.#writable();
    }
  }

  /**
   * Waits until the stream takes more. The stream's own onDrain answers only its first wait truly (its promise is not
   * renewed), hence the event.
   */
  async #writable(): Promise<void> {
    while (!this.#closed && this.#stream.writableNeedsDrain) {
      await new Promise<void>((resolve) => {
        const done = (): void => {
          this.#stream.removeEventListener("drain", done);
          this.#stream.removeEventListener("close", done);
          resolve();
        };
        this.#stream.addEventListener("drain", done);
        this.#stream.addEventListener("close", done);
      });
    }
  }
}
