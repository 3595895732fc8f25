/** What a block's transactions come to, counted one after the other: what its settle has to say of them (Tally of BlockTallies.sol). */
import { namedAddresses } from "./batchFormat/index.ts";
import { CodecError } from "./codec.ts";
import { keccakHash } from "./hash.ts";
import { bytesToBigInt, concatBytes, joinBytes } from "./hex.ts";
import { dataGasOf } from "./l1Fee.ts";
import { merkleRoot } from "./merkle.ts";
import { type Address, type ChainId, type Hash, ZERO_HASH } from "./primitives.ts";
import { decodeSystemTransaction, isSystemTransaction } from "./systemTransactions.ts";

/** Levels of a tree of as many transactions as a tally may be of. */
const LEVELS = 16;
/** Gas of EIP-2028 that a token of EIP-7623 stands for. */
const TOKEN_GAS = 4n;
/** Where a context's data have the L1 base fee. */
const [BASE_FEE_START, BASE_FEE_END] = [68, 100];
const LENGTH_BYTES = 2;

/** What the first transactions of a block come to. */
export type BlockTally = {
  /** how many they are, below 2^16 */
  readonly count: number;
  /** wei of MT per L1 gas, of the context, which is the first of them */
  readonly l1BaseFee: bigint;
  /** of the users' among them: a zero byte is one, any other four (EIP-7623) */
  readonly tokens: bigint;
  /** 16: where bit i of `count` is set, at place i the Merkle root of 2^i of their hashes, higher bits before lower ones; else zeros */
  readonly roots: readonly Hash[];
  /** addresses that the users' among them name (namedAddresses) */
  readonly named: readonly Address[];
};

/** Of no transactions. */
const NO_TALLY: BlockTally = {
  count: 0,
  l1BaseFee: 0n,
  tokens: 0n,
  roots: Array.from({ length: LEVELS }, () => ZERO_HASH),
  named: [],
};

/**
 * @param transactions the first ones of a block, in order, encoded
 * @throws CodecError where the first is no context; RangeError for 2^16 or more
 */
export function blockTally(chainId: ChainId, transactions: readonly Uint8Array[]): BlockTally {
  const [first] = transactions;
  if (first === undefined) return NO_TALLY;
  if (transactions.length >= 2 ** LEVELS) throw new RangeError(`${transactions.length} transactions are of no block`);
  const context = decodeSystemTransaction(first, chainId);
  if (context.source !== "context") throw new CodecError("out-of-range", "a block begins with its context");
  const users = transactions.filter((raw) => !isSystemTransaction(raw));
  return {
    count: transactions.length,
    l1BaseFee: bytesToBigInt(context.data.subarray(BASE_FEE_START, BASE_FEE_END)),
    tokens: users.reduce((sum, raw) => sum + dataGasOf(raw) / TOKEN_GAS, 0n),
    roots: rootsOf(transactions.map(keccakHash)),
    named: namedAddresses(chainId, users),
  };
}

function rootsOf(hashes: readonly Hash[]): readonly Hash[] {
  const roots = NO_TALLY.roots.slice();
  let begin = 0;
  for (let level = LEVELS - 1; level >= 0; level--) {
    if (((hashes.length >> level) & 1) === 0) continue;
    const end = begin + 2 ** level;
    roots[level] = merkleRoot(hashes.slice(begin, end));
    begin = end;
  }
  return roots;
}

/** Transactions as they are counted on L1: of each its length in two bytes, then its encoding. */
export const countedBytes = (transactions: readonly Uint8Array[]): Uint8Array =>
  joinBytes(transactions.map((raw) => concatBytes(Uint8Array.of(raw.length >> 8, raw.length & 0xff), raw)));

/**
 * Cuts a block's transactions into stretches that are counted at once.
 * @param mostBytes of one, as countedBytes has it; more only where a transaction alone has more
 */
export function countedStretches(
  transactions: readonly Uint8Array[],
  mostBytes: number,
): readonly (readonly Uint8Array[])[] {
  const stretches: Uint8Array[][] = [];
  let room = 0;
  for (const raw of transactions) {
    room -= raw.length + LENGTH_BYTES;
    if (stretches.length === 0 || room < 0) {
      stretches.push([]);
      room = mostBytes - raw.length - LENGTH_BYTES;
    }
    stretches.at(-1)!.push(raw);
  }
  return stretches;
}
