/** The roots of a block for who has no state: by a witness for all that its transactions write. */
import { type BlockOutcome, type Hash, PREDEPLOYS, type StateKey } from "@mvm/protocol";
import { type ProvenReader, SparseState } from "@mvm/state";
import { type BlockRoots, blockRoots } from "./blockRoots.ts";

/**
 * Roots of a block with these outcomes upon a state.
 * @param proven reads under that state's root
 */
export async function rootsUpon(
  proven: ProvenReader,
  stateRoot: Hash,
  {
    transactions,
    outcomes,
  }: { readonly transactions: readonly Uint8Array[]; readonly outcomes: readonly BlockOutcome[] },
): Promise<BlockRoots> {
  const written: StateKey[] = [{ kind: "account", address: PREDEPLOYS.l2ToL1 }];
  for (const { writes } of outcomes) {
    for (const { address, slots } of writes) {
      written.push({ kind: "account", address });
      for (const { slot } of slots) written.push({ kind: "slot", address, slot });
    }
  }
  await proven.fetchWitness(written);
  const state = SparseState.fromProof(stateRoot, proven.collectedNodes());
  const stateRoots = outcomes.map(({ writes }) => state.applyWrites(writes));
  return blockRoots(transactions, outcomes, { stateRoots, withdrawalsRoot: state.storageRootOf(PREDEPLOYS.l2ToL1) });
}
