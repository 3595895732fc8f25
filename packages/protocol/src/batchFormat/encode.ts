/**
 * Encoding of batches. Dictionaries hold what saves most bytes over the batch; a transaction that a row with fields
 * does not give back byte for byte is posted as it is.
 */
import { concatBytes, equalBytes, fromHex, joinBytes, toHex, toWord } from "../hex.ts";
import { LIMITS } from "../parameters.ts";
import type { Address, ChainId, Hash } from "../primitives.ts";
import { isWork, servedBy, type Work } from "../work.ts";
import { faultless } from "./faults.ts";
import { fieldsOf, type TransactionFields } from "./fields.ts";
import {
  BATCH_FORMAT,
  type CallShape,
  type FeePair,
  FIXED_SHAPES,
  type Prelude,
  WORD_KINDS,
  workByte,
} from "./layout.ts";
import { BatchCursor, decimalBytes, MAX_UINT32, MAX_WORD, varintBytes } from "./numbers.ts";
import { OWN_TIP, PLAIN_GAS, ROW_BITS, ROW_KINDS, readRow, transactionOf } from "./rows.ts";
import { type Call, callOf, fixedShapeOf, ShapeBook, shapeBytes } from "./shapes.ts";

/** A block to be posted. */
export type BatchBlock = {
  /** seconds since 1970, not before the block before */
  readonly timestamp: bigint;
  /** not before the slot of the block before */
  readonly slot: bigint;
  /** items of the L1 queue that it consumes */
  readonly queueItems: number;
  readonly randomness: Hash;
  readonly evidence: Hash;
  readonly sequencer: Address | "poster";
  readonly work: Work;
  /** signed user transactions */
  readonly transactions: readonly Uint8Array[];
  /** index in the address table as of the end of the block before */
  readonly indexOf: (address: Address) => number | undefined;
};

export type BatchToPost = {
  readonly chainId: ChainId;
  readonly generation: bigint;
  readonly blocks: readonly BatchBlock[];
};

/** A transaction that is to be a row with fields. */
type Candidate = { readonly fields: TransactionFields; readonly call: Call | null; readonly fixed: number };
type Dictionaries = Pick<Prelude, "fees" | "gasLimits" | "shapes"> & {
  readonly feePlaces: ReadonlyMap<string, number>;
  /** an entry with this excess */
  readonly excessPlaces: ReadonlyMap<bigint, number>;
  readonly gasPlaces: ReadonlyMap<bigint, number>;
  readonly book: ShapeBook;
};

const feeKey = ({ tip, excess }: FeePair): string => `${tip}/${excess}`;
const pairOf = ({ tip, fee }: TransactionFields): FeePair => ({ tip, excess: fee - tip });
const inlineGas = (gasLimit: bigint): Uint8Array => varintBytes(gasLimit + BigInt(BATCH_FORMAT.gasLimits));
/** Both numbers of a pair; null where one has no decimal. */
function inlineFees({ tip, excess }: FeePair): Uint8Array | null {
  const [first, second] = [decimalBytes(tip), excess < 0n ? null : decimalBytes(excess)];
  return first === null || second === null ? null : concatBytes(first, second);
}

/** Entries of a dictionary: of the values given, those that save most; an index is one byte. */
function chosenEntries<K, V>(values: Iterable<readonly [K, V]>, bytesOf: (value: V) => number, most: number): [K, V][] {
  const found = new Map<K, { value: V; times: number }>();
  for (const [key, value] of values) {
    const entry = found.get(key);
    if (entry === undefined) found.set(key, { value, times: 1 });
    else entry.times++;
  }
  return [...found]
    .map(([key, { value, times }]) => ({ key, value, saved: times * (bytesOf(value) - 1) - bytesOf(value) }))
    .filter(({ saved }) => saved > 0)
    .sort((left, right) => right.saved - left.saved)
    .slice(0, most)
    .map(({ key, value }) => [key, value]);
}

function dictionariesOf(candidates: readonly Candidate[]): Dictionaries {
  const all = candidates.map(({ fields }) => fields);
  const pairs = all.map(pairOf).filter((pair) => inlineFees(pair) !== null);
  const fees = chosenEntries(
    pairs.map((pair) => [feeKey(pair), pair] as const),
    (pair) => inlineFees(pair)!.length,
    BATCH_FORMAT.fees,
  );
  const gasLimits = chosenEntries(
    all.filter(({ gasLimit }) => gasLimit !== PLAIN_GAS).map(({ gasLimit }) => [gasLimit, gasLimit] as const),
    (gasLimit) => inlineGas(gasLimit).length,
    BATCH_FORMAT.gasLimits,
  );
  const book = new ShapeBook(candidates.flatMap(({ call, fixed }) => (call !== null && fixed === 0 ? [call] : [])));
  return {
    fees: fees.map(([, pair]) => pair),
    gasLimits: gasLimits.map(([gasLimit]) => gasLimit),
    shapes: book.shapes,
    feePlaces: new Map(fees.map(([key], place) => [key, place])),
    excessPlaces: new Map(fees.map(([, { excess }], place) => [excess, place])),
    gasPlaces: new Map(gasLimits.map(([gasLimit], place) => [gasLimit, place])),
    book,
  };
}

function referenceBytes(address: Uint8Array, indexOf: BatchBlock["indexOf"]): Uint8Array {
  const index = indexOf(toHex(address) as Address);
  return index === undefined ? concatBytes(varintBytes(0), address) : varintBytes(index + 1);
}

function wordBytes(kind: number, word: bigint, { timestamp, indexOf }: BatchBlock): Uint8Array {
  switch (kind) {
    case WORD_KINDS.address:
      return referenceBytes(toWord(word).subarray(12), indexOf);
    case WORD_KINDS.time:
      return varintBytes(word - timestamp);
    case WORD_KINDS.raw:
      return toWord(word);
    case WORD_KINDS.negative:
      return decimalBytes(MAX_WORD + 1n - word)!;
    case WORD_KINDS.constant:
      return new Uint8Array(0);
    default:
      return decimalBytes(word)!;
  }
}

const wordsBytes = ({ kinds }: CallShape, { words }: Call, block: BatchBlock): Uint8Array =>
  joinBytes(words.map((word, i) => wordBytes(kinds[i]!, word, block)));

function dataBytes(
  { fields, call, fixed }: Candidate,
  block: BatchBlock,
  { book }: Dictionaries,
): { readonly kind: number; readonly bytes: Uint8Array } {
  const { data } = fields;
  if (data.length === 0) return { kind: ROW_KINDS.empty, bytes: data };
  if (call !== null && fixed !== 0) return { kind: fixed, bytes: wordsBytes(FIXED_SHAPES[fixed - 1]!, call, block) };
  const asBytes = concatBytes(varintBytes(data.length), data);
  if (call === null) return { kind: ROW_KINDS.bytes, bytes: asBytes };
  const { place, shape } = book.of(call);
  const form = place === 0 ? shapeBytes(shape) : new Uint8Array(0);
  const asWords = concatBytes(varintBytes(place), form, wordsBytes(shape, call, block));
  return asWords.length <= asBytes.length
    ? { kind: ROW_KINDS.words, bytes: asWords }
    : { kind: ROW_KINDS.bytes, bytes: asBytes };
}

/** A pair of fees as short as the dictionary allows; null where a number has no decimal. */
function feesBytes(
  pair: FeePair,
  { feePlaces, excessPlaces }: Dictionaries,
): { readonly known: boolean; readonly bytes: Uint8Array } | null {
  const bytes = inlineFees(pair);
  if (bytes === null) return null;
  const place = feePlaces.get(feeKey(pair));
  if (place !== undefined) return { known: true, bytes: Uint8Array.of(place) };
  const excessPlace = excessPlaces.get(pair.excess);
  if (excessPlace === undefined || pair.excess === 0n) return { known: false, bytes };
  return { known: true, bytes: concatBytes(Uint8Array.of(OWN_TIP | excessPlace), decimalBytes(pair.tip)!) };
}

/** A row with fields; null where a number has no decimal. */
function fieldRow(candidate: Candidate, block: BatchBlock, dictionaries: Dictionaries): Uint8Array | null {
  const { fields } = candidate;
  const { nonce, gasLimit, value } = fields;
  const feeBytes = feesBytes(pairOf(fields), dictionaries);
  const gasPlace = dictionaries.gasPlaces.get(gasLimit);
  const valueBytes = value === 0n ? new Uint8Array(0) : decimalBytes(value);
  if (feeBytes === null || valueBytes === null || gasLimit > MAX_WORD / 2n) return null;
  const gasBytes = gasPlace === undefined ? inlineGas(gasLimit) : Uint8Array.of(gasPlace);
  const plainGas = gasLimit === PLAIN_GAS;
  const data = dataBytes(candidate, block, dictionaries);
  const head =
    (fields.parity === 1 ? ROW_BITS.parity : 0) |
    (data.kind << 1) |
    (fields.legacy ? ROW_BITS.legacy : 0) |
    (plainGas ? ROW_BITS.plainGas : 0) |
    (feeBytes.known ? ROW_BITS.knownFees : 0) |
    (value === 0n ? ROW_BITS.noValue : 0);
  return joinBytes([
    Uint8Array.of(head),
    varintBytes(nonce),
    plainGas ? new Uint8Array(0) : gasBytes,
    feeBytes.bytes,
    referenceBytes(fields.to, block.indexOf),
    valueBytes,
    data.bytes,
    fields.r,
    fields.s,
  ]);
}

/** True when a row alone decodes to the transaction. */
function givesBack(
  row: Uint8Array,
  raw: Uint8Array,
  { fields, call }: Candidate,
  block: BatchBlock,
  prelude: Prelude,
): boolean {
  const known = new Map<bigint, Address>();
  for (const bytes of [fields.to, ...(call?.words ?? []).map((word) => toWord(word).subarray(12))]) {
    const address = toHex(bytes) as Address;
    const index = block.indexOf(address);
    if (index !== undefined) known.set(BigInt(index), address);
  }
  const cursor = new BatchCursor(row, 0);
  const built = faultless(() =>
    transactionOf(readRow(cursor, prelude), prelude.chainId, block.timestamp, (index) => known.get(index)),
  );
  return built.ok && cursor.at === row.length && equalBytes(built.value, raw);
}

/** The row of a transaction that is posted as it is. */
const rowAsItIs = (raw: Uint8Array): Uint8Array =>
  concatBytes(Uint8Array.of(ROW_KINDS.raw << 1), varintBytes(raw.length), raw);

/** The row of a transaction: with fields where it is a candidate for that and the row gives it back. */
function rowOf(
  raw: Uint8Array,
  candidate: Candidate | null,
  block: BatchBlock,
  { dictionaries, prelude }: { readonly dictionaries: Dictionaries; readonly prelude: Prelude },
): Uint8Array {
  const row = candidate === null ? null : fieldRow(candidate, block, dictionaries);
  return row !== null && givesBack(row, raw, candidate!, block, prelude) ? row : rowAsItIs(raw);
}

const NO_DICTIONARIES = dictionariesOf([]);

/**
 * A transaction that may be a row with fields: one whose row, without dictionaries and table, is no longer than the transaction
 * as it is. Signatures of few bytes, which anyone can make for an account that nobody has the key of, take 64 bytes in a row
 * with fields: no block may outgrow a batch by them.
 */
function candidateOf(raw: Uint8Array, block: BatchBlock, chainId: ChainId): Candidate | null {
  const fields = fieldsOf(raw, chainId);
  if (fields === null) return null;
  const call = callOf(fields.data, block.timestamp);
  const candidate = { fields, call, fixed: call === null ? 0 : fixedShapeOf(call) };
  const alone = fieldRow(candidate, { ...block, indexOf: () => undefined }, NO_DICTIONARIES);
  return alone !== null && alone.length <= rowAsItIs(raw).length ? candidate : null;
}

const isUint32 = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= Number(MAX_UINT32);

function contextBytes(block: BatchBlock, first?: BatchBlock, before?: BatchBlock): Uint8Array {
  const timestamp = block.timestamp - (before?.timestamp ?? 0n);
  const slot = block.slot - (first?.slot ?? 0n);
  if (timestamp < 0n || slot < 0n) throw new RangeError("time and slots of a batch's blocks do not go back");
  const served = servedBy(block.work);
  if (![block.queueItems, ...served].every(isUint32))
    throw new RangeError("a number of items or of a provider that the format cannot say");
  if (!isWork(block.work) || (served.length === 0 && block.transactions.length > 0))
    throw new RangeError("other seats than a block may have");
  if (block.transactions.length > LIMITS.blockTransactions)
    throw new RangeError("more transactions than a block may have");
  return joinBytes([
    varintBytes(timestamp),
    varintBytes(slot),
    varintBytes(block.queueItems),
    fromHex(block.randomness),
    fromHex(block.evidence),
    block.sequencer === "poster" ? Uint8Array.of(0) : concatBytes(Uint8Array.of(1), fromHex(block.sequencer)),
    Uint8Array.of(workByte(block.work)),
    joinBytes(served.map(varintBytes)),
    varintBytes(block.transactions.length),
  ]);
}

const uint24 = (value: number): Uint8Array => Uint8Array.of(value >> 16, (value >> 8) & 0xff, value & 0xff);

function contextsWithTable(blocks: readonly BatchBlock[]): Uint8Array {
  const { group } = BATCH_FORMAT;
  const table: Uint8Array[] = [];
  const contexts: Uint8Array[] = [];
  let size = 0;
  let transactions = 0;
  for (const [i, block] of blocks.entries()) {
    const opens = i % group === 0;
    if (opens) table.push(uint24(size), uint24(transactions));
    const bytes = opens ? contextBytes(block) : contextBytes(block, blocks[i - (i % group)], blocks[i - 1]);
    contexts.push(bytes);
    size += bytes.length;
    transactions += block.transactions.length;
  }
  return joinBytes([...table, ...contexts]);
}

function rowsWithTable(rows: readonly Uint8Array[]): Uint8Array {
  const table: Uint8Array[] = [];
  let size = 0;
  for (const [i, row] of rows.entries()) {
    if (i % BATCH_FORMAT.group === 0) table.push(uint24(size));
    size += row.length;
  }
  return joinBytes([...table, ...rows]);
}

function preludeBytes(
  { chainId, generation, blocks }: BatchToPost,
  { fees, gasLimits, shapes }: Dictionaries,
): Uint8Array {
  return joinBytes([
    Uint8Array.of(BATCH_FORMAT.version),
    varintBytes(chainId),
    varintBytes(generation),
    varintBytes(blocks.length),
    varintBytes(fees.length),
    ...fees.map((pair) => inlineFees(pair)!),
    varintBytes(gasLimits.length),
    ...gasLimits.map(varintBytes),
    varintBytes(shapes.length),
    ...shapes.map(shapeBytes),
  ]);
}

/**
 * Encodes a batch. What it gives decodes to the same blocks, transactions byte for byte; its size is the caller's to
 * bound, by LIMITS.batchBytes in calldata and BATCH_FORMAT.blobBytes in a blob.
 * @throws RangeError for no blocks or too many, time or slots that go back where the format cannot say it, counts and
 * transactions beyond their bounds
 */
export function encodeBatch(batch: BatchToPost): Uint8Array {
  const { chainId, blocks } = batch;
  if (blocks.length === 0 || blocks.length > LIMITS.batchBlocks)
    throw new RangeError(`a batch has 1 to ${LIMITS.batchBlocks} blocks`);
  const candidates = blocks.map((block) => block.transactions.map((raw) => candidateOf(raw, block, chainId)));
  const dictionaries = dictionariesOf(candidates.flat().filter((candidate) => candidate !== null));
  const { fees, gasLimits, shapes } = dictionaries;
  const prelude: Prelude = {
    data: new Uint8Array(0),
    chainId,
    generation: batch.generation,
    blockCount: blocks.length,
    fees,
    gasLimits,
    shapes,
    contextTable: 0,
    contextsAt: 0,
  };
  const rows = blocks.flatMap((block, i) =>
    block.transactions.map((raw, position) => {
      if (raw.length > LIMITS.transactionBytes) throw new RangeError("a transaction beyond its bound");
      return rowOf(raw, candidates[i]![position]!, block, { dictionaries, prelude });
    }),
  );
  return joinBytes([preludeBytes(batch, dictionaries), contextsWithTable(blocks), rowsWithTable(rows)]);
}
