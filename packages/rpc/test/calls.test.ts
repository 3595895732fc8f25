import { AbiCoder, id } from "ethers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CONTRACTS, INITCODE } from "./contracts.ts";
import { type Gateway, type RpcAnswer, startGateway } from "./gateway.ts";
import { CHAIN_ID } from "./memoryChain.ts";
import { aliceAddress, bobAddress, MAX_FEE, MINTED, type Story, TIP, tellStory } from "./story.ts";

let story: Story;
let gateway: Gateway;
beforeAll(async () => {
  story = await tellStory();
  gateway = await startGateway(story.chain);
});
afterAll(() => gateway.stop());

const { echo, invalid, logger, looper, reverter, surroundings } = CONTRACTS;
const hex = (value: bigint | number) => `0x${value.toString(16)}`;
const words = (text: unknown) =>
  String(text)
    .slice(2)
    .match(/.{64}/g)!
    .map((word) => BigInt(`0x${word}`));
const encodedError = (signature: string, types: string[], values: unknown[]) =>
  id(signature).slice(0, 10) + AbiCoder.defaultAbiCoder().encode(types, values).slice(2);

test("a call gives what the contract returns, whether its input is called data or input", async () => {
  expect(await gateway.result("eth_call", { to: echo.address, data: "0xc0ffee" }, "latest")).toBe("0xc0ffee");
  expect(await gateway.result("eth_call", { to: echo.address, input: "0xc0ffee" })).toBe("0xc0ffee");
  expect(await gateway.result("eth_call", { to: echo.address, input: "0xaa", data: "0xaa" })).toBe("0xaa");
  expect((await gateway.ask("eth_call", { to: echo.address, input: "0xaa", data: "0xab" })).error).toMatchObject({
    code: -32602,
  });
});

test("a call to nobody and a plain transfer by somebody without money for gas give nothing", async () => {
  const unfunded = `0x${"aa".repeat(20)}`;
  expect(await gateway.result("eth_call", { from: unfunded, to: `0x${"bb".repeat(20)}` }, "latest")).toBe("0x");
});

test("a call sees the surroundings of the block that it is made on", async () => {
  const seen = async (fields: object) =>
    words(await gateway.result("eth_call", { to: surroundings.address, ...fields }, "0x2"));
  const { number, timestamp, baseFeePerGas } = story.types.header;
  const chainId = BigInt(CHAIN_ID);
  expect(await seen({})).toEqual([number, timestamp, 0n, 0n, chainId]);
  const priced = { from: aliceAddress, gas: "0xea60", maxFeePerGas: hex(MAX_FEE), maxPriorityFeePerGas: hex(TIP) };
  expect(await seen(priced)).toEqual([number, timestamp, baseFeePerGas, baseFeePerGas + TIP, chainId]);
});

test.each([
  ["without data", "0x", "execution reverted"],
  ["by a custom error", id("Nope()").slice(0, 10), "execution reverted"],
  ["with a reason", encodedError("Error(string)", ["string"], ["no way"]), "execution reverted: no way"],
  ["by a failed assertion", encodedError("Panic(uint256)", ["uint256"], [1]), "execution reverted: assert(false)"],
])("a call reverted %s is error 3 with the data", async (_how, data, message) => {
  const { error } = await gateway.ask("eth_call", { to: reverter.address, data }, "latest");
  expect(error).toEqual({ code: 3, message, data });
  expect((await gateway.ask("eth_estimateGas", { to: reverter.address, data })).error).toEqual(error);
});

test("a call that ends exceptionally is a server error that says how", async () => {
  const invalidOpcode = await gateway.ask("eth_call", { to: invalid.address, gas: "0x186a0" });
  expect(invalidOpcode.error).toEqual({ code: -32000, message: "invalid opcode" });
  const endless = await gateway.ask("eth_call", { to: looper.address, gas: "0x186a0" });
  expect(endless.error).toEqual({ code: -32000, message: "out of gas" });
  const cheap = await gateway.ask("eth_call", { to: echo.address, gas: "0x5207" });
  expect(cheap.error).toEqual({ code: -32000, message: "intrinsic gas too low" });
});

test("gas beyond what a transaction may have is cut, so that an endless loop ends", async () => {
  const endless = await gateway.ask("eth_call", { to: looper.address, gas: "0xffffffffffffffff" });
  expect(endless.error).toMatchObject({ code: -32000, message: "out of gas" });
});

test("a call has to be able to pay for its value, and for its gas where it names a price", async () => {
  const poor = `0x${"aa".repeat(20)}`;
  const message = expect.stringContaining("insufficient funds for gas * price + value");
  expect((await gateway.ask("eth_call", { from: poor, to: bobAddress, value: "0x1" })).error).toEqual({
    code: -32000,
    message,
  });
  const priced = { from: poor, to: bobAddress, gas: "0x5208", gasPrice: hex(MAX_FEE) };
  expect((await gateway.ask("eth_call", priced)).error).toEqual({ code: -32000, message });
  expect(await gateway.result("eth_call", { from: aliceAddress, to: bobAddress, gasPrice: hex(MAX_FEE) })).toBe("0x");
});

test("fee fields that contradict each other or the block are refused", async () => {
  const to = bobAddress;
  for (const fees of [
    { gasPrice: hex(MAX_FEE), maxFeePerGas: hex(MAX_FEE) },
    { maxFeePerGas: hex(MAX_FEE), maxPriorityFeePerGas: hex(MAX_FEE + 1n) },
    { from: aliceAddress, gasPrice: "0x1" },
  ]) {
    expect((await gateway.ask("eth_call", { to, ...fees })).error).toMatchObject({ code: -32602 });
  }
});

test("a call sees accounts as overrides pretend them to be, and the chain stays as it is", async () => {
  const rich = `0x${"aa".repeat(20)}`;
  const call = { from: rich, to: rich, value: "0x5" };
  expect(await gateway.result("eth_call", call, "latest", { [rich]: { balance: "0x5" } })).toBe("0x");
  expect((await gateway.ask("eth_call", call, "latest", { [rich]: { balance: "0x4" } })).error).toMatchObject({
    code: -32000,
  });
  const code = `0x${Buffer.from(echo.code).toString("hex")}`;
  expect(await gateway.result("eth_call", { to: rich, data: "0x1234" }, "latest", { [rich]: { code } })).toBe("0x1234");
  expect(await gateway.result("eth_call", { to: rich, data: "0x1234" }, "latest")).toBe("0x");
});

test("overridden storage is replaced as a whole or slot by slot", async () => {
  // Gives back slots 0 and 1 of its account.
  const code = "0x60005460005260015460205260406000f3";
  const [zero, one, five] = [0, 1, 5].map((value) => `0x${value.toString(16).padStart(64, "0")}`);
  const seen = async (override: object) =>
    words(
      await gateway.result("eth_call", { to: logger.address }, "latest", { [logger.address]: { code, ...override } }),
    );
  const stored = BigInt(`0x${"22".repeat(32)}`);
  expect(await seen({})).toEqual([stored, 0n]);
  expect(await seen({ stateDiff: { [one!]: five } })).toEqual([stored, 5n]);
  expect(await seen({ state: { [one!]: five } })).toEqual([0n, 5n]);
  expect(await seen({ state: { [zero!]: one } })).toEqual([1n, 0n]);
});

test.each([
  [[], "(stateOverrides): expected overrides by address"],
  [{ "0x12": {} }, "(stateOverrides): expected overrides by address: 0x and 40 hexadecimal digits"],
  [{ [aliceAddress]: { balance: 5 } }, `(stateOverrides.${aliceAddress}.balance): expected a quantity`],
  [{ [aliceAddress]: { movePrecompileToAddress: bobAddress } }, `(stateOverrides.${aliceAddress})`],
  [{ [aliceAddress]: { state: {}, stateDiff: {} } }, "expected state or stateDiff, not both"],
  [{ [aliceAddress]: { state: { "0x1": `0x${"00".repeat(32)}` } } }, "expected slots of 32 bytes"],
])("the overrides %j are refused: %s", async (overrides, message) => {
  expect((await gateway.ask("eth_call", { to: bobAddress }, "latest", overrides)).error).toEqual({
    code: -32602,
    message: expect.stringContaining(message),
  });
});

test("block overrides are refused in words", async () => {
  expect((await gateway.ask("eth_call", { to: bobAddress }, "latest", {}, {})).error).toEqual({
    code: -32602,
    message: "invalid argument 3 (blockOverrides): block overrides are not supported",
  });
});

test("a batch of heavy calls stops at its deadline", async () => {
  const impatient = await startGateway(story.chain, { requestTimeoutMs: 20 });
  const heavy = { jsonrpc: "2.0", id: 1, method: "eth_call", params: [{ to: looper.address }] };
  const response = await impatient.post(JSON.stringify(Array.from({ length: 10 }, () => heavy)));
  const answers = (await response.json()) as RpcAnswer[];
  expect(answers).toHaveLength(10);
  expect(answers.slice(1).map(({ error }) => error?.code)).toEqual(Array.from({ length: 9 }, () => -32002));
  await impatient.stop();
});

test("an estimate is the least gas with which the call succeeds", async () => {
  const data = `0x${"44".repeat(64)}`;
  const call = { from: aliceAddress, to: logger.address, data };
  const estimate = BigInt((await gateway.result("eth_estimateGas", call)) as string);
  expect(await gateway.result("eth_call", { ...call, gas: hex(estimate) })).toBe("0x");
  expect((await gateway.ask("eth_call", { ...call, gas: hex(estimate - 1n) })).error).toMatchObject({ code: -32000 });
  expect(
    await gateway.result("eth_estimateGas", { from: aliceAddress, to: `0x${"dd".repeat(20)}`, value: "0x1" }),
  ).toBe("0x5208");
  const creation = { from: aliceAddress, data: `0x${Buffer.from(INITCODE).toString("hex")}` };
  expect(BigInt((await gateway.result("eth_estimateGas", creation)) as string)).toBeGreaterThan(53_000n);
});

test("an estimate counts what an authorisation costs", async () => {
  const authorization = { chainId: "0x0", address: echo.address, nonce: "0x0", yParity: "0x0", r: "0x1", s: "0x1" };
  const plain = { from: aliceAddress, to: `0x${"dd".repeat(20)}` };
  const estimate = BigInt(
    (await gateway.result("eth_estimateGas", { ...plain, authorizationList: [authorization] })) as string,
  );
  expect(estimate).toBe(21_000n + 25_000n);
});

test("an estimate that no gas, or none that the sender can pay, would satisfy is an error", async () => {
  expect((await gateway.ask("eth_estimateGas", { to: looper.address })).error).toEqual({
    code: -32000,
    message: "gas required exceeds allowance (16777216)",
  });
  // What is left beside the value pays for 20,000 gas.
  const value = MINTED + 5n - 20_000n * MAX_FEE;
  const tooDear = { from: bobAddress, to: aliceAddress, value: hex(value), gasPrice: hex(MAX_FEE) };
  expect((await gateway.ask("eth_estimateGas", tooDear)).error).toEqual({
    code: -32000,
    message: "gas required exceeds allowance (20000)",
  });
});
