/**
 * Nodes of a Merkle-Patricia trie (Ethereum yellow paper, appendix D) as they live in memory. No key of the tries here
 * is a prefix of another (32-byte hashes, or RLP of an index), so a branch never holds a value.
 */

/** The writes that made a node: only nodes of the running epoch are changed in place; `stored`: they are in the store. */
export type Epoch = { stored: boolean };
export const STORED_EPOCH: Epoch = { stored: true };

/** `ref` is what the parent holds: the 32-byte hash, or the node's own encoding if shorter; null while not computed. */
export type Leaf = {
  readonly kind: "leaf";
  ref: Uint8Array | null;
  readonly epoch: Epoch;
  /** nibbles, one a byte */
  readonly path: Uint8Array;
  readonly value: Uint8Array;
  /** root of the trie that this value names (an account's storage) if it is in memory */
  inner: TrieNode | null;
};

export type Extension = {
  readonly kind: "extension";
  ref: Uint8Array | null;
  readonly epoch: Epoch;
  readonly path: Uint8Array;
  child: TrieNode;
};

/**
 * A branch keeps its own encoding and patches the hashes of changed children into it: the hashes of the other children
 * are never objects, and nothing is encoded anew. Only where a child is embedded (short keys) `encoded` is null, and
 * `children` holds them all.
 */
export type Branch = {
  readonly kind: "branch";
  ref: Uint8Array | null;
  readonly epoch: Epoch;
  /** bit i: there is a child i */
  mask: number;
  /** bit i: the hash of child i in `encoded` is out of date */
  dirty: number;
  encoded: Uint8Array | null;
  /** children in memory; null with its mask bit set: only the hash in `encoded` is known */
  readonly children: (TrieNode | null)[];
  /** generation of the last walk through it, for trimming */
  used: number;
};

/** A node of which only the hash is known; `isBranch`: it stands below an extension, so it can be nothing else. */
export type Unloaded = { readonly kind: "unloaded"; readonly ref: Uint8Array; readonly isBranch: boolean };
export type LoadedNode = Leaf | Extension | Branch;
export type TrieNode = LoadedNode | Unloaded;

export function makeLeaf(epoch: Epoch, path: Uint8Array, value: Uint8Array, inner: TrieNode | null): Leaf {
  return { kind: "leaf", ref: null, epoch, path, value, inner };
}

export function makeExtension(epoch: Epoch, path: Uint8Array, child: TrieNode): Extension {
  return { kind: "extension", ref: null, epoch, path, child };
}

export function makeUnloaded(ref: Uint8Array, isBranch: boolean): Unloaded {
  return { kind: "unloaded", ref, isBranch };
}

/** A new branch over children that are all in memory. */
export function makeBranch(epoch: Epoch, children: (TrieNode | null)[], used: number): Branch {
  let mask = 0;
  for (let i = 0; i < 16; i++) if (children[i] !== null) mask |= 1 << i;
  return { kind: "branch", ref: null, epoch, mask, dirty: mask, encoded: blankBranch(mask), children, used };
}

/** A copy that belongs to another epoch and may be changed. */
export function copyBranch(branch: Branch, epoch: Epoch, used: number): Branch {
  const { mask, dirty } = branch;
  const encoded = branch.encoded === null ? null : branch.encoded.slice();
  return { kind: "branch", ref: null, epoch, mask, dirty, encoded, children: branch.children.slice(), used };
}

function bitCount(mask: number): number {
  const pairs = mask - ((mask >> 1) & 0x5555);
  const fours = (pairs & 0x3333) + ((pairs >> 2) & 0x3333);
  return ((((fours + (fours >> 4)) & 0x0f0f) * 0x0101) >> 8) & 31;
}

/** Size of the list header before a branch's items. */
const branchHeaderBytes = (count: number): number => (17 + 32 * count < 56 ? 1 : 17 + 32 * count < 256 ? 2 : 3);

/** Where item `index` of a branch with only hashed children starts. */
export function itemOffset(mask: number, index: number): number {
  return branchHeaderBytes(bitCount(mask)) + index + 32 * bitCount(mask & ((1 << index) - 1));
}

/** A branch's encoding with hashes still to be filled in. */
function blankBranch(mask: number): Uint8Array {
  const count = bitCount(mask);
  const payload = 17 + 32 * count;
  const encoded = new Uint8Array(branchHeaderBytes(count) + payload);
  let at = writeListHeader(encoded, payload);
  for (let i = 0; i < 16; i++) {
    const present = (mask >> i) & 1;
    encoded[at] = present ? 0xa0 : 0x80;
    at += 1 + 32 * present;
  }
  encoded[at] = 0x80;
  return encoded;
}

function writeListHeader(out: Uint8Array, payload: number): number {
  if (payload < 56) {
    out[0] = 0xc0 + payload;
    return 1;
  }
  if (payload < 256) {
    out[0] = 0xf8;
    out[1] = payload;
    return 2;
  }
  out[0] = 0xf9;
  out[1] = payload >> 8;
  out[2] = payload & 255;
  return 3;
}

/** The encoding with child `index` added or taken out; the hash of an added one is to be filled in. */
function withChildFlipped(encoded: Uint8Array, mask: number, index: number): Uint8Array {
  const flipped = mask ^ (1 << index);
  const added = (flipped >> index) & 1;
  const payload = 17 + 32 * bitCount(flipped);
  const out = new Uint8Array(branchHeaderBytes(bitCount(flipped)) + payload);
  const start = writeListHeader(out, payload);
  const oldStart = branchHeaderBytes(bitCount(mask));
  const oldAt = itemOffset(mask, index);
  out.set(encoded.subarray(oldStart, oldAt), start);
  const at = start + oldAt - oldStart;
  out[at] = added ? 0xa0 : 0x80;
  out.set(encoded.subarray(oldAt + (added ? 1 : 33)), at + (added ? 33 : 1));
  return out;
}

/** Sets, adds or takes out a child of a branch of the running epoch. */
export function setChild(branch: Branch, index: number, child: TrieNode | null): void {
  const bit = 1 << index;
  const present = (branch.mask & bit) !== 0;
  if (present !== (child !== null)) {
    if (branch.encoded !== null) branch.encoded = withChildFlipped(branch.encoded, branch.mask, index);
    branch.mask ^= bit;
  }
  branch.children[index] = child;
  branch.dirty = child === null ? branch.dirty & ~bit : branch.dirty | bit;
  branch.ref = null;
}

/** The hash of a child that is not in memory: bytes of its own. */
export function childHash(branch: Branch, index: number): Uint8Array {
  const at = itemOffset(branch.mask, index) + 1;
  return branch.encoded!.slice(at, at + 32);
}

/** Bytes to nibbles, high half first. */
export function toNibbles(bytes: Uint8Array): Uint8Array {
  const nibbles = new Uint8Array(bytes.length * 2);
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    nibbles[2 * i] = byte >> 4;
    nibbles[2 * i + 1] = byte & 15;
  }
  return nibbles;
}
