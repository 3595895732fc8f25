/** Pearson's chi-square test of counts against equal shares. */

/** Regularised upper incomplete gamma function Q(s, x) for positive x: by the series of P below s + 1, else by the continued fraction (DLMF 8.7.1, 8.9.2). */
function upperGamma(s: number, x: number): number {
  if (x <= 0) return 1;
  const scale = Math.exp(s * Math.log(x) - x - logGamma(s));
  if (x < s + 1) {
    let term = 1 / s;
    let sum = term;
    for (let n = 1; term > sum * PRECISION; n++) {
      term *= x / (s + n);
      sum += term;
    }
    return 1 - scale * sum;
  }
  // Lentz's method for 1 / (x + 1 - s - 1(1-s) / (x + 3 - s - ...)).
  let b = x + 1 - s;
  let c = Number.MAX_VALUE;
  let d = 1 / b;
  let fraction = d;
  for (let n = 1; ; n++) {
    const a = -n * (n - s);
    b += 2;
    d = 1 / (a * d + b);
    c = b + a / c;
    fraction *= c * d;
    if (Math.abs(c * d - 1) < PRECISION) return scale * fraction;
  }
}

const PRECISION = 1e-15;

/** ln Gamma(s) for positive multiples of 1/2, which is all that whole degrees of freedom need. */
function logGamma(s: number): number {
  let value = Number.isInteger(s) ? 0 : Math.log(Math.PI) / 2;
  for (let at = Number.isInteger(s) ? 1 : 0.5; at < s; at++) value += Math.log(at);
  return value;
}

export type Fit = { readonly chiSquare: number; readonly degreesOfFreedom: number; readonly pValue: number };

/** Fit of counts to shares in proportion to positive weights; at least two counts, not all zero, as many weights. */
export function fitToShares(counts: readonly number[], weights: readonly number[]): Fit {
  const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
  const each = sumOf(counts) / sumOf(weights);
  const chiSquare = sumOf(counts.map((count, i) => (count - each * weights[i]!) ** 2 / (each * weights[i]!)));
  const degreesOfFreedom = counts.length - 1;
  return { chiSquare, degreesOfFreedom, pValue: upperGamma(degreesOfFreedom / 2, chiSquare / 2) };
}
