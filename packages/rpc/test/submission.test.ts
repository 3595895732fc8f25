import { keccakHash, toHex } from "@mvm/protocol";
import { concat, encodeRlp, keccak256, toBeArray, Wallet } from "ethers";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { SubmitError, type SubmitRefusal } from "../src/index.ts";
import { CONTRACTS } from "./contracts.ts";
import { type Gateway, startGateway } from "./gateway.ts";
import { CHAIN_ID } from "./memoryChain.ts";
import { alice, bob, bobAddress, MINTED, type SignOptions, type Story, sign, tellStory } from "./story.ts";

let story: Story;
let gateway: Gateway;
beforeAll(async () => {
  story = await tellStory();
  gateway = await startGateway(story.chain);
});
afterAll(() => gateway.stop());
beforeEach(() => {
  story.chain.pool.clear();
  story.chain.refusal = null;
});

const NEXT_NONCE = 7;
const transfer: SignOptions = { type: 2, nonce: NEXT_NONCE, to: bobAddress, gasLimit: 21_000 };
const send = async (raw: Uint8Array) => gateway.ask("eth_sendRawTransaction", toHex(raw));

/** What the gateway says to alice's transfer with some fields changed; nothing of it may have reached the pool. */
async function refusalOf(fields: Partial<SignOptions>): Promise<{ code: number; message: string } | undefined> {
  const answer = await send(await sign(alice, { ...transfer, ...fields } as SignOptions));
  expect(story.chain.pool.size).toBe(0);
  return answer.error;
}

test("a good transaction is handed to the chain as signed, and its hash is the answer", async () => {
  const raw = await sign(alice, transfer);
  expect((await send(raw)).result).toBe(keccakHash(raw));
  expect(story.chain.pool.get(keccakHash(raw))?.raw).toEqual(raw);
});

test("a nonce beyond the next one is left to the pool", async () => {
  const raw = await sign(alice, { ...transfer, nonce: NEXT_NONCE + 3 });
  expect((await send(raw)).result).toBe(keccakHash(raw));
});

test("an account that has delegated its code may send (EIP-7702)", async () => {
  const raw = await sign(bob, { ...transfer, nonce: 1, to: alice.address });
  expect((await send(raw)).result).toBe(keccakHash(raw));
});

test.each<[string, Partial<SignOptions>]>([
  ["nonce too low: next nonce 7, tx nonce 6", { nonce: 6 }],
  ["insufficient funds for gas * price + value", { value: MINTED }],
  ["insufficient funds for gas * price + value", { gasLimit: 16_777_216, maxFeePerGas: 10n ** 12n }],
  ["intrinsic gas too low: have 20999, want 21000", { gasLimit: 20_999 }],
  ["insufficient gas for floor data gas cost", { gasLimit: 22_000, data: `0x${"ff".repeat(50)}` }],
  ["transaction gas limit too high", { gasLimit: 16_777_217 }],
  ["max fee per gas less than block base fee", { maxFeePerGas: 9_999_999n, maxPriorityFeePerGas: 1n }],
  ["max initcode size exceeded", { to: null, data: `0x${"00".repeat(49_153)}`, gasLimit: 1_000_000 }],
])("refused: %s", async (message, fields) => {
  expect(await refusalOf(fields)).toEqual({ code: -32000, message: expect.stringContaining(message) });
});

test("refused: a tip above the fee", async () => {
  // The wallet's library does not sign such a thing, so it is put together by hand.
  const fees = [toBeArray(2_000_000_001), toBeArray(2_000_000_000)];
  const fields = [toBeArray(CHAIN_ID), toBeArray(7), ...fees, toBeArray(21_000), bobAddress, "0x", "0x", []];
  const { r, s, yParity } = alice.signingKey.sign(keccak256(concat(["0x02", encodeRlp(fields)])));
  const signature = [toBeArray(yParity), toBeArray(r), toBeArray(s)];
  const raw = concat(["0x02", encodeRlp([...fields, ...signature])]);
  expect((await gateway.ask("eth_sendRawTransaction", raw)).error).toEqual({
    code: -32000,
    message: expect.stringContaining("max priority fee per gas higher than max fee per gas"),
  });
});

test("refused: another chain's transaction", async () => {
  expect(await refusalOf({ chainId: CHAIN_ID + 1n })).toEqual({
    code: -32000,
    message: expect.stringContaining("invalid chain id for signer"),
  });
});

test("refused: a legacy transaction that is not bound to a chain", async () => {
  const unbound = await alice.signTransaction({
    type: 0,
    nonce: 7,
    to: bobAddress,
    gasLimit: 21_000,
    gasPrice: 10n ** 9n,
  });
  expect((await gateway.ask("eth_sendRawTransaction", unbound)).error).toEqual({
    code: -32000,
    message: expect.stringContaining("only replay-protected (EIP-155) transactions allowed over RPC"),
  });
});

test.each([
  ["nothing", "0x", "malformed transaction"],
  ["garbage", "0xc0ffee", "malformed transaction"],
  ["a blob transaction", "0x03c0", "transaction type not supported"],
  ["a deposit", "0x7ec0", "transaction type not supported"],
  ["far too many bytes", `0x02${"00".repeat(57_344)}`, "oversized data"],
])("refused: %s", async (_what, raw, message) => {
  expect((await gateway.ask("eth_sendRawTransaction", raw)).error).toEqual({
    code: -32000,
    message: expect.stringContaining(message),
  });
});

test("refused: a transaction whose signature fits nobody", async () => {
  const raw = await sign(alice, transfer);
  // The last 32 bytes are s: all ones is above half the order.
  raw.fill(0xff, raw.length - 32);
  expect((await send(raw)).error).toEqual({ code: -32000, message: expect.stringContaining("invalid sender") });
});

test("refused: an account with code of its own as the sender (EIP-3607)", async () => {
  const keeper = new Wallet(`0x${"e1".repeat(32)}`);
  const { chain } = story;
  const stateAt = chain.stateAt.bind(chain);
  chain.stateAt = async (block) => {
    const reader = await stateAt(block);
    const codeHash = keccakHash(CONTRACTS.echo.code);
    return { ...reader, account: () => ({ nonce: BigInt(NEXT_NONCE), balance: MINTED, codeHash }) };
  };
  const answer = await send(await sign(keeper, transfer));
  chain.stateAt = stateAt;
  expect(answer.error).toEqual({ code: -32000, message: expect.stringContaining("sender not an eoa") });
  expect(chain.pool.size).toBe(0);
});

test.each<[SubmitRefusal, number, string]>([
  ["already-known", -32000, "already known"],
  ["nonce-too-low", -32000, "nonce too low"],
  ["nonce-too-high", -32000, "nonce too high"],
  ["replacement-underpriced", -32000, "replacement transaction underpriced"],
  ["insufficient-funds", -32000, "insufficient funds for gas * price + value"],
  ["fee-too-low", -32000, "transaction underpriced"],
  ["sender-limit", -32000, "too many transactions of this sender are waiting"],
  ["pool-full", -32000, "txpool is full"],
  ["denied", -32000, "permission denied"],
  ["unreachable", -32002, "no sequencer took the transaction, try again"],
])("the chain's refusal %s is answered with %i and words that wallets know", async (refusal, code, message) => {
  story.chain.refusal = new SubmitError(refusal);
  expect(await refusalOf({})).toEqual({ code, message });
  story.chain.refusal = new SubmitError(refusal, "because");
  expect(await refusalOf({})).toEqual({ code, message: `${message}: because` });
});
