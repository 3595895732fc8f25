/** debug_trace methods through a gateway, as ethers and as hostile clients ask for them. */
import { keccakHash, type SealedBlock, type StateReader } from "@mvm/protocol";
import { JsonRpcProvider } from "ethers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BackendError } from "../src/index.ts";
import { CONTRACTS } from "./contracts.ts";
import { type Gateway, startGateway } from "./gateway.ts";
import { MemoryChain } from "./memoryChain.ts";
import { alice, aliceAddress, bobAddress, DEPOSITS, MINTED, type Story, sign, TOPIC, tellStory } from "./story.ts";

let story: Story;
let gateway: Gateway;
let provider: JsonRpcProvider;
beforeAll(async () => {
  story = await tellStory();
  gateway = await startGateway(story.chain);
  provider = new JsonRpcProvider(gateway.url, undefined, { cacheTimeout: -1 });
});
afterAll(async () => {
  provider.destroy();
  await gateway.stop();
});

const { echo, logger, looper, reverter } = CONTRACTS;
const hashIn = (block: SealedBlock, index: number) => keccakHash(block.transactions[index]!);
const hex = (value: bigint | number) => `0x${value.toString(16)}`;
const callTracer = { tracer: "callTracer" };
const errorOf = async (method: string, ...params: unknown[]) => (await gateway.ask(method, ...params)).error;

test("ethers gets a transaction's steps, which end in the gas and status of its receipt", async () => {
  const hash = hashIn(story.logs, 1);
  const trace = await provider.send("debug_traceTransaction", [hash]);
  const receipt = (await provider.getTransactionReceipt(hash))!;
  expect(trace).toMatchObject({ gas: Number(receipt.gasUsed), failed: false, returnValue: "0x" });
  expect(trace.structLogs[0]).toMatchObject({ pc: 0, op: "PUSH1", depth: 1, gasCost: 3, stack: [] });
  expect(trace.structLogs.map(({ op }: { op: string }) => op)).toContain("LOG1");
});

test("a transaction is traced on what those before it in the block have left", async () => {
  // The second log transaction overwrites the slot that the first one, in the same block, has written.
  const { structLogs } = await provider.send("debug_traceTransaction", [hashIn(story.logs, 2), {}]);
  const store = structLogs.find(({ op }: { op: string }) => op === "SSTORE");
  expect(store.gasCost).toBe(5_000);
  expect(store.storage).toEqual({ ["0".repeat(64)]: "22".repeat(32) });
});

/** A chain whose states answer for block hashes only as far as their block's own transactions may ask. */
class StrictChain extends MemoryChain {
  override async stateAt(block: SealedBlock): Promise<StateReader> {
    const reader = await super.stateAt(block);
    const blockHash = (number: bigint) => {
      if (number >= block.header.number) throw new BackendError("state-unavailable", `no block ${number} yet`);
      return reader.blockHash(number);
    };
    return { ...reader, blockHash };
  }
}

test("a transaction sees the number and the parent of the block that it stands in", async () => {
  const chain = new StrictChain();
  await chain.append(DEPOSITS, []);
  // Deploys the parent's hash and the block's number as code.
  const data = "0x4360019003406000524360205260406000f3";
  const block = await chain.append([], [await sign(alice, { type: 2, nonce: 0, to: null, data })]);
  const own = await startGateway(chain);
  const { output } = (await own.result("debug_traceTransaction", hashIn(block, 0), callTracer)) as { output: string };
  expect(output).toBe(`${block.header.parentHash}${"2".padStart(64, "0")}`);
  await own.stop();
});

test("every transaction of every block is traced to the gas, status and logs that the block has", async () => {
  const options = { ...callTracer, tracerConfig: { withLog: true } };
  for (const block of story.chain.blocks.slice(1)) {
    const traces = await provider.send("debug_traceBlockByNumber", [hex(block.header.number), options]);
    expect(traces.map(({ txHash }: { txHash: string }) => txHash)).toEqual(block.transactions.map(keccakHash));
    for (const [index, { result }] of traces.entries()) {
      const { gasUsed, status, logs } = block.outcomes[index]!;
      expect(BigInt(result.gasUsed)).toBe(gasUsed);
      expect(result.error === undefined).toBe(status === 1);
      expect((result.logs ?? []).map(({ topics }: { topics: string[] }) => topics)).toEqual(
        logs.map(({ topics }) => topics),
      );
      const alone = await provider.send("debug_traceTransaction", [hashIn(block, index), options]);
      expect(alone).toEqual(result);
    }
    const hash = (await provider.getBlock(Number(block.header.number)))!.hash;
    expect(await provider.send("debug_traceBlockByHash", [hash, options])).toEqual(traces);
  }
});

test("a deposit is traceable: a transfer that ran nothing", async () => {
  const hash = hashIn(story.deposits, 0);
  expect(await provider.send("debug_traceTransaction", [hash, callTracer])).toEqual({
    type: "CALL",
    from: DEPOSITS[0]!.from,
    to: aliceAddress,
    value: hex(MINTED),
    gas: "0x0",
    gasUsed: "0x0",
    input: "0x",
  });
  expect(await provider.send("debug_traceTransaction", [hash])).toEqual({
    gas: 0,
    failed: false,
    returnValue: "0x",
    structLogs: [],
  });
});

test("a reverted transaction is told with its data", async () => {
  const hash = hashIn(story.logs, 0);
  expect(await provider.send("debug_traceTransaction", [hash, callTracer])).toMatchObject({
    type: "CALL",
    from: aliceAddress,
    to: reverter.address,
    input: "0xdeadbeef",
    output: "0xdeadbeef",
    error: "execution reverted",
  });
  const { failed, returnValue } = await provider.send("debug_traceTransaction", [hash]);
  expect({ failed, returnValue }).toEqual({ failed: true, returnValue: "0xdeadbeef" });
});

test("a call is traced on a block's state, with overrides, and changes nothing", async () => {
  const call = { from: aliceAddress, to: echo.address, data: "0xc0ffee" };
  expect(await provider.send("debug_traceCall", [call, "latest", callTracer])).toMatchObject({
    to: echo.address,
    input: "0xc0ffee",
    output: "0xc0ffee",
  });
  const { returnValue } = await provider.send("debug_traceCall", [call, "latest"]);
  expect(returnValue).toBe("0xc0ffee");
  const code = "0x60005460005260206000f3";
  const stateOverrides = { [logger.address]: { code, stateDiff: { [`0x${"0".repeat(64)}`]: `0x${"07".repeat(32)}` } } };
  const overridden = await provider.send("debug_traceCall", [{ to: logger.address }, "0x2", { stateOverrides }]);
  expect(overridden.returnValue).toBe(`0x${"07".repeat(32)}`);
  expect(await provider.getCode(logger.address)).not.toBe(code);
  const reverted = await provider.send("debug_traceCall", [
    { to: reverter.address, data: TOPIC },
    "latest",
    callTracer,
  ]);
  expect(reverted).toMatchObject({ error: "execution reverted", output: TOPIC });
});

test.each([
  [{ tracer: "prestateTracer" }, "(options.tracer): expected one of: callTracer; or none, for every step"],
  [{ tracer: "{result: () => 1}" }, "(options.tracer): expected one of: callTracer; or none, for every step"],
  [{ tracer: 5 }, "(options.tracer): expected one of"],
  [{ timeout: "soon" }, "(options.timeout): expected a duration such as 5s or 500ms"],
  [{ timeout: 5 }, "(options.timeout): expected a duration such as 5s or 500ms"],
  [{ limit: -1 }, "(options.limit): expected a number of steps"],
  [{ limit: 1.5 }, "(options.limit): expected a number of steps"],
  [{ disableStack: "yes" }, "(options.disableStack): expected true or false"],
  [{ disableStak: true }, "(options): "],
  [{ tracer: "callTracer", tracerConfig: { onlyTop: true } }, "(options.tracerConfig)"],
  [{ tracerConfig: { withLog: true } }, "(options.tracerConfig): tracerConfig needs a tracer"],
  ["callTracer", "(options): expected an object of trace options"],
])("the options %j are refused in words: %s", async (options, message) => {
  const hash = hashIn(story.logs, 0);
  const expected = { code: -32602, message: expect.stringContaining(message) };
  expect(await errorOf("debug_traceTransaction", hash, options)).toEqual(expected);
  expect(await errorOf("debug_traceCall", { to: echo.address }, "latest", options)).toEqual(expected);
});

test("what is not there is named: a transaction, a block, the genesis", async () => {
  const nothing = `0x${"ee".repeat(32)}`;
  const server = (message: string) => ({ code: -32000, message });
  expect(await errorOf("debug_traceTransaction", nothing)).toEqual(server("transaction not found"));
  expect(await errorOf("debug_traceBlockByHash", nothing)).toEqual(server("header for hash not found"));
  expect(await errorOf("debug_traceBlockByNumber", "0x99")).toEqual(server("header not found"));
  expect(await errorOf("debug_traceBlockByNumber", "0x0")).toEqual(server("genesis is not traceable"));
  expect(await errorOf("debug_traceCall", { to: echo.address, gas: "0x5207" }, "latest", callTracer)).toEqual(
    server("the transaction cannot run on this state: intrinsic-gas"),
  );
});

test("a transaction of millions of steps is refused with the options that narrow it, and shown with them", async () => {
  const chain = new MemoryChain();
  await chain.append(DEPOSITS, []);
  const gasLimit = 5_000_000;
  const block = await chain.append([], [await sign(alice, { type: 2, nonce: 0, to: looper.address, gasLimit })]);
  const own = await startGateway(chain);
  const hash = hashIn(block, 0);
  const message =
    "the trace has more than 200000 steps: narrow it by limit, or ask for messages only by the tracer callTracer";
  const slim = { disableStack: true, disableStorage: true };
  expect((await own.ask("debug_traceTransaction", hash, slim)).error).toEqual({ code: -32005, message });
  const limited = (await own.result("debug_traceTransaction", hash, { ...slim, limit: 2 })) as {
    structLogs: unknown[];
  };
  expect(limited).toMatchObject({ gas: gasLimit, failed: true });
  expect(limited.structLogs).toHaveLength(2);
  expect(await own.result("debug_traceTransaction", hash, callTracer)).toMatchObject({
    error: "out of gas",
    gasUsed: hex(gasLimit),
  });
  expect(own.faults).toEqual([]);
  await own.stop();
});

test("a trace ends at the timeout that it asks for, and at the request's own", async () => {
  const call = { to: looper.address, gas: "0xffffff" };
  expect(await errorOf("debug_traceCall", call, "latest", { ...callTracer, timeout: "1ms" })).toEqual({
    code: -32002,
    message: "execution timeout: more than 1 ms",
  });
  const impatient = await startGateway(story.chain, { requestTimeoutMs: 20 });
  expect((await impatient.ask("debug_traceCall", call, "latest", callTracer)).error).toEqual({
    code: -32002,
    message: "request timed out",
  });
  expect([...gateway.faults, ...impatient.faults]).toEqual([]);
  await impatient.stop();
});

test("traces are reads: who may not read the state gets none", async () => {
  const READ_RESTRICTED = new Map([[1n, 1n << 0xc1n]]);
  const closed = new MemoryChain(READ_RESTRICTED);
  const block = await closed.append(DEPOSITS, []);
  const own = await startGateway(closed);
  const denied = { code: -32000, message: expect.stringContaining("use READ") };
  expect((await own.ask("debug_traceTransaction", hashIn(block, 0))).error).toMatchObject(denied);
  expect((await own.ask("debug_traceBlockByNumber", "latest")).error).toMatchObject(denied);
  expect((await own.ask("debug_traceCall", { from: bobAddress, to: echo.address }, "latest")).error).toMatchObject(
    denied,
  );
  await own.stop();
});
