/** Proofs of F2 put together: from a batch as it was posted, its blocks as they are committed to, and what L1 says. */
import type { Committed, CountedStretch, DerivationProof, DerivationProofs } from "@mvm/l1";
import {
  type Address,
  type BatchHeader,
  blockTally,
  concatBytes,
  countedBytes,
  countedStretches,
  decodeSystemTransaction,
  encodeHeader,
  type Header,
  LIMITS,
  merkleProof,
  PREDEPLOYS,
  type StateKey,
  TABLE_SIZE_SLOT,
  tableSlot,
} from "@mvm/protocol";
import { type NodeSource, WorldState } from "@mvm/state";
import type { Batch } from "../rebuild.ts";
import { blockWord, type Commitments } from "./commitments.ts";

/** Bytes of transactions that L1 is handed in at once: leaves room for the rest of a proof in a transaction that its nodes pass on. */
const COUNTED_BYTES = 112 * 1024;

/** A batch with what it commits to. */
export type PostedBatch = Commitments & Batch;

/** The batch before as its header, in a list; none before the chain's first. */
type Previous = readonly BatchHeader[];
type Proof<Kind extends DerivationProof["kind"]> = Extract<DerivationProof, { readonly kind: Kind }>;

/** A transaction of a block with its path. */
export function committedAt({ blocks, words }: Commitments, position: number, index: number): Committed {
  const { hashes } = blocks[position]!;
  const siblings = [...merkleProof(hashes, index), ...merkleProof(words, position)];
  return { position, count: hashes.length, committed: hashes[index]!, siblings };
}

export function formProof({ data }: Pick<PostedBatch, "data">, group: number, ofRows: boolean): Proof<"form"> {
  return { kind: "form", proof: { group, ofRows, data } };
}

export function countProof(batch: PostedBatch, position: number): Proof<"count"> {
  return { kind: "count", proof: { position, data: batch.data, ...blockWord(batch, position) } };
}

export function timeProof(batch: PostedBatch, position: number): Proof<"time"> {
  const header = encodeHeader(batch.blocks[position]!.header);
  return { kind: "time", proof: { position, header, data: batch.data, siblings: merkleProof(batch.hashes, position) } };
}

export const aheadProof = ({ data }: Pick<PostedBatch, "data">, position: number): Proof<"ahead"> => ({
  kind: "ahead",
  proof: { position, data },
});

export const queueEndProof = ({ data }: Pick<PostedBatch, "data">, previous: Previous): Proof<"queueEnd"> => ({
  kind: "queueEnd",
  proof: { data, previous },
});

export const contextProof = (batch: PostedBatch, position: number): Proof<"context"> => ({
  kind: "context",
  proof: { leaf: committedAt(batch, position, 0), data: batch.data },
});

/** @param own place of the item among those of its block; `place`: of its transaction in the block */
export function itemProof(
  batch: PostedBatch,
  at: { readonly position: number; readonly own: number; readonly place: number },
  item: Pick<DerivationProofs["item"], "item" | "itemData" | "previous">,
): Proof<"item"> {
  const leaf = committedAt(batch, at.position, at.place);
  return { kind: "item", proof: { leaf, index: at.own, data: batch.data, ...item } };
}

/**
 * That items of the queue that a block consumes have too many bytes. The largest come first, and none after the one that is too much, so
 * that the proof is no longer than it has to be.
 * @param consumed all of them: place in the block, encoded transaction
 */
export function itemBytesProof(
  batch: PostedBatch,
  position: number,
  consumed: readonly { readonly index: number; readonly transaction: Uint8Array }[],
): Proof<"itemBytes"> {
  const sizeOf = (raw: Uint8Array): number => decodeSystemTransaction(raw, batch.header.chainId).data.length;
  const sized = consumed.map((item) => ({ ...item, bytes: sizeOf(item.transaction) }));
  const largest = sized.sort((one, other) => other.bytes - one.bytes);
  let bytes = 0;
  const last = largest.findIndex((item) => {
    bytes += item.bytes;
    return bytes > LIMITS.blockQueueBytes;
  });
  const { hashes } = batch.blocks[position]!;
  const items = largest
    .slice(0, last < 0 ? largest.length : last + 1)
    .sort((one, other) => one.index - other.index)
    .map(({ index, transaction }) => ({ index, transaction, siblings: merkleProof(hashes, index) }));
  return { kind: "itemBytes", proof: { position, ...blockWord(batch, position), items } };
}

export function foundingProof(
  batch: PostedBatch,
  registration: Pick<DerivationProofs["founding"], "charter" | "storageUnits">,
): Proof<"founding"> {
  return { kind: "founding", proof: { leaf: committedAt(batch, 0, 1), ...registration } };
}

/** Throws RangeError where the block's last transaction is known by its hash alone. */
export function settleProof(batch: PostedBatch, position: number): Proof<"settle"> {
  const place = batch.blocks[position]!.hashes.length - 1;
  const leaf = committedAt(batch, position, place);
  return { kind: "settle", proof: { leaf, transaction: bytesAt(batch, position, place), data: batch.data } };
}

/**
 * @param transactions all of the block
 * @param mostBytes of them that one transaction of L1 is handed in
 */
export function closingProof(
  batch: PostedBatch,
  position: number,
  transactions: readonly Uint8Array[],
  mostBytes = COUNTED_BYTES,
): Proof<"closing"> {
  let count = 0;
  const stretches = countedStretches(transactions, mostBytes).map((stretch): CountedStretch => {
    const before = blockTally(batch.header.chainId, transactions.slice(0, count));
    count += stretch.length;
    return { before, transactions: countedBytes(stretch) };
  });
  const { siblings } = blockWord(batch, position);
  return { kind: "closing", proof: { position, ...stretches.at(-1)!, siblings, counted: stretches.slice(0, -1) } };
}

function bytesAt({ blocks }: Pick<Commitments, "blocks">, position: number, place: number): Uint8Array {
  const raw = blocks[position]!.transactions[place];
  if (raw === undefined) throw new RangeError(`transaction ${place} of block ${position} is known by its hash alone`);
  return raw;
}

/** What proofs about a batch's first block name of the batch before. */
export type BatchBefore = {
  readonly header: BatchHeader;
  /** of its last block */
  readonly slot: bigint;
  /** of its last block: the first transaction, and where it is */
  readonly context: Uint8Array;
  readonly leaf: Committed;
};

/** @param slot of the batch's last block */
export function beforeNext(batch: Pick<PostedBatch, keyof Commitments | "header">, slot: bigint): BatchBefore {
  const last = batch.blocks.length - 1;
  const context = bytesAt(batch, last, 0);
  return { header: batch.header, slot, context, leaf: committedAt(batch, last, 0) };
}

/**
 * @param before the batch before, where the block is its batch's first
 * @throws RangeError for a chain's first block; where a context is known by its hash alone
 */
export function slotsProof(batch: PostedBatch, position: number, before?: BatchBefore): Proof<"slots"> {
  const own = (at: number) => ({ context: bytesAt(batch, at, 0), leaf: committedAt(batch, at, 0) });
  const earlier = position === 0 ? before : own(position - 1);
  if (earlier === undefined) throw new RangeError("no slot is before a chain's first");
  const proof = {
    leaf: committedAt(batch, position, 0),
    context: batch.blocks[position]!.transactions[0]!,
    leafBefore: earlier.leaf,
    contextBefore: earlier.context,
    previous: position === 0 && before !== undefined ? [before.header] : [],
  };
  return { kind: "slots", proof };
}

/** A row, and what its table indexes stand for. */
export type RowPlace = {
  readonly position: number;
  /** among the block's users' transactions */
  readonly index: number;
  /** of the transaction in the block */
  readonly place: number;
  /** addresses at its indexes, in their order; null: the table lacks one; none where the row has no index */
  readonly resolved: readonly Address[] | null;
};

/**
 * @param parent header of the block before; read where the row has a table index, as the state's nodes are
 * @throws StateError where the nodes lack the table
 */
export function rowProof(batch: PostedBatch, row: RowPlace, parent: Header, nodes: NodeSource): Proof<"row"> {
  const { position, index, place, resolved } = row;
  const leaf = committedAt(batch, position, place);
  const base = { ...leaf, index, data: batch.data, resolved: resolved ?? [] };
  const nothing = new Uint8Array(0);
  if (resolved?.length === 0)
    return { kind: "row", proof: { ...base, header: nothing, parent: nothing, witness: nothing } };
  const address = PREDEPLOYS.addressTable;
  const slots = resolved === null ? [TABLE_SIZE_SLOT] : resolved.map(tableSlot);
  const keys = slots.map((slot): StateKey => ({ kind: "slot", address, slot }));
  const witness = new WorldState(nodes, parent.stateRoot).proveReads(keys);
  return {
    kind: "row",
    proof: {
      ...base,
      siblings: [...leaf.siblings, ...merkleProof(batch.hashes, position)],
      header: encodeHeader(batch.blocks[position]!.header),
      parent: encodeHeader(parent),
      witness: concatBytes(...witness),
    },
  };
}
