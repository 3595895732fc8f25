/**
 * What a batch commits to and may be asked for on L1, and what an answer shows: the rules of Asks.sol, Disclosures.sol and
 * PartAnswers.sol.
 */
import { type BatchHeader, blockCount, transactionsWord } from "./batches.ts";
import { type Checkpoint, checkpointLeaf } from "./checkpoints.ts";
import { CodecError } from "./codec.ts";
import { keccakHash } from "./hash.ts";
import { decodeHeader, type Header } from "./header.ts";
import {
  merklePairProof,
  merkleProof,
  merkleRoot,
  merkleRootOf,
  verifyMerklePair,
  verifyMerkleProof,
} from "./merkle.ts";
import { LIMITS } from "./parameters.ts";
import { type Hash, ZERO_HASH } from "./primitives.ts";
import { isShownEvidence, type ShownEvidence, shownEvidenceHash } from "./work.ts";

/**
 * Kinds of items, in the order of the contract's enum: the leaves of a batch's blocksRoot; of its transactionsRoot; a block's header
 * and checkpoints; the hashes of a block's transactions.
 */
export const ASK_KINDS = ["blocks", "words", "checkpoints", "transactions"] as const;
export type AskKind = (typeof ASK_KINDS)[number];
/**
 * Behind those the kinds of what is asked for of one transaction: the commitments between its parts; where these are too many for one
 * answer, those between two that were shown; its bytes. The last one is of a block again: what shows who did its job.
 */
const KINDS = [...ASK_KINDS, "parts", "stretch", "bytes", "evidence"] as const;

/** The commitments between the parts of a transaction; `index`: its place in the block. */
export type PartsItem = { readonly kind: "parts"; readonly position: number; readonly index: number };
/** Those between two that were shown; `stretch`: number of the first one of the two. */
export type StretchItem = Omit<PartsItem, "kind"> & { readonly kind: "stretch"; readonly stretch: number };
/** An item of a batch or of a block; `position`: place of the block in the batch, from 0; 0 for what is the batch's. */
export type PlainItem = { readonly kind: AskKind; readonly position: number };
/** A transaction's bytes. */
export type BytesItem = Omit<PartsItem, "kind"> & { readonly kind: "bytes" };
/** What shows who did a block's job. */
export type EvidenceItem = { readonly kind: "evidence"; readonly position: number };
/** What can be asked for of a batch. */
export type AskItem = PlainItem | PartsItem | StretchItem | BytesItem | EvidenceItem;

/** Whether a kind is a block's, not the batch's. */
export const isOfBlock = (kind: AskItem["kind"]): boolean => kind !== "blocks" && kind !== "words";
/** Whether an item is of one transaction. */
export const isOfTransaction = (item: AskItem): item is PartsItem | StretchItem | BytesItem => "index" in item;
/** Whether the poster alone can show an item, for it is what the poster claims. */
export const isPosters = ({ kind }: AskItem): boolean => kind === "parts" || kind === "stretch";

const [POSITION_BIT, INDEX_BIT, STRETCH_BIT] = [3n, 14n, 25n];
const PLACE_BITS = 11;

/** Asks.itemOf, PartItems: kind | position << 3 | index << 14 | stretch << 25. */
export function encodeAskItem(item: AskItem): bigint {
  const index = isOfTransaction(item) ? item.index : 0;
  const stretch = item.kind === "stretch" ? item.stretch : 0;
  return (
    BigInt(KINDS.indexOf(item.kind)) |
    (BigInt(item.position) << POSITION_BIT) |
    (BigInt(index) << INDEX_BIT) |
    (BigInt(stretch) << STRETCH_BIT)
  );
}

/** An item by its number, which L1 has let pass. */
export function decodeAskItem(item: bigint): AskItem {
  const kind = KINDS[Number(item & 7n)]!;
  const position = Number(BigInt.asUintN(PLACE_BITS, item >> POSITION_BIT));
  if (kind !== "parts" && kind !== "stretch" && kind !== "bytes") return { kind, position };
  const index = Number(BigInt.asUintN(PLACE_BITS, item >> INDEX_BIT));
  return kind === "stretch"
    ? { kind, position, index, stretch: Number(item >> STRETCH_BIT) }
    : { kind, position, index };
}

/** Where a transaction of a batch stands, and what stands before it: ProvenTransactions.sol. */
export type TransactionPlace = {
  /** place of its block in the batch, from 0 */
  readonly position: number;
  /** its place in the block, and how many transactions that has */
  readonly index: number;
  readonly count: number;
  /** RLP of the block's header */
  readonly header: Uint8Array;
  /** the checkpoint before it; for a block's first transaction RLP of the parent's header */
  readonly before: Checkpoint | Uint8Array;
  /** of the block's hash, of the transaction's hash, of the block's word, of the checkpoints, each from the leaf up */
  readonly siblings: readonly Hash[];
};

/**
 * Siblings of a transaction's place.
 * @param of hashes of the batch's blocks, words of their transactions; of the block the hashes of its transactions and the leaves of
 * its checkpoints
 */
export function transactionSiblings(
  { position, index }: Pick<TransactionPlace, "position" | "index">,
  of: { readonly [leaves in "blocks" | "words" | "transactions" | "checkpoints"]: readonly Hash[] },
): readonly Hash[] {
  return [
    ...merkleProof(of.blocks, position),
    ...merkleProof(of.transactions, index),
    ...merkleProof(of.words, position),
    ...(index === 0 ? merkleProof(of.checkpoints, 0) : merklePairProof(of.checkpoints, index)),
  ];
}

/** Most commitments of one answer. */
export const MAX_COMMITMENTS = 3_750;
/** Most parts that a transaction can be shown in. */
const MAX_PARTS = (MAX_COMMITMENTS - 1) ** 2;

/** Parts between one commitment that is shown and the next. */
const strideOf = (parts: number): number => Math.ceil(parts / (MAX_COMMITMENTS - 1));

const placesBetween = (from: number, to: number, every: number): readonly number[] =>
  Array.from({ length: Math.ceil((to - from) / every) + 1 }, (_, i) => Math.min(from + i * every, to));

/** Of a transaction in so many parts the numbers of the commitments that are shown first: all, or every n-th and the last one. */
export const shownPlaces = (parts: number): readonly number[] => placesBetween(0, parts, strideOf(parts));

/** Numbers of those of a stretch; empty where there is none, for all are shown first. */
export function stretchPlaces(parts: number, stretch: number): readonly number[] {
  const every = strideOf(parts);
  const from = stretch * every;
  return every === 1 || from >= parts ? [] : placesBetween(from, Math.min(from + every, parts), 1);
}

/**
 * What is shown of a batch; at most LIMITS.batchBlocks or LIMITS.blockTransactions leaves; of a transaction's parts at most
 * MAX_COMMITMENTS.
 */
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
    }
  | PartsAnswer
  | BytesAnswer
  | (EvidenceItem & { readonly evidence: ShownEvidence })
  | (StretchItem & {
      /** all commitments, from one that was shown to the next */
      readonly leaves: readonly Hash[];
      /** of these two, as merklePairProof gives them */
      readonly siblings: readonly Hash[];
    });

/** A transaction. */
export type BytesAnswer = BytesItem & {
  /** how many its block has */
  readonly count: number;
  readonly transaction: Uint8Array;
  /** of its hash in the block's root, then of the block's word in transactionsRoot, each from the leaf up */
  readonly siblings: readonly Hash[];
};

/** Commitments between a transaction's parts. */
export type PartsAnswer = PartsItem &
  TransactionPlace & {
    /** keccak of its bytes */
    readonly transaction: Hash;
    /** how many parts it has */
    readonly parts: number;
    /** commitments at shownPlaces; the first is where it starts, the last one is its checkpoint's leaf */
    readonly leaves: readonly Hash[];
  };

type Commitment = Pick<BatchHeader, "firstBlock" | "lastBlock" | "blocksRoot" | "transactionsRoot">;

/** What is known of a batch beside its header. */
export type KnownOfBatch = {
  /** of a stretch: what was shown before of its transaction */
  readonly around?: PartsAnswer | undefined;
  /** of a block's evidence: its hash, as the batch's data have it */
  readonly evidenceHash?: Hash | undefined;
};

/**
 * Why an answer is none to what a batch commits to, as L1 has it; null where it is. That a transaction starts from the first of its
 * commitments is for who can execute it to see.
 */
export function answerFault(batch: Commitment, answer: Answer, known: KnownOfBatch = {}): string | null {
  if (answer.kind === "parts") return partsFault(batch, answer);
  if (answer.kind === "stretch") return stretchFault(answer, known.around);
  if (answer.kind === "bytes") return bytesFault(batch, answer);
  if (answer.kind === "evidence") {
    const { evidence } = answer;
    const isIt = isShownEvidence(evidence) && shownEvidenceHash(evidence) === known.evidenceHash;
    return isIt ? null : "other evidence";
  }
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
      return merkleRoot(leaves) === headerIn(header)?.checkpointsRoot ? null : "other checkpoints";
    }
    case "transactions":
      return isWord(merkleRoot(leaves), answer.siblings) ? null : "other transactions";
  }
}

function headerIn(header: Uint8Array): Header | null {
  try {
    return decodeHeader(header);
  } catch (error) {
    if (error instanceof CodecError) return null;
    throw error;
  }
}

const isEmpty = (commitment: Hash): boolean => commitment === ZERO_HASH;

function partsFault(batch: Commitment, answer: PartsAnswer): string | null {
  const { parts, leaves } = answer;
  const isNumber = Number.isSafeInteger(parts) && parts >= 1 && parts <= MAX_PARTS;
  if (!isNumber || leaves.length !== shownPlaces(parts).length) return `${leaves.length} commitments of ${parts} parts`;
  if (leaves.some(isEmpty)) return "a commitment to nothing";
  return placeFault(batch, answer, leaves.at(-1)!);
}

/** Why a transaction with a checkpoint's leaf does not stand where it is said to stand; twin of ProvenTransactions.requireAt. */
function placeFault(
  batch: Commitment,
  { position, index, count, header, before, siblings, transaction }: PartsAnswer,
  leaf: Hash,
): string | null {
  const blocks = blockCount(batch);
  const height = Math.ceil(Math.log2(blocks));
  const behind = 2 * height + Math.ceil(Math.log2(count));
  const own = { root: batch.blocksRoot, leaf: keccakHash(header), index: position, count: blocks };
  if (!verifyMerkleProof({ ...own, siblings: siblings.slice(0, height) })) return "another block";
  const path = siblings.slice(height, behind);
  if (!hasTransaction(batch, { position, index, count, siblings: path }, transaction)) return "another transaction";
  const fields = headerIn(header);
  if (fields === null) return "no header";
  const root = fields.checkpointsRoot;
  const rest = siblings.slice(behind);
  if (before instanceof Uint8Array) {
    const isIt = index === 0 && verifyMerkleProof({ root, leaf, index, count, siblings: rest });
    return isIt && keccakHash(before) === fields.parentHash ? null : "another checkpoint";
  }
  const leaves = [checkpointLeaf(before), leaf] as const;
  const isIt = before.index === index - 1 && verifyMerklePair({ root, leaves, index, count, siblings: rest });
  return isIt ? null : "another checkpoint";
}

const bytesFault = (batch: Commitment, answer: BytesAnswer): string | null =>
  hasTransaction(batch, answer, keccakHash(answer.transaction)) ? null : "another transaction";

/** Whether a batch has a transaction, by the path of its hash in its block and that of the block's word. */
function hasTransaction(
  batch: Commitment,
  { position, index, count, siblings }: Pick<TransactionPlace, "position" | "index" | "count" | "siblings">,
  hash: Hash,
): boolean {
  if (index >= count) return false;
  const height = Math.ceil(Math.log2(count));
  const leaf = transactionsWord(count, merkleRootOf(hash, index, siblings.slice(0, height)));
  const place = { root: batch.transactionsRoot, leaf, index: position, count: blockCount(batch) };
  return verifyMerkleProof({ ...place, siblings: siblings.slice(height) });
}

function stretchFault(
  { position, index, stretch, leaves, siblings }: Answer & { kind: "stretch" },
  around: PartsAnswer | undefined,
): string | null {
  if (around === undefined || around.position !== position || around.index !== index)
    return "of nothing that was shown";
  if (leaves.length === 0 || leaves.length !== stretchPlaces(around.parts, stretch).length)
    return `${leaves.length} commitments of a stretch`;
  if (leaves.some(isEmpty)) return "a commitment to nothing";
  const ends = [leaves[0]!, leaves.at(-1)!] as const;
  const place = { root: merkleRoot(around.leaves), count: around.leaves.length };
  return verifyMerklePair({ ...place, leaves: ends, index: stretch + 1, siblings }) ? null : "another stretch";
}
