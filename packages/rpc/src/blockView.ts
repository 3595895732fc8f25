/** A sealed block with what the interface derives from it: hashes, decoded transactions, running sums; each only once. */
import {
  decodeSystemTransaction,
  decodeTransaction,
  executedHash,
  type Hash,
  hashHeader,
  isSystemTransaction,
  keccakHash,
  type SealedBlock,
  type SystemTransaction,
  type Transaction,
} from "@mvm/protocol";

/** A transaction of a block: a user's, one of the system (type 0x7E), or the user's that a forced one executed. */
export type BlockTransaction =
  | { readonly kind: "user" | "forced"; readonly hash: Hash; readonly transaction: Transaction }
  | { readonly kind: "system"; readonly hash: Hash; readonly transaction: SystemTransaction };

export class BlockView {
  readonly block: SealedBlock;
  readonly hash: Hash;
  readonly #hashes: (Hash | undefined)[] = [];
  readonly #transactions: (BlockTransaction | undefined)[] = [];
  #gasBefore: readonly bigint[] | undefined;
  #logsBefore: readonly number[] | undefined;

  constructor(block: SealedBlock) {
    this.block = block;
    this.hash = hashHeader(block.header);
  }

  get size(): number {
    return this.block.transactions.length;
  }

  transactionHash(index: number): Hash {
    const hash = this.#hashes[index] ?? keccakHash(this.block.transactions[index]!);
    this.#hashes[index] = hash;
    return hash;
  }

  /** Decoded transaction; `index` is below size. */
  transaction(index: number): BlockTransaction {
    const known = this.#transactions[index];
    if (known !== undefined) return known;
    const raw = this.block.transactions[index]!;
    const hash = this.transactionHash(index);
    const { chainId } = this.block;
    const decoded: BlockTransaction = isSystemTransaction(raw)
      ? { kind: "system", hash, transaction: decodeSystemTransaction(raw, chainId) }
      : { kind: "user", hash, transaction: decodeTransaction(raw, chainId) };
    this.#transactions[index] = decoded;
    return decoded;
  }

  /** The signed transaction that a forced one at `index` executed, which users know by its own hash; null where it is none. */
  executed(index: number): BlockTransaction | null {
    const { transactions, chainId, outcomes } = this.block;
    if (executedHash(transactions[index]!, chainId, outcomes[index]!) === null) return null;
    const { data } = decodeSystemTransaction(transactions[index]!, chainId);
    const transaction = decodeTransaction(data, chainId);
    return { kind: "forced", hash: transaction.hash, transaction };
  }

  /** Gas that the block's transactions before `index` used. */
  gasBefore(index: number): bigint {
    this.#gasBefore ??= runningSums(this.block.outcomes.map(({ gasUsed }) => gasUsed));
    return this.#gasBefore[index]!;
  }

  /** Logs of the block's transactions before `index`: the position of its first log. */
  logsBefore(index: number): number {
    this.#logsBefore ??= runningSums(this.block.outcomes.map(({ logs }) => BigInt(logs.length))).map(Number);
    return this.#logsBefore[index]!;
  }
}

function runningSums(values: readonly bigint[]): readonly bigint[] {
  const sums = [0n];
  for (const value of values) sums.push(sums[sums.length - 1]! + value);
  return sums;
}

/** Views that live as long as the blocks they are of. */
export class BlockViews {
  readonly #views = new WeakMap<SealedBlock, BlockView>();

  of(block: SealedBlock): BlockView {
    const known = this.#views.get(block);
    if (known !== undefined) return known;
    const view = new BlockView(block);
    this.#views.set(block, view);
    return view;
  }
}
