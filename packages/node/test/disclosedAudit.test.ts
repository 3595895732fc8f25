/** Batches of which nobody shows anything but on L1, by hashes: what is wrong is proven by these, what is right is neither accused nor asked for. */
import {
  type Address,
  type BlockOutcome,
  type DecodedBlock,
  decodeSystemTransaction,
  encodeSystemTransaction,
  hashHeader,
  merkleRoot,
  type SealedBlock,
  settledAccounts,
  settleTransaction,
  transactionsLeaf,
} from "@mvm/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import type { Batch } from "../src/index.ts";
import { BatchAudit, type ShownBlock } from "../src/index.ts";
import { AuditLab, GARBAGE, HEADER_LIES, user } from "./auditLab.ts";
import { transactionOf } from "./blockMaker.ts";
import { CHAIN_ID, FREE_CHARTER, SETTINGS, SLOT, viewOf } from "./world.ts";

let lab: AuditLab;
beforeEach(async () => {
  lab = await AuditLab.start();
});

const shownBy = (...lists: readonly (readonly ShownBlock[])[]) =>
  async function* () {
    yield* lists;
  };
const neverAsked = (): never => {
  throw new Error("what is right is not asked for");
};

/** The verdict on a batch over claimed blocks, all of which L1 is shown; and what had to be asked for. */
async function disclosed(claimed: readonly SealedBlock[], batch: Batch = lab.batchOf(claimed), shown = shownBy()) {
  const { answers, asked } = lab.disclosing(claimed, batch);
  return { verdict: await lab.audit.judge(batch, shown, answers), asked };
}

const lied = (at: number, index: number, lie: Partial<BlockOutcome>): SealedBlock[] => {
  const { outcomes } = lab.blocks[at]!;
  return lab.claiming(at, outcomes.with(index, { ...outcomes[index]!, ...lie }));
};

/** What the end of a block says of its transactions. */
type Closing = { readonly seated: number; readonly l1Fees: bigint; readonly seen: readonly Address[] };

const derivation = (kind: string, position: number) => ({
  kind: "wrong",
  found: { position, fault: { proof: "derivation", derivation: { kind } } },
});

describe("a batch that nobody shows but on L1", () => {
  it("is asked for nothing where it is right", async () => {
    expect(await lab.audit.judge(lab.batchOf(lab.blocks), shownBy(lab.blocks), neverAsked)).toEqual({ kind: "right" });
  });

  it("is asked for one thing after the other, as long as nobody answers for the same", async () => {
    const claimed = lied(1, 1, { gasUsed: 20_000n });
    const batch = lab.batchOf(claimed);
    const { answers } = lab.disclosing(claimed, batch);
    const unproven = { kind: "unproven", why: "blocks-unknown" };
    const needs = (kind: string, position: number) => ({ ...unproven, needed: { item: { kind, position } } });
    expect(await lab.audit.judge(batch, shownBy())).toMatchObject(needs("blocks", 0));
    const first = await lab.audit.judge(batch, shownBy(), async (item) =>
      item.kind === "blocks" ? answers(item) : undefined,
    );
    expect(first).toMatchObject(needs("checkpoints", 1));
    expect(await lab.audit.judge(batch, shownBy(), answers)).toMatchObject({ kind: "wrong", found: { position: 1 } });
  });

  it.each(HEADER_LIES)("is wrong by a header's %s, proven by its %s", async (field, proof, change) => {
    for (const at of [0, 1, 2]) {
      const { verdict, asked } = await disclosed(lab.withHeader(at, change));
      expect(verdict).toMatchObject({ kind: "wrong", found: { position: at, fault: { proof, field } } });
      expect(asked).toEqual(["blocks 0", `checkpoints ${at}`]);
    }
  });

  it("is wrong by a header's randomness, proven by its data", async () => {
    const { verdict } = await disclosed(lab.withHeader(1, () => ({ prevRandao: GARBAGE })));
    expect(verdict).toMatchObject(derivation("time", 1));
  });

  it("is wrong by what a transaction is said to have done, proven by the hash of its checkpoint", async () => {
    for (const [at, index, lie] of [
      [0, 3, { gasUsed: 20_999n }],
      [1, 1, { writes: [] }],
      [2, 0, { writes: [] }],
      [2, 2, { writes: [] }],
    ] as const) {
      const { verdict, asked } = await disclosed(lied(at, index, lie));
      expect(verdict).toMatchObject({ kind: "wrong", found: { position: at, fault: { proof: "execution" } } });
      if (verdict.kind !== "wrong" || verdict.found.fault.proof !== "execution") return;
      const { wrong } = verdict.found.fault;
      expect(wrong).toMatchObject({ index, claimed: wrong.leaves[index], invalid: null });
      expect(asked).toEqual(["blocks 0", `checkpoints ${at}`]);
    }
  });

  it("is wrong by a transaction in its data that may not stand there", async () => {
    const plan = async (nonce: number) => ({ transactions: [await transactionOf(lab.maker.dac, "user", { nonce })] });
    const { block } = await lab.maker.sibling(await plan(3));
    const { raws } = lab.maker.draft(await plan(9));
    lab.blocks = [...lab.blocks, block];
    const claimed = lab.claiming(3, block.outcomes, raws);
    lab.blocks = claimed;
    const { verdict, asked } = await disclosed(claimed);
    const wrong = { index: 1, invalid: "nonce-too-high" };
    expect(verdict).toMatchObject({ kind: "wrong", found: { position: 3, fault: { proof: "execution", wrong } } });
    expect(asked).toEqual(["blocks 0", "checkpoints 3"]);
  });

  it("is asked for a block's checkpoints alone where its header is known", async () => {
    const claimed = lied(1, 1, { gasUsed: 20_000n });
    const hidden = claimed.with(1, { ...claimed[1]!, outcomes: lab.blocks[1]!.outcomes });
    const { verdict, asked } = await disclosed(claimed, lab.batchOf(claimed), shownBy(hidden));
    expect(verdict).toMatchObject({ kind: "wrong", found: { position: 1, fault: { proof: "execution" } } });
    expect(asked).toEqual(["checkpoints 1"]);
  });

  it.each<readonly [string, number, (block: DecodedBlock) => Partial<DecodedBlock>]>([
    ["row", 1, () => ({ transactions: [lab.blocks[2]!.transactions[1]!] })],
    ["count", 2, () => ({ transactions: [] })],
    ["time", 0, () => ({ randomness: GARBAGE })],
    ["context", 1, ({ slot }) => ({ slot: slot + 1n })],
  ])("is wrong by other transactions, or another context, than its data have: by %s", async (kind, at, change) => {
    const { verdict } = await disclosed(lab.blocks, lab.saying(at, change));
    expect(verdict).toMatchObject(derivation(kind, at));
  });

  it("is wrong by a number of the table that is not there", async () => {
    for (const at of [0, 1, 2]) {
      const { verdict } = await disclosed(
        lab.blocks,
        lab.saying(at, () => ({ indexOf: () => 900 })),
      );
      expect(verdict).toMatchObject(derivation("row", at));
    }
  });

  it("is wrong by a slot before that of the batch before", async () => {
    const transactions = [await transactionOf(lab.maker.dac, "user", { nonce: 3 })];
    const back = await lab.maker.next({ slot: SLOT - 1n, transactions, work: { attempt: 0, seats: [0, 1] } });
    expect((await disclosed(lab.blocks)).verdict).toEqual({ kind: "right" });
    lab.blocks = [...lab.blocks, back];
    const { verdict } = await disclosed([back], lab.batchOf([back], 1n));
    expect(verdict).toMatchObject(derivation("slots", 0));
  });

  it("is asked for no header where only its transactions are others", async () => {
    const block = lab.blocks[1]!;
    const claimed = lab.blocks.with(1, {
      ...block,
      transactions: block.transactions.with(1, lab.blocks[2]!.transactions[1]!),
    });
    const { verdict, asked } = await disclosed(claimed);
    expect(verdict).toMatchObject(derivation("row", 1));
    expect(asked).toEqual(["blocks 0", "words 0", "transactions 1"]);
  });

  it("is wrong by the end of a block, whose bytes have to be asked for where its hash alone is known", async () => {
    const batch = lab.saying(1, () => ({ sequencer: user }));
    const index = lab.blocks[1]!.transactions.length - 1;
    const { answers, asked } = lab.disclosing(lab.blocks, batch);
    const withheld: typeof answers = async (item) => (item.kind === "bytes" ? undefined! : answers(item));
    const unproven = await lab.audit.judge(batch, shownBy(), withheld);
    const item = { kind: "bytes", position: 1, index };
    expect(unproven).toMatchObject({ why: "transactions-unknown", needed: { item, word: { count: index + 1 } } });
    asked.length = 0;
    expect(await lab.audit.judge(batch, shownBy(), answers)).toMatchObject(derivation("settle", 1));
    expect(asked).toEqual(["blocks 0", "words 0", "checkpoints 1", "transactions 1", "bytes 1"]);
  });

  it.each<readonly [string, string, (right: Closing) => Partial<Closing>]>([
    ["L1 fees", "closing", ({ l1Fees }) => ({ l1Fees: l1Fees + 1n })],
    ["an address for the table", "closing", ({ seen }) => ({ seen: [...seen, user] })],
    ["a provider less with a fee of its own", "settle", ({ seated }) => ({ seated: seated - 1 })],
  ])("is wrong by %s in the end of a block, whose bytes are asked for", async (_, kind, change) => {
    const block = lab.blocks[1]!;
    const settle = decodeSystemTransaction(block.transactions.at(-1)!, CHAIN_ID);
    const { paid, ...right } = settledAccounts(settle)!;
    const [sequencer, ...providers] = paid;
    const other = settleTransaction(settle.index, { sequencer, providers, ...right, ...change(right) });
    const transactions = block.transactions.with(-1, encodeSystemTransaction(CHAIN_ID, other));
    const { verdict, asked } = await disclosed(lab.blocks.with(1, { ...block, transactions }));
    expect(verdict).toMatchObject(derivation(kind, 1));
    expect(asked).toEqual(["blocks 0", "words 0", "transactions 1", "bytes 1"]);
  });

  it("is proven by paths that L1 can follow: the leaves of both its trees, and the blocks before", async () => {
    const claimed = lied(1, 1, { gasUsed: 20_000n });
    const { verdict } = await disclosed(claimed);
    const hashes = claimed.map(({ header }) => hashHeader(header));
    const words = claimed.map(transactionsLeaf);
    expect(verdict).toMatchObject({ found: { parent: claimed[0]!.header, committed: { hashes, words } } });
    const { header } = lab.batchOf(claimed);
    expect([merkleRoot(hashes), merkleRoot(words)]).toEqual([header.blocksRoot, header.transactionsRoot]);
  });

  it("that is right is accused by nobody, not even by who does not know all of L1", async () => {
    const unknowing = [viewOf([], FREE_CHARTER), viewOf([], FREE_CHARTER, ["another"])];
    const batch = lab.batchOf(lab.blocks);
    const { answers } = lab.disclosing(lab.blocks, batch);
    for (const view of unknowing) {
      const audit = await BatchAudit.start({ ...lab.maker.dac, storageUnits: 1 }, view, SETTINGS);
      for (const shown of [shownBy(), shownBy(lab.blocks)])
        expect(await audit.judge(batch, shown, answers)).toMatchObject({ kind: "unproven" });
    }
  });
});
