/** Judges a DAC's batches one after the other, upon its state as L1's data give it. */
import { createEngine, type Engine } from "@mvm/evm";
import { type BatchHeader, type Hash, type Header, hashHeader, type Parameters } from "@mvm/protocol";
import type { Dac, L1View } from "@mvm/roles";
import { reasonOf } from "../reason.ts";
import { type Batch, Rebuild, type RebuildMark } from "../rebuild.ts";
import { type BlockFault, blockVerdict, type ClaimedBlock } from "./blockFinding.ts";
import { areTransactionsCommitted } from "./seenBlocks.ts";

/** A fault of a batch, and where it is. */
export type FoundFault = {
  readonly fault: BlockFault;
  readonly blocks: readonly ClaimedBlock[];
  readonly position: number;
  readonly parent: Header;
  readonly hashesBefore: readonly Hash[];
};

export type BatchVerdict =
  | { readonly kind: "right" }
  | { readonly kind: "wrong"; readonly found: FoundFault }
  /** it is wrong, and cannot be proven so now */
  | {
      readonly kind: "unproven";
      readonly why: /** nobody shows the blocks that the batch commits to (F6) */
        | "blocks-unknown"
        /** nor the outcomes that lead to a block's checkpoints (F6) */
        | "leaves-unknown"
        /** nor the transactions that the batch commits to (F6) */
        | "transactions-unknown"
        /** its blocks follow from their transactions, but not from the posted data (F2) */
        | "not-derived";
      /** what of it does not follow */
      readonly reason: string;
    };

export class BatchAudit {
  readonly engine: Engine;
  readonly #rebuild: Rebuild;
  readonly #tickSeconds: number;
  readonly #right: BatchHeader[] = [];
  /** where the chain was before each batch that is right, and after the last */
  readonly #marks: RebuildMark[];

  private constructor(engine: Engine, rebuild: Rebuild, { tickSeconds }: Parameters) {
    this.engine = engine;
    this.#rebuild = rebuild;
    this.#tickSeconds = tickSeconds;
    this.#marks = [rebuild.mark];
  }

  /** @param view has to keep L1's values of all epochs */
  static async start(dac: Dac, view: L1View, parameters: Parameters): Promise<BatchAudit> {
    return new BatchAudit(await createEngine(), await Rebuild.start(dac, view, parameters), parameters);
  }

  /** Batches that were found to be right and stand below the next one. */
  get count(): number {
    return this.#right.length;
  }

  /** The chain as the batches that are right have left it. */
  get rebuild(): Rebuild {
    return this.#rebuild;
  }

  /** State root that a batch is upon, which is right or the next one. */
  stateBefore({ index }: BatchHeader): Hash {
    return this.#marks[Number(index)]!.parent.header.stateRoot;
  }

  /** Takes back all but the first batches, for L1 did. */
  async returnTo(count: number): Promise<void> {
    this.#right.length = count;
    this.#marks.length = count + 1;
    await this.#rebuild.returnTo(this.#marks[count]!);
  }

  /**
   * Judges the chain's next batch, and goes on behind it where it is right.
   * @param shown lists of blocks that it commits to (areCommitted), as they are shown; asked for only where it is wrong. Of several
   * the first that can be proven wrong counts: a list may have other transactions or outcomes than the batch commits to
   * @throws what the engine or the state throws; then the batch is as if it had not been looked at
   */
  async judge(batch: Batch, shown: () => AsyncIterable<readonly ClaimedBlock[]>): Promise<BatchVerdict> {
    const before = this.#rebuild.mark;
    try {
      await this.#rebuild.batch(batch);
    } catch (error) {
      // whatever it is that data cannot be followed by: only what the blocks themselves show counts
      try {
        return await this.#judgeWrong(batch.header, before.parent.header, reasonOf(error), shown());
      } finally {
        await this.#rebuild.returnTo(before);
      }
    }
    this.#right.push(batch.header);
    this.#marks.push(this.#rebuild.mark);
    return { kind: "right" };
  }

  async #judgeWrong(
    batch: BatchHeader,
    before: Header,
    reason: string,
    shown: AsyncIterable<readonly ClaimedBlock[]>,
  ): Promise<BatchVerdict> {
    let verdict: BatchVerdict = { kind: "unproven", why: "blocks-unknown", reason };
    for await (const blocks of shown) {
      verdict = await this.#judgeShown(batch, before, reason, blocks);
      if (verdict.kind === "wrong") return verdict;
    }
    return verdict;
  }

  /** The chain has executed the batch's data as far as they lead. */
  async #judgeShown(
    batch: BatchHeader,
    before: Header,
    reason: string,
    blocks: readonly ClaimedBlock[],
  ): Promise<BatchVerdict> {
    const isOwn = ({ header }: ClaimedBlock, i: number): boolean =>
      hashHeader(header) === this.#rebuild.hashOf(batch.firstBlock + BigInt(i));
    const position = blocks.findIndex((block, i) => !isOwn(block, i));
    if (position < 0) return { kind: "unproven", why: "not-derived", reason };
    const parent = position === 0 ? before : blocks[position - 1]!.header;
    const place = { parent, tickSeconds: this.#tickSeconds };
    const verdict = await blockVerdict(this.engine, this.#rebuild.source, place, blocks[position]!);
    // Proofs about posted data (F2) begin here: the first block that is not what its data lead to, and yet executed rightly.
    if (verdict.kind === "right") return { kind: "unproven", why: "not-derived", reason };
    if (verdict.kind === "leaves-unknown") return { kind: "unproven", why: "leaves-unknown", reason };
    const { fault } = verdict;
    const needsTransactions = fault.proof === "execution" || fault.proof === "checkpoint";
    if (needsTransactions && !areTransactionsCommitted(batch, blocks))
      return { kind: "unproven", why: "transactions-unknown", reason };
    return { kind: "wrong", found: { fault, blocks, position, parent, hashesBefore: this.#hashesBefore() } };
  }

  #hashesBefore(): readonly Hash[] {
    const previous = this.#right.at(-1);
    if (previous === undefined) return [];
    const hashes: Hash[] = [];
    for (let number = previous.firstBlock; number <= previous.lastBlock; number++)
      hashes.push(this.#rebuild.hashOf(number)!);
    return hashes;
  }
}
