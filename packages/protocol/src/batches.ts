/**
 * Batches: what is posted on L1, enough to rebuild the chain from (invariant I9). System transactions are not in the
 * data: queue items follow from the L1 queue and each block's count of them, L1 values from its slot, the founding from the
 * registration, context and settle from the rest of the block. How the data are written: batchFormat.
 */
import { type AddressTable, BATCH_FORMAT, type BatchBlock, encodeBatch } from "./batchFormat/index.ts";
import { chainIdCodec, type SealedBlock } from "./blocks.ts";
import { address, type Codec, CodecError, hash, struct, uint } from "./codec.ts";
import { keccakHash, taggedHash } from "./hash.ts";
import { hashHeader } from "./header.ts";
import { concatBytes, fromHex, toHex, toWord } from "./hex.ts";
import { merkleRoot } from "./merkle.ts";
import { type NetworkIdentity, networkDomain } from "./network.ts";
import { type Address, type ChainId, type Hash, ZERO_HASH } from "./primitives.ts";
import { decodeSystemTransaction, isSystemTransaction, settledAccounts } from "./systemTransactions.ts";

type PaidBlock = Pick<SealedBlock, "chainId" | "transactions">;

/** Signed user transactions of a block, in order: what is posted of its transactions. */
export const postedTransactions = ({ transactions }: Pick<SealedBlock, "transactions">): readonly Uint8Array[] =>
  transactions.filter((raw) => !isSystemTransaction(raw));

/** What a block's settle says. Throws CodecError where the block does not end in a settle of its chain. */
function settledIn({ chainId, transactions }: PaidBlock): NonNullable<ReturnType<typeof settledAccounts>> {
  const settled = settledAccounts(decodeSystemTransaction(transactions.at(-1) ?? new Uint8Array(0), chainId));
  if (settled === null) throw new CodecError("out-of-range", "a block ends in its settle transaction");
  return settled;
}

/** What the data of a batch are written with, beside its blocks. */
export type Posting = {
  readonly poster: Address;
  /** items of L1's queue that the chain had consumed before the first block */
  readonly queueEnd: bigint;
  /** the address table as of the end of the block before the first; without it, every address is written out */
  readonly table?: AddressTable | undefined;
};

const unknown = (): undefined => undefined;

/**
 * Encodes blocks of one chain and generation as a batch's data; the table takes in what they name. What it gives decodes to
 * what is posted of the blocks; its size is the caller's to bound, by LIMITS.batchBytes in calldata and BATCH_FORMAT.blobBytes in a blob.
 * @throws CodecError where a block does not end in a settle
 * @throws RangeError for no blocks, and beyond the bounds of the format
 */
export function encodeBlocks(blocks: readonly SealedBlock[], posting: Posting): Uint8Array {
  const { poster, table } = posting;
  const first = blocks[0];
  if (first === undefined) throw new RangeError("a batch needs a block");
  let consumed = posting.queueEnd;
  const written = blocks.map((block): BatchBlock => {
    const { paid, seen } = settledIn(block);
    const [sequencer] = paid;
    const { slot, randomness, evidence, work, queueEnd } = block.context;
    const queueItems = Number(queueEnd - consumed);
    consumed = queueEnd;
    const indexOf = table?.lookUp() ?? unknown;
    table?.enter(seen);
    return {
      timestamp: block.header.timestamp,
      slot,
      queueItems,
      randomness,
      evidence,
      sequencer: sequencer === poster ? "poster" : sequencer,
      work,
      transactions: postedTransactions(block),
      indexOf,
    };
  });
  return encodeBatch({ chainId: first.chainId, generation: first.generation, blocks: written });
}

/** Header of a batch as RollupChain takes it. */
export type BatchHeader = {
  readonly chainId: ChainId;
  readonly generation: bigint;
  readonly index: bigint;
  readonly previousBatchHash: Hash;
  readonly firstBlock: bigint;
  readonly lastBlock: bigint;
  /** versioned hash of the blob that holds the data; zero for calldata */
  readonly blobHash: Hash;
  /** keccak of the data; for a blob, their offset << 32 | length in its bytes */
  readonly dataHash: Hash;
  /** Merkle root of the block hashes */
  readonly blocksRoot: Hash;
  /** Merkle root of transactionsLeaf of each block */
  readonly transactionsRoot: Hash;
  readonly queueEnd: bigint;
  /** slot under which the poster claims its turn */
  readonly slot: bigint;
  readonly poster: Address;
};

export const batchHeaderCodec: Codec<BatchHeader> = struct({
  chainId: chainIdCodec,
  generation: uint(64),
  index: uint(64),
  previousBatchHash: hash,
  firstBlock: uint(64),
  lastBlock: uint(64),
  blobHash: hash,
  dataHash: hash,
  blocksRoot: hash,
  transactionsRoot: hash,
  queueEnd: uint(64),
  slot: uint(64),
  poster: address,
});

/** keccak256(abi.encode(header)), as RollupChain has it: every field a word. */
export function hashBatchHeader(header: BatchHeader): Hash {
  const { chainId, generation, index, firstBlock, lastBlock, queueEnd, slot, poster } = header;
  const words = [
    toWord(chainId),
    toWord(generation),
    toWord(index),
    fromHex(header.previousBatchHash),
    toWord(firstBlock),
    toWord(lastBlock),
    fromHex(header.blobHash),
    fromHex(header.dataHash),
    fromHex(header.blocksRoot),
    fromHex(header.transactionsRoot),
    toWord(queueEnd),
    toWord(slot),
    toWord(BigInt(poster)),
  ];
  return keccakHash(concatBytes(...words));
}

/**
 * What a poster signs so that anyone may carry its batch to L1.
 * @param randomness of the slot's epoch: the batch is good for the L1 that it was made on alone
 */
export const batchDigest = (network: NetworkIdentity, randomness: Hash, header: BatchHeader): Hash =>
  taggedHash("mvm/batch/1", networkDomain(network), randomness, hashBatchHeader(header));

/** The place of a new batch on L1, and who posts it. */
export type BatchPlace = {
  readonly index: bigint;
  readonly previousBatchHash: Hash;
  readonly slot: bigint;
  readonly poster: Address;
};

/** A batch's header but for where its data are. */
export type BatchClaims = Omit<BatchHeader, "blobHash" | "dataHash">;

/** Number of a batch's blocks. */
export const blockCount = ({ firstBlock, lastBlock }: Pick<BatchHeader, "firstBlock" | "lastBlock">): number =>
  Number(lastBlock - firstBlock) + 1;

/**
 * What a batch commits to of a block's transactions: keccak of their number, a word, and of the Merkle root of their hashes,
 * the system's included. The number makes a transaction's place in its block sure by its proof alone.
 */
export const transactionsWord = (count: number, root: Hash): Hash =>
  keccakHash(concatBytes(toWord(BigInt(count)), fromHex(root)));

/** transactionsWord of a block. */
export const transactionsLeaf = ({ transactions }: Pick<SealedBlock, "transactions">): Hash =>
  transactionsWord(transactions.length, merkleRoot(transactions.map(keccakHash)));

/**
 * What a batch over consecutive blocks of one chain and generation commits to.
 * @throws RangeError when the blocks are none, not consecutive, or of several chains
 */
export function claimsOf(blocks: readonly SealedBlock[], place: BatchPlace): BatchClaims {
  const first = blocks[0];
  const last = blocks.at(-1);
  if (first === undefined || last === undefined) throw new RangeError("a batch needs a block");
  const { chainId, generation } = first;
  blocks.forEach((block, i) => {
    const fits =
      block.chainId === chainId &&
      block.generation === generation &&
      block.header.number === first.header.number + BigInt(i);
    if (!fits) throw new RangeError("the blocks of a batch are consecutive and of one chain and generation");
  });
  return {
    chainId,
    generation,
    index: place.index,
    previousBatchHash: place.previousBatchHash,
    firstBlock: first.header.number,
    lastBlock: last.header.number,
    blocksRoot: merkleRoot(blocks.map((block) => hashHeader(block.header))),
    transactionsRoot: merkleRoot(blocks.map(transactionsLeaf)),
    queueEnd: last.context.queueEnd,
    slot: place.slot,
    poster: place.poster,
  };
}

/** Where a batch's data are, as its header says it. */
export type DataPlace = Pick<BatchHeader, "blobHash" | "dataHash">;

/** Data in the calldata of the transaction. */
export const inCalldata = (data: Uint8Array): DataPlace => ({ blobHash: ZERO_HASH, dataHash: keccakHash(data) });

/** A range of a blob's data, in bytes. */
export type BlobRange = { readonly offset: number; readonly length: number };

/** Bits of the length in a blob batch's data hash. */
const LENGTH_BITS = 32n;

/** Data in a range of a blob. Throws RangeError for a range that no blob has. */
export function inBlob(blobHash: Hash, { offset, length }: BlobRange): DataPlace {
  if (blobHash === ZERO_HASH || !isRange({ offset, length }))
    throw new RangeError(`no blob has ${length} bytes from ${offset}`);
  return { blobHash, dataHash: toHex(toWord((BigInt(offset) << LENGTH_BITS) | BigInt(length))) as Hash };
}

const isRange = ({ offset, length }: BlobRange): boolean =>
  length > 0 && offset >= 0 && offset + length <= BATCH_FORMAT.blobBytes;

/**
 * The range of its blob that a batch's data are in; null for a batch in calldata, and for a dataHash that RollupChain would
 * not have made: no data, or an end beyond the blob.
 */
export function blobRange({ blobHash, dataHash }: DataPlace): BlobRange | null {
  if (blobHash === ZERO_HASH) return null;
  const packed = BigInt(dataHash);
  const range = { offset: Number(packed >> LENGTH_BITS), length: Number(packed & ((1n << LENGTH_BITS) - 1n)) };
  return isRange(range) ? range : null;
}
