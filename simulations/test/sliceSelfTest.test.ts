/** SliceSelfTest.sol: its slice is one of every operation, and its answer the one of the interpreter that the tests know. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createEngine } from "@mvm/evm";
import {
  type AccountWrite,
  type Address,
  concatBytes,
  EMPTY_CODE_HASH,
  environmentOf,
  GENESIS_BASE_FEE,
  genesisWrites,
  keccakHash,
  OPCODES,
  type TransactionMessage,
  toAddress,
  toHex,
} from "@mvm/protocol";
import { describe, expect, it } from "vitest";
import { MemoryState } from "../src/memoryState.ts";
import { FREE_CHARTER } from "../src/replay/storedState.ts";
import { encodeSlice, expectedOf, SliceLab, sliced } from "./sliceLab.ts";

const SOURCE = join(import.meta.dirname, "../../contracts/src/execution/slices/SliceSelfTest.sol");
const USER = toAddress("0x00000000000000000000000000000000000a11ce");
const PROGRAM = toAddress("0x00000000000000000000000000000000000c0de1");
const OTHER = toAddress("0x00000000000000000000000000000000000c0de2");
/** Cuts nowhere. */
const LIMITS = { gas: 10_000_000, bytes: 10_000_000 };

const PUSH0 = 0x5f;
/** Ends the frame, or goes elsewhere. */
const BY_HAND = new Set(["STOP", "JUMP", "JUMPI", "JUMPDEST"]);
/** Operands from the top of the stack down, of those that take places or addresses. */
const OPERANDS: Readonly<Record<string, readonly number[]>> = {
  ...{ BALANCE: [4], EXTCODESIZE: [0xc0de2], EXTCODEHASH: [0xc0de2], EXTCODECOPY: [0xc0de2, 96, 0, 3] },
  ...{ BLOCKHASH: [1_001], BLOBHASH: [0], SSTORE: [1, 7], TSTORE: [2, 9], SLOAD: [1], TLOAD: [2] },
  ...{ MSTORE: [64, 0xabcdef], MSTORE8: [70, 0xfe], MLOAD: [7], CALLDATALOAD: [9], KECCAK256: [3, 40] },
  ...{ RETURNDATACOPY: [96, 0, 3], CALLDATACOPY: [96, 1, 5], CODECOPY: [96, 2, 9], MCOPY: [100, 64, 40] },
  ...{ LOG0: [2, 35], LOG1: [2, 35], LOG2: [2, 35], LOG3: [2, 35], LOG4: [2, 35] },
};
/** Arithmetic and comparison, which are tried both ways round. */
const LAST_ARITHMETIC = 0x1e;
/** LOG4: behind it are those by hand, and what charters name beside opcodes. */
const LAST_OPCODE = 0xa4;

/** A value that PUSH3 pushes. */
const push = (value: number): number[] => [0x62, (value >> 16) & 0xff, (value >> 8) & 0xff, value & 0xff];
/** mem[0] = keccak(mem[0], the stack's top): whatever an operation gives is in what the slice gives. */
const FOLD = [...[0x60, 0x20, 0x52], ...[0x60, 0x40, PUSH0, 0x20], ...[PUSH0, 0x52]];
const ACCUMULATED = [PUSH0, 0x51];
/** Calls the identity with five bytes of memory, and takes what it gives to 128. */
const callTo = (opcode: number, hasValue: boolean): number[] => {
  const operands = [...push(5), ...push(128), ...push(5), ...push(33), ...(hasValue ? push(0) : []), ...push(4)];
  return [...operands, 0x5a, opcode, ...FOLD, 0x3d, ...FOLD];
};

/** An operation with operands on top of a stack that is deep enough for any. */
function operation(name: string, opcode: number): number[] {
  if (opcode >= 0x60 && opcode <= 0x7f) return [opcode, ...new Array<number>(opcode - PUSH0).fill(opcode), ...FOLD];
  const own = OPERANDS[name];
  if (own !== undefined) return [...own.toReversed().flatMap(push), opcode, ...FOLD];
  const one = [0x60, 0x1d, ...ACCUMULATED, 0x60, 5, opcode, ...FOLD];
  return opcode > LAST_ARITHMETIC ? one : [...one, 0x60, 0x1d, 0x60, 5, ...ACCUMULATED, opcode, ...FOLD];
}

function program(): Uint8Array {
  const code: number[] = [];
  for (let i = 0; i < 20; i++) code.push(...push(0x1003 + 7 * i));
  for (const [opcode, hasValue] of [
    [0xf1, true],
    [0xf2, true],
    [0xf4, false],
    [0xfa, false],
  ] as const)
    code.push(...callTo(opcode, hasValue));
  for (const [name, opcode] of OPCODES)
    if (opcode <= LAST_OPCODE && !BY_HAND.has(name)) code.push(...operation(name, opcode));
  // a jump that is taken, one whose condition holds, one whose does not
  code.push(...push(code.length + 6), 0x56, 0xfe, 0x5b);
  code.push(...push(1), ...push(code.length + 10), 0x57, 0xfe, 0x5b);
  code.push(...push(0), ...push(0), 0x57, 0x58, ...FOLD);
  code.push(0x60, 0x20, PUSH0, 0xf3);
  return Uint8Array.from(code);
}

const account = (address: Address, code: Uint8Array | null): AccountWrite => {
  const codeHash = code === null ? EMPTY_CODE_HASH : keccakHash(code);
  return { address, account: { nonce: 1n, balance: 10n ** 24n, codeHash }, code, slots: [] };
};

async function made() {
  const engine = await createEngine();
  const state = new MemoryState({
    number: 1_002n,
    chainId: 1_337n,
    blockHash: (n) => keccakHash(Uint8Array.of(Number(n % 251n))),
  });
  state.apply([...genesisWrites(), FREE_CHARTER, account(USER, null), account(PROGRAM, program())]);
  state.apply([account(OTHER, Uint8Array.of(1, 2, 3, 4))]);
  const times = {
    timestamp: 1_800_000_000n,
    baseFeePerGas: GENESIS_BASE_FEE,
    prevRandao: keccakHash(Uint8Array.of(1)),
  };
  const message: TransactionMessage = {
    ...{ type: 2, from: USER, to: PROGRAM, nonce: 1n, gasLimit: 5_000_000n, value: 3n, l1Fee: 0n },
    ...{ maxFeePerGas: GENESIS_BASE_FEE, maxPriorityFeePerGas: 0n, accessList: [], authorizations: [] },
    data: concatBytes(new Uint8Array(64).fill(0x5a)),
  };
  return sliced(engine, { state, environment: environmentOf(times), message }, LIMITS);
}

describe("the self-test of slices", () => {
  it("is one slice of a program with every operation, and has the answer of the interpreter as it is tested", async () => {
    const { slices, surroundings, outcome } = await made();
    expect(outcome.status).toBe(1);
    expect(slices).toHaveLength(1);
    const lab = await SliceLab.open();
    const { result, refused, answer } = await lab.run(slices[0]!, surroundings, LIMITS);
    expect(refused).toBeNull();
    expect(result).toEqual(expectedOf(slices[0]!));
    const input = toHex(encodeSlice(slices[0]!, surroundings, LIMITS)).slice(2);
    const source = readFileSync(SOURCE, "utf8");
    const constant = [...source.matchAll(/hex"([0-9a-f]+)"/g)].map(([, hex]) => hex).join("");
    expect(constant, input).toBe(input);
    expect(/0x[0-9a-f]{64}/.exec(source)?.[0]).toBe(keccakHash(answer!));
  });
});
