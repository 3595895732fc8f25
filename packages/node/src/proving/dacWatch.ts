/** One DAC under the eyes of a prover: its batches are judged in their order, and what is wrong is proven on L1. */
import { type Equivocation, hasEquivocated, type L1Call, proveEquivocation } from "@mvm/l1";
import type { Network, Verdict } from "@mvm/network";
import {
  type Address,
  type Answer,
  type AskItem,
  type BatchHeader,
  CodecError,
  decodeBlock,
  encodeAskItem,
  type Hash,
  isOfBlock,
  isOfTransaction,
  type SealedBlock,
} from "@mvm/protocol";
import { type Dac, judgeGossip, type L1View, type PostedBatch } from "@mvm/roles";
import { type Archive, isMalformed, type PostedData } from "../archive.ts";
import { sizeOf } from "../operator/asking.ts";
import type { Operator } from "../operator/operator.ts";
import type { Log, NetworkSettings } from "../ports.ts";
import { reasonOf } from "../reason.ts";
import type { Batch } from "../rebuild.ts";
import { accusationOf, rangeOpeningOf } from "./accusationOf.ts";
import type { AccusationEnd, Accuser } from "./accuser.ts";
import type { Asker, AskProgress, Wanted } from "./asker.ts";
import type { BatchAudit, BatchVerdict } from "./batchAudit.ts";
import { type FoundFault, factsOf } from "./batchFault.ts";
import type { ShownBlock } from "./claimedBlock.ts";
import type { Need } from "./disclosedBlock.ts";
import { SeenBlocks } from "./seenBlocks.ts";
import { shownBlocks } from "./shownBlocks.ts";
import { startAudit } from "./startAudit.ts";
import { type UnshownBatch, UnshownBatches } from "./unshownBatches.ts";
import { workVerdict } from "./workAudit.ts";

/** What a prover tells, a line each. */
export type ProverReport = { readonly event: string } & Readonly<Record<string, unknown>>;

export type DacWatchOptions = {
  readonly dac: Dac;
  readonly view: L1View;
  readonly settings: NetworkSettings;
  readonly network: Network;
  readonly operator: Operator;
  readonly accuser: Accuser;
  readonly asker: Asker;
  /** batches of all DACs as L1 told of them, by their hashes */
  readonly posted: Map<Hash, PostedData>;
  readonly archive: Archive;
  readonly report: (report: ProverReport) => void;
  readonly log: Log;
};

/** Equivocations that wait to be proven: one for each sequencer. */
const MAX_EQUIVOCATIONS = 256;

/** Epochs after which L1 takes nothing back. */
const SETTLED_EPOCHS = 2;
/** Lines that are remembered so as not to be told twice. */
const MAX_TOLD = 1_024;

type Open = {
  readonly batch: PostedBatch;
  readonly verdict: BatchVerdict;
  /** L1 block in which it was found not to be right */
  readonly since: bigint;
  /** what L1 was shown of it, by the numbers of the items */
  readonly answers: Map<bigint, Answer>;
  /** whether L1 cannot replay at once what is wrong with it */
  inParts: boolean;
  /** what is proven, by which call */
  proof: { readonly found: FoundFault; readonly call: L1Call; readonly part?: object } | null;
  end: AccusationEnd["end"] | null;
};
type Twice = { readonly equivocation: Equivocation; isPending: boolean };

export class DacWatch {
  readonly #options: DacWatchOptions;
  readonly #seen: SeenBlocks;
  /** batches that were found to be right, by index */
  readonly #judged: Hash[] = [];
  /** one of each sequencer, in the order in which they are looked at */
  readonly #equivocations = new Map<Address, Twice>();
  /** told of already: a batch that cannot be proven wrong is looked at again with every block of L1 */
  readonly #told = new Set<string>();
  readonly #unshown: UnshownBatches;
  #audit: BatchAudit | undefined;
  #open: Open | null = null;
  /** whether own asks may be on batches that fell: who starts does not know */
  #isOwed = true;
  #work: Promise<void> | null = null;
  #isDue = false;

  constructor(options: DacWatchOptions) {
    this.#options = options;
    this.#seen = new SeenBlocks(options.settings.network);
    this.#unshown = new UnshownBatches(options.view, options.dac.chainId);
  }

  /** Judges a gossiped block as every node does, and keeps it. */
  gossip(bytes: Uint8Array): Verdict {
    let block: SealedBlock;
    try {
      block = decodeBlock(bytes);
    } catch (error) {
      if (error instanceof CodecError) return { verdict: "reject", reason: error.message };
      throw error;
    }
    const { view, settings, dac } = this.#options;
    if (block.chainId !== dac.chainId) return { verdict: "reject", reason: "block of another chain" };
    const verdict = judgeGossip(view, settings.network, block);
    if (verdict.verdict !== "accept") return verdict;
    const equivocation = this.#seen.add(block);
    if (equivocation === null || this.#equivocations.has(equivocation.sequencer)) return verdict;
    if (this.#equivocations.size < MAX_EQUIVOCATIONS) {
      this.#equivocations.set(equivocation.sequencer, { equivocation, isPending: true });
      this.wake();
    }
    return verdict;
  }

  /** To be told of every block of L1: judges what is new, and goes on with what is under way. */
  wake(): void {
    this.#isDue = true;
    this.#work ??= this.#run().finally(() => {
      this.#work = null;
    });
  }

  /** L1 took blocks back, and may have taken a proof with them. */
  l1Reorg(): void {
    if (this.#open?.end === "proven") this.#open.end = null;
    for (const twice of this.#equivocations.values()) twice.isPending = true;
    this.wake();
  }

  /** A batch of the DAC fell: what was paid for asks on it, or later ones, comes back. */
  fell(): void {
    this.#isOwed = true;
    this.wake();
  }

  /** Waits for what is under way. */
  async stop(): Promise<void> {
    await this.#work;
  }

  async #run(): Promise<void> {
    while (this.#isDue && !this.#options.operator.signal.aborted) {
      this.#isDue = false;
      await this.#attempt(async () => {
        while (await this.#judgeNext());
      });
      this.#letGo();
      await this.#attempt(() => this.#ask());
      await this.#attempt(() => this.#seekEvidence());
      await this.#attempt(() => this.#accuse());
      await this.#attempt(() => this.#accuseTwice());
      await this.#attempt(() => this.#payBack());
    }
  }

  /** What fails is logged, and tried again with the next block of L1; it keeps nothing else from being done. */
  async #attempt(step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      if (!this.#options.operator.signal.aborted) this.#once("proving-failed", reasonOf(error), () => undefined);
    }
  }

  /** Logs what goes wrong, or tells what was found, the first time. */
  #once(code: string, reason: string, tell: () => void): void {
    const key = `${code} ${reason}`;
    if (this.#told.has(key)) return;
    if (this.#told.size >= MAX_TOLD) this.#told.clear();
    this.#told.add(key);
    this.#options.log("warn", code, { label: this.#options.dac.label, reason });
    tell();
  }

  /** Judges the next batch of L1. False: there is none, or it is not right. */
  async #judgeNext(): Promise<boolean> {
    const { dac, view, posted } = this.#options;
    const audit = await this.#auditOf();
    const batches = view.batches(dac.chainId);
    let count = Math.min(this.#judged.length, batches.length);
    while (count > 0 && this.#judged[count - 1] !== batches[count - 1]!.batchHash) count -= 1;
    if (count < this.#judged.length) {
      await audit.returnTo(count);
      this.#judged.length = count;
    }
    const next = batches[count];
    if (next?.batchHash !== this.#open?.batch.batchHash) this.#open = null;
    if (next === undefined || (this.#open !== null && this.#open.verdict.kind === "wrong")) return false;
    const found = posted.get(next.batchHash);
    if (found === undefined) return false;
    const { since = view.block.number, answers = new Map<bigint, Answer>() } = this.#open ?? {};
    const content = isMalformed(found) ? null : await this.#contentOf(next, found);
    const verdict = content === null ? audit.malformed() : await this.#judge(next, { audit, content, answers });
    if (verdict.kind !== "right") {
      this.#open = { batch: next, verdict, since, answers, inParts: false, proof: null, end: null };
      this.#tell(next, verdict);
      return false;
    }
    if (verdict.unshown !== undefined && content !== null) this.#keepUnshown(next, content, verdict.unshown);
    this.#judged.push(next.batchHash);
    this.#seen.forgetUpTo(view.finalHead(dac.chainId));
    return true;
  }

  #contentOf({ timestamp }: PostedBatch, found: PostedData): Promise<Batch> {
    const { archive, dac } = this.#options;
    return archive.batch(found, { label: dac.label, postedAt: timestamp });
  }

  /** Lists of a batch's blocks, as whoever has them shows them. */
  #shownOf({ header }: PostedBatch): () => AsyncIterable<readonly ShownBlock[]> {
    const { settings, network, operator, view } = this.#options;
    const { readTimeoutMs } = settings.parameters;
    const asking = { network, view, seen: this.#seen, readTimeoutMs, signal: operator.signal };
    return () => shownBlocks(asking, header);
  }

  async #judge(
    next: PostedBatch,
    { audit, content, answers }: { audit: BatchAudit; content: Batch; answers: Map<bigint, Answer> },
  ): Promise<BatchVerdict> {
    const { dac, view } = this.#options;
    return audit.judge(content, this.#shownOf(next), (item, known) => this.#answer(next, { item, ...known }, answers), {
      isFinal: next.header.lastBlock <= view.finalHead(dac.chainId),
    });
  }

  /** Lets go of data that nobody will ask for again: of batches that were judged, or fell, and L1 takes none of it back. */
  #letGo(): void {
    const { dac, view, settings, posted } = this.#options;
    const settledBlocks = BigInt(SETTLED_EPOCHS * settings.parameters.epochBlocks);
    const unjudged = view.batches(dac.chainId).slice(this.#judged.length);
    const waiting = new Set([...this.#unshown.hashes, ...unjudged.map(({ batchHash }) => batchHash)]);
    for (const [batchHash, { event }] of posted) {
      const isOld = event.l1Block + settledBlocks < view.block.number;
      if (event.chainId === dac.chainId && isOld && !waiting.has(batchHash)) posted.delete(batchHash);
    }
  }

  async #auditOf(): Promise<BatchAudit> {
    const { dac, view, settings, operator } = this.#options;
    this.#audit ??= await startAudit(operator, dac, { view, settings });
    return this.#audit;
  }

  #tell({ header, batchHash }: PostedBatch, verdict: Exclude<BatchVerdict, { readonly kind: "right" }>): void {
    const place = { dac: this.#options.dac.label, batch: header.index, poster: header.poster };
    if (verdict.kind === "unproven") {
      const { why, reason } = verdict;
      this.#once(why, String(batchHash), () => this.#options.report({ event: "unproven", ...place, why, reason }));
      return;
    }
    const { fault, position } = verdict.found;
    const block = position === null ? {} : { block: header.firstBlock + BigInt(position) };
    this.#options.report({ event: "wrong", ...place, ...block, ...factsOf(fault) });
  }

  /** What L1 was shown of a batch that is wrong; read once. */
  async #answer(batch: PostedBatch, of: Need, answers: Map<bigint, Answer>): Promise<Answer | undefined> {
    const { item } = of;
    const known = answers.get(encodeAskItem(item));
    if (known !== undefined) return known;
    const { header, l1Block } = batch;
    const answer = await this.#options.asker.answer({ ...of, header, fromBlock: l1Block });
    if (answer === undefined) return undefined;
    answers.set(encodeAskItem(item), answer);
    this.#options.report({ event: "answered", ...this.#itemFacts(batch, item), ...sizeOf(answer) });
    return answer;
  }

  #itemFacts({ header }: PostedBatch, item: AskItem): Omit<ProverReport, "event"> {
    const { kind, position } = item;
    const block = isOfBlock(kind) ? { block: header.firstBlock + BigInt(position) } : {};
    const transaction = isOfTransaction(item) ? { transaction: item.index } : {};
    return { dac: this.#options.dac.label, batch: header.index, item: kind, ...block, ...transaction };
  }

  #keepUnshown(batch: PostedBatch, content: Batch, needed: Need): void {
    const { dac, report } = this.#options;
    const { header, batchHash } = batch;
    const place = { dac: dac.label, batch: header.index, poster: header.poster };
    const why = "evidence-unknown";
    const reason = `nobody shows who did the job of block ${header.firstBlock + BigInt(needed.item.position)}`;
    this.#once(why, String(batchHash), () => report({ event: "unproven", ...place, why, reason }));
    this.#unshown.keep({ batch, content, needed });
  }

  /** Looks for evidence that nobody showed; a batch that is wrong by it is the next one to be judged. */
  async #seekEvidence(): Promise<void> {
    const { view, settings, dac } = this.#options;
    const { network } = settings;
    const wrong = await this.#unshown.seek({
      ask: (unshown) => this.#askForNeeded(unshown),
      judge: ({ batch, content }) =>
        workVerdict(content, {
          ...{ view, network, shown: this.#shownOf(batch) },
          answers: (item, known) => this.#answer(batch, { item, ...known }, new Map()),
        }),
    });
    if (wrong === null) return;
    this.#isDue = true;
    const index = view.batches(dac.chainId).findIndex(({ batchHash }) => batchHash === wrong.batchHash);
    if (index < 0 || index >= this.#judged.length) return;
    await (await this.#auditOf()).returnTo(index);
    this.#judged.length = index;
  }

  /** Takes the next step towards what nobody shows of the batch that is wrong. */
  async #ask(): Promise<void> {
    const open = this.#open;
    if (open?.verdict.kind !== "unproven" || open.verdict.needed === null) return;
    // what is gossiped, or a peer that was away, may come in another L1 block
    if (open.since === this.#options.view.block.number) return;
    const { batch, verdict } = open;
    await this.#askForNeeded({ batch, needed: verdict.needed! });
  }

  async #askForNeeded({ batch, needed }: Pick<UnshownBatch, "batch" | "needed">): Promise<AskProgress["kind"] | null> {
    if (needed.data !== undefined && (await this.#isOpening(batch))) return null;
    return this.#askFor(batch, { ...needed, header: batch.header, fromBlock: batch.l1Block });
  }

  /** Whether L1 had to be shown first what the batch's blob holds: it is asked again in its next block. */
  async #isOpening({ header, batchHash }: PostedBatch): Promise<boolean> {
    const { operator, archive, posted } = this.#options;
    const blob = () => archive.blob(posted.get(batchHash)!, operator.l1.transport);
    const opening = await rangeOpeningOf(operator.l1, { header, blob });
    if (opening === null) return false;
    await this.#show(header, opening);
    return true;
  }

  async #show(header: BatchHeader, opening: L1Call): Promise<void> {
    const { accuser, report, dac } = this.#options;
    const { gasUsed, transactionHash } = await accuser.open(opening);
    report({ event: "opened", dac: dac.label, batch: header.index, gasUsed, transactionHash });
  }

  async #askFor(batch: PostedBatch, wanted: Wanted): Promise<AskProgress["kind"]> {
    const { asker, report } = this.#options;
    const { kind, ...facts } = await asker.advance(wanted);
    const { item } = wanted;
    const place = this.#itemFacts(batch, item);
    if (kind === "answered") this.#isDue = true;
    else if (kind === "refused")
      this.#once("not-asked", `${batch.batchHash} ${encodeAskItem(item)}`, () =>
        report({ event: "not-asked", ...place, ...facts }),
      );
    else if (kind !== "waiting") report({ event: kind, ...place, poster: batch.header.poster, ...facts });
    return kind;
  }

  async #payBack(): Promise<void> {
    if (!this.#isOwed) return;
    const { asker, dac, report } = this.#options;
    const paid = await asker.payBack(dac.label);
    this.#isOwed = false;
    if (paid["asksPaidBack"] !== 0) report({ event: "paid-back", dac: dac.label, ...paid });
  }

  /** Takes the next step against the batch that is wrong. */
  async #accuse(): Promise<void> {
    const open = this.#open;
    if (open === null || open.end !== null || open.verdict.kind !== "wrong") return;
    const { accuser, report, dac } = this.#options;
    open.proof ??= await this.#proofOf(open, open.verdict);
    if (open.proof === null) return;
    const { found, call, part } = open.proof;
    const end = await accuser.advance(call);
    if (end === null) return;
    // one that L1 refuted is not made again: it would cost the bond again
    open.end = end.end;
    report({ event: end.end, dac: dac.label, proof: found.fault.proof, ...(part && { part }), ...end });
  }

  /** The proof of what is wrong with the next batch, by L1's own word; null: there is none yet, and it was told why. */
  async #proofOf(
    open: Open,
    { found, others }: Extract<BatchVerdict, { readonly kind: "wrong" }>,
  ): Promise<Open["proof"]> {
    const { operator, report, dac, view, archive, posted } = this.#options;
    const index = this.#judged.length;
    const standing = view.batches(dac.chainId);
    const { header, batchHash } = standing[index]!;
    const blob = () => archive.blob(posted.get(batchHash)!, operator.l1.transport);
    const batch = { header, previous: standing[index - 1]?.header, blob };
    const accusation = await accusationOf(operator, batch, [found, ...others], open);
    if (accusation.kind === "ready") return accusation;
    if (accusation.kind === "unshown") {
      open.inParts = true;
      await this.#askFor(open.batch, accusation.wanted);
      return null;
    }
    if (accusation.kind === "no-verdict") {
      this.#once("no-verdict", accusation.reason, () => report({ event: "no-verdict", dac: dac.label, ...accusation }));
      return null;
    }
    await this.#show(header, accusation.opening);
    // L1 is asked again in its next block
    return null;
  }

  async #accuseTwice(): Promise<void> {
    const { operator, accuser, report, dac } = this.#options;
    for (const [sequencer, twice] of this.#equivocations) {
      const { equivocation } = twice;
      if (twice.isPending) twice.isPending = !(await hasEquivocated(operator.l1, dac.chainId, sequencer));
      if (!twice.isPending) continue;
      // in turn: one that cannot be proven now does not keep others back
      this.#equivocations.delete(sequencer);
      this.#equivocations.set(sequencer, twice);
      const place = { dac: dac.label, proof: "equivocation", block: equivocation.number, poster: sequencer };
      this.#once("equivocation", `${sequencer} ${equivocation.number}`, () => report({ event: "wrong", ...place }));
      const end = await accuser.advance(proveEquivocation(operator.l1.addresses, equivocation));
      if (end !== null) report({ ...place, event: end.end, ...end });
      return;
    }
  }
}
