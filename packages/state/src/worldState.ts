/** The accounts of one chain with their storage, as a trie of tries over a source of nodes. */
import {
  type AccountWrite,
  type Address,
  EMPTY_TRIE_ROOT,
  fromHex,
  type Hash,
  type StateKey,
  toHex,
} from "@mvm/protocol";
import {
  type AccountRecord,
  decodeAccountRecord,
  decodeSlotValue,
  encodeAccountRecord,
  encodeSlotValue,
  storageRootIn,
} from "./accountRecord.ts";
import { hashedKey } from "./hashedKeys.ts";
import { encodingOf } from "./nodeEncoding.ts";
import type { NodeSource } from "./nodeSource.ts";
import { collectProof, NodeSet } from "./proofCollector.ts";
import { StateError } from "./stateError.ts";
import { EMPTY_ROOT_BYTES, hashOfRoot, rootNode, TrieWalker } from "./trie.ts";
import { type ChangedNode, changedNodes } from "./trieDifference.ts";
import { type Epoch, type Leaf, type LoadedNode, makeUnloaded, type TrieNode } from "./trieNode.ts";

/** A root to return to, with the nodes that are in memory under it. Valid for the world state it came from. */
export type Snapshot = { readonly root: LoadedNode | null };

/** A trie node with its hash. */
export type HashedNode = { readonly hash: Uint8Array; readonly encoded: Uint8Array };

/** Most keys of one proof; a job's reads come in batches far below it. */
export const MAX_PROOF_KEYS = 16_384;

export class WorldState {
  readonly #walker: TrieWalker;
  #root: LoadedNode | null = null;
  /** epochs whose nodes are not stored; of those, the first `#gathered` have been handed out for storing */
  #epochs: Epoch[] = [];
  #gathered = 0;
  #broken: unknown = null;

  /** Throws StateError "missing-node" when the source has no node for the root. */
  constructor(source: NodeSource, root: Hash) {
    this.#walker = new TrieWalker(source);
    this.#root = rootNode(this.#walker, fromHex(root));
    this.#seal();
  }

  /** From here on no node that exists is changed any more. */
  #seal(): void {
    this.#walker.epoch = { stored: false };
    this.#epochs.push(this.#walker.epoch);
  }

  root(): Hash {
    this.#check();
    return toHex(hashOfRoot(this.#root)) as Hash;
  }

  /** Root of a snapshot of this world state. */
  rootOf(snapshot: Snapshot): Hash {
    return toHex(hashOfRoot(snapshot.root)) as Hash;
  }

  /** Upper bound of the trie nodes that are in memory. */
  get nodesInMemory(): number {
    return this.#walker.nodesMade;
  }

  /** The present root, to read at or to return to later. */
  snapshot(): Snapshot {
    this.#check();
    this.#seal();
    return { root: this.#root };
  }

  /** Goes back (or forth) to a snapshot of this world state; also what makes it whole again after a failed write. */
  restore(snapshot: Snapshot): void {
    this.#broken = null;
    this.#root = snapshot.root;
    this.#seal();
  }

  #check(): void {
    if (this.#broken !== null) throw this.#broken;
  }

  #leaf(address: Address, from: LoadedNode | null): Leaf | null {
    this.#check();
    return this.#walker.find(from, hashedKey(address));
  }

  /** The encoded account, or null if there is none. */
  accountRecord(address: Address, at: Snapshot = { root: this.#root }): Uint8Array | null {
    return this.#leaf(address, at.root)?.value ?? null;
  }

  /** The account with the root of its storage, or null if there is none. Throws StateError. */
  account(address: Address): AccountRecord | null {
    const record = this.accountRecord(address);
    return record === null ? null : decodeAccountRecord(record);
  }

  /**
   * Root of an account's storage; EMPTY_TRIE_ROOT where it has none or is absent itself. Throws StateError
   * "missing-node" where the nodes at hand do not say whether the account is there.
   */
  storageRootOf(address: Address, at: Snapshot = { root: this.#root }): Hash {
    const record = this.accountRecord(address, at);
    return record === null ? EMPTY_TRIE_ROOT : (toHex(storageRootIn(record)) as Hash);
  }

  /** The value as the storage trie holds it, or null for zero. */
  slotRecord(address: Address, slot: Hash, at: Snapshot = { root: this.#root }): Uint8Array | null {
    const leaf = this.#leaf(address, at.root);
    if (leaf === null) return null;
    return this.#walker.find(this.#storageOf(leaf), hashedKey(slot))?.value ?? null;
  }

  /** The value of a slot; zero where there is none. Throws StateError. */
  slot(address: Address, slot: Hash): bigint {
    const record = this.slotRecord(address, slot);
    return record === null ? 0n : decodeSlotValue(record);
  }

  /** Root node of an account's storage, loaded once and kept at the leaf. */
  #storageOf(leaf: Leaf): LoadedNode | null {
    if (leaf.inner !== null && leaf.inner.kind !== "unloaded") return leaf.inner;
    const loaded = rootNode(this.#walker, storageRootIn(leaf.value).slice());
    leaf.inner = loaded;
    return loaded;
  }

  /**
   * Applies the writes of one transaction and gives the new root. An account written as null goes with its storage, a
   * slot written as zero is deleted; code is not kept here. Throws StateError; from then on everything throws the same
   * error until a snapshot is restored.
   */
  applyWrites(writes: readonly AccountWrite[]): Hash {
    this.#check();
    try {
      for (const write of writes) this.#apply(write);
    } catch (error) {
      this.#broken = error;
      throw error;
    }
    return this.root();
  }

  #apply(write: AccountWrite): void {
    const key = hashedKey(write.address);
    if (write.account === null) {
      this.#root = this.#walker.remove(this.#root, key);
      return;
    }
    const leaf = this.#walker.find(this.#root, key);
    let storage: TrieNode | null = leaf?.inner ?? null;
    let storageRoot = leaf === null ? EMPTY_ROOT_BYTES : storageRootIn(leaf.value);
    if (write.slots.length > 0) {
      let root = leaf === null ? null : this.#storageOf(leaf);
      for (const { slot, value } of write.slots) {
        const slotKey = hashedKey(slot);
        if (value === 0n) root = this.#walker.remove(root, slotKey);
        else root = this.#walker.put(root, slotKey, encodeSlotValue(value), null);
      }
      storage = root;
      storageRoot = hashOfRoot(root);
    }
    this.#root = this.#walker.put(this.#root, key, encodeAccountRecord(write.account, storageRoot), storage);
  }

  /** The nodes under the present root that are not in the store yet, parents last; equal ones may come twice. */
  unstoredNodes(): HashedNode[] {
    const out: HashedNode[] = [];
    this.#check();
    hashOfRoot(this.#root);
    if (this.#root !== null) gatherUnstored(this.#root, true, out);
    this.#gathered = this.#epochs.length;
    this.#seal();
    return out;
  }

  /** Nodes that stand at more or fewer places than under a snapshot of this world state. Throws StateError "missing-node". */
  changedSince({ root }: Snapshot): ChangedNode[] {
    this.#check();
    return changedNodes(this.#walker, root, this.#root);
  }

  /** Says that all of the last unstoredNodes are in the store, and trims what is kept in memory to about `maxNodes`. */
  markStored(maxNodes: number): void {
    for (const epoch of this.#epochs.splice(0, this.#gathered)) epoch.stored = true;
    this.#gathered = 0;
    this.#walker.generation++;
    if (this.#walker.nodesMade > maxNodes && this.unstoredNodes().length === 0) this.#trim(maxNodes);
  }

  #trim(maxNodes: number): void {
    for (const keep of KEPT_GENERATIONS) {
      const left = this.#root === null ? 0 : trim(this.#root, this.#walker.generation - keep);
      this.#walker.nodesMade = left;
      if (left <= (maxNodes * 3) / 4) return;
    }
  }

  /** Proof of accounts and slots, absent ones included. Throws StateError "not-state", "too-many" or "missing-node". */
  proveReads(keys: readonly StateKey[]): Uint8Array[] {
    return this.#prove(keys, false);
  }

  /**
   * Proof of accounts and slots that may be written or deleted in any order: their paths, and the siblings that
   * branches may collapse into. Throws as proveReads.
   */
  witnessFor(keys: readonly StateKey[]): Uint8Array[] {
    return this.#prove(keys, true);
  }

  #prove(keys: readonly StateKey[], mayVanish: boolean): Uint8Array[] {
    this.#check();
    const grouped = groupKeys(keys, mayVanish);
    const out = new NodeSet();
    hashOfRoot(this.#root);
    const leaves = collectProof(this.#walker, this.#root, [...grouped.values()], out);
    for (const { key, slots } of grouped.values()) {
      const leaf = leaves.get(key);
      if (leaf === undefined || slots.size === 0) continue;
      const slotKeys = [...slots].map((slot) => ({ key: hashedKey(slot), mayVanish }));
      collectProof(this.#walker, this.#storageOf(leaf), slotKeys, out);
    }
    return out.nodes;
  }
}

/** Generations that a trim keeps, tried in this order until little enough is left. */
const KEPT_GENERATIONS = [64, 16, 4, 1, 0, -1] as const;

type GroupedKey = { key: Uint8Array; mayVanish: boolean; slots: Set<Hash> };

function groupKeys(keys: readonly StateKey[], mayVanish: boolean): Map<Address, GroupedKey> {
  if (keys.length > MAX_PROOF_KEYS) throw new StateError("too-many", { bound: MAX_PROOF_KEYS });
  const grouped = new Map<Address, GroupedKey>();
  for (const key of keys) {
    if (key.kind === "code") continue;
    if (key.kind !== "account" && key.kind !== "slot") throw new StateError("not-state", { kind: key.kind });
    let group = grouped.get(key.address);
    if (group === undefined) {
      group = { key: hashedKey(key.address), mayVanish: false, slots: new Set() };
      grouped.set(key.address, group);
    }
    if (key.kind === "slot") group.slots.add(key.slot);
    else group.mayVanish ||= mayVanish;
  }
  return grouped;
}

function gatherUnstored(node: TrieNode, isRoot: boolean, out: HashedNode[]): void {
  if (node.kind === "unloaded" || node.epoch.stored) return;
  if (node.kind === "branch") {
    for (const child of node.children) if (child !== null) gatherUnstored(child, false, out);
  } else if (node.kind === "extension") gatherUnstored(node.child, false, out);
  else if (node.inner !== null) gatherUnstored(node.inner, true, out);
  const hash = isRoot ? hashOfRoot(node) : node.ref!;
  if (hash.length === 32) out.push({ hash, encoded: encodingOf(node) });
}

/** Unloads the branches that no walk has met since a generation; gives the number of nodes left below and with `node`. */
function trim(node: LoadedNode, oldest: number): number {
  if (node.kind === "branch") {
    let left = 1;
    for (let i = 0; i < 16; i++) {
      const child = node.children[i]!;
      if (child === null || child.kind === "unloaded") continue;
      if (!mayUnload(child, oldest)) left += trim(child, oldest);
      else node.children[i] = node.encoded === null ? makeUnloaded(child.ref!, false) : null;
    }
    return left;
  }
  const inner = node.kind === "leaf" ? node.inner : node.child;
  if (inner === null || inner.kind === "unloaded") return 1;
  if (!mayUnload(inner, oldest)) return 1 + trim(inner, oldest);
  if (node.kind === "leaf") node.inner = null;
  else node.child = makeUnloaded(inner.ref!, true);
  return 1;
}

/** Everything is hashed and stored when this is asked. */
const mayUnload = (node: LoadedNode, oldest: number): boolean =>
  node.kind === "branch" && node.used < oldest && node.ref!.length === 32;
