/** RLP (Ethereum yellow paper, appendix B): an encoder, and a strict cursor that never allocates for what it skips. */
import { joinBytes } from "./hex.ts";

/** A byte string, or a list of such. */
export type RlpInput = Uint8Array | readonly RlpInput[];

/** An item that is encoded already. */
export class EncodedRlp {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}

/** What can be encoded: byte strings, items that are encoded already, lists of such. */
export type RlpPart = Uint8Array | EncodedRlp | readonly RlpPart[];

export class RlpError extends Error {
  readonly code:
    | "overrun"
    | "not-canonical"
    | "expected-string"
    | "expected-list"
    | "leftover"
    | "too-long"
    | "too-many";
  constructor(code: RlpError["code"], message: string) {
    super(message);
    this.name = "RlpError";
    this.code = code;
  }
}

function lengthBytes(length: number): number[] {
  const out: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) out.unshift(rest % 256);
  return out;
}

const NOTHING = new Uint8Array(0);

/** Header that stands before a payload of `length` bytes; `offset` is 0x80 for strings, 0xc0 for lists. */
function header(length: number, offset: 0x80 | 0xc0): Uint8Array {
  if (length < 56) return Uint8Array.of(offset + length);
  const size = lengthBytes(length);
  return Uint8Array.of(offset + 55 + size.length, ...size);
}

function collect(input: RlpPart, parts: Uint8Array[]): number {
  if (input instanceof Uint8Array) {
    if (input.length === 1 && input[0]! < 0x80) {
      parts.push(input);
      return 1;
    }
    const head = header(input.length, 0x80);
    parts.push(head, input);
    return head.length + input.length;
  }
  if (input instanceof EncodedRlp) {
    parts.push(input.bytes);
    return input.bytes.length;
  }
  const at = parts.length;
  parts.push(NOTHING);
  let size = 0;
  for (const item of input) size += collect(item, parts);
  const head = header(size, 0xc0);
  parts[at] = head;
  return head.length + size;
}

/** Encodes a byte string or nested list. */
export function encodeRlp(input: RlpPart): Uint8Array {
  if (input instanceof EncodedRlp) return input.bytes;
  const parts: Uint8Array[] = [];
  collect(input, parts);
  return joinBytes(parts);
}

/** A list that holds items which are already encoded. */
export function encodeRlpList(encodedItems: readonly Uint8Array[]): Uint8Array {
  let size = 0;
  for (const item of encodedItems) size += item.length;
  return joinBytes([header(size, 0xc0), ...encodedItems]);
}

/** Reads items one after the other from a range of bytes; every deviation from canonical RLP throws RlpError. */
export class RlpCursor {
  readonly #bytes: Uint8Array;
  #at: number;
  readonly #end: number;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  get done(): boolean {
    return this.#at === this.#end;
  }

  /** True when the next item is a list. */
  get nextIsList(): boolean {
    return this.#byte(this.#at) >= 0xc0;
  }

  #byte(at: number): number {
    if (at >= this.#end) throw new RlpError("overrun", "data ends within an item");
    return this.#bytes[at]!;
  }

  /** Payload range of the next item, canonical form checked; moves past it. */
  #next(): { isList: boolean; start: number; end: number; first: number } {
    const first = this.#at;
    const prefix = this.#byte(first);
    if (prefix < 0x80) {
      this.#at = first + 1;
      return { isList: false, start: first, end: first + 1, first };
    }
    const isList = prefix >= 0xc0;
    const short = prefix - (isList ? 0xc0 : 0x80);
    let start = first + 1;
    let length = short;
    if (short > 55) {
      const sizeLength = short - 55;
      if (sizeLength > 4) throw new RlpError("too-long", "length of more than 4 bytes");
      if (this.#byte(start) === 0) throw new RlpError("not-canonical", "length with a leading zero");
      length = 0;
      for (let i = 0; i < sizeLength; i++) length = length * 256 + this.#byte(start + i);
      if (length < 56) throw new RlpError("not-canonical", "long form for a short item");
      start += sizeLength;
    }
    const end = start + length;
    if (end > this.#end) throw new RlpError("overrun", "item reaches beyond its container");
    if (!isList && length === 1 && this.#bytes[start]! < 0x80)
      throw new RlpError("not-canonical", "single byte in long form");
    this.#at = end;
    return { isList, start, end, first };
  }

  /** The next byte string, as a view; at most `maxBytes` long. */
  string(maxBytes: number): Uint8Array {
    const item = this.#next();
    if (item.isList) throw new RlpError("expected-string", "a list where a byte string belongs");
    if (item.end - item.start > maxBytes) throw new RlpError("too-long", `more than ${maxBytes} bytes`);
    return this.#bytes.subarray(item.start, item.end);
  }

  /** A cursor over the items of the next list. */
  list(): RlpCursor {
    const item = this.#next();
    if (!item.isList) throw new RlpError("expected-list", "a byte string where a list belongs");
    return new RlpCursor(this.#bytes, item.start, item.end);
  }

  /** The next item with its header, undecoded, as a view. */
  raw(): Uint8Array {
    const item = this.#next();
    return this.#bytes.subarray(item.first, item.end);
  }

  /** Ends the reading: whatever is left is an error. */
  finish(): void {
    if (!this.done) throw new RlpError("leftover", "more items than the format has");
  }
}
