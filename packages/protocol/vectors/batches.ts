/** Batches over the blocks of `blockVectors`: data put together piece by piece, headers and their hashes by ethers. */
import { AbiCoder, concat, dataLength, dataSlice, keccak256, toBeHex, Transaction } from "ethers";
import { batch, counted, decimal, index, inline, leb } from "./batchFormat.ts";
import { headerHash, merkleRootOf } from "./chain.ts";
import { addressNamed, type Bytes, encoded, hashNamed, int, tagged, word } from "./format.ts";
import { blockOf, CHAIN_ID, DESCRIBED, type Described, GENERATION, known, stranger } from "./messages.ts";
import { domainOf, NETWORK } from "./network.ts";
import { servedBy, workByte } from "./work.ts";

const poster = addressNamed("poster");

/** Head with a signed transaction's parity, middle, r, s. */
function row({ bytes: raw }: Bytes, head: number, ...middle: string[]): string {
  const { yParity, r, s } = Transaction.from(raw).signature!;
  return concat([toBeHex(head + yParity, 1), ...middle, r, s]);
}
const asItIs = ({ bytes: raw }: Bytes): string => concat(["0x0c", leb(dataLength(raw)), raw]);

const [first, second, third] = [...DESCRIBED[4]!.users, ...DESCRIBED[5]!.users];
/** The fees of the three signed transactions, which all share them. */
const FEES = concat([decimal(1, 8), decimal(2, 9)]);
const [PLAIN_GAS, KNOWN_FEES, NO_VALUE, TRANSFER] = [32, 64, 128, 2];
const SIGNED_ROWS = [
  row(first!, PLAIN_GAS + KNOWN_FEES, leb(0), leb(0), index(1), decimal(15, 16)),
  row(second!, KNOWN_FEES + NO_VALUE + TRANSFER, leb(1), leb(60_127), leb(0), index(1), inline(stranger), decimal(5, 18)),
  row(third!, PLAIN_GAS + KNOWN_FEES, leb(2), leb(0), index(2), decimal(1, 0)),
];

type Case = {
  /** places in DESCRIBED */
  readonly positions: readonly number[];
  readonly poster: string;
  /** items that the chain had consumed before */
  readonly queueEnd: bigint;
  /** what the address table holds before, in order */
  readonly table: readonly string[];
  readonly fees: readonly string[];
  readonly rows: readonly string[];
  readonly blob: { readonly hash: string; readonly offset: number } | null;
};

const plain = { poster, table: [], fees: [], blob: null };
const rowsOf = (positions: readonly number[]): string[] =>
  positions.flatMap((position) => DESCRIBED[position]!.users.map(asItIs));
const blob = { hash: concat(["0x01", dataSlice(hashNamed("blob"), 1)]), offset: 124_000 };

const CASES: readonly Case[] = [
  { ...plain, positions: [0], queueEnd: 0n, rows: rowsOf([0]) },
  { ...plain, positions: [0, 1, 2], queueEnd: 0n, rows: rowsOf([0, 1, 2]) },
  { ...plain, positions: [2], queueEnd: 1n, rows: [], blob },
  { ...plain, positions: [3], poster: DESCRIBED[3]!.paid[0]!, queueEnd: 0n, rows: [] },
  { ...plain, positions: [4, 5], queueEnd: 1n, table: [poster, known], fees: [FEES], rows: SIGNED_ROWS },
];

/** A block's part of the transactions root: their number and the root over their hashes. */
function transactionsLeafOf({ transactions }: { readonly transactions: readonly Bytes[] }): string {
  const root = merkleRootOf(transactions.map(({ bytes: raw }) => keccak256(raw)));
  return keccak256(concat([toBeHex(transactions.length, 32), root]));
}

/** Contexts of a group: time and slot of the first as they are, then time since the one before and slots since the first. */
function contextsOf(blocks: readonly Described[], { poster: by, queueEnd }: Case) {
  return blocks.map(({ header, context, users, paid: [sequencer] }, i) => {
    const items = context.queueEnd - (blocks[i - 1]?.context.queueEnd ?? queueEnd);
    const worked = concat([toBeHex(workByte(context.work), 1), ...servedBy(context.work).map(leb)]);
    const maker = sequencer === by ? "0x00" : concat(["0x01", sequencer!]);
    return {
      time: leb(header.timestamp - (blocks[i - 1]?.header.timestamp ?? 0n)),
      slot: leb(context.slot - (i === 0 ? 0n : blocks[0]!.context.slot)),
      rest: concat([leb(items), context.randomness, context.evidence, maker, worked]),
      count: users.length,
    };
  });
}

function dataOf(blocks: readonly Described[], stated: Case): string {
  return batch(stated.rows, {
    chainId: leb(CHAIN_ID),
    generation: leb(GENERATION),
    fees: counted(stated.fees),
    gasLimits: leb(0),
    shapes: leb(0),
    contexts: contextsOf(blocks, stated),
  });
}

const HEADER_TYPES =
  "uint256 uint64 uint64 bytes32 uint64 uint64 bytes32 bytes32 bytes32 bytes32 uint64 uint64 address".split(" ");

/** What the vector of a batch holds. */
function vectorOf(stated: Case) {
  const described = stated.positions.map((position) => DESCRIBED[position]!);
  const blocks = described.map(blockOf);
  const last = blocks.at(-1)!;
  const data = dataOf(described, stated);
  const place = { index: 5n, previousBatchHash: hashNamed("batch 4"), slot: 10n, poster: stated.poster };
  const range = stated.blob === null ? null : { offset: stated.blob.offset, length: dataLength(data) };
  const header = {
    chainId: CHAIN_ID,
    generation: GENERATION,
    index: place.index,
    previousBatchHash: place.previousBatchHash,
    firstBlock: blocks[0]!.header.number,
    lastBlock: last.header.number,
    blobHash: stated.blob?.hash ?? `0x${"00".repeat(32)}`,
    dataHash: range === null ? keccak256(data) : word(BigInt(range.offset) * 2n ** 32n + BigInt(range.length)),
    blocksRoot: merkleRootOf(blocks.map((block) => headerHash(block.header))),
    transactionsRoot: merkleRootOf(blocks.map(transactionsLeafOf)),
    queueEnd: last.context.queueEnd,
    slot: place.slot,
    poster: place.poster,
  };
  const items = Object.values(header).map((field) => (typeof field === "bigint" ? int(field) : field));
  const hash = keccak256(AbiCoder.defaultAbiCoder().encode(HEADER_TYPES, Object.values(header)));
  const randomness = hashNamed("randomness");
  return {
    positions: stated.positions,
    place,
    queueEnd: stated.queueEnd,
    table: stated.table,
    data,
    range,
    header: encoded("header", header, items),
    hash,
    randomness,
    digest: tagged("mvm/batch/1", domainOf(NETWORK), randomness, hash),
  };
}

export const batchVectors = () => CASES.map(vectorOf);
