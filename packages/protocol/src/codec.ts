/**
 * Bounded codecs. Every message, block and record of the protocol is described once by combining these; the encoding
 * is RLP with positional fields. Decoding is total: bytes either give a value within all bounds, or a CodecError.
 */
import { bigIntToBytes, bytesToBigInt, fromHex, toHex } from "./hex.ts";
import type { Address, Hash, Hex } from "./primitives.ts";
import { EncodedRlp, encodeRlp, RlpCursor, RlpError, type RlpPart } from "./rlp.ts";

export class CodecError extends Error {
  readonly code:
    | RlpError["code"]
    | "too-large"
    | "out-of-range"
    | "bad-length"
    | "unknown-variant"
    | "unknown-version"
    | "bad-text"
    | "bad-padding";
  constructor(code: CodecError["code"], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "CodecError";
    this.code = code;
  }
}

export type Codec<T> = {
  write(value: T): RlpPart;
  read(cursor: RlpCursor): T;
};

export type ValueOf<C> = C extends Codec<infer T> ? T : never;

function outOfRange(message: string): never {
  throw new CodecError("out-of-range", message);
}

/** Unsigned integer of at most `bits` bits as a bigint. */
export function uint(bits: number): Codec<bigint> {
  const bound = 1n << BigInt(bits);
  return {
    write: (value) => (value < 0n || value >= bound ? outOfRange(`not a uint${bits}: ${value}`) : bigIntToBytes(value)),
    read: (cursor) => {
      const bytes = cursor.string(bits / 8);
      if (bytes[0] === 0) throw new CodecError("not-canonical", "integer with a leading zero");
      return bytesToBigInt(bytes);
    },
  };
}

/** Unsigned integer as a number, at most `max` (<= 2^53 - 1). */
export function count(max: number): Codec<number> {
  const inner = uint(56);
  return {
    write: (value) =>
      Number.isInteger(value) && value >= 0 && value <= max
        ? bigIntToBytes(BigInt(value))
        : outOfRange(`not in 0..${max}: ${value}`),
    read: (cursor) => {
      const value = inner.read(cursor);
      return value <= BigInt(max) ? Number(value) : outOfRange(`not in 0..${max}: ${value}`);
    },
  };
}

/** Version number of a format: one value, every other is refused. */
export function version(known: number): Codec<number> {
  const check = (value: number): number => {
    if (value === known) return value;
    throw new CodecError("unknown-version", `format version ${value}, known is ${known}`);
  };
  return mapped(count(0xffff), check, check);
}

export const flag: Codec<boolean> = {
  write: (value) => bigIntToBytes(value ? 1n : 0n),
  read: (cursor) => count(1).read(cursor) === 1,
};

/** Byte string of at most `maxBytes`. */
export function bytes(maxBytes: number): Codec<Uint8Array> {
  return {
    write: (value) => {
      if (value.length > maxBytes) throw new CodecError("too-long", `more than ${maxBytes} bytes`);
      return value;
    },
    read: (cursor) => cursor.string(maxBytes),
  };
}

/** Byte string of exactly `sizeBytes`. */
export function fixedBytes(sizeBytes: number): Codec<Uint8Array> {
  const check = (value: Uint8Array): Uint8Array => {
    if (value.length !== sizeBytes)
      throw new CodecError("bad-length", `expected ${sizeBytes} bytes, got ${value.length}`);
    return value;
  };
  return { write: check, read: (cursor) => check(cursor.string(sizeBytes)) };
}

function fixedHex<T extends Hex>(sizeBytes: number): Codec<T> {
  return {
    write: (value) => {
      if (value.length !== 2 + 2 * sizeBytes) throw new CodecError("bad-length", `expected ${sizeBytes} bytes`);
      return fromHex(value);
    },
    read: (cursor) => {
      const value = cursor.string(sizeBytes);
      if (value.length !== sizeBytes)
        throw new CodecError("bad-length", `expected ${sizeBytes} bytes, got ${value.length}`);
      return toHex(value) as T;
    },
  };
}

export const address = fixedHex<Address>(20);
export const hash = fixedHex<Hash>(32);

/** Hexadecimal byte string of exactly `sizeBytes`, for keys and signatures. */
export const hexOf = (sizeBytes: number): Codec<Hex> => fixedHex<Hex>(sizeBytes);

const utf8 = new TextEncoder();
// A byte order mark is text like any other: dropping it would give two encodings of one value.
const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** UTF-8 text of at most `maxBytes` bytes. */
export function text(maxBytes: number): Codec<string> {
  const inner = bytes(maxBytes);
  return {
    write: (value) => inner.write(utf8.encode(value)),
    read: (cursor) => {
      try {
        return strictUtf8.decode(inner.read(cursor));
      } catch (cause) {
        if (cause instanceof RlpError) throw cause;
        throw new CodecError("bad-text", "not UTF-8", cause);
      }
    },
  };
}

/** A value or nothing: a list of one item or none. */
export function optional<T>(inner: Codec<T>): Codec<T | null> {
  return {
    write: (value) => (value === null ? [] : [inner.write(value)]),
    read: (cursor) => {
      const items = cursor.list();
      if (items.done) return null;
      const value = inner.read(items);
      items.finish();
      return value;
    },
  };
}

/** At most `maxItems` items. */
export function list<T>(inner: Codec<T>, maxItems: number): Codec<readonly T[]> {
  return {
    write: (values) => {
      if (values.length > maxItems) throw new CodecError("too-many", `more than ${maxItems} items`);
      return values.map((value) => inner.write(value));
    },
    read: (cursor) => {
      const items = cursor.list();
      const values: T[] = [];
      while (!items.done) {
        if (values.length === maxItems) throw new CodecError("too-many", `more than ${maxItems} items`);
        values.push(inner.read(items));
      }
      return values;
    },
  };
}

type Fields = { readonly [name: string]: Codec<never> | Codec<unknown> };
type Struct<F> = { readonly [K in keyof F]: F[K] extends Codec<infer T> ? T : never };

/** Named fields in the order given. */
export function struct<F extends { readonly [name: string]: Codec<unknown> }>(fields: F): Codec<Struct<F>> {
  const entries = Object.entries(fields as Fields) as [string, Codec<unknown>][];
  return {
    write: (value) => entries.map(([name, codec]) => codec.write((value as Record<string, unknown>)[name])),
    read: (cursor) => {
      const items = cursor.list();
      const value: Record<string, unknown> = {};
      for (const [name, codec] of entries) value[name] = codec.read(items);
      items.finish();
      return value as Struct<F>;
    },
  };
}

type Variants = { readonly [kind: string]: Codec<unknown> };
type Union<V extends Variants> = {
  [K in keyof V]: V[K] extends Codec<infer T> ? { readonly kind: K } & T : never;
}[keyof V];

/** Tagged union: the position of `kind` in the table, then the variant's own fields. */
export function union<V extends Variants>(variants: V): Codec<Union<V>> {
  const kinds = Object.keys(variants);
  const tag = count(kinds.length - 1);
  return {
    write: (value) => {
      const position = kinds.indexOf((value as { kind: string }).kind);
      return [tag.write(position), variants[kinds[position]!]!.write(value)];
    },
    read: (cursor) => {
      const items = cursor.list();
      const kind = kinds[tag.read(items)]!;
      const value = variants[kind]!.read(items);
      items.finish();
      return { kind, ...(value as object) } as Union<V>;
    },
  };
}

/** Codec by way of another: `to` may throw CodecError. */
export function mapped<A, B>(inner: Codec<A>, from: (value: B) => A, to: (value: A) => B): Codec<B> {
  return { write: (value) => inner.write(from(value)), read: (cursor) => to(inner.read(cursor)) };
}

/**
 * A codec that encodes each value once: what it has written or read it remembers for as long as the value is there. Values must not change, and
 * the codec has one encoding for each.
 */
export function remembered<T extends object>(inner: Codec<T>): Codec<T> {
  const known = new WeakMap<T, EncodedRlp>();
  return {
    write: (value) => {
      const before = known.get(value);
      if (before !== undefined) return before;
      const encoded = new EncodedRlp(encodeRlp(inner.write(value)));
      known.set(value, encoded);
      return encoded;
    },
    read: (cursor) => {
      const bytes = cursor.raw();
      const item = new RlpCursor(bytes);
      const value = inner.read(item);
      item.finish();
      known.set(value, new EncodedRlp(bytes));
      return value;
    },
  };
}

/** Encodes a value. Throws CodecError when it breaks a bound. */
export function encode<T>(codec: Codec<T>, value: T): Uint8Array {
  return encodeRlp(codec.write(value));
}

/** Decodes bytes, at most `maxBytes` of them. Throws CodecError, nothing else. */
export function decode<T>(codec: Codec<T>, data: Uint8Array, maxBytes: number): T {
  if (data.length > maxBytes) throw new CodecError("too-large", `${data.length} bytes, the bound is ${maxBytes}`);
  try {
    const cursor = new RlpCursor(data);
    const value = codec.read(cursor);
    cursor.finish();
    return value;
  } catch (cause) {
    if (cause instanceof RlpError) throw new CodecError(cause.code, cause.message, cause);
    throw cause;
  }
}
