import { hashHeader, keccakHash, PREDEPLOYS } from "@mvm/protocol";
import { getCreateAddress, Transaction } from "ethers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BlockView } from "../src/blockView.ts";
import { receiptFields } from "../src/receiptFields.ts";
import { CONTRACTS } from "./contracts.ts";
import { type Gateway, startGateway } from "./gateway.ts";
import { alice, aliceAddress, bobAddress, MAX_FEE, MINTED, type Story, sign, TIP, TOPIC, tellStory } from "./story.ts";

let story: Story;
let gateway: Gateway;
beforeAll(async () => {
  story = await tellStory();
  gateway = await startGateway(story.chain);
});
afterAll(() => gateway.stop());

type Fields = Record<string, unknown>;
const hex = (value: bigint | number) => `0x${value.toString(16)}`;
const hashIn = (block: Story["types"], index: number) => keccakHash(block.transactions[index]!);
const transactionOf = async (block: Story["types"], index: number) =>
  (await gateway.result("eth_getTransactionByHash", hashIn(block, index))) as Fields;
const receiptOf = async (block: Story["types"], index: number) =>
  (await gateway.result("eth_getTransactionReceipt", hashIn(block, index))) as Fields;

test.each([0, 1, 2, 3])("transaction %i is shown with the fields that another library decodes", async (index) => {
  const raw = story.types.transactions[index]!;
  const expected = Transaction.from(`0x${Buffer.from(raw).toString("hex")}`);
  const shown = await transactionOf(story.types, index);
  expect(shown).toMatchObject({
    hash: expected.hash,
    type: hex(expected.type!),
    chainId: hex(expected.chainId),
    from: expected.from!.toLowerCase(),
    to: expected.to?.toLowerCase() ?? null,
    nonce: hex(expected.nonce),
    gas: hex(expected.gasLimit),
    value: hex(expected.value),
    input: expected.data,
    r: hex(BigInt(expected.signature!.r)),
    s: hex(BigInt(expected.signature!.s)),
    v: hex(expected.signature!.networkV ?? BigInt(expected.signature!.yParity)),
  });
});

test("each type of transaction has the fields of its type and no others", async () => {
  const [legacy, listed, dynamic, delegating] = await Promise.all(
    [0, 1, 2, 3].map((index) => transactionOf(story.types, index)),
  );
  const typed = ["accessList", "yParity"];
  const fees = ["maxFeePerGas", "maxPriorityFeePerGas"];
  const present = (fields: Fields | undefined) =>
    [...typed, ...fees, "authorizationList"].filter((name) => name in fields!);
  expect(present(legacy)).toEqual([]);
  expect(present(listed)).toEqual(typed);
  expect(present(dynamic)).toEqual([...typed, ...fees]);
  expect(present(delegating)).toEqual([...typed, ...fees, "authorizationList"]);
  expect(listed!["accessList"]).toEqual([{ address: CONTRACTS.logger.address, storageKeys: [`0x${"00".repeat(32)}`] }]);
  expect(delegating!["authorizationList"]).toMatchObject([{ address: CONTRACTS.echo.address, nonce: "0x0" }]);
});

test("the gas price of a transaction in a block is what it paid, of a waiting one what it may pay", async () => {
  const { baseFeePerGas } = story.types.header;
  expect(await transactionOf(story.types, 0)).toMatchObject({ gasPrice: hex(MAX_FEE) });
  expect(await transactionOf(story.types, 2)).toMatchObject({ gasPrice: hex(baseFeePerGas + TIP) });
  const raw = await sign(alice, { type: 2, nonce: 9, to: bobAddress, gasLimit: 21_000 });
  const hash = await gateway.result("eth_sendRawTransaction", `0x${Buffer.from(raw).toString("hex")}`);
  expect(await gateway.result("eth_getTransactionByHash", hash)).toMatchObject({
    blockHash: null,
    blockNumber: null,
    transactionIndex: null,
    gasPrice: hex(MAX_FEE),
  });
  expect(await gateway.result("eth_getTransactionReceipt", hash)).toBeNull();
  story.chain.pool.clear();
});

test("a deposit is shown as type 0x7e with zero signature, price and gas", async () => {
  expect(await transactionOf(story.deposits, 1)).toMatchObject({
    type: "0x7e",
    from: PREDEPLOYS.coinbase,
    l1From: bobAddress,
    to: bobAddress,
    value: hex(MINTED),
    mint: hex(MINTED),
    nonce: "0x1",
    queueIndex: "0x1",
    gas: "0x0",
    gasPrice: "0x0",
    v: "0x0",
    r: "0x0",
    s: "0x0",
  });
  expect(await receiptOf(story.deposits, 1)).toMatchObject({
    type: "0x7e",
    from: PREDEPLOYS.coinbase,
    to: bobAddress,
    status: "0x1",
    gasUsed: "0x0",
    effectiveGasPrice: "0x0",
    contractAddress: null,
  });
});

test("a receipt tells what the transaction paid for its data on L1, a system transaction's does not", () => {
  const l1BaseFee = 7n;
  const block = { ...story.types, context: { ...story.types.context, l1BaseFee } };
  const raw = block.transactions[1]!;
  const tokens = raw.reduce((sum, byte) => sum + (byte === 0 ? 1 : 4), 0);
  // EIP-7623's floor: 10 gas a token.
  expect(receiptFields(new BlockView(block), 1)).toMatchObject({ l1Fee: hex(BigInt(10 * tokens) * l1BaseFee) });
  expect(receiptFields(new BlockView(story.deposits), 0)).not.toHaveProperty("l1Fee");
});

test("a transaction by position is the one by hash", async () => {
  const expected = await transactionOf(story.types, 2);
  const hash = hashHeader(story.types.header);
  expect(await gateway.result("eth_getTransactionByBlockHashAndIndex", hash, "0x2")).toEqual(expected);
  expect(await gateway.result("eth_getTransactionByBlockNumberAndIndex", "0x2", "0x2")).toEqual(expected);
});

test("the receipt of a creation names the contract, and the contract is there", async () => {
  const receipt = await receiptOf(story.types, 2);
  const expected = getCreateAddress({ from: aliceAddress, nonce: 2 }).toLowerCase();
  expect(receipt).toMatchObject({ contractAddress: expected, to: null, status: "0x1" });
  expect(await gateway.result("eth_getCode", expected, "latest")).toBe("0x60");
});

test("a reverted transaction has a receipt with status 0", async () => {
  expect(await receiptOf(story.logs, 0)).toMatchObject({ status: "0x0", logs: [], from: aliceAddress });
});

test("gas adds up through the receipts of a block, and logs are counted through it", async () => {
  const receipts = (await gateway.result("eth_getBlockReceipts", "0x3")) as Fields[];
  expect(receipts).toHaveLength(3);
  let cumulative = 0n;
  for (const receipt of receipts) {
    cumulative += BigInt(receipt["gasUsed"] as string);
    expect(BigInt(receipt["cumulativeGasUsed"] as string)).toBe(cumulative);
  }
  expect(cumulative).toBe(story.logs.header.gasUsed);
  const logs = receipts.flatMap((receipt) => receipt["logs"] as Fields[]);
  expect(logs.map(({ logIndex }) => logIndex)).toEqual(["0x0", "0x1"]);
  expect(logs[0]).toEqual({
    address: CONTRACTS.logger.address,
    topics: [TOPIC],
    data: `0x${"33".repeat(32)}`,
    blockHash: hashHeader(story.logs.header),
    blockNumber: "0x3",
    blockTimestamp: hex(story.logs.header.timestamp),
    transactionHash: hashIn(story.logs, 1),
    transactionIndex: "0x1",
    logIndex: "0x0",
    removed: false,
  });
  expect(receipts[1]).toEqual(await receiptOf(story.logs, 1));
});
