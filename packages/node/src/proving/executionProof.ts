/** The proof on L1 that a block's transaction does not lead to the checkpoint after it (F1). */
import type { ExecutionProof } from "@mvm/l1";
import {
  encodeHeader,
  type Hash,
  type Header,
  type Hex,
  hashHeader,
  keccakHash,
  merkleProof,
  type SealedBlock,
  transactionsLeaf,
} from "@mvm/protocol";
import type { WrongCheckpoint } from "./wrongCheckpoint.ts";

type Block = Pick<SealedBlock, "header" | "transactions">;

/** Siblings of the leaves at `index - 1` and `index`, as MerkleTree.pairRootOf takes them. */
export function pairProof(leaves: readonly Hash[], index: number): readonly Hash[] {
  const [left, right] = [merkleProof(leaves, index - 1), merkleProof(leaves, index)];
  const apart = Math.clz32(1) - Math.clz32(index & -index);
  const below = Array.from({ length: apart }, (_, level) => [left[level]!, right[level]!]).flat();
  // On the level on which the paths meet each is the other's sibling.
  return [...below, ...right.slice(apart + 1)];
}

/**
 * Puts the proof together.
 * @param batch all blocks of the batch, in order
 * @param parent header of the block before; needed for a block's first transaction
 * @param evidence encodeEvidence of wrong.evidence
 */
export function executionProof(
  wrong: WrongCheckpoint,
  { batch, position, parent }: { readonly batch: readonly Block[]; readonly position: number; readonly parent: Header },
  evidence: Hex,
): ExecutionProof {
  const block = batch[position]!;
  const { index } = wrong.claimed;
  const hashes = block.transactions.map(keccakHash);
  const siblings = [
    ...merkleProof(
      batch.map(({ header }) => hashHeader(header)),
      position,
    ),
    ...merkleProof(hashes, index),
    ...merkleProof(batch.map(transactionsLeaf), position),
    ...(index === 0 ? merkleProof(wrong.leaves, 0) : pairProof(wrong.leaves, index)),
  ];
  return {
    position,
    index,
    count: hashes.length,
    claimed: wrong.claimed,
    header: encodeHeader(block.header),
    transaction: wrong.raw,
    before: wrong.previous ?? encodeHeader(parent),
    siblings,
    evidence,
  };
}
