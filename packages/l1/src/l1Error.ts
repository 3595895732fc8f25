import type { Hash, Hex } from "@mvm/protocol";

/**
 * What went wrong at L1:
 * unreachable: no answer in time, or no connection; rpc-error: the L1 node refused a request; bad-response: its answer is
 * not of the form that the method has; reverted: a call or transaction reverts (data.revert); gas-limit: a transaction
 * needs more than one may have; too-large: it has more bytes than nodes pass on; nonce-conflict: somebody else uses the
 * account; nonce-gap: earlier transactions of the account can't be brought to their end; queue-full: too many transactions
 * wait; journal-full: too many that were begun have no end; receipt-timeout: a sent transaction was not mined in time;
 * fee-limit: it needs a higher fee than may be paid; other-call: under this key another call was sent, and mined;
 * header-mismatch: a block's header does not hash to the block's hash; reorg-too-deep: L1 went back beyond the blocks that are
 * remembered; deployment-failed: a contract is not where it has to be; blob-unavailable: nobody asked shows the blob of a
 * versioned hash; stopped: the signal was aborted.
 */
export type L1ErrorCode =
  | "unreachable"
  | "rpc-error"
  | "bad-response"
  | "reverted"
  | "gas-limit"
  | "too-large"
  | "nonce-conflict"
  | "nonce-gap"
  | "queue-full"
  | "journal-full"
  | "receipt-timeout"
  | "fee-limit"
  | "other-call"
  | "header-mismatch"
  | "reorg-too-deep"
  | "deployment-failed"
  | "blob-unavailable"
  | "stopped";

/** A revert's reason: the custom error's name and arguments; name is undefined if no contract of the network declares it. */
export type DecodedRevert = {
  readonly name: string | undefined;
  readonly args: Readonly<Record<string, unknown>>;
  readonly raw: Hex;
};

/** What is known of an error besides its code. */
export type L1ErrorData = {
  /** JSON-RPC method that failed */
  readonly method?: string;
  /** code and text of the JSON-RPC error */
  readonly rpcCode?: number;
  readonly rpcMessage?: string;
  /** data of the JSON-RPC error, as the node gave it */
  readonly rpcData?: unknown;
  readonly revert?: DecodedRevert;
  readonly transactionHash?: Hash;
  /** what the transaction was to do: contract and function */
  readonly action?: string;
};

/** The one error that this package throws. */
export class L1Error extends Error {
  readonly code: L1ErrorCode;
  readonly data: L1ErrorData;
  constructor(code: L1ErrorCode, message: string, data: L1ErrorData = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "L1Error";
    this.code = code;
    this.data = data;
  }
}
