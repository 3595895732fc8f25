/**
 * Batches that follow from their data, and of which nobody shows who did the jobs: their evidence is looked for while later ones are judged.
 * A poster that shows it late, or for a price that is too dear, hides nothing but that.
 */
import type { ChainId, Hash } from "@mvm/protocol";
import type { L1View, PostedBatch } from "@mvm/roles";
import type { Batch } from "../rebuild.ts";
import type { AskProgress } from "./asker.ts";
import type { Need } from "./disclosedBlock.ts";
import type { WorkVerdict } from "./workAudit.ts";

export type UnshownBatch = {
  readonly batch: PostedBatch;
  readonly content: Batch;
  /** what would have to be shown next */
  readonly needed: Need;
};
type Kept = UnshownBatch & {
  /** L1 block in which it was found so */
  readonly since: bigint;
  /** whether peers were asked again since: only then it is asked for on L1, which costs */
  readonly isSought: boolean;
};

/** Batches that are kept, with their data; beyond them none is. */
const MAX_KEPT = 256;
/** Of which something is done in one L1 block. */
const TOGETHER = 4;

export class UnshownBatches {
  readonly #view: L1View;
  readonly #chainId: ChainId;
  /** in the order in which they are looked at */
  readonly #kept = new Map<Hash, Kept>();

  constructor(view: L1View, chainId: ChainId) {
    this.#view = view;
    this.#chainId = chainId;
  }

  /** Batches that are kept: one that turns out to be wrong is judged once more, by its data. */
  get hashes(): readonly Hash[] {
    return [...this.#kept.keys()];
  }

  keep(unshown: UnshownBatch): void {
    if (this.#kept.size >= MAX_KEPT) return;
    this.#kept.set(unshown.batch.batchHash, { ...unshown, since: this.#view.block.number, isSought: false });
  }

  /**
   * Takes the next step for some of them, in turn; gives one that is wrong, which is kept no longer.
   * @param by.ask asks for what is needed on L1, a step of it; null: something else had to come first
   * @param by.judge judges by what is shown now
   */
  async seek(by: {
    readonly ask: (unshown: UnshownBatch) => Promise<AskProgress["kind"] | null>;
    readonly judge: (unshown: UnshownBatch) => Promise<WorkVerdict>;
  }): Promise<PostedBatch | null> {
    this.#letGo();
    for (const [batchHash, kept] of [...this.#kept].slice(0, TOGETHER)) {
      // what is gossiped, or a peer that was away, may come in another L1 block
      if (kept.since === this.#view.block.number) continue;
      this.#kept.delete(batchHash);
      this.#kept.set(batchHash, kept);
      if (kept.isSought && (await by.ask(kept)) !== "answered") continue;
      const { wrong, needed } = await by.judge(kept);
      if (wrong.length === 0 && needed !== null) {
        this.#kept.set(batchHash, { ...kept, needed, isSought: true });
        continue;
      }
      this.#kept.delete(batchHash);
      if (wrong.length > 0) return kept.batch;
    }
    return null;
  }

  /** Of what fell, or is final, nothing can be asked for any more. */
  #letGo(): void {
    const standing = new Set(this.#view.batches(this.#chainId).map(({ batchHash }) => batchHash));
    const final = this.#view.finalHead(this.#chainId);
    for (const [batchHash, { batch }] of this.#kept)
      if (!standing.has(batchHash) || batch.header.lastBlock <= final) this.#kept.delete(batchHash);
  }
}
