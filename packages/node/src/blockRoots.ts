/** The roots that a block's header commits to, from its transactions, outcomes and the state root after each. */
import {
  type BlockOutcome,
  checkpointLeaf,
  encodeReceipt,
  type Hash,
  type Header,
  merkleRoot,
  type SealedBlock,
} from "@mvm/protocol";
import { CheckpointGrower, typeOf } from "./checkpointGrower.ts";

export type BlockRoots = Pick<
  Header,
  "stateRoot" | "transactionsRoot" | "receiptsRoot" | "logsBloom" | "gasUsed" | "checkpointsRoot" | "withdrawalsRoot"
>;

/** Encoded receipts in order. */
export function receiptsOf(transactions: readonly Uint8Array[], outcomes: readonly BlockOutcome[]): Uint8Array[] {
  let cumulativeGasUsed = 0n;
  return outcomes.map(({ status, gasUsed, logs }, i) => {
    cumulativeGasUsed += gasUsed;
    return encodeReceipt({ type: typeOf(transactions[i]!), status, cumulativeGasUsed, logs });
  });
}

/** State roots after each transaction, as many as there are transactions, at least one; storage root of MVM_L2ToL1 after the last. */
type StateRoots = { readonly stateRoots: readonly Hash[]; readonly withdrawalsRoot: Hash };

/** Roots of a block. */
export const blockRoots = (
  transactions: readonly Uint8Array[],
  outcomes: readonly BlockOutcome[],
  roots: StateRoots,
): BlockRoots => rootsAndLeaves(transactions, outcomes, roots).roots;

/** Roots of a block, and the leaves of its checkpoints root. */
export function rootsAndLeaves(
  transactions: readonly Uint8Array[],
  outcomes: readonly BlockOutcome[],
  { stateRoots, withdrawalsRoot }: StateRoots,
): { readonly roots: BlockRoots; readonly leaves: readonly Hash[] } {
  const grower = new CheckpointGrower();
  const leaves = outcomes.map((outcome, index) =>
    checkpointLeaf(grower.append(transactions[index]!, outcome, stateRoots[index]!)),
  );
  const { transactionsRoot, receiptsRoot, logsBloom, gasUsed } = grower;
  const stateRoot = stateRoots.at(-1)!;
  const checkpointsRoot = merkleRoot(leaves);
  const roots = { stateRoot, transactionsRoot, receiptsRoot, logsBloom, gasUsed, checkpointsRoot, withdrawalsRoot };
  return { roots, leaves };
}

/** The first root that needs no state in which a block's header differs from what the block holds, or null. */
export function statelessFault({ header, transactions, outcomes }: SealedBlock): string | null {
  const { stateRoot, withdrawalsRoot } = header;
  const stateRoots = transactions.map(() => stateRoot);
  const { checkpointsRoot: _, ...roots } = blockRoots(transactions, outcomes, { stateRoots, withdrawalsRoot });
  return rootsFault(header, roots);
}

const ROOTS = [
  "stateRoot",
  "transactionsRoot",
  "receiptsRoot",
  "gasUsed",
  "checkpointsRoot",
  "withdrawalsRoot",
] as const;

/** The first root in which a header differs from computed ones, or null. */
export function rootsFault(header: Header, roots: Partial<BlockRoots>): string | null {
  for (const name of ROOTS) {
    if (roots[name] !== undefined && roots[name] !== header[name])
      return `${name} is ${header[name]}, computed ${roots[name]}`;
  }
  const bloom = roots.logsBloom;
  return bloom === undefined || bloom.every((byte, i) => byte === header.logsBloom[i]) ? null : "logsBloom differs";
}
