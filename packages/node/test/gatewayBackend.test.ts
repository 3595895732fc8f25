import { hashHeader, type SealedBlock, type Transaction } from "@mvm/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { GatewayBackend } from "../src/gatewayBackend.ts";
import { HostClient } from "../src/hostClient.ts";
import { Chain } from "../src/index.ts";
import { Pooling } from "../src/pooling.ts";
import { RequestDesk } from "../src/requestDesk.ts";
import { BlockMaker, transactionOf } from "./blockMaker.ts";
import { CHAIN_ID, conviction, deposit, identityOf, postOn, SETTINGS, SLOT, viewOf, World } from "./world.ts";

let world: World;
let view: ReturnType<typeof viewOf>;
let chain: Chain;
let backend: GatewayBackend;

beforeEach(async () => {
  world = new World();
  view = viewOf([]);
  deposit(view, 0n, identityOf("user").operator, 10n ** 18n);
  const site = world.site("gateway");
  const ports = await site.start();
  const parts = { ports, settings: SETTINGS, view, desk: new RequestDesk(site.network) };
  chain = await Chain.open({ ...parts, dac: view.dac(CHAIN_ID)!, withState: false });
  const pooling = await Pooling.open({ ...parts, chain });
  chain.start();
  const { signal } = new AbortController();
  backend = new GatewayBackend({ chain, pooling, hosts: new HostClient(parts), peerCount: () => 0, signal });
});

const tags = () => (["latest", "safe", "finalized"] as const).map((tag) => backend.head(tag));

async function receive(block: SealedBlock): Promise<SealedBlock> {
  chain.receive(block);
  await world.clock.advance(5);
  return block;
}

function post(block: SealedBlock): void {
  postOn(view, [block], { poster: "other" });
  chain.l1Changed();
}

describe("what a gateway tells of a chain whose batch is convicted", () => {
  it("is at once what stands, before the disk has caught up; transactions are found again where they come again", async () => {
    const funding = { queueItems: view.queueItems(CHAIN_ID, 0n, SLOT) };
    const call = (nonce: number): Promise<Transaction> => transactionOf({ chainId: CHAIN_ID }, "user", { nonce });
    const sent = await call(0);
    const maker = await BlockMaker.start(view);
    const first = await receive(await maker.next(funding));
    const second = await receive(await maker.next({ transactions: [sent] }));
    post(first);
    post(second);
    expect([tags(), backend.locate(sent.hash)?.blockNumber]).toEqual([[2n, 2n, 0n], 2n]);
    const hash = hashHeader(second.header);
    expect(backend.blockByHash(hash)).not.toBeNull();

    view.apply(conviction(view, 1n));
    chain.l1Changed();
    expect(chain.database.head!.number).toBe(2n);
    expect(tags()).toEqual([1n, 1n, 0n]);
    expect([backend.locate(sent.hash), backend.blockByHash(hash), backend.blockByNumber(2n)]).toEqual([
      null,
      null,
      null,
    ]);
    expect(backend.syncing()).toBe(false);
    await world.clock.advance(5);
    expect(backend.pendingTransaction(sent.hash)?.hash).toBe(sent.hash);

    const anew = await BlockMaker.start(view);
    await anew.next(funding);
    const again = await receive(await anew.next({ transactions: [await call(0)] }));
    expect([tags(), backend.locate(sent.hash)?.blockNumber]).toEqual([[2n, 1n, 0n], 2n]);
    expect(backend.blockByNumber(2n)!.generation).toBe(1n);
    post(again);
    expect(tags()).toEqual([2n, 2n, 0n]);
    expect(backend.pendingTransaction(sent.hash)).toBeNull();
  });
});
