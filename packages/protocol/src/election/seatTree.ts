/**
 * Providers by stake, as SeatTree.sol has them at one moment: a value, so that an epoch's snapshot is just the tree at its
 * close. All providers lie one after the other on a line, each as long as its stake in whole MT, and a seat is a point of it: who
 * splits a stake gains nothing, and one provider may hold several seats of a job. Over the places stands a Merkle sum tree, by
 * which L1 can be shown who holds a seat.
 */
import { keccak, taggedHash } from "../hash.ts";
import { bytesToBigInt, concatBytes, fromHex, toWord } from "../hex.ts";
import type { Address, Hash, Hex, JobId } from "../primitives.ts";
import { PersistentArray } from "./persistentArray.ts";

/** Levels above the leaves. */
export const SEAT_TREE_DEPTH = 12;
/** Places for providers. */
export const SEAT_PLACES = 1 << SEAT_TREE_DEPTH;
/** Bits of a word that hold a weight. */
const WEIGHT_BITS = 32n;
const MAX_WEIGHT = 2 ** 32 - 1;

/** A provider as a leaf commits to it. */
export type Seated = {
  /** registry index */
  readonly index: number;
  readonly operator: Address;
  /** 48 bytes, compressed */
  readonly blsPublicKey: Hex;
};

type Leaf = Seated & { readonly weight: number };

/** Who holds a point: the provider, its place, its stake in whole MT. */
export type SeatHolder = Leaf & { readonly place: number };

/** Whole MT of a stake in wei: what it weighs. */
export const seatWeightOf = (stakeWei: bigint): number => Number(stakeWei / 10n ** 18n);

/** Word of a leaf: 224 bits of taggedHash("mvm/seat-leaf/1", uint256 index, operator, keccak256(key)), then the weight; 0 for nobody. */
function leafWord(leaf: Leaf | undefined): bigint {
  if (leaf === undefined) return 0n;
  const { index, operator, blsPublicKey, weight } = leaf;
  const hash = taggedHash("mvm/seat-leaf/1", toWord(BigInt(index)), operator, keccak(fromHex(blsPublicKey)));
  return withWeight(BigInt(hash), BigInt(weight));
}

const withWeight = (hash: bigint, weight: bigint): bigint => ((hash >> WEIGHT_BITS) << WEIGHT_BITS) | weight;
const weightIn = (word: bigint): bigint => BigInt.asUintN(Number(WEIGHT_BITS), word);

/** Word over two others: 224 bits of keccak256(left || right), then the sum of their weights; 0 over two zeros. */
function nodeWord(left: bigint, right: bigint): bigint {
  if (left === 0n && right === 0n) return 0n;
  const hash = bytesToBigInt(keccak(concatBytes(toWord(left), toWord(right))));
  return withWeight(hash, weightIn(left) + weightIn(right));
}

export class SeatTree {
  static readonly empty = new SeatTree(PersistentArray.empty(), PersistentArray.empty());

  readonly #leaves: PersistentArray<Leaf | undefined>;
  /** sums by number of the node: 1 is the root, 2n and 2n + 1 are the children of n, SEAT_PLACES + p is the leaf of place p */
  readonly #sums: PersistentArray<number>;

  private constructor(leaves: PersistentArray<Leaf | undefined>, sums: PersistentArray<number>) {
    this.#leaves = leaves;
    this.#sums = sums;
  }

  /** Sum of all stakes, whole MT. */
  get total(): number {
    return this.#sums.get(1) ?? 0;
  }

  /**
   * The tree with a provider of a weight (whole MT) at a place; a weight of 0 empties it. Throws RangeError for a place or a weight
   * that SeatTree.sol would not take.
   */
  put(place: number, seated: Seated, weight: number): SeatTree {
    if (!Number.isInteger(place) || place < 0 || place >= SEAT_PLACES) throw new RangeError(`no such place: ${place}`);
    const change = weight - (this.#leaves.get(place)?.weight ?? 0);
    if (!Number.isInteger(weight) || weight < 0 || this.total + change > MAX_WEIGHT)
      throw new RangeError(`no weight of the tree: ${weight}`);
    let sums = this.#sums;
    for (let node = SEAT_PLACES + place; node > 0; node >>= 1) sums = sums.with(node, (sums.get(node) ?? 0) + change);
    const { index, operator, blsPublicKey } = seated;
    return new SeatTree(
      this.#leaves.with(place, weight === 0 ? undefined : { index, operator, blsPublicKey, weight }),
      sums,
    );
  }

  /** Who holds a point of the line, 0 to total - 1. Throws RangeError beyond it. */
  holderAt(point: number): SeatHolder {
    if (!(point >= 0 && point < this.total)) throw new RangeError(`no point of the line: ${point}`);
    let node = 1;
    let rest = point;
    while (node < SEAT_PLACES) {
      const left = this.#sums.get(2 * node) ?? 0;
      node = rest < left ? 2 * node : 2 * node + 1;
      if (node % 2 === 1) rest -= left;
    }
    const place = node - SEAT_PLACES;
    return { ...this.#leaves.get(place)!, place };
  }

  /**
   * Holders of a job's seats 0 to count - 1: seat j is the point keccak256(jobId || uint256 j) modulo the total. None where
   * there are no providers.
   */
  seatsOf(jobId: JobId, count: number): readonly SeatHolder[] {
    const { total } = this;
    if (total === 0) return [];
    return Array.from({ length: count }, (_, seat) => {
      const random = bytesToBigInt(keccak(concatBytes(fromHex(jobId), toWord(BigInt(seat)))));
      return this.holderAt(Number(random % BigInt(total)));
    });
  }

  /** Root of the Merkle sum tree: 32 bytes, its weight in the last four. */
  root(): Hash {
    return `0x${this.#word(1).toString(16).padStart(64, "0")}` as Hash;
  }

  /** Words beside the path of a place, from the leaf up: SEAT_TREE_DEPTH of them. */
  siblingsOf(place: number): readonly bigint[] {
    return Array.from({ length: SEAT_TREE_DEPTH }, (_, level) => this.#word(((SEAT_PLACES + place) >> level) ^ 1));
  }

  #word(node: number): bigint {
    if ((this.#sums.get(node) ?? 0) === 0) return 0n;
    if (node >= SEAT_PLACES) return leafWord(this.#leaves.get(node - SEAT_PLACES));
    return nodeWord(this.#word(2 * node), this.#word(2 * node + 1));
  }
}
