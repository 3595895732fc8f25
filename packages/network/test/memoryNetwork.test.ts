import type { PeerId } from "@mvm/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  DEFAULT_SCORE_PARAMETERS,
  type LinkModel,
  MemoryHub,
  MemoryNetwork,
  type Network,
  NetworkError,
  VALIDATION_TIMEOUT_MS,
} from "../src/index.ts";
import { VirtualScheduler } from "./virtualScheduler.ts";
import { collect, textBytes } from "./world.ts";

const TOPIC = "/test/topic";
const ECHO = "/test/echo/1";
const LIMITS = { maxRequestBytes: 1000, maxResponseBytes: 1000, maxConcurrentPerPeer: 4 };

async function scene(count: number, link?: LinkModel): Promise<{ time: VirtualScheduler; nodes: Network[] }> {
  const time = new VirtualScheduler();
  const hub = new MemoryHub({ scheduler: time, ...(link === undefined ? {} : { link }) });
  const nodes: Network[] = [];
  for (let i = 0; i < count; i++) nodes.push(new MemoryNetwork({ hub, peerId: `peer-${i}` as PeerId }));
  for (const node of nodes) await node.start();
  return { time, nodes };
}

/** Seeded numbers in [0, 1). */
function seeded(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 0) / 2 ** 32;
  };
}

const outcome = (work: Promise<Uint8Array>): { value: string } => {
  const result = { value: "waiting" };
  work.then(
    () => {
      result.value = "answered";
    },
    (error: NetworkError) => {
      result.value = error.code;
    },
  );
  return result;
};

describe("MemoryNetwork in virtual time", () => {
  test("an answer comes after the latency of both ways, and not before", async () => {
    const { time, nodes } = await scene(2, (_from, _to, kind) => ({ delayMs: kind === "request" ? 30 : 70 }));
    const [a, b] = nodes as [Network, Network];
    b.handle(ECHO, LIMITS, async (_from, bytes) => bytes);
    await a.dial(b.addresses[0]!);
    const asked = outcome(a.request(b.peerId, ECHO, textBytes("?"), { timeoutMs: 1000 }));
    await time.advance(99);
    expect(asked.value).toBe("waiting");
    await time.advance(1);
    expect(asked.value).toBe("answered");
  });

  test.each(["request", "response"])("a lost %s ends in the requester's timeout, to the millisecond", async (lost) => {
    const { time, nodes } = await scene(2, (_from, _to, kind) => (kind === lost ? "lost" : { delayMs: 1 }));
    const [a, b] = nodes as [Network, Network];
    b.handle(ECHO, LIMITS, async (_from, bytes) => bytes);
    await a.dial(b.addresses[0]!);
    const asked = outcome(a.request(b.peerId, ECHO, textBytes("?"), { timeoutMs: 1000 }));
    await time.advance(999);
    expect(asked.value).toBe("waiting");
    await time.advance(1);
    expect(asked.value).toBe("timeout");
  });

  test("what is under way when a connection ends does not arrive", async () => {
    const { time, nodes } = await scene(2, () => ({ delayMs: 50 }));
    const [a, b] = nodes as [Network, Network];
    const got = collect(b, TOPIC);
    await a.dial(b.addresses[0]!);
    await a.publish(TOPIC, textBytes("too late"));
    await time.advance(49);
    await b.disconnect(a.peerId);
    await time.advance(1000);
    expect(got).toEqual([]);
  });

  test("the same seed gives the same run, message by message", async () => {
    const run = async (seed: number): Promise<string> => {
      const random = seeded(seed);
      const { time, nodes } = await scene(8, () => (random() < 0.2 ? "lost" : { delayMs: Math.floor(random() * 40) }));
      const log: string[] = [];
      for (const node of nodes) {
        node.subscribe(TOPIC, (from, bytes) => {
          log.push(`${time.nowMs()} ${from} ${node.peerId} ${bytes[0]}`);
          return { verdict: "accept" };
        });
      }
      for (const [i, node] of nodes.entries()) {
        for (const other of nodes.slice(i + 1)) if (random() < 0.5) await node.dial(other.addresses[0]!);
      }
      for (let i = 0; i < 10; i++) await nodes[i % 8]!.publish(TOPIC, Uint8Array.of(i));
      await time.advance(10_000);
      return log.join("\n");
    };
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const log = await run(seed);
        expect(log.length).toBeGreaterThan(0);
        expect(await run(seed)).toBe(log);
      }),
      { numRuns: 10 },
    );
  });

  test("a validator that takes too long counts as one that ignores, at no cost to the sender", async () => {
    const { time, nodes } = await scene(2);
    const [a, b] = nodes as [Network, Network];
    const kinds: string[] = [];
    b.listen((event) => kinds.push(event.kind));
    b.subscribe(TOPIC, () => new Promise(() => {}));
    await a.dial(b.addresses[0]!);
    await a.publish(TOPIC, textBytes("slow"));
    await time.advance(VALIDATION_TIMEOUT_MS - 1);
    expect(kinds).toEqual(["connected"]);
    await time.advance(1);
    expect(kinds).toEqual(["connected", "ignored"]);
  });

  test("a ban holds until its last millisecond", async () => {
    const { time, nodes } = await scene(2);
    const [a, b] = nodes as [Network, Network];
    await a.dial(b.addresses[0]!);
    for (let i = 0; i < 2; i++) b.report(a.peerId, "protocol-violation", "test");
    expect(b.peers()).toEqual([]);
    await time.advance(DEFAULT_SCORE_PARAMETERS.banMs - 1);
    await expect(a.dial(b.addresses[0]!)).rejects.toBeInstanceOf(NetworkError);
    await time.advance(1);
    await a.dial(b.addresses[0]!);
    expect(b.peers()).toEqual([a.peerId]);
  });

  test("the messages of one peer under validation are bounded", async () => {
    const { time, nodes } = await scene(2);
    const [a, b] = nodes as [Network, Network];
    let started = 0;
    let ignored = 0;
    b.listen((event) => (event.kind === "ignored" ? ignored++ : 0));
    b.subscribe(TOPIC, () => {
      started++;
      return new Promise(() => {});
    });
    await a.dial(b.addresses[0]!);
    for (let i = 0; i < 200; i++) await a.publish(TOPIC, Uint8Array.of(i));
    await time.advance(1);
    expect([started, ignored]).toEqual([128, 72]);
  });
});
