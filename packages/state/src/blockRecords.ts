/** The records of blocks, head and places as they stand in the store. */
import { fromHex, type Hash, toHex, ZERO_HASH } from "@mvm/protocol";
import { numberBytes, readNumber } from "./storeKeys.ts";

/** A block as it is kept. */
export type StoredBlock = {
  readonly number: bigint;
  readonly hash: Hash;
  /** state root after the block; null in a database without state */
  readonly stateRoot: Hash | null;
  /** the block's own encoding, opaque here */
  readonly encodedBlock: Uint8Array;
};

/** A block that was undone and is still kept. */
export type SetAsideBlock = {
  readonly number: bigint;
  readonly hash: Hash;
  /** what it was set aside with, opaque here */
  readonly mark: bigint;
  readonly encodedBlock: Uint8Array;
};

/** The newest block. */
export type Head = { readonly number: bigint; readonly hash: Hash; readonly stateRoot: Hash | null };

/** Where a transaction stands. */
export type TransactionPlace = { readonly number: bigint; readonly index: number };

const hashAt = (bytes: Uint8Array, at: number): Hash => toHex(bytes.subarray(at, at + 32)) as Hash;
const rootOrNull = (root: Hash): Hash | null => (root === ZERO_HASH ? null : root);

/** Block hash (32 bytes), state root (32 bytes, zeros for none), encoded block. */
export function writeBlock(block: StoredBlock): Uint8Array {
  const bytes = new Uint8Array(64 + block.encodedBlock.length);
  bytes.set(fromHex(block.hash));
  bytes.set(fromHex(block.stateRoot ?? ZERO_HASH), 32);
  bytes.set(block.encodedBlock, 64);
  return bytes;
}

export function readBlock(number: bigint, bytes: Uint8Array): StoredBlock {
  const stateRoot = rootOrNull(hashAt(bytes, 32));
  return { number, hash: hashAt(bytes, 0), stateRoot, encodedBlock: bytes.slice(64) };
}

/** Mark (8 bytes), encoded block. */
export function writeSetAside(mark: bigint, encodedBlock: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(8 + encodedBlock.length);
  bytes.set(numberBytes(mark));
  bytes.set(encodedBlock, 8);
  return bytes;
}

/** @param key as setAsideKey makes it */
export function readSetAside(key: Uint8Array, bytes: Uint8Array): SetAsideBlock {
  return { number: readNumber(key, 1), hash: hashAt(key, 9), mark: readNumber(bytes), encodedBlock: bytes.slice(8) };
}

/** Number (8 bytes), block hash, state root. */
export function writeHead(head: Head): Uint8Array {
  const bytes = new Uint8Array(72);
  bytes.set(numberBytes(head.number));
  bytes.set(fromHex(head.hash), 8);
  bytes.set(fromHex(head.stateRoot ?? ZERO_HASH), 40);
  return bytes;
}

export function readHead(bytes: Uint8Array): Head {
  return { number: readNumber(bytes), hash: hashAt(bytes, 8), stateRoot: rootOrNull(hashAt(bytes, 40)) };
}

/** Number (8 bytes), index (4 bytes). */
export function writePlace(place: TransactionPlace): Uint8Array {
  const bytes = new Uint8Array(12);
  bytes.set(numberBytes(place.number));
  new DataView(bytes.buffer).setUint32(8, place.index);
  return bytes;
}

export function readPlace(bytes: Uint8Array): TransactionPlace {
  return { number: readNumber(bytes), index: new DataView(bytes.buffer, bytes.byteOffset).getUint32(8) };
}
