import {
  decodeAnswer,
  encodeAnswer,
  encodeBlock,
  type Header,
  hashHeader,
  keccakHash,
  REQUESTS,
  type SealedBlock,
  toHash,
  ZERO_HASH,
} from "@mvm/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { Chain, type Ports } from "../src/index.ts";
import { RequestDesk } from "../src/requestDesk.ts";
import { BlockMaker, TOKEN_INITCODE, transactionOf } from "./blockMaker.ts";
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
  postOn,
  SETTINGS,
  type Site,
  SLOT,
  viewOf,
  World,
} from "./world.ts";

const user = identityOf("user").operator;
const receiver = identityOf("receiver").operator;

let world: World;
let site: Site;
let ports: Ports;
let view: ReturnType<typeof viewOf>;
let maker: BlockMaker;
let chain: Chain;

beforeEach(async () => {
  world = new World();
  site = world.site("node");
  ports = await site.start();
  view = viewOf(["host"]);
  for (let n = 0n; n < 3n; n++) deposit(view, n, user, 10n ** 18n);
  maker = await BlockMaker.start(view);
});

async function open(withState: boolean, keptStates?: number): Promise<Chain> {
  const desk = new RequestDesk(site.network);
  chain = await Chain.open({ ports, settings: SETTINGS, view, desk, dac: maker.dac, withState, keptStates });
  chain.start();
  return chain;
}

/** Deposits first, then transfers, then a contract with a log. */
async function story(): Promise<SealedBlock[]> {
  const deposits = view.queueItems(CHAIN_ID, 0n, SLOT);
  const transfer = (nonce: number) => transactionOf(maker.dac, "user", { nonce, value: 7n });
  return [
    await maker.next({ queueItems: deposits.slice(0, 2), transactions: [await transfer(0)] }),
    await maker.next({ queueItems: deposits.slice(2), transactions: [await transfer(1), await transfer(2)] }),
    await maker.next({
      transactions: [await transactionOf(maker.dac, "user", { nonce: 3, to: null, data: TOKEN_INITCODE })],
    }),
  ];
}

async function receive(...blocks: SealedBlock[]): Promise<void> {
  for (const block of blocks) chain.receive(block);
  await world.clock.advance(10);
}

function post(blocks: readonly SealedBlock[], timestamp = blocks.at(-1)!.header.timestamp): void {
  postOn(view, blocks, { slot: 0n, timestamp });
  chain.l1Changed();
}

const flipped = (hash: string) => toHash(`${hash.slice(0, -1)}${hash.endsWith("0") ? "1" : "0"}`);
const DAMAGES: readonly (readonly [keyof Header, (header: Header) => Partial<Header>])[] = [
  ["parentHash", ({ parentHash }) => ({ parentHash: flipped(parentHash) })],
  ["stateRoot", ({ stateRoot }) => ({ stateRoot: flipped(stateRoot) })],
  ["transactionsRoot", ({ transactionsRoot }) => ({ transactionsRoot: flipped(transactionsRoot) })],
  ["receiptsRoot", ({ receiptsRoot }) => ({ receiptsRoot: flipped(receiptsRoot) })],
  ["withdrawalsRoot", ({ withdrawalsRoot }) => ({ withdrawalsRoot: flipped(withdrawalsRoot) })],
  ["checkpointsRoot", ({ checkpointsRoot }) => ({ checkpointsRoot: flipped(checkpointsRoot) })],
  ["logsBloom", ({ logsBloom }) => ({ logsBloom: logsBloom.map((byte, i) => (i === 9 ? byte ^ 1 : byte)) })],
  ["gasUsed", ({ gasUsed }) => ({ gasUsed: gasUsed + 1n })],
  ["timestamp", () => ({ timestamp: 0n })],
  ["prevRandao", ({ prevRandao }) => ({ prevRandao: flipped(prevRandao) })],
  ["baseFeePerGas", ({ baseFeePerGas }) => ({ baseFeePerGas: baseFeePerGas + 1n })],
];

/** Position of the first deposit in block 1: after context and founding. */
const DEPOSIT = 2;
/** Transactions with one bit of one turned. */
const turned = (transactions: readonly Uint8Array[], at: number, byte: number): readonly Uint8Array[] =>
  transactions.with(at, transactions.at(at)!.with(byte, transactions.at(at)!.at(byte)! ^ 1));

/** What only those can check who have the state. */
const OF_STATE: readonly (keyof Header)[] = ["stateRoot", "checkpointsRoot", "withdrawalsRoot"];

describe("a chain with state", () => {
  it("begins with the genesis that follows from the DAC's registration", async () => {
    await open(true);
    expect(chain.head.hash).toBe(maker.parent.hash);
    expect(chain.database.head?.stateRoot).toBe(maker.database.head?.stateRoot);
  });

  it("applies good blocks, in whatever order they come, and holds their state, receipts and places", async () => {
    await open(true);
    const blocks = await story();
    const heads: bigint[] = [];
    chain.onHead((head) => heads.push(head.header.number));
    await receive(blocks[2]!, blocks[0]!, blocks[1]!);
    expect(heads).toEqual([1n, 2n, 3n]);
    expect(chain.head.hash).toBe(hashHeader(blocks[2]!.header));
    expect(chain.database.account(receiver)?.balance).toBe(21n);
    expect(chain.database.head?.stateRoot).toBe(blocks[2]!.header.stateRoot);
    expect(await chain.database.receipts(2n)).toHaveLength(blocks[1]!.transactions.length);
    expect(encodeBlock(chain.block(2n)!)).toEqual(encodeBlock(blocks[1]!));
    expect(chain.block(4n)).toBeNull();
  });

  it.each(DAMAGES)("refuses a block with a wrong %s, says so, and stores nothing of it", async (_field, damage) => {
    await open(true);
    const [block] = await story();
    await receive({ ...block!, header: { ...block!.header, ...damage(block!.header) } });
    expect(chain.head.header.number).toBe(0n);
    expect(chain.database.head?.number).toBe(0n);
    expect(chain.database.blockByNumber(1n)).toBeNull();
    expect(chain.database.account(user)).toBeNull();
    const notes = site.logs.filter(({ code }) => code === "block-refused" || code === "block-not-applied");
    // a block that names another parent is a fork that is not followed: nothing to note
    expect(notes).toHaveLength(_field === "parentHash" ? 0 : 1);
    await receive(block!);
    expect(chain.head.header.number).toBe(1n);
  });

  it.each<readonly [string, (block: SealedBlock) => Partial<SealedBlock>]>([
    [
      "an outcome that gave more",
      ({ outcomes }) => {
        const generous = outcomes[DEPOSIT]!.writes.map((write) => ({
          ...write,
          account: write.account && { ...write.account, balance: write.account.balance + 1n },
        }));
        return { outcomes: outcomes.with(DEPOSIT, { ...outcomes[DEPOSIT]!, writes: generous }) };
      },
    ],
    [
      "a status that is turned around",
      ({ outcomes }) => ({ outcomes: outcomes.with(DEPOSIT, { ...outcomes[DEPOSIT]!, status: 0 }) }),
    ],
    ["another context than it says", ({ transactions }) => ({ transactions: turned(transactions, 0, -1) })],
    ["another charter than L1's", ({ transactions }) => ({ transactions: turned(transactions, 1, 200) })],
    ["a deposit that L1 does not have", ({ transactions }) => ({ transactions: turned(transactions, DEPOSIT, 30) })],
    ["a settle that is none", ({ transactions }) => ({ transactions: turned(transactions, -1, 30) })],
    [
      "a transaction left out",
      ({ transactions, outcomes }) => ({ transactions: transactions.slice(0, -1), outcomes: outcomes.slice(0, -1) }),
    ],
    [
      "its founding left out",
      ({ transactions, outcomes }) => ({
        transactions: transactions.toSpliced(1, 1),
        outcomes: outcomes.toSpliced(1, 1),
      }),
    ],
  ])("refuses a block with %s", async (_what, damage) => {
    await open(true);
    const [block] = await story();
    await receive({ ...block!, ...damage(block!) });
    expect(chain.database.head?.number).toBe(0n);
    await receive(block!);
    expect(chain.head.header.number).toBe(1n);
  });

  it("goes over to a branch of a later slot, and its state with it", async () => {
    await open(true);
    const [first] = await story().then((blocks) => blocks.slice(0, 1));
    const branch = await BlockMaker.start(view);
    const deposits = view.queueItems(CHAIN_ID, 0n, SLOT);
    const transfer = await transactionOf(maker.dac, "user", { nonce: 0, value: 99n });
    const rival = await branch.next({ queueItems: deposits.slice(0, 2), transactions: [transfer], slot: SLOT + 1n });
    await receive(first!);
    expect(chain.database.account(receiver)?.balance).toBe(7n);
    await receive(rival);
    expect(chain.head.hash).toBe(hashHeader(rival.header));
    expect(chain.database.account(receiver)?.balance).toBe(99n);
    expect(chain.database.blockByHash(hashHeader(first!.header))).toBeNull();
    expect(hashHeader(chain.block(1n)!.header)).toBe(chain.head.hash);
    await receive(first!);
    expect(chain.head.hash).toBe(hashHeader(rival.header));
  });

  it("goes back to where L1 agrees when another branch was posted", async () => {
    await open(true);
    const blocks = await story();
    await receive(...blocks);
    post(blocks.slice(0, 1));
    const branch = await BlockMaker.start(view);
    const deposits = view.queueItems(CHAIN_ID, 0n, SLOT);
    const transfer = (nonce: number, value: bigint) => transactionOf(maker.dac, "user", { nonce, value });
    await branch.next({ queueItems: deposits.slice(0, 2), transactions: [await transfer(0, 7n)] });
    const other = await branch.next({ transactions: [await transfer(1, 50n)] });
    post([other]);
    await world.clock.advance(10);
    expect(chain.head.header.number).toBe(1n);
    expect(chain.database.account(receiver)?.balance).toBe(7n);
    expect(chain.block(2n)).toBeNull();
    await receive(other);
    expect(chain.head.hash).toBe(hashHeader(other.header));
    expect(chain.safeNumber).toBe(2n);
  });

  it("calls posted blocks safe, and final after the window, when they can no longer be taken back", async () => {
    await open(true);
    const blocks = await story();
    await receive(...blocks.slice(0, 2));
    expect([chain.safeNumber, chain.finalNumber]).toEqual([0n, 0n]);
    post(blocks.slice(0, 2), view.block.timestamp);
    expect([chain.safeNumber, chain.finalNumber]).toEqual([2n, 0n]);
    const { maxWindowSeconds } = SETTINGS.parameters;
    view.apply(l1Block(L1_HEAD + 1n, view.block.timestamp + BigInt(maxWindowSeconds)));
    expect(chain.finalNumber).toBe(2n);
    await receive(blocks[2]!);
    await world.clock.advance(10);
    expect(chain.database.final).toBe(2n);
    await expect(chain.database.rollbackTo(1n)).rejects.toMatchObject({ code: "cannot-roll-back" });
  });

  it("lets states go that are neither of the last blocks nor since the last final one, and proves nothing of them", async () => {
    await open(true, 1);
    const blocks = await story();
    const keys = [{ kind: "account", address: user }] as const;
    const provable = (): readonly boolean[] =>
      blocks.slice(0, Number(chain.head.header.number)).map(({ header }) => {
        try {
          return chain.prove(header.stateRoot, keys, false).nodes.length > 0;
        } catch {
          return false;
        }
      });
    await receive(...blocks.slice(0, 2));
    expect(provable()).toEqual([true, true]);
    post(blocks.slice(0, 2), view.block.timestamp);
    const { maxWindowSeconds } = SETTINGS.parameters;
    view.apply(l1Block(L1_HEAD + 1n, view.block.timestamp + BigInt(maxWindowSeconds)));
    await receive(blocks[2]!);
    await world.clock.advance(10);
    expect(chain.database.oldestState).toBe(2n);
    expect(provable()).toEqual([false, true, true]);
  });

  it("undoes what a conviction made fall, state and receipts too, and goes on in the next generation", async () => {
    await open(true);
    const blocks = await story();
    await receive(...blocks);
    post(blocks.slice(0, 1), GENESIS_SECONDS);
    post(blocks.slice(1, 2), GENESIS_SECONDS);
    expect(chain.safeNumber).toBe(2n);
    const [fallen] = blocks[1]!.transactions.slice(-2).map(keccakHash);
    view.apply(conviction(view, 1n));
    chain.l1Changed();
    expect(chain.answerBlocks(1n, 9)).toEqual({
      name: "blocks",
      body: { kind: "blocks", blocks: [encodeBlock(blocks[0]!)] },
    });
    await world.clock.advance(10);
    expect([chain.head.header.number, chain.safeNumber, chain.agreesWithL1]).toEqual([1n, 1n, true]);
    expect(chain.database.transactionPlace(fallen!)).toBeNull();
    expect(chain.database.account(receiver)?.balance).toBe(7n);
    await receive(...blocks);
    expect(chain.head.header.number).toBe(1n);
    const anew = await BlockMaker.start(view);
    const deposits = view.queueItems(CHAIN_ID, 0n, SLOT);
    const transfer = (nonce: number) => transactionOf(maker.dac, "user", { nonce, value: 7n });
    await anew.next({ queueItems: deposits.slice(0, 2), transactions: [await transfer(0)] });
    const second = await anew.next({
      queueItems: deposits.slice(2),
      transactions: [await transfer(1), await transfer(2)],
    });
    expect([second.generation, second.header.parentHash]).toEqual([1n, hashHeader(blocks[0]!.header)]);
    await receive(second);
    expect(chain.head.hash).toBe(hashHeader(second.header));
    expect(chain.database.transactionPlace(fallen!)?.number).toBe(2n);
    expect(chain.database.account(receiver)?.balance).toBe(21n);
  });

  it("has what fell again where L1 takes the conviction back, also after a restart, and keeps it no longer than that", async () => {
    await open(true);
    const blocks = await story();
    await receive(...blocks);
    post(blocks.slice(0, 1), GENESIS_SECONDS);
    post(blocks.slice(1, 2), GENESIS_SECONDS);
    view.apply(l1Block(L1_HEAD + 1n, GENESIS_SECONDS));
    const goDown = async (): Promise<void> => {
      view.apply(conviction(view, 1n));
      view.apply(l1Block(L1_HEAD + 2n, GENESIS_SECONDS));
      chain.l1Changed();
      await world.clock.advance(10);
      expect(chain.head.header.number).toBe(1n);
    };
    await goDown();
    view.apply({ kind: "reorg", toBlock: L1_HEAD + 1n });
    chain.l1Reorg(L1_HEAD + 1n);
    await world.clock.advance(10);
    expect([chain.head.hash, chain.safeNumber]).toEqual([hashHeader(blocks[2]!.header), 2n]);
    await goDown();
    await chain.stop();
    await site.network.stop();
    view.apply({ kind: "reorg", toBlock: L1_HEAD + 1n });
    ports = await site.start();
    await open(true);
    chain.live();
    await world.clock.advance(10);
    expect([chain.head.hash, chain.safeNumber]).toEqual([hashHeader(blocks[2]!.header), 2n]);
    expect(await chain.undone.from(0n)).toHaveLength(2);
    await goDown();
    const keptAt = async (epochs: number): Promise<number> => {
      view.apply(l1Block(L1_HEAD + 2n + BigInt(epochs * SETTINGS.parameters.epochBlocks), GENESIS_SECONDS));
      chain.l1Changed();
      await world.clock.advance(10);
      return (await chain.undone.from(0n)).length;
    };
    expect(await keptAt(1)).toBe(2);
    chain.undone.neededFrom = 3n;
    expect(await keptAt(2)).toBe(1);
    chain.undone.neededFrom = null;
    expect(await keptAt(3)).toBe(0);
  });

  it("goes on from its database after a restart", async () => {
    await open(true);
    const blocks = await story();
    await receive(...blocks.slice(0, 2));
    await chain.stop();
    await site.network.stop();
    ports = await site.start();
    await open(true);
    expect(chain.head.hash).toBe(hashHeader(blocks[1]!.header));
    await receive(blocks[2]!);
    expect(chain.head.hash).toBe(hashHeader(blocks[2]!.header));
    expect(chain.database.head?.stateRoot).toBe(blocks[2]!.header.stateRoot);
  });

  it("does not open a database of another DAC's genesis, nor one of the other mode", async () => {
    await open(true);
    await chain.stop();
    const desk = new RequestDesk(site.network);
    const options = { ports, settings: SETTINGS, view, desk, dac: maker.dac };
    const store = "7001-state";
    await expect(
      Chain.open({ ...options, withState: true, dac: { ...maker.dac, genesisHash: hashOfText("another") } }),
    ).rejects.toMatchObject({ code: "genesis-mismatch" });
    site.stores.set("7001-blocks", site.store(store));
    await expect(Chain.open({ ...options, withState: false })).rejects.toMatchObject({ code: "mode-mismatch" });
  });

  it("proves values under the root of every block that it has, and of no other", async () => {
    await open(true);
    const blocks = await story();
    await receive(...blocks);
    const keys = [{ kind: "account", address: user } as const];
    for (const { header } of blocks) expect(chain.prove(header.stateRoot, keys, false).nodes.length).toBeGreaterThan(0);
    expect(() => chain.prove(hashOfText("no root"), keys, false)).toThrow(/missing-node/);
  });

  it("shows a block the hashes of the 256 blocks before it, and zero for all others", async () => {
    await open(true);
    const blocks = await story();
    await receive(...blocks);
    const values = chain.valuesAt(3n);
    expect(values.blockHash(2n)).toBe(hashHeader(blocks[1]!.header));
    expect(values.blockHash(3n)).toBe(ZERO_HASH);
    expect(values.blockHash(4n)).toBe(ZERO_HASH);
    expect(chain.valuesAt(257n).blockHash(1n)).toBe(hashHeader(blocks[0]!.header));
    expect(chain.valuesAt(258n).blockHash(1n)).toBe(ZERO_HASH);
  });
});

describe("a chain of blocks alone", () => {
  it("applies good blocks and has no state", async () => {
    await open(false);
    const blocks = await story();
    await receive(...blocks);
    expect(chain.head.header.number).toBe(3n);
    expect(await chain.database.receipts(2n)).toHaveLength(blocks[1]!.transactions.length);
    expect(() => chain.prove(blocks[0]!.header.stateRoot, [{ kind: "account", address: user }], false)).toThrow(
      /no-state/,
    );
  });

  it.each(DAMAGES.filter(([field]) => !OF_STATE.includes(field)))(
    "refuses a block with a wrong %s",
    async (_field, damage) => {
      await open(false);
      const [block] = await story();
      await receive({ ...block!, header: { ...block!.header, ...damage(block!.header) } });
      expect(chain.database.head?.number).toBe(0n);
    },
  );

  it("is fetched from a host by one that has fallen behind", async () => {
    await open(true);
    const blocks = await story();
    await receive(...blocks);
    const other = world.site("late");
    const otherPorts = await other.start();
    const host = world.site("host");
    await host.start();
    await connect(other, host);
    const { protocol, maxRequestBytes, maxAnswerBytes } = REQUESTS.blocks;
    const limits = { maxRequestBytes, maxResponseBytes: maxAnswerBytes, maxConcurrentPerPeer: 4 };
    host.network.handle(protocol, limits, async () => encodeAnswer(chain.answerBlocks(1n, 64)));
    const desk = new RequestDesk(other.network);
    const late = await Chain.open({
      ports: otherPorts,
      settings: SETTINGS,
      view,
      desk,
      dac: maker.dac,
      withState: false,
    });
    late.start();
    expect(late.progress).toEqual({ startingBlock: 0n, currentBlock: 0n, highestBlock: 0n });
    late.syncTo(3n);
    expect(late.progress.highestBlock).toBe(3n);
    await world.clock.advance(100);
    expect(late.head.hash).toBe(chain.head.hash);
    await late.stop();
  });
});

describe("answers about a chain", () => {
  it("give the head, and blocks up to the head, as the wire takes them", async () => {
    await open(false);
    const blocks = await story();
    await receive(...blocks);
    const head = chain.answerHead();
    expect(decodeAnswer("head", encodeAnswer(head))).toEqual(head);
    expect(head.body).toMatchObject({ number: 3n, hash: hashHeader(blocks[2]!.header) });
    const answer = chain.answerBlocks(2n, 64);
    expect(answer.body).toEqual({ kind: "blocks", blocks: blocks.slice(1).map(encodeBlock) });
    expect(chain.answerBlocks(2n, 1).body).toEqual({ kind: "blocks", blocks: [encodeBlock(blocks[1]!)] });
    expect(chain.answerBlocks(9n, 64).body).toEqual({ kind: "blocks", blocks: [] });
  });
});
