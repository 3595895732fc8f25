import {
  decodeSubmission,
  encodeSubmission,
  MAX_ENTRY_BYTES,
  MAX_KEY_BYTES,
  MAX_TRANSACTION_BLOBS,
  MAX_TRANSACTION_BYTES,
  MAX_VERSIONS,
  type SubmissionEntry,
  signBlobTransaction,
} from "@mvm/l1";
import { CodecError, keccakHash, toAddress, toHash, toHex, toWord } from "@mvm/protocol";
import { BLOB_BYTES, CELL_PROOFS, KZG_POINT_BYTES } from "@mvm/protocol/blobs";
import { encodeRlp, Wallet } from "ethers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { maxTransactionBytes } from "../src/submissionJournal.ts";

const MAX_WEI = 2n ** 128n - 1n;
const wei = fc.bigInt({ min: 0n, max: MAX_WEI });
const hashes = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => toHash(toHex(bytes)));
const plainFees = { hash: hashes, maxFeePerGas: wei, maxPriorityFeePerGas: wei };
const entries: fc.Arbitrary<SubmissionEntry> = fc.record({
  key: fc.string({ maxLength: 40, unit: "binary" }),
  nonce: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  raw: fc.uint8Array({ maxLength: 300 }).map(toHex),
  versions: fc.array(fc.oneof(fc.record(plainFees), fc.record({ ...plainFees, maxFeePerBlobGas: wei })), {
    minLength: 1,
    maxLength: MAX_VERSIONS,
  }),
});

/** A transaction with as many blobs, proofs and bytes as one may have. */
async function largest() {
  const point = new Uint8Array(KZG_POINT_BYTES).fill(0xff);
  const blob = new Uint8Array(BLOB_BYTES).fill(0xff);
  const proofs = Array.from({ length: CELL_PROOFS }, () => point);
  const sidecar = { blob, commitment: point, versionedHash: keccakHash(point), proofs };
  const plan = {
    l1ChainId: 2n ** 64n - 1n,
    nonce: 2 ** 48,
    to: toAddress(`0x${"ab".repeat(20)}`),
    gasLimit: 2n ** 64n,
  };
  const fees = { maxFeePerGas: MAX_WEI, maxPriorityFeePerGas: MAX_WEI, maxFeePerBlobGas: MAX_WEI };
  const data = toHex(new Uint8Array(MAX_TRANSACTION_BYTES - 600).fill(0xff));
  const sidecars = Array.from({ length: MAX_TRANSACTION_BLOBS }, () => sidecar);
  const wallet = new Wallet(keccakHash(toWord(1n)));
  return { fees, ...(await signBlobTransaction(wallet, { ...plan, ...fees, data, sidecars })) };
}

const code = (work: () => unknown): unknown => {
  try {
    return work();
  } catch (error) {
    return error instanceof CodecError ? error.code : error;
  }
};

describe("an entry of the journal", () => {
  it("is read as it was written, with and without fees for blobs", () => {
    fc.assert(
      fc.property(entries, (entry) => {
        expect(decodeSubmission(encodeSubmission(entry))).toEqual(entry);
      }),
    );
  });

  it("of the first version, which knew no blobs, is still read", () => {
    fc.assert(
      fc.property(entries, ({ key, nonce, raw, versions }) => {
        const quantity = (value: bigint): string => (value === 0n ? "0x" : `0x${evenHex(value)}`);
        const evenHex = (value: bigint): string =>
          value.toString(16).padStart(2 * Math.ceil(value.toString(16).length / 2), "0");
        const items = versions.map(({ hash, maxFeePerGas, maxPriorityFeePerGas }) => [
          hash,
          quantity(maxFeePerGas),
          quantity(maxPriorityFeePerGas),
        ]);
        const written = encodeRlp(["0x01", toHex(new TextEncoder().encode(key)), quantity(nonce), raw, items]);
        const plain = versions.map(({ maxFeePerBlobGas: _fee, ...rest }) => rest);
        expect(decodeSubmission(Buffer.from(written.slice(2), "hex"))).toEqual({ key, nonce, raw, versions: plain });
      }),
    );
  });

  it("holds the largest transaction that there is, and not more", async () => {
    const { raw, hash, fees } = await largest();
    const sizeBytes = raw.length / 2 - 1;
    expect(sizeBytes).toBeLessThanOrEqual(maxTransactionBytes(MAX_TRANSACTION_BLOBS));
    expect(sizeBytes).toBeGreaterThan(maxTransactionBytes(MAX_TRANSACTION_BLOBS) - 1_000);
    const versions = Array.from({ length: MAX_VERSIONS }, () => ({ ...fees, hash }));
    const entry = { key: "k".repeat(MAX_KEY_BYTES), nonce: 2n ** 64n - 1n, raw, versions };
    const written = encodeSubmission(entry);
    expect(written.length).toBeLessThanOrEqual(MAX_ENTRY_BYTES);
    expect(decodeSubmission(written).raw === raw).toBe(true);
    const longer = toHex(new Uint8Array(maxTransactionBytes(MAX_TRANSACTION_BLOBS) + 1));
    expect(code(() => encodeSubmission({ ...entry, raw: longer }))).toBe("too-long");
    expect(code(() => encodeSubmission({ ...entry, versions: [...versions, versions[0]!] }))).toBe("too-many");
  });

  it("is refused with a typed error where it is none", () => {
    const [version, none, later] = ["0x01", "0x02", "0x03"].map((first) => encodeRlp([first, "0x", "0x", "0x02", []]));
    for (const written of [version, none])
      expect(code(() => decodeSubmission(Buffer.from(written!.slice(2), "hex")))).toBe("out-of-range");
    expect(code(() => decodeSubmission(Buffer.from(later!.slice(2), "hex")))).toBe("unknown-version");
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        expect(typeof code(() => decodeSubmission(noise))).toBe("string");
      }),
    );
  });
});
