/** How much of a chain waits to be posted: users' transactions in blocks that this node has seen and L1 has no batch over. */
import { postedTransactions, type SealedBlock } from "@mvm/protocol";

export class Backlog {
  /** by block number, ascending */
  #blocks: { readonly number: bigint; readonly bytes: number }[] = [];

  /** Bytes of the transactions as they were signed: about what they take in a batch, rather more. */
  get bytes(): number {
    return this.#blocks.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** The chain has a new head: a block on top, or, where that is null, what a rollback left. */
  headChanged(head: bigint, block: SealedBlock | null): void {
    this.#blocks = this.#blocks.filter(({ number }) => number < head || (block === null && number === head));
    if (block === null) return;
    this.#blocks.push({
      number: head,
      bytes: postedTransactions(block).reduce((sum, { length }) => sum + length, 0),
    });
  }

  /** Blocks up to a number are on L1. */
  posted(number: bigint): void {
    this.#blocks = this.#blocks.filter((block) => block.number > number);
  }
}
