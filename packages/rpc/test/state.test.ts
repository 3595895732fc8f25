import { hashHeader, keccakHash } from "@mvm/protocol";
import { keccak256, toUtf8Bytes } from "ethers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BackendError } from "../src/index.ts";
import { CONTRACTS } from "./contracts.ts";
import { type Gateway, startGateway } from "./gateway.ts";
import { alice, aliceAddress, bobAddress, MINTED, OTHER_TOPIC, type Story, sign, TOPIC, tellStory } from "./story.ts";

let story: Story;
let gateway: Gateway;
beforeAll(async () => {
  story = await tellStory();
  gateway = await startGateway(story.chain);
});
afterAll(() => gateway.stop());

const logger = CONTRACTS.logger.address;
const ZERO_SLOT = `0x${"00".repeat(32)}`;

test("balances are those after the block that is asked for", async () => {
  expect(await gateway.result("eth_getBalance", bobAddress, "0x0")).toBe("0x0");
  expect(await gateway.result("eth_getBalance", bobAddress, "0x1")).toBe(`0x${MINTED.toString(16)}`);
  expect(await gateway.result("eth_getBalance", bobAddress)).toBe(`0x${(MINTED + 5n).toString(16)}`);
});

test("a block may be named by number, tag, hash, or an object of EIP-1898", async () => {
  const blockHash = hashHeader(story.deposits.header);
  const expected = `0x${MINTED.toString(16)}`;
  for (const block of [
    "0x1",
    "finalized",
    blockHash,
    { blockHash },
    { blockHash, requireCanonical: true },
    { blockNumber: "0x1" },
    { blockNumber: "finalized" },
  ]) {
    expect(await gateway.result("eth_getBalance", bobAddress, block)).toBe(expected);
  }
});

test("a block that the chain does not have is an error, not an empty state", async () => {
  const blockHash = `0x${"77".repeat(32)}`;
  for (const block of ["0x99", blockHash, { blockHash }, { blockNumber: "0x99" }]) {
    expect((await gateway.ask("eth_getBalance", bobAddress, block)).error).toMatchObject({ code: -32000 });
  }
});

test("storage, code and nonces are those of the account at the block", async () => {
  expect(await gateway.result("eth_getStorageAt", logger, "0x0", "0x2")).toBe(TOPIC);
  expect(await gateway.result("eth_getStorageAt", logger, ZERO_SLOT, "latest")).toBe(OTHER_TOPIC);
  expect(await gateway.result("eth_getStorageAt", logger, "0x1", "latest")).toBe(ZERO_SLOT);
  expect(await gateway.result("eth_getCode", logger, "latest")).toBe(
    `0x${Buffer.from(CONTRACTS.logger.code).toString("hex")}`,
  );
  expect(await gateway.result("eth_getCode", aliceAddress, "latest")).toBe("0x");
  expect(await gateway.result("eth_getCode", `0x${"99".repeat(20)}`, "latest")).toBe("0x");
  expect(await gateway.result("eth_getCode", bobAddress, "latest")).toBe(`0xef0100${CONTRACTS.echo.address.slice(2)}`);
  expect(await gateway.result("eth_getTransactionCount", aliceAddress, "0x2")).toBe("0x4");
  expect(await gateway.result("eth_getTransactionCount", aliceAddress, "latest")).toBe("0x7");
});

test("the pending count of transactions includes those that wait, the latest one does not", async () => {
  const raw = await sign(alice, { type: 2, nonce: 7, to: bobAddress, gasLimit: 21_000 });
  expect(await gateway.result("eth_sendRawTransaction", `0x${Buffer.from(raw).toString("hex")}`)).toBe(keccakHash(raw));
  expect(await gateway.result("eth_getTransactionCount", aliceAddress, "pending")).toBe("0x8");
  expect(await gateway.result("eth_getTransactionCount", aliceAddress, "latest")).toBe("0x7");
  story.chain.pool.clear();
  expect(await gateway.result("eth_getTransactionCount", aliceAddress, "pending")).toBe("0x7");
});

test("state that is not kept and state that cannot be reached are told apart", async () => {
  story.chain.stateFailure = new BackendError("state-unavailable", "state of block 0 is not kept");
  expect((await gateway.ask("eth_getBalance", bobAddress, "0x0")).error).toEqual({
    code: -32000,
    message: "state of block 0 is not kept",
  });
  story.chain.stateFailure = new BackendError("unreachable", "no storage host answered");
  expect((await gateway.ask("eth_getBalance", bobAddress, "0x0")).error).toMatchObject({ code: -32002 });
  story.chain.stateFailure = null;
});

test("a fault of the node is reported to its operator, and not shown to the caller", async () => {
  story.chain.stateFailure = new TypeError("secret path /home/x");
  expect((await gateway.ask("eth_getBalance", bobAddress, "0x0")).error).toEqual({
    code: -32603,
    message: "internal error",
  });
  expect(gateway.faults.splice(0)).toEqual([story.chain.stateFailure]);
  story.chain.stateFailure = null;
});

test("the node tells about itself: accounts, syncing, peers, version, hashing", async () => {
  expect(await gateway.result("eth_accounts")).toEqual([]);
  expect(await gateway.result("eth_syncing")).toBe(false);
  story.chain.sync = { startingBlock: 0n, currentBlock: 3n, highestBlock: 17n };
  expect(await gateway.result("eth_syncing")).toEqual({
    startingBlock: "0x0",
    currentBlock: "0x3",
    highestBlock: "0x11",
  });
  story.chain.sync = false;
  expect(await gateway.result("net_listening")).toBe(true);
  expect(await gateway.result("net_peerCount")).toBe("0x3");
  expect(await gateway.result("web3_clientVersion")).toBe("mvm/test");
  expect(await gateway.result("web3_sha3", "0x6869")).toBe(keccak256(toUtf8Bytes("hi")));
});
