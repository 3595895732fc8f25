/** Forced transactions, which users know by the hash of what they signed. */
import { depositItem, hashHeader, keccakHash, type QueueItem, type SealedBlock, SYSTEM } from "@mvm/protocol";
import { keccak256 } from "ethers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CONTRACTS } from "./contracts.ts";
import { type Gateway, startGateway } from "./gateway.ts";
import { MemoryChain } from "./memoryChain.ts";
import { alice, aliceAddress, bobAddress, DEPOSITS, sign, TIP, TOPIC } from "./story.ts";

let gateway: Gateway;
let block: SealedBlock;
/** hashes of what alice signed: one that executes, one whose nonce is yet to come */
let executed: string;
let early: string;

const forced = (data: Uint8Array, queueIndex: bigint): QueueItem => ({
  ...depositItem({ queueIndex, from: bobAddress, to: bobAddress, mint: 0n }),
  kind: "forced",
  data,
});

beforeAll(async () => {
  const logging = await sign(alice, {
    type: 2,
    nonce: 0,
    to: CONTRACTS.logger.address,
    data: `${TOPIC}${"33".repeat(32)}`,
  });
  const waiting = await sign(alice, { type: 2, nonce: 5, to: bobAddress, gasLimit: 21_000 });
  [executed, early] = [keccak256(logging), keccak256(waiting)];
  const chain = new MemoryChain();
  await chain.append(DEPOSITS, []);
  block = await chain.append([forced(logging, 2n), forced(waiting, 3n)], []);
  gateway = await startGateway(chain);
});
afterAll(() => gateway.stop());

type Fields = Record<string, unknown>;
const hex = (value: bigint | number) => `0x${value.toString(16)}`;
const systemHash = (index: number) => keccakHash(block.transactions[index]!);
const transactionOf = (hash: string) => gateway.result("eth_getTransactionByHash", hash);
const receiptOf = (hash: string) => gateway.result("eth_getTransactionReceipt", hash) as Promise<Fields | null>;
const position = () => ({ blockHash: hashHeader(block.header), blockNumber: "0x2", transactionIndex: "0x0" });
const outcome = () => ({ status: "0x1", gasUsed: hex(block.outcomes[0]!.gasUsed) });
const signed = { from: aliceAddress, to: CONTRACTS.logger.address, type: "0x2" };

test("one that was executed is found by its own hash as the user's transaction that it is", async () => {
  const gasPrice = hex(block.header.baseFeePerGas + TIP);
  expect(await transactionOf(executed)).toMatchObject({
    ...position(),
    ...signed,
    hash: executed,
    nonce: "0x0",
    gasPrice,
  });
  const receipt = await receiptOf(executed);
  const paid = { effectiveGasPrice: gasPrice, l1Fee: "0x0", contractAddress: null };
  expect(receipt).toMatchObject({ ...position(), ...signed, ...outcome(), ...paid, transactionHash: executed });
  expect(receipt!["logs"]).toMatchObject([{ transactionHash: executed, topics: [TOPIC], logIndex: "0x0" }]);
});

test("one that was executed is found by the system transaction's hash with the same outcome", async () => {
  const hash = systemHash(0);
  expect(await transactionOf(hash)).toMatchObject({
    ...position(),
    hash,
    type: "0x7e",
    source: "forced",
    from: SYSTEM,
    queueIndex: "0x2",
    value: "0x0",
    executedHash: executed,
  });
  const receipt = await receiptOf(hash);
  expect(receipt).toMatchObject({ ...position(), ...outcome(), transactionHash: hash, type: "0x7e" });
  expect(receipt!["logs"]).toMatchObject([{ transactionHash: hash, topics: [TOPIC], logIndex: "0x0" }]);
  expect(receipt!["logsBloom"]).toBe((await receiptOf(executed))!["logsBloom"]);
});

test("one that did nothing is not found by its own hash, so that it may still come to stand elsewhere", async () => {
  expect(await transactionOf(early)).toBeNull();
  expect(await receiptOf(early)).toBeNull();
  expect(await transactionOf(systemHash(1))).toMatchObject({ executedHash: null });
  expect(await receiptOf(systemHash(1))).toMatchObject({ status: "0x0", gasUsed: "0x0", logs: [] });
});

test("one that was executed is traced by both of its hashes as the user's transaction", async () => {
  for (const hash of [executed, systemHash(0)])
    expect(await gateway.result("debug_traceTransaction", hash, { tracer: "callTracer" })).toMatchObject({
      ...{ from: aliceAddress, to: CONTRACTS.logger.address, type: "CALL" },
      gasUsed: outcome().gasUsed,
    });
  expect(await gateway.result("debug_traceTransaction", systemHash(1), { tracer: "callTracer" })).toMatchObject({
    from: SYSTEM,
    gasUsed: "0x0",
  });
});
