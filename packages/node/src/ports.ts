/** What a node needs from the world: the composition root gives real ones, the simulator virtual ones. */
import type { Network } from "@mvm/network";
import type {
  Address,
  Answer,
  BatchClaims,
  BatchHeader,
  BlsKey,
  ChainId,
  Hash,
  Header,
  Hex,
  Job,
  NetworkIdentity,
  Parameters,
  SealedBlock,
  StateKey,
  UnsignedBlock,
} from "@mvm/protocol";
import type { BlobSidecar } from "@mvm/protocol/blobs";
import type { PostedBlob, QueuedItem } from "@mvm/roles";
import type { DacDatabase, DatabaseMode } from "@mvm/state";
import type { RunningJob } from "./jobExecution.ts";

/** Time as the machines see it, aligned with L1's. */
export type Clock = {
  /** milliseconds since 1970 */
  nowMs(): number;
  /** Calls back once at a time, or as soon as possible when it is past; returns the function that cancels. */
  at(atMs: number, callback: () => void): () => void;
};

/** The keys of an operator, as the roles use them. */
export type Identity = {
  readonly operator: Address;
  /** 65 bytes r || s || parity by the operator's L1 account */
  signDigest(digest: Hash): Hex;
  readonly bls: BlsKey;
};

export type Log = (
  level: "debug" | "info" | "warn" | "error",
  code: string,
  data?: Readonly<Record<string, unknown>>,
) => void;

/** A block that was signed here, by its place: at most one for each (chain, generation, slot, height). */
export type SealStore = {
  /** The block signed at the place of `block`, if any. */
  find(block: Pick<SealedBlock, "chainId" | "generation" | "context" | "header">): Promise<SealedBlock | null>;
  /** Stores a block durably before it is published. */
  put(block: SealedBlock): Promise<void>;
};

/**
 * What the operator's key has signed from this machine, whichever data directory it was used with: one digest for each (chain, generation, slot,
 * height). Durable; nobody else has it open.
 */
export type SigningMarks = {
  /** last slot in which the node told that it signs; null: none */
  lastSlot(): Promise<bigint | null>;
  /** Stores the slot, and forgets blocks of slots that are over. */
  setLastSlot(slot: bigint): Promise<void>;
  /** Notes a block, before its signature leaves; false where another one is noted at its place. */
  claim(block: UnsignedBlock, digest: Hash): Promise<boolean>;
  /** Whether this very block is noted. */
  has(block: UnsignedBlock, digest: Hash): boolean;
};

/** Accepted transactions that are not on L1 yet: durable, so that an acknowledgement survives a crash. */
export type PendingStore = {
  /** all of them, for the start */
  load(chainId: ChainId): Promise<readonly Uint8Array[]>;
  put(chainId: ChainId, hash: Hash, raw: Uint8Array): Promise<void>;
  remove(chainId: ChainId, hash: Hash): Promise<void>;
};

/** Leaves of the checkpoints roots of blocks: what their posters have to show when they are asked. Durable. */
export type LeafStore = {
  get(block: CheckpointedBlock): Promise<readonly Hash[] | null>;
  put(block: CheckpointedBlock, leaves: readonly Hash[]): Promise<void>;
  /** Lets go of a chain's blocks up to a number, a page of them at a time. */
  prune(chainId: ChainId, number: bigint): Promise<void>;
};

export type CheckpointedBlock = {
  readonly chainId: ChainId;
  readonly header: Pick<Header, "number" | "checkpointsRoot">;
};

/** A batch that is to be posted, with the queue items that L1 has to be shown. */
export type DraftBatch = {
  readonly claims: BatchClaims;
  /** at most LIMITS.batchBytes */
  readonly data: Uint8Array;
  /** what its poster signs once it is known where the data are: 65 bytes r || s || parity over batchDigest */
  readonly sign: (header: BatchHeader) => Hex;
  /** first item that the batch leaves, though its slot may consume it */
  readonly nextItem?: QueuedItem;
  /** first unconsumed item before the batch, where its being overdue is the poster's right to post */
  readonly firstItem?: QueuedItem;
};

/** A batch that its poster has signed. */
export type SignedBatch = Omit<DraftBatch, "claims" | "sign"> & {
  readonly header: BatchHeader;
  /** 65 bytes r || s || parity over batchDigest */
  readonly signature: Hex;
};

/** All calls wait until they are on L1, and reject with the reason where they are not taken. */
export type L1Poster = {
  appendBatch(batch: DraftBatch): Promise<void>;
  /** Takes a slot over. */
  claimSlot(claim: { readonly chainId: ChainId; readonly slot: bigint; readonly rank: number }): Promise<void>;
  /** Puts a held deposit into its queue. */
  releaseHeld(held: { readonly chainId: ChainId; readonly id: bigint }): Promise<void>;
  /** Drops the node's own locks for chains, where they have run out. */
  releaseLocks(chainIds: readonly ChainId[]): Promise<void>;
  /** Takes a convicted sequencer out of the draws. */
  eject(sequencer: Address): Promise<void>;
  /** Shows what is asked for of a batch; `key`: names the ask, for a transaction that was begun before a crash. */
  answer(shown: { readonly header: BatchHeader; readonly answer: Answer; readonly key: string }): Promise<void>;
  /**
   * Proves that a provider's result is a lie: calldata of ResultCourt (encodeResultProof), asked for L1's word before anything is sent.
   * Rejects with L1Error reverted where L1 sees none, or has convicted it already.
   */
  proveResult(lie: { readonly proof: Hex; readonly key: string }): Promise<void>;
  /** Has the price of an ask on a batch that fell paid back, which lets go of its chain's clock. */
  payBack(ask: { readonly header: BatchHeader; readonly number: bigint; readonly key: string }): Promise<void>;
};

/** What is computed of blobs, from their data (at most 126,976 bytes, the rest zeros). */
export type Kzg = {
  versionedHash(data: Uint8Array): Promise<Hash>;
  sidecar(data: Uint8Array): Promise<BlobSidecar>;
};

/** Blobs that are kept here, by their versioned hashes: 126,976 bytes of data each. Durable. */
export type BlobArchive = {
  get(blobHash: Hash): Promise<Uint8Array | null>;
  put(blobHash: Hash, data: Uint8Array): Promise<void>;
};

/** A proof that a provider lied, until L1 has said its word. */
export type StoredLie = { readonly id: Hash /** calldata of ResultCourt */; readonly proof: Hex };

/** Proofs that wait for L1. Durable. */
export type LieStore = {
  load(): Promise<readonly StoredLie[]>;
  put(lie: StoredLie): Promise<void>;
  remove(id: Hash): Promise<void>;
};

/** What a provider can do, as it was measured at its start. */
export type Capacity = {
  /** jobs that run at once */
  readonly parallelJobs: number;
  /** gas that one of them gets through in a second */
  readonly gasPerSecond: number;
};

/** Executes jobs: a real node on threads of their own, the simulator where they are called. */
export type JobThreads = {
  readonly capacity: Capacity;
  /**
   * Begins a job, of which at most `parallelJobs` run at once. Throws JobFailed malformed.
   * @param want asks for values that the job lacks; they come back by `supply`
   */
  begin(job: Job, want: (keys: readonly StateKey[]) => void): RunningJob;
};

export type Ports = {
  readonly clock: Clock;
  readonly network: Network;
  /** opens or creates a DAC's database: with state, or blocks alone */
  readonly openDatabase: (chainId: ChainId, mode: DatabaseMode) => Promise<DacDatabase>;
  readonly seals: SealStore;
  readonly marks: SigningMarks;
  readonly pending: PendingStore;
  readonly leaves: LeafStore;
  readonly lies: LieStore;
  readonly poster: L1Poster;
  readonly kzg: Kzg;
  readonly blobs: BlobArchive;
  /** The data of a blob as L1 shows it, checked against its hash. Rejects where L1 does not show it. */
  readonly blobOnL1: (blob: PostedBlob, signal: AbortSignal) => Promise<Uint8Array>;
  /** 32 fresh random bytes */
  readonly entropy: () => Hash;
  readonly jobs: JobThreads;
  /** Does what other threads of the process compute: the simulator lets time stand still meanwhile. */
  readonly aside: <T>(work: () => Promise<T>) => Promise<T>;
  readonly identity: Identity;
  readonly log: Log;
};

export type NetworkSettings = { readonly network: NetworkIdentity; readonly parameters: Parameters };
