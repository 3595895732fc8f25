/** What a liar shows on L1 of a transaction's parts: the right ones up to the middle, then none that anything leads to. */
import { partsOf, type rootsAfter, rootsAndLeaves } from "@mvm/node";
import {
  encodeHeader,
  type Hash,
  hashHeader,
  keccakHash,
  type PartsAnswer,
  type PartsItem,
  type SealedBlock,
  shownPlaces,
  toWord,
  transactionSiblings,
  transactionsLeaf,
} from "@mvm/protocol";

type Reader = Parameters<typeof partsOf>[3];

/** The block that is lied about and what stands around it. */
export type WrongBlock = {
  /** of the batch, which ends with it as it is claimed */
  readonly blocks: readonly SealedBlock[];
  readonly honest: SealedBlock;
  readonly parent: SealedBlock;
  readonly engine: Parameters<typeof partsOf>[0];
  /** readers of the state before it */
  readonly reader: () => Reader;
  readonly rootsOf: (block: SealedBlock) => ReturnType<typeof rootsAfter>;
};

/** The answer to an ask for the parts of the transaction that is lied about. */
export async function wrongParts(
  { blocks, honest, parent, engine, reader, rootsOf }: WrongBlock,
  item: PartsItem,
): Promise<PartsAnswer> {
  const { index } = item;
  const claimed = blocks.at(-1)!;
  const hashes = claimed.transactions.map(keccakHash);
  const { leaves } = rootsAndLeaves(claimed.transactions, claimed.outcomes, await rootsOf(claimed));
  const { slices, before } = await partsOf(engine, honest, index, reader());
  const { length } = slices;
  const told = (place: number): Hash => {
    if (place === length) return leaves[index]!;
    return place <= length / 2 ? slices.commitment(place) : keccakHash(toWord(BigInt(place)));
  };
  return {
    ...{ ...item, count: hashes.length, header: encodeHeader(claimed.header) },
    before: before ?? encodeHeader(parent.header),
    siblings: transactionSiblings(item, {
      blocks: blocks.map(({ header }) => hashHeader(header)),
      words: blocks.map(transactionsLeaf),
      transactions: hashes,
      checkpoints: leaves,
    }),
    transaction: hashes[index]!,
    parts: length,
    leaves: shownPlaces(length).map(told),
  };
}
