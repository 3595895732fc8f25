/**
 * Blocks of a chain that fell with their generation, kept in its database: until L1 takes the conviction back no more, for
 * then they would be the chain's again, and until a gateway's pool has taken their transactions back.
 */
import { decodeBlock, type SealedBlock } from "@mvm/protocol";
import type { L1View } from "@mvm/roles";
import type { DacDatabase } from "@mvm/state";

/** Blocks that are read, or let go, at once. */
const PAGE_BLOCKS = 64;
/** Blocks of one number that are looked for at first. */
const LIKELY_GENERATIONS = 2;

export class UndoneBlocks {
  readonly #database: DacDatabase;
  readonly #view: L1View;
  /** the first number whose transactions a pool has not taken back yet; null: none is needed */
  neededFrom: bigint | null = null;
  #mayHaveAny = true;
  #prunedSlot = -1n;

  constructor(options: { readonly database: DacDatabase; readonly view: L1View }) {
    this.#database = options.database;
    this.#view = options.view;
  }

  /** Undoes the chain's blocks above a number and keeps them. */
  async undo(to: bigint): Promise<void> {
    this.#mayHaveAny = true;
    await this.#database.rollbackTo(to, this.#view.block.number);
  }

  /** The next ones from a number on. */
  async from(number: bigint): Promise<readonly SealedBlock[]> {
    const page = await this.#database.setAsideFrom(number, PAGE_BLOCKS);
    return page.map(({ encodedBlock }) => decodeBlock(encodedBlock));
  }

  /** All of the lowest number from one on: one for each generation that ended there. None where there are no more. */
  async lowestFrom(number: bigint): Promise<readonly SealedBlock[]> {
    for (let limit = LIKELY_GENERATIONS; ; limit *= 2) {
      const page = await this.#database.setAsideFrom(number, limit);
      const lowest = page.filter((block) => block.number === page[0]!.number);
      if (lowest.length < limit) return lowest.map(({ encodedBlock }) => decodeBlock(encodedBlock));
    }
  }

  /** True once in a slot, where there may be blocks to let go. */
  get isPruningDue(): boolean {
    const { slot } = this.#view;
    const isDue = this.#mayHaveAny && slot !== this.#prunedSlot;
    this.#prunedSlot = slot;
    return isDue;
  }

  /** Lets go of those that nobody needs any more, a page at a time. */
  async prune(): Promise<void> {
    const page = await this.#database.setAsideFrom(0n, PAGE_BLOCKS);
    const { neededFrom } = this;
    const isDone = (number: bigint): boolean => neededFrom === null || number < neededFrom;
    const gone = page.filter(({ mark, number }) => this.#view.isSettled(mark) && isDone(number));
    if (gone.length > 0) await this.#database.discardSetAside(gone);
    this.#mayHaveAny = page.length > 0;
    if (gone.length === PAGE_BLOCKS) await this.prune();
  }
}
