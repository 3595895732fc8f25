/** Proofs of one key as contracts take them: the nodes on its path from the root down, in that order. */
import type { Address, Hash } from "@mvm/protocol";
import { fromHex } from "@mvm/protocol";
import { type AccountRecord, decodeAccountRecord, decodeSlotValue } from "./accountRecord.ts";
import { hashedKey } from "./hashedKeys.ts";
import type { NodeSource } from "./nodeSource.ts";
import { collectProof, NodeSet } from "./proofCollector.ts";
import { rootNode, TrieWalker } from "./trie.ts";

/** What a trie has at a key (null: nothing) with the nodes that prove it; those within their parent stand only there. */
export type TriePath<T> = { readonly value: T; readonly nodes: readonly Uint8Array[] };

function pathTo(source: NodeSource, root: Hash, name: string): TriePath<Uint8Array | null> {
  const walker = new TrieWalker(source);
  const key = hashedKey(name);
  const set = new NodeSet();
  const found = collectProof(walker, rootNode(walker, fromHex(root)), [{ key, mayVanish: false }], set);
  return { value: found.get(key)?.value ?? null, nodes: set.nodes };
}

/** An account under a state root. Throws StateError "missing-node" or "bad-node". */
export function accountPath(source: NodeSource, stateRoot: Hash, address: Address): TriePath<AccountRecord | null> {
  const { value, nodes } = pathTo(source, stateRoot, address);
  return { value: value === null ? null : decodeAccountRecord(value), nodes };
}

/** A slot's value (zero: the trie does not have it) under a storage root. Throws StateError "missing-node" or "bad-node". */
export function slotPath(source: NodeSource, storageRoot: Hash, slot: Hash): TriePath<bigint> {
  const { value, nodes } = pathTo(source, storageRoot, slot);
  return { value: value === null ? 0n : decodeSlotValue(value), nodes };
}
