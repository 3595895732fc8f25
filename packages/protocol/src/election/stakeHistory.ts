/**
 * The trees of the last epochs: what L1's StakeChanged events made of the sequencers' stakes, as of each epoch's close.
 */
import { SNAPSHOT_EPOCHS, Snapshots } from "./snapshots.ts";
import { StakeTree } from "./stakeTree.ts";

/** One StakeChanged event. */
export type StakeChange = {
  /** epoch of its L1 block */
  readonly epoch: bigint;
  /** registry index */
  readonly index: number;
  /** position on the grid of effective stakes; 0: not drawn */
  readonly grid: number;
};

export class StakeHistory {
  readonly #trees: Snapshots<StakeTree>;

  /** Keeps the snapshots of the newest change's epoch and those before it, `keptEpochs` (from 4 on) in all. */
  constructor(keptEpochs: number = SNAPSHOT_EPOCHS) {
    this.#trees = new Snapshots(StakeTree.empty, BigInt(keptEpochs));
  }

  /** Takes the next change in L1's order, as Snapshots.apply does. */
  apply({ epoch, index, grid }: StakeChange): () => void {
    return this.#trees.apply(epoch, (tree) => tree.move(index, grid));
  }

  /** Whether the tree at the close of an epoch is remembered. */
  remembers(epoch: bigint): boolean {
    return this.#trees.remembers(epoch);
  }

  /** The tree at the close of an epoch; of one that is not over, as it stands. Throws RangeError for one that is forgotten. */
  snapshot(epoch: bigint): StakeTree {
    return this.#trees.at(epoch);
  }
}
