import {
  type Address,
  type Hash,
  type Hex,
  type JobId,
  SEAT_PLACES,
  SEAT_TREE_DEPTH,
  SeatTree,
  Snapshots,
  seatWeightOf,
  taggedHash,
  toWord,
} from "@mvm/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addresses, hexOf, RUNS } from "./arbitraries.ts";
import { readVectors } from "./vectorFiles.ts";

const jobOf = (number: number): JobId => taggedHash("test/seats", toWord(BigInt(number))) as string as JobId;
const places = fc.oneof(fc.nat({ max: 9 }), fc.nat({ max: SEAT_PLACES - 1 }));
const changes = fc.array(
  fc.record({
    place: places,
    seated: fc.record({ index: fc.nat(), operator: addresses, blsPublicKey: hexOf(48) }),
    weight: fc.oneof(fc.constant(0), fc.nat({ max: 50 }), fc.nat({ max: 10_000_000 })),
  }),
  { maxLength: 30 },
);
const grown = (steps: readonly (readonly [number, Seat, number])[]): SeatTree =>
  steps.reduce((tree, [place, seated, weight]) => tree.put(place, seated, weight), SeatTree.empty);
type Seat = { index: number; operator: Address; blsPublicKey: Hex };

describe("the seat tree", () => {
  it("gives each point of the line to the one whose stake lies there, whatever changes led to it", () => {
    fc.assert(
      fc.property(changes, fc.nat(), (steps, random) => {
        const tree = grown(steps.map(({ place, seated, weight }) => [place, seated, weight] as const));
        const last = new Map(steps.map((step) => [step.place, step]));
        const line = [...last.values()].filter(({ weight }) => weight > 0).sort((a, b) => a.place - b.place);
        expect(tree.total).toBe(line.reduce((sum, { weight }) => sum + weight, 0));
        let start = 0;
        for (const { place, seated, weight } of line) {
          for (const point of [start, start + weight - 1, start + (random % weight)])
            expect(tree.holderAt(point)).toEqual({ ...seated, place, weight });
          start += weight;
        }
        expect(() => tree.holderAt(start)).toThrow(RangeError);
        expect(() => tree.holderAt(-1)).toThrow(RangeError);
      }),
      RUNS,
    );
  });

  it("has a root that hangs on who sits where with what stake, not on the way there", () => {
    fc.assert(
      fc.property(changes, places, (steps, other) => {
        const tree = grown(steps.map(({ place, seated, weight }) => [place, seated, weight] as const));
        const last = [...new Map(steps.map((step) => [step.place, step])).values()];
        const again = grown(last.toReversed().map(({ place, seated, weight }) => [place, seated, weight] as const));
        expect(again.root()).toBe(tree.root());
        const holder = last.find(({ weight }) => weight > 0);
        if (holder === undefined) return;
        const heavier = tree.put(holder.place, holder.seated, holder.weight + 1);
        expect(heavier.root()).not.toBe(tree.root());
        const renamed = tree.put(holder.place, { ...holder.seated, index: holder.seated.index ^ 1 }, holder.weight);
        expect(renamed.root()).not.toBe(tree.root());
        if (last.every(({ place, weight }) => place !== other || weight === 0)) {
          const moved = tree.put(holder.place, holder.seated, 0).put(other, holder.seated, holder.weight);
          expect(moved.root()).not.toBe(tree.root());
        }
      }),
      RUNS,
    );
  });

  it("draws seats in proportion to stakes, and as often for a stake that is split", () => {
    const who = (index: number): Seat => ({
      index,
      operator: `0x${"ab".repeat(20)}` as Address,
      blsPublicKey: `0x${"cd".repeat(48)}`,
    });
    const whole = grown([
      [0, who(0), 300],
      [1, who(1), 700],
    ]);
    const split = grown([
      [0, who(0), 100],
      [1, who(1), 700],
      [2, who(2), 100],
      [3, who(3), 100],
    ]);
    const draws = 4_000;
    const share = (tree: SeatTree, is: (index: number) => boolean): number => {
      let count = 0;
      for (let job = 0; job < draws; job++)
        count += tree.seatsOf(jobOf(job), 2).filter(({ index }) => is(index)).length;
      return count / (2 * draws);
    };
    // 5 standard deviations of a share of 8,000 draws are 0.026
    expect(Math.abs(share(whole, (index) => index === 0) - 0.3)).toBeLessThan(0.026);
    expect(Math.abs(share(split, (index) => index !== 1) - 0.3)).toBeLessThan(0.026);
    // the measure tells a wrong proportion
    expect(Math.abs(share(whole, (index) => index === 1) - 0.3)).toBeGreaterThan(0.026);
  });

  it("has no seats without providers, and takes no place, no weight and no sum that L1 would not take", () => {
    const one: Seat = { index: 0, operator: `0x${"00".repeat(20)}` as Address, blsPublicKey: `0x${"00".repeat(48)}` };
    expect(SeatTree.empty.seatsOf(jobOf(0), 4)).toEqual([]);
    for (const place of [-1, 0.5, SEAT_PLACES]) expect(() => SeatTree.empty.put(place, one, 1)).toThrow(RangeError);
    for (const weight of [-1, 0.5, 2 ** 32]) expect(() => SeatTree.empty.put(0, one, weight)).toThrow(RangeError);
    const full = SeatTree.empty.put(0, one, 2 ** 32 - 1);
    expect(() => full.put(1, one, 1)).toThrow(RangeError);
    expect(full.put(0, one, 5).put(1, one, 1).total).toBe(6);
    expect([seatWeightOf(10n ** 18n - 1n), seatWeightOf(25n * 10n ** 17n)]).toEqual([0, 2]);
  });

  it("snapshots keep a value as it was at the close of each epoch", () => {
    const history = new Snapshots(0);
    const takeBack = [1n, 1n, 3n].map((epoch, i) => history.apply(epoch, (value) => value + 10 ** i));
    expect([0n, 1n, 2n, 3n, 9n].map((epoch) => history.at(epoch))).toEqual([0, 11, 11, 111, 111]);
    takeBack[2]!();
    expect(history.at(3n)).toBe(11);
  });

  it("roots, paths and holders are those of the vectors", () => {
    type Vector = {
      providers: (Seat & { place: number; weight: number; siblings: Hash[] })[];
      root: Hash;
      total: number;
      jobs: { jobId: JobId; holders: number[] }[];
    };
    const vectors = readVectors<Vector[]>("seats");
    for (const { providers, root, total, jobs } of vectors) {
      const tree = grown(providers.map(({ place, weight, ...seated }) => [place, seated, weight] as const));
      expect(tree.root()).toBe(root);
      expect(tree.total).toBe(total);
      for (const { place, siblings } of providers) {
        expect(siblings).toHaveLength(SEAT_TREE_DEPTH);
        expect(tree.siblingsOf(place)).toEqual(siblings.map(BigInt));
      }
      for (const { jobId, holders } of jobs)
        expect(tree.seatsOf(jobId, holders.length).map(({ index }) => index)).toEqual(holders);
    }
    expect(vectors.flatMap(({ jobs }) => jobs).length).toBeGreaterThan(4);
  });
});
