/** Multiproofs: the nodes that prove a set of keys, and what deletions among them may need besides. */

import { encodeNode } from "./nodeEncoding.ts";
import { byteKey } from "./nodeSource.ts";
import { hashOfRoot, type TrieWalker } from "./trie.ts";
import type { Branch, Leaf, LoadedNode } from "./trieNode.ts";

/** A key to prove, in nibbles; `mayVanish`: a write may delete it, so that branches above it may collapse. */
export type ProofKey = { readonly key: Uint8Array; readonly mayVanish: boolean };

/** Encoded nodes without duplicates, in the order of the walk: parents first, then by key. */
export class NodeSet {
  readonly #seen = new Set<string>();
  readonly nodes: Uint8Array[] = [];

  add(node: LoadedNode): void {
    if (node.ref!.length < 32) return;
    this.addHashed(node.ref!, node);
  }

  addHashed(hash: Uint8Array, node: LoadedNode): void {
    const key = byteKey(hash);
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    this.nodes.push(encodeNode(node));
  }
}

/** Adds the proof of `keys` in the trie under `root`, and gives the leaf of each key that is present. */
export function collectProof(
  walker: TrieWalker,
  root: LoadedNode | null,
  keys: readonly ProofKey[],
  out: NodeSet,
): Map<Uint8Array, Leaf> {
  const found = new Map<Uint8Array, Leaf>();
  if (root !== null && keys.length > 0) {
    out.addHashed(hashOfRoot(root), root);
    collect(walker, { node: root, keys, depth: 0, found }, out);
  }
  return found;
}

type Step = { node: LoadedNode; keys: readonly ProofKey[]; depth: number; found: Map<Uint8Array, Leaf> };

const follows = (path: Uint8Array, key: Uint8Array, depth: number): boolean =>
  path.every((nibble, i) => key[depth + i] === nibble);

/** True when some asked key surely stays under this node whatever is deleted. */
function collect(walker: TrieWalker, step: Step, out: NodeSet): boolean {
  const { node, depth, found } = step;
  if (node.kind === "branch") return collectBranch(walker, node, step, out);
  const keys = step.keys.filter(({ key }) => follows(node.path, key, depth));
  if (node.kind === "leaf") {
    for (const { key } of keys) found.set(key, node);
    return keys.length === 0 || keys.some(({ mayVanish }) => !mayVanish);
  }
  if (keys.length === 0) return true;
  const below = depth + node.path.length;
  if (node.child.kind === "unloaded") node.child = walker.load(node.child, keys[0]!.key, below);
  out.add(node.child);
  return collect(walker, { node: node.child, keys, depth: below, found }, out);
}

function collectBranch(walker: TrieWalker, node: Branch, step: Step, out: NodeSet): boolean {
  const groups = new Map<number, ProofKey[]>();
  for (const entry of step.keys) {
    const index = entry.key[step.depth]!;
    const group = groups.get(index);
    if (group === undefined) groups.set(index, [entry]);
    else group.push(entry);
  }
  let certain = 0;
  let untouched = -1;
  for (let index = 0; index < 16; index++) {
    if (((node.mask >> index) & 1) === 0) continue;
    const keys = groups.get(index);
    if (keys === undefined) {
      certain++;
      untouched = index;
      continue;
    }
    const child = walker.childOf(node, index, keys[0]!.key, step.depth + 1)!;
    out.add(child);
    if (collect(walker, { ...step, node: child, keys, depth: step.depth + 1 }, out)) certain++;
  }
  if (certain === 1 && untouched >= 0) {
    const path = step.keys[0]!.key.slice(0, step.depth + 1);
    path[step.depth] = untouched;
    out.add(walker.childOf(node, untouched, path, step.depth + 1)!);
  }
  return certain > 0;
}
