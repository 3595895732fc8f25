import type { Address, ChainId, Hash, Hex, JobId } from "./primitives.ts";
import { CHAIN_ID_BOUND } from "./primitives.ts";

/** Thrown when text or bytes are not of the form that a conversion asks for. */
export class FormatError extends Error {
  readonly code: "bad-hex" | "bad-length" | "out-of-range";
  constructor(code: FormatError["code"], message: string) {
    super(message);
    this.name = "FormatError";
    this.code = code;
  }
}

const DIGITS: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
const NIBBLES = new Int8Array(128).fill(-1);
for (let value = 0; value < 16; value++) {
  const digit = value.toString(16);
  NIBBLES[digit.charCodeAt(0)] = value;
  NIBBLES[digit.toUpperCase().charCodeAt(0)] = value;
}

/** Bytes to lower-case hexadecimal text with 0x. */
export function toHex(bytes: Uint8Array): Hex {
  let text = "0x";
  for (let i = 0; i < bytes.length; i++) text += DIGITS[bytes[i]!]!;
  return text as Hex;
}

/** Hexadecimal text (0x, even number of digits, either case) to bytes. Throws FormatError. */
export function fromHex(text: string): Uint8Array {
  if (text.length % 2 !== 0 || !text.startsWith("0x"))
    throw new FormatError("bad-hex", `not hex bytes: ${text.slice(0, 40)}`);
  const bytes = new Uint8Array(text.length / 2 - 1);
  for (let i = 0; i < bytes.length; i++) {
    const high = NIBBLES[text.charCodeAt(2 * i + 2)] ?? -1;
    const low = NIBBLES[text.charCodeAt(2 * i + 3)] ?? -1;
    if (high < 0 || low < 0) throw new FormatError("bad-hex", `not hex bytes: ${text.slice(0, 40)}`);
    bytes[i] = high * 16 + low;
  }
  return bytes;
}

function fixed(text: string, sizeBytes: number): Hex {
  if (text.length !== 2 + 2 * sizeBytes)
    throw new FormatError("bad-length", `expected ${sizeBytes} bytes: ${text.slice(0, 80)}`);
  fromHex(text);
  return text.toLowerCase() as Hex;
}

/** 20-byte hexadecimal text in either case to an Address. Throws FormatError. */
export const toAddress = (text: string): Address => fixed(text, 20) as Address;
/** 32-byte hexadecimal text in either case to a Hash. Throws FormatError. */
export const toHash = (text: string): Hash => fixed(text, 32) as Hash;
/** 32-byte hexadecimal text in either case to a JobId. Throws FormatError. */
export const toJobId = (text: string): JobId => fixed(text, 32) as JobId;

/** Integer to ChainId. Throws FormatError outside 1 .. CHAIN_ID_BOUND - 1. */
export function toChainId(value: bigint | number): ChainId {
  const id = BigInt(value);
  if (id < 1n || id >= CHAIN_ID_BOUND) throw new FormatError("out-of-range", `chain ID out of range: ${id}`);
  return id as ChainId;
}

/** Big-endian bytes to an unsigned integer; no bytes are zero. */
export function bytesToBigInt(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(toHex(bytes));
}

/** Unsigned integer to its shortest big-endian form; zero is no bytes. */
export function bigIntToBytes(value: bigint): Uint8Array {
  if (value < 0n) throw new FormatError("out-of-range", "negative integer");
  if (value === 0n) return new Uint8Array(0);
  const digits = value.toString(16);
  return fromHex(`0x${digits.length % 2 === 1 ? "0" : ""}${digits}`);
}

/** Unsigned integer to exactly 32 big-endian bytes. Throws FormatError above 2^256 - 1. */
export function toWord(value: bigint): Uint8Array {
  return fromHex(toWordHex(value));
}

/** Unsigned integer to 32-byte hexadecimal text. Throws FormatError above 2^256 - 1. */
export function toWordHex(value: bigint): Hash {
  const digits = value.toString(16);
  if (value < 0n || digits.length > 64) throw new FormatError("out-of-range", "does not fit 256 bits");
  return `0x${digits.padStart(64, "0")}` as Hash;
}

/** Concatenates byte strings. */
export const concatBytes = (...parts: readonly Uint8Array[]): Uint8Array => joinBytes(parts);

/** Concatenates a list of byte strings; a list of any length, which arguments of a call are not. */
export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  let size = 0;
  for (const part of parts) size += part.length;
  const out = new Uint8Array(size);
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}

/** Equality of two byte strings (not constant-time: for public data only). */
export function equalBytes(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false;
  for (let i = 0; i < left.length; i++) if (left[i] !== right[i]) return false;
  return true;
}
