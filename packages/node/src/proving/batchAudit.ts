/** Judges a DAC's batches one after the other, upon its state as L1's data give it. */
import { createEngine, type Engine } from "@mvm/evm";
import type { DerivationProof } from "@mvm/l1";
import { type BatchHeader, type Hash, type Header, merkleRoot, type Parameters } from "@mvm/protocol";
import type { Dac, L1View } from "@mvm/roles";
import { StateError } from "@mvm/state";
import { reasonOf } from "../reason.ts";
import { type Batch, Rebuild, type RebuildMark } from "../rebuild.ts";
import { type BatchFault, type FoundFault, positionOf } from "./batchFault.ts";
import { blockVerdict } from "./blockFinding.ts";
import type { ClaimedBlock } from "./claimedBlock.ts";
import { type Commitments, commitmentsOf, NO_COMMITMENTS } from "./commitments.ts";
import { type DerivationSource, dataFinding, derivationFinding, lastSlot } from "./derivationFinding.ts";
import { type BatchBefore, beforeNext } from "./derivationProofs.ts";

export type BatchVerdict =
  | { readonly kind: "right" }
  /** others: what else shows it, where L1 does not see the first */
  | { readonly kind: "wrong"; readonly found: FoundFault; readonly others: readonly FoundFault[] }
  /** it is wrong, and cannot be proven so now */
  | {
      readonly kind: "unproven";
      readonly why: /** nobody shows the blocks that the batch commits to (F6) */
        | "blocks-unknown"
        /** nor the outcomes that lead to a block's checkpoints (F6) */
        | "leaves-unknown"
        /** nor the transactions that the batch commits to (F6) */
        | "transactions-unknown"
        /** its blocks follow from their transactions, but not from the posted data, by a rule that no proof is of (decision 039) */
        | "not-derived";
      /** what of it does not follow */
      readonly reason: string;
    };

/** What L1's event of a DAC's creation says beside what views keep. */
export type DacFounding = { readonly storageUnits: number };

type FaultAt = { readonly fault: BatchFault; readonly position: number | null };
/** A batch with a list of blocks that somebody shows of it, and the header of the block before. */
type Shown = { readonly batch: Batch; readonly committed: Commitments; readonly before: Header };

export class BatchAudit {
  readonly engine: Engine;
  readonly #rebuild: Rebuild;
  readonly #dac: Dac & DacFounding;
  readonly #view: L1View;
  readonly #parameters: Parameters;
  readonly #right: BatchBefore[] = [];
  /** where the chain was before each batch that is right, and after the last */
  readonly #marks: RebuildMark[];

  private constructor(options: {
    engine: Engine;
    rebuild: Rebuild;
    dac: Dac & DacFounding;
    view: L1View;
    parameters: Parameters;
  }) {
    this.engine = options.engine;
    this.#rebuild = options.rebuild;
    this.#dac = options.dac;
    this.#view = options.view;
    this.#parameters = options.parameters;
    this.#marks = [this.#rebuild.mark];
  }

  /** @param view has to keep L1's values of all epochs */
  static async start(dac: Dac & DacFounding, view: L1View, parameters: Parameters): Promise<BatchAudit> {
    const rebuild = await Rebuild.start(dac, view, parameters);
    return new BatchAudit({ engine: await createEngine(), rebuild, dac, view, parameters });
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
   * @param shown lists of blocks that it commits to (areCommitted), as they are shown; asked for only where it is wrong, and its data
   * do not show that. Of several the first that can be proven wrong counts: a list may have other transactions or outcomes than the
   * batch commits to
   * @throws what the engine or the state throws; then the batch is as if it had not been looked at
   */
  async judge(batch: Batch, shown: () => AsyncIterable<readonly ClaimedBlock[]>): Promise<BatchVerdict> {
    const before = this.#rebuild.mark;
    let blocks: Awaited<ReturnType<Rebuild["batch"]>>;
    try {
      blocks = await this.#rebuild.batch(batch);
    } catch (error) {
      // whatever it is that data cannot be followed by: only what the blocks, or the data, themselves show counts
      try {
        return await this.#judgeWrong(batch, before.parent.header, reasonOf(error), shown);
      } finally {
        await this.#rebuild.returnTo(before);
      }
    }
    this.#right.push(beforeNext({ ...batch, ...commitmentsOf(blocks) }, lastSlot(batch)));
    this.#marks.push(this.#rebuild.mark);
    return { kind: "right" };
  }

  async #judgeWrong(
    batch: Batch,
    before: Header,
    reason: string,
    shown: () => AsyncIterable<readonly ClaimedBlock[]>,
  ): Promise<BatchVerdict> {
    const plain = dataFinding(batch, this.#right.at(-1)?.header);
    if (plain !== null) return this.#wrong({ batch, before, committed: NO_COMMITMENTS }, [this.#derivation(plain)]);
    let verdict: BatchVerdict = { kind: "unproven", why: "blocks-unknown", reason };
    for await (const blocks of shown()) {
      verdict = await this.#judgeShown({ batch, before, committed: commitmentsOf(blocks) }, blocks, reason);
      if (verdict.kind === "wrong") return verdict;
    }
    return verdict;
  }

  /** The chain has executed the batch's data as far as they lead. */
  async #judgeShown(shown: Shown, blocks: readonly ClaimedBlock[], reason: string): Promise<BatchVerdict> {
    const { batch, committed, before } = shown;
    const { firstBlock, transactionsRoot } = batch.header;
    const position = committed.hashes.findIndex((hash, i) => hash !== this.#rebuild.hashOf(firstBlock + BigInt(i)));
    const parent = position > 0 ? blocks[position - 1]!.header : before;
    const place = { parent, tickSeconds: this.#parameters.tickSeconds };
    const verdict =
      position < 0
        ? ({ kind: "right" } as const)
        : await blockVerdict(this.engine, this.#rebuild.source, place, blocks[position]!);
    const isCommitted = merkleRoot(committed.words) === transactionsRoot;
    const faults: FaultAt[] = [];
    if (verdict.kind === "wrong") {
      const { fault } = verdict;
      const needsTransactions = fault.proof === "execution" || fault.proof === "checkpoint";
      if (isCommitted || !needsTransactions) faults.push({ fault, position });
    }
    const derivation = isCommitted ? this.#derivationFinding(shown) : null;
    if (derivation !== null) faults.push(this.#derivation(derivation));
    if (faults.length > 0) return this.#wrong(shown, faults);
    if (!isCommitted) return { kind: "unproven", why: "transactions-unknown", reason };
    return { kind: "unproven", why: verdict.kind === "leaves-unknown" ? "leaves-unknown" : "not-derived", reason };
  }

  #derivation(derivation: DerivationProof): FaultAt {
    return { fault: { proof: "derivation", derivation }, position: positionOf(derivation) };
  }

  #wrong({ before, committed }: Shown, faults: readonly FaultAt[]): BatchVerdict {
    const hashesBefore = this.#hashesBefore();
    const [found, ...others] = faults.map(({ fault, position }): FoundFault => {
      const parent = position === null || position === 0 ? before : committed.blocks[position - 1]!.header;
      return { fault, committed, position, parent, hashesBefore };
    });
    return { kind: "wrong", found: found!, others };
  }

  /** What of shown blocks does not follow; null also where what is known of L1, or of the state, is not enough to tell. */
  #derivationFinding({ batch, committed, before }: Shown): DerivationProof | null {
    const { chainId, founding, storageUnits } = this.#dac;
    const source: DerivationSource = {
      valuesOf: (slot) => this.#view.valuesOf(slot),
      queueItem: (index) => this.#view.queuedItem(chainId, index),
      providerAt: (index) => this.#view.provider(index),
      founding,
      storageUnits,
      epochBlocks: this.#parameters.epochBlocks,
      previous: this.#right.at(-1),
      parent: before,
      addressAt: (position, index) =>
        this.#rebuild.addressAt((position === 0 ? before : committed.blocks[position - 1]!.header).stateRoot, index),
      nodes: this.#rebuild.source.nodes,
    };
    try {
      return derivationFinding({ ...batch, ...committed }, source);
    } catch (error) {
      if (error instanceof RangeError || error instanceof StateError) return null;
      throw error;
    }
  }

  #hashesBefore(): readonly Hash[] {
    const previous = this.#right.at(-1)?.header;
    if (previous === undefined) return [];
    const hashes: Hash[] = [];
    for (let number = previous.firstBlock; number <= previous.lastBlock; number++)
      hashes.push(this.#rebuild.hashOf(number)!);
    return hashes;
  }
}
