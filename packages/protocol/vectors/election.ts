/**
 * Elections of sequencers: the grid of effective stakes by strings of binary digits, epochs and seeds by ethers' hashes,
 * draws by lining up whole MT one by one.
 */
import { concat, keccak256 } from "ethers";
import { hashNamed, tagged, word } from "./format.ts";

const MT = 10n ** 18n;

/** Five leading binary digits, the rest zeros. */
function rounded(stake: bigint): bigint {
  const digits = stake.toString(2);
  return BigInt(`0b${digits.slice(0, 5).padEnd(digits.length, "0")}`);
}

/** Every value of the grid, ascending, from 0. */
const VALUES: readonly bigint[] = [
  ...Array.from({ length: 16 }, (_, value) => BigInt(value)),
  ...Array.from({ length: 28 }, (_, zeros) =>
    Array.from({ length: 16 }, (_, digits) => BigInt(`0b${(16 + digits).toString(2)}${"0".repeat(zeros)}`)),
  ).flat(),
];

const STAKES_MT = [0n, 1n, 15n, 16n, 31n, 32n, 33n, 34n, 1_000n, 9_999n, 10_000n, 1_234_567n, 2n ** 31n, 2n ** 32n - 1n];

const gridVectors = () =>
  STAKES_MT.flatMap((stake) => [stake * MT, stake * MT + MT - 1n]).map((stakeWei) => {
    const value = rounded(stakeWei / MT);
    return { stakeWei, position: VALUES.indexOf(value), effectiveMT: Number(value) };
  });

const reaching = (thresholdWei: bigint): number => {
  const found = VALUES.findIndex((value, position) => position > 0 && value * MT >= thresholdWei);
  return found === -1 ? VALUES.length : found;
};

const thresholdVectors = () =>
  STAKES_MT.flatMap((stake) => [stake * MT, stake * MT + 1n]).map((thresholdWei) => ({
    thresholdWei,
    position: reaching(thresholdWei),
  }));

const epochVectors = () => [
  { epoch: 1n, epochBlocks: 8, firstBlock: 8n, drawBlock: 6n },
  { epoch: 750_000n, epochBlocks: 32, firstBlock: 24_000_000n, drawBlock: 23_999_992n },
  { epoch: 10n, epochBlocks: 7, firstBlock: 70n, drawBlock: 69n },
];

const seedVectors = () =>
  [
    [1n, 77n],
    [750_000n, 4503599627370475n],
  ].map(([epoch, chainId]) => {
    const prevRandao = hashNamed(`randao of ${epoch}`);
    const randomness = tagged("mvm/beacon/1", word(epoch!), prevRandao);
    const seed = tagged("mvm/slot/1", randomness, word(chainId!), word(epoch!));
    return { epoch, prevRandao, randomness, chainId, slot: epoch, seed };
  });

type Move = { readonly index: number; readonly position: number };

/** Members in the order of positions, then of places. */
function lineUp(moves: readonly Move[]): Move[] {
  const lists = new Map<number, number[]>();
  for (const { index, position } of moves) {
    const from = [...lists.entries()].find(([, list]) => list.includes(index));
    if (from !== undefined && from[0] === position) continue;
    if (from !== undefined) {
      const list = from[1];
      list[list.indexOf(index)] = list.at(-1)!;
      list.pop();
    }
    if (position > 0) lists.set(position, [...(lists.get(position) ?? []), index]);
  }
  const ascending = [...lists.entries()].sort(([left], [right]) => left - right);
  return ascending.flatMap(([position, list]) => list.map((index) => ({ index, position })));
}

function ranksOf(line: readonly Move[], seed: string, from: number): number[] {
  let tokens = line.flatMap(({ index, position }) =>
    position < from ? [] : Array.from({ length: Number(VALUES[position]) }, () => index),
  );
  const ranks: number[] = [];
  while (tokens.length > 0 && ranks.length < 8) {
    const drawn = tokens[Number(BigInt(keccak256(concat([seed, word(ranks.length)]))) % BigInt(tokens.length))]!;
    ranks.push(drawn);
    tokens = tokens.filter((index) => index !== drawn);
  }
  return ranks;
}

const SEQUENCES: readonly (readonly Move[])[] = [
  [],
  [{ index: 4, position: 60 }],
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((index) => ({ index, position: 40 + 7 * (index % 4) })),
  [
    ...[0, 1, 2, 3, 4, 5].map((index) => ({ index, position: 50 })),
    { index: 1, position: 64 },
    { index: 5, position: 0 },
    { index: 0, position: 50 },
    { index: 0, position: 63 },
    { index: 6, position: 50 },
    { index: 1, position: 50 },
    { index: 5, position: 64 },
  ],
];

const drawVectors = () =>
  SEQUENCES.map((moves) => ({
    moves,
    draws: [0n, 150n * MT, 200n * MT + 1n].flatMap((thresholdWei) =>
      ["first", "second", "third"].map((name) => {
        const seed = hashNamed(`${name} seed`);
        return { seed, thresholdWei, ranks: ranksOf(lineUp(moves), seed, reaching(thresholdWei)) };
      }),
    ),
  }));

export const electionVectors = () => ({
  grid: gridVectors(),
  thresholds: thresholdVectors(),
  epochs: epochVectors(),
  seeds: seedVectors(),
  draws: drawVectors(),
});
