import {
  claimsOf,
  decodeRequest,
  encodeAnswer,
  inCalldata,
  REQUESTS,
  type RequestOf,
  type Transaction,
} from "@mvm/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { Chain, type Ports } from "../src/index.ts";
import { Pooling } from "../src/pooling.ts";
import { RequestDesk } from "../src/requestDesk.ts";
import { BlockMaker, type Call, transactionOf } from "./blockMaker.ts";
import { settle } from "./virtualClock.ts";
import {
  CHAIN_ID,
  connect,
  deposit,
  GENESIS_SECONDS,
  hashOfText,
  identityOf,
  L1_HEAD,
  l1Block,
  SETTINGS,
  type Site,
  SLOT,
  viewOf,
  World,
} from "./world.ts";

const user = identityOf("user").operator;

let world: World;
let site: Site;
let sequencer: Site;
let ports: Ports;
let view: ReturnType<typeof viewOf>;
let maker: BlockMaker;
let chain: Chain;
let pool: Pooling;
/** raw transactions that the sequencer was offered */
let offered: Uint8Array[];

async function start(change: Partial<Ports> = {}): Promise<void> {
  ports = { ...(await site.start()), ...change };
  await connect(site, sequencer);
  const desk = new RequestDesk(site.network);
  const parts = { ports, settings: SETTINGS, view, desk };
  chain = await Chain.open({ ...parts, dac: maker.dac, withState: false });
  pool = await Pooling.open({ ...parts, chain });
  chain.start();
}

async function restart(): Promise<void> {
  pool.stop();
  await chain.stop();
  await site.network.stop();
  await start();
}

beforeEach(async () => {
  world = new World();
  site = world.site("gateway");
  sequencer = world.site("sequencer");
  await sequencer.start();
  offered = [];
  const { protocol, maxRequestBytes, maxAnswerBytes } = REQUESTS.offerTransactions;
  const limits = { maxRequestBytes, maxResponseBytes: maxAnswerBytes, maxConcurrentPerPeer: 4 };
  sequencer.network.handle(protocol, limits, async (_from, bytes) => {
    const { transactions } = decodeRequest("offerTransactions", bytes).body as RequestOf<"offerTransactions">;
    offered.push(...transactions);
    return encodeAnswer({ name: "offerTransactions", body: { kind: "taken", known: transactions.length } });
  });
  view = viewOf(["host"]);
  deposit(view, 0n, user, 10n ** 18n);
  maker = await BlockMaker.start(view);
  await start();
});

const transaction = (call: Call): Promise<Transaction> => transactionOf(maker.dac, "user", call);
const stored = (): Promise<readonly Uint8Array[]> => ports.pending.load(CHAIN_ID);

/** A block that holds these transactions, received by the gateway. */
async function include(...transactions: Transaction[]) {
  const taken = maker.parent.context.queueEnd;
  const block = await maker.next({ queueItems: view.queueItems(CHAIN_ID, taken, SLOT), transactions });
  chain.receive(block);
  await world.clock.advance(5);
  expect(chain.head.header.number).toBe(block.header.number);
  return block;
}

/** L1 goes on until what it shows now is its last word. */
function settleL1(): void {
  view.apply(l1Block(L1_HEAD + BigInt(2 * SETTINGS.parameters.epochBlocks), GENESIS_SECONDS));
}

function post(blocks: Parameters<typeof claimsOf>[0]): void {
  const place = { index: 0n, previousBatchHash: maker.dac.genesisHash, slot: 0n, poster: user };
  const header = { ...claimsOf(blocks, place), ...inCalldata(new Uint8Array(0)) };
  const hashes = { batchHash: hashOfText("batch"), transactionHash: hashOfText("transaction") };
  view.apply({ kind: "batchAppended", header, ...hashes, timestamp: 0n, l1Block: L1_HEAD });
  chain.l1Changed();
}

describe("the pool", () => {
  it("takes a transaction, has it on disk, and offers it to the sequencer", async () => {
    const sent = await transaction({ nonce: 0 });
    expect(await pool.submit(sent)).toBeNull();
    expect(await stored()).toEqual([sent.raw]);
    expect(pool.pending(sent.hash)?.hash).toBe(sent.hash);
    expect(pool.pendingNonce(user, 0n)).toBe(1n);
    await world.clock.advance(100);
    expect(offered).toEqual([sent.raw]);
  });

  it("acknowledges nothing before it is on disk, and offers nothing either", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    pool.stop();
    await chain.stop();
    await site.network.stop();
    const fresh = await site.start();
    await site.network.stop();
    await start({ pending: { ...fresh.pending, load: async () => [], put: () => promise } });
    let acknowledged = false;
    const submitting = pool.submit(await transaction({ nonce: 0 })).then((refusal) => {
      acknowledged = true;
      return refusal;
    });
    await settle();
    expect(acknowledged).toBe(false);
    resolve();
    expect(await submitting).toBeNull();
    await world.clock.advance(100);
    expect(offered).toHaveLength(1);
  });

  it("lets a failing disk be known: the submission rejects", async () => {
    pool.stop();
    await chain.stop();
    await site.network.stop();
    const put = (): Promise<void> => Promise.reject(new Error("disk full"));
    const fresh = await site.start();
    await site.network.stop();
    await start({ pending: { ...fresh.pending, load: async () => [], put } });
    await expect(pool.submit(await transaction({ nonce: 0 }))).rejects.toThrow("disk full");
  });

  it("refuses with the reason, and stores nothing of it", async () => {
    const sent = await transaction({ nonce: 0 });
    await pool.submit(sent);
    expect(await pool.submit(sent)).toBe("already-known");
    expect(await pool.submit(await transaction({ nonce: 0, value: 1n }))).toBe("replacement-underpriced");
    expect(await stored()).toEqual([sent.raw]);
  });

  it("forgets on disk what a dearer transaction replaced", async () => {
    await pool.submit(await transaction({ nonce: 0, maxFeePerGas: 10n ** 11n }));
    const dearer = await transaction({ nonce: 0, maxFeePerGas: 10n ** 12n, maxPriorityFeePerGas: 2n });
    expect(await pool.submit(dearer)).toBeNull();
    await settle();
    expect(await stored()).toEqual([dearer.raw]);
  });

  it("has after a restart what it acknowledged before, and offers it again", async () => {
    const sent = [await transaction({ nonce: 0 }), await transaction({ nonce: 1 })];
    for (const one of sent) await pool.submit(one);
    await restart();
    expect(pool.size).toBe(2);
    expect(pool.pendingNonce(user, 0n)).toBe(2n);
    expect(await pool.submit(sent[0]!)).toBe("already-known");
    await world.clock.advance(100);
    expect(offered).toHaveLength(2);
  });

  it("keeps on disk what stands in a block until L1 holds the block for good, and no longer", async () => {
    const sent = await transaction({ nonce: 0 });
    await pool.submit(sent);
    const block = await include(sent);
    expect(pool.size).toBe(0);
    expect(await stored()).toEqual([sent.raw]);
    post([block]);
    await include(await transaction({ nonce: 1 }));
    await settle();
    expect(await stored()).toEqual([sent.raw]);
    settleL1();
    await include(await transaction({ nonce: 2 }));
    await settle();
    expect(await stored()).toEqual([]);
  });

  it("offers again what stood in a block that was taken back, also after a restart in between", async () => {
    const sent = await transaction({ nonce: 0 });
    await pool.submit(sent);
    await include(sent);
    await restart();
    expect(pool.size).toBe(0);
    expect(await pool.submit(sent)).toBe("already-known");
    const branch = await BlockMaker.start(view);
    const rival = await branch.next({ queueItems: view.queueItems(CHAIN_ID, 0n, SLOT), slot: SLOT + 1n });
    chain.receive(rival);
    await world.clock.advance(5);
    expect(chain.head.header.transactionsRoot).toBe(rival.header.transactionsRoot);
    expect(pool.size).toBe(1);
    expect(await stored()).toEqual([sent.raw]);
    offered = [];
    await world.clock.advance(100);
    expect(offered).toEqual([sent.raw]);
  });

  it("forgets after a restart what L1 came to hold for good in the meantime", async () => {
    const sent = await transaction({ nonce: 0 });
    await pool.submit(sent);
    const block = await include(sent);
    post([block]);
    settleL1();
    await restart();
    await include(await transaction({ nonce: 1 }));
    await settle();
    expect(await stored()).toEqual([]);
    expect(pool.size).toBe(0);
  });

  it("neither offers nor takes notice of blocks after the stop", async () => {
    await pool.submit(await transaction({ nonce: 0 }));
    pool.stop();
    await include(await transaction({ nonce: 0 }));
    await world.clock.advance(10_000);
    expect(offered).toEqual([]);
    expect(pool.size).toBe(1);
  });
});
