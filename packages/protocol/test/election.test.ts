import {
  concatBytes,
  drawBlockOf,
  drawSequencer,
  drawSequencers,
  effectiveStakeOf,
  epochOf,
  epochRandomness,
  firstBlockOf,
  fromHex,
  type Hash,
  keccakHash,
  MAX_RANKS,
  SNAPSHOT_EPOCHS,
  STAKE_GRID_POSITIONS,
  type StakeChange,
  StakeHistory,
  StakeTree,
  slotSeed,
  stakeGridOf,
  stakeGridReaching,
  taggedHash,
  toChainId,
  toWord,
} from "@mvm/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hashes, RUNS } from "./arbitraries.ts";
import { readVectors } from "./vectorFiles.ts";

const MT = 10n ** 18n;
const LARGEST_WEI = 2n ** 32n * MT - 1n;
const stakes = fc.bigInt(0n, LARGEST_WEI);
/** few positions near each other, and some far apart */
const grids = fc.oneof(fc.constant(0), fc.integer({ min: 96, max: 98 }), fc.integer({ min: 1, max: 400 }));
const moves = fc.array(fc.record({ index: fc.nat({ max: 11 }), grid: grids }), { maxLength: 40 });
const changes = fc
  .array(fc.record({ gap: fc.constantFrom(0, 0, 0, 1, 1, 2, 6), index: fc.nat({ max: 11 }), grid: grids }), {
    maxLength: 40,
  })
  .map((steps) => {
    let epoch = 0n;
    return steps.map(({ gap, index, grid }): StakeChange => {
      epoch += BigInt(gap);
      return { epoch, index, grid };
    });
  });
const seedOf = (number: number): Hash => taggedHash("test/election", toWord(BigInt(number)));

/** Members of every position in the order of their places, by lists. */
function listed(steps: readonly { index: number; grid: number }[]): number[][] {
  const lists: number[][] = Array.from({ length: STAKE_GRID_POSITIONS }, () => []);
  for (const { index, grid } of steps) {
    const present = lists.findIndex((list) => list.includes(index));
    if (present === grid || (present === -1 && grid === 0)) continue;
    if (present !== -1) {
      const list = lists[present]!;
      const last = list.pop()!;
      if (last !== index) list[list.indexOf(index)] = last;
    }
    if (grid !== 0) lists[grid]!.push(index);
  }
  return lists;
}

/** A draw that walks over all members that are left. */
function drawnByWalking(lists: readonly number[][], seed: Hash, from: number): number[] {
  const left = lists.flatMap((list, grid) =>
    grid < from ? [] : list.map((index) => ({ index, weight: BigInt(effectiveStakeOf(grid)) })),
  );
  const drawn: number[] = [];
  while (left.length > 0 && drawn.length < MAX_RANKS) {
    const sum = left.reduce((total, { weight }) => total + weight, 0n);
    let point = BigInt(keccakHash(concatBytes(fromHex(seed), toWord(BigInt(drawn.length))))) % sum;
    let at = 0;
    while (point >= left[at]!.weight) point -= left[at++]!.weight;
    drawn.push(left.splice(at, 1)[0]!.index);
  }
  return drawn;
}

const grown = (steps: readonly { index: number; grid: number }[]): StakeTree =>
  steps.reduce((tree, { index, grid }) => tree.move(index, grid), StakeTree.empty);

const drawnOf = (tree: StakeTree): readonly (readonly number[])[] =>
  [1, 2, 3].map((seed) => tree.draw(seedOf(seed), 1, MAX_RANKS));

describe("epochs", () => {
  const blocks = fc.integer({ min: 4, max: 4_096 });
  const epochs = fc.bigInt(1n, 2n ** 32n);

  it("are runs of epochBlocks L1 blocks, each drawn a quarter of an epoch before it begins", () => {
    fc.assert(
      fc.property(epochs, blocks, (epoch, epochBlocks) => {
        const first = firstBlockOf(epoch, epochBlocks);
        expect(epochOf(first, epochBlocks)).toBe(epoch);
        expect(epochOf(first - 1n, epochBlocks)).toBe(epoch - 1n);
        const lead = first - drawBlockOf(epoch, epochBlocks);
        expect(lead >= 1n && lead * 4n <= BigInt(epochBlocks) && lead * 4n + 4n > BigInt(epochBlocks)).toBe(true);
      }),
      RUNS,
    );
    expect(() => drawBlockOf(0n, 32)).toThrow(RangeError);
  });

  it("randomness differs by epoch, a slot's seed by chain and slot", () => {
    const randao = seedOf(1);
    expect(new Set([1n, 2n, 3n].map((epoch) => epochRandomness(epoch, randao))).size).toBe(3);
    const seeds = [1n, 2n].flatMap((chain) => [1n, 2n].map((slot) => slotSeed(randao, toChainId(chain), slot)));
    expect(new Set(seeds).size).toBe(4);
  });
});

describe("the grid of effective stakes", () => {
  it("has each value at its own position, ascending by a sixteenth at most", () => {
    for (let grid = 1; grid < STAKE_GRID_POSITIONS; grid++) {
      const value = effectiveStakeOf(grid);
      const before = effectiveStakeOf(grid - 1);
      expect(value > before && (grid <= 32 ? value === grid : (value - before) * 16 <= before)).toBe(true);
      expect(stakeGridOf(BigInt(value) * MT)).toBe(grid);
      expect(stakeGridOf(BigInt(value) * MT - 1n)).toBe(grid - 1);
      expect(stakeGridReaching(BigInt(value) * MT)).toBe(grid);
      expect(stakeGridReaching(BigInt(value) * MT + 1n)).toBe(grid + 1);
    }
    expect([stakeGridOf(0n), stakeGridOf(2n ** 200n)]).toEqual([0, STAKE_GRID_POSITIONS - 1]);
    expect([stakeGridReaching(0n), stakeGridReaching(2n ** 200n)]).toEqual([1, STAKE_GRID_POSITIONS]);
  });

  it("never lets a stake reach a threshold above it", () => {
    fc.assert(
      fc.property(stakes, stakes, (stake, threshold) => {
        if (stakeGridOf(stake) >= stakeGridReaching(threshold)) expect(stake >= threshold).toBe(true);
      }),
      RUNS,
    );
  });

  it("splitting a stake raises its chance by a sixteenth and one MT at most, joining never above the stake", () => {
    fc.assert(
      fc.property(stakes, fc.integer({ min: 2, max: 64 }), (stake, parts) => {
        const whole = effectiveStakeOf(stakeGridOf(stake));
        const split = parts * effectiveStakeOf(stakeGridOf(stake / BigInt(parts)));
        expect(BigInt(split) * MT <= stake && BigInt(whole) * MT <= stake).toBe(true);
        expect(split <= whole + whole / 16 + 1).toBe(true);
      }),
      RUNS,
    );
  });
});

describe("the stake tree", () => {
  it("draws whom a walk over all members draws, whatever was changed before", () => {
    fc.assert(
      fc.property(moves, hashes, fc.integer({ min: 1, max: 410 }), (steps, seed, from) => {
        const tree = grown(steps);
        const lists = listed(steps);
        expect(tree.draw(seed, from, MAX_RANKS)).toEqual(drawnByWalking(lists, seed, from));
        const members = lists.slice(from).flat();
        expect(tree.countAtLeast(from)).toBe(members.length);
        expect(tree.weightAtLeast(from)).toBe(
          members.reduce((sum, index) => sum + effectiveStakeOf(tree.positionOf(index)), 0),
        );
      }),
      RUNS,
    );
  });

  it("is a value: later changes leave it as it was", () => {
    fc.assert(
      fc.property(moves, moves, (first, second) => {
        const tree = grown(first);
        const before = drawnOf(tree);
        second.reduce((later, { index, grid }) => later.move(index, grid), tree);
        expect(drawnOf(tree)).toEqual(before);
        expect(drawnOf(grown(first))).toEqual(before);
      }),
      RUNS,
    );
  });

  it("takes the largest registry indices, and refuses positions beyond the grid", () => {
    const tree = StakeTree.empty.move(2 ** 32 - 2, 5).move(40_000, 5);
    expect(new Set(tree.draw(seedOf(1), 1, 2))).toEqual(new Set([2 ** 32 - 2, 40_000]));
    expect(tree.move(2 ** 32 - 2, 0).draw(seedOf(1), 1, 2)).toEqual([40_000]);
    expect(() => tree.move(0, STAKE_GRID_POSITIONS)).toThrow(RangeError);
    expect(() => tree.move(2 ** 32, 1)).toThrow(RangeError);
  });

  it("nobody is drawn where nobody reaches the threshold", () => {
    const tree = StakeTree.empty.move(0, stakeGridOf(1_000n * MT));
    const draw = { tree, seed: seedOf(1), thresholdWei: 992n * MT };
    expect(drawSequencers(draw, 3)).toEqual([0]);
    expect(drawSequencer(draw, 0)).toBe(0);
    expect(drawSequencer(draw, 1)).toBeUndefined();
    expect(drawSequencers({ ...draw, thresholdWei: 993n * MT }, 3)).toEqual([]);
    expect(drawSequencers({ ...draw, thresholdWei: 2n ** 40n * MT }, 3)).toEqual([]);
    expect(drawSequencers({ ...draw, tree: StakeTree.empty, thresholdWei: 0n }, 3)).toEqual([]);
  });
});

describe("chances", () => {
  const grid = [20, 31, 40, 40, 41, 60, 75, 90];
  const tree = grown(grid.map((position, index) => ({ index, grid: position })));
  const weights = grid.map(effectiveStakeOf);
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const DRAWS = 40_000;
  /** chi-square with 7 degrees of freedom exceeds this with a chance of 2^-20 */
  const BOUND = 41.5;

  const chiSquare = (seen: readonly number[], chances: readonly number[]): number =>
    seen.reduce((total, count, i) => total + (count - DRAWS * chances[i]!) ** 2 / (DRAWS * chances[i]!), 0);

  it("of leading are in proportion to the effective stakes, of rank 1 to those that are left", () => {
    const leaders = grid.map(() => 0);
    const seconds = grid.map(() => 0);
    for (let seed = 0; seed < DRAWS; seed++) {
      const [leader, second] = tree.draw(seedOf(seed), 1, 2);
      leaders[leader!]!++;
      seconds[second!]!++;
    }
    const chances = weights.map((weight) => weight / sum);
    expect(chiSquare(leaders, chances)).toBeLessThan(BOUND);
    const secondChances = weights.map((weight, i) =>
      weights.reduce((total, other, j) => total + (i === j ? 0 : ((other / sum) * weight) / (sum - other)), 0),
    );
    expect(chiSquare(seconds, secondChances)).toBeLessThan(BOUND);
    // the measure tells a wrong proportion
    expect(
      chiSquare(
        leaders,
        weights.map(() => 1 / grid.length),
      ),
    ).toBeGreaterThan(BOUND);
  });
});

describe("the history of stakes", () => {
  it("tells each of the last four epochs as of its close, and forgets what is older than it has to keep", () => {
    fc.assert(
      fc.property(changes, fc.constantFrom(SNAPSHOT_EPOCHS, 9), (steps, kept) => {
        const history = new StakeHistory(kept);
        for (const step of steps) history.apply(step);
        const newest = steps.at(-1)?.epoch ?? 0n;
        for (let epoch = newest + 2n; epoch >= 0n && epoch > newest - BigInt(kept); epoch--)
          expect(drawnOf(history.snapshot(epoch))).toEqual(drawnOf(grown(steps.filter((step) => step.epoch <= epoch))));
      }),
      RUNS,
    );
    const history = new StakeHistory();
    for (let epoch = 1n; epoch < 9n; epoch++) history.apply({ epoch, index: 0, grid: Number(epoch) });
    expect(history.snapshot(5n).positionOf(0)).toBe(5);
    expect(() => history.snapshot(4n)).toThrow(RangeError);
  });

  it("changes that a reorganisation takes back leave no trace", () => {
    fc.assert(
      fc.property(changes, fc.nat({ max: 40 }), (steps, keep) => {
        const history = new StakeHistory();
        const straight = new StakeHistory();
        const undo: (() => void)[] = [];
        steps.forEach((step, i) => {
          const takeBack = history.apply(step);
          if (i >= keep) undo.push(takeBack);
          else straight.apply(step);
        });
        for (const takeBack of undo.toReversed()) takeBack();
        const newest = steps[Math.min(keep, steps.length) - 1]?.epoch ?? 0n;
        for (let epoch = newest; epoch >= 0n && epoch > newest - 4n; epoch--)
          expect(drawnOf(history.snapshot(epoch))).toEqual(drawnOf(straight.snapshot(epoch)));
      }),
      RUNS,
    );
  });

  it("refuses to go back, and to take changes back out of order", () => {
    const history = new StakeHistory();
    const takeBack = history.apply({ epoch: 5n, index: 0, grid: 1 });
    expect(() => history.apply({ epoch: 4n, index: 0, grid: 2 })).toThrow(RangeError);
    history.apply({ epoch: 5n, index: 1, grid: 1 });
    expect(takeBack).toThrow("reverse order");
    expect(() => new StakeHistory(3)).toThrow(RangeError);
  });

  it("a stake moved in and out within an epoch leaves every snapshot as it was", () => {
    const history = new StakeHistory();
    for (let index = 0; index < 6; index++) history.apply({ epoch: 7n, index, grid: 200 });
    const before = drawnOf(history.snapshot(7n));
    history.apply({ epoch: 8n, index: 9, grid: 400 });
    history.apply({ epoch: 8n, index: 9, grid: 0 });
    expect(drawnOf(history.snapshot(7n))).toEqual(before);
    expect(drawnOf(history.snapshot(8n))).toEqual(before);
  });
});

describe("vectors of elections", () => {
  type Vectors = {
    grid: { stakeWei: bigint; position: number; effectiveMT: number }[];
    thresholds: { thresholdWei: bigint; position: number }[];
    epochs: { epoch: bigint; epochBlocks: number; firstBlock: bigint; drawBlock: bigint }[];
    seeds: { epoch: bigint; prevRandao: Hash; randomness: Hash; chainId: bigint; slot: bigint; seed: Hash }[];
    draws: {
      moves: { index: number; position: number }[];
      draws: { seed: Hash; thresholdWei: bigint; ranks: number[] }[];
    }[];
  };
  const vectors = readVectors<Vectors>("election");

  it("grid, epochs, randomness and seeds", () => {
    for (const { stakeWei, position, effectiveMT } of vectors.grid) {
      expect(stakeGridOf(stakeWei)).toBe(position);
      expect(effectiveStakeOf(position)).toBe(effectiveMT);
    }
    for (const { thresholdWei, position } of vectors.thresholds) expect(stakeGridReaching(thresholdWei)).toBe(position);
    for (const { epoch, epochBlocks, firstBlock, drawBlock } of vectors.epochs) {
      expect(firstBlockOf(epoch, epochBlocks)).toBe(firstBlock);
      expect(drawBlockOf(epoch, epochBlocks)).toBe(drawBlock);
    }
    for (const { epoch, prevRandao, randomness, chainId, slot, seed } of vectors.seeds) {
      expect(epochRandomness(epoch, prevRandao)).toBe(randomness);
      expect(slotSeed(randomness, toChainId(chainId), slot)).toBe(seed);
    }
  });

  it("draws, after changes in the order of L1's events", () => {
    for (const { moves: steps, draws } of vectors.draws) {
      const tree = grown(steps.map(({ index, position }) => ({ index, grid: position })));
      for (const { seed, thresholdWei, ranks } of draws)
        expect(drawSequencers({ tree, seed, thresholdWei }, MAX_RANKS)).toEqual(ranks);
    }
  });
});
