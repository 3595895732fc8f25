/**
 * Layout of a DAC's database, schema version 4 (version 3 had the flat view by addresses and slots, from which it cannot be made where only tries are at hand;
 * version 2 counted no places of nodes, version 1 had no blocks that were set aside). Every key starts with one letter; numbers are 8 bytes, big-endian.
 *
 * | key | value |
 * |---|---|
 * | n, node hash | trie node, content-addressed |
 * | p, node hash | places at which states have that node, if more than one (4 bytes) |
 * | j, number | nodes that the block brought to more places, and those that it left behind; see nodeLedger.ts |
 * | c, code hash | code |
 * | k, place of address | account record of the head (flat view); places are the first 20 bytes of a keccak |
 * | v, place of address, place of slot | RLP of the slot's value at the head (flat view) |
 * | b, number | block hash, state root after it (zeros without state), encoded block |
 * | h, block hash | number |
 * | t, transaction hash, or that of the signed transaction that a forced one executed | number, index (4 bytes) |
 * | r, number, index (4 bytes) | encoded receipt |
 * | l, kind, address or topic, number | indexes of transactions with such a log (2 bytes each) |
 * | u, number | what undoes the block |
 * | f, number, block hash | mark (8 bytes), encoded block: undone and set aside |
 * | q, order, kind, hash, place of owner, path | a place of a state that is on its way here (stateSync.ts): the deepest come first |
 * | m, name | meta: schema, head, final, mode, chain, keeps, oldest, taken, sync |
 */
import { type Address, concatBytes, fromHex, type Hash, toHex } from "@mvm/protocol";
import { hashedKey, shortPlace } from "./hashedKeys.ts";
import type { KeyRange } from "./keyValueStore.ts";
import type { Place } from "./stateSync.ts";

const letter = (text: string): number => text.charCodeAt(0);
const NODE = letter("n");
const PLACES = letter("p");
const JOURNAL = letter("j");
const CODE = letter("c");
const ACCOUNT = letter("k");
const SLOT = letter("v");
/** The flat view of version 3: by address, and by address and slot. */
const OLD_ACCOUNT = letter("a");
const OLD_SLOT = letter("s");
const BLOCK = letter("b");
const NUMBER = letter("h");
const TRANSACTION = letter("t");
const RECEIPT = letter("r");
const LOG = letter("l");
const UNDO = letter("u");
const SET_ASIDE = letter("f");
const PENDING = letter("q");
const META = letter("m");

/** All keys that begin with a letter. */
function allOf(first: number): KeyRange {
  return { from: Uint8Array.of(first), to: Uint8Array.of(first + 1) };
}

function prefixed(prefix: number, bytes: Uint8Array): Uint8Array {
  const key = new Uint8Array(1 + bytes.length);
  key[0] = prefix;
  key.set(bytes, 1);
  return key;
}

/** Chain heights as bytes that sort as the numbers do. */
export function numberBytes(number: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, number);
  return bytes;
}

export function readNumber(bytes: Uint8Array, at = 0): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(at);
}

export const nodeKey = (hash: Uint8Array): Uint8Array => prefixed(NODE, hash);
export const placesKey = (hash: Uint8Array): Uint8Array => prefixed(PLACES, hash);
export const journalKey = (number: bigint): Uint8Array => prefixed(JOURNAL, numberBytes(number));
export const codeKey = (hash: Hash): Uint8Array => prefixed(CODE, fromHex(hash));
export const accountKey = (address: Address): Uint8Array => accountKeyAt(hashedKey(address));
export const blockKey = (number: bigint): Uint8Array => prefixed(BLOCK, numberBytes(number));
export const numberKey = (blockHash: Hash): Uint8Array => prefixed(NUMBER, fromHex(blockHash));
export const transactionKey = (hash: Hash): Uint8Array => prefixed(TRANSACTION, fromHex(hash));
export const undoKey = (number: bigint): Uint8Array => prefixed(UNDO, numberBytes(number));
export const metaKey = (
  name: "schema" | "head" | "final" | "mode" | "chain" | "keeps" | "oldest" | "taken" | "sync",
): Uint8Array => prefixed(META, new TextEncoder().encode(name));

/** The same by the 64 nibbles of its path. */
export const accountKeyAt = (path: Uint8Array): Uint8Array => prefixed(ACCOUNT, shortPlace(path));

export const slotKeyAt = (owner: Uint8Array, path: Uint8Array): Uint8Array =>
  prefixed(SLOT, concatBytes(owner, shortPlace(path)));

export const slotKey = (address: Address, slot: Hash): Uint8Array =>
  slotKeyAt(shortPlace(hashedKey(address)), hashedKey(slot));

/** All slots of one account. */
export function slotRange(address: Address): KeyRange {
  const from = prefixed(SLOT, shortPlace(hashedKey(address)));
  const to = new Uint8Array(42).fill(255);
  to.set(from);
  return { from, to };
}

/** The flat view of version 3. */
export const OLD_FLAT_RANGES: readonly KeyRange[] = [OLD_ACCOUNT, OLD_SLOT].map(allOf);

/** The key that an entry has now whose key may be one of version 3's flat view. */
export function presentKey(key: Uint8Array): Uint8Array {
  const address = (): Address => toHex(key.subarray(1, 21)) as Address;
  if (key[0] === OLD_ACCOUNT) return accountKey(address());
  return key[0] === OLD_SLOT ? slotKey(address(), toHex(key.subarray(21)) as Hash) : key;
}

const KINDS = ["code", "storage", "accounts"] as const;
const NO_OWNER = new Uint8Array(20);

/** A place whose content is to come. Storage goes before accounts, and what is deeper before what names more. */
export function pendingKey({ kind, hash, owner, path }: Place): Uint8Array {
  const order = (kind === "accounts" ? 65 : 0) + 64 - path.length;
  return prefixed(PENDING, concatBytes(Uint8Array.of(order, KINDS.indexOf(kind)), hash, owner ?? NO_OWNER, path));
}

export function readPending(key: Uint8Array): Place {
  const kind = KINDS[key[2]!]!;
  const owner = kind === "storage" ? key.slice(35, 55) : null;
  return { kind, hash: key.slice(3, 35), owner, path: key.slice(55) };
}

export const PENDING_RANGE = allOf(PENDING);

/** What a state from others consists of, the places that are missing last. */
export const STATE_RANGES: readonly KeyRange[] = [NODE, PLACES, CODE, ACCOUNT, SLOT, PENDING].map(allOf);

/** Records of all blocks that may be undone. */
export const UNDO_RANGE = allOf(UNDO);

export function receiptKey(number: bigint, index: number): Uint8Array {
  const key = new Uint8Array(13);
  key[0] = RECEIPT;
  key.set(numberBytes(number), 1);
  new DataView(key.buffer).setUint32(9, index);
  return key;
}

/** All receipts of one block. */
export function receiptRange(number: bigint): KeyRange {
  return { from: receiptKey(number, 0), to: receiptKey(number, 0xffff_ffff) };
}

export function setAsideKey(number: bigint, blockHash: Hash): Uint8Array {
  const key = new Uint8Array(41);
  key[0] = SET_ASIDE;
  key.set(numberBytes(number), 1);
  key.set(fromHex(blockHash), 9);
  return key;
}

/** All blocks set aside from a number on. */
export function setAsideRange(number: bigint): KeyRange {
  return { from: prefixed(SET_ASIDE, numberBytes(number)), to: Uint8Array.of(SET_ASIDE + 1) };
}

/** What a log is found by: its address, the topic at a position, or that it exists. */
export type LogTerm = { readonly kind: 0 | 1 | 2 | 3 | 4 | 5; readonly value: Address | Hash | null };

export function logKey(term: LogTerm, number: bigint): Uint8Array {
  const value = term.value === null ? new Uint8Array(0) : fromHex(term.value);
  const key = new Uint8Array(2 + value.length + 8);
  key[0] = LOG;
  key[1] = term.kind;
  key.set(value, 2);
  key.set(numberBytes(number), 2 + value.length);
  return key;
}
