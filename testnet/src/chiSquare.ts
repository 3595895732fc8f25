/** Pearson's chi-square test of counts against equal shares. */

/** Regularised lower incomplete gamma function P(s, x), by its series (DLMF 8.7.1); for the moderate x of such tests. */
function lowerGamma(s: number, x: number): number {
  if (x <= 0) return 0;
  let term = 1 / s;
  let sum = term;
  for (let n = 1; term > sum * 1e-15; n++) {
    term *= x / (s + n);
    sum += term;
  }
  return Math.min(1, sum * Math.exp(s * Math.log(x) - x - logGamma(s)));
}

/** ln Gamma(s) for positive multiples of 1/2, which is all that whole degrees of freedom need. */
function logGamma(s: number): number {
  let value = Number.isInteger(s) ? 0 : Math.log(Math.PI) / 2;
  for (let at = Number.isInteger(s) ? 1 : 0.5; at < s; at++) value += Math.log(at);
  return value;
}

export type Fit = { readonly chiSquare: number; readonly degreesOfFreedom: number; readonly pValue: number };

/** Fit of counts to equal shares; at least two counts, not all zero. */
export function fitToEqualShares(counts: readonly number[]): Fit {
  const expected = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  const degreesOfFreedom = counts.length - 1;
  return { chiSquare, degreesOfFreedom, pValue: 1 - lowerGamma(degreesOfFreedom / 2, chiSquare / 2) };
}
