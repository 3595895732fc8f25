/** The precompiles on alt_bn128 (EIP-196 and 197, gas of EIP-1108); the library has no working way in for its curve. */
import { type Address, toAddress } from "@mvm/protocol";
import { CurveError, type PairingCurve } from "./pairingCurve.ts";
import type { Precompile } from "./precompiles.ts";

const EMPTY = new Uint8Array(0);
const ADD_GAS = 150;
const ADD_INPUT_BYTES = 128;
const MULTIPLY_GAS = 6_000;
const MULTIPLY_INPUT_BYTES = 96;
const PAIRING_GAS = 45_000;
const PAIR_GAS = 34_000;
const PAIR_BYTES = 192;

/** The first bytes of an input, zeros where it is too short. */
function sized(input: Uint8Array, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  bytes.set(input.subarray(0, size));
  return bytes;
}

function charged(price: (input: Uint8Array) => number, compute: (input: Uint8Array) => Uint8Array): Precompile {
  return (input, gas) => {
    const gasUsed = price(input);
    if (gas < gasUsed) return { success: false, gasUsed: gas, output: EMPTY };
    try {
      return { success: true, gasUsed, output: compute(input) };
    } catch (error) {
      if (!(error instanceof CurveError)) throw error;
      return { success: false, gasUsed: gas, output: EMPTY };
    }
  };
}

/** 0x06 adds two points, 0x07 multiplies one by a scalar, 0x08 checks a product of pairings. */
export function bn254Precompiles(curve: PairingCurve): ReadonlyMap<Address, Precompile> {
  const isWhole = (input: Uint8Array): boolean => input.length % PAIR_BYTES === 0;
  const pairingGas = (input: Uint8Array): number =>
    // A part of a pair costs all there is.
    isWhole(input) ? PAIRING_GAS + (PAIR_GAS * input.length) / PAIR_BYTES : Number.POSITIVE_INFINITY;
  return new Map([
    [
      toAddress("0x0000000000000000000000000000000000000006"),
      charged(
        () => ADD_GAS,
        (input) => curve.add("G1", sized(input, ADD_INPUT_BYTES)),
      ),
    ],
    [
      toAddress("0x0000000000000000000000000000000000000007"),
      charged(
        () => MULTIPLY_GAS,
        // G1 is the whole curve: every point has the order that the scalar is reduced by.
        (input) => curve.multiply("G1", sized(input, MULTIPLY_INPUT_BYTES)),
      ),
    ],
    [toAddress("0x0000000000000000000000000000000000000008"), charged(pairingGas, (input) => curve.pairing(input))],
  ]);
}
