/** The proof on L1 that a block's transaction does not lead to the checkpoint after it (F1). */
import type { ExecutionProof } from "@mvm/l1";
import {
  encodeHeader,
  type Header,
  type Hex,
  hashHeader,
  keccakHash,
  merklePairProof,
  merkleProof,
  type SealedBlock,
  transactionsLeaf,
} from "@mvm/protocol";
import type { WrongCheckpoint } from "./wrongCheckpoint.ts";

type Block = Pick<SealedBlock, "header" | "transactions">;

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
    ...(index === 0 ? merkleProof(wrong.leaves, 0) : merklePairProof(wrong.leaves, index)),
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
