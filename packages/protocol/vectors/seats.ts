/** Seats of jobs: the line of providers whole MT by whole MT, and the Merkle sum tree over all places, level by level, by ethers' hashes. */
import { concat, keccak256 } from "ethers";
import { addressNamed, fillNamed, hashNamed, tagged, word } from "./format.ts";

const PLACES = 4_096;
type Seated = { readonly place: number; readonly index: number; readonly weight: number };
type Node = { readonly word: bigint; readonly weight: bigint };

const operatorOf = (index: number): string => addressNamed(`provider ${index}`);
const keyOf = (index: number): string => fillNamed(`key of provider ${index}`, 48);
const NOBODY: Node = { word: 0n, weight: 0n };

/** A hash whose last 32 bits are a weight. */
const weighed = (hash: string, weight: bigint): Node => ({
  word: BigInt(`${hash.slice(0, -8)}${weight.toString(16).padStart(8, "0")}`),
  weight,
});

const leaf = ({ index, weight }: Seated): Node =>
  weighed(tagged("mvm/seat-leaf/1", word(index), operatorOf(index), keccak256(keyOf(index))), BigInt(weight));

const over = (left: Node, right: Node): Node =>
  left.word === 0n && right.word === 0n
    ? NOBODY
    : weighed(keccak256(concat([word(left.word), word(right.word)])), left.weight + right.weight);

/** Levels of the tree, leaves first. */
function levelsOf(seated: readonly Seated[]): Node[][] {
  const leaves = Array.from({ length: PLACES }, (_, place) => {
    const here = seated.find((one) => one.place === place);
    return here === undefined ? NOBODY : leaf(here);
  });
  const levels = [leaves];
  for (let below = leaves; below.length > 1; levels.push(below))
    below = Array.from({ length: below.length / 2 }, (_, i) => over(below[2 * i]!, below[2 * i + 1]!));
  return levels;
}

const LINES: readonly (readonly Seated[])[] = [
  [],
  [{ place: 0, index: 0, weight: 10 }],
  [
    { place: 0, index: 7, weight: 100 },
    { place: 1, index: 1, weight: 1 },
    { place: 2, index: 2, weight: 37 },
    { place: 5, index: 3, weight: 250 },
    { place: 4_095, index: 65_536, weight: 12 },
  ],
];

export const seatVectors = () =>
  LINES.map((seated) => {
    const levels = levelsOf(seated);
    const line = seated.flatMap(({ index, weight }) => Array.from({ length: weight }, () => index));
    const jobs = line.length === 0 ? [] : ["job a", "job b", "job c"].map(hashNamed);
    return {
      providers: seated.map((one) => ({
        ...one,
        operator: operatorOf(one.index),
        blsPublicKey: keyOf(one.index),
        siblings: levels.slice(0, -1).map((level, depth) => word(level[(one.place >> depth) ^ 1]!.word)),
      })),
      root: word(levels.at(-1)![0]!.word),
      total: line.length,
      jobs: jobs.map((jobId) => ({
        jobId,
        holders: [0, 1, 2, 3].map(
          (seat) => line[Number(BigInt(keccak256(concat([jobId, word(seat)]))) % BigInt(line.length))]!,
        ),
      })),
    };
  });
