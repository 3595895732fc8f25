/**
 * Sequencers by effective stake, as StakeTree.sol has them at one moment: a value, so that an epoch's snapshot is just
 * the tree at its close, and a reorganisation of L1 is answered by taking an older one. The members of a position stand in
 * places 0, 1, ...: a new one takes the next place; when one leaves, the last one takes its place. Changes have to be
 * made in the order of L1's StakeChanged events, for the order of places decides who is drawn.
 */
import { keccak } from "../hash.ts";
import { bytesToBigInt, concatBytes, fromHex, toWord } from "../hex.ts";
import type { Hash } from "../primitives.ts";
import { PersistentArray } from "./persistentArray.ts";
import { effectiveStakeOf, STAKE_GRID_POSITIONS, stakeGridReaching } from "./stakeGrid.ts";

/** Ranks that a draw has on L1: 0 to MAX_RANKS - 1. */
export const MAX_RANKS = 8;

type Seat = { readonly position: number; readonly place: number };
type Members = { readonly count: number; readonly places: PersistentArray<number> };
/** A drawn member as an interval of the line on which all members lie one after the other, each as long as its stake. */
type Interval = { readonly start: number; readonly weight: number };

const NOBODY: Members = { count: 0, places: PersistentArray.empty() };

export class StakeTree {
  static readonly empty = new StakeTree(PersistentArray.empty(), PersistentArray.empty());

  readonly #positions: PersistentArray<Members>;
  readonly #seats: PersistentArray<Seat | undefined>;
  /** where each position begins on the line, and where the last one ends; made at the first draw */
  #starts: Float64Array | undefined;

  private constructor(positions: PersistentArray<Members>, seats: PersistentArray<Seat | undefined>) {
    this.#positions = positions;
    this.#seats = seats;
  }

  /** The tree with a sequencer (by registry index) at a position of the grid; 0 takes it out. Throws RangeError beyond the grid. */
  move(index: number, position: number): StakeTree {
    if (!Number.isInteger(position) || position < 0 || position >= STAKE_GRID_POSITIONS)
      throw new RangeError(`no position of the grid: ${position}`);
    const seat = this.#seats.get(index);
    if ((seat?.position ?? 0) === position) return this;
    let positions = this.#positions;
    let seats = this.#seats;
    if (seat !== undefined) {
      const { count, places } = this.#membersAt(seat.position);
      const last = places.get(count - 1)!;
      positions = positions.with(seat.position, { count: count - 1, places: places.with(seat.place, last) });
      seats = seats.with(last, seat);
    }
    if (position === 0) return new StakeTree(positions, seats.with(index, undefined));
    const { count, places } = this.#membersAt(position);
    positions = positions.with(position, { count: count + 1, places: places.with(count, index) });
    return new StakeTree(positions, seats.with(index, { position, place: count }));
  }

  /** A sequencer's position on the grid; 0 if it is not in the tree. */
  positionOf(index: number): number {
    return this.#seats.get(index)?.position ?? 0;
  }

  /** Sum of the effective stakes at or above a position (1 to STAKE_GRID_POSITIONS), in whole MT. */
  weightAtLeast(position: number): number {
    const starts = this.#line();
    return starts[STAKE_GRID_POSITIONS]! - starts[position]!;
  }

  /** Number of sequencers at or above a position. */
  countAtLeast(position: number): number {
    let count = 0;
    for (let at = position; at < STAKE_GRID_POSITIONS; at++) count += this.#membersAt(at).count;
    return count;
  }

  /**
   * Registry indices of ranks 0, 1, ... among the sequencers at or above a position, drawn without replacement, each with
   * a chance in proportion to its effective stake: at most `ranks` of them, fewer where fewer are there.
   */
  draw(seed: Hash, position: number, ranks: number): readonly number[] {
    if (position >= STAKE_GRID_POSITIONS) return [];
    const begin = this.#line()[position]!;
    let remaining = this.weightAtLeast(position);
    const drawn: number[] = [];
    const intervals: Interval[] = [];
    while (drawn.length < ranks && remaining > 0) {
      const random = bytesToBigInt(keccak(concatBytes(fromHex(seed), toWord(BigInt(drawn.length)))));
      let point = begin + Number(random % BigInt(remaining));
      for (const { start, weight } of intervals) {
        if (point < start) break;
        point += weight;
      }
      const { index, interval } = this.#memberAt(point);
      drawn.push(index);
      intervals.push(interval);
      intervals.sort((left, right) => left.start - right.start);
      remaining -= interval.weight;
    }
    return drawn;
  }

  #membersAt(position: number): Members {
    return this.#positions.get(position) ?? NOBODY;
  }

  #line(): Float64Array {
    if (this.#starts !== undefined) return this.#starts;
    const starts = new Float64Array(STAKE_GRID_POSITIONS + 1);
    for (let position = 0; position < STAKE_GRID_POSITIONS; position++)
      starts[position + 1] = starts[position]! + this.#membersAt(position).count * effectiveStakeOf(position);
    this.#starts = starts;
    return starts;
  }

  #memberAt(point: number): { readonly index: number; readonly interval: Interval } {
    const starts = this.#line();
    let position = 0;
    while (starts[position + 1]! <= point) position++;
    const weight = effectiveStakeOf(position);
    const place = Math.floor((point - starts[position]!) / weight);
    const index = this.#membersAt(position).places.get(place)!;
    return { index, interval: { start: starts[position]! + place * weight, weight } };
  }
}

/** What a draw of sequencers takes. */
export type SequencerDraw = {
  /** the tree at the close of epoch slot - SNAPSHOT_DISTANCE */
  readonly tree: StakeTree;
  /** for slots, `slotSeed` */
  readonly seed: Hash;
  /** smallest stake, wei of MT: the DAC's threshold in the same snapshot */
  readonly thresholdWei: bigint;
};

/** Registry indices of the first `ranks` ranks, leader first; fewer where fewer sequencers reach the threshold. */
export function drawSequencers({ tree, seed, thresholdWei }: SequencerDraw, ranks: number): readonly number[] {
  return tree.draw(seed, stakeGridReaching(thresholdWei), ranks);
}

/** Registry index of the sequencer of a rank (0 leads), or undefined where fewer reach the threshold; as SequencerPool.draw. */
export function drawSequencer(draw: SequencerDraw, rank: number): number | undefined {
  return drawSequencers(draw, rank + 1)[rank];
}
