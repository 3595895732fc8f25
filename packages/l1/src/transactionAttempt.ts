import type { Hash, Hex } from "@mvm/protocol";
import { L1Error } from "./l1Error.ts";
import type { L1Receipt } from "./l1Rpc.ts";
import {
  arePricedOut,
  FEE_LEAP,
  FEE_RAISE,
  type FeeLimits,
  type FeeMarket,
  firstFees,
  raisedFees,
  type TransactionFees,
} from "./transactionFees.ts";

/** Versions of one transaction: with FEE_RAISE each, from 1 to 40 times the fee; with blobs the limits end them before. */
export const MAX_VERSIONS = 32;
/** Milliseconds between two sendings of the same bytes where L1 makes no block meanwhile. */
const RESEND_MS = 2_000;
/** Milliseconds for which L1 may show a nonce as used, and not yet the receipt of what used it: nodes index transactions after blocks. */
const RECEIPT_LAG_MS = 2_000;

/** One signed form of a transaction; all of an attempt's have the same nonce and do the same. */
export type TransactionVersion = TransactionFees & { readonly hash: Hash };

/** What holds an attempt. */
export type AttemptBounds = FeeLimits & {
  /** L1 blocks without the transaction until it is replaced by a dearer one */
  readonly replaceAfterBlocks: bigint;
  /** L1 blocks without the transaction until it is given up */
  readonly giveUpAfterBlocks: bigint;
  /** milliseconds without a new L1 block until it is given up */
  readonly stallTimeoutMs: number;
  /** blocks that have to hold the transaction, its own included */
  readonly confirmations: bigint;
  /**
   * The nonce itself is what counts: whoever holds it gets replaceAfterBlocks to be mined, and is outbid then. Without
   * it, an attempt that has no version yet leaves a nonce that is in use.
   */
  readonly insists: boolean;
};

/** What L1 shows of an attempt at one moment. */
export type AttemptLook = {
  readonly head: FeeMarket & { readonly number: bigint };
  /** the account's first nonce that is neither mined nor in L1's pool */
  readonly pendingNonce: bigint;
  /** the nonce was mined, deep enough, and none of the versions has a receipt: it was another transaction, or L1 is late to show it */
  readonly nonceTaken: boolean;
  /** of whichever version is mined */
  readonly receipt: L1Receipt | undefined;
};

/**
 * Why L1 did not take a version: `late`, L1 has it, or its nonce, or has no room for it now; `underpriced`, a dearer
 * transaction holds the nonce; `never`, it can't be taken.
 */
export type Refusal = { readonly kind: "late" | "underpriced" | "never"; readonly error: L1Error };

export type AttemptEvent =
  | { readonly kind: "looked"; readonly look: AttemptLook; readonly nowMs: number }
  /** L1 could not be looked at */
  | { readonly kind: "unseen"; readonly error: L1Error; readonly nowMs: number }
  /** the version that was asked for is signed, and kept wherever attempts are kept */
  | { readonly kind: "signed"; readonly version: TransactionVersion; readonly raw: Hex }
  /** L1 has the version, or may have it: the answer was lost */
  | { readonly kind: "sent" }
  | ({ readonly kind: "refused" } & { readonly refusal: Refusal });

/** Told to whoever watches the submitter; all but `fee-limit` and `refused` need no care. */
export type AttemptNotice =
  | { readonly type: "replaced"; readonly nonce: bigint; readonly fees: TransactionFees }
  | { readonly type: "sent-again"; readonly nonce: bigint }
  | { readonly type: "unmined"; readonly nonce: bigint; readonly transactionHash: Hash }
  | { readonly type: "fee-limit"; readonly nonce: bigint; readonly error: L1Error }
  | { readonly type: "refused"; readonly nonce: bigint; readonly error: L1Error };

export type AttemptOutcome =
  | { readonly type: "mined"; readonly receipt: L1Receipt }
  /** the nonce went to another transaction: none of the versions can be mined any more */
  | { readonly type: "lost" }
  /** nothing was sent, and nothing will be */
  | { readonly type: "unsent"; readonly error: L1Error }
  /** a version may still be mined */
  | { readonly type: "given-up"; readonly error: L1Error };

export type AttemptEffect =
  | { readonly kind: "sign"; readonly fees: TransactionFees }
  | { readonly kind: "send"; readonly raw: Hex }
  | { readonly kind: "tell"; readonly notice: AttemptNotice }
  | { readonly kind: "end"; readonly outcome: AttemptOutcome };

/** How far an attempt had come when it was kept; with a version, that one may have been sent. */
export type AttemptStart = {
  readonly nonce: bigint;
  readonly versions: readonly TransactionVersion[];
  /** the newest version's bytes; undefined without versions */
  readonly raw: Hex | undefined;
};

/**
 * One transaction's way into L1: decides when to sign, send, send again, replace and stop, from what L1 shows. One nonce,
 * whatever happens: at most one of its versions is ever mined. Pure: time and L1 come in as events.
 */
export class TransactionAttempt {
  readonly nonce: bigint;
  readonly #bounds: AttemptBounds;
  readonly #versions: TransactionVersion[];
  #raw: Hex | undefined;
  /** a version is out in the world, as far as is known here */
  #maybeSent: boolean;
  #head: (AttemptLook["head"] & { readonly sinceMs: number }) | undefined;
  #firstBlock: bigint | undefined;
  /** head when the newest version was made, or the wait for it began anew */
  #patientSince = 0n;
  #lastSend: { block: bigint; atMs: number } | undefined;
  #minedAs: Hash | undefined;
  /** since when the nonce has been used without a receipt */
  #takenSinceMs: number | undefined;
  #trouble: L1Error | undefined;
  #feeLimited = false;

  constructor(start: AttemptStart, bounds: AttemptBounds) {
    this.nonce = start.nonce;
    this.#versions = [...start.versions];
    this.#raw = start.raw;
    this.#maybeSent = start.versions.length > 0;
    this.#bounds = bounds;
  }

  /** All versions so far, the newest last; at most MAX_VERSIONS. */
  get versions(): readonly TransactionVersion[] {
    return this.#versions;
  }

  /** What follows from an event; the last effect may be the end. */
  handle(event: AttemptEvent): readonly AttemptEffect[] {
    switch (event.kind) {
      case "looked":
        return this.#looked(event.look, event.nowMs);
      case "unseen":
        this.#trouble = event.error;
        this.#head ??= { number: 0n, baseFeePerGas: 0n, blobBaseFee: undefined, sinceMs: event.nowMs };
        return this.#isStalled(event.nowMs) ? [this.#giveUp()] : [];
      case "signed":
        this.#versions.push(event.version);
        this.#raw = event.raw;
        return [{ kind: "send", raw: event.raw }];
      case "sent":
        this.#maybeSent = true;
        return [];
      case "refused":
        return this.#refused(event.refusal);
    }
  }

  #looked(look: AttemptLook, nowMs: number): readonly AttemptEffect[] {
    const { head, receipt, pendingNonce } = look;
    this.#head = { ...head, sinceMs: this.#head?.number === head.number ? this.#head.sinceMs : nowMs };
    if (this.#firstBlock === undefined) this.#firstBlock = this.#patientSince = head.number;
    if (look.nonceTaken) this.#takenSinceMs ??= nowMs;
    else if (pendingNonce <= this.nonce) this.#takenSinceMs = undefined;
    if (receipt !== undefined) return this.#mined(receipt, head.number, nowMs);
    const notices = this.#unmined(head.number);
    if (this.#takenSinceMs !== undefined) {
      const isOver = this.#versions.length === 0 || nowMs - this.#takenSinceMs >= RECEIPT_LAG_MS;
      return look.nonceTaken && isOver ? [...notices, { kind: "end", outcome: { type: "lost" } }] : notices;
    }
    if (head.number - this.#firstBlock >= this.#bounds.giveUpAfterBlocks || this.#isStalled(nowMs)) {
      return [...notices, this.#giveUp()];
    }
    const newest = this.#versions.at(-1);
    if (newest === undefined) return this.#begin(pendingNonce > this.nonce, nowMs);
    if (pendingNonce <= this.nonce && this.#mayResend(head.number, nowMs)) {
      return [...notices, ...(arePricedOut(newest, head) ? this.#raise(nowMs) : this.#again(nowMs))];
    }
    const isDue = head.number - this.#patientSince >= this.#bounds.replaceAfterBlocks;
    return isDue ? [...notices, ...this.#raise(nowMs)] : notices;
  }

  #mined(receipt: L1Receipt, headNumber: bigint, nowMs: number): readonly AttemptEffect[] {
    this.#minedAs = receipt.transactionHash;
    const depth = headNumber - receipt.blockNumber + 1n;
    if (depth >= this.#bounds.confirmations) return [{ kind: "end", outcome: { type: "mined", receipt } }];
    return this.#isStalled(nowMs) ? [this.#giveUp()] : [];
  }

  /** A receipt that was there is gone: L1 took its block back, and the wait begins anew. */
  #unmined(headNumber: bigint): readonly AttemptEffect[] {
    const transactionHash = this.#minedAs;
    if (transactionHash === undefined) return [];
    this.#minedAs = undefined;
    this.#firstBlock = this.#patientSince = headNumber;
    return [{ kind: "tell", notice: { type: "unmined", nonce: this.nonce, transactionHash } }];
  }

  #begin(isInUse: boolean, nowMs: number): readonly AttemptEffect[] {
    const { insists, replaceAfterBlocks } = this.#bounds;
    const { number } = this.#head!;
    if (isInUse && !insists) return [{ kind: "end", outcome: { type: "lost" } }];
    if (isInUse && number - this.#patientSince < replaceAfterBlocks) return [];
    const fees = firstFees(this.#head!, this.#bounds);
    this.#patientSince = number;
    if (fees === undefined) return [{ kind: "end", outcome: { type: "unsent", error: this.#feeLimitError() } }];
    this.#marksSend(nowMs);
    return [{ kind: "sign", fees }];
  }

  #again(nowMs: number): readonly AttemptEffect[] {
    const isRepeated = this.#lastSend !== undefined;
    this.#marksSend(nowMs);
    const told = { kind: "tell", notice: { type: "sent-again", nonce: this.nonce } } as const;
    return [...(isRepeated ? [told] : []), { kind: "send", raw: this.#raw! }];
  }

  /** A dearer version; at the limit the newest one again, because L1 may have dropped it. */
  #raise(nowMs: number, raise: typeof FEE_RAISE | typeof FEE_LEAP = FEE_RAISE): readonly AttemptEffect[] {
    const { number } = this.#head!;
    const options = { market: this.#head!, limits: this.#bounds, raise };
    const fees = this.#versions.length < MAX_VERSIONS ? raisedFees(this.#versions.at(-1)!, options) : undefined;
    this.#patientSince = number;
    this.#marksSend(nowMs);
    if (fees !== undefined) {
      return [
        { kind: "tell", notice: { type: "replaced", nonce: this.nonce, fees } },
        { kind: "sign", fees },
      ];
    }
    const again: AttemptEffect = { kind: "send", raw: this.#raw! };
    if (this.#feeLimited) return [again];
    this.#feeLimited = true;
    const notice = { type: "fee-limit", nonce: this.nonce, error: this.#feeLimitError() } as const;
    return [{ kind: "tell", notice }, again];
  }

  #refused({ kind, error }: Refusal): readonly AttemptEffect[] {
    if (kind === "late") {
      this.#maybeSent = true;
      return [];
    }
    if (kind === "underpriced") {
      const leaps = this.#bounds.insists && !this.#feeLimited;
      return leaps ? this.#raise(this.#lastSend?.atMs ?? 0, FEE_LEAP) : [];
    }
    if (!this.#maybeSent) return [{ kind: "end", outcome: { type: "unsent", error } }];
    this.#trouble = error;
    return [{ kind: "tell", notice: { type: "refused", nonce: this.nonce, error } }];
  }

  #mayResend(headNumber: bigint, nowMs: number): boolean {
    const last = this.#lastSend;
    return last === undefined || last.block !== headNumber || nowMs - last.atMs >= RESEND_MS;
  }

  #marksSend(nowMs: number): void {
    this.#lastSend = { block: this.#head!.number, atMs: nowMs };
  }

  #isStalled(nowMs: number): boolean {
    return nowMs - this.#head!.sinceMs >= this.#bounds.stallTimeoutMs;
  }

  #giveUp(): AttemptEffect {
    const error = this.#feeLimited ? this.#feeLimitError() : this.#timeoutError();
    const isOut = this.#maybeSent || this.#versions.length > 0;
    return { kind: "end", outcome: { type: isOut ? "given-up" : "unsent", error } };
  }

  #timeoutError(): L1Error {
    return new L1Error("receipt-timeout", `nonce ${this.nonce} was not mined`, this.#lastHash(), this.#trouble);
  }

  #feeLimitError(): L1Error {
    const { maxFeePerGas, maxFeePerBlobGas } = this.#bounds;
    const hasBlobs = this.#head?.blobBaseFee !== undefined;
    const limits = `${maxFeePerGas} wei a gas unit${hasBlobs ? `, or ${maxFeePerBlobGas} a unit of blob gas` : ""}`;
    return new L1Error("fee-limit", `nonce ${this.nonce} needs more than ${limits}`, this.#lastHash());
  }

  #lastHash(): { readonly transactionHash?: Hash } {
    const hash = this.#minedAs ?? this.#versions.at(-1)?.hash;
    return hash === undefined ? {} : { transactionHash: hash };
  }
}
