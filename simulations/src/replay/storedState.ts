/** A state as tries in memory, with its codes. */
import { type AccountWrite, EMPTY_TRIE_ROOT, type Hash } from "@mvm/protocol";
import { NodeMap, WorldState } from "@mvm/state";

export type StoredState = {
  readonly nodes: NodeMap;
  readonly codes: ReadonlyMap<Hash, Uint8Array>;
  readonly root: Hash;
};

/** The state that lists of writes, one after the other, leave upon nothing. */
export function storedState(parts: readonly (readonly AccountWrite[])[]): StoredState {
  const nodes = new NodeMap();
  const codes = new Map<Hash, Uint8Array>();
  const world = new WorldState(nodes, EMPTY_TRIE_ROOT);
  for (const writes of parts) {
    world.applyWrites(writes);
    for (const { account, code } of writes) if (account !== null && code !== null) codes.set(account.codeHash, code);
  }
  for (const { encoded } of world.unstoredNodes()) nodes.add(encoded);
  return { nodes, codes, root: world.root() };
}
