import {
  blocksTopic,
  claimsOf,
  decodeAnswer,
  depositItem,
  drawBlockOf,
  encodeBlock,
  encodeRequest,
  HEADER_CONSTANTS,
  hashBatchHeader,
  hashHeader,
  inCalldata,
  type Job,
  jobIdOf,
  LIMITS,
  merkleRoot,
  type NamedAnswer,
  type NamedRequest,
  type Outcome,
  REQUESTS,
  refused,
  resultDigest,
  resultHash,
  type SealedBlock,
  servedBy,
  toChainId,
  toJobId,
  ZERO_HASH,
} from "@mvm/protocol";
import type { L1Event, Member } from "@mvm/roles";
import { Carriers } from "@mvm/roles";
import { verifyReads } from "@mvm/state";
import { beforeEach, describe, expect, it } from "vitest";
import type { Role } from "../src/config.ts";
import { leafStore, NodeCore } from "../src/index.ts";
import { Mail } from "../src/mail.ts";
import { RequestDesk } from "../src/requestDesk.ts";
import { BlockMaker, signed, transactionOf } from "./blockMaker.ts";
import { settle } from "./virtualClock.ts";
import {
  CHAIN_ID,
  connect,
  conviction,
  GENESIS_SECONDS,
  hashOfText,
  identityOf,
  L1_HEAD,
  l1Block,
  l1Of,
  memberOf,
  peerOf,
  SETTINGS,
  type Site,
  SLOT,
  viewOf,
  World,
} from "./world.ts";

const user = identityOf("user").operator;
const DEPOSIT = {
  kind: "queueItemAdded",
  chainId: CHAIN_ID,
  l1Block: 1n,
  timestamp: GENESIS_SECONDS,
  mintedBefore: 0n,
  item: depositItem({ queueIndex: 0n, from: user, to: user, mint: 10n ** 18n }),
} as const;

let world: World;
let peer: Site;
let block: SealedBlock;
/** in its place, but for somebody else */
let strange: SealedBlock;

beforeEach(async () => {
  world = new World();
  peer = world.site("peer");
  await peer.start();
  const view = viewOf(["host"]);
  view.apply(DEPOSIT);
  const maker = await BlockMaker.start(view);
  strange = (await maker.sibling({ signer: "somebody" })).block;
  block = await maker.next({ queueItems: view.queueItems(CHAIN_ID, 0n, SLOT) });
});

type Running = { readonly core: NodeCore; readonly site: Site };

async function node(name: string, roles: readonly Role[], l1 = l1Of(["host"])): Promise<Running> {
  const site = world.site(name);
  const core = await NodeCore.create({ ports: await site.start(), settings: SETTINGS, roles });
  core.goLive();
  for (const event of [...l1, DEPOSIT]) core.l1Event(event);
  await world.clock.advance(5);
  if (name !== "peer") await connect(peer, site);
  return { core, site };
}

const topic = blocksTopic(SETTINGS.network, CHAIN_ID);

async function gossip(bytes: Uint8Array): Promise<void> {
  await peer.network.publish(topic, bytes);
  await world.clock.advance(5);
}

async function ask(to: string, request: NamedRequest, asker = peer): Promise<NamedAnswer> {
  const { protocol } = REQUESTS[request.name];
  const asking = asker.network.request(peerOf(to), protocol, encodeRequest(request), { timeoutMs: 5_000 });
  await world.clock.advance(5);
  return decodeAnswer(request.name, await asking);
}

describe("gossip at a node", () => {
  it("of a good block is applied and blames nobody", async () => {
    const { core, site } = await node("gateway", ["gateway"]);
    await gossip(encodeBlock(block));
    expect(core.chains.get(CHAIN_ID)?.head.header.number).toBe(1n);
    expect(site.offences).toEqual([]);
    await core.stop();
  });

  it.each<readonly [string, () => Uint8Array]>([
    ["rubbish", () => Uint8Array.of(1, 2, 3)],
    ["nothing", () => new Uint8Array(0)],
    ["a block that is cut off", () => encodeBlock(block).slice(0, -1)],
    ["another chain's block", () => encodeBlock(signed({ ...block, chainId: toChainId(7002n) }))],
    ["a block without a signature", () => encodeBlock({ ...block, signature: `0x${"00".repeat(65)}` })],
    ["a block that pays somebody else", () => encodeBlock(signed(strange))],
    ["a block signed by somebody else", () => encodeBlock(signed(block, "somebody"))],
    [
      "a block with a header that was not signed",
      () => encodeBlock({ ...block, header: { ...block.header, stateRoot: hashOfText("x") } }),
    ],
    [
      "a block with a context that was not signed",
      () => encodeBlock({ ...block, context: { ...block.context, queueEnd: 0n } }),
    ],
  ])("that is %s is rejected: the peer pays, the chain stands", async (_what, bytes) => {
    const { core, site } = await node("gateway", ["gateway"]);
    await gossip(bytes());
    expect(site.offences).toEqual(["peer invalid-message"]);
    expect(core.chains.get(CHAIN_ID)?.head.header.number).toBe(0n);
    await core.stop();
  });

  it("of a block of a slot far ahead is passed over and blames nobody", async () => {
    const { core, site } = await node("gateway", ["gateway"]);
    await gossip(encodeBlock(signed({ ...block, context: { ...block.context, slot: SLOT + 3n } })));
    expect(site.events).toContainEqual({ kind: "ignored", peer: "peer", topic, reason: "slot in the future" });
    expect(site.offences).toEqual([]);
    expect(core.chains.get(CHAIN_ID)?.head.header.number).toBe(0n);
    await core.stop();
  });
});

const JOB_ID = toJobId(hashOfText("job"));
const JOB: NamedRequest = {
  name: "job",
  body: {
    jobId: JOB_ID,
    environment: {
      timestamp: GENESIS_SECONDS,
      baseFeePerGas: 1n,
      gasLimit: LIMITS.blockGas,
      prevRandao: ZERO_HASH,
      feeRecipient: HEADER_CONSTANTS.beneficiary,
    },
    messages: [],
    values: [],
  },
};

const readsOf = (stateRoot = ZERO_HASH, chainId = CHAIN_ID): NamedRequest => ({
  name: "reads",
  body: { chainId, stateRoot, keys: [{ kind: "account", address: user }], forWrites: false },
});

describe("requests at a node", () => {
  it.each<readonly [NamedRequest, string]>([
    [readsOf(), "not a storage host"],
    [JOB, "not a provider"],
    [{ name: "values", body: { jobId: JOB_ID, keys: [] } }, "no such job"],
    [{ name: "offerTransactions", body: { chainId: CHAIN_ID, transactions: [] } }, "not a sequencer of this chain"],
    [{ name: "head", body: { chainId: toChainId(9n) } }, "unknown chain"],
    [{ name: "blocks", body: { chainId: toChainId(9n), from: 0n, count: 1 } }, "unknown chain"],
  ])("for what it does not do are refused with the reason (%#)", async (request, reason) => {
    const { core } = await node("gateway", ["gateway"]);
    expect((await ask("gateway", request)).body).toEqual({ kind: "refused", reason });
    await core.stop();
  });

  it("for a job are refused by a provider that holds no seat of it, and answered by one that does", async () => {
    const l1 = l1Of(["host"], ["provider-a"]);
    const sequencer = world.site("sequencer");
    await sequencer.start();
    for (const [name, body] of [
      ["provider-a", { kind: "result", outcomes: [] }],
      ["provider-b", { kind: "refused", reason: "no seat of this job is held here" }],
    ] as const) {
      const { core, site } = await node(name, ["provider"], l1);
      await connect(sequencer, site);
      expect((await ask(name, JOB, sequencer)).body).toMatchObject(body);
      await core.stop();
    }
  });

  it("for a job are refused by a provider that still reads L1, and blame nobody: it does not know yet who is a sequencer", async () => {
    const sequencer = world.site("sequencer");
    await sequencer.start();
    const site = world.site("provider-a");
    const core = await NodeCore.create({ ports: await site.start(), settings: SETTINGS, roles: ["provider"] });
    await connect(sequencer, site);
    expect((await ask("provider-a", JOB, sequencer)).body).toEqual({ kind: "refused", reason: "still reads L1" });
    for (const event of l1Of(["host"], ["provider-a"])) core.l1Event(event);
    core.goLive();
    expect((await ask("provider-a", JOB, sequencer)).body).toMatchObject({ kind: "result" });
    expect(site.offences).toEqual([]);
    await core.stop();
  });

  it("for head and blocks are answered by whoever follows the chain", async () => {
    const { core } = await node("gateway", ["gateway"]);
    await gossip(encodeBlock(block));
    expect((await ask("gateway", { name: "head", body: { chainId: CHAIN_ID } })).body).toMatchObject({ number: 1n });
    const blocks = await ask("gateway", { name: "blocks", body: { chainId: CHAIN_ID, from: 1n, count: 64 } });
    expect(blocks.body).toEqual({ kind: "blocks", blocks: [encodeBlock(block)] });
    await core.stop();
  });

  it("for values are answered by a storage host with a proof under the root, and by a refusal where it cannot", async () => {
    const { core } = await node("host", ["storage"]);
    await gossip(encodeBlock(block));
    const { stateRoot } = block.header;
    const answer = await ask("host", readsOf(stateRoot));
    expect(answer.body.kind).toBe("proof");
    const [entry] = verifyReads(stateRoot, [{ kind: "account", address: user }], answer.body as never);
    expect(entry!.value).toMatchObject({ balance: 10n ** 18n });
    expect((await ask("host", readsOf(hashOfText("no root")))).body).toMatchObject({ kind: "refused" });
    expect((await ask("host", readsOf(stateRoot, toChainId(9n)))).body).toMatchObject({ kind: "refused" });
    const keys = [{ kind: "number" }] as const;
    const body = { chainId: CHAIN_ID, stateRoot, keys, forWrites: false };
    expect((await ask("host", { name: "reads", body })).body).toMatchObject({ kind: "refused" });
    await core.stop();
  });
});

describe("a node", () => {
  it("keeps state for the DACs it was drawn for, blocks for a gateway's, nothing for a provider's", async () => {
    const host = await node("host", ["storage", "gateway"]);
    const gateway = await node("gateway", ["gateway"]);
    const provider = await node("provider", ["provider"]);
    expect(host.core.chains.get(CHAIN_ID)?.withState).toBe(true);
    expect(gateway.core.chains.get(CHAIN_ID)?.withState).toBe(false);
    expect(provider.core.chains.size).toBe(0);
    for (const { core } of [host, gateway, provider]) await core.stop();
  });

  it("that keeps a chain without state when it is drawn as its host says that it does not host it, and refuses", async () => {
    const { core, site } = await node("gateway", ["storage", "gateway"]);
    expect(core.chains.get(CHAIN_ID)?.withState).toBe(false);
    core.l1Event({ kind: "registered", registry: "storage", member: memberOf("gateway", 1) });
    for (let number = L1_HEAD + 1n; site.logged("chain-not-hosted").length === 0; number++) {
      expect(number).toBeLessThan(L1_HEAD + 20n);
      core.l1Event(l1Block(number, GENESIS_SECONDS));
    }
    const places = [{ kind: "accounts", hash: ZERO_HASH }] as const;
    const { body } = await ask("gateway", { name: "state", body: { chainId: CHAIN_ID, places } });
    expect(body).toMatchObject({ kind: "refused", reason: "not ready yet" });
    await core.stop();
  });

  it("leaves no timer behind when it stops, also when it stops while it opens a chain", async () => {
    const site = world.site("all");
    const before = world.clock.pending;
    const roles = ["storage", "gateway", "sequencer", "provider"] as const;
    const core = await NodeCore.create({ ports: await site.start(), settings: SETTINGS, roles });
    for (const event of l1Of(["all"])) core.l1Event(event);
    await core.stop();
    await settle();
    await site.network.stop();
    expect(world.clock.pending).toBe(before);
    core.l1Event(l1Block(L1_HEAD + 1n, GENESIS_SECONDS));
    expect(world.clock.pending).toBe(before);
  });

  it("takes back what rests on L1 blocks that are gone, and takes the blocks of the new ones", async () => {
    const { core } = await node("gateway", ["gateway"]);
    await gossip(encodeBlock(block));
    const chain = core.chains.get(CHAIN_ID)!;
    expect(chain.head.header.number).toBe(1n);
    const drawBlock = drawBlockOf(SLOT, SETTINGS.parameters.epochBlocks);
    core.l1Event({ kind: "reorg", toBlock: drawBlock });
    await world.clock.advance(5);
    expect(chain.head.header.number).toBe(1n);
    core.l1Event({ kind: "reorg", toBlock: drawBlock - 1n });
    await world.clock.advance(5);
    expect(chain.head.header.number).toBe(0n);
    expect(core.view.valuesOf(SLOT)).toBeUndefined();
    for (let number = drawBlock; number <= L1_HEAD; number++) core.l1Event(l1Block(number, GENESIS_SECONDS));
    core.l1Event(DEPOSIT);
    chain.receive(block);
    await world.clock.advance(5);
    expect(chain.head.hash).toBe(hashHeader(block.header));
    await core.stop();
  });

  it("refuses a block with the L1 values of a draw block that is gone", async () => {
    const { core, site } = await node("gateway", ["gateway"]);
    const drawBlock = drawBlockOf(SLOT, SETTINGS.parameters.epochBlocks);
    core.l1Event({ kind: "reorg", toBlock: drawBlock - 1n });
    for (let number = drawBlock; number <= L1_HEAD; number++)
      core.l1Event({ ...l1Block(number, GENESIS_SECONDS), baseFeePerGas: 7n } as L1Event);
    await gossip(encodeBlock(block));
    expect(core.chains.get(CHAIN_ID)!.head.header.number).toBe(0n);
    expect(site.logged("block-refused")).toMatchObject([{ data: { fault: "L1 values are not those of the slot" } }]);
    await core.stop();
  });

  it("that was down during a conviction undoes what fell, and keeps what came after it while it reads L1 anew", async () => {
    const view = viewOf(["host"]);
    view.apply(DEPOSIT);
    const batch = (blocks: readonly SealedBlock[]): L1Event => {
      const last = view.batches(CHAIN_ID).at(-1);
      const index = (last?.header.index ?? -1n) + 1n;
      const previousBatchHash = last?.batchHash ?? view.dac(CHAIN_ID)!.genesisHash;
      const place = { index, previousBatchHash, slot: SLOT, poster: identityOf("other").operator };
      const header = { ...claimsOf(blocks, place), ...inCalldata(new Uint8Array(0)) };
      const batchHash = hashBatchHeader(header);
      const at = { timestamp: GENESIS_SECONDS, l1Block: L1_HEAD };
      const event = { kind: "batchAppended", header, batchHash, transactionHash: batchHash, ...at } as const;
      view.apply(event);
      return event;
    };
    const maker = await BlockMaker.start(view);
    const funding = { queueItems: view.queueItems(CHAIN_ID, 0n, SLOT) };
    const call = (nonce: number) => transactionOf({ chainId: CHAIN_ID }, "user", { nonce, value: 1n });
    const old = [await maker.next(funding), await maker.next({ transactions: [await call(0)] })];
    const { core, site } = await node("gateway", ["gateway"]);
    for (const each of old) await gossip(encodeBlock(each));
    const history: L1Event[] = [batch(old.slice(0, 1)), batch(old.slice(1))];
    for (const event of history) core.l1Event(event);
    const fallen = conviction(view, 1n);
    view.apply(fallen);

    const restart = async (before: NodeCore, events: readonly L1Event[]): Promise<NodeCore> => {
      await before.stop();
      await site.network.stop();
      const again = await NodeCore.create({ ports: await site.start(), settings: SETTINGS, roles: ["gateway"] });
      for (const event of [...l1Of(["host"]), DEPOSIT]) again.l1Event(event);
      await world.clock.advance(5);
      for (const event of events) {
        again.l1Event(event);
        await world.clock.advance(5);
      }
      again.goLive();
      await world.clock.advance(5);
      await connect(peer, site);
      return again;
    };
    const headOf = (running: NodeCore) => running.chains.get(CHAIN_ID)!.head;
    const second = await restart(core, [...history, fallen]);
    expect(headOf(second).hash).toBe(hashHeader(old[0]!.header));
    expect(second.pools.get(CHAIN_ID)!.size).toBe(1);
    await gossip(encodeBlock(old[1]!));
    expect(headOf(second).header.number).toBe(1n);
    const anew = await BlockMaker.start(view);
    await anew.next(funding);
    const fresh = await anew.next({ transactions: [await call(0)] });
    await gossip(encodeBlock(fresh));
    expect(headOf(second).hash).toBe(hashHeader(fresh.header));
    const rolledBack = site.logged("rolled-back").length;
    const third = await restart(second, [...history, fallen, batch([fresh])]);
    expect(headOf(third).hash).toBe(hashHeader(fresh.header));
    expect(third.chains.get(CHAIN_ID)!.safeNumber).toBe(2n);
    expect(site.logged("rolled-back").length).toBe(rolledBack);
    // L1 has another history now, in which nobody was convicted
    const fourth = await restart(third, history);
    expect(headOf(fourth).hash).toBe(hashHeader(old[1]!.header));
    expect(fourth.chains.get(CHAIN_ID)!.safeNumber).toBe(2n);
    await fourth.stop();
  });

  it("that says a DAC's database cannot be opened goes on without it", async () => {
    const site = world.site("gateway");
    const ports = await site.start();
    const openDatabase = () => Promise.reject(new Error("disk broken"));
    const core = await NodeCore.create({ ports: { ...ports, openDatabase }, settings: SETTINGS, roles: ["gateway"] });
    for (const event of l1Of([])) core.l1Event(event);
    await world.clock.advance(5);
    expect(site.logged("chain-not-opened")).toEqual([
      {
        level: "error",
        code: "chain-not-opened",
        data: { chainId: CHAIN_ID, label: `dac-${CHAIN_ID}`, reason: "disk broken" },
      },
    ]);
    await core.stop();
  });

  it("of each role: a transaction given to the gateway comes into a block that host, gateway and sequencer share", async () => {
    const l1 = l1Of(["host"]);
    const nodes = new Map<string, Running>();
    const roles: Record<string, Role> = {
      sequencer: "sequencer",
      host: "storage",
      "provider-a": "provider",
      "provider-b": "provider",
      gateway: "gateway",
    };
    for (const [name, role] of Object.entries(roles)) nodes.set(name, await node(name, [role], l1));
    const sites = [...nodes.values()].map(({ site }) => site);
    for (const left of sites) for (const right of sites) if (left !== right) await connect(left, right);
    const transaction = await transactionOf({ chainId: CHAIN_ID }, "user", { nonce: 0, value: 5n });
    const gateway = nodes.get("gateway")!.core;
    expect(await gateway.pools.get(CHAIN_ID)!.submit(transaction)).toBeNull();
    const followers = ["sequencer", "host", "gateway"].map((name) => nodes.get(name)!.core.chains.get(CHAIN_ID)!);
    const isIn = (): boolean => followers.every(({ database }) => database.transactionPlace(transaction.hash) !== null);
    for (let step = 0; step < 100 && !isIn(); step++) {
      for (const { core } of nodes.values())
        core.l1Event(l1Block(L1_HEAD, BigInt(Math.floor(world.clock.nowMs() / 1000))));
      await world.clock.advance(200);
    }
    expect(isIn()).toBe(true);
    const [first, ...rest] = followers.map(({ head }) => head.hash);
    for (const hash of rest) expect(hash).toBe(first);
    const host = nodes.get("host")!.core.chains.get(CHAIN_ID)!;
    expect(host.database.account(identityOf("receiver").operator)?.balance).toBe(5n);
    expect(gateway.pools.get(CHAIN_ID)!.size).toBe(0);
    const { header, context } = nodes.get("sequencer")!.core.chains.get(CHAIN_ID)!.head;
    const served = servedBy(context.work).map((index) => gateway.view.provider(index)!.peerId);
    expect(served).toHaveLength(LIMITS.seats);
    for (const peerId of served) expect(nodes.get(peerId)!.core.jobCounts?.done).toBeGreaterThan(0);
    // who made it has kept what it would be asked for
    const block = { chainId: CHAIN_ID, header };
    const leaves = await leafStore(nodes.get("sequencer")!.site.stores.get("node")!).get(block);
    expect(merkleRoot(leaves!)).toBe(header.checkpointsRoot);
    for (const { core } of nodes.values()) await core.stop();
  });

  it("of which a provider signs what does not follow from its jobs: blocks have what the sequencer's own execution gives", async () => {
    const providers = ["provider-a", "provider-b", "provider-c", "liar"];
    const l1 = l1Of(["host"], providers);
    const nodes = new Map<string, Running>();
    for (const [name, role] of [
      ["sequencer", "sequencer"],
      ["host", "storage"],
      ["provider-a", "provider"],
      ["provider-b", "provider"],
      ["provider-c", "provider"],
      ["gateway", "gateway"],
    ] as const)
      nodes.set(name, await node(name, [role], l1));
    const liar = world.site("liar");
    const ports = await liar.start();
    const view = viewOf(["host"], undefined, providers);
    const mail = new Mail({ ports, settings: SETTINGS, view, hops: 1, carriers: new Carriers(view) });
    let lies = 0;
    const lie = (job: Job): NamedAnswer => {
      const outcomes = job.messages.map((): Outcome => ({ kind: "invalid", reason: "insufficient-funds", reads: [] }));
      const digest = resultDigest(SETTINGS.network, job.jobId, resultHash(job, outcomes));
      lies += 1;
      return { name: "job", body: { kind: "result", outcomes, signature: ports.identity.bls.sign(digest) } };
    };
    new RequestDesk(liar.network, mail).serve((_ticket, _from, request, { signal }) => {
      if (request.name === "card") return mail.card(request.body.provider, signal);
      return request.name === "job" ? lie(request.body) : ({ name: request.name, body: refused("no") } as NamedAnswer);
    });
    const sites = [...[...nodes.values()].map(({ site }) => site), liar];
    for (const left of sites) for (const right of sites) if (left !== right) await connect(left, right);
    const gateway = nodes.get("gateway")!.core;
    const chain = gateway.chains.get(CHAIN_ID)!;
    const isLiars = ({ operator }: Member): boolean => operator === identityOf("liar").operator;
    const holdersOf = (attempt: number): readonly Member[] => {
      const { slot, randomness } = chain.head.context;
      return gateway.view.seatsOf(slot, jobIdOf(randomness, attempt));
    };
    /** Whether the liar held a seat of the newest block's job, and others did it. */
    const isPassedOver = (): boolean => {
      const { attempt, seats } = chain.head.context.work;
      return seats.some((index, seat) => index === null && isLiars(holdersOf(attempt)[seat]!));
    };
    for (let nonce = 0; !isPassedOver() && nonce < 12; nonce++) {
      const transaction = await transactionOf({ chainId: CHAIN_ID }, "user", { nonce, value: 5n });
      expect(await gateway.pools.get(CHAIN_ID)!.submit(transaction)).toBeNull();
      const isIn = (): boolean => chain.database.transactionPlace(transaction.hash) !== null;
      for (let step = 0; step < 100 && !isIn(); step++) {
        for (const { core } of nodes.values())
          core.l1Event(l1Block(L1_HEAD, BigInt(Math.floor(world.clock.nowMs() / 1000))));
        await world.clock.advance(200);
      }
      expect(isIn()).toBe(true);
      // the first job that enough others hold seats of is the one that is done
      const isDone = (attempt: number): boolean =>
        holdersOf(attempt).filter((holder) => !isLiars(holder)).length >= LIMITS.seats;
      expect(chain.head.context.work.attempt).toBe([0, 1, 2, 3].find(isDone));
    }
    expect([isPassedOver(), lies > 0]).toEqual([true, true]);
    const { context } = chain.head;
    const served = servedBy(context.work).map((index) => gateway.view.provider(index)!.peerId as string);
    expect(served).toHaveLength(LIMITS.seats);
    expect(served).not.toContain("liar");
    for (const { core } of nodes.values()) await core.stop();
    await liar.network.stop();
  });
});
