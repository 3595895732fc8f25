/** State roots after a block's transactions, without the state: by a witness for all that they write. */
import { type BlockOutcome, type Hash, PREDEPLOYS, type StateKey } from "@mvm/protocol";
import { type ProvenReader, SparseState } from "@mvm/state";

/** Accounts and slots that an outcome writes. */
export const keysWritten = ({ writes }: Pick<BlockOutcome, "writes">): readonly StateKey[] =>
  writes.flatMap(({ address, slots }): StateKey[] => [
    { kind: "account", address },
    ...slots.map(({ slot }): StateKey => ({ kind: "slot", address, slot })),
  ]);

/**
 * State roots after each outcome upon a root, and the storage root of MVM_L2ToL1 after the last. Rejects as the reader does.
 * @param reader of values under the root
 */
export async function rootsAfter(
  reader: ProvenReader,
  root: Hash,
  outcomes: readonly Pick<BlockOutcome, "writes">[],
): Promise<{ readonly stateRoots: readonly Hash[]; readonly withdrawalsRoot: Hash }> {
  const l2ToL1: StateKey = { kind: "account", address: PREDEPLOYS.l2ToL1 };
  await reader.fetchWitness([l2ToL1, ...outcomes.flatMap(keysWritten)]);
  const state = SparseState.fromProof(root, reader.collectedNodes());
  const stateRoots = outcomes.map(({ writes }) => state.applyWrites(writes));
  return { stateRoots, withdrawalsRoot: state.storageRootOf(PREDEPLOYS.l2ToL1) };
}
