/** Deposits: L1 queue items, and the type 0x7E transactions by which a block consumes them. */
import { address, type Codec, CodecError, decode, encode, struct, uint } from "./codec.ts";
import { keccakHash } from "./hash.ts";
import { concatBytes } from "./hex.ts";
import type { Address, ChainId, Hash } from "./primitives.ts";

export const DEPOSIT_TYPE = 0x7e;

/** An item of a chain's queue on L1, which mints native MT on the DAC's chain. */
export type Deposit = {
  /** position in the chain's L1 queue, from 0 */
  readonly queueIndex: bigint;
  /** depositor on L1 */
  readonly from: Address;
  readonly to: Address;
  /** wei of MT */
  readonly mint: bigint;
};

const layout = struct({ chainId: uint(64), queueIndex: uint(64), from: address, to: address, mint: uint(256) });
const MAX_DEPOSIT_BYTES = 160;

/** Canonical encoding: 0x7e || rlp([chainId, queueIndex, from, to, mint]). Chain and index make the hash unique. */
export function encodeDeposit(chainId: ChainId, deposit: Deposit): Uint8Array {
  return concatBytes(Uint8Array.of(DEPOSIT_TYPE), encode(layout, { chainId, ...deposit }));
}

/** Hash by which the deposit transaction is known. */
export const depositHash = (chainId: ChainId, deposit: Deposit): Hash => keccakHash(encodeDeposit(chainId, deposit));

/** Decodes a deposit transaction of the chain. Throws CodecError. */
export function decodeDeposit(raw: Uint8Array, chainId: ChainId): Deposit {
  if (raw[0] !== DEPOSIT_TYPE) throw new CodecError("unknown-variant", "not a deposit transaction");
  const { chainId: boundTo, ...deposit } = decode(layout, raw.subarray(1), MAX_DEPOSIT_BYTES);
  if (boundTo !== chainId)
    throw new CodecError("out-of-range", `deposit of chain ${boundTo}, this chain is ${chainId}`);
  return deposit;
}

export const depositCodec: Codec<Deposit> = struct({
  queueIndex: uint(64),
  from: address,
  to: address,
  mint: uint(256),
});
