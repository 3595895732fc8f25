/** A prover's judgement of who did the jobs of a batch's blocks (F4): right work is never accused, wrong work is by the proof that L1 takes. */
import {
  evidenceHash,
  type Hash,
  jobIdOf,
  NO_WORK,
  resultDigest,
  type SealedBlock,
  shownEvidence,
  type WorkEvidence,
  ZERO_HASH,
} from "@mvm/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import type { Batch, ShownBlock } from "../src/index.ts";
import { AuditLab, GARBAGE, user } from "./auditLab.ts";
import { transactionOf } from "./blockMaker.ts";
import { CHAIN_ID, deposit, identityOf, SETTINGS, SLOT } from "./world.ts";

let lab: AuditLab;
let blocks: readonly SealedBlock[];
beforeEach(async () => {
  lab = await AuditLab.start();
  ({ blocks } = lab);
});

const shownBy = (...lists: readonly (readonly ShownBlock[])[]) =>
  async function* () {
    yield* lists;
  };
const judge = (batch: Batch, ...lists: readonly (readonly ShownBlock[])[]) => lab.audit.judge(batch, shownBy(...lists));
const right = (): ReturnType<typeof judge> => judge(lab.batchOf(blocks), blocks);
const work = (kind: string, position: number) => ({ position, fault: { proof: "work", work: { kind, position } } });

/** The blocks with other evidence of one; and the batch that commits to it. */
function showing(at: number, change: Partial<WorkEvidence>): { claimed: readonly SealedBlock[]; batch: Batch } {
  const block = blocks[at]!;
  const evidence = { ...block.evidence!, ...change };
  const committed = evidenceHash(evidence);
  const claimed = blocks.with(at, { ...block, evidence, context: { ...block.context, evidence: committed } });
  return { claimed, batch: lab.saying(at, () => ({ evidence: committed })) };
}

/** What the first provider signs of a block's job. */
const signedBy = (name: string, { context }: SealedBlock, result: Hash): WorkEvidence["signatures"][number] =>
  identityOf(name).bls.sign(resultDigest(SETTINGS.network, jobIdOf(context.randomness, context.work.attempt), result));

describe("evidence of who did the jobs of a batch's blocks", () => {
  it("is taken from whoever shows what was committed to, peers or L1, and one list need not have all of it", async () => {
    const none = blocks.map((block) => ({ ...block, evidence: null }));
    const batch = lab.batchOf(blocks);
    expect(await judge(batch, none, blocks.with(0, none[0]!), blocks.with(2, none[2]!))).toEqual({ kind: "right" });
    await lab.audit.returnTo(0);
    const { answers, asked } = lab.disclosing(blocks, batch);
    expect(await lab.audit.judge(batch, shownBy(blocks.with(1, none[1]!)), answers)).toEqual({ kind: "right" });
    expect(asked).toEqual(["evidence 1"]);
  });

  it("is asked for where nobody shows it, block by block, with the data that say its hash", async () => {
    const batch = lab.batchOf(blocks);
    const others = showing(1, { result: GARBAGE }).claimed;
    for (const lists of [[], [blocks.map((block) => ({ ...block, evidence: null }))], [others]]) {
      const position = lists[0] === others ? 1 : 0;
      const needed = { item: { kind: "evidence", position }, evidenceHash: blocks[position]!.context.evidence };
      const verdict = await judge(batch, ...lists);
      expect(verdict).toMatchObject({ kind: "right", unshown: { ...needed, data: batch.data } });
      // later ones are judged meanwhile
      expect(lab.audit.count).toBe(1);
      await lab.audit.returnTo(0);
    }
    expect(await right()).toEqual({ kind: "right" });
  });

  it("that was never made is asked for, whatever everybody has of the block", async () => {
    const batch = lab.saying(2, () => ({ evidence: GARBAGE }));
    const needed = { item: { kind: "evidence", position: 2 }, evidenceHash: GARBAGE };
    expect(await judge(batch, blocks)).toMatchObject({ kind: "right", unshown: needed });
  });
});

describe("a batch", () => {
  it("is wrong by a result that a seat did not sign, or by another number of signatures, and leaves nothing behind", async () => {
    const [one, two] = blocks[1]!.evidence!.signatures;
    for (const change of [
      { signatures: [blocks[1]!.evidence!.proof, two!] },
      { signatures: [one!, signedBy("stranger", blocks[1]!, blocks[1]!.evidence!.result)] },
      { signatures: [one!] },
      { signatures: [] },
      { result: ZERO_HASH },
    ]) {
      const { claimed, batch } = showing(1, change);
      expect(await judge(batch, claimed)).toMatchObject({ kind: "wrong", found: work("signature", 1), others: [] });
      expect(lab.audit.count).toBe(0);
    }
    expect(await right()).toEqual({ kind: "right" });
  });

  it("is wrong by a proof that its sequencer did not make for the block", async () => {
    for (const proof of [blocks[0]!.evidence!.proof, blocks[1]!.evidence!.signatures[0]!]) {
      const { claimed, batch } = showing(1, { proof });
      const publicKey = identityOf("sequencer").bls.publicKey;
      const verdict = await judge(batch, claimed);
      expect(verdict).toMatchObject({ kind: "wrong", found: work("randomness", 1) });
      const evidence = shownEvidence(claimed[1]!.evidence!);
      expect(verdict).toMatchObject({ found: { fault: { work: { publicKey, evidence } } } });
    }
  });

  it("is wrong by seats of others than their holders, though nobody shows any evidence, by a path to the holder", async () => {
    const transactions = [await transactionOf(lab.maker.dac, "user", { nonce: 3 })];
    const { block } = await lab.maker.sibling({ transactions });
    const { randomness } = block.context;
    const holders = lab.view.seatsOf(block.context.slot, jobIdOf(randomness, 0)).map(({ index }) => index);
    const others = [holders[0]!, holders[1] === 0 ? 1 : 0];
    const forged = await lab.maker.next({ transactions, work: { attempt: 0, seats: others } });
    lab.blocks = [...blocks, forged];
    const batch = lab.batchOf(lab.blocks);
    const verdict = await judge(batch);
    const fault = { served: 1, holder: { index: holders[1] } };
    expect(verdict).toMatchObject({ kind: "wrong", found: work("seat", 3) });
    expect(verdict).toMatchObject({ found: { fault: { work: fault } } });
  });

  it("that has no job to do is right by its proof alone", async () => {
    deposit(lab.view, 1n, user, 1n);
    const idle = await lab.maker.next({ queueItems: lab.view.queueItems(CHAIN_ID, 1n, SLOT) });
    expect([idle.context.work, idle.evidence!.signatures]).toEqual([NO_WORK, []]);
    expect(await right()).toEqual({ kind: "right" });
    lab.blocks = [...blocks, idle];
    expect(await judge(lab.batchOf([idle], 1n), [idle])).toEqual({ kind: "right" });
    await lab.audit.returnTo(1);
    expect(await judge(lab.batchOf([idle], 1n))).toMatchObject({ kind: "right", unshown: { item: { position: 0 } } });
  });
});
