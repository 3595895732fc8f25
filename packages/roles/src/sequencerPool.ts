/**
 * What a sequencer may take into its chain's blocks, and in which order: what was offered and is in no block of its own, dearest first, those last of
 * which nothing could be made. Bounded as TransactionPool is.
 */
import {
  type Account,
  type Address,
  type ChainId,
  decodeTransaction,
  type Hash,
  includedHashes,
  keccakHash,
  LIMITS,
  type SealedBlock,
  type StateEntry,
  type Transaction,
  TransactionError,
} from "@mvm/protocol";
import { TransactionPool } from "./transactionPool.ts";

/** The chain has a new head: a block on top, or, where that is null, what a rollback left. */
type NewHead = { readonly number: bigint; readonly block: SealedBlock | null; readonly safeNumber: bigint };

export class SequencerPool {
  readonly #chainId: ChainId;
  readonly #pool = new TransactionPool();
  /** transactions that failed alone: tried again when no other is left */
  readonly #deferred = new Set<Hash>();
  /** signers whose next transaction is not here: theirs are tried again when no other is left, or something of theirs comes */
  readonly #gapped = new Set<Address>();
  /** transactions of the own chain's blocks that L1 may still take back, with their blocks: offered again, they are not taken again */
  readonly #onChain = new Map<Hash, bigint>();

  constructor(chainId: ChainId) {
    this.#chainId = chainId;
  }

  get size(): number {
    return this.#pool.size;
  }

  /** Whether nothing can be made of any before something changes. */
  get allWait(): boolean {
    return this.#pool.all().every((transaction) => this.#waits(transaction));
  }

  /** Takes an offered transaction: "known" where it is here or in a block, "refused" where it is none of this chain, or there is no room. */
  admit(raw: Uint8Array): "taken" | "known" | "refused" {
    const hash = keccakHash(raw);
    if (this.#pool.get(hash) !== undefined || this.#onChain.has(hash)) return "known";
    try {
      const transaction = decodeTransaction(raw, this.#chainId);
      if (this.#pool.add(transaction).refusal !== null) return "refused";
      this.#gapped.delete(transaction.from);
      return "taken";
    } catch (error) {
      if (error instanceof TransactionError) return "refused";
      throw error;
    }
  }

  remove(hash: Hash): void {
    this.#pool.remove(hash);
  }

  /** Has a transaction that failed alone wait until there is no other. */
  defer(hash: Hash): void {
    if (this.#deferred.size < LIMITS.poolTotal) this.#deferred.add(hash);
  }

  #waits({ hash, from }: Transaction): boolean {
    return this.#deferred.has(hash) || this.#gapped.has(from);
  }

  /** All in the order of blocks; those that wait only where there are no others, and then they wait no longer. */
  inOrder(baseFeePerGas: bigint): readonly Transaction[] {
    const ordered = this.#pool.ordered(baseFeePerGas);
    const others = ordered.filter((transaction) => !this.#waits(transaction));
    if (others.length > 0) return others;
    this.#deferred.clear();
    this.#gapped.clear();
    return ordered;
  }

  /**
   * Those candidates whose nonces follow from the signers' accounts; the ones that can never run again leave, those that lack one before
   * them wait.
   */
  runnable(candidates: readonly Transaction[], entries: readonly StateEntry[]): readonly Transaction[] {
    const accounts = new Map<Address, Account | null>();
    for (const entry of entries) if (entry.kind === "account") accounts.set(entry.address, entry.value);
    const nonces = new Map<Address, bigint>();
    return candidates.filter(({ from, hash, nonce }) => {
      const next = nonces.get(from) ?? accounts.get(from)?.nonce ?? 0n;
      if (nonce < next) this.#pool.remove(hash);
      else if (nonce === next) nonces.set(from, next + 1n);
      else if (!nonces.has(from) && this.#gapped.size < LIMITS.poolTotal) this.#gapped.add(from);
      return nonce === next;
    });
  }

  /** What a block has leaves, and is not taken again while the block stands. */
  headChanged({ number: head, block, safeNumber }: NewHead): void {
    for (const [hash, number] of this.#onChain) if (number <= safeNumber || number > head) this.#onChain.delete(hash);
    for (const hash of block === null ? [] : includedHashes(block)) {
      const transaction = this.#pool.get(hash);
      if (transaction !== undefined) this.#gapped.delete(transaction.from);
      this.#pool.remove(hash);
      this.#onChain.set(hash, head);
    }
  }
}
