/** Fee for a transaction's bytes on L1: EIP-7623's floor of 10 gas for a zero byte and 40 for any other. */
import { dataGasOf, decodeTransaction, fromHex, LIMITS, l1FeeOf, toHex, toMessage } from "@mvm/protocol";
import { Transaction, Wallet } from "ethers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RUNS, uint } from "./arbitraries.ts";

const raws = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.array(fc.constantFrom(0, 0, 1, 255), { maxLength: 300 }).map((bytes) => Uint8Array.from(bytes)),
);

/** Gas of the bytes on L1, byte for byte; no fractions, since 4 and 16 are even. */
const floorGas = (raw: Uint8Array): bigint => [...raw].reduce((sum, byte) => sum + (byte === 0 ? 10n : 40n), 0n);

describe("L1 fee", () => {
  it("is the bytes' floor gas at the L1 base fee", () => {
    fc.assert(
      fc.property(raws, uint(64), (raw, l1BaseFee) => {
        expect(l1FeeOf(raw, l1BaseFee)).toBe(floorGas(raw) * l1BaseFee);
        expect(dataGasOf(raw) * 5n).toBe(floorGas(raw) * 2n);
      }),
      RUNS,
    );
  });

  it("known values", () => {
    expect(l1FeeOf(new Uint8Array(0), 1_000n)).toBe(0n);
    expect(l1FeeOf(Uint8Array.of(0), 1n)).toBe(10n);
    expect(l1FeeOf(Uint8Array.of(1), 1n)).toBe(40n);
    expect(l1FeeOf(Uint8Array.of(0, 1, 255), 3n)).toBe(270n);
    expect(l1FeeOf(Uint8Array.of(1), 0n)).toBe(0n);
    expect(dataGasOf(Uint8Array.of(0, 0, 7))).toBe(24n);
  });

  it("does not depend on the bytes' order, and grows with each of them", () => {
    fc.assert(
      fc.property(raws, raws, (left, right) => {
        const whole = new Uint8Array([...left, ...right]);
        expect(l1FeeOf(whole, 7n)).toBe(l1FeeOf(left, 7n) + l1FeeOf(right, 7n));
        expect(l1FeeOf(whole.toReversed(), 7n)).toBe(l1FeeOf(whole, 7n));
      }),
      RUNS,
    );
  });

  it("of a whole block of the longest transactions at the highest base fee fits 256 bits", () => {
    const largest = l1FeeOf(new Uint8Array(LIMITS.transactionBytes).fill(1), 2n ** 64n - 1n);
    expect(largest * BigInt(LIMITS.blockTransactions)).toBeLessThan(2n ** 256n);
  });

  it("a provider gets it with the message: of all signed bytes, the signature's too", () => {
    const wallet = new Wallet(`0x${"11".repeat(32)}`);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), uint(64), (data, l1BaseFee) => {
        const fields = { chainId: 77n, type: 2, nonce: 1, gasLimit: 21_000n, to: wallet.address };
        const transaction = Transaction.from({ ...fields, data: toHex(data) });
        transaction.signature = wallet.signingKey.sign(transaction.unsignedHash);
        const raw = fromHex(transaction.serialized);
        expect(toMessage(decodeTransaction(raw, 77n), l1BaseFee).l1Fee).toBe(floorGas(raw) * l1BaseFee);
      }),
      { numRuns: 30 },
    );
  });
});
