import { createEngine } from "@mvm/evm";
import {
  batchDigest,
  decodeBatchData,
  hashHeader,
  keccakHash,
  merkleRoot,
  type SealedBlock,
  signerOf,
} from "@mvm/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { HostClient } from "../src/hostClient.ts";
import { Chain } from "../src/index.ts";
import { RequestDesk } from "../src/requestDesk.ts";
import { Sequencing } from "../src/sequencing.ts";
import { BlockMaker } from "./blockMaker.ts";
import {
  CHAIN_ID,
  deposit,
  GENESIS_SECONDS,
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

let world: World;
let view: ReturnType<typeof viewOf>;
let maker: BlockMaker;

beforeEach(async () => {
  world = new World();
  view = viewOf([]);
  for (let index = 0n; index < DEPOSITS; index++) deposit(view, index, user, 10n ** 18n);
  maker = await BlockMaker.start(view);
});

/** A block that consumes so many of the queue's items. */
const consuming = (count: number): Promise<SealedBlock> =>
  maker.next({ queueItems: view.queueItems(CHAIN_ID, 0n, SLOT).slice(0, count) });

/** Has a sequencer post a block that it holds; gives back where it ran. */
async function postBy(name: string, block: SealedBlock): Promise<Site> {
  const site = world.site(name);
  const ports = await site.start();
  const desk = new RequestDesk(site.network);
  const chain = await Chain.open({ ports, settings: SETTINGS, view, desk, dac: maker.dac, withState: false });
  chain.receive(block);
  await world.clock.advance(5);
  expect(chain.head.hash).toBe(hashHeader(block.header));
  const hosts = new HostClient({ ports, settings: SETTINGS, view });
  const engine = await createEngine();
  const sequencing = new Sequencing({ ports, settings: SETTINGS, view, chain, hosts, engine, desk });
  await sequencing.start();
  await world.clock.advance(3 * SETTINGS.parameters.batchIntervalMs);
  sequencing.stop();
  await chain.stop();
  await site.network.stop();
  return site;
}

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
    expect(decodeBatchData(data).blocks).toHaveLength(1);
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

  it("shows the overdue item that opened the chain where its poster is not elected", async () => {
    const block = await consuming(Number(DEPOSITS));
    view.apply({ kind: "registered", registry: "sequencer", member: memberOf("another", 1) });
    view.apply({ kind: "stakeChanged", index: 1, grid: 1, l1Block: L1_HEAD });
    const { forceDelaySeconds, openAfterSeconds } = SETTINGS.parameters;
    const openAt = GENESIS_SECONDS + BigInt(forceDelaySeconds + openAfterSeconds);
    view.apply(l1Block(L1_HEAD + 1n, openAt - 1n));
    expect((await postBy("another", block)).posted).toEqual([]);
    view.apply(l1Block(L1_HEAD + 2n, openAt));
    const { posted } = await postBy("another", block);
    expect(posted[0]!.header.poster).toBe(identityOf("another").operator);
    expect(posted[0]!.firstItem).toEqual(view.queuedItem(CHAIN_ID, 0n));
    expect(posted[0]).not.toHaveProperty("nextItem");
  });
});
