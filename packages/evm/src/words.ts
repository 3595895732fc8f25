/** Conversions between the 256-bit words of the EVM's stack and bytes, addresses and keys. */
import { type Address, type Hash, toWordHex } from "@mvm/protocol";

export const WORD_MODULUS = 1n << 256n;
export const MAX_WORD = WORD_MODULUS - 1n;
const MAX_U64 = (1n << 64n) - 1n;
const ADDRESS_MASK = (1n << 160n) - 1n;

/** The lesser of two integers. */
export function lesser(a: bigint, b: bigint): bigint {
  if (a < b) return a;
  return b;
}

/** Word at a place of a view; the 32 bytes must be within it. */
export function loadWord(view: DataView, offset: number): bigint {
  const low = view.getBigUint64(offset + 24);
  if (view.getUint32(offset + 20) === 0 && view.getUint32(offset + 16) === 0) {
    if (view.getBigUint64(offset) === 0n && view.getBigUint64(offset + 8) === 0n) return low;
  }
  const high = (view.getBigUint64(offset) << 64n) | view.getBigUint64(offset + 8);
  return (high << 128n) | (view.getBigUint64(offset + 16) << 64n) | low;
}

/** Writes a word as 32 big-endian bytes. */
export function storeWord(view: DataView, offset: number, word: bigint): void {
  if (word <= MAX_U64) {
    view.setBigUint64(offset, 0n);
    view.setBigUint64(offset + 8, 0n);
    view.setBigUint64(offset + 16, 0n);
    view.setBigUint64(offset + 24, word);
    return;
  }
  // setBigUint64 takes its argument modulo 2^64, so the shifted words need no masking.
  view.setBigUint64(offset, word >> 192n);
  view.setBigUint64(offset + 8, word >> 128n);
  view.setBigUint64(offset + 16, word >> 64n);
  view.setBigUint64(offset + 24, word);
}

/** Word of 32 bytes that stand alone. */
export function wordOfBytes(bytes: Uint8Array): bigint {
  return loadWord(new DataView(bytes.buffer, bytes.byteOffset, 32), 0);
}

/** Places of each of the two caches of conversions below: a power of two; each place keeps what came last. */
const CACHE_PLACES = 16_384;
const PLACE_MASK = BigInt(CACHE_PLACES - 1);
type Cached<Text> = { readonly word: bigint; readonly text: Text };
const addresses: (Cached<Address> | undefined)[] = new Array(CACHE_PLACES).fill(undefined);
const slotKeys: (Cached<Hash> | undefined)[] = new Array(CACHE_PLACES).fill(undefined);

/** Address in the low 160 bits of a word. */
export function addressOfWord(word: bigint): Address {
  const place = Number(word & PLACE_MASK);
  const known = addresses[place];
  if (known !== undefined && known.word === word) return known.text;
  const text = `0x${(word & ADDRESS_MASK).toString(16).padStart(40, "0")}` as Address;
  addresses[place] = { word, text };
  return text;
}

/** Storage key of a word as text. */
export function slotKeyOf(word: bigint): Hash {
  const place = Number(word & PLACE_MASK);
  const known = slotKeys[place];
  if (known !== undefined && known.word === word) return known.text;
  const text = toWordHex(word);
  slotKeys[place] = { word, text };
  return text;
}
