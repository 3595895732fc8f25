import {
  buildBatch,
  decodeBatchData,
  encodeDeposit,
  fromHex,
  hashHeader,
  keccakHash,
  merkleProof,
  type SealedBlock,
  toPosted,
  verifyMerkleProof,
} from "@mvm/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as some from "./arbitraries.ts";

const RUNS = { numRuns: 50 };
const places = fc.record({
  index: fc.nat().map(BigInt),
  previousBatchHash: some.hashes,
  slot: fc.nat().map(BigInt),
  poster: some.addresses,
});

/** Runs of consecutive blocks of one chain and generation. */
const chains = fc
  .tuple(fc.array(some.sealedBlocks, { minLength: 1, maxLength: 4 }), fc.nat(), some.deposits)
  .map(([blocks, first, deposit]) => {
    const { chainId, generation } = blocks[0]!;
    return blocks.map((block, i): SealedBlock => {
      const transactions = [encodeDeposit(chainId, deposit), ...block.transactions];
      return { ...block, chainId, generation, transactions, header: { ...block.header, number: BigInt(first + i) } };
    });
  });

describe("batches", () => {
  it("the data holds what is posted of each block, the header commits to it", () => {
    fc.assert(
      fc.property(chains, places, (blocks, place) => {
        const { header, data } = buildBatch(blocks, place);
        const { chainId, generation } = blocks[0]!;
        expect(decodeBatchData(data)).toEqual({ chainId, generation, blocks: blocks.map(toPosted) });
        expect(header).toMatchObject({ chainId, generation, ...place, dataHash: keccakHash(data) });
        expect(header.lastBlock - header.firstBlock).toBe(BigInt(blocks.length - 1));
        expect(header.queueEnd).toBe(blocks.at(-1)!.context.queueEnd);
        expect(header.epochBlock).toBe(blocks.at(-1)!.context.l1Block);
      }),
      RUNS,
    );
  });

  it("every block and every transaction, deposits too, is proven against the header", () => {
    fc.assert(
      fc.property(chains, places, (blocks, place) => {
        const { header } = buildBatch(blocks, place);
        const trees = [
          { root: header.blocksRoot, leaves: blocks.map((block) => hashHeader(block.header)) },
          { root: header.transactionsRoot, leaves: blocks.flatMap((block) => block.transactions.map(keccakHash)) },
        ];
        for (const { root, leaves } of trees)
          leaves.forEach((leaf, index) => {
            const siblings = merkleProof(leaves, index);
            expect(verifyMerkleProof({ root, leaf, index, count: leaves.length, siblings })).toBe(true);
          });
      }),
      RUNS,
    );
  });

  it("no deposit is posted, every other transaction is", () => {
    fc.assert(
      fc.property(chains, (blocks) => {
        for (const block of blocks) {
          const posted = toPosted(block).transactions;
          expect(posted.some((raw) => raw[0] === 0x7e)).toBe(false);
          expect(posted).toEqual(block.transactions.filter((raw) => raw[0] !== 0x7e));
        }
      }),
      RUNS,
    );
  });

  it("no blocks, gaps, other chains and other generations are refused", () => {
    fc.assert(
      fc.property(chains, places, fc.nat(), (blocks, place, nat) => {
        expect(() => buildBatch([], place)).toThrow(RangeError);
        fc.pre(blocks.length > 1);
        const at = 1 + (nat % (blocks.length - 1));
        const block = blocks[at]!;
        const number = block.header.number + 1n;
        for (const bad of [
          { ...block, chainId: (block.chainId === 1n ? 2n : 1n) as typeof block.chainId },
          { ...block, generation: block.generation === 0n ? 1n : 0n },
          { ...block, header: { ...block.header, number } },
        ])
          expect(() => buildBatch(blocks.with(at, bad), place)).toThrow(RangeError);
        expect(() => buildBatch(blocks.toReversed(), place)).toThrow(RangeError);
      }),
      RUNS,
    );
  });

  it("a signature, seat or outcome is no part of what is posted", () => {
    fc.assert(
      fc.property(chains, places, (blocks, place) => {
        const bare = blocks.map((block) => ({
          ...block,
          outcomes: [],
          seats: [],
          signature: `0x${"00".repeat(65)}` as const,
        }));
        expect(buildBatch(bare, place)).toEqual(buildBatch(blocks, place));
        expect(fromHex(buildBatch(bare, place).header.dataHash).length).toBe(32);
      }),
      RUNS,
    );
  });
});
