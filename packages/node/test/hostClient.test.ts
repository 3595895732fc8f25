import { EMPTY_CODE_HASH, PREDEPLOYS, refused, ZERO_HASH } from "@mvm/protocol";
import type { ProvenReader } from "@mvm/state";
import { beforeEach, describe, expect, it } from "vitest";
import { HostClient, HostsSilent } from "../src/hostClient.ts";
import { Chain, type Ports } from "../src/index.ts";
import { RequestDesk } from "../src/requestDesk.ts";
import { BlockMaker } from "./blockMaker.ts";
import { answerWith, honestAnswer, proofOf, type Reads, serveReads } from "./serving.ts";
import { connect, deposit, identityOf, SETTINGS, type Site, SLOT, viewOf, World } from "./world.ts";

const user = identityOf("user").operator;
const MINT = 12_345n;

let world: World;
let client: Site;
let ports: Ports;
let chain: Chain;
let maker: BlockMaker;
let view: ReturnType<typeof viewOf>;
/** hosts in the order in which they are asked */
let hosts: Site[];
let aborter: AbortController;

beforeEach(async () => {
  world = new World();
  view = viewOf(["host-a", "host-b", "host-c"]);
  deposit(view, 0n, user, MINT);
  maker = await BlockMaker.start(view);
  await maker.next({ queueItems: view.queueItems(maker.dac.chainId, 0n, SLOT) });
  client = world.site("client");
  ports = await client.start();
  hosts = view.hosts(maker.dac.chainId).map(({ peerId }) => world.site(peerId));
  for (const host of hosts) {
    await host.start();
    await connect(client, host);
  }
  const desk = new RequestDesk(client.network);
  chain = await Chain.open({ ports, settings: SETTINGS, view, desk, dac: maker.dac, withState: false });
  aborter = new AbortController();
});

const reader = (): ProvenReader => {
  const { stateRoot, number } = maker.parent.header;
  return new HostClient({ ports, settings: SETTINGS, view }).readerAt(chain, { stateRoot, number }, aborter.signal);
};

const honest = (reads: Reads) => honestAnswer(maker, reads);
const silent = (): Promise<never> => new Promise(() => undefined);

/** Lets time pass until the promise has ended. */
async function ended<T>(promise: Promise<T> | T): Promise<T | Error> {
  let result: { value: T | Error } | null = null;
  Promise.resolve(promise).then(
    (value) => {
      result = { value };
    },
    (error: Error) => {
      result = { value: error };
    },
  );
  for (let step = 0; step < 50 && result === null; step++) await world.clock.advance(500);
  return result === null ? new Error("still open") : (result as { value: T | Error }).value;
}

const balance = async (): Promise<unknown> => {
  const account = await ended(reader().account(user));
  return account instanceof Error || account === null ? account : account.balance;
};

describe("reads at storage hosts", () => {
  it("take the first host's proof: one question, nobody blamed", async () => {
    const served = hosts.map((host) => serveReads(host, honest));
    expect(await balance()).toBe(MINT);
    expect(served.map(({ length }) => length)).toEqual([1, 0, 0]);
    expect(client.offences).toEqual([]);
  });

  it.each<readonly [string, (reads: Reads) => ReturnType<typeof honest> | Uint8Array]>([
    [
      "changes a byte of a node",
      (reads) => {
        const [first, ...rest] = proofOf(maker, reads).nodes;
        const changed = first!.slice();
        changed[changed.length - 1]! ^= 1;
        return answerWith({ nodes: [changed, ...rest], codes: [] });
      },
    ],
    [
      "proves under another root",
      (reads) => {
        const old = maker.database.blockByNumber(0n)!.stateRoot!;
        return answerWith(proofOf(maker, { ...reads, stateRoot: old }));
      },
    ],
    ["leaves nodes out", () => answerWith({ nodes: [], codes: [] })],
    [
      "adds what nobody asked for",
      (reads) => {
        const { nodes } = proofOf(maker, reads);
        return answerWith({ nodes: [...nodes, nodes[0]!], codes: [] });
      },
    ],
    ["adds code", (reads) => answerWith({ ...proofOf(maker, reads), codes: [Uint8Array.of(0)] })],
    ["sends rubbish", () => Uint8Array.of(0xff, 0x00)],
  ])("that lead to a host that %s blame it and ask the next", async (_what, lie) => {
    serveReads(hosts[0]!, lie);
    const served = serveReads(hosts[1]!, honest);
    serveReads(hosts[2]!, honest);
    expect(await balance()).toBe(MINT);
    expect(client.offences).toEqual([`${hosts[0]!.name} invalid-message`]);
    expect(served).toHaveLength(1);
  });

  it.each<readonly [string, (reads: Reads) => ReturnType<typeof honest> | Promise<never>]>([
    ["stays silent", silent],
    ["refuses", () => ({ name: "reads", body: refused("busy") })],
    [
      "fails",
      () => {
        throw new Error("broken");
      },
    ],
  ])("that lead to a host that %s ask the next and blame nobody", async (_what, serve) => {
    serveReads(hosts[0]!, serve);
    serveReads(hosts[1]!, honest);
    serveReads(hosts[2]!, honest);
    expect(await balance()).toBe(MINT);
    expect(client.offences).toEqual([]);
  });

  it("go on at the host that answered last", async () => {
    serveReads(hosts[0]!, silent);
    const served = serveReads(hosts[1]!, honest);
    const proven = reader();
    await ended(proven.account(user));
    const before = world.clock.nowMs();
    expect(await ended(proven.slot(PREDEPLOYS.coinbase, ZERO_HASH))).toBe(MINT);
    expect(served).toHaveLength(2);
    // no waiting for the silent host this time: less than its timeout
    expect(world.clock.nowMs() - before).toBeLessThan(SETTINGS.parameters.readTimeoutMs);
  });

  it("give codes by their hash, and a witness for writes, both checked", async () => {
    for (const host of hosts) serveReads(host, honest);
    const proven = reader();
    const account = await ended(proven.account(PREDEPLOYS.coinbase));
    const { codeHash } = account as { codeHash: typeof EMPTY_CODE_HASH };
    expect(codeHash).not.toBe(EMPTY_CODE_HASH);
    expect(await ended(proven.code(codeHash))).toEqual(maker.database.code(codeHash));
    expect(await ended(proven.fetchWitness([{ kind: "account", address: user }]))).toBeUndefined();
    expect(client.offences).toEqual([]);
  });

  it("fail with every host's reason, after a bounded number of questions, when all fail", async () => {
    const served = [
      serveReads(hosts[0]!, silent),
      serveReads(hosts[1]!, () => ({ name: "reads", body: refused("not a host") })),
    ];
    await hosts[2]!.network.stop();
    const error = (await ended(reader().account(user))) as Error;
    expect(error).toMatchObject({ name: "StateError", code: "fetch-failed" });
    const cause = error.cause as HostsSilent;
    expect(cause).toBeInstanceOf(HostsSilent);
    expect(cause.code).toBe("hosts-silent");
    for (const host of hosts) expect(cause.message).toContain(identityOf(host.name).operator);
    expect(cause.message).toContain("not a host");
    expect(served.map(({ length }) => length)).toEqual([2, 2]);
  });

  it("fail at once when no host is known", async () => {
    view = viewOf([]);
    const error = (await ended(reader().account(user))) as Error;
    expect((error.cause as Error).message).toContain("none is known");
  });

  it("end at once when they are given up, and ask nobody else", async () => {
    serveReads(hosts[0]!, silent);
    const served = serveReads(hosts[1]!, honest);
    const reading = Promise.resolve(reader().account(user));
    const failure = reading.catch((error: Error) => error);
    await world.clock.advance(10);
    aborter.abort();
    await world.clock.advance(10);
    expect(await failure).toMatchObject({ name: "StateError", code: "fetch-failed", cause: aborter.signal.reason });
    expect(served).toEqual([]);
    expect(client.offences).toEqual([]);
  });

  it("are served from the own database where the node is the host itself", async () => {
    view = viewOf(["client"]);
    const desk = new RequestDesk(client.network);
    const own = await Chain.open({ ports, settings: SETTINGS, view, desk, dac: maker.dac, withState: true });
    const { stateRoot, number } = own.head.header;
    const proven = new HostClient({ ports, settings: SETTINGS, view }).readerAt(
      own,
      { stateRoot, number },
      aborter.signal,
    );
    expect(await ended(proven.account(PREDEPLOYS.coinbase))).toMatchObject({ nonce: 1n });
    expect(client.offences).toEqual([]);
  });
});
