/** A new host that takes blocks and state from others, by lies, gaps and stops. */
import {
  decodeBlock,
  decodeRequest,
  encodeAnswer,
  encodeBlock,
  fromHex,
  hashHeader,
  type NamedAnswer,
  type NamedRequest,
  REQUESTS,
  refused,
  type SealedBlock,
} from "@mvm/protocol";
import type { L1View } from "@mvm/roles";
import { beforeEach, describe, expect, it } from "vitest";
import { Chain } from "../src/index.ts";
import { RequestDesk } from "../src/requestDesk.ts";
import { BlockMaker, TOKEN_INITCODE, transactionOf } from "./blockMaker.ts";
import {
  CHAIN_ID,
  connect,
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

const BLOCKS = 12;
const HOSTS = ["host-a", "host-b"];

let world: World;
let view: L1View;
let maker: BlockMaker;
let blocks: SealedBlock[];

/** Blocks whose state has accounts, code and storage, in batches of three that are final on L1. */
beforeEach(async () => {
  world = new World();
  view = viewOf([...HOSTS, "late"]);
  deposit(view, 0n, identityOf("user").operator, 10n ** 18n);
  maker = await BlockMaker.start(view);
  blocks = [await maker.next({ queueItems: view.queueItems(CHAIN_ID, 0n, SLOT) })];
  for (let nonce = 0; nonce < BLOCKS - 1; nonce++) {
    const isToken = nonce % 3 === 0;
    const what = isToken ? { to: null, data: TOKEN_INITCODE } : { value: 7n, to: identityOf(`to ${nonce}`).operator };
    blocks.push(await maker.next({ transactions: [await transactionOf(maker.dac, "user", { nonce, ...what })] }));
  }
  for (let first = 0; first < BLOCKS; first += 3) postOn(view, blocks.slice(first, first + 3));
  view.apply(l1Block(L1_HEAD + 1n, GENESIS_SECONDS + 10_000n));
});

type Served = (NamedRequest & { readonly name: "blocks" | "state" })["name"];
/** What a host answers in place of the truth. */
type Lie = (truth: NamedAnswer) => NamedAnswer | Promise<never>;

function trueAnswer(request: NamedRequest): NamedAnswer {
  if (request.name === "blocks") {
    const { from, count } = request.body;
    const given = blocks.filter(({ header }) => header.number >= from && header.number < from + BigInt(count));
    return { name: "blocks", body: { kind: "blocks", blocks: given.map(encodeBlock) } };
  }
  if (request.name !== "state") throw new TypeError(request.name);
  const asked = request.body.places.map(({ kind, hash }) => ({ kind, hash: fromHex(hash) }));
  // a few pieces at a time, so that there is more than one part
  return { name: "state", body: { kind: "part", blocks: maker.database.partOf(asked, 1_500) } };
}

/** A host that serves, and the names of what it was asked for. */
async function host(
  name: string,
  lies: { readonly [N in Served]?: Lie } = {},
): Promise<{ site: Site; asked: Served[] }> {
  const site = world.site(name);
  await site.start();
  const asked: Served[] = [];
  for (const served of ["blocks", "state"] as const) {
    const { protocol, maxRequestBytes, maxAnswerBytes } = REQUESTS[served];
    const limits = { maxRequestBytes, maxResponseBytes: maxAnswerBytes, maxConcurrentPerPeer: 8 };
    site.network.handle(protocol, limits, async (_from, bytes) => {
      asked.push(served);
      const truth = trueAnswer(decodeRequest(served, bytes));
      return encodeAnswer((await lies[served]?.(truth)) ?? truth);
    });
  }
  return { site, asked };
}

async function settled<T>(promise: Promise<T>): Promise<T> {
  let isOver = false;
  const over = (): void => {
    isOver = true;
  };
  promise.then(over, over);
  while (!isOver) await world.clock.advance(50);
  return promise;
}

/** Opens the chain of the new host, which knows others. */
async function open(
  late: Site,
  others: readonly Site[],
  more: { readonly signal?: AbortSignal; readonly l1Read?: Promise<void> } = {},
): Promise<Chain> {
  const ports = await late.start();
  for (const other of others) await connect(late, other);
  const desk = new RequestDesk(late.network);
  return settled(Chain.open({ ports, settings: SETTINGS, view, desk, dac: maker.dac, withState: true, ...more }));
}

/** That a chain is at the last block with all of its state, every block before it, and goes on. */
async function expectWhole(chain: Chain): Promise<void> {
  expect([chain.head.header.number, chain.database.final]).toEqual([BigInt(BLOCKS), BigInt(BLOCKS)]);
  for (const block of blocks) {
    const stored = chain.database.blockByNumber(block.header.number)!;
    expect([stored.hash, stored.encodedBlock]).toEqual([hashHeader(block.header), encodeBlock(block)]);
  }
  const key = { kind: "account", address: identityOf("user").operator } as const;
  const { stateRoot } = chain.head.header;
  const truth = maker.database.stateAt(stateRoot, maker.values(0n)).proveReads([key]);
  expect(chain.prove(stateRoot, [key], false)).toEqual(truth);
  chain.start();
  const next = await maker.next({
    transactions: [await transactionOf(maker.dac, "user", { nonce: BLOCKS - 1, value: 1n })],
  });
  chain.receive(next);
  await world.clock.advance(10);
  expect(chain.head.hash).toBe(hashHeader(next.header));
  await chain.stop();
}

const codes = (site: Site): readonly string[] => site.logs.map(({ code }) => code);

describe("a new host", () => {
  it("has the blocks up to the last final one from others, and its state, and goes on", async () => {
    const late = world.site("late");
    const [a, b] = await Promise.all(HOSTS.map((name) => host(name)));
    const chain = await open(late, [a!.site, b!.site]);
    expect(codes(late)).toEqual(["state-came"]);
    expect(late.offences).toEqual([]);
    await expectWhole(chain);
  });

  it("finds who changes a piece of the state, blames it, and has all from the other", async () => {
    const late = world.site("late");
    const liar = await host("host-a", {
      state: (truth) => {
        if (truth.name !== "state" || truth.body.kind !== "part") return truth;
        const [first, ...others] = truth.body.blocks.map((bytes) => bytes.slice());
        first![first!.length - 1]! ^= 1;
        return { name: "state", body: { kind: "part", blocks: [first!, ...others] } };
      },
    });
    const chain = await open(late, [liar.site, (await host("host-b")).site]);
    expect(new Set(late.offences)).toEqual(new Set(["host-a invalid-message"]));
    await expectWhole(chain);
  });

  it.each([
    ["gives one twice", ([first, , ...others]: readonly SealedBlock[]) => [first!, first!, ...others]],
    ["gives them in another order", (given: readonly SealedBlock[]) => [...given].reverse()],
    [
      "changes what came of a transaction",
      ([first, ...others]: readonly SealedBlock[]) => [
        { ...first!, outcomes: first!.outcomes.map((outcome) => ({ ...outcome, status: 0 as const })) },
        ...others,
      ],
    ],
    [
      "changes the slot that a block says it is of",
      ([first, ...others]: readonly SealedBlock[]) => [
        { ...first!, context: { ...first!.context, slot: first!.context.slot + 1n } },
        ...others,
      ],
    ],
  ])(
    "finds who gives other blocks than L1 has, blames it, and has them from the other: who %s",
    async (_what, change) => {
      const late = world.site("late");
      const liar = await host("host-a", {
        blocks: ({ body }) => {
          if (body.kind !== "blocks") throw new TypeError(body.kind);
          const changed = change(body.blocks.map(decodeBlock)).map(encodeBlock);
          return { name: "blocks", body: { kind: "blocks", blocks: changed } };
        },
      });
      const chain = await open(late, [liar.site, (await host("host-b")).site]);
      expect(new Set(late.offences)).toEqual(new Set(["host-a invalid-message"]));
      await expectWhole(chain);
    },
  );

  it("finds who gives another branch, each block of it signed and right in itself, and blames it", async () => {
    const other = await BlockMaker.start(view);
    const branch = [await other.next({ queueItems: view.queueItems(CHAIN_ID, 0n, SLOT) })];
    for (let nonce = 0; nonce < BLOCKS - 1; nonce++)
      branch.push(await other.next({ transactions: [await transactionOf(maker.dac, "user", { nonce, value: 9n })] }));
    const late = world.site("late");
    const liar = await host("host-a", {
      blocks: ({ body }) => {
        if (body.kind !== "blocks") throw new TypeError(body.kind);
        const numbers = body.blocks.map((bytes) => decodeBlock(bytes).header.number);
        const given = branch.filter(({ header }) => numbers.includes(header.number)).map(encodeBlock);
        return { name: "blocks", body: { kind: "blocks", blocks: given } };
      },
    });
    const chain = await open(late, [liar.site, (await host("host-b")).site]);
    expect(new Set(late.offences)).toEqual(new Set(["host-a invalid-message"]));
    await expectWhole(chain);
  });

  it("is not held up by a host that never answers, nor by one that refuses", async () => {
    for (const state of [
      () => new Promise<never>(() => undefined),
      () => ({ name: "state", body: refused("busy") }) as const,
    ]) {
      const late = world.site("late");
      late.stores.clear();
      const silent = await host("host-a", { state });
      const other = await host("host-b");
      const chain = await open(late, [silent.site, other.site]);
      expect(late.offences).toEqual([]);
      expect(chain.database.final).toBe(BigInt(BLOCKS));
      expect([silent, other].map(({ asked }) => asked.includes("state"))).toEqual([true, true]);
      await chain.stop();
      for (const { network } of [late, silent.site, other.site]) await network.stop();
    }
  });

  it("goes on where it was stopped, at whatever answer, and asks for nothing twice that it has", async () => {
    const late = world.site("late");
    let left = 0;
    let abort = new AbortController();
    const stopAfter: Lie = (truth) => {
      if (left-- <= 0) abort.abort();
      return truth;
    };
    const other = await host("host-b", { blocks: stopAfter, state: stopAfter });
    let stops = 0;
    for (; ; stops++) {
      left = 2;
      abort = new AbortController();
      const chain = await open(late, [other.site], { signal: abort.signal }).catch(() => null);
      if (chain !== null) {
        await expectWhole(chain);
        break;
      }
      await late.network.stop();
    }
    expect(stops).toBeGreaterThan(3);
    const batches = BLOCKS / 3;
    // what was under way at a stop is asked for again
    expect(other.asked.filter((name) => name === "blocks").length).toBeLessThanOrEqual(batches + stops);
  });

  it("makes all blocks itself where nobody has the state, or the blocks, or nothing is final", async () => {
    const none: Lie = () => ({ name: "state", body: { kind: "part", blocks: [] } });
    const noBlocks: Lie = () => ({ name: "blocks", body: { kind: "blocks", blocks: [] } });
    for (const [lies, code] of [
      [{ state: none }, "state-not-had"],
      [{ blocks: noBlocks }, "blocks-not-had"],
    ] as const) {
      const late = world.site("late");
      const hosts = await Promise.all(HOSTS.map((name) => host(name, lies)));
      const chain = await open(
        late,
        hosts.map(({ site }) => site),
      );
      expect(new Set(codes(late))).toEqual(new Set([code]));
      expect(late.offences).toEqual([]);
      expect(chain.head.header.number).toBe(0n);
      chain.start();
      for (const block of blocks) {
        chain.receive(block);
        await world.clock.advance(10);
      }
      expect(chain.head.hash).toBe(hashHeader(blocks.at(-1)!.header));
      await chain.stop();
      for (const { network } of [late, ...hosts.map(({ site }) => site)]) await network.stop();
    }
    const early = viewOf([...HOSTS, "late"]);
    const late = world.site("late");
    const ports = await late.start();
    const desk = new RequestDesk(late.network);
    const parts = { ports, settings: SETTINGS, view: early, desk, dac: maker.dac, withState: true };
    const chain = await settled(Chain.open(parts));
    expect([chain.head.header.number, codes(late)]).toEqual([0n, []]);
    await chain.stop();
  });

  it("waits until L1 has been read, for before it cannot know which block is final", async () => {
    const late = world.site("late");
    const { site, asked } = await host("host-a");
    const l1Read = Promise.withResolvers<void>();
    const opened = open(late, [site], { l1Read: l1Read.promise });
    for (let i = 0; i < 10; i++) await world.clock.advance(50);
    expect(asked).toEqual([]);
    l1Read.resolve();
    await expectWhole(await opened);
  });
});
