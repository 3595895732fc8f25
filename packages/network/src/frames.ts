import { MAX_MESSAGE_BYTES, WRITE_CHUNK_BYTES } from "./limits.ts";

/**
 * Frames of a request/response stream, in both directions:
 *
 *     length  u32 big-endian   bytes of the payload alone
 *     type    u8               one of FRAME
 *     id      u32 big-endian   the request's number on this stream, chosen by the requester, never used twice
 *     payload
 *
 * The requester opens the stream and sends `request` and `cancel` (no payload); the other end sends, for every request,
 * exactly one `response` or `failure` (u8 of FAILURE, then at most MAX_REFUSAL_BYTES of UTF-8), in any order.
 */
export const FRAME = { request: 1, cancel: 2, response: 3, failure: 4 } as const;

/** Why a request has no response: the first byte of a failure's payload. */
export const FAILURE = { busy: 1, tooLarge: 2, refused: 3, failed: 4, cancelled: 5 } as const;

/** Bytes of a frame before its payload. */
export const FRAME_HEADER_BYTES = 9;
/** Request numbers of a stream end before this one; the requester then opens a new stream. */
export const REQUEST_ID_BOUND = 2 ** 32 - 1;

export type FrameHeader = { readonly type: number; readonly id: number; readonly length: number };

/** Thrown while reading what no correct implementation sends: the stream is beyond repair. */
export class ProtocolViolation extends Error {
  constructor(message: string) {
    super(message);
    this.name = "ProtocolViolation";
  }
}

/** The nine bytes before a frame's payload. */
export function encodeFrameHeader({ type, id, length }: FrameHeader): Uint8Array {
  const bytes = new Uint8Array(FRAME_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, length);
  view.setUint8(4, type);
  view.setUint32(5, id);
  return bytes;
}

/** Counts bytes that are held on behalf of peers, up to a bound. */
export class ByteBudget {
  readonly maxBytes: number;
  #heldBytes = 0;
  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }
  get heldBytes(): number {
    return this.#heldBytes;
  }
  /** Takes the bytes, or takes nothing and says false where they would pass the bound. */
  take(sizeBytes: number): boolean {
    if (this.#heldBytes + sizeBytes > this.maxBytes) return false;
    this.#heldBytes += sizeBytes;
    return true;
  }
  give(sizeBytes: number): void {
    this.#heldBytes -= sizeBytes;
  }
}

/** What the reader of a stream's frames decides and gets. Both methods may throw ProtocolViolation. */
export interface FrameSink {
  /** "skip" drops the payload as it comes in, without holding it; `deliver` then gets null. */
  admit(header: FrameHeader): "take" | "skip";
  /**
   * A whole frame. Its payload is null if it was skipped or the budget ran out. `heldBytes` of the budget have become
   * the sink's to give back.
   */
  deliver(header: FrameHeader, payload: Uint8Array | null, heldBytes: number): void;
}

/**
 * Cuts incoming bytes into frames. The header is judged before anything is allocated, and memory grows with what has
 * really come in (at most twice that), not with what the length prefix promises.
 */
export class FrameReader {
  readonly #sink: FrameSink;
  readonly #budget: ByteBudget;
  readonly #header = new Uint8Array(FRAME_HEADER_BYTES);
  #headerFilled = 0;
  #current: FrameHeader | null = null;
  /** null while the payload of the current frame is skipped */
  #payload: Uint8Array | null = null;
  #payloadFilled = 0;

  constructor(sink: FrameSink, budget: ByteBudget) {
    this.#sink = sink;
    this.#budget = budget;
  }

  /** Takes in bytes in the order in which they came. Throws ProtocolViolation. */
  push(bytes: Uint8Array): void {
    let offset = 0;
    while (offset < bytes.length) {
      offset +=
        this.#current === null ? this.#readHeader(bytes.subarray(offset)) : this.#readPayload(bytes.subarray(offset));
    }
  }

  /** Gives back what an unfinished frame holds. */
  close(): void {
    this.#drop();
    this.#current = null;
    this.#headerFilled = 0;
  }

  #readHeader(bytes: Uint8Array): number {
    const taken = Math.min(bytes.length, FRAME_HEADER_BYTES - this.#headerFilled);
    this.#header.set(bytes.subarray(0, taken), this.#headerFilled);
    this.#headerFilled += taken;
    if (this.#headerFilled === FRAME_HEADER_BYTES) this.#begin();
    return taken;
  }

  #begin(): void {
    const view = new DataView(this.#header.buffer);
    const header = { length: view.getUint32(0), type: view.getUint8(4), id: view.getUint32(5) };
    this.#headerFilled = 0;
    if (header.length > MAX_MESSAGE_BYTES) throw new ProtocolViolation(`frame of ${header.length} bytes`);
    const take = this.#sink.admit(header) === "take";
    this.#current = header;
    this.#payload = take ? new Uint8Array(0) : null;
    this.#payloadFilled = 0;
    if (header.length === 0) this.#finish(header);
  }

  #readPayload(bytes: Uint8Array): number {
    const header = this.#current!;
    const taken = Math.min(bytes.length, header.length - this.#payloadFilled);
    this.#reserve(this.#payloadFilled + taken, header.length);
    this.#payload?.set(bytes.subarray(0, taken), this.#payloadFilled);
    this.#payloadFilled += taken;
    if (this.#payloadFilled === header.length) this.#finish(header);
    return taken;
  }

  #reserve(neededBytes: number, frameBytes: number): void {
    if (this.#payload === null || this.#payload.length >= neededBytes) return;
    const size = Math.min(frameBytes, Math.max(WRITE_CHUNK_BYTES, 2 * this.#payload.length, neededBytes));
    if (!this.#budget.take(size - this.#payload.length)) {
      this.#drop();
      return;
    }
    const grown = new Uint8Array(size);
    grown.set(this.#payload.subarray(0, this.#payloadFilled));
    this.#payload = grown;
  }

  #drop(): void {
    if (this.#payload !== null) this.#budget.give(this.#payload.length);
    this.#payload = null;
  }

  #finish(header: FrameHeader): void {
    const payload = this.#payload;
    this.#current = null;
    this.#payload = null;
    this.#sink.deliver(header, payload, payload?.length ?? 0);
  }
}
