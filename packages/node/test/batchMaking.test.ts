import { drawBlockOf, hashHeader, type SealedBlock } from "@mvm/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeBatch } from "../src/batchMaking.ts";
import { HostClient } from "../src/hostClient.ts";
import { Chain } from "../src/index.ts";
import { RequestDesk } from "../src/requestDesk.ts";
import { BlockMaker } from "./blockMaker.ts";
import { honestAnswer, serveReads } from "./serving.ts";
import {
  CHAIN_ID,
  connect,
  deposit,
  GENESIS_SECONDS,
  hashOfText,
  identityOf,
  L1_HEAD,
  SETTINGS,
  type Site,
  SLOT,
  viewOf,
  World,
} from "./world.ts";

let world: World;
let site: Site;
let view: ReturnType<typeof viewOf>;
let maker: BlockMaker;
let chain: Chain;
let block: SealedBlock;
let hosts: HostClient;
/** runs when a host is asked for the address table */
let whileProving: () => void;

beforeEach(async () => {
  world = new World();
  view = viewOf(["host"]);
  maker = await BlockMaker.start(view);
  block = await maker.next({});
  whileProving = () => undefined;
  const host = world.site("host");
  await host.start();
  serveReads(host, (reads) => {
    whileProving();
    return honestAnswer(maker, reads);
  });
  site = world.site("sequencer");
  const ports = await site.start();
  await connect(site, host);
  const options = { ports, settings: SETTINGS, view, desk: new RequestDesk(site.network) };
  chain = await Chain.open({ ...options, dac: maker.dac, withState: false });
  chain.receive(block);
  await world.clock.advance(5);
  expect(chain.head.hash).toBe(hashHeader(block.header));
  hosts = new HostClient({ ports, settings: SETTINGS, view });
});

afterEach(async () => {
  await chain.stop();
  await site.network.stop();
});

/** What comes of the first block's batch: its blocks, or why there is none. */
async function made(slot = SLOT, latest = GENESIS_SECONDS + 1n, to = 1n): Promise<unknown> {
  const { signal } = new AbortController();
  const poster = identityOf("sequencer").operator;
  const sources = { chain, hosts, view, poster, signal, log: () => undefined };
  const ended = makeBatch(sources, { from: 1n, to, slot, latest }).catch((error: Error) => error.message);
  await world.clock.advance(SETTINGS.parameters.readTimeoutMs);
  return ended;
}

/** L1 takes back all from a block on and mines others. */
function remine(from: bigint): void {
  const to = view.block.number;
  view.apply({ kind: "reorg", toBlock: from - 1n });
  for (let number = from; number <= to; number++) {
    const prevRandao = hashOfText(`another of ${number}`);
    view.apply({ kind: "l1Block", number, timestamp: GENESIS_SECONDS, baseFeePerGas: 10n ** 9n + number, prevRandao });
  }
}

const DRAWN = drawBlockOf(SLOT, SETTINGS.parameters.epochBlocks);

describe("what a batch is made of", () => {
  it("is the chain's blocks and the randomness of the L1 that they rest on", async () => {
    expect(await made()).toMatchObject({ blocks: [block], randomness: view.valuesOf(SLOT)!.randomness });
  });

  it("is nothing where L1 draws the slot anew while a host proves the table: the signature would be good there", async () => {
    whileProving = () => remine(DRAWN);
    expect(await made()).toBe("the chain or L1 changed while the batch was made");
  });

  it("is nothing of a slot that is later than the batch's: it would be wrong", async () => {
    expect(await made(SLOT - 1n)).toBe("block 1 is not there to be posted");
  });

  it("is nothing of a time that L1 has not come near enough to: it would be wrong, and can wait", async () => {
    const { timestamp } = block.header;
    expect(await made(SLOT, timestamp)).toMatchObject({ blocks: [block] });
    const latest = timestamp - 1n;
    expect(await made(SLOT, latest)).toBe(`block 1 is of ${timestamp}, too far ahead of L1: ${latest} may be posted`);
  });

  it("ends before the first block that is too far ahead of L1", async () => {
    deposit(view, 0n, identityOf("user").operator, 1n);
    const next = await maker.next({ queueItems: view.queueItems(CHAIN_ID, 0n, SLOT) });
    chain.receive(next);
    await world.clock.advance(5);
    const { timestamp } = next.header;
    expect(await made(SLOT, timestamp, 2n)).toMatchObject({ blocks: [block, next] });
    expect(await made(SLOT, timestamp - 1n, 2n)).toMatchObject({ blocks: [block] });
  });

  it("stays where L1 takes blocks back that the slot does not rest on", async () => {
    whileProving = () => remine(L1_HEAD);
    expect(await made()).toMatchObject({ blocks: [block] });
  });

  it("is nothing while the chain takes back blocks that rest on what L1 took back", async () => {
    remine(DRAWN);
    chain.l1Reorg(DRAWN - 1n);
    expect(chain.agreesWithL1).toBe(false);
    expect(await made()).toBe("L1 changed below the chain: its blocks are taken back first");
    expect(chain.agreesWithL1).toBe(true);
    expect(chain.head.header.number).toBe(0n);
  });

  it("is nothing where another block took the place of its last one while a host proves the table", async () => {
    whileProving = () => chain.l1Reorg(DRAWN - 1n);
    expect(await made()).toBe("the chain or L1 changed while the batch was made");
  });
});
