import {
  AddressTable,
  type Charter,
  claimsOf,
  type DecodedBatch,
  type DecodedBlock,
  decodeBatch,
  decodeTransaction,
  encodeBatch,
  encodeBlocks,
  hashHeader,
  inCalldata,
  LIMITS,
  postedTransactions,
  type SealedBlock,
  servedBy,
  toChainId,
  type Work,
} from "@mvm/protocol";
import { paidBy } from "@mvm/roles";
import { beforeEach, describe, expect, it } from "vitest";
import { type Batch, Rebuild, RebuildError } from "../src/index.ts";
import { BlockMaker, TOKEN_INITCODE, tokenTransfer, transactionOf } from "./blockMaker.ts";
import {
  CHAIN_ID,
  conviction,
  deposit,
  FREE_CHARTER,
  GENESIS_SECONDS,
  hashOfText,
  identityOf,
  queueOthers,
  SETTINGS,
  SLOT,
  viewOf,
} from "./world.ts";

const user = identityOf("user").operator;

/** "provider-a" and "provider-b", of whom neither stands in */
const WORK: Work = { attempt: 0, seats: [0, 1] };

/** A charter with a rule and a tax. */
const RULED: Charter = {
  ...FREE_CHARTER,
  permissions: [{ operation: "allow", opcode: "CREATE", addresses: [user] }],
  taxRates: [{ threshold: 0n, rate: 100 }],
};

let view: ReturnType<typeof viewOf>;
let maker: BlockMaker;
let blocks: SealedBlock[];
let rebuild: Rebuild;

beforeEach(async () => {
  view = viewOf([], FREE_CHARTER, ["provider-a", "provider-b", "other"]);
  for (let n = 0n; n < 3n; n++) deposit(view, n, user, 10n ** 18n);
  maker = await BlockMaker.start(view);
  const deposits = view.queueItems(CHAIN_ID, 0n, SLOT);
  const call = (nonce: number, rest: object) => transactionOf(maker.dac, "user", { nonce, ...rest });
  blocks = [
    await maker.next({
      queueItems: deposits.slice(0, 2),
      transactions: [await call(0, { value: 4n })],
      work: WORK,
    }),
    await maker.next({
      transactions: [await call(1, { to: null, data: TOKEN_INITCODE })],
      work: { attempt: 0, seats: [0, null, 2] },
    }),
    await maker.next({
      queueItems: deposits.slice(2),
      transactions: [await call(2, { data: tokenTransfer(user, 1n) }), await call(3, { value: 1n })],
      work: { attempt: 2, seats: [null, 1, 1] },
    }),
  ];
  rebuild = await Rebuild.start(maker.dac, view, SETTINGS.parameters);
});

const POSTER = identityOf("p").operator;

/** A batch over blocks that follow those before; `table` is the address table as those have left it. */
function batchOf(part: readonly SealedBlock[], before: readonly SealedBlock[] = [], table = new AddressTable()): Batch {
  const place = { index: 0n, previousBatchHash: maker.dac.genesisHash, slot: SLOT, poster: POSTER };
  const queueEnd = before.at(-1)?.context.queueEnd ?? 0n;
  const data = encodeBlocks(part, { poster: POSTER, queueEnd, table });
  return { header: { ...claimsOf(part, place), ...inCalldata(data) }, data, postedAt: GENESIS_SECONDS };
}

/** What data of the chain's first blocks decode to. */
function postedIn(data: Uint8Array): DecodedBatch {
  const table = new AddressTable();
  const decoded = decodeBatch(
    data,
    (_, index) => table.at(index),
    (_, named) => table.enter(named),
  );
  if (!decoded.ok) throw new Error(decoded.fault);
  return decoded.value;
}

/** The batch of all blocks with its data changed, and the commitment left as it was. */
function damaged(change: (posted: readonly DecodedBlock[]) => readonly DecodedBlock[]): Batch {
  const { header, data } = batchOf(blocks);
  const posted = postedIn(data);
  const changed = change(posted.blocks).map((block) => ({ ...block, indexOf: () => undefined }));
  return { header, data: encodeBatch({ ...posted, blocks: changed }), postedAt: GENESIS_SECONDS };
}

const first = (change: (block: DecodedBlock) => Partial<DecodedBlock>) =>
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
    const table = new AddressTable();
    for (const [i, block] of blocks.entries()) {
      await again.batch(batchOf([block], blocks.slice(0, i), table));
      expect(again.head.context).toEqual(block.context);
    }
    expect(table.size).toBeGreaterThan(0);
    expect(again.head.hash).toBe(rebuild.head.hash);
  });

  it("goes on in the next generation from where a batch fell, and takes no batch of the wrong one", async () => {
    const append = ({ header }: Batch, index: bigint): void => {
      const batchHash = hashOfText(`batch ${header.generation} ${index}`);
      const at = { timestamp: 0n, l1Block: 0n, transactionHash: batchHash };
      view.apply({ kind: "batchAppended", header: { ...header, index }, batchHash, ...at });
    };
    const standing = batchOf(blocks.slice(0, 1));
    append(standing, 0n);
    const after = (rest: readonly SealedBlock[]): Batch => {
      const table = new AddressTable();
      batchOf(blocks.slice(0, 1), [], table);
      return batchOf(rest, blocks.slice(0, 1), table);
    };
    const falls = after(blocks.slice(1));
    append(falls, 1n);
    view.apply(conviction(view, 1n));
    const anew = await BlockMaker.start(view);
    const call = (nonce: number, rest: object) => transactionOf(maker.dac, "user", { nonce, ...rest });
    const first = await anew.next({
      queueItems: view.queueItems(CHAIN_ID, 0n, SLOT).slice(0, 2),
      transactions: [await call(0, { value: 4n })],
      work: WORK,
    });
    expect(hashHeader(first.header)).toBe(hashHeader(blocks[0]!.header));
    const next = await anew.next({
      queueItems: view.queueItems(CHAIN_ID, 2n, SLOT),
      transactions: [await call(1, { value: 6n })],
    });
    append(after([next]), 1n);
    await rebuild.batch(standing);
    expect((await failureOf(falls)).message).toMatch(/generation|does not follow/);
    const again = await Rebuild.start(maker.dac, view, SETTINGS.parameters);
    await again.batch(standing);
    await again.batch(after([next]));
    expect([again.head.generation, again.head.hash]).toEqual([1n, hashHeader(next.header)]);
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
    expect(postedIn(batch.data).blocks[3]!.transactions).toEqual([]);
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
    expect(postedIn(batch.data).blocks[0]!.transactions).toEqual([]);
    rebuild = await Rebuild.start(maker.dac, viewOf([]), SETTINGS.parameters);
    expect((await failureOf(batch)).code).toBe("wrong-batch");
  });

  it("has whom a block pays follow from its posted work, whoever has the seats: that is for provers to judge", async () => {
    const [first] = blocks;
    const plan = {
      queueItems: view.queueItems(CHAIN_ID, 0n, SLOT).slice(0, 2),
      transactions: [decodeTransaction(postedTransactions(first!)[0]!, CHAIN_ID)],
      signer: "stranger",
    };
    const works: Work[] = [
      { attempt: 0, seats: [2, 0] },
      { attempt: 3, seats: [2, 0] },
      { attempt: 0, seats: [1, null, null, 1] },
    ];
    for (const work of works) {
      const block = await (await BlockMaker.start(view)).next({ ...plan, work });
      const [sequencer, ...paid] = paidBy(block)!;
      expect(sequencer).toBe(identityOf("stranger").operator);
      expect(paid).toEqual(servedBy(work).map((index) => view.provider(index)!.operator));
      rebuild = await Rebuild.start(maker.dac, view, SETTINGS.parameters);
      await rebuild.batch(batchOf([block]));
      expect(rebuild.head.hash).toBe(hashHeader(block.header));
    }
  });

  it.each<readonly [string, (block: DecodedBlock) => Partial<DecodedBlock>]>([
    ["another sequencer", () => ({ sequencer: identityOf("other").operator })],
    ["their poster", () => ({ sequencer: "poster" })],
    ["another provider", () => ({ work: { attempt: 0, seats: [0, 2] } })],
    ["them in another order", () => ({ work: { attempt: 0, seats: [1, 0] } })],
    ["one of them as who stands in", () => ({ work: { attempt: 0, seats: [0, null, 1] } })],
    ["both of them as who stand in", () => ({ work: { attempt: 0, seats: [null, null, 0, 1] } })],
    ["them for a job after the first", () => ({ work: { attempt: 1, seats: [0, 1] } })],
  ])("says that a batch is wrong whose data pay %s than its commitment", async (_what, change) => {
    const error = await failureOf(first(change));
    expect(error.code).toBe("wrong-batch");
    expect(error.message).toMatch(/commitment is wrong/);
  });

  it("says that a block of a slot whose L1 values are not there is wrong", async () => {
    const error = await failureOf(damaged((posted) => posted.map((block) => ({ ...block, slot: block.slot + 99n }))));
    expect(error).toMatchObject({ code: "wrong-batch", message: expect.stringMatching(/L1 values are not known$/) });
  });

  it("takes a block as far ahead of the L1 block that its batch was posted in as it may be, and says that one further ahead is wrong", async () => {
    const { timestamp } = blocks[1]!.header;
    const late = { ...batchOf(blocks.slice(0, 2)), postedAt: timestamp - LIMITS.timestampLeadSeconds };
    const error = await failureOf({ ...late, postedAt: late.postedAt - 1n });
    expect(error).toMatchObject({ code: "wrong-batch", message: "block 2: timestamp is in the future" });
    rebuild = await Rebuild.start(maker.dac, view, SETTINGS.parameters);
    await rebuild.batch(late);
    expect(rebuild.head.hash).toBe(hashHeader(blocks[1]!.header));
  });

  it("says that a block of a slot after its batch's is wrong", async () => {
    const { header, data } = batchOf(blocks);
    const error = await failureOf({ header: { ...header, slot: SLOT - 1n }, data, postedAt: GENESIS_SECONDS });
    expect(error).toMatchObject({ code: "wrong-batch", message: expect.stringMatching(/after its batch's$/) });
  });

  it("says that a block that pays a provider whom L1 does not know is wrong", async () => {
    const error = await failureOf(first(() => ({ work: { attempt: 0, seats: [0, 9] } })));
    expect(error).toMatchObject({ code: "wrong-batch", message: expect.stringMatching(/whom L1 does not know$/) });
  });

  it("says that a batch is wrong that takes an address by a number that the table does not have", async () => {
    const { header } = batchOf(blocks);
    const known = new AddressTable(9, [[identityOf("receiver").operator, 8]]);
    const error = await failureOf({ ...batchOf(blocks, [], known), header });
    expect(error).toMatchObject({ code: "wrong-batch", message: expect.stringMatching(/malformed: unresolved$/) });
  });

  it("starts at the DAC's genesis", () => {
    expect(rebuild.head.header.number).toBe(0n);
    expect(rebuild.head.header.parentHash).toBe(maker.dac.genesisHash);
  });

  it("says that a batch with another commitment is wrong", async () => {
    const { header, data } = batchOf(blocks);
    const other = hashOfText("other");
    for (const change of [{ blocksRoot: other }, { transactionsRoot: other }, { queueEnd: 4n }]) {
      rebuild = await Rebuild.start(maker.dac, view, SETTINGS.parameters);
      const error = await failureOf({ header: { ...header, ...change }, data, postedAt: GENESIS_SECONDS });
      expect(error.code).toBe("wrong-batch");
      expect(error.message).toMatch(/commitment is wrong/);
    }
  });

  it("says that a batch whose blocks are others than committed to is wrong", async () => {
    const { header } = batchOf(blocks);
    expect((await failureOf({ ...batchOf(blocks.slice(0, 2)), header })).code).toBe("wrong-batch");
  });

  it("says that a batch with a block out of order is wrong", async () => {
    expect((await failureOf(batchOf(blocks.slice(1), blocks.slice(0, 1)))).code).toBe("wrong-batch");
  });

  it("says which transaction of a batch is invalid", async () => {
    const gap = await transactionOf(maker.dac, "user", { nonce: 7 });
    const error = await failureOf(first(({ transactions }) => ({ transactions: [...transactions, gap.raw] })));
    expect(error.message).toBe("block 1 holds a transaction that is invalid: nonce-too-high");
    const poor = await transactionOf(maker.dac, "poor", { nonce: 0 });
    rebuild = await Rebuild.start(maker.dac, view, SETTINGS.parameters);
    expect((await failureOf(first(() => ({ transactions: [poor.raw] })))).message).toMatch(/insufficient-funds$/);
  });

  it.each([
    ["no batch at all", Uint8Array.of(1, 2, 3)],
    ["nothing", new Uint8Array(0)],
  ])("says that data with %s are malformed", async (_what, data) => {
    const error = await failureOf({ ...batchOf(blocks), data });
    expect(error).toMatchObject({ code: "wrong-batch", message: expect.stringMatching(/malformed/) });
  });

  it.each<readonly [string, () => Promise<Batch> | Batch]>([
    ["a transaction that is none", () => first(() => ({ transactions: [Uint8Array.of(0x02, 0xc0)] }))],
    ["an empty transaction", () => first(() => ({ transactions: [new Uint8Array(0)] }))],
    [
      "a transaction of another chain",
      async () => {
        const foreign = await transactionOf(maker.dac, "user", { nonce: 0, chainId: toChainId(9n) });
        return first(() => ({ transactions: [foreign.raw] }));
      },
    ],
  ])("says that data with %s are wrong, with the decoder's error as the cause", async (_what, make) => {
    const error = await failureOf(await make());
    expect(error.code).toBe("wrong-batch");
    expect(error.message).toMatch(/holds no transaction/);
    expect(error.cause).toBeInstanceOf(Error);
  });

  it.each<readonly [string, (block: DecodedBlock) => Partial<DecodedBlock>]>([
    ["takes more deposits than L1 has", () => ({ queueItems: 9 })],
    ["takes more deposits than any block may", () => ({ queueItems: 2 ** 32 - 1 })],
    ["takes fewer deposits", () => ({ queueItems: 1 })],
    ["has the timestamp of its parent", () => ({ timestamp: maker.dac.timestamp })],
    ["has another timestamp", ({ timestamp }) => ({ timestamp: timestamp + 1n })],
    ["has another randomness", () => ({ randomness: hashOfText("randomness") })],
    ["has a system transaction among the users'", () => ({ transactions: [blocks[0]!.transactions[0]!] })],
    ["has no transaction", () => ({ transactions: [], queueItems: 0 })],
  ])("says that a batch is wrong of which a block %s", async (_what, change) => {
    expect((await failureOf(first(change))).code).toBe("wrong-batch");
  });
});
