/** Where data goes on L1: EIP-7623's tokens against EIP-4844's blob gas. */
import {
  BLOB_DATA_BYTES,
  BLOB_GAS,
  blobGasShareOf,
  calldataGasOf,
  cheaperPath,
  type DataPathCosts,
  LIMITS,
} from "@mvm/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RUNS, uint } from "./arbitraries.ts";

const sizes = fc.nat(BLOB_DATA_BYTES);
const calldataSizes = fc.nat(LIMITS.batchBytes);
const costs: fc.Arbitrary<DataPathCosts> = fc.record({
  calldataGas: uint(24),
  blobGas: uint(24),
  baseFee: uint(48),
  blobBaseFee: uint(48),
  bytes: calldataSizes,
});

describe("gas of data", () => {
  it("in calldata is 10 a token, of which a zero byte is one and any other four", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (data) => {
        const tokens = data.reduce((sum, byte) => sum + (byte === 0 ? 1 : 4), 0);
        expect(calldataGasOf(data)).toBe(BigInt(10 * tokens));
      }),
      RUNS,
    );
  });

  it("in a shared blob is its part of the blob's, rounded up", () => {
    expect([blobGasShareOf(0), blobGasShareOf(1), blobGasShareOf(BLOB_DATA_BYTES)]).toEqual([0n, 2n, BLOB_GAS]);
    fc.assert(
      fc.property(sizes, sizes, (left, right) => {
        const share = blobGasShareOf(left);
        expect(share * BigInt(BLOB_DATA_BYTES)).toBeGreaterThanOrEqual(BigInt(left) * BLOB_GAS);
        expect((share - 1n) * BigInt(BLOB_DATA_BYTES)).toBeLessThan(BigInt(left) * BLOB_GAS);
        if (left + right <= BLOB_DATA_BYTES)
          expect(share + blobGasShareOf(right)).toBeGreaterThanOrEqual(blobGasShareOf(left + right));
      }),
      RUNS,
    );
    for (const bytes of [-1, 0.5, BLOB_DATA_BYTES + 1]) expect(() => blobGasShareOf(bytes)).toThrow(RangeError);
  });
});

describe("the cheaper path", () => {
  it("costs no more than the other, and is calldata if both cost the same", () => {
    fc.assert(
      fc.property(costs, (given) => {
        const [calldata, blob] = [given.calldataGas * given.baseFee, given.blobGas * given.blobBaseFee];
        expect(cheaperPath(given)).toBe(blob < calldata ? "blob" : "calldata");
      }),
      RUNS,
    );
    const same = { calldataGas: 6n, baseFee: 2n, blobGas: 4n, blobBaseFee: 3n, bytes: 1 };
    expect(cheaperPath(same)).toBe("calldata");
    expect(cheaperPath({ ...same, blobBaseFee: 2n })).toBe("blob");
  });

  it("of data that fits no calldata batch is a blob at any price", () => {
    const dear = { calldataGas: 0n, blobGas: BLOB_GAS, baseFee: 1n, blobBaseFee: 10n ** 18n };
    expect(cheaperPath({ ...dear, bytes: LIMITS.batchBytes })).toBe("calldata");
    expect(cheaperPath({ ...dear, bytes: LIMITS.batchBytes + 1 })).toBe("blob");
    expect(cheaperPath({ ...dear, bytes: BLOB_DATA_BYTES })).toBe("blob");
  });

  it("is none for data that fits nothing, nor at a negative cost", () => {
    const free = { calldataGas: 0n, blobGas: 0n, baseFee: 0n, blobBaseFee: 0n };
    for (const bytes of [-1, 0.5, BLOB_DATA_BYTES + 1])
      expect(() => cheaperPath({ ...free, bytes })).toThrow(RangeError);
    for (const name of ["calldataGas", "blobGas", "baseFee", "blobBaseFee"] as const)
      expect(() => cheaperPath({ ...free, bytes: 1, [name]: -1n }), name).toThrow(RangeError);
  });

  it("of a small batch is calldata at equal prices, of a full one a blob; sharing moves the border down", () => {
    const prices = { baseFee: 1n, blobBaseFee: 1n };
    const of = (bytes: number, blobGas: bigint) =>
      cheaperPath({ ...prices, bytes, blobGas, calldataGas: calldataGasOf(new Uint8Array(bytes).fill(1)) });
    expect([of(3_276, BLOB_GAS), of(3_277, BLOB_GAS)]).toEqual(["calldata", "blob"]);
    expect(of(1, blobGasShareOf(1))).toBe("blob");
  });
});
