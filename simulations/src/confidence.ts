/** What a measured figure says of the true one: bounds that hold but once in a thousand measurements. */

/** Standard deviations of a normal distribution that hold all but a thousandth. */
const SCORE = 3.29;

export type Bounds = { readonly low: number; readonly high: number };

/** Bounds of a probability, by Wilson's score. */
export function boundsOfRate(hits: number, tries: number): Bounds {
  const rate = hits / tries;
  const square = SCORE ** 2 / tries;
  const middle = (rate + square / 2) / (1 + square);
  const half = (SCORE / (1 + square)) * Math.sqrt((rate * (1 - rate)) / tries + square / (4 * tries));
  return { low: Math.max(0, middle - half), high: middle + half };
}

export const meanOf = (samples: readonly number[]): number =>
  samples.reduce((sum, sample) => sum + sample, 0) / samples.length;

/** Bounds of a mean, by the samples' own variance. */
export function boundsOfMean(samples: readonly number[]): Bounds {
  const mean = meanOf(samples);
  const variance = samples.reduce((sum, sample) => sum + (sample - mean) ** 2, 0) / (samples.length - 1);
  const half = SCORE * Math.sqrt(variance / samples.length);
  return { low: mean - half, high: mean + half };
}

export const isWithin = (value: number, { low, high }: Bounds): boolean => low <= value && value <= high;

export const rounded = (value: number, digits = 5): number => Math.round(value * 10 ** digits) / 10 ** digits;
