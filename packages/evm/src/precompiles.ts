/**
 * The precompiled contracts: the library's gas and checks of length over faster curves, and signature recovery, BLAKE2b
 * and point evaluation of our own.
 */
import type { EVM, EVMOpts, ExecResult } from "@ethereumjs/evm";
import { type Address, bytesToBigInt, fromHex, type MaybePromise, recoverAddress, toAddress } from "@mvm/protocol";
import { blake2f } from "./blake2.ts";
import { bn254Precompiles } from "./bn254.ts";
import { ExecutionError } from "./errors.ts";
import type { Curves } from "./pairingCurve.ts";
import { pointEvaluation } from "./pointEvaluation.ts";

export type PrecompileResult = { readonly success: boolean; readonly gasUsed: number; readonly output: Uint8Array };

/** Runs a precompile on input and gas. A failure uses all gas. */
export type Precompile = (input: Uint8Array, gas: number) => MaybePromise<PrecompileResult>;

const EMPTY = new Uint8Array(0);
const RECOVER_GAS = 3_000;

/** 0x01: digest, v, r, s of 32 bytes each to the signer's address, or nothing. */
function ecrecover(input: Uint8Array, gas: number): PrecompileResult {
  if (gas < RECOVER_GAS) return { success: false, gasUsed: gas, output: EMPTY };
  const data = new Uint8Array(128);
  data.set(input.subarray(0, 128));
  const v = bytesToBigInt(data.subarray(32, 64));
  const signer =
    v === 27n || v === 28n
      ? recoverAddress(data.subarray(0, 32), data.subarray(64, 128), Number(v - 27n), "any-s")
      : null;
  if (signer === null) return { success: true, gasUsed: RECOVER_GAS, output: EMPTY };
  const output = new Uint8Array(32);
  output.set(fromHex(signer), 12);
  return { success: true, gasUsed: RECOVER_GAS, output };
}

function fromLibrary(result: ExecResult, gas: number): PrecompileResult {
  if (result.exceptionError !== undefined) return { success: false, gasUsed: gas, output: EMPTY };
  return { success: true, gasUsed: Number(result.executionGasUsed), output: result.returnValue };
}

/** BLS12-381 as the library asks for it: it checks gas, lengths and leading zeros before, and takes a throw as failure. */
export function blsBackend({ bls12 }: Curves): NonNullable<EVMOpts["bls"]> {
  return {
    addG1: (input) => bls12.add("G1", input),
    addG2: (input) => bls12.add("G2", input),
    mapFPtoG1: (input) => bls12.map("G1", input),
    mapFP2toG2: (input) => bls12.map("G2", input),
    msmG1: (input) => bls12.multiply("G1", input),
    msmG2: (input) => bls12.multiply("G2", input),
    pairingCheck: (input) => bls12.pairing(input),
  };
}

/** Precompiles by address. */
export function precompileTable(evm: EVM, { bn254, bls12 }: Curves): Map<Address, Precompile> {
  const table = new Map<Address, Precompile>();
  for (const [digits, run] of evm.precompiles) {
    const address = `0x${digits}` as Address;
    table.set(address, (input, gas) => {
      const failed = (cause: unknown): never => {
        throw new ExecutionError("library-failure", null, `precompile ${address} broke down`, cause);
      };
      let result: MaybePromise<ExecResult>;
      try {
        // A copy: the input is a view of a frame's memory, and a precompile may hand its input back.
        result = run({ data: input.slice(), gasLimit: BigInt(gas), common: evm.common, _EVM: evm });
      } catch (cause) {
        return failed(cause);
      }
      if (result instanceof Promise) return result.then((value) => fromLibrary(value, gas), failed);
      return fromLibrary(result, gas);
    });
  }
  table.set(toAddress("0x0000000000000000000000000000000000000001"), ecrecover);
  for (const [address, run] of bn254Precompiles(bn254)) table.set(address, run);
  table.set(toAddress("0x0000000000000000000000000000000000000009"), blake2f);
  const evaluation = toAddress("0x000000000000000000000000000000000000000a");
  if (table.has(evaluation)) table.set(evaluation, (input, gas) => pointEvaluation(bls12, input, gas));
  return table;
}
