import {
  type Address,
  type BatchHeader,
  buildBatch,
  type Charter,
  decodeBatchData,
  encodeBatchData,
  hashHeader,
  type PostedBlock,
  type SealedBlock,
  toChainId,
} from "@mvm/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { Rebuild, RebuildError } from "../src/index.ts";
import { BlockMaker, TOKEN_INITCODE, tokenTransfer, transactionOf } from "./blockMaker.ts";
import {
  CHAIN_ID,
  deposit,
  FREE_CHARTER,
  hashOfText,
  identityOf,
  queueOthers,
  SETTINGS,
  SLOT,
  viewOf,
} from "./world.ts";

const user = identityOf("user").operator;

const providers = ["provider-a", "provider-b"].map((name) => identityOf(name).operator);

/** A charter with a rule and a tax. */
const RULED: Charter = {
  ...FREE_CHARTER,
  permissions: [{ operation: "allow", opcode: "CREATE", addresses: [user] }],
  taxRates: [{ threshold: 0n, rate: 100 }],
};

type Batch = { header: BatchHeader; data: Uint8Array };

let view: ReturnType<typeof viewOf>;
let maker: BlockMaker;
let blocks: SealedBlock[];
let rebuild: Rebuild;

beforeEach(async () => {
  view = viewOf([]);
  for (let n = 0n; n < 3n; n++) deposit(view, n, user, 10n ** 18n);
  maker = await BlockMaker.start(view);
  const deposits = view.queueItems(CHAIN_ID, 0n, SLOT);
  const call = (nonce: number, rest: object) => transactionOf(maker.dac, "user", { nonce, ...rest });
  blocks = [
    await maker.next({ queueItems: deposits.slice(0, 2), transactions: [await call(0, { value: 4n })], providers }),
    await maker.next({ transactions: [await call(1, { to: null, data: TOKEN_INITCODE })] }),
    await maker.next({
      queueItems: deposits.slice(2),
      transactions: [await call(2, { data: tokenTransfer(user, 1n) }), await call(3, { value: 1n })],
    }),
  ];
  rebuild = await Rebuild.start(maker.dac, view, SETTINGS.parameters);
});

function batchOf(part: readonly SealedBlock[]): Batch {
  const place = { index: 0n, previousBatchHash: maker.dac.genesisHash, slot: 0n, poster: identityOf("p").operator };
  return buildBatch(part, place);
}

/** The batch of all blocks with its data changed, and the commitment left as it was. */
function damaged(change: (posted: readonly PostedBlock[]) => readonly PostedBlock[]): Batch {
  const { header, data } = batchOf(blocks);
  const posted = decodeBatchData(data);
  return { header, data: encodeBatchData({ ...posted, blocks: change(posted.blocks) }) };
}

const first = (change: (block: PostedBlock) => Partial<PostedBlock>) =>
  damaged(([block, ...rest]) => [{ ...block!, ...change(block!) }, ...rest]);

async function failureOf(batch: Batch): Promise<RebuildError> {
  const error = await rebuild.batch(batch).then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(RebuildError);
  return error as RebuildError;
}

describe("rebuilding a chain from its batches", () => {
  it("arrives at the very chain that was posted, in one batch or in several", async () => {
    await rebuild.batch(batchOf(blocks));
    expect(rebuild.head.hash).toBe(hashHeader(blocks[2]!.header));
    expect(rebuild.head.header.stateRoot).toBe(maker.database.head?.stateRoot);
    expect(rebuild.transactions).toBe(blocks.flatMap(({ transactions }) => transactions).length);
    const again = await Rebuild.start(maker.dac, view, SETTINGS.parameters);
    for (const block of blocks) await again.batch(batchOf([block]));
    expect(again.head.hash).toBe(rebuild.head.hash);
  });

  it("consumes items of L1's queue of every kind, of which the data have nothing", async () => {
    const forced = await transactionOf(maker.dac, "user", { nonce: 4, value: 3n });
    queueOthers(view, 3n, user, forced.raw);
    queueOthers(view, 6n, user, Uint8Array.of(1, 2, 3));
    const queueItems = view.queueItems(CHAIN_ID, 3n, SLOT);
    const block = await maker.next({ queueItems });
    expect(block.outcomes.map(({ status }) => status)).toEqual([1, 1, 1, 1, 1, 1, 0, 1]);
    expect(block.header.gasUsed).toBeGreaterThan(21_000n);
    const batch = batchOf([...blocks, block]);
    expect(decodeBatchData(batch.data).blocks[3]!.transactions).toEqual([]);
    await rebuild.batch(batch);
    expect(rebuild.head.hash).toBe(hashHeader(block.header));
  });

  it("founds the DAC with the charter that L1 registered, which the data do not have", async () => {
    const view = viewOf([], RULED);
    const ruled = await BlockMaker.start(view);
    const posted = [await ruled.next({})];
    const batch = batchOf(posted);
    rebuild = await Rebuild.start(ruled.dac, view, SETTINGS.parameters);
    await rebuild.batch(batch);
    expect(rebuild.head.hash).toBe(hashHeader(posted[0]!.header));
    expect(decodeBatchData(batch.data).blocks[0]!.transactions).toEqual([]);
    rebuild = await Rebuild.start(maker.dac, viewOf([]), SETTINGS.parameters);
    expect((await failureOf(batch)).code).toBe("wrong-batch");
  });

  it("takes from the batch whom a block pays, as its commitment says: L1 does not know who had the seats", async () => {
    const other = await BlockMaker.start(view);
    const providers = ["somebody", "else"].map((name) => identityOf(name).operator);
    const block = await other.next({ providers, signer: "stranger" });
    await rebuild.batch(batchOf([block]));
    expect(rebuild.head.hash).toBe(hashHeader(block.header));
  });

  it.each<readonly [string, (paid: readonly Address[]) => readonly Address[]]>([
    ["another sequencer", ([, ...rest]) => [identityOf("other").operator, ...rest]],
    ["another provider", ([first]) => [first!, identityOf("other").operator]],
    ["one provider more", (paid) => [...paid, identityOf("other").operator]],
    ["one provider less", (paid) => paid.slice(0, -1)],
    ["them in another order", (paid) => [...paid].reverse()],
  ])("says that a batch is wrong whose data pay %s than its commitment", async (_what, change) => {
    const error = await failureOf(first(({ paid }) => ({ paid: change(paid) })));
    expect(error.code).toBe("wrong-batch");
    expect(error.message).toMatch(/commitment is wrong/);
  });

  it("says that a block that pays no sequencer is wrong", async () => {
    const error = await failureOf(first(() => ({ paid: [] })));
    expect(error).toMatchObject({ code: "wrong-batch", message: expect.stringMatching(/pays no sequencer$/) });
  });

  it("starts at the DAC's genesis", () => {
    expect(rebuild.head.header.number).toBe(0n);
    expect(rebuild.head.header.parentHash).toBe(maker.dac.genesisHash);
  });

  it("says that a batch with another commitment is wrong", async () => {
    const { header, data } = batchOf(blocks);
    const error = await failureOf({ header: { ...header, blocksRoot: hashOfText("other") }, data });
    expect(error.code).toBe("wrong-batch");
    expect(error.message).toMatch(/commitment is wrong/);
  });

  it("says that a batch whose blocks are others than committed to is wrong", async () => {
    const { header } = batchOf(blocks);
    expect((await failureOf({ header, data: batchOf(blocks.slice(0, 2)).data })).code).toBe("wrong-batch");
  });

  it("says that a batch with a block out of order is wrong", async () => {
    expect((await failureOf(batchOf(blocks.slice(1)))).code).toBe("wrong-batch");
  });

  it("says which transaction of a batch is invalid", async () => {
    const gap = await transactionOf(maker.dac, "user", { nonce: 7 });
    const error = await failureOf(first(({ transactions }) => ({ transactions: [...transactions, gap.raw] })));
    expect(error.message).toBe("block 1 holds a transaction that is invalid: nonce-too-high");
    const poor = await transactionOf(maker.dac, "poor", { nonce: 0 });
    rebuild = await Rebuild.start(maker.dac, view, SETTINGS.parameters);
    expect((await failureOf(first(() => ({ transactions: [poor.raw] })))).message).toMatch(/insufficient-funds$/);
  });

  it.each<readonly [string, () => Promise<Batch> | Batch]>([
    ["no batch at all", () => ({ ...batchOf(blocks), data: Uint8Array.of(1, 2, 3) })],
    ["nothing", () => ({ ...batchOf(blocks), data: new Uint8Array(0) })],
    ["a transaction that is none", () => first(() => ({ transactions: [Uint8Array.of(0x02, 0xc0)] }))],
    ["an empty transaction", () => first(() => ({ transactions: [new Uint8Array(0)] }))],
    [
      "a transaction of another chain",
      async () => {
        const foreign = await transactionOf(maker.dac, "user", { nonce: 0, chainId: toChainId(9n) });
        return first(() => ({ transactions: [foreign.raw] }));
      },
    ],
  ])("says that data with %s are malformed, with the decoder's error as the cause", async (_what, make) => {
    const error = await failureOf(await make());
    expect(error.code).toBe("wrong-batch");
    expect(error.message).toMatch(/malformed/);
    expect(error.cause).toBeInstanceOf(Error);
  });

  it.each<readonly [string, (block: PostedBlock) => Partial<PostedBlock>]>([
    ["takes more deposits than L1 has", ({ context }) => ({ context: { ...context, queueEnd: 9n } })],
    [
      "takes more deposits than any block may",
      ({ context }) => ({ context: { ...context, queueEnd: 2n ** 64n - 1n } }),
    ],
    ["takes deposits of an L1 block that is not there", ({ context }) => ({ context: { ...context, l1Block: 99n } })],
    ["takes fewer deposits", ({ context }) => ({ context: { ...context, queueEnd: 1n } })],
    ["has the timestamp of its parent", () => ({ timestamp: maker.dac.timestamp })],
    ["has another timestamp", ({ timestamp }) => ({ timestamp: timestamp + 1n })],
    ["has another job", ({ context }) => ({ context: { ...context, jobId: hashOfText("job") as string as never } })],
    ["is of another slot", ({ context }) => ({ context: { ...context, slot: context.slot + 1n } })],
    ["has another L1 base fee", ({ context }) => ({ context: { ...context, l1BaseFee: context.l1BaseFee - 1n } })],
    ["has a system transaction among the users'", () => ({ transactions: [blocks[0]!.transactions[0]!] })],
    ["has no transaction", ({ context }) => ({ transactions: [], context: { ...context, queueEnd: 0n } })],
  ])("says that a batch is wrong of which a block %s", async (_what, change) => {
    expect((await failureOf(first(change))).code).toBe("wrong-batch");
  });
});
