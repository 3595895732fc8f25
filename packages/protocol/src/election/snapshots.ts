/** A value as it was at the close of the last epochs: what the changes of each epoch made of it, in L1's order. */

/** Epochs whose close is remembered at least: the present one and the three before. */
export const SNAPSHOT_EPOCHS = 4;

type Version<T> = { readonly epoch: bigint; readonly value: T };

export class Snapshots<T> {
  readonly #keptEpochs: bigint;
  /** ascending; each holds from its epoch on until the next one's */
  #versions: readonly Version<T>[];

  /** Keeps the snapshots of the newest change's epoch and those before it, `keptEpochs` (from 4 on) in all. */
  constructor(first: T, keptEpochs: bigint = BigInt(SNAPSHOT_EPOCHS)) {
    if (keptEpochs < SNAPSHOT_EPOCHS) throw new RangeError("too few epochs");
    this.#keptEpochs = keptEpochs;
    this.#versions = [{ epoch: 0n, value: first }];
  }

  /**
   * Takes the next change in L1's order. What it gives back takes the change back; changes are taken back in the
   * reverse order, another one throws. Throws RangeError where the epoch lies before the newest change's.
   */
  apply(epoch: bigint, change: (value: T) => T): () => void {
    const before = this.#versions;
    const newest = before.at(-1)!;
    if (epoch < newest.epoch) throw new RangeError(`a change of epoch ${epoch} after one of epoch ${newest.epoch}`);
    const value = change(newest.value);
    const older = before.filter((version) => version.epoch < epoch);
    const first = older.findLastIndex((version) => version.epoch <= epoch - this.#keptEpochs + 1n);
    const after = [...older.slice(Math.max(first, 0)), { epoch, value }];
    this.#versions = after;
    return () => {
      if (this.#versions !== after) throw new Error("changes are taken back in reverse order");
      this.#versions = before;
    };
  }

  /** Whether the value at the close of an epoch is remembered. */
  remembers(epoch: bigint): boolean {
    return this.#versions[0]!.epoch <= epoch;
  }

  /** The value at the close of an epoch; of one that is not over, as it stands. Throws RangeError for one that is forgotten. */
  at(epoch: bigint): T {
    const version = this.#versions.findLast((candidate) => candidate.epoch <= epoch);
    if (version === undefined) throw new RangeError(`epoch ${epoch} is forgotten`);
    return version.value;
  }
}
