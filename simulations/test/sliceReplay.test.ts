/** SliceReplay.sol against the commitments of packages/evm, over real tries. */
import { commitState, createAddress, createEngine, type Engine, SLICE, type SliceLimits } from "@mvm/evm";
import { BLOCK_HASH_HISTORY, fromHex, keccakHash, LIMITS, toWordHex } from "@mvm/protocol";
import { beforeAll, describe, expect, it } from "vitest";
import { ContractLab } from "./contractLab.ts";
import { eachRandom } from "./randomTransactions.ts";
import { type SlicedTransaction, sliced } from "./sliceLab.ts";
import { CutTries, proofOf, surroundingsHash } from "./sliceProofs.ts";

const SEED = "slice-proofs";
const RUNS = 40;
/** Slices of one transaction that are proven. */
const MOST_SLICES = 12;
/** Blocks whose hashes BLOCKHASH gives, in EIP-2935's contract. */
const HISTORY_SLOTS = 8_191n;

let replayer: ContractLab;
let tries: ContractLab;
let engine: Engine;
beforeAll(async () => {
  const interpreter = await ContractLab.open("src/execution/slices/SliceInterpreter.sol");
  tries = await interpreter.beside("src/execution/slices/SliceTries.sol", [interpreter.contract]);
  replayer = await tries.beside("src/execution/slices/SliceReplay.sol", [tries.contract]);
  engine = await createEngine();
});

/** What a proof comes to: both commitments, or the error. */
async function replay(proof: unknown): Promise<{ told: readonly string[] | string; gas: bigint; bytes: number }> {
  const called = await replayer.call("replay", [proof]);
  const { transactionGas: gas } = called;
  if (called.status !== 1) {
    const own = replayer.refusal(called);
    return { told: own.includes("(") ? own : tries.refusal(called), gas, bytes: 0 };
  }
  const result = replayer.abi.decodeFunctionResult("replay", called.returnData);
  return { told: [result[0], result[1]], gas, bytes: 0 };
}

async function eachProof(
  transaction: SlicedTransaction,
  check: (proof: Record<string, unknown>, index: number, told: readonly string[]) => Promise<void>,
): Promise<void> {
  const { state, message, slices, surroundings } = transaction;
  const target = message.to ?? createAddress(message.from, message.nonce);
  const cuts = new CutTries(state, message, surroundings, target);
  const hash = surroundingsHash(surroundings);
  for (const [i, slice] of slices.entries()) {
    const proof = i < MOST_SLICES || i === slices.length - 1 ? proofOf(slice, i, cuts, transaction) : null;
    cuts.advance(slice);
    if (proof === null) continue;
    const commitment = (at: number): string =>
      commitState(at === i ? slice.before : slice.after, hash, cuts.roots[at]!, (cut) => cuts.roots[cut]!);
    await check(proof, i, [commitment(i), commitment(i + 1)]);
  }
}

async function eachRandomProof(
  run: number,
  seed: string,
  check: (proof: Record<string, unknown>, index: number, told: readonly string[]) => Promise<void>,
): Promise<void> {
  await eachRandom(engine, { run, seed, denies: true }, async (transaction) => {
    const { state } = transaction;
    const { number, blockHash } = state.chain;
    const { address: history } = BLOCK_HASH_HISTORY;
    const code = fromHex(BLOCK_HASH_HISTORY.code);
    state.codes.set(keccakHash(code), code);
    state.accounts.set(history, state.account(history) ?? { nonce: 1n, balance: 0n, codeHash: keccakHash(code) });
    const hashes = Array.from({ length: 256 }, (_, i) => number - 1n - BigInt(i));
    state.storages.set(history, new Map(hashes.map((at) => [toWordHex(at % HISTORY_SLOTS), BigInt(blockHash(at))])));
    const limits: SliceLimits = SLICE;
    await eachProof(await sliced(engine, transaction, limits), check);
  });
}

describe("a proof of a slice", () => {
  it(`leads from the twin's commitment to its next one (seed ${SEED}, ${RUNS} runs)`, async ({ annotate }) => {
    let count = 0;
    let most = 0n;
    for (let run = 0; run < RUNS; run++) {
      await eachRandomProof(run, SEED, async (proof, index, commitments) => {
        const { told, gas } = await replay(proof);
        expect(told, `run ${run}, slice ${index}`).toEqual(commitments);
        count++;
        if (gas > most) most = gas;
      });
    }
    await annotate(`${count} slices, the dearest ${most} gas`);
    expect(count).toBeGreaterThan(300);
  });
});

describe("the contracts", () => {
  it("fit", () => {
    expect(replayer.codeBytes).toBeLessThan(LIMITS.codeBytes);
    expect(tries.codeBytes).toBeLessThan(LIMITS.codeBytes);
  });
});
