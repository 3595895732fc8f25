/** What a batch commits to and may be asked for on L1, and what an answer shows: the rules of Asks.sol and Disclosures.sol. */
import { type BatchHeader, blockCount, transactionsWord } from "./batches.ts";
import { CodecError } from "./codec.ts";
import { keccakHash } from "./hash.ts";
import { decodeHeader } from "./header.ts";
import { merkleRoot, verifyMerkleProof } from "./merkle.ts";
import { LIMITS } from "./parameters.ts";
import type { Hash } from "./primitives.ts";

/**
 * Kinds of items, in the order of the contract's enum: the leaves of a batch's blocksRoot; of its transactionsRoot; a block's header
 * and checkpoints; the hashes of a block's transactions.
 */
export const ASK_KINDS = ["blocks", "words", "checkpoints", "transactions"] as const;
export type AskKind = (typeof ASK_KINDS)[number];

/** What can be asked for of a batch; `position`: place of the block in the batch, from 0; 0 for what is the batch's. */
export type AskItem = { readonly kind: AskKind; readonly position: number };

/** Whether a kind is a block's, not the batch's. */
export const isOfBlock = (kind: AskKind): boolean => kind === "checkpoints" || kind === "transactions";

/** Asks.itemOf: kind | position << 2. */
export const encodeAskItem = ({ kind, position }: AskItem): bigint => BigInt(ASK_KINDS.indexOf(kind) + 4 * position);

/** An item by its number. */
export const decodeAskItem = (item: bigint): AskItem => ({
  kind: ASK_KINDS[Number(item & 3n)]!,
  position: Number(item >> 2n),
});

/** What is shown of a batch; at most LIMITS.batchBlocks or LIMITS.blockTransactions leaves. */
export type Answer =
  | { readonly kind: "blocks" | "words"; readonly position: 0; readonly leaves: readonly Hash[] }
  | {
      readonly kind: "checkpoints";
      readonly position: number;
      /** RLP of the block's header */
      readonly header: Uint8Array;
      /** Merkle root of the hashes of its transactions */
      readonly transactions: Hash;
      /** hashes of its checkpoints */
      readonly leaves: readonly Hash[];
      /** of its hash in blocksRoot, then of its word in transactionsRoot, each from the leaf up */
      readonly siblings: readonly Hash[];
    }
  | {
      readonly kind: "transactions";
      readonly position: number;
      /** hashes of its transactions */
      readonly leaves: readonly Hash[];
      /** of its word in transactionsRoot, from the leaf up */
      readonly siblings: readonly Hash[];
    };

type Commitment = Pick<BatchHeader, "firstBlock" | "lastBlock" | "blocksRoot" | "transactionsRoot">;

/** Why an answer is none to what a batch commits to, as L1 has it; null where it is. */
export function answerFault(batch: Commitment, answer: Answer): string | null {
  const count = blockCount(batch);
  const { leaves } = answer;
  if (leaves.length === 0 || leaves.length > LIMITS.blockTransactions) return `${leaves.length} leaves`;
  const isAt = (root: Hash, leaf: Hash, siblings: readonly Hash[]): boolean =>
    verifyMerkleProof({ root, leaf, index: answer.position, count, siblings });
  const isWord = (transactions: Hash, siblings: readonly Hash[]): boolean =>
    isAt(batch.transactionsRoot, transactionsWord(leaves.length, transactions), siblings);
  switch (answer.kind) {
    case "blocks":
    case "words": {
      const root = answer.kind === "blocks" ? batch.blocksRoot : batch.transactionsRoot;
      return leaves.length === count && merkleRoot(leaves) === root ? null : "other leaves";
    }
    case "checkpoints": {
      const { header, transactions, siblings } = answer;
      const height = Math.ceil(Math.log2(count));
      if (!isAt(batch.blocksRoot, keccakHash(header), siblings.slice(0, height))) return "another block";
      if (!isWord(transactions, siblings.slice(height))) return "other transactions";
      return merkleRoot(leaves) === headersRoot(header) ? null : "other checkpoints";
    }
    case "transactions":
      return isWord(merkleRoot(leaves), answer.siblings) ? null : "other transactions";
  }
}

function headersRoot(header: Uint8Array): Hash | null {
  try {
    return decodeHeader(header).checkpointsRoot;
  } catch (error) {
    if (error instanceof CodecError) return null;
    throw error;
  }
}
