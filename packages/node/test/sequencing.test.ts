import { createEngine } from "@mvm/evm";
import {
  type AccountWrite,
  AddressTable,
  batchDigest,
  claimsOf,
  decodeBatch,
  evidenceHash,
  hashBatchHeader,
  hashHeader,
  inCalldata,
  keccakHash,
  merkleRoot,
  type Outcome,
  PREDEPLOYS,
  postedTransactions,
  refused,
  type SealedBlock,
  signerOf,
  transactionAt,
} from "@mvm/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { Convicting } from "../src/convicting.ts";
import { HostClient } from "../src/hostClient.ts";
import { Chain } from "../src/index.ts";
import { RequestDesk } from "../src/requestDesk.ts";
import { Sequencing } from "../src/sequencing.ts";
import { BlockMaker, signed, transactionOf } from "./blockMaker.ts";
import { honestAnswer, serveReads } from "./serving.ts";
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
  memberOf,
  SETTINGS,
  type Site,
  SLOT,
  viewOf,
  World,
} from "./world.ts";

const user = identityOf("user").operator;
const DEPOSITS = 3n;
/** whether the host proves the address table; of the newest state it proves nothing else, so that no blocks are made */
let isServed: boolean;
/** whether the host proves what blocks that were made read */
let isExecuted: boolean;

let world: World;
let host: Site;
let view: ReturnType<typeof viewOf>;
let maker: BlockMaker;

beforeEach(async () => {
  world = new World();
  view = viewOf(["host"]);
  for (let index = 0n; index < DEPOSITS; index++) deposit(view, index, user, 10n ** 18n);
  maker = await BlockMaker.start(view);
  host = world.site("host");
  await host.start();
  isServed = true;
  isExecuted = true;
  serveReads(host, (reads) => {
    const isOfTable = reads.keys.every((key) => key.kind === "slot" && key.address === PREDEPLOYS.addressTable);
    const isProven = isOfTable ? isServed : isExecuted && reads.stateRoot !== maker.parent.header.stateRoot;
    return isProven ? honestAnswer(maker, reads) : { name: "reads", body: refused("not today") };
  });
});

const RIGHT = { maySign: true, claim: async () => true };
/** Hosts that do not answer are asked again, each for as long as a read may take. */
const SILENCE_MS = 10 * SETTINGS.parameters.readTimeoutMs;
const hashOf = (block: SealedBlock) => hashHeader(block.header);

/** A block that consumes so many of the queue's items. */
const consuming = (count: number): Promise<SealedBlock> =>
  maker.next({ queueItems: view.queueItems(CHAIN_ID, 0n, SLOT).slice(0, count) });

/** Has a sequencer post blocks that it holds, of which those up to `posted` are on L1; gives back where it ran. */
const postBy = (name: string, ...blocks: readonly SealedBlock[]): Promise<Site> => postAfter(name, blocks);

/**
 * @param meanwhile what L1 does between its taking of the blocks and its start
 * @param then what L1 does after its start
 */
async function postAfter(
  name: string,
  blocks: readonly SealedBlock[],
  meanwhile: () => void = () => undefined,
  then: () => void = () => undefined,
): Promise<Site> {
  const site = world.site(name);
  const ports = await site.start();
  await connect(site, host);
  const desk = new RequestDesk(site.network);
  const chain = await Chain.open({ ports, settings: SETTINGS, view, desk, dac: maker.dac, withState: false });
  for (const block of blocks) chain.receive(block);
  await world.clock.advance(5);
  expect(chain.head.hash).toBe(hashHeader(blocks.at(-1)!.header));
  meanwhile();
  const hosts = new HostClient({ ports, settings: SETTINGS, view });
  const engine = await createEngine();
  const sequencing = new Sequencing({
    ports,
    settings: SETTINGS,
    view,
    chain,
    hosts,
    engine,
    desk,
    right: RIGHT,
    convicting: new Convicting({ ports, engine }),
  });
  await sequencing.start();
  then();
  sequencing.l1Changed();
  await world.clock.advance(3 * SETTINGS.parameters.batchIntervalMs + SILENCE_MS);
  sequencing.stop();
  await chain.stop();
  await site.network.stop();
  return site;
}

/** Puts batches of one block each on L1, by another sequencer. */
function postByOther(...blocks: readonly SealedBlock[]): void {
  for (const block of blocks) {
    const last = view.batches(CHAIN_ID).at(-1);
    const index = (last?.header.index ?? -1n) + 1n;
    const previousBatchHash = last?.batchHash ?? maker.dac.genesisHash;
    const place = { index, previousBatchHash, slot: SLOT, poster: identityOf("other").operator };
    const header = { ...claimsOf([block], place), ...inCalldata(new Uint8Array(0)) };
    const batchHash = hashBatchHeader(header);
    const at = { timestamp: GENESIS_SECONDS, l1Block: L1_HEAD };
    view.apply({ kind: "batchAppended", header, batchHash, transactionHash: batchHash, ...at });
  }
}

describe("a sequencer of a chain whose batch was convicted", () => {
  it("posts what comes in its place as the next batch after the last that stands, in the next generation", async () => {
    const first = await consuming(1);
    const second = await maker.next({ queueItems: view.queueItems(CHAIN_ID, 1n, SLOT).slice(0, 1) });
    postByOther(first, second);
    view.apply(conviction(view, 1n));
    maker = await BlockMaker.start(view);
    await consuming(1);
    const again = await maker.next({ queueItems: view.queueItems(CHAIN_ID, 1n, SLOT) });
    const { posted } = await postBy("sequencer", first, again);
    const [standing] = view.batches(CHAIN_ID);
    expect(posted[0]!.header).toMatchObject({
      generation: 1n,
      index: 1n,
      previousBatchHash: standing!.batchHash,
      firstBlock: 2n,
      queueEnd: DEPOSITS,
    });
  });

  it("publishes at its start what it signed in the present generation and had not published, and nothing of another", async () => {
    postByOther(await consuming(1));
    view.apply(conviction(view, 0n));
    const site = world.site("sequencer");
    const start = async (...seals: readonly SealedBlock[]): Promise<bigint> => {
      const ports = await site.start();
      for (const block of seals) await ports.seals.put(block);
      const desk = new RequestDesk(site.network);
      const chain = await Chain.open({ ports, settings: SETTINGS, view, desk, dac: maker.dac, withState: false });
      const hosts = new HostClient({ ports, settings: SETTINGS, view });
      const engine = await createEngine();
      const sequencing = new Sequencing({
        ports,
        settings: SETTINGS,
        view,
        chain,
        hosts,
        engine,
        desk,
        right: RIGHT,
        convicting: new Convicting({ ports, engine }),
      });
      await sequencing.start();
      await world.clock.advance(10);
      const { number } = chain.head.header;
      sequencing.stop();
      await chain.stop();
      await site.network.stop();
      return number;
    };
    maker = await BlockMaker.start(view);
    const { block } = await maker.sibling({ slot: view.slot });
    expect(block.generation).toBe(1n);
    expect(await start({ ...block, generation: 0n })).toBe(0n);
    expect(await start(block)).toBe(1n);
  });
});

describe("a batch that a sequencer posts", () => {
  it("is signed over the network, its epoch and the header, and holds the block", async () => {
    const block = await consuming(Number(DEPOSITS));
    const { posted } = await postBy("sequencer", block);
    const { header, data, signature } = posted[0]!;
    const { randomness } = view.valuesOf(header.slot)!;
    const { operator } = identityOf("sequencer");
    expect(signerOf(batchDigest(SETTINGS.network, randomness, header), signature)).toBe(operator);
    const elsewhere = { ...SETTINGS.network, l1ChainId: 1n };
    expect(signerOf(batchDigest(elsewhere, randomness, header), signature)).not.toBe(operator);
    expect(header).toMatchObject({
      chainId: CHAIN_ID,
      index: 0n,
      previousBatchHash: maker.dac.genesisHash,
      firstBlock: 1n,
      lastBlock: 1n,
      blocksRoot: merkleRoot([hashHeader(block.header)]),
      dataHash: keccakHash(data),
      queueEnd: DEPOSITS,
      slot: view.slot,
      poster: identityOf("sequencer").operator,
    });
    const decoded = decodeBatch(data, () => undefined);
    expect(decoded).toMatchObject({
      ok: true,
      value: { chainId: CHAIN_ID, blocks: [{ queueItems: Number(DEPOSITS) }] },
    });
  });

  it("names by number the addresses that earlier batches have put into the table, also those of its own blocks", async () => {
    const to = identityOf("receiver").operator;
    const sent = async (...nonces: number[]): Promise<SealedBlock> => {
      const transactions = await Promise.all(nonces.map((nonce) => transactionOf(maker.dac, "user", { nonce, to })));
      return maker.next({ transactions });
    };
    const first = await maker.next({ queueItems: view.queueItems(CHAIN_ID, 0n, SLOT) });
    const blocks = [first, await sent(0), await sent(1, 2)];
    const whole = (await postBy("sequencer", ...blocks)).posted[0]!;
    const table = new AddressTable();
    const decoded = decodeBatch(
      whole.data,
      (_, index) => table.at(index),
      (_, named) => table.enter(named),
    );
    expect(decoded).toMatchObject({
      value: { blocks: blocks.map((block) => ({ transactions: postedTransactions(block) })) },
    });
    expect(transactionAt(whole.data, 1, 0, () => undefined)).toMatchObject({ value: { inline: [to], indexes: [] } });
    expect(transactionAt(whole.data, 2, 1, () => to)).toMatchObject({ value: { inline: [], indexes: [0n] } });
    const { header } = whole;
    const posted = { ...header, lastBlock: 2n, blocksRoot: merkleRoot(blocks.slice(0, 2).map(hashOf)) };
    const hashes = { batchHash: hashOfText("batch"), transactionHash: hashOfText("transaction") };
    view.apply({ kind: "batchAppended", header: posted, ...hashes, timestamp: GENESIS_SECONDS, l1Block: L1_HEAD });
    const later = (await postBy("later", ...blocks)).posted;
    expect(later).toEqual([]);
    const rest = (await postBy("sequencer", ...blocks)).posted[0]!;
    expect(rest.header).toMatchObject({ index: 1n, firstBlock: 3n, lastBlock: 3n });
    expect(transactionAt(rest.data, 0, 0, () => to)).toMatchObject({ value: { inline: [], indexes: [0n] } });
  });

  it("writes every address out where no host proves the address table", async () => {
    const to = identityOf("receiver").operator;
    const transactions = [await transactionOf(maker.dac, "user", { nonce: 0, to })];
    const blocks = [
      await maker.next({ queueItems: view.queueItems(CHAIN_ID, 0n, SLOT), transactions }),
      await maker.next({ transactions: [await transactionOf(maker.dac, "user", { nonce: 1, to })] }),
    ];
    isServed = false;
    const { posted } = await postBy("sequencer", ...blocks);
    for (const block of [0, 1])
      expect(transactionAt(posted[0]!.data, block, 0, () => undefined)).toMatchObject({ value: { inline: [to] } });
  });

  it("is of nothing that the poster has not executed: where seats and sequencer agreed on something wrong, it ends before that", async () => {
    const to = identityOf("receiver").operator;
    const sent = async (nonce: number) => [await transactionOf(maker.dac, "user", { nonce, to })];
    const first = await maker.next({
      queueItems: view.queueItems(CHAIN_ID, 0n, SLOT),
      transactions: await sent(0),
    });
    const richer = (write: AccountWrite): AccountWrite =>
      write.address === user && write.account
        ? { ...write, account: { ...write.account, balance: 10n ** 30n } }
        : write;
    const claim = (outcome: Outcome): Outcome =>
      outcome.kind === "included" ? { ...outcome, writes: outcome.writes.map(richer) } : outcome;
    const wrong = await maker.next({ transactions: await sent(1), claim });
    const above = await maker.next({ transactions: await sent(2) });
    const { posted } = await postBy("sequencer", first, wrong, above);
    expect(new Set(posted.map(({ header }) => header.lastBlock))).toEqual(new Set([1n]));
    expect(posted[0]!.header.blocksRoot).toBe(merkleRoot([hashOf(first)]));
  });

  it.each<readonly [string, (block: SealedBlock) => SealedBlock["evidence"]]>([
    ["is not there", () => null],
    ["is wrong", (block) => ({ ...block.evidence!, proof: identityOf("other").bls.sign(hashOf(block)) })],
  ])("is of no block whose evidence %s, though its poster took it when L1 had it", async (_, evidenceOf) => {
    const block = await consuming(Number(DEPOSITS));
    const evidence = evidenceOf(block);
    const committed = evidence === null ? block.context.evidence : evidenceHash(evidence);
    const wrong = signed({ ...block, evidence, context: { ...block.context, evidence: committed } });
    postByOther(block);
    view.apply(l1Block(L1_HEAD + 1n, GENESIS_SECONDS + 1n));
    const site = await postAfter("sequencer", [wrong], () => view.apply({ kind: "reorg", toBlock: L1_HEAD }));
    expect(view.postedHead(CHAIN_ID)).toBe(0n);
    expect(site.posted).toEqual([]);
    expect(site.logged("work-wrong").length).toBeGreaterThan(0);
  });

  it("waits for hosts that prove what its blocks read", async () => {
    const block = await consuming(Number(DEPOSITS));
    isExecuted = false;
    expect((await postBy("sequencer", block)).posted).toEqual([]);
    isExecuted = true;
    expect((await postBy("later", block)).posted).toEqual([]);
    expect((await postBy("sequencer", block)).posted.length).toBeGreaterThan(0);
  });

  it("shows no item where it leaves none and its poster is the elected one", async () => {
    const { posted } = await postBy("sequencer", await consuming(Number(DEPOSITS)));
    expect(posted[0]).not.toHaveProperty("nextItem");
    expect(posted[0]).not.toHaveProperty("firstItem");
  });

  it("shows the first item that it leaves, though it may be consumed", async () => {
    const { posted } = await postBy("sequencer", await consuming(1));
    expect(posted[0]!.header.queueEnd).toBe(1n);
    expect(posted[0]!.nextItem).toEqual(view.queuedItem(CHAIN_ID, 1n));
    expect(posted[0]).not.toHaveProperty("firstItem");
  });

  it("shows the overdue item that opened the chain where its poster is not elected, and who is was silent for a slot", async () => {
    const block = await consuming(Number(DEPOSITS));
    view.apply({ kind: "registered", registry: "sequencer", member: memberOf("another", 1) });
    view.apply({ kind: "stakeChanged", index: 1, grid: 1, stakeWei: 10n ** 18n, l1Block: L1_HEAD });
    const { forceDelaySeconds, openAfterSeconds } = SETTINGS.parameters;
    const openAt = GENESIS_SECONDS + BigInt(forceDelaySeconds + openAfterSeconds);
    view.apply(l1Block(L1_HEAD + 1n, openAt - 1n));
    expect((await postBy("another", block)).posted).toEqual([]);
    view.apply(l1Block(L1_HEAD + 2n, openAt));
    const slot = BigInt(SETTINGS.parameters.epochBlocks);
    const { posted } = await postAfter("another", [block], undefined, () => {
      for (let number = L1_HEAD + 3n; number <= L1_HEAD + 2n + slot; number++) view.apply(l1Block(number, openAt));
    });
    expect(posted[0]!.header.poster).toBe(identityOf("another").operator);
    expect(posted[0]!.firstItem).toEqual(view.queuedItem(CHAIN_ID, 0n));
    expect(posted[0]).not.toHaveProperty("nextItem");
  });
});
