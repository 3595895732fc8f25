/** What is found in batches of a chain that is made as sequencers make it; L1 itself judges in simulations/test/derivationOnL1.test.ts. */
import {
  AddressTable,
  claimsOf,
  type DecodedBlock,
  decodeBatch,
  decodeSystemTransaction,
  depositItem,
  encodeBatch,
  encodeBlocks,
  encodeSystemTransaction,
  inCalldata,
  LIMITS,
  type SealedBlock,
  type Settlement,
  settledAccounts,
  settleTransaction,
  toChainId,
  type Work,
} from "@mvm/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { genesisBlock } from "../src/genesis.ts";
import {
  beforeNext,
  commitmentsOf,
  type DerivationSource,
  derivationFinding,
  formFinding,
  type PostedBatch,
} from "../src/index.ts";
import { dataFinding, lastSlot } from "../src/proving/derivationFinding.ts";
import { BlockMaker, TOKEN_INITCODE, tokenTransfer, transactionOf } from "./blockMaker.ts";
import {
  CHAIN_ID,
  deposit,
  FREE_CHARTER,
  GENESIS_SECONDS,
  hashOfText,
  identityOf,
  queue,
  queueOthers,
  SETTINGS,
  SLOT,
  viewOf,
} from "./world.ts";

const user = identityOf("user").operator;
const poster = identityOf("sequencer").operator;
/** "provider-a" and "provider-b", of whom neither stands in */
const WORK: Work = { attempt: 0, seats: [0, 1] };
const providers = ["provider-a", "provider-b"].map((name) => identityOf(name).operator);

let view: ReturnType<typeof viewOf>;
let maker: BlockMaker;
let blocks: SealedBlock[];

beforeEach(async () => {
  view = viewOf([], FREE_CHARTER, ["provider-a", "provider-b", "other"]);
  for (let n = 0n; n < 3n; n++) deposit(view, n, user, 10n ** 18n);
  maker = await BlockMaker.start(view);
  const call = (nonce: number, rest: object) => transactionOf(maker.dac, "user", { nonce, ...rest });
  const forced = await call(2, { value: 2n });
  queueOthers(view, 3n, user, forced.raw);
  const items = view.queueItems(CHAIN_ID, 0n, SLOT);
  blocks = [
    await maker.next({ queueItems: items.slice(0, 2), transactions: [await call(0, { value: 4n })], work: WORK }),
    await maker.next({
      transactions: [await call(1, { to: null, data: TOKEN_INITCODE })],
      work: { attempt: 0, seats: [0, null, 2] },
    }),
    await maker.next({ queueItems: items.slice(2), transactions: [await call(3, { data: tokenTransfer(user, 1n) })] }),
    await maker.next({ transactions: [await call(4, { value: 1n })], work: { attempt: 2, seats: [null, 1, 1] } }),
  ];
});

/** Data of blocks, and the table as they leave it. */
function written(part: readonly SealedBlock[], queueEnd: bigint, table: AddressTable): Uint8Array {
  return part.length === 0 ? new Uint8Array(0) : encodeBlocks(part, { poster, queueEnd, table });
}

function tableAfter(count: number): AddressTable {
  const table = new AddressTable();
  written(blocks.slice(0, count), 0n, table);
  return table;
}

/** The blocks after a batch, if there is one, as the next batch. */
function posted(part: readonly SealedBlock[], previous?: PostedBatch): PostedBatch {
  const data = written(part, previous?.header.queueEnd ?? 0n, tableAfter(previous?.blocks.length ?? 0));
  const index = previous === undefined ? 0n : 1n;
  const place = { index, previousBatchHash: maker.dac.genesisHash, slot: SLOT, poster };
  const header = { ...claimsOf(part, place), ...inCalldata(data) };
  return { header, data, postedAt: GENESIS_SECONDS, ...commitmentsOf(part) };
}

/** All blocks as a batch whose data say something else of one of them. */
function saying(position: number, change: (block: DecodedBlock) => Partial<DecodedBlock>): PostedBatch {
  const batch = posted(blocks);
  const table = new AddressTable();
  const decoded = decodeBatch(
    batch.data,
    (_, index) => table.at(index),
    (_, named) => table.enter(named),
  );
  if (!decoded.ok) throw new Error(decoded.fault);
  const told = decoded.value.blocks.map((block, i) => {
    return { ...block, ...(i === position ? change(block) : {}), indexOf: () => undefined };
  });
  const data = encodeBatch({ ...decoded.value, blocks: told });
  return { ...batch, data, header: { ...batch.header, ...inCalldata(data) } };
}

function found(batch: PostedBatch, previous?: PostedBatch): string | undefined {
  const before = previous?.blocks ?? [];
  const source: DerivationSource = {
    valuesOf: (slot) => view.valuesOf(slot),
    queueItem: (index) => view.queuedItem(CHAIN_ID, index),
    providerAt: (index) => view.provider(index)?.operator,
    founding: maker.dac.founding,
    storageUnits: 1,
    epochBlocks: SETTINGS.parameters.epochBlocks,
    previous: previous && beforeNext(previous, lastSlot(previous)),
    parent: before.at(-1)?.header ?? genesisBlock(maker.dac).header,
    addressAt: (position, index) => tableAfter(before.length + position).at(index),
    nodes: { get: () => undefined },
  };
  return derivationFinding(batch, source)?.kind;
}

/** What is found in the batch of all blocks where the settle of one says something else than it should. */
function settling(position: number, lie: Partial<Settlement>): string | undefined {
  const block = blocks[position]!;
  const settle = decodeSystemTransaction(block.transactions.at(-1)!, CHAIN_ID);
  const { paid, ...rest } = settledAccounts(settle)!;
  const [sequencer, ...others] = paid;
  const raw = encodeSystemTransaction(
    CHAIN_ID,
    settleTransaction(settle.index, { sequencer, providers: others, ...rest, ...lie }),
  );
  const told = blocks.with(position, { ...block, transactions: block.transactions.with(-1, raw) });
  return found({ ...posted(blocks), ...commitmentsOf(told) });
}

describe("what of a posted batch does not follow from its data", () => {
  it("is nothing where the blocks are a sequencer's, in one batch or in two, with every kind of item", () => {
    expect(found(posted(blocks))).toBe(undefined);
    for (const count of [1, 2, 3]) {
      const previous = posted(blocks.slice(0, count));
      expect(found(previous)).toBe(undefined);
      expect(found(posted(blocks.slice(count), previous), previous)).toBe(undefined);
    }
  });

  it.each<readonly [string, readonly number[], string | undefined]>([
    ["nothing in a block whose items have as many bytes as they may, whatever their gas", [40_000, 25_536], undefined],
    ["a block whose items have a byte more", [1, 40_000, 25_535, 1], "itemBytes"],
  ])("is %s", async (_what, lengths, kind) => {
    const first = BigInt(view.consumable(CHAIN_ID, SLOT));
    const plain = depositItem({ queueIndex: first, from: user, to: user, mint: 0n });
    const forced = lengths.map((length) => ({ ...plain, kind: "forced", data: new Uint8Array(length) }) as const);
    const heavy = { ...plain, kind: "message", gasLimit: LIMITS.transactionGas } as const;
    for (const [i, item] of [...forced, heavy, heavy].entries())
      queue(view, { ...item, queueIndex: first + BigInt(i) });
    const block = await maker.next({ queueItems: view.dueItems(CHAIN_ID, first, SLOT) });
    expect(found(posted([...blocks, block]))).toBe(kind);
  });

  it("is the first block that was too far ahead of L1 when it was posted", () => {
    const postedAt = blocks[1]!.header.timestamp - LIMITS.timestampLeadSeconds;
    const found = (at: bigint): unknown => dataFinding({ ...posted(blocks), postedAt: at }, undefined);
    expect(found(postedAt - 1n)).toMatchObject({ kind: "ahead", proof: { position: 1 } });
    expect(found(postedAt)).toMatchObject({ kind: "ahead", proof: { position: 2 } });
    expect(found(blocks[3]!.header.timestamp - LIMITS.timestampLeadSeconds)).toBe(null);
  });

  it.each<readonly [string, string, number, (block: DecodedBlock) => Partial<DecodedBlock>]>([
    ["time", "another time", 1, ({ timestamp }) => ({ timestamp: timestamp + 1n })],
    ["time", "another randomness", 1, () => ({ randomness: hashOfText("another") })],
    ["count", "an item of the queue more", 1, ({ queueItems }) => ({ queueItems: queueItems + 1 })],
    ["count", "no transaction", 3, () => ({ transactions: [] })],
    ["row", "another transaction", 3, () => ({ transactions: [blocks[1]!.transactions[1]!] })],
    ["row", "a transaction of the system", 3, () => ({ transactions: [blocks[3]!.transactions.at(-1)!] })],
    ["context", "a slot after the batch's", 3, ({ slot }) => ({ slot: slot + 1n })],
    ["settle", "another sequencer", 0, () => ({ sequencer: identityOf("other").operator })],
    ["settle", "another provider", 0, () => ({ work: { attempt: 0, seats: [0, 2] } })],
    ["settle", "a provider whom nobody knows", 0, () => ({ work: { attempt: 0, seats: [0, 99] } })],
    ["settle", "the providers in another order", 0, () => ({ work: { attempt: 0, seats: [1, 0] } })],
    ["settle", "a provider standing in who did not", 0, () => ({ work: { attempt: 0, seats: [0, null, 1] } })],
    ["settle", "a seat's holder who stood in", 1, () => ({ work: { attempt: 0, seats: [0, 2] } })],
    ["settle", "a job before that was none", 0, ({ work }) => ({ work: { ...work, attempt: 1 } })],
    ["settle", "the first job where that had failed", 3, ({ work }) => ({ work: { ...work, attempt: 0 } })],
  ])("is found by the proof %s where they have %s", (kind, _what, position, change) => {
    expect(found(saying(position, change))).toBe(kind);
  });

  it("is settle where its L1 fees or its addresses for the table are not those of the block's transactions", () => {
    for (const [position, block] of blocks.entries()) {
      const settle = decodeSystemTransaction(block.transactions.at(-1)!, CHAIN_ID);
      const { l1Fees, seen } = settledAccounts(settle)!;
      const lies = [{ l1Fees: l1Fees + 1n }, { seen: [...seen, poster] }, ...(seen.length > 0 ? [{ seen: [] }] : [])];
      for (const lie of lies) expect(settling(position, lie), `block ${position}`).toBe("closing");
    }
  });

  it("is settle where it gives a fee of their own to other providers than those who held the first seats", () => {
    for (const position of blocks.keys()) {
      const { seats, attempt } = blocks[position]!.context.work;
      const right = attempt > 0 ? 0 : seats.slice(0, LIMITS.seats).filter((seat) => seat !== null).length;
      for (let seated = 0; seated <= LIMITS.seats + 1; seated++)
        expect(settling(position, { seated }), `block ${position}`).toBe(seated === right ? undefined : "settle");
    }
  });

  it("is settle where it pays providers of a block that had no job, or the data name such", async () => {
    const forced = { ...depositItem({ queueIndex: 6n, from: user, to: user, mint: 0n }), kind: "forced" } as const;
    for (const queueIndex of [6n, 7n]) queue(view, { ...forced, queueIndex, data: Uint8Array.of(1) });
    const items = view.dueItems(CHAIN_ID, 6n, SLOT);
    for (const item of items) blocks.push(await maker.next({ queueItems: [item] }));
    expect(found(posted(blocks))).toBe(undefined);
    expect(settling(4, { providers, seated: 2 })).toBe("settle");
    expect(found(saying(5, () => ({ work: WORK })))).toBe("settle");
  });

  it("is their form where they cannot be read or are another batch's, whether or not anybody shows the blocks", () => {
    const { header, data } = posted(blocks);
    expect(formFinding({ header, data })).toBe(null);
    for (const other of [data.subarray(0, -1), Uint8Array.of(...data, 0), new Uint8Array(0)])
      expect(formFinding({ header, data: other })?.kind).toBe("form");
    for (const change of [{ generation: 1n }, { chainId: toChainId(9n) }, { lastBlock: 3n }])
      expect(formFinding({ header: { ...header, ...change }, data })?.kind).toBe("form");
  });

  it("is the end of the queue where the header says another", () => {
    const previous = posted(blocks.slice(0, 2));
    const batch = posted(blocks.slice(2), previous);
    const other = { ...batch, header: { ...batch.header, queueEnd: batch.header.queueEnd + 1n } };
    expect(found(other, previous)).toBe("queueEnd");
    expect(found(batch, { ...previous, header: { ...previous.header, queueEnd: 1n } })).toBe("item");
  });

  it("are slots that go back between two batches", () => {
    const later = saying(3, ({ slot }) => ({ slot: slot + 1n }));
    const previous = { ...later, header: { ...later.header, queueEnd: 0n } };
    expect(found(posted(blocks), previous)).toBe("slots");
  });
});
