/** What a liar shows on L1 of a batch that ends in its lie. */
import { type rootsAfter, rootsAndLeaves } from "@mvm/node";
import {
  type Answer,
  encodeHeader,
  hashHeader,
  keccakHash,
  merkleProof,
  merkleRoot,
  type PlainItem,
  type SealedBlock,
  transactionsLeaf,
} from "@mvm/protocol";

/**
 * The answer to an ask.
 * @param blocks of the batch
 * @param rootsOf state roots after the last block's transactions
 * @throws RangeError for checkpoints of another block than the last
 */
export async function lateAnswer(
  blocks: readonly SealedBlock[],
  { kind, position }: PlainItem,
  rootsOf: (block: SealedBlock) => ReturnType<typeof rootsAfter>,
): Promise<Answer> {
  const hashes = blocks.map(({ header }) => hashHeader(header));
  const words = blocks.map(transactionsLeaf);
  if (kind === "blocks") return { kind, position: 0, leaves: hashes };
  if (kind === "words") return { kind, position: 0, leaves: words };
  const block = blocks[position]!;
  const own = block.transactions.map(keccakHash);
  const word = merkleProof(words, position);
  if (kind === "transactions") return { kind, position, leaves: own, siblings: word };
  if (position !== blocks.length - 1) throw new RangeError("nobody lies about another block than the last");
  const { leaves } = rootsAndLeaves(block.transactions, block.outcomes, await rootsOf(block));
  const siblings = [...merkleProof(hashes, position), ...word];
  return { kind, position, header: encodeHeader(block.header), transactions: merkleRoot(own), leaves, siblings };
}
