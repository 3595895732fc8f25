/**
 * The trees of the last epochs: what L1's StakeChanged events made of the sequencers' stakes, as of each epoch's close.
 */
import { StakeTree } from "./stakeTree.ts";

/** Epochs whose close L1 remembers: the present one and the three before. */
export const SNAPSHOT_EPOCHS = 4;

/** One StakeChanged event. */
export type StakeChange = {
  /** epoch of its L1 block */
  readonly epoch: bigint;
  /** registry index */
  readonly index: number;
  /** position on the grid of effective stakes; 0: not drawn */
  readonly grid: number;
};

type Version = { readonly epoch: bigint; readonly tree: StakeTree };

export class StakeHistory {
  readonly #keptEpochs: bigint;
  /** ascending; each holds from its epoch on until the next one's */
  #versions: readonly Version[] = [{ epoch: 0n, tree: StakeTree.empty }];

  /** Keeps the snapshots of the newest change's epoch and those before it, `keptEpochs` (from 4 on) in all. */
  constructor(keptEpochs: number = SNAPSHOT_EPOCHS) {
    if (!Number.isInteger(keptEpochs) || keptEpochs < SNAPSHOT_EPOCHS) throw new RangeError("too few epochs");
    this.#keptEpochs = BigInt(keptEpochs);
  }

  /**
   * Takes the next change in L1's order. What it gives back takes the change back; changes are taken back in the
   * reverse order, another one throws. Throws RangeError where the epoch lies before the newest change's.
   */
  apply({ epoch, index, grid }: StakeChange): () => void {
    const before = this.#versions;
    const newest = before.at(-1)!;
    if (epoch < newest.epoch) throw new RangeError(`a change of epoch ${epoch} after one of epoch ${newest.epoch}`);
    const tree = newest.tree.move(index, grid);
    const older = before.filter((version) => version.epoch < epoch);
    const first = older.findLastIndex((version) => version.epoch <= epoch - this.#keptEpochs + 1n);
    const after = [...older.slice(Math.max(first, 0)), { epoch, tree }];
    this.#versions = after;
    return () => {
      if (this.#versions !== after) throw new Error("changes are taken back in reverse order");
      this.#versions = before;
    };
  }

  /** Whether the tree at the close of an epoch is remembered. */
  remembers(epoch: bigint): boolean {
    return this.#versions[0]!.epoch <= epoch;
  }

  /** The tree at the close of an epoch; of one that is not over, as it stands. Throws RangeError for one that is forgotten. */
  snapshot(epoch: bigint): StakeTree {
    const version = this.#versions.findLast((candidate) => candidate.epoch <= epoch);
    if (version === undefined) throw new RangeError(`epoch ${epoch} is forgotten`);
    return version.tree;
  }
}
