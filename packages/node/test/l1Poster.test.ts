import { L1Error, type L1Transport } from "@mvm/l1";
import {
  type BatchHeader,
  concatBytes,
  type Hash,
  hashBatchHeader,
  inBlob,
  inCalldata,
  PROFILES,
  toAddress,
} from "@mvm/protocol";
import type { BlobSidecar } from "@mvm/protocol/blobs";
import { getBytes, Interface, type Result } from "ethers";
import { beforeEach, describe, expect, it } from "vitest";
import { ROLLUP_CHAIN_ABI } from "../../l1/src/generated/rollupChain.ts";
import type { DataPlacement } from "../src/dataPlacement.ts";
import { l1Poster } from "../src/l1Poster.ts";
import type { DraftBatch } from "../src/ports.ts";
import { draftClaims } from "./draftClaims.ts";
import { NETWORK_FILE } from "./settings.ts";
import { hashOfText, type LogLine } from "./world.ts";

const ROLLUP_CHAIN = new Interface(ROLLUP_CHAIN_ABI);
const BLOB_HASH = `0x01${hashOfText("blob").slice(4)}` as Hash;
const POSTER = toAddress(`0x${"0b".repeat(20)}`);

/** L1 with every epoch's record, at prices that the test sets. */
const prices = { baseFee: 10n ** 9n, blobBaseFee: 1n };
const transport: L1Transport = {
  send: async (method: string) => {
    if (method === "eth_call") return `0x${"00".repeat(31)}01`;
    if (method === "eth_blobBaseFee") return `0x${prices.blobBaseFee.toString(16)}`;
    if (method === "eth_getBlockByNumber") {
      const word = `0x${"11".repeat(32)}`;
      const baseFeePerGas = `0x${prices.baseFee.toString(16)}`;
      return { number: "0x1", hash: word, parentHash: word, timestamp: "0x1", mixHash: word, baseFeePerGas };
    }
    throw new Error(`not asked for: ${method}`);
  },
};

type Call = { readonly data: string; readonly sidecars?: readonly BlobSidecar[] };
type Sent = { readonly call: Call; readonly key: string | undefined };
let sent: Sent[];
let refusals: Error[];
let made: Uint8Array[];
let signed: BatchHeader[];
let logs: LogLine[];

beforeEach(() => {
  sent = [];
  refusals = [];
  made = [];
  signed = [];
  logs = [];
  prices.blobBaseFee = 1n;
});

function posterOf(placement: DataPlacement) {
  return l1Poster({
    reader: { transport, addresses: NETWORK_FILE.contracts },
    submitter: {
      address: POSTER,
      submit: async (call: Call, { key }: { key?: string } = {}) => {
        sent.push({ call, key });
        const refusal = refusals.shift();
        if (refusal !== undefined) throw refusal;
        return {} as never;
      },
    },
    parameters: PROFILES.devnet,
    kzg: {
      versionedHash: async () => BLOB_HASH,
      sidecar: async (data) => {
        made.push(data);
        return { versionedHash: BLOB_HASH } as BlobSidecar;
      },
    },
    placement,
    clock: {
      nowMs: () => 0,
      at: (_atMs, callback) => {
        setImmediate(callback);
        return () => undefined;
      },
    },
    log: (level, code, data) => logs.push({ level, code, data: data ?? {} }),
  });
}

const draft = (chainId: number, bytes: number): DraftBatch => ({
  claims: draftClaims(chainId, 4n, POSTER),
  data: new Uint8Array(bytes).fill(chainId),
  sign: (header) => {
    signed.push(header);
    return `0x${"11".repeat(64)}00`;
  },
});

/** What a call hands in of each batch, and the data in its calldata. */
function handedIn({ call }: Sent) {
  const [inputs, , data] = ROLLUP_CHAIN.decodeFunctionData("appendBatches", call.data);
  const batches = (inputs as Result[]).map((input) => [
    Number(input["chainId"]),
    Number(input["blob"]),
    Number(input["offset"]),
    Number(input.getValue("length")),
  ]);
  return { batches, data: getBytes(data) };
}

describe("a node's batches on their way to L1", () => {
  it("go together in one blob where that is cheaper, each signed for its part of it", async () => {
    const poster = posterOf("cheapest");
    const drafts = [draft(7, 40_000), draft(8, 20_000)];
    await Promise.all(drafts.map((batch) => poster.appendBatch(batch)));
    expect(sent).toHaveLength(1);
    expect(sent[0]!.call.sidecars).toEqual([{ versionedHash: BLOB_HASH }]);
    expect(made).toEqual([concatBytes(...drafts.map(({ data }) => data))]);
    expect(handedIn(sent[0]!)).toEqual({
      batches: [
        [7, 1, 0, 40_000],
        [8, 1, 40_000, 20_000],
      ],
      data: new Uint8Array(0),
    });
    const places = [
      inBlob(BLOB_HASH, { offset: 0, length: 40_000 }),
      inBlob(BLOB_HASH, { offset: 40_000, length: 20_000 }),
    ];
    expect(signed.map(hashBatchHeader)).toEqual(
      drafts.map(({ claims }, i) => hashBatchHeader({ ...claims, ...places[i]! })),
    );
  });

  it("go in calldata where a blob is dearer, as many transactions as their bytes need", async () => {
    prices.blobBaseFee = 10n ** 12n;
    const poster = posterOf("cheapest");
    const drafts = [draft(7, 60_000), draft(8, 40_000), draft(9, 20_000)];
    await Promise.all(drafts.map((batch) => poster.appendBatch(batch)));
    expect(sent.map((one) => handedIn(one).batches)).toEqual([
      [
        [7, 0, 0, 60_000],
        [8, 0, 60_000, 40_000],
      ],
      [[9, 0, 0, 20_000]],
    ]);
    expect(sent.map(({ key }) => key)).toEqual([undefined, "batch:9:0:4"]);
    expect(signed.map(({ dataHash }) => dataHash)).toEqual(drafts.map(({ data }) => inCalldata(data).dataHash));
    expect(made).toEqual([]);
  });

  it("go in calldata where L1 does not tell its prices", async () => {
    prices.blobBaseFee = -1n;
    await posterOf("cheapest").appendBatch(draft(7, 90_000));
    expect(handedIn(sent[0]!).batches).toEqual([[7, 0, 0, 90_000]]);
    expect(logs).toMatchObject([{ level: "warn", code: "l1-prices-not-read" }]);
  });

  it("go where their operator wants them, whatever it costs", async () => {
    await posterOf("calldata").appendBatch(draft(7, 90_000));
    prices.blobBaseFee = 10n ** 15n;
    await posterOf("blob").appendBatch(draft(8, 10));
    expect(sent.map((one) => handedIn(one).batches[0]![1])).toEqual([0, 1]);
    expect(sent.map(({ key }) => key)).toEqual(["batch:7:0:4", "batch:8:0:4"]);
  });

  it("go in calldata at once where blobs do not get through, but not where the contract refuses", async () => {
    refusals = [new L1Error("fee-limit", "too dear"), undefined as never];
    await posterOf("blob").appendBatch(draft(7, 50));
    expect(sent.map((one) => handedIn(one).batches[0]![1])).toEqual([1, 0]);
    expect(logs).toMatchObject([{ level: "warn", code: "blob-not-sent" }]);
    sent = [];
    refusals = [new L1Error("reverted", "NotElected")];
    await expect(posterOf("blob").appendBatch(draft(7, 50))).rejects.toThrow("NotElected");
    expect(sent).toHaveLength(1);
  });
});
