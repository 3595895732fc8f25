/** What a batch commits to, as far as proofs about it have to know it. */
import type { BlockWord } from "@mvm/l1";
import {
  type Hash,
  type Header,
  hashHeader,
  keccakHash,
  merkleProof,
  merkleRoot,
  type SealedBlock,
  transactionsWord,
} from "@mvm/protocol";

/** A block as a batch commits to it. */
export type CommittedBlock = {
  readonly header: Header;
  /** hashes of its transactions */
  readonly hashes: readonly Hash[];
  /** its transactions; undefined for one of which nobody has shown more than the hash */
  readonly transactions: readonly (Uint8Array | undefined)[];
};

export type Commitments = {
  /** all leaves of blocksRoot: the blocks' hashes */
  readonly hashes: readonly Hash[];
  /** all leaves of transactionsRoot */
  readonly words: readonly Hash[];
  /** the first blocks: all, or as many as are known */
  readonly blocks: readonly CommittedBlock[];
};

/** Nothing, for what a batch's data show alone. */
export const NO_COMMITMENTS: Commitments = { hashes: [], words: [], blocks: [] };

/** The word of a block whose transactions have these hashes. */
export const wordOf = (hashes: readonly Hash[]): Hash => transactionsWord(hashes.length, merkleRoot(hashes));

/** What L1 is shown of a block whose transactions are asked for one by one. */
export function blockWord({ blocks, words }: Commitments, position: number): BlockWord {
  const { hashes } = blocks[position]!;
  return { count: hashes.length, transactions: merkleRoot(hashes), siblings: merkleProof(words, position) };
}

/** What a batch over all these blocks commits to. */
export function commitmentsOf(blocks: readonly Pick<SealedBlock, "header" | "transactions">[]): Commitments {
  const committed = blocks.map(({ header, transactions }) => {
    return { header, transactions, hashes: transactions.map(keccakHash) };
  });
  const words = committed.map(({ hashes }) => wordOf(hashes));
  return { hashes: blocks.map(({ header }) => hashHeader(header)), words, blocks: committed };
}
