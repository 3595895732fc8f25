import {
  bigIntToBytes,
  claimsOf,
  concatBytes,
  decodeRequest,
  decodeTransaction,
  encodeAnswer,
  encodeRlp,
  fromHex,
  inCalldata,
  keccakHash,
  LIMITS,
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
  conviction,
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
  const index = BigInt(view.batches(CHAIN_ID).length);
  const place = { index, previousBatchHash: maker.dac.genesisHash, slot: 0n, poster: user };
  const header = { ...claimsOf(blocks, place), ...inCalldata(new Uint8Array(0)) };
  const hashes = { batchHash: hashOfText(`batch ${index}`), transactionHash: hashOfText("transaction") };
  view.apply({ kind: "batchAppended", header, ...hashes, timestamp: view.block.timestamp, l1Block: L1_HEAD });
  chain.l1Changed();
}

/** Bytes of data with which some hundred transactions fill a pool. */
const BULK_BYTES = 50_000;

/** A transfer with as much data, signed without the wallet library, which takes its time over it. */
function bulky(from: string, nonce: number): Transaction {
  const numbers = [CHAIN_ID, BigInt(nonce), 1n, 10n ** 10n, 600_000n].map(bigIntToBytes);
  const fields = [...numbers, fromHex(user), bigIntToBytes(0n), new Uint8Array(BULK_BYTES), []];
  const type = Uint8Array.of(2);
  const signature = identityOf(from).signDigest(keccakHash(concatBytes(type, encodeRlp(fields))));
  const [r, s] = [2, 66].map((at) => bigIntToBytes(BigInt(`0x${signature.slice(at, at + 64)}`)));
  const parity = bigIntToBytes(BigInt(`0x${signature.slice(130)}`));
  return decodeTransaction(concatBytes(type, encodeRlp([...fields, parity, r!, s!])), CHAIN_ID);
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

  it("takes back from undone blocks what it had forgotten when their batch is convicted, each once", async () => {
    const sent = [await transaction({ nonce: 0 }), await transaction({ nonce: 1 })];
    for (const one of sent) await pool.submit(one);
    const blocks = [await include(sent[0]!), await include(sent[1]!)];
    post(blocks);
    settleL1();
    await include(await transaction({ nonce: 2 }));
    await settle();
    expect(await stored()).toEqual([]);
    view.apply(conviction(view, 0n));
    chain.l1Changed();
    await world.clock.advance(10);
    expect(chain.head.header.number).toBe(0n);
    expect(pool.size).toBe(3);
    expect((await stored()).length).toBe(3);
    expect(sent.map(({ hash }) => pool.pending(hash)?.hash)).toEqual(sent.map(({ hash }) => hash));
    maker = await BlockMaker.start(view);
    const again = await include(...sent);
    expect(again.generation).toBe(1n);
    expect(pool.size).toBe(1);
    expect((await stored()).length).toBe(3);
  });

  it("takes them back after a restart in between, and not where they are in a block again", async () => {
    const sent = [await transaction({ nonce: 0 }), await transaction({ nonce: 1 })];
    for (const one of sent) await pool.submit(one);
    post([await include(...sent)]);
    settleL1();
    await include(await transaction({ nonce: 2 }));
    pool.stop();
    view.apply(conviction(view, 0n));
    chain.l1Changed();
    await world.clock.advance(10);
    await chain.stop();
    await site.network.stop();
    expect(await stored()).toEqual([]);
    await start();
    await world.clock.advance(10);
    expect(pool.size).toBe(3);
    maker = await BlockMaker.start(view);
    await include(...sent);
    await restart();
    await world.clock.advance(10);
    expect(pool.size).toBe(1);
    expect(await pool.submit(sent[0]!)).toBe("already-known");
    expect(await pool.submit(sent[1]!)).toBe("already-known");
  });

  it("does not take back what a block has again, of which it knew nothing", async () => {
    const sent = [await transaction({ nonce: 0 }), await transaction({ nonce: 1 })];
    post([await include(...sent)]);
    settleL1();
    view.apply(conviction(view, 0n));
    pool.stop();
    chain.l1Changed();
    await world.clock.advance(10);
    maker = await BlockMaker.start(view);
    await include(sent[0]!);
    await chain.stop();
    await site.network.stop();
    await start();
    await world.clock.advance(10);
    expect(sent.map(({ hash }) => pool.pending(hash) !== null)).toEqual([false, true]);
    expect(await pool.submit(sent[0]!)).toBe("already-known");
  });

  it("begins anew where another batch is convicted while it takes transactions back", async () => {
    const sent = [await transaction({ nonce: 0 }), await transaction({ nonce: 1 })];
    const blocks = [await include(sent[0]!), await include(sent[1]!)];
    post(blocks.slice(0, 1));
    post(blocks.slice(1));
    settleL1();
    const gate = Promise.withResolvers<void>();
    const { pending } = ports;
    pool.stop();
    await chain.stop();
    await site.network.stop();
    await start({ pending: { ...pending, put: (...entry) => gate.promise.then(() => pending.put(...entry)) } });
    for (const index of [1n, 0n]) {
      view.apply(conviction(view, index));
      chain.l1Changed();
      await world.clock.advance(10);
      expect(pool.size).toBe(0);
    }
    gate.resolve();
    await world.clock.advance(10);
    expect(sent.map(({ hash }) => pool.pending(hash) !== null)).toEqual([true, true]);
  });

  it("leaves in the undone blocks what a full pool has no room for, and takes it, in order, as there is room", async () => {
    const sent = [0, 1, 2].map((nonce) => bulky("user", nonce));
    for (const one of sent) await pool.submit(one);
    post([await include(...sent)]);
    settleL1();
    await include(await transaction({ nonce: 3 }));
    const others: { readonly from: string; readonly nonce: number }[] = [];
    for (let refusal: string | null = null; refusal === null; ) {
      const from = `other-${Math.floor(others.length / LIMITS.poolPerSender)}`;
      const nonce = others.length % LIMITS.poolPerSender;
      refusal = await pool.submit(bulky(from, nonce));
      if (refusal === null) others.push({ from, nonce });
      else expect(refusal).toBe("pool-full");
    }
    view.apply(conviction(view, 0n));
    chain.l1Changed();
    await world.clock.advance(10);
    expect(chain.undone.neededFrom).not.toBeNull();
    const back = (): readonly boolean[] => sent.map(({ hash }) => pool.pending(hash) !== null);
    expect(back()).toEqual([false, false, false]);
    for (const [i, { from, nonce }] of others.slice(0, 3).entries()) {
      const small = { nonce, maxFeePerGas: 10n ** 11n, maxPriorityFeePerGas: 9n };
      expect(await pool.submit(await transactionOf(maker.dac, from, small))).toBeNull();
      pool.slotChanged();
      await world.clock.advance(10);
      expect(back()).toEqual([0, 1, 2].map((at) => at <= i));
    }
    expect(chain.undone.neededFrom).toBeNull();
    expect((await stored()).length).toBe(pool.size);
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
