import { NetworkError } from "@mvm/network";
import { decodeAnswer, encodeRequest, type NamedRequest, REQUESTS, type RequestName, refused } from "@mvm/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { RequestDesk, type Route } from "../src/requestDesk.ts";
import { settle } from "./virtualClock.ts";
import { CHAIN_ID, connect, hashOfText, peerOf, type Site, World } from "./world.ts";

const HEAD: NamedRequest = { name: "head", body: { chainId: CHAIN_ID } };
const ANSWER = { name: "head", body: { kind: "head", number: 3n, hash: hashOfText("head"), slot: 1n } } as const;

let world: World;
let server: Site;
let client: Site;
let desk: RequestDesk;
let tickets: string[];
let aborter: AbortController;

const ask = (bytes = encodeRequest(HEAD), timeoutMs = 1_000): Promise<Uint8Array> =>
  client.network.request(peerOf("server"), REQUESTS.head.protocol, bytes, { timeoutMs, signal: aborter.signal });

async function serve(route: Route): Promise<void> {
  world = new World();
  server = world.site("server");
  client = world.site("client");
  await server.start();
  await client.start();
  await connect(client, server);
  desk = new RequestDesk(server.network);
  desk.serve(route);
}

const collect: Route = (ticket) => {
  tickets.push(ticket);
  return null;
};

/** How a promise ended, or "open"; never rejects. */
function watched<T>(promise: Promise<T>): { value: T | Error | "open" } {
  const state: { value: T | Error | "open" } = { value: "open" };
  promise.then(
    (value) => {
      state.value = value;
    },
    (error: Error) => {
      state.value = error;
    },
  );
  return state;
}

beforeEach(() => {
  tickets = [];
  aborter = new AbortController();
});

describe("the request desk", () => {
  it("lives on when a requester gives up while the route still works: vitest fails where nobody waits for a rejection", async () => {
    const { promise, resolve } = Promise.withResolvers<null>();
    await serve(() => promise);
    const asked = watched(ask());
    await world.clock.advance(10);
    aborter.abort(new Error("enough"));
    await world.clock.advance(10);
    await settle();
    expect(asked.value).toBeInstanceOf(Error);
    resolve(null);
    await settle();
  });

  it("gives a direct answer to the requester", async () => {
    await serve(() => ANSWER);
    const asked = watched(ask());
    await world.clock.advance(10);
    expect(decodeAnswer("head", asked.value as Uint8Array)).toEqual(ANSWER);
  });

  it("gives each later answer to the one who holds its ticket", async () => {
    await serve(collect);
    const asked = [watched(ask()), watched(ask()), watched(ask())];
    await world.clock.advance(10);
    expect(new Set(tickets).size).toBe(3);
    for (const [n, ticket] of [...tickets.entries()].reverse())
      desk.answer(ticket, { ...ANSWER, body: { ...ANSWER.body, number: BigInt(n) } });
    await world.clock.advance(10);
    asked.forEach(({ value }, n) => {
      expect(decodeAnswer("head", value as Uint8Array).body).toMatchObject({ number: BigInt(n) });
    });
  });

  it("hands over who asked what", async () => {
    const seen: unknown[] = [];
    await serve((_ticket, from, request) => {
      seen.push([from, request]);
      return ANSWER;
    });
    watched(ask());
    await world.clock.advance(10);
    expect(seen).toEqual([["client", HEAD]]);
  });

  it("refuses and reports malformed requests of every protocol", async () => {
    await serve(collect);
    for (const name of Object.keys(REQUESTS) as RequestName[]) {
      const { protocol } = REQUESTS[name];
      const before = server.offences.length;
      await connect(client, server);
      const asked = watched(
        client.network.request(peerOf("server"), protocol, Uint8Array.of(0xff), { timeoutMs: 100 }),
      );
      await world.clock.advance(10);
      expect(asked.value).toMatchObject({ name: "NetworkError", code: "remote-error" });
      expect((asked.value as NetworkError).data.reason).toMatch(/^malformed: /);
      expect(server.offences.slice(before)).toEqual(["client protocol-violation"]);
      // two violations are a ban; the next protocol meets a fresh server
      await serve(collect);
    }
    expect(tickets).toEqual([]);
  });

  it("passes over an answer that comes after the requester gave up, and one for no ticket", async () => {
    await serve(collect);
    const asked = watched(ask());
    await world.clock.advance(10);
    aborter.abort();
    await world.clock.advance(10);
    expect(asked.value).toMatchObject({ code: "aborted" });
    desk.answer(tickets[0]!, ANSWER);
    desk.answer("in:77", ANSWER);
    await world.clock.advance(10);
    expect(server.events.filter(({ kind }) => kind === "handler-failed")).toEqual([]);
    aborter = new AbortController();
    const again = watched(ask());
    await world.clock.advance(10);
    desk.answer(tickets[1]!, ANSWER);
    await world.clock.advance(10);
    expect(again.value).toBeInstanceOf(Uint8Array);
  });

  it("holds no place for requests that were given up", async () => {
    await serve(collect);
    for (let n = 0; n < 32; n++) watched(ask());
    await world.clock.advance(10);
    aborter.abort();
    await world.clock.advance(10);
    aborter = new AbortController();
    const asked = watched(ask());
    await world.clock.advance(10);
    desk.answer(tickets[32]!, ANSWER);
    await world.clock.advance(10);
    expect(asked.value).toBeInstanceOf(Uint8Array);
  });

  it("keeps the first of two answers", async () => {
    await serve(collect);
    const asked = watched(ask());
    await world.clock.advance(10);
    desk.answer(tickets[0]!, { name: "head", body: refused("first") });
    desk.answer(tickets[0]!, ANSWER);
    await world.clock.advance(10);
    expect(decodeAnswer("head", asked.value as Uint8Array).body).toEqual(refused("first"));
  });

  it("works on a bounded number of one peer's requests at a time", async () => {
    await serve(collect);
    const asked = Array.from({ length: 40 }, () => watched(ask()));
    await world.clock.advance(10);
    expect(tickets).toHaveLength(32);
    expect(asked.filter(({ value }) => value instanceof NetworkError && value.code === "busy")).toHaveLength(8);
    for (const ticket of tickets) desk.answer(ticket, ANSWER);
    await settle();
    await world.clock.advance(10);
    expect(asked.filter(({ value }) => value instanceof Uint8Array)).toHaveLength(32);
  });
});
