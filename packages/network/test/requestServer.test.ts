import type { Stream } from "@libp2p/interface";
import { multiaddr } from "@multiformats/multiaddr";
import type { PeerId } from "@mvm/protocol";
import { afterEach, describe, expect, test } from "vitest";
import { ByteBudget } from "../src/frames.ts";
import { RequestServer } from "../src/requestServer.ts";
import { frame, type RawPeer, rawPeer, received } from "./rawPeer.ts";
import { textBytes, until } from "./world.ts";

const PROTOCOL = "/test/served/1";
const raws: RawPeer[] = [];
afterEach(async () => void (await Promise.all(raws.splice(0).map(({ node }) => node.stop()))));

/** A server with a budget of its own, and a stream to it. */
async function scene(maxBytes: number): Promise<{ budget: ByteBudget; stream: Stream; answer: () => void }> {
  const [host, client] = [await rawPeer(), await rawPeer()];
  raws.push(host, client);
  const budget = new ByteBudget(maxBytes);
  const open: (() => void)[] = [];
  const server = new RequestServer({
    protocol: PROTOCOL,
    limits: { maxRequestBytes: 1_000_000, maxResponseBytes: 1000, maxConcurrentPerPeer: 8 },
    handler: () => new Promise((resolve) => open.push(() => resolve(textBytes("done")))),
    budget,
    callbacks: { violation: () => {}, oversized: () => {}, failed: () => {} },
  });
  await host.node.handle(PROTOCOL, (stream, { remotePeer }) => server.accept(remotePeer.toString() as PeerId, stream));
  const stream = await client.node.dialProtocol(multiaddr(host.node.getMultiaddrs()[0]!), PROTOCOL);
  const answer = (): void => {
    for (const finish of open.splice(0)) finish();
  };
  return { budget, stream, answer };
}

describe("the budget of unfinished requests", () => {
  test("gets back what a stream held that ends in the middle of a request", async () => {
    const { budget, stream } = await scene(1_000_000);
    stream.send(frame(1, 0, new Uint8Array(70_000), 900_000));
    await until(() => budget.heldBytes >= 70_000);
    stream.abort(new Error("gone"));
    await until(() => budget.heldBytes === 0);
  });

  test("is held until the handler has ended, though the requester gave up", async () => {
    const { budget, stream, answer } = await scene(1_000_000);
    const got = received(stream);
    stream.send(frame(1, 0, new Uint8Array(70_000)));
    stream.send(frame(2, 0, new Uint8Array(0)));
    await until(() => got.bytes.length === 10);
    expect(got.bytes).toEqual(frame(4, 0, Uint8Array.of(5)));
    expect(budget.heldBytes).toBe(70_000);
    answer();
    await until(() => budget.heldBytes === 0);
    expect(got.bytes.length).toBe(10);
  });

  test("turns a request away as busy when it is used up, and takes it when there is room", async () => {
    const { budget, stream, answer } = await scene(100_000);
    const got = received(stream);
    stream.send(frame(1, 0, new Uint8Array(80_000)));
    stream.send(frame(1, 1, new Uint8Array(80_000)));
    await until(() => got.bytes.length === 10);
    expect(got.bytes).toEqual(frame(4, 1, Uint8Array.of(1)));
    answer();
    await until(() => budget.heldBytes === 0);
    stream.send(frame(1, 2, new Uint8Array(80_000)));
    await until(() => budget.heldBytes === 80_000);
  });
});
