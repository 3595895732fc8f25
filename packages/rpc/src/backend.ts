/**
 * The port between the JSON-RPC interface and a chain. The interface does not care how blocks come about: a DAC's live
 * chain, a storage host's copy and a fixed imported chain are all served by implementing this.
 */
import type {
  Account,
  Address,
  ChainId,
  Hash,
  MaybePromise,
  SealedBlock,
  StateReader,
  Transaction,
} from "@mvm/protocol";

/** How sure a head is: soft-confirmed by the sequencer, on L1, or past its challenge window (design page 70). */
export type HeadTag = "latest" | "safe" | "finalized";

/** Place of a transaction in the canonical chain. */
export type TransactionPlace = { readonly blockNumber: bigint; readonly index: number };

/** What logs are asked for. An empty list of addresses, or of topics at a position, stands for "any". */
export type LogFilter = {
  readonly addresses: readonly Address[];
  /** for each position the topics that may stand there; at most 4 positions */
  readonly topics: readonly (readonly Hash[])[];
};

/** A page of candidate blocks: from and to inclusive, at most `limit` numbers. */
export type LogQuery = LogFilter & { readonly from: bigint; readonly to: bigint; readonly limit: number };

/** Progress of a chain that is still catching up, in block numbers. */
export type SyncProgress = {
  readonly startingBlock: bigint;
  readonly currentBlock: bigint;
  readonly highestBlock: bigint;
};

/** What a trie has at a key, with the nodes that prove it from the root down; those within their parent stand only there. */
export type ProvenPath<T> = { readonly value: T; readonly nodes: readonly Uint8Array[] };

/** An account under a state root (null: there is none), and slots of its storage in the order asked for (zero: none). */
export type StateProof = {
  readonly account: ProvenPath<(Account & { readonly storageRoot: Hash }) | null>;
  readonly slots: readonly ProvenPath<bigint>[];
};

/**
 * One chain. Methods may answer at once or later, and throw BackendError where an answer cannot be had; "null" always
 * means "there is no such thing". Implementations bound their own waits.
 */
export interface ChainBackend {
  readonly chainId: ChainId;
  /** Number of the head of that kind; finalized <= safe <= latest. Block 0 always exists. */
  head(tag: HeadTag): MaybePromise<bigint>;
  /**
   * Canonical block of the number, or null. Answering with the same object for the same recent block saves its
   * transactions from being decoded again.
   */
  blockByNumber(number: bigint): MaybePromise<SealedBlock | null>;
  /** Canonical block of the hash, or null: blocks that a rollback removed are not found. */
  blockByHash(hash: Hash): MaybePromise<SealedBlock | null>;
  /**
   * Where a transaction (a deposit included) stands, or null where it is in no canonical block. What a forced transaction
   * executed stands where that one does.
   */
  locate(transactionHash: Hash): MaybePromise<TransactionPlace | null>;
  /**
   * Numbers of blocks that may hold logs of the filter, ascending, within from..to, at most `limit`: all such blocks up
   * to the last one given. Too many is allowed (the blocks themselves are filtered), too few is not.
   */
  blocksWithLogs(query: LogQuery): MaybePromise<readonly bigint[]>;
  /**
   * State after the block. Number, chain and block hashes are answered too, as the block's own transactions saw them.
   * The reader rejects with BackendError where a value cannot be had.
   */
  stateAt(block: SealedBlock): MaybePromise<StateReader>;
  /** Proof of an account and slots of it after the block. Rejects with BackendError where it cannot be had. */
  proofAt(
    block: SealedBlock,
    asked: { readonly address: Address; readonly slots: readonly Hash[] },
  ): MaybePromise<StateProof>;
  /**
   * Data of a blob on L1 that batches of the chain are in: 126,976 bytes, checked against the hash. Null where nobody who is
   * asked keeps it.
   */
  blob(blobHash: Hash): MaybePromise<Uint8Array | null>;
  /** Takes a checked transaction: resolves once it is accepted durably. Throws SubmitError where it is refused. */
  submit(transaction: Transaction): Promise<void>;
  /** The sender's next nonce after all its transactions that wait without a gap, or null where none waits. */
  pendingNonce(address: Address): MaybePromise<bigint | null>;
  /** A waiting transaction, or null. */
  pendingTransaction(hash: Hash): MaybePromise<Transaction | null>;
  /** False once the chain is caught up. */
  syncing(): MaybePromise<false | SyncProgress>;
  /** Peers that this node is connected to. */
  peerCount(): MaybePromise<number>;
}

/**
 * A chain could not answer. `state-unavailable`: the state of that block is not kept; `unreachable`: whoever holds the
 * data did not answer in time, another try may succeed.
 */
export class BackendError extends Error {
  readonly code: "state-unavailable" | "unreachable";
  constructor(code: BackendError["code"], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "BackendError";
    this.code = code;
  }
}

/** Why a backend did not take a transaction that passed the checks against the head's state. */
export type SubmitRefusal =
  | "already-known"
  | "nonce-too-low"
  | "nonce-too-high"
  | "replacement-underpriced"
  | "insufficient-funds"
  | "fee-too-low"
  | "sender-limit"
  | "pool-full"
  | "denied"
  | "unreachable";

/** A transaction was not taken; `detail` is for the user who sent it. */
export class SubmitError extends Error {
  readonly code: SubmitRefusal;
  readonly detail: string | undefined;
  constructor(code: SubmitRefusal, detail?: string, cause?: unknown) {
    super(detail === undefined ? code : `${code}: ${detail}`, cause === undefined ? undefined : { cause });
    this.name = "SubmitError";
    this.code = code;
    this.detail = detail;
  }
}
