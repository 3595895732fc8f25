/** Batches of the random-access format, version 4, put together piece by piece: good ones, and each way to be at fault. */
import { AbiCoder, concat, dataLength, type Signature, Transaction, type TransactionLike, toBeHex, Wallet } from "ethers";
import { addressNamed, fillNamed, hashNamed, word } from "./format.ts";
import { NO_WORK, servedBy, WORKS, type Work, workByte } from "./work.ts";

const CHAIN_ID = 1_088n;
const NOW = 1_800_000_000n;
const FEE = 2_100_000_000n;
const TIP = 100_000_000n;
const wallet = new Wallet(hashNamed("batch sender"));
const known = addressNamed("known address");
const stranger = addressNamed("stranger");

/** Seven bits a byte, the lowest first. */
export function leb(value: bigint | number): string {
  const bytes: string[] = [];
  let rest = BigInt(value);
  for (; rest >= 128n; rest /= 128n) bytes.push(toBeHex((rest % 128n) + 128n));
  return concat([...bytes, toBeHex(rest, 1)]);
}
/** m * 10^e */
export const decimal = (m: bigint | number, e: number): string => leb(BigInt(m) * 32n + BigInt(e));
const uint24 = (value: number): string => toBeHex(value, 3);
export const index = (place: number): string => leb(place + 1);
export const inline = (address: string): string => concat(["0x00", address]);

/** TIP and what FEE is above it, as decimals; two prices; one price */
const FEES = [concat([decimal(1, 8), decimal(2, 9)]), concat([decimal(3, 9), decimal(0, 0)])];
const GAS_LIMITS = [leb(60_000)];
/** swap(uint256 amount, uint256 zero, address to, uint256 deadline) of decimal, constant, address, time */
const SWAP = concat(["0x11223344", leb(4), "0x0513", decimal(16, 1)]);
const SHAPES = [SWAP];

export type Context = { readonly time: string; readonly slot: string; readonly rest: string; readonly count: number };
const RANDOMNESS = hashNamed("randomness");
const EVIDENCE = hashNamed("evidence");
const BOTH = concat([RANDOMNESS, EVIDENCE]);
const TWO: Work = { attempt: 0, seats: [7, 300] };
const THIRD_JOB: Work = { attempt: 2, seats: [null, 128, null, 0] };
const worked = (work: Work): string => concat([toBeHex(workByte(work), 1), ...servedBy(work).map(leb)]);
/** A context of the poster's between its slot and its number of transactions, up to the work. */
const BEFORE_WORK = concat([leb(1), BOTH, "0x00"]);

type Parts = {
  readonly version: string;
  readonly chainId: string;
  readonly generation: string;
  readonly blockCount: string;
  readonly fees: string;
  readonly gasLimits: string;
  readonly shapes: string;
  readonly contexts: readonly Context[];
  readonly firstContext: string;
  readonly secondContext: string;
  readonly rows: readonly string[];
  readonly secondRows: number;
  readonly tail: string;
};

export const counted = (entries: readonly string[]): string => concat([leb(entries.length), ...entries]);
const oneBlock = (count: number): Context => ({ time: leb(NOW), slot: leb(9), rest: concat([BEFORE_WORK, worked(TWO)]), count });

const contextBytes = ({ time, slot, rest, count }: Context): string => concat([time, slot, rest, leb(count)]);

/** Offset of the contexts from the 17th on, and the transactions before them. */
function secondEntry(contexts: readonly Context[]): string {
  const first = contexts.slice(0, 16);
  const size = first.reduce((sum, context) => sum + dataLength(contextBytes(context)), 0);
  return concat([uint24(size), uint24(first.reduce((sum, { count }) => sum + count, 0))]);
}

/** A batch of up to 32 blocks and 32 rows, as stated or with parts put differently. */
export function batch(rows: readonly string[], changes: Partial<Parts> = {}): string {
  const contexts = changes.contexts ?? [oneBlock(rows.length)];
  const lengths = rows.map(dataLength);
  const sixteen = lengths.slice(0, 16).reduce((sum, length) => sum + length, 0);
  const rowTable = rows.length === 0 ? [] : rows.length > 16 ? [0, changes.secondRows ?? sixteen] : [0];
  return concat([
    changes.version ?? "0x04",
    changes.chainId ?? leb(CHAIN_ID),
    changes.generation ?? leb(5),
    changes.blockCount ?? leb(contexts.length),
    changes.fees ?? counted(FEES),
    changes.gasLimits ?? counted(GAS_LIMITS),
    changes.shapes ?? counted(SHAPES),
    changes.firstContext ?? concat([uint24(0), uint24(0)]),
    contexts.length > 16 ? (changes.secondContext ?? secondEntry(contexts)) : "0x",
    ...contexts.map(contextBytes),
    ...rowTable.map(uint24),
    ...rows,
    changes.tail ?? "0x",
  ]);
}

type Case = { readonly name: string; readonly raw: string; readonly row: string; readonly resolved: readonly string[]; readonly indices: readonly number[] };

const signatureOf = (raw: string): Signature => Transaction.from(raw).signature!;
/** Head byte with the signature's parity, middle, r, s. */
const rowOf = (raw: string, head: number, ...middle: string[]): string => {
  const { yParity, r, s } = signatureOf(raw);
  return concat([toBeHex(head + yParity, 1), ...middle, r, s]);
};

async function cases(): Promise<Case[]> {
  const abi = AbiCoder.defaultAbiCoder();
  const call = (selector: string, types: string[], values: unknown[]): string => concat([selector, abi.encode(types, values)]);
  const plain = { chainId: CHAIN_ID, type: 2, gasLimit: 60_000n, maxFeePerGas: FEE, maxPriorityFeePerGas: TIP, to: known };
  const sign = (fields: TransactionLike): Promise<string> => wallet.signTransaction({ ...plain, ...fields });
  const found: Case[] = [];
  const add = (name: string, raw: string, row: string, indices: readonly number[]): void => {
    found.push({ name, raw, row, indices, resolved: indices.map(() => known) });
  };

  let raw = await sign({ nonce: 0, gasLimit: 21_000n, value: 15n * 10n ** 16n });
  add("value to a known address", raw, rowOf(raw, 32 + 64, leb(0), leb(0), index(200), decimal(15, 16)), [200]);
  raw = await sign({ nonce: 300, gasLimit: 70_000n, to: stranger, value: 1n, maxFeePerGas: 2_000_000_007n, maxPriorityFeePerGas: 7n });
  add("everything inline, the excess known", raw, rowOf(raw, 64, leb(300), leb(70_127), "0x80", decimal(7, 0), inline(stranger), decimal(1, 0)), []);
  raw = await sign({ nonce: 1, data: call("0xa9059cbb", ["address", "uint256"], [known, 5n * 10n ** 18n]) });
  add("transfer", raw, rowOf(raw, 128 + 64 + 2, leb(1), leb(0), leb(0), index(0), index(1), decimal(5, 18)), [0, 1]);
  raw = await sign({ nonce: 2, maxFeePerGas: 9n, maxPriorityFeePerGas: 2n, data: call("0x095ea7b3", ["address", "uint256"], [stranger, 0n]) });
  add("approve, fees inline", raw, rowOf(raw, 128 + 4, leb(2), leb(0), decimal(2, 0), decimal(7, 0), index(0), inline(stranger), decimal(0, 0)), [0]);
  raw = await sign({ nonce: 3, data: call("0x23b872dd", ["address", "address", "uint256"], [known, stranger, 77n]) });
  add("transferFrom", raw, rowOf(raw, 128 + 64 + 6, leb(3), leb(0), leb(0), index(0), index(9), inline(stranger), decimal(77, 0)), [0, 9]);
  raw = await sign({ nonce: 4, data: call("0x11223344", ["uint256", "uint256", "address", "uint256"], [123n, 160n, known, NOW + 1_200n]) });
  add("words of a known shape", raw, rowOf(raw, 128 + 64 + 8, leb(4), leb(0), leb(0), index(0), leb(1), decimal(123, 0), index(3), leb(1_200)), [0, 3]);
  const own = concat(["0xaabbccdd", leb(3), "0x2450", decimal(64, 0)]);
  raw = await sign({ nonce: 5, data: concat(["0xaabbccdd", hashNamed("raw word"), word(2n ** 256n - 5n), word(64n)]) });
  add("words of a shape of its own", raw, rowOf(raw, 128 + 64 + 8, leb(5), leb(0), leb(0), index(0), leb(0), own, hashNamed("raw word"), decimal(5, 0)), [0]);
  raw = await sign({ nonce: 6, data: fillNamed("bytes", 200) });
  add("bytes", raw, rowOf(raw, 128 + 64 + 10, leb(6), leb(0), leb(0), index(0), leb(200), fillNamed("bytes", 200)), [0]);
  raw = await wallet.signTransaction({ chainId: CHAIN_ID, type: 0, nonce: 7, gasLimit: 21_000n, gasPrice: 3n * 10n ** 9n, to: known, value: 5n });
  add("legacy", raw, rowOf(raw, 16 + 32 + 64, leb(7), leb(1), index(4), decimal(5, 0)), [4]);
  raw = await sign({ nonce: 8, accessList: [{ address: known, storageKeys: [hashNamed("slot")] }] });
  add("access list, as it is", raw, concat(["0x0c", leb(dataLength(raw)), raw]), []);
  return found;
}

/** Codes as the format has them. */
const OVERRUN = 1;
const NOT_CANONICAL = 2;
const OUT_OF_RANGE = 3;
const UNKNOWN_VERSION = 4;
const TOO_LARGE = 5;
const TOO_MANY = 6;
const BAD_OFFSET = 7;
const UNKNOWN_ENTRY = 8;
const RESERVED = 9;
const LEFTOVER = 10;
const TWO_PRICES = 11;
const ABSENT = 240;

const RS = concat([hashNamed("r"), hashNamed("s")]);
const SIMPLE = concat(["0xe0", leb(0), leb(0), index(0), RS]);

/** Faults before the rows: told by any group. */
function faultsBefore(): [name: string, data: string, fault: number][] {
  const put = (changes: Partial<Parts>): string => batch([SIMPLE], changes);
  const context = (changes: Partial<Context>): Partial<Parts> => ({ contexts: [{ ...oneBlock(1), ...changes }] });
  const work = (byte: string, ...numbers: (bigint | number)[]): Partial<Parts> =>
    context({ rest: concat([BEFORE_WORK, byte, ...numbers.map(leb)]) });
  return [
    ["no data", "0x", OVERRUN],
    ["the version before", put({ version: "0x03" }), UNKNOWN_VERSION],
    ["chain ID in a longer form", put({ chainId: "0xc08800" }), NOT_CANONICAL],
    ["no chain ID", put({ chainId: "0x00" }), OUT_OF_RANGE],
    ["chain ID beyond what wallets take", put({ chainId: leb(4_503_599_627_370_476n) }), OUT_OF_RANGE],
    ["number beyond 256 bits", put({ chainId: `0x${"ff".repeat(36)}10` }), OUT_OF_RANGE],
    ["number of 38 bytes", put({ chainId: `0x${"80".repeat(37)}00` }), OUT_OF_RANGE],
    ["no blocks", put({ blockCount: leb(0) }), OUT_OF_RANGE],
    ["too many blocks", put({ blockCount: leb(2_049) }), TOO_MANY],
    ["too many fees", put({ fees: leb(128) }), TOO_MANY],
    ["too many gas limits", put({ gasLimits: leb(128) }), TOO_MANY],
    ["gas limit beyond 64 bits", put({ gasLimits: counted([leb(2n ** 64n)]) }), OUT_OF_RANGE],
    ["too many shapes", put({ shapes: leb(128) }), TOO_MANY],
    ["too many words in a shape", put({ shapes: counted([concat(["0x11223344", leb(65)])]) }), TOO_MANY],
    ["too many words in all shapes", put({ shapes: counted(Array(5).fill(concat(["0x11223344", leb(64), `0x${"00".repeat(32)}`]))) }), TOO_MANY],
    ["unknown kind of word", put({ shapes: counted([concat(["0x11223344", leb(1), "0x60"])]) }), RESERVED],
    ["half a byte after the kinds", put({ shapes: counted([concat(["0x11223344", leb(1), "0x01"])]) }), RESERVED],
    ["fee not canonical", put({ fees: counted([concat([decimal(10, 0), decimal(1, 0)])]) }), NOT_CANONICAL],
    ["zero with an exponent", put({ fees: counted([concat([decimal(0, 1), decimal(1, 0)])]) }), NOT_CANONICAL],
    ["decimal of more than 128 bits", put({ fees: counted([concat([decimal(2n ** 128n + 1n, 0), decimal(1, 0)])]) }), OUT_OF_RANGE],
    ["first contexts elsewhere", put({ firstContext: concat([uint24(1), uint24(0)]) }), BAD_OFFSET],
    ["transactions before the first block", put({ firstContext: concat([uint24(0), uint24(1)]) }), BAD_OFFSET],
    ["timestamp beyond 64 bits", put(context({ time: leb(2n ** 64n) })), OUT_OF_RANGE],
    ["slot beyond 64 bits", put(context({ slot: leb(2n ** 64n) })), OUT_OF_RANGE],
    ["unknown flag of a sequencer", put(context({ rest: concat([leb(1), BOTH, "0x02"]) })), RESERVED],
    ["one seat", put(work("0x01", 7)), RESERVED],
    ["three seats", put(work("0x07", 7, 300, 8)), RESERVED],
    ["all four seats", put(work("0x0f", 7, 300, 8, 9)), RESERVED],
    ["a bit above those of the attempt", put(work("0x43", 7, 300)), RESERVED],
    ["the highest bit beside no seat", put(work("0x80")), RESERVED],
    ["an attempt without seats", batch([], { contexts: [{ ...oneBlock(0), rest: concat([BEFORE_WORK, "0x10"]) }] }), RESERVED],
    ["a transaction without seats", put(work("0x00")), RESERVED],
    ["a provider's number beyond 32 bits", put(work("0x03", 7, 2n ** 32n)), OUT_OF_RANGE],
    ["a provider's number in a longer form", put(context({ rest: concat([BEFORE_WORK, "0x03", "0x8700", leb(300)]) })), NOT_CANONICAL],
    ["too many transactions", put(context({ count: 2_049 })), TOO_MANY],
    ["more rows than there is room for their offsets", put(context({ count: 2_048 })), OVERRUN],
    ["rows that no block has", batch([], { tail: "0x00" }), LEFTOVER],
  ];
}

/** Faults of the offset of the second group of contexts, told by the first one's group; what the rows then say follows. */
function faultsBetweenContexts(): [name: string, data: string, contextFault: number, rowFault: number][] {
  const empty: Context = { ...oneBlock(0), time: leb(1), slot: leb(0) };
  const contexts = [oneBlock(1), ...Array<Context>(15).fill(empty), oneBlock(0)];
  const size = 16 * dataLength(contextBytes(oneBlock(0))) - 15 * (dataLength(concat([leb(NOW), leb(9)])) - 2);
  const second = (offset: number, before: number): string =>
    batch([SIMPLE], { contexts, secondContext: concat([uint24(offset), uint24(before)]) });
  return [
    ["17 blocks", second(size, 1), 0, 0],
    ["a transaction more before the 17th block", second(size, 2), BAD_OFFSET, OVERRUN],
    // Rows then seem to begin behind the first context: time 1, slot 0, one queue item are read as the offset of rows.
    ["contexts of the 17th block at the first", second(0, 1), BAD_OFFSET, BAD_OFFSET],
  ];
}

/** Faults of the first or of the second group of rows. */
function faultsInRows(): [name: string, data: string, group: number, fault: number][] {
  const one = (...row: string[]): string => batch([concat(row)]);
  const shaped = (...form: string[]): string => one("0xe8", leb(0), leb(0), index(0), ...form, RS);
  const twenty = Array<string>(20).fill(SIMPLE);
  return [
    ["cut row", one("0xe0", leb(0)), 0, OVERRUN],
    ["byte after the last row", batch([SIMPLE], { tail: "0x00" }), 0, LEFTOVER],
    ["byte after the last row of two groups", batch(twenty, { tail: "0x00" }), 1, LEFTOVER],
    ["second group elsewhere", batch(twenty, { secondRows: 16 * dataLength(SIMPLE) + 1 }), 0, BAD_OFFSET],
    ["no such group", batch(twenty), 2, ABSENT],
    ["unknown kind of data", one("0xee", leb(0), leb(0), index(0), RS), 0, RESERVED],
    ["bits beside a transaction as it is", one("0x0d", leb(1), "0x02"), 0, RESERVED],
    ["transaction of more than 56 KiB", one("0x0c", leb(57_345)), 0, TOO_LARGE],
    ["data of 56 KiB", one("0xea", leb(0), leb(0), index(0), leb(57_344), `0x${"01".repeat(57_344)}`, RS), 0, TOO_LARGE],
    ["unknown fees", one("0xe0", leb(0), "0x02", index(0), RS), 0, UNKNOWN_ENTRY],
    ["unknown gas limit", one("0xc0", leb(0), leb(1), leb(0), index(0), RS), 0, UNKNOWN_ENTRY],
    ["unknown shape", shaped(leb(2)), 0, UNKNOWN_ENTRY],
    ["shape of its own of an unknown kind", shaped(leb(0), "0x11223344", leb(1), "0x70"), 0, RESERVED],
    ["zero value without its bit", one("0x60", leb(0), leb(0), index(0), decimal(0, 0), RS), 0, NOT_CANONICAL],
    ["value not canonical", one("0x60", leb(0), leb(0), index(0), decimal(20, 3), RS), 0, NOT_CANONICAL],
    ["nonce beyond 64 bits", one("0xe0", leb(2n ** 64n), leb(0), index(0), RS), 0, OUT_OF_RANGE],
    ["gas limit beyond 64 bits", one("0xc0", leb(0), leb(2n ** 64n + 127n), leb(0), index(0), RS), 0, OUT_OF_RANGE],
    ["index beyond 64 bits", one("0xe0", leb(0), leb(0), leb(2n ** 64n), RS), 0, OUT_OF_RANGE],
    ["deadline too late", shaped(leb(1), decimal(1, 0), index(0), leb(2n ** 32n)), 0, OUT_OF_RANGE],
    ["legacy with two prices", one("0xf0", leb(0), leb(0), index(0), RS), 0, TWO_PRICES],
  ];
}

/** Every byte that says who did a job, in a block without transactions. */
const worksOf = () =>
  [{ work: NO_WORK, seated: 0 }, ...WORKS].map(({ work, seated }) => ({
    byte: workByte(work),
    work,
    served: servedBy(work),
    seated,
    data: batch([], { contexts: [{ ...oneBlock(0), rest: concat([BEFORE_WORK, worked(work)]) }] }),
  }));

/** Bytes that say nothing so, in place of the last but one of a batch whose only block nobody did a job for. */
function otherWorkBytes() {
  const known = [NO_WORK, ...WORKS.map(({ work }) => work)].map(workByte);
  const data = batch([], { contexts: [{ ...oneBlock(0), rest: concat([BEFORE_WORK, worked(NO_WORK)]) }] });
  const bytes = Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => !known.includes(byte));
  return { data, at: dataLength(data) - 2, bytes };
}

export async function batchFormatVectors() {
  const good = await cases();
  const rows = [...good, ...good].map(({ row }) => row);
  const later: Context = {
    time: leb(0),
    slot: leb(1),
    rest: concat([leb(0), BOTH, "0x01", stranger, worked(THIRD_JOB)]),
    count: good.length,
  };
  const idle: Context = { time: leb(3), slot: leb(2), rest: concat([leb(4), EVIDENCE, RANDOMNESS, "0x00", worked(NO_WORK)]), count: 0 };
  const data = batch(rows, { contexts: [oneBlock(good.length), later, idle] });
  const context = { timestamp: NOW, slot: 9n, queueItems: 1, randomness: RANDOMNESS, evidence: EVIDENCE, sequencer: "poster" };
  const swapped = { randomness: EVIDENCE, evidence: RANDOMNESS };
  return {
    chainId: CHAIN_ID,
    generation: 5n,
    data,
    contexts: [
      { ...context, work: TWO, transactionCount: good.length },
      { ...context, slot: 10n, queueItems: 0, sequencer: stranger, work: THIRD_JOB, transactionCount: good.length },
      { ...context, ...swapped, timestamp: NOW + 3n, slot: 11n, queueItems: 4, work: NO_WORK, transactionCount: 0 },
    ],
    works: worksOf(),
    otherWorkBytes: otherWorkBytes(),
    inline: [stranger],
    named: [known, stranger],
    transactions: good.map(({ name, raw, resolved, indices }) => ({ name, raw, resolved, indices })),
    faults: [
      ...faultsBefore().map(([name, bytes, fault]) => ({ name, data: bytes, contextFault: fault, rowGroup: 0, rowFault: fault })),
      ...faultsBetweenContexts().map(([name, bytes, contextFault, rowFault]) => ({
        name,
        data: bytes,
        contextFault,
        rowGroup: 0,
        rowFault,
      })),
      ...faultsInRows().map(([name, bytes, rowGroup, rowFault]) => ({ name, data: bytes, contextFault: 0, rowGroup, rowFault })),
    ],
  };
}
