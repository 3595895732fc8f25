import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { BLOB_DATA_BYTES, toHex } from "@mvm/protocol";
import { BLOB_BYTES, BlobError, blobCommitment, toBlob, versionedHash } from "@mvm/protocol/blobs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { blobReader } from "../src/blobReader.ts";
import { kzgOf } from "../src/index.ts";
import { hashOfText } from "./world.ts";

const DATA = new Uint8Array(BLOB_DATA_BYTES).fill(9, 0, 500);
const kzg = kzgOf("blob");
const GENESIS_TIME = 1_606_824_023;

let server: Server;
let url: string;
let asked: string[];
let shown: readonly Uint8Array[];

beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(request.url ?? "");
    response.end(JSON.stringify({ data: shown.map(toHex) }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const silent = { send: () => Promise.reject(new Error("L1 is not asked")) };
const read = (blobHash: `0x${string}`, timestamp: bigint) => {
  asked = [];
  const beacon = { url, genesisTime: GENESIS_TIME, slotSeconds: 12 };
  const blob = { blobHash: blobHash as never, transactionHash: hashOfText("transaction"), timestamp };
  return blobReader({ transport: silent, kzg, beacon })(blob, new AbortController().signal);
};

describe("blobs from a node of the beacon chain", () => {
  it("are asked for by the slot of their L1 block's time, and are those of the hash", async () => {
    const blobHash = await kzg.versionedHash(DATA);
    shown = [toBlob(DATA.with(3, 4)), toBlob(DATA)];
    expect(await read(blobHash, BigInt(GENESIS_TIME + 12 * 4_700_013))).toEqual(DATA);
    expect(asked).toEqual([`/eth/v1/beacon/blobs/4700013?versioned_hashes=${blobHash}`]);
    shown = [];
    await expect(read(blobHash, BigInt(GENESIS_TIME))).rejects.toMatchObject({ code: "blob-unavailable" });
  });

  it("are an error of their own where an element is no 31 bytes: nobody can have data of them", async () => {
    const malformed = new Uint8Array(BLOB_BYTES);
    malformed[32] = 1;
    shown = [malformed];
    const reading = read(versionedHash(await blobCommitment(malformed)), BigInt(GENESIS_TIME));
    await expect(reading).rejects.toBeInstanceOf(BlobError);
    await expect(reading).rejects.toMatchObject({ code: "oversized-element" });
  });
});
