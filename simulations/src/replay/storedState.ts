/** A state as tries in memory, with its codes. */
import type { ReplaySource } from "@mvm/node";
import {
  type AccountWrite,
  CHARTER_SLOTS,
  EMPTY_TRIE_ROOT,
  genesisAccount,
  type Hash,
  PREDEPLOYS,
  toWordHex,
  ZERO_HASH,
} from "@mvm/protocol";
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

/** What blocks upon a state are replayed from; of blocks before their parent it knows no hash. */
export const replaySource = ({ nodes, codes }: StoredState): ReplaySource => ({
  nodes,
  code: (hash) => {
    const code = codes.get(hash);
    if (code === undefined) throw new Error(`no code ${hash}`);
    return code;
  },
  blockHash: () => ZERO_HASH,
});

/** Flags of a charter with neither rules nor tax. */
export const FREE_FLAGS = 1n | (1n << 16n);

/** A charter with neither rules nor tax, as it stands in a state. */
export const FREE_CHARTER: AccountWrite = {
  address: PREDEPLOYS.executionManager,
  account: genesisAccount(PREDEPLOYS.executionManager)!,
  code: null,
  slots: [{ slot: toWordHex(CHARTER_SLOTS.flags), value: FREE_FLAGS }],
};
