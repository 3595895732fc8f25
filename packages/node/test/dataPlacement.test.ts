import { BLOB_DATA_BYTES, BLOB_GAS, LIMITS } from "@mvm/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addedGasOf, pathOf } from "../src/dataPlacement.ts";

const GWEI = 10n ** 9n;
const full = (bytes: number): Uint8Array => new Uint8Array(bytes).fill(1);

describe("L1 gas that data add in calldata", () => {
  it("is four gas a token, ten for what the execution of the batches does not fill up", () => {
    expect(addedGasOf([full(100)])).toBe(1_600n);
    expect(addedGasOf([new Uint8Array(100)])).toBe(400n);
    // 40,000 tokens: the floor of 400,000 stands above 160,000 and the batch's 60,000
    expect(addedGasOf([full(10_000)])).toBe(340_000n);
    expect(addedGasOf([full(5_000), full(5_000)])).toBe(280_000n);
    expect(addedGasOf([])).toBe(0n);
  });
});

describe("the way of data to L1", () => {
  it("is calldata for little data, however cheap blobs are", () => {
    expect(pathOf([full(6_000)], { baseFee: 100n * GWEI, blobBaseFee: 1n })).toBe("calldata");
    expect(pathOf([full(7_000)], { baseFee: 100n * GWEI, blobBaseFee: 1n })).toBe("blob");
  });

  it("is a blob where it saves 200,000 gas and more, at the prices of the moment", () => {
    const data = [full(50_000)];
    const saved = addedGasOf(data) - 200_000n;
    const blobBaseFee = (saved * GWEI) / BLOB_GAS;
    expect(pathOf(data, { baseFee: GWEI, blobBaseFee: blobBaseFee - 1n })).toBe("blob");
    expect(pathOf(data, { baseFee: GWEI, blobBaseFee: blobBaseFee + 1n })).toBe("calldata");
  });

  it("property: turns to blobs at most once while they get cheaper, also for more data than one call has", () => {
    const some = fc.array(fc.nat({ max: 30_000 }), { minLength: 1, maxLength: 4 });
    const price = fc.bigInt(1n, 1_000n * GWEI);
    fc.assert(
      fc.property(some, price, fc.array(price, { minLength: 2, maxLength: 6 }), (sizes, baseFee, blobFees) => {
        fc.pre(sizes.reduce((sum, size) => sum + size, 0) <= BLOB_DATA_BYTES);
        const dear = blobFees.toSorted((a, b) => (a < b ? 1 : -1));
        const ways = dear.map((blobBaseFee) => pathOf(sizes.map(full), { baseFee, blobBaseFee }));
        expect(ways.lastIndexOf("calldata")).toBeLessThan(ways.includes("blob") ? ways.indexOf("blob") : ways.length);
      }),
    );
    const beyond = [full(LIMITS.batchBytes), full(20_000)];
    expect(pathOf(beyond, { baseFee: 1n, blobBaseFee: 1_000n * GWEI })).toBe("calldata");
    expect(pathOf(beyond, { baseFee: GWEI, blobBaseFee: 1n })).toBe("blob");
  });
});
