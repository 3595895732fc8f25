/** The checkpoints of a block, grown one transaction at a time. */
import {
  type BlockOutcome,
  bloomOf,
  type Checkpoint,
  EMPTY_TRIE_ROOT,
  encodeReceipt,
  type Hash,
  keccakHash,
  mergeBlooms,
} from "@mvm/protocol";
import { IndexTrie } from "@mvm/state";

/** EIP-2718 type of an encoded transaction: 0 for a legacy one. */
export const typeOf = (raw: Uint8Array): number => (raw[0]! >= 0xc0 ? 0 : raw[0]!);

const BLOOM_BYTES = 256;

export class CheckpointGrower {
  readonly #transactions = new IndexTrie();
  readonly #receipts = new IndexTrie();
  #logsBloom: Uint8Array = new Uint8Array(BLOOM_BYTES);
  #gasUsed = 0n;
  #transactionsRoot = EMPTY_TRIE_ROOT;
  #receiptsRoot = EMPTY_TRIE_ROOT;

  /** Transactions so far. */
  get size(): number {
    return this.#transactions.size;
  }

  /** By all of them. */
  get gasUsed(): bigint {
    return this.#gasUsed;
  }

  /** Of all their logs. */
  get logsBloom(): Uint8Array {
    return this.#logsBloom;
  }

  get transactionsRoot(): Hash {
    return this.#transactionsRoot;
  }

  get receiptsRoot(): Hash {
    return this.#receiptsRoot;
  }

  /** Nodes by which the next transaction and its receipt are put into their tries. */
  proofsOfNext(): { readonly transactions: readonly Uint8Array[]; readonly receipts: readonly Uint8Array[] } {
    return { transactions: this.#transactions.proof(this.size), receipts: this.#receipts.proof(this.size) };
  }

  /** Adds a transaction. Throws StateError beyond the bounds of the tries. */
  append(
    raw: Uint8Array,
    { status, gasUsed, logs }: Pick<BlockOutcome, "status" | "gasUsed" | "logs">,
    stateRoot: Hash,
  ): Checkpoint {
    const index = this.size;
    this.#gasUsed += gasUsed;
    const receipt = encodeReceipt({ type: typeOf(raw), status, cumulativeGasUsed: this.#gasUsed, logs });
    if (logs.length > 0) this.#logsBloom = mergeBlooms(this.#logsBloom, bloomOf(logs));
    this.#transactionsRoot = this.#transactions.append(raw);
    this.#receiptsRoot = this.#receipts.append(receipt);
    return { ...this.before(stateRoot), index, receiptHash: keccakHash(receipt) };
  }

  /** The checkpoint before the next transaction, without index and receipt: {Checkpoints-beforeFirst} for the first. */
  before(stateRoot: Hash): Omit<Checkpoint, "index" | "receiptHash"> {
    return {
      stateRoot,
      cumulativeGasUsed: this.#gasUsed,
      transactionsRoot: this.#transactionsRoot,
      receiptsRoot: this.#receiptsRoot,
      bloomHash: keccakHash(this.#logsBloom),
    };
  }
}
