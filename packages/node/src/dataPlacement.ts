/** Whether batches' data go to L1 in calldata or in a blob: by what either costs at present. */
import { BLOB_GAS, cheaperPath, type DataPath, LIMITS } from "@mvm/protocol";

/** Where an operator lets data go: where they are cheaper, or always in the one. */
export const DATA_PLACEMENTS = ["cheapest", "calldata", "blob"] as const;
export type DataPlacement = (typeof DATA_PLACEMENTS)[number];

/** What L1 asks now, wei per gas and per blob gas. */
export type L1Prices = { readonly baseFee: bigint; readonly blobBaseFee: bigint };

/** L1 gas of a token of calldata, a quarter of a byte that is not zero, and what a token costs at the least (EIP-7623). */
const GAS_PER_TOKEN = 4n;
const FLOOR_GAS_PER_TOKEN = 10n;
const TOKENS_PER_BYTE = 4n;
/** L1 gas of executing appendBatches, for each batch: it fills the floor of calldata up (contracts/.gas-snapshot). */
const EXECUTION_GAS_PER_BATCH = 60_000n;
/** L1 gas that a blob has to save: its proofs take seconds of computing, in which the batches wait. */
const LEAST_SAVED_GAS = 200_000n;

/** L1 gas that batches' data add to a transaction in whose calldata they are. */
export function addedGasOf(data: readonly Uint8Array[]): bigint {
  let tokens = 0n;
  for (const part of data) for (const byte of part) tokens += byte === 0 ? 1n : TOKENS_PER_BYTE;
  const execution = BigInt(data.length) * EXECUTION_GAS_PER_BATCH;
  const plain = GAS_PER_TOKEN * tokens + execution;
  const floor = FLOOR_GAS_PER_TOKEN * tokens;
  return (plain > floor ? plain : floor) - execution;
}

/** The way of batches' data that go together: in one blob where that saves enough. */
export function pathOf(data: readonly Uint8Array[], { baseFee, blobBaseFee }: L1Prices): DataPath {
  const addedGas = addedGasOf(data);
  if (addedGas <= LEAST_SAVED_GAS) return "calldata";
  const bytes = data.reduce((sum, { length }) => sum + length, 0);
  const calldataGas = addedGas - LEAST_SAVED_GAS;
  // more than one call's worth goes in several
  return cheaperPath({
    calldataGas,
    blobGas: BLOB_GAS,
    baseFee,
    blobBaseFee,
    bytes: Math.min(bytes, LIMITS.batchBytes),
  });
}
