/**
 * Decoding of posted batches. Total: any bytes give a value or a fault, never an exception. What is wrong anywhere in
 * a batch is wrong in one group of 16, and `contextGroupFault` or `rowGroupFault` of that group says so, here as in
 * BatchDecoder.sol.
 */
import { toHex } from "../hex.ts";
import type { Address, ChainId } from "../primitives.ts";
import { type BatchFault, type BatchResult, fail, faultless } from "./faults.ts";
import {
  BATCH_FORMAT,
  type BatchContext,
  contextEntry,
  contextsInGroup,
  groupsOf,
  locateRows,
  type Prelude,
  type RowsPlace,
  readContexts,
  readPrelude,
  rowEntry,
} from "./layout.ts";
import { namedAddresses } from "./named.ts";
import { BatchCursor } from "./numbers.ts";
import { type ResolveIndex, type Row, readRow, referencesOf, transactionOf } from "./rows.ts";

/** What a batch says of itself before its blocks. */
export type BatchOrigin = { readonly chainId: ChainId; readonly generation: bigint; readonly blockCount: number };

export type DecodedBlock = BatchContext & {
  /** signed transactions, byte for byte as they were encoded */
  readonly transactions: readonly Uint8Array[];
  /** what its transactions name, at most LIMITS.seenAddresses: its settle enters those of them that the table lacks */
  readonly named: readonly Address[];
};

export type DecodedBatch = {
  readonly chainId: ChainId;
  readonly generation: bigint;
  readonly blocks: readonly DecodedBlock[];
};

/** Gives the address at an index of the table as it is at the end of the block before `block` (a position in the batch). */
export type ResolveAddress = (block: number, index: bigint) => Address | undefined;

function contextGroup(prelude: Prelude, group: number): readonly BatchContext[] {
  if (group >= groupsOf(prelude.blockCount)) fail("absent");
  const { contexts, end, total } = readContexts(prelude, group, contextsInGroup(prelude, group));
  if (group + 1 < groupsOf(prelude.blockCount)) {
    const next = contextEntry(prelude, group + 1);
    if (next.at !== end || next.before !== total) fail("bad-offset");
  } else locateRows(prelude);
  return contexts;
}

function rowGroup(prelude: Prelude, rows: RowsPlace, group: number): readonly Row[] {
  const groups = groupsOf(rows.total);
  if (group >= groups) fail("absent");
  const cursor = new BatchCursor(prelude.data, rowEntry(prelude, rows, group));
  const count = Math.min(BATCH_FORMAT.group, rows.total - BATCH_FORMAT.group * group);
  const list: Row[] = [];
  for (let i = 0; i < count; i++) list.push(readRow(cursor, prelude));
  if (group + 1 < groups) {
    if (rowEntry(prelude, rows, group + 1) !== cursor.at) fail("bad-offset");
  } else if (cursor.at !== prelude.data.length) fail("leftover");
  return list;
}

const faultOf = (result: BatchResult<unknown>): BatchFault | null => (result.ok ? null : result.fault);

/** What is wrong with a group of block contexts (16 blocks), its offsets, or what stands before; null: nothing. */
export function contextGroupFault(data: Uint8Array, group: number): BatchFault | null {
  return faultOf(faultless(() => contextGroup(readPrelude(data), group)));
}

/** What is wrong with a group of rows (16 transactions), its offsets, or what leads to it; null: nothing. */
export function rowGroupFault(data: Uint8Array, group: number): BatchFault | null {
  return faultOf(
    faultless(() => {
      const prelude = readPrelude(data);
      return rowGroup(prelude, locateRows(prelude), group);
    }),
  );
}

/** Chain, generation and count of blocks of a batch's data. */
export function batchOrigin(data: Uint8Array): BatchResult<BatchOrigin> {
  return faultless(() => {
    const { chainId, generation, blockCount } = readPrelude(data);
    return { chainId, generation, blockCount };
  });
}

function contextIn(prelude: Prelude, block: number): { context: BatchContext; before: number } {
  if (block >= prelude.blockCount) fail("absent");
  const group = Math.floor(block / BATCH_FORMAT.group);
  const { contexts, total } = readContexts(prelude, group, (block % BATCH_FORMAT.group) + 1);
  const context = contexts.at(-1)!;
  return { context, before: total - context.transactionCount };
}

/**
 * Context of one block; reads at most 16.
 * @param block position in the batch, from 0
 */
export function contextAt(data: Uint8Array, block: number): BatchResult<BatchContext> {
  return faultless(() => contextIn(readPrelude(data), block).context);
}

/** A transaction with the table indexes that it stands on: `to`, then the words of its call. */
export type TransactionAt = {
  readonly raw: Uint8Array;
  readonly indexes: readonly bigint[];
  /** addresses posted inline, in order */
  readonly inline: readonly Address[];
};

/**
 * One transaction of one block; reads at most 16 rows.
 * @param block position in the batch, from 0
 * @param position among the block's user transactions, from 0
 * @param resolve address at an index of the table as of the end of the block before
 */
export function transactionAt(
  data: Uint8Array,
  block: number,
  position: number,
  resolve: ResolveIndex,
): BatchResult<TransactionAt> {
  return faultless(() => {
    const prelude = readPrelude(data);
    const { context, before } = contextIn(prelude, block);
    if (position >= context.transactionCount) fail("absent");
    const rows = locateRows(prelude);
    const place = before + position;
    if (place >= rows.total) fail("bad-offset");
    const cursor = new BatchCursor(data, rowEntry(prelude, rows, Math.floor(place / BATCH_FORMAT.group)));
    for (let left = place % BATCH_FORMAT.group; left > 0; left--) readRow(cursor, prelude);
    const row = readRow(cursor, prelude);
    const references = referencesOf(row);
    return {
      raw: transactionOf(row, prelude.chainId, context.timestamp, resolve),
      indexes: references.flatMap(({ index }) => (index === undefined ? [] : [index])),
      inline: references.flatMap(({ inline }) => (inline === undefined ? [] : [toHex(inline) as Address])),
    };
  });
}

/**
 * Decodes a whole batch, every rule checked: the first fault of all groups of contexts, then of all groups of rows, then
 * an index that `resolve` has no address for. `resolve` is asked block by block in order, and `settled` told of each
 * block before the next one's indexes are asked for.
 */
export function decodeBatch(
  data: Uint8Array,
  resolve: ResolveAddress,
  settled: (block: number, named: readonly Address[]) => void = () => {},
): BatchResult<DecodedBatch> {
  return faultless(() => {
    const prelude = readPrelude(data);
    const contexts: BatchContext[] = [];
    for (let group = 0; group < groupsOf(prelude.blockCount); group++) contexts.push(...contextGroup(prelude, group));
    const place = locateRows(prelude);
    const rows: Row[] = [];
    for (let group = 0; group < groupsOf(place.total); group++) rows.push(...rowGroup(prelude, place, group));
    let at = 0;
    const blocks = contexts.map((context, block): DecodedBlock => {
      const own = rows.slice(at, at + context.transactionCount);
      at += own.length;
      const lookUp: ResolveIndex = (index) => resolve(block, index);
      const transactions = own.map((row) => transactionOf(row, prelude.chainId, context.timestamp, lookUp));
      const named = namedAddresses(prelude.chainId, transactions);
      settled(block, named);
      return { ...context, transactions, named };
    });
    return { chainId: prelude.chainId, generation: prelude.generation, blocks };
  });
}
