/** Tracing changes nothing, tells each step once, and is bounded. */
import {
  type Address,
  allowSlotOf,
  contextTransaction,
  depositItem,
  OPCODES,
  PREDEPLOYS,
  queueTransaction,
  SYSTEM,
  type SystemTransaction,
  type TransactionMessage,
  toHex,
} from "@mvm/protocol";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import {
  type CallFrame,
  CallTracer,
  type CallTracerOptions,
  createEngine,
  Engine,
  StructLogger,
  type StructLoggerOptions,
  type StructTrace,
  TraceBudget,
  type TracedTransaction,
  TraceLimitError,
} from "../src/index.ts";
import { CONTRACTS, program } from "./programs.ts";
import {
  addressOfNumber,
  assemble,
  ENVIRONMENT,
  FREE_CHARTER,
  laterReaderOf,
  messageOf,
  readerOf,
  slotOf,
  type World,
  worldOf,
} from "./world.ts";

const ALICE = addressOfNumber(0xa11ce);
const CONTRACT = addressOfNumber(0xc0de);
const CALLEE = addressOfNumber(0xca11);
const RICH = 10n ** 18n;
const GAS_CAP = 16_777_216n;
const bit = (opcode: number): bigint => 1n << BigInt(opcode);

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});

type Accounts = Parameters<typeof worldOf>[0];
const rich = (extra: Accounts): World => worldOf({ [ALICE]: { balance: RICH }, ...FREE_CHARTER, ...extra });
const inBlock = (message: TransactionMessage): TracedTransaction => ({ kind: "message", message, mode: "block" });

async function stepsOf(world: World, transaction: TracedTransaction, options: StructLoggerOptions = {}) {
  const logger = new StructLogger(options);
  return logger.result(await engine.trace(ENVIRONMENT, transaction, readerOf(world), logger));
}

async function callsOf(world: World, transaction: TracedTransaction, options: CallTracerOptions = {}) {
  const tracer = new CallTracer(options);
  const calls = tracer.result(await engine.trace(ENVIRONMENT, transaction, readerOf(world), tracer));
  if (calls === null) throw new Error("the transaction is invalid");
  return calls;
}

const namesOf = ({ structLogs }: StructTrace): string[] => structLogs.map(({ op }) => op);

/** The memory of each step of a long program may be more than a trace holds. Anything else that goes wrong is thrown on. */
function tooLarge(error: unknown): "trace-too-large" {
  if (error instanceof TraceLimitError) return error.code;
  throw error;
}

describe("an outcome with tracing is the outcome without", () => {
  const sent = fc.record({
    target: fc.option(fc.constantFrom(...CONTRACTS), { freq: 6 }),
    gasLimit: fc.oneof(fc.constant(400_000n), fc.bigInt(21_000n, 200_000n)),
    value: fc.constantFrom(0n, 1n),
    data: fc.oneof(fc.uint8Array({ maxLength: 80 }), program),
    denied: fc.oneof(fc.constant(0n), fc.constantFrom(0x55, 0xf1, 0xf0, 0x20, 0x60).map(bit)),
  });

  it.each([
    ["random programs and charters", { numRuns: Number(process.env["MVM_TRACE_RUNS"] ?? 60) }],
    ["a program whose trace is too large", { numRuns: 1, seed: -1138496327, path: "41:102:157:157:0:0:0:0:0:0:0:1:1" }],
  ])("for %s, by a reader that answers at once and by one that answers later", async (_, parameters) => {
    await fc.assert(
      fc.asyncProperty(fc.array(program, { minLength: 3, maxLength: 3 }), sent, async (codes, fields) => {
        const { target, gasLimit, value, data, denied } = fields;
        const world = worldOf({
          [ALICE]: { balance: RICH },
          [PREDEPLOYS.executionManager]: { nonce: 1n, storage: { 0: 0n, 1: denied } },
        });
        for (const [index, code] of codes.entries())
          world.set(CONTRACTS[index]!, { nonce: 1n, balance: 2n, code, storage: new Map() });
        const message = messageOf({ from: ALICE, to: target, gasLimit, value, data });
        const [expected] = await engine.execute(ENVIRONMENT, [message], readerOf(world));
        const traces: unknown[] = [];
        for (const reader of [readerOf(world), laterReaderOf(readerOf(world))]) {
          const logger = new StructLogger({ enableMemory: true, enableReturnData: true });
          const traced = await engine.trace(ENVIRONMENT, inBlock(message), reader, logger).catch(tooLarge);
          const tracer = new CallTracer({ withLog: true });
          const called = await engine.trace(ENVIRONMENT, inBlock(message), reader, tracer);
          expect(called.outcome).toEqual(expected);
          if (traced !== "trace-too-large") expect(traced.outcome).toEqual(expected);
          const steps = traced === "trace-too-large" ? traced : logger.result(traced);
          traces.push({ steps, calls: tracer.result(called) });
        }
        // Values that had to be waited for leave no trace; one that is too large is so for both readers.
        expect(traces[1]).toEqual(traces[0]);
      }),
      parameters,
    );
  });

  it("also where it is longer than one turn of the event loop", async () => {
    const world = rich({ [CONTRACT]: { code: assemble("5b600056") } });
    const message = messageOf({ from: ALICE, to: CONTRACT, gasLimit: 5_000_000n });
    const tracer = new CallTracer();
    const { outcome } = await engine.trace(ENVIRONMENT, inBlock(message), readerOf(world), tracer);
    expect([outcome]).toEqual(await engine.execute(ENVIRONMENT, [message], readerOf(world)));
  });

  it("in call mode, where nothing is charged", async () => {
    const world = worldOf({ [CONTRACT]: { code: assemble("6001600055") }, ...FREE_CHARTER });
    const message = messageOf({ from: ALICE, to: CONTRACT, nonce: 9n, maxFeePerGas: 0n, maxPriorityFeePerGas: 0n });
    const trace = await stepsOf(world, { kind: "message", message, mode: "call" });
    const { gasUsed } = await engine.call(ENVIRONMENT, message, readerOf(world));
    expect(trace).toMatchObject({ gas: Number(gasUsed), failed: false });
  });
});

describe("a charter's denial", () => {
  const denying = (opcode: number, codes: Accounts): World =>
    worldOf({
      [ALICE]: { balance: RICH },
      [PREDEPLOYS.executionManager]: { nonce: 1n, storage: { 0: 0n, 1: bit(opcode) } },
      ...codes,
    });
  const store = assemble("6001600055");
  const call = assemble("5f5f5f5f5f", `73${CALLEE.slice(2)}`, 0x5a, 0xf1, 0x00);
  const message = messageOf({ from: ALICE, to: CONTRACT });

  it("ends the frame at the denied opcode, which costs nothing, and is told as a revert", async () => {
    const world = denying(OPCODES.get("SSTORE")!, { [CONTRACT]: { code: call }, [CALLEE]: { code: store } });
    const { structLogs, failed } = await stepsOf(world, inBlock(message));
    expect(failed).toBe(false);
    const denied = structLogs.find(({ op }) => op === "SSTORE")!;
    expect(denied).toMatchObject({ depth: 2, gasCost: 0, error: "permission denied" });
    expect(denied.storage).toBeUndefined();
    const { calls } = await callsOf(world, inBlock(message));
    expect(calls![0]).toMatchObject({
      error: "execution reverted",
      revertReason: `the charter denies SSTORE to ${ALICE}`,
    });
  });

  it("of a call begins no message", async () => {
    const world = denying(OPCODES.get("CALL")!, { [CONTRACT]: { code: call }, [CALLEE]: { code: store } });
    const root = await callsOf(world, inBlock(message));
    expect(root.calls).toBeUndefined();
    expect(root.error).toBe("execution reverted");
    const { structLogs } = await stepsOf(world, inBlock(message));
    expect(structLogs.at(-1)).toMatchObject({ op: "CALL", gasCost: 0, error: "permission denied" });
  });

  it("of CREATE is shown for a creating transaction, which runs nothing", async () => {
    const world = denying(OPCODES.get("CREATE")!, {});
    const creation = messageOf({ from: ALICE, to: null, data: store });
    expect(await callsOf(world, inBlock(creation))).toMatchObject({
      type: "CREATE",
      error: "execution reverted",
      revertReason: `the charter denies CREATE to ${ALICE}`,
    });
    expect((await stepsOf(world, inBlock(creation))).structLogs).toEqual([]);
  });

  it("leaves who is allowed alone", async () => {
    const world = denying(OPCODES.get("SSTORE")!, { [CONTRACT]: { code: store } });
    const manager = world.get(PREDEPLOYS.executionManager)!;
    manager.storage.set(slotOf(allowSlotOf(ALICE)), bit(OPCODES.get("SSTORE")!));
    expect((await stepsOf(world, inBlock(message))).failed).toBe(false);
  });
});

describe("system transactions", () => {
  const system = (transaction: SystemTransaction): TracedTransaction => ({ kind: "system", transaction });
  const blank = { index: 1n, from: ALICE, gasLimit: 100_000n, data: new Uint8Array(0), mint: 0n, value: 0n };

  it("a deposit is a transfer that runs nothing", async () => {
    const deposit = queueTransaction(depositItem({ queueIndex: 0n, from: CALLEE, to: ALICE, mint: 5n }));
    const root = await callsOf(rich({}), system(deposit));
    expect(root).toEqual({
      type: "CALL",
      from: CALLEE,
      to: ALICE,
      value: "0x5",
      gas: "0x0",
      gasUsed: "0x0",
      input: "0x",
    });
    expect((await stepsOf(rich({}), system(deposit))).structLogs).toEqual([]);
  });

  it("a message from L1 is a call with its value, whatever it mints", async () => {
    const world = rich({ [CONTRACT]: { code: assemble("34600055") } });
    const message = system({ ...blank, source: "message", to: CONTRACT, mint: 5n, value: 7n });
    expect(await callsOf(world, message)).toMatchObject({ from: ALICE, to: CONTRACT, value: "0x7", gas: "0x186a0" });
    const { structLogs, gas } = await stepsOf(world, message);
    expect(structLogs.map(({ op }) => op)).toEqual(["CALLVALUE", "PUSH1", "SSTORE", "STOP"]);
    expect(gas).toBeGreaterThan(20_000);
  });

  it("a context's own call is the root, the calls before it stand first among its calls", async () => {
    const history = addressOfNumber(0x0000f90827f1c53a10cb7a02335b175320002935n);
    const world = worldOf({
      [history]: { code: assemble(0x00) },
      [PREDEPLOYS.executionManager]: { code: assemble("5f5f5f5f5f61cafe5af1"), nonce: 1n },
    });
    const values = { slot: 1n, l1Block: 2n, l1BaseFee: 3n, generation: 0n };
    const root = await callsOf(world, system(contextTransaction(1_000n, values, 2)));
    expect(root).toMatchObject({ from: SYSTEM, to: PREDEPLOYS.executionManager, value: "0x0" });
    expect(root.calls!.map(({ to }) => to)).toEqual([history, addressOfNumber(0xcafe)]);
    expect(root.input).toHaveLength(2 + 2 * (4 + 5 * 32));
  });
});

describe("options", () => {
  const code = assemble("60016000555f54505f5f5f5f5f", `73${CALLEE.slice(2)}`, "5af1600052");
  const callee = assemble("5f5fa060015f5260205ff3");
  const world = (): World => rich({ [CONTRACT]: { code }, [CALLEE]: { code: callee } });
  const message = inBlock(messageOf({ from: ALICE, to: CONTRACT }));

  it("leave out stack and storage, and add memory and return data", async () => {
    const plain = await stepsOf(world(), message);
    expect(plain.structLogs.every(({ stack }) => stack !== undefined)).toBe(true);
    expect(plain.structLogs.some(({ memory, returnData }) => memory !== undefined || returnData !== undefined)).toBe(
      false,
    );
    const zero = "0".repeat(64);
    expect(plain.structLogs.find(({ op }) => op === "SLOAD")!.storage).toEqual({ [zero]: `${zero.slice(1)}1` });
    const slim = await stepsOf(world(), message, { disableStack: true, disableStorage: true });
    expect(slim.structLogs.some(({ stack, storage }) => stack !== undefined || storage !== undefined)).toBe(false);
    const whole = await stepsOf(world(), message, { enableMemory: true, enableReturnData: true });
    expect(whole.structLogs.at(-1)).toMatchObject({ memory: [`${zero.slice(1)}1`], returnData: `0x${zero.slice(1)}1` });
    expect(namesOf(slim)).toEqual(namesOf(plain));
  });

  it("show so many steps and no more, of a transaction that runs to its end", async () => {
    const whole = await stepsOf(world(), message);
    const short = await stepsOf(world(), message, { limit: 3 });
    expect(short).toEqual({ ...whole, structLogs: whole.structLogs.slice(0, 3) });
  });

  it("show only the outermost message, and logs where they are asked for", async () => {
    const whole = await callsOf(world(), message, { withLog: true });
    expect(whole.calls![0]!.logs).toEqual([{ address: CALLEE, topics: [], data: "0x", position: "0x0" }]);
    const { calls: _, ...top } = whole;
    expect(await callsOf(world(), message, { onlyTopCall: true, withLog: true })).toEqual(top);
    expect((await callsOf(world(), message)).calls![0]!.logs).toBeUndefined();
  });
});

describe("bounds", () => {
  const looping = (code: string, extra: Accounts = {}): World =>
    rich({ [CONTRACT]: { code: assemble(code) }, ...extra });
  const message = inBlock(messageOf({ from: ALICE, to: CONTRACT, gasLimit: GAS_CAP }));
  const failureOf = async (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => null,
      (error: unknown) => error,
    );

  it("millions of steps end in a typed error, and are shown where a limit says so", async () => {
    const world = looping("5b600056");
    expect(await failureOf(stepsOf(world, message, { disableStack: true }))).toMatchObject({
      name: "TraceLimitError",
      what: "steps",
      limit: 200_000,
    });
    const limited = await stepsOf(world, message, { disableStack: true, limit: 10 });
    expect(limited).toMatchObject({ failed: true, gas: Number(GAS_CAP) });
    expect(limited.structLogs).toHaveLength(10);
  });

  const GREEDY: readonly (readonly [string, World, StructLoggerOptions])[] = [
    ["full stacks", looping(`${"5f".repeat(1_000)}5b80506103e856`), {}],
    ["full memory", looping("600161fff0535b600656"), { disableStack: true, enableMemory: true }],
    [
      "large return data",
      looping("5f5f5f5f5f61ca115af15b600a56", { [CALLEE]: { code: assemble("61fff05ff3") } }),
      { disableStack: true, enableReturnData: true },
    ],
    ["many slots", looping("5f5b60010180805560015600"), { disableStack: true }],
  ];

  for (const [name, world, options] of GREEDY) {
    it(`${name} end in a typed error before they take more memory than the bound`, async () => {
      const before = process.memoryUsage().arrayBuffers;
      expect(await failureOf(stepsOf(world, message, options))).toMatchObject({
        name: "TraceLimitError",
        what: "size",
      });
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1024 * 1024);
    });
  }

  it("calls without end, and calls with much data, end in a typed error of the call tracer", async () => {
    const many = looping("5b5f5f5f5f5f60045af150600056");
    const large = looping("5b5f5f61fff05f5f60045af150600056");
    for (const world of [many, large])
      expect(await failureOf(callsOf(world, message))).toMatchObject({ name: "TraceLimitError", what: "size" });
    expect(await callsOf(large, message, { onlyTopCall: true })).toMatchObject({ error: "out of gas" });
  });

  it("one budget counts for all traces that it is given to", async () => {
    const budget = new TraceBudget({ steps: 5, size: 100_000 });
    const world = looping("5b5b5b");
    const run = async (): Promise<void> => {
      await engine.trace(ENVIRONMENT, message, readerOf(world), new StructLogger({}, budget));
    };
    await run();
    await expect(run()).rejects.toBeInstanceOf(TraceLimitError);
  });

  it("what is counted is not less than the answer's length", async () => {
    await fc.assert(
      fc.asyncProperty(program, fc.boolean(), async (code, isWhole) => {
        let counted = 0;
        class Counter extends TraceBudget {
          override take(characters: number): void {
            counted += characters;
          }
        }
        const world = rich({ [CONTRACT]: { code } });
        const options = { enableMemory: isWhole, enableReturnData: isWhole };
        const logger = new StructLogger(options, new Counter());
        const call = inBlock(messageOf({ from: ALICE, to: CONTRACT, gasLimit: 100_000n }));
        const trace = logger.result(await engine.trace(ENVIRONMENT, call, readerOf(world), logger));
        expect(counted).toBeGreaterThanOrEqual(JSON.stringify(trace.structLogs).length - 2);
        counted = 0;
        const tracer = new CallTracer({ withLog: true }, new Counter());
        const calls = tracer.result(await engine.trace(ENVIRONMENT, call, readerOf(world), tracer));
        expect(counted).toBeGreaterThanOrEqual(JSON.stringify(calls).length);
      }),
    );
  });

  it("a trace stops when its signal aborts", async () => {
    const stopping = new AbortController();
    const logger = new StructLogger({ limit: 1 });
    const reason = new Error("stop");
    const options = { signal: stopping.signal };
    const running = engine.trace(ENVIRONMENT, message, readerOf(looping("5b600056")), logger, options);
    stopping.abort(reason);
    await expect(running).rejects.toBe(reason);
  });
});

describe("precompiles that answer later", () => {
  it("are told as those that answer at once, as inner and as outermost messages", async () => {
    const later = [...engine.rules.precompiles].map(
      ([address, run]) => [address, async (input: Uint8Array, gas: number) => run(input, gas)] as const,
    );
    const patient = new Engine({ ...engine.rules, precompiles: new Map(later) });
    // hash, a refused point addition, too little gas
    const code = assemble("60ff5f5260206020602060205f60025af1", "602060206080600060065af1", "5f5f60205f60026001fa");
    const world = rich({ [CONTRACT]: { code } });
    for (const to of [CONTRACT, addressOfNumber(2)]) {
      const message = inBlock(messageOf({ from: ALICE, to, data: new Uint8Array(40) }));
      const traces = [engine, patient].map(async (traced) => {
        const logger = new StructLogger({ enableMemory: true, enableReturnData: true });
        const tracer = new CallTracer();
        const stepped = await traced.trace(ENVIRONMENT, message, readerOf(world), logger);
        const called = await traced.trace(ENVIRONMENT, message, readerOf(world), tracer);
        return { steps: logger.result(stepped), calls: tracer.result(called) };
      });
      const [atOnce, afterwards] = await Promise.all(traces);
      expect(afterwards).toEqual(atOnce);
    }
  });
});

describe("messages without a frame", () => {
  const transfer = (to: Address, value: bigint): TracedTransaction =>
    inBlock(messageOf({ from: ALICE, to, value, gasLimit: 30_000n }));
  const root = (frame: Partial<CallFrame>): Partial<CallFrame> => ({ type: "CALL", from: ALICE, ...frame });

  it("are told with the gas limit and the gas used", async () => {
    expect(await callsOf(rich({}), transfer(CALLEE, 3n))).toEqual({
      ...root({ to: CALLEE, value: "0x3", input: "0x" }),
      gas: "0x7530",
      gasUsed: "0x5208",
    });
  });

  it("a value that the sender lacks is told as a failure, as eth_call would have it", async () => {
    const message = messageOf({ from: CALLEE, to: ALICE, value: 1n, maxFeePerGas: 0n, maxPriorityFeePerGas: 0n });
    const call = await callsOf(rich({}), { kind: "message", message, mode: "call" });
    expect(call.error).toBe("insufficient balance for transfer");
  });

  it("input and output of a precompile are the bytes that it got and gave, though they share memory", async () => {
    // identity of memory 0..32 into 1..33
    const world = rich({ [CONTRACT]: { code: assemble("60ff60005260206001602060006000600461fffff1") } });
    const { calls } = await callsOf(world, inBlock(messageOf({ from: ALICE, to: CONTRACT })));
    const word = toHex(assemble("00".repeat(31), 0xff));
    expect(calls![0]).toMatchObject({ input: word, output: word, gasUsed: "0x12" });
  });
});
