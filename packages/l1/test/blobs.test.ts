/** Data in blobs from end to end: posted in a transaction of type 3, read back, opened on L1. */
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import {
  type BlobSource,
  type BlobTransaction,
  type L1Receipt,
  type L1Submitter,
  type L1Transport,
  MAX_TRANSACTION_BLOBS,
  readBlob,
  signBlobTransaction,
} from "@mvm/l1";
import {
  type Address,
  BLOB_DATA_BYTES,
  BLOB_ELEMENTS,
  BLOB_GAS,
  type Hash,
  type Hex,
  keccakHash,
  LIMITS,
  toAddress,
  toHash,
  toHex,
  toWord,
} from "@mvm/protocol";
import {
  BLOB_BYTES,
  BLS_MODULUS,
  type BlobSidecar,
  fromBlob,
  makeSidecar,
  openAtChallenge,
  openElement,
  rootOfElement,
  toBlob,
  versionedHash,
} from "@mvm/protocol/blobs";
import { Interface } from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BLOB_OPENINGS_ABI, BLOB_OPENINGS_CREATION_CODE } from "../src/generated/blobOpenings.ts";
import { waitForReceipt } from "../src/waiting.ts";
import { type Anvil, startAnvil } from "./anvil.ts";
import { submitterOf, tampered } from "./network.ts";

const openings = new Interface(BLOB_OPENINGS_ABI);
const RECEIVER = toAddress(`0x${"ab".repeat(20)}`);
const GWEI = 10n ** 9n;
const stopping = new AbortController();
/** Data of a full blob, of no pattern that 31 bytes have. */
const data = Uint8Array.from({ length: BLOB_DATA_BYTES }, (_, i) => (i * i + (i >> 5)) % 251);

let anvil: Anvil;
let account: L1Submitter;
let contract: Address;
let sidecar: BlobSidecar;
/** A blob of few bytes, which is quickly checked. */
let small: BlobSidecar;
let posted: L1Receipt;

const fields = async (from: string): Promise<Omit<BlobTransaction, "sidecars">> => ({
  l1ChainId: anvil.l1ChainId,
  nonce: Number(await anvil.provider.send("eth_getTransactionCount", [from, "latest"])),
  to: RECEIVER,
  data: "0x1234",
  gasLimit: 100_000n,
  maxFeePerGas: 10n * GWEI,
  maxPriorityFeePerGas: GWEI,
  maxFeePerBlobGas: GWEI,
});

/** Without the provider's timeout: anvil loads a trusted setup at its first blob, which takes seconds on a busy machine. */
async function sendRaw(raw: Hex): Promise<{ readonly result?: unknown; readonly error?: unknown }> {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_sendRawTransaction", params: [raw] });
  const response = await fetch(anvil.url, { method: "POST", headers: { "content-type": "application/json" }, body });
  return (await response.json()) as { result?: unknown; error?: unknown };
}

/** Posts blobs by a transaction of an account that does nothing else. */
async function post(sidecars: readonly BlobSidecar[]): Promise<{ hash: Hash; receipt: L1Receipt }> {
  const wallet = anvil.wallets[1]!;
  const { raw, hash } = await signBlobTransaction(wallet, { ...(await fields(wallet.address)), sidecars });
  expect(await sendRaw(raw)).toMatchObject({ result: hash });
  const receipt = await waitForReceipt(anvil.provider, hash, {
    timeoutMs: 60_000,
    pollMs: 20,
    signal: stopping.signal,
  });
  expect(receipt.succeeded).toBe(true);
  return { hash, receipt };
}

/** The blob whose polynomial is x^128: its cells have proofs that differ and are quickly computed. */
function powerBlob(): Uint8Array {
  const blob = new Uint8Array(BLOB_BYTES);
  for (let index = 0; index < BLOB_ELEMENTS; index++) {
    let power = rootOfElement(index);
    for (let squaring = 0; squaring < 7; squaring++) power = (power * power) % BLS_MODULUS;
    blob.set(toWord(power), 32 * index);
  }
  return blob;
}

const beacon = ({ blockNumber }: L1Receipt): BlobSource => ({ beaconUrl: anvil.url, blockId: String(blockNumber) });
const failureOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );
const perform = (name: string, values: readonly unknown[]): Promise<L1Receipt> =>
  account.submit({ to: contract, data: openings.encodeFunctionData(name, values) as Hex, action: name });
async function read(name: string, values: readonly unknown[]): Promise<unknown> {
  const input = openings.encodeFunctionData(name, values);
  const output = (await anvil.provider.send("eth_call", [{ to: contract, data: input }, "latest"])) as Hex;
  return openings.decodeFunctionResult(name, output)[0];
}

beforeAll(async () => {
  anvil = await startAnvil();
  account = submitterOf(anvil, anvil.wallets[0]!, stopping.signal);
  const deployed = await anvil.wallets[0]!.sendTransaction({ data: BLOB_OPENINGS_CREATION_CODE });
  contract = toAddress((await anvil.receiptOf(deployed.hash)).contractAddress!);
  sidecar = await makeSidecar(toBlob(data), "blob");
  small = await makeSidecar(toBlob(data.subarray(0, 40)), "blob");
  posted = (await post([sidecar])).receipt;
});
afterAll(async () => {
  stopping.abort();
  await anvil.stop();
});

describe("a transaction with blobs", () => {
  it("names them by their versioned hashes and pays for them", async () => {
    const transaction = await anvil.provider.send("eth_getTransactionByHash", [posted.transactionHash]);
    expect(transaction).toMatchObject({ type: "0x3", blobVersionedHashes: [sidecar.versionedHash], input: "0x1234" });
    const receipt = await anvil.provider.send("eth_getTransactionReceipt", [posted.transactionHash]);
    expect(BigInt(receipt.blobGasUsed)).toBe(BLOB_GAS);
  });

  it("is taken with proofs of cells, which L1 checks", async () => {
    const cells = await makeSidecar(powerBlob(), "cells");
    const { hash } = await post([cells]);
    const blob = await readBlob({ transport: anvil.provider, transactionHash: hash }, cells.versionedHash);
    expect(keccakHash(blob)).toBe(keccakHash(cells.blob));
    const wallet = anvil.wallets[2]!;
    const swapped = { ...cells, proofs: cells.proofs.toReversed() };
    const wrong = await signBlobTransaction(wallet, { ...(await fields(wallet.address)), sidecars: [swapped] });
    expect(await sendRaw(wrong.raw)).toMatchObject({ error: { message: expect.stringMatching(/blob|proof|kzg/i) } });
  });

  it("has one to six of them, with proofs of one kind", async () => {
    const wallet = anvil.wallets[2]!;
    const common = await fields(wallet.address);
    const other = { ...sidecar, proofs: Array.from({ length: 128 }, () => new Uint8Array(48)) };
    const seven = Array.from({ length: MAX_TRANSACTION_BLOBS + 1 }, () => sidecar);
    for (const sidecars of [[], [sidecar, other], seven])
      expect(await failureOf(signBlobTransaction(wallet, { ...common, sidecars }))).toBeInstanceOf(RangeError);
  });
});

describe("reading a blob", () => {
  it("gives the posted data, from the L1 node and by the beacon API", async () => {
    const sources: BlobSource[] = [
      { transport: anvil.provider, transactionHash: posted.transactionHash },
      beacon(posted),
    ];
    for (const source of sources) {
      const blob = await readBlob(source, sidecar.versionedHash);
      expect(keccakHash(fromBlob(blob))).toBe(keccakHash(data));
    }
  });

  it("finds each of several blobs of a transaction", async () => {
    const sidecars = [small, sidecar];
    const { hash, receipt } = await post(sidecars);
    for (const source of [{ transport: anvil.provider, transactionHash: hash }, beacon(receipt)])
      for (const { versionedHash: blobHash, blob } of sidecars)
        expect(keccakHash(await readBlob(source, blobHash))).toBe(keccakHash(blob));
  });

  it("says so where the source does not have it", async () => {
    const transactionHash = toHash(`0x${"77".repeat(32)}`);
    const unknown = toHash(`0x01${"77".repeat(31)}`);
    const node = { transport: anvil.provider, transactionHash };
    expect(await failureOf(readBlob(node, sidecar.versionedHash))).toMatchObject({ code: "blob-unavailable" });
    expect(await failureOf(readBlob(beacon(posted), unknown))).toMatchObject({ code: "blob-unavailable" });
    const source = { transport: anvil.provider, transactionHash: posted.transactionHash };
    expect(await failureOf(readBlob(source, unknown))).toMatchObject({ code: "blob-unavailable" });
  });

  it("takes no other blob, nor anything else that a node answers", async () => {
    const forged = small.blob.slice();
    forged[33]! ^= 1;
    const outside = new Uint8Array(forged.length).fill(0xff);
    const answers: readonly unknown[] = [
      [toHex(forged)],
      [toHex(outside)],
      [`0x${"zz".repeat(forged.length)}`, "0x", 7, null, {}, []],
      [],
      null,
    ];
    for (const answer of answers) expect(await codeOfAnswer(answer)).toBe("blob-unavailable");
    for (const answer of [{}, 5, toHex(small.blob)]) expect(await codeOfAnswer(answer)).toBe("bad-response");
    expect(await codeOfAnswer([toHex(forged), toHex(small.blob)])).toBeUndefined();
  });

  it("looks at six blobs of an answer and no more", async () => {
    const noise = Array.from({ length: 5 }, () => "0x");
    expect(await codeOfAnswer([...noise, toHex(small.blob)])).toBeUndefined();
    expect(await codeOfAnswer([...noise, "0x", toHex(small.blob)])).toBe("blob-unavailable");
  });
});

/** What reading ends with when the node answers this; undefined if it gives the blob. */
async function codeOfAnswer(answer: unknown): Promise<unknown> {
  const transport: L1Transport = tampered(anvil.provider, () => Promise.resolve(answer));
  const source = { transport, transactionHash: posted.transactionHash };
  return ((await failureOf(readBlob(source, small.versionedHash))) as { code?: unknown } | undefined)?.code;
}

describe("a beacon node that misbehaves", () => {
  let server: Server;
  let answer: RequestListener;
  let source: BlobSource;

  beforeAll(async () => {
    server = createServer((request, response) => answer(request, response));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    source = { beaconUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, blockId: "head" };
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  const codeOf = async (listener: RequestListener, signal?: AbortSignal): Promise<unknown> => {
    answer = listener;
    return (
      (await failureOf(readBlob(source, small.versionedHash, signal === undefined ? {} : { signal }))) as {
        code?: unknown;
      }
    ).code;
  };

  it("gets an error of its own for each misbehaviour", async () => {
    expect(await codeOf((_, response) => response.end("{"))).toBe("bad-response");
    expect(await codeOf((_, response) => response.end("null"))).toBe("bad-response");
    expect(await codeOf((_, response) => response.end(`{"data":"0x"}`))).toBe("bad-response");
    expect(await codeOf((_, response) => response.end(`{"data":["0x"]}`))).toBe("blob-unavailable");
    expect(await codeOf((_, response) => response.writeHead(404).end("{}"))).toBe("blob-unavailable");
    expect(await codeOf((_, response) => response.writeHead(503).end("{}"))).toBe("rpc-error");
    expect(await codeOf((request) => request.socket.destroy())).toBe("unreachable");
  });

  it("is not listened to without end", async () => {
    const chunk = " ".repeat(65_536);
    let sent = 0;
    const endless: RequestListener = (_, response) => {
      const write = (): void => {
        while (!response.destroyed && response.write(chunk)) sent += chunk.length;
      };
      response.on("drain", write);
      write();
    };
    expect(await codeOf(endless)).toBe("bad-response");
    expect(sent).toBeLessThan(64 * 1024 * 1024);
  });

  it("is left at once when reading is stopped", async () => {
    const ending = new AbortController();
    expect(await codeOf(() => ending.abort(), ending.signal)).toBe("stopped");
  });

  it("is asked for the one blob, in a path that no block identifier leaves", async () => {
    let url: string | undefined;
    answer = (request, response) => {
      url = request.url;
      response.end(`{"data":[]}`);
    };
    await failureOf(readBlob({ ...source, blockId: "../../x?y" } as BlobSource, small.versionedHash));
    expect(url).toBe(`/eth/v1/beacon/blobs/..%2F..%2Fx%3Fy?versioned_hashes=${small.versionedHash}`);
  });
});

describe("BlobOpenings on L1", () => {
  it("opens a whole blob in one transaction and keeps the slice's hash", async () => {
    const blob = await readBlob(beacon(posted), sidecar.versionedHash);
    const opening = await openAtChallenge(blob);
    expect(opening.versionedHash).toBe(sidecar.versionedHash);
    const [offset, length] = [40_000, 50_000];
    const { versionedHash: blobHash, commitment, proof } = opening;
    const receipt = await perform("openBlob", [blobHash, fromBlob(blob), commitment, proof, offset, length]);
    expect(receipt.succeeded).toBe(true);
    expect(receipt.gasUsed).toBeLessThan(7_000_000n);
    expect(receipt.gasUsed).toBeLessThan(LIMITS.transactionGas);
    const slice = data.subarray(offset, offset + length);
    expect(await read("sliceHash", [blobHash, offset, length])).toBe(keccakHash(slice));
  });

  it("opens a short slice by its elements", async () => {
    const [offset, length] = [31 * 2_000 + 30, 33];
    const elements = [];
    for (const index of [2_000, 2_001, 2_002]) elements.push(await openElement(sidecar.blob, index));
    const values = elements.map(({ value }) => value);
    const proofs = `0x${elements.map(({ proof }) => toHex(proof).slice(2)).join("")}`;
    const { versionedHash: blobHash, commitment } = sidecar;
    await perform("sliceFromElements", [blobHash, offset, length, values, commitment, proofs]);
    const slice = data.subarray(offset, offset + length);
    expect(await read("sliceHash", [blobHash, offset, length])).toBe(keccakHash(slice));
  });

  it("names its errors", async () => {
    const { value, proof } = await openElement(sidecar.blob, 9);
    const { versionedHash: blobHash, commitment } = sidecar;
    const input = openings.encodeFunctionData("openElement", [blobHash, 9, value + 1n, commitment, proof]);
    const call = { to: contract, data: input };
    const failure = await failureOf(anvil.provider.send("eth_call", [call, "latest"]));
    const reason = openings.parseError((failure as { data: Hex }).data)!;
    expect([reason.name, ...reason.args]).toEqual(["OpeningRefused", blobHash, rootOfElement(9), value + 1n]);
  });

  it("marks a posted blob that is out of the format", async () => {
    const blob = toBlob(data.subarray(0, 100));
    blob[32 * 3_000] = 0x40;
    const malformed = await makeSidecar(blob, "blob");
    expect(malformed.versionedHash).toBe(versionedHash(malformed.commitment));
    const { receipt } = await post([malformed]);
    const readBack = await readBlob(beacon(receipt), malformed.versionedHash);
    expect(() => fromBlob(readBack)).toThrow(expect.objectContaining({ code: "oversized-element", index: 3_000 }));
    const { value, proof } = await openElement(readBack, 3_000);
    const { versionedHash: blobHash, commitment } = malformed;
    expect(await read("isMalformed", [blobHash])).toBe(false);
    await perform("proveOversizedElement", [blobHash, 3_000, value, commitment, proof]);
    expect(await read("isMalformed", [blobHash])).toBe(true);
    expect(await read("isMalformed", [sidecar.versionedHash])).toBe(false);
  });
});
