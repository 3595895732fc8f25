/** Transactions that wait for a block: bounded, one per (sender, nonce), ordered by what they pay. */
import { type Address, type Hash, LIMITS, type Transaction } from "@mvm/protocol";

export type PoolRefusal = "already-known" | "replacement-underpriced" | "sender-limit" | "pool-full";

type Entry = { readonly transaction: Transaction; readonly arrival: number };

/** A replacement must raise both fees by this many percent. */
const REPLACEMENT_PERCENT = 110n;

export class TransactionPool {
  readonly #bySender = new Map<Address, Map<bigint, Entry>>();
  readonly #byHash = new Map<Hash, Transaction>();
  #bytes = 0;
  #arrivals = 0;

  get size(): number {
    return this.#byHash.size;
  }

  get(hash: Hash): Transaction | undefined {
    return this.#byHash.get(hash);
  }

  all(): readonly Transaction[] {
    return [...this.#byHash.values()];
  }

  /**
   * Adds a transaction; null when it is in, else why not. `replaced` is the one that it displaced.
   * @param perSender transactions of one sender at the most
   */
  add(
    transaction: Transaction,
    perSender: number = LIMITS.poolPerSender,
  ): { readonly refusal: PoolRefusal | null; readonly replaced: Transaction | null } {
    const no = (refusal: PoolRefusal) => ({ refusal, replaced: null });
    if (this.#byHash.has(transaction.hash)) return no("already-known");
    const waiting = this.#bySender.get(transaction.from) ?? new Map<bigint, Entry>();
    const old = waiting.get(transaction.nonce)?.transaction ?? null;
    if (old !== null && !outbids(transaction, old)) return no("replacement-underpriced");
    if (old === null && waiting.size >= perSender) return no("sender-limit");
    const bytes = this.#bytes + transaction.raw.length - (old?.raw.length ?? 0);
    if (bytes > LIMITS.poolBytes || (old === null && this.size >= LIMITS.poolTotal)) return no("pool-full");
    if (old !== null) this.remove(old.hash);
    waiting.set(transaction.nonce, { transaction, arrival: this.#arrivals++ });
    this.#bySender.set(transaction.from, waiting);
    this.#byHash.set(transaction.hash, transaction);
    this.#bytes += transaction.raw.length;
    return { refusal: null, replaced: old };
  }

  remove(hash: Hash): void {
    const transaction = this.#byHash.get(hash);
    if (transaction === undefined) return;
    this.#byHash.delete(hash);
    this.#bytes -= transaction.raw.length;
    const waiting = this.#bySender.get(transaction.from)!;
    waiting.delete(transaction.nonce);
    if (waiting.size === 0) this.#bySender.delete(transaction.from);
  }

  /** Nonce after the consecutive run of waiting transactions that starts at `nonce`. */
  nextNonce(sender: Address, nonce: bigint): bigint {
    const waiting = this.#bySender.get(sender);
    let next = nonce;
    while (waiting?.has(next)) next += 1n;
    return next;
  }

  /**
   * All waiting transactions in the order in which a block takes them: dearest first, a sender's by nonce (a
   * transaction counts for no more than the cheapest before it), then by arrival.
   */
  ordered(baseFeePerGas: bigint): readonly Transaction[] {
    const ranked: { transaction: Transaction; tip: bigint; arrival: number }[] = [];
    for (const waiting of this.#bySender.values()) {
      let tip: bigint | null = null;
      let arrival = 0;
      for (const entry of [...waiting.values()].sort((a, b) => (a.transaction.nonce < b.transaction.nonce ? -1 : 1))) {
        const own = tipOf(entry.transaction, baseFeePerGas);
        if (own < 0n) break;
        tip = tip === null || own < tip ? own : tip;
        arrival = Math.max(arrival, entry.arrival);
        ranked.push({ transaction: entry.transaction, tip, arrival });
      }
    }
    ranked.sort((a, b) => (a.tip === b.tip ? a.arrival - b.arrival : a.tip > b.tip ? -1 : 1));
    return ranked.map(({ transaction }) => transaction);
  }
}

function outbids(transaction: Transaction, old: Transaction): boolean {
  const raises = (now: bigint, before: bigint): boolean => now * 100n >= before * REPLACEMENT_PERCENT;
  return (
    raises(transaction.maxFeePerGas, old.maxFeePerGas) &&
    raises(transaction.maxPriorityFeePerGas, old.maxPriorityFeePerGas)
  );
}

function tipOf(transaction: Transaction, baseFeePerGas: bigint): bigint {
  const room = transaction.maxFeePerGas - baseFeePerGas;
  return room < transaction.maxPriorityFeePerGas ? room : transaction.maxPriorityFeePerGas;
}
