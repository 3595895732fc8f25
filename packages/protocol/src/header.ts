/** Block headers: Ethereum's own layout (Prague fields), so that every existing client parses them (design page 10). */
import { address, bytes, type Codec, CodecError, decode, encode, fixedBytes, hash, struct, uint } from "./codec.ts";
import type { BlockEnvironment } from "./execution.ts";
import { EMPTY_LIST_HASH, keccakHash } from "./hash.ts";
import { equalBytes, fromHex, toHash, toHex } from "./hex.ts";
import { LIMITS } from "./parameters.ts";
import { PREDEPLOYS } from "./predeploys.ts";
import { type Address, type Hash, ZERO_HASH } from "./primitives.ts";

/** sha256 of nothing: the requests hash of a block without requests (EIP-7685). */
const EMPTY_REQUESTS_HASH = toHash("0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
export const BLOOM_BYTES = 256;

/** Fields of a header that are not constants of the network. */
export type Header = {
  readonly parentHash: Hash;
  readonly stateRoot: Hash;
  readonly transactionsRoot: Hash;
  readonly receiptsRoot: Hash;
  readonly logsBloom: Uint8Array;
  readonly number: bigint;
  readonly gasUsed: bigint;
  /** seconds since 1970 */
  readonly timestamp: bigint;
  /** Merkle root of the block's checkpoints: the header's extraData */
  readonly checkpointsRoot: Hash;
  /** storage root of MVM_L2ToL1 after the block: what withdrawals and messages to L1 are proven against */
  readonly withdrawalsRoot: Hash;
  readonly prevRandao: Hash;
  /** wei per gas */
  readonly baseFeePerGas: bigint;
};

/** The constant fields, with the values that Ethereum's header layout gives them on a DAC's chain. */
export const HEADER_CONSTANTS = {
  ommersHash: EMPTY_LIST_HASH,
  beneficiary: PREDEPLOYS.executionManager as Address,
  difficulty: 0n,
  gasLimit: LIMITS.blockGas,
  nonce: new Uint8Array(8),
  blobGasUsed: 0n,
  excessBlobGas: 0n,
  parentBeaconBlockRoot: ZERO_HASH,
  requestsHash: EMPTY_REQUESTS_HASH,
} as const;

/** What a block's transactions see of it without asking: the header's own fields, and constants of the network. */
export function environmentOf({
  timestamp,
  baseFeePerGas,
  prevRandao,
}: Pick<Header, "timestamp" | "baseFeePerGas" | "prevRandao">): BlockEnvironment {
  const { gasLimit, beneficiary: feeRecipient } = HEADER_CONSTANTS;
  return { timestamp, baseFeePerGas, gasLimit, prevRandao, feeRecipient };
}

const layout = struct({
  parentHash: hash,
  ommersHash: hash,
  beneficiary: address,
  stateRoot: hash,
  transactionsRoot: hash,
  receiptsRoot: hash,
  logsBloom: fixedBytes(BLOOM_BYTES),
  difficulty: uint(64),
  number: uint(64),
  gasLimit: uint(64),
  gasUsed: uint(64),
  timestamp: uint(64),
  extraData: bytes(32),
  prevRandao: hash,
  nonce: fixedBytes(8),
  baseFeePerGas: uint(256),
  withdrawalsRoot: hash,
  blobGasUsed: uint(64),
  excessBlobGas: uint(64),
  parentBeaconBlockRoot: hash,
  requestsHash: hash,
});

/** RLP of the whole Ethereum header. */
export function encodeHeader(header: Header): Uint8Array {
  return encode(layout, { ...HEADER_CONSTANTS, ...header, extraData: fromHex(header.checkpointsRoot) });
}

/** Longest encodeHeader, in bytes. */
const MAX_HEADER_BYTES = 1_024;

/** A header by encodeHeader's bytes. Throws CodecError for others, also where a constant is not the network's. */
export function decodeHeader(bytes: Uint8Array): Header {
  const fields = decode(layout, bytes, MAX_HEADER_BYTES);
  const { parentHash, stateRoot, transactionsRoot, receiptsRoot, withdrawalsRoot, logsBloom } = fields;
  const { number, gasUsed, timestamp, prevRandao, baseFeePerGas, extraData } = fields;
  const header: Header = {
    ...{ parentHash, stateRoot, transactionsRoot, receiptsRoot, withdrawalsRoot, logsBloom },
    ...{ number, gasUsed, timestamp, prevRandao, baseFeePerGas },
    checkpointsRoot: toHash(toHex(extraData)),
  };
  if (!equalBytes(encodeHeader(header), bytes)) throw new CodecError("out-of-range", "a header has another constant");
  return header;
}

/** The block's hash. */
export const hashHeader = (header: Header): Hash => keccakHash(encodeHeader(header));

/** Wire form: the variable fields only. */
export const headerCodec: Codec<Header> = struct({
  parentHash: hash,
  stateRoot: hash,
  transactionsRoot: hash,
  receiptsRoot: hash,
  logsBloom: fixedBytes(BLOOM_BYTES),
  number: uint(64),
  gasUsed: uint(64),
  timestamp: uint(64),
  checkpointsRoot: hash,
  withdrawalsRoot: hash,
  prevRandao: hash,
  baseFeePerGas: uint(256),
});
