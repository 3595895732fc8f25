/**
 * How many transactions the next block of a sequencer takes: what it found to be done in time, so that a block ends in the slot that it began in,
 * on whatever machines its providers have.
 */
import { type Hash, LIMITS, type Transaction } from "@mvm/protocol";

/** Of the first block: nothing is known of the machines yet. */
export const FIRST_BLOCK_TRANSACTIONS = 64;
/** What blocks that are late do not go below: each costs its seats' talk, however few transactions it has. Those that fail do. */
export const LATE_BLOCK_TRANSACTIONS = 16;
/** Block times from a block's begin to its signature: within the first, the next may be larger; beyond the second, it has to be smaller. */
const SOON = 2;
const LATE = 4;
/** Failures of a transaction alone in its block before others go first. */
const MAX_LONELY_FAILURES = 3;

export class BlockSize {
  readonly #tickMs: number;
  #limit = FIRST_BLOCK_TRANSACTIONS;
  /** what was in time before blocks failed, and holds again once one does not */
  #inTime = FIRST_BLOCK_TRANSACTIONS;
  /** the transaction that failed alone last, and how often in a row */
  #lonely: Hash | null = null;
  #lonelyFailures = 0;

  /** @param tickMs milliseconds of a block time */
  constructor(tickMs: number) {
    this.#tickMs = tickMs;
  }

  /** Transactions that the next block takes at the most: 1 to LIMITS.blockTransactions. */
  get limit(): number {
    return this.#limit;
  }

  /** A block of so many transactions was signed: twice as many may be, where that was soon and all that it might have. */
  done(count: number, tookMs: number): void {
    if (tookMs > LATE * this.#tickMs) this.late(count);
    else if (tookMs <= SOON * this.#tickMs && count >= this.#inTime)
      this.#inTime = Math.min(2 * count, LIMITS.blockTransactions);
    this.#limit = this.#inTime;
  }

  /** A block of so many transactions took too long, or its slot was over first. Fewer than few would not have been faster. */
  late(count: number): void {
    if (count <= LATE_BLOCK_TRANSACTIONS) return;
    const half = Math.max(LATE_BLOCK_TRANSACTIONS, Math.floor(count / 2));
    this.#inTime = Math.min(this.#inTime, half);
    this.#limit = Math.min(this.#limit, half);
  }

  /**
   * No block came of these: the next takes half as many, for what cannot be done together may be done apart. True where a transaction has
   * failed alone again and again, and should wait until there is nothing else to do.
   */
  failed(candidates: readonly Transaction[]): boolean {
    this.#limit = Math.max(1, Math.floor(candidates.length / 2));
    const [only, another] = candidates;
    if (only === undefined || another !== undefined) return false;
    this.#lonelyFailures = this.#lonely === only.hash ? this.#lonelyFailures + 1 : 1;
    this.#lonely = only.hash;
    return this.#lonelyFailures >= MAX_LONELY_FAILURES;
  }
}
