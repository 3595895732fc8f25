/** Sealed blocks: what a sequencer signs, gossips, and every host of the DAC stores. */
import {
  bytes,
  type Codec,
  CodecError,
  decode,
  encode,
  hash,
  hexOf,
  list,
  mapped,
  optional,
  struct,
  uint,
  version,
} from "./codec.ts";
import { signerOf } from "./ecdsa.ts";
import { type BlockOutcome, blockOutcomeCodec } from "./executionCodecs.ts";
import { keccakHash, taggedHash } from "./hash.ts";
import { type Header, hashHeader, headerCodec } from "./header.ts";
import { toChainId, toWord } from "./hex.ts";
import { type NetworkIdentity, networkDomain } from "./network.ts";
import { LIMITS } from "./parameters.ts";
import type { Address, ChainId, Hash, Hex, JobId } from "./primitives.ts";
import { type Work, type WorkEvidence, workCodec, workEvidenceCodec } from "./work.ts";

function checkedChainId(id: bigint): ChainId {
  try {
    return toChainId(id);
  } catch (cause) {
    throw new CodecError("out-of-range", `not a chain ID: ${id}`, cause);
  }
}

export const chainIdCodec: Codec<ChainId> = mapped(uint(64), checkedChainId, checkedChainId);
export const jobIdCodec: Codec<JobId> = mapped(
  hash,
  (id) => id as Hex as Hash,
  (id) => id as Hex as JobId,
);

/** What a block's place on L1 and in time consists of, beside its header; posted with each block. */
export type BlockContext = {
  /** the sequencer's term under which the block was signed */
  readonly slot: bigint;
  /** L1 block up to which the queue may be consumed */
  readonly l1Block: bigint;
  /** base fee of that L1 block, wei per gas: what the block's transactions pay for their data by */
  readonly l1BaseFee: bigint;
  /** end (exclusive) of the L1 queue's consumed part after this block */
  readonly queueEnd: bigint;
  /** VRF output of the block's sequencer: the block's jobs and its prevRandao derive from it */
  readonly randomness: Hash;
  /** the seats whose result the block is */
  readonly work: Work;
  /** evidenceHash of what shows both */
  readonly evidence: Hash;
};

export const blockContextCodec: Codec<BlockContext> = struct({
  slot: uint(64),
  l1Block: uint(64),
  l1BaseFee: uint(64),
  queueEnd: uint(64),
  randomness: hash,
  work: workCodec,
  evidence: hash,
});

export type UnsignedBlock = {
  readonly chainId: ChainId;
  /** number of rollbacks that the chain has had */
  readonly generation: bigint;
  readonly header: Header;
  readonly context: BlockContext;
  /** encoded transactions: context, in block 1 founding, deposits in queue order, users', settle */
  readonly transactions: readonly Uint8Array[];
  /** one for each transaction */
  readonly outcomes: readonly BlockOutcome[];
  /** what the context commits to; null where a block was made anew from L1, which has its hash alone */
  readonly evidence: WorkEvidence | null;
};

export type SealedBlock = UnsignedBlock & {
  /** 65 bytes r || s || parity by the slot's sequencer over blockDigest */
  readonly signature: Hex;
};

const WIRE_VERSION = 3;

const body = {
  transactions: list(bytes(LIMITS.transactionBytes), LIMITS.blockTransactions),
  outcomes: list(blockOutcomeCodec, LIMITS.blockTransactions),
  evidence: optional(workEvidenceCodec),
};
const bodyLayout = struct(body);

const layout = struct({
  version: version(WIRE_VERSION),
  chainId: chainIdCodec,
  generation: uint(64),
  header: headerCodec,
  context: blockContextCodec,
  ...body,
  signature: hexOf(65),
});

/** Wire and storage form of a sealed block. Throws CodecError beyond the bounds. */
export const encodeBlock = (block: SealedBlock): Uint8Array => encode(layout, { version: WIRE_VERSION, ...block });

/** Decodes a sealed block of at most LIMITS.blockBytes. Throws CodecError. Checks form only. */
export function decodeBlock(data: Uint8Array): SealedBlock {
  const { version: _version, ...block } = decode(layout, data, LIMITS.blockBytes);
  return block;
}

/**
 * The digest that a sequencer signs: order and context of one block at one place (design page 20, "Soft confirmation"),
 * and the body that it gossips with them, so that nobody on the way can change outcomes or evidence under its name.
 */
export function blockDigest(network: NetworkIdentity, block: UnsignedBlock): Hash {
  const { chainId, generation, header, context } = block;
  const { headerHash, contextHash, bodyHash } = signedHashes(block);
  return taggedHash(
    "mvm/block/1",
    networkDomain(network),
    toWord(chainId),
    toWord(generation),
    toWord(context.slot),
    toWord(header.number),
    headerHash,
    contextHash,
    bodyHash,
  );
}

/** What a block's digest holds beside the block's place. */
export const signedHashes = (
  block: UnsignedBlock,
): { readonly headerHash: Hash; readonly contextHash: Hash; readonly bodyHash: Hash } => ({
  headerHash: hashHeader(block.header),
  contextHash: keccakHash(encode(blockContextCodec, block.context)),
  bodyHash: keccakHash(encode(bodyLayout, block)),
});

/** Who signed the block, or null where the signature is none. */
export const blockSigner = (network: NetworkIdentity, block: SealedBlock): Address | null =>
  signerOf(blockDigest(network, block), block.signature);

/** The randomness that a block's contracts see: follows from the sequencer's alone, whatever seats did the job. */
export const prevRandaoOf = (randomness: Hash): Hash => taggedHash("mvm/prevrandao/1", randomness);
