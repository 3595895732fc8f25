/**
 * A sparse Merkle-Patricia trie in memory: nodes are decoded when a walk first meets them, changed in memory, and hashed
 * once when a root is asked for. Changes copy the path of the running epoch and leave every earlier root intact, so
 * a root can be kept and returned to at no cost. Every operation either completes or throws before it has changed anything.
 */
import { concatBytes, fromHex, toHex } from "@mvm/protocol";
import { decodeNode, rootHashOf } from "./nodeEncoding.ts";
import type { NodeSource } from "./nodeSource.ts";
import { StateError } from "./stateError.ts";
import {
  type Branch,
  childHash,
  copyBranch,
  type Epoch,
  type Extension,
  type Leaf,
  type LoadedNode,
  makeBranch,
  makeExtension,
  makeLeaf,
  makeUnloaded,
  setChild,
  type TrieNode,
  type Unloaded,
} from "./trieNode.ts";

/** Hexadecimal digits of a nibble path. */
function pathText(key: Uint8Array, length: number): string {
  let text = "";
  for (let i = 0; i < length; i++) text += key[i]!.toString(16);
  return text;
}

function commonLength(path: Uint8Array, key: Uint8Array, depth: number): number {
  let i = 0;
  while (i < path.length && path[i] === key[depth + i]) i++;
  return i;
}

/** What the walks of all tries over one source share: the running epoch, and the generation for trimming. */
export class TrieWalker {
  readonly source: NodeSource;
  epoch: Epoch = { stored: false };
  generation = 0;
  /** nodes decoded or made since the count was last set back */
  nodesMade = 0;

  constructor(source: NodeSource) {
    this.source = source;
  }

  /** The node itself, decoded from the source. Throws StateError "missing-node" or "bad-node". */
  load(node: Unloaded, key: Uint8Array, depth: number): LoadedNode {
    const encoded = this.source.get(node.ref);
    if (encoded === undefined) {
      throw new StateError("missing-node", { hash: toHex(node.ref), path: pathText(key, depth) });
    }
    const loaded = decodeNode(encoded, node.ref);
    if (node.isBranch && loaded.kind !== "branch") throw new StateError("bad-node", { hash: toHex(node.ref) });
    this.nodesMade++;
    return loaded;
  }

  /** Child number `index` of a branch, loaded in its place. */
  childOf(branch: Branch, index: number, key: Uint8Array, depth: number): LoadedNode | null {
    const child = branch.children[index]!;
    if (child !== null && child.kind !== "unloaded") return child;
    if (((branch.mask >> index) & 1) === 0) return null;
    const loaded = this.load(child ?? makeUnloaded(childHash(branch, index), false), key, depth);
    branch.children[index] = loaded;
    return loaded;
  }

  /** The leaf at a key, or null if the trie has none. The key is in nibbles. */
  find(root: LoadedNode | null, key: Uint8Array): Leaf | null {
    let node = root;
    let depth = 0;
    while (node !== null) {
      if (node.kind === "branch") {
        node.used = this.generation;
        depth++;
        node = this.childOf(node, key[depth - 1]!, key, depth);
      } else if (commonLength(node.path, key, depth) !== node.path.length) {
        return null;
      } else if (node.kind === "leaf") {
        return depth + node.path.length === key.length ? node : null;
      } else {
        depth += node.path.length;
        if (node.child.kind === "unloaded") node.child = this.load(node.child, key, depth);
        node = node.child;
      }
    }
    return null;
  }

  /** The branch with another child, or without: itself if it is of the running epoch, else a copy. */
  #withChild(branch: Branch, index: number, child: TrieNode | null): Branch {
    let owned = branch;
    if (branch.epoch !== this.epoch) {
      owned = copyBranch(branch, this.epoch, this.generation);
      this.nodesMade++;
    }
    setChild(owned, index, child);
    return owned;
  }

  /** Puts a value (not empty) at a key and gives the new root node. */
  put(root: LoadedNode | null, key: Uint8Array, value: Uint8Array, inner: TrieNode | null): LoadedNode {
    return this.#put(root, { key, value, inner }, 0);
  }

  #leaf(path: Uint8Array, value: Uint8Array, inner: TrieNode | null): Leaf {
    this.nodesMade++;
    return makeLeaf(this.epoch, path, value, inner);
  }

  #put(node: LoadedNode | null, entry: Entry, depth: number): LoadedNode {
    const { key, value } = entry;
    if (node === null) return this.#leaf(key.slice(depth), value, entry.inner);
    if (node.kind === "branch") {
      const index = key[depth]!;
      const changed = this.#put(this.childOf(node, index, key, depth + 1), entry, depth + 1);
      return this.#withChild(node, index, changed);
    }
    const shared = commonLength(node.path, key, depth);
    if (shared < node.path.length) return this.#split(node, entry, depth, shared);
    if (node.kind === "leaf") return this.#leaf(node.path, value, entry.inner);
    const below = depth + shared;
    if (node.child.kind === "unloaded") node.child = this.load(node.child, key, below);
    return makeExtension(this.epoch, node.path, this.#put(node.child, entry, below));
  }

  /** Parts a leaf or extension where the key leaves its path. */
  #split(node: Leaf | Extension, entry: Entry, depth: number, shared: number): LoadedNode {
    const children: (TrieNode | null)[] = new Array(16).fill(null);
    const rest = node.path.slice(shared + 1);
    if (node.kind === "leaf") children[node.path[shared]!] = this.#leaf(rest, node.value, node.inner);
    else children[node.path[shared]!] = rest.length === 0 ? node.child : makeExtension(this.epoch, rest, node.child);
    const turn = depth + shared;
    children[entry.key[turn]!] = this.#leaf(entry.key.slice(turn + 1), entry.value, entry.inner);
    this.nodesMade += 2;
    const branch = makeBranch(this.epoch, children, this.generation);
    return shared === 0 ? branch : makeExtension(this.epoch, node.path.slice(0, shared), branch);
  }

  /** Takes a key out and gives the new root node; the same node if the key is not there. */
  remove(root: LoadedNode | null, key: Uint8Array): LoadedNode | null {
    return this.find(root, key) === null ? root : this.#remove(root!, key, 0);
  }

  /** The key is known to be there, so that every node on its path is loaded and changes. */
  #remove(node: LoadedNode, key: Uint8Array, depth: number): LoadedNode | null {
    if (node.kind === "leaf") return null;
    if (node.kind === "extension") {
      const below = this.#remove(node.child as LoadedNode, key, depth + node.path.length)!;
      return this.#joined(node.path, below);
    }
    const index = key[depth]!;
    const child = node.children[index] as LoadedNode;
    if (child.kind === "leaf") {
      const last = this.#onlySibling(node, index);
      if (last >= 0) return this.#joined(Uint8Array.of(last), this.#sibling(node, last, key, depth));
    }
    return this.#withChild(node, index, this.#remove(child, key, depth + 1));
  }

  /** The index of the one other child of a branch with two children, else -1. */
  #onlySibling(branch: Branch, index: number): number {
    const others = branch.mask & ~(1 << index);
    return (others & (others - 1)) === 0 ? 31 - Math.clz32(others) : -1;
  }

  #sibling(branch: Branch, index: number, key: Uint8Array, depth: number): TrieNode {
    const child = branch.children[index]!;
    if (child?.kind === "unloaded" && child.isBranch) return child;
    const path = key.slice(0, depth + 1);
    path[depth] = index;
    return this.childOf(branch, index, path, depth + 1)!;
  }

  /** A node that got `path` put before it: leaves and extensions take it up, a branch gets an extension. */
  #joined(path: Uint8Array, below: TrieNode): LoadedNode {
    this.nodesMade++;
    if (below.kind === "branch" || below.kind === "unloaded") return makeExtension(this.epoch, path, below);
    const joined = concatBytes(path, below.path);
    if (below.kind === "leaf") return makeLeaf(this.epoch, joined, below.value, below.inner);
    return makeExtension(this.epoch, joined, below.child);
  }
}

type Entry = { readonly key: Uint8Array; readonly value: Uint8Array; readonly inner: TrieNode | null };

/** A root as 32 bytes; null is the empty trie. */
export function hashOfRoot(root: TrieNode | null): Uint8Array {
  return root === null ? EMPTY_ROOT_BYTES : rootHashOf(root);
}

/** keccak(rlp("")), the root of the empty trie, in bytes. */
export const EMPTY_ROOT_BYTES = fromHex("0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421");

/** The root node by its hash; null for the empty trie. */
export function rootNode(walker: TrieWalker, hash: Uint8Array): LoadedNode | null {
  for (let i = 0; i < 32; i++)
    if (hash[i] !== EMPTY_ROOT_BYTES[i]) return walker.load(makeUnloaded(hash, false), hash, 0);
  return null;
}
