/** What a block's transactions come to; L1 counts the same (simulations/test/closingProofs.test.ts). */
import {
  blockTally,
  CodecError,
  contextTransaction,
  countedBytes,
  countedStretches,
  encodeSystemTransaction,
  type Hash,
  keccakHash,
  l1FeeOf,
  merkleRoot,
  namedAddresses,
  toChainId,
  ZERO_HASH,
} from "@mvm/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RUNS, someBytes, uint } from "./arbitraries.ts";
import { callLists, rawsOf } from "./postedChains.ts";

const CHAIN = toChainId(1_088);
const contextOf = (l1BaseFee: bigint): Uint8Array =>
  encodeSystemTransaction(CHAIN, contextTransaction(3n, { slot: 1n, l1Block: 2n, l1BaseFee, generation: 0n }, 9));
const blocks = fc.tuple(uint(64), callLists(6)).map(([l1BaseFee, calls]) => {
  const users = rawsOf(CHAIN, calls);
  return { l1BaseFee, users, transactions: [contextOf(l1BaseFee), ...users, contextOf(7n)] };
});

describe("what transactions of a block come to", () => {
  it("are the users' fees and addresses, at the first one's base fee; the system's count by their hashes alone", () => {
    fc.assert(
      fc.property(blocks, ({ l1BaseFee, users, transactions }) => {
        const tally = blockTally(CHAIN, transactions);
        const fees = users.reduce((sum, raw) => sum + l1FeeOf(raw, l1BaseFee), 0n);
        expect(tally.tokens * 10n * tally.l1BaseFee).toBe(fees);
        expect(tally).toMatchObject({ count: users.length + 2, l1BaseFee, named: namedAddresses(CHAIN, users) });
      }),
      RUNS,
    );
  });

  it("has the roots of the trees of two's powers that make up the block, larger ones first", () => {
    const [context, ...rest] = Array.from({ length: 21 }, (_, i) => (i === 0 ? contextOf(1n) : Uint8Array.of(i, i)));
    const hashes = [context!, ...rest].map(keccakHash);
    const roots = (...own: readonly (readonly [level: number, root: Hash])[]): readonly Hash[] =>
      Array.from({ length: 16 }, (_, i) => own.find(([level]) => level === i)?.[1] ?? ZERO_HASH);
    const of = (count: number) => blockTally(CHAIN, [context!, ...rest].slice(0, count)).roots;
    expect(of(0)).toEqual(roots());
    expect(of(1)).toEqual(roots([0, hashes[0]!]));
    expect(of(6)).toEqual(roots([2, merkleRoot(hashes.slice(0, 4))], [1, merkleRoot(hashes.slice(4, 6))]));
    const lower = [[2, merkleRoot(hashes.slice(16, 20))] as const, [0, hashes[20]!] as const];
    expect(of(21)).toEqual(roots([4, merkleRoot(hashes.slice(0, 16))], ...lower));
  });

  it("is of blocks that begin with a context, and of no more than there may be", () => {
    const context = contextOf(1n);
    expect(() => blockTally(CHAIN, [Uint8Array.of(2)])).toThrow(CodecError);
    expect(() => blockTally(toChainId(9n), [context])).toThrow(CodecError);
    expect(() => blockTally(CHAIN, Array<Uint8Array>(2 ** 16).fill(context))).toThrow(RangeError);
  });
});

describe("stretches of a block", () => {
  const lists = fc.array(someBytes(60), { maxLength: 40 });
  it("hold all transactions in order, as many in each as there is room for", () => {
    fc.assert(
      fc.property(lists, fc.nat({ max: 200 }), (list, mostBytes) => {
        const stretches = countedStretches(list, mostBytes);
        expect(stretches.flat()).toEqual(list);
        const sizes = stretches.map((stretch) => countedBytes(stretch).length);
        for (const [i, stretch] of stretches.entries()) {
          if (stretch.length > 1) expect(sizes[i]).toBeLessThanOrEqual(mostBytes);
          const next = stretches[i + 1]?.[0];
          if (next !== undefined) expect(sizes[i]! + next.length + 2).toBeGreaterThan(mostBytes);
        }
      }),
      RUNS,
    );
  });

  it("are written with the length of each transaction before it", () => {
    expect(countedBytes([Uint8Array.of(7), new Uint8Array(258).fill(1)])).toEqual(
      Uint8Array.of(0, 1, 7, 1, 2, ...new Uint8Array(258).fill(1)),
    );
  });
});
