/** What a sequencer's machine hears and asks for. */
import type {
  Address,
  BlockEnvironment,
  BlockOutcome,
  ChainId,
  Hash,
  Header,
  JobId,
  SealedBlock,
  StateEntry,
  StateKey,
  SystemTransaction,
  UnsignedBlock,
} from "@mvm/protocol";
import type { Parent } from "./blockRules.ts";
import type { AccuseEffect, ExecuteJobEffect } from "./jobRun.ts";
import type {
  AnswerEffect,
  AnsweredEvent,
  Couriers,
  NoteEffect,
  ReportEffect,
  RequestEffect,
  RequestedEvent,
  RequestFailedEvent,
  TimerEffect,
  TimerEvent,
} from "./machine.ts";

/**
 * Open a working state on the parent: execute the opening, read `keys` (and the code of accounts among them, and what
 * the charter says of `signers`) with proofs. `foreseen` is a settle that pays all who may come to be paid, of
 * all transactions that may come to be included: what it reads may be fetched ahead. Ends in SessionOpened or SessionFailed.
 */
export type OpenSessionEffect = {
  readonly kind: "openSession";
  readonly session: Hash;
  readonly chainId: ChainId;
  readonly parent: Parent;
  readonly environment: BlockEnvironment;
  readonly opening: readonly SystemTransaction[];
  readonly foreseen: SystemTransaction;
  readonly keys: readonly StateKey[];
  readonly signers: readonly Address[];
  /** who will be asked to do the block's first jobs, and by way of whom */
  readonly talks: readonly Couriers[];
};
/** Read values in a session for a provider. Ends in SessionRead. */
export type ReadSessionEffect = {
  readonly kind: "readSession";
  readonly session: Hash;
  readonly ticket: string;
  readonly keys: readonly StateKey[];
};
/** Apply the users' outcomes in a session, execute settle, compute checkpoints and header. Ends in Assembled or SessionFailed. */
export type AssembleEffect = {
  readonly kind: "assemble";
  readonly session: Hash;
  readonly header: Pick<Header, "parentHash" | "number" | "timestamp" | "prevRandao" | "baseFeePerGas">;
  readonly environment: BlockEnvironment;
  /** of the whole block, settle included */
  readonly transactions: readonly Uint8Array[];
  readonly users: readonly BlockOutcome[];
  readonly settle: SystemTransaction;
};
export type CloseSessionEffect = { readonly kind: "closeSession"; readonly session: Hash };
/** Execute blocks of the chain anew, and have the chain give up the first that is wrong. Ends in Checked. */
export type CheckEffect = { readonly kind: "check"; readonly slot: bigint; readonly from: bigint; readonly to: bigint };
/** Sign a block, unless another was signed at its place; store it, then end in Sealed, or in SealRefused. */
export type SealEffect = { readonly kind: "seal"; readonly block: UnsignedBlock };
/** Gossip a sealed block, and hand it to the own follower. */
export type PublishEffect = { readonly kind: "publish"; readonly block: SealedBlock };
/** Have the own follower look for blocks up to a number. */
export type SyncEffect = { readonly kind: "syncTo"; readonly chainId: ChainId; readonly number: bigint };
/**
 * Post the blocks from `from` on, as many up to `to` as fit and L1's clock allows, as the chain's next batch, once they have been executed
 * anew. Ends in Posted or PostFailed.
 */
export type PostEffect = {
  readonly kind: "post";
  readonly chainId: ChainId;
  /** of the blocks */
  readonly generation: bigint;
  readonly from: bigint;
  readonly to: bigint;
  readonly slot: bigint;
  /** timestamp that a block may have to be posted now, seconds: a later one waits for L1 */
  readonly latest: bigint;
};

/** Take the present slot over from a silent rank. Ends in ClaimEnded. */
export type ClaimEffect = {
  readonly kind: "claim";
  readonly chainId: ChainId;
  readonly slot: bigint;
  readonly rank: number;
};

export type SequencerEffect =
  | RequestEffect
  | AnswerEffect
  | TimerEffect
  | NoteEffect
  | ReportEffect
  | OpenSessionEffect
  | ReadSessionEffect
  | ExecuteJobEffect
  | AccuseEffect
  | AssembleEffect
  | CloseSessionEffect
  | CheckEffect
  | SealEffect
  | PublishEffect
  | SyncEffect
  | PostEffect
  | ClaimEffect;

export type SequencerEvent =
  | RequestedEvent
  | AnsweredEvent
  | RequestFailedEvent
  | TimerEvent
  | { readonly kind: "l1Changed" }
  | {
      readonly kind: "headChanged";
      readonly head: Parent;
      readonly block: SealedBlock | null;
      readonly safeNumber: bigint;
    }
  | {
      readonly kind: "sessionOpened";
      readonly session: Hash;
      readonly entries: readonly StateEntry[];
      /** bytes of the opening's transactions and outcomes in the block */
      readonly openingBytes: number;
    }
  | {
      readonly kind: "sessionRead";
      readonly session: Hash;
      readonly ticket: string;
      readonly entries: readonly StateEntry[] | null;
    }
  /** resultHash of what came of a job of the session's here; null where values are not to be had */
  | { readonly kind: "jobExecuted"; readonly session: Hash; readonly jobId: JobId; readonly result: Hash | null }
  | { readonly kind: "sessionFailed"; readonly session: Hash; readonly reason: string }
  | {
      readonly kind: "assembled";
      readonly session: Hash;
      readonly header: Header;
      /** of the whole block */
      readonly outcomes: readonly BlockOutcome[];
    }
  | { readonly kind: "sealed"; readonly block: SealedBlock }
  /** `isTaken`: another block was signed at the place, so that none can be in this slot */
  | { readonly kind: "sealRefused"; readonly reason: string; readonly isTaken: boolean }
  /** the blocks of a check of this slot were found right, or given up, or could not be executed */
  | { readonly kind: "checked"; readonly slot: bigint }
  /** `lastBlock` of the batch that L1 took, or why it took none; `generation` of its blocks */
  | { readonly kind: "posted"; readonly generation: bigint; readonly lastBlock: bigint }
  | { readonly kind: "postFailed"; readonly generation: bigint; readonly reason: string }
  /** the claim is on L1, or was not taken */
  | { readonly kind: "claimEnded"; readonly reason: string | null };
