import { appendBatches, batchBlobHashes, type L1Addresses, type SignedBatch } from "@mvm/l1";
import {
  type BatchHeader,
  BLOB_DATA_BYTES,
  type Hash,
  type Hex,
  keccakHash,
  toChainId,
  toWord,
  toWordHex,
  ZERO_ADDRESS,
  ZERO_HASH,
} from "@mvm/protocol";
import { getBytes, type Result } from "ethers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { INTERFACES } from "../src/contracts.ts";

const AT = { rollupChain: ZERO_ADDRESS } as L1Addresses;
const BLOBS = [11n, 12n, 13n].map((n) => keccakHash(toWord(n)));
const dataHashOf = (offset: number, length: number): Hash =>
  toWordHex((BigInt(offset) << 32n) | BigInt(length)) as Hash;
const range = fc
  .tuple(fc.nat(BLOB_DATA_BYTES - 1), fc.nat(BLOB_DATA_BYTES - 1))
  .map(([offset, length]) => ({ offset, length: 1 + (length % (BLOB_DATA_BYTES - offset)) }));

const header = (index: number, blobHash: Hash, dataHash: Hash): BatchHeader => ({
  chainId: toChainId(7n),
  generation: 0n,
  index: BigInt(index),
  previousBatchHash: ZERO_HASH,
  firstBlock: 1n,
  lastBlock: 1n,
  blobHash,
  dataHash,
  blocksRoot: ZERO_HASH,
  transactionsRoot: ZERO_HASH,
  queueEnd: 0n,
  slot: 3n,
  poster: ZERO_ADDRESS,
});
const signature = `0x${"11".repeat(64)}00` as Hex;

describe("a call that appends batches", () => {
  const batchIn = fc.oneof(
    fc.record({ blobHash: fc.constantFrom(...BLOBS), range }),
    fc.record({ data: fc.uint8Array({ minLength: 1, maxLength: 20 }) }),
  );

  it("has calldata for those in calldata alone, and numbers and ranges of blobs for the others", () => {
    fc.assert(
      fc.property(fc.array(batchIn, { minLength: 1, maxLength: 12 }), (wanted) => {
        const batches: SignedBatch[] = wanted.map((one, i) => {
          if ("data" in one) return { header: header(i, ZERO_HASH, keccakHash(one.data)), data: one.data, signature };
          const inBlob = header(i, one.blobHash, dataHashOf(one.range.offset, one.range.length));
          return { header: inBlob, data: Uint8Array.of(0xff), signature };
        });
        const carried = batchBlobHashes(batches);
        const { data: input } = appendBatches(AT, batches);
        const [inputs, , encoded] = INTERFACES.rollupChain.decodeFunctionData("appendBatches", input);
        const calldata = getBytes(encoded);
        let bytes = 0;
        for (const [i, one] of wanted.entries()) {
          const placed = (inputs as Result[])[i]!;
          const [blob, offset, length] = [placed["blob"], placed["offset"], placed.getValue("length")].map(Number);
          if ("data" in one) {
            expect(blob).toBe(0);
            expect(calldata.subarray(offset, offset! + length!)).toEqual(one.data);
            bytes += one.data.length;
          } else expect([carried[blob! - 1], { offset, length }]).toEqual([one.blobHash, one.range]);
        }
        expect(calldata.length).toBe(bytes);
        const named = wanted.flatMap((one) => ("data" in one ? [] : [one.blobHash]));
        expect(carried).toEqual(named.filter((blobHash, i) => named.indexOf(blobHash) === i));
      }),
    );
  });

  it("is not made of a batch in a blob whose data hash is no range", () => {
    const batch = { header: header(0, BLOBS[0]!, BLOBS[1]!), data: new Uint8Array(0), signature };
    expect(() => appendBatches(AT, [batch])).toThrow(RangeError);
  });
});
