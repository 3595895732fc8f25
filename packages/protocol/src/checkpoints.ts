/** Checkpoints: the state of a block after each of its transactions (design page 10). */
import { keccakHash } from "./hash.ts";
import { concatBytes, fromHex, toHash, toHex, toWord } from "./hex.ts";
import type { Hash } from "./primitives.ts";

const WORDS = 7;

export type Checkpoint = {
  /** position of the transaction in its block */
  readonly index: number;
  readonly stateRoot: Hash;
  readonly cumulativeGasUsed: bigint;
  /** keccak of the transaction's encoded receipt */
  readonly receiptHash: Hash;
  /** root of the transactions trie over 0..index */
  readonly transactionsRoot: Hash;
  /** root of the receipts trie over 0..index */
  readonly receiptsRoot: Hash;
  /** keccak of the bloom over 0..index */
  readonly bloomHash: Hash;
};

/** The seven fields, 32 bytes each in the order of the type: 224 bytes, as the ABI lays them out. */
export function encodeCheckpoint(checkpoint: Checkpoint): Uint8Array {
  const { index, stateRoot, cumulativeGasUsed, receiptHash, transactionsRoot, receiptsRoot, bloomHash } = checkpoint;
  const words = [stateRoot, receiptHash, transactionsRoot, receiptsRoot, bloomHash].map(fromHex);
  return concatBytes(toWord(BigInt(index)), words[0]!, toWord(cumulativeGasUsed), ...words.slice(1));
}

/** A checkpoint by its seven fields. Throws RangeError for other than 224 bytes. */
export function decodeCheckpoint(encoded: Uint8Array): Checkpoint {
  if (encoded.length !== WORDS * 32) throw new RangeError(`${encoded.length} bytes are no checkpoint`);
  const word = (place: number): Hash => toHash(toHex(encoded.subarray(32 * place, 32 * place + 32)));
  return {
    index: Number(BigInt(word(0))),
    stateRoot: word(1),
    cumulativeGasUsed: BigInt(word(2)),
    receiptHash: word(3),
    transactionsRoot: word(4),
    receiptsRoot: word(5),
    bloomHash: word(6),
  };
}

/** Leaf of the checkpoints tree: keccak of the encoded checkpoint. */
export const checkpointLeaf = (checkpoint: Checkpoint): Hash => keccakHash(encodeCheckpoint(checkpoint));
