import { hashHeader, keccakHash } from "@mvm/protocol";
import { Contract, isError, JsonRpcProvider, type TransactionResponse } from "ethers";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { SubmitError } from "../src/index.ts";
import { CONTRACTS } from "./contracts.ts";
import { type Gateway, startGateway } from "./gateway.ts";
import { CHAIN_ID } from "./memoryChain.ts";
import { alice, aliceAddress, bob, MINTED, type Story, TIP, TOPIC, tellStory } from "./story.ts";

/** bound of waits on a condition */
const PATIENCE = { timeout: 30_000, interval: 10 };

let story: Story;
let gateway: Gateway;
let provider: JsonRpcProvider;
beforeAll(async () => {
  story = await tellStory();
  gateway = await startGateway(story.chain);
  provider = new JsonRpcProvider(gateway.url, undefined, { cacheTimeout: -1, pollingInterval: 20 });
});
afterAll(async () => {
  provider.destroy();
  await gateway.stop();
});

const hashIn = (block: Story["types"], index: number) => keccakHash(block.transactions[index]!);

/** The error that a call of a provider ends with. */
async function failureOf(action: Promise<unknown>): Promise<unknown> {
  try {
    await action;
  } catch (error) {
    return error;
  }
  throw new Error("nothing failed");
}

test("ethers finds the network and reads blocks with all their transactions", async () => {
  expect((await provider.getNetwork()).chainId).toBe(CHAIN_ID);
  for (const [number, sealed] of story.chain.blocks.entries()) {
    const block = (await provider.getBlock(number, true))!;
    expect(block.hash).toBe(hashHeader(sealed.header));
    expect(block.prefetchedTransactions.map(({ hash }) => hash)).toEqual(sealed.transactions.map(keccakHash));
    expect(block.gasLimit).toBe(60_000_000n);
  }
});

test("ethers reads deposits", async () => {
  const deposit = (await provider.getTransaction(hashIn(story.deposits, 0)))!;
  expect(deposit).toMatchObject({ type: 0x7e, value: MINTED, nonce: 0, gasPrice: 0n, blockNumber: 1 });
  const receipt = (await provider.getTransactionReceipt(hashIn(story.deposits, 0)))!;
  expect(receipt).toMatchObject({ type: 0x7e, status: 1, gasUsed: 0n });
});

test("ethers reads receipts with their logs and contracts, and reconstructs what was signed", async () => {
  const receipt = (await provider.getTransactionReceipt(hashIn(story.logs, 1)))!;
  expect(receipt).toMatchObject({ status: 1, index: 1, blockNumber: 3, from: alice.address });
  expect(receipt.gasPrice).toBe(story.logs.header.baseFeePerGas + TIP);
  expect(receipt.logs.map(({ topics, index }) => [topics[0], index])).toEqual([[TOPIC, 0]]);
  const creation = (await provider.getTransactionReceipt(hashIn(story.types, 2)))!;
  expect(await provider.getCode(creation.contractAddress!)).toBe("0x60");
  const signed = (await provider.getTransaction(hashIn(story.types, 1))) as TransactionResponse;
  expect(signed.signature.r).toMatch(/^0x[0-9a-f]{64}$/);
  expect(signed.accessList).toHaveLength(1);
  expect((await provider.getTransaction(hashIn(story.types, 3)))!.authorizationList).toHaveLength(1);
  expect(await provider.getLogs({ fromBlock: 0, toBlock: "latest", topics: [TOPIC] })).toHaveLength(2);
});

test("ethers decodes why a call reverted", async () => {
  const abi = ["function Error(string)", "function Broken(uint256 code)", "error Broken(uint256 code)"];
  const contract = new Contract(CONTRACTS.reverter.address, abi, provider);
  const withReason = await failureOf(contract.getFunction("Error").staticCall("no way"));
  expect(isError(withReason, "CALL_EXCEPTION") && withReason.reason).toBe("no way");
  const custom = await failureOf(contract.getFunction("Broken").staticCall(7n));
  expect(isError(custom, "CALL_EXCEPTION") && custom.revert).toMatchObject({ name: "Broken", args: [7n] });
  const estimate = await failureOf(contract.getFunction("Error").estimateGas("no way"));
  expect(isError(estimate, "CALL_EXCEPTION") && estimate.reason).toBe("no way");
});

test("ethers sends many questions at once as a batch", async () => {
  const numbers = Array.from({ length: 60 }, (_, i) => i % 5);
  const blocks = await Promise.all(numbers.map((number) => provider.getBlock(number)));
  expect(blocks.map((block) => block!.number)).toEqual(numbers);
});

test("a wallet of ethers sends a transfer and gets its receipt", async () => {
  const wallet = alice.connect(provider);
  const before = await provider.getBalance(bob.address);
  const response = await wallet.sendTransaction({ to: bob.address, value: 9n });
  expect(await provider.getTransactionCount(alice.address, "pending")).toBe(8);
  await story.chain.append([], [story.chain.pool.get(response.hash as never)!.raw]);
  story.chain.pool.clear();
  const receipt = (await response.wait())!;
  expect(receipt).toMatchObject({ status: 1, blockNumber: 5 });
  expect(await provider.getBalance(bob.address)).toBe(before + 9n);
  expect(await provider.getStorage(CONTRACTS.logger.address, 0)).not.toBe(`0x${"00".repeat(32)}`);
});

test("ethers tells refusals apart by their words", async () => {
  const wallet = alice.connect(provider);
  const send = (fields: object) =>
    wallet.sendTransaction({
      to: bob.address,
      gasLimit: 21_000,
      maxFeePerGas: 10n ** 9n,
      maxPriorityFeePerGas: 1n,
      type: 2,
      nonce: 8,
      chainId: CHAIN_ID,
      ...fields,
    });
  expect(isError(await failureOf(send({ nonce: 0 })), "NONCE_EXPIRED")).toBe(true);
  expect(isError(await failureOf(send({ value: 10n ** 20n })), "INSUFFICIENT_FUNDS")).toBe(true);
  story.chain.refusal = new SubmitError("replacement-underpriced");
  expect(isError(await failureOf(send({})), "REPLACEMENT_UNDERPRICED")).toBe(true);
  story.chain.refusal = null;
});

test("ethers has fee data from which a transaction follows", async () => {
  const fees = await provider.getFeeData();
  expect(fees.maxPriorityFeePerGas).toBe(1_000_000n);
  expect(fees.maxFeePerGas!).toBeGreaterThan(fees.maxPriorityFeePerGas!);
  expect(fees.gasPrice!).toBeGreaterThan(0n);
});

test("ethers hears of new blocks", async () => {
  const heard: number[] = [];
  const asked = vi.spyOn(story.chain, "head");
  await provider.on("block", (number: number) => heard.push(number));
  // Its first look only tells it where the chain stands.
  await vi.waitFor(() => expect(asked).toHaveBeenCalled(), PATIENCE);
  await story.chain.append([], []);
  await vi.waitFor(() => expect(heard).toContain(story.chain.blocks.length - 1), PATIENCE);
  await provider.off("block");
  expect(await provider.getBalance(aliceAddress)).toBeGreaterThan(0n);
});
