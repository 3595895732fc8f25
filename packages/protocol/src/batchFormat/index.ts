/** The random-access format of batches (docs/decisions/023-batch-format.md). */

export { AddressTable, TABLE_SIZE_SLOT, tableSlot } from "./addressTable.ts";
export {
  type BatchOrigin,
  batchOrigin,
  contextAt,
  contextGroupFault,
  type DecodedBatch,
  type DecodedBlock,
  decodeBatch,
  type ResolveAddress,
  rowGroupFault,
  type TransactionAt,
  transactionAt,
} from "./decode.ts";
export { type BatchBlock, type BatchToPost, encodeBatch } from "./encode.ts";
export { BATCH_FAULTS, type BatchFault, type BatchResult } from "./faults.ts";
export { BATCH_FORMAT, type BatchContext, workByte } from "./layout.ts";
export { namedAddresses } from "./named.ts";
export type { ResolveIndex } from "./rows.ts";
