/** Where a batch's data goes on L1, calldata or a blob, and what each costs (design page 30, "Batches"). */
import { l1FeeOf } from "./l1Fee.ts";
import { LIMITS } from "./parameters.ts";

/** Elements of a blob (EIP-4844). */
export const BLOB_ELEMENTS = 4_096;
/** Bytes of data in an element: one less than it has, so that every value is in the field. */
export const BLOB_ELEMENT_DATA_BYTES = 31;
/** Bytes of data that a blob holds: 126,976. */
export const BLOB_DATA_BYTES = BLOB_ELEMENTS * BLOB_ELEMENT_DATA_BYTES;
/** Blob gas of one blob (EIP-4844, GAS_PER_BLOB). */
export const BLOB_GAS = 131_072n;

/** What a transaction on L1 pays for any data (EIP-7623: 10 gas a token, 1 token a zero byte, 4 any other). */
export const calldataGasOf = (data: Uint8Array): bigint => l1FeeOf(data, 1n);

/**
 * Blob gas of the part of a blob that a batch takes, rounded up; of the whole blob for BLOB_DATA_BYTES. A batch that shares its
 * blob with nobody pays BLOB_GAS. Throws RangeError outside 0 .. BLOB_DATA_BYTES.
 */
export function blobGasShareOf(bytes: number): bigint {
  if (!Number.isInteger(bytes) || bytes < 0 || bytes > BLOB_DATA_BYTES)
    throw new RangeError(`no blob has ${bytes} bytes of data`);
  const capacity = BigInt(BLOB_DATA_BYTES);
  return (BigInt(bytes) * BLOB_GAS + capacity - 1n) / capacity;
}

/** The two ways of a batch's data to L1. */
export type DataPath = "calldata" | "blob";

export type DataPathCosts = {
  /** gas of the transaction that carries the data in its calldata: calldataGasOf(data), or more where execution adds to it */
  readonly calldataGas: bigint;
  /** blob gas that the batch pays: BLOB_GAS, or blobGasShareOf(bytes) in a shared blob */
  readonly blobGas: bigint;
  /** wei per gas */
  readonly baseFee: bigint;
  /** wei per blob gas */
  readonly blobBaseFee: bigint;
  /** size of the data */
  readonly bytes: number;
};

/**
 * The cheaper way, calldata if both cost the same: L1 keeps calldata for ever and blobs for weeks. Data of more than
 * LIMITS.batchBytes fits a blob only. Throws RangeError for data that fits neither, and for negative costs.
 */
export function cheaperPath({ calldataGas, blobGas, baseFee, blobBaseFee, bytes }: DataPathCosts): DataPath {
  if (!Number.isInteger(bytes) || bytes < 0 || bytes > BLOB_DATA_BYTES)
    throw new RangeError(`no path takes ${bytes} bytes of data`);
  if (calldataGas < 0n || blobGas < 0n || baseFee < 0n || blobBaseFee < 0n) throw new RangeError("a negative cost");
  if (bytes > LIMITS.batchBytes) return "blob";
  return blobGas * blobBaseFee < calldataGas * baseFee ? "blob" : "calldata";
}
