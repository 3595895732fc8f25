import {
  type BatchHeader,
  hashHeader,
  type Message,
  merkleRoot,
  messageHash,
  PREDEPLOYS,
  refused,
  type SealedBlock,
  sentSlot,
  toAddress,
  ZERO_HASH,
} from "@mvm/protocol";
import { NodeMap, slotPath } from "@mvm/state";
import { Interface } from "ethers";
import { beforeEach, describe, expect, it } from "vitest";
import { HostClient } from "../src/hostClient.ts";
import {
  Chain,
  type HeaderSource,
  type NodesUnder,
  nodesOfReaders,
  type Ports,
  proveAccount,
  proveMessage,
} from "../src/index.ts";
import { RequestDesk } from "../src/requestDesk.ts";
import { BlockMaker, transactionOf } from "./blockMaker.ts";
import { answerWith, honestAnswer, proofOf, serveReads } from "./serving.ts";
import { connect, deposit, identityOf, SETTINGS, type Site, SLOT, viewOf, World } from "./world.ts";

const user = identityOf("user").operator;
const TARGET = toAddress("0x00000000000000000000000000000000007a59e7");
const MINT = 10n ** 18n;
const VALUE = 10n ** 15n;

let world: World;
let maker: BlockMaker;
let blocks: SealedBlock[];
let batch: BatchHeader;
let message: Message;
let hosts: Site[];
let client: Site;
let nodesUnder: NodesUnder;

const headerOf: HeaderSource = (number) => blocks[Number(number) - 1]?.header ?? null;

function batchOf(list: readonly SealedBlock[]): BatchHeader {
  const [firstBlock, lastBlock] = [list[0]!.header.number, list.at(-1)!.header.number];
  const blocksRoot = merkleRoot(list.map(({ header }) => hashHeader(header)));
  const place = { chainId: maker.dac.chainId, generation: 0n, index: 0n, previousBatchHash: ZERO_HASH };
  const rest = { dataHash: ZERO_HASH, transactionsRoot: ZERO_HASH, queueEnd: 0n, slot: SLOT, blobHash: ZERO_HASH };
  return { ...place, ...rest, firstBlock, lastBlock, blocksRoot, poster: user };
}

beforeEach(async () => {
  world = new World();
  const view = viewOf(["host-a", "host-b"]);
  deposit(view, 0n, user, MINT);
  maker = await BlockMaker.start(view);
  const { chainId } = maker.dac;
  const data = new Interface(["function withdraw(address to) payable"]).encodeFunctionData("withdraw", [TARGET]);
  const withdrawal = await transactionOf(maker.dac, "user", {
    nonce: 0,
    to: PREDEPLOYS.coinbase,
    value: VALUE,
    data,
    gasLimit: 500_000n,
  });
  blocks = [
    await maker.next({ queueItems: view.queueItems(chainId, 0n, SLOT) }),
    await maker.next({ transactions: [withdrawal] }),
    await maker.next({}),
  ];
  batch = batchOf(blocks);
  message = {
    kind: "withdrawal",
    chainId,
    nonce: 0n,
    sender: user,
    target: TARGET,
    value: VALUE,
    data: new Uint8Array(0),
  };
  client = world.site("client");
  const ports: Ports = await client.start();
  hosts = view.hosts(chainId).map(({ peerId }) => world.site(peerId));
  for (const host of hosts) {
    await host.start();
    await connect(client, host);
  }
  const desk = new RequestDesk(client.network);
  const chain = await Chain.open({ ports, settings: SETTINGS, view, desk, dac: maker.dac, withState: false });
  const reading = new HostClient({ ports, settings: SETTINGS, view });
  const { signal } = new AbortController();
  nodesUnder = nodesOfReaders((stateRoot) => reading.readerAt(chain, { stateRoot, number: 3n }, signal));
});

/** Lets time pass until the promise has ended. */
async function ended<T>(promise: Promise<T>): Promise<T> {
  let isOpen = true;
  const done = (): void => {
    isOpen = false;
  };
  promise.then(done, done);
  for (let step = 0; step < 50 && isOpen; step++) await world.clock.advance(500);
  if (isOpen) throw new Error("still open");
  return promise;
}

describe("a gateway without state", () => {
  it("makes the proof of a withdrawal from what storage hosts serve", async () => {
    for (const host of hosts) serveReads(host, (reads) => honestAnswer(maker, reads));
    const hash = messageHash(message);
    for (const number of [2n, 3n]) {
      const proof = await ended(proveMessage({ headerOf, batch, number, nodesUnder, messageHash: hash }));
      const nodes = new NodeMap(proof.nodes.map((node) => Uint8Array.from(Buffer.from(node.slice(2), "hex"))));
      expect(slotPath(nodes, headerOf(number)!.withdrawalsRoot, sentSlot(hash)).value).toBe(1n);
      expect(proof.block).toMatchObject({ position: number - 1n, count: 3n });
    }
    const early = proveMessage({ headerOf, batch, number: 1n, nodesUnder, messageHash: hash });
    await expect(ended(early)).rejects.toMatchObject({ code: "not-sent" });
  });

  it("makes the proof of an account, and of one that is not there", async () => {
    for (const host of hosts) serveReads(host, (reads) => honestAnswer(maker, reads));
    const request = { headerOf, batch, number: 3n, nodesUnder };
    const present = await ended(proveAccount({ ...request, address: user }));
    expect(present.account).toMatchObject({ nonce: 1n });
    const absent = await ended(proveAccount({ ...request, address: TARGET, slot: ZERO_HASH }));
    expect(absent).toMatchObject({ account: null, value: 0n, slotNodes: [] });
    expect(absent.accountNodes.length).toBeGreaterThan(0);
  });

  it("blames a host that serves another state's nodes, and takes the next one's", async () => {
    const { stateRoot } = blocks[0]!.header;
    serveReads(hosts[0]!, (reads) => answerWith(proofOf(maker, { ...reads, stateRoot })));
    serveReads(hosts[1]!, (reads) => honestAnswer(maker, reads));
    const proof = await ended(
      proveMessage({ headerOf, batch, number: 3n, nodesUnder, messageHash: messageHash(message) }),
    );
    expect(proof.nodes.length).toBeGreaterThan(0);
    expect(client.offences).toEqual([`${hosts[0]!.name} invalid-message`]);
  });

  it("has no proof where no host has the nodes", async () => {
    for (const host of hosts) serveReads(host, () => ({ name: "reads", body: refused("not ready") }));
    const asked = proveMessage({ headerOf, batch, number: 3n, nodesUnder, messageHash: messageHash(message) });
    await expect(ended(asked)).rejects.toMatchObject({ code: "fetch-failed" });
  });
});
