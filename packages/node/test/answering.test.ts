import { createEngine, type Engine } from "@mvm/evm";
import {
  ASK_KINDS,
  type AskItem,
  answerFault,
  encodeAskItem,
  type Hash,
  isOfBlock,
  merkleRoot,
  type PartsAnswer,
  refused,
  type SealedBlock,
} from "@mvm/protocol";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Answering } from "../src/answering.ts";
import { HostClient } from "../src/hostClient.ts";
import { Chain } from "../src/index.ts";
import { RequestDesk } from "../src/requestDesk.ts";
import { BlockMaker, signed, transactionOf } from "./blockMaker.ts";
import { honestAnswer, serveReads } from "./serving.ts";
import {
  CHAIN_ID,
  connect,
  conviction,
  deposit,
  GENESIS_SECONDS,
  identityOf,
  L1_HEAD,
  l1Block,
  postOn,
  SETTINGS,
  type Site,
  SLOT,
  viewOf,
  World,
} from "./world.ts";

const user = identityOf("user").operator;
const { revealDelaySeconds, maxWindowSeconds } = SETTINGS.parameters;
/** Hosts that do not answer are asked again, each for as long as a read may take. */
const SILENCE_MS = 10 * SETTINGS.parameters.readTimeoutMs;

let engine: Engine;
let world: World;
let host: Site;
let view: ReturnType<typeof viewOf>;
let blocks: SealedBlock[];
let isServed: boolean;

beforeAll(async () => {
  engine = await createEngine();
});

beforeEach(async () => {
  world = new World();
  view = viewOf(["host"]);
  deposit(view, 0n, user, 10n ** 18n);
  const maker = await BlockMaker.start(view);
  host = world.site("host");
  await host.start();
  isServed = true;
  serveReads(host, (reads) => (isServed ? honestAnswer(maker, reads) : { name: "reads", body: refused("not today") }));
  blocks = [await maker.next({ queueItems: view.queueItems(CHAIN_ID, 0n, SLOT) })];
  for (let nonce = 0; nonce < 2; nonce++)
    blocks.push(
      await maker.next({ transactions: [await transactionOf({ chainId: CHAIN_ID }, "user", { nonce, value: 1n })] }),
    );
});

type Running = {
  readonly site: Site;
  readonly chain: Chain;
  readonly answering: Answering;
  readonly stop: () => Promise<void>;
};

/** Starts a node's answering on its disks, with the blocks that it is given. */
async function start(site: Site, held: readonly SealedBlock[] = []): Promise<Running> {
  const ports = await site.start();
  await connect(site, host);
  const desk = new RequestDesk(site.network);
  const dac = view.dac(CHAIN_ID)!;
  const chain = await Chain.open({ ports, settings: SETTINGS, view, desk, dac, withState: false });
  for (const block of held) chain.receive(block);
  await world.clock.advance(5);
  const hosts = new HostClient({ ports, settings: SETTINGS, view });
  const chains = new Map([[CHAIN_ID, chain]]);
  const answering = new Answering({ ports, settings: SETTINGS, view, desk, chains, hosts, engine });
  const stop = async (): Promise<void> => {
    await answering.stop();
    await chain.stop();
    await site.network.stop();
  };
  return { site, chain, answering, stop };
}

/** Puts a batch on L1; gives back its hash. */
const post = (batch: readonly SealedBlock[], poster?: string): Hash =>
  postOn(view, batch, poster === undefined ? {} : { poster });

let asks = 0n;
/** Has an item asked for, and served now. */
function ask(batchHash: Hash, item: AskItem): void {
  const number = asks++;
  view.apply({ kind: "askServed", batchHash, number, until: GENESIS_SECONDS + BigInt(revealDelaySeconds) });
  view.apply({ kind: "asked", batchHash, number, item: encodeAskItem(item) });
}

async function look({ chain, answering }: Running): Promise<void> {
  chain.l1Changed();
  await world.clock.advance(5);
  answering.l1Changed();
  await world.clock.advance(SILENCE_MS);
}

const itemsOf = (count: number): readonly AskItem[] =>
  ASK_KINDS.flatMap((kind) =>
    Array.from({ length: isOfBlock(kind) ? count : 1 }, (_, position) => ({ kind, position })),
  );

describe("a node that is asked for what it posted", () => {
  it("shows each item as L1 wants it, under a key of its own", async () => {
    const node = await start(world.site("sequencer"), blocks);
    const batchHash = post(blocks);
    const items = itemsOf(blocks.length);
    for (const item of items) {
      ask(batchHash, item);
      await look(node);
    }
    const { answered } = node.site;
    expect(answered.map(({ answer: { kind, position } }) => ({ kind, position }))).toEqual(items);
    for (const { header, answer } of answered) expect(answerFault(header, answer)).toBeNull();
    expect(new Set(answered.map(({ key }) => key)).size).toBe(items.length);
    await node.stop();
  });

  it("shows the parts of each transaction: from where it starts, to the leaf of its checkpoint", async () => {
    const node = await start(world.site("sequencer"), blocks);
    const batchHash = post(blocks);
    for (const index of blocks[1]!.transactions.keys()) {
      ask(batchHash, { kind: "parts", position: 1, index });
      await look(node);
    }
    const shown = node.site.answered.map(({ answer }) => answer as PartsAnswer);
    expect(shown.map(({ kind, index }) => [kind, index])).toEqual([...shown.keys()].map((index) => ["parts", index]));
    expect(merkleRoot(shown.map(({ leaves }) => leaves.at(-1)!))).toBe(blocks[1]!.header.checkpointsRoot);
    for (const { header, answer } of node.site.answered) expect(answerFault(header, answer)).toBeNull();
    await node.stop();
  });

  it("shows the bytes of a transaction", async () => {
    const node = await start(world.site("sequencer"), blocks);
    const index = blocks[1]!.transactions.length - 1;
    ask(post(blocks), { kind: "bytes", position: 1, index });
    await look(node);
    const [{ header, answer }] = node.site.answered as [(typeof node.site.answered)[0]];
    expect(answer).toMatchObject({ kind: "bytes", transaction: blocks[1]!.transactions[index] });
    expect(answerFault(header, answer)).toBeNull();
    await node.stop();
  });

  it("shows who did each block's job, or that there was none to do", async () => {
    const node = await start(world.site("sequencer"), blocks);
    const batchHash = post(blocks);
    for (const position of blocks.keys()) {
      ask(batchHash, { kind: "evidence", position });
      await look(node);
    }
    const { answered } = node.site;
    expect(answered.map(({ answer }) => answer.kind)).toEqual(blocks.map(() => "evidence"));
    for (const [i, { header, answer }] of answered.entries()) {
      const { evidence: evidenceHash } = blocks[i]!.context;
      expect(answerFault(header, answer, { evidenceHash })).toBeNull();
      expect(answerFault(header, answer, { evidenceHash: blocks[(i + 1) % 3]!.context.evidence })).not.toBeNull();
    }
    await node.stop();
  });

  it("says so where it took a block without evidence, for L1 had it", async () => {
    const batchHash = post(blocks.slice(0, 1));
    const node = await start(world.site("sequencer"), [signed({ ...blocks[0]!, evidence: null })]);
    ask(batchHash, { kind: "evidence", position: 0 });
    await look(node);
    expect(node.site.answered).toEqual([]);
    expect(node.site.logged("ask-not-answered")).toMatchObject([
      { data: { reason: expect.stringMatching(/without its evidence/) } },
    ]);
    await node.stop();
  });

  it("shows no parts of a transaction that has no stretches", async () => {
    const node = await start(world.site("sequencer"), blocks);
    ask(post(blocks), { kind: "stretch", position: 1, index: 0, stretch: 0 });
    await look(node);
    expect(node.site.answered).toEqual([]);
    expect(node.site.logged("ask-not-answered")).toHaveLength(1);
    await node.stop();
  });

  it("keeps the checkpoints of what it posted: after a crash, and without hosts, it shows them", async () => {
    const site = world.site("sequencer");
    const first = await start(site, blocks);
    const batchHash = post(blocks);
    await look(first);
    await first.stop();
    isServed = false;
    const second = await start(site);
    ask(batchHash, { kind: "checkpoints", position: 2 });
    await look(second);
    const [shown] = site.answered;
    expect(shown!.answer).toMatchObject({ kind: "checkpoints", position: 2 });
    expect(answerFault(shown!.header, shown!.answer)).toBeNull();
    await second.stop();
  });

  it("says so where it lacks them and no host helps, and shows them when one does", async () => {
    const node = await start(world.site("sequencer"), blocks);
    isServed = false;
    ask(post(blocks), { kind: "checkpoints", position: 0 });
    await look(node);
    expect(node.site.answered).toEqual([]);
    expect(node.site.logged("ask-not-answered")).toHaveLength(1);
    isServed = true;
    view.apply(l1Block(L1_HEAD + 1n, GENESIS_SECONDS));
    await look(node);
    expect(node.site.answered).toHaveLength(1);
    await node.stop();
  });

  it("shows nothing of a batch that its blocks are not in", async () => {
    const node = await start(world.site("sequencer"), blocks);
    const other = signed({ ...blocks[2]!, header: { ...blocks[2]!.header, gasUsed: 1n } });
    ask(post([...blocks.slice(0, 2), other]), { kind: "blocks", position: 0 });
    await look(node);
    expect(node.site.answered).toEqual([]);
    expect(node.site.logged("ask-not-answered")).toMatchObject([
      { data: { reason: expect.stringMatching(/is not here/) } },
    ]);
    await node.stop();
  });

  it("shows no checkpoints of a block whose outcomes lead to others", async () => {
    // gateways and sequencers have no state: they take the block, and find out when they are asked
    const header = { ...blocks[0]!.header, checkpointsRoot: blocks[0]!.header.stateRoot };
    const other = signed({ ...blocks[0]!, header });
    const node = await start(world.site("sequencer"), [other]);
    const batchHash = post([other]);
    ask(batchHash, { kind: "checkpoints", position: 0 });
    await look(node);
    expect(node.site.answered).toEqual([]);
    expect(node.site.logged("ask-not-answered")).toMatchObject([
      { data: { reason: expect.stringMatching(/lead to other checkpoints/) } },
    ]);
    await node.stop();
  });

  it("lets go of what it kept when the batch is final", async () => {
    const node = await start(world.site("sequencer"), blocks);
    post(blocks);
    await look(node);
    const kept = async (): Promise<number> =>
      (await node.site.stores.get("node")!.page({ from: Uint8Array.of(5), to: Uint8Array.of(6) }, 10)).length;
    expect(await kept()).toBe(blocks.length);
    view.apply(l1Block(L1_HEAD + 1n, GENESIS_SECONDS + BigInt(maxWindowSeconds)));
    await look(node);
    expect(await kept()).toBe(0);
    await node.stop();
  });
});

describe("a node that did not post what is asked for", () => {
  it("answers in the poster's place when it is late, as a registered sequencer", async () => {
    const node = await start(world.site("sequencer"), blocks);
    ask(post(blocks, "other"), { kind: "words", position: 0 });
    await look(node);
    expect(node.site.answered).toEqual([]);
    view.apply(l1Block(L1_HEAD + 1n, GENESIS_SECONDS + BigInt(revealDelaySeconds) - 1n));
    await look(node);
    expect(node.site.answered).toHaveLength(1);
    await node.stop();
  });

  it("has the clock let go of a batch that fell with asks open", async () => {
    const node = await start(world.site("sequencer"), blocks);
    const batchHash = post(blocks, "other");
    ask(batchHash, { kind: "words", position: 0 });
    view.apply(conviction(view, 0n));
    await look(node);
    expect(node.site.answered).toEqual([]);
    expect(node.site.paidBack).toMatchObject([{ header: { index: 0n } }]);
    await node.stop();
  });
});
