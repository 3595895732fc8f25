/** What L1 was shown of a batch that nobody shows otherwise, as far as it takes to judge it. */

import type { ShownWithAsk } from "@mvm/l1";
import {
  type Answer,
  type AskKind,
  type BatchHeader,
  type BytesItem,
  blockCount,
  decodeHeader,
  type EvidenceItem,
  type Hash,
  hashHeader,
  type KnownOfBatch,
  keccakHash,
  merkleRoot,
  type PlainItem,
} from "@mvm/protocol";
import type { Followed } from "../rebuild.ts";
import { blockWord, type Commitments, type CommittedBlock, wordOf } from "./commitments.ts";

type NeededItem = PlainItem | BytesItem | EvidenceItem;

/** What was shown of an item on L1, checked against what the batch commits to; undefined where nobody has answered. */
export type Answers = (item: NeededItem, known?: KnownOfBatch) => Promise<Answer | undefined>;

/** What has to be asked for. */
export type Need = ShownWithAsk & KnownOfBatch & { readonly item: NeededItem };

export type DisclosedBlock = {
  /** with the batch's blocks up to this one */
  readonly committed: Commitments;
  readonly position: number;
  /** hashes of its checkpoints; null where its header is the one that the data lead to, and only its transactions are not */
  readonly leaves: readonly Hash[] | null;
};

type Needed = { readonly needed: Need };
type Bytes = readonly (Uint8Array | undefined)[];

const need = (kind: AskKind, position = 0): Needed => ({ needed: { item: { kind, position } } });

/** An answer of a kind; undefined where there is none. */
async function answered<Kind extends AskKind>(answers: Answers, kind: Kind, position = 0) {
  const answer = await answers({ kind, position });
  return answer?.kind === kind ? (answer as Answer & { readonly kind: Kind }) : undefined;
}

/** Hashes of a block's transactions; null where one is not known. */
function hashesOf(transactions: Bytes): readonly Hash[] | null {
  const hashes = transactions.flatMap((raw) => (raw === undefined ? [] : [keccakHash(raw)]));
  return hashes.length === transactions.length ? hashes : null;
}

/**
 * The first block of a batch that is another than its data lead to, in its hash or in its transactions; or what has to be asked for to
 * know it; null: there is none.
 * @param followed the batch's data, as far as they can be followed
 * @param seen what somebody shows of all its blocks, whose hashes are those that it commits to; null: nobody does
 */
export async function disclosedBlock(
  batch: BatchHeader,
  followed: Followed,
  seen: Commitments | null,
  answers: Answers,
): Promise<DisclosedBlock | Needed | null> {
  const own = followed.transactions.map(hashesOf);
  const ownHashes = followed.headers.map(hashHeader);
  const ownWords = own.map((of) => (of === null ? null : wordOf(of)));
  const hashes = seen?.hashes ?? (await answered(answers, "blocks"))?.leaves;
  if (hashes === undefined) return need("blocks");
  const isOfBatch = (leaves: readonly (Hash | null)[] | undefined): leaves is readonly Hash[] =>
    leaves?.length === blockCount(batch) &&
    leaves.every((leaf) => leaf !== null) &&
    merkleRoot(leaves) === batch.transactionsRoot;
  const seenBlocks = isOfBatch(seen?.words) ? seen?.blocks : undefined;
  const words = [ownWords, seen?.words].find(isOfBatch) ?? (await answered(answers, "words"))?.leaves;
  if (words === undefined) return need("words");
  const position = hashes.findIndex((hash, i) => hash !== ownHashes[i] || words[i] !== ownWords[i]);
  if (position < 0) return null;

  let header = hashes[position] === ownHashes[position] ? followed.headers[position] : undefined;
  let leaves: readonly Hash[] | null = null;
  if (header === undefined) {
    const shown = await answered(answers, "checkpoints", position);
    if (shown === undefined) return need("checkpoints", position);
    header = decodeHeader(shown.header);
    leaves = shown.leaves;
  }
  const said = followed.transactions[position] ?? [];
  let block: CommittedBlock | undefined = seenBlocks?.[position];
  if (words[position] === ownWords[position]) block = { header, hashes: own[position]!, transactions: said };
  if (block === undefined) {
    const shown = await answered(answers, "transactions", position);
    if (shown === undefined) return need("transactions", position);
    block = { header, hashes: shown.leaves, transactions: bytesOf(shown.leaves, said) };
  }
  const before = followed.headers.slice(0, position).map((one, i): CommittedBlock => {
    return { header: one, hashes: own[i]!, transactions: followed.transactions[i]! };
  });
  return { committed: { hashes, words, blocks: [...before, block] }, position, leaves };
}

/**
 * The first transaction of the block that is known by its hash alone; or that it has to be asked for; null: all are known.
 * @param block as disclosedBlock gives it
 */
export async function disclosedTransaction(
  { committed, position }: Pick<DisclosedBlock, "committed" | "position">,
  answers: Answers,
): Promise<DisclosedBlock["committed"] | Needed | null> {
  const block = committed.blocks[position]!;
  const index = block.transactions.indexOf(undefined);
  if (index < 0) return null;
  const item: BytesItem = { kind: "bytes", position, index };
  const answer = await answers(item);
  if (answer?.kind !== "bytes") return { needed: { item, word: blockWord(committed, position) } };
  const transactions = block.transactions.with(index, answer.transaction);
  return { ...committed, blocks: committed.blocks.with(position, { ...block, transactions }) };
}

/** Transactions with these hashes, as far as they are among those that the data say. */
function bytesOf(hashes: readonly Hash[], said: Bytes): Bytes {
  const byHash = new Map(said.flatMap((raw) => (raw === undefined ? [] : [[keccakHash(raw), raw] as const])));
  return hashes.map((hash) => byHash.get(hash));
}
