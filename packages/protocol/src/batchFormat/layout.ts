/**
 * Layout of a batch's data, version 4 (docs/decisions/023-batch-format.md): prelude with dictionaries, block contexts and
 * rows, both found by a table of offsets of every 16th. Read here: everything before the rows.
 */

import { toHex } from "../hex.ts";
import { LIMITS } from "../parameters.ts";
import { type Address, CHAIN_ID_BOUND, type ChainId, type Hash } from "../primitives.ts";
import { isWork, JOB_SEATS, type Work } from "../work.ts";
import { fail } from "./faults.ts";
import { BatchCursor, MAX_UINT32, MAX_UINT64 } from "./numbers.ts";

/** Constants of the format. */
export const BATCH_FORMAT = {
  version: 4,
  /** contexts, and rows, that one entry of an offset table stands for: what is scanned to find one */
  group: 16,
  /** bytes of data, in calldata or in a blob; calldata's own bound is LIMITS.batchBytes */
  blobBytes: 126_976,
  /** pairs of fees, and gas limits, in their dictionaries: an index is one byte */
  fees: 127,
  gasLimits: 127,
  /** shapes in their dictionary, and words over all of them: what a proof reads before it gets to a row */
  shapes: 127,
  shapeWords: 256,
  /** words of one call; longer calls are posted as bytes: what a proof reads of 15 rows to find the 16th */
  callWords: 64,
} as const;

/** Kinds of a call's words, four bits each. */
export const WORD_KINDS = {
  /** an unsigned number, as a decimal in the row */
  decimal: 0,
  /** an address, as a reference in the row */
  address: 1,
  /** 32 bytes in the row */
  raw: 2,
  /** the block's timestamp plus a varint in the row: deadlines */
  time: 3,
  /** two's complement of a decimal in the row */
  negative: 4,
  /** a decimal in the shape, nothing in the row */
  constant: 5,
} as const;

const KNOWN_KINDS = 6;

/** Form of a call: selector, kind of each word, values of the constant ones in their order. */
export type CallShape = {
  readonly selector: Uint8Array;
  readonly kinds: readonly number[];
  readonly constants: readonly bigint[];
};

const fixedShape = (selector: readonly number[], kinds: readonly number[]): CallShape => ({
  selector: Uint8Array.from(selector),
  kinds,
  constants: [],
});

const { address, decimal } = WORD_KINDS;
/** Shapes that have a kind of row of their own: ERC-20's transfer, approve, transferFrom (and ERC-721's). */
export const FIXED_SHAPES: readonly CallShape[] = [
  fixedShape([0xa9, 0x05, 0x9c, 0xbb], [address, decimal]),
  fixedShape([0x09, 0x5e, 0xa7, 0xb3], [address, decimal]),
  fixedShape([0x23, 0xb8, 0x72, 0xdd], [address, address, decimal]),
];

/** Fees of a transaction, wei per gas: its fee is tip + excess, as wallets make it of a tip and the base fee. */
export type FeePair = { readonly tip: bigint; readonly excess: bigint };

/** What stands before the block contexts. */
export type Prelude = {
  readonly data: Uint8Array;
  readonly chainId: ChainId;
  readonly generation: bigint;
  readonly blockCount: number;
  readonly fees: readonly FeePair[];
  readonly gasLimits: readonly bigint[];
  readonly shapes: readonly CallShape[];
  /** where the offsets of contexts begin, and the contexts */
  readonly contextTable: number;
  readonly contextsAt: number;
};

/** What is posted of a block beside its transactions. */
export type BatchContext = {
  /** seconds since 1970 */
  readonly timestamp: bigint;
  readonly slot: bigint;
  /** items of the L1 queue that the block consumes */
  readonly queueItems: number;
  /** as BlockContext has them */
  readonly randomness: Hash;
  readonly evidence: Hash;
  /** who made the block */
  readonly sequencer: Address | "poster";
  readonly work: Work;
  readonly transactionCount: number;
};

const CONTEXT_ENTRY_BYTES = 6;
const ROW_ENTRY_BYTES = 3;

/** Entries of an offset table over so many things. */
export const groupsOf = (count: number): number => Math.ceil(count / BATCH_FORMAT.group);

function uint24(data: Uint8Array, at: number): number {
  return data[at]! * 65_536 + data[at + 1]! * 256 + data[at + 2]!;
}

/** Reads the form of a call. */
export function readShape(cursor: BatchCursor): CallShape {
  const selector = cursor.take(4);
  const count = cursor.count(BATCH_FORMAT.callWords);
  const packed = cursor.take(Math.ceil(count / 2));
  const kinds: number[] = [];
  for (let i = 0; i < 2 * packed.length; i++) {
    const kind = i % 2 === 0 ? packed[i >> 1]! >> 4 : packed[i >> 1]! & 0xf;
    if (i === count ? kind !== 0 : kind >= KNOWN_KINDS) fail("reserved");
    if (i < count) kinds.push(kind);
  }
  const constants = kinds.filter((kind) => kind === WORD_KINDS.constant).map(() => cursor.decimal());
  return { selector, kinds, constants };
}

function readShapes(cursor: BatchCursor): CallShape[] {
  const count = cursor.count(BATCH_FORMAT.shapes);
  const shapes: CallShape[] = [];
  let words = 0;
  for (let i = 0; i < count; i++) {
    const shape = readShape(cursor);
    words += shape.kinds.length;
    if (words > BATCH_FORMAT.shapeWords) fail("too-many");
    shapes.push(shape);
  }
  return shapes;
}

/** Reads what stands before the block contexts. */
export function readPrelude(data: Uint8Array): Prelude {
  if (data.length > BATCH_FORMAT.blobBytes) fail("too-large");
  const cursor = new BatchCursor(data, 0);
  if (cursor.byte() !== BATCH_FORMAT.version) fail("unknown-version");
  const chainId = cursor.varint(CHAIN_ID_BOUND - 1n);
  if (chainId === 0n) fail("out-of-range");
  const generation = cursor.varint(MAX_UINT64);
  const blockCount = cursor.count(LIMITS.batchBlocks);
  if (blockCount === 0) fail("out-of-range");
  const fees: FeePair[] = [];
  for (let left = cursor.count(BATCH_FORMAT.fees); left > 0; left--)
    fees.push({ tip: cursor.decimal(), excess: cursor.decimal() });
  const gasLimits: bigint[] = [];
  for (let left = cursor.count(BATCH_FORMAT.gasLimits); left > 0; left--) gasLimits.push(cursor.varint(MAX_UINT64));
  const shapes = readShapes(cursor);
  const contextTable = cursor.at;
  cursor.take(CONTEXT_ENTRY_BYTES * groupsOf(blockCount));
  const contextsAt = cursor.at;
  return {
    data,
    chainId: chainId as ChainId,
    generation,
    blockCount,
    fees,
    gasLimits,
    shapes,
    contextTable,
    contextsAt,
  };
}

/** Where a group of contexts begins, and the transactions before it, as the table of offsets has it. */
export function contextEntry(prelude: Prelude, group: number): { readonly at: number; readonly before: number } {
  const entry = prelude.contextTable + CONTEXT_ENTRY_BYTES * group;
  const offset = uint24(prelude.data, entry);
  const before = uint24(prelude.data, entry + 3);
  const at = prelude.contextsAt + offset;
  if (at >= prelude.data.length || (group === 0 && (offset !== 0 || before !== 0))) fail("bad-offset");
  return { at, before };
}

function readSequencer(cursor: BatchCursor): Address | "poster" {
  const flag = cursor.byte();
  if (flag > 1) fail("reserved");
  return flag === 0 ? "poster" : (toHex(cursor.take(20)) as Address);
}

/**
 * Reads who did a block's job: a byte whose low bits say which of the seats served and the two above how many jobs failed before, then
 * the registry number of each that served.
 */
function readWork(cursor: BatchCursor): Work {
  const byte = cursor.byte();
  const served = Array.from({ length: JOB_SEATS }, (_, seat) => (byte >> seat) & 1);
  const work = {
    attempt: byte >> JOB_SEATS,
    seats: served.slice(0, served.lastIndexOf(1) + 1).map((bit) => (bit ? 0 : null)),
  };
  if (!isWork(work)) fail("reserved");
  return { ...work, seats: work.seats.map((seat) => (seat === null ? null : Number(cursor.varint(MAX_UINT32)))) };
}

/** The byte that readWork reads, for work that isWork takes. */
export const workByte = ({ attempt, seats }: Work): number =>
  seats.reduce<number>((byte, holder, seat) => byte | (holder === null ? 0 : 1 << seat), attempt << JOB_SEATS);

/** Reads a context; `first` is the first one of its group and `before` the last one, or both undefined. */
function readContext(cursor: BatchCursor, first?: BatchContext, before?: BatchContext): BatchContext {
  const timestamp = cursor.varint(MAX_UINT64) + (before?.timestamp ?? 0n);
  if (timestamp > MAX_UINT64) fail("out-of-range");
  const slot = cursor.varint(MAX_UINT64) + (first?.slot ?? 0n);
  if (slot > MAX_UINT64) fail("out-of-range");
  const queueItems = Number(cursor.varint(MAX_UINT32));
  const randomness = toHex(cursor.take(32)) as Hash;
  const evidence = toHex(cursor.take(32)) as Hash;
  const sequencer = readSequencer(cursor);
  const work = readWork(cursor);
  const transactionCount = cursor.count(LIMITS.blockTransactions);
  if (transactionCount > 0 && work.seats.length === 0) fail("reserved");
  return { timestamp, slot, queueItems, randomness, evidence, sequencer, work, transactionCount };
}

/** The first `count` contexts of a group, where they end, and the transactions before and with them. */
export function readContexts(
  prelude: Prelude,
  group: number,
  count: number,
): {
  readonly contexts: readonly BatchContext[];
  readonly before: number;
  readonly end: number;
  readonly total: number;
} {
  const { at, before } = contextEntry(prelude, group);
  const cursor = new BatchCursor(prelude.data, at);
  const contexts: BatchContext[] = [];
  let total = before;
  for (let i = 0; i < count; i++) {
    const context = readContext(cursor, contexts[0], contexts.at(-1));
    total += context.transactionCount;
    contexts.push(context);
  }
  return { contexts, before, end: cursor.at, total };
}

/** Contexts in a group: 16 but in the last one. */
export const contextsInGroup = (prelude: Prelude, group: number): number =>
  Math.min(BATCH_FORMAT.group, prelude.blockCount - BATCH_FORMAT.group * group);

/** Where the rows are. */
export type RowsPlace = { readonly table: number; readonly at: number; readonly total: number };

/** Finds the rows behind the last group of contexts. */
export function locateRows(prelude: Prelude): RowsPlace {
  const last = groupsOf(prelude.blockCount) - 1;
  const { end, total } = readContexts(prelude, last, contextsInGroup(prelude, last));
  const at = end + ROW_ENTRY_BYTES * groupsOf(total);
  if (at > prelude.data.length) fail("overrun");
  if (total === 0 && at !== prelude.data.length) fail("leftover");
  return { table: end, at, total };
}

/** Where a group of rows begins, as the table of offsets has it. */
export function rowEntry(prelude: Prelude, rows: RowsPlace, group: number): number {
  const offset = uint24(prelude.data, rows.table + ROW_ENTRY_BYTES * group);
  const at = rows.at + offset;
  if (at >= prelude.data.length || (group === 0 && offset !== 0)) fail("bad-offset");
  return at;
}
