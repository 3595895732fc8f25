import { expect, test } from "vitest";
import {
  MAX_MESSAGE_BYTES,
  MAX_PENDING_REQUESTS,
  MAX_REFUSAL_BYTES,
  type NetworkErrorCode,
  RequestRefused,
} from "../src/index.ts";
import {
  bytesText,
  code,
  ECHO,
  events,
  failure,
  LIMITS,
  type Pair,
  pattern,
  same,
  textBytes,
  until,
  WITHIN,
  type World,
} from "./world.ts";

/** What holds for requests and their answers. */
export function requestProperties(pair: Pair, begin: () => World): void {
  test("a request is answered, and the handler knows who asked", async () => {
    const [a, b] = await pair();
    b.handle(ECHO, LIMITS, async (from, bytes) => textBytes(`${from} ${bytesText(bytes)}`));
    const answer = await a.request(b.peerId, ECHO, textBytes("hello"), WITHIN);
    expect(bytesText(answer)).toBe(`${a.peerId} hello`);
    expect(await a.request(b.peerId, ECHO, new Uint8Array(0), WITHIN)).toEqual(textBytes(`${a.peerId} `));
  });

  test("both ends may ask each other on the same protocol at one time", async () => {
    const [a, b] = await pair();
    for (const node of [a, b]) node.handle(ECHO, LIMITS, async (_from, bytes) => bytes);
    const answers = await Promise.all([
      a.request(b.peerId, ECHO, textBytes("from a"), WITHIN),
      b.request(a.peerId, ECHO, textBytes("from b"), WITHIN),
    ]);
    expect(answers.map(bytesText)).toEqual(["from a", "from b"]);
  });

  test("answers that come in another order find their requests", async () => {
    const [a, b] = await pair();
    const open: (() => void)[] = [];
    b.handle(ECHO, LIMITS, (_from, bytes) => new Promise((resolve) => open.push(() => resolve(bytes))));
    const asked = Array.from({ length: 40 }, (_, i) => a.request(b.peerId, ECHO, textBytes(`${i}`), WITHIN));
    await until(() => open.length === 40);
    for (const answer of open.reverse()) answer();
    expect((await Promise.all(asked)).map(bytesText)).toEqual(Array.from({ length: 40 }, (_, i) => `${i}`));
  });

  test("8 MiB go and come back unchanged, several at one time", async () => {
    const [a, b] = await pair();
    b.handle(ECHO, LIMITS, async (_from, bytes) => bytes);
    const large = pattern(MAX_MESSAGE_BYTES);
    const asked = [large, large.subarray(0, 1_000_003), large.subarray(0, 65_536), large];
    const answers = await Promise.all(asked.map((bytes) => a.request(b.peerId, ECHO, bytes, WITHIN)));
    expect(answers.map((answer, i) => same(answer, asked[i]!))).toEqual([true, true, true, true]);
  });

  test("a request above the bound of all requests is not sent", async () => {
    const [a, b] = await pair();
    expect(await code(a.request(b.peerId, ECHO, new Uint8Array(MAX_MESSAGE_BYTES + 1), WITHIN))).toBe("too-large");
  });

  test("a request above the handler's bound is refused and counted, one at the bound is served", async () => {
    const [a, b] = await pair();
    const seen = events(b);
    b.handle(ECHO, { ...LIMITS, maxRequestBytes: 100_000 }, async () => textBytes("yes"));
    expect(await code(a.request(b.peerId, ECHO, new Uint8Array(100_001), WITHIN))).toBe("too-large");
    expect(bytesText(await a.request(b.peerId, ECHO, new Uint8Array(100_000), WITHIN))).toBe("yes");
    expect(seen.filter((event) => event.kind === "offence")).toMatchObject([
      { offence: "oversized-request", peer: a.peerId },
    ]);
  });

  test("a response above what the requester takes is dropped, and the stream stays usable", async () => {
    const [a, b] = await pair();
    b.handle(ECHO, LIMITS, async (_from, bytes) => bytes);
    const options = { ...WITHIN, maxResponseBytes: 70_000 };
    expect(await code(a.request(b.peerId, ECHO, new Uint8Array(70_001), options))).toBe("too-large");
    expect((await a.request(b.peerId, ECHO, new Uint8Array(70_000), options)).length).toBe(70_000);
  });

  test("a response above the handler's own bound is an error of the handler", async () => {
    const [a, b] = await pair();
    const seen = events(b);
    b.handle(ECHO, { ...LIMITS, maxResponseBytes: 10 }, async () => new Uint8Array(11));
    expect(await code(a.request(b.peerId, ECHO, textBytes("?"), WITHIN))).toBe("remote-error");
    expect(seen.some((event) => event.kind === "handler-failed")).toBe(true);
  });

  test("a protocol that nobody handles is said to be so", async () => {
    const [a, b] = await pair();
    expect(await code(a.request(b.peerId, "/test/unknown/1", textBytes("?"), WITHIN))).toBe("protocol");
  });

  test("a refusal arrives with its reason, cut to its bound", async () => {
    const [a, b] = await pair();
    b.handle(ECHO, LIMITS, async () => {
      throw new RequestRefused("ä".repeat(1000));
    });
    const error = await failure(a.request(b.peerId, ECHO, textBytes("?"), WITHIN));
    expect(error.code).toBe("remote-error");
    expect(error.data.reason).toBe("ä".repeat(MAX_REFUSAL_BYTES / 2));
  });

  test("a handler's inner failure arrives as an error without its text", async () => {
    const [a, b] = await pair();
    const seen = events(b);
    b.handle(ECHO, LIMITS, () => {
      throw new Error("secret of the house");
    });
    const error = await failure(a.request(b.peerId, ECHO, textBytes("?"), WITHIN));
    expect(error.code).toBe("remote-error");
    expect(JSON.stringify([error.message, error.data])).not.toContain("secret");
    expect(seen.some((event) => event.kind === "handler-failed" && String(event.error).includes("secret"))).toBe(true);
  });

  test("a handler that never answers costs the requester its timeout, and learns of it", async () => {
    const [a, b] = await pair();
    const signals: AbortSignal[] = [];
    b.handle(ECHO, LIMITS, (_from, _bytes, signal) => {
      signals.push(signal);
      return new Promise(() => {});
    });
    expect(await code(a.request(b.peerId, ECHO, textBytes("?"), { timeoutMs: 300 }))).toBe("timeout");
    await until(() => signals[0]?.aborted === true);
  });

  test("the caller's signal ends a request at once, and the handler learns of it", async () => {
    const [a, b] = await pair();
    const signals: AbortSignal[] = [];
    b.handle(ECHO, LIMITS, (_from, _bytes, signal) => {
      signals.push(signal);
      return new Promise(() => {});
    });
    const controller = new AbortController();
    const asked = code(a.request(b.peerId, ECHO, textBytes("?"), { ...WITHIN, signal: controller.signal }));
    await until(() => signals.length === 1);
    controller.abort();
    expect(await asked).toBe("aborted");
    await until(() => signals[0]!.aborted);
    expect(await code(a.request(b.peerId, ECHO, textBytes("?"), { ...WITHIN, signal: controller.signal }))).toBe(
      "aborted",
    );
  });

  test("requests above a peer's share are answered busy, and it has its share again when they are done", async () => {
    const [a, b] = await pair();
    const open: (() => void)[] = [];
    b.handle(ECHO, { ...LIMITS, maxConcurrentPerPeer: 2 }, (_from, bytes) => {
      return new Promise((resolve) => open.push(() => resolve(bytes)));
    });
    const ask = (): Promise<Uint8Array> => a.request(b.peerId, ECHO, textBytes("?"), WITHIN);
    const first = [ask(), ask()];
    await until(() => open.length === 2);
    expect(await code(ask())).toBe("busy");
    for (const answer of open) answer();
    await Promise.all(first);
    const again = ask();
    await until(() => open.length === 3);
    open[2]!();
    expect(bytesText(await again)).toBe("?");
  });

  test("more requests to one peer than the bound fail here, without being sent", async () => {
    const [a, b] = await pair();
    let served = 0;
    b.handle(ECHO, { ...LIMITS, maxConcurrentPerPeer: 1000 }, () => {
      served++;
      return new Promise(() => {});
    });
    const ask = (): Promise<NetworkErrorCode> => code(a.request(b.peerId, ECHO, textBytes("?"), WITHIN));
    const waiting = Array.from({ length: MAX_PENDING_REQUESTS }, ask);
    expect(await ask()).toBe("busy");
    await until(() => served === MAX_PENDING_REQUESTS);
    await a.stop();
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(["stopped"]));
    expect(served).toBe(MAX_PENDING_REQUESTS);
  });

  test("a peer that cannot be found is unreachable", async () => {
    const { create, stranger } = begin();
    const a = await create();
    expect(await code(a.request(await stranger(), ECHO, textBytes("?"), WITHIN))).toBe("unreachable");
    expect(await code(a.dial("/nonsense"))).toBe("unreachable");
  });

  test("a request connects by itself to a peer whose address is known", async () => {
    const { create } = begin();
    const [a, b] = [await create(), await create()];
    b.handle(ECHO, LIMITS, async (_from, bytes) => bytes);
    await a.addPeerAddress(b.peerId, b.addresses);
    expect(bytesText(await a.request(b.peerId, ECHO, textBytes("hi"), WITHIN))).toBe("hi");
  });

  test("requests under way fail when the peer leaves", async () => {
    const [a, b] = await pair();
    let served = 0;
    b.handle(ECHO, LIMITS, () => {
      served++;
      return new Promise(() => {});
    });
    const asked = code(a.request(b.peerId, ECHO, textBytes("?"), WITHIN));
    await until(() => served === 1);
    await b.stop();
    expect(await asked).toBe("unreachable");
    expect(await code(a.request(b.peerId, ECHO, textBytes("?"), WITHIN))).toBe("unreachable");
  });

  test("a handler learns that its requester is gone", async () => {
    const [a, b] = await pair();
    const signals: AbortSignal[] = [];
    b.handle(ECHO, LIMITS, (_from, _bytes, signal) => {
      signals.push(signal);
      return new Promise(() => {});
    });
    const asked = code(a.request(b.peerId, ECHO, textBytes("?"), WITHIN));
    await until(() => signals.length === 1);
    await a.stop();
    expect(await asked).toBe("stopped");
    await until(() => signals[0]!.aborted);
  });

  test("a second handler for a protocol and limits out of bounds are programmer's errors", async () => {
    const { create } = begin();
    const a = await create();
    const handler = async (): Promise<Uint8Array> => new Uint8Array(0);
    a.handle(ECHO, LIMITS, handler);
    expect(() => a.handle(ECHO, LIMITS, handler)).toThrow("already");
    expect(() => a.handle("/x/1", { ...LIMITS, maxRequestBytes: MAX_MESSAGE_BYTES + 1 }, handler)).toThrow("bound");
    expect(() => a.handle("/x/1", { ...LIMITS, maxConcurrentPerPeer: 0 }, handler)).toThrow("positive");
  });
}
