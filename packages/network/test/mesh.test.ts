import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, describe, expect, test, vi } from "vitest";
import {
  createLibp2pNetwork,
  generatePeerKey,
  type Network,
  type NetworkEvent,
  type NetworkListener,
} from "../src/index.ts";
import { collect, connect, textBytes, until } from "./world.ts";

const TOPIC = "/test/topic";
const ECHO = "/test/echo/1";
const LIMITS = { maxRequestBytes: 1000, maxResponseBytes: 1000, maxConcurrentPerPeer: 4 };

const running: Network[] = [];
afterEach(async () => void (await Promise.all(running.splice(0).map((network) => network.stop()))));

async function start(options: {
  bootstrap?: readonly string[];
  privateKey?: Uint8Array;
  listen?: string;
  discovery?: boolean;
  listener?: NetworkListener;
}): Promise<Network> {
  const network = await createLibp2pNetwork({
    privateKey: options.privateKey ?? (await generatePeerKey()),
    listen: [options.listen ?? "/ip4/127.0.0.1/tcp/0"],
    bootstrap: options.bootstrap ?? [],
    discovery: options.discovery ?? true,
  });
  if (options.listener !== undefined) network.listen(options.listener);
  await network.start();
  running.push(network);
  return network;
}

describe("twenty nodes on one host", () => {
  test("each message reaches every node once, whoever sends it; nobody is blamed or turned away", async () => {
    const first = await start({});
    const troubles: NetworkEvent[] = [];
    const listener: NetworkListener = (event) => {
      if (["offence", "graylisted", "dial-failed"].includes(event.kind)) troubles.push(event);
    };
    const others = Array.from({ length: 19 }, () => start({ bootstrap: first.addresses, listener }));
    const nodes = [first, ...(await Promise.all(others))];
    first.listen(listener);
    const got = nodes.map((node) => collect(node, TOPIC));
    // gossip keeps no history: all must be within reach before anybody speaks
    await until(() => first.subscribers(TOPIC).length === 19);
    await until(() => nodes.every((node) => node === first || node.subscribers(TOPIC).includes(first.peerId)));
    await Promise.all(nodes.map((node, i) => node.publish(TOPIC, textBytes(`from ${i}`))));
    await until(() => got.every((list) => list.length === 19));
    for (const [i, list] of got.entries()) {
      const expected = nodes.flatMap((_node, j) => (j === i ? [] : [`from ${j}`]));
      expect(list.toSorted()).toEqual(expected.toSorted());
    }
    expect(troubles).toEqual([]);
  });

  test("peers in a chain pass a message from end to end", async () => {
    const nodes = await Promise.all(Array.from({ length: 8 }, () => start({ discovery: false })));
    const got = nodes.map((node) => collect(node, TOPIC));
    for (let i = 1; i < nodes.length; i++) await connect(nodes[i - 1]!, nodes[i]!);
    await until(() => nodes.every((node, i) => node.subscribers(TOPIC).length === (i === 0 || i === 7 ? 1 : 2)));
    await nodes[0]!.publish(TOPIC, textBytes("along the chain"));
    await until(() => got[7]!.length > 0);
    expect(got).toEqual([[], ...Array.from({ length: 7 }, () => ["along the chain"])]);
  });
});

describe("the DHT", () => {
  test("a request finds a peer whose address only a common acquaintance knows", async () => {
    const hub = await start({});
    const [a, b] = [await start({ bootstrap: hub.addresses }), await start({ bootstrap: hub.addresses })];
    b.handle(ECHO, LIMITS, async (_from, bytes) => bytes);
    await until(() => hub.peers().length === 2);
    const ask = (): Promise<boolean> =>
      a.request(b.peerId, ECHO, textBytes("hi"), { timeoutMs: 5_000 }).then(
        () => true,
        () => false,
      );
    await vi.waitUntil(ask, { timeout: 30_000, interval: 50 });
  });
});

describe("a peer that restarts on its port", () => {
  const serve = async (privateKey: Uint8Array, listen: string): Promise<Network> => {
    const network = await start({ privateKey, listen, discovery: false });
    network.handle(ECHO, LIMITS, async (_from, bytes) => bytes);
    return network;
  };

  test("answers requests again, and gets gossip again, without anybody's doing", async () => {
    const privateKey = await generatePeerKey();
    const before = await serve(privateKey, "/ip4/127.0.0.1/tcp/0");
    const client = await start({ bootstrap: before.addresses, discovery: false });
    const ask = (): Promise<boolean> =>
      client.request(before.peerId, ECHO, textBytes("hi"), { timeoutMs: 5_000 }).then(
        () => true,
        () => false,
      );
    expect(await ask()).toBe(true);
    const port = /\/tcp\/(\d+)\//.exec(before.addresses[0]!)![1]!;
    await before.stop();
    expect(await ask()).toBe(false);
    const after = await serve(privateKey, `/ip4/127.0.0.1/tcp/${port}`);
    await vi.waitUntil(ask, { timeout: 20_000, interval: 50 });
    const got = collect(after, TOPIC);
    await until(() => client.subscribers(TOPIC).includes(after.peerId));
    await client.publish(TOPIC, textBytes("welcome back"));
    await until(() => got.length === 1);
  });

  test("is dialled again by those that have it as bootstrap peer", async () => {
    const privateKey = await generatePeerKey();
    const before = await serve(privateKey, "/ip4/127.0.0.1/tcp/0");
    const client = await start({ bootstrap: before.addresses, discovery: false });
    await until(() => client.peers().length === 1);
    const port = /\/tcp\/(\d+)\//.exec(before.addresses[0]!)![1]!;
    await before.stop();
    await until(() => client.peers().length === 0);
    await serve(privateKey, `/ip4/127.0.0.1/tcp/${port}`);
    await until(() => client.peers().length === 1);
  });
});

describe("stopping", () => {
  test("leaves nothing behind that keeps the process alive", async () => {
    const script = fileURLToPath(new URL("./stopScenario.ts", import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [script], { timeout: 60_000 });
    expect(JSON.parse(stdout)).toEqual({ answered: true, heard: true, failed: "stopped", started: "stopped" });
  });
});
