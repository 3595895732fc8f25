/** Reading the body of a request within bounds. */
import type { IncomingMessage } from "node:http";

/** bytes of a body that is too large which are still read, so that the client sees the answer instead of a reset */
const DRAINED_BYTES = 16 * 1024 * 1024;

/** Bytes of bodies that are being held, over all connections. */
export class BodyBudget {
  readonly #maxBytes: number;
  #heldBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Whether there was room, which then is taken. */
  take(bytes: number): boolean {
    if (this.#heldBytes + bytes > this.#maxBytes) return false;
    this.#heldBytes += bytes;
    return true;
  }

  release(bytes: number): void {
    this.#heldBytes -= bytes;
  }
}

export type Body =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "not-text" }
  | { readonly kind: "too-large" }
  | { readonly kind: "no-room" };

const utf8 = new TextDecoder("utf-8", { fatal: true });

function decodeBody(chunks: readonly Uint8Array[]): Body {
  try {
    return { kind: "text", text: utf8.decode(Buffer.concat(chunks)) };
  } catch {
    // The decoder's only way of saying that the bytes are no UTF-8.
    return { kind: "not-text" };
  }
}

/**
 * Reads a request's body of at most `maxBytes`. Rejects where the client breaks off or sends far too much, in which
 * case there is nobody left to answer.
 */
export async function readBody(request: IncomingMessage, maxBytes: number, budget: BodyBudget): Promise<Body> {
  const chunks: Uint8Array[] = [];
  let held = 0;
  let dropped = 0;
  let refused: Body | null = null;
  try {
    for await (const chunk of request as AsyncIterable<Uint8Array>) {
      const size = chunk.length;
      if (refused === null && held + size > maxBytes) refused = { kind: "too-large" };
      if (refused === null && !budget.take(size)) refused = { kind: "no-room" };
      if (refused === null) {
        chunks.push(chunk);
        held += size;
        continue;
      }
      chunks.length = 0;
      dropped += size;
      if (dropped > DRAINED_BYTES) throw new RangeError(`a body of far more than ${maxBytes} bytes`);
    }
    return refused ?? decodeBody(chunks);
  } finally {
    budget.release(held);
  }
}
