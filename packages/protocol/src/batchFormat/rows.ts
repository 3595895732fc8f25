/** Rows of a batch: one user transaction each, decoded to fields and built again byte for byte. */
import { bigIntToBytes, concatBytes, fromHex, joinBytes, toHex, toWord } from "../hex.ts";
import { LIMITS } from "../parameters.ts";
import type { Address, ChainId } from "../primitives.ts";
import { encodeRlp, type RlpInput } from "../rlp.ts";
import { fail } from "./faults.ts";
import {
  BATCH_FORMAT,
  type CallShape,
  type FeePair,
  FIXED_SHAPES,
  type Prelude,
  readShape,
  WORD_KINDS,
} from "./layout.ts";
import { type BatchCursor, MAX_UINT32, MAX_UINT64, MAX_WORD } from "./numbers.ts";

/** Bits of a row's first byte; between parity and legacy lie three for the kind of data. */
export const ROW_BITS = { parity: 1, legacy: 16, plainGas: 32, knownFees: 64, noValue: 128 } as const;
/** Kinds of data: none, the three fixed shapes, a call of words, bytes, the whole transaction as it is. */
export const ROW_KINDS = { empty: 0, transferFrom: 3, words: 4, bytes: 5, raw: 6 } as const;
export const PLAIN_GAS = 21_000n;
/** Bit of a fee entry's index: the tip follows, the entry gives the excess. */
export const OWN_TIP = 128;

/** An address as a row has it: its index in the table as of the end of the block before, or its 20 bytes. */
export type AddressReference =
  | { readonly index: bigint; readonly inline?: never }
  | { readonly inline: Uint8Array; readonly index?: never };

/** A piece of a call's data. */
type DataPart =
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "address"; readonly reference: AddressReference }
  /** seconds after the block's timestamp */
  | { readonly kind: "time"; readonly after: bigint };

type FieldRow = {
  readonly kind: "fields";
  readonly parity: number;
  readonly legacy: boolean;
  readonly nonce: bigint;
  readonly gasLimit: bigint;
  readonly tip: bigint;
  readonly fee: bigint;
  readonly to: AddressReference;
  readonly value: bigint;
  readonly data: readonly DataPart[];
  readonly r: Uint8Array;
  readonly s: Uint8Array;
};

export type Row = FieldRow | { readonly kind: "raw"; readonly raw: Uint8Array };

const ADDRESS_PADDING = new Uint8Array(12);
const MAX_BYTES = BigInt(LIMITS.transactionBytes);

function readReference(cursor: BatchCursor): AddressReference {
  const code = cursor.varint(MAX_UINT64);
  return code === 0n ? { inline: cursor.take(20) } : { index: code - 1n };
}

function readWord(cursor: BatchCursor, kind: number): DataPart {
  switch (kind) {
    case WORD_KINDS.address:
      return { kind: "address", reference: readReference(cursor) };
    case WORD_KINDS.time:
      return { kind: "time", after: cursor.varint(MAX_UINT32) };
    case WORD_KINDS.raw:
      return { kind: "bytes", bytes: cursor.take(32) };
    case WORD_KINDS.negative:
      return { kind: "bytes", bytes: toWord(-cursor.decimal() & MAX_WORD) };
    default:
      return { kind: "bytes", bytes: toWord(cursor.decimal()) };
  }
}

function readCall(cursor: BatchCursor, { selector, kinds, constants }: CallShape): DataPart[] {
  const parts: DataPart[] = [{ kind: "bytes", bytes: selector }];
  let used = 0;
  for (const kind of kinds) {
    if (kind === WORD_KINDS.constant) parts.push({ kind: "bytes", bytes: toWord(constants[used++]!) });
    else parts.push(readWord(cursor, kind));
  }
  return parts;
}

function readData(cursor: BatchCursor, kind: number, prelude: Prelude): DataPart[] {
  if (kind === ROW_KINDS.empty) return [];
  if (kind <= ROW_KINDS.transferFrom) return readCall(cursor, FIXED_SHAPES[kind - 1]!);
  if (kind === ROW_KINDS.bytes) {
    const length = Number(cursor.varint(MAX_BYTES, "too-large"));
    return [{ kind: "bytes", bytes: cursor.take(length) }];
  }
  const code = Number(cursor.varint(BigInt(prelude.shapes.length), "unknown-entry"));
  return readCall(cursor, code === 0 ? readShape(cursor) : prelude.shapes[code - 1]!);
}

function readGasLimit(cursor: BatchCursor, prelude: Prelude): bigint {
  const inline = BigInt(BATCH_FORMAT.gasLimits);
  const code = cursor.varint(MAX_UINT64 + inline);
  if (code >= inline) return code - inline;
  return prelude.gasLimits[Number(code)] ?? fail("unknown-entry");
}

/** A pair of fees: by its place in the dictionary, or with only the excess from there, or both inline. */
function readFees(cursor: BatchCursor, prelude: Prelude, known: boolean): FeePair {
  if (!known) return { tip: cursor.decimal(), excess: cursor.decimal() };
  const code = cursor.byte();
  const entry = prelude.fees[code & ~OWN_TIP] ?? fail("unknown-entry");
  return code < OWN_TIP ? entry : { tip: cursor.decimal(), excess: entry.excess };
}

/** Bytes of an integer in RLP. */
const integerBytes = (value: bigint): number => (value < 128n ? 1 : 1 + bigIntToBytes(value).length);
const headerBytes = (length: number): number => (length < 56 ? 1 : 1 + bigIntToBytes(BigInt(length)).length);

/** Bytes of the transaction that a row with much data decodes to. */
function decodedBytes(row: FieldRow, chainId: ChainId, dataBytes: number): number {
  const { nonce, gasLimit, tip, fee, value, legacy, parity } = row;
  const r = BigInt(toHex(row.r));
  const s = BigInt(toHex(row.s));
  const v = chainId * 2n + 35n + BigInt(parity);
  const numbers = legacy
    ? [nonce, fee, gasLimit, value, v, r, s]
    : [chainId, nonce, tip, fee, gasLimit, value, BigInt(parity), r, s];
  const payload = numbers.reduce((sum, number) => sum + integerBytes(number), 21 + headerBytes(dataBytes) + dataBytes);
  return legacy ? headerBytes(payload) + payload : 2 + headerBytes(payload + 1) + payload;
}

/** Data up to which no transaction is too large. */
const SURE_BYTES = LIMITS.transactionBytes - 256;

/** Reads a row. */
export function readRow(cursor: BatchCursor, prelude: Prelude): Row {
  const head = cursor.byte();
  const kind = (head >> 1) & 7;
  if (kind > ROW_KINDS.raw) fail("reserved");
  if (kind === ROW_KINDS.raw) {
    if (head !== ROW_KINDS.raw << 1) fail("reserved");
    const length = Number(cursor.varint(MAX_BYTES, "too-large"));
    return { kind: "raw", raw: cursor.take(length) };
  }
  const legacy = (head & ROW_BITS.legacy) !== 0;
  const nonce = cursor.varint(MAX_UINT64);
  const gasLimit = (head & ROW_BITS.plainGas) !== 0 ? PLAIN_GAS : readGasLimit(cursor, prelude);
  const { tip, excess } = readFees(cursor, prelude, (head & ROW_BITS.knownFees) !== 0);
  if (legacy && excess !== 0n) fail("two-prices");
  const fee = tip + excess;
  const to = readReference(cursor);
  const value = (head & ROW_BITS.noValue) !== 0 ? 0n : cursor.decimal();
  if (value === 0n && (head & ROW_BITS.noValue) === 0) fail("not-canonical");
  const data = readData(cursor, kind, prelude);
  const r = cursor.take(32);
  const s = cursor.take(32);
  const parity = head & ROW_BITS.parity;
  const row: FieldRow = { kind: "fields", parity, legacy, nonce, gasLimit, tip, fee, to, value, data, r, s };
  const dataBytes = data.reduce((sum, part) => sum + (part.kind === "bytes" ? part.bytes.length : 32), 0);
  if (dataBytes > SURE_BYTES && decodedBytes(row, prelude.chainId, dataBytes) > LIMITS.transactionBytes)
    fail("too-large");
  return row;
}

/** References of a row: `to`, then those of its words in order. */
export function referencesOf(row: Row): AddressReference[] {
  if (row.kind === "raw") return [];
  return [row.to, ...row.data.flatMap((part) => (part.kind === "address" ? [part.reference] : []))];
}

/** Gives the address that stands at a table index; undefined where there is none. */
export type ResolveIndex = (index: bigint) => Address | undefined;

function addressBytes({ inline, index }: AddressReference, resolve: ResolveIndex): Uint8Array {
  return inline ?? fromHex(resolve(index) ?? fail("unresolved"));
}

/** The signed transaction of a row, in its canonical encoding (EIP-2718). */
export function transactionOf(row: Row, chainId: ChainId, timestamp: bigint, resolve: ResolveIndex): Uint8Array {
  if (row.kind === "raw") return row.raw.slice();
  const { parity, legacy, nonce, gasLimit, tip, fee, value } = row;
  const to = addressBytes(row.to, resolve);
  const data = joinBytes(
    row.data.flatMap((part) => {
      if (part.kind === "bytes") return [part.bytes];
      if (part.kind === "time") return [toWord(timestamp + part.after)];
      return [ADDRESS_PADDING, addressBytes(part.reference, resolve)];
    }),
  );
  const signature = [row.r, row.s].map((half) => bigIntToBytes(BigInt(toHex(half))));
  const int = bigIntToBytes;
  const call: RlpInput[] = [int(gasLimit), to, int(value), data];
  if (legacy) return encodeRlp([int(nonce), int(fee), ...call, int(chainId * 2n + 35n + BigInt(parity)), ...signature]);
  const fields = [int(chainId), int(nonce), int(tip), int(fee), ...call, [], int(BigInt(parity)), ...signature];
  return concatBytes(Uint8Array.of(2), encodeRlp(fields));
}
