import { RPC } from "@libp2p/gossipsub/message";
import type { Stream } from "@libp2p/interface";
import { afterEach, describe, expect, test } from "vitest";
import { gossipMessageId } from "../src/gossipMessageId.ts";
import { type Network, NetworkError, type NetworkEvent } from "../src/index.ts";
import { frame, type RawPeer, rawPeer, received } from "./rawPeer.ts";
import { collect, failure, textBytes, until } from "./world.ts";
import { libp2pWorld } from "./worlds.ts";

const ECHO = "/test/echo/1";
const TOPIC = "/test/topic";
const GOSSIP = "/meshsub/1.2.0";
const NOTHING = new Uint8Array(0);
const LIMITS = { maxRequestBytes: 1000, maxResponseBytes: 1000, maxConcurrentPerPeer: 4 };

const world = libp2pWorld();
const raws: RawPeer[] = [];
afterEach(async () => {
  await Promise.all(raws.splice(0).map(({ node }) => node.stop()));
});
afterEach(() => world.close());

async function scene(): Promise<{ victim: Network; attacker: RawPeer; seen: NetworkEvent[] }> {
  const victim = await world.create();
  const seen: NetworkEvent[] = [];
  victim.listen((event) => seen.push(event));
  victim.handle(ECHO, LIMITS, async (_from, bytes) => bytes);
  collect(victim, TOPIC);
  const attacker = await rawPeer();
  raws.push(attacker);
  return { victim, attacker, seen };
}

const offences = (seen: readonly NetworkEvent[]): string[] =>
  seen.flatMap((event) => (event.kind === "offence" ? [event.offence] : []));

/** Does the same bad thing twice and expects the ban that it earns. */
async function expectBan(misbehave: (stream: Stream) => void, protocol = ECHO): Promise<void> {
  const { victim, attacker, seen } = await scene();
  for (let round = 1; round <= 2; round++) {
    const stream = await attacker.open(victim, protocol);
    misbehave(stream);
    await until(() => offences(seen).length === round);
    await until(() => stream.status !== "open");
    // a violation of gossip costs the connection at once, one of a request only the stream
    if (protocol === GOSSIP) await until(() => attacker.node.getPeers().length === 0 && victim.peers().length === 0);
  }
  expect(offences(seen)).toEqual(["protocol-violation", "protocol-violation"]);
  await until(() => victim.peers().length === 0 && attacker.node.getPeers().length === 0);
  expect(seen.filter((event) => event.kind === "banned").map((event) => event.peer)).toEqual([attacker.peerId]);
  const refused = await attacker.open(victim, ECHO).then(
    () => "let in",
    () => "refused",
  );
  expect(refused).toBe("refused");
  expect(victim.peers()).toEqual([]);
}

describe("rubbish on a request stream bans its sender", () => {
  test("a length above the bound of all messages", () => expectBan((s) => s.send(frame(1, 0, NOTHING, 2 ** 31))));
  test("a frame type that does not exist", () => expectBan((s) => s.send(frame(9, 0, NOTHING))));
  test("an answer where a request belongs", () => expectBan((s) => s.send(frame(3, 0, textBytes("answer")))));
  test("a cancel frame with a payload", () => expectBan((s) => s.send(frame(2, 0, textBytes("x")))));
  test("text of another protocol", () => expectBan((s) => s.send(textBytes("GET / HTTP/1.1\r\nHost: victim\r\n\r\n"))));

  test("a request number used twice", async () => {
    const { victim, attacker, seen } = await scene();
    victim.handle("/test/never/1", LIMITS, () => new Promise(() => {}));
    const stream = await attacker.open(victim, "/test/never/1");
    stream.send(frame(1, 7, NOTHING));
    stream.send(frame(1, 7, NOTHING));
    await until(() => offences(seen).length === 1);
    expect(offences(seen)).toEqual(["protocol-violation"]);
  });
});

describe("rubbish as an answer", () => {
  /** A server that answers every stream with fixed bytes. */
  async function badServer(answer: Uint8Array): Promise<{ victim: Network; seen: NetworkEvent[]; attacker: RawPeer }> {
    const world = await scene();
    await world.attacker.node.handle("/test/bad/1", (stream) => {
      stream.addEventListener("message", () => stream.send(answer));
    });
    await world.victim.dial(world.attacker.node.getMultiaddrs()[0]!.toString());
    return world;
  }

  test.each([
    ["an unknown frame type", frame(77, 0, NOTHING)],
    ["an answer to a request that was never made", frame(3, 5, NOTHING)],
    ["a failure without a code", frame(4, 0, NOTHING)],
    ["a failure with an unknown code", frame(4, 0, Uint8Array.of(99))],
    ["a failure with an endless reason", frame(4, 0, Uint8Array.of(3), 5000)],
  ])("%s fails the request and counts against the peer", async (_name, answer) => {
    const { victim, seen, attacker } = await badServer(answer);
    const error = await failure(victim.request(attacker.peerId, "/test/bad/1", textBytes("?"), { timeoutMs: 20_000 }));
    expect(error).toBeInstanceOf(NetworkError);
    expect(error.code).toBe("unreachable");
    expect(offences(seen)).toEqual(["protocol-violation"]);
    await failure(victim.request(attacker.peerId, "/test/bad/1", textBytes("?"), { timeoutMs: 20_000 }));
    await until(() => victim.peers().length === 0);
  });
});

describe("rubbish as gossip bans its sender", () => {
  const prefixed = (bytes: Uint8Array): Uint8Array => Uint8Array.of(bytes.length, ...bytes);
  test("a length above the bound of a gossip frame", () =>
    expectBan((s) => s.send(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f)), GOSSIP));
  test("bytes that are no protobuf", () => expectBan((s) => s.send(prefixed(textBytes("rubbish"))), GOSSIP));
  test("a message that claims an author", () => {
    // RPC { message { from: "me", data: "x", topic: "t" } }
    const message = Uint8Array.of(0x0a, 2, 0x6d, 0x65, 0x12, 1, 0x78, 0x22, 1, 0x74);
    return expectBan((s) => s.send(prefixed(Uint8Array.of(0x12, message.length, ...message))), GOSSIP);
  });

  test("grafting against the rules, until the router stops listening, ends the connection", async () => {
    const { victim, attacker, seen } = await scene();
    // the router forgets peers that do not say that they speak its protocol
    await attacker.node.handle(GOSSIP, () => {});
    const stream = await attacker.open(victim, GOSSIP);
    const send = (control: Partial<RPC.ControlMessage>): boolean => {
      const full = { ihave: [], iwant: [], graft: [], prune: [], idontwant: [], ...control };
      return stream.send(prefixed(RPC.encode({ subscriptions: [], messages: [], control: full })));
    };
    send({ prune: [{ topicID: TOPIC, peers: [], backoff: 60 }] });
    for (let i = 0; i < 12; i++) send({ graft: [{ topicID: TOPIC }] });
    await until(() => seen.some((event) => event.kind === "graylisted" && event.peer === attacker.peerId));
    await until(() => victim.peers().length === 0);
  });

  test("a message of a topic that the node has not subscribed to is not kept, at no cost to the sender", async () => {
    const { victim, attacker, seen } = await scene();
    let got = "";
    await attacker.node.handle(GOSSIP, (stream) => {
      stream.addEventListener("message", ({ data }) => {
        got += Buffer.from(data.subarray()).toString("latin1");
      });
    });
    const stream = await attacker.open(victim, GOSSIP);
    const unwanted = { topic: "/test/unknown", data: textBytes("spam") };
    const iwant = [{ messageIDs: [gossipMessageId(unwanted.topic, unwanted.data)] }];
    const control = { ihave: [], iwant, graft: [], prune: [], idontwant: [] };
    stream.send(prefixed(RPC.encode({ subscriptions: [{ topic: TOPIC, subscribe: true }], messages: [unwanted] })));
    await until(() => victim.subscribers(TOPIC).length === 1);
    stream.send(
      prefixed(RPC.encode({ subscriptions: [{ topic: "/test/fence", subscribe: true }], messages: [], control })),
    );
    await until(() => victim.subscribers("/test/fence").length === 1);
    await victim.publish(TOPIC, textBytes("news"));
    await until(() => got.includes("news"));
    expect(got).not.toContain("spam");
    expect(offences(seen)).toEqual([]);
  });
});

describe("a peer that takes more than its share", () => {
  test("requests without end, their answers unread, are stopped at the source, and others are served", async () => {
    const { victim, attacker } = await scene();
    const stream = await attacker.open(victim, ECHO);
    stream.pause();
    // 16 MiB: far more than windows, queued answers and buffers on the way can take up
    let flooded = false;
    const flood = async (): Promise<void> => {
      for (let id = 0; id < 16_384; id++) {
        stream.send(frame(1, id, new Uint8Array(1000)));
        while (stream.writableNeedsDrain) {
          await new Promise((resolve) => stream.addEventListener("drain", resolve, { once: true }));
        }
      }
      flooded = true;
    };
    void flood();
    const other = await world.create();
    await other.dial(victim.addresses[0]!);
    for (let i = 0; i < 1000 && !flooded; i++) {
      const answer = await other.request(victim.peerId, ECHO, textBytes(`${i}`), { timeoutMs: 20_000 });
      expect(answer).toEqual(textBytes(`${i}`));
    }
    expect(flooded).toBe(false);
    // once the answers are read, it all goes through
    stream.resume();
    stream.addEventListener("message", () => {});
    await until(() => flooded);
  });

  test("a third stream on one protocol is refused, the first two go on", async () => {
    const { victim, attacker } = await scene();
    const streams = [await attacker.open(victim, ECHO), await attacker.open(victim, ECHO)];
    const third = await attacker.open(victim, ECHO);
    await until(() => third.status !== "open");
    for (const stream of streams) {
      const answer = received(stream);
      stream.send(frame(1, 0, textBytes("ok")));
      await until(() => answer.bytes.length === 9 + 2);
    }
  });

  test("a frame that comes in one byte at a time is read", async () => {
    const { victim, attacker } = await scene();
    const stream = await attacker.open(victim, ECHO);
    const answer = received(stream);
    for (const byte of frame(1, 3, textBytes("slow"))) stream.send(Uint8Array.of(byte));
    await until(() => answer.bytes.length === 9 + 4);
    expect(answer.bytes).toEqual(frame(3, 3, textBytes("slow")));
  });
});
