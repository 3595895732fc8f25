/** Receipts (EIP-2718, status form of EIP-658) and their log blooms. */
import type { Log } from "./execution.ts";
import { keccak } from "./hash.ts";
import { BLOOM_BYTES } from "./header.ts";
import { bigIntToBytes, concatBytes, fromHex } from "./hex.ts";
import { encodeRlp } from "./rlp.ts";

/** Sets the bits of one log in a 256-byte bloom (yellow paper, M3:2048), in place. */
function addToBloom(bloom: Uint8Array, value: Uint8Array): void {
  const digest = keccak(value);
  for (let i = 0; i < 6; i += 2) {
    const bit = ((digest[i]! << 8) | digest[i + 1]!) & 2047;
    bloom[BLOOM_BYTES - 1 - (bit >> 3)]! |= 1 << (bit & 7);
  }
}

/** Bloom of a transaction's logs, 256 bytes. */
export function bloomOf(logs: readonly Log[]): Uint8Array {
  const bloom = new Uint8Array(BLOOM_BYTES);
  for (const log of logs) {
    addToBloom(bloom, fromHex(log.address));
    for (const topic of log.topics) addToBloom(bloom, fromHex(topic));
  }
  return bloom;
}

/** Bitwise or of two blooms. */
export function mergeBlooms(left: Uint8Array, right: Uint8Array): Uint8Array {
  return left.map((byte, i) => byte | right[i]!);
}

export type Receipt = {
  /** transaction type: 0, 1, 2, 4, or 0x7e */
  readonly type: number;
  readonly status: 0 | 1;
  readonly cumulativeGasUsed: bigint;
  readonly logs: readonly Log[];
};

const logFields = ({ address, topics, data }: Log) => [fromHex(address), topics.map((topic) => fromHex(topic)), data];

/** RLP of a log, as a receipt has it. */
export const encodeLog = (log: Log): Uint8Array => encodeRlp(logFields(log));

/** EIP-2718 encoding of a receipt. */
export function encodeReceipt(receipt: Receipt): Uint8Array {
  const body = encodeRlp([
    bigIntToBytes(BigInt(receipt.status)),
    bigIntToBytes(receipt.cumulativeGasUsed),
    bloomOf(receipt.logs),
    receipt.logs.map(logFields),
  ]);
  return receipt.type === 0 ? body : concatBytes(Uint8Array.of(receipt.type), body);
}
