import { encodeAnswer, type NamedAnswer, REQUESTS } from "@mvm/protocol";
import type {
  AnsweredEvent,
  Moment,
  NoteEffect,
  ReportEffect,
  RequestEffect,
  RequestFailedEvent,
  TimerEffect,
  TimerEvent,
} from "@mvm/roles";
import { beforeEach, describe, expect, it } from "vitest";
import { MachineDriver } from "../src/machineDriver.ts";
import { RequestDesk } from "../src/requestDesk.ts";
import { CHAIN_ID, connect, hashOfText, peerOf, type Site, World } from "./world.ts";

type OwnEffect = { readonly kind: "own"; readonly value: number };
type Effect = TimerEffect | RequestEffect | NoteEffect | ReportEffect | OwnEffect;
type Event =
  | { readonly kind: "do"; readonly effects: readonly Effect[] }
  | TimerEvent
  | AnsweredEvent
  | RequestFailedEvent;

/** Does what it is told, and remembers what it was given. */
class Recorder {
  readonly events: Event[] = [];
  readonly moments: Moment[] = [];
  handle(event: Event, moment: Moment): readonly Effect[] {
    this.moments.push(moment);
    if (event.kind === "do") return event.effects;
    this.events.push(event);
    return [];
  }
}

const ANSWER: NamedAnswer = { name: "head", body: { kind: "head", number: 1n, hash: hashOfText("x"), slot: 0n } };
const { protocol, maxRequestBytes, maxAnswerBytes } = REQUESTS.head;
const LIMITS = { maxRequestBytes, maxResponseBytes: maxAnswerBytes, maxConcurrentPerPeer: 8 };

let world: World;
let site: Site;
let other: Site;
let machine: Recorder;
let performed: OwnEffect[];
let driver: MachineDriver<Event, Effect>;

beforeEach(async () => {
  world = new World();
  site = world.site("driver");
  other = world.site("other");
  const ports = await site.start();
  await other.start();
  await connect(site, other);
  machine = new Recorder();
  performed = [];
  const desk = new RequestDesk(site.network);
  const perform = (effect: OwnEffect): number => performed.push(effect);
  driver = new MachineDriver<Event, Effect>({ machine, ports, desk, perform });
});

const act = (...effects: Effect[]): void => driver.dispatch({ kind: "do", effects });
const timer = (name: string, inMs: number): TimerEffect => ({ kind: "timer", name, atMs: world.clock.nowMs() + inMs });
const request = (ticket: string, to = "other"): RequestEffect => ({
  kind: "request",
  ticket,
  to: peerOf(to),
  request: { name: "head", body: { chainId: CHAIN_ID } },
  timeoutMs: 100,
});

describe("timers", () => {
  it("of the same name replace each other: one fires, at the later one's time", async () => {
    act(timer("a", 10), timer("a", 50), timer("b", 20));
    await world.clock.advance(15);
    expect(machine.events).toEqual([]);
    await world.clock.advance(10);
    expect(machine.events).toEqual([{ kind: "timer", name: "b" }]);
    await world.clock.advance(1_000);
    expect(machine.events).toEqual([
      { kind: "timer", name: "b" },
      { kind: "timer", name: "a" },
    ]);
  });

  it("can be set again from their own event", async () => {
    act(timer("a", 10));
    await world.clock.advance(10);
    act(timer("a", 10));
    await world.clock.advance(10);
    expect(machine.events).toHaveLength(2);
  });

  it("are all cancelled by the stop, and none is set after it", async () => {
    const before = world.clock.pending;
    act(timer("a", 10), timer("b", 20));
    driver.stop();
    driver.run([timer("c", 30), { kind: "own", value: 1 }]);
    act(timer("d", 40));
    expect(world.clock.pending).toBe(before);
    await world.clock.advance(1_000);
    expect(machine.events).toEqual([]);
    expect(performed).toEqual([]);
  });
});

describe("effects", () => {
  it("of the machine alone go to the driver's owner, shared ones do not", () => {
    act(
      { kind: "own", value: 1 },
      { kind: "note", level: "warn", code: "seen", data: { n: 1 } },
      { kind: "own", value: 2 },
    );
    expect(performed).toEqual([
      { kind: "own", value: 1 },
      { kind: "own", value: 2 },
    ]);
    expect(site.logs).toEqual([{ level: "warn", code: "seen", data: { n: 1 } }]);
  });

  it("that report a peer reach the network's score", () => {
    act({ kind: "report", peer: peerOf("other"), reason: "lied" });
    expect(site.offences).toEqual(["other invalid-message"]);
  });

  it("come with the present time and fresh entropy", async () => {
    act();
    await world.clock.advance(7);
    act();
    const [first, second] = machine.moments;
    expect(second!.nowMs - first!.nowMs).toBe(7);
    expect(second!.entropy).not.toBe(first!.entropy);
  });
});

describe("a request", () => {
  const ends = (): unknown[] =>
    machine.events.map((event) => ("ticket" in event ? [event.kind, event.ticket] : event.kind));

  it("ends in its answer, once", async () => {
    other.network.handle(protocol, LIMITS, async () => encodeAnswer(ANSWER));
    act(request("t1"), request("t2"));
    await world.clock.advance(1_000);
    expect(ends()).toEqual([
      ["answered", "t1"],
      ["answered", "t2"],
    ]);
    expect(machine.events[0]).toMatchObject({ answer: ANSWER });
  });

  it("to a peer that stays silent ends in a failure, once, also when the answer comes late", async () => {
    other.network.handle(
      protocol,
      LIMITS,
      () =>
        new Promise((resolve) => {
          world.clock.schedule(500, () => resolve(encodeAnswer(ANSWER)));
        }),
    );
    act(request("t1"));
    await world.clock.advance(2_000);
    expect(ends()).toEqual([["requestFailed", "t1"]]);
  });

  it("to a peer that is not there, does not speak it, or fails ends in a failure", async () => {
    act(request("away", "nobody"), request("unspoken"));
    await world.clock.advance(1_000);
    other.network.handle(protocol, LIMITS, async () => {
      throw new Error("broken");
    });
    act(request("broken"));
    await world.clock.advance(1_000);
    expect(ends()).toEqual([
      ["requestFailed", "away"],
      ["requestFailed", "unspoken"],
      ["requestFailed", "broken"],
    ]);
    expect(site.offences).toEqual([]);
  });

  it("that is answered with rubbish ends in a failure, and the peer is blamed", async () => {
    other.network.handle(protocol, LIMITS, async () => Uint8Array.of(0xc1, 0x80));
    act(request("t1"));
    await world.clock.advance(1_000);
    expect(ends()).toEqual([["requestFailed", "t1"]]);
    expect(site.offences).toEqual(["other protocol-violation"]);
  });

  it("that cannot be encoded ends in a failure, and nobody is blamed", async () => {
    act({ ...request("t1"), request: { name: "head", body: { chainId: 0n as typeof CHAIN_ID } } });
    await world.clock.advance(1_000);
    expect(ends()).toEqual([["requestFailed", "t1"]]);
    expect(site.offences).toEqual([]);
  });

  it("under way at the stop is called off and tells the machine nothing more", async () => {
    let given: AbortSignal | undefined;
    other.network.handle(protocol, LIMITS, (_from, _bytes, signal) => {
      given = signal;
      return new Promise(() => undefined);
    });
    act(request("t1"));
    await world.clock.advance(10);
    driver.stop();
    await world.clock.advance(1_000);
    expect(given?.aborted).toBe(true);
    expect(ends()).toEqual([]);
  });
});
