export { signedAt } from "./batchMaking.ts";
export * from "./blockRoots.ts";
export { BridgeError } from "./bridge/bridgeError.ts";
export { type Claim, type ClaimDocument, claimFault, decodeClaim, encodeClaim } from "./bridge/claimDocument.ts";
export { type ClaimOutcome, type ClaimSender, claim, refundQueued, replay } from "./bridge/claims.ts";
export type { GatewayTransport, RecordedMessage } from "./bridge/dacGateway.ts";
export { proveExit } from "./bridge/exitProof.ts";
export type { BridgePlace } from "./bridge/finalBatch.ts";
export {
  type BridgeSource,
  type FoundMessage,
  findWithdrawal,
  type MessageStatus,
  proveSentMessage,
} from "./bridge/messages.ts";
export { Chain } from "./chain.ts";
export { CheckpointGrower, typeOf } from "./checkpointGrower.ts";
export { type NetworkFile, type NodeConfig, parseConfig, ROLES, type Role } from "./config.ts";
export {
  blobArchive,
  leafStore,
  lieStore,
  pendingStore,
  sealStore,
  signingMarks,
  submissionJournal,
} from "./durableStores.ts";
export { jobsHere } from "./jobExecution.ts";
export { kzgOf } from "./kzg.ts";
export { L1Clock } from "./l1Clock.ts";
export { type Hops, Mail } from "./mail.ts";
export { NodeCore, type NodeCoreOptions } from "./nodeCore.ts";
export * from "./operator/index.ts";
export { type ProofRequest, proveAll, proveBlock } from "./operator/proving.ts";
export { partsOf } from "./partsMaking.ts";
export type * from "./ports.ts";
export { accusationOf } from "./proving/accusationOf.ts";
export { BatchAudit, type BatchVerdict } from "./proving/batchAudit.ts";
export { type BlockFault, type BlockVerdict, blockVerdict } from "./proving/blockFinding.ts";
export {
  type BlockFacts,
  BlockReplay,
  evidenceAgainst,
  type ReplaySource,
  type ReplayStep,
  type ReplayWitness,
  wholeEvidence,
} from "./proving/blockReplay.ts";
export type { ShownBlock } from "./proving/claimedBlock.ts";
export { type Commitments, commitmentsOf } from "./proving/commitments.ts";
export { CutTries } from "./proving/cutTries.ts";
export type { ProverReport } from "./proving/dacWatch.ts";
export { type DerivationSource, derivationFinding, formFinding } from "./proving/derivationFinding.ts";
export * from "./proving/derivationProofs.ts";
export { executionProof } from "./proving/executionProof.ts";
export { equivocationOf, faultProof } from "./proving/faultProof.ts";
export { SeenBlocks } from "./proving/seenBlocks.ts";
export { type SliceSurroundings, sliceProof } from "./proving/sliceProof.ts";
export {
  INVALID_COMMITMENT,
  type SlicedCase,
  TransactionSlices,
} from "./proving/transactionSlices.ts";
export { type BlockFinding, checkpointsFinding, type WrongCheckpoint } from "./proving/wrongCheckpoint.ts";
export { type Batch, Rebuild, RebuildError } from "./rebuild.ts";
export { type Rebuilt, rebuildFromL1 } from "./rebuildFromL1.ts";
export { RequestDesk } from "./requestDesk.ts";
export { type RunOptions, runNode } from "./runNode.ts";
export { SELF_TEST_GAS, selfTestJob } from "./selfTest.ts";
export * from "./withdrawalProof.ts";
export { rootsAfter } from "./witnessedRoots.ts";
