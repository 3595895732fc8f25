import type { PeerId } from "@mvm/protocol";
import { expect, test } from "vitest";
import { DEFAULT_SCORE_PARAMETERS, MAX_GOSSIP_BYTES, type Network } from "../src/index.ts";
import {
  ACCEPT,
  bytesText,
  code,
  collect,
  connect,
  ECHO,
  events,
  LIMITS,
  type Pair,
  pattern,
  same,
  TOPIC,
  textBytes,
  until,
  type World,
} from "./world.ts";

/** What holds for topics and their messages. */
export function gossipProperties(pair: Pair, begin: () => World): void {
  /** Three nodes in a line: the middle one is the only way between the others. */
  const line = async (): Promise<[Network, Network, Network]> => {
    const { create } = begin();
    const nodes: [Network, Network, Network] = [await create(), await create(), await create()];
    await connect(nodes[0], nodes[1]);
    await connect(nodes[1], nodes[2]);
    return nodes;
  };
  const meshed = (a: Network, b: Network): Promise<unknown> =>
    until(() => a.subscribers(TOPIC).includes(b.peerId) && b.subscribers(TOPIC).includes(a.peerId));

  test("a message reaches the subscribers once each, and not its sender", async () => {
    const { create } = begin();
    const nodes = [await create(), await create(), await create()];
    for (const [i, j] of [
      [0, 1],
      [1, 2],
      [2, 0],
    ] as const)
      await connect(nodes[i]!, nodes[j]!);
    const got = nodes.map((node) => collect(node, TOPIC));
    await until(() => nodes.every((node) => node.subscribers(TOPIC).length === 2));
    await nodes[0]!.publish(TOPIC, textBytes("one"));
    await nodes[0]!.publish(TOPIC, textBytes("one"));
    await nodes[0]!.publish(TOPIC, textBytes("two"));
    await until(() => got[1]!.includes("two") && got[2]!.includes("two"));
    expect(got.map((list) => list.toSorted())).toEqual([[], ["one", "two"], ["one", "two"]]);
  });

  test("one need not subscribe to publish, nor have subscribers", async () => {
    const [a, b] = await pair();
    await a.publish(TOPIC, textBytes("into the void"));
    const got = collect(b, TOPIC);
    await until(() => a.subscribers(TOPIC).includes(b.peerId));
    await a.publish(TOPIC, textBytes("heard"));
    await until(() => got.length > 0);
    expect(got).toEqual(["heard"]);
  });

  test("subscriptions made before a topic mattered to us still count", async () => {
    const [a, b] = await pair();
    const gotB = collect(b, TOPIC);
    await until(() => a.subscribers(TOPIC).includes(b.peerId));
    const gotA = collect(a, TOPIC);
    await meshed(a, b);
    await b.publish(TOPIC, textBytes("to a"));
    await a.publish(TOPIC, textBytes("to b"));
    await until(() => gotA.length > 0 && gotB.length > 0);
    expect([gotA, gotB]).toEqual([["to a"], ["to b"]]);
  });

  test("the largest message arrives unchanged, a larger one is refused here", async () => {
    const [a, b] = await pair();
    const got: Uint8Array[] = [];
    b.subscribe(TOPIC, (_from, bytes) => {
      got.push(bytes);
      return ACCEPT;
    });
    await until(() => a.subscribers(TOPIC).includes(b.peerId));
    const largest = pattern(MAX_GOSSIP_BYTES);
    await a.publish(TOPIC, largest);
    await until(() => got.length > 0);
    expect(same(got[0]!, largest)).toBe(true);
    expect(await code(a.publish(TOPIC, new Uint8Array(MAX_GOSSIP_BYTES + 1)))).toBe("too-large");
  });

  test("what is accepted is passed on, what is ignored or rejected is not; the validator sees who passed it", async () => {
    const [a, b, c] = await line();
    collect(a, TOPIC);
    collect(b, TOPIC, (text) => {
      if (text === "bad") return { verdict: "reject", reason: "bad" };
      return text === "late" ? { verdict: "ignore", reason: "late" } : ACCEPT;
    });
    const got: [PeerId, string][] = [];
    c.subscribe(TOPIC, (from, bytes) => {
      got.push([from, bytesText(bytes)]);
      return ACCEPT;
    });
    await meshed(a, b);
    await meshed(b, c);
    for (const text of ["bad", "late", "good"]) await a.publish(TOPIC, textBytes(text));
    await until(() => got.length > 0);
    expect(got).toEqual([[b.peerId, "good"]]);
  });

  test("messages of a topic that a node left are neither seen nor passed on by it", async () => {
    const [a, b, c] = await line();
    const [gotB, gotC] = [collect(b, TOPIC), collect(c, TOPIC)];
    await until(() => a.subscribers(TOPIC).includes(b.peerId));
    await meshed(b, c);
    b.unsubscribe(TOPIC);
    await until(() => !a.subscribers(TOPIC).includes(b.peerId) && !c.subscribers(TOPIC).includes(b.peerId));
    await a.publish(TOPIC, textBytes("nobody"));
    const again = collect(b, TOPIC);
    await until(() => a.subscribers(TOPIC).includes(b.peerId));
    await meshed(b, c);
    await a.publish(TOPIC, textBytes("somebody"));
    await until(() => again.length > 0 && gotC.length > 0);
    expect([gotB, again, gotC]).toEqual([[], ["somebody"], ["somebody"]]);
  });

  test("a validator that throws counts as one that ignores, and is heard of", async () => {
    const [a, b] = await pair();
    const seen = events(b);
    b.subscribe(TOPIC, () => {
      throw new Error("bug");
    });
    await until(() => a.subscribers(TOPIC).includes(b.peerId));
    for (let i = 0; i < 20; i++) await a.publish(TOPIC, textBytes(`${i}`));
    await until(() => seen.filter((event) => event.kind === "validator-failed").length === 20);
    expect(b.peers()).toEqual([a.peerId]);
    expect(seen.some((event) => event.kind === "offence")).toBe(false);
  });

  test("who keeps passing on invalid messages is banned: disconnected, and refused from both sides", async () => {
    const [a, b] = await pair();
    const seen = events(b);
    b.handle(ECHO, LIMITS, async (_from, bytes) => bytes);
    b.subscribe(TOPIC, () => ({ verdict: "reject", reason: "invalid" }));
    await until(() => a.subscribers(TOPIC).includes(b.peerId));
    for (let i = 0; i < 5; i++) await a.publish(TOPIC, textBytes(`${i}`));
    await until(() => b.peers().length === 0 && a.peers().length === 0);
    const banned = { kind: "banned", peer: a.peerId, banMs: DEFAULT_SCORE_PARAMETERS.banMs };
    expect(seen.filter((event) => event.kind === "banned")).toEqual([banned]);
    expect(await code(b.dial(a.addresses[0]!))).toBe("unreachable");
    expect(await code(a.request(b.peerId, ECHO, textBytes("?"), { timeoutMs: 5_000 }))).toBe("unreachable");
    expect(b.peers()).toEqual([]);
  });

  test("the same message is judged apart on two topics", async () => {
    const [a, b] = await pair();
    const [one, two] = [collect(b, "/test/one"), collect(b, "/test/two")];
    await until(() => ["/test/one", "/test/two"].every((topic) => a.subscribers(topic).length === 1));
    await a.publish("/test/one", textBytes("same"));
    await a.publish("/test/two", textBytes("same"));
    await until(() => one.length + two.length === 2);
    expect([one, two]).toEqual([["same"], ["same"]]);
  });

  test("the caller may use its buffer again after publishing", async () => {
    const [a, b] = await pair();
    const got = collect(b, TOPIC);
    await until(() => a.subscribers(TOPIC).includes(b.peerId));
    const buffer = textBytes("first");
    const published = a.publish(TOPIC, buffer);
    buffer.fill(0);
    await published;
    await until(() => got.length > 0);
    expect(got).toEqual(["first"]);
  });

  test("a second validator for a topic and a bad topic name are programmer's errors", async () => {
    const { create } = begin();
    const a = await create();
    a.subscribe(TOPIC, () => ACCEPT);
    expect(() => a.subscribe(TOPIC, () => ACCEPT)).toThrow("already");
    expect(() => a.subscribe("x".repeat(257), () => ACCEPT)).toThrow("topic");
  });
}
