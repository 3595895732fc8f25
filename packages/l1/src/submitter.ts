import { type Address, type Hash, toAddress, toHash } from "@mvm/protocol";
import { keccak256, Transaction, type Wallet } from "ethers";
import type { L1Call } from "./bindings/calls.ts";
import { decodeRevert, revertDataOf } from "./contracts.ts";
import { MAX_TRANSACTION_GAS } from "./deploy.ts";
import { L1Error, type L1ErrorData } from "./l1Error.ts";
import { getBlock, getQuantity, getReceipt, type L1Receipt, type L1Transport, request, toQuantity } from "./l1Rpc.ts";
import { pause, unlessAborted, waitForReceipt } from "./waiting.ts";

/** Transactions that wait for their turn. */
export const MAX_WAITING_TRANSACTIONS = 256;
/** Attempts to get one transaction in when somebody else uses the account's nonces. */
const MAX_NONCE_ATTEMPTS = 5;
/** Gas limit = estimate * 5/4, at most MAX_TRANSACTION_GAS: between estimate and block, storage may have grown. */
const GAS_MARGIN = { numerator: 5n, denominator: 4n } as const;
/** Wei a gas unit: what a proposer gets on top of the base fee. */
const PRIORITY_FEE_WEI = 1_000_000_000n;
const DEFAULT_RECEIPT_TIMEOUT_MS = 120_000;
const DEFAULT_POLL_MS = 100;

export type L1SubmitterOptions = {
  readonly transport: L1Transport;
  readonly l1ChainId: bigint;
  /** the account; signs here, so that a transaction's hash is known before it is sent */
  readonly wallet: Pick<Wallet, "address" | "signTransaction">;
  /** stops everything: waiting transactions end with L1Error stopped */
  readonly signal: AbortSignal;
  /** milliseconds until an unmined transaction is given up */
  readonly receiptTimeoutMs?: number;
  /** milliseconds between two looks for a receipt */
  readonly pollMs?: number;
};

type SignedTransaction = { readonly raw: string; readonly hash: Hash; readonly nonce: bigint };
type Sent = { readonly receipt: L1Receipt } | { readonly nonceTaken: true } | { readonly hash: Hash };

const NONCE_TOO_LOW = /nonce too low|nonce is too low|nonce has already been used/i;
const ALREADY_KNOWN = /already known|already imported|known transaction/i;
const UNDERPRICED = /underpriced/i;

/** Sends the transactions of one account, one after the other: each is mined before the next is made. */
export class L1Submitter {
  readonly #options: L1SubmitterOptions;
  readonly #pollMs: number;
  readonly #receiptTimeoutMs: number;
  readonly address: Address;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(options: L1SubmitterOptions) {
    this.#options = options;
    this.#pollMs = options.pollMs ?? DEFAULT_POLL_MS;
    this.#receiptTimeoutMs = options.receiptTimeoutMs ?? DEFAULT_RECEIPT_TIMEOUT_MS;
    this.address = toAddress(options.wallet.address);
  }

  /** Transactions that are under way or wait. */
  get waiting(): number {
    return this.#waiting;
  }

  /**
   * Sends a call when all earlier ones are done, and waits until it is mined. Throws L1Error: reverted (with the custom
   * error; before sending where the estimate shows it), gas-limit, nonce-conflict, receipt-timeout, queue-full,
   * unreachable, rpc-error, bad-response, stopped.
   */
  async submit(call: L1Call): Promise<L1Receipt> {
    if (this.#waiting >= MAX_WAITING_TRANSACTIONS) {
      throw new L1Error("queue-full", `${MAX_WAITING_TRANSACTIONS} transactions wait`, { action: call.action });
    }
    this.#waiting++;
    const turn = this.#last.then(() => this.#perform(call));
    this.#last = turn.catch(() => undefined).finally(() => this.#waiting--);
    const receipt = await unlessAborted(turn, this.#options.signal);
    if (receipt === undefined) throw stoppedBefore(call);
    return receipt;
  }

  async #perform(call: L1Call): Promise<L1Receipt> {
    for (let attempt = 0; attempt < MAX_NONCE_ATTEMPTS; attempt++) {
      this.#throwIfStopped(call);
      const gasLimit = await this.#gasLimit(call);
      const signed = await this.#sign(call, gasLimit);
      const sent = await this.#send(call, signed);
      if ("nonceTaken" in sent) continue;
      const receipt = "receipt" in sent ? sent.receipt : await this.#receipt(sent.hash);
      if (receipt.succeeded) return receipt;
      throw await this.#revertOf(call, receipt, gasLimit);
    }
    throw new L1Error("nonce-conflict", `the account ${this.address} is used by somebody else`, {
      action: call.action,
    });
  }

  #receipt(hash: Hash): Promise<L1Receipt> {
    const { transport, signal } = this.#options;
    return waitForReceipt(transport, hash, { timeoutMs: this.#receiptTimeoutMs, pollMs: this.#pollMs, signal });
  }

  #throwIfStopped(call: L1Call): void {
    if (this.#options.signal.aborted) throw stoppedBefore(call);
  }

  async #gasLimit(call: L1Call): Promise<bigint> {
    const { transport } = this.#options;
    const transaction = { from: this.address, to: call.to, data: call.data };
    const estimate = await getQuantity(transport, "eth_estimateGas", [transaction]).catch((error: unknown) => {
      throw asRevert(call, error);
    });
    if (estimate > MAX_TRANSACTION_GAS) {
      throw new L1Error("gas-limit", `${call.action} needs ${estimate} gas`, { action: call.action });
    }
    const wanted = (estimate * GAS_MARGIN.numerator) / GAS_MARGIN.denominator;
    return wanted < MAX_TRANSACTION_GAS ? wanted : MAX_TRANSACTION_GAS;
  }

  async #sign(call: L1Call, gasLimit: bigint): Promise<SignedTransaction> {
    const { transport, wallet, l1ChainId } = this.#options;
    const nonce = await getQuantity(transport, "eth_getTransactionCount", [this.address, "pending"]);
    const head = await getBlock(transport, "latest");
    if (head === undefined) throw new L1Error("bad-response", "L1 has no latest block", { action: call.action });
    const raw = await wallet.signTransaction({
      type: 2,
      chainId: l1ChainId,
      nonce: Number(nonce),
      to: call.to,
      data: call.data,
      gasLimit,
      maxFeePerGas: head.baseFeePerGas * 2n + PRIORITY_FEE_WEI,
      maxPriorityFeePerGas: PRIORITY_FEE_WEI,
    });
    return { raw, hash: toHash(Transaction.from(raw).hash ?? keccak256(raw)), nonce };
  }

  /** Sends the same bytes until L1 has them or refuses them: sending twice does nothing. */
  async #send(call: L1Call, { raw, hash }: SignedTransaction): Promise<Sent> {
    const { transport, signal } = this.#options;
    const deadline = performance.now() + this.#receiptTimeoutMs;
    for (;;) {
      this.#throwIfStopped(call);
      try {
        await request(transport, "eth_sendRawTransaction", [raw]);
        return { hash };
      } catch (error) {
        if (!(error instanceof L1Error)) throw error;
        const reason = error.data.rpcMessage ?? "";
        if (ALREADY_KNOWN.test(reason)) return { hash };
        if (NONCE_TOO_LOW.test(reason)) {
          const receipt = await getReceipt(transport, hash);
          return receipt === undefined ? { nonceTaken: true } : { receipt };
        }
        if (UNDERPRICED.test(reason)) return { nonceTaken: true };
        if (error.code !== "unreachable" || performance.now() >= deadline) throw asRevert(call, error);
        await pause(this.#pollMs, signal);
      }
    }
  }

  /** Why a mined transaction failed: the call is made again on the state after its block, then on the one before. */
  async #revertOf(call: L1Call, receipt: L1Receipt, gasLimit: bigint): Promise<L1Error> {
    const { transport } = this.#options;
    const transaction = { from: this.address, to: call.to, data: call.data, gas: toQuantity(gasLimit) };
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

function stoppedBefore(call: L1Call): L1Error {
  return new L1Error("stopped", `stopped before ${call.action} was mined`, { action: call.action });
}

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
