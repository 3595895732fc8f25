/** The proof on L1 that a block's transaction does not lead to the checkpoint after it (F1). */
import type { ExecutionProof } from "@mvm/l1";
import { encodeHeader, type Header, type Hex, transactionSiblings } from "@mvm/protocol";
import type { Commitments } from "./commitments.ts";
import type { WrongCheckpoint } from "./wrongCheckpoint.ts";

/**
 * Puts the proof together.
 * @param position of the block in its batch, whose blocks are known up to it
 * @param parent header of the block before; needed for a block's first transaction
 * @param evidence encodeEvidence of wrong.evidence
 */
export function executionProof(
  wrong: WrongCheckpoint,
  at: { readonly committed: Commitments; readonly position: number; readonly parent: Header },
  evidence: Hex,
): ExecutionProof {
  const { committed, position, parent } = at;
  const { header, hashes } = committed.blocks[position]!;
  const { index } = wrong;
  const { hashes: blocks, words } = committed;
  const siblings = transactionSiblings(
    { position, index },
    { blocks, words, transactions: hashes, checkpoints: wrong.leaves },
  );
  return {
    position,
    index,
    count: hashes.length,
    claimed: wrong.claimed,
    header: encodeHeader(header),
    transaction: wrong.raw,
    before: wrong.previous ?? encodeHeader(parent),
    siblings,
    evidence,
  };
}
