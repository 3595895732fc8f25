/** Streams of bytes for tests. */
import { toHex } from "@mvm/protocol";

/** The bytes in chunks that end at the given places (in any order, within the bytes or not). */
export async function* chunked(bytes: Uint8Array, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (const cut of [...cuts, bytes.length].toSorted((left, right) => left - right)) {
    const end = Math.max(at, Math.min(cut, bytes.length));
    yield bytes.subarray(at, end);
    at = end;
  }
}

export async function collected(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return new Uint8Array(Buffer.concat(chunks));
}

export async function listed<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

/** Bytes that follow from a number, none of which repeat in any pattern that matters (xorshift). */
export function madeBytes(sizeBytes: number, seed: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(sizeBytes / 4));
  let state = (seed + 1) * 0x9e3779b1;
  for (let at = 0; at < words.length; at++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[at] = state;
  }
  return new Uint8Array(words.buffer, 0, sizeBytes);
}

/** Equality without printing megabytes where it fails. */
export const same = (left: Uint8Array, right: Uint8Array): boolean => Buffer.compare(left, right) === 0;

export const textOf = (bytes: Uint8Array): string => toHex(bytes).slice(2);
