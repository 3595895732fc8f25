import {
  type Address,
  buildBatch,
  CodecError,
  contextTransaction,
  decodeBatchData,
  depositItem,
  encodeSystemTransaction,
  fromHex,
  hashHeader,
  keccakHash,
  merkleProof,
  queueTransaction,
  type SealedBlock,
  type SystemTransaction,
  settleTransaction,
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

const paidAccounts = fc
  .tuple(some.addresses, fc.array(some.addresses, { maxLength: 4 }))
  .map(([sequencer, providers]) => ({ sequencer, providers }));

/** A block with the transactions that every block has, around those that it has. */
function framed(block: SealedBlock, paid: { sequencer: Address; providers: Address[] }): SealedBlock {
  const { chainId, generation, context, header } = block;
  const write = (transaction: SystemTransaction): Uint8Array => encodeSystemTransaction(chainId, transaction);
  const users = block.transactions.filter((raw) => raw[0] !== 0x7e);
  const mint = { queueIndex: 3n, from: paid.sequencer, to: paid.sequencer, mint: 5n };
  const transactions = [
    write(contextTransaction(header.number, { ...context, generation }, users.length + 3)),
    write(queueTransaction(depositItem(mint))),
    ...users,
    write(settleTransaction(header.number, { ...paid, l1Fees: 7n, seen: [] })),
  ];
  return { ...block, transactions };
}

/** Runs of consecutive blocks of one chain and generation. */
const chains = fc
  .tuple(fc.array(some.sealedBlocks, { minLength: 1, maxLength: 4 }), fc.nat(), paidAccounts)
  .map(([blocks, first, paid]) => {
    const { chainId, generation } = blocks[0]!;
    return blocks.map((block, i): SealedBlock => {
      const header = { ...block.header, number: BigInt(first + i) };
      return framed({ ...block, chainId, generation, header }, paid);
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
        expect(BigInt(header.blobHash)).toBe(0n);
      }),
      RUNS,
    );
  });

  it("every block and every transaction, the system's too, is proven against the header", () => {
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

  it("no system transaction is posted, every other transaction is", () => {
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

  it("who is paid is posted as the settle transaction says, the sequencer first", () => {
    fc.assert(
      fc.property(some.sealedBlocks, paidAccounts, (block, paid) => {
        expect(toPosted(framed(block, paid)).paid).toEqual([paid.sequencer, ...paid.providers]);
      }),
      RUNS,
    );
  });

  it("a block that does not end in a settle of its chain is not posted", () => {
    fc.assert(
      fc.property(some.sealedBlocks, paidAccounts, places, (block, paid, place) => {
        const { transactions, chainId } = framed(block, paid);
        const settle = transactions.at(-1)!;
        const endings = [
          [],
          transactions.slice(0, 1),
          transactions.slice(0, 2),
          transactions.toReversed(),
          [...transactions, Uint8Array.of(2, 1)],
          [...transactions, new Uint8Array(0)],
          transactions.with(-1, settle.subarray(0, -1)),
          transactions.with(-1, new Uint8Array([...settle, 0])),
        ];
        for (const ending of endings)
          expect(() => buildBatch([{ ...block, transactions: ending }], place)).toThrow(CodecError);
        const other = (chainId === 1n ? 2n : 1n) as typeof chainId;
        expect(() => toPosted({ ...block, chainId: other, transactions })).toThrow(CodecError);
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
