import { createKeccak } from "hash-wasm";
import { concatBytes, fromHex, toHex } from "./hex.ts";
import type { Hash } from "./primitives.ts";

const hasher = await createKeccak(256);

/** keccak-256 of the bytes, as 32 bytes. */
export function keccak(bytes: Uint8Array): Uint8Array {
  return hasher.init().update(bytes).digest("binary");
}

/** keccak-256 of the bytes, as hexadecimal text. */
export function keccakHash(bytes: Uint8Array): Hash {
  return toHex(keccak(bytes)) as Hash;
}

const text = new TextEncoder();

/**
 * Hash with a purpose: keccak(keccak(tag) || parts). Every signed or committed thing of the protocol goes through
 * here, so that nothing made for one purpose is valid for another (invariant I11). Parts are fixed-size by convention
 * of the tag, so the concatenation is unambiguous; variable data is hashed first.
 */
export function taggedHash(tag: string, ...parts: readonly (Uint8Array | `0x${string}`)[]): Hash {
  const bytes = parts.map((part) => (typeof part === "string" ? fromHex(part) : part));
  return keccakHash(concatBytes(keccak(text.encode(tag)), ...bytes));
}

/** keccak of no bytes: the code hash of an account without code. */
export const EMPTY_CODE_HASH = keccakHash(new Uint8Array(0));
/** Root of the empty Merkle-Patricia trie: keccak(rlp("")). */
export const EMPTY_TRIE_ROOT = keccakHash(Uint8Array.of(0x80));
/** keccak(rlp([])): the hash of an empty list of uncles. */
export const EMPTY_LIST_HASH = keccakHash(Uint8Array.of(0xc0));
