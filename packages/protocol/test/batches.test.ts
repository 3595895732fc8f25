import {
  BATCH_FORMAT,
  blobRange,
  CodecError,
  claimsOf,
  concatBytes,
  encodeBlocks,
  fromHex,
  type Hash,
  hashHeader,
  inBlob,
  inCalldata,
  JOB_SEATS,
  keccakHash,
  LIMITS,
  merkleProof,
  merkleRoot,
  NO_WORK,
  postedTransactions,
  type SealedBlock,
  seatedIn,
  servedBy,
  toWord,
  verifyMerkleProof,
  type Work,
  ZERO_HASH,
} from "@mvm/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as some from "./arbitraries.ts";
import {
  type Chain,
  callLists,
  chains,
  decodedBatch,
  framed,
  NOW,
  POSTER,
  paidAccounts,
  postingOf,
  providerOf,
  rawsOf,
  settledOf,
} from "./postedChains.ts";

const RUNS = { numRuns: 50 };
const places = fc.record({
  index: fc.nat().map(BigInt),
  previousBatchHash: some.hashes,
  slot: fc.nat().map(BigInt),
  poster: some.addresses,
});

const encoded = (chain: Chain): Uint8Array => encodeBlocks(chain.blocks, postingOf(chain));

describe("data of a batch", () => {
  it("give back chain, generation and of each block time, slot, queue items, randomness, evidence, who did its job and user transactions", () => {
    fc.assert(
      fc.property(chains(6), (chain) => {
        const { chainId, generation } = chain.blocks[0]!;
        const blocks = chain.blocks.map((block, i) => {
          const [sequencer] = settledOf(block).paid;
          const { randomness, evidence, work } = block.context;
          const users = block.transactions.filter((raw) => raw[0] !== 0x7e);
          return {
            timestamp: block.header.timestamp,
            slot: block.context.slot,
            queueItems: Number(block.context.queueEnd - (chain.blocks[i - 1]?.context.queueEnd ?? chain.queueEnd)),
            randomness,
            evidence,
            sequencer: sequencer === POSTER ? "poster" : sequencer,
            work,
            transactionCount: users.length,
            transactions: users,
            named: settledOf(block).seen,
          };
        });
        expect(decodedBatch(encoded(chain))).toEqual({ chainId, generation, blocks });
      }),
      RUNS,
    );
  });

  it("say whom a block's settle pays: who served, and how many of them have a fee of their own", () => {
    fc.assert(
      fc.property(chains(6), (chain) => {
        for (const [i, { work }] of decodedBatch(encoded(chain)).blocks.entries()) {
          const { paid, seated } = settledOf(chain.blocks[i]!);
          expect(paid.slice(1)).toEqual(servedBy(work).map(providerOf));
          expect(seated).toBe(seatedIn(work));
        }
      }),
      RUNS,
    );
  });

  it("give back blocks of more than one group, on both sides of the group's end", () => {
    fc.assert(
      fc.property(some.sealedBlocks, paidAccounts, fc.constantFrom(16, 17, 33), (sealed, paid, count) => {
        const block = framed({ ...sealed, header: { ...sealed.header, timestamp: NOW } }, paid);
        const blocks = Array.from({ length: count }, (_, i): SealedBlock => {
          const header = { ...block.header, timestamp: block.header.timestamp + BigInt(i) };
          return { ...block, header, context: { ...block.context, slot: BigInt(i) } };
        });
        const back = decodedBatch(encoded({ blocks, queueEnd: block.context.queueEnd })).blocks;
        expect(back.map(({ slot }) => slot)).toEqual(blocks.map(({ context }) => context.slot));
        expect(back.map(({ timestamp }) => timestamp)).toEqual(blocks.map(({ header }) => header.timestamp));
        expect(back.map(({ transactions }) => transactions)).toEqual(blocks.map(postedTransactions));
      }),
      RUNS,
    );
  });

  it("take at most four bytes more for a transaction than it has, however short its signature", () => {
    fc.assert(
      fc.property(some.sealedBlocks, some.works, callLists(12), (sealed, work, calls) => {
        const sizeOf = (transactions: readonly Uint8Array[]): number => {
          const block = framed({ ...sealed, transactions }, { sequencer: POSTER, work });
          const context = { ...block.context, work };
          return encoded({ blocks: [{ ...block, context }], queueEnd: context.queueEnd }).length;
        };
        const raws = rawsOf(sealed.chainId, calls);
        const bytes = raws.reduce((sum, { length }) => sum + length, 0);
        const perGroup = 3 * Math.ceil(raws.length / BATCH_FORMAT.group);
        expect(sizeOf(raws) - sizeOf([])).toBeLessThanOrEqual(bytes + 4 * raws.length + perGroup + 1);
      }),
      { numRuns: 200 },
    );
  });

  it("hold no system transaction, and every other one", () => {
    fc.assert(
      fc.property(chains(3), (chain) => {
        const posted = chain.blocks.flatMap(postedTransactions);
        expect(posted.some((raw) => raw[0] === 0x7e)).toBe(false);
        const all = chain.blocks.flatMap(({ transactions }) => transactions);
        expect(posted).toEqual(all.filter((raw) => raw[0] !== 0x7e));
        expect(decodedBatch(encoded(chain)).blocks.flatMap(({ transactions }) => transactions)).toEqual(posted);
      }),
      RUNS,
    );
  });

  it("say of the sequencer only that it is the poster, where it is", () => {
    fc.assert(
      fc.property(some.sealedBlocks, paidAccounts, some.addresses, fc.boolean(), (block, paid, sequencer, same) => {
        const chain = { blocks: [framed(block, { ...paid, sequencer })], queueEnd: block.context.queueEnd };
        const poster = same ? sequencer : POSTER;
        const data = encodeBlocks(chain.blocks, { ...postingOf(chain), poster });
        expect(decodedBatch(data).blocks[0]!.sequencer).toBe(same ? "poster" : sequencer);
        expect(Buffer.from(data).includes(Buffer.from(sequencer.slice(2), "hex"))).toBe(!same);
      }),
      RUNS,
    );
  });

  it("hold no signature, evidence but its hash, outcome, and nothing of L1 but the slot", () => {
    fc.assert(
      fc.property(chains(3), (chain) => {
        const bare = chain.blocks.map((block): SealedBlock => {
          const context = { ...block.context, l1Block: 1n, l1BaseFee: 2n };
          return { ...block, context, outcomes: [], evidence: null, signature: `0x${"00".repeat(65)}` };
        });
        expect(encoded({ ...chain, blocks: bare })).toEqual(encoded(chain));
      }),
      RUNS,
    );
  });

  it("are none of a block that does not end in a settle of its chain", () => {
    fc.assert(
      fc.property(chains(1), (chain) => {
        const block = chain.blocks[0]!;
        const { transactions, chainId } = block;
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
          expect(() => encoded({ ...chain, blocks: [{ ...block, transactions: ending }] })).toThrow(CodecError);
        const other = (chainId === 1n ? 2n : 1n) as typeof chainId;
        expect(() => encoded({ ...chain, blocks: [{ ...block, chainId: other }] })).toThrow(CodecError);
      }),
      RUNS,
    );
  });

  it("are none of a block whose work has no form that one can have", () => {
    const [chain] = fc.sample(chains(1), { numRuns: 1, seed: 1 });
    const block = chain!.blocks[0]!;
    const withWork = (work: Work) => ({ ...chain!, blocks: [{ ...block, context: { ...block.context, work } }] });
    fc.assert(
      fc.property(fc.nat({ max: LIMITS.jobAttempts - 1 }), fc.nat({ max: JOB_SEATS }), (attempt, count) => {
        const work = { attempt, seats: Array<number>(count).fill(7) };
        if (count === LIMITS.seats) expect(decodedBatch(encoded(withWork(work))).blocks[0]!.work).toEqual(work);
        else expect(() => encoded(withWork(work))).toThrow(RangeError);
      }),
      RUNS,
    );
    expect(postedTransactions(block).length).toBeGreaterThan(0);
    expect(() => encoded(withWork(NO_WORK))).toThrow(RangeError);
  });

  it("are none of no blocks, of more than a batch may have, and of time that goes back", () => {
    const [chain] = fc.sample(chains(1), { numRuns: 1, seed: 1 });
    const [block] = chain!.blocks;
    const earlier = { ...block!, header: { ...block!.header, timestamp: block!.header.timestamp - 1n } };
    const many = Array<SealedBlock>(LIMITS.batchBlocks + 1).fill(block!);
    for (const blocks of [[], many, [block!, earlier]])
      expect(() => encoded({ ...chain!, blocks })).toThrow(RangeError);
  });
});

describe("claims of a batch", () => {
  it("are of the blocks from first to last, and of the place that it takes", () => {
    fc.assert(
      fc.property(chains(4), places, ({ blocks }, place) => {
        const claims = claimsOf(blocks, place);
        const { chainId, generation, header } = blocks[0]!;
        expect(claims).toMatchObject({ chainId, generation, ...place, firstBlock: header.number });
        expect(claims.lastBlock - claims.firstBlock).toBe(BigInt(blocks.length - 1));
        expect(claims.queueEnd).toBe(blocks.at(-1)!.context.queueEnd);
      }),
      RUNS,
    );
  });

  it("prove every block, and the number and hashes of its transactions, the system's too", () => {
    fc.assert(
      fc.property(chains(4), places, ({ blocks }, place) => {
        const claims = claimsOf(blocks, place);
        const hashes = blocks.map(({ transactions }) => transactions.map(keccakHash));
        const counted = hashes.map((leaves) =>
          keccakHash(concatBytes(toWord(BigInt(leaves.length)), fromHex(merkleRoot(leaves)))),
        );
        const trees = [
          { root: claims.blocksRoot, leaves: blocks.map((block) => hashHeader(block.header)) },
          { root: claims.transactionsRoot, leaves: counted },
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

  it("are not made of no blocks, of gaps, of other chains or other generations", () => {
    fc.assert(
      fc.property(chains(4), places, fc.nat(), ({ blocks }, place, nat) => {
        expect(() => claimsOf([], place)).toThrow(RangeError);
        fc.pre(blocks.length > 1);
        const at = 1 + (nat % (blocks.length - 1));
        const block = blocks[at]!;
        const number = block.header.number + 1n;
        for (const bad of [
          { ...block, chainId: (block.chainId === 1n ? 2n : 1n) as typeof block.chainId },
          { ...block, generation: block.generation === 0n ? 1n : 0n },
          { ...block, header: { ...block.header, number } },
        ])
          expect(() => claimsOf(blocks.with(at, bad), place)).toThrow(RangeError);
        expect(() => claimsOf(blocks.toReversed(), place)).toThrow(RangeError);
        if (blocks.length > 2) expect(() => claimsOf(blocks.toSpliced(1, 1), place)).toThrow(RangeError);
      }),
      RUNS,
    );
  });

  it("do not depend on signatures, evidence and outcomes", () => {
    fc.assert(
      fc.property(chains(4), places, ({ blocks }, place) => {
        const bare = blocks.map((block): SealedBlock => {
          return { ...block, outcomes: [], evidence: null, signature: `0x${"00".repeat(65)}` };
        });
        expect(claimsOf(bare, place)).toEqual(claimsOf(blocks, place));
      }),
      RUNS,
    );
  });
});

describe("where data are", () => {
  const blobHashes = some.hashes.filter((hash) => hash !== ZERO_HASH);
  const ranges = fc
    .tuple(fc.nat({ max: BATCH_FORMAT.blobBytes - 1 }), fc.nat())
    .map(([offset, nat]) => ({ offset, length: 1 + (nat % (BATCH_FORMAT.blobBytes - offset)) }));

  it("a range of a blob comes back from the header, and no two ranges are said alike", () => {
    fc.assert(
      fc.property(blobHashes, ranges, ranges, (blobHash, range, other) => {
        const place = inBlob(blobHash, range);
        expect(place.blobHash).toBe(blobHash);
        expect(blobRange(place)).toEqual(range);
        const same = range.offset === other.offset && range.length === other.length;
        expect(inBlob(blobHash, other).dataHash === place.dataHash).toBe(same);
      }),
      some.RUNS,
    );
    for (const range of [
      { offset: 0, length: 1 },
      { offset: 0, length: BATCH_FORMAT.blobBytes },
      { offset: BATCH_FORMAT.blobBytes - 1, length: 1 },
    ])
      expect(blobRange(inBlob(`0x${"01".repeat(32)}` as Hash, range))).toEqual(range);
  });

  it("no range is empty, begins before the blob or ends after it", () => {
    fc.assert(
      fc.property(blobHashes, ranges, fc.integer({ min: 1, max: 2 ** 40 }), (blobHash, { offset, length }, more) => {
        const room = BATCH_FORMAT.blobBytes - offset;
        for (const range of [
          { offset, length: room + more },
          { offset: BATCH_FORMAT.blobBytes - length + more, length },
          { offset: -more, length },
          { offset, length: 0 },
          { offset, length: -more },
          { offset, length: Number.NaN },
          { offset: Number.NaN, length },
          { offset: offset + 0.5, length: 1 },
        ])
          expect(() => inBlob(blobHash, range)).toThrow(RangeError);
      }),
      some.RUNS,
    );
  });

  it("calldata are known by their hash, and are in no blob", () => {
    fc.assert(
      fc.property(some.someBytes(100), (data) => {
        const place = inCalldata(data);
        expect(place).toEqual({ blobHash: ZERO_HASH, dataHash: keccakHash(data) });
        expect(blobRange(place)).toBe(null);
      }),
      some.RUNS,
    );
  });
});
