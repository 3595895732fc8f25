/** Encoding, hashing and strict decoding of trie nodes (yellow paper, appendices B to D). */
import { keccak, RlpCursor, RlpError, toHex } from "@mvm/protocol";
import { plainBytes } from "./nodeSource.ts";
import { StateError } from "./stateError.ts";
import {
  type Branch,
  childHash,
  type Extension,
  itemOffset,
  type Leaf,
  type LoadedNode,
  makeExtension,
  makeLeaf,
  makeUnloaded,
  STORED_EPOCH,
  type TrieNode,
} from "./trieNode.ts";

/** Longest value of a trie: an encoded transaction or receipt (56 KiB) with room for its envelope. */
const MAX_VALUE_BYTES = 65_536;
/** hex-prefix form of 64 nibbles */
const MAX_PATH_BYTES = 33;
/** Scratch for encoding what is only hashed: longer leaves get bytes of their own. */
const scratch = new Uint8Array(1024);

function headerSize(length: number): number {
  if (length < 56) return 1;
  if (length < 256) return 2;
  return length < 65_536 ? 3 : 4;
}

function writeHeader(out: Uint8Array, at: number, length: number, offset: 0x80 | 0xc0): number {
  const size = headerSize(length) - 1;
  if (size === 0) {
    out[at] = offset + length;
    return at + 1;
  }
  out[at] = offset + 55 + size;
  for (let i = size; i > 0; i--) out[at + i] = (length >> (8 * (size - i))) & 255;
  return at + 1 + size;
}

const isOneByte = (bytes: Uint8Array): boolean => bytes.length === 1 && bytes[0]! < 0x80;

function stringSize(bytes: Uint8Array): number {
  return isOneByte(bytes) ? 1 : headerSize(bytes.length) + bytes.length;
}

function writeString(out: Uint8Array, at: number, bytes: Uint8Array): number {
  const start = isOneByte(bytes) ? at : writeHeader(out, at, bytes.length, 0x80);
  out.set(bytes, start);
  return start + bytes.length;
}

const refSize = (ref: Uint8Array): number => (ref.length < 32 ? ref.length : 33);

/** A reference as an item: a hash is a string, an embedded node stands as it is. */
function writeRef(out: Uint8Array, at: number, ref: Uint8Array): number {
  if (ref.length < 32) {
    out.set(ref, at);
    return at + ref.length;
  }
  out[at] = 0xa0;
  out.set(ref, at + 1);
  return at + 33;
}

/** Nibbles in hex-prefix form (yellow paper, appendix C). */
function hexPrefix(path: Uint8Array, isLeaf: boolean): Uint8Array {
  const odd = path.length & 1;
  const out = new Uint8Array((path.length >> 1) + 1);
  out[0] = (isLeaf ? 0x20 : 0) | (odd ? 0x10 | path[0]! : 0);
  for (let i = odd, at = 1; i < path.length; i += 2) out[at++] = (path[i]! << 4) | path[i + 1]!;
  return out;
}

/** May give a view of the scratch space: good until the next call. */
function encodePair(node: Leaf | Extension): Uint8Array {
  const path = hexPrefix(node.path, node.kind === "leaf");
  const second = node.kind === "leaf" ? node.value : refOf(node.child);
  const size = stringSize(path) + (node.kind === "leaf" ? stringSize(second) : refSize(second));
  const total = headerSize(size) + size;
  const out = total <= scratch.length ? scratch : new Uint8Array(total);
  let at = writeHeader(out, 0, size, 0xc0);
  at = writeString(out, at, path);
  at = node.kind === "leaf" ? writeString(out, at, second) : writeRef(out, at, second);
  return out.subarray(0, at);
}

/** Brings the hashes in a branch's encoding up to date. */
function encodeBranch(branch: Branch): Uint8Array {
  if (branch.encoded !== null) {
    while (branch.dirty !== 0) {
      const index = 31 - Math.clz32(branch.dirty);
      const ref = refOf(branch.children[index]!);
      if (ref.length < 32) {
        spellOut(branch);
        return encodeSpelledOut(branch);
      }
      branch.encoded.set(ref, itemOffset(branch.mask, index) + 1);
      branch.dirty &= ~(1 << index);
    }
    return branch.encoded;
  }
  branch.dirty = 0;
  return encodeSpelledOut(branch);
}

/** A child turned out to be embedded: from now on the branch keeps all its children as objects. */
function spellOut(branch: Branch): void {
  for (let i = 0; i < 16; i++) {
    if ((branch.mask >> i) & 1) branch.children[i] ??= makeUnloaded(childHash(branch, i), false);
  }
  branch.encoded = null;
  branch.dirty = 0;
}

function encodeSpelledOut(branch: Branch): Uint8Array {
  let size = 1;
  for (const child of branch.children) size += child === null ? 1 : refSize(refOf(child));
  const out = new Uint8Array(headerSize(size) + size);
  let at = writeHeader(out, 0, size, 0xc0);
  for (const child of branch.children) {
    if (child === null) out[at++] = 0x80;
    else at = writeRef(out, at, child.ref!);
  }
  out[at] = 0x80;
  return out;
}

/** The canonical encoding of a node, in bytes that nobody changes later. */
export function encodeNode(node: LoadedNode): Uint8Array {
  return node.kind === "branch" ? encodeBranch(node).slice() : encodePair(node).slice();
}

/** The encoding of a node that is no longer changed: as encodeNode, without a copy where none is needed. */
export function encodingOf(node: LoadedNode): Uint8Array {
  return node.kind === "branch" ? encodeBranch(node) : encodePair(node).slice();
}

/** What a parent holds of this node; hashes whatever below it has not been hashed yet, once. */
function refOf(node: TrieNode): Uint8Array {
  if (node.ref !== null) return node.ref;
  const loaded = node as LoadedNode;
  const encoded = loaded.kind === "branch" ? encodeBranch(loaded) : encodePair(loaded);
  loaded.ref = encoded.length < 32 ? encoded.slice() : keccak(encoded);
  return loaded.ref;
}

/** The hash of a node as the root of a trie: even a short one is hashed. */
export function rootHashOf(node: TrieNode): Uint8Array {
  const ref = refOf(node);
  return ref.length === 32 ? ref : keccak(ref);
}

function bad(): never {
  throw new StateError("bad-node");
}

function decodePath(encoded: Uint8Array): { isLeaf: boolean; path: Uint8Array } {
  const flags = encoded[0] ?? 0xff;
  if (flags > 0x3f || ((flags & 0x10) === 0 && (flags & 15) !== 0)) bad();
  const odd = (flags & 0x10) !== 0;
  const path = new Uint8Array(2 * (encoded.length - 1) + (odd ? 1 : 0));
  let at = 0;
  if (odd) path[at++] = flags & 15;
  for (let i = 1; i < encoded.length; i++) {
    path[at++] = encoded[i]! >> 4;
    path[at++] = encoded[i]! & 15;
  }
  return { isLeaf: (flags & 0x20) !== 0, path };
}

/** The node that an item of a parent names. */
function decodeChild(item: Uint8Array, isBranch: boolean): TrieNode {
  const first = item[0]!;
  if (first === 0xa0) return makeUnloaded(item.slice(1), isBranch);
  if (first < 0xc0 || item.length >= 32) bad();
  const child = decodeItems(item);
  child.ref = item.slice();
  return child;
}

function decodePair(first: Uint8Array, second: Uint8Array): LoadedNode {
  const { isLeaf, path } = decodePath(new RlpCursor(first).string(MAX_PATH_BYTES));
  if (isLeaf) {
    const value = new RlpCursor(second).string(MAX_VALUE_BYTES);
    return value.length === 0 ? bad() : makeLeaf(STORED_EPOCH, path, value.slice(), null);
  }
  const child = decodeChild(second, true);
  if (path.length === 0 || (child.kind !== "branch" && child.kind !== "unloaded")) bad();
  return makeExtension(STORED_EPOCH, path, child);
}

function decodeBranch(encoded: Uint8Array, items: readonly Uint8Array[]): Branch {
  const children: (TrieNode | null)[] = new Array(16).fill(null);
  let mask = 0;
  let count = 0;
  let embedded = false;
  for (let i = 0; i < 16; i++) {
    const first = items[i]![0]!;
    if (first === 0x80) continue;
    mask |= 1 << i;
    count++;
    if (first === 0xa0) continue;
    embedded = true;
    children[i] = decodeChild(items[i]!, false);
  }
  if (count < 2 || items[16]![0] !== 0x80) bad();
  if (embedded) for (let i = 0; i < 16; i++) if ((mask >> i) & 1) children[i] ??= decodeChild(items[i]!, false);
  const kept = embedded ? null : encoded;
  return { kind: "branch", ref: null, epoch: STORED_EPOCH, mask, dirty: 0, encoded: kept, children, used: 0 };
}

/** A branch of hashes only, without looking at each item as RLP; null if it is anything else. */
function decodeHashedBranch(encoded: Uint8Array): Branch | null {
  const start = encoded[0] === 0xf9 ? 3 : 2;
  let mask = 0;
  let at = start;
  for (let i = 0; i < 16; i++) {
    const first = encoded[at];
    if (first === 0xa0) mask |= 1 << i;
    else if (first !== 0x80) return null;
    at += first === 0xa0 ? 33 : 1;
  }
  const payload = at + 1 - start;
  if (encoded[at] !== 0x80 || at + 1 !== encoded.length || (mask & (mask - 1)) === 0) return null;
  if (start === 2 ? encoded[0] !== 0xf8 || encoded[1] !== payload || payload > 255 || payload < 56 : payload < 256)
    return null;
  if (start === 3 && encoded[1]! * 256 + encoded[2]! !== payload) return null;
  const children: null[] = new Array(16).fill(null);
  return { kind: "branch", ref: null, epoch: STORED_EPOCH, mask, dirty: 0, encoded, children, used: 0 };
}

function decodeItems(encoded: Uint8Array): LoadedNode {
  const quick = decodeHashedBranch(encoded);
  if (quick !== null) return quick;
  const outer = new RlpCursor(encoded);
  const cursor = outer.list();
  outer.finish();
  const items: Uint8Array[] = [];
  while (!cursor.done && items.length < 17) items.push(cursor.raw());
  cursor.finish();
  if (items.length === 2) return decodePair(items[0]!, items[1]!);
  return items.length === 17 ? decodeBranch(encoded, items) : bad();
}

/**
 * Decodes the stored or proven node with this hash, strictly. The bytes belong to the node from then on. Throws
 * StateError "bad-node".
 */
export function decodeNode(encoded: Uint8Array, hash: Uint8Array): LoadedNode {
  try {
    const node = decodeItems(plainBytes(encoded));
    node.ref = hash;
    return node;
  } catch (cause) {
    if (cause instanceof RlpError || cause instanceof StateError) {
      throw new StateError("bad-node", { hash: toHex(hash) }, cause);
    }
    throw cause;
  }
}
