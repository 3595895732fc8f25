/**
 * The batches of each chain that stand on L1, and what convictions did: a convicted batch falls with all later ones, and the
 * chain goes on in the next generation. Every change gives back how it is undone.
 */
import type { Address, BatchHeader, ChainId, Hash } from "@mvm/protocol";
import { pushed, put, together, type Undo } from "./undo.ts";

export type PostedBatch = {
  readonly header: BatchHeader;
  readonly batchHash: Hash;
  /** of its L1 block, seconds */
  readonly timestamp: bigint;
  readonly l1Block: bigint;
};

/** A conviction, as L1 tells of it. */
export type Rollback = {
  readonly chainId: ChainId;
  /** that ended with it */
  readonly generation: bigint;
  /** index of the convicted batch */
  readonly fromIndex: bigint;
  /** seconds */
  readonly timestamp: bigint;
};

export class BatchLedger {
  readonly #batches = new Map<ChainId, PostedBatch[]>();
  /** those that fell, too */
  readonly #byHash = new Map<Hash, PostedBatch>();
  readonly #generations = new Map<ChainId, bigint>();
  readonly #postedAt = new Map<ChainId, bigint>();
  readonly #rolledBackAt = new Map<ChainId, bigint>();
  readonly #convicted = new Map<ChainId, readonly Address[]>();

  posted(batch: PostedBatch): Undo {
    const { chainId } = batch.header;
    return together(
      pushed(this.#batches, chainId, batch),
      put(this.#byHash, batch.batchHash, batch),
      put(this.#postedAt, chainId, batch.l1Block),
    );
  }

  /** The batch of an index falls, and all after it; its poster is convicted. */
  rolledBack({ chainId, generation, fromIndex, timestamp }: Rollback): Undo {
    const batches = this.#batches.get(chainId) ?? [];
    const fallen = batches.splice(Number(fromIndex));
    const convicted = this.convicted(chainId);
    return together(
      () => void batches.push(...fallen),
      put(this.#generations, chainId, generation + 1n),
      put(this.#rolledBackAt, chainId, timestamp),
      put(this.#convicted, chainId, [...convicted, ...fallen.slice(0, 1).map(({ header }) => header.poster)]),
    );
  }

  /** The rollback before was no conviction: its poster was fined. */
  withheld(chainId: ChainId, poster: Address): Undo {
    const convicted = this.convicted(chainId);
    return put(this.#convicted, chainId, convicted.at(-1) === poster ? convicted.slice(0, -1) : convicted);
  }

  /** A batch by its hash, whether it stands or fell. */
  byHash(batchHash: Hash): PostedBatch | undefined {
    return this.#byHash.get(batchHash);
  }

  /** Whether a batch stands. */
  stands({ header, batchHash }: PostedBatch): boolean {
    return this.of(header.chainId)[Number(header.index)]?.batchHash === batchHash;
  }

  /** Those that stand, by index. */
  of(chainId: ChainId): readonly PostedBatch[] {
    return this.#batches.get(chainId) ?? [];
  }

  /** How often batches of the chain fell: its new blocks carry this number. */
  generation(chainId: ChainId): bigint {
    return this.#generations.get(chainId) ?? 0n;
  }

  /** The only generation that a block of this number may have: its batch's, or the present one where it is not posted. */
  generationAt(chainId: ChainId, number: bigint): bigint {
    if (number === 0n) return 0n;
    return this.over(chainId, number)?.header.generation ?? this.generation(chainId);
  }

  /** The standing batch that has a block; undefined where the block is above all of them. */
  over(chainId: ChainId, number: bigint): PostedBatch | undefined {
    const batches = this.of(chainId);
    let low = 0;
    for (let high = batches.length; low < high; ) {
      const middle = (low + high) >>> 1;
      if (batches[middle]!.header.lastBlock < number) low = middle + 1;
      else high = middle;
    }
    return batches[low];
  }

  /** L1 block of the last batch, whether it stands or fell; 0 where there was none. */
  postedAt(chainId: ChainId): bigint {
    return this.#postedAt.get(chainId) ?? 0n;
  }

  /** Seconds; 0 where no batch fell. */
  rolledBackAt(chainId: ChainId): bigint {
    return this.#rolledBackAt.get(chainId) ?? 0n;
  }

  /** Posters of batches of the chain that fell for being wrong. */
  convicted(chainId: ChainId): readonly Address[] {
    return this.#convicted.get(chainId) ?? [];
  }
}
