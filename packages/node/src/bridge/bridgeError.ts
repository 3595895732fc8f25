/** Why money or a message of a DAC cannot be found, proven or claimed now; `message` says what to do. */
export class BridgeError extends Error {
  readonly code: /** the DAC's gateway does not know the transaction, or it is in no block yet */
    | "unknown-transaction"
    /** the transaction sent nothing to L1 */
    | "no-message"
    /** its block is in no batch on L1 yet */
    | "unposted"
    /** the batch's window is not over: `finalFrom` */
    | "not-final"
    | "already-claimed"
    /** the gateway's answers are not what L1 commits to */
    | "bad-answer"
    | "gateway-unreachable"
    /** a file that holds no claim, or one whose parts do not fit together */
    | "bad-file"
    /** a claim on another network */
    | "other-network"
    | "not-exiting"
    | "nothing-to-exit"
    /** a contract that has named nobody on L1 */
    | "no-exit-owner";
  /** seconds since 1970; of "not-final" only */
  readonly finalFrom: bigint | undefined;

  constructor(code: BridgeError["code"], message: string, more: { finalFrom?: bigint; cause?: unknown } = {}) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = "BridgeError";
    this.code = code;
    this.finalFrom = more.finalFrom;
  }
}
