/** A prover's judgement of batches: what is right is never called wrong, what is wrong is called so with the proof that L1 takes. */
import {
  concatBytes,
  type DecodedBlock,
  decodeTransaction,
  hashHeader,
  inCalldata,
  LIMITS,
  type SealedBlock,
} from "@mvm/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import type { Batch, ShownBlock } from "../src/index.ts";
import { AuditLab, GARBAGE, HEADER_LIES, user } from "./auditLab.ts";
import { BlockMaker, transactionOf } from "./blockMaker.ts";
import { CHAIN_ID, SLOT } from "./world.ts";

let lab: AuditLab;
let view: AuditLab["view"];
let maker: AuditLab["maker"];
let blocks: readonly SealedBlock[];
let audit: AuditLab["audit"];

beforeEach(async () => {
  lab = await AuditLab.start();
  ({ view, maker, blocks, audit } = lab);
});

const batchOf = (claimed: readonly SealedBlock[], index = 0n): Batch => lab.batchOf(claimed, index);
const saying: AuditLab["saying"] = (at, change) => lab.saying(at, change);
const withHeader: AuditLab["withHeader"] = (at, change) => lab.withHeader(at, change);

const derivation = (kind: string, position: number | null) => ({
  kind: "wrong",
  found: { position, fault: { proof: "derivation", derivation: { kind } } },
});

const shownBy = (...lists: readonly (readonly ShownBlock[])[]) =>
  async function* () {
    yield* lists;
  };
const neverAsked = (): never => {
  throw new Error("what is right needs nobody's word");
};
const judge = (claimed: readonly SealedBlock[], index = 0n) => audit.judge(batchOf(claimed, index), shownBy(claimed));

describe("a batch", () => {
  it("is right where its data lead to its blocks, whoever shows their evidence, and nobody has to once it is final", async () => {
    const others = withHeader(0, () => ({ stateRoot: GARBAGE }));
    expect(await audit.judge(batchOf(blocks.slice(0, 1)), shownBy(others))).toEqual({ kind: "right" });
    const second = batchOf(blocks.slice(1), 1n);
    expect(await audit.judge(second, neverAsked, undefined, { isFinal: true })).toEqual({ kind: "right" });
    expect(audit.rebuild.head.hash).toBe(hashHeader(blocks[2]!.header));
  });

  it.each(HEADER_LIES)("is wrong by a header's %s, proven by its %s", async (field, proof, change) => {
    for (const at of [0, 1, 2]) {
      const claimed = withHeader(at, change);
      const verdict = await judge(claimed);
      expect(verdict).toMatchObject({ kind: "wrong", found: { position: at, fault: { proof, field } } });
    }
  });

  it("is wrong by what a transaction is said to have done, where its outcomes are known", async () => {
    const { outcomes } = blocks[1]!;
    const claimed = lab.claiming(1, outcomes.with(1, { ...outcomes[1]!, gasUsed: outcomes[1]!.gasUsed - 1n }));
    const wrong = { claimed: { index: 1 }, invalid: null };
    expect(await judge(claimed)).toMatchObject({
      kind: "wrong",
      found: { position: 1, fault: { proof: "execution", wrong } },
    });
    const hidden = claimed.with(1, { ...claimed[1]!, outcomes });
    expect(await audit.judge(batchOf(claimed), shownBy(hidden))).toMatchObject({
      kind: "unproven",
      why: "leaves-unknown",
    });
    // a poster that shows others hides nothing that anybody else shows
    for (const shown of [shownBy(hidden, claimed), shownBy(claimed, hidden)])
      expect(await audit.judge(batchOf(claimed), shown)).toMatchObject({ kind: "wrong", found: { position: 1 } });
  });

  it("stays unproven where nobody shows its blocks, or other transactions than it commits to", async () => {
    const claimed = withHeader(1, () => ({ stateRoot: GARBAGE }));
    expect(await audit.judge(batchOf(claimed), shownBy())).toMatchObject({
      kind: "unproven",
      why: "blocks-unknown",
    });
    const { header, ...content } = batchOf(claimed);
    const other = { header: { ...header, transactionsRoot: GARBAGE }, ...content };
    expect(await audit.judge(other, shownBy(claimed))).toMatchObject({ kind: "unproven", why: "transactions-unknown" });
  });

  it("is wrong by data that cannot be decoded, or lead to another end of the queue, whatever anybody shows of it", async () => {
    const { header, ...content } = batchOf(blocks);
    const longer = concatBytes(content.data, Uint8Array.of(0));
    const form = { header: { ...header, ...inCalldata(longer) }, ...content, data: longer };
    expect(await audit.judge(form, neverAsked)).toMatchObject(derivation("form", null));
    const queueEnd = { header: { ...header, queueEnd: header.queueEnd + 1n }, ...content };
    expect(await audit.judge(queueEnd, neverAsked)).toMatchObject(derivation("queueEnd", null));
    expect(await judge(blocks)).toEqual({ kind: "right" });
  });

  it("is wrong by a block that was too far ahead of L1 when it was posted, whatever anybody shows of it, and right where it was not", async () => {
    const batch = batchOf(blocks);
    const postedAt = blocks[2]!.header.timestamp - LIMITS.timestampLeadSeconds;
    const early = { ...batch, postedAt: postedAt - 1n };
    expect(await audit.judge(early, neverAsked)).toMatchObject(derivation("ahead", null));
    expect(await audit.judge({ ...batch, postedAt }, shownBy(blocks))).toEqual({ kind: "right" });
  });

  it("is wrong by its blob where that holds no data; the chain stays where it was", async () => {
    expect(audit.malformed()).toMatchObject(derivation("blob", null));
    expect(await judge(blocks)).toEqual({ kind: "right" });
  });

  it.each<readonly [string, number, (block: DecodedBlock) => Partial<DecodedBlock>]>([
    ["row", 1, () => ({ transactions: [blocks[2]!.transactions[1]!] })],
    ["count", 2, () => ({ transactions: [] })],
    ["time", 2, ({ timestamp }) => ({ timestamp: timestamp + 1n })],
    ["time", 0, () => ({ randomness: GARBAGE })],
    ["context", 1, ({ slot }) => ({ slot: slot + 1n })],
    ["settle", 1, () => ({ sequencer: user })],
    ["settle", 1, ({ work }) => ({ work: { ...work, attempt: 1 } })],
    ["settle", 1, () => ({ work: { attempt: 0, seats: [0, 9] } })],
  ])("is wrong by its data, proven by %s, where block %i is right", async (kind, at, change) => {
    const verdict = await audit.judge(saying(at, change), shownBy(blocks));
    expect(verdict).toMatchObject(derivation(kind, at));
  });

  it("is wrong by a number of the table that is not there, in any of its blocks", async () => {
    for (const at of [0, 1, 2]) {
      const indexOf = () => 900;
      const batch = saying(at, () => ({ indexOf }));
      expect(await audit.judge(batch, shownBy(blocks))).toMatchObject(derivation("row", at));
    }
  });

  it("is wrong by an item of the queue, or a context, that is not L1's and was executed rightly", async () => {
    const first = blocks[0]!;
    const items = view.queueItems(CHAIN_ID, 0n, SLOT).map((item) => ({ ...item, mint: 10n ** 19n }));
    for (const [kind, plan] of [
      ["item", { queueItems: items }],
      ["context", { l1BaseFee: first.context.l1BaseFee + 1n, queueItems: view.queueItems(CHAIN_ID, 0n, SLOT) }],
    ] as const) {
      const other = await BlockMaker.start(view);
      const transactions = [decodeTransaction(first.transactions[3]!, CHAIN_ID)];
      const forged = await other.next({ ...plan, transactions });
      const claimed = [forged];
      expect(await judge(claimed)).toMatchObject(derivation(kind, 0));
    }
  });

  it("is wrong by a slot before that of the batch before", async () => {
    const back = await maker.next({
      slot: SLOT - 1n,
      transactions: [await transactionOf(maker.dac, "user", { nonce: 3 })],
      work: { attempt: 0, seats: [0, 1] },
    });
    blocks = [...blocks, back];
    lab.blocks = blocks;
    expect(await judge(blocks.slice(0, 3))).toEqual({ kind: "right" });
    const verdict = await judge([back], 1n);
    expect(verdict).toMatchObject(derivation("slots", 0));
    const previous = [batchOf(blocks.slice(0, 3)).header];
    expect(verdict).toMatchObject({ found: { fault: { derivation: { proof: { previous } } } } });
  });

  it("that is wrong in more than one way is shown by each: L1 may not see one of them", async () => {
    const claimed = withHeader(1, () => ({ stateRoot: GARBAGE }));
    const { header } = batchOf(claimed);
    const { header: said, ...content } = saying(1, ({ timestamp }) => ({ timestamp: timestamp + 1n }));
    const verdict = await audit.judge({ header: { ...header, dataHash: said.dataHash }, ...content }, shownBy(claimed));
    expect(verdict).toMatchObject({
      kind: "wrong",
      found: { position: 1, fault: { proof: "checkpoint", field: "stateRoot" } },
      others: [derivation("time", 1).found],
    });
  });

  it("is not accused by its data where nobody shows the transactions that it commits to", async () => {
    const { header, ...content } = saying(1, () => ({ transactions: [] }));
    const hidden = { header: { ...header, transactionsRoot: GARBAGE }, ...content };
    expect(await audit.judge(hidden, shownBy(blocks))).toMatchObject({ kind: "unproven", why: "transactions-unknown" });
  });

  it("that is wrong leaves nothing behind: the right one in its place is judged as if it had not been", async () => {
    expect(await judge(blocks.slice(0, 1))).toEqual({ kind: "right" });
    const claimed = withHeader(2, () => ({ stateRoot: GARBAGE })).slice(1);
    expect(await judge(claimed, 1n)).toMatchObject({ kind: "wrong", found: { position: 1 } });
    expect(audit.count).toBe(1);
    expect(await judge(blocks.slice(1), 1n)).toEqual({ kind: "right" });
    await audit.returnTo(0);
    expect(await judge(blocks)).toEqual({ kind: "right" });
  });

  it("is shown by what stands before it: the hashes of the batch before, for its first block", async () => {
    expect(await judge(blocks.slice(0, 2))).toEqual({ kind: "right" });
    const verdict = await judge(withHeader(2, () => ({ parentHash: GARBAGE })).slice(2), 1n);
    expect(verdict).toMatchObject({
      kind: "wrong",
      found: { position: 0, hashesBefore: blocks.slice(0, 2).map(({ header }) => hashHeader(header)) },
    });
  });
});
