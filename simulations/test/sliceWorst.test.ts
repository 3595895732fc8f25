/** The dearest slices that are known: each fits one transaction on L1, by gas and by bytes. */
import { createEngine, type Engine, SLICE, type Slice } from "@mvm/evm";
import {
  type AccountWrite,
  type Address,
  EMPTY_CODE_HASH,
  GENESIS_BASE_FEE,
  HEADER_CONSTANTS,
  keccakHash,
  LIMITS,
  toHash,
  toWordHex,
} from "@mvm/protocol";
import { beforeAll, describe, expect, it } from "vitest";
import { SIGNERS } from "../src/fuzz/evmCase.ts";
import { MemoryState } from "../src/memoryState.ts";
import { accountAt, CALLED, CALLER, LOOPS, type Program, padded, STEPS } from "../src/replay/slicePrograms.ts";
import { SlicesL1 } from "../src/replay/slicesL1.ts";
import { type SlicedTransaction, sliced } from "./sliceLab.ts";
import { KeptTrie, SliceProofs } from "./sliceProofs.ts";

/** Bounds of the design for one step, and so for a slice. */
const MOST_L1_GAS = 12_000_000n;
const MOST_BYTES = 120_000;
/** Slices of one program that are replayed: the first ones, and of steps those that look dear. */
const FIRST_SLICES = 5;
/** And some from the middle. */
const MIDDLE_SLICES = 4;
/** L2 gas of what goes round and round. */
const LOOP_GAS = 350_000n;

const [USER] = SIGNERS as [Address];
/** A large state: what each of its accounts and slots takes of a witness. */
const LARGE = 20_000;
const SLOTS = Array.from({ length: 10_000 }, (_, n) => ({ slot: toWordHex(BigInt(n)), value: BigInt(n) + 1n }));
const OTHERS: readonly AccountWrite[] = [
  { address: USER, account: { nonce: 0n, balance: 10n ** 24n, codeHash: EMPTY_CODE_HASH }, code: null, slots: [] },
  // Its code is each program's.
  { address: CALLER, account: { nonce: 1n, balance: 1n, codeHash: EMPTY_CODE_HASH }, code: null, slots: SLOTS },
  ...Array.from({ length: LARGE }, (_, n): AccountWrite => {
    const account = { nonce: 1n, balance: 10n ** 18n + BigInt(n), codeHash: EMPTY_CODE_HASH };
    return { address: accountAt(n), account, code: null, slots: [] };
  }),
];

let lab: SlicesL1;
let engine: Engine;
const large = new KeptTrie();
beforeAll(async () => {
  [lab, engine] = await Promise.all([SlicesL1.open(), createEngine()]);
  large.apply(OTHERS);
});

const contract = (address: Address, code: Uint8Array): AccountWrite => {
  return { address, account: { nonce: 1n, balance: 1n, codeHash: keccakHash(code) }, code, slots: [] };
};
const contractsOf = ([, program, called = padded(Uint8Array.of(0))]: Program): AccountWrite[] => [
  contract(CALLER, program),
  contract(CALLED, called),
];

async function slicesOf(program: Program, gasLimit: bigint): Promise<SlicedTransaction> {
  const state = new MemoryState({ number: 7n, chainId: 1n, blockHash: toWordHex });
  state.apply([...OTHERS, ...contractsOf(program)]);
  const environment = {
    timestamp: 1_800_000_000n,
    baseFeePerGas: GENESIS_BASE_FEE,
    gasLimit: LIMITS.blockGas,
    prevRandao: toHash(`0x${"11".repeat(32)}`),
    feeRecipient: HEADER_CONSTANTS.beneficiary,
  };
  const fees = { maxFeePerGas: GENESIS_BASE_FEE, maxPriorityFeePerGas: 0n, l1Fee: 0n, value: 0n };
  const lists = { data: new Uint8Array(0), accessList: [], authorizations: [] };
  const message = { type: 2, from: USER, to: CALLER, nonce: 0n, gasLimit, ...fees, ...lists } as const;
  return sliced(engine, { state, environment, message }, SLICE);
}

type Most = { readonly name: string; gas: bigint; bytes: number; readonly slices: number };

/** Runs a program; the most that one of its slices took. */
async function dearestOf(program: Program, gasLimit: bigint): Promise<Most> {
  const [name] = program;
  const transaction = await slicesOf(program, gasLimit);
  const { slices } = transaction;
  const most = { name, gas: 0n, bytes: 0, slices: slices.length };
  const world = large.branch();
  world.apply(contractsOf(program));
  const proofs = new SliceProofs(world, transaction);
  for (const [i, slice] of slices.entries()) {
    const isWanted =
      i < FIRST_SLICES || looksDear(slice) || (i > slices.length / 2 && i < slices.length / 2 + MIDDLE_SLICES);
    if (gasLimit === LOOP_GAS && i > slices.length / 2 + MIDDLE_SLICES) break;
    if (!isWanted) continue;
    const { told, gas, bytes } = await lab.replay(proofs.proof(i));
    expect(told, `${name}, slice ${i}`).toEqual(proofs.commitments(i));
    if (gas > most.gas) most.gas = gas;
    most.bytes = Math.max(most.bytes, bytes);
  }
  return most;
}

/** Much memory, or much gas. */
function looksDear({ before, after, evidence }: Slice): boolean {
  const used = before.frames.at(-1)!.gas - (after.frames.at(-1)?.gas ?? 0);
  return evidence.memory.length + evidence.input.length + evidence.returned.length > 200 || used > 100_000;
}

describe("the dearest slices", () => {
  it(`take at most ${MOST_L1_GAS} gas and ${MOST_BYTES} bytes on L1`, async ({ annotate }) => {
    const dearest: Most[] = [];
    for (const program of LOOPS) dearest.push(await dearestOf(program, LOOP_GAS));
    for (const program of STEPS) dearest.push(await dearestOf(program, LIMITS.transactionGas));
    for (const { name, gas, bytes, slices } of dearest.toSorted((a, b) => Number(b.gas - a.gas)))
      await annotate(`${name}: ${gas} L1 gas, ${bytes} bytes; ${slices} slices`);
    for (const { name, gas, bytes } of dearest) {
      expect([name, gas]).toSatisfy(([, used]: [string, bigint]) => used <= MOST_L1_GAS);
      expect([name, bytes]).toSatisfy(([, count]: [string, number]) => count <= MOST_BYTES);
    }
  });
});
