/**
 * What the vectors are written with: ethers' RLP and keccak, and the notation of the JSON files. Nothing here or beside
 * it imports @mvm/protocol: the formats are stated a second time, so that a vector is never made by what it tests.
 *
 * Notation of values: integers end in "n" ("5n"), byte strings are {"bytes": "0x.."}, the rest is plain JSON.
 */
import { concat, dataSlice, encodeRlp, hexlify, keccak256, toBeHex, toUtf8Bytes } from "ethers";

/** Hexadecimal byte string or nested list. */
export type Rlp = string | readonly Rlp[];
export type Bytes = { readonly bytes: string };

/** One encoded value. */
export type Encoded = { readonly name: string; readonly value: unknown; readonly encoded: string };

export const encoded = (name: string, value: unknown, items: Rlp): Encoded => ({
  name,
  value,
  encoded: encodeRlp(items as Parameters<typeof encodeRlp>[0]),
});

/** Shortest big-endian form; zero is no bytes. */
export const int = (value: bigint | number): string => (BigInt(value) === 0n ? "0x" : toBeHex(value));
export const word = (value: bigint | number): string => toBeHex(value, 32);
export const utf8 = (text: string): string => hexlify(toUtf8Bytes(text));
export const bytes = (hex: string): Bytes => ({ bytes: hex });
/** A value or nothing. */
export const maybe = (item: Rlp | null): Rlp => (item === null ? [] : [item]);
export const rlpOf = (items: Rlp): string => encodeRlp(items as Parameters<typeof encodeRlp>[0]);

/** A 32-byte literal with a name to it. */
export const hashNamed = (name: string): string => keccak256(toUtf8Bytes(name));
export const addressNamed = (name: string): string => dataSlice(hashNamed(name), 12);
/** `size` bytes that begin with a named hash and repeat it. */
export const fillNamed = (name: string, size: number): string =>
  dataSlice(concat(Array.from({ length: Math.ceil(size / 32) }, () => hashNamed(name))), 0, size);

/** Hash with a purpose: keccak(keccak(tag) || parts). */
export const tagged = (tag: string, ...parts: readonly string[]): string =>
  keccak256(concat([keccak256(toUtf8Bytes(tag)), ...parts]));

/** JSON text of a vector file. */
export const toJsonText = (content: unknown): string =>
  `${JSON.stringify(content, (_key, value: unknown) => (typeof value === "bigint" ? `${value}n` : value), 2)}\n`;
