import { expect, test, vi } from "vitest";
import { DEFAULT_SCORE_PARAMETERS, type NetworkEvent } from "../src/index.ts";
import { code, connect, ECHO, type Pair, TOPIC, textBytes, until, WITHIN, type World } from "./world.ts";

/** What holds for connections, bans, starting and stopping. */
export function peerProperties(pair: Pair, begin: () => World): void {
  test("listeners hear of connections and their ends until they are removed", async () => {
    const { create } = begin();
    const [a, b] = [await create(), await create()];
    const seen: NetworkEvent[] = [];
    const remove = a.listen((event) => seen.push(event));
    await connect(b, a);
    await until(() => seen.length === 1);
    await b.disconnect(a.peerId);
    await until(() => seen.length === 2 && a.peers().length === 0 && b.peers().length === 0);
    remove();
    await connect(b, a);
    expect(seen).toEqual([
      { kind: "connected", peer: b.peerId },
      { kind: "disconnected", peer: b.peerId },
    ]);
  });

  test("two violations ban a peer, one does not", async () => {
    const [a, b] = await pair();
    b.report(a.peerId, "protocol-violation", "test");
    expect(b.peers()).toEqual([a.peerId]);
    b.report(a.peerId, "protocol-violation", "test");
    await until(() => b.peers().length === 0 && a.peers().length === 0);
    expect(await code(b.dial(a.addresses[0]!))).toBe("unreachable");
  });

  test("a ban ends after its time", async () => {
    const { create } = begin();
    const a = await create();
    const b = await create({ scores: { ...DEFAULT_SCORE_PARAMETERS, banMs: 50 } });
    await connect(a, b);
    for (let i = 0; i < 2; i++) b.report(a.peerId, "protocol-violation", "test");
    await until(() => b.peers().length === 0 && a.peers().length === 0);
    let connected = false;
    const tryAgain = async (): Promise<boolean> => {
      if (!connected)
        connected = await b.dial(a.addresses[0]!).then(
          () => true,
          () => false,
        );
      return connected;
    };
    await vi.waitUntil(tryAgain, { timeout: 20_000, interval: 20 });
    await until(() => a.peers().includes(b.peerId));
  });

  test("addresses name the peer, and dialling one gives its name", async () => {
    const { create } = begin();
    const [a, b] = [await create(), await create()];
    expect(a.addresses.length).toBeGreaterThan(0);
    for (const address of a.addresses) expect(address.endsWith(`/p2p/${a.peerId}`)).toBe(true);
    expect(await b.dial(a.addresses[0]!)).toBe(a.peerId);
  });

  test("a node connects to its bootstrap peers by itself", async () => {
    const { create } = begin();
    const a = await create();
    const b = await create({ bootstrap: a.addresses });
    await until(() => a.peers().includes(b.peerId) && b.peers().includes(a.peerId));
  });

  test("a stopped node says so to everything, and may be stopped again", async () => {
    const [a, b] = await pair();
    await a.stop();
    await a.stop();
    await until(() => b.peers().length === 0);
    expect(await code(a.publish(TOPIC, textBytes("?")))).toBe("stopped");
    expect(await code(a.request(b.peerId, ECHO, textBytes("?"), WITHIN))).toBe("stopped");
    expect(await code(a.dial(b.addresses[0]!))).toBe("stopped");
    expect(await code(a.start())).toBe("stopped");
    expect([a.peers(), a.addresses, a.subscribers(TOPIC)]).toEqual([[], [], []]);
  });
}
