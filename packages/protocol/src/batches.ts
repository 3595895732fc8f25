/**
 * Batches: what is posted on L1, enough to rebuild the chain from (invariant I9). System transactions are not in the
 * data: queue items follow from the L1 queue by each block's queueEnd, the founding from the registration, context and
 * settle from the rest of the block. The layout is plain RLP; the random-access format of the fraud proofs is to replace it.
 */
import { type BlockContext, blockContextCodec, chainIdCodec, type SealedBlock } from "./blocks.ts";
import { address, bytes, type Codec, CodecError, decode, encode, hash, list, struct, uint, version } from "./codec.ts";
import { keccakHash, taggedHash } from "./hash.ts";
import { hashHeader } from "./header.ts";
import { concatBytes, fromHex, toWord } from "./hex.ts";
import { merkleRoot } from "./merkle.ts";
import { type NetworkIdentity, networkDomain } from "./network.ts";
import { LIMITS } from "./parameters.ts";
import { type Address, type ChainId, type Hash, ZERO_HASH } from "./primitives.ts";
import { decodeSystemTransaction, isSystemTransaction, settledAccounts } from "./systemTransactions.ts";

export type PostedBlock = {
  readonly context: BlockContext;
  readonly timestamp: bigint;
  /** encoded user transactions in order */
  readonly transactions: readonly Uint8Array[];
  /** who is paid by the block's settle: the sequencer, then the providers */
  readonly paid: readonly Address[];
};

export type BatchData = {
  readonly chainId: ChainId;
  readonly generation: bigint;
  readonly blocks: readonly PostedBlock[];
};

const FORMAT_VERSION = 2;

const postedBlockCodec: Codec<PostedBlock> = struct({
  context: blockContextCodec,
  timestamp: uint(64),
  transactions: list(bytes(LIMITS.transactionBytes), LIMITS.blockTransactions),
  paid: list(address, 1 + LIMITS.seats + LIMITS.standIns),
});

const layout = struct({
  version: version(FORMAT_VERSION),
  chainId: chainIdCodec,
  generation: uint(64),
  blocks: list(postedBlockCodec, LIMITS.batchBlocks),
});

/** Encodes a batch's data. Throws CodecError beyond the bounds of fields; size is the caller's to bound. */
export const encodeBatchData = (batch: BatchData): Uint8Array => encode(layout, { version: FORMAT_VERSION, ...batch });

/** Decodes posted data, at most LIMITS.batchBytes. Throws CodecError. */
export function decodeBatchData(data: Uint8Array): BatchData {
  const { version: _version, ...batch } = decode(layout, data, LIMITS.batchBytes);
  return batch;
}

/** The part of a block that is posted. Throws CodecError where it does not end in a settle of its chain. */
export function toPosted(block: SealedBlock): PostedBlock {
  const settle = decodeSystemTransaction(block.transactions.at(-1) ?? new Uint8Array(0), block.chainId);
  const settled = settledAccounts(settle);
  if (settled === null) throw new CodecError("out-of-range", "a block ends in its settle transaction");
  return {
    context: block.context,
    timestamp: block.header.timestamp,
    transactions: block.transactions.filter((raw) => !isSystemTransaction(raw)),
    paid: settled.paid,
  };
}

/** Bytes that a block adds to a batch's data, rounded up by the list headers. */
export const postedSizeBytes = (block: SealedBlock): number => encode(postedBlockCodec, toPosted(block)).length;

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
  /** Merkle root of the hashes of all transactions, deposits included */
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

/**
 * Batch over consecutive blocks of one chain and generation.
 * @throws RangeError when the blocks are none, not consecutive, or of several chains
 */
export function buildBatch(
  blocks: readonly SealedBlock[],
  place: BatchPlace,
): { header: BatchHeader; data: Uint8Array } {
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
  const data = encodeBatchData({ chainId, generation, blocks: blocks.map(toPosted) });
  const header: BatchHeader = {
    chainId,
    generation,
    index: place.index,
    previousBatchHash: place.previousBatchHash,
    firstBlock: first.header.number,
    lastBlock: last.header.number,
    blobHash: ZERO_HASH,
    dataHash: keccakHash(data),
    blocksRoot: merkleRoot(blocks.map((block) => hashHeader(block.header))),
    transactionsRoot: merkleRoot(blocks.flatMap((block) => block.transactions.map(keccakHash))),
    queueEnd: last.context.queueEnd,
    slot: place.slot,
    poster: place.poster,
  };
  return { header, data };
}
