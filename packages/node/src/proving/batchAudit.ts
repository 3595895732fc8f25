/** Judges a DAC's batches one after the other, upon its state as L1's data give it. */
import { createEngine, type Engine } from "@mvm/evm";
import type { DerivationProof } from "@mvm/l1";
import {
  type BatchHeader,
  type Hash,
  type Header,
  merkleRoot,
  type NetworkIdentity,
  type Parameters,
} from "@mvm/protocol";
import type { Dac, L1View } from "@mvm/roles";
import { StateError } from "@mvm/state";
import type { NetworkSettings } from "../ports.ts";
import { reasonOf } from "../reason.ts";
import { type Batch, Rebuild, type RebuildMark } from "../rebuild.ts";
import { type BatchFault, type FoundFault, positionOf } from "./batchFault.ts";
import { type BlockVerdict, blockVerdict } from "./blockFinding.ts";
import type { ClaimedBlock, ShownBlock } from "./claimedBlock.ts";
import { type Commitments, commitmentsOf, NO_COMMITMENTS } from "./commitments.ts";
import { type DerivationSource, dataFinding, derivationFinding, lastSlot } from "./derivationFinding.ts";
import { type BatchBefore, beforeNext } from "./derivationProofs.ts";
import { type Answers, disclosedBlock, disclosedTransaction, type Need } from "./disclosedBlock.ts";
import { workVerdict } from "./workAudit.ts";

export type BatchVerdict =
  /** unshown: it follows, but nobody shows who did the job of one of its blocks (F6): what L1 would have to be shown next */
  | { readonly kind: "right"; readonly unshown?: Need }
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
      /** what L1 would have to be shown next; null: nothing that can be asked for would help */
      readonly needed: Need | null;
    };
type Right = Extract<BatchVerdict, { readonly kind: "right" }>;
export type Wrong = Extract<BatchVerdict, { readonly kind: "wrong" }>;
type Unproven = Extract<BatchVerdict, { readonly kind: "unproven" }>;

/** What L1's event of a DAC's creation says beside what views keep. */
export type DacFounding = { readonly storageUnits: number };

type FaultAt = { readonly fault: BatchFault; readonly position: number | null };
/** A batch that does not follow from its data, the header of the block before it, and why it does not. */
type WrongBatch = { readonly batch: Batch; readonly before: Header; readonly reason: string };
/** With what it commits to, by a list of blocks that somebody shows of it, and the header of the block before. */
type Shown = WrongBatch & { readonly committed: Commitments };

export class BatchAudit {
  readonly engine: Engine;
  readonly #rebuild: Rebuild;
  readonly #dac: Dac & DacFounding;
  readonly #view: L1View;
  readonly #parameters: Parameters;
  readonly #network: NetworkIdentity;
  readonly #right: BatchBefore[] = [];
  /** where the chain was before each batch that is right, and after the last */
  readonly #marks: RebuildMark[];

  private constructor(options: {
    engine: Engine;
    rebuild: Rebuild;
    dac: Dac & DacFounding;
    view: L1View;
    parameters: Parameters;
    network: NetworkIdentity;
  }) {
    this.engine = options.engine;
    this.#rebuild = options.rebuild;
    this.#dac = options.dac;
    this.#view = options.view;
    this.#parameters = options.parameters;
    this.#network = options.network;
    this.#marks = [this.#rebuild.mark];
  }

  /** @param view has to keep L1's values of all epochs */
  static async start(
    dac: Dac & DacFounding,
    view: L1View,
    { network, parameters }: Pick<NetworkSettings, "network" | "parameters">,
  ): Promise<BatchAudit> {
    const rebuild = await Rebuild.start(dac, view, parameters);
    return new BatchAudit({ engine: await createEngine(), rebuild, dac, view, parameters, network });
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
   * Judges the chain's next batch, and goes on behind it where it follows from its data and nothing shows that others did its jobs.
   * @param shown lists of blocks that it commits to (areCommitted), as they are shown; asked for unless its data alone show that it is
   * wrong, or it is final. Of several the first that can be proven wrong counts: a list may have other transactions, outcomes or evidence
   * than the batch commits to
   * @param answers what L1 was shown of it; looked at where nobody shows what it takes to judge it
   * @param isFinal whether it is: then who did its blocks' jobs changes nothing any more, and nobody can be asked for it
   * @throws what the engine or the state throws; then the batch is as if it had not been looked at
   */
  async judge(
    batch: Batch,
    shown: () => AsyncIterable<readonly ShownBlock[]>,
    answers: Answers = async () => undefined,
    { isFinal = false }: { readonly isFinal?: boolean } = {},
  ): Promise<BatchVerdict> {
    const before = this.#rebuild.mark;
    let blocks: Awaited<ReturnType<Rebuild["batch"]>>;
    try {
      blocks = await this.#rebuild.batch(batch);
    } catch (error) {
      // whatever it is that data cannot be followed by: only what the blocks, or the data, themselves show counts
      try {
        const wrong = { batch, before: before.parent.header, reason: reasonOf(error) };
        return await this.#judgeWrong(wrong, shown, answers);
      } finally {
        await this.#rebuild.returnTo(before);
      }
    }
    const committed = commitmentsOf(blocks);
    try {
      const place = { committed, before: before.parent.header };
      const verdict = isFinal ? ({ kind: "right" } as const) : await this.#judgeWork(batch, place, { shown, answers });
      if (verdict.kind === "wrong") await this.#rebuild.returnTo(before);
      else {
        this.#right.push(beforeNext({ ...batch, ...committed }, lastSlot(batch)));
        this.#marks.push(this.#rebuild.mark);
      }
      return verdict;
    } catch (error) {
      await this.#rebuild.returnTo(before);
      throw error;
    }
  }

  /** Of a batch that follows from its data. */
  async #judgeWork(
    batch: Batch,
    place: Pick<Shown, "before" | "committed">,
    showing: { readonly shown: () => AsyncIterable<readonly ShownBlock[]>; readonly answers: Answers },
  ): Promise<Right | Wrong> {
    const { wrong, needed } = await workVerdict(batch, { view: this.#view, network: this.#network, ...showing });
    if (wrong.length > 0)
      return this.#wrong(
        place,
        wrong.map((work) => ({ fault: { proof: "work", work }, position: work.position })),
      );
    return { kind: "right", ...(needed && { unshown: needed }) };
  }

  /** What the chain's next batch is where its blob holds no data: nothing of it can be executed, and nobody has to show anything. */
  malformed(): Wrong {
    const before = this.#rebuild.head.header;
    return this.#wrong({ before, committed: NO_COMMITMENTS }, [this.#derivation({ kind: "blob", proof: {} })]);
  }

  async #judgeWrong(
    wrong: WrongBatch,
    shown: () => AsyncIterable<readonly ShownBlock[]>,
    answers: Answers,
  ): Promise<BatchVerdict> {
    const { batch, reason } = wrong;
    const plain = dataFinding(batch, this.#right.at(-1)?.header);
    if (plain !== null) return this.#wrong({ ...wrong, committed: NO_COMMITMENTS }, [this.#derivation(plain)]);
    let unproven: Unproven = { kind: "unproven", why: "blocks-unknown", reason, needed: null };
    let seen: Commitments | null = null;
    for await (const blocks of shown()) {
      const committed = commitmentsOf(blocks);
      const verdict = await this.#judgeShown({ ...wrong, committed }, blocks);
      if (verdict.kind === "wrong") return verdict;
      // a list with other transactions than the batch commits to tells less
      if (seen !== null && verdict.why === "transactions-unknown") continue;
      [seen, unproven] = [committed, verdict];
    }
    return unproven.why === "not-derived" ? unproven : this.#judgeDisclosed(wrong, { unproven, seen, answers });
  }

  /** By what L1 was shown, which is checked; or says what it would have to be shown next. */
  async #judgeDisclosed(
    wrong: WrongBatch,
    { unproven, seen, answers }: { unproven: Unproven; seen: Commitments | null; answers: Answers },
  ): Promise<BatchVerdict> {
    const { header } = wrong.batch;
    const found = await disclosedBlock(header, this.#rebuild.followed, seen, answers);
    if (found === null) return { ...unproven, why: "not-derived" };
    if ("needed" in found) return { ...unproven, needed: found.needed };
    const { position, leaves } = found;
    let { committed } = found;
    for (;;) {
      const { transactions, header: block } = committed.blocks[position]!;
      const shown = { ...wrong, committed };
      const claimed = leaves && { chainId: header.chainId, header: block, transactions, leaves };
      const verdict = await this.#blockVerdict(shown, position, claimed);
      const faults: FaultAt[] = verdict.kind === "wrong" ? [{ fault: verdict.fault, position }] : [];
      const derivation = this.#derivationFinding(shown);
      if (derivation !== null) faults.push(this.#derivation(derivation));
      if (faults.length > 0) return this.#wrong(shown, faults);
      const more = await disclosedTransaction({ committed, position }, answers);
      if (more === null) return { ...unproven, why: "not-derived" };
      if ("needed" in more) return { ...unproven, why: "transactions-unknown", needed: more.needed };
      committed = more;
    }
  }

  /** Of a block upon blocks that are right; null: it is one of these. */
  async #blockVerdict(
    { committed, before }: Shown,
    position: number,
    block: ClaimedBlock | null,
  ): Promise<BlockVerdict> {
    if (block === null) return { kind: "right" };
    const parent = position > 0 ? committed.blocks[position - 1]!.header : before;
    const { tickSeconds } = this.#parameters;
    return blockVerdict(this.engine, this.#rebuild.source, { parent, tickSeconds }, block);
  }

  /** The chain has executed the batch's data as far as they lead. */
  async #judgeShown(shown: Shown, blocks: readonly ShownBlock[]): Promise<Exclude<BatchVerdict, Right>> {
    const { batch, committed, reason } = shown;
    const { firstBlock, transactionsRoot } = batch.header;
    const position = committed.hashes.findIndex((hash, i) => hash !== this.#rebuild.hashOf(firstBlock + BigInt(i)));
    const verdict = await this.#blockVerdict(shown, position, blocks[position] ?? null);
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
    const unproven = { kind: "unproven", reason, needed: null } as const;
    if (!isCommitted) return { ...unproven, why: "transactions-unknown" };
    return { ...unproven, why: verdict.kind === "leaves-unknown" ? "leaves-unknown" : "not-derived" };
  }

  #derivation(derivation: DerivationProof): FaultAt {
    return { fault: { proof: "derivation", derivation }, position: positionOf(derivation) };
  }

  #wrong({ before, committed }: Pick<Shown, "before" | "committed">, faults: readonly FaultAt[]): Wrong {
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
      providerAt: (index) => this.#view.provider(index)?.operator,
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
