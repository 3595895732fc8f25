/** Blocks of a chain that were heard of, for the time until L1 has a batch over them; and what their signers did twice. */
import type { Equivocation } from "@mvm/l1";
import {
  type BatchHeader,
  blockCount,
  encodeBlock,
  hashHeader,
  merkleRoot,
  type NetworkIdentity,
  type SealedBlock,
  transactionsLeaf,
} from "@mvm/protocol";
import type { ShownBlock } from "./claimedBlock.ts";
import { equivocationOf } from "./faultProof.ts";

/** Bytes of blocks that are kept: the oldest make room. */
const MAX_KEPT_BYTES = 128 * 1024 * 1024;
/** Blocks of one number that are kept. */
const MAX_OF_A_NUMBER = 8;
/** Ways to put kept blocks together that are tried for one batch. */
const MAX_COMBINATIONS = 64;

/** Whether blocks are those that a batch commits to by their hashes. */
export const areCommitted = (batch: BatchHeader, blocks: readonly ShownBlock[]): boolean =>
  blocks.length === blockCount(batch) &&
  merkleRoot(blocks.map(({ header }) => hashHeader(header))) === batch.blocksRoot;

/** Whether a batch commits to the transactions of its blocks as these have them. */
export const areTransactionsCommitted = (batch: BatchHeader, blocks: readonly ShownBlock[]): boolean =>
  merkleRoot(blocks.map(transactionsLeaf)) === batch.transactionsRoot;

type Kept = { readonly block: SealedBlock; readonly sizeBytes: number };

export class SeenBlocks {
  readonly #network: NetworkIdentity;
  /** by number, in the order in which they came */
  readonly #kept = new Map<bigint, Kept[]>();
  #bytes = 0;

  constructor(network: NetworkIdentity) {
    this.#network = network;
  }

  /** Keeps a block whose signature was looked at. Gives what it shows together with one that was kept before. */
  add(block: SealedBlock): Equivocation | null {
    const { number } = block.header;
    const others = this.#kept.get(number) ?? [];
    if (others.some((other) => other.block.signature === block.signature)) return null;
    let found: Equivocation | null = null;
    for (const other of others) found ??= equivocationOf(this.#network, other.block, block);
    if (others.length < MAX_OF_A_NUMBER) {
      const sizeBytes = encodeBlock(block).length;
      this.#kept.set(number, [...others, { block, sizeBytes }]);
      this.#bytes += sizeBytes;
      this.#makeRoom();
    }
    return found;
  }

  #makeRoom(): void {
    for (const [number, blocks] of this.#kept) {
      if (this.#bytes <= MAX_KEPT_BYTES) return;
      this.#drop(number, blocks);
    }
  }

  #drop(number: bigint, blocks: readonly Kept[]): void {
    this.#kept.delete(number);
    for (const { sizeBytes } of blocks) this.#bytes -= sizeBytes;
  }

  /** Lets go of blocks that are not needed any more. */
  forgetUpTo(number: bigint): void {
    for (const [kept, blocks] of this.#kept) if (kept <= number) this.#drop(kept, blocks);
  }

  /** Lists of kept blocks whose hashes are those that a batch commits to; none where they are not all there. */
  *of(batch: BatchHeader): Generator<readonly ShownBlock[]> {
    const choices: (readonly SealedBlock[])[] = [];
    let combinations = 1;
    for (let number = batch.firstBlock; number <= batch.lastBlock; number++) {
      const blocks = (this.#kept.get(number) ?? []).map(({ block }) => block);
      if (blocks.length === 0) return;
      choices.push(blocks);
      combinations = Math.min(combinations * blocks.length, MAX_COMBINATIONS);
    }
    for (let pick = 0; pick < combinations; pick++) {
      let rest = pick;
      const blocks = choices.map((some) => {
        const block = some[rest % some.length]!;
        rest = Math.floor(rest / some.length);
        return block;
      });
      if (areCommitted(batch, blocks)) yield blocks;
    }
  }
}
