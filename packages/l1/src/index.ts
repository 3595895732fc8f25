export type { BeaconNode } from "./batchData.ts";
export * from "./bindings/bridgeCalls.ts";
export * from "./bindings/bridgeReads.ts";
export * from "./bindings/calls.ts";
export * from "./bindings/dacReads.ts";
export {
  type Committed,
  type CountedStretch,
  countTransactions,
  type DerivationProof,
  type DerivationProofs,
  encodeDerivation,
  openBatchRange,
  openOversizedElement,
  proveDerivation,
  tallyHash,
} from "./bindings/derivationCalls.ts";
export { askDerivation, isBlobMalformed, isCounted, isRangeOpened } from "./bindings/derivationReads.ts";
export {
  type AskedBatch,
  answerAsk,
  askFor,
  type BlockWord,
  expireAsk,
  payBackAsk,
  type ShownWithAsk,
} from "./bindings/disclosureCalls.ts";
export * from "./bindings/disclosureReads.ts";
export * from "./bindings/governanceCalls.ts";
export {
  type AccusedBlock,
  type BlockEnd,
  type Equivocation,
  proveCheckpoint,
  proveEquivocation,
  proveForm,
  proveParent,
  proveWithdrawals,
} from "./bindings/headerProofCalls.ts";
export type { L1Call } from "./bindings/l1Call.ts";
export { encodePartFault, type PartFault, type PartReplay, provePart } from "./bindings/partCalls.ts";
export {
  type AccusedBatch,
  commitmentOf,
  commitTo,
  depositAccuserBond,
  type ExecutionProof,
  proofEnd,
  proveExecution,
  withdrawAccuserBond,
} from "./bindings/proofCalls.ts";
export * from "./bindings/proofReads.ts";
export type { QueueItemValues } from "./bindings/queueItemValues.ts";
export * from "./bindings/reads.ts";
export type { L1Reader } from "./bindings/readView.ts";
export { type Evidence, encodeEvidence, type ReplayRoom, roomsFor } from "./bindings/replayCalls.ts";
export {
  commitToResult,
  encodeResultProof,
  fitResultProof,
  proveResult,
  type ResultProof,
  resultCommittedAt,
  type ShownOutcome,
} from "./bindings/resultCalls.ts";
export {
  appendBatches,
  type BatchProof,
  batchBlobHashes,
  claimSlot,
  convict,
  type SignedBatch,
  turnToExit,
} from "./bindings/rollupCalls.ts";
export { receiptEvents } from "./bindings/scanLogs.ts";
export * from "./bindings/stakeReads.ts";
export * from "./bindings/tokenCalls.ts";
export * from "./bindings/tokenReads.ts";
export * from "./bindings/verifierReads.ts";
export { encodeWork, proveWork, type WorkProof } from "./bindings/workCalls.ts";
export {
  type BlobReading,
  type BlobSource,
  type BlobTransaction,
  MAX_SIDECAR_BYTES,
  MAX_TRANSACTION_BLOBS,
  readBlob,
  signBlobTransaction,
} from "./blobs.ts";
export { decodeCharter, encodeCharter } from "./charterAbi.ts";
export {
  decodeRevert,
  FRAUDS,
  INTERFACES,
  type L1Addresses,
  type L1ContractName,
  REGISTRY_OF_ROLE,
  STAKE_HOLDER_OF_ROLE,
  type StakedRole,
} from "./contracts.ts";
export * from "./deploy.ts";
export { missingRecord } from "./epochRecords.ts";
export * from "./events.ts";
export * from "./follower.ts";
export * from "./l1Error.ts";
export { encodeL1Header, getHeader } from "./l1Header.ts";
export {
  createL1Provider,
  getBaseFee,
  getBlobBaseFee,
  type L1Receipt,
  type L1Transport,
  REQUEST_TIMEOUT_MS,
} from "./l1Rpc.ts";
export {
  decodeSubmission,
  encodeSubmission,
  MAX_BLOB_ENTRIES,
  MAX_ENTRY_BYTES,
  MAX_JOURNAL_ENTRIES,
  MAX_KEY_BYTES,
  MAX_TRANSACTION_BYTES,
  MemoryJournal,
  type SubmissionEntry,
  type SubmissionJournal,
} from "./submissionJournal.ts";
export * from "./submitter.ts";
export * from "./transactionAttempt.ts";
export type { FeeLimits, FeeMarket, TransactionFees } from "./transactionFees.ts";
