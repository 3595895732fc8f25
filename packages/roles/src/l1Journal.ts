/** How to take back what L1 said: every change of the view comes with its undoing, in case L1 takes blocks back. */

import { type Undo, undoAll } from "./undo.ts";

/** L1 blocks that can be taken back at the most: as many as the follower of L1 remembers. */
export const MAX_REORG_BLOCKS = 512;

type Mark = { readonly block: bigint; readonly changes: Undo[] };

export class L1Journal {
  readonly #marks: Mark[] = [];
  #open: Undo[] = [];

  /** Notes how a change is undone; changes belong to the next block that is closed. */
  note(undo: Undo): void {
    this.#open.push(undo);
  }

  /** All changes of a block are noted. */
  close(block: bigint): void {
    this.#marks.push({ block, changes: this.#open });
    this.#open = [];
    if (this.#marks.length > MAX_REORG_BLOCKS) this.#marks.shift();
  }

  /**
   * Undoes everything after a block, the last change first.
   * @throws RangeError where that is further back than what is remembered
   */
  revertTo(block: bigint): void {
    undoAll(this.#open);
    this.#open = [];
    const oldest = this.#marks[0];
    if (this.#marks.length === MAX_REORG_BLOCKS && oldest !== undefined && oldest.block > block + 1n)
      throw new RangeError(`L1 took back more than ${MAX_REORG_BLOCKS} blocks`);
    while (this.#marks.length > 0 && this.#marks.at(-1)!.block > block) undoAll(this.#marks.pop()!.changes);
  }
}
