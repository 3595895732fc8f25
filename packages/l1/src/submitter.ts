import { type Address, type Hash, type Hex, toAddress, toHash } from "@mvm/protocol";
import { keccak256, Transaction, type Wallet } from "ethers";
import { driveAttempt, getNonce } from "./attemptDriver.ts";
import type { L1Call } from "./bindings/l1Call.ts";
import { checkSidecars, sidecarsOf, signBlobTransaction } from "./blobs.ts";
import { decodeRevert, revertDataOf } from "./contracts.ts";
import { MAX_TRANSACTION_GAS } from "./deploy.ts";
import { L1Error, type L1ErrorData } from "./l1Error.ts";
import { getQuantity, type L1Receipt, type L1Transport, request, toQuantity } from "./l1Rpc.ts";
import {
  hasBlobs,
  isOwnEntry,
  MAX_BLOB_ENTRIES,
  MAX_JOURNAL_ENTRIES,
  MAX_KEY_BYTES,
  MemoryJournal,
  type SubmissionEntry,
  type SubmissionJournal,
} from "./submissionJournal.ts";
import { type AttemptNotice, type AttemptOutcome, TransactionAttempt } from "./transactionAttempt.ts";
import type { FeeLimits, TransactionFees } from "./transactionFees.ts";
import { unlessAborted } from "./waiting.ts";

/** Transactions that wait for their turn. */
export const MAX_WAITING_TRANSACTIONS = 256;
/** Nonces of earlier transactions that are closed before a new one is made. */
export const MAX_OPEN_NONCES = 64;
/** Deepest confirmation that can be asked for: full nodes keep twice as many states. */
export const MAX_CONFIRMATIONS = 64n;
/** Attempts to get one transaction in when somebody else uses the account's nonces. */
const MAX_NONCE_ATTEMPTS = 5;
/** Gas limit = estimate * 5/4, at most MAX_TRANSACTION_GAS: between estimate and block, storage may have grown. */
const GAS_MARGIN = { numerator: 5n, denominator: 4n } as const;
/** Gas of a transfer of nothing. */
const TRANSFER_GAS = 21_000n;
const DEFAULT_POLL_MS = 100;

/** How long, and how dearly, a submitter tries. */
export type SubmissionLimits = FeeLimits & {
  /** L1 blocks without a transaction until it is replaced by a dearer version */
  readonly replaceAfterBlocks: bigint;
  /** L1 blocks without a transaction until it is given up */
  readonly giveUpAfterBlocks: bigint;
  /** milliseconds without a new L1 block until a transaction is given up */
  readonly stallTimeoutMs: number;
};

export const DEFAULT_SUBMISSION_LIMITS: SubmissionLimits = {
  replaceAfterBlocks: 3n,
  giveUpAfterBlocks: 50n,
  stallTimeoutMs: 120_000,
  maxFeePerGas: 500_000_000_000n,
  maxFeePerBlobGas: 500_000_000_000n,
};

/** How the nonce of a transaction that was not made here and now was closed. */
export type ClosedNonce = {
  readonly nonce: bigint;
  /** mined: whatever held it; resumed: a transaction of the journal; cancelled: a transfer of nothing in its stead */
  readonly by: "mined" | "resumed" | "cancelled";
};

/** What a submitter tells while it works; only `fee-limit` and `refused` may need care. */
export type SubmissionNotice = AttemptNotice | (ClosedNonce & { readonly type: "nonce-closed" });

export type L1SubmitterOptions = {
  readonly transport: L1Transport;
  readonly l1ChainId: bigint;
  /** the account; signs here, so that a transaction's hash is known before it is sent */
  readonly wallet: Pick<Wallet, "address" | "signTransaction">;
  /** stops everything: waiting transactions end with L1Error stopped */
  readonly signal: AbortSignal;
  /** where transactions with a key are kept; without one, keys hold until the process ends */
  readonly journal?: SubmissionJournal;
  readonly onNotice?: (notice: SubmissionNotice) => void;
  readonly limits?: Partial<SubmissionLimits>;
  /** milliseconds between two looks at L1 */
  readonly pollMs?: number;
};

export type SubmitOptions = {
  /**
   * Names what the call is to achieve, at most MAX_KEY_BYTES: until a submission under a key has its answer, no second
   * transaction is made for it, not after a restart either.
   */
  readonly key?: string;
  /** blocks that have to hold the transaction, its own included; 1 to MAX_CONFIRMATIONS, default 1 */
  readonly confirmations?: bigint;
};

type Prepared = { readonly call: L1Call; readonly gasLimit: bigint; readonly confirmations: bigint };
type Begun = {
  readonly nonce: bigint;
  readonly entry?: SubmissionEntry;
  readonly key?: string;
  readonly insists?: boolean;
};

/**
 * Sends the transactions of one account, one after the other: each is mined before the next is made. One that L1 is slow
 * to take is replaced by dearer versions with the same nonce, one that L1 forgets is sent again. L1 has to be one node:
 * several that disagree could hide a receipt and show the nonce used.
 */
export class L1Submitter {
  readonly #options: L1SubmitterOptions;
  readonly #limits: SubmissionLimits;
  readonly #journal: SubmissionJournal;
  readonly address: Address;
  #entries: Map<string, SubmissionEntry> | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(options: L1SubmitterOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_SUBMISSION_LIMITS, ...options.limits };
    this.#journal = options.journal ?? new MemoryJournal();
    this.address = toAddress(options.wallet.address);
  }

  /** Transactions that are under way or wait. */
  get waiting(): number {
    return this.#waiting;
  }

  /**
   * Sends a call when all earlier ones are done, with its blobs where it has any, and waits until it is mined. Throws
   * RangeError for a number of blobs, or a mixture of proofs, that no transaction has; L1Error: reverted (with the custom
   * error; before sending where the estimate shows it), other-call (the key's earlier call was mined instead),
   * fee-limit, receipt-timeout (both: if there is a key, submitting again goes on with the same transaction), gas-limit,
   * too-large, nonce-conflict, nonce-gap, queue-full, journal-full, unreachable, rpc-error, bad-response, stopped; and
   * what the journal throws.
   */
  async submit(call: L1Call, { key, confirmations = 1n }: SubmitOptions = {}): Promise<L1Receipt> {
    if (confirmations < 1n || confirmations > MAX_CONFIRMATIONS) throw new RangeError("confirmations out of range");
    if (key !== undefined && new TextEncoder().encode(key).length > MAX_KEY_BYTES) throw new RangeError("key too long");
    if (call.sidecars !== undefined) checkSidecars(call.sidecars);
    return this.#inTurn(call.action, () => this.#perform(call, key, confirmations));
  }

  /**
   * Closes the nonces that earlier transactions of the account hold in L1's pool, as every submission does before it
   * makes its own: waits for them, and replaces those that stay too long by a dearer version if the journal has them,
   * else by a transfer of nothing. Pools let a transaction with blobs be replaced by such ones only: one that is not in the
   * journal is waited for, and nonce-gap if L1 does not come to take or forget it. Throws L1Error nonce-gap, and as `submit`.
   */
  async settle(): Promise<readonly ClosedNonce[]> {
    return this.#inTurn("settling", () => this.#closeNonces());
  }

  async #inTurn<T extends object>(action: string, perform: () => Promise<T>): Promise<T> {
    if (this.#waiting >= MAX_WAITING_TRANSACTIONS) {
      throw new L1Error("queue-full", `${MAX_WAITING_TRANSACTIONS} transactions wait`, { action });
    }
    this.#waiting++;
    const turn = this.#last.then(perform);
    this.#last = turn.catch(() => undefined).finally(() => this.#waiting--);
    const result = await unlessAborted(turn, this.#options.signal);
    if (result === undefined) throw stoppedBefore(action);
    return result;
  }

  async #perform(call: L1Call, key: string | undefined, confirmations: bigint): Promise<L1Receipt> {
    for (let attempt = 0; attempt < MAX_NONCE_ATTEMPTS; attempt++) {
      if (this.#options.signal.aborted) throw stoppedBefore(call.action);
      const entry = key === undefined ? undefined : (await this.#kept()).get(key);
      const receipt = entry
        ? await this.#resume(call, entry, confirmations)
        : await this.#begin(call, key, confirmations);
      if (receipt !== undefined) return receipt;
    }
    throw new L1Error("nonce-conflict", `the account ${this.address} is used by somebody else`, {
      action: call.action,
    });
  }

  /** Makes a transaction; undefined if its nonce went to another one. */
  async #begin(call: L1Call, key: string | undefined, confirmations: bigint): Promise<L1Receipt | undefined> {
    await this.#closeNonces();
    const gasLimit = await this.#gasLimit(call);
    const nonce = await getNonce(this.#options.transport, this.address, "latest");
    if (key !== undefined) await this.#makeRoom(nonce, call);
    const prepared = { call, gasLimit, confirmations };
    const outcome = await this.#drive(prepared, { nonce, ...(key === undefined ? {} : { key }) });
    if (outcome.type === "given-up") throw named(outcome.error, call.action);
    if (key !== undefined) await this.#forget(key);
    if (outcome.type === "lost") return undefined;
    if (outcome.type === "unsent") throw asRevert(call, outcome.error);
    if (outcome.receipt.succeeded) return outcome.receipt;
    throw await this.#revertOf(prepared, outcome.receipt);
  }

  /** Goes on with the key's transaction; undefined if it came to nothing, and the call is free to be sent. */
  async #resume(call: L1Call, entry: SubmissionEntry, confirmations: bigint): Promise<L1Receipt | undefined> {
    await this.#closeNonces(entry.nonce);
    const prepared = preparedOf(entry, call.action, confirmations);
    const outcome = await this.#drive(prepared, { nonce: entry.nonce, key: entry.key, entry });
    if (outcome.type === "given-up" || outcome.type === "unsent") throw named(outcome.error, call.action);
    await this.#forget(entry.key);
    if (outcome.type === "lost") return undefined;
    const isSame = doSame(prepared.call, call);
    const { receipt } = outcome;
    if (isSame && !receipt.succeeded) throw await this.#revertOf(prepared, receipt);
    if (isSame) return receipt;
    if (!receipt.succeeded) return undefined;
    const { transactionHash } = receipt;
    const data = { action: call.action, transactionHash };
    throw new L1Error("other-call", `an earlier call under the key ${entry.key} was mined`, data);
  }

  /** Closes nonces that are held in L1's pool; with `before`, all before that one, whether held or not. */
  async #closeNonces(before?: bigint): Promise<readonly ClosedNonce[]> {
    const { transport, onNotice } = this.#options;
    const closed: ClosedNonce[] = [];
    for (;;) {
      const nonce = await getNonce(transport, this.address, "latest");
      if (nonce >= (before ?? (await getNonce(transport, this.address, "pending")))) return closed;
      if (closed.length === MAX_OPEN_NONCES) throw new L1Error("nonce-gap", `${MAX_OPEN_NONCES} nonces were open`);
      const next = { nonce, by: await this.#closeNonce(nonce) };
      closed.push(next);
      onNotice?.({ type: "nonce-closed", ...next });
    }
  }

  /**
   * An entry of the journal stays there until its key is submitted again: only then is it answered. A transfer does not
   * replace a transaction with blobs: pools refuse it for as long as they hold that one.
   */
  async #closeNonce(nonce: bigint): Promise<ClosedNonce["by"]> {
    const entry = [...(await this.#kept()).values()].find((kept) => kept.nonce === nonce);
    const cancel = { to: this.address, data: "0x", action: `the cancellation of nonce ${nonce}` } as const;
    const outcome = entry
      ? await this.#drive(preparedOf(entry, entry.key, 1n), { nonce, key: entry.key, entry })
      : await this.#drive({ call: cancel, gasLimit: TRANSFER_GAS, confirmations: 1n }, { nonce, insists: true });
    if (outcome.type === "lost") return "mined";
    if (outcome.type === "mined") return entry ? "resumed" : "cancelled";
    throw new L1Error("nonce-gap", `nonce ${nonce} can't be closed: ${outcome.error.message}`, {}, outcome.error);
  }

  #drive({ call, gasLimit, confirmations }: Prepared, begun: Begun): Promise<AttemptOutcome> {
    const { transport, signal, onNotice, pollMs = DEFAULT_POLL_MS, wallet, l1ChainId } = this.#options;
    const { nonce, entry, key, insists = false } = begun;
    const start = { nonce, versions: entry?.versions ?? [], raw: entry?.raw };
    const attempt = new TransactionAttempt(start, { ...this.#limits, confirmations, insists });
    const { to, data, sidecars } = call;
    const common = { nonce: Number(nonce), to, data, gasLimit };
    const signPlain = async (fees: TransactionFees) => {
      const raw = (await wallet.signTransaction({ ...common, type: 2, chainId: l1ChainId, ...fees })) as Hex;
      return { raw, hash: toHash(keccak256(raw)) };
    };
    return driveAttempt(attempt, {
      transport,
      address: this.address,
      signal,
      pollMs,
      confirmations,
      call,
      sign: ({ maxFeePerBlobGas, ...fees }) =>
        sidecars === undefined
          ? signPlain(fees)
          : signBlobTransaction(wallet, {
              ...common,
              ...fees,
              l1ChainId,
              sidecars,
              maxFeePerBlobGas: maxFeePerBlobGas!,
            }),
      keep: async (raw, version) => {
        if (key !== undefined) await this.#keep({ key, nonce, raw, versions: [...attempt.versions, version] });
      },
      tell: (notice) => onNotice?.(notice),
    });
  }

  async #kept(): Promise<Map<string, SubmissionEntry>> {
    if (this.#entries !== undefined) return this.#entries;
    const all = await this.#journal.load();
    const own = all.filter((entry) => isOwnEntry(entry, this.address, this.#options.l1ChainId));
    this.#entries = new Map(own.map((entry) => [entry.key, entry]));
    return this.#entries;
  }

  async #keep(entry: SubmissionEntry): Promise<void> {
    await this.#journal.save(entry);
    (await this.#kept()).set(entry.key, entry);
  }

  async #forget(key: string): Promise<void> {
    await this.#journal.clear(key);
    (await this.#kept()).delete(key);
  }

  /** Drops the oldest of the entries that nobody came back for, where the journal is full, or has too many with blobs. */
  async #makeRoom(nextNonce: bigint, { sidecars }: L1Call): Promise<void> {
    const entries = [...(await this.#kept()).values()];
    await this.#dropOldest(entries, MAX_JOURNAL_ENTRIES, nextNonce);
    if (sidecars !== undefined) await this.#dropOldest(entries.filter(hasBlobs), MAX_BLOB_ENTRIES, nextNonce);
  }

  async #dropOldest(entries: readonly SubmissionEntry[], bound: number, nextNonce: bigint): Promise<void> {
    if (entries.length < bound) return;
    const oldest = entries.reduce((least, entry) => (entry.nonce < least.nonce ? entry : least));
    if (oldest.nonce >= nextNonce) throw new L1Error("journal-full", `${entries.length} transactions have no end`);
    await this.#forget(oldest.key);
  }

  async #gasLimit(call: L1Call): Promise<bigint> {
    const { transport } = this.#options;
    const transaction = { from: this.address, ...requestOf(call) };
    const estimate = await getQuantity(transport, "eth_estimateGas", [transaction]).catch((error: unknown) => {
      throw asRevert(call, error);
    });
    if (estimate > MAX_TRANSACTION_GAS) {
      throw new L1Error("gas-limit", `${call.action} needs ${estimate} gas`, { action: call.action });
    }
    const wanted = (estimate * GAS_MARGIN.numerator) / GAS_MARGIN.denominator;
    return wanted < MAX_TRANSACTION_GAS ? wanted : MAX_TRANSACTION_GAS;
  }

  /** Why a mined transaction failed: the call is made again on the state after its block, then on the one before. */
  async #revertOf({ call, gasLimit }: Prepared, receipt: L1Receipt): Promise<L1Error> {
    const { transport } = this.#options;
    const transaction = { from: this.address, ...requestOf(call), gas: toQuantity(gasLimit) };
    const { transactionHash, blockNumber } = receipt;
    for (const block of [blockNumber, blockNumber - 1n]) {
      try {
        await request(transport, "eth_call", [transaction, toQuantity(block)]);
      } catch (error) {
        const failure = asRevert(call, error, transactionHash);
        if (failure.code === "reverted") return failure;
      }
    }
    return new L1Error("reverted", `${call.action} reverted`, { action: call.action, transactionHash });
  }
}

/** The call that an entry's bytes make, with their blobs. */
function preparedOf(entry: SubmissionEntry, action: string, confirmations: bigint): Prepared {
  const transaction = Transaction.from(entry.raw);
  const sidecars = sidecarsOf(transaction);
  const call = { to: toAddress(transaction.to!), data: transaction.data as Hex, action, ...(sidecars && { sidecars }) };
  return { call, gasLimit: transaction.gasLimit, confirmations };
}

const blobHashesOf = ({ sidecars = [] }: L1Call): readonly Hash[] => sidecars.map(({ versionedHash }) => versionedHash);

/** Two calls are the same if L1 can't tell them apart: blobs are seen there by their hashes. */
const doSame = (one: L1Call, other: L1Call): boolean =>
  one.to === other.to && one.data === other.data && blobHashesOf(one).join() === blobHashesOf(other).join();

/** A call as eth_call and eth_estimateGas take it; with the hashes of blobs alone, BLOBHASH gives them. */
const requestOf = (call: L1Call) => {
  const { to, data, sidecars } = call;
  return sidecars === undefined ? { to, data } : { to, data, blobVersionedHashes: blobHashesOf(call) };
};

function stoppedBefore(action: string): L1Error {
  return new L1Error("stopped", `stopped before ${action} was mined`, { action });
}

const named = (error: L1Error, action: string): L1Error =>
  new L1Error(error.code, error.message, { ...error.data, action }, error);

/** An error of the JSON-RPC as what it means for a call: a revert, decoded, if it carries one; else itself. */
function asRevert(call: L1Call, error: unknown, transactionHash?: Hash): L1Error {
  if (!(error instanceof L1Error)) throw error;
  const raw = revertDataOf(error.data.rpcData);
  const isRevert = raw !== undefined || /revert/i.test(error.data.rpcMessage ?? "");
  const data: L1ErrorData = { ...error.data, action: call.action, ...(transactionHash ? { transactionHash } : {}) };
  if (!isRevert) return new L1Error(error.code, error.message, data, error);
  const revert = decodeRevert(raw ?? "0x");
  const message = `${call.action} reverts: ${revert.name ?? error.data.rpcMessage ?? "no reason"}`;
  return new L1Error("reverted", message, { ...data, revert }, error);
}
