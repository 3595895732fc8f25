/** What of a posted batch does not follow from its data and from L1: found, with the proof of it. */
import type { DerivationProof } from "@mvm/l1";
import {
  type Address,
  type BatchContext,
  type BatchHeader,
  type BlockContext,
  batchOrigin,
  blockCount,
  type ChainId,
  CodecError,
  contextAt,
  contextGroupFault,
  decodeSystemTransaction,
  encodeSystemTransaction,
  epochOf,
  equalBytes,
  type Founding,
  type Hash,
  type Header,
  isSystemTransaction,
  keccakHash,
  LIMITS,
  prevRandaoOf,
  rowGroupFault,
  SNAPSHOT_DISTANCE,
  seatedIn,
  servedBy,
  settledAccounts,
  transactionAt,
} from "@mvm/protocol";
import { closingTransaction, latestPosted, openingTransactions, type QueuedItem } from "@mvm/roles";
import type { NodeSource } from "@mvm/state";
import { toItemValues } from "../l1Events.ts";
import type { Batch } from "../rebuild.ts";
import {
  aheadProof,
  type BatchBefore,
  closingProof,
  contextProof,
  countProof,
  formProof,
  foundingProof,
  itemBytesProof,
  itemProof,
  type PostedBatch,
  queueEndProof,
  rowProof,
  settleProof,
  slotsProof,
  timeProof,
} from "./derivationProofs.ts";

/** What a batch has to follow from, beside its data. */
export type DerivationSource = {
  readonly valuesOf: (slot: bigint) => Pick<BlockContext, "l1Block" | "l1BaseFee"> | undefined;
  /** item of the chain's queue; undefined: it has no such item */
  readonly queueItem: (index: bigint) => QueuedItem | undefined;
  /** provider with a number, also one that has left */
  readonly providerAt: (index: number) => Address | undefined;
  readonly founding: Founding;
  readonly storageUnits: number;
  readonly epochBlocks: number;
  /** the batch before, where there is one */
  readonly previous: BatchBefore | undefined;
  /** header of the block before the first */
  readonly parent: Header;
  /** address at an index of the table as of the end of the block before one of the batch; throws StateError where that is not known */
  readonly addressAt: (position: number, index: bigint) => Address | undefined;
  /** trie nodes of these states */
  readonly nodes: NodeSource;
};

/** A block of the batch, and its context as posted. */
type Posted = {
  readonly position: number;
  readonly number: bigint;
  readonly context: BatchContext;
  /** of its transactions */
  readonly hashes: readonly Hash[];
  /** items of the queue that the chain had consumed before it */
  readonly queueBegin: bigint;
};

/** A batch of which nobody has shown the blocks. */
type Unshown = Pick<PostedBatch, "header" | "data">;

/**
 * What is wrong in a batch's data for themselves, or null: they cannot be decoded, have a block that is ahead of L1, or lead to another end
 * of the queue.
 */
export function dataFinding(batch: Batch, previous: BatchHeader | undefined): DerivationProof | null {
  return formFinding(batch) ?? aheadFinding(batch) ?? queueEndFinding(batch, previous);
}

/**
 * The first thing found wrong in a batch, or null.
 * @param batch with the first blocks that it commits to: in these it is looked for
 * @throws RangeError where L1's values for a slot of the batch, an item of its queue, or the bytes of a transaction that a proof needs
 * are not known
 * @throws StateError where the nodes lack what a proof needs of the address table
 */
export function derivationFinding(batch: PostedBatch, source: DerivationSource): DerivationProof | null {
  const plain = formFinding(batch) ?? aheadFinding(batch);
  if (plain !== null) return plain;
  const { header, data, blocks } = batch;
  let queueBegin = source.previous?.header.queueEnd ?? 0n;
  let slotBefore = source.previous?.slot ?? 0n;
  for (const [position, { hashes }] of blocks.entries()) {
    const context = soundContext(data, position);
    const posted = { position, number: header.firstBlock + BigInt(position), context, hashes, queueBegin };
    const found = blockFinding(batch, posted, source);
    if (found !== null) return found;
    if (context.slot < slotBefore) return slotsProof(batch, position, source.previous);
    slotBefore = context.slot;
    queueBegin += BigInt(context.queueItems);
  }
  return queueEndFinding(batch, source.previous?.header);
}

const listOf = <T>(one: T | undefined): readonly T[] => (one === undefined ? [] : [one]);

/** Context of a block in data whose form is sound. */
export function soundContext(data: Uint8Array, position: number): BatchContext {
  const read = contextAt(data, position);
  if (!read.ok) throw new RangeError(`a sound group has a context at fault: ${read.fault}`);
  return read.value;
}

/** The first block that was too far ahead of L1 when its batch was posted. */
function aheadFinding(batch: Batch): DerivationProof | null {
  const latest = latestPosted(batch.postedAt);
  for (let position = 0; position < blockCount(batch.header); position++)
    if (soundContext(batch.data, position).timestamp > latest) return aheadProof(batch, position);
  return null;
}

function queueEndFinding(batch: Unshown, previous: BatchHeader | undefined): DerivationProof | null {
  let end = previous?.queueEnd ?? 0n;
  for (let position = 0; position < blockCount(batch.header); position++)
    end += BigInt(soundContext(batch.data, position).queueItems);
  return end === batch.header.queueEnd ? null : queueEndProof(batch, listOf(previous));
}

/** Slot of the last block of a batch that follows from its data. */
export const lastSlot = (batch: Unshown): bigint => soundContext(batch.data, blockCount(batch.header) - 1).slot;

/** Where data cannot be decoded, or are not of the batch; or null. Needs no block that the batch commits to, so that none can be withheld. */
export function formFinding(batch: Unshown): DerivationProof | null {
  const { header, data } = batch;
  const origin = batchOrigin(data);
  const isOwn =
    origin.ok &&
    origin.value.chainId === header.chainId &&
    origin.value.generation === header.generation &&
    origin.value.blockCount === blockCount(header);
  if (!isOwn) return formProof(batch, 0, false);
  for (const ofRows of [false, true])
    for (let group = 0; ; group++) {
      const fault = (ofRows ? rowGroupFault : contextGroupFault)(data, group);
      if (fault === "absent") break;
      if (fault !== null) return formProof(batch, group, ofRows);
    }
  return null;
}

function blockFinding(batch: PostedBatch, posted: Posted, source: DerivationSource): DerivationProof | null {
  const { position, number, context, hashes, queueBegin } = posted;
  const items = context.queueItems;
  const openingCount = (number === 1n ? 2 : 1) + items;
  const isEmpty = openingCount === 1 && context.transactionCount === 0;
  const isCounted = hashes.length === openingCount + context.transactionCount + 1;
  if (!isCounted || isEmpty || items > LIMITS.blockQueueItems) return countProof(batch, position);
  const { header } = batch.blocks[position]!;
  if (header.timestamp !== context.timestamp || header.prevRandao !== prevRandaoOf(context.randomness))
    return timeProof(batch, position);
  if (context.slot > batch.header.slot) return contextProof(batch, position);
  const values = source.valuesOf(context.slot);
  if (values === undefined) throw new RangeError(`L1's values for slot ${context.slot} are not known`);
  const queued = Array.from({ length: items }, (_, i) => itemAt(source, queueBegin + BigInt(i)));
  const opening = openingTransactions({
    number,
    generation: batch.header.generation,
    context: { slot: context.slot, ...values },
    founding: source.founding,
    queueItems: queued.map(({ item }) => item),
    transactionCount: hashes.length,
  }).map((own) => encodeSystemTransaction(batch.header.chainId, own));
  for (const [place, expected] of opening.entries()) {
    const own = place - (openingCount - items);
    const isDue = own < 0 || isDueAt(queued[own]!, context.slot, source);
    if (isDue && hashes[place] === keccakHash(expected)) continue;
    if (place === 0) return contextProof(batch, position);
    if (own < 0) return foundingProof(batch, { charter: source.founding.charter, storageUnits: source.storageUnits });
    const due = queued[own]!;
    const shown = { item: toItemValues(due), itemData: due.item.data, previous: listOf(source.previous?.header) };
    return itemProof(batch, { position, own, place }, shown);
  }
  // they are L1's: what they have to say is checked
  if (queued.reduce((sum, { item }) => sum + item.data.length, 0) > LIMITS.blockQueueBytes)
    return itemBytesProof(batch, position, consumedOf(opening, openingCount - items));
  const read = usersFinding(batch, posted, openingCount, source);
  if ("kind" in read) return read;
  return closingFinding(batch, posted, { opening, users: read, l1BaseFee: values.l1BaseFee }, source);
}

/** The transactions by which a block consumes items, from a place on. */
const consumedOf = (opening: readonly Uint8Array[], from: number) =>
  opening.slice(from).map((transaction, i) => ({ index: from + i, transaction }));

function itemAt({ queueItem }: DerivationSource, index: bigint): QueuedItem {
  const found = queueItem(index);
  if (found === undefined) throw new RangeError(`item ${index} of the queue is not known`);
  return found;
}

const isDueAt = ({ l1Block }: QueuedItem, slot: bigint, { epochBlocks }: DerivationSource): boolean =>
  epochOf(l1Block, epochBlocks) + SNAPSHOT_DISTANCE <= slot;

/** The users' transactions of a block, as the data have them; or the proof that the block has another. */
function usersFinding(
  batch: PostedBatch,
  { position, context, hashes }: Posted,
  openingCount: number,
  source: DerivationSource,
): readonly Uint8Array[] | DerivationProof {
  const users: Uint8Array[] = [];
  const addressAt = (index: bigint): Address | undefined => source.addressAt(position, index);
  for (let index = 0; index < context.transactionCount; index++) {
    const place = openingCount + index;
    const read = transactionAt(batch.data, position, index, addressAt);
    if (!read.ok && read.fault !== "unresolved")
      throw new RangeError(`a sound group has a row at fault: ${read.fault}`);
    if (read.ok && hashes[place] === keccakHash(read.value.raw) && !isSystemTransaction(read.value.raw)) {
      users.push(read.value.raw);
      continue;
    }
    const resolved = read.ok ? read.value.indexes.map((at) => addressAt(at)!) : null;
    const parent = position === 0 ? source.parent : batch.blocks[position - 1]!.header;
    return rowProof(batch, { position, index, place, resolved }, parent, source.nodes);
  }
  return users;
}

/** What a block is, but for its end. */
type Unclosed = {
  /** transactions of the system that it begins with, encoded */
  readonly opening: readonly Uint8Array[];
  readonly users: readonly Uint8Array[];
  readonly l1BaseFee: bigint;
};

function closingFinding(
  batch: PostedBatch,
  { position, number, context }: Posted,
  { opening, users, l1BaseFee }: Unclosed,
  source: DerivationSource,
): DerivationProof | null {
  const { chainId, poster } = batch.header;
  const settle = batch.blocks[position]!.transactions.at(-1);
  if (settle === undefined) throw new RangeError(`block ${position} ends in a transaction that is not known`);
  const sequencer = context.sequencer === "poster" ? poster : context.sequencer;
  const settled = settledBy(chainId, number, settle);
  const expected = [sequencer, ...servedBy(context.work).map(source.providerAt)];
  const { paid, seated } = settled ?? { paid: [], seated: -1 };
  const isSettled = paid.length === expected.length && paid.every((account, i) => account === expected[i]);
  if (settled === null || !isSettled || seated !== seatedIn(context.work)) return settleProof(batch, position);
  const closing = closingTransaction(chainId, { number, l1BaseFee }, { ...settled, transactions: users });
  if (equalBytes(settle, encodeSystemTransaction(chainId, closing))) return null;
  return closingProof(batch, position, [...opening, ...users, settle]);
}

/** Whom a block's last transaction pays, and how; null: it is no settle of this block. */
function settledBy(chainId: ChainId, number: bigint, raw: Uint8Array): ReturnType<typeof settledAccounts> {
  try {
    const transaction = decodeSystemTransaction(raw, chainId);
    return transaction.index === number ? settledAccounts(transaction) : null;
  } catch (error) {
    if (error instanceof CodecError) return null;
    throw error;
  }
}
