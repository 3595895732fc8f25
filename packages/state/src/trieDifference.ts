/**
 * What a block does to the nodes of a state: those that it made, and those of the state before that it left behind. A node is
 * counted once for each place at which it stands, in the trie of accounts and in those of their storage, since equal storage has equal nodes.
 */
import { equalBytes } from "@mvm/protocol";
import { storageRootIn } from "./accountRecord.ts";
import { rootHashOf } from "./nodeEncoding.ts";
import { byteKey } from "./nodeSource.ts";
import { EMPTY_ROOT_BYTES, type TrieWalker } from "./trie.ts";
import { childHash, itemOffset, type LoadedNode, makeUnloaded, type TrieNode } from "./trieNode.ts";

/** `places`: how many more places it stands at than before; below zero, how many fewer. */
export type ChangedNode = { readonly hash: Uint8Array; readonly node: LoadedNode; readonly places: number };

/** A place within a trie; `skip` nibbles of a leaf's or extension's path lie above it. */
type Place = { readonly node: TrieNode; readonly skip: number };
type Met = { readonly node: LoadedNode; readonly skip: number };

const isSame = (left: Place, right: Place): boolean =>
  left.skip === right.skip && (left.node === right.node || equalBytes(rootHashOf(left.node), rootHashOf(right.node)));

/** Nodes that differ between two states. Throws StateError "missing-node" where one of them is not whole. */
export function changedNodes(walker: TrieWalker, before: LoadedNode | null, after: LoadedNode | null): ChangedNode[] {
  const difference = new Difference(walker);
  difference.roots(before, after, true);
  return difference.changed;
}

class Difference {
  readonly #walker: TrieWalker;
  readonly #counts = new Map<string, { hash: Uint8Array; node: LoadedNode; places: number }>();

  constructor(walker: TrieWalker) {
    this.#walker = walker;
  }

  get changed(): ChangedNode[] {
    return [...this.#counts.values()].filter(({ places }) => places !== 0);
  }

  /** @param hasStorage whether the leaves are accounts */
  roots(before: TrieNode | null, after: TrieNode | null, hasStorage: boolean): void {
    const at = (node: TrieNode | null): Place | null => node && { node, skip: 0 };
    if (before !== null && after !== null && equalBytes(rootHashOf(before), rootHashOf(after))) return;
    this.#compare(at(before), at(after), hasStorage);
  }

  #compare(before: Place | null, after: Place | null, hasStorage: boolean): void {
    if (before !== null && after !== null && isSame(before, after)) return;
    const old = this.#meet(before, -1);
    const young = this.#meet(after, 1);
    if (old === null && young === null) return;
    if (ends(old) && ends(young)) {
      if (hasStorage) this.#storages(old, young);
      return;
    }
    for (let nibble = 0; nibble < 16; nibble++)
      if (!sharesChild(old, young, nibble)) this.#compare(below(old, nibble), below(young, nibble), hasStorage);
  }

  /** The node at a place, counted when it is entered; behind an extension, what it leads to. */
  #meet(place: Place | null, sign: 1 | -1): Met | null {
    if (place === null) return null;
    const { skip } = place;
    const node = place.node.kind === "unloaded" ? this.#walker.load(place.node, NO_KEY, 0) : place.node;
    if (skip === 0) this.#count(node, sign);
    if (node.kind !== "extension" || skip < node.path.length) return { node, skip };
    return this.#meet({ node: node.child, skip: 0 }, sign);
  }

  #count(node: LoadedNode, sign: 1 | -1): void {
    const hash = rootHashOf(node);
    // a shorter one is part of its parent
    if (node.ref!.length !== 32) return;
    const name = byteKey(hash);
    const known = this.#counts.get(name);
    if (known !== undefined) known.places += sign;
    else this.#counts.set(name, { hash, node, places: sign });
  }

  #storages(old: Met | null, young: Met | null): void {
    const isOneAccount = old !== null && young !== null && equalBytes(restOf(old), restOf(young));
    if (isOneAccount) this.roots(storageOf(old), storageOf(young), false);
    else {
      this.roots(storageOf(old), null, false);
      this.roots(null, storageOf(young), false);
    }
  }
}

const NO_KEY = new Uint8Array(0);
const ends = (met: Met | null): boolean => met === null || met.node.kind === "leaf";
const restOf = ({ node, skip }: Met): Uint8Array => (node.kind === "leaf" ? node.path.subarray(skip) : NO_KEY);

/** Root of an account's storage; null where it has none. */
function storageOf(met: Met | null): TrieNode | null {
  if (met === null || met.node.kind !== "leaf") return null;
  const root = storageRootIn(met.node.value);
  if (equalBytes(root, EMPTY_ROOT_BYTES)) return null;
  return met.node.inner ?? makeUnloaded(root.slice(), false);
}

/** Whether two branches have the same child at a nibble, as far as it is seen without loading or copying anything: most are. */
function sharesChild(old: Met | null, young: Met | null, nibble: number): boolean {
  if (old?.node.kind !== "branch" || young?.node.kind !== "branch") return false;
  const [left, right] = [old.node, young.node];
  if (left.children[nibble] !== right.children[nibble] || ((left.mask ^ right.mask) >> nibble) & 1) return false;
  if (left.children[nibble] !== null || ((left.mask >> nibble) & 1) === 0) return true;
  const [at, other] = [itemOffset(left.mask, nibble), itemOffset(right.mask, nibble)];
  for (let i = 1; i <= 32; i++) if (left.encoded![at + i] !== right.encoded![other + i]) return false;
  return true;
}

/** The place one nibble further down. */
function below(met: Met | null, nibble: number): Place | null {
  if (met === null) return null;
  const { node, skip } = met;
  if (node.kind !== "branch") return node.path[skip] === nibble ? { node, skip: skip + 1 } : null;
  if (((node.mask >> nibble) & 1) === 0) return null;
  return { node: node.children[nibble] ?? makeUnloaded(childHash(node, nibble), false), skip: 0 };
}
