/**
 * Client-side encryption of confidential objects: XChaCha20-Poly1305 in segments, after the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015).
 * The nonce of a segment is the object's random prefix (19 bytes), the segment's number (4, big endian) and 1 for the last segment, 0 for others. So a
 * segment opens at its place in its object only, and only the end is the end. No byte of a segment is given out before its tag was right.
 */
import { randomBytes } from "node:crypto";
import type { Hash } from "@mvm/protocol";
import { ByteQueue } from "./byteQueue.ts";
import { ConfidentialError, type ConfidentialErrorCode } from "./errors.ts";
import {
  DEFAULT_SEGMENT_BYTES,
  decodeHeader,
  encodeHeader,
  HEADER_BYTES,
  MAX_SEGMENTS,
  NONCE_PREFIX_BYTES,
  type SealedHeader,
} from "./sealedHeader.ts";
import { TAG_BYTES, XChaCha } from "./xchacha.ts";

const NONCE_HEAD_BYTES = 16;

export type SealOptions = {
  /** 32 bytes, see objectKey. Secret */
  readonly key: Uint8Array;
  readonly objectId: Hash;
  /** a power of two from 64 KiB to 1 MiB */
  readonly segmentBytes?: number;
  /** bytes that the source has; kept in the header, and sealing fails where it is wrong */
  readonly lengthBytes?: number;
  /** 19 bytes, never twice with a key; random by default. For vectors */
  readonly noncePrefix?: Uint8Array;
  readonly signal?: AbortSignal;
};

export type OpenOptions = {
  /** 32 bytes, see objectKey. Secret */
  readonly key: Uint8Array;
  readonly objectId: Hash;
  /** Goes on within an object: its header, and the segment (from 0) whose first byte is the source's first. */
  readonly resume?: { readonly header: SealedHeader; readonly segment: number };
  readonly signal?: AbortSignal;
};

/** The cipher of one object's segments. */
class Segments {
  readonly #cipher: XChaCha;
  readonly #tail: Uint8Array;
  readonly #associated: Uint8Array;

  constructor(key: Uint8Array, header: SealedHeader) {
    this.#cipher = new XChaCha(key, header.noncePrefix.subarray(0, NONCE_HEAD_BYTES));
    this.#tail = header.noncePrefix.subarray(NONCE_HEAD_BYTES);
    this.#associated = encodeHeader(header);
  }

  #nonceTail(segment: number, isLast: boolean): Uint8Array {
    const tail = new Uint8Array(8);
    tail.set(this.#tail);
    new DataView(tail.buffer).setUint32(this.#tail.length, segment);
    tail[7] = isLast ? 1 : 0;
    return tail;
  }

  seal(segment: number, isLast: boolean, plaintext: Uint8Array): readonly [Uint8Array, Uint8Array] {
    return this.#cipher.seal(this.#nonceTail(segment, isLast), this.#associated, plaintext);
  }

  open(segment: number, isLast: boolean, sealed: Uint8Array): Uint8Array {
    const plaintext = this.#cipher.open(this.#nonceTail(segment, isLast), this.#associated, sealed);
    if (plaintext !== null) return plaintext;
    const isOther = this.#cipher.open(this.#nonceTail(segment, !isLast), this.#associated, sealed) !== null;
    if (!isOther) throw failure("object-damaged", "a segment is not what was sealed", segment);
    throw isLast
      ? failure("object-truncated", "the object goes on after what is here", segment)
      : failure("object-extended", "something follows the object's end", segment);
  }
}

const failure = (code: ConfidentialErrorCode, message: string, segment: number): ConfidentialError =>
  new ConfidentialError(code, message, { segment });

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new ConfidentialError("aborted", "given up by the caller", {}, signal.reason);
}

/**
 * Seals a stream: the header, then ciphertext and tag of segment after segment, whatever the chunks of the source are. Holds at most a segment and what the source gives at a time.
 * @throws ConfidentialError "plaintext-length", "too-large", "aborted"; RangeError on sizes that the format does not have
 */
export async function* sealStream(source: AsyncIterable<Uint8Array>, options: SealOptions): AsyncGenerator<Uint8Array> {
  const { key, objectId, segmentBytes = DEFAULT_SEGMENT_BYTES, lengthBytes = null, signal } = options;
  const noncePrefix = options.noncePrefix ?? new Uint8Array(randomBytes(NONCE_PREFIX_BYTES));
  const header = { objectId, segmentBytes, noncePrefix, lengthBytes };
  const segments = new Segments(key, header);
  const queue = new ByteQueue(source);
  try {
    yield encodeHeader(header);
    let total = 0;
    for (let segment = 0; ; segment++) {
      throwIfAborted(signal);
      if (segment === MAX_SEGMENTS) throw failure("too-large", "an object has 2^32 segments at most", segment);
      // one byte more tells whether this is the last one
      const isLast = (await queue.fill(segmentBytes + 1)) <= segmentBytes;
      const plaintext = await queue.take(segmentBytes);
      total += plaintext.length;
      if (lengthBytes !== null && (isLast ? total !== lengthBytes : total >= lengthBytes)) {
        throw new ConfidentialError(
          "plaintext-length",
          `the source has not the ${lengthBytes} bytes that it was to have`,
        );
      }
      yield* segments.seal(segment, isLast, plaintext);
      if (isLast) return;
    }
  } finally {
    await queue.close();
  }
}

/** Reads the header from the start of a sealed object. @throws ConfidentialError as decodeHeader */
async function takeHeader(queue: ByteQueue, objectId: Hash): Promise<SealedHeader> {
  const header = decodeHeader(await queue.take(HEADER_BYTES));
  if (header.objectId !== objectId) throw new ConfidentialError("object-damaged", "this is another object");
  return header;
}

/** Bytes of plaintext that a header's length leaves for a segment and all after it; null where it has none. */
function expectedFrom({ lengthBytes, segmentBytes }: SealedHeader, segment: number): number | null {
  if (lengthBytes === null) return null;
  const expected = lengthBytes - segment * segmentBytes;
  if (expected <= 0 && segment > 0) throw failure("object-truncated", "the object has no such segment", segment);
  return expected;
}

/**
 * Opens a sealed stream: a verified segment of plaintext at a time, in order. Holds at most a sealed segment, its plaintext, and what the source gives at a time.
 * @throws ConfidentialError "object-damaged", "object-truncated", "object-extended", "object-unknown-version", "aborted"; what was given out before is right, but not all
 */
export async function* openStream(source: AsyncIterable<Uint8Array>, options: OpenOptions): AsyncGenerator<Uint8Array> {
  const queue = new ByteQueue(source);
  try {
    const header = options.resume?.header ?? (await takeHeader(queue, options.objectId));
    if (header.objectId !== options.objectId) throw new ConfidentialError("object-damaged", "this is another object");
    const segments = new Segments(options.key, header);
    const sealedBytes = header.segmentBytes + TAG_BYTES;
    const first = options.resume?.segment ?? 0;
    let left = expectedFrom(header, first);
    for (let segment = first; segment < MAX_SEGMENTS; segment++) {
      throwIfAborted(options.signal);
      const held = await queue.fill(sealedBytes + 1);
      const isLast = held <= sealedBytes;
      const isShort = left !== null && held < Math.min(left, header.segmentBytes) + TAG_BYTES;
      if (isShort || held < TAG_BYTES) throw failure("object-truncated", "the object ends too early", segment);
      const plaintext = segments.open(segment, isLast, await queue.take(sealedBytes));
      if (left !== null) left -= plaintext.length;
      if (isLast && left !== null && left !== 0) throw failure("object-damaged", "its length is another", segment);
      yield plaintext;
      if (isLast) return;
    }
    throw failure("object-extended", "an object has 2^32 segments at most", MAX_SEGMENTS);
  } finally {
    await queue.close();
  }
}

/** The header of a sealed object, which a download that resumes later has to keep. Reads no further than that. */
export async function readHeader(source: AsyncIterable<Uint8Array>, objectId: Hash): Promise<SealedHeader> {
  const queue = new ByteQueue(source);
  try {
    return await takeHeader(queue, objectId);
  } finally {
    await queue.close();
  }
}
