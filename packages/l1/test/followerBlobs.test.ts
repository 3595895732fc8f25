/** Batches in blobs, from the submitter to who follows L1. */
import {
  appendBatches,
  batchBlobHashes,
  chainIdOfLabel,
  type L1Call,
  type L1FollowerOptions,
  type L1Transport,
  type SignedBatch,
} from "@mvm/l1";
import {
  blobRange,
  type ChainId,
  type Hash,
  type Hex,
  hashBatchHeader,
  keccakHash,
  toHex,
  toWordHex,
} from "@mvm/protocol";
import { type BlobSidecar, makeSidecar, openElement, toBlob } from "@mvm/protocol/blobs";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { INTERFACES } from "../src/contracts.ts";
import {
  beginNextDraw,
  createDacNamed,
  everythingTold,
  headNumber,
  nextHeader,
  Recorder,
  refusalOf,
  registerFor,
  signed,
  startNetwork,
  type TestNetwork,
  tampered,
} from "./network.ts";

const LABELS = ["one", "two", "three"];
const GET_BLOBS = "anvil_getBlobsByTransactionHash";
const FIRST = { offset: 0, length: 20 };
const SECOND = { offset: 20, length: 50 };

let network: TestNetwork;
let chains: readonly ChainId[];
/** holds FIRST and SECOND */
let shared: BlobSidecar;
let other: BlobSidecar;
let malformed: BlobSidecar;
let snapshot: unknown;
let fromBlock: bigint;

const contents = Uint8Array.from({ length: 70 }, (_, i) => i + 1);
const slice = ({ offset, length }: typeof FIRST): Uint8Array => contents.slice(offset, offset + length);
const rpc = (method: string, ...params: unknown[]): Promise<unknown> => network.anvil.provider.send(method, params);

beforeAll(async () => {
  network = await startNetwork();
  for (const label of LABELS) await createDacNamed(network, label);
  chains = await Promise.all(LABELS.map(async (label) => (await chainIdOfLabel(network.reader, label))!));
  for (const account of network.accounts.slice(1, 3)) await registerFor(network, account, "sequencer");
  const oversized = toBlob(contents);
  oversized[32 * 4_000] = 1;
  shared = await makeSidecar(toBlob(contents), "blob");
  other = await makeSidecar(toBlob(contents.subarray(3)), "blob");
  malformed = await makeSidecar(oversized, "blob");
  await beginNextDraw(network);
});
afterAll(() => network.stop());
beforeEach(async () => {
  if (snapshot !== undefined) await rpc("evm_revert", snapshot);
  snapshot = await rpc("evm_snapshot");
  fromBlock = (await headNumber(network.anvil)) + 1n;
});

/** The next batch of a chain with its data in a blob. */
async function inBlob(chain: number, { versionedHash }: BlobSidecar, range: typeof FIRST): Promise<SignedBatch> {
  const header = await nextHeader(network, chains[chain]!, slice(range));
  const dataHash = toWordHex((BigInt(range.offset) << 32n) | BigInt(range.length)) as Hash;
  return signed(network, { ...header, blobHash: versionedHash, dataHash }, slice(range));
}
async function inCalldata(chain: number, data: Uint8Array): Promise<SignedBatch> {
  return signed(network, await nextHeader(network, chains[chain]!, data), data);
}
const call = (batches: readonly SignedBatch[], ...sidecars: readonly BlobSidecar[]): L1Call => ({
  ...appendBatches(network.addresses, batches),
  ...(sidecars.length > 0 && { sidecars }),
});

/** Posts two batches that share a blob. */
async function postShared(sidecar: BlobSidecar): Promise<readonly SignedBatch[]> {
  const batches = [await inBlob(0, sidecar, FIRST), await inBlob(1, sidecar, SECOND)];
  await network.accounts[0]!.submit(call(batches, sidecar));
  return batches;
}

/** What a follower tells from the test's beginning on, and how often it asked for what. */
async function told(options: Partial<L1FollowerOptions> = {}) {
  const asked = new Map<string, number>();
  const { transport: base = network.anvil.provider } = options;
  const transport = tampered(base, (method) => {
    asked.set(method, (asked.get(method) ?? 0) + 1);
    return undefined;
  });
  const { addresses, anvil } = network;
  const recorder = new Recorder({ addresses, fromBlock, ...options, transport });
  await recorder.untilBlock(await headNumber(anvil));
  await recorder.stop();
  const batches = recorder.ofType("batch-appended");
  const kinds = recorder.events.map(({ type }) => type).filter((type) => type === "error" || type === "batch-appended");
  return { batches, errors: recorder.ofType("error"), asked: (method: string) => asked.get(method) ?? 0, kinds };
}

describe("batches in blobs", () => {
  it("go with batches in calldata, share blobs, and are told with their data; a shared blob is read once", async () => {
    const plain = Uint8Array.of(9, 9, 9);
    const batches = [await inBlob(0, shared, FIRST), await inCalldata(1, plain), await inBlob(2, other, FIRST)];
    expect(batchBlobHashes(batches)).toEqual([shared.versionedHash, other.versionedHash]);
    await network.accounts[0]!.submit(call(batches, shared, other));
    const { batches: mixed, errors } = await told();
    expect(errors).toEqual([]);
    expect(mixed.map(({ header }) => header)).toEqual(batches.map(({ header }) => header));
    expect(mixed.map(({ batchHash }) => batchHash)).toEqual(batches.map(({ header }) => hashBatchHeader(header)));
    expect(mixed.map(({ data }) => data)).toEqual([slice(FIRST), plain, contents.slice(3, 23)]);
    fromBlock = (await headNumber(network.anvil)) + 1n;
    await postShared(shared);
    const { batches: sharing, asked } = await told();
    expect(sharing.map(({ data }) => data)).toEqual([slice(FIRST), slice(SECOND)]);
    expect(asked(GET_BLOBS)).toBe(1);
  });

  it("are refused where the transaction does not carry their blob, or in another place", async () => {
    const batches = [await inBlob(0, shared, FIRST), await inBlob(1, other, FIRST)];
    const account = network.accounts[0]!;
    expect(await refusalOf(account.submit(call(batches)))).toBe("UnknownBlob");
    expect(await refusalOf(account.submit(call(batches, shared)))).toBe("UnknownBlob");
    expect(await refusalOf(account.submit(call(batches, other, shared)))).toBe("WrongSignature");
    expect(await refusalOf(account.submit(call(batches, shared, other)))).toBeUndefined();
  });

  it("are read for whom they are wanted alone", async () => {
    const batches = [await inBlob(0, shared, FIRST), await inCalldata(1, contents), await inCalldata(2, contents)];
    await network.accounts[0]!.submit(call(batches, shared));
    const none = await told({ dataOf: () => false });
    expect(none.batches.map(({ data }) => data)).toEqual([undefined, undefined, undefined]);
    expect(none.errors).toEqual([]);
    expect([none.asked(GET_BLOBS), none.asked("eth_getTransactionByHash")]).toEqual([0, 0]);
    const one = await told({ dataOf: ({ chainId }) => chainId === chains[1] });
    expect(one.batches.map(({ data }) => data)).toEqual([undefined, contents, undefined]);
    expect([one.asked(GET_BLOBS), one.asked("eth_getTransactionByHash")]).toEqual([0, 1]);
  });

  it("are read from a beacon node where one is given", async () => {
    await postShared(shared);
    const numbers: bigint[] = [];
    const blockIdOf = ({ number }: { number: bigint }): string => {
      numbers.push(number);
      return String(number);
    };
    const { batches, asked } = await told({ beacon: { url: network.anvil.url, blockIdOf } });
    expect(batches.map(({ data }) => data)).toEqual([slice(FIRST), slice(SECOND)]);
    expect(numbers).toEqual([batches[0]!.l1Block]);
    expect(asked(GET_BLOBS)).toBe(0);
  });

  it("are shown to contracts by the network's BlobOpenings", async () => {
    const [first] = await postShared(shared);
    const { offset, length } = blobRange(first!.header)!;
    const { value, proof } = await openElement(shared.blob, 0);
    const { blobOpenings } = network.addresses;
    const place = [first!.header.blobHash, offset, length];
    const values = [...place, [value], shared.commitment, toHex(proof)];
    const data = INTERFACES.blobOpenings.encodeFunctionData("sliceFromElements", values) as Hex;
    await network.accounts[0]!.submit({ to: blobOpenings, data, action: "opening a batch" });
    const query = { to: blobOpenings, data: INTERFACES.blobOpenings.encodeFunctionData("sliceHash", place) };
    expect(await rpc("eth_call", query, "latest")).toBe(keccakHash(first!.data));
  });
});

describe("a batch whose blob can't be read", () => {
  const places = () => [
    { ...FIRST, chainId: chains[0], index: 0n },
    { ...SECOND, chainId: chains[1], index: 0n },
  ];
  const blobsAre = (answer: () => Promise<unknown>): L1Transport =>
    tampered(network.anvil.provider, (method) => (method === GET_BLOBS ? answer() : undefined));

  it.each<[string, () => Promise<unknown>]>([
    ["does not have it", () => Promise.resolve(null)],
    ["has others", () => Promise.resolve([toHex(other.blob)])],
    ["gives no blobs", () => Promise.reject({ error: { code: -32_601, message: "Method not found" } })],
  ])("is told without data, and where they would be: the node %s", async (_what, answer) => {
    await postShared(shared);
    const { batches, errors, kinds } = await told({ transport: blobsAre(answer) });
    const common = { code: "batch-data-unavailable", reason: "blob-unavailable", blobHash: shared.versionedHash };
    expect(errors).toMatchObject(places().map((place) => ({ ...common, ...place })));
    expect(batches.map(({ data }) => data)).toEqual([undefined, undefined]);
    expect(kinds).toEqual(["error", "batch-appended", "error", "batch-appended"]);
  });

  it("is malformed, which is no outage, where an element is no 31 bytes", async () => {
    await postShared(malformed);
    const { batches, errors, asked } = await told();
    const common = { code: "batch-data-unavailable", reason: "malformed-blob", blobHash: malformed.versionedHash };
    expect(errors).toMatchObject(places().map((place) => ({ ...common, ...place })));
    expect(batches.map(({ data }) => data)).toEqual([undefined, undefined]);
    expect(asked(GET_BLOBS)).toBe(1);
  });

  it("is told later where the node does not answer now", async () => {
    await postShared(shared);
    const { transactionHash } = (await everythingTold(network)).ofType("batch-appended").at(-1)!;
    let refusals = 2;
    const busy = blobsAre(() =>
      refusals-- > 0
        ? Promise.reject({ error: { code: -32_000, message: "busy" } })
        : (network.anvil.provider.send(GET_BLOBS, [transactionHash]) as Promise<unknown>),
    );
    const { batches, errors } = await told({ transport: busy });
    expect(errors).toEqual([]);
    expect(batches.map(({ data }) => data)).toEqual([slice(FIRST), slice(SECOND)]);
  });

  it("is not told where its block was taken back meanwhile", async () => {
    const before = await rpc("evm_snapshot");
    await postShared(shared);
    let changed = false;
    const transport = tampered(network.anvil.provider, async (method, _params, honest) => {
      if (method === GET_BLOBS && !changed) {
        changed = true;
        await rpc("evm_revert", before);
        await rpc("evm_increaseTime", 5);
        await network.accounts[0]!.submit(call([await inCalldata(2, contents)]));
        await network.anvil.mine(2);
      }
      return honest();
    });
    const { batches, errors } = await told({ transport });
    expect(changed).toBe(true);
    expect(errors).toEqual([]);
    expect(batches).toMatchObject([{ chainId: chains[2], data: contents }]);
  });

  it("is not taken from a node that garbles its range", async () => {
    const [first] = await postShared(shared);
    let garbles = true;
    const transport = tampered(network.anvil.provider, async (method, _params, honest) => {
      const answer = await honest();
      if (method !== "eth_getLogs" || !garbles) return answer;
      const wrong = "f".repeat(64);
      return (answer as { data: string }[]).map((log) => ({
        ...log,
        data: log.data.replace(first!.header.dataHash.slice(2), wrong),
      }));
    });
    const recorder = new Recorder({ transport, addresses: network.addresses, fromBlock });
    await recorder.until(() => recorder.ofType("l1-unreachable").length > 0);
    expect(recorder.ofType("l1-unreachable")[0]!.error).toMatchObject({ code: "bad-response" });
    garbles = false;
    await recorder.untilBlock(await headNumber(network.anvil));
    await recorder.stop();
    expect(recorder.ofType("batch-appended").map(({ data }) => data)).toEqual([slice(FIRST), slice(SECOND)]);
  });
});
