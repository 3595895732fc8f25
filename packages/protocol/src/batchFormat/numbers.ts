/** The numbers of the batch format: varints (LEB128) and decimals, each with one form only; a cursor that reads them. */
import { type BatchFault, fail } from "./faults.ts";

/** shift of the 37th group of a varint, of which a 256-bit number has four bits */
const LAST_SHIFT = 252n;
const EXPONENTS = 32n;
const MAX_EXPONENT = 31;
/** bound of a decimal's digits: keeps it at 19 bytes, which bounds what a proof has to read; amounts are far below */
const DIGITS_BOUND = 1n << 128n;
const MAX_DECIMAL_CODE = DIGITS_BOUND * EXPONENTS - 1n;
const POWERS = Array.from({ length: MAX_EXPONENT + 1 }, (_, exponent) => 10n ** BigInt(exponent));

export const MAX_UINT32 = 2n ** 32n - 1n;
export const MAX_UINT64 = 2n ** 64n - 1n;
export const MAX_WORD = 2n ** 256n - 1n;

/** Unsigned integer below 2^256, seven bits a byte, the lowest first. */
export function varintBytes(value: bigint | number): Uint8Array {
  const out: number[] = [];
  let rest = BigInt(value);
  for (; rest > 0x7fn; rest >>= 7n) out.push(Number(rest & 0x7fn) | 0x80);
  out.push(Number(rest));
  return Uint8Array.from(out);
}

/** m * 10^e as the varint m * 32 + e, e as large as it can be up to 31; null where m has more than 128 bits. */
export function decimalBytes(value: bigint): Uint8Array | null {
  if (value === 0n) return varintBytes(0n);
  let digits = value;
  let exponent = 0n;
  while (exponent < MAX_EXPONENT && digits % 10n === 0n) {
    digits /= 10n;
    exponent++;
  }
  return digits < DIGITS_BOUND ? varintBytes(digits * EXPONENTS + exponent) : null;
}

/** Reads a batch's data from a place on; every deviation is a fault. */
export class BatchCursor {
  readonly data: Uint8Array;
  at: number;

  constructor(data: Uint8Array, at: number) {
    this.data = data;
    this.at = at;
  }

  byte(): number {
    const value = this.data[this.at];
    if (value === undefined) fail("overrun");
    this.at++;
    return value;
  }

  /** The next `count` bytes, as a view. */
  take(count: number): Uint8Array {
    const end = this.at + count;
    if (end > this.data.length) fail("overrun");
    const view = this.data.subarray(this.at, end);
    this.at = end;
    return view;
  }

  /** A varint of at most `max`; beyond it the fault is `beyond`. */
  varint(max: bigint, beyond: BatchFault = "out-of-range"): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const group = this.byte();
      if (shift === LAST_SHIFT && group > 0xf) fail("out-of-range");
      value |= BigInt(group & 0x7f) << shift;
      if (group >= 0x80) continue;
      if (group === 0 && shift !== 0n) fail("not-canonical");
      return value <= max ? value : fail(beyond);
    }
  }

  /** A varint that is a count of at most `max` things. */
  count(max: number): number {
    return Number(this.varint(BigInt(max), "too-many"));
  }

  /** A decimal: at most (2^128 - 1) * 10^31. */
  decimal(): bigint {
    const code = this.varint(MAX_DECIMAL_CODE);
    const digits = code / EXPONENTS;
    const exponent = Number(code % EXPONENTS);
    if (digits === 0n ? exponent !== 0 : exponent < MAX_EXPONENT && digits % 10n === 0n) fail("not-canonical");
    return digits * POWERS[exponent]!;
  }
}
