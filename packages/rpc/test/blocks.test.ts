import {
  decodeBlock,
  encodeBlock,
  fromHex,
  type Hex,
  hashHeader,
  jobIdOf,
  keccakHash,
  toHash,
  toHex,
} from "@mvm/protocol";
import { encodeRlp, keccak256, toBeArray } from "ethers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Gateway, startGateway } from "./gateway.ts";
import { CHAIN_ID } from "./memoryChain.ts";
import { type Story, tellStory } from "./story.ts";

let story: Story;
let gateway: Gateway;
beforeAll(async () => {
  story = await tellStory();
  gateway = await startGateway(story.chain);
});
afterAll(() => gateway.stop());

type Fields = Record<string, unknown>;
const hashOf = (block: Story["types"]) => hashHeader(block.header);

test("the chain's identity is its chain ID, in hexadecimal and decimal", async () => {
  expect(await gateway.result("eth_chainId")).toBe(`0x${CHAIN_ID.toString(16)}`);
  expect(await gateway.result("net_version")).toBe(CHAIN_ID.toString());
});

test("a block by number and by hash is the same, with every field of an Ethereum block", async () => {
  const { types } = story;
  const byNumber = (await gateway.result("eth_getBlockByNumber", "0x2", false)) as Fields;
  const byHash = await gateway.result("eth_getBlockByHash", hashOf(types), false);
  expect(byHash).toEqual(byNumber);
  expect(Object.keys(byNumber).sort()).toEqual(
    [
      ["number", "hash", "parentHash", "nonce", "sha3Uncles", "logsBloom", "transactionsRoot", "stateRoot"],
      ["receiptsRoot", "miner", "difficulty", "extraData", "size", "gasLimit", "gasUsed", "timestamp"],
      ["baseFeePerGas", "mixHash", "withdrawalsRoot", "withdrawals", "blobGasUsed", "excessBlobGas"],
      ["parentBeaconBlockRoot", "requestsHash", "uncles", "transactions"],
    ]
      .flat()
      .sort(),
  );
  expect(byNumber).toMatchObject({
    number: "0x2",
    hash: hashOf(types),
    parentHash: hashOf(story.deposits),
    extraData: types.header.checkpointsRoot,
    mixHash: types.header.prevRandao,
    gasLimit: "0x3938700",
    nonce: "0x0000000000000000",
    uncles: [],
    withdrawals: [],
    transactions: types.transactions.map(keccakHash),
  });
});

/** The header's fields in the order of its encoding; integers are marked. */
const HEADER_FIELDS = [
  ["parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot", "receiptsRoot", "logsBloom", "#difficulty"],
  ["#number", "#gasLimit", "#gasUsed", "#timestamp", "extraData", "mixHash", "nonce", "#baseFeePerGas"],
  ["withdrawalsRoot", "#blobGasUsed", "#excessBlobGas", "parentBeaconBlockRoot", "requestsHash"],
].flat();

test("a block's hash is the hash of the fields that it is shown with, by another library's encoding", async () => {
  const fields = (await gateway.result("eth_getBlockByNumber", "0x3", false)) as Record<string, string>;
  const items = HEADER_FIELDS.map((name) => (name.startsWith("#") ? toBeArray(fields[name.slice(1)]!) : fields[name]!));
  expect(keccak256(encodeRlp(items))).toBe(fields["hash"]);
});

test("a block's size is the length of its encoding as Ethereum defines it", async () => {
  const empty = (await gateway.result("eth_getBlockByNumber", "0x4", false)) as Record<string, string>;
  const deposits = (await gateway.result("eth_getBlockByNumber", "0x1", false)) as Record<string, string>;
  const raw = story.deposits.transactions.map((bytes) => `0x${Buffer.from(bytes).toString("hex")}`);
  const listOverhead = (encodeRlp(raw).length - 2) / 2 - 1;
  // Both headers have fields of the same sizes but for gas and base fee, which are small integers of equal length.
  expect(Number(deposits["size"]) - Number(empty["size"])).toBe(listOverhead);
});

test("full transactions stand in the block's order with their place", async () => {
  const block = (await gateway.result("eth_getBlockByNumber", "0x2", true)) as { transactions: Fields[] };
  expect(block.transactions.map(({ hash }) => hash)).toEqual(story.types.transactions.map(keccakHash));
  block.transactions.forEach((transaction, index) => {
    expect(transaction).toMatchObject({
      blockHash: hashOf(story.types),
      blockNumber: "0x2",
      transactionIndex: `0x${index.toString(16)}`,
    });
  });
});

test.each([
  ["earliest", "0x0"],
  ["finalized", "0x1"],
  ["safe", "0x3"],
  ["latest", "0x4"],
  ["pending", "0x4"],
])("the tag %s is block %s", async (tag, number) => {
  expect(await gateway.result("eth_getBlockByNumber", tag, false)).toMatchObject({ number });
});

test("blocks and transactions that the chain does not have are null", async () => {
  const nowhere = `0x${"00".repeat(32)}`;
  expect(await gateway.result("eth_getBlockByNumber", "0x5", false)).toBeNull();
  expect(await gateway.result("eth_getBlockByHash", nowhere, false)).toBeNull();
  expect(await gateway.result("eth_getBlockTransactionCountByHash", nowhere)).toBeNull();
  expect(await gateway.result("eth_getUncleCountByBlockNumber", "0x5")).toBeNull();
  expect(await gateway.result("eth_getBlockReceipts", "0x5")).toBeNull();
  expect(await gateway.result("eth_getTransactionByHash", nowhere)).toBeNull();
  expect(await gateway.result("eth_getTransactionReceipt", nowhere)).toBeNull();
  expect(await gateway.result("eth_getTransactionByBlockNumberAndIndex", "0x2", "0x4")).toBeNull();
});

test("counts of transactions are those of the block, counts of uncles are zero", async () => {
  const hash = hashOf(story.types);
  expect(await gateway.result("eth_blockNumber")).toBe("0x4");
  expect(await gateway.result("eth_getBlockTransactionCountByNumber", "0x2")).toBe("0x4");
  expect(await gateway.result("eth_getBlockTransactionCountByHash", hash)).toBe("0x4");
  expect(await gateway.result("eth_getUncleCountByBlockNumber", "0x2")).toBe("0x0");
  expect(await gateway.result("eth_getUncleCountByBlockHash", hash)).toBe("0x0");
});

test("a block's context is the one that is posted with it", async () => {
  const { slot, l1Block, queueEnd, randomness, work } = story.types.context;
  expect(await gateway.result("mvm_getBlockContext", "0x2")).toEqual({
    generation: "0x0",
    slot: `0x${slot.toString(16)}`,
    l1Block: `0x${l1Block.toString(16)}`,
    queueEnd: `0x${queueEnd.toString(16)}`,
    jobId: jobIdOf(randomness, work.attempt),
    providers: ["0x3", "0xb"],
  });
  expect(work).toEqual({ attempt: 1, seats: [3, null, 11] });
  expect(await gateway.result("mvm_getBlockContext", "0x0")).toMatchObject({ jobId: null, providers: [] });
  expect((await gateway.ask("mvm_getBlockContext", "0x99")).error).toMatchObject({ code: -32000 });
});

test("mvm_getSealedBlock gives a block with its signature and outcomes, encoded as on the wire", async () => {
  const { hash } = (await gateway.result("eth_getBlockByNumber", "0x2", false)) as { hash: string };
  const sealed = decodeBlock(fromHex((await gateway.result("mvm_getSealedBlock", "0x2")) as Hex));
  expect(hashHeader(sealed.header)).toBe(hash);
  expect(sealed.outcomes).toHaveLength(sealed.transactions.length);
  expect(sealed.evidence).toEqual(story.types.evidence);
  expect(sealed.evidence?.signatures).toHaveLength(2);
  expect(await gateway.result("mvm_getSealedBlock", { blockHash: hash })).toBe(toHex(encodeBlock(sealed)));
  expect((await gateway.ask("mvm_getSealedBlock", "0x99")).error).toMatchObject({ code: -32000 });
});

test("mvm_getBlob gives the data of a blob that is kept, null for any other, an error for what is no hash", async () => {
  const hash = `0x01${"ab".repeat(31)}` as const;
  story.chain.blobs.set(toHash(hash), Uint8Array.of(1, 2, 0));
  expect(await gateway.result("mvm_getBlob", hash)).toBe("0x010200");
  expect(await gateway.result("mvm_getBlob", `0x${"00".repeat(32)}`)).toBeNull();
  expect((await gateway.ask("mvm_getBlob", "0x12")).error).toMatchObject({ code: -32602 });
});
