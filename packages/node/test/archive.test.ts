import {
  BLOB_DATA_BYTES,
  decodeAnswer,
  decodeRequest,
  encodeAnswer,
  encodeRequest,
  type Hash,
  type NamedAnswer,
  REQUESTS,
  refused,
  ZERO_HASH,
} from "@mvm/protocol";
import type { L1Event } from "@mvm/roles";
import { beforeEach, describe, expect, it } from "vitest";
import { Archive, type PostedData } from "../src/archive.ts";
import { HostClient } from "../src/hostClient.ts";
import { kzgOf, NodeCore, type Ports } from "../src/index.ts";
import { KzgWorker } from "../src/kzg.ts";
import {
  CHAIN_ID,
  connect,
  hashOfText,
  identityOf,
  L1_HEAD,
  l1Of,
  peerOf,
  SETTINGS,
  type Site,
  viewOf,
  World,
} from "./world.ts";

const DATA = new Uint8Array(BLOB_DATA_BYTES).fill(7, 0, 1_000);
const BLOB_HASH = await kzgOf("blob").versionedHash(DATA);
const TRANSACTION = hashOfText("transaction");

/** L1 tells of a batch in a blob. */
const posted = (blobHash: Hash): L1Event => ({
  kind: "batchAppended",
  header: {
    chainId: CHAIN_ID,
    generation: 0n,
    index: 0n,
    previousBatchHash: ZERO_HASH,
    firstBlock: 1n,
    lastBlock: 1n,
    blobHash,
    dataHash: ZERO_HASH,
    blocksRoot: ZERO_HASH,
    transactionsRoot: ZERO_HASH,
    queueEnd: 0n,
    slot: 2n,
    poster: identityOf("sequencer").operator,
  },
  batchHash: hashOfText("batch"),
  transactionHash: TRANSACTION,
  timestamp: 0n,
  l1Block: L1_HEAD,
});

let world: World;
let asker: Site;
let ports: Ports;
let client: HostClient;

beforeEach(async () => {
  world = new World();
  asker = world.site("asker");
  ports = await asker.start();
});

/** A storage node of the test's DAC. */
async function host(site: Site): Promise<{ readonly core: NodeCore; readonly ports: Ports }> {
  const own = await site.start();
  const core = await NodeCore.create({ ports: own, settings: SETTINGS, roles: ["storage"] });
  core.goLive();
  for (const event of l1Of([site.name])) core.l1Event(event);
  await world.clock.advance(5);
  await connect(asker, site);
  return { core, ports: own };
}

async function ask(to: string, blobHash: Hash): Promise<NamedAnswer> {
  const request = encodeRequest({ name: "blob", body: { blobHash } });
  const asking = asker.network.request(peerOf(to), REQUESTS.blob.protocol, request, { timeoutMs: 5_000 });
  await world.clock.advance(5);
  return decodeAnswer("blob", await asking);
}

describe("a storage host", () => {
  it("keeps a blob with a batch of its DAC, and serves it after a restart, when L1 has dropped it", async () => {
    const site = world.site("host");
    site.blobsOnL1.set(BLOB_HASH, DATA);
    const first = await host(site);
    first.core.l1Event(posted(BLOB_HASH));
    await expect.poll(() => first.ports.blobs.get(BLOB_HASH)).toEqual(DATA);
    await first.core.stop();
    await site.network.stop();
    site.blobsOnL1.clear();
    const second = await host(site);
    second.core.l1Event(posted(BLOB_HASH));
    expect(await ask("host", BLOB_HASH)).toEqual({ name: "blob", body: { kind: "blob", data: DATA } });
    expect(await ask("host", hashOfText("another"))).toMatchObject({ body: { reason: "not kept here" } });
    expect(site.logged("blob-not-archived")).toEqual([]);
    await second.core.stop();
  });

  it("keeps nothing of a blob that nobody can read, and asks for it no more", async () => {
    const site = world.site("host");
    site.malformedOnL1.add(BLOB_HASH);
    const { core, ports: own } = await host(site);
    core.l1Event(posted(BLOB_HASH));
    await expect.poll(() => site.logged("blob-malformed").length).toBe(1);
    await world.clock.advance(60_000);
    expect([site.logged("blob-malformed").length, site.logged("blob-not-archived").length]).toEqual([1, 0]);
    expect(await own.blobs.get(BLOB_HASH)).toBeNull();
    await core.stop();
  });

  it("asks L1 again for a blob that it does not show yet", async () => {
    const site = world.site("host");
    const { core, ports: own } = await host(site);
    core.l1Event(posted(BLOB_HASH));
    await expect.poll(() => site.logged("blob-not-archived").length).toBe(1);
    site.blobsOnL1.set(BLOB_HASH, DATA);
    await world.clock.advance(10_000);
    await expect.poll(() => own.blobs.get(BLOB_HASH)).toEqual(DATA);
    await core.stop();
  });
});

describe("a blob from hosts that are not trusted", () => {
  /** Hosts of the DAC that answer so, in the order in which they are asked. */
  async function from(...answers: readonly (NamedAnswer | Uint8Array)[]): Promise<Uint8Array | null> {
    const view = viewOf(["host-a", "host-b", "host-c"]);
    for (const [i, { peerId }] of view.hosts(CHAIN_ID).entries()) {
      const site = world.site(peerId);
      await site.start();
      await connect(asker, site);
      const { protocol, maxRequestBytes, maxAnswerBytes } = REQUESTS.blob;
      const limits = { maxRequestBytes, maxResponseBytes: maxAnswerBytes, maxConcurrentPerPeer: 4 };
      site.network.handle(protocol, limits, async (_from, bytes) => {
        expect(decodeRequest("blob", bytes).body).toEqual({ blobHash: BLOB_HASH });
        const answer = answers[i] ?? { name: "blob", body: refused("not kept here") };
        return answer instanceof Uint8Array ? answer : encodeAnswer(answer);
      });
    }
    const { signal } = new AbortController();
    let isOver = false;
    client = new HostClient({ ports, settings: SETTINGS, view });
    const asking = client.blob(CHAIN_ID, BLOB_HASH, signal);
    const end = (): void => {
      isOver = true;
    };
    asking.then(end, end);
    await expect
      .poll(async () => {
        await world.clock.advance(5);
        return isOver;
      })
      .toBe(true);
    return asking;
  }

  const showing = (data: Uint8Array): NamedAnswer => ({ name: "blob", body: { kind: "blob", data } });

  it("is the one of the hash: who shows another one is blamed, and the next host is asked", async () => {
    expect(await from(showing(DATA.with(0, 8)), Uint8Array.of(1), showing(DATA))).toEqual(DATA);
    expect(asker.offences.map((offence) => offence.split(" ")[1])).toEqual(["invalid-message", "invalid-message"]);
  });

  it("is asked for and checked once, however many want it", async () => {
    let checks = 0;
    const { versionedHash } = ports.kzg;
    const countedHash = (data: Uint8Array): Promise<Hash> => {
      checks += 1;
      return versionedHash(data);
    };
    const counting = { ...ports.kzg, versionedHash: countedHash };
    ports = { ...ports, kzg: counting };
    await from(showing(DATA));
    const { signal } = new AbortController();
    const again = [1, 2, 3].map(() => client.blob(CHAIN_ID, BLOB_HASH, signal));
    for (const data of await Promise.all(again)) expect(data).toEqual(DATA);
    expect(checks).toBe(1);
  });

  it("is not there where no host keeps it, and is looked for again", async () => {
    expect(await from()).toBeNull();
    expect(asker.offences).toEqual([]);
    await ports.blobs.put(BLOB_HASH, DATA);
    expect(await client.blob(CHAIN_ID, BLOB_HASH, new AbortController().signal)).toEqual(DATA);
  });

  it("is an error where it cannot be checked now", async () => {
    const busy = { ...ports.kzg, versionedHash: () => Promise.reject(new Error("busy")) };
    ports = { ...ports, kzg: busy };
    await expect(from(showing(DATA))).rejects.toThrow("busy");
  });
});

describe("the thread that computes blobs", () => {
  it("gives what is computed here, several at once, and an error for data that no blob holds", async () => {
    const worker = new KzgWorker("blob");
    const [hash, sidecar] = await Promise.all([worker.versionedHash(DATA), worker.sidecar(DATA)]);
    expect(hash).toBe(BLOB_HASH);
    expect(sidecar).toEqual(await kzgOf("blob").sidecar(DATA));
    await expect(worker.sidecar(new Uint8Array(BLOB_DATA_BYTES + 1))).rejects.toThrow(/holds/);
    await worker.stop();
  });

  it("rejects what is under way when it is stopped", async () => {
    const worker = new KzgWorker("blob");
    const computing = worker.versionedHash(DATA);
    const rejected = expect(computing).rejects.toThrow("stopped");
    await worker.stop();
    await rejected;
  });
});

describe("a batch from L1's blobs", () => {
  it("is wrong where L1 shows a blob that is no data, and not to be had where it shows none", async () => {
    const event = posted(BLOB_HASH) as unknown as PostedData["event"];
    const batch = (reason: "malformed-blob" | "blob-unavailable") => {
      const fault = { reason } as unknown as PostedData["fault"];
      return new Archive(undefined).batch({ event, fault }, { label: "alpha", postedAt: 0n });
    };
    await expect(batch("malformed-blob")).rejects.toMatchObject({ code: "wrong-batch" });
    await expect(batch("blob-unavailable")).rejects.toMatchObject({ code: "data-unavailable" });
  });
});
