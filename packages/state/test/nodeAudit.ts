/** Which trie nodes a store has, against those that the states it keeps have. */
import { EMPTY_TRIE_ROOT, fromHex, type Hash, toHex } from "@mvm/protocol";
import { expect } from "vitest";
import { storageRootIn } from "../src/accountRecord.ts";
import type { DacDatabase, KeyValueStore, StoreEntry } from "../src/index.ts";
import { decodeNode } from "../src/nodeEncoding.ts";
import { nodeKey } from "../src/storeKeys.ts";
import { EMPTY_ROOT_BYTES } from "../src/trie.ts";
import { childHash, makeUnloaded, type TrieNode } from "../src/trieNode.ts";

const MANY = 1_000_000;

/** Entries whose keys begin with a letter. */
export function entriesOf(store: KeyValueStore, letter: string): Promise<StoreEntry[]> {
  const first = letter.charCodeAt(0);
  return store.page({ from: Uint8Array.of(first), to: Uint8Array.of(first + 1) }, MANY);
}

/** Hashes of the nodes that a state has, those of accounts' storage among them. Throws where one is not in the store. */
function nodesOf(store: KeyValueStore, root: Hash): Set<string> {
  const hashes = new Set<string>();
  const walk = (node: TrieNode, isAccounts: boolean): void => {
    if (node.kind === "unloaded") {
      hashes.add(toHex(node.ref));
      const encoded = store.get(nodeKey(node.ref));
      if (encoded === undefined) throw new Error(`a state that is kept lacks ${toHex(node.ref)}`);
      walk(decodeNode(encoded, node.ref), isAccounts);
    } else if (node.kind === "extension") walk(node.child, isAccounts);
    else if (node.kind === "branch") {
      for (let i = 0; i < 16; i++)
        if (((node.mask >> i) & 1) === 1) walk(node.children[i] ?? makeUnloaded(childHash(node, i), false), isAccounts);
    } else if (isAccounts) {
      const storage = storageRootIn(node.value).slice();
      if (toHex(storage) !== toHex(EMPTY_ROOT_BYTES)) walk(makeUnloaded(storage, false), false);
    }
  };
  if (root !== EMPTY_TRIE_ROOT) walk(makeUnloaded(fromHex(root), false), true);
  return hashes;
}

/** Checks that the nodes in a database's store are those of the states that it keeps, and no other. */
export async function expectExact(store: KeyValueStore, database: DacDatabase): Promise<void> {
  const needed = new Set<string>();
  for (let number = database.oldestState; number <= database.head!.number; number++)
    for (const hash of nodesOf(store, database.blockByNumber(number)!.stateRoot!)) needed.add(hash);
  const stored = await entriesOf(store, "n");
  expect(new Set(stored.map(([key]) => toHex(key.subarray(1))))).toEqual(needed);
}
