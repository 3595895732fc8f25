/** Traces against those of anvil, an independent implementation: the same transaction on the same state. */
import { type Address, type Hex, toHex } from "@mvm/protocol";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type CallFrame,
  CallTracer,
  createEngine,
  type Engine,
  type StructLog,
  StructLogger,
  type StructTrace,
  type TracedTransaction,
} from "../src/index.ts";
import { type AnvilChain, type Mined, startAnvilChain } from "./anvilChain.ts";
import { CONTRACTS, program } from "./programs.ts";
import { addressOfNumber, assemble, messageOf } from "./world.ts";

const SENDER = addressOfNumber(0x5e4de4);
const RICH = "0xde0b6b3a7640000";
const GAS_PRICE = 10_000_000_000n;
const [A, B, C] = CONTRACTS as [Address, Address, Address];

let anvil: AnvilChain;
let engine: Engine;
beforeAll(async () => {
  anvil = await startAnvilChain();
  engine = await createEngine({ chain: "ethereum" });
  await anvil.send("anvil_impersonateAccount", SENDER);
});
afterAll(() => anvil.stop());

type Sent = {
  readonly to?: Address | null;
  readonly data?: Uint8Array;
  readonly gas?: number;
  readonly value?: bigint;
};
type Traces = { readonly steps: StructTrace; readonly calls: CallFrame };

const quantity = (value: bigint | number): Hex => `0x${value.toString(16)}`;

/** Traces of both for a transaction to contracts with these codes, on a chain that is as it was afterwards. */
async function both(codes: readonly Uint8Array[], sent: Sent = {}): Promise<{ ours: Traces; anvils: Traces }> {
  const { to = A, data = new Uint8Array(0), gas = 400_000, value = 0n } = sent;
  const snapshot = await anvil.send<Hex>("evm_snapshot");
  await anvil.send("anvil_setBalance", SENDER, RICH);
  for (const [index, code] of codes.entries()) {
    await anvil.send("anvil_setCode", CONTRACTS[index], toHex(code));
    await anvil.send("anvil_setNonce", CONTRACTS[index], "0x1");
    await anvil.send("anvil_setBalance", CONTRACTS[index], "0x2");
    await anvil.send("anvil_setStorageAt", CONTRACTS[index], "0x1", `0x${"1".padStart(64, "0")}`);
  }
  const nonce = await anvil.send<Hex>("eth_getTransactionCount", SENDER, "latest");
  const fields = { from: SENDER, data: toHex(data), gas: quantity(gas), gasPrice: quantity(GAS_PRICE) };
  const target = to === null ? {} : { to };
  const mined = await anvil.mine({ ...fields, ...target, value: quantity(value), nonce });
  const options = { enableMemory: true, enableReturnData: true };
  const anvils: Traces = {
    steps: await anvil.send("debug_traceTransaction", mined.hash, options),
    calls: await anvil.send("debug_traceTransaction", mined.hash, {
      tracer: "callTracer",
      tracerConfig: { withLog: true },
    }),
  };
  const fees = { maxFeePerGas: GAS_PRICE, maxPriorityFeePerGas: GAS_PRICE };
  const message = messageOf({
    from: SENDER,
    type: 0,
    to,
    data,
    value,
    gasLimit: BigInt(gas),
    nonce: BigInt(nonce),
    ...fees,
  });
  const ours = await traced(mined, { kind: "message", message, mode: "block" });
  await anvil.send("evm_revert", snapshot);
  return { ours, anvils };
}

async function traced({ environment, reader }: Mined, transaction: TracedTransaction): Promise<Traces> {
  const logger = new StructLogger({ enableMemory: true, enableReturnData: true });
  const steps = logger.result(await engine.trace(environment, transaction, reader, logger));
  const tracer = new CallTracer({ withLog: true });
  const calls = tracer.result(await engine.trace(environment, transaction, reader, tracer));
  if (calls === null) throw new Error("the transaction is invalid");
  return { steps, calls };
}

const bare = (text: string): string => text.replace(/^0x/, "");

/** Names that anvil has already for bytes that Osaka does not assign; it runs them as invalid opcodes all the same. */
const LATER_OPCODES = ["SLOTNUM", "DUPN", "SWAPN", "EXCHANGE"];

/**
 * Our steps as anvil writes them. anvil has 0x before words of memory and storage, where geth has none; it shows empty
 * lists and counters that geth leaves out; it writes errors in Rust, so that only their being there is compared; its
 * refund counter is that of the frame, geth's that of the transaction, which in the outermost frame is the same.
 */
function comparable(log: StructLog): Record<string, unknown> {
  const { op, error, storage, memory, returnData, refund, gasCost: _, ...rest } = log;
  return {
    ...rest,
    op: op.startsWith("opcode") || LATER_OPCODES.includes(op) ? "Unknown" : op,
    failed: error !== undefined,
    memory: (memory ?? []).map(bare),
    returnData: returnData ?? "0x",
    refund: log.depth === 1 ? (refund ?? 0) : null,
  };
}

/** What a step cost by geth's count; null where anvil's cannot tell. */
function costOf(logs: readonly StructLog[], index: number): number | null {
  const { op, gasCost, depth, error } = logs[index]!;
  // Of an opcode that fails anvil shows 0 or all gas, depending on why it fails.
  if (error !== undefined) return null;
  if (op !== "CREATE" && op !== "CREATE2") return gasCost;
  // anvil counts in what a creation hands on; geth does not.
  const next = logs[index + 1];
  return next !== undefined && next.depth === depth + 1 ? gasCost - next.gas : null;
}

/**
 * What a step reads or writes in storage, by anvil's stacks. Its own field shows what the journal says last, which is
 * another slot where the step changes nothing; geth's shows all slots that the account's code has touched.
 */
function slotAt(logs: readonly StructLog[], index: number): string | undefined {
  const { op, stack, error } = logs[index]!;
  if (error !== undefined) return undefined;
  if (op === "SSTORE") return BigInt(stack!.at(-2)!).toString(16).padStart(64, "0");
  return op === "SLOAD"
    ? BigInt(logs[index + 1]!.stack!.at(-1)!)
        .toString(16)
        .padStart(64, "0")
    : undefined;
}

/** What our step shows for the slot that is on top of anvil's stack. */
function slotIn({ storage }: StructLog, { stack }: StructLog): string | undefined {
  return storage?.[BigInt(stack!.at(-1)!).toString(16).padStart(64, "0")];
}

/** anvil runs a STOP where initcode is empty; geth, and we, run nothing. */
function isImplicitStop(log: StructLog, before: StructLog | undefined): boolean {
  if (before?.op !== "CREATE" && before?.op !== "CREATE2") return false;
  return log.depth === before.depth + 1 && before.stack!.at(-3) === "0x0";
}

function expectSameSteps(ours: StructTrace, all: StructTrace): void {
  const anvils = { ...all, structLogs: all.structLogs.filter((log, i) => !isImplicitStop(log, all.structLogs[i - 1])) };
  expect(ours.structLogs.map(comparable)).toEqual(anvils.structLogs.map(comparable));
  for (const [index, log] of ours.structLogs.entries()) {
    const cost = costOf(anvils.structLogs, index);
    if (cost !== null) expect(log.gasCost, `${index} ${log.op}`).toBe(cost);
    expect(slotIn(log, anvils.structLogs[index]!), `${index} ${log.op}`).toBe(slotAt(anvils.structLogs, index));
  }
  const { structLogs: _ours, ...end } = ours;
  const { structLogs: _anvils, ...anvilsEnd } = anvils;
  expect(end).toEqual(anvilsEnd);
}

/** Errors that anvil does not put into geth's words, and those of geth that say more than ours or than anvil's. */
const ERROR_CLASSES: readonly (readonly [RegExp, string])[] = [
  [/^(stack underflow|StackUnderflow|stack limit reached|StackOverflow|Out of stack).*$/, "stack"],
  [/^(out of gas|contract creation code storage out of gas).*$/, "out of gas"],
  [/^invalid opcode.*$/, "invalid opcode"],
  [/^(StateChangeDuringStaticCall|CallNotAllowedInsideStatic)$/, "write protection"],
  [/^OutOfOffset$/, "return data out of bounds"],
  [/^CreateCollision$/, "contract address collision"],
  [/^CreateContractStartingWithEF$/, "invalid code: must not begin with 0xef"],
  [/^CreateContractSizeLimit$/, "max code size exceeded"],
];
const PRECOMPILE = /^0x0{36}/;

/**
 * Opcodes that fail for two reasons. A creation in a static call that cannot pay its 32,000 gas either: geth and we look at the gas first,
 * revm at the write. One that lacks items on the stack and gas: geth and we look at the stack first, revm at the gas. Where that may come
 * up, the two count as one.
 */
type Strictness = "strict" | "gas-or-write";

function errorClass({ error, to }: CallFrame, strictness: Strictness): string | undefined {
  if (error === undefined) return undefined;
  // Why a precompile failed is not told apart by the engine.
  if (to !== undefined && PRECOMPILE.test(to)) return "precompile";
  const found = ERROR_CLASSES.find(([pattern]) => pattern.test(error))?.[1] ?? error;
  return strictness === "gas-or-write" && found === "write protection" ? "out of gas" : found;
}

const isStackBeforeGas = (frame: CallFrame, ours: CallFrame | undefined, strictness: Strictness): boolean =>
  strictness === "gas-or-write" &&
  errorClass(frame, strictness) === "out of gas" &&
  ours !== undefined &&
  errorClass(ours, strictness) === "stack";

/** Whether a contract destroys itself in its own favour: of that anvil shows the last transfer before it, whoever made it. */
const isOwnFavour = ({ type, from, to }: CallFrame): boolean => type === "SELFDESTRUCT" && (to ?? from) === from;

/**
 * anvil keeps the logs of an outermost message that failed, geth those of none that failed.
 * @param ours our frame at the same place
 */
function comparableFrame(
  frame: CallFrame,
  strictness: Strictness,
  ours: CallFrame | undefined,
  isOutermost = true,
): Record<string, unknown> {
  const { error: _, calls, logs, ...rest } = frame;
  if (frame.type === "SELFDESTRUCT" && ours !== undefined && isOwnFavour(ours)) return { type: frame.type };
  return {
    ...rest,
    error: isStackBeforeGas(frame, ours, strictness) ? "stack" : errorClass(frame, strictness),
    calls: (calls ?? []).map((call, i) => comparableFrame(call, strictness, ours?.calls?.[i], false)),
    logs: (isOutermost && frame.error !== undefined ? [] : (logs ?? [])).map(({ address, topics, data, position }) => ({
      address,
      topics,
      data,
      position,
    })),
  };
}

function expectSameCalls(ours: CallFrame, anvils: CallFrame, strictness: Strictness): void {
  // anvil's root has the gas that is left after the intrinsic gas, geth's the gas limit.
  const expected = { ...comparableFrame(anvils, strictness, ours), gas: null };
  expect({ ...comparableFrame(ours, strictness, ours), gas: null }).toEqual(expected);
}

async function expectSame(
  codes: readonly Uint8Array[],
  sent: Sent = {},
  strictness: Strictness = "strict",
): Promise<Traces> {
  const { ours, anvils } = await both(codes, sent);
  expectSameSteps(ours.steps, anvils.steps);
  expectSameCalls(ours.calls, anvils.calls, strictness);
  return ours;
}

const push = (address: Address): string => `73${address.slice(2)}`;
/** a call with all gas, no data, no value */
const callOf = (opcode: number, target: Address): Uint8Array => {
  const zeros = opcode === 0xf1 || opcode === 0xf2 ? "5f5f5f5f5f" : "5f5f5f5f";
  return assemble(zeros, push(target), 0x5a, opcode);
};
const join = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));
const STORE = assemble(0x60, 7, 0x60, 1, 0x55);
const LOG = assemble(0x60, 9, 0x60, 0, 0x60, 0, 0xa1);
const POP = assemble(0x50);

const REVERT_REASON = (() => {
  const words = ["08c379a0".padEnd(64, "0"), "20".padStart(64, "0"), "3".padStart(64, "0"), "6e6f21".padEnd(64, "0")];
  const data = `08c379a0${words[1]}${words[2]}${words[3]}`.padEnd(256, "0");
  const stores = [0, 1, 2, 3].map((i) => assemble(0x7f, data.slice(64 * i, 64 * i + 64), 0x60, 32 * i, 0x52));
  return join(...stores, assemble(0x60, 100, 0x5f, 0xfd));
})();

const CASES: readonly (readonly [string, readonly Uint8Array[], Sent?])[] = [
  ["storage, memory, a hash", [assemble(0x60, 1, 0x54, 0x60, 5, 0x52, 0x60, 32, 0x5f, 0x20, 0x5f, 0x55, "6001545000")]],
  ["a cleared slot, which is refunded", [assemble(0x5f, 0x60, 1, 0x55)]],
  ["a plain transfer", [], { to: addressOfNumber(0xb0b), value: 3n, gas: 21_000 }],
  ["a transaction to a precompile", [], { to: addressOfNumber(2), data: new Uint8Array(5), gas: 40_000 }],
  ["nested calls with logs", [join(callOf(0xf1, B), LOG), join(LOG, callOf(0xf1, C), LOG), join(STORE, LOG)]],
  ["logs of calls that fail", [join(callOf(0xf1, B), LOG), join(LOG, callOf(0xf1, C), assemble("5f5ffd")), LOG]],
  [
    "each kind of call",
    [join(...[0xf1, 0xf2, 0xf4, 0xfa].map((op) => join(callOf(op, B), POP))), assemble("3460005260206000f3")],
  ],
  ["a delegate call within a call with value", [assemble("5f5f5f5f6001", push(B), 0x5a, 0xf1), callOf(0xf4, C), STORE]],
  ["a call that cannot pay its value", [assemble("5f5f5f5f6005", push(B), 0x5a, 0xf1), STORE]],
  ["a call with value to nobody", [assemble("5f5f5f5f6001", push(addressOfNumber(0xb0b)), 0x5a, 0xf1)]],
  ["a call handing on less than it might", [assemble("5f5f5f5f5f", push(B), "610fff", 0xf1), assemble("5b600056")]],
  ["precompiles", [assemble("6020602060205f5f6002612710f1", "5f5f60205f6004612710fa", "5f5f5f5f60016001612710f1")]],
  ["a precompile without enough gas", [assemble("5f5f60205f5f60026001f1")]],
  ["a precompile that refuses its input", [assemble("60016000526040604060806000600662ffffff", 0xf1)]],
  ["a static violation", [join(callOf(0xfa, B), POP), STORE]],
  [
    "a static violation by a call with value",
    [join(callOf(0xfa, B), POP), assemble("5f5f5f5f6001", push(C), 0x5a, 0xf1)],
  ],
  ["a static violation by a creation", [join(callOf(0xfa, B), POP), assemble("5f5f5ff0")]],
  ["a revert", [assemble("5f5ffd")]],
  ["a revert with a reason, in a call too", [join(callOf(0xf1, B), REVERT_REASON), REVERT_REASON]],
  ["out of static gas", [assemble("5b600056")], { gas: 21_500 }],
  ["out of dynamic gas", [assemble("60015f5260015f5560015ff3")], { gas: 21_100 }],
  ["out of gas in a call", [callOf(0xf1, B), assemble("5b600056")], { gas: 60_000 }],
  ["an invalid opcode", [callOf(0xf1, B), assemble(0xfe)]],
  ["an opcode that is not defined", [callOf(0xf1, B), assemble(0x0c)]],
  ["a pseudo-operation's byte", [callOf(0xf1, B), assemble(0xc0)]],
  ["an invalid jump", [callOf(0xf1, B), assemble("600056")]],
  ["a stack underflow", [callOf(0xf1, B), assemble(0x01)]],
  ["a stack overflow", [callOf(0xf1, B), assemble("5b5f600056")]],
  ["return data out of bounds", [assemble("60015f5f3e")]],
  ["self-destruction", [callOf(0xf1, B), assemble(push(C), 0xff)]],
  ["a creation", [assemble("69600160005360016000f3", "5f52600a60165ff0", "50"), STORE]],
  ["a salted creation", [assemble("69600160005360016000f3", "5f525f600a60165ff5", "50")]],
  ["a creation without code", [assemble("5f5f5ff050", "5f5f6001f050")]],
  ["a creation that cannot pay its value", [assemble("5f5f6005f0")]],
  ["a creation at a taken address", [assemble("5f5f5f5ff5505f5f5f5ff5")]],
  ["a creation that reverts", [assemble("645f60015ffd5f526005601b5ff0")]],
  ["a creation of code that is not allowed", [assemble("6860ef5f5360015ff3005f52600960175ff0")]],
  ["a creation that destroys itself", [assemble("6130ff5f526002601e5ff0")]],
  ["a creating transaction", [], { to: null, data: assemble("600160005360016000f3"), value: 1n }],
  ["a creating transaction that reverts", [], { to: null, data: assemble("60015ffd") }],
  ["a creating transaction that cannot pay for its code", [], { to: null, data: assemble("6160005ff3"), gas: 90_000 }],
];

describe("a trace has the steps and messages of anvil's", () => {
  for (const [name, codes, sent] of CASES) {
    it(`for ${name}`, async () => {
      await expectSame(codes, sent);
    });
  }

  it("for calls as deep as they may be", async () => {
    const { calls } = await expectSame([callOf(0xf1, A)], { gas: 8_000_000 });
    let depth = 0;
    for (let frame: CallFrame | undefined = calls; frame !== undefined; frame = frame.calls?.[0]) depth++;
    expect(depth).toBeGreaterThan(200);
  });

  it("for a contract that destroys itself in its own favour, with value that came with the call", async () => {
    await expectSame([assemble(push(A), 0xff)], { value: 1n });
  });

  it("for random programs", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(program, { minLength: 3, maxLength: 3 }),
        fc.uint8Array({ maxLength: 80 }),
        fc.constantFrom(0n, 1n),
        async (codes, data, value) => {
          await expectSame(codes, { data, value, gas: 150_000 }, "gas-or-write");
        },
      ),
      { numRuns: Number(process.env["MVM_TRACE_RUNS"] ?? 60) },
    );
  });
});
