/**
 * Pairing curves in WebAssembly (mcl), for the precompiles of EIP-196, 197 and 2537. The module is driven at the level
 * of its memory: one instance per curve, so that both can be used at once, and bytes go in and out without detours.
 */
import createModule from "mcl-wasm/dist/mcl_c.js";

/** A coordinate, point or its order that the curve does not have: the precompile fails. */
export class CurveError extends Error {
  readonly code: "not-in-field" | "not-on-curve" | "not-in-subgroup";

  constructor(code: CurveError["code"]) {
    super(code);
    this.name = "CurveError";
    this.code = code;
  }
}

/** How a precompile writes a curve's values. */
export type CurveForm = {
  /** the module's number of the curve */
  readonly curve: number;
  /** bytes of a coordinate that count, big-endian */
  readonly fieldBytes: number;
  /** bytes that a coordinate takes, zeros first */
  readonly stride: number;
  /** of an element of the quadratic extension, the coefficient of the root comes first */
  readonly rootFirst: boolean;
};

/** alt_bn128 as EIP-196 and 197 write it. */
const BN254_FORM: CurveForm = { curve: 4, fieldBytes: 32, stride: 32, rootFirst: true };
/** BLS12-381 as EIP-2537 writes it. */
const BLS12_FORM: CurveForm = { curve: 5, fieldBytes: 48, stride: 64, rootFirst: false };

export type GroupName = "G1" | "G2";

type Raw = { readonly wasmMemory: { readonly buffer: ArrayBuffer } } & Readonly<
  Record<`_${string}`, (...operands: number[]) => number>
>;

/** The module's check that caller and build agree: scalars of 4 words, coordinates of up to 6. */
const BUILD = 46;
/** RFC 9380 maps to curve */
const MAP_MODE = 5;
/** Bytes in the module's memory, whatever the curve. */
const FIELD_SIZE = 48;
const SCALAR_SIZE = 32;
const TARGET_SIZE = 12 * FIELD_SIZE;
const COORDINATES = { G1: 1, G2: 2 } as const;
const POINT_SIZE = { G1: 3 * FIELD_SIZE, G2: 6 * FIELD_SIZE } as const;
/** Points multiplied or paired in one go: bounds the module's memory whatever a transaction asks for. */
const BATCH = 256;
const PAIRING_BATCH = 16;

const ONE = new Uint8Array(32);
ONE[31] = 1;
const ZERO = new Uint8Array(32);

export class PairingCurve {
  readonly form: CurveForm;
  readonly #raw: Raw;
  /** Places in the module's memory: an array of points, one of scalars or of points of G1, and single values. */
  readonly #points: number;
  readonly #scalars: number;
  readonly #sum: number;
  readonly #part: number;
  readonly #bytes: number;

  private constructor(form: CurveForm, raw: Raw) {
    this.form = form;
    this.#raw = raw;
    this.#points = this.#allocate(BATCH * POINT_SIZE.G2);
    this.#scalars = this.#allocate(Math.max(BATCH * SCALAR_SIZE, PAIRING_BATCH * POINT_SIZE.G1));
    this.#sum = this.#allocate(TARGET_SIZE);
    this.#part = this.#allocate(TARGET_SIZE);
    this.#bytes = this.#allocate(FIELD_SIZE);
  }

  /** @throws Error where the module cannot be started */
  static async load(form: CurveForm): Promise<PairingCurve> {
    const raw: Raw = await createModule({ cryptoGetRandomValues: () => undefined });
    if (raw["_mclBn_init"]!(form.curve, BUILD) !== 0) throw new Error(`mcl does not know curve ${form.curve}`);
    if (form === BLS12_FORM) raw["_mclBn_setMapToMode"]!(MAP_MODE);
    for (const group of ["G1", "G2"]) {
      // Switched on to give the module the order, off so that it is checked only where we ask.
      raw[`_mclBn_verifyOrder${group}`]!(1);
      raw[`_mclBn_verifyOrder${group}`]!(0);
    }
    return new PairingCurve(form, raw);
  }

  /** Sum of two points, which may lie outside the subgroup. Bytes of a point, twice, to those of one. */
  add(group: GroupName, input: Uint8Array): Uint8Array {
    const size = this.#encodedSize(group);
    this.#readPoint(group, this.#sum, input.subarray(0, size), false);
    this.#readPoint(group, this.#part, input.subarray(size, 2 * size), false);
    this.#call(`_mclBn${group}_add`, this.#sum, this.#sum, this.#part);
    return this.#writePoint(group, this.#sum);
  }

  /** Sum of points of the subgroup times 32-byte scalars, from pairs of a point and its scalar. */
  multiply(group: GroupName, input: Uint8Array): Uint8Array {
    const size = this.#encodedSize(group);
    this.#call(`_mclBn${group}_clear`, this.#sum);
    let count = 0;
    for (let at = 0; at < input.length; at += size + SCALAR_SIZE) {
      const point = this.#points + count * POINT_SIZE[group];
      if (!this.#readPoint(group, point, input.subarray(at, at + size), true)) continue;
      this.#readScalar(this.#scalars + count * SCALAR_SIZE, input.subarray(at + size, at + size + SCALAR_SIZE));
      if (++count === BATCH) {
        this.#addProducts(group, count);
        count = 0;
      }
    }
    if (count > 0) this.#addProducts(group, count);
    return this.#writePoint(group, this.#sum);
  }

  /** Whether the pairings' product is one, as a word; pairs of a point of G1 and one of G2, both of the subgroup. */
  pairing(input: Uint8Array): Uint8Array {
    const size = this.#encodedSize("G1");
    const pair = 3 * size;
    this.#call("_mclBnGT_setInt32", this.#sum, 1);
    let count = 0;
    for (let at = 0; at < input.length; at += pair) {
      const first = this.#scalars + count * POINT_SIZE.G1;
      const second = this.#points + count * POINT_SIZE.G2;
      const isFirst = this.#readPoint("G1", first, input.subarray(at, at + size), true);
      const isSecond = this.#readPoint("G2", second, input.subarray(at + size, at + pair), true);
      // A pairing with infinity is one.
      if (isFirst && isSecond && ++count === PAIRING_BATCH) {
        this.#multiplyLoops(count);
        count = 0;
      }
    }
    if (count > 0) this.#multiplyLoops(count);
    this.#call("_mclBn_finalExp", this.#sum, this.#sum);
    return (this.#call("_mclBnGT_isOne", this.#sum) === 1 ? ONE : ZERO).slice();
  }

  /** Maps an element of the field to G1, or of its extension to G2 (RFC 9380, with the cofactor cleared). */
  map(group: GroupName, input: Uint8Array): Uint8Array {
    this.#readElement(this.#part, input, COORDINATES[group]);
    this.#call(group === "G1" ? "_mclBnFp_mapToG1" : "_mclBnFp2_mapToG2", this.#sum, this.#part);
    return this.#writePoint(group, this.#sum);
  }

  #allocate(size: number): number {
    const at = this.#call("_malloc", size);
    if (at === 0) throw new Error("mcl is out of memory");
    return at;
  }

  #call(name: `_${string}`, ...operands: number[]): number {
    return this.#raw[name]!(...operands);
  }

  #encodedSize(group: GroupName): number {
    return 2 * COORDINATES[group] * this.form.stride;
  }

  #memory(at: number, size: number): Uint8Array {
    return new Uint8Array(this.#raw.wasmMemory.buffer, at, size);
  }

  #readElement(at: number, input: Uint8Array, coefficients: 1 | 2): void {
    const { fieldBytes, stride, rootFirst } = this.form;
    for (let i = 0; i < coefficients; i++) {
      const end = (i + 1) * stride;
      const bytes = this.#memory(this.#bytes, fieldBytes);
      bytes.set(input.subarray(end - fieldBytes, end));
      bytes.reverse();
      const place = at + (rootFirst ? coefficients - 1 - i : i) * FIELD_SIZE;
      if (this.#call("_mclBnFp_deserialize", place, this.#bytes, fieldBytes) === 0)
        throw new CurveError("not-in-field");
    }
  }

  /** Reads a point; false: it is infinity, which is written as zeros. */
  #readPoint(group: GroupName, at: number, input: Uint8Array, inSubgroup: boolean): boolean {
    if (input.every((byte) => byte === 0)) {
      this.#call(`_mclBn${group}_clear`, at);
      return false;
    }
    const coefficients = COORDINATES[group];
    const half = input.length / 2;
    const coordinate = coefficients * FIELD_SIZE;
    this.#readElement(at, input.subarray(0, half), coefficients);
    this.#readElement(at + coordinate, input.subarray(half), coefficients);
    this.#memory(at + 2 * coordinate, coordinate).fill(0);
    this.#call("_mclBnFp_setInt32", at + 2 * coordinate, 1);
    if (this.#call(`_mclBn${group}_isValid`, at) !== 1) throw new CurveError("not-on-curve");
    if (inSubgroup && this.#call(`_mclBn${group}_isValidOrder`, at) !== 1) throw new CurveError("not-in-subgroup");
    return true;
  }

  #readScalar(at: number, input: Uint8Array): void {
    this.#memory(this.#bytes, SCALAR_SIZE).set(input);
    this.#call("_mclBnFr_setBigEndianMod", at, this.#bytes, SCALAR_SIZE);
  }

  #addProducts(group: GroupName, count: number): void {
    if (count === 1) this.#call(`_mclBn${group}_mul`, this.#part, this.#points, this.#scalars);
    else this.#call(`_mclBn${group}_mulVec`, this.#part, this.#points, this.#scalars, count);
    this.#call(`_mclBn${group}_add`, this.#sum, this.#sum, this.#part);
  }

  #multiplyLoops(count: number): void {
    this.#call("_mclBn_millerLoopVec", this.#part, this.#scalars, this.#points, count);
    this.#call("_mclBnGT_mul", this.#sum, this.#sum, this.#part);
  }

  #writePoint(group: GroupName, at: number): Uint8Array {
    const output = new Uint8Array(this.#encodedSize(group));
    if (this.#call(`_mclBn${group}_isZero`, at) === 1) return output;
    this.#call(`_mclBn${group}_normalize`, at, at);
    const { fieldBytes, stride, rootFirst } = this.form;
    const coefficients = COORDINATES[group];
    for (let i = 0; i < 2 * coefficients; i++) {
      const place = rootFirst && coefficients === 2 ? i ^ 1 : i;
      this.#call("_mclBnFp_serialize", this.#bytes, fieldBytes, at + place * FIELD_SIZE);
      const end = (i + 1) * stride;
      output.set(this.#memory(this.#bytes, fieldBytes).toReversed(), end - fieldBytes);
    }
    return output;
  }
}

export type Curves = { readonly bn254: PairingCurve; readonly bls12: PairingCurve };

let loading: Promise<Curves> | undefined;

/** The curves of the precompiles, started once however many engines there are. */
export function loadCurves(): Promise<Curves> {
  loading ??= Promise.all([PairingCurve.load(BN254_FORM), PairingCurve.load(BLS12_FORM)]).then(([bn254, bls12]) => ({
    bn254,
    bls12,
  }));
  return loading;
}
