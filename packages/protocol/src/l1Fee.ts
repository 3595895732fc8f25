/** What a user pays for a transaction's bytes on L1 (design page 10, "Native currency"). */

/** L1 gas of a byte in posted data, as EIP-2028 counts it. */
const ZERO_BYTE_GAS = 4n;
const OTHER_BYTE_GAS = 16n;
/** Batches are data and little else, so they pay EIP-7623's floor: 10 / 4 of EIP-2028's gas. */
const FLOOR_NUMERATOR = 5n;
const FLOOR_DENOMINATOR = 2n;

/** L1 gas of an encoded transaction's bytes, before the floor's factor. */
export function dataGasOf(raw: Uint8Array): bigint {
  let zeros = 0;
  for (const byte of raw) if (byte === 0) zeros++;
  return ZERO_BYTE_GAS * BigInt(zeros) + OTHER_BYTE_GAS * BigInt(raw.length - zeros);
}

/**
 * Wei of MT that an encoded, signed transaction pays for its data; GasPriceOracle estimates the same on chain.
 * @param l1BaseFee wei per L1 gas, as the block's context reports it
 */
export function l1FeeOf(raw: Uint8Array, l1BaseFee: bigint): bigint {
  return (dataGasOf(raw) * l1BaseFee * FLOOR_NUMERATOR) / FLOOR_DENOMINATOR;
}
