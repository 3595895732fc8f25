/** Stakes of sequencers and what is locked of them, as BondManager has them. Every change gives back how it is undone. */
import type { Address, ChainId } from "@mvm/protocol";

export class Bonds {
  readonly #stakes = new Map<number, bigint>();
  readonly #locks = new Map<Address, Map<ChainId, bigint>>();

  /** @param index of the sequencer in its registry */
  stakeChanged(index: number, stakeWei: bigint): () => void {
    return put(this.#stakes, index, stakeWei);
  }

  lockChanged(sequencer: Address, chainId: ChainId, amountWei: bigint): () => void {
    const locks = this.#locks.get(sequencer) ?? new Map<ChainId, bigint>();
    this.#locks.set(sequencer, locks);
    return put(locks, chainId, amountWei);
  }

  /** wei of MT that a batch of a chain may lock of a sequencer's stake: what its locks on other chains leave of it. */
  freeWei({ index, operator }: { readonly index: number; readonly operator: Address }, chainId: ChainId): bigint {
    let free = this.#stakes.get(index) ?? 0n;
    for (const [locked, amountWei] of this.#locks.get(operator) ?? []) if (locked !== chainId) free -= amountWei;
    return free > 0n ? free : 0n;
  }
}

function put<K, V>(map: Map<K, V>, key: K, value: V): () => void {
  const before = map.get(key);
  map.set(key, value);
  return () => void (before === undefined ? map.delete(key) : map.set(key, before));
}
