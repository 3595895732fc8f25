/**
 * The grid of effective stakes, as StakeGrid.sol has it: a stake counts as whole MT, rounded down to five significant
 * bits. Position g has the value g below 32 and (16 + g % 16) * 2^(g / 16 - 1) from there on; position 0 is no stake.
 */

/** Positions that a stake can have: 0 to STAKE_GRID_POSITIONS - 1. */
export const STAKE_GRID_POSITIONS = 464;
const MT = 10n ** 18n;
const MAX_STAKE = 2n ** 32n - 1n;

const floor = (stake: number): number => {
  if (stake < 32) return stake;
  const exponent = 31 - Math.clz32(stake) - 4;
  return 16 * exponent + Math.floor(stake / 2 ** exponent);
};

/** Position of a stake in wei of MT: that of the largest value not above it. From 2^32 MT on it counts as 2^32 - 1 MT. */
export function stakeGridOf(stakeWei: bigint): number {
  const stake = stakeWei / MT;
  return floor(Number(stake > MAX_STAKE ? MAX_STAKE : stake));
}

/** First position, from 1 on, whose value reaches a threshold in wei of MT; STAKE_GRID_POSITIONS where none does. */
export function stakeGridReaching(thresholdWei: bigint): number {
  if (thresholdWei <= MT) return 1;
  const threshold = (thresholdWei - 1n) / MT + 1n;
  if (threshold > MAX_STAKE) return STAKE_GRID_POSITIONS;
  const position = floor(Number(threshold));
  return BigInt(effectiveStakeOf(position)) === threshold ? position : position + 1;
}

/** Effective stake of a position below STAKE_GRID_POSITIONS, in whole MT; less than 2^32. */
export function effectiveStakeOf(position: number): number {
  return position < 32 ? position : (16 + (position % 16)) * 2 ** (Math.floor(position / 16) - 1);
}
