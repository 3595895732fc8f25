/** Stakes of sequencers and what is locked of them, as BondManager has them. Every change gives back how it is undone. */
import type { Address, ChainId } from "@mvm/protocol";
import { put, type Undo } from "./undo.ts";

export class Bonds {
  readonly #stakes = new Map<number, bigint>();
  readonly #locks = new Map<Address, Map<ChainId, bigint>>();
  /** seconds; of the last batch by sequencer and chain */
  readonly #posted = new Map<Address, Map<ChainId, bigint>>();

  /** @param index of the sequencer in its registry */
  stakeChanged(index: number, stakeWei: bigint): Undo {
    return put(this.#stakes, index, stakeWei);
  }

  lockChanged(sequencer: Address, chainId: ChainId, amountWei: bigint): Undo {
    const locks = this.#locks.get(sequencer) ?? new Map<ChainId, bigint>();
    this.#locks.set(sequencer, locks);
    return put(locks, chainId, amountWei);
  }

  /** A batch was posted: the lock for it is in force anew. */
  posted(sequencer: Address, chainId: ChainId, timestamp: bigint): Undo {
    const posted = this.#posted.get(sequencer) ?? new Map<ChainId, bigint>();
    this.#posted.set(sequencer, posted);
    return put(posted, chainId, timestamp);
  }

  /**
   * Chains for which a sequencer's stake is locked though it has posted nothing there since a time: where that is two windows
   * ago, the locks have run out, and count until they are released.
   */
  idleLocks(sequencer: Address, since: bigint): readonly ChainId[] {
    const posted = this.#posted.get(sequencer);
    return [...(this.#locks.get(sequencer) ?? [])].flatMap(([chainId, amountWei]) =>
      amountWei > 0n && (posted?.get(chainId) ?? 0n) < since ? [chainId] : [],
    );
  }

  /** wei of MT that a batch of a chain may lock of a sequencer's stake: what its locks on other chains leave of it. */
  freeWei({ index, operator }: { readonly index: number; readonly operator: Address }, chainId: ChainId): bigint {
    let free = this.#stakes.get(index) ?? 0n;
    for (const [locked, amountWei] of this.#locks.get(operator) ?? []) if (locked !== chainId) free -= amountWei;
    return free > 0n ? free : 0n;
  }
}
