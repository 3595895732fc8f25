/**
 * A gateway's mempool for one DAC: keeps every accepted transaction until L1 takes its block back no more, and offers it until then to the
 * sequencer whose turn it is, and to those who would take a silent slot over. Only the first one's answer counts. The driver stores transactions before they are acknowledged, so that a crash
 * loses none.
 *
 * What comes back from undone blocks was accepted once and is not refused for want of room: it stands in line, and takes
 * what room each new block makes. Of what fell with its batch, the pool may have forgotten some; the driver gives it back from the undone
 * blocks, in their order, and what the pool has not forgotten waits for its place in that order.
 */
import {
  type Address,
  type ChainId,
  type Hash,
  includedHashes,
  LIMITS,
  type Parameters,
  type SealedBlock,
  type Transaction,
} from "@mvm/protocol";
import type { Member } from "./l1Event.ts";
import type { L1View } from "./l1View.ts";
import type { AnsweredEvent, Moment, RequestEffect, RequestFailedEvent, TimerEffect, TimerEvent } from "./machine.ts";
import { type PoolRefusal, TransactionPool } from "./transactionPool.ts";

/** Forget a stored transaction: L1 holds its block for good, or another took its place. */
export type ForgetEffect = { readonly kind: "forget"; readonly hash: Hash };
export type MempoolEffect = RequestEffect | TimerEffect | ForgetEffect;

export type MempoolEvent =
  | {
      readonly kind: "headChanged";
      readonly block: SealedBlock | null;
      readonly headNumber: bigint;
      /** last block that L1 holds and takes back no more */
      readonly safeNumber: bigint;
      /** whether the driver has transactions of undone blocks to give back */
      readonly givesBack: boolean;
    }
  /** the driver has given back all transactions of undone blocks */
  | { readonly kind: "givenBack" }
  | { readonly kind: "slotChanged" }
  | AnsweredEvent
  | RequestFailedEvent
  | TimerEvent;

export type MempoolOptions = { readonly chainId: ChainId; readonly view: L1View; readonly parameters: Parameters };

/** Milliseconds that accepted transactions gather before they are offered together. */
const GATHER_MS = 20;
/** Milliseconds that a transaction waits for its block: long enough for any outage that a sender would wait out. */
const PENDING_LIFETIME_MS = 3 * 3_600_000;
/** Bytes of one offer. */
const OFFER_BYTES = 1024 * 1024;

/** A transaction in a block, and the slot in which the block came. */
type Included = { readonly transaction: Transaction; readonly number: bigint; readonly slot: bigint };

export class Mempool {
  readonly #options: MempoolOptions;
  readonly #waiting = new TransactionPool();
  /** transactions in blocks that L1 does not hold for good yet */
  readonly #included = new Map<Hash, Included>();
  /** transactions of undone blocks for which there was no room yet, in the order of their blocks */
  readonly #returning = new Map<Hash, Transaction>();
  #givesBack = false;
  /** when each waiting transaction came in */
  readonly #sinceMs = new Map<Hash, number>();
  /** waiting transactions that the present sequencer has said it knows, and when */
  readonly #offered = new Map<Hash, number>();
  #underWay: { readonly ticket: string; readonly hashes: readonly Hash[] } | null = null;
  #timerAtMs: number | null = null;
  #tickets = 0;

  constructor(options: MempoolOptions) {
    this.#options = options;
  }

  /** Transactions that wait for a block. */
  get size(): number {
    return this.#waiting.size + this.#returning.size;
  }

  pending(hash: Hash): Transaction | undefined {
    return this.#waiting.get(hash) ?? this.#returning.get(hash);
  }

  /** The next nonce of a sender, counting what waits. */
  nextNonce(sender: Address, nonceAtHead: bigint): bigint {
    return this.#waiting.nextNonce(sender, nonceAtHead);
  }

  /** Takes a transaction in; it is acknowledged to nobody before the driver has stored it. */
  add(
    transaction: Transaction,
    moment: Moment,
  ): { readonly refusal: PoolRefusal | null; readonly effects: readonly MempoolEffect[] } {
    if (this.#included.has(transaction.hash) || this.#returning.has(transaction.hash))
      return { refusal: "already-known", effects: [] };
    const { refusal, replaced } = this.#waiting.add(transaction);
    if (refusal !== null) return { refusal, effects: [] };
    this.#sinceMs.set(transaction.hash, moment.nowMs);
    const forget: MempoolEffect[] = replaced === null ? [] : [{ kind: "forget", hash: replaced.hash }];
    return { refusal, effects: [...forget, ...this.#wake(moment.nowMs + GATHER_MS, moment)] };
  }

  /** Takes a transaction out that could not be stored: it was acknowledged to nobody. */
  drop(hash: Hash): void {
    this.#waiting.remove(hash);
  }

  /** Takes a stored transaction back in after a restart; `number` is the block that has it, null when none has. */
  restore(transaction: Transaction, number: bigint | null, moment: Moment): readonly MempoolEffect[] {
    if (number === null) {
      this.#returning.set(transaction.hash, transaction);
      return [...this.#admitReturning(moment), ...this.#wake(moment.nowMs + GATHER_MS, moment)];
    }
    this.#waiting.remove(transaction.hash);
    this.#returning.delete(transaction.hash);
    this.#included.set(transaction.hash, { transaction, number, slot: this.#options.view.slot });
    return [];
  }

  /**
   * Takes a transaction of an undone block back, which it may have forgotten; the driver has stored it. Where there is no room for
   * it, it and all after it have to be given back later.
   */
  giveBack(
    transaction: Transaction,
    moment: Moment,
  ): { readonly isTaken: boolean; readonly effects: readonly MempoolEffect[] } {
    const { hash } = transaction;
    if (this.#included.has(hash) || this.#waiting.get(hash) !== undefined) return { isTaken: true, effects: [] };
    const taken = this.#takeBack(transaction, moment);
    if (taken === null) return { isTaken: false, effects: [] };
    this.#returning.delete(hash);
    return { isTaken: true, effects: [...taken, ...this.#wake(moment.nowMs + GATHER_MS, moment)] };
  }

  /** Puts what was accepted before among what waits; null where there is no room. */
  #takeBack(transaction: Transaction, { nowMs }: Moment): readonly ForgetEffect[] | null {
    const { refusal, replaced } = this.#waiting.add(transaction, Number.POSITIVE_INFINITY);
    if (refusal === "pool-full") return null;
    // its sender has sent another with its nonce meanwhile
    if (refusal === "replacement-underpriced") return [{ kind: "forget", hash: transaction.hash }];
    this.#sinceMs.set(transaction.hash, nowMs);
    return replaced === null ? [] : [{ kind: "forget", hash: replaced.hash }];
  }

  /** Those that return take what room there is, unless earlier ones are still to be given back. */
  #admitReturning(moment: Moment): readonly ForgetEffect[] {
    const effects: ForgetEffect[] = [];
    for (const [hash, transaction] of this.#givesBack ? [] : this.#returning) {
      const taken = this.#takeBack(transaction, moment);
      if (taken === null) return effects;
      this.#returning.delete(hash);
      effects.push(...taken);
    }
    return effects;
  }

  handle(event: MempoolEvent, moment: Moment): readonly MempoolEffect[] {
    switch (event.kind) {
      case "headChanged":
        return this.#headChanged(event, moment);
      case "givenBack":
        this.#givesBack = false;
        return [...this.#admitReturning(moment), ...this.#wakeIfAny(moment)];
      case "slotChanged":
        // an offer to the sequencer of the slot before counts for nothing any more
        this.#offered.clear();
        this.#underWay = null;
        return this.#wake(moment.nowMs, moment);
      case "timer":
        this.#timerAtMs = null;
        return this.#offer(moment);
      case "answered":
      case "requestFailed":
        return this.#offerEnded(event, moment);
    }
  }

  #wake(atMs: number, moment: Moment): readonly TimerEffect[] {
    if (this.#timerAtMs !== null && this.#timerAtMs <= Math.max(atMs, moment.nowMs)) return [];
    this.#timerAtMs = atMs;
    return [{ kind: "timer", name: "offer", atMs }];
  }

  #wakeIfAny(moment: Moment): readonly TimerEffect[] {
    return this.size > 0 ? this.#wake(moment.nowMs + GATHER_MS, moment) : [];
  }

  #headChanged(event: MempoolEvent & { kind: "headChanged" }, moment: Moment): readonly MempoolEffect[] {
    const effects: MempoolEffect[] = [];
    this.#givesBack = event.givesBack;
    for (const [hash, entry] of this.#included) {
      if (entry.number > event.headNumber) {
        this.#included.delete(hash);
        this.#returning.set(hash, entry.transaction);
      } else if (entry.number <= event.safeNumber) {
        this.#included.delete(hash);
        effects.push({ kind: "forget", hash });
      }
    }
    for (const hash of event.block === null ? [] : includedHashes(event.block)) {
      const transaction = this.pending(hash);
      this.#offered.delete(hash);
      if (transaction === undefined) continue;
      this.#waiting.remove(hash);
      this.#returning.delete(hash);
      const { header, context } = event.block!;
      this.#included.set(hash, { transaction, number: header.number, slot: context.slot });
    }
    return [...effects, ...this.#admitReturning(moment), ...this.#wakeIfAny(moment)];
  }

  /**
   * Transactions of blocks that nobody posted, and nobody may post any more: such a block was wrong, or nobody has it. Another one takes its place
   * only if who makes it hears of them.
   */
  get #stranded(): readonly Transaction[] {
    const { view, chainId } = this.#options;
    const posted = view.postedHead(chainId);
    const stranded = [...this.#included.values()].filter(
      ({ number, slot }) => number > posted && slot + 1n < view.slot,
    );
    return stranded.map(({ transaction }) => transaction);
  }

  #offer(moment: Moment): readonly MempoolEffect[] {
    const { view, chainId, parameters } = this.#options;
    const expired = [...this.#expire(moment.nowMs), ...this.#admitReturning(moment)];
    const stranded = this.#stranded;
    if (this.size + stranded.length === 0) return expired;
    const again = [...expired, ...this.#wake(moment.nowMs + parameters.resubmitMs, moment)];
    const [leader, ...others] = view.informed(chainId);
    if (this.#underWay !== null || leader === undefined) return again;
    const chosen = this.#chooseOffer(stranded, moment.nowMs);
    if (chosen.length === 0) return again;
    const ticket = `offer:${this.#tickets++}`;
    this.#underWay = { ticket, hashes: chosen.map((transaction) => transaction.hash) };
    const body = { chainId, transactions: chosen.map((transaction) => transaction.raw) };
    const offer = (to: Member, name: string): RequestEffect => ({
      kind: "request",
      ticket: name,
      to: to.peerId,
      request: { name: "offerTransactions", body },
      timeoutMs: parameters.readTimeoutMs,
    });
    return [offer(leader, ticket), ...others.map((other, i) => offer(other, `${ticket}:${i}`)), ...again];
  }

  /** Lets go of what could not be included for PENDING_LIFETIME_MS: it never will be. */
  #expire(nowMs: number): readonly ForgetEffect[] {
    const expired: ForgetEffect[] = [];
    for (const [hash, sinceMs] of this.#sinceMs) {
      if (this.#waiting.get(hash) === undefined) this.#sinceMs.delete(hash);
      else if (nowMs - sinceMs > PENDING_LIFETIME_MS) {
        this.#waiting.remove(hash);
        expired.push({ kind: "forget", hash });
      }
    }
    return expired;
  }

  #chooseOffer(stranded: readonly Transaction[], nowMs: number): readonly Transaction[] {
    const chosen: Transaction[] = [];
    let bytes = 0;
    for (const transaction of [...stranded, ...this.#waiting.all()]) {
      const offeredMs = this.#offered.get(transaction.hash);
      if (offeredMs !== undefined && nowMs - offeredMs < this.#options.parameters.resubmitMs) continue;
      bytes += transaction.raw.length;
      if (bytes > OFFER_BYTES || chosen.length === LIMITS.transactionsPerMessage) break;
      chosen.push(transaction);
    }
    return chosen;
  }

  #offerEnded(event: AnsweredEvent | RequestFailedEvent, moment: Moment): readonly MempoolEffect[] {
    if (this.#underWay?.ticket !== event.ticket) return [];
    const { hashes } = this.#underWay;
    this.#underWay = null;
    const taken =
      event.kind === "answered" && event.answer.name === "offerTransactions" && event.answer.body.kind === "taken";
    if (!taken) return this.#wake(moment.nowMs + this.#options.parameters.resubmitMs / 4, moment);
    for (const hash of hashes)
      if (this.#waiting.get(hash) !== undefined || this.#included.has(hash)) this.#offered.set(hash, moment.nowMs);
    return this.#wake(moment.nowMs, moment);
  }
}
